-- Whoever follows takes several ledgers at once: a thousand small ones, an event each, are then one transaction instead of
-- a thousand. Row security shows such a transaction exactly the organizations that it names, and what only answers a
-- question is bound to one, as ever: following is a role of its own, which the application takes on for a transaction.

-- countersign_follower  what the application works as while it follows: no superuser, no bypass, cannot log in.
DO $$
BEGIN
    CREATE ROLE countersign_follower NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;

-- The application may become it, and is not it: what the policies below let through must not be added to its own. Roles
-- belong to the whole server, so several databases may change this one at once: then one of them looks again.
DO $$
BEGIN
    WHILE (SELECT rolinherit FROM pg_catalog.pg_roles WHERE rolname = 'countersign_app') LOOP
        BEGIN
            ALTER ROLE countersign_app NOINHERIT;
        EXCEPTION WHEN internal_error THEN
            PERFORM pg_catalog.pg_sleep(0.05);
        END;
    END LOOP;
    WHILE NOT EXISTS (
        SELECT FROM pg_catalog.pg_auth_members m
        WHERE m.roleid = 'countersign_follower'::regrole AND m.member = 'countersign_app'::regrole
    ) LOOP
        BEGIN
            GRANT countersign_follower TO countersign_app;
        EXCEPTION WHEN unique_violation OR internal_error THEN
            PERFORM pg_catalog.pg_sleep(0.05);
        END;
    END LOOP;
END $$;

-- The organizations that a transaction follows, named in its first statement; none where it names none.
CREATE FUNCTION ledger.current_orgs() RETURNS uuid[]
LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('countersign.orgs', true), '')::uuid[];
REVOKE ALL ON FUNCTION ledger.current_orgs() FROM public;
GRANT EXECUTE ON FUNCTION ledger.current_orgs() TO countersign_follower;

-- It reads events, writes rows, begins checkpoints and moves them under its node's leases, and puts on the agenda what
-- follows.
GRANT USAGE ON SCHEMA ledger, read, process, node TO countersign_follower;
GRANT SELECT ON ledger.event, read.active_generation, read.parked, node.lease, node.member TO countersign_follower;
GRANT SELECT, INSERT, UPDATE ON read.checkpoint TO countersign_follower;
GRANT SELECT, INSERT ON process.agenda TO countersign_follower;

-- Hashed once a statement, and no condition of an index, which would sort them anew for every row that is looked up.
CREATE POLICY followed_organizations ON ledger.event TO countersign_follower
    USING (org_id IN (SELECT unnest(ledger.current_orgs())));
CREATE POLICY followed_organizations ON read.active_generation TO countersign_follower
    USING (org_id IN (SELECT unnest(ledger.current_orgs())));
CREATE POLICY followed_organizations ON read.checkpoint TO countersign_follower
    USING (org_id IN (SELECT unnest(ledger.current_orgs())));
CREATE POLICY followed_organizations ON read.parked TO countersign_follower
    USING (org_id IN (SELECT unnest(ledger.current_orgs())));
CREATE POLICY followed_organizations ON process.agenda TO countersign_follower
    USING (org_id IN (SELECT unnest(ledger.current_orgs())));

DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT t.table_name FROM read.group_table t WHERE t."group" <> 'access' LOOP
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON read.%I TO countersign_follower', name);
        EXECUTE format('CREATE POLICY followed_organizations ON read.%I TO countersign_follower USING (org_id IN (SELECT unnest(ledger.current_orgs())))', name);
    END LOOP;
END $$;
