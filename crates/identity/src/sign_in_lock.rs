//! How guessing is made slow: failures in a row for one mail address, whoever makes them and whether it is known here.
//!
//! After the fifth failure the address is locked for a minute; each further failure, made when the lock is over, doubles
//! it, up to a quarter of an hour. A row of failures is forgotten when a quarter of an hour passes without one, or when
//! the right password is given.

use crate::error::IdentityError;
use crate::limits::Limits;
use chrono::{DateTime, TimeDelta, Utc};
use countersign_domain::ids::{MailboxId, OrgId};
use countersign_domain::values::Timestamp;
use sqlx::PgConnection;

/// What is remembered of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SignInLock {
    failures: u32,
    last_failed_at: Timestamp,
    locked_until: Option<Timestamp>,
}

impl SignInLock {
    /// Refuses while the lock lasts.
    pub(crate) fn check(&self, now: Timestamp) -> Result<(), IdentityError> {
        match self.locked_until {
            Some(until) if until > now => Err(IdentityError::SignInLocked { retry_after_s: seconds(now, until) }),
            Some(_) | None => Ok(()),
        }
    }

    /// The lock after one more failure, which was made while it was open.
    pub(crate) fn after_failure(self, now: Timestamp, limits: &Limits) -> Self {
        let last_trouble = self.locked_until.map_or(self.last_failed_at, |until| until.max(self.last_failed_at));
        let forgotten = last_trouble.plus(limits.failures_forgotten_after) <= now;
        let failures = if forgotten { 1 } else { self.failures.saturating_add(1) };
        let locked_until = lock_length(failures, limits).map(|length| now.plus(length));
        Self { failures, last_failed_at: now, locked_until }
    }

    /// When the lock ends that this failure began. A lock that follows another within the same row is none that began.
    pub(crate) fn began(&self, limits: &Limits) -> Option<Timestamp> {
        self.locked_until.filter(|_| self.failures == limits.failures_before_lock)
    }
}

fn lock_length(failures: u32, limits: &Limits) -> Option<TimeDelta> {
    let doublings = failures.checked_sub(limits.failures_before_lock)?;
    let factor = 2_i32.checked_pow(doublings).unwrap_or(i32::MAX);
    let doubled = limits.first_lock.checked_mul(factor).unwrap_or(limits.longest_lock);
    Some(doubled.min(limits.longest_lock))
}

/// Whole seconds from one moment to a later one, rounded up: whoever waits them does not come too early.
pub(crate) fn seconds(from: Timestamp, until: Timestamp) -> u64 {
    let millis = (until.as_utc() - from.as_utc()).num_milliseconds().max(0).unsigned_abs();
    millis.div_ceil(1_000).max(1)
}

struct Row {
    failures: i32,
    last_failed_at: DateTime<Utc>,
    locked_until: Option<DateTime<Utc>>,
}

impl From<Row> for SignInLock {
    fn from(row: Row) -> Self {
        Self {
            failures: row.failures.unsigned_abs(),
            last_failed_at: row.last_failed_at.into(),
            locked_until: row.locked_until.map(Timestamp::from),
        }
    }
}

/// Looks at the lock of an address, without holding it.
pub(crate) async fn look(
    connection: &mut PgConnection,
    org: OrgId,
    mailbox: MailboxId,
) -> Result<Option<SignInLock>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "SELECT failures, last_failed_at, locked_until
         FROM identity.sign_in_lock
         WHERE org_id = $1 AND mailbox_id = $2",
        org.0,
        mailbox.0,
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(SignInLock::from))
}

/// Holds the lock of an address until the transaction ends, so that attempts made at once are judged one by one: of a
/// hundred guesses in parallel five are answered.
pub(crate) async fn hold(
    connection: &mut PgConnection,
    org: OrgId,
    mailbox: MailboxId,
    now: Timestamp,
) -> Result<SignInLock, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "INSERT INTO identity.sign_in_lock AS held (org_id, mailbox_id, failures, last_failed_at)
         VALUES ($1, $2, 0, $3)
         ON CONFLICT (org_id, mailbox_id) DO UPDATE SET failures = held.failures
         RETURNING failures, last_failed_at, locked_until",
        org.0,
        mailbox.0,
        now.as_utc(),
    )
    .fetch_one(connection)
    .await?;
    Ok(row.into())
}

/// Writes a held lock.
pub(crate) async fn store(
    connection: &mut PgConnection,
    org: OrgId,
    mailbox: MailboxId,
    lock: SignInLock,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE identity.sign_in_lock
         SET failures = $3, last_failed_at = $4, locked_until = $5
         WHERE org_id = $1 AND mailbox_id = $2",
        org.0,
        mailbox.0,
        i32::try_from(lock.failures).unwrap_or(i32::MAX),
        lock.last_failed_at.as_utc(),
        lock.locked_until.map(Timestamp::as_utc),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets the failures of an address.
pub(crate) async fn clear(connection: &mut PgConnection, org: OrgId, mailbox: MailboxId) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM identity.sign_in_lock WHERE org_id = $1 AND mailbox_id = $2", org.0, mailbox.0)
        .execute(connection)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        "2026-01-31T09:00:00Z".parse::<Timestamp>().unwrap().plus(TimeDelta::minutes(minutes))
    }

    fn open() -> SignInLock {
        SignInLock { failures: 0, last_failed_at: at(0), locked_until: None }
    }

    fn after(failures: u32) -> SignInLock {
        (0..failures).fold(open(), |lock, _| lock.after_failure(at(0), &Limits::default()))
    }

    #[test]
    fn the_fifth_failure_locks_and_each_further_one_doubles_the_lock_up_to_a_quarter_of_an_hour() {
        assert_eq!(after(4).locked_until, None);
        let minutes: Vec<_> = (5..=10).map(|n| after(n).locked_until).collect();
        assert_eq!(minutes, [1, 2, 4, 8, 15, 15].map(|minutes| Some(at(minutes))));
        assert_eq!(after(1_000).locked_until, Some(at(15)));
    }

    #[test]
    fn only_the_failure_that_turned_the_key_began_the_lock() {
        let limits = Limits::default();
        assert_eq!(after(4).began(&limits), None);
        assert_eq!(after(5).began(&limits), Some(at(1)));
        assert_eq!(after(6).began(&limits), None);
    }

    #[test]
    fn failures_are_forgotten_a_quarter_of_an_hour_after_the_last_one() {
        let limits = Limits::default();
        assert_eq!(after(4).after_failure(at(14), &limits).failures, 5);
        assert_eq!(after(4).after_failure(at(15), &limits).failures, 1);
    }

    #[test]
    fn sitting_a_lock_out_does_not_make_the_failures_forgotten_sooner() {
        let limits = Limits::default();
        let locked = after(9);
        assert_eq!(locked.after_failure(at(29), &limits).failures, 10);
        assert_eq!(locked.after_failure(at(30), &limits).failures, 1);
    }

    #[test]
    fn whoever_waits_as_long_as_told_is_not_told_to_wait_again() {
        let lock = after(5);
        let now = at(0).plus(TimeDelta::milliseconds(500));
        let Err(IdentityError::SignInLocked { retry_after_s }) = lock.check(now) else { panic!("it is locked") };
        assert_eq!(retry_after_s, 60);
        assert!(lock.check(now.plus(TimeDelta::seconds(60))).is_ok());
        assert!(lock.check(at(1)).is_ok());
    }
}
