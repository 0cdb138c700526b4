//! The firm's staff.

use crate::answer::{Created, Done};
use crate::app::App;
use crate::error::ApiError;
use crate::page::{Items, PageQuery};
use crate::request::{Json, Key, NewKey, Path, Query, Staff};
use crate::schema;
use axum::extract::State;
use countersign_domain::envelope::Principal;
use countersign_domain::firm::staff::Level;
use countersign_domain::ids::StaffId;
use countersign_domain::use_cases::firm;
use countersign_domain::values::{Email, Label, Timestamp};
use countersign_projections::firm::staff::{StaffView, Status, list as list_staff};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A staff member as their colleagues see them.
#[derive(Serialize, ToSchema)]
pub(crate) struct StaffMember {
    /// Who.
    #[schema(value_type = Uuid)]
    staff: StaffId,
    /// Their name; absent once erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Label>)]
    name: Option<String>,
    /// Their address; absent once erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Email>)]
    email: Option<Email>,
    /// Their access level.
    #[schema(value_type = schema::Level)]
    level: Level,
    /// Where they stand.
    #[schema(value_type = schema::StaffStatus)]
    status: Status,
    /// Since when they are on record.
    #[schema(value_type = schema::Timestamp)]
    added_at: Timestamp,
}

/// Somebody who joins the staff.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddStaff {
    /// Their name.
    #[schema(value_type = schema::Label)]
    name: Label,
    /// Their address, to which the invitation goes.
    #[schema(value_type = schema::Email)]
    email: Email,
    /// Their access level.
    #[schema(value_type = schema::Level)]
    level: Level,
}

/// Another access level.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetStaffLevel {
    /// Which one.
    #[schema(value_type = schema::Level)]
    level: Level,
}

/// The staff, the newest first.
#[utoipa::path(get, path = "/v1/staff", operation_id = "ListStaff", tag = "firm", params(PageQuery),
    responses((status = 200, description = "A page of them.", body = Items<StaffMember>)))]
pub(crate) async fn list(
    State(app): State<App>,
    staff: Staff,
    Query(PageQuery { after, limit }): Query<PageQuery>,
) -> Result<axum::Json<Items<StaffMember>>, ApiError> {
    let page = app.page(&staff, after, limit)?;
    let page = list_staff(app.reads().pool(), &staff.scope(), app.clock.now(), &page).await?;
    Ok(axum::Json(app.items(&staff, page)))
}

/// Adds somebody to the staff, and sends them an invitation.
#[utoipa::path(post, path = "/v1/staff", operation_id = "AddStaff", tag = "firm",
    params(NewKey), request_body = AddStaff,
    responses((status = 201, description = "They are invited.", body = Created)))]
pub(crate) async fn add(
    State(app): State<App>,
    staff: Staff,
    key: NewKey,
    Json(body): Json<AddStaff>,
) -> Result<Created, ApiError> {
    let command = key.command(&staff, &body);
    let AddStaff { name, email, level } = body;
    let id: StaffId = command.creates("staff");
    let mailbox = app.mailbox(&staff, &email).await?;
    let new = firm::NewStaff { id, name, email, mailbox, invitation: app.invitation(&command) };
    app.create(command, firm::add_staff(new, level), "/v1/staff", id).await
}

/// Sends a staff member another invitation; the link before it is dead.
#[utoipa::path(post, path = "/v1/staff/{id}/invitations", operation_id = "InviteStaff", tag = "firm",
    params(("id" = Uuid, Path, description = "Whom."), Key),
    responses((status = 200, description = "They are invited.", body = Done)))]
pub(crate) async fn invite(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<StaffId>,
    key: Key,
) -> Result<Done, ApiError> {
    app.invite(id.0, key.command(&staff, &()), |new| firm::invite_staff(id, new)).await
}

/// Gives a staff member another access level; nobody gives it to themself.
#[utoipa::path(put, path = "/v1/staff/{id}/level", operation_id = "SetStaffLevel", tag = "firm",
    params(("id" = Uuid, Path, description = "Whose."), Key), request_body = SetStaffLevel,
    responses((status = 200, description = "The level counts.", body = Done)))]
pub(crate) async fn set_level(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<StaffId>,
    key: Key,
    Json(body): Json<SetStaffLevel>,
) -> Result<Done, ApiError> {
    app.change(key.command(&staff, &body), firm::set_staff_level(id, body.level)).await
}

/// Switches a staff account off: sessions and tokens end at once.
#[utoipa::path(post, path = "/v1/staff/{id}/deactivate", operation_id = "DeactivateStaff", tag = "firm",
    params(("id" = Uuid, Path, description = "Whose."), Key),
    responses((status = 200, description = "It is switched off.", body = Done)))]
pub(crate) async fn deactivate(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<StaffId>,
    key: Key,
) -> Result<Done, ApiError> {
    let done = app.change(key.command(&staff, &()), firm::deactivate_staff(id)).await?;
    app.end_all_access(staff.org, Principal::Staff(id)).await?;
    Ok(done)
}

/// Switches a staff account on again.
#[utoipa::path(post, path = "/v1/staff/{id}/reactivate", operation_id = "ReactivateStaff", tag = "firm",
    params(("id" = Uuid, Path, description = "Whose."), Key),
    responses((status = 200, description = "It is switched on.", body = Done)))]
pub(crate) async fn reactivate(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<StaffId>,
    key: Key,
) -> Result<Done, ApiError> {
    app.end_what_is_left(staff.org, Principal::Staff(id)).await?;
    app.change(key.command(&staff, &()), firm::reactivate_staff(id)).await
}

impl From<StaffView> for StaffMember {
    fn from(view: StaffView) -> Self {
        let StaffView { staff, card, level, status, mailbox: _, added_at } = view;
        let (name, email) = card.map(|card| (card.name, card.email)).unwrap_or_default();
        Self { staff, name, email, level, status, added_at }
    }
}
