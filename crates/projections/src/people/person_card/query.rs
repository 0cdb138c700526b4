//! Whose name is it: for staff, and for everybody about themselves.

use crate::access_facts::{AccessColumns, is_somebody, may_ask};
use crate::columns::{column, read};
use crate::error::ReadError;
use crate::scope::Scope;
use countersign_domain::access::{Action, Denied, Subject};
use countersign_domain::envelope::Principal;
use countersign_domain::firm::staff::Level;
use countersign_domain::ids::{ClientId, PersonId};
use countersign_domain::values::{Email, Label, Timestamp};
use countersign_postgres::reading;
use serde::Serialize;
use sqlx::PgPool;
use sqlx::types::Json;
use std::collections::BTreeMap;
use std::fmt;

/// A person's name and address. Personal: shown, never logged, never digested.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Card {
    /// Their name; absent once erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Their address; absent once erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
}

impl Card {
    /// A card from its columns, if there is anything on it.
    pub(crate) fn read(name: Option<String>, email: Option<String>) -> Result<Option<Self>, sqlx::Error> {
        let email = email.map(|email| read("email", Email::parse(&email))).transpose()?;
        Ok((name.is_some() || email.is_some()).then_some(Self { name, email }))
    }
}

/// A log that prints a card by accident prints nothing of it.
impl fmt::Debug for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Card(…)")
    }
}

/// Whoever asks, as they may see themselves.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Myself {
    /// Who, as somebody who holds rights.
    pub principal: Principal,
    /// Name and address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub card: Option<Card>,
    /// A staff member's access level.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// The client for which a portal user acts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientId>,
    /// What that client is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_name: Option<Label>,
}

/// The cards of people, as far as there are any; for staff.
pub async fn cards(
    pool: &PgPool,
    scope: &Scope,
    at: Timestamp,
    people: &[PersonId],
) -> Result<BTreeMap<PersonId, Card>, ReadError> {
    let ids = column(people, |person| person.0);
    let mut transaction = reading(pool, scope.org).await?;
    let rows = sqlx::query!(
        r#"WITH people AS (SELECT generation FROM read.active_generation WHERE org_id = $1 AND "group" = 'people')
           SELECT asker.access AS "access!: Json<AccessColumns>", card.person_id, card.name, card.email
           FROM read.asker($1, $2, $3) asker
           JOIN read.person_card card
             ON card.generation = (TABLE people) AND card.org_id = $1 AND card.person_id = ANY ($4)"#,
        scope.org.0,
        scope.asker_kind(),
        scope.asker_id(),
        &ids
    )
    .fetch_all(&mut *transaction)
    .await?;
    let access = rows.first().map(|row| row.access.0.clone());
    may_ask(&mut transaction, scope, access, Action::ViewDirectory, at).await?;
    drop(transaction);
    let mut cards = BTreeMap::new();
    for row in rows {
        cards.extend(Card::read(row.name, row.email)?.map(|card| (PersonId(row.person_id), card)));
    }
    Ok(cards)
}

/// Whoever asks, about themselves; refused to whoever is not active.
pub async fn myself(pool: &PgPool, scope: &Scope) -> Result<Myself, ReadError> {
    let mut transaction = reading(pool, scope.org).await?;
    let row = sqlx::query!(
        r#"WITH portal AS (SELECT generation FROM read.active_generation WHERE org_id = $1 AND "group" = 'portal'),
                people AS (SELECT generation FROM read.active_generation WHERE org_id = $1 AND "group" = 'people')
           SELECT asker.access AS "access!: Json<AccessColumns>", client.name AS "client_name?",
                  card.name AS "card_name?", card.email AS "card_email?"
           FROM read.asker($1, $2, $3) asker
           LEFT JOIN read.portal_user account
             ON account.generation = (TABLE portal) AND account.org_id = $1
            AND $2 = 'portal_user' AND account.portal_user_id = $3
           LEFT JOIN read.client client
             ON client.generation = (TABLE portal) AND client.org_id = $1 AND client.client_id = account.client_id
           LEFT JOIN read.person_card card
             ON card.generation = (TABLE people) AND card.org_id = $1
            AND card.person_id = CASE $2 WHEN 'staff' THEN $3 ELSE account.contact_id END"#,
        scope.org.0,
        scope.asker_kind(),
        scope.asker_id()
    )
    .fetch_one(&mut *transaction)
    .await?;
    drop(transaction);
    let facts = row.access.0.facts(scope);
    is_somebody(&facts)?;
    let principal = facts.subject.principal().ok_or(Denied::NotThere)?;
    let (level, client) = match facts.subject {
        Subject::Staff { level, .. } => (Some(level), None),
        Subject::PortalUser { clients, .. } => (None, clients.into_iter().next()),
        Subject::Installation | Subject::Nobody => (None, None),
    };
    Ok(Myself {
        principal,
        card: Card::read(row.card_name, row.card_email)?,
        level,
        client,
        client_name: row.client_name.map(|name| read("client_name", Label::parse(&name))).transpose()?,
    })
}
