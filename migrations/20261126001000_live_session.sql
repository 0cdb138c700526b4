-- Who a request comes from, in one round trip. Each of these names the organization to row security for the transaction
-- in which it is asked, as the application otherwise does in a statement before: a statement that stands alone is a
-- transaction of its own, and what is named ends with it. They run with the rights of whoever calls them, so that row
-- security remains the second net. STABLE although they name something: what they read is all of one moment, the
-- caller's.

-- The sessions with these tokens, as many as live and are of somebody active, each under the number of its question: who
-- comes at the same moment is asked about in one statement, each still within an organization of their own.
CREATE FUNCTION identity.live_sessions(of_orgs uuid[], with_digests bytea[], ats timestamptz[])
RETURNS TABLE (number integer, session_id uuid, invitation_id uuid, last_seen_at timestamptz,
               kind text, subject_id uuid, level text, client_id uuid)
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
BEGIN
    FOR asked IN 1 .. cardinality(of_orgs) LOOP
        PERFORM set_config('countersign.org', of_orgs[asked]::text, true);
        RETURN QUERY
        SELECT asked, session.session_id, session.invitation_id, session.last_seen_at,
               subject.kind, subject.subject_id, subject.level, subject.client_id
        FROM identity.session session
        JOIN read.active_generation active ON active.org_id = session.org_id AND active."group" = 'access'
        JOIN read.access_subject subject
          ON subject.generation = active.generation AND subject.org_id = session.org_id
         AND subject.kind = session.principal_kind AND subject.subject_id = session.principal_id
         AND subject.accepted_invitation = session.invitation_id
        WHERE session.org_id = of_orgs[asked] AND session.token_digest = with_digests[asked]
          AND session.ended_at IS NULL AND session.idle_until > ats[asked] AND session.expires_at > ats[asked]
          AND subject.status = 'active';
    END LOOP;
END $$;

-- The token, if it works and its owner is active.
CREATE FUNCTION identity.live_api_token(of_org uuid, with_digest bytea, at timestamptz)
RETURNS TABLE (token_id uuid, scopes text[], last_used_at timestamptz,
               kind text, subject_id uuid, level text, client_id uuid)
LANGUAGE plpgsql STABLE ROWS 1
AS $$
#variable_conflict use_column
DECLARE
    named CONSTANT text := set_config('countersign.org', of_org::text, true);
BEGIN
    RETURN QUERY
    SELECT token.token_id, token.scopes, token.last_used_at,
           subject.kind, subject.subject_id, subject.level, subject.client_id
    FROM identity.api_token token
    JOIN read.active_generation active ON active.org_id = token.org_id AND active."group" = 'access'
    JOIN read.access_subject subject
      ON subject.generation = active.generation AND subject.org_id = token.org_id
     AND subject.kind = token.owner_kind AND subject.subject_id = token.owner_id
    WHERE token.org_id = of_org AND token.token_digest = with_digest
      AND token.revoked_at IS NULL AND token.expires_at > at
      AND subject.status = 'active';
END $$;

REVOKE ALL ON FUNCTION identity.live_sessions(uuid[], bytea[], timestamptz[]), identity.live_api_token(uuid, bytea, timestamptz)
    FROM public;
GRANT EXECUTE ON FUNCTION identity.live_sessions(uuid[], bytea[], timestamptz[]), identity.live_api_token(uuid, bytea, timestamptz)
    TO countersign_app;
