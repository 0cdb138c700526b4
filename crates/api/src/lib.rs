//! The HTTP API: requests become commands and questions, answers become JSON. No rule lives here, and no SQL.
//!
//! Start with `app` (what handlers work with), `request` (who asks, and what), then any area's folder: each handler
//! authenticates, parses, acts and answers. `error` is the only place that knows how failures look.
//!
//! 1. **Whoever may not know of a thing is answered as if it were not there**, byte for byte, on routes, objects and
//!    fields alike.
//! 2. **What a caller may do is decided in the ledger**, what they may see in the read models; a handler only says who
//!    may ask at all.
//! 3. **No secret stands in an address or a log.**
//! 4. **The OpenAPI document is true**: a test compares it with the routes and their answers.
#![warn(missing_docs)]

mod answer;
mod app;
mod approval;
mod billing;
mod clients;
mod error;
mod execute;
mod feed;
mod firm;
mod history;
mod identity;
mod layers;
mod letters;
mod measure;
mod openapi;
mod operation;
mod operator;
mod page;
mod position;
mod problem;
mod rate;
mod request;
mod schema;
mod work;

pub use app::{ApiLimits, App, Parts};
pub use letters::{Letters, PasswordResetLetter};
pub use measure::describe_metrics;
pub use operator::{
    Check, Checks, Finding, Operator, OperatorToken, OperatorTokenError, operator_document, operator_router,
};
pub use rate::Rate;
pub use request::{Network, NotANetwork, TrustedProxies};

use axum::Router;
use axum::middleware::from_fn_with_state;
use error::ApiError;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi;

use utoipa_axum::router::OpenApiRouter;

/// All routes, ready to be served. The binary should serve it with `into_make_service_with_connect_info`, so that
/// requests can be counted by where they come from.
pub fn router(app: App) -> Router {
    let (router, _) = routes().split_for_parts();
    router
        .fallback(|| async { ApiError::NotThere })
        .method_not_allowed_fallback(|| async { ApiError::NoSuchMethod })
        .layer(CatchPanicLayer::custom(layers::fell_over))
        .layer(from_fn_with_state(app.clone(), layers::surround))
        .with_state(app)
}

/// The OpenAPI document of all routes.
pub fn document() -> utoipa::openapi::OpenApi {
    let (_, mut document) = routes().split_for_parts();
    openapi::complete(&mut document);
    document
}

fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(openapi::Document::openapi())
        .merge(identity::routes())
        .merge(firm::routes())
        .merge(clients::routes())
        .merge(work::routes())
        .merge(billing::routes())
        .merge(approval::routes())
        .merge(history::routes())
        .merge(feed::routes())
        .merge(operation::routes())
}
