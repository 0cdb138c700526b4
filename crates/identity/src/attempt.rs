//! An attempt to give the right password: whether it is let through at all, and what is kept of it when it fails.

use crate::Identity;
use crate::digest::{Digest, random_id};
use crate::error::IdentityError;
use crate::network_address;
use crate::sign_in::LockBegan;
use crate::sign_in_lock::{self, seconds};
use countersign_domain::envelope::Principal;
use countersign_domain::ids::{MailboxId, OrgId};
use countersign_domain::values::Timestamp;
use countersign_postgres::scoped;
use sqlx::PgConnection;

/// Somebody tries a password.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    pub(crate) org: OrgId,
    pub(crate) mailbox: MailboxId,
    /// The network address that it came from, as a keyed hash.
    pub(crate) address: Option<Digest>,
    pub(crate) at: Timestamp,
}

/// Why an attempt failed. The operator may know; the person is told less.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Refusal {
    Unknown,
    Password,
    Inactive,
    Locked,
}

impl Refusal {
    fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Password => "password",
            Self::Inactive => "inactive",
            Self::Locked => "locked",
        }
    }
}

impl Identity {
    /// What a network address is counted under, within one organization.
    pub(crate) fn address_digest(&self, org: OrgId, address: &str) -> Digest {
        let counted_as = network_address::counted_as(address);
        self.key.derive("network address").mac(&[org.0.as_bytes(), counted_as.as_bytes()])
    }

    /// Lets an attempt through to the password, unless its address is locked or its origin has failed too often.
    pub(crate) async fn admit(&self, attempt: Attempt) -> Result<(), IdentityError> {
        let mut transaction = scoped(&self.pool, attempt.org).await?;
        self.check_origin(&mut transaction, attempt).await?;
        let lock = sign_in_lock::look(&mut transaction, attempt.org, attempt.mailbox).await?;
        if let Some(Err(locked)) = lock.map(|lock| lock.check(attempt.at)) {
            record(&mut transaction, attempt, Refusal::Locked).await?;
            transaction.commit().await?;
            return Err(locked);
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Keeps what a failed attempt was, and counts it. Says so when it locked an address that is somebody's.
    pub(crate) async fn fail(
        &self,
        attempt: Attempt,
        refusal: Refusal,
        whose: Option<Principal>,
    ) -> Result<Option<LockBegan>, IdentityError> {
        let mut transaction = scoped(&self.pool, attempt.org).await?;
        let lock = sign_in_lock::hold(&mut transaction, attempt.org, attempt.mailbox, attempt.at).await?;
        if let Err(locked) = lock.check(attempt.at) {
            record(&mut transaction, attempt, Refusal::Locked).await?;
            transaction.commit().await?;
            return Err(locked);
        }
        let lock = lock.after_failure(attempt.at, &self.limits);
        sign_in_lock::store(&mut transaction, attempt.org, attempt.mailbox, lock).await?;
        record(&mut transaction, attempt, refusal).await?;
        transaction.commit().await?;
        let began = lock.began(&self.limits);
        Ok(began.zip(whose).map(|(until, principal)| LockBegan { principal, until }))
    }

    async fn check_origin(&self, connection: &mut PgConnection, attempt: Attempt) -> Result<(), IdentityError> {
        let Some(address) = attempt.address else { return Ok(()) };
        let since = attempt.at.plus(-self.limits.refusals_counted_for);
        match nth_last_refusal(connection, attempt.org, address, since, self.limits.refusals_per_address).await? {
            None => Ok(()),
            Some(at) => {
                let until = at.plus(self.limits.refusals_counted_for);
                Err(IdentityError::TooMany { retry_after_s: seconds(attempt.at, until) })
            }
        }
    }
}

/// When the n-th last refusal of a network address was, if there were as many: when it is old enough, one more is free.
async fn nth_last_refusal(
    connection: &mut PgConnection,
    org: OrgId,
    address: Digest,
    since: Timestamp,
    n: u32,
) -> Result<Option<Timestamp>, sqlx::Error> {
    let at = sqlx::query_scalar!(
        "SELECT at
         FROM identity.sign_in_attempt
         WHERE org_id = $1 AND address_digest = $2 AND at > $3
         ORDER BY at DESC
         OFFSET $4 LIMIT 1",
        org.0,
        &address[..],
        since.as_utc(),
        i64::from(n.saturating_sub(1)),
    )
    .fetch_optional(connection)
    .await?;
    Ok(at.map(Timestamp::from))
}

async fn record(connection: &mut PgConnection, attempt: Attempt, refusal: Refusal) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "INSERT INTO identity.sign_in_attempt (org_id, attempt_id, mailbox_id, address_digest, refusal, at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        attempt.org.0,
        random_id(),
        attempt.mailbox.0,
        attempt.address.as_ref().map(|digest| &digest[..]),
        refusal.as_str(),
        attempt.at.as_utc(),
    )
    .execute(connection)
    .await?;
    Ok(())
}
