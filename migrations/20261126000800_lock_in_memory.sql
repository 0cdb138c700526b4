-- A ledger is held by a lock that stands in memory alone.
--
-- A row's lock is written into the row, and then into the log: for one event, a quarter of what the append cost the server.
-- Who holds what is the same as before: one transaction at a time appends to a ledger, until it ends, and whoever cannot
-- have a lock at once is busy. Should two organizations ever share a key, they wait for each other.
CREATE FUNCTION ledger.lock_key(of_org uuid) RETURNS bigint
LANGUAGE sql IMMUTABLE
AS $$ SELECT uuid_hash_extended(of_org, 0) $$;

-- Takes an organization's lock and keeps it until the transaction ends. False where there is no such ledger.
--
-- The row too: appends that were under way when this came hold that one.
CREATE OR REPLACE FUNCTION ledger.lock(locked_org uuid) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(ledger.lock_key(locked_org));
    PERFORM FROM ledger.ledger l WHERE l.org_id = locked_org FOR NO KEY UPDATE;
    RETURN FOUND;
END $$;

-- Appends a batch that spans organizations: all of an organization's part or nothing of it. One row of answer per
-- organization: done; moved (its tail is not where it was expected: decide again); busy (somebody else holds its lock).
-- With `look`, a command that is in the log already is answered with a row of its own, seen, and nothing of its
-- organization is written, because what was decided after it rested on it. An outcome that is NULL is not kept.
--
-- VOLATILE, so that every statement sees what was committed before it began: the tails are read by a statement that
-- begins after the locks are held.
--
-- Plans are made once a connection, perhaps while the tables are still empty: every look into the ledger is written as a
-- subquery for one row, and sequential scans are off, so that the plan is the one for a large ledger from the start.
CREATE OR REPLACE FUNCTION ledger.append(
    look boolean, org_ids uuid[], heads bigint[],
    command_orgs uuid[], command_ids uuid[], request_digests bytea[], outcomes text[], first_positions bigint[], event_counts integer[],
    event_orgs uuid[], positions bigint[], stream_kinds text[], stream_ids uuid[], versions bigint[], types text[],
    recorded_ats timestamptz[], envelopes text[], leaf_hashes bytea[],
    subjects jsonb, projects jsonb, grants jsonb
) RETURNS TABLE (org_id uuid, answer text, tail bigint, command_id uuid, request_digest bytea, outcome text, first_position bigint, event_count integer)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
AS $$
#variable_conflict use_column
DECLARE
    locked    uuid[];
    seen      uuid[] := '{}';
    ready     uuid[];
    all_ready boolean;
BEGIN
    -- Where something was appended before, there is a ledger.
    SELECT coalesce(array_agg(asked.org_id), '{}') INTO locked
    FROM unnest(org_ids, heads) asked (org_id, head)
    WHERE pg_try_advisory_xact_lock(ledger.lock_key(asked.org_id))
      AND (asked.head > 0 OR EXISTS (SELECT FROM ledger.ledger l WHERE l.org_id = asked.org_id));

    IF look THEN
        SELECT coalesce(array_agg(DISTINCT known.org_id), '{}') INTO seen
        FROM (
            SELECT asked.org_id,
                   (SELECT log.command_id FROM ledger.command_log log
                    WHERE log.org_id = asked.org_id AND log.command_id = asked.command_id LIMIT 1) AS found
            FROM unnest(command_orgs, command_ids) asked (org_id, command_id)
            WHERE asked.org_id = ANY (locked)
        ) known
        WHERE known.found IS NOT NULL;

        IF cardinality(seen) > 0 THEN
            RETURN QUERY
            SELECT log.org_id, 'seen', NULL::bigint, log.command_id, log.request_digest, log.outcome, log.first_position, log.event_count
            FROM unnest(command_orgs, command_ids) asked (org_id, command_id)
            JOIN ledger.command_log log ON log.org_id = asked.org_id AND log.command_id = asked.command_id
            WHERE asked.org_id = ANY (seen);
        END IF;
    END IF;

    -- For one organization, as a batch often has, the executor need not begin a scan of every partition.
    IF cardinality(org_ids) = 1 THEN
        ready := CASE
            WHEN cardinality(locked) = 1 AND cardinality(seen) = 0 AND heads[1] = coalesce(
                (SELECT e.position FROM ledger.event e WHERE e.org_id = org_ids[1] ORDER BY e.position DESC LIMIT 1), 0)
            THEN locked ELSE '{}' END;
    ELSE
        SELECT coalesce(array_agg(asked.org_id), '{}') INTO ready
        FROM unnest(org_ids, heads) asked (org_id, head)
        WHERE asked.org_id = ANY (locked)
          AND NOT asked.org_id = ANY (seen)
          AND asked.head = coalesce((SELECT e.position FROM ledger.event e WHERE e.org_id = asked.org_id ORDER BY e.position DESC LIMIT 1), 0);
    END IF;
    all_ready := cardinality(ready) = cardinality(org_ids);

    IF NOT all_ready THEN
        RETURN QUERY
        SELECT asked.org_id,
               CASE WHEN asked.org_id = ANY (locked) THEN 'moved' ELSE 'busy' END,
               coalesce((SELECT e.position FROM ledger.event e WHERE e.org_id = asked.org_id ORDER BY e.position DESC LIMIT 1), 0),
               NULL::uuid, NULL::bytea, NULL::text, NULL::bigint, NULL::integer
        FROM unnest(org_ids) asked (org_id)
        WHERE NOT asked.org_id = ANY (ready);
        IF cardinality(ready) = 0 THEN
            RETURN;
        END IF;
    END IF;

    -- Positions continue the tail without a gap, whatever the caller believes.
    IF cardinality(positions) = 1 AND cardinality(command_ids) = 1 AND outcomes[1] IS NOT NULL THEN
        IF positions[1] <> heads[1] + 1 THEN
            PERFORM ledger.refuse_gap(event_orgs[1]);
        END IF;
        INSERT INTO ledger.event (org_id, position, stream_kind, stream_id, version, type, recorded_at, envelope, leaf_hash)
        VALUES (event_orgs[1], positions[1], stream_kinds[1], stream_ids[1], versions[1], types[1], recorded_ats[1], envelopes[1], leaf_hashes[1]);
        INSERT INTO ledger.commit_feed (org_id, position) VALUES (event_orgs[1], positions[1]);
        INSERT INTO ledger.command_log (org_id, command_id, request_digest, outcome, first_position, event_count)
        VALUES (command_orgs[1], command_ids[1], request_digests[1], outcomes[1], first_positions[1], event_counts[1]);
    ELSE
        WITH written AS (
            INSERT INTO ledger.event (org_id, position, stream_kind, stream_id, version, type, recorded_at, envelope, leaf_hash)
            SELECT written.*
            FROM unnest(event_orgs, positions, stream_kinds, stream_ids, versions, types, recorded_ats, envelopes, leaf_hashes)
                written (org_id, position, stream_kind, stream_id, version, type, recorded_at, envelope, leaf_hash)
            WHERE all_ready OR written.org_id = ANY (ready)
            RETURNING org_id, position
        ), fed AS (
            INSERT INTO ledger.commit_feed (org_id, position)
            SELECT written.org_id,
                   CASE WHEN min(written.position) = min(asked.head) + 1 AND max(written.position) = min(asked.head) + count(*)
                        THEN max(written.position) ELSE ledger.refuse_gap(written.org_id) END
            FROM written
            JOIN unnest(org_ids, heads) asked (org_id, head) ON asked.org_id = written.org_id
            GROUP BY written.org_id
        )
        INSERT INTO ledger.command_log (org_id, command_id, request_digest, outcome, first_position, event_count)
        SELECT decided.*
        FROM unnest(command_orgs, command_ids, request_digests, outcomes, first_positions, event_counts)
            decided (org_id, command_id, request_digest, outcome, first_position, event_count)
        WHERE decided.outcome IS NOT NULL AND (all_ready OR decided.org_id = ANY (ready));
    END IF;

    IF subjects IS NOT NULL THEN
        INSERT INTO read.access_subject AS row (generation, org_id, kind, subject_id, status, level, client_id, mailbox_id, accepted_invitation)
        SELECT active.generation, s.org_id, s.kind, s.subject_id, s.status, s.level, s.client_id, s.mailbox_id, s.accepted_invitation
        FROM jsonb_to_recordset(subjects) s (org_id uuid, kind text, subject_id uuid, status text, level text, client_id uuid, mailbox_id uuid, accepted_invitation uuid)
        JOIN read.active_generation active ON active.org_id = s.org_id AND active."group" = 'access'
        WHERE s.org_id = ANY (ready)
        ON CONFLICT (generation, org_id, kind, subject_id) DO UPDATE
        SET status = excluded.status, level = excluded.level, client_id = excluded.client_id,
            mailbox_id = excluded.mailbox_id, accepted_invitation = excluded.accepted_invitation;
    END IF;

    IF projects IS NOT NULL THEN
        INSERT INTO read.access_project AS row (generation, org_id, project_id, client_id, manager_id, published)
        SELECT active.generation, p.org_id, p.project_id, p.client_id, p.manager_id, p.published
        FROM jsonb_to_recordset(projects) p (org_id uuid, project_id uuid, client_id uuid, manager_id uuid, published boolean)
        JOIN read.active_generation active ON active.org_id = p.org_id AND active."group" = 'access'
        WHERE p.org_id = ANY (ready)
        ON CONFLICT (generation, org_id, project_id) DO UPDATE
        SET client_id = excluded.client_id, manager_id = excluded.manager_id, published = excluded.published;
    END IF;

    IF grants IS NOT NULL THEN
        INSERT INTO read.access_grant AS row (generation, org_id, project_id, portal_user_id, on_roster, rights, valid_from, valid_until)
        SELECT active.generation, g.org_id, g.project_id, g.portal_user_id, g.on_roster, g.rights, g.valid_from, g.valid_until
        FROM jsonb_to_recordset(grants) g (org_id uuid, project_id uuid, portal_user_id uuid, on_roster boolean, rights text[], valid_from timestamptz, valid_until timestamptz)
        JOIN read.active_generation active ON active.org_id = g.org_id AND active."group" = 'access'
        WHERE g.org_id = ANY (ready)
        ON CONFLICT (generation, org_id, project_id, portal_user_id) DO UPDATE
        SET on_roster = excluded.on_roster, rights = excluded.rights,
            valid_from = excluded.valid_from, valid_until = excluded.valid_until;
    END IF;

    RETURN QUERY
    SELECT r.org_id, 'done', NULL::bigint, NULL::uuid, NULL::bytea, NULL::text, NULL::bigint, NULL::integer
    FROM unnest(ready) r (org_id);
END $$;

REVOKE ALL ON FUNCTION ledger.lock_key(uuid) FROM public;
ALTER FUNCTION ledger.lock_key(uuid) OWNER TO countersign_ledger;
