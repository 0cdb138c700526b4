//! Invoices.

mod invoice;

use crate::app::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes about invoices.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(invoice::list, invoice::draft))
        .routes(routes!(invoice::get, invoice::revise))
        .routes(routes!(invoice::put_in_review))
        .routes(routes!(invoice::recall))
        .routes(routes!(invoice::send))
}
