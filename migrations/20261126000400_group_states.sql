-- How each of these groups stands, for builds with these folds: in how many organizations it is parked (this build's folds
-- have failed, too), how many others it follows from further back than `far` events, and how far back at most. Says
-- numbers only, of nobody in particular.
CREATE FUNCTION read.group_states(groups text[], folds text[], far bigint)
RETURNS TABLE ("group" text, parked bigint, far_behind bigint, furthest bigint)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT f.name,
           count(*) FILTER (WHERE f.is_parked),
           count(*) FILTER (WHERE NOT f.is_parked AND f.behind > far),
           coalesce(max(f.behind) FILTER (WHERE NOT f.is_parked), 0)
    FROM (
        SELECT g.name, h.head - coalesce(c.position, 0) AS behind, coalesce(g.code = ANY (p.tried), false) AS is_parked
        FROM ledger.heads() h
        CROSS JOIN unnest(groups, folds) g (name, code)
        LEFT JOIN read.active_generation a ON a.org_id = h.org_id AND a."group" = g.name
        LEFT JOIN read.checkpoint c ON c.org_id = h.org_id AND c."group" = g.name AND c.generation = a.generation
        LEFT JOIN read.parked p ON p.org_id = h.org_id AND p."group" = g.name AND p.generation = a.generation
    ) f
    GROUP BY f.name
$$;

ALTER FUNCTION read.group_states(text[], text[], bigint) OWNER TO countersign_ledger;
REVOKE ALL ON FUNCTION read.group_states(text[], text[], bigint) FROM public;
GRANT EXECUTE ON FUNCTION read.group_states(text[], text[], bigint) TO countersign_app;
