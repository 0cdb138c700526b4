//! The statements beside the fold.

use super::{PortalUser, PortalUserRow};
use crate::columns::{column, moment, read_word, word};
use crate::group::{Place, Table};
use crate::line::Line;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use countersign_domain::ids::{OrgId, PortalUserId};
use sqlx::PgConnection;
use uuid::Uuid;

struct Stored {
    org_id: Uuid,
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
    fn into_row(self) -> Result<(Place<PortalUserId>, PortalUserRow), sqlx::Error> {
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
        Ok(((OrgId(self.org_id), self.portal_user_id.into()), row))
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
        generation: i32,
        keys: &[Place<PortalUserId>],
    ) -> Result<Vec<(Place<PortalUserId>, PortalUserRow)>, sqlx::Error> {
        let org_id = column(keys, |(org, _)| org.0);
        let portal_user_id = column(keys, |(_, key)| key.0);
        let found = sqlx::query_as!(
            Stored,
            "SELECT stored.org_id, stored.portal_user_id, stored.contact_id, stored.client_id, stored.mailbox_id,
                 stored.status, stored.prepared_at, stored.invitation_id, stored.invited_at, stored.expires_at,
                 stored.accepted_at, stored.deactivated_at
             FROM unnest($2::uuid[], $3::uuid[]) asked (org_id, portal_user_id)
             CROSS JOIN LATERAL (
                 SELECT * FROM read.portal_user one
                 WHERE one.generation = $1 AND one.org_id = asked.org_id AND one.portal_user_id = asked.portal_user_id
                 OFFSET 0
             ) stored",
            generation,
            &org_id,
            &portal_user_id
        )
        .fetch_all(connection)
        .await?;
        found.into_iter().map(Stored::into_row).collect()
    }

    async fn save(
        connection: &mut PgConnection,
        generation: i32,
        rows: &[(Place<PortalUserId>, PortalUserRow)],
    ) -> Result<(), sqlx::Error> {
        let org_id = column(rows, |((org, _), _)| org.0);
        let portal_user_id = column(rows, |((_, id), _)| id.0);
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
             SELECT $1, written.*
             FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::timestamptz[],
                 $9::uuid[],
                 $10::timestamptz[], $11::timestamptz[], $12::timestamptz[], $13::timestamptz[]) written
             ON CONFLICT (generation, org_id, portal_user_id) DO UPDATE
             SET contact_id = excluded.contact_id, client_id = excluded.client_id, mailbox_id = excluded.mailbox_id,
                 status = excluded.status, prepared_at = excluded.prepared_at,
                 invitation_id = excluded.invitation_id, invited_at = excluded.invited_at,
                 expires_at = excluded.expires_at, accepted_at = excluded.accepted_at,
                 deactivated_at = excluded.deactivated_at",
            generation,
            &org_id,
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

    async fn delete(
        connection: &mut PgConnection,
        generation: i32,
        keys: &[Place<PortalUserId>],
    ) -> Result<(), sqlx::Error> {
        let org_id = column(keys, |(org, _)| org.0);
        let portal_user_id = column(keys, |(_, key)| key.0);
        sqlx::query!(
            "DELETE FROM read.portal_user stored
             USING unnest($2::uuid[], $3::uuid[]) gone (org_id, portal_user_id)
             WHERE stored.generation = $1 AND stored.org_id = gone.org_id AND stored.portal_user_id = gone.portal_user_id",
            generation,
            &org_id,
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
