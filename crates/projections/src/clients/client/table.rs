//! The statements beside the fold.

use super::{Client, ClientRow};
use crate::columns::{column, read};
use crate::group::Table;
use crate::line::Line;
use crate::scope::Generation;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use countersign_domain::ids::ClientId;
use countersign_domain::values::Label;
use sqlx::PgConnection;
use uuid::Uuid;

struct Stored {
    client_id: Uuid,
    name: String,
    opened_at: DateTime<Utc>,
}

impl Stored {
    fn into_row(self) -> Result<(ClientId, ClientRow), sqlx::Error> {
        let row = ClientRow { name: read("name", Label::parse(&self.name))?, opened_at: self.opened_at.into() };
        Ok((self.client_id.into(), row))
    }
}

#[async_trait]
impl Table for Client {
    const NAME: &'static str = "client";
    const COLUMNS: &'static [&'static str] = &["client_id", "name", "opened_at"];

    async fn load(
        connection: &mut PgConnection,
        of: Generation,
        keys: &[ClientId],
    ) -> Result<Vec<(ClientId, ClientRow)>, sqlx::Error> {
        let client_id = column(keys, |key| key.0);
        let found = sqlx::query_as!(
            Stored,
            "SELECT client_id, name, opened_at
             FROM read.client
             WHERE generation = $1 AND org_id = $2 AND client_id = ANY ($3)",
            of.number,
            of.org.0,
            &client_id
        )
        .fetch_all(connection)
        .await?;
        found.into_iter().map(Stored::into_row).collect()
    }

    async fn save(
        connection: &mut PgConnection,
        of: Generation,
        rows: &[(ClientId, ClientRow)],
    ) -> Result<(), sqlx::Error> {
        let client_id = column(rows, |(id, _)| id.0);
        let name = column(rows, |(_, row)| row.name.as_str().to_owned());
        let opened_at = column(rows, |(_, row)| row.opened_at.as_utc());
        sqlx::query!(
            "INSERT INTO read.client (generation, org_id, client_id, name, opened_at)
             SELECT $1, $2, written.*
             FROM unnest($3::uuid[], $4::text[], $5::timestamptz[]) written
             ON CONFLICT (generation, org_id, client_id) DO UPDATE
             SET name = excluded.name, opened_at = excluded.opened_at",
            of.number,
            of.org.0,
            &client_id,
            &name,
            &opened_at
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    async fn delete(connection: &mut PgConnection, of: Generation, keys: &[ClientId]) -> Result<(), sqlx::Error> {
        let client_id = column(keys, |key| key.0);
        sqlx::query!(
            "DELETE FROM read.client
             WHERE generation = $1 AND org_id = $2 AND client_id = ANY ($3)",
            of.number,
            of.org.0,
            &client_id
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    fn copy((id, row): (&ClientId, &ClientRow), line: &mut Line) {
        line.put(id.0).put(row.name.as_str()).put(row.opened_at.as_utc());
    }
}
