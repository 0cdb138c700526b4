//! The statements beside the fold.

use super::{PortalUser, PortalUserRow};
use crate::columns::{column, moment, read_word, word};
use crate::group::Table;
use crate::line::Line;
use crate::scope::Generation;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use countersign_domain::ids::PortalUserId;
use sqlx::PgConnection;
use uuid::Uuid;

struct Stored {
    portal_user_id: Uuid,
    contact_id: Uuid,
    client_id: Uuid,
    mailbox_id: Uuid,
    status: String,
    prepared_at: DateTime<Utc>,
    invitation_id: Option<Uuid>,
    invited_at: Option<DateTime<Utc>>,
    expires_at: Option<DateTime<Utc>>,
    accepted_at: Option<DateTime<Utc>>,
    deactivated_at: Option<DateTime<Utc>>,
}

impl Stored {
    fn into_row(self) -> Result<(PortalUserId, PortalUserRow), sqlx::Error> {
        let row = PortalUserRow {
            contact: self.contact_id.into(),
            client: self.client_id.into(),
            mailbox: self.mailbox_id.into(),
            status: read_word("status", self.status)?,
            prepared_at: self.prepared_at.into(),
            invitation: self.invitation_id.map(Into::into),
            invited_at: self.invited_at.map(Into::into),
            expires_at: self.expires_at.map(Into::into),
            accepted_at: self.accepted_at.map(Into::into),
            deactivated_at: self.deactivated_at.map(Into::into),
        };
        Ok((self.portal_user_id.into(), row))
    }
}

#[async_trait]
impl Table for PortalUser {
    const NAME: &'static str = "portal_user";
    const COLUMNS: &'static [&'static str] = &[
        "portal_user_id",
        "contact_id",
        "client_id",
        "mailbox_id",
        "status",
        "prepared_at",
        "invitation_id",
        "invited_at",
        "expires_at",
        "accepted_at",
        "deactivated_at",
    ];

    async fn load(
        connection: &mut PgConnection,
        of: Generation,
        keys: &[PortalUserId],
    ) -> Result<Vec<(PortalUserId, PortalUserRow)>, sqlx::Error> {
        let portal_user_id = column(keys, |key| key.0);
        let found = sqlx::query_as!(
            Stored,
            "SELECT portal_user_id, contact_id, client_id, mailbox_id, status, prepared_at, invitation_id,
                 invited_at, expires_at, accepted_at, deactivated_at
             FROM read.portal_user
             WHERE generation = $1 AND org_id = $2 AND portal_user_id = ANY ($3)",
            of.number,
            of.org.0,
            &portal_user_id
        )
        .fetch_all(connection)
        .await?;
        found.into_iter().map(Stored::into_row).collect()
    }

    async fn save(
        connection: &mut PgConnection,
        of: Generation,
        rows: &[(PortalUserId, PortalUserRow)],
    ) -> Result<(), sqlx::Error> {
        let portal_user_id = column(rows, |(id, _)| id.0);
        let contact_id = column(rows, |(_, row)| row.contact.0);
        let client_id = column(rows, |(_, row)| row.client.0);
        let mailbox_id = column(rows, |(_, row)| row.mailbox.0);
        let status = column(rows, |(_, row)| word(&row.status));
        let prepared_at = column(rows, |(_, row)| row.prepared_at.as_utc());
        let invitation_id = column(rows, |(_, row)| row.invitation.map(|invitation| invitation.0));
        let invited_at = column(rows, |(_, row)| moment(row.invited_at));
        let expires_at = column(rows, |(_, row)| moment(row.expires_at));
        let accepted_at = column(rows, |(_, row)| moment(row.accepted_at));
        let deactivated_at = column(rows, |(_, row)| moment(row.deactivated_at));
        sqlx::query!(
            "INSERT INTO read.portal_user (generation, org_id, portal_user_id, contact_id, client_id, mailbox_id,
                 status, prepared_at, invitation_id, invited_at, expires_at, accepted_at, deactivated_at)
             SELECT $1, $2, written.*
             FROM unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::timestamptz[], $9::uuid[],
                 $10::timestamptz[], $11::timestamptz[], $12::timestamptz[], $13::timestamptz[]) written
             ON CONFLICT (generation, org_id, portal_user_id) DO UPDATE
             SET contact_id = excluded.contact_id, client_id = excluded.client_id, mailbox_id = excluded.mailbox_id,
                 status = excluded.status, prepared_at = excluded.prepared_at,
                 invitation_id = excluded.invitation_id, invited_at = excluded.invited_at,
                 expires_at = excluded.expires_at, accepted_at = excluded.accepted_at,
                 deactivated_at = excluded.deactivated_at",
            of.number,
            of.org.0,
            &portal_user_id,
            &contact_id,
            &client_id,
            &mailbox_id,
            &status,
            &prepared_at,
            &invitation_id as &[Option<Uuid>],
            &invited_at as &[Option<DateTime<Utc>>],
            &expires_at as &[Option<DateTime<Utc>>],
            &accepted_at as &[Option<DateTime<Utc>>],
            &deactivated_at as &[Option<DateTime<Utc>>]
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    async fn delete(connection: &mut PgConnection, of: Generation, keys: &[PortalUserId]) -> Result<(), sqlx::Error> {
        let portal_user_id = column(keys, |key| key.0);
        sqlx::query!(
            "DELETE FROM read.portal_user
             WHERE generation = $1 AND org_id = $2 AND portal_user_id = ANY ($3)",
            of.number,
            of.org.0,
            &portal_user_id
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    fn copy((id, row): (&PortalUserId, &PortalUserRow), line: &mut Line) {
        line.put(id.0)
            .put(row.contact.0)
            .put(row.client.0)
            .put(row.mailbox.0)
            .put(word(&row.status).as_str())
            .put(row.prepared_at.as_utc())
            .put(row.invitation.map(|invitation| invitation.0))
            .put(moment(row.invited_at))
            .put(moment(row.expires_at))
            .put(moment(row.accepted_at))
            .put(moment(row.deactivated_at));
    }
}
