-- Who may touch what. Roles belong to the whole server, so several databases may try to make them at once.
--
-- countersign_ledger  owns the functions that write the ledger. Cannot log in. Bypasses row security, because one batch
--                     spans organizations; may insert into the ledger's tables and nothing else.
-- countersign_app     what the application works as: no superuser, no bypass, no write right on the ledger.
DO $$
BEGIN
    CREATE ROLE countersign_ledger NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE BYPASSRLS;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;

DO $$
BEGIN
    CREATE ROLE countersign_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;

CREATE SCHEMA ledger;
CREATE SCHEMA vault;
CREATE SCHEMA identity;
CREATE SCHEMA read;

GRANT USAGE ON SCHEMA ledger, vault, identity, read TO countersign_app;
GRANT USAGE ON SCHEMA ledger, read TO countersign_ledger;

-- The organization that a transaction works for, named by the application in its first statement. Row security asks
-- this; a transaction that names none sees no row of any organization.
CREATE FUNCTION ledger.current_org() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('countersign.org', true), '')::uuid;

GRANT EXECUTE ON FUNCTION ledger.current_org() TO countersign_app, countersign_ledger;
