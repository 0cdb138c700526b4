//! Sessions: who a browser is signed in as, asked at every request.
//!
//! A session holds on to the invitation that its person had accepted. It opens nothing once it was ended, was left alone
//! too long or is too old, once its person is not active, or once the person has accepted another invitation.

use crate::Identity;
use crate::credential::Effective;
use crate::device::Device;
use crate::digest::{Digest, random_id};
use crate::error::IdentityError;
use crate::limits::Limits;
use crate::live_sessions::Question;
use crate::opaque_token;
use crate::secret::Secret;
use crate::subject::{Subject, principal_columns};
use countersign_domain::envelope::Principal;
use countersign_domain::ids::{InvitationId, OrgId};
use countersign_domain::values::Timestamp;
use countersign_postgres::scoped;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use std::fmt;
use uuid::Uuid;

/// One session. Its id is no secret; its token is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(pub Uuid);

/// Somebody who is signed in and active.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authenticated {
    /// The organization to which they signed in.
    pub org: OrgId,
    /// Their session.
    pub session: SessionId,
    /// The invitation by which they are here.
    pub invitation: InvitationId,
    /// Who they are, and what access starts from.
    pub subject: Subject,
}

impl Authenticated {
    /// The person.
    pub fn principal(&self) -> Principal {
        self.subject.principal()
    }
}

impl Identity {
    /// Who this token's holder is. Everything that is not a live session of somebody active is one refusal,
    /// `session.ended`.
    pub async fn authenticate(&self, token: &str, now: Timestamp) -> Result<Authenticated, IdentityError> {
        let token = opaque_token::read(token, "").ok_or(IdentityError::SessionEnded)?;
        let question = Question { org: token.org, token: token.digest, at: now };
        let row = self.live_sessions.find(question).await?.ok_or(IdentityError::SessionEnded)?;
        let who = Authenticated {
            org: token.org,
            session: SessionId(row.session_id),
            invitation: InvitationId(row.invitation_id),
            subject: Subject::read(&row.kind, row.subject_id, row.level, row.client_id)?,
        };
        if Timestamp::from(row.last_seen_at).plus(self.limits.seen_every) <= now {
            self.note_that_is_here(&who, now).await?;
        }
        Ok(who)
    }

    async fn note_that_is_here(&self, who: &Authenticated, now: Timestamp) -> Result<(), IdentityError> {
        let mut transaction = scoped(&self.pool, who.org).await?;
        see(&mut transaction, who, now, now.plus(self.limits.idle(who.principal()))).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Signs out.
    pub async fn sign_out(&self, who: &Authenticated, now: Timestamp) -> Result<(), IdentityError> {
        let mut transaction = scoped(&self.pool, who.org).await?;
        end(&mut transaction, who, who.session, now).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Ends one of one's own sessions.
    pub async fn end_session(&self, who: &Authenticated, id: SessionId, now: Timestamp) -> Result<(), IdentityError> {
        let mut transaction = scoped(&self.pool, who.org).await?;
        let ended = end(&mut transaction, who, id, now).await?;
        transaction.commit().await?;
        if ended { Ok(()) } else { Err(IdentityError::UnknownSession) }
    }

    /// Ends all of one's own sessions but the one that asks; says how many were ended.
    pub async fn end_other_sessions(&self, who: &Authenticated, now: Timestamp) -> Result<u64, IdentityError> {
        let mut transaction = scoped(&self.pool, who.org).await?;
        let ended = end_all_but(&mut transaction, who.org, who.principal(), Some(who.session), now).await?;
        transaction.commit().await?;
        Ok(ended)
    }

    /// Ends all sessions of somebody, as when their account is switched off; says how many were ended.
    pub async fn end_all_sessions(
        &self,
        org: OrgId,
        principal: Principal,
        now: Timestamp,
    ) -> Result<u64, IdentityError> {
        let mut transaction = scoped(&self.pool, org).await?;
        let ended = end_all_but(&mut transaction, org, principal, None, now).await?;
        transaction.commit().await?;
        Ok(ended)
    }
}

/// A session that is to begin.
pub(crate) struct NewSession {
    pub(crate) id: SessionId,
    pub(crate) token: Secret,
    token_digest: Digest,
    device: Device,
    device_digest: Digest,
    started_at: Timestamp,
    idle_until: Timestamp,
    pub(crate) expires_at: Timestamp,
}

impl NewSession {
    pub(crate) fn new(
        org: OrgId,
        principal: Principal,
        device: Device,
        device_digest: Digest,
        limits: &Limits,
        now: Timestamp,
    ) -> Self {
        let (token, token_digest) = opaque_token::mint(org, "");
        Self {
            id: SessionId(random_id()),
            token,
            token_digest,
            device,
            device_digest,
            started_at: now,
            idle_until: now.plus(limits.idle(principal)),
            expires_at: now.plus(limits.longest_session),
        }
    }
}

/// Begins a session, if the password that was checked still is the one that counts and its person is active. The
/// credential is locked meanwhile: a change of password that comes at once either is seen here, or sees this session
/// and ends it.
pub(crate) async fn start(
    connection: &mut PgConnection,
    org: OrgId,
    checked: &Effective,
    new: &NewSession,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        r#"INSERT INTO identity.session
               (org_id, session_id, token_digest, principal_kind, principal_id, invitation_id,
                device_label, device_digest, started_at, last_seen_at, idle_until, expires_at)
           SELECT credential.org_id, $4, $5, credential.principal_kind, credential.principal_id, credential.invitation_id,
                  $6, $7, $8, $8, $9, $10
           FROM identity.credential
           JOIN read.active_generation active ON active.org_id = credential.org_id AND active."group" = 'access'
           JOIN read.access_subject subject
             ON subject.generation = active.generation AND subject.org_id = credential.org_id
            AND subject.kind = credential.principal_kind AND subject.subject_id = credential.principal_id
            AND subject.accepted_invitation = credential.invitation_id
           WHERE credential.org_id = $1 AND credential.invitation_id = $2 AND credential.password_hash = $3
             AND subject.status = 'active'
           FOR SHARE OF credential"#,
        org.0,
        checked.invitation.0,
        checked.hash.0,
        new.id.0,
        &new.token_digest[..],
        new.device.label(),
        &new.device_digest[..],
        new.started_at.as_utc(),
        new.idle_until.as_utc(),
        new.expires_at.as_utc(),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether no session of this person began on such a device, as far back as sessions are kept.
pub(crate) async fn is_new_device(
    connection: &mut PgConnection,
    org: OrgId,
    principal: Principal,
    device: Digest,
) -> Result<bool, sqlx::Error> {
    let (kind, id) = principal_columns(principal);
    sqlx::query_scalar!(
        r#"SELECT NOT EXISTS (
               SELECT FROM identity.session
               WHERE org_id = $1 AND principal_kind = $2 AND principal_id = $3 AND device_digest = $4
           ) AS "is_new!""#,
        org.0,
        kind,
        id,
        &device[..],
    )
    .fetch_one(connection)
    .await
}

async fn see(
    connection: &mut PgConnection,
    who: &Authenticated,
    now: Timestamp,
    idle_until: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE identity.session
         SET last_seen_at = $3, idle_until = $4
         WHERE org_id = $1 AND session_id = $2 AND ended_at IS NULL AND last_seen_at < $3",
        who.org.0,
        who.session.0,
        now.as_utc(),
        idle_until.as_utc(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn end(
    connection: &mut PgConnection,
    who: &Authenticated,
    id: SessionId,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let (kind, principal_id) = principal_columns(who.principal());
    let done = sqlx::query!(
        "UPDATE identity.session
         SET ended_at = $5
         WHERE org_id = $1 AND session_id = $2 AND principal_kind = $3 AND principal_id = $4 AND ended_at IS NULL",
        who.org.0,
        id.0,
        kind,
        principal_id,
        now.as_utc(),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends all sessions of a person, except one where one is named; says how many.
pub(crate) async fn end_all_but(
    connection: &mut PgConnection,
    org: OrgId,
    principal: Principal,
    kept: Option<SessionId>,
    now: Timestamp,
) -> Result<u64, sqlx::Error> {
    let (kind, id) = principal_columns(principal);
    let done = sqlx::query!(
        "UPDATE identity.session
         SET ended_at = $5
         WHERE org_id = $1 AND principal_kind = $2 AND principal_id = $3 AND session_id IS DISTINCT FROM $4
           AND ended_at IS NULL",
        org.0,
        kind,
        id,
        kept.map(|kept| kept.0),
        now.as_utc(),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
