//! Portal users: where each stands, and switching them off and on.

use crate::answer::Done;
use crate::app::App;
use crate::error::ApiError;
use crate::firm::organization::Seats;
use crate::request::{Json, Key, Path, Query, Staff};
use crate::schema;
use axum::extract::State;
use countersign_domain::envelope::Principal;
use countersign_domain::ids::{ClientId, ContactId, PortalUserId, ProjectId};
use countersign_domain::use_cases::{firm, guests};
use countersign_domain::values::{Email, Timestamp};
use countersign_projections::clients::portal_user as read;
use countersign_projections::clients::portal_user::{PortalUserCounts, PortalUserFilter, PortalUserView, Status};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A portal user as staff sees them.
#[derive(Serialize, ToSchema)]
pub(crate) struct PortalUser {
    /// Who, as a portal user.
    #[schema(value_type = Uuid)]
    portal_user: PortalUserId,
    /// Who, as a person.
    #[schema(value_type = Uuid)]
    contact: ContactId,
    /// Their name; absent once erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Label>)]
    name: Option<String>,
    /// Their address; absent once erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Email>)]
    email: Option<Email>,
    /// The client for which they act.
    #[schema(value_type = Uuid)]
    client: ClientId,
    /// Where they stand.
    #[schema(value_type = schema::PortalUserStatus)]
    status: Status,
    /// When they were last invited.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    invited_at: Option<Timestamp>,
    /// When the live invitation ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    expires_at: Option<Timestamp>,
    /// When they accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    accepted_at: Option<Timestamp>,
    /// When they were switched off, if they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    deactivated_at: Option<Timestamp>,
}

/// A page of portal users, with how many stand where.
#[derive(Serialize, ToSchema)]
pub(crate) struct PortalUsers {
    /// The page.
    items: Vec<PortalUser>,
    /// What `after` names for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    /// How many there are of each status, whatever the filter.
    counts: Counts,
    /// The seats that they take.
    seats: Seats,
}

/// How many portal users stand where.
#[derive(Serialize, ToSchema)]
pub(crate) struct Counts {
    /// Saved, no live invitation.
    awaiting: u64,
    /// Invited, not accepted yet.
    pending: u64,
    /// Can use the portal.
    active: u64,
    /// Switched off.
    inactive: u64,
}

/// Which portal users are asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct WhichPortalUsers {
    /// Only those of this client.
    #[param(value_type = Option<Uuid>)]
    client: Option<ClientId>,
    /// Only those who stand there.
    #[param(value_type = Option<schema::PortalUserStatus>)]
    status: Option<Status>,
    /// The `next` of the page before; the first page without it.
    after: Option<String>,
    /// How many items a page holds: 1 to 200, 50 unless told otherwise.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u64>,
}

/// For which project an invitation is sent.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResendInvitation {
    /// The project for which a project manager sends it; an admin needs none.
    #[serde(default)]
    #[schema(value_type = Option<Uuid>)]
    project: Option<ProjectId>,
}

/// For which project an invitation is taken back.
#[derive(Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RevokeInvitation {
    /// The project for which a project manager takes it back, with the guest on its roster; an admin needs none.
    #[param(value_type = Option<Uuid>)]
    project: Option<ProjectId>,
}

/// The portal users, the newest first, with how many stand where and the seats that they take.
#[utoipa::path(get, path = "/v1/portal-users", operation_id = "ListPortalUsers", tag = "clients",
    params(WhichPortalUsers),
    responses((status = 200, description = "A page of them.", body = PortalUsers)))]
pub(crate) async fn list(
    State(app): State<App>,
    staff: Staff,
    Query(WhichPortalUsers { client, status, after, limit }): Query<WhichPortalUsers>,
) -> Result<axum::Json<PortalUsers>, ApiError> {
    let page = app.page(&staff, after, limit)?;
    let (scope, now) = (staff.scope(), app.clock.now());
    let page = read::list(app.reads().pool(), &scope, now, PortalUserFilter { client, status }, &page).await?;
    let counts = read::counts(app.reads().pool(), &scope, now).await?;
    let page = app.items(&staff, page);
    let PortalUserCounts { awaiting, pending, active, inactive, seats } = counts;
    let counts = Counts { awaiting, pending, active, inactive };
    Ok(axum::Json(PortalUsers { items: page.items, next: page.next, counts, seats: seats.into() }))
}

/// One portal user.
#[utoipa::path(get, path = "/v1/portal-users/{id}", operation_id = "GetPortalUser", tag = "clients",
    params(("id" = Uuid, Path, description = "Who.")),
    responses((status = 200, description = "The portal user.", body = PortalUser)))]
pub(crate) async fn get(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<PortalUserId>,
) -> Result<axum::Json<PortalUser>, ApiError> {
    let view = read::get(app.reads().pool(), &staff.scope(), app.clock.now(), id).await?;
    Ok(axum::Json(view.into()))
}

/// Sends an invitation to somebody who was saved without one, or another one: the link before it is dead (F4.23).
#[utoipa::path(post, path = "/v1/portal-users/{id}/invitations", operation_id = "ResendInvitation", tag = "clients",
    params(("id" = Uuid, Path, description = "Whom."), Key), request_body = ResendInvitation,
    responses((status = 200, description = "They are invited.", body = Done)))]
pub(crate) async fn resend_invitation(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<PortalUserId>,
    key: Key,
    Json(body): Json<ResendInvitation>,
) -> Result<Done, ApiError> {
    let command = key.command(&staff, &body);
    app.invite(id.0, command, |new| guests::resend_invitation(staff.org, id, new, body.project)).await
}

/// Takes the live invitation back, and frees its seat.
#[utoipa::path(delete, path = "/v1/portal-users/{id}/invitation", operation_id = "RevokeInvitation", tag = "clients",
    params(("id" = Uuid, Path, description = "Whose."), RevokeInvitation, Key),
    responses((status = 200, description = "Its link is dead.", body = Done)))]
pub(crate) async fn revoke_invitation(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<PortalUserId>,
    Query(which): Query<RevokeInvitation>,
    key: Key,
) -> Result<Done, ApiError> {
    let command = key.command(&staff, &which);
    app.change(command, guests::revoke_invitation(staff.org, id, which.project)).await
}

/// Switches a portal account off: every right, session and token ends at once, and its seat is free (F4.17).
#[utoipa::path(post, path = "/v1/portal-users/{id}/deactivate", operation_id = "DeactivatePortalUser", tag = "clients",
    params(("id" = Uuid, Path, description = "Whose."), Key),
    responses((status = 200, description = "It is switched off.", body = Done)))]
pub(crate) async fn deactivate(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<PortalUserId>,
    key: Key,
) -> Result<Done, ApiError> {
    let done = app.change(key.command(&staff, &()), guests::deactivate_portal_user(staff.org, id)).await?;
    app.end_all_access(staff.org, Principal::PortalUser(id)).await?;
    Ok(done)
}

/// Switches a portal account on again, if there is a seat (F4.18).
#[utoipa::path(post, path = "/v1/portal-users/{id}/reactivate", operation_id = "ReactivatePortalUser", tag = "clients",
    params(("id" = Uuid, Path, description = "Whose."), Key),
    responses((status = 200, description = "It is switched on.", body = Done)))]
pub(crate) async fn reactivate(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<PortalUserId>,
    key: Key,
) -> Result<Done, ApiError> {
    app.end_what_is_left(staff.org, Principal::PortalUser(id)).await?;
    app.change(key.command(&staff, &()), guests::reactivate_portal_user(staff.org, id)).await
}

/// Gives back the address of somebody who is switched off: somebody else may be invited under it.
#[utoipa::path(delete, path = "/v1/portal-users/{id}/mailbox", operation_id = "ReleaseMailbox", tag = "clients",
    params(("id" = Uuid, Path, description = "Whose."), Key),
    responses((status = 200, description = "The address is free.", body = Done)))]
pub(crate) async fn release_mailbox(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<PortalUserId>,
    key: Key,
) -> Result<Done, ApiError> {
    let view = read::get(app.reads().pool(), &staff.scope(), app.clock.now(), id).await?;
    app.change(key.command(&staff, &()), firm::release_mailbox(view.mailbox, Principal::PortalUser(id))).await
}

impl From<PortalUserView> for PortalUser {
    fn from(view: PortalUserView) -> Self {
        let (name, email) = view.card.map(|card| (card.name, card.email)).unwrap_or_default();
        Self {
            portal_user: view.portal_user,
            contact: view.contact,
            name,
            email,
            client: view.client,
            status: view.status,
            invited_at: view.invited_at,
            expires_at: view.expires_at,
            accepted_at: view.accepted_at,
            deactivated_at: view.deactivated_at,
        }
    }
}
