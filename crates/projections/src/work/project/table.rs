//! The statements beside the fold.

use super::{LineRow, Project, ProjectRow};
use crate::columns::{column, json, read, read_hours, read_money};
use crate::group::{Place, Table};
use crate::line::Line;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use countersign_domain::ids::{OrgId, ProjectId};
use countersign_domain::values::{Currency, Label};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

struct Stored {
    org_id: Uuid,
    project_id: Uuid,
    client_id: Uuid,
    name: String,
    currency: String,
    manager_id: Option<Uuid>,
    published: bool,
    contract_lines: Json<Vec<LineRow>>,
    hours_used: Decimal,
    hours_approved: Decimal,
    invoiced: i64,
    changed_at: DateTime<Utc>,
    shown_changed_at: DateTime<Utc>,
}

impl Stored {
    fn into_row(self) -> Result<(Place<ProjectId>, ProjectRow), sqlx::Error> {
        let currency = read("currency", Currency::parse(&self.currency))?;
        let row = ProjectRow {
            client: self.client_id.into(),
            name: read("name", Label::parse(&self.name))?,
            currency,
            manager: self.manager_id.map(Into::into),
            published: self.published,
            contract_lines: self.contract_lines.0,
            hours_used: read_hours(self.hours_used),
            hours_approved: read_hours(self.hours_approved),
            invoiced: read_money("invoiced", self.invoiced, currency)?,
            changed_at: self.changed_at.into(),
            shown_changed_at: self.shown_changed_at.into(),
        };
        Ok(((OrgId(self.org_id), self.project_id.into()), row))
    }
}

#[async_trait]
impl Table for Project {
    const NAME: &'static str = "project";
    const COLUMNS: &'static [&'static str] = &[
        "project_id",
        "client_id",
        "name",
        "currency",
        "manager_id",
        "published",
        "contract_lines",
        "hours_used",
        "hours_approved",
        "invoiced",
        "changed_at",
        "shown_changed_at",
    ];

    async fn load(
        connection: &mut PgConnection,
        generation: i32,
        keys: &[Place<ProjectId>],
    ) -> Result<Vec<(Place<ProjectId>, ProjectRow)>, sqlx::Error> {
        let org_id = column(keys, |(org, _)| org.0);
        let project_id = column(keys, |(_, key)| key.0);
        let found = sqlx::query_as!(
            Stored,
            r#"SELECT stored.org_id, stored.project_id, stored.client_id, stored.name, stored.currency,
                 stored.manager_id, stored.published,
                 stored.contract_lines AS "contract_lines: Json<Vec<LineRow>>", stored.hours_used,
                 stored.hours_approved, stored.invoiced, stored.changed_at, stored.shown_changed_at
             FROM unnest($2::uuid[], $3::uuid[]) asked (org_id, project_id)
             CROSS JOIN LATERAL (
                 SELECT * FROM read.project one
                 WHERE one.generation = $1 AND one.org_id = asked.org_id AND one.project_id = asked.project_id
                 OFFSET 0
             ) stored"#,
            generation,
            &org_id,
            &project_id
        )
        .fetch_all(connection)
        .await?;
        found.into_iter().map(Stored::into_row).collect()
    }

    async fn save(
        connection: &mut PgConnection,
        generation: i32,
        rows: &[(Place<ProjectId>, ProjectRow)],
    ) -> Result<(), sqlx::Error> {
        let org_id = column(rows, |((org, _), _)| org.0);
        let project_id = column(rows, |((_, id), _)| id.0);
        let client_id = column(rows, |(_, row)| row.client.0);
        let name = column(rows, |(_, row)| row.name.as_str().to_owned());
        let currency = column(rows, |(_, row)| row.currency.to_string());
        let manager_id = column(rows, |(_, row)| row.manager.map(|manager| manager.0));
        let published = column(rows, |(_, row)| row.published);
        let contract_lines = column(rows, |(_, row)| json(&row.contract_lines));
        let hours_used = column(rows, |(_, row)| row.hours_used);
        let hours_approved = column(rows, |(_, row)| row.hours_approved);
        let invoiced = column(rows, |(_, row)| row.invoiced.minor());
        let changed_at = column(rows, |(_, row)| row.changed_at.as_utc());
        let shown_changed_at = column(rows, |(_, row)| row.shown_changed_at.as_utc());
        sqlx::query!(
            "INSERT INTO read.project (generation, org_id, project_id, client_id, name, currency, manager_id,
                 published, contract_lines, hours_used, hours_approved, invoiced, changed_at, shown_changed_at)
             SELECT $1, written.*
             FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::uuid[], $8::boolean[],
                 $9::jsonb[],
                 $10::numeric[], $11::numeric[], $12::bigint[], $13::timestamptz[], $14::timestamptz[]) written
             ON CONFLICT (generation, org_id, project_id) DO UPDATE
             SET client_id = excluded.client_id, name = excluded.name, currency = excluded.currency,
                 manager_id = excluded.manager_id, published = excluded.published,
                 contract_lines = excluded.contract_lines, hours_used = excluded.hours_used,
                 hours_approved = excluded.hours_approved, invoiced = excluded.invoiced,
                 changed_at = excluded.changed_at, shown_changed_at = excluded.shown_changed_at",
            generation,
            &org_id,
            &project_id,
            &client_id,
            &name,
            &currency,
            &manager_id as &[Option<Uuid>],
            &published,
            &contract_lines,
            &hours_used,
            &hours_approved,
            &invoiced,
            &changed_at,
            &shown_changed_at
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    async fn delete(
        connection: &mut PgConnection,
        generation: i32,
        keys: &[Place<ProjectId>],
    ) -> Result<(), sqlx::Error> {
        let org_id = column(keys, |(org, _)| org.0);
        let project_id = column(keys, |(_, key)| key.0);
        sqlx::query!(
            "DELETE FROM read.project stored
             USING unnest($2::uuid[], $3::uuid[]) gone (org_id, project_id)
             WHERE stored.generation = $1 AND stored.org_id = gone.org_id AND stored.project_id = gone.project_id",
            generation,
            &org_id,
            &project_id
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    fn copy((id, row): (&ProjectId, &ProjectRow), line: &mut Line) {
        line.put(id.0)
            .put(row.client.0)
            .put(row.name.as_str())
            .put(row.currency.to_string().as_str())
            .put(row.manager.map(|manager| manager.0))
            .put(row.published)
            .put(Json(&row.contract_lines))
            .put(row.hours_used)
            .put(row.hours_approved)
            .put(row.invoiced.minor())
            .put(row.changed_at.as_utc())
            .put(row.shown_changed_at.as_utc());
    }
}
