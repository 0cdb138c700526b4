//! Questions about portal users, for staff.

use super::Status;
use crate::access_facts::{AccessColumns, may_ask};
use crate::columns::{read_count, read_word, word};
use crate::error::ReadError;
use crate::firm::organization::Seats;
use crate::page::{Page, PageRequest};
use crate::people::person_card::Card;
use crate::scope::Scope;
use chrono::{DateTime, Utc};
use countersign_domain::access::{Action, Denied};
use countersign_domain::firm::organization::Plan;
use countersign_domain::ids::{ClientId, ContactId, InvitationId, MailboxId, PortalUserId};
use countersign_domain::values::Timestamp;
use countersign_postgres::reading;
use serde::Serialize;
use sqlx::PgPool;
use sqlx::types::Json;
use uuid::Uuid;

/// A portal user as staff sees them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PortalUserView {
    /// Who, as a portal user.
    pub portal_user: PortalUserId,
    /// Who, as a person.
    pub contact: ContactId,
    /// Name and address; absent once erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub card: Option<Card>,
    /// The client for which they act.
    pub client: ClientId,
    /// Their address, as the ledger names it.
    pub mailbox: MailboxId,
    /// Where their life stands.
    pub status: Status,
    /// The live invitation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invitation: Option<InvitationId>,
    /// When they were last invited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invited_at: Option<Timestamp>,
    /// When the live invitation ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// When they accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<Timestamp>,
    /// When they were switched off, if they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deactivated_at: Option<Timestamp>,
}

/// How many portal users stand where, and the seats that they take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PortalUserCounts {
    /// Saved, no live invitation.
    pub awaiting: u64,
    /// Invited, not accepted yet.
    pub pending: u64,
    /// Can use the portal.
    pub active: u64,
    /// Switched off.
    pub inactive: u64,
    /// Seats taken, and how many the plan has.
    pub seats: Seats,
}

/// Which portal users are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortalUserFilter {
    /// Only those of this client.
    pub client: Option<ClientId>,
    /// Only those who stand there.
    pub status: Option<Status>,
}

/// The list that cursors of portal users belong to.
const LIST: &str = "portal_users";

struct Columns {
    access: Json<AccessColumns>,
    portal_user_id: Uuid,
    contact_id: Uuid,
    client_id: Uuid,
    mailbox_id: Uuid,
    status: String,
    invitation_id: Option<Uuid>,
    invited_at: Option<DateTime<Utc>>,
    expires_at: Option<DateTime<Utc>>,
    accepted_at: Option<DateTime<Utc>>,
    deactivated_at: Option<DateTime<Utc>>,
    card_name: Option<String>,
    card_email: Option<String>,
}

impl Columns {
    fn into_view(self) -> Result<PortalUserView, sqlx::Error> {
        Ok(PortalUserView {
            portal_user: self.portal_user_id.into(),
            contact: self.contact_id.into(),
            card: Card::read(self.card_name, self.card_email)?,
            client: self.client_id.into(),
            mailbox: self.mailbox_id.into(),
            status: read_word("status", self.status)?,
            invitation: self.invitation_id.map(Into::into),
            invited_at: self.invited_at.map(Into::into),
            expires_at: self.expires_at.map(Into::into),
            accepted_at: self.accepted_at.map(Into::into),
            deactivated_at: self.deactivated_at.map(Into::into),
        })
    }
}

/// Portal users, the newest first.
pub async fn list(
    pool: &PgPool,
    scope: &Scope,
    at: Timestamp,
    filter: PortalUserFilter,
    page: &PageRequest,
) -> Result<Page<PortalUserView>, ReadError> {
    let last: Option<PortalUserId> = page.last(LIST)?;
    let mut transaction = reading(pool, scope.org).await?;
    let rows = sqlx::query_as!(
        Columns,
        r#"WITH portal AS (SELECT generation FROM read.active_generation WHERE org_id = $1 AND "group" = 'portal'),
                people AS (SELECT generation FROM read.active_generation WHERE org_id = $1 AND "group" = 'people')
           SELECT asker.access AS "access!: Json<AccessColumns>", account.portal_user_id, account.contact_id,
                  account.client_id, account.mailbox_id, account.status, account.invitation_id, account.invited_at,
                  account.expires_at, account.accepted_at, account.deactivated_at,
                  card.name AS "card_name?", card.email AS "card_email?"
           FROM read.asker($1, $2, $3) asker
           JOIN read.portal_user account ON account.generation = (TABLE portal) AND account.org_id = $1
           LEFT JOIN read.person_card card
             ON card.generation = (TABLE people) AND card.org_id = $1 AND card.person_id = account.contact_id
           WHERE ($4::uuid IS NULL OR account.client_id = $4) AND ($5::text IS NULL OR account.status = $5)
             AND ($6::uuid IS NULL OR (account.prepared_at, account.portal_user_id) < (
                 SELECT last.prepared_at, last.portal_user_id FROM read.portal_user last
                 WHERE last.generation = (TABLE portal) AND last.org_id = $1 AND last.portal_user_id = $6))
           ORDER BY account.prepared_at DESC, account.portal_user_id DESC
           LIMIT $7"#,
        scope.org.0,
        scope.asker_kind(),
        scope.asker_id(),
        filter.client.map(|client| client.0),
        filter.status.map(|status| word(&status)),
        last.map(|portal_user| portal_user.0),
        page.limit.and_one_more()
    )
    .fetch_all(&mut *transaction)
    .await?;
    let access = rows.first().map(|row| row.access.0.clone());
    may_ask(&mut transaction, scope, access, Action::ViewDirectory, at).await?;
    drop(transaction);
    let accounts = rows.into_iter().map(Columns::into_view).collect::<Result<_, _>>()?;
    Ok(Page::of(LIST, accounts, page.limit, |account: &PortalUserView| account.portal_user))
}

/// One portal user.
pub async fn get(
    pool: &PgPool,
    scope: &Scope,
    at: Timestamp,
    portal_user: PortalUserId,
) -> Result<PortalUserView, ReadError> {
    let mut transaction = reading(pool, scope.org).await?;
    let row = sqlx::query_as!(
        Columns,
        r#"WITH portal AS (SELECT generation FROM read.active_generation WHERE org_id = $1 AND "group" = 'portal'),
                people AS (SELECT generation FROM read.active_generation WHERE org_id = $1 AND "group" = 'people')
           SELECT asker.access AS "access!: Json<AccessColumns>", account.portal_user_id, account.contact_id,
                  account.client_id, account.mailbox_id, account.status, account.invitation_id, account.invited_at,
                  account.expires_at, account.accepted_at, account.deactivated_at,
                  card.name AS "card_name?", card.email AS "card_email?"
           FROM read.asker($1, $2, $3) asker
           JOIN read.portal_user account ON account.generation = (TABLE portal) AND account.org_id = $1
           LEFT JOIN read.person_card card
             ON card.generation = (TABLE people) AND card.org_id = $1 AND card.person_id = account.contact_id
           WHERE account.portal_user_id = $4"#,
        scope.org.0,
        scope.asker_kind(),
        scope.asker_id(),
        portal_user.0
    )
    .fetch_optional(&mut *transaction)
    .await?;
    let access = row.as_ref().map(|row| row.access.0.clone());
    may_ask(&mut transaction, scope, access, Action::ViewDirectory, at).await?;
    drop(transaction);
    Ok(row.ok_or(Denied::NotThere)?.into_view()?)
}

/// How many portal users stand where, and the seats that they take.
pub async fn counts(pool: &PgPool, scope: &Scope, at: Timestamp) -> Result<PortalUserCounts, ReadError> {
    let mut transaction = reading(pool, scope.org).await?;
    let row = sqlx::query!(
        r#"WITH portal AS (SELECT generation FROM read.active_generation WHERE org_id = $1 AND "group" = 'portal')
           SELECT asker.access AS "access!: Json<AccessColumns>", firm.plan, firm.seats_used,
                  counted.awaiting AS "awaiting!", counted.pending AS "pending!", counted.active AS "active!",
                  counted.inactive AS "inactive!"
           FROM read.asker($1, $2, $3) asker
           JOIN read.organization firm ON firm.generation = (TABLE portal) AND firm.org_id = $1
           CROSS JOIN LATERAL (
               SELECT count(*) FILTER (WHERE account.status = 'awaiting') AS awaiting,
                      count(*) FILTER (WHERE account.status = 'pending') AS pending,
                      count(*) FILTER (WHERE account.status = 'active') AS active,
                      count(*) FILTER (WHERE account.status = 'inactive') AS inactive
               FROM read.portal_user account
               WHERE account.generation = (TABLE portal) AND account.org_id = $1
           ) counted"#,
        scope.org.0,
        scope.asker_kind(),
        scope.asker_id()
    )
    .fetch_optional(&mut *transaction)
    .await?;
    let access = row.as_ref().map(|row| row.access.0.clone());
    may_ask(&mut transaction, scope, access, Action::ViewDirectory, at).await?;
    drop(transaction);
    let row = row.ok_or(ReadError::Behind)?;
    let plan: Plan = read_word("plan", row.plan)?;
    Ok(PortalUserCounts {
        awaiting: row.awaiting.unsigned_abs(),
        pending: row.pending.unsigned_abs(),
        active: row.active.unsigned_abs(),
        inactive: row.inactive.unsigned_abs(),
        seats: Seats { used: read_count("seats_used", row.seats_used)?, limit: plan.guest_seats() },
    })
}
