//! The statements beside the fold.

use super::{Contact, ContactRow};
use crate::columns::column;
use crate::group::{Place, Table};
use crate::line::Line;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use countersign_domain::ids::{ContactId, OrgId};
use sqlx::PgConnection;
use uuid::Uuid;

struct Stored {
    org_id: Uuid,
    contact_id: Uuid,
    client_id: Uuid,
    mailbox_id: Uuid,
    added_at: DateTime<Utc>,
}

impl Stored {
    fn into_row(self) -> Result<(Place<ContactId>, ContactRow), sqlx::Error> {
        let row = ContactRow {
            client: self.client_id.into(),
            mailbox: self.mailbox_id.into(),
            added_at: self.added_at.into(),
        };
        Ok(((OrgId(self.org_id), self.contact_id.into()), row))
    }
}

#[async_trait]
impl Table for Contact {
    const NAME: &'static str = "contact";
    const COLUMNS: &'static [&'static str] = &["contact_id", "client_id", "mailbox_id", "added_at"];

    async fn load(
        connection: &mut PgConnection,
        generation: i32,
        keys: &[Place<ContactId>],
    ) -> Result<Vec<(Place<ContactId>, ContactRow)>, sqlx::Error> {
        let org_id = column(keys, |(org, _)| org.0);
        let contact_id = column(keys, |(_, key)| key.0);
        let found = sqlx::query_as!(
            Stored,
            "SELECT stored.org_id, stored.contact_id, stored.client_id, stored.mailbox_id, stored.added_at
             FROM unnest($2::uuid[], $3::uuid[]) asked (org_id, contact_id)
             CROSS JOIN LATERAL (
                 SELECT * FROM read.contact one
                 WHERE one.generation = $1 AND one.org_id = asked.org_id AND one.contact_id = asked.contact_id
                 OFFSET 0
             ) stored",
            generation,
            &org_id,
            &contact_id
        )
        .fetch_all(connection)
        .await?;
        found.into_iter().map(Stored::into_row).collect()
    }

    async fn save(
        connection: &mut PgConnection,
        generation: i32,
        rows: &[(Place<ContactId>, ContactRow)],
    ) -> Result<(), sqlx::Error> {
        let org_id = column(rows, |((org, _), _)| org.0);
        let contact_id = column(rows, |((_, id), _)| id.0);
        let client_id = column(rows, |(_, row)| row.client.0);
        let mailbox_id = column(rows, |(_, row)| row.mailbox.0);
        let added_at = column(rows, |(_, row)| row.added_at.as_utc());
        sqlx::query!(
            "INSERT INTO read.contact (generation, org_id, contact_id, client_id, mailbox_id, added_at)
             SELECT $1, written.*
             FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::timestamptz[]) written
             ON CONFLICT (generation, org_id, contact_id) DO UPDATE
             SET client_id = excluded.client_id, mailbox_id = excluded.mailbox_id, added_at = excluded.added_at",
            generation,
            &org_id,
            &contact_id,
            &client_id,
            &mailbox_id,
            &added_at
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    async fn delete(
        connection: &mut PgConnection,
        generation: i32,
        keys: &[Place<ContactId>],
    ) -> Result<(), sqlx::Error> {
        let org_id = column(keys, |(org, _)| org.0);
        let contact_id = column(keys, |(_, key)| key.0);
        sqlx::query!(
            "DELETE FROM read.contact stored
             USING unnest($2::uuid[], $3::uuid[]) gone (org_id, contact_id)
             WHERE stored.generation = $1 AND stored.org_id = gone.org_id AND stored.contact_id = gone.contact_id",
            generation,
            &org_id,
            &contact_id
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    fn copy((id, row): (&ContactId, &ContactRow), line: &mut Line) {
        line.put(id.0).put(row.client.0).put(row.mailbox.0).put(row.added_at.as_utc());
    }
}
