-- Which invitation of a staff member is live, as for portal users: a mail that was overtaken by another invitation, or
-- by the end of the account, is not sent.
ALTER TABLE read.staff ADD COLUMN invitation_id uuid;

-- Rows that are there already: the last invitation of those who are still invited, from the events up to their row.
UPDATE read.staff s
SET invitation_id = (
    SELECT (e.envelope::jsonb #>> '{data,invitation,id}')::uuid
    FROM ledger.event e
    JOIN read.checkpoint c
      ON c.org_id = e.org_id AND c."group" = 'portal' AND c.generation = s.generation AND e.position <= c.position
    WHERE e.org_id = s.org_id AND e.stream_id = s.staff_id AND e.stream_kind = 'staff'
      AND e.type IN ('staff.added', 'staff.invited')
    ORDER BY e.position DESC
    LIMIT 1
)
WHERE s.status = 'invited';
