//! The statements beside the fold.

use super::{Client, ClientRow};
use crate::columns::{column, read};
use crate::group::{Place, Table};
use crate::line::Line;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use countersign_domain::ids::{ClientId, OrgId};
use countersign_domain::values::Label;
use sqlx::PgConnection;
use uuid::Uuid;

struct Stored {
    org_id: Uuid,
    client_id: Uuid,
    name: String,
    opened_at: DateTime<Utc>,
}

impl Stored {
    fn into_row(self) -> Result<(Place<ClientId>, ClientRow), sqlx::Error> {
        let row = ClientRow { name: read("name", Label::parse(&self.name))?, opened_at: self.opened_at.into() };
        Ok(((OrgId(self.org_id), self.client_id.into()), row))
    }
}

#[async_trait]
impl Table for Client {
    const NAME: &'static str = "client";
    const COLUMNS: &'static [&'static str] = &["client_id", "name", "opened_at"];

    async fn load(
        connection: &mut PgConnection,
        generation: i32,
        keys: &[Place<ClientId>],
    ) -> Result<Vec<(Place<ClientId>, ClientRow)>, sqlx::Error> {
        let org_id = column(keys, |(org, _)| org.0);
        let client_id = column(keys, |(_, key)| key.0);
        let found = sqlx::query_as!(
            Stored,
            "SELECT stored.org_id, stored.client_id, stored.name, stored.opened_at
             FROM unnest($2::uuid[], $3::uuid[]) asked (org_id, client_id)
             CROSS JOIN LATERAL (
                 SELECT * FROM read.client one
                 WHERE one.generation = $1 AND one.org_id = asked.org_id AND one.client_id = asked.client_id
                 OFFSET 0
             ) stored",
            generation,
            &org_id,
            &client_id
        )
        .fetch_all(connection)
        .await?;
        found.into_iter().map(Stored::into_row).collect()
    }

    async fn save(
        connection: &mut PgConnection,
        generation: i32,
        rows: &[(Place<ClientId>, ClientRow)],
    ) -> Result<(), sqlx::Error> {
        let org_id = column(rows, |((org, _), _)| org.0);
        let client_id = column(rows, |((_, id), _)| id.0);
        let name = column(rows, |(_, row)| row.name.as_str().to_owned());
        let opened_at = column(rows, |(_, row)| row.opened_at.as_utc());
        sqlx::query!(
            "INSERT INTO read.client (generation, org_id, client_id, name, opened_at)
             SELECT $1, written.*
             FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[]) written
             ON CONFLICT (generation, org_id, client_id) DO UPDATE
             SET name = excluded.name, opened_at = excluded.opened_at",
            generation,
            &org_id,
            &client_id,
            &name,
            &opened_at
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    async fn delete(
        connection: &mut PgConnection,
        generation: i32,
        keys: &[Place<ClientId>],
    ) -> Result<(), sqlx::Error> {
        let org_id = column(keys, |(org, _)| org.0);
        let client_id = column(keys, |(_, key)| key.0);
        sqlx::query!(
            "DELETE FROM read.client stored
             USING unnest($2::uuid[], $3::uuid[]) gone (org_id, client_id)
             WHERE stored.generation = $1 AND stored.org_id = gone.org_id AND stored.client_id = gone.client_id",
            generation,
            &org_id,
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
