-- A generation is filled apart from the tables that are read, gets its indexes when it is full, and only then becomes
-- theirs; it is dropped the other way around. Nobody who reads waits for any of it but for the moment of a DETACH.

-- The number after all that there ever were: whoever still works on one that is gone works on nobody's. One at a time: two
-- rebuilds of a group may begin together.
CREATE FUNCTION read.next_generation(of_group text) RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    fresh integer;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('countersign.generation.' || of_group));
    SELECT greatest(max(g.generation), (SELECT max(r.generation) FROM read.rebuild r WHERE r."group" = of_group)) + 1 INTO fresh
    FROM read.generation g WHERE g."group" = of_group;
    IF fresh IS NULL THEN
        RAISE EXCEPTION 'there is no group of read models named %', of_group USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN fresh;
END $$;

-- The same for generations that are part of the tables from the start.
CREATE OR REPLACE FUNCTION read.create_generation(of_group text) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    fresh integer := read.next_generation(of_group);
    name text;
BEGIN
    FOR name IN SELECT t.table_name FROM read.group_table t WHERE t."group" = of_group ORDER BY t.table_name LOOP
        EXECUTE format('CREATE TABLE read.%I (LIKE read.%I INCLUDING ALL)', name || '_g' || fresh, name);
        EXECUTE format('ALTER TABLE read.%I ATTACH PARTITION read.%I FOR VALUES IN (%s)', name, name || '_g' || fresh, fresh);
    END LOOP;
    INSERT INTO read.generation ("group", generation, state) VALUES (of_group, fresh, 'building');
    RETURN fresh;
END $$;

-- Rebuilds end in other ways now: this one retired what is kept.
DROP FUNCTION read.finish_generation(text, integer);

-- Puts one organization's readers on a generation. Called with the ledger's lock held, at position = head, so that no
-- reader goes back in time.
CREATE OR REPLACE FUNCTION read.activate(of_org uuid, of_group text, new_generation integer) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE read.active_generation a SET generation = new_generation
    WHERE a.org_id = of_org AND a."group" = of_group AND a.generation <= new_generation
      AND EXISTS (SELECT FROM read.generation g WHERE g."group" = of_group AND g.generation = new_generation AND g.state <> 'retired');
    IF NOT FOUND THEN
        RAISE EXCEPTION 'organization % is not on an earlier generation of %, or that one is gone', of_org, of_group USING ERRCODE = 'invalid_parameter_value';
    END IF;
END $$;

-- A new generation of a group, in tables of their own without indexes. The application may add rows to them until they
-- are attached, and never read them: they have no row security of their own.
CREATE FUNCTION read.create_detached(of_group text) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    fresh integer := read.next_generation(of_group);
    name  text;
    apart text;
BEGIN
    FOR name IN SELECT t.table_name FROM read.group_table t WHERE t."group" = of_group ORDER BY t.table_name LOOP
        apart := name || '_g' || fresh;
        EXECUTE format('CREATE TABLE read.%I (LIKE read.%I INCLUDING ALL EXCLUDING INDEXES)', apart, name);
        -- Spares the ATTACH a look at every row.
        EXECUTE format('ALTER TABLE read.%I ADD CONSTRAINT %I CHECK (generation IS NOT NULL AND generation = %s)', apart, apart || '_generation', fresh);
        EXECUTE format('GRANT INSERT ON read.%I TO countersign_app', apart);
    END LOOP;
    INSERT INTO read.generation ("group", generation, state) VALUES (of_group, fresh, 'building');
    RETURN fresh;
END $$;

-- What takes its time is done under a key of its own: whoever opens an organization does not wait for it.

-- Makes the next index that a detached generation lacks; false when it has all of them. One a transaction: whoever is
-- interrupted between two has lost one at most.
CREATE FUNCTION read.index_detached(of_group text, new_generation integer) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
-- People are at work: an index takes one core.
SET max_parallel_maintenance_workers = 0
AS $$
DECLARE
    lacking record;
    body    text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('countersign.building.' || of_group));
    SELECT t.table_name AS parent, t.table_name || '_g' || new_generation AS apart, c.relname || '_g' || new_generation AS index,
           i.indexrelid, i.indisprimary, i.indisunique INTO lacking
    FROM read.group_table t
    JOIN pg_index i ON i.indrelid = to_regclass(format('read.%I', t.table_name))
    JOIN pg_class c ON c.oid = i.indexrelid
    WHERE t."group" = of_group
      AND to_regclass(format('read.%I', c.relname || '_g' || new_generation)) IS NULL
      AND NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = to_regclass(format('read.%I', t.table_name || '_g' || new_generation)))
    ORDER BY t.table_name, c.relname
    LIMIT 1;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    body := substring(pg_get_indexdef(lacking.indexrelid) FROM ' (USING .*)$');
    EXECUTE format('CREATE %s INDEX %I ON read.%I %s', CASE WHEN lacking.indisunique THEN 'UNIQUE' END, lacking.index, lacking.apart, body);
    IF lacking.indisprimary THEN
        EXECUTE format('ALTER TABLE read.%I ADD CONSTRAINT %I PRIMARY KEY USING INDEX %I', lacking.apart, lacking.index, lacking.index);
    END IF;
    RETURN true;
END $$;

-- Makes a full generation part of the tables that are read: nobody reads its rows before they are put over.
CREATE FUNCTION read.attach_generation(of_group text, new_generation integer) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    name  text;
    apart text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('countersign.building.' || of_group));
    FOR name IN SELECT t.table_name FROM read.group_table t WHERE t."group" = of_group ORDER BY t.table_name LOOP
        apart := name || '_g' || new_generation;
        CONTINUE WHEN EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = to_regclass(format('read.%I', apart)));
        EXECUTE format('REVOKE ALL ON read.%I FROM countersign_app', apart);
        -- So that the first questions to it are planned for the rows that it has.
        EXECUTE format('ANALYZE read.%I', apart);
        EXECUTE format('ALTER TABLE read.%I ATTACH PARTITION read.%I FOR VALUES IN (%s)', name, apart, new_generation);
        EXECUTE format('ALTER TABLE read.%I DROP CONSTRAINT %I', apart, apart || '_generation');
    END LOOP;
END $$;

-- Puts one organization's readers back on a generation that was kept up. Called with the ledger's lock held, at
-- position = head, so that no reader goes back in time.
CREATE FUNCTION read.activate_again(of_org uuid, of_group text, old_generation integer) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE read.active_generation a SET generation = old_generation
    WHERE a.org_id = of_org AND a."group" = of_group
      AND EXISTS (SELECT FROM read.generation g WHERE g."group" = of_group AND g.generation = old_generation AND g.state <> 'retired');
    IF NOT FOUND THEN
        RAISE EXCEPTION 'generation % of % is not kept any more', old_generation, of_group USING ERRCODE = 'invalid_parameter_value';
    END IF;
END $$;

-- From here on organizations that are opened begin on this generation; true once nobody is on an older one.
CREATE FUNCTION read.lead_to(of_group text, new_generation integer) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Whoever opens an organization meanwhile is waited for.
    PERFORM pg_advisory_xact_lock(hashtext('countersign.generation.' || of_group));
    UPDATE read.generation g SET state = 'active'
    WHERE g."group" = of_group AND g.generation = new_generation AND g.state <> 'retired';
    RETURN NOT EXISTS (SELECT FROM read.active_generation a WHERE a."group" = of_group AND a.generation < new_generation);
END $$;

-- The other way around, for whoever goes back: true once nobody is on it any more.
CREATE FUNCTION read.lead_away_from(of_group text, new_generation integer) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('countersign.generation.' || of_group));
    UPDATE read.generation g SET state = 'building'
    WHERE g."group" = of_group AND g.generation = new_generation AND g.state <> 'retired';
    RETURN NOT EXISTS (SELECT FROM read.active_generation a WHERE a."group" = of_group AND a.generation = new_generation);
END $$;

-- Retires every generation of a group that nobody reads, nobody is born on, and no rebuild builds or keeps.
CREATE FUNCTION read.retire_unread(of_group text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('countersign.generation.' || of_group));
    UPDATE read.generation g SET state = 'retired'
    WHERE g."group" = of_group AND g.state <> 'retired'
      AND g.generation <> (SELECT max(young.generation) FROM read.generation young WHERE young."group" = of_group AND young.state = 'active')
      AND NOT EXISTS (SELECT FROM read.active_generation a WHERE a."group" = of_group AND a.generation = g.generation)
      AND NOT EXISTS (
          SELECT FROM read.rebuild r
          LEFT JOIN read.rebuild_organization o ON o.rebuild_id = r.rebuild_id
          WHERE r."group" = of_group AND r.state NOT IN ('done', 'rolled_back', 'failed')
            AND g.generation IN (r.generation, r.before, o.before));
END $$;

GRANT UPDATE ON read.generation TO countersign_ledger;
ALTER FUNCTION read.lead_to(text, integer) OWNER TO countersign_ledger;
ALTER FUNCTION read.lead_away_from(text, integer) OWNER TO countersign_ledger;
ALTER FUNCTION read.retire_unread(text) OWNER TO countersign_ledger;
ALTER FUNCTION read.activate_again(uuid, text, integer) OWNER TO countersign_ledger;

-- Takes one step towards dropping a retired generation; false when none is left to be taken. A table is detached first,
-- which holds its readers up for a moment and not for long, and dropped when it is nobody's any more.
CREATE OR REPLACE FUNCTION read.drop_retired(of_group text) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET row_security = off
SET lock_timeout = '50ms'
AS $$
DECLARE
    old  integer;
    name text;
    gone text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('countersign.generation.' || of_group));
    FOR old IN SELECT g.generation FROM read.generation g WHERE g."group" = of_group AND g.state = 'retired' LOOP
        FOR name IN SELECT t.table_name FROM read.group_table t WHERE t."group" = of_group LOOP
            gone := name || '_g' || old;
            CONTINUE WHEN to_regclass(format('read.%I', gone)) IS NULL;
            IF EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = to_regclass(format('read.%I', gone))) THEN
                EXECUTE format('ALTER TABLE read.%I DETACH PARTITION read.%I', name, gone);
            ELSE
                EXECUTE format('DROP TABLE read.%I', gone);
            END IF;
            RETURN true;
        END LOOP;
        DELETE FROM read.checkpoint c WHERE c."group" = of_group AND c.generation = old;
        DELETE FROM read.parked p WHERE p."group" = of_group AND p.generation = old;
        DELETE FROM read.generation g WHERE g."group" = of_group AND g.generation = old;
    END LOOP;
    RETURN false;
END $$;

REVOKE ALL ON FUNCTION read.next_generation(text), read.create_detached(text), read.index_detached(text, integer), read.attach_generation(text, integer), read.activate_again(uuid, text, integer), read.lead_to(text, integer), read.lead_away_from(text, integer), read.retire_unread(text) FROM public;
GRANT EXECUTE ON FUNCTION read.create_detached(text), read.index_detached(text, integer), read.attach_generation(text, integer), read.activate_again(uuid, text, integer), read.lead_to(text, integer), read.lead_away_from(text, integer), read.retire_unread(text) TO countersign_app;
