//! Signing in to a named organization, signing out, and one's own sessions.

use crate::app::App;
use crate::error::ApiError;
use crate::request::{ClientAddress, InSession, Json, Path, SameSite, ended_cookie, session_cookie};
use crate::schema;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::SET_COOKIE;
use axum::response::IntoResponse;
use countersign_domain::envelope::Principal;
use countersign_domain::values::{Email, Slug, Timestamp};
use countersign_identity::device::Device;
use countersign_identity::nowhere::SignInToNowhere;
use countersign_identity::own_sessions::OwnSession;
use countersign_identity::password::Password;
use countersign_identity::session::SessionId;
use countersign_identity::sign_in;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Who wants to sign in, and where.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    /// The organization's short name.
    #[schema(value_type = schema::Slug)]
    organization: Slug,
    /// Their address.
    #[schema(value_type = schema::Email)]
    email: Email,
    /// Their password.
    #[schema(value_type = schema::Password)]
    password: Password,
}

/// A session that has begun. Its token is in the cookie only.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignedIn {
    /// Which session.
    session: Uuid,
    /// Who signed in.
    #[schema(value_type = schema::Principal)]
    principal: Principal,
    /// What requests that change something carry in `X-CSRF-Token`; also in the header of that name, and in `GET /v1/me`.
    csrf_token: String,
    /// When the session ends at the latest.
    #[schema(value_type = schema::Timestamp)]
    expires_at: Timestamp,
}

/// One of one's own sessions.
#[derive(Serialize, ToSchema)]
pub(crate) struct Session {
    /// Which session.
    session: Uuid,
    /// The device, by its own words.
    device: String,
    /// When it began.
    #[schema(value_type = schema::Timestamp)]
    started_at: Timestamp,
    /// When it was last used, to about a minute.
    #[schema(value_type = schema::Timestamp)]
    last_seen_at: Timestamp,
    /// When it ends at the latest.
    #[schema(value_type = schema::Timestamp)]
    expires_at: Timestamp,
    /// Whether it is the one that asks.
    is_current: bool,
}

/// One's own sessions.
#[derive(Serialize, ToSchema)]
pub(crate) struct Sessions {
    /// The last used first.
    items: Vec<Session>,
}

/// How many sessions were ended.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionsEnded {
    /// How many.
    ended: u64,
}

/// Signs in to an organization, and sets the session's cookie.
///
/// An unknown organization, an unknown address, a wrong password and an account that is switched off are answered alike. Five failures in a row
/// lock the address for a minute and longer.
#[utoipa::path(post, path = "/v1/sessions", operation_id = "SignIn", tag = "identity", security(()),
    request_body = SignIn,
    responses((status = 201, description = "Signed in.", body = SignedIn),
        (status = 401, description = "The address and the password do not belong together.",
            body = crate::problem::Problem, content_type = "application/problem+json")))]
pub(crate) async fn sign_in(
    State(app): State<App>,
    _: SameSite,
    address: ClientAddress,
    device: Device,
    Json(body): Json<SignIn>,
) -> Result<impl IntoResponse, ApiError> {
    app.admit(&address)?;
    let SignIn { organization, email, password } = &body;
    let network_address = address.0.as_deref();
    let Some(org) = app.identity.find(organization).await? else {
        let asked = SignInToNowhere { organization, email, password, network_address };
        return Err(app.identity.refuse_sign_in_to_nowhere(asked, app.clock.now()).await.into());
    };
    let mailbox = app.ledger.vault().org_key(org).await?.mailbox(email);
    let asked = sign_in::SignIn { org, mailbox, password, device, network_address };
    let signed_in = app.identity.sign_in(asked, app.clock.now()).await?;
    let csrf_token = signed_in.csrf.reveal().to_owned();
    let headers =
        [(SET_COOKIE.as_str(), session_cookie(signed_in.token.reveal())), ("x-csrf-token", csrf_token.clone())];
    let body = SignedIn {
        session: signed_in.session.0,
        principal: signed_in.subject.principal(),
        csrf_token,
        expires_at: signed_in.expires_at,
    };
    Ok((StatusCode::CREATED, headers, axum::Json(body)))
}

/// Signs out: the session is over, and the cookie goes.
#[utoipa::path(delete, path = "/v1/sessions/current", operation_id = "SignOut", tag = "identity",
    responses((status = 204, description = "Signed out.")))]
pub(crate) async fn sign_out(State(app): State<App>, who: InSession) -> Result<impl IntoResponse, ApiError> {
    app.identity.sign_out(&who.session, app.clock.now()).await?;
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, ended_cookie())]))
}

/// One's own live sessions.
#[utoipa::path(get, path = "/v1/sessions", operation_id = "ListSessions", tag = "identity",
    responses((status = 200, description = "The last used first.", body = Sessions)))]
pub(crate) async fn list(State(app): State<App>, who: InSession) -> Result<axum::Json<Sessions>, ApiError> {
    let own = app.identity.own_sessions(&who.session, app.clock.now()).await?;
    Ok(axum::Json(Sessions { items: own.into_iter().map(Session::from).collect() }))
}

/// Ends one of one's own sessions.
#[utoipa::path(delete, path = "/v1/sessions/{id}", operation_id = "EndSession", tag = "identity",
    params(("id" = Uuid, Path, description = "Which session.")),
    responses((status = 204, description = "It is over.")))]
pub(crate) async fn end(
    State(app): State<App>,
    who: InSession,
    Path(id): Path<SessionId>,
) -> Result<StatusCode, ApiError> {
    app.identity.end_session(&who.session, id, app.clock.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends all of one's own sessions but the one that asks.
#[utoipa::path(delete, path = "/v1/sessions", operation_id = "EndOtherSessions", tag = "identity",
    responses((status = 200, description = "They are over.", body = SessionsEnded)))]
pub(crate) async fn end_others(State(app): State<App>, who: InSession) -> Result<axum::Json<SessionsEnded>, ApiError> {
    let ended = app.identity.end_other_sessions(&who.session, app.clock.now()).await?;
    Ok(axum::Json(SessionsEnded { ended }))
}

impl From<OwnSession> for Session {
    fn from(own: OwnSession) -> Self {
        let OwnSession { id, device, started_at, last_seen_at, expires_at, is_current } = own;
        Self { session: id.0, device, started_at, last_seen_at, expires_at, is_current }
    }
}
