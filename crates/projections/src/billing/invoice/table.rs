//! The statements beside the fold.

use super::{Invoice, InvoiceRow, Story};
use crate::columns::{column, json, read_word, signed, word};
use crate::group::{Place, Table};
use crate::line::Line;
use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use countersign_domain::billing::content::Content;
use countersign_domain::ids::{InvoiceId, OrgId};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

struct Stored {
    org_id: Uuid,
    invoice_id: Uuid,
    status: String,
    since: DateTime<Utc>,
    content: Json<Content>,
    story: Json<Story>,
}

impl Stored {
    fn into_row(self) -> Result<(Place<InvoiceId>, InvoiceRow), sqlx::Error> {
        let row = InvoiceRow {
            content: self.content.0,
            status: read_word("status", self.status)?,
            since: self.since.into(),
            story: self.story.0,
        };
        Ok(((OrgId(self.org_id), self.invoice_id.into()), row))
    }
}

#[async_trait]
impl Table for Invoice {
    const NAME: &'static str = "invoice";
    const COLUMNS: &'static [&'static str] = &[
        "invoice_id",
        "project_id",
        "client_id",
        "status",
        "revision",
        "currency",
        "net",
        "gross",
        "number",
        "issued_on",
        "drafted_at",
        "since",
        "content",
        "story",
    ];

    async fn load(
        connection: &mut PgConnection,
        generation: i32,
        keys: &[Place<InvoiceId>],
    ) -> Result<Vec<(Place<InvoiceId>, InvoiceRow)>, sqlx::Error> {
        let org_id = column(keys, |(org, _)| org.0);
        let invoice_id = column(keys, |(_, key)| key.0);
        let found = sqlx::query_as!(
            Stored,
            r#"SELECT stored.org_id, stored.invoice_id, stored.status, stored.since,
                 stored.content AS "content: Json<Content>", stored.story AS "story: Json<Story>"
             FROM unnest($2::uuid[], $3::uuid[]) asked (org_id, invoice_id)
             CROSS JOIN LATERAL (
                 SELECT * FROM read.invoice one
                 WHERE one.generation = $1 AND one.org_id = asked.org_id AND one.invoice_id = asked.invoice_id
                 OFFSET 0
             ) stored"#,
            generation,
            &org_id,
            &invoice_id
        )
        .fetch_all(connection)
        .await?;
        found.into_iter().map(Stored::into_row).collect()
    }

    async fn save(
        connection: &mut PgConnection,
        generation: i32,
        rows: &[(Place<InvoiceId>, InvoiceRow)],
    ) -> Result<(), sqlx::Error> {
        let org_id = column(rows, |((org, _), _)| org.0);
        let invoice_id = column(rows, |((_, id), _)| id.0);
        let project_id = column(rows, |(_, row)| row.content.project.0);
        let client_id = column(rows, |(_, row)| row.content.client.0);
        let status = column(rows, |(_, row)| word(&row.status));
        let revision = column(rows, |(_, row)| signed(row.content.revision));
        let currency = column(rows, |(_, row)| row.content.currency.to_string());
        let net = column(rows, |(_, row)| row.content.totals.net.minor());
        let gross = column(rows, |(_, row)| row.content.totals.gross.minor());
        let number = column(rows, |(_, row)| row.story.sent.as_ref().map(|sent| sent.number.to_string()));
        let issued_on = column(rows, |(_, row)| row.story.sent.as_ref().map(|sent| sent.issued_on));
        let drafted_at = column(rows, |(_, row)| row.story.drafted.at.as_utc());
        let since = column(rows, |(_, row)| row.since.as_utc());
        let content = column(rows, |(_, row)| json(&row.content));
        let story = column(rows, |(_, row)| json(&row.story));
        sqlx::query!(
            "INSERT INTO read.invoice (generation, org_id, invoice_id, project_id, client_id, status, revision,
                 currency, net, gross, number, issued_on, drafted_at, since, content, story)
             SELECT $1, written.*
             FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::integer[], $8::text[],
                 $9::bigint[],
                 $10::bigint[], $11::text[], $12::date[], $13::timestamptz[], $14::timestamptz[], $15::jsonb[],
                 $16::jsonb[]) written
             ON CONFLICT (generation, org_id, invoice_id) DO UPDATE
             SET project_id = excluded.project_id, client_id = excluded.client_id, status = excluded.status,
                 revision = excluded.revision, currency = excluded.currency, net = excluded.net,
                 gross = excluded.gross, number = excluded.number, issued_on = excluded.issued_on,
                 drafted_at = excluded.drafted_at, since = excluded.since, content = excluded.content,
                 story = excluded.story",
            generation,
            &org_id,
            &invoice_id,
            &project_id,
            &client_id,
            &status,
            &revision,
            &currency,
            &net,
            &gross,
            &number as &[Option<String>],
            &issued_on as &[Option<NaiveDate>],
            &drafted_at,
            &since,
            &content,
            &story
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    async fn delete(
        connection: &mut PgConnection,
        generation: i32,
        keys: &[Place<InvoiceId>],
    ) -> Result<(), sqlx::Error> {
        let org_id = column(keys, |(org, _)| org.0);
        let invoice_id = column(keys, |(_, key)| key.0);
        sqlx::query!(
            "DELETE FROM read.invoice stored
             USING unnest($2::uuid[], $3::uuid[]) gone (org_id, invoice_id)
             WHERE stored.generation = $1 AND stored.org_id = gone.org_id AND stored.invoice_id = gone.invoice_id",
            generation,
            &org_id,
            &invoice_id
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    fn copy((id, row): (&InvoiceId, &InvoiceRow), line: &mut Line) {
        let (content, sent) = (&row.content, row.story.sent.as_ref());
        line.put(id.0)
            .put(content.project.0)
            .put(content.client.0)
            .put(word(&row.status).as_str())
            .put(signed(content.revision))
            .put(content.currency.to_string().as_str())
            .put(content.totals.net.minor())
            .put(content.totals.gross.minor())
            .put(sent.map(|sent| sent.number.to_string()).as_deref())
            .put(sent.map(|sent| sent.issued_on))
            .put(row.story.drafted.at.as_utc())
            .put(row.since.as_utc())
            .put(Json(content))
            .put(Json(&row.story));
    }
}
