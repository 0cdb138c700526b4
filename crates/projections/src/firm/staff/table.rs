//! The statements beside the fold.

use super::{Staff, StaffRow};
use crate::columns::{column, moment, read_word, word};
use crate::group::{Place, Table};
use crate::line::Line;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use countersign_domain::ids::{OrgId, StaffId};
use sqlx::PgConnection;
use uuid::Uuid;

struct Stored {
    org_id: Uuid,
    staff_id: Uuid,
    level: String,
    status: String,
    mailbox_id: Uuid,
    added_at: DateTime<Utc>,
    joined_at: Option<DateTime<Utc>>,
    invitation_id: Option<Uuid>,
}

impl Stored {
    fn into_row(self) -> Result<(Place<StaffId>, StaffRow), sqlx::Error> {
        let row = StaffRow {
            level: read_word("level", self.level)?,
            status: read_word("status", self.status)?,
            mailbox: self.mailbox_id.into(),
            added_at: self.added_at.into(),
            joined_at: self.joined_at.map(Into::into),
            invitation: self.invitation_id.map(Into::into),
        };
        Ok(((OrgId(self.org_id), self.staff_id.into()), row))
    }
}

#[async_trait]
impl Table for Staff {
    const NAME: &'static str = "staff";
    const COLUMNS: &'static [&'static str] =
        &["staff_id", "level", "status", "mailbox_id", "added_at", "joined_at", "invitation_id"];

    async fn load(
        connection: &mut PgConnection,
        generation: i32,
        keys: &[Place<StaffId>],
    ) -> Result<Vec<(Place<StaffId>, StaffRow)>, sqlx::Error> {
        let org_id = column(keys, |(org, _)| org.0);
        let ids = column(keys, |(_, key)| key.0);
        let found = sqlx::query_as!(
            Stored,
            "SELECT stored.org_id, stored.staff_id, stored.level, stored.status, stored.mailbox_id,
                 stored.added_at, stored.joined_at, stored.invitation_id
             FROM unnest($2::uuid[], $3::uuid[]) asked (org_id, staff_id)
             CROSS JOIN LATERAL (
                 SELECT * FROM read.staff one
                 WHERE one.generation = $1 AND one.org_id = asked.org_id AND one.staff_id = asked.staff_id
                 OFFSET 0
             ) stored",
            generation,
            &org_id,
            &ids
        )
        .fetch_all(connection)
        .await?;
        found.into_iter().map(Stored::into_row).collect()
    }

    async fn save(
        connection: &mut PgConnection,
        generation: i32,
        rows: &[(Place<StaffId>, StaffRow)],
    ) -> Result<(), sqlx::Error> {
        let org_id = column(rows, |((org, _), _)| org.0);
        let ids = column(rows, |((_, id), _)| id.0);
        let levels = column(rows, |(_, row)| word(&row.level));
        let statuses = column(rows, |(_, row)| word(&row.status));
        let mailboxes = column(rows, |(_, row)| row.mailbox.0);
        let added = column(rows, |(_, row)| row.added_at.as_utc());
        let joined = column(rows, |(_, row)| moment(row.joined_at));
        let invitations = column(rows, |(_, row)| row.invitation.map(|invitation| invitation.0));
        sqlx::query!(
            "INSERT INTO read.staff (generation, org_id, staff_id, level, status, mailbox_id, added_at, joined_at,
                 invitation_id)
             SELECT $1, written.*
             FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::timestamptz[],
                 $8::timestamptz[],
                 $9::uuid[]) written
             ON CONFLICT (generation, org_id, staff_id) DO UPDATE
             SET level = excluded.level, status = excluded.status, mailbox_id = excluded.mailbox_id,
                 added_at = excluded.added_at, joined_at = excluded.joined_at,
                 invitation_id = excluded.invitation_id",
            generation,
            &org_id,
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

    async fn delete(
        connection: &mut PgConnection,
        generation: i32,
        keys: &[Place<StaffId>],
    ) -> Result<(), sqlx::Error> {
        let org_id = column(keys, |(org, _)| org.0);
        let ids = column(keys, |(_, key)| key.0);
        sqlx::query!(
            "DELETE FROM read.staff stored
             USING unnest($2::uuid[], $3::uuid[]) gone (org_id, staff_id)
             WHERE stored.generation = $1 AND stored.org_id = gone.org_id AND stored.staff_id = gone.staff_id",
            generation,
            &org_id,
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
