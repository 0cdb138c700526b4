//! What the OpenAPI document of the operator's routes says of all of them alike.

use crate::openapi::{operations, schemas};
use crate::operator::Operator;
use crate::problem::{self, Problem};
use axum::Json;
use std::sync::LazyLock;
use utoipa::OpenApi as _;
use utoipa::openapi::schema::ComponentsBuilder;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Content, OpenApi, Ref, RefOr, ResponseBuilder};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

static DOCUMENT: LazyLock<OpenApi> = LazyLock::new(super::operator_document);

/// The document's own words.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Countersign, the operator's door",
        description = "Metrics, what is wrong in detail, and rebuilding read models. It has a listener of its own and \
            one token, which every request carries: `Authorization: Bearer …`.\n\n\
            **Failures** are RFC 9457 problem details. Programs match on `code`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    tags((name = "operation", description = "For whoever operates the installation")),
    components(schemas(Problem)),
)]
struct Document;

/// A router whose document has these words.
pub(super) fn begin() -> OpenApiRouter<Operator> {
    OpenApiRouter::with_openapi(Document::openapi())
}

pub(super) fn routes() -> OpenApiRouter<Operator> {
    OpenApiRouter::new().routes(routes!(document))
}

/// Writes the common part into every operation.
pub(super) fn complete(document: &mut OpenApi) {
    let components = document.components.get_or_insert_with(|| ComponentsBuilder::new().build());
    schemas::tidy(&mut components.schemas);
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("The operator's token")).build();
    components.add_security_scheme("operator", SecurityScheme::Http(bearer));
    let problems = [
        (401, "The operator's token is missing or wrong."),
        (500, "Something went wrong on our side."),
        (503, "Away for the moment: `Retry-After` says when to try again."),
    ];
    for item in document.paths.paths.values_mut() {
        for (_, operation) in operations(item) {
            operation.security = Some(vec![SecurityRequirement::new("operator", Vec::<String>::new())]);
            for (status, description) in problems {
                let content = Content::new(Some(Ref::from_schema_name("Problem")));
                let response =
                    ResponseBuilder::new().description(description).content(problem::MEDIA_TYPE, content).build();
                operation.responses.responses.entry(status.to_string()).or_insert(RefOr::T(response));
            }
        }
    }
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", operation_id = "GetOpenApi", tag = "operation",
    responses((status = 200, description = "OpenAPI 3.1.", body = Object)))]
async fn document() -> Json<&'static OpenApi> {
    Json(&DOCUMENT)
}
