//! Who of the client may do what on a project: the roster, and each right under a name of its own.

use crate::answer::Done;
use crate::app::App;
use crate::clients::guest::usual_rights;
use crate::error::ApiError;
use crate::request::{Json, Key, Path, Staff};
use crate::schema;
use axum::extract::State;
use countersign_domain::access::{Right, Rights, Window};
use countersign_domain::ids::{ContactId, PortalUserId, ProjectId};
use countersign_domain::use_cases::guests::Place;
use countersign_domain::use_cases::projects;
use countersign_projections::work::project::{self, RosterEntry as RosterEntryView};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A project's roster.
#[derive(Serialize, ToSchema)]
pub(crate) struct Roster {
    /// Who is on it.
    items: Vec<RosterEntry>,
}

/// Somebody's place on a project's roster.
#[derive(Serialize, ToSchema)]
pub(crate) struct RosterEntry {
    /// Who.
    #[schema(value_type = Uuid)]
    portal_user: PortalUserId,
    /// The person behind the account.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Uuid>)]
    contact: Option<ContactId>,
    /// Where their account stands; rights count only while it is active.
    #[schema(value_type = schema::PortalUserStatus)]
    status: String,
    /// What they may do, besides seeing it.
    #[schema(value_type = Vec<schema::Right>)]
    rights: Rights,
    /// When.
    #[schema(value_type = schema::Window)]
    window: Window,
}

/// What somebody on the roster may do, and when.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddGuest {
    /// What they may do, besides seeing it.
    #[serde(default = "usual_rights")]
    #[schema(value_type = Vec<schema::Right>, default = json!(["invoice_visibility"]))]
    rights: Rights,
    /// When.
    #[serde(default)]
    #[schema(value_type = schema::Window)]
    window: Window,
}

/// Somebody's place on a project.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OnProject {
    /// Which project.
    #[param(value_type = Uuid)]
    project: ProjectId,
    /// Who.
    #[param(value_type = Uuid)]
    portal_user: PortalUserId,
}

/// A project's roster.
#[utoipa::path(get, path = "/v1/projects/{id}/roster", operation_id = "GetRoster", tag = "work",
    params(("id" = Uuid, Path, description = "Which project.")),
    responses((status = 200, description = "Who is on it.", body = Roster)))]
pub(crate) async fn list(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<ProjectId>,
) -> Result<axum::Json<Roster>, ApiError> {
    let roster = project::roster(app.reads().pool(), &staff.scope(), app.clock.now(), id).await?;
    Ok(axum::Json(Roster { items: roster.into_iter().map(RosterEntry::from).collect() }))
}

/// Puts a guest on a project's roster, or changes what they may do there and when.
#[utoipa::path(put, path = "/v1/projects/{project}/roster/{portal_user}", operation_id = "AddGuest", tag = "work",
    params(OnProject, Key), request_body = AddGuest,
    responses((status = 200, description = "They are on it.", body = Done)))]
pub(crate) async fn add_guest(
    State(app): State<App>,
    staff: Staff,
    Path(on): Path<OnProject>,
    key: Key,
    Json(body): Json<AddGuest>,
) -> Result<Done, ApiError> {
    let command = key.command(&staff, &body);
    let AddGuest { rights, window } = body;
    let place = Place { project: on.project, rights, window };
    app.change(command, projects::add_guest(on.portal_user, place)).await
}

/// Takes a guest off a project's roster.
#[utoipa::path(delete, path = "/v1/projects/{project}/roster/{portal_user}", operation_id = "RemoveGuest", tag = "work",
    params(OnProject, Key),
    responses((status = 200, description = "They no longer see it.", body = Done)))]
pub(crate) async fn remove_guest(
    State(app): State<App>,
    staff: Staff,
    Path(on): Path<OnProject>,
    key: Key,
) -> Result<Done, ApiError> {
    app.change(key.command(&staff, &()), projects::remove_guest(on.project, on.portal_user)).await
}

/// Lets a guest see contract amounts, rates and values.
#[utoipa::path(put, path = "/v1/projects/{project}/roster/{portal_user}/financial-access",
    operation_id = "GrantFinancialAccess", tag = "work", params(OnProject, Key),
    responses((status = 200, description = "They see them.", body = Done)))]
pub(crate) async fn grant_financial_access(
    State(app): State<App>,
    staff: Staff,
    Path(on): Path<OnProject>,
    key: Key,
) -> Result<Done, ApiError> {
    app.change(key.command(&staff, &()), projects::grant_financial_access(on.project, on.portal_user)).await
}

/// Hides contract amounts, rates and values from a guest.
#[utoipa::path(delete, path = "/v1/projects/{project}/roster/{portal_user}/financial-access",
    operation_id = "WithdrawFinancialAccess", tag = "work", params(OnProject, Key),
    responses((status = 200, description = "They no longer see them.", body = Done)))]
pub(crate) async fn withdraw_financial_access(
    State(app): State<App>,
    staff: Staff,
    Path(on): Path<OnProject>,
    key: Key,
) -> Result<Done, ApiError> {
    let use_case = projects::withdraw_right(on.project, on.portal_user, Right::FinancialVisibility);
    app.change(key.command(&staff, &()), use_case).await
}

/// Lets a guest see the project's invoices, from the moment they are put in review.
#[utoipa::path(put, path = "/v1/projects/{project}/roster/{portal_user}/invoice-visibility",
    operation_id = "GrantInvoiceVisibility", tag = "work", params(OnProject, Key),
    responses((status = 200, description = "They see them.", body = Done)))]
pub(crate) async fn grant_invoice_visibility(
    State(app): State<App>,
    staff: Staff,
    Path(on): Path<OnProject>,
    key: Key,
) -> Result<Done, ApiError> {
    app.change(key.command(&staff, &()), projects::grant_right(on.project, on.portal_user, Right::InvoiceVisibility))
        .await
}

/// Hides the project's invoices from a guest, who then may not approve them either.
#[utoipa::path(delete, path = "/v1/projects/{project}/roster/{portal_user}/invoice-visibility",
    operation_id = "WithdrawInvoiceVisibility", tag = "work", params(OnProject, Key),
    responses((status = 200, description = "They no longer see them.", body = Done)))]
pub(crate) async fn withdraw_invoice_visibility(
    State(app): State<App>,
    staff: Staff,
    Path(on): Path<OnProject>,
    key: Key,
) -> Result<Done, ApiError> {
    let use_case = projects::withdraw_right(on.project, on.portal_user, Right::InvoiceVisibility);
    app.change(key.command(&staff, &()), use_case).await
}

/// Lets a guest approve invoices, or refuse them; needs invoice visibility.
#[utoipa::path(put, path = "/v1/projects/{project}/roster/{portal_user}/invoice-approval",
    operation_id = "GrantInvoiceApproval", tag = "work", params(OnProject, Key),
    responses((status = 200, description = "They may.", body = Done)))]
pub(crate) async fn grant_invoice_approval(
    State(app): State<App>,
    staff: Staff,
    Path(on): Path<OnProject>,
    key: Key,
) -> Result<Done, ApiError> {
    app.change(key.command(&staff, &()), projects::grant_right(on.project, on.portal_user, Right::ApproveInvoices))
        .await
}

/// Takes from a guest the right to approve invoices, and with it auto-send.
#[utoipa::path(delete, path = "/v1/projects/{project}/roster/{portal_user}/invoice-approval",
    operation_id = "WithdrawInvoiceApproval", tag = "work", params(OnProject, Key),
    responses((status = 200, description = "They may no longer.", body = Done)))]
pub(crate) async fn withdraw_invoice_approval(
    State(app): State<App>,
    staff: Staff,
    Path(on): Path<OnProject>,
    key: Key,
) -> Result<Done, ApiError> {
    let use_case = projects::withdraw_right(on.project, on.portal_user, Right::ApproveInvoices);
    app.change(key.command(&staff, &()), use_case).await
}

/// Has an invoice sent as soon as this guest approves it; needs the right to approve invoices.
#[utoipa::path(put, path = "/v1/projects/{project}/roster/{portal_user}/auto-send",
    operation_id = "GrantAutoSend", tag = "work", params(OnProject, Key),
    responses((status = 200, description = "It is.", body = Done)))]
pub(crate) async fn grant_auto_send(
    State(app): State<App>,
    staff: Staff,
    Path(on): Path<OnProject>,
    key: Key,
) -> Result<Done, ApiError> {
    app.change(key.command(&staff, &()), projects::grant_right(on.project, on.portal_user, Right::AutoSendOnApproval))
        .await
}

/// No longer has an invoice sent because this guest approves it.
#[utoipa::path(delete, path = "/v1/projects/{project}/roster/{portal_user}/auto-send",
    operation_id = "WithdrawAutoSend", tag = "work", params(OnProject, Key),
    responses((status = 200, description = "It is no longer.", body = Done)))]
pub(crate) async fn withdraw_auto_send(
    State(app): State<App>,
    staff: Staff,
    Path(on): Path<OnProject>,
    key: Key,
) -> Result<Done, ApiError> {
    let use_case = projects::withdraw_right(on.project, on.portal_user, Right::AutoSendOnApproval);
    app.change(key.command(&staff, &()), use_case).await
}

/// Lets a guest approve time, or refuse it.
#[utoipa::path(put, path = "/v1/projects/{project}/roster/{portal_user}/time-approval",
    operation_id = "GrantTimeApproval", tag = "work", params(OnProject, Key),
    responses((status = 200, description = "They may.", body = Done)))]
pub(crate) async fn grant_time_approval(
    State(app): State<App>,
    staff: Staff,
    Path(on): Path<OnProject>,
    key: Key,
) -> Result<Done, ApiError> {
    app.change(key.command(&staff, &()), projects::grant_right(on.project, on.portal_user, Right::ApproveTime)).await
}

/// Takes from a guest the right to approve time.
#[utoipa::path(delete, path = "/v1/projects/{project}/roster/{portal_user}/time-approval",
    operation_id = "WithdrawTimeApproval", tag = "work", params(OnProject, Key),
    responses((status = 200, description = "They may no longer.", body = Done)))]
pub(crate) async fn withdraw_time_approval(
    State(app): State<App>,
    staff: Staff,
    Path(on): Path<OnProject>,
    key: Key,
) -> Result<Done, ApiError> {
    let use_case = projects::withdraw_right(on.project, on.portal_user, Right::ApproveTime);
    app.change(key.command(&staff, &()), use_case).await
}

impl From<RosterEntryView> for RosterEntry {
    fn from(view: RosterEntryView) -> Self {
        let RosterEntryView { portal_user, contact, status, rights, window } = view;
        Self { portal_user, contact, status, rights, window }
    }
}
