//! What is kept no longer than it is of use: refused sign-ins, forgotten locks, ended sessions, used links.

use crate::Identity;
use crate::error::IdentityError;
use crate::nowhere::NOWHERE;
use countersign_domain::ids::OrgId;
use countersign_domain::values::Timestamp;
use countersign_postgres::scoped;
use sqlx::PgConnection;
use std::ops::AddAssign;

/// How many rows went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Refused sign-ins.
    pub attempts: u64,
    /// Locks that ended, with their failures.
    pub locks: u64,
    /// Sessions that ended or expired.
    pub sessions: u64,
    /// Links for a forgotten password that were used or expired.
    pub resets: u64,
}

impl Identity {
    /// Deletes what is past its time, one organization after the other; meant to run every hour or so.
    pub async fn prune(&self, now: Timestamp) -> Result<Pruned, IdentityError> {
        let mut pruned = Pruned::default();
        for org in self.organizations().await?.into_iter().chain([NOWHERE]) {
            pruned += self.prune_organization(org, now).await?;
        }
        Ok(pruned)
    }

    async fn prune_organization(&self, org: OrgId, now: Timestamp) -> Result<Pruned, IdentityError> {
        let limits = &self.limits;
        // Where there is no organization nobody reads them: they are kept as long as they count.
        let attempts_kept_for = if org == NOWHERE { limits.refusals_counted_for } else { limits.attempts_kept_for };
        let mut transaction = scoped(&self.pool, org).await?;
        let pruned = Pruned {
            attempts: attempts(&mut transaction, org, now.plus(-attempts_kept_for)).await?,
            locks: locks(&mut transaction, org, now.plus(-limits.failures_forgotten_after)).await?,
            sessions: sessions(&mut transaction, org, now.plus(-limits.sessions_kept_for)).await?,
            resets: resets(&mut transaction, org, now.plus(-limits.resets_kept_for)).await?,
        };
        transaction.commit().await?;
        Ok(pruned)
    }
}

async fn attempts(connection: &mut PgConnection, org: OrgId, before: Timestamp) -> Result<u64, sqlx::Error> {
    let done =
        sqlx::query!("DELETE FROM identity.sign_in_attempt WHERE org_id = $1 AND at < $2", org.0, before.as_utc(),)
            .execute(connection)
            .await?;
    Ok(done.rows_affected())
}

async fn locks(connection: &mut PgConnection, org: OrgId, before: Timestamp) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "DELETE FROM identity.sign_in_lock
         WHERE org_id = $1 AND greatest(last_failed_at, locked_until) < $2",
        org.0,
        before.as_utc(),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

async fn sessions(connection: &mut PgConnection, org: OrgId, before: Timestamp) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "DELETE FROM identity.session WHERE org_id = $1 AND least(ended_at, idle_until, expires_at) < $2",
        org.0,
        before.as_utc(),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

async fn resets(connection: &mut PgConnection, org: OrgId, before: Timestamp) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "DELETE FROM identity.password_reset WHERE org_id = $1 AND least(used_at, expires_at) < $2",
        org.0,
        before.as_utc(),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

impl AddAssign for Pruned {
    fn add_assign(&mut self, more: Self) {
        self.attempts += more.attempts;
        self.locks += more.locks;
        self.sessions += more.sessions;
        self.resets += more.resets;
    }
}
