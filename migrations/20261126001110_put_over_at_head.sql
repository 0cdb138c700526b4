-- Puts an organization's readers over to the generation of a rebuild, and notes what they read before. Called with the
-- ledger's lock held, so that the head stays where it is and no reader goes back in time; whoever is no longer at the
-- rebuild moves nobody. With the rights of whoever calls it.
CREATE FUNCTION read.put_over(of_org uuid, of_rebuild uuid, by_worker uuid) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    built  record;
    active integer;
BEGIN
    SELECT r."group", r.generation INTO built
    FROM read.rebuild r
    WHERE r.rebuild_id = of_rebuild AND r.worker = by_worker AND r.state = 'cutting_over'
    FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'somebody else is at this rebuild' USING ERRCODE = 'object_in_use';
    END IF;
    SELECT a.generation INTO active FROM read.active_generation a WHERE a.org_id = of_org AND a."group" = built."group";
    PERFORM read.activate(of_org, built."group", built.generation);
    INSERT INTO read.rebuild_organization AS o (org_id, rebuild_id, backfilled, is_whole, before)
    VALUES (of_org, of_rebuild, 0, true, active)
    ON CONFLICT (org_id, rebuild_id) DO UPDATE SET before = coalesce(o.before, excluded.before);
END $$;

-- The same in one call where the rows are at the ledger's head already, which is how most are found; false, and nothing has
-- changed, where events are left to be folded, somebody else is at the rows, or they stop at an event.
CREATE FUNCTION read.put_over_at_head(of_org uuid, of_rebuild uuid, by_worker uuid) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM FROM read.rebuild r
    JOIN read.checkpoint c ON c."group" = r."group" AND c.generation = r.generation
    WHERE r.rebuild_id = of_rebuild AND c.org_id = of_org
      AND c.position = (SELECT e.position FROM ledger.event e WHERE e.org_id = of_org ORDER BY e.position DESC LIMIT 1)
      AND NOT EXISTS (SELECT FROM read.parked p WHERE p.org_id = of_org AND p."group" = r."group" AND p.generation = r.generation)
    FOR UPDATE OF c SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM read.put_over(of_org, of_rebuild, by_worker);
    RETURN true;
END $$;

REVOKE ALL ON FUNCTION read.put_over(uuid, uuid, uuid), read.put_over_at_head(uuid, uuid, uuid) FROM public;
GRANT EXECUTE ON FUNCTION read.put_over(uuid, uuid, uuid), read.put_over_at_head(uuid, uuid, uuid) TO countersign_app;
