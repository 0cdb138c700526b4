//! The statements beside the fold.

use super::{Contact, ContactRow};
use crate::columns::column;
use crate::group::Table;
use crate::line::Line;
use crate::scope::Generation;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use countersign_domain::ids::ContactId;
use sqlx::PgConnection;
use uuid::Uuid;

struct Stored {
    contact_id: Uuid,
    client_id: Uuid,
    mailbox_id: Uuid,
    added_at: DateTime<Utc>,
}

impl Stored {
    fn into_row(self) -> Result<(ContactId, ContactRow), sqlx::Error> {
        let row = ContactRow {
            client: self.client_id.into(),
            mailbox: self.mailbox_id.into(),
            added_at: self.added_at.into(),
        };
        Ok((self.contact_id.into(), row))
    }
}

#[async_trait]
impl Table for Contact {
    const NAME: &'static str = "contact";
    const COLUMNS: &'static [&'static str] = &["contact_id", "client_id", "mailbox_id", "added_at"];

    async fn load(
        connection: &mut PgConnection,
        of: Generation,
        keys: &[ContactId],
    ) -> Result<Vec<(ContactId, ContactRow)>, sqlx::Error> {
        let contact_id = column(keys, |key| key.0);
        let found = sqlx::query_as!(
            Stored,
            "SELECT contact_id, client_id, mailbox_id, added_at
             FROM read.contact
             WHERE generation = $1 AND org_id = $2 AND contact_id = ANY ($3)",
            of.number,
            of.org.0,
            &contact_id
        )
        .fetch_all(connection)
        .await?;
        found.into_iter().map(Stored::into_row).collect()
    }

    async fn save(
        connection: &mut PgConnection,
        of: Generation,
        rows: &[(ContactId, ContactRow)],
    ) -> Result<(), sqlx::Error> {
        let contact_id = column(rows, |(id, _)| id.0);
        let client_id = column(rows, |(_, row)| row.client.0);
        let mailbox_id = column(rows, |(_, row)| row.mailbox.0);
        let added_at = column(rows, |(_, row)| row.added_at.as_utc());
        sqlx::query!(
            "INSERT INTO read.contact (generation, org_id, contact_id, client_id, mailbox_id, added_at)
             SELECT $1, $2, written.*
             FROM unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::timestamptz[]) written
             ON CONFLICT (generation, org_id, contact_id) DO UPDATE
             SET client_id = excluded.client_id, mailbox_id = excluded.mailbox_id, added_at = excluded.added_at",
            of.number,
            of.org.0,
            &contact_id,
            &client_id,
            &mailbox_id,
            &added_at
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    async fn delete(connection: &mut PgConnection, of: Generation, keys: &[ContactId]) -> Result<(), sqlx::Error> {
        let contact_id = column(keys, |key| key.0);
        sqlx::query!(
            "DELETE FROM read.contact
             WHERE generation = $1 AND org_id = $2 AND contact_id = ANY ($3)",
            of.number,
            of.org.0,
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
