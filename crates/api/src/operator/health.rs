//! Whether a node lives, and whether it is ready: in codes for everybody, in detail for the operator.

use crate::error::ApiError;
use crate::operator::Operator;
use crate::operator::checks::{Checks, Finding};
use axum::Json;
use axum::extract::State;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Operator> {
    OpenApiRouter::new().routes(routes!(alive)).routes(routes!(ready))
}

/// That the node lives.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`.
    #[schema(example = "ok")]
    status: &'static str,
}

impl Health {
    /// Whoever answers lives.
    pub(crate) const OK: Self = Self { status: "ok" };
}

/// Whether requests should be sent to this node.
#[derive(Serialize, ToSchema)]
pub(crate) struct Readiness {
    /// `ready`, `impaired` (something is wrong, and requests are answered all the same) or `not_ready`.
    #[schema(example = "ready")]
    status: &'static str,
    /// What was looked at, one entry each.
    checks: Vec<CheckResult>,
}

/// What was found at one thing.
#[derive(Serialize, ToSchema)]
pub(crate) struct CheckResult {
    /// What was looked at.
    #[schema(example = "projections")]
    name: &'static str,
    /// `ready`, `impaired` or `not_ready`.
    #[schema(example = "impaired")]
    status: &'static str,
    /// What is wrong, by its stable code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "projections.parked")]
    code: Option<&'static str>,
    /// What was found and what to do, for the operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// How much of what was found is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Telling {
    /// Codes only: for whoever asks.
    Codes,
    /// Everything: for the operator.
    Details,
}

impl CheckResult {
    fn of(name: &'static str, finding: &Finding, telling: Telling) -> Self {
        let (status, found) = match finding {
            Finding::Well => ("ready", None),
            Finding::Impaired { code, detail } => ("impaired", Some((*code, detail))),
            Finding::Wrong { code, detail } => ("not_ready", Some((*code, detail))),
        };
        let detail = found.filter(|_| telling == Telling::Details).map(|(_, detail)| detail.clone());
        Self { name, status, code: found.map(|(code, _)| code), detail }
    }
}

/// Looks at everything, and answers what was found: 503 if nobody should be sent here.
pub(crate) async fn answer_readiness(checks: &Checks, telling: Telling) -> Response {
    let findings = checks.look().await;
    let checks: Vec<_> = findings.iter().map(|(name, finding)| CheckResult::of(name, finding, telling)).collect();
    let status = ["not_ready", "impaired"].into_iter().find(|status| checks.iter().any(|one| one.status == *status));
    let readiness = Json(Readiness { status: status.unwrap_or("ready"), checks });
    match status {
        Some("not_ready") => {
            (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, HeaderValue::from_static("1"))], readiness).into_response()
        }
        _ => readiness.into_response(),
    }
}

/// Whether the node lives: it answers.
#[utoipa::path(get, path = "/healthz", operation_id = "GetHealth", tag = "operation",
    responses((status = 200, description = "It does.", body = Health)))]
async fn alive() -> Json<Health> {
    Json(Health::OK)
}

/// Whether requests should be sent to this node, with what was found at each thing that was looked at.
#[utoipa::path(get, path = "/readyz", operation_id = "GetReadiness", tag = "operation",
    responses((status = 200, description = "They should.", body = Readiness),
        (status = 503, description = "They should not.", body = Readiness)))]
async fn ready(State(operator): State<Operator>) -> Result<Response, ApiError> {
    Ok(answer_readiness(&operator.checks, Telling::Details).await)
}
