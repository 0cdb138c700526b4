//! Forgotten and changed passwords.

use crate::app::App;
use crate::error::ApiError;
use crate::letters::PasswordResetLetter;
use crate::request::{ClientAddress, InSession, Json, SameSite};
use crate::schema;
use axum::extract::State;
use axum::http::StatusCode;
use countersign_domain::values::{Email, Slug};
use countersign_identity::password::{NewPassword, Password, PasswordRefused};
use serde::Deserialize;
use utoipa::ToSchema;

/// A password fit to be set, as a field of a request.
#[derive(Deserialize)]
#[serde(try_from = "Password")]
pub(crate) struct Chosen(pub(crate) NewPassword);

/// Who has forgotten their password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Forgotten {
    /// The organization's short name.
    #[schema(value_type = schema::Slug)]
    organization: Slug,
    /// Their address.
    #[schema(value_type = schema::Email)]
    email: Email,
}

/// A link for a forgotten password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResetLink {
    /// The token in the link.
    token: String,
}

/// A new password in the place of a forgotten one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reset {
    /// The token in the link.
    token: String,
    /// The new password.
    #[schema(value_type = schema::NewPassword)]
    password: Chosen,
}

/// A new password in the place of one's own.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    /// The current password.
    #[schema(value_type = schema::Password)]
    current_password: Password,
    /// The new password.
    #[schema(value_type = schema::NewPassword)]
    new_password: Chosen,
}

/// Asks for a link with which a forgotten password is set anew.
///
/// Answered alike, and at once, whether the address is somebody's or not; only the mail makes the difference.
#[utoipa::path(post, path = "/v1/password/forgotten", operation_id = "RequestPasswordReset", tag = "identity",
    security(()), request_body = Forgotten,
    responses((status = 202, description = "If the address is somebody's, a mail is on its way.")))]
pub(crate) async fn forgotten(
    State(app): State<App>,
    _: SameSite,
    address: ClientAddress,
    Json(body): Json<Forgotten>,
) -> Result<StatusCode, ApiError> {
    app.admit(&address)?;
    let room = app.errands.clone().try_acquire_owned().map_err(|_| ApiError::TooMany { retry_after_s: 1 })?;
    tokio::spawn(async move {
        if let Err(error) = send_link(&app, body).await {
            error.reported();
        }
        drop(room);
    });
    Ok(StatusCode::ACCEPTED)
}

/// Says whether a link for a forgotten password would work. Changes nothing.
#[utoipa::path(post, path = "/v1/password/reset/lookup", operation_id = "LookUpPasswordReset", tag = "identity",
    security(()), request_body = ResetLink,
    responses((status = 204, description = "The link works."),
        (status = 410, description = "The link no longer works.",
            body = crate::problem::Problem, content_type = "application/problem+json")))]
pub(crate) async fn look_up_reset(
    State(app): State<App>,
    _: SameSite,
    address: ClientAddress,
    Json(body): Json<ResetLink>,
) -> Result<StatusCode, ApiError> {
    app.admit(&address)?;
    app.identity.check_password_reset(&body.token, app.clock.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sets a new password with a link, which is used up; all sessions of its owner end.
#[utoipa::path(post, path = "/v1/password/reset", operation_id = "ResetPassword", tag = "identity",
    security(()), request_body = Reset,
    responses((status = 204, description = "The new password counts."),
        (status = 410, description = "The link no longer works.",
            body = crate::problem::Problem, content_type = "application/problem+json")))]
pub(crate) async fn reset(
    State(app): State<App>,
    _: SameSite,
    address: ClientAddress,
    Json(body): Json<Reset>,
) -> Result<StatusCode, ApiError> {
    app.admit(&address)?;
    app.identity.reset_password(&body.token, body.password.0, app.clock.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Changes one's own password; all other sessions end.
#[utoipa::path(post, path = "/v1/password/change", operation_id = "ChangePassword", tag = "identity",
    request_body = Change,
    responses((status = 204, description = "The new password counts.")))]
pub(crate) async fn change(
    State(app): State<App>,
    who: InSession,
    Json(body): Json<Change>,
) -> Result<StatusCode, ApiError> {
    let Change { current_password, new_password } = body;
    app.identity.change_password(&who.session, &current_password, new_password.0, app.clock.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes the link and hands it over, if the address is somebody's.
async fn send_link(app: &App, asked: Forgotten) -> Result<(), ApiError> {
    let Some(org) = app.identity.find(&asked.organization).await? else { return Ok(()) };
    let mailbox = app.ledger.vault().org_key(org).await?.mailbox(&asked.email);
    let Some(link) = app.identity.request_password_reset(org, mailbox, app.clock.now()).await? else { return Ok(()) };
    let (principal, token, expires_at) = (link.principal, link.token, link.expires_at);
    app.letters.password_reset(PasswordResetLetter { org, principal, to: asked.email, token, expires_at }).await;
    Ok(())
}

impl TryFrom<Password> for Chosen {
    type Error = PasswordRefused;
    fn try_from(typed: Password) -> Result<Self, PasswordRefused> {
        NewPassword::choose(typed).map(Self)
    }
}
