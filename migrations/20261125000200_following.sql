-- What following needs: which builds have tried a parked organization, who is behind, and the rows that the agenda's
-- group lacked.

-- A build whose folds are others than those that failed tries again, once: it may be the one that was mended. The
-- builds that have failed, by the digests of their folds; the one before this migration writes none, and is tried again.
ALTER TABLE read.parked ADD COLUMN tried text[] NOT NULL DEFAULT '{}';

-- Organizations that were there before the agenda begin on its only generation, from position zero.
INSERT INTO read.active_generation (org_id, "group", generation)
SELECT l.org_id, g."group", g.generation
FROM ledger.ledger l
CROSS JOIN read.generation g
WHERE g."group" = 'agenda' AND g.state = 'active'
ON CONFLICT (org_id, "group") DO NOTHING;

GRANT SELECT ON read.checkpoint, read.parked TO countersign_ledger;

-- Which organizations are behind in which of these groups, for builds with these folds: the full comparison of heads
-- with checkpoints. What is parked and was tried by such a build is not behind, it stands. An organization without a
-- generation of a group is behind in it, so that somebody notices. Says nothing but ids and names of groups.
CREATE FUNCTION read.behind(groups text[], folds text[]) RETURNS TABLE (org_id uuid, "group" text)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT h.org_id, g.name
    FROM ledger.heads() h
    CROSS JOIN unnest(groups, folds) g (name, code)
    LEFT JOIN read.active_generation a ON a.org_id = h.org_id AND a."group" = g.name
    LEFT JOIN read.checkpoint c ON c.org_id = h.org_id AND c."group" = g.name AND c.generation = a.generation
    LEFT JOIN read.parked p ON p.org_id = h.org_id AND p."group" = g.name AND p.generation = a.generation
    WHERE h.head > coalesce(c.position, 0) AND NOT coalesce(g.code = ANY (p.tried), false)
$$;

ALTER FUNCTION read.behind(text[], text[]) OWNER TO countersign_ledger;
REVOKE ALL ON FUNCTION read.behind(text[], text[]) FROM public;
GRANT EXECUTE ON FUNCTION read.behind(text[], text[]) TO countersign_app;
