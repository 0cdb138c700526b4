-- The ledger: one per organization, positions 1..n without gaps, in commit order. Append-only for everybody.

-- The row that appends lock. Never updated: the tail is read from the events' primary key.
CREATE TABLE ledger.ledger (
    org_id uuid NOT NULL,
    CONSTRAINT ledger_pk PRIMARY KEY (org_id)
);

-- `envelope` is the exact canonical text that was hashed; the other columns repeat what statements look for.
CREATE TABLE ledger.event (
    org_id      uuid        NOT NULL,
    position    bigint      NOT NULL,
    stream_kind text        NOT NULL,
    stream_id   uuid        NOT NULL,
    version     bigint      NOT NULL,
    type        text        NOT NULL,
    recorded_at timestamptz NOT NULL,
    envelope    text        NOT NULL,
    leaf_hash   bytea       NOT NULL,
    -- One event per place in a ledger; also how readers follow it.
    CONSTRAINT event_pk PRIMARY KEY (org_id, position),
    -- One event per place in a stream: the backstop under the lock, and how streams are loaded. Streams of two kinds may
    -- share an id: the organization's own and its seats do.
    CONSTRAINT event_stream_version UNIQUE (org_id, stream_id, stream_kind, version),
    CONSTRAINT event_position_from_1 CHECK (position >= 1),
    CONSTRAINT event_version_from_1 CHECK (version >= 1),
    -- A leaf is a SHA-256 value.
    CONSTRAINT event_leaf_hash_length CHECK (octet_length(leaf_hash) = 32)
) PARTITION BY HASH (org_id);

-- What became of each command: ids and codes only. The digest is keyed, so that it tells nothing of the request.
CREATE TABLE ledger.command_log (
    org_id         uuid        NOT NULL,
    command_id     uuid        NOT NULL,
    request_digest bytea       NOT NULL,
    outcome        text        NOT NULL,
    first_position bigint      NOT NULL,
    event_count    integer     NOT NULL,
    recorded_at    timestamptz NOT NULL DEFAULT now(),
    -- A command takes effect once.
    CONSTRAINT command_log_pk PRIMARY KEY (org_id, command_id)
) PARTITION BY HASH (org_id);

-- Wakes readers up: a row per organization and batch. `xid` lets a sweep find rows whose transaction committed after an
-- older sweep had passed their place; a sequence could not.
CREATE TABLE ledger.commit_feed (
    org_id   uuid        NOT NULL,
    position bigint      NOT NULL,
    xid      xid8        NOT NULL DEFAULT pg_current_xact_id(),
    at       timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX commit_feed_by_xid ON ledger.commit_feed (xid);

-- A folded state of a long stream, so that it need not be folded from its first event. Disposable: `code` names the
-- rules that folded it, and others do not read it.
CREATE TABLE ledger.snapshot (
    org_id      uuid   NOT NULL,
    stream_kind text   NOT NULL,
    stream_id   uuid   NOT NULL,
    version     bigint NOT NULL,
    position    bigint NOT NULL,
    code        text   NOT NULL,
    state       text   NOT NULL,
    CONSTRAINT snapshot_pk PRIMARY KEY (org_id, stream_kind, stream_id)
);

-- A fixed number of partitions, whatever the number of organizations.
DO $$
DECLARE
    n integer;
BEGIN
    FOR n IN 0..7 LOOP
        EXECUTE format('CREATE TABLE ledger.event_p%s PARTITION OF ledger.event FOR VALUES WITH (MODULUS 8, REMAINDER %s)', n, n);
        EXECUTE format('CREATE TABLE ledger.command_log_p%s PARTITION OF ledger.command_log FOR VALUES WITH (MODULUS 8, REMAINDER %s)', n, n);
    END LOOP;
END $$;

-- Append-only by trigger, for everybody: owner, superuser, us.
CREATE FUNCTION ledger.refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on %.% is refused: the ledger is append-only', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

DO $$
DECLARE
    name regclass;
BEGIN
    FOR name IN
        SELECT c.oid::regclass
        FROM pg_catalog.pg_class c
        WHERE c.relnamespace = 'ledger'::regnamespace
          AND c.relkind IN ('r', 'p')
          AND (c.relname = 'ledger' OR c.relname LIKE 'event%' OR c.relname LIKE 'command\_log%')
    LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change()', name);
    END LOOP;
END $$;

-- Append-only by right, and one organization at a time.
GRANT SELECT ON ledger.ledger, ledger.event, ledger.command_log, ledger.commit_feed TO countersign_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ledger.snapshot TO countersign_app;
GRANT DELETE ON ledger.commit_feed TO countersign_app;
-- FOR NO KEY UPDATE asks for the UPDATE right; the trigger refuses the update itself.
GRANT SELECT, INSERT, UPDATE ON ledger.ledger TO countersign_ledger;
GRANT SELECT, INSERT ON ledger.event, ledger.command_log, ledger.commit_feed TO countersign_ledger;

DO $$
DECLARE
    name regclass;
BEGIN
    FOR name IN
        SELECT c.oid::regclass
        FROM pg_catalog.pg_class c
        WHERE c.relnamespace = 'ledger'::regnamespace
          AND c.relkind IN ('r', 'p')
          AND c.relname <> 'commit_feed'
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY one_organization ON %s TO countersign_app USING (org_id = ledger.current_org()) WITH CHECK (org_id = ledger.current_org())', name);
    END LOOP;
END $$;

-- For people with a SQL prompt: the same events with the envelope as jsonb.
CREATE VIEW ledger.event_for_humans WITH (security_invoker = true) AS
SELECT org_id, position, stream_kind, stream_id, version, type, recorded_at, envelope::jsonb AS envelope
FROM ledger.event;
GRANT SELECT ON ledger.event_for_humans TO countersign_app;
