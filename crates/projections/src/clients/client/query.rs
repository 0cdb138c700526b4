//! Questions about clients, for staff.

use crate::access_facts::{AccessColumns, may_ask};
use crate::columns::read;
use crate::error::ReadError;
use crate::page::{Page, PageRequest};
use crate::scope::Scope;
use chrono::{DateTime, Utc};
use countersign_domain::access::{Action, Denied};
use countersign_domain::ids::ClientId;
use countersign_domain::values::{Label, Timestamp};
use countersign_postgres::reading;
use serde::Serialize;
use sqlx::PgPool;
use sqlx::types::Json;
use uuid::Uuid;

/// A client as staff sees it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClientView {
    /// Which client.
    pub client: ClientId,
    /// What it is called.
    pub name: Label,
    /// Since when the firm serves it.
    pub opened_at: Timestamp,
}

/// The list that cursors of clients belong to.
const LIST: &str = "clients";

struct Columns {
    access: Json<AccessColumns>,
    client_id: Uuid,
    name: String,
    opened_at: DateTime<Utc>,
}

impl Columns {
    fn into_view(self) -> Result<ClientView, sqlx::Error> {
        Ok(ClientView {
            client: self.client_id.into(),
            name: read("name", Label::parse(&self.name))?,
            opened_at: self.opened_at.into(),
        })
    }
}

/// Clients, by name.
pub async fn list(
    pool: &PgPool,
    scope: &Scope,
    at: Timestamp,
    page: &PageRequest,
) -> Result<Page<ClientView>, ReadError> {
    let last: Option<ClientId> = page.last(LIST)?;
    let mut transaction = reading(pool, scope.org).await?;
    let rows = sqlx::query_as!(
        Columns,
        r#"WITH portal AS (SELECT generation FROM read.active_generation WHERE org_id = $1 AND "group" = 'portal')
           SELECT asker.access AS "access!: Json<AccessColumns>", client.client_id, client.name, client.opened_at
           FROM read.asker($1, $2, $3) asker
           JOIN read.client client ON client.generation = (TABLE portal) AND client.org_id = $1
           WHERE $4::uuid IS NULL OR (client.name, client.client_id) > (
               SELECT last.name, last.client_id FROM read.client last
               WHERE last.generation = (TABLE portal) AND last.org_id = $1 AND last.client_id = $4)
           ORDER BY client.name, client.client_id
           LIMIT $5"#,
        scope.org.0,
        scope.asker_kind(),
        scope.asker_id(),
        last.map(|client| client.0),
        page.limit.and_one_more()
    )
    .fetch_all(&mut *transaction)
    .await?;
    let access = rows.first().map(|row| row.access.0.clone());
    may_ask(&mut transaction, scope, access, Action::ViewDirectory, at).await?;
    drop(transaction);
    let clients = rows.into_iter().map(Columns::into_view).collect::<Result<_, _>>()?;
    Ok(Page::of(LIST, clients, page.limit, |client: &ClientView| client.client))
}

/// One client.
pub async fn get(pool: &PgPool, scope: &Scope, at: Timestamp, client: ClientId) -> Result<ClientView, ReadError> {
    let mut transaction = reading(pool, scope.org).await?;
    let row = sqlx::query_as!(
        Columns,
        r#"WITH portal AS (SELECT generation FROM read.active_generation WHERE org_id = $1 AND "group" = 'portal')
           SELECT asker.access AS "access!: Json<AccessColumns>", client.client_id, client.name, client.opened_at
           FROM read.asker($1, $2, $3) asker
           JOIN read.client client
             ON client.generation = (TABLE portal) AND client.org_id = $1 AND client.client_id = $4"#,
        scope.org.0,
        scope.asker_kind(),
        scope.asker_id(),
        client.0
    )
    .fetch_optional(&mut *transaction)
    .await?;
    let access = row.as_ref().map(|row| row.access.0.clone());
    may_ask(&mut transaction, scope, access, Action::ViewDirectory, at).await?;
    drop(transaction);
    Ok(row.ok_or(Denied::NotThere)?.into_view()?)
}
