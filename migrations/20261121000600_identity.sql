-- Credentials, sessions and tokens: what proves who somebody is. Ordinary tables that are updated and pruned; no secret
-- stands in them in the clear, and none of it ever enters a ledger.

-- Which organization a short name means: asked before anybody has signed in, therefore without row security.
CREATE TABLE identity.organization (
    slug       text        NOT NULL,
    org_id     uuid        NOT NULL,
    created_at timestamptz NOT NULL,
    -- A short name means one organization, for ever.
    CONSTRAINT organization_pk PRIMARY KEY (slug),
    -- An organization has one short name.
    CONSTRAINT organization_one_slug UNIQUE (org_id)
);

-- A password, kept under the invitation with which it was set. It is written before `invitation.accepted` is decided and
-- counts only while the access row says that this very invitation was accepted.
CREATE TABLE identity.credential (
    org_id         uuid        NOT NULL,
    invitation_id  uuid        NOT NULL,
    principal_kind text        NOT NULL,
    principal_id   uuid        NOT NULL,
    mailbox_id     uuid        NOT NULL,
    password_hash  text        NOT NULL,
    set_at         timestamptz NOT NULL,
    -- One password an invitation.
    CONSTRAINT credential_pk PRIMARY KEY (org_id, invitation_id),
    -- The two kinds of people that the access rows know.
    CONSTRAINT credential_principal_kind CHECK (principal_kind IN ('staff', 'portal_user')),
    -- Nothing but a salted, memory-hard hash; never a password by mistake.
    CONSTRAINT credential_password_hash_form CHECK (password_hash LIKE '$argon2id$%')
);
-- How a sign-in finds it.
CREATE INDEX credential_by_mailbox ON identity.credential (org_id, mailbox_id);
-- How a change of password finds it.
CREATE INDEX credential_by_principal ON identity.credential (org_id, principal_kind, principal_id);

-- A signed-in browser. The token itself is only with the browser; here is its SHA-256 digest.
CREATE TABLE identity.session (
    org_id         uuid        NOT NULL,
    session_id     uuid        NOT NULL,
    token_digest   bytea       NOT NULL,
    principal_kind text        NOT NULL,
    principal_id   uuid        NOT NULL,
    invitation_id  uuid        NOT NULL,
    device_label   text        NOT NULL,
    device_digest  bytea       NOT NULL,
    started_at     timestamptz NOT NULL,
    last_seen_at   timestamptz NOT NULL,
    idle_until     timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL,
    ended_at       timestamptz,
    CONSTRAINT session_pk PRIMARY KEY (org_id, session_id),
    -- A token opens one session; also how a request finds its session.
    CONSTRAINT session_token UNIQUE (org_id, token_digest),
    -- The two kinds of people that the access rows know.
    CONSTRAINT session_principal_kind CHECK (principal_kind IN ('staff', 'portal_user')),
    -- A digest is a SHA-256 value: a token stored by mistake does not fit.
    CONSTRAINT session_token_digest_length CHECK (octet_length(token_digest) = 32),
    -- The same for the device.
    CONSTRAINT session_device_digest_length CHECK (octet_length(device_digest) = 32),
    -- A browser says what it likes of itself; we keep a line of it.
    CONSTRAINT session_device_label_length CHECK (char_length(device_label) <= 200),
    -- A session has an end from the start.
    CONSTRAINT session_expires_after_start CHECK (expires_at > started_at)
);
-- How somebody's own sessions are listed and ended.
CREATE INDEX session_by_principal ON identity.session (org_id, principal_kind, principal_id);

-- Sign-ins that were refused. Pruned: nobody who has not signed in may write to a ledger.
CREATE TABLE identity.sign_in_attempt (
    org_id         uuid        NOT NULL,
    attempt_id     uuid        NOT NULL,
    mailbox_id     uuid        NOT NULL,
    address_digest bytea,
    refusal        text        NOT NULL,
    at             timestamptz NOT NULL,
    CONSTRAINT sign_in_attempt_pk PRIMARY KEY (org_id, attempt_id),
    -- A network address is kept only as a keyed hash, to be counted.
    CONSTRAINT sign_in_attempt_address_digest_length CHECK (octet_length(address_digest) = 32),
    -- Why it was refused, for the operator's eyes; the person is told less.
    CONSTRAINT sign_in_attempt_refusal CHECK (refusal IN ('unknown', 'password', 'inactive', 'locked'))
);
-- How the refusals of one network address are counted.
CREATE INDEX sign_in_attempt_by_address ON identity.sign_in_attempt (org_id, address_digest, at);
-- How old ones are pruned.
CREATE INDEX sign_in_attempt_by_time ON identity.sign_in_attempt (org_id, at);

-- Failures in a row for one mail address, known here or not, and until when it is locked.
CREATE TABLE identity.sign_in_lock (
    org_id         uuid        NOT NULL,
    mailbox_id     uuid        NOT NULL,
    failures       integer     NOT NULL,
    last_failed_at timestamptz NOT NULL,
    locked_until   timestamptz,
    CONSTRAINT sign_in_lock_pk PRIMARY KEY (org_id, mailbox_id),
    -- A count.
    CONSTRAINT sign_in_lock_failures_from_0 CHECK (failures >= 0)
);

-- A link with which a forgotten password is set anew: once, within its time.
CREATE TABLE identity.password_reset (
    org_id         uuid        NOT NULL,
    token_digest   bytea       NOT NULL,
    invitation_id  uuid        NOT NULL,
    principal_kind text        NOT NULL,
    principal_id   uuid        NOT NULL,
    requested_at   timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL,
    used_at        timestamptz,
    CONSTRAINT password_reset_pk PRIMARY KEY (org_id, token_digest),
    -- The two kinds of people that the access rows know.
    CONSTRAINT password_reset_principal_kind CHECK (principal_kind IN ('staff', 'portal_user')),
    -- A digest is a SHA-256 value: a token stored by mistake does not fit.
    CONSTRAINT password_reset_token_digest_length CHECK (octet_length(token_digest) = 32),
    -- A link has an end from the start.
    CONSTRAINT password_reset_expires_after_request CHECK (expires_at > requested_at)
);
-- How the requests of one person are counted and voided.
CREATE INDEX password_reset_by_principal ON identity.password_reset (org_id, principal_kind, principal_id);

-- A bearer token with which another system acts for its owner.
CREATE TABLE identity.api_token (
    org_id       uuid        NOT NULL,
    token_id     uuid        NOT NULL,
    token_digest bytea       NOT NULL,
    name         text        NOT NULL,
    owner_kind   text        NOT NULL,
    owner_id     uuid        NOT NULL,
    scopes       text[]      NOT NULL,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    last_used_at timestamptz,
    revoked_at   timestamptz,
    CONSTRAINT api_token_pk PRIMARY KEY (org_id, token_id),
    -- A bearer has one token; also how a request finds it.
    CONSTRAINT api_token_digest UNIQUE (org_id, token_digest),
    -- The two kinds of people that the access rows know.
    CONSTRAINT api_token_owner_kind CHECK (owner_kind IN ('staff', 'portal_user')),
    -- A digest is a SHA-256 value: a token stored by mistake does not fit.
    CONSTRAINT api_token_digest_length CHECK (octet_length(token_digest) = 32),
    -- A token may do something, and nothing that we do not know.
    CONSTRAINT api_token_scopes CHECK (cardinality(scopes) > 0 AND scopes <@ ARRAY['read', 'write', 'audit']),
    -- No token lives for ever: a year (one with a leap day) at most.
    CONSTRAINT api_token_at_most_a_year CHECK (expires_at > created_at AND expires_at <= created_at + interval '8784 hours')
);
-- How somebody's own tokens are listed and revoked.
CREATE INDEX api_token_by_owner ON identity.api_token (org_id, owner_kind, owner_id);

-- Short names are claimed and asked, never changed.
GRANT SELECT, INSERT ON identity.organization TO countersign_app;
GRANT SELECT, INSERT, UPDATE ON identity.credential, identity.api_token TO countersign_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON identity.session, identity.sign_in_lock, identity.password_reset TO countersign_app;
GRANT SELECT, INSERT, DELETE ON identity.sign_in_attempt TO countersign_app;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['credential', 'session', 'sign_in_attempt', 'sign_in_lock', 'password_reset', 'api_token'] LOOP
        EXECUTE format('ALTER TABLE identity.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE identity.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY one_organization ON identity.%I TO countersign_app USING (org_id = ledger.current_org()) WITH CHECK (org_id = ledger.current_org())', name);
    END LOOP;
END $$;
