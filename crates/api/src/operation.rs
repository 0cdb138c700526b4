//! For whoever operates the installation: whether it works, and what it offers.

use crate::app::App;
use crate::error::ApiError;
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use std::sync::LazyLock;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

static DOCUMENT: LazyLock<utoipa::openapi::OpenApi> = LazyLock::new(crate::document);

/// The routes about the installation.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(health)).routes(routes!(document))
}

/// That the node works.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`.
    #[schema(example = "ok")]
    status: &'static str,
}

/// Whether the node works: it runs, and its database answers.
#[utoipa::path(get, path = "/healthz", operation_id = "GetHealth", tag = "operation", security(()),
    responses((status = 200, description = "It does.", body = Health)))]
pub(crate) async fn health(State(app): State<App>) -> Result<Json<Health>, ApiError> {
    app.is_reachable().await?;
    Ok(Json(Health { status: "ok" }))
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", operation_id = "GetOpenApi", tag = "operation", security(()),
    responses((status = 200, description = "OpenAPI 3.1.", body = Object)))]
pub(crate) async fn document() -> Json<&'static utoipa::openapi::OpenApi> {
    Json(&DOCUMENT)
}
