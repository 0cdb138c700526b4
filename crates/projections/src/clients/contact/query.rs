//! Questions about contacts, for staff.

use crate::access_facts::{AccessColumns, may_ask};
use crate::error::ReadError;
use crate::page::{Page, PageRequest};
use crate::people::person_card::Card;
use crate::scope::Scope;
use chrono::{DateTime, Utc};
use countersign_domain::access::Action;
use countersign_domain::ids::{ClientId, ContactId, MailboxId, PortalUserId};
use countersign_domain::values::Timestamp;
use countersign_postgres::reading;
use serde::Serialize;
use sqlx::PgPool;
use sqlx::types::Json;
use uuid::Uuid;

/// A person at a client, as staff sees them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ContactView {
    /// Who.
    pub contact: ContactId,
    /// Name and address; absent once erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub card: Option<Card>,
    /// The client at which they are.
    pub client: ClientId,
    /// Their address, as the ledger names it.
    pub mailbox: MailboxId,
    /// Their portal account, if they have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub portal_user: Option<PortalUserId>,
    /// Since when they are on record.
    pub added_at: Timestamp,
}

/// The list that cursors of contacts belong to.
const LIST: &str = "contacts";

struct Columns {
    access: Json<AccessColumns>,
    contact_id: Uuid,
    client_id: Uuid,
    mailbox_id: Uuid,
    added_at: DateTime<Utc>,
    portal_user_id: Option<Uuid>,
    card_name: Option<String>,
    card_email: Option<String>,
}

impl Columns {
    fn into_view(self) -> Result<ContactView, sqlx::Error> {
        Ok(ContactView {
            contact: self.contact_id.into(),
            card: Card::read(self.card_name, self.card_email)?,
            client: self.client_id.into(),
            mailbox: self.mailbox_id.into(),
            portal_user: self.portal_user_id.map(Into::into),
            added_at: self.added_at.into(),
        })
    }
}

/// Contacts, the newest first; of one client, or of all.
pub async fn list(
    pool: &PgPool,
    scope: &Scope,
    at: Timestamp,
    client: Option<ClientId>,
    page: &PageRequest,
) -> Result<Page<ContactView>, ReadError> {
    let last: Option<ContactId> = page.last(LIST)?;
    let mut transaction = reading(pool, scope.org).await?;
    let rows = sqlx::query_as!(
        Columns,
        r#"WITH portal AS (SELECT generation FROM read.active_generation WHERE org_id = $1 AND "group" = 'portal'),
                people AS (SELECT generation FROM read.active_generation WHERE org_id = $1 AND "group" = 'people')
           SELECT asker.access AS "access!: Json<AccessColumns>", contact.contact_id, contact.client_id,
                  contact.mailbox_id, contact.added_at, account.portal_user_id AS "portal_user_id?",
                  card.name AS "card_name?", card.email AS "card_email?"
           FROM read.asker($1, $2, $3) asker
           JOIN read.contact contact ON contact.generation = (TABLE portal) AND contact.org_id = $1
           LEFT JOIN LATERAL (
               SELECT portal_user_id FROM read.portal_user account
               WHERE account.generation = (TABLE portal) AND account.org_id = $1
                 AND account.contact_id = contact.contact_id
               ORDER BY account.prepared_at DESC
               LIMIT 1
           ) account ON true
           LEFT JOIN read.person_card card
             ON card.generation = (TABLE people) AND card.org_id = $1 AND card.person_id = contact.contact_id
           WHERE ($4::uuid IS NULL OR contact.client_id = $4)
             AND ($5::uuid IS NULL OR (contact.added_at, contact.contact_id) < (
                 SELECT last.added_at, last.contact_id FROM read.contact last
                 WHERE last.generation = (TABLE portal) AND last.org_id = $1 AND last.contact_id = $5))
           ORDER BY contact.added_at DESC, contact.contact_id DESC
           LIMIT $6"#,
        scope.org.0,
        scope.asker_kind(),
        scope.asker_id(),
        client.map(|client| client.0),
        last.map(|contact| contact.0),
        page.limit.and_one_more()
    )
    .fetch_all(&mut *transaction)
    .await?;
    let access = rows.first().map(|row| row.access.0.clone());
    may_ask(&mut transaction, scope, access, Action::ViewDirectory, at).await?;
    drop(transaction);
    let contacts = rows.into_iter().map(Columns::into_view).collect::<Result<_, _>>()?;
    Ok(Page::of(LIST, contacts, page.limit, |contact: &ContactView| contact.contact))
}

/// The contact on record under an address, if there is one: who is invited again is not put on record twice.
pub async fn by_mailbox(
    pool: &PgPool,
    scope: &Scope,
    at: Timestamp,
    mailbox: MailboxId,
) -> Result<Option<ContactView>, ReadError> {
    let mut transaction = reading(pool, scope.org).await?;
    let row = sqlx::query_as!(
        Columns,
        r#"WITH portal AS (SELECT generation FROM read.active_generation WHERE org_id = $1 AND "group" = 'portal'),
                people AS (SELECT generation FROM read.active_generation WHERE org_id = $1 AND "group" = 'people')
           SELECT asker.access AS "access!: Json<AccessColumns>", contact.contact_id, contact.client_id,
                  contact.mailbox_id, contact.added_at, account.portal_user_id AS "portal_user_id?",
                  card.name AS "card_name?", card.email AS "card_email?"
           FROM read.asker($1, $2, $3) asker
           JOIN read.contact contact ON contact.generation = (TABLE portal) AND contact.org_id = $1
           LEFT JOIN LATERAL (
               SELECT portal_user_id FROM read.portal_user account
               WHERE account.generation = (TABLE portal) AND account.org_id = $1
                 AND account.contact_id = contact.contact_id
               ORDER BY account.prepared_at DESC
               LIMIT 1
           ) account ON true
           LEFT JOIN read.person_card card
             ON card.generation = (TABLE people) AND card.org_id = $1 AND card.person_id = contact.contact_id
           WHERE contact.mailbox_id = $4
           ORDER BY contact.added_at
           LIMIT 1"#,
        scope.org.0,
        scope.asker_kind(),
        scope.asker_id(),
        mailbox.0
    )
    .fetch_optional(&mut *transaction)
    .await?;
    let access = row.as_ref().map(|row| row.access.0.clone());
    may_ask(&mut transaction, scope, access, Action::ViewDirectory, at).await?;
    drop(transaction);
    Ok(row.map(Columns::into_view).transpose()?)
}
