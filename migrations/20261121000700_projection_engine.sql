-- How far each ledger has been projected, what was parked, and how generations of read models come and go.

-- Which tables a group is made of: what a new generation needs partitions of.
CREATE TABLE read.group_table (
    "group"    text NOT NULL,
    table_name text NOT NULL,
    CONSTRAINT group_table_pk PRIMARY KEY (table_name)
);
INSERT INTO read.group_table ("group", table_name)
VALUES ('access', 'access_subject'), ('access', 'access_project'), ('access', 'access_grant');

-- A ledger's place in a generation of a group: everything up to `position` is in its rows, nothing after.
CREATE TABLE read.checkpoint (
    "group"    text    NOT NULL,
    generation integer NOT NULL,
    org_id     uuid    NOT NULL,
    position   bigint  NOT NULL,
    CONSTRAINT checkpoint_pk PRIMARY KEY (org_id, "group", generation)
);

-- An organization whose next event a group cannot project. The group goes on with everybody else.
CREATE TABLE read.parked (
    "group"    text        NOT NULL,
    generation integer     NOT NULL,
    org_id     uuid        NOT NULL,
    position   bigint      NOT NULL,
    reason     text        NOT NULL,
    parked_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT parked_pk PRIMARY KEY (org_id, "group", generation)
);

GRANT SELECT ON read.group_table TO countersign_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON read.checkpoint, read.parked TO countersign_app;
ALTER TABLE read.checkpoint ENABLE ROW LEVEL SECURITY;
ALTER TABLE read.checkpoint FORCE ROW LEVEL SECURITY;
CREATE POLICY one_organization ON read.checkpoint TO countersign_app USING (org_id = ledger.current_org()) WITH CHECK (org_id = ledger.current_org());
ALTER TABLE read.parked ENABLE ROW LEVEL SECURITY;
ALTER TABLE read.parked FORCE ROW LEVEL SECURITY;
CREATE POLICY one_organization ON read.parked TO countersign_app USING (org_id = ledger.current_org()) WITH CHECK (org_id = ledger.current_org());

-- A new, empty generation of a group, with a partition of each of its tables. A partition is made apart and attached, so
-- that nobody who reads or writes the other generations waits.
CREATE FUNCTION read.create_generation(of_group text) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    fresh integer;
    name text;
BEGIN
    -- One at a time: two rebuilds of a group may begin together.
    PERFORM pg_advisory_xact_lock(hashtext('countersign.generation.' || of_group));
    SELECT max(g.generation) + 1 INTO STRICT fresh FROM read.generation g WHERE g."group" = of_group;
    IF fresh IS NULL THEN
        RAISE EXCEPTION 'there is no group of read models named %', of_group USING ERRCODE = 'invalid_parameter_value';
    END IF;
    FOR name IN SELECT t.table_name FROM read.group_table t WHERE t."group" = of_group ORDER BY t.table_name LOOP
        EXECUTE format('CREATE TABLE read.%I (LIKE read.%I INCLUDING ALL)', name || '_g' || fresh, name);
        EXECUTE format('ALTER TABLE read.%I ATTACH PARTITION read.%I FOR VALUES IN (%s)', name, name || '_g' || fresh, fresh);
    END LOOP;
    INSERT INTO read.generation ("group", generation, state) VALUES (of_group, fresh, 'building');
    RETURN fresh;
END $$;

-- Puts one organization's readers on a generation. Called with the ledger's lock held, at position = head, so that no
-- reader goes back in time.
CREATE FUNCTION read.activate(of_org uuid, of_group text, new_generation integer) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE read.active_generation a SET generation = new_generation
    WHERE a.org_id = of_org AND a."group" = of_group AND a.generation <= new_generation;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'organization % is not on an earlier generation of %', of_org, of_group USING ERRCODE = 'invalid_parameter_value';
    END IF;
END $$;

-- Ends a rebuild, once every organization is on the new generation: it becomes the one for new organizations too, and
-- the ones before it retire. False while somebody is still on an old one.
CREATE FUNCTION read.finish_generation(of_group text, new_generation integer) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
-- It must see every organization: an owner whom row security would narrow gets an error, not a wrong answer.
SET row_security = off
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('countersign.generation.' || of_group));
    -- From here on nobody is put on the old one.
    UPDATE read.generation g SET state = 'active' WHERE g."group" = of_group AND g.generation = new_generation;
    IF EXISTS (SELECT FROM read.active_generation a WHERE a."group" = of_group AND a.generation < new_generation) THEN
        RETURN false;
    END IF;
    UPDATE read.generation g SET state = 'retired' WHERE g."group" = of_group AND g.generation < new_generation;
    RETURN true;
END $$;

-- Drops one table of a retired generation; false when there is none left. One a transaction: whoever drops waits for the
-- readers of that table alone, holding nothing that they could wait for, and not for long.
CREATE FUNCTION read.drop_retired(of_group text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET row_security = off
SET lock_timeout = '200ms'
AS $$
DECLARE
    old  integer;
    name text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('countersign.generation.' || of_group));
    FOR old IN SELECT g.generation FROM read.generation g WHERE g."group" = of_group AND g.state = 'retired' LOOP
        FOR name IN SELECT t.table_name FROM read.group_table t WHERE t."group" = of_group LOOP
            IF to_regclass(format('read.%I', name || '_g' || old)) IS NOT NULL THEN
                EXECUTE format('DROP TABLE read.%I', name || '_g' || old);
                RETURN true;
            END IF;
        END LOOP;
        DELETE FROM read.checkpoint c WHERE c."group" = of_group AND c.generation = old;
        DELETE FROM read.parked p WHERE p."group" = of_group AND p.generation = old;
        DELETE FROM read.generation g WHERE g."group" = of_group AND g.generation = old;
    END LOOP;
    RETURN false;
END $$;

REVOKE ALL ON FUNCTION read.create_generation(text), read.activate(uuid, text, integer), read.finish_generation(text, integer), read.drop_retired(text) FROM public;
GRANT EXECUTE ON FUNCTION read.create_generation(text), read.activate(uuid, text, integer), read.finish_generation(text, integer), read.drop_retired(text) TO countersign_app;
