-- The access group: who may do what, upserted by the append itself, so that what is acknowledged is enforced.
-- Like every group of read models it is kept in generations: a rebuild fills another one, a reader joins
-- `read.active_generation` in the same statement.

CREATE TABLE read.generation (
    "group"    text        NOT NULL,
    generation integer     NOT NULL,
    -- building: being filled; active: readers may be on it; retired: to be dropped.
    state      text        NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT generation_pk PRIMARY KEY ("group", generation),
    CONSTRAINT generation_state CHECK (state IN ('building', 'active', 'retired'))
);

CREATE TABLE read.active_generation (
    org_id     uuid    NOT NULL,
    "group"    text    NOT NULL,
    generation integer NOT NULL,
    CONSTRAINT active_generation_pk PRIMARY KEY (org_id, "group"),
    CONSTRAINT active_generation_known FOREIGN KEY ("group", generation) REFERENCES read.generation ("group", generation)
);

-- Staff and portal users alike: whether they are active, and what access decides by.
CREATE TABLE read.access_subject (
    generation          integer NOT NULL,
    org_id              uuid    NOT NULL,
    kind                text    NOT NULL,
    subject_id          uuid    NOT NULL,
    status              text    NOT NULL,
    level               text,
    client_id           uuid,
    mailbox_id          uuid    NOT NULL,
    accepted_invitation uuid,
    CONSTRAINT access_subject_pk PRIMARY KEY (generation, org_id, kind, subject_id),
    CONSTRAINT access_subject_kind CHECK (kind IN ('staff', 'portal_user'))
) PARTITION BY LIST (generation);

CREATE TABLE read.access_project (
    generation integer NOT NULL,
    org_id     uuid    NOT NULL,
    project_id uuid    NOT NULL,
    client_id  uuid    NOT NULL,
    manager_id uuid,
    published  boolean NOT NULL,
    CONSTRAINT access_project_pk PRIMARY KEY (generation, org_id, project_id)
) PARTITION BY LIST (generation);

-- A row for everybody who ever stood on a roster; `on_roster` says whether they still do.
CREATE TABLE read.access_grant (
    generation     integer NOT NULL,
    org_id         uuid    NOT NULL,
    project_id     uuid    NOT NULL,
    portal_user_id uuid    NOT NULL,
    on_roster      boolean NOT NULL,
    rights         text[]  NOT NULL,
    valid_from     timestamptz,
    valid_until    timestamptz,
    CONSTRAINT access_grant_pk PRIMARY KEY (generation, org_id, project_id, portal_user_id)
) PARTITION BY LIST (generation);
CREATE INDEX access_grant_by_portal_user ON read.access_grant (generation, org_id, portal_user_id);

CREATE TABLE read.access_subject_g1 PARTITION OF read.access_subject FOR VALUES IN (1);
CREATE TABLE read.access_project_g1 PARTITION OF read.access_project FOR VALUES IN (1);
CREATE TABLE read.access_grant_g1 PARTITION OF read.access_grant FOR VALUES IN (1);
INSERT INTO read.generation ("group", generation, state) VALUES ('access', 1, 'active');

GRANT SELECT ON read.generation, read.active_generation, read.access_subject, read.access_project, read.access_grant TO countersign_app;
GRANT SELECT ON read.generation TO countersign_ledger;
GRANT SELECT, INSERT, UPDATE ON read.active_generation TO countersign_ledger;
GRANT SELECT, INSERT, UPDATE ON read.access_subject, read.access_project, read.access_grant TO countersign_ledger;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['active_generation', 'access_subject', 'access_project', 'access_grant'] LOOP
        EXECUTE format('ALTER TABLE read.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE read.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY one_organization ON read.%I TO countersign_app USING (org_id = ledger.current_org()) WITH CHECK (org_id = ledger.current_org())', name);
    END LOOP;
END $$;
