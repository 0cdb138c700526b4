//! The guest's dashboard.

use crate::app::App;
use crate::error::ApiError;
use crate::request::Guest;
use crate::work::project::view::Project;
use axum::Json;
use axum::extract::State;
use countersign_projections::work::dashboard::{self, DashboardProject as DashboardProjectView};
use serde::Serialize;
use utoipa::ToSchema;

/// What a guest may see at this moment, and what waits for them.
#[derive(Serialize, ToSchema)]
pub(crate) struct Dashboard {
    /// Their projects, by name.
    projects: Vec<DashboardProject>,
    /// How many things wait for their decision.
    awaiting_my_approval: u64,
}

/// A project on the dashboard.
#[derive(Serialize, ToSchema)]
pub(crate) struct DashboardProject {
    /// The project, as everywhere.
    #[serde(flatten)]
    project: Project,
    /// How many of its invoices are put before the client and not settled; absent without invoice visibility.
    #[serde(skip_serializing_if = "Option::is_none")]
    open_invoices: Option<u64>,
    /// How many things on it wait for the guest's decision.
    awaiting_my_approval: u64,
}

/// The guest's dashboard.
#[utoipa::path(get, path = "/v1/dashboard", operation_id = "GetDashboard", tag = "work",
    responses((status = 200, description = "What the guest may see at this moment.", body = Dashboard)))]
pub(crate) async fn get(State(app): State<App>, guest: Guest) -> Result<Json<Dashboard>, ApiError> {
    let dashboard = dashboard::dashboard(app.reads().pool(), &guest.scope(), app.clock.now()).await?;
    let projects = dashboard.projects.into_iter().map(DashboardProject::from).collect();
    Ok(Json(Dashboard { projects, awaiting_my_approval: dashboard.awaiting_my_approval }))
}

impl From<DashboardProjectView> for DashboardProject {
    fn from(view: DashboardProjectView) -> Self {
        let DashboardProjectView { project, open_invoices, awaiting_my_approval } = view;
        Self { project: project.into(), open_invoices, awaiting_my_approval }
    }
}
