-- Keys, apart from the events they open: a backup of the ledger is not a backup of these.

-- A key per person and organization, wrapped by the master key. Erasing a person deletes the row.
CREATE TABLE vault.person_key (
    org_id    uuid  NOT NULL,
    person_id uuid  NOT NULL,
    wrapped   bytea NOT NULL,
    CONSTRAINT person_key_pk PRIMARY KEY (org_id, person_id)
);

-- The organization's index key: with it, equal addresses are recognised without being stored.
CREATE TABLE vault.org_key (
    org_id  uuid  NOT NULL,
    wrapped bytea NOT NULL,
    CONSTRAINT org_key_pk PRIMARY KEY (org_id)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON vault.person_key, vault.org_key TO countersign_app;

ALTER TABLE vault.person_key ENABLE ROW LEVEL SECURITY;
ALTER TABLE vault.person_key FORCE ROW LEVEL SECURITY;
CREATE POLICY one_organization ON vault.person_key TO countersign_app USING (org_id = ledger.current_org()) WITH CHECK (org_id = ledger.current_org());
ALTER TABLE vault.org_key ENABLE ROW LEVEL SECURITY;
ALTER TABLE vault.org_key FORCE ROW LEVEL SECURITY;
CREATE POLICY one_organization ON vault.org_key TO countersign_app USING (org_id = ledger.current_org()) WITH CHECK (org_id = ledger.current_org());
