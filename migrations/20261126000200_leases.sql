-- Who does which work: any number of nodes on one database share it by leases.
--
-- Work is cut into 32 shards by organization, for each kind: a group of read models that is followed, or the agenda. A
-- lease is a shard's holder with an epoch, which grows each time it is taken; it is worth something for as long as its
-- holder shows that it lives, by this database's clock. Whoever moves a checkpoint names its epoch.
CREATE SCHEMA node;
GRANT USAGE ON SCHEMA node TO countersign_app;

-- A node, from when it joins until it leaves, or has been silent for long.
CREATE TABLE node.member (
    node_id    uuid        NOT NULL,
    -- The same for a node that was started again in the same place: it need not wait for its predecessor to expire.
    name       text        NOT NULL,
    -- The kinds of work that this node has the code for.
    works      text[]      NOT NULL,
    -- It has met an event that it does not know: others, if there are any, do its work.
    outdated   boolean     NOT NULL DEFAULT false,
    -- What it holds is anybody's after this moment.
    expires_at timestamptz NOT NULL,
    CONSTRAINT member_pk PRIMARY KEY (node_id)
);

CREATE TABLE node.lease (
    work   text     NOT NULL,
    shard  smallint NOT NULL,
    holder uuid,
    epoch  bigint   NOT NULL DEFAULT 0,
    CONSTRAINT lease_pk PRIMARY KEY (work, shard),
    -- As many as `node.shard_of` knows.
    CONSTRAINT lease_shard_in_range CHECK (shard BETWEEN 0 AND 31)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON node.member, node.lease TO countersign_app;

-- The shard of an organization. Ids are random at their end.
CREATE FUNCTION node.shard_of(org uuid) RETURNS smallint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (get_byte(uuid_send(org), 15) % 32)::smallint;

-- A node comes to be: there are leases for all of its work, and whoever bore its name before holds nothing any more.
-- Were that one alive after all, it would come back with its next sign of life, as one node among others.
CREATE FUNCTION node.join(me uuid, my_name text, my_works text[]) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('countersign.leases'));
    INSERT INTO node.lease (work, shard)
    SELECT w.work, s.shard FROM unnest(my_works) w (work) CROSS JOIN generate_series(0, 31) s (shard)
    ON CONFLICT (work, shard) DO NOTHING;
    UPDATE node.member m SET expires_at = '-infinity' WHERE m.name = my_name AND m.node_id <> me;
END $$;

-- A sign of life: this node's leases are good for so long again. It gives back what is more than its fair share, takes
-- what is free up to that, and is told what it holds, how many nodes there are, and whether something is still to come
-- to it that another node has yet to give back.
--
-- A share is of one kind of work among the nodes that have its code. A node that is outdated has no share while there is
-- another that is not.
CREATE FUNCTION node.keep(me uuid, my_name text, my_works text[], am_outdated boolean, lives interval)
RETURNS TABLE (works text[], shards smallint[], epochs bigint[], nodes integer, is_short boolean)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    moment timestamptz;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('countersign.leases'));
    moment := clock_timestamp();
    INSERT INTO node.member AS m (node_id, name, works, outdated, expires_at)
    VALUES (me, my_name, my_works, am_outdated, moment + lives)
    ON CONFLICT (node_id) DO UPDATE SET outdated = excluded.outdated, expires_at = excluded.expires_at;
    DELETE FROM node.member m WHERE m.expires_at < moment - interval '1 hour';

    UPDATE node.lease l SET holder = NULL
    FROM (
        SELECT h.work, h.shard, row_number() OVER (PARTITION BY h.work ORDER BY h.shard) AS number
        FROM node.lease h WHERE h.holder = me
    ) held
    LEFT JOIN node.shares(me, moment) share ON share.work = held.work
    WHERE l.work = held.work AND l.shard = held.shard AND held.number > coalesce(share.at_most, 0);

    UPDATE node.lease l SET holder = me, epoch = l.epoch + 1
    FROM (
        SELECT f.work, f.shard, row_number() OVER (PARTITION BY f.work ORDER BY f.shard) AS number
        FROM node.lease f
        WHERE NOT EXISTS (SELECT FROM node.member m WHERE m.node_id = f.holder AND m.expires_at > moment)
    ) free
    JOIN node.shares(me, moment) share ON share.work = free.work
    WHERE l.work = free.work AND l.shard = free.shard AND free.number <= share.at_most - share.held;

    RETURN QUERY
    SELECT array_agg(l.work), array_agg(l.shard), array_agg(l.epoch),
           (SELECT count(*)::integer FROM node.member m WHERE m.expires_at > moment),
           (SELECT coalesce(bool_or(share.held < share.at_least), false) FROM node.shares(me, moment) share)
    FROM node.lease l WHERE l.holder = me;
END $$;

-- What of each kind of its work a node may hold at most and should hold at least, and what it holds.
CREATE FUNCTION node.shares(me uuid, moment timestamptz)
RETURNS TABLE (work text, at_most bigint, at_least bigint, held bigint)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT one.work, (32 + among.nodes - 1) / among.nodes, 32 / among.nodes,
           (SELECT count(*) FROM node.lease l WHERE l.work = one.work AND l.holder = me)
    FROM (SELECT unnest(m.works) AS work, m.outdated FROM node.member m WHERE m.node_id = me) one
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE NOT m.outdated) AS up_to_date, count(*) AS living
        FROM node.member m WHERE m.expires_at > moment AND one.work = ANY (m.works)
    ) serving
    CROSS JOIN LATERAL (
        SELECT CASE WHEN serving.up_to_date > 0 THEN serving.up_to_date ELSE serving.living END AS nodes
    ) among
    WHERE NOT (one.outdated AND serving.up_to_date > 0)
$$;

-- A node goes: everything that it held is free at once.
CREATE FUNCTION node.leave(me uuid) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('countersign.leases'));
    UPDATE node.lease l SET holder = NULL WHERE l.holder = me;
    DELETE FROM node.member m WHERE m.node_id = me;
END $$;

REVOKE ALL ON FUNCTION node.shard_of(uuid), node.join(uuid, text, text[]), node.keep(uuid, text, text[], boolean, interval), node.shares(uuid, timestamptz), node.leave(uuid) FROM public;
GRANT EXECUTE ON FUNCTION node.shard_of(uuid), node.join(uuid, text, text[]), node.keep(uuid, text, text[], boolean, interval), node.shares(uuid, timestamptz), node.leave(uuid) TO countersign_app;
