-- The read models that follow the ledger, and how a question learns what its asker may reach.
--
-- Every table is kept in generations: a rebuild fills another partition, a reader joins `read.active_generation` in the
-- same statement. Columns are typed where questions filter, sort or count; what is only shown is jsonb.

-- Group "portal": what staff and guests look at. -----------------------------------------------------------------------

-- The firm: one row.
CREATE TABLE read.organization (
    generation integer NOT NULL,
    org_id     uuid    NOT NULL,
    slug       text    NOT NULL,
    name       text    NOT NULL,
    plan       text    NOT NULL,
    time_zone  text    NOT NULL,
    currency   text    NOT NULL,
    locale     text    NOT NULL,
    seats_used integer NOT NULL,
    CONSTRAINT organization_pk PRIMARY KEY (generation, org_id)
) PARTITION BY LIST (generation);

CREATE TABLE read.staff (
    generation integer     NOT NULL,
    org_id     uuid        NOT NULL,
    staff_id   uuid        NOT NULL,
    level      text        NOT NULL,
    status     text        NOT NULL,
    mailbox_id uuid        NOT NULL,
    added_at   timestamptz NOT NULL,
    -- Tells to what somebody comes back who is switched on again.
    joined_at  timestamptz,
    CONSTRAINT staff_pk PRIMARY KEY (generation, org_id, staff_id),
    CONSTRAINT staff_status CHECK (status IN ('awaiting', 'invited', 'active', 'inactive'))
) PARTITION BY LIST (generation);

CREATE TABLE read.client (
    generation integer     NOT NULL,
    org_id     uuid        NOT NULL,
    client_id  uuid        NOT NULL,
    name       text        NOT NULL,
    opened_at  timestamptz NOT NULL,
    CONSTRAINT client_pk PRIMARY KEY (generation, org_id, client_id)
) PARTITION BY LIST (generation);

-- No names here: those are in person_card, and nowhere else.
CREATE TABLE read.contact (
    generation integer     NOT NULL,
    org_id     uuid        NOT NULL,
    contact_id uuid        NOT NULL,
    client_id  uuid        NOT NULL,
    mailbox_id uuid        NOT NULL,
    added_at   timestamptz NOT NULL,
    CONSTRAINT contact_pk PRIMARY KEY (generation, org_id, contact_id)
) PARTITION BY LIST (generation);
-- Who is on record under an address.
CREATE INDEX contact_by_mailbox ON read.contact (generation, org_id, mailbox_id);

CREATE TABLE read.portal_user (
    generation     integer     NOT NULL,
    org_id         uuid        NOT NULL,
    portal_user_id uuid        NOT NULL,
    contact_id     uuid        NOT NULL,
    client_id      uuid        NOT NULL,
    mailbox_id     uuid        NOT NULL,
    status         text        NOT NULL,
    prepared_at    timestamptz NOT NULL,
    invitation_id  uuid,
    invited_at     timestamptz,
    expires_at     timestamptz,
    accepted_at    timestamptz,
    deactivated_at timestamptz,
    CONSTRAINT portal_user_pk PRIMARY KEY (generation, org_id, portal_user_id),
    CONSTRAINT portal_user_status CHECK (status IN ('awaiting', 'pending', 'active', 'inactive'))
) PARTITION BY LIST (generation);
-- The account of a contact.
CREATE INDEX portal_user_by_contact ON read.portal_user (generation, org_id, contact_id);

-- Amounts are minor units of the project's currency.
CREATE TABLE read.project (
    generation        integer     NOT NULL,
    org_id            uuid        NOT NULL,
    project_id        uuid        NOT NULL,
    client_id         uuid        NOT NULL,
    name              text        NOT NULL,
    currency          text        NOT NULL,
    manager_id        uuid,
    published         boolean     NOT NULL,
    contract_lines    jsonb       NOT NULL,
    hours_used        numeric     NOT NULL,
    hours_approved    numeric     NOT NULL,
    invoiced          bigint      NOT NULL,
    changed_at        timestamptz NOT NULL,
    -- The last change that everybody on the roster can see.
    shown_changed_at  timestamptz NOT NULL,
    CONSTRAINT project_pk PRIMARY KEY (generation, org_id, project_id)
) PARTITION BY LIST (generation);
-- All projects, by name.
CREATE INDEX project_by_name ON read.project (generation, org_id, name, project_id);

-- `content` is the whole latest revision: what the digest of what somebody is shown is computed from.
CREATE TABLE read.time_entry (
    generation    integer     NOT NULL,
    org_id        uuid        NOT NULL,
    time_entry_id uuid        NOT NULL,
    project_id    uuid        NOT NULL,
    worked_on     date        NOT NULL,
    hours         numeric     NOT NULL,
    value         bigint      NOT NULL,
    status        text        NOT NULL,
    since         timestamptz NOT NULL,
    content       jsonb       NOT NULL,
    decisions     jsonb       NOT NULL,
    CONSTRAINT time_entry_pk PRIMARY KEY (generation, org_id, time_entry_id),
    CONSTRAINT time_entry_status CHECK (status IN ('logged', 'submitted', 'rejected', 'approved'))
) PARTITION BY LIST (generation);
-- A project's time, by day.
CREATE INDEX time_entry_by_project ON read.time_entry (generation, org_id, project_id, worked_on, time_entry_id);

CREATE TABLE read.invoice (
    generation integer     NOT NULL,
    org_id     uuid        NOT NULL,
    invoice_id uuid        NOT NULL,
    project_id uuid        NOT NULL,
    client_id  uuid        NOT NULL,
    status     text        NOT NULL,
    revision   integer     NOT NULL,
    currency   text        NOT NULL,
    net        bigint      NOT NULL,
    gross      bigint      NOT NULL,
    number     text,
    issued_on  date,
    drafted_at timestamptz NOT NULL,
    since      timestamptz NOT NULL,
    content    jsonb       NOT NULL,
    story      jsonb       NOT NULL,
    CONSTRAINT invoice_pk PRIMARY KEY (generation, org_id, invoice_id),
    CONSTRAINT invoice_status CHECK (status IN ('draft', 'in_review', 'changes_requested', 'approved', 'sent'))
) PARTITION BY LIST (generation);
-- A project's invoices, the newest first; and how many of them are open.
CREATE INDEX invoice_by_project ON read.invoice (generation, org_id, project_id, drafted_at, invoice_id);
-- All invoices, the newest first.
CREATE INDEX invoice_by_time ON read.invoice (generation, org_id, drafted_at, invoice_id);

-- Group "approvals": what waits for whom, and who decided what. -----------------------------------------------------------

CREATE TABLE read.approval_request (
    generation   integer     NOT NULL,
    org_id       uuid        NOT NULL,
    object_kind  text        NOT NULL,
    object_id    uuid        NOT NULL,
    project_id   uuid        NOT NULL,
    client_id    uuid        NOT NULL,
    standing     text        NOT NULL,
    revision     integer     NOT NULL,
    asked_by     uuid        NOT NULL,
    asked_at     timestamptz NOT NULL,
    closed_at    timestamptz,
    -- What the open stage asks for: a right on the project, or named people.
    needed_right text,
    named        uuid[]      NOT NULL,
    -- Who has agreed already.
    given        uuid[]      NOT NULL,
    request      jsonb       NOT NULL,
    CONSTRAINT approval_request_pk PRIMARY KEY (generation, org_id, object_kind, object_id),
    CONSTRAINT approval_request_standing CHECK (standing IN ('open', 'approved', 'refused', 'recalled'))
) PARTITION BY LIST (generation);
-- What is open on a project.
CREATE INDEX approval_request_open ON read.approval_request (generation, org_id, project_id) WHERE standing = 'open';

CREATE TABLE read.approval_history (
    generation  integer     NOT NULL,
    org_id      uuid        NOT NULL,
    position    bigint      NOT NULL,
    object_kind text        NOT NULL,
    object_id   uuid        NOT NULL,
    project_id  uuid        NOT NULL,
    client_id   uuid        NOT NULL,
    decided     text        NOT NULL,
    by_kind     text        NOT NULL,
    by_id       uuid        NOT NULL,
    recorded_at timestamptz NOT NULL,
    entry       jsonb       NOT NULL,
    CONSTRAINT approval_history_pk PRIMARY KEY (generation, org_id, position),
    CONSTRAINT approval_history_decided CHECK (decided IN ('asked', 'given', 'approved', 'refused', 'recalled'))
) PARTITION BY LIST (generation);
CREATE INDEX approval_history_by_object ON read.approval_history (generation, org_id, object_id, position);
CREATE INDEX approval_history_by_project ON read.approval_history (generation, org_id, project_id, position);

-- Group "history": every event under every object that it concerned. ------------------------------------------------------

CREATE TABLE read.object_history (
    generation  integer     NOT NULL,
    org_id      uuid        NOT NULL,
    object_kind text        NOT NULL,
    object_id   uuid        NOT NULL,
    position    bigint      NOT NULL,
    roles       text[]      NOT NULL,
    event_type  text        NOT NULL,
    stream_kind text        NOT NULL,
    stream_id   uuid        NOT NULL,
    recorded_at timestamptz NOT NULL,
    actor       jsonb       NOT NULL,
    CONSTRAINT object_history_pk PRIMARY KEY (generation, org_id, object_kind, object_id, position)
) PARTITION BY LIST (generation);
-- The project that an event concerned.
CREATE INDEX object_history_projects ON read.object_history (generation, org_id, position) WHERE object_kind = 'project';

-- Group "people": the only table with personal values, a row a person. ---------------------------------------------------

CREATE TABLE read.person_card (
    generation integer NOT NULL,
    org_id     uuid    NOT NULL,
    person_id  uuid    NOT NULL,
    name       text,
    email      text,
    CONSTRAINT person_card_pk PRIMARY KEY (generation, org_id, person_id)
) PARTITION BY LIST (generation);

-- Group "cases": other systems' histories. --------------------------------------------------------------------------------

-- `steps` is what rules may remember of each step; the columns before it are computed from it.
CREATE TABLE read.imported_case (
    generation         integer     NOT NULL,
    org_id             uuid        NOT NULL,
    case_id            uuid        NOT NULL,
    log                text        NOT NULL,
    name               text        NOT NULL,
    step_count         integer     NOT NULL,
    first_at           timestamptz,
    last_at            timestamptz,
    exceptions         text[]      NOT NULL,
    refusals           text[]      NOT NULL,
    unknown_activities text[]      NOT NULL,
    steps              jsonb       NOT NULL,
    CONSTRAINT imported_case_pk PRIMARY KEY (generation, org_id, case_id)
) PARTITION BY LIST (generation);
CREATE INDEX imported_case_by_log ON read.imported_case (generation, org_id, log, name);

-- For all of them: the first generation, rights, and row security. --------------------------------------------------------

INSERT INTO read.generation ("group", generation, state)
VALUES ('portal', 1, 'active'), ('approvals', 1, 'active'), ('history', 1, 'active'), ('people', 1, 'active'), ('cases', 1, 'active');

INSERT INTO read.group_table ("group", table_name)
VALUES ('portal', 'organization'), ('portal', 'staff'), ('portal', 'client'), ('portal', 'contact'),
       ('portal', 'portal_user'), ('portal', 'project'), ('portal', 'time_entry'), ('portal', 'invoice'),
       ('approvals', 'approval_request'), ('approvals', 'approval_history'),
       ('history', 'object_history'), ('people', 'person_card'), ('cases', 'imported_case');

-- Organizations that were there before these groups begin on their first generation, from position zero.
INSERT INTO read.active_generation (org_id, "group", generation)
SELECT l.org_id, g."group", g.generation
FROM ledger.ledger l
CROSS JOIN read.generation g
WHERE g."group" <> 'access' AND g.state = 'active'
ON CONFLICT (org_id, "group") DO NOTHING;

DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT t.table_name FROM read.group_table t WHERE t."group" <> 'access' LOOP
        EXECUTE format('CREATE TABLE read.%I PARTITION OF read.%I FOR VALUES IN (1)', name || '_g1', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON read.%I TO countersign_app', name);
        EXECUTE format('ALTER TABLE read.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE read.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY one_organization ON read.%I TO countersign_app USING (org_id = ledger.current_org()) WITH CHECK (org_id = ledger.current_org())', name);
    END LOOP;
END $$;

-- What the asker of a question may reach. ---------------------------------------------------------------------------------

-- Whoever asks, as `access` knows them: always one row; empty where nobody of this kind and id is known.
--
-- Both functions run with the rights of whoever calls them, and are written to be inlined into the question: no CTE, no
-- UNION, generations as scalar subqueries, so that an index can still give the order of a page.
CREATE FUNCTION read.asker(of_org uuid, asker_kind text, asker_id uuid) RETURNS TABLE (access jsonb)
LANGUAGE sql STABLE
AS $$
    SELECT jsonb_build_object('subject', (
        SELECT jsonb_build_object('status', s.status, 'level', s.level, 'client', s.client_id)
        FROM read.access_subject s
        WHERE s.generation = (SELECT generation FROM read.active_generation WHERE org_id = of_org AND "group" = 'access')
          AND s.org_id = of_org AND s.kind = asker_kind AND s.subject_id = asker_id
    ))
$$;

-- The projects that the asker can know of at a moment, each with what `access::decide` wants to know. `rights` is what a
-- portal user holds on it; NULL for everybody else. The function in domain decides; this only narrows, exactly, so that
-- pages are full and counts are true.
CREATE FUNCTION read.reach(of_org uuid, asker_kind text, asker_id uuid, at timestamptz)
RETURNS TABLE (project_id uuid, rights text[], access jsonb)
LANGUAGE sql STABLE
AS $$
    SELECT p.project_id, g.rights,
           jsonb_build_object(
               'subject', CASE WHEN s.status IS NOT NULL
                               THEN jsonb_build_object('status', s.status, 'level', s.level, 'client', s.client_id) END,
               'project', jsonb_build_object(
                   'client', p.client_id, 'manager', p.manager_id, 'published', p.published,
                   'grant', CASE WHEN g.on_roster
                                 THEN jsonb_build_object('rights', g.rights, 'window', jsonb_build_object(
                                     'from', g.valid_from, 'until', g.valid_until)) END))
    FROM read.access_project p
    LEFT JOIN read.access_subject s
      ON s.generation = (SELECT generation FROM read.active_generation WHERE org_id = of_org AND "group" = 'access')
     AND s.org_id = of_org AND s.kind = asker_kind AND s.subject_id = asker_id
    LEFT JOIN read.access_grant g
      ON g.generation = (SELECT generation FROM read.active_generation WHERE org_id = of_org AND "group" = 'access')
     AND g.org_id = of_org AND g.project_id = p.project_id
     AND asker_kind = 'portal_user' AND g.portal_user_id = asker_id AND g.on_roster
    WHERE p.generation = (SELECT generation FROM read.active_generation WHERE org_id = of_org AND "group" = 'access')
      AND p.org_id = of_org
      AND (asker_kind = 'operator'
           OR (asker_kind = 'staff' AND s.status = 'active'
               AND (s.level IN ('admin', 'auditor') OR p.manager_id = asker_id))
           OR (asker_kind = 'portal_user' AND s.status = 'active' AND p.published AND p.client_id = s.client_id
               AND g.on_roster
               AND (g.valid_from IS NULL OR g.valid_from <= at) AND (g.valid_until IS NULL OR at < g.valid_until)))
      -- Says nothing new: a guest's few projects are found by the guest.
      AND (asker_kind <> 'portal_user' OR p.project_id = ANY (ARRAY(
               SELECT own.project_id FROM read.access_grant own
               WHERE own.generation = (SELECT generation FROM read.active_generation WHERE org_id = of_org AND "group" = 'access')
                 AND own.org_id = of_org AND own.portal_user_id = asker_id)))
$$;

REVOKE ALL ON FUNCTION read.asker(uuid, text, uuid), read.reach(uuid, text, uuid, timestamptz) FROM public;
GRANT EXECUTE ON FUNCTION read.asker(uuid, text, uuid), read.reach(uuid, text, uuid, timestamptz) TO countersign_app;

-- Rebuilding the access group. --------------------------------------------------------------------------------------------

-- Fills an organization's rows in a generation that it is not on yet. The application may write access rows only through
-- the append and through this. Called with the ledger's lock held, in the transaction that then activates.
CREATE FUNCTION read.fill_access(of_org uuid, new_generation integer, subjects jsonb, projects jsonb, grants jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM read.active_generation a
        WHERE a.org_id = of_org AND a."group" = 'access' AND a.generation < new_generation
    ) THEN
        RAISE EXCEPTION 'organization % is not on an earlier generation of access', of_org USING ERRCODE = 'invalid_parameter_value';
    END IF;

    INSERT INTO read.access_subject (generation, org_id, kind, subject_id, status, level, client_id, mailbox_id, accepted_invitation)
    SELECT new_generation, of_org, s.kind, s.subject_id, s.status, s.level, s.client_id, s.mailbox_id, s.accepted_invitation
    FROM jsonb_to_recordset(subjects) s (kind text, subject_id uuid, status text, level text, client_id uuid, mailbox_id uuid, accepted_invitation uuid);

    INSERT INTO read.access_project (generation, org_id, project_id, client_id, manager_id, published)
    SELECT new_generation, of_org, p.project_id, p.client_id, p.manager_id, p.published
    FROM jsonb_to_recordset(projects) p (project_id uuid, client_id uuid, manager_id uuid, published boolean);

    INSERT INTO read.access_grant (generation, org_id, project_id, portal_user_id, on_roster, rights, valid_from, valid_until)
    SELECT new_generation, of_org, g.project_id, g.portal_user_id, g.on_roster, g.rights, g.valid_from, g.valid_until
    FROM jsonb_to_recordset(grants) g (project_id uuid, portal_user_id uuid, on_roster boolean, rights text[], valid_from timestamptz, valid_until timestamptz);
END $$;

ALTER FUNCTION read.fill_access(uuid, integer, jsonb, jsonb, jsonb) OWNER TO countersign_ledger;
REVOKE ALL ON FUNCTION read.fill_access(uuid, integer, jsonb, jsonb, jsonb) FROM public;
GRANT EXECUTE ON FUNCTION read.fill_access(uuid, integer, jsonb, jsonb, jsonb) TO countersign_app;
