//! For whoever operates the installation: whether it works, and what it offers.

use crate::app::App;
use crate::operator::{Health, Readiness, Telling, answer_readiness};
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use std::sync::LazyLock;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

static DOCUMENT: LazyLock<utoipa::openapi::OpenApi> = LazyLock::new(crate::document);

/// The routes about the installation.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(alive)).routes(routes!(ready)).routes(routes!(document))
}

/// Whether the node lives: it answers. Whether it should be sent requests is `/readyz`.
#[utoipa::path(get, path = "/healthz", operation_id = "GetHealth", tag = "operation", security(()),
    responses((status = 200, description = "It does.", body = Health)))]
async fn alive() -> Json<Health> {
    Json(Health::OK)
}

/// Whether requests should be sent to this node, and what is wrong, in codes.
#[utoipa::path(get, path = "/readyz", operation_id = "GetReadiness", tag = "operation", security(()),
    responses((status = 200, description = "They should.", body = Readiness),
        (status = 503, description = "They should not: `Retry-After` says when to ask again.", body = Readiness)))]
async fn ready(State(app): State<App>) -> Response {
    answer_readiness(&app.checks, Telling::Codes).await
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", operation_id = "GetOpenApi", tag = "operation", security(()),
    responses((status = 200, description = "OpenAPI 3.1.", body = Object)))]
pub(crate) async fn document() -> Json<&'static utoipa::openapi::OpenApi> {
    Json(&DOCUMENT)
}
