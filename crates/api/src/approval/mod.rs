//! What waits for a guest's decision, and the decisions.

mod awaiting;
pub(crate) mod decision;
mod invoice;
mod time_entry;

use crate::app::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes about decisions.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(awaiting::list))
        .routes(routes!(invoice::approve))
        .routes(routes!(invoice::request_changes))
        .routes(routes!(time_entry::approve))
        .routes(routes!(time_entry::reject))
        .routes(routes!(time_entry::approve_each))
        .routes(routes!(time_entry::reject_each))
}
