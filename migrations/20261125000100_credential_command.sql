-- With which command a password was set: of several people who accept one invitation at once, exactly the one whose
-- password counts is told so. Null in rows from before.
ALTER TABLE identity.credential ADD COLUMN set_by uuid;
