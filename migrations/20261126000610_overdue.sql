-- What of the agenda should have been done by a moment, and is not, by kind: numbers for whoever watches over an
-- installation, of nobody in particular.
CREATE FUNCTION process.overdue(by_then timestamptz)
RETURNS TABLE (kind text, items bigint, oldest timestamptz, attempts integer)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT a.kind, count(*), min(a.due_at), max(a.attempts) FROM process.agenda a
    WHERE a.done_at IS NULL AND a.due_at < by_then
    GROUP BY a.kind
    ORDER BY a.kind
$$;
REVOKE ALL ON FUNCTION process.overdue(timestamptz) FROM public;
GRANT EXECUTE ON FUNCTION process.overdue(timestamptz) TO countersign_app;
