//! Projects, for the staff that runs them and the guests on their rosters.

pub(crate) mod view;

use crate::answer::{Created, Done};
use crate::app::App;
use crate::error::ApiError;
use crate::page::Items;
use crate::request::{Json, Key, Member, NewKey, Path, Query, Staff};
use crate::schema;
use axum::extract::State;
use countersign_domain::ids::{ClientId, ContractLineId, ProjectId, StaffId};
use countersign_domain::use_cases::projects;
use countersign_domain::values::{Currency, Label, Money, OrderedHours};
use countersign_domain::work::project;
use countersign_projections::work::project as read;
use countersign_projections::work::project::ProjectFilter;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use view::Project;

/// Which projects are asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct WhichProjects {
    /// Only those for this client.
    #[param(value_type = Option<Uuid>)]
    client: Option<ClientId>,
    /// The `next` of the page before; the first page without it.
    after: Option<String>,
    /// How many items a page holds: 1 to 200, 50 unless told otherwise.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u64>,
}

/// A new project.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OpenProject {
    /// For which client.
    #[schema(value_type = Uuid)]
    client: ClientId,
    /// What it is called.
    #[schema(value_type = schema::Label)]
    name: Label,
    /// In what currency its contract is.
    #[schema(value_type = schema::Currency)]
    currency: Currency,
    /// Who manages it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Uuid>)]
    manager: Option<StaffId>,
    /// What was ordered.
    #[serde(default)]
    contract_lines: Vec<NewContractLine>,
}

/// A line of a new project's contract.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewContractLine {
    /// What it is called.
    #[schema(value_type = schema::Label)]
    name: Label,
    /// What an hour costs the client.
    #[schema(value_type = schema::Money)]
    rate: Money,
    /// What was agreed for the whole line.
    #[schema(value_type = schema::Money)]
    amount: Money,
    /// How many hours were ordered.
    #[schema(value_type = schema::OrderedHours)]
    hours: OrderedHours,
}

/// Another manager.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AssignManager {
    /// Who.
    #[schema(value_type = Uuid)]
    manager: StaffId,
}

/// The projects that the caller may see, by name.
#[utoipa::path(get, path = "/v1/projects", operation_id = "ListProjects", tag = "work", params(WhichProjects),
    responses((status = 200, description = "A page of them.", body = Items<Project>)))]
pub(crate) async fn list(
    State(app): State<App>,
    who: Member,
    Query(WhichProjects { client, after, limit }): Query<WhichProjects>,
) -> Result<axum::Json<Items<Project>>, ApiError> {
    let page = app.page(&who, after, limit)?;
    let filter = ProjectFilter { client };
    let page = read::list(app.reads().pool(), &who.scope(), app.clock.now(), filter, &page).await?;
    Ok(axum::Json(app.items(&who, page)))
}

/// One project.
#[utoipa::path(get, path = "/v1/projects/{id}", operation_id = "GetProject", tag = "work",
    params(("id" = Uuid, Path, description = "Which project.")),
    responses((status = 200, description = "As the caller may see it.", body = Project)))]
pub(crate) async fn get(
    State(app): State<App>,
    who: Member,
    Path(id): Path<ProjectId>,
) -> Result<axum::Json<Project>, ApiError> {
    let view = read::get(app.reads().pool(), &who.scope(), app.clock.now(), id).await?;
    Ok(axum::Json(view.into()))
}

/// Opens a project; the client does not see it yet.
#[utoipa::path(post, path = "/v1/projects", operation_id = "OpenProject", tag = "work",
    params(NewKey), request_body = OpenProject,
    responses((status = 201, description = "The project is there.", body = Created)))]
pub(crate) async fn open(
    State(app): State<App>,
    staff: Staff,
    key: NewKey,
    Json(body): Json<OpenProject>,
) -> Result<Created, ApiError> {
    let command = key.command(&staff, &body);
    let project: ProjectId = command.creates("project");
    let OpenProject { client, name, currency, manager, contract_lines } = body;
    let lines = contract_lines.into_iter().enumerate();
    let contract_lines = lines.map(|(index, line)| line.under(command.creates(&format!("contract_line:{index}"))));
    let contract_lines = contract_lines.collect();
    let open = projects::OpenProject { project, client, name, currency, manager, contract_lines };
    app.create(command, projects::open_project(open), "/v1/projects", project).await
}

/// Shows a project to the client.
#[utoipa::path(post, path = "/v1/projects/{id}/publish", operation_id = "PublishProject", tag = "work",
    params(("id" = Uuid, Path, description = "Which project."), Key),
    responses((status = 200, description = "The client's guests on its roster see it.", body = Done)))]
pub(crate) async fn publish(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<ProjectId>,
    key: Key,
) -> Result<Done, ApiError> {
    app.change(key.command(&staff, &()), projects::publish_project(id)).await
}

/// Hides a project from the client.
#[utoipa::path(post, path = "/v1/projects/{id}/withdraw", operation_id = "WithdrawProject", tag = "work",
    params(("id" = Uuid, Path, description = "Which project."), Key),
    responses((status = 200, description = "No guest sees it.", body = Done)))]
pub(crate) async fn withdraw(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<ProjectId>,
    key: Key,
) -> Result<Done, ApiError> {
    app.change(key.command(&staff, &()), projects::withdraw_project(id)).await
}

/// Gives a project to another manager.
#[utoipa::path(put, path = "/v1/projects/{id}/manager", operation_id = "AssignManager", tag = "work",
    params(("id" = Uuid, Path, description = "Which project."), Key), request_body = AssignManager,
    responses((status = 200, description = "They manage it.", body = Done)))]
pub(crate) async fn assign_manager(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<ProjectId>,
    key: Key,
    Json(body): Json<AssignManager>,
) -> Result<Done, ApiError> {
    app.change(key.command(&staff, &body), projects::assign_manager(id, body.manager)).await
}

impl NewContractLine {
    fn under(self, id: ContractLineId) -> project::ContractLine {
        let Self { name, rate, amount, hours } = self;
        project::ContractLine { id, name, rate, amount, hours: hours.into() }
    }
}
