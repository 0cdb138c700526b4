//! API tokens: one's own, issued and revoked in a session.

use crate::app::App;
use crate::error::ApiError;
use crate::request::{InSession, Json, Path};
use crate::schema;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use countersign_domain::values::{Label, Timestamp};
use countersign_identity::api_token::{ApiTokenId, NewApiToken, OwnApiToken, Scope};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;
use uuid::Uuid;

/// A token that somebody wants for themself.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IssueToken {
    /// What it is for.
    #[schema(value_type = schema::Label)]
    name: Label,
    /// What it may be used for; never more than its owner may.
    #[schema(value_type = Vec<TokenScope>, min_items = 1)]
    scopes: BTreeSet<Scope>,
    /// When it stops working: in the future, within a year.
    #[schema(value_type = schema::Timestamp)]
    expires_at: Timestamp,
}

/// What a token may be used for: reading, sending commands, reading histories.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[allow(dead_code)]
pub(crate) enum TokenScope {
    Read,
    Write,
    Audit,
}

/// A token as it is shown, once.
#[derive(Serialize, ToSchema)]
pub(crate) struct IssuedToken {
    /// Which token.
    id: Uuid,
    /// Its text, to be sent as `Authorization: Bearer …`. It cannot be had again.
    token: String,
}

/// One of one's own tokens.
#[derive(Serialize, ToSchema)]
pub(crate) struct Token {
    /// Which token.
    id: Uuid,
    /// What it is for.
    name: String,
    /// What it may be used for.
    #[schema(value_type = Vec<TokenScope>)]
    scopes: BTreeSet<Scope>,
    /// When it was issued.
    #[schema(value_type = schema::Timestamp)]
    created_at: Timestamp,
    /// When it stops working.
    #[schema(value_type = schema::Timestamp)]
    expires_at: Timestamp,
    /// When it was last used, to about a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    last_used_at: Option<Timestamp>,
    /// When it was revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Timestamp>)]
    revoked_at: Option<Timestamp>,
}

/// One's own tokens.
#[derive(Serialize, ToSchema)]
pub(crate) struct Tokens {
    /// The newest first, those that no longer work included.
    items: Vec<Token>,
}

/// Issues a token to oneself.
#[utoipa::path(post, path = "/v1/tokens", operation_id = "IssueToken", tag = "identity", request_body = IssueToken,
    responses((status = 201, description = "The token, shown this once.", body = IssuedToken)))]
pub(crate) async fn issue(
    State(app): State<App>,
    who: InSession,
    Json(body): Json<IssueToken>,
) -> Result<impl IntoResponse, ApiError> {
    let IssueToken { name, scopes, expires_at } = body;
    let new = NewApiToken { name, scopes, expires_at };
    let issued = app.identity.issue_api_token(who.org, who.principal(), new, app.clock.now()).await?;
    let body = IssuedToken { id: issued.id.0, token: issued.token.reveal().to_owned() };
    Ok((StatusCode::CREATED, axum::Json(body)))
}

/// One's own tokens.
#[utoipa::path(get, path = "/v1/tokens", operation_id = "ListTokens", tag = "identity",
    responses((status = 200, description = "The newest first.", body = Tokens)))]
pub(crate) async fn list(State(app): State<App>, who: InSession) -> Result<axum::Json<Tokens>, ApiError> {
    let own = app.identity.own_api_tokens(who.org, who.principal()).await?;
    Ok(axum::Json(Tokens { items: own.into_iter().map(Token::from).collect() }))
}

/// Revokes one of one's own tokens; again is nothing new.
#[utoipa::path(delete, path = "/v1/tokens/{id}", operation_id = "RevokeToken", tag = "identity",
    params(("id" = Uuid, Path, description = "Which token.")),
    responses((status = 204, description = "It no longer works.")))]
pub(crate) async fn revoke(
    State(app): State<App>,
    who: InSession,
    Path(id): Path<ApiTokenId>,
) -> Result<StatusCode, ApiError> {
    app.identity.revoke_api_token(who.org, who.principal(), id, app.clock.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<OwnApiToken> for Token {
    fn from(own: OwnApiToken) -> Self {
        let OwnApiToken { id, name, scopes, created_at, expires_at, last_used_at, revoked_at } = own;
        Self { id: id.0, name, scopes, created_at, expires_at, last_used_at, revoked_at }
    }
}
