//! The statements beside the fold.

use super::{Staff, StaffRow};
use crate::columns::{column, moment, read_word, word};
use crate::group::Table;
use crate::line::Line;
use crate::scope::Generation;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use countersign_domain::ids::StaffId;
use sqlx::PgConnection;
use uuid::Uuid;

struct Stored {
    staff_id: Uuid,
    level: String,
    status: String,
    mailbox_id: Uuid,
    added_at: DateTime<Utc>,
    joined_at: Option<DateTime<Utc>>,
    invitation_id: Option<Uuid>,
}

impl Stored {
    fn into_row(self) -> Result<(StaffId, StaffRow), sqlx::Error> {
        let row = StaffRow {
            level: read_word("level", self.level)?,
            status: read_word("status", self.status)?,
            mailbox: self.mailbox_id.into(),
            added_at: self.added_at.into(),
            joined_at: self.joined_at.map(Into::into),
            invitation: self.invitation_id.map(Into::into),
        };
        Ok((self.staff_id.into(), row))
    }
}

#[async_trait]
impl Table for Staff {
    const NAME: &'static str = "staff";
    const COLUMNS: &'static [&'static str] =
        &["staff_id", "level", "status", "mailbox_id", "added_at", "joined_at", "invitation_id"];

    async fn load(
        connection: &mut PgConnection,
        of: Generation,
        keys: &[StaffId],
    ) -> Result<Vec<(StaffId, StaffRow)>, sqlx::Error> {
        let ids = column(keys, |key| key.0);
        let found = sqlx::query_as!(
            Stored,
            "SELECT staff_id, level, status, mailbox_id, added_at, joined_at, invitation_id
             FROM read.staff WHERE generation = $1 AND org_id = $2 AND staff_id = ANY ($3)",
            of.number,
            of.org.0,
            &ids
        )
        .fetch_all(connection)
        .await?;
        found.into_iter().map(Stored::into_row).collect()
    }

    async fn save(
        connection: &mut PgConnection,
        of: Generation,
        rows: &[(StaffId, StaffRow)],
    ) -> Result<(), sqlx::Error> {
        let ids = column(rows, |(id, _)| id.0);
        let levels = column(rows, |(_, row)| word(&row.level));
        let statuses = column(rows, |(_, row)| word(&row.status));
        let mailboxes = column(rows, |(_, row)| row.mailbox.0);
        let added = column(rows, |(_, row)| row.added_at.as_utc());
        let joined = column(rows, |(_, row)| moment(row.joined_at));
        let invitations = column(rows, |(_, row)| row.invitation.map(|invitation| invitation.0));
        sqlx::query!(
            "INSERT INTO read.staff (generation, org_id, staff_id, level, status, mailbox_id, added_at, joined_at,
                 invitation_id)
             SELECT $1, $2, written.*
             FROM unnest($3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::timestamptz[], $8::timestamptz[],
                 $9::uuid[]) written
             ON CONFLICT (generation, org_id, staff_id) DO UPDATE
             SET level = excluded.level, status = excluded.status, mailbox_id = excluded.mailbox_id,
                 added_at = excluded.added_at, joined_at = excluded.joined_at,
                 invitation_id = excluded.invitation_id",
            of.number,
            of.org.0,
            &ids,
            &levels,
            &statuses,
            &mailboxes,
            &added,
            &joined as &[Option<DateTime<Utc>>],
            &invitations as &[Option<Uuid>]
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    async fn delete(connection: &mut PgConnection, of: Generation, keys: &[StaffId]) -> Result<(), sqlx::Error> {
        let ids = column(keys, |key| key.0);
        sqlx::query!(
            "DELETE FROM read.staff WHERE generation = $1 AND org_id = $2 AND staff_id = ANY ($3)",
            of.number,
            of.org.0,
            &ids
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    fn copy((id, row): (&StaffId, &StaffRow), line: &mut Line) {
        line.put(id.0)
            .put(word(&row.level).as_str())
            .put(word(&row.status).as_str())
            .put(row.mailbox.0)
            .put(row.added_at.as_utc())
            .put(moment(row.joined_at))
            .put(row.invitation.map(|invitation| invitation.0));
    }
}
