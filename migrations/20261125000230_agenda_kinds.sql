-- Commands do not wait behind mail: what is due can be asked for by the kind of its task.
--
-- The kind follows from the task, so that the version before goes on writing items as it did.
ALTER TABLE process.agenda ADD COLUMN kind text GENERATED ALWAYS AS (task::jsonb #>> '{task,kind}') STORED;
CREATE INDEX agenda_due_by_kind ON process.agenda (kind, due_at) WHERE done_at IS NULL;

-- What is due of these kinds, whosever it is: ids only.
CREATE FUNCTION process.due_of(kinds text[], now timestamptz, how_many integer) RETURNS TABLE (org_id uuid, item_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT due.org_id, due.item_id
    FROM unnest(kinds) wanted (kind)
    CROSS JOIN LATERAL (
        SELECT a.org_id, a.item_id, a.due_at FROM process.agenda a
        WHERE a.kind = wanted.kind AND a.done_at IS NULL AND a.due_at <= now
          AND (a.leased_until IS NULL OR a.leased_until < now)
        ORDER BY a.due_at
        LIMIT how_many
    ) due
    ORDER BY due.due_at
    LIMIT how_many
$$;
REVOKE ALL ON FUNCTION process.due_of(text[], timestamptz, integer) FROM public;
GRANT EXECUTE ON FUNCTION process.due_of(text[], timestamptz, integer) TO countersign_app;
