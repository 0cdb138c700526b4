//! The list of one's own sessions.

use crate::Identity;
use crate::error::IdentityError;
use crate::session::{Authenticated, SessionId};
use crate::subject::principal_columns;
use countersign_domain::values::Timestamp;
use countersign_postgres::reading;
use sqlx::PgConnection;

/// One of one's own live sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnSession {
    /// Which one.
    pub id: SessionId,
    /// The device, by its own words.
    pub device: String,
    /// When they signed in there.
    pub started_at: Timestamp,
    /// When it was last used, to about a minute.
    pub last_seen_at: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
    /// Whether it is the one that asks.
    pub is_current: bool,
}

impl Identity {
    /// One's own live sessions, the last used first.
    pub async fn own_sessions(&self, who: &Authenticated, now: Timestamp) -> Result<Vec<OwnSession>, IdentityError> {
        let mut transaction = reading(&self.pool, who.org).await?;
        let sessions = list(&mut transaction, who, now).await?;
        drop(transaction);
        Ok(sessions)
    }
}

async fn list(
    connection: &mut PgConnection,
    who: &Authenticated,
    now: Timestamp,
) -> Result<Vec<OwnSession>, sqlx::Error> {
    let (kind, id) = principal_columns(who.principal());
    let rows = sqlx::query!(
        "SELECT session_id, device_label, started_at, last_seen_at, expires_at
         FROM identity.session
         WHERE org_id = $1 AND principal_kind = $2 AND principal_id = $3 AND invitation_id = $4
           AND ended_at IS NULL AND idle_until > $5 AND expires_at > $5
         ORDER BY last_seen_at DESC, session_id",
        who.org.0,
        kind,
        id,
        who.invitation.0,
        now.as_utc(),
    )
    .fetch_all(connection)
    .await?;
    let own = rows.into_iter().map(|row| OwnSession {
        id: SessionId(row.session_id),
        device: row.device_label,
        started_at: row.started_at.into(),
        last_seen_at: row.last_seen_at.into(),
        expires_at: row.expires_at.into(),
        is_current: row.session_id == who.session.0,
    });
    Ok(own.collect())
}
