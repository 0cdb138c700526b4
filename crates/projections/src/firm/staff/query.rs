//! Questions about the firm's staff, for staff.

use super::Status;
use crate::access_facts::{AccessColumns, may_ask};
use crate::columns::read_word;
use crate::error::ReadError;
use crate::page::{Page, PageRequest};
use crate::people::person_card::Card;
use crate::scope::Scope;
use countersign_domain::access::Action;
use countersign_domain::firm::staff::Level;
use countersign_domain::ids::{MailboxId, StaffId};
use countersign_domain::values::Timestamp;
use countersign_postgres::reading;
use serde::Serialize;
use sqlx::PgPool;
use sqlx::types::Json;

/// A staff member as their colleagues see them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StaffView {
    /// Who.
    pub staff: StaffId,
    /// Name and address; absent once erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub card: Option<Card>,
    /// Their access level.
    pub level: Level,
    /// Where they stand.
    pub status: Status,
    /// Their address, as the ledger names it.
    pub mailbox: MailboxId,
    /// Since when they are on record.
    pub added_at: Timestamp,
}

/// The list that cursors of staff belong to.
const LIST: &str = "staff";

/// The staff, the newest first.
pub async fn list(
    pool: &PgPool,
    scope: &Scope,
    at: Timestamp,
    page: &PageRequest,
) -> Result<Page<StaffView>, ReadError> {
    let last: Option<StaffId> = page.last(LIST)?;
    let mut transaction = reading(pool, scope.org).await?;
    let rows = sqlx::query!(
        r#"WITH portal AS (SELECT generation FROM read.active_generation WHERE org_id = $1 AND "group" = 'portal'),
                people AS (SELECT generation FROM read.active_generation WHERE org_id = $1 AND "group" = 'people')
           SELECT asker.access AS "access!: Json<AccessColumns>", staff.staff_id, staff.level, staff.status,
                  staff.mailbox_id, staff.added_at, card.name AS "card_name?", card.email AS "card_email?"
           FROM read.asker($1, $2, $3) asker
           JOIN read.staff staff ON staff.generation = (TABLE portal) AND staff.org_id = $1
           LEFT JOIN read.person_card card
             ON card.generation = (TABLE people) AND card.org_id = $1 AND card.person_id = staff.staff_id
           WHERE $4::uuid IS NULL OR (staff.added_at, staff.staff_id) < (
               SELECT last.added_at, last.staff_id FROM read.staff last
               WHERE last.generation = (TABLE portal) AND last.org_id = $1 AND last.staff_id = $4)
           ORDER BY staff.added_at DESC, staff.staff_id DESC
           LIMIT $5"#,
        scope.org.0,
        scope.asker_kind(),
        scope.asker_id(),
        last.map(|staff| staff.0),
        page.limit.and_one_more()
    )
    .fetch_all(&mut *transaction)
    .await?;
    let access = rows.first().map(|row| row.access.0.clone());
    may_ask(&mut transaction, scope, access, Action::ViewDirectory, at).await?;
    drop(transaction);
    let mut staff = Vec::with_capacity(rows.len());
    for row in rows {
        staff.push(StaffView {
            staff: row.staff_id.into(),
            card: Card::read(row.card_name, row.card_email)?,
            level: read_word("level", row.level)?,
            status: read_word("status", row.status)?,
            mailbox: row.mailbox_id.into(),
            added_at: row.added_at.into(),
        });
    }
    Ok(Page::of(LIST, staff, page.limit, |staff| staff.staff))
}
