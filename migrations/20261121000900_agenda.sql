-- The agenda: what follows from events and is still to be done. Commands of processes, mail, and whatever waits for a
-- time. Written by the same transaction that moves the checkpoint, so that nothing is forgotten and nothing follows twice.
CREATE SCHEMA process;
GRANT USAGE ON SCHEMA process TO countersign_app;

CREATE TABLE process.agenda (
    org_id       uuid        NOT NULL,
    -- Follows from the event's id: the same event puts the same item on the agenda once.
    item_id      uuid        NOT NULL,
    due_at       timestamptz NOT NULL,
    -- Ids and codes only.
    task         text        NOT NULL,
    attempts     integer     NOT NULL DEFAULT 0,
    -- Until when somebody is at it; after that it is anybody's again.
    leased_until timestamptz,
    done_at      timestamptz,
    outcome      text,
    CONSTRAINT agenda_pk PRIMARY KEY (org_id, item_id),
    -- Done with an outcome, or neither.
    CONSTRAINT agenda_outcome_when_done CHECK ((done_at IS NULL) = (outcome IS NULL))
);
CREATE INDEX agenda_due ON process.agenda (due_at) WHERE done_at IS NULL;

GRANT SELECT, INSERT, UPDATE, DELETE ON process.agenda TO countersign_app;
ALTER TABLE process.agenda ENABLE ROW LEVEL SECURITY;
ALTER TABLE process.agenda FORCE ROW LEVEL SECURITY;
CREATE POLICY one_organization ON process.agenda TO countersign_app USING (org_id = ledger.current_org()) WITH CHECK (org_id = ledger.current_org());

-- What is due, whosever it is: ids only.
CREATE FUNCTION process.due(now timestamptz, how_many integer) RETURNS TABLE (org_id uuid, item_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT a.org_id, a.item_id FROM process.agenda a
    WHERE a.done_at IS NULL AND a.due_at <= now AND (a.leased_until IS NULL OR a.leased_until < now)
    ORDER BY a.due_at
    LIMIT how_many
$$;
REVOKE ALL ON FUNCTION process.due(timestamptz, integer) FROM public;
GRANT EXECUTE ON FUNCTION process.due(timestamptz, integer) TO countersign_app;

-- The agenda follows the ledgers like a read model, with a checkpoint of its own; it has one generation for ever,
-- because what was done must not be done again.
INSERT INTO read.generation ("group", generation, state) VALUES ('agenda', 1, 'active');
