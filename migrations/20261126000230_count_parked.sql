-- How many organizations are parked in each group that they read: a number for whoever watches over an installation.
CREATE FUNCTION read.count_parked() RETURNS TABLE ("group" text, parked bigint)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT p."group", count(*) FROM read.parked p
    JOIN read.active_generation a
      ON a.org_id = p.org_id AND a."group" = p."group" AND a.generation = p.generation
    GROUP BY p."group"
$$;
ALTER FUNCTION read.count_parked() OWNER TO countersign_ledger;
REVOKE ALL ON FUNCTION read.count_parked() FROM public;
GRANT EXECUTE ON FUNCTION read.count_parked() TO countersign_app;
