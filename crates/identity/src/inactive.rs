//! What is left of somebody who was switched off, where a node died before it had ended it.
//!
//! It opens nothing while they are not active, but it would again once they are.

use crate::Identity;
use crate::error::IdentityError;
use crate::subject::principal_columns;
use countersign_domain::envelope::Principal;
use countersign_domain::ids::OrgId;
use countersign_domain::values::Timestamp;
use countersign_postgres::scoped;
use sqlx::PgConnection;

impl Identity {
    /// Ends all sessions, revokes all API tokens and voids all links for a forgotten password of somebody who is not
    /// active; whoever is active keeps theirs. To be asked before somebody becomes active, so that nothing from before
    /// comes back with them.
    pub async fn end_access_unless_active(
        &self,
        org: OrgId,
        principal: Principal,
        now: Timestamp,
    ) -> Result<(), IdentityError> {
        let mut transaction = scoped(&self.pool, org).await?;
        // In the order of a password that is set anew: nobody waits in a circle.
        void_resets(&mut transaction, org, principal, now).await?;
        end_sessions(&mut transaction, org, principal, now).await?;
        revoke_tokens(&mut transaction, org, principal, now).await?;
        transaction.commit().await?;
        Ok(())
    }
}

/// One statement asks and ends: a session that begins after its person became active is not among those it sees.
async fn end_sessions(
    connection: &mut PgConnection,
    org: OrgId,
    principal: Principal,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let (kind, id) = principal_columns(principal);
    sqlx::query!(
        r#"UPDATE identity.session
           SET ended_at = $4
           WHERE org_id = $1 AND principal_kind = $2 AND principal_id = $3 AND ended_at IS NULL
             AND NOT EXISTS (
                 SELECT FROM read.active_generation active
                 JOIN read.access_subject subject
                   ON subject.generation = active.generation AND subject.org_id = active.org_id
                 WHERE active.org_id = $1 AND active."group" = 'access'
                   AND subject.kind = $2 AND subject.subject_id = $3 AND subject.status = 'active'
             )"#,
        org.0,
        kind,
        id,
        now.as_utc(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Likewise for API tokens.
async fn revoke_tokens(
    connection: &mut PgConnection,
    org: OrgId,
    owner: Principal,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let (kind, id) = principal_columns(owner);
    sqlx::query!(
        r#"UPDATE identity.api_token
           SET revoked_at = $4
           WHERE org_id = $1 AND owner_kind = $2 AND owner_id = $3 AND revoked_at IS NULL
             AND NOT EXISTS (
                 SELECT FROM read.active_generation active
                 JOIN read.access_subject subject
                   ON subject.generation = active.generation AND subject.org_id = active.org_id
                 WHERE active.org_id = $1 AND active."group" = 'access'
                   AND subject.kind = $2 AND subject.subject_id = $3 AND subject.status = 'active'
             )"#,
        org.0,
        kind,
        id,
        now.as_utc(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Likewise for links for a forgotten password.
async fn void_resets(
    connection: &mut PgConnection,
    org: OrgId,
    principal: Principal,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let (kind, id) = principal_columns(principal);
    sqlx::query!(
        r#"UPDATE identity.password_reset
           SET used_at = $4
           WHERE org_id = $1 AND principal_kind = $2 AND principal_id = $3 AND used_at IS NULL
             AND NOT EXISTS (
                 SELECT FROM read.active_generation active
                 JOIN read.access_subject subject
                   ON subject.generation = active.generation AND subject.org_id = active.org_id
                 WHERE active.org_id = $1 AND active."group" = 'access'
                   AND subject.kind = $2 AND subject.subject_id = $3 AND subject.status = 'active'
             )"#,
        org.0,
        kind,
        id,
        now.as_utc(),
    )
    .execute(connection)
    .await?;
    Ok(())
}
