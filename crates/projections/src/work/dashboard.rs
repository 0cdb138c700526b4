//! The guest's dashboard: what they may see at this moment, and what waits for them.

use crate::access_facts::{AccessColumns, asker, is_somebody};
use crate::error::ReadError;
use crate::scope::{Asker, Scope};
use crate::work::project::{LineRow, ProjectColumns, ProjectView};
use countersign_domain::access::{Action, Denied, Facts, decide};
use countersign_domain::envelope::Principal;
use countersign_domain::values::Timestamp;
use countersign_postgres::scoped;
use serde::Serialize;
use sqlx::PgPool;
use sqlx::types::Json;

/// A portal user's dashboard.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Dashboard {
    /// Their projects, by name.
    pub projects: Vec<DashboardProject>,
    /// How many things wait for their decision.
    pub awaiting_my_approval: u64,
}

/// A project on the dashboard.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DashboardProject {
    /// The project, masked as everywhere.
    #[serde(flatten)]
    pub project: ProjectView,
    /// How many of its invoices are put before the client and not settled: with invoice visibility only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_invoices: Option<u64>,
    /// How many things on it wait for the portal user's decision.
    pub awaiting_my_approval: u64,
}

/// The dashboard of the portal user who asks; refused to anybody else.
pub async fn dashboard(pool: &PgPool, scope: &Scope, at: Timestamp) -> Result<Dashboard, ReadError> {
    let Asker::Person(Principal::PortalUser(_)) = scope.asker else { return Err(Denied::NotThere.into()) };
    let mut transaction = scoped(pool, scope.org).await?;
    let rows = sqlx::query!(
        r#"WITH approvals AS (SELECT generation FROM read.active_generation WHERE org_id = $1 AND "group" = 'approvals'),
                portal AS (SELECT generation FROM read.active_generation WHERE org_id = $1 AND "group" = 'portal')
           SELECT project.project_id, project.name, project.client_id, client.name AS "client_name?", project.currency,
                  project.manager_id, project.published,
                  project.contract_lines AS "contract_lines: Json<Vec<LineRow>>", project.hours_used,
                  project.hours_approved, project.invoiced, project.changed_at, project.shown_changed_at,
                  reach.access AS "access!: Json<AccessColumns>", invoices.open AS "open_invoices!", awaiting.invoices AS "awaiting_invoices!",
                  awaiting.time_entries AS "awaiting_time_entries!"
           FROM read.reach($1, $2, $3, $4) reach
           JOIN read.project project
             ON project.generation = (TABLE portal) AND project.org_id = $1
            AND project.project_id = reach.project_id
           LEFT JOIN read.client client
             ON client.generation = (TABLE portal) AND client.org_id = $1 AND client.client_id = project.client_id
           CROSS JOIN LATERAL (
               SELECT count(*) AS open FROM read.invoice invoice
               WHERE invoice.generation = (TABLE portal) AND invoice.org_id = $1
                 AND invoice.project_id = reach.project_id AND invoice.status <> 'draft'
           ) invoices
           CROSS JOIN LATERAL (
               SELECT count(*) FILTER (WHERE request.object_kind = 'invoice') AS invoices,
                      count(*) FILTER (WHERE request.object_kind = 'time_entry') AS time_entries
               FROM read.approval_request request
               WHERE request.generation = (TABLE approvals) AND request.org_id = $1
                 AND request.project_id = reach.project_id AND request.standing = 'open'
                 AND request.asked_by <> $3 AND $3 <> ALL (request.given)
                 AND (request.needed_right = ANY (reach.rights) OR $3 = ANY (request.named))
           ) awaiting
           ORDER BY project.name, project.project_id"#,
        scope.org.0,
        scope.asker_kind(),
        scope.asker_id(),
        at.as_utc()
    )
    .fetch_all(&mut *transaction)
    .await?;
    if rows.is_empty() {
        is_somebody(&asker(&mut transaction, scope).await?.facts(scope))?;
    }
    transaction.commit().await?;
    let mut projects = Vec::with_capacity(rows.len());
    for row in rows {
        let columns = ProjectColumns {
            project_id: row.project_id,
            name: row.name,
            client_id: row.client_id,
            client_name: row.client_name,
            currency: row.currency,
            manager_id: row.manager_id,
            published: row.published,
            contract_lines: row.contract_lines,
            hours_used: row.hours_used,
            hours_approved: row.hours_approved,
            invoiced: row.invoiced,
            changed_at: row.changed_at,
            shown_changed_at: row.shown_changed_at,
            access: row.access,
        };
        let Some((project, facts)) = columns.shown_to(scope, at)? else { continue };
        let count = |action, counted: i64| counted_if(&facts, action, at, counted);
        projects.push(DashboardProject {
            project,
            open_invoices: count(Action::ViewInvoices, row.open_invoices),
            awaiting_my_approval: count(Action::ApproveInvoices, row.awaiting_invoices).unwrap_or(0)
                + count(Action::ApproveTime, row.awaiting_time_entries).unwrap_or(0),
        });
    }
    let awaiting_my_approval = projects.iter().map(|project| project.awaiting_my_approval).sum();
    Ok(Dashboard { projects, awaiting_my_approval })
}

/// What may not be seen is not counted either.
fn counted_if(facts: &Facts, action: Action, at: Timestamp, counted: i64) -> Option<u64> {
    decide(facts, action, at).allowed.then_some(counted.unsigned_abs())
}
