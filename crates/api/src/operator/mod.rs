//! The operator's own door: metrics, what is wrong in detail, and what is done to an installation while it runs.
//!
//! It has a listener of its own, so that nothing of it can be reached where the portal is, and a token of its own: an
//! operator is nobody's staff, and no session and no API token opens anything here.

pub(crate) mod checks;
mod document;
mod health;
mod metrics;
mod projections;
mod rebuilds;
mod token;

pub use checks::{Check, Checks, Finding};
pub use token::{OperatorToken, OperatorTokenError};

use crate::error::ApiError;
use crate::layers;
use crate::request::TakesJson;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use countersign_eventstore::Ledger;
use countersign_identity::Identity;
use countersign_projections::{Group, Rebuilds};
use metrics_exporter_prometheus::PrometheusHandle;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;

pub(crate) use health::{Health, Readiness, Telling, answer_readiness};

/// How long an operator waits at most until their answer begins.
const ANSWERS_WITHIN: Duration = Duration::from_secs(30);

/// The largest body that an operator can mean.
const BODY_BYTES: usize = 64 << 10;

/// What every handler of the operator's works with. Cheap to clone.
#[derive(Clone)]
pub struct Operator {
    /// Who knows it is the operator.
    pub token: Arc<OperatorToken>,
    /// What is looked at.
    pub checks: Checks,
    /// What was measured.
    pub metrics: PrometheusHandle,
    /// The door of the ledgers.
    pub ledger: Ledger,
    /// Who knows the organizations' short names.
    pub identity: Identity,
    /// Who rebuilds read models.
    pub rebuilds: Rebuilds,
    /// The groups that follow the ledgers.
    pub followed: Arc<Vec<Group>>,
}

impl TakesJson for Operator {
    fn body_bytes(&self) -> usize {
        BODY_BYTES
    }
}

impl fmt::Debug for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operator").finish_non_exhaustive()
    }
}

/// All of the operator's routes, ready to be served on a listener of their own.
pub fn operator_router(operator: Operator) -> Router {
    let (router, _) = routes().split_for_parts();
    router
        .fallback(|| async { ApiError::NotThere })
        .method_not_allowed_fallback(|| async { ApiError::NoSuchMethod })
        .layer(CatchPanicLayer::custom(layers::fell_over))
        .layer(from_fn_with_state(operator.clone(), admit))
        .with_state(operator)
}

/// The OpenAPI document of the operator's routes.
pub fn operator_document() -> utoipa::openapi::OpenApi {
    let (_, mut document) = routes().split_for_parts();
    document::complete(&mut document);
    document
}

/// One line for each noun.
fn routes() -> OpenApiRouter<Operator> {
    document::begin()
        .merge(health::routes())
        .merge(metrics::routes())
        .merge(projections::routes())
        .merge(rebuilds::routes())
        .merge(document::routes())
}

/// Lets the operator in and nobody else, whatever is asked for: what is here is not told either.
async fn admit(State(operator): State<Operator>, request: Request, next: Next) -> Response {
    let token = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let mut response = if token.is_some_and(|header| operator.token.opens(header)) {
        let answer = tokio::time::timeout(ANSWERS_WITHIN, next.run(request)).await;
        answer.unwrap_or_else(|_| ApiError::Late.into_response())
    } else {
        ApiError::NotTheOperator.into_response()
    };
    layers::harden(response.headers_mut(), false);
    response
}
