//! A forgotten password: a link by mail, which works once and for an hour.
//!
//! Whoever asks is answered the same, whether the address is somebody's or not; only the mail makes the difference.
//! Looking at the link changes nothing (mail scanners do); setting the new password uses it up.

use crate::Identity;
use crate::api_token;
use crate::credential;
use crate::digest::Digest;
use crate::error::IdentityError;
use crate::hasher::PasswordHash;
use crate::opaque_token::{self, OpaqueToken};
use crate::password::NewPassword;
use crate::secret::Secret;
use crate::session;
use crate::sign_in_lock;
use crate::subject::{principal_columns, read_principal};
use countersign_domain::envelope::Principal;
use countersign_domain::ids::{InvitationId, MailboxId, OrgId};
use countersign_domain::values::Timestamp;
use countersign_postgres::scoped;
use sqlx::PgConnection;
use uuid::Uuid;

/// What goes into the mail.
#[derive(Debug)]
pub struct ResetLink {
    /// The link's token.
    pub token: Secret,
    /// Who is to get it.
    pub principal: Principal,
    /// When it stops working.
    pub expires_at: Timestamp,
}

impl Identity {
    /// Makes a link for the active person behind an address. `None` where there is nobody, or where they got enough
    /// links lately; the caller's answer is the same.
    pub async fn request_password_reset(
        &self,
        org: OrgId,
        mailbox: MailboxId,
        now: Timestamp,
    ) -> Result<Option<ResetLink>, IdentityError> {
        let mut transaction = scoped(&self.pool, org).await?;
        let found = credential::of_mailbox(&mut transaction, org, mailbox).await?;
        let Some(found) = found.filter(|found| found.is_active) else { return Ok(None) };
        let principal = found.subject.principal();
        let since = now.plus(-self.limits.resets_counted_for);
        if requested_since(&mut transaction, org, principal, since).await? >= i64::from(self.limits.resets_per_person) {
            return Ok(None);
        }
        let (token, digest) = opaque_token::mint(org, "");
        let request = Request { org, digest, principal, invitation: found.invitation };
        let expires_at = now.plus(self.limits.reset_lifetime);
        insert(&mut transaction, &request, now, expires_at).await?;
        transaction.commit().await?;
        Ok(Some(ResetLink { token, principal, expires_at }))
    }

    /// Whether a link would work now. Changes nothing.
    pub async fn check_password_reset(&self, token: &str, now: Timestamp) -> Result<(), IdentityError> {
        let token = opaque_token::read(token, "").ok_or(IdentityError::ResetRefused)?;
        let mut transaction = scoped(&self.pool, token.org).await?;
        let open = find_open(&mut transaction, &token, now).await?;
        transaction.commit().await?;
        open.map(|_| ()).ok_or(IdentityError::ResetRefused)
    }

    /// Sets the new password, uses the link up together with all others of the person, lifts the lock, ends all of the
    /// person's sessions and revokes their API tokens: whoever knew the old password may have made some. Says whose
    /// password it was.
    pub async fn reset_password(
        &self,
        token: &str,
        new: NewPassword,
        now: Timestamp,
    ) -> Result<Principal, IdentityError> {
        // Before any hashing: whoever has no link makes us work little.
        self.check_password_reset(token, now).await?;
        let token = opaque_token::read(token, "").ok_or(IdentityError::ResetRefused)?;
        let hash = self.hasher.hash(&new).await?;

        let mut transaction = scoped(&self.pool, token.org).await?;
        let open = find_open(&mut transaction, &token, now).await?.ok_or(IdentityError::ResetRefused)?;
        // The lock before the credential, as at sign-in: in one order nobody waits in a circle.
        sign_in_lock::hold(&mut transaction, token.org, open.mailbox, now).await?;
        sign_in_lock::clear(&mut transaction, token.org, open.mailbox).await?;
        if !use_up(&mut transaction, &token, now).await? {
            return Err(IdentityError::ResetRefused);
        }
        set(&mut transaction, token.org, open.invitation, &hash, now).await?;
        void_all(&mut transaction, token.org, open.principal, now).await?;
        session::end_all_but(&mut transaction, token.org, open.principal, None, now).await?;
        api_token::revoke(&mut transaction, token.org, open.principal, None, now).await?;
        transaction.commit().await?;
        Ok(open.principal)
    }

    /// Voids all links of somebody, as when their account is switched off.
    pub async fn void_password_resets(
        &self,
        org: OrgId,
        principal: Principal,
        now: Timestamp,
    ) -> Result<(), IdentityError> {
        let mut transaction = scoped(&self.pool, org).await?;
        void_all(&mut transaction, org, principal, now).await?;
        transaction.commit().await?;
        Ok(())
    }
}

struct Request {
    org: OrgId,
    digest: Digest,
    principal: Principal,
    invitation: InvitationId,
}

async fn requested_since(
    connection: &mut PgConnection,
    org: OrgId,
    principal: Principal,
    since: Timestamp,
) -> Result<i64, sqlx::Error> {
    let (kind, id) = principal_columns(principal);
    sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!"
           FROM identity.password_reset
           WHERE org_id = $1 AND principal_kind = $2 AND principal_id = $3 AND requested_at > $4"#,
        org.0,
        kind,
        id,
        since.as_utc(),
    )
    .fetch_one(connection)
    .await
}

async fn insert(
    connection: &mut PgConnection,
    request: &Request,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<(), sqlx::Error> {
    let (kind, id) = principal_columns(request.principal);
    sqlx::query!(
        "INSERT INTO identity.password_reset
             (org_id, token_digest, invitation_id, principal_kind, principal_id, requested_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        request.org.0,
        &request.digest[..],
        request.invitation.0,
        kind,
        id,
        now.as_utc(),
        expires_at.as_utc(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

struct OpenReset {
    principal: Principal,
    invitation: InvitationId,
    mailbox: MailboxId,
}

struct OpenRow {
    principal_kind: String,
    principal_id: Uuid,
    invitation_id: Uuid,
    mailbox_id: Uuid,
}

/// The link, if it still works and its person is active, under the invitation that it was made for.
async fn find_open(
    connection: &mut PgConnection,
    token: &OpaqueToken,
    now: Timestamp,
) -> Result<Option<OpenReset>, sqlx::Error> {
    let row = sqlx::query_as!(
        OpenRow,
        r#"SELECT reset.principal_kind, reset.principal_id, reset.invitation_id, subject.mailbox_id
           FROM identity.password_reset reset
           JOIN read.active_generation active ON active.org_id = reset.org_id AND active."group" = 'access'
           JOIN read.access_subject subject
             ON subject.generation = active.generation AND subject.org_id = reset.org_id
            AND subject.kind = reset.principal_kind AND subject.subject_id = reset.principal_id
            AND subject.accepted_invitation = reset.invitation_id
           WHERE reset.org_id = $1 AND reset.token_digest = $2
             AND reset.used_at IS NULL AND reset.expires_at > $3
             AND subject.status = 'active'"#,
        token.org.0,
        &token.digest[..],
        now.as_utc(),
    )
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(OpenReset {
        principal: read_principal(&row.principal_kind, row.principal_id)?,
        invitation: InvitationId(row.invitation_id),
        mailbox: MailboxId(row.mailbox_id),
    }))
}

/// Uses a link up; of two who do it at once, one is told that it was theirs.
async fn use_up(connection: &mut PgConnection, token: &OpaqueToken, now: Timestamp) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE identity.password_reset
         SET used_at = $3
         WHERE org_id = $1 AND token_digest = $2 AND used_at IS NULL",
        token.org.0,
        &token.digest[..],
        now.as_utc(),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Voids every link of a person that is not used up.
pub(crate) async fn void_all(
    connection: &mut PgConnection,
    org: OrgId,
    principal: Principal,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let (kind, id) = principal_columns(principal);
    sqlx::query!(
        "UPDATE identity.password_reset
         SET used_at = $4
         WHERE org_id = $1 AND principal_kind = $2 AND principal_id = $3 AND used_at IS NULL",
        org.0,
        kind,
        id,
        now.as_utc(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn set(
    connection: &mut PgConnection,
    org: OrgId,
    invitation: InvitationId,
    hash: &PasswordHash,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE identity.credential
         SET password_hash = $3, set_at = $4
         WHERE org_id = $1 AND invitation_id = $2",
        org.0,
        invitation.0,
        hash.0,
        now.as_utc(),
    )
    .execute(connection)
    .await?;
    Ok(())
}
