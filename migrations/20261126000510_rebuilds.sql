-- A rebuild is a job that outlives whoever works on it: interrupted or killed, it goes on where it was.

CREATE TABLE read.rebuild (
    rebuild_id    uuid        NOT NULL,
    "group"       text        NOT NULL,
    -- The generation that is built, and the one on which everybody was who was not on another one of their own.
    generation    integer     NOT NULL,
    before        integer     NOT NULL,
    state         text        NOT NULL,
    -- Only this organization; everybody where it is NULL.
    only_org      uuid,
    -- Put over and compared with a replay before anybody else is put over.
    canaries      uuid[]      NOT NULL,
    -- How long the generation before is kept up to date behind the cut-over, so that one can go back.
    keep_seconds  bigint      NOT NULL,
    -- The folds that it is for: half of it by others would be nobody's.
    code          text        NOT NULL,
    -- Whether nodes that serve work on it by themselves; otherwise whoever asked for it does.
    in_background boolean     NOT NULL,
    asked_at      timestamptz NOT NULL DEFAULT now(),
    changed_at    timestamptz NOT NULL DEFAULT now(),
    kept_until    timestamptz,
    -- Why it failed.
    reason        text,
    -- Who is at it, and until when nobody else may be.
    worker        uuid,
    worker_until  timestamptz,
    CONSTRAINT rebuild_pk PRIMARY KEY (rebuild_id),
    CONSTRAINT rebuild_state CHECK (state IN (
        'backfilling', 'tailing', 'cutting_over', 'in_rollback_window', 'rolling_back', 'done', 'rolled_back', 'failed')),
    -- A window has an end.
    CONSTRAINT rebuild_window_ends CHECK (state <> 'in_rollback_window' OR kept_until IS NOT NULL),
    CONSTRAINT rebuild_failed_with_reason CHECK (state <> 'failed' OR reason IS NOT NULL),
    CONSTRAINT rebuild_keep CHECK (keep_seconds >= 0)
);
-- One at a time in a group: a second one would pull its readers the other way.
CREATE UNIQUE INDEX rebuild_under_way ON read.rebuild ("group")
WHERE state IN ('backfilling', 'tailing', 'cutting_over', 'rolling_back');
-- One window at a time: what is kept up besides is given up when the next one begins.
CREATE UNIQUE INDEX rebuild_in_window ON read.rebuild ("group") WHERE state = 'in_rollback_window';

-- How far a rebuild is with an organization. None has a row before something was done for it.
CREATE TABLE read.rebuild_organization (
    org_id     uuid    NOT NULL,
    rebuild_id uuid    NOT NULL,
    -- How many events were folded apart from the tables that are read, and whether that was all of them.
    backfilled bigint  NOT NULL,
    is_whole   boolean NOT NULL,
    -- The generation that it was on when its readers were put over.
    before     integer,
    CONSTRAINT rebuild_organization_pk PRIMARY KEY (org_id, rebuild_id)
);

GRANT SELECT, INSERT, UPDATE ON read.rebuild TO countersign_app;
GRANT SELECT, INSERT, UPDATE ON read.rebuild_organization TO countersign_app;
ALTER TABLE read.rebuild_organization ENABLE ROW LEVEL SECURITY;
ALTER TABLE read.rebuild_organization FORCE ROW LEVEL SECURITY;
CREATE POLICY one_organization ON read.rebuild_organization TO countersign_app
USING (org_id = ledger.current_org()) WITH CHECK (org_id = ledger.current_org());
GRANT SELECT, UPDATE ON read.rebuild TO countersign_ledger;
GRANT SELECT, INSERT, UPDATE ON read.rebuild_organization TO countersign_ledger;
GRANT INSERT, UPDATE ON read.checkpoint TO countersign_ledger;

-- Keeps what was folded of several organizations at once, in the transaction that wrote their rows: each from a position
-- to another, and whether that is all. Only for whoever is at the rebuild, while it is backfilling; for everybody else
-- it raises, and their rows are gone with their transaction.
CREATE FUNCTION read.keep_backfilled(of_rebuild uuid, by_worker uuid, orgs uuid[], froms bigint[], tos bigint[], wholes boolean[])
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    of_group      text;
    of_generation integer;
    kept          bigint;
BEGIN
    SELECT r."group", r.generation INTO of_group, of_generation
    FROM read.rebuild r
    WHERE r.rebuild_id = of_rebuild AND r.worker = by_worker AND r.worker_until > now() AND r.state = 'backfilling'
    FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'somebody else is at this rebuild' USING ERRCODE = 'object_in_use';
    END IF;

    WITH folded AS (
        SELECT * FROM unnest(orgs, froms, tos) f (org_id, from_position, to_position)
    )
    INSERT INTO read.checkpoint AS c ("group", generation, org_id, position)
    SELECT of_group, of_generation, f.org_id, f.to_position FROM folded f
    ON CONFLICT (org_id, "group", generation) DO UPDATE SET position = excluded.position
    WHERE c.position = (SELECT f.from_position FROM folded f WHERE f.org_id = excluded.org_id);
    GET DIAGNOSTICS kept = ROW_COUNT;
    IF kept <> cardinality(orgs) THEN
        RAISE EXCEPTION 'a ledger was folded from where it is no more' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;

    INSERT INTO read.rebuild_organization AS o (org_id, rebuild_id, backfilled, is_whole)
    SELECT f.org_id, of_rebuild, f.to_position, f.is_whole FROM unnest(orgs, tos, wholes) f (org_id, to_position, is_whole)
    ON CONFLICT (org_id, rebuild_id) DO UPDATE SET backfilled = excluded.backfilled, is_whole = excluded.is_whole;
END $$;

-- How a rebuild stands, organization by organization: ids, numbers, and why one is parked.
CREATE FUNCTION read.rebuild_standing(of_rebuild uuid)
RETURNS TABLE (org_id uuid, head bigint, "position" bigint, backfilled bigint, is_whole boolean, active integer, before integer, parked_at bigint, reason text)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT h.org_id, h.head, coalesce(c.position, 0), coalesce(o.backfilled, 0), coalesce(o.is_whole, false), a.generation, o.before, p.position, p.reason
    FROM read.rebuild r
    CROSS JOIN ledger.heads() h
    LEFT JOIN read.active_generation a ON a.org_id = h.org_id AND a."group" = r."group"
    LEFT JOIN read.rebuild_organization o ON o.org_id = h.org_id AND o.rebuild_id = r.rebuild_id
    LEFT JOIN read.checkpoint c ON c.org_id = h.org_id AND c."group" = r."group" AND c.generation = r.generation
    LEFT JOIN read.parked p ON p.org_id = h.org_id AND p."group" = r."group" AND p.generation = r.generation
    WHERE r.rebuild_id = of_rebuild AND (r.only_org IS NULL OR r.only_org = h.org_id)
    ORDER BY h.org_id
$$;

-- Which organizations' rows in kept generations are behind: what is kept up to date so that one can go back.
CREATE FUNCTION read.kept_behind() RETURNS TABLE (org_id uuid, "group" text, generation integer)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT o.org_id, r."group", o.before
    FROM read.rebuild r
    JOIN read.rebuild_organization o ON o.rebuild_id = r.rebuild_id AND o.before IS NOT NULL
    JOIN ledger.heads() h ON h.org_id = o.org_id
    JOIN read.checkpoint c ON c.org_id = o.org_id AND c."group" = r."group" AND c.generation = o.before
    WHERE r.state = 'in_rollback_window' AND h.head > c.position
      AND NOT EXISTS (SELECT FROM read.parked p WHERE p.org_id = o.org_id AND p."group" = r."group" AND p.generation = o.before)
$$;

-- Every organization in every group: the generation that it reads, how far its rows are, and why it is parked.
CREATE FUNCTION read.group_standing()
RETURNS TABLE (org_id uuid, "group" text, generation integer, head bigint, "position" bigint, parked_at bigint, reason text)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT a.org_id, a."group", a.generation, h.head, CASE WHEN a."group" = 'access' THEN h.head ELSE coalesce(c.position, 0) END, p.position, p.reason
    FROM read.active_generation a
    JOIN ledger.heads() h ON h.org_id = a.org_id
    LEFT JOIN read.checkpoint c ON c.org_id = a.org_id AND c."group" = a."group" AND c.generation = a.generation
    LEFT JOIN read.parked p ON p.org_id = a.org_id AND p."group" = a."group" AND p.generation = a.generation
    ORDER BY a."group", a.org_id
$$;

ALTER FUNCTION read.keep_backfilled(uuid, uuid, uuid[], bigint[], bigint[], boolean[]) OWNER TO countersign_ledger;
ALTER FUNCTION read.rebuild_standing(uuid) OWNER TO countersign_ledger;
ALTER FUNCTION read.kept_behind() OWNER TO countersign_ledger;
ALTER FUNCTION read.group_standing() OWNER TO countersign_ledger;
REVOKE ALL ON FUNCTION read.keep_backfilled(uuid, uuid, uuid[], bigint[], bigint[], boolean[]), read.rebuild_standing(uuid), read.kept_behind(), read.group_standing() FROM public;
GRANT EXECUTE ON FUNCTION read.keep_backfilled(uuid, uuid, uuid[], bigint[], bigint[], boolean[]), read.rebuild_standing(uuid), read.kept_behind(), read.group_standing() TO countersign_app;
