//! The guest's dashboard: what they may see at this moment, and what waits for them.

use crate::access_facts::{AccessColumns, asker, is_somebody};
use crate::error::ReadError;
use crate::scope::{Asker, Scope};
use crate::work::project::{LineRow, ProjectColumns, ProjectView};
use countersign_domain::access::{Action, Denied, Facts, decide};
use countersign_domain::envelope::Principal;
use countersign_domain::values::Timestamp;
use countersign_postgres::{alone, reading};
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
    let Asker::Person(Principal::PortalUser(guest)) = scope.asker else { return Err(Denied::NotThere.into()) };
    let rows = sqlx::query!(
        r#"SELECT project_id AS "project_id!", name AS "name!", client_id AS "client_id!", client_name,
                  currency AS "currency!", manager_id, published AS "published!",
                  contract_lines AS "contract_lines!: Json<Vec<LineRow>>", hours_used AS "hours_used!",
                  hours_approved AS "hours_approved!", invoiced AS "invoiced!", changed_at AS "changed_at!",
                  shown_changed_at AS "shown_changed_at!", access AS "access!: Json<AccessColumns>",
                  open_invoices AS "open_invoices!", awaiting_invoices AS "awaiting_invoices!",
                  awaiting_time_entries AS "awaiting_time_entries!"
           FROM read.dashboard($1, $2, $3)"#,
        scope.org.0,
        guest.0,
        at.as_utc()
    )
    .fetch_all(&mut *alone(pool).await?)
    .await?;
    if rows.is_empty() {
        is_somebody(&asker(&mut *reading(pool, scope.org).await?, scope).await?.facts(scope))?;
    }
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
