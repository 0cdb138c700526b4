-- The agenda is worked off under leases, too: what is due in the shards that a node holds at this moment, ids only. An
-- item that somebody has taken is theirs by this database's clock, whatever that of a node says.
CREATE FUNCTION process.due_for(me uuid, kinds text[], now timestamptz, how_many integer)
RETURNS TABLE (org_id uuid, item_id uuid)
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT due.org_id, due.item_id
    FROM unnest(kinds) wanted (kind)
    CROSS JOIN LATERAL (
        SELECT a.org_id, a.item_id, a.due_at FROM process.agenda a
        WHERE a.kind = wanted.kind AND a.done_at IS NULL AND a.due_at <= now
          AND (a.leased_until IS NULL OR a.leased_until < clock_timestamp())
          AND node.shard_of(a.org_id) = ANY (ARRAY(
              SELECT l.shard FROM node.lease l
              JOIN node.member m ON m.node_id = l.holder
              WHERE l.work = 'agenda' AND l.holder = me AND m.expires_at > clock_timestamp()
          ))
        ORDER BY a.due_at
        LIMIT how_many
    ) due
    ORDER BY due.due_at
    LIMIT how_many
$$;
REVOKE ALL ON FUNCTION process.due_for(uuid, text[], timestamptz, integer) FROM public;
GRANT EXECUTE ON FUNCTION process.due_for(uuid, text[], timestamptz, integer) TO countersign_app;
