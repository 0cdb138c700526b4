-- Takes one step towards dropping retired generations; false when none is left to be taken. A table is detached first,
-- which holds its readers up for a moment and not for long. When all of a generation's are, they are nobody's any more and
-- go together: a commit that takes tables away waits for the disk, whatever else is said, and one of them is enough.
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
        SELECT t.table_name INTO name
        FROM read.group_table t
        JOIN pg_inherits h ON h.inhrelid = to_regclass(format('read.%I', t.table_name || '_g' || old))
        WHERE t."group" = of_group
        LIMIT 1;
        IF FOUND THEN
            EXECUTE format('ALTER TABLE read.%I DETACH PARTITION read.%I', name, name || '_g' || old);
            RETURN true;
        END IF;
        SELECT string_agg(format('read.%I', t.table_name || '_g' || old), ', ' ORDER BY t.table_name) INTO gone
        FROM read.group_table t
        WHERE t."group" = of_group AND to_regclass(format('read.%I', t.table_name || '_g' || old)) IS NOT NULL;
        IF gone IS NOT NULL THEN
            EXECUTE 'DROP TABLE ' || gone;
        END IF;
        DELETE FROM read.checkpoint c WHERE c."group" = of_group AND c.generation = old;
        DELETE FROM read.parked p WHERE p."group" = of_group AND p.generation = old;
        DELETE FROM read.generation g WHERE g."group" = of_group AND g.generation = old;
        -- Should the next one's readers not let go, what was done for this one stands.
        RETURN true;
    END LOOP;
    RETURN false;
END $$;
