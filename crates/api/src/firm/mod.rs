//! The organization and its staff.

pub(crate) mod organization;
mod staff;

use crate::app::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes about the firm.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(organization::get))
        .routes(routes!(organization::change_plan))
        .routes(routes!(organization::localize))
        .routes(routes!(staff::list, staff::add))
        .routes(routes!(staff::invite))
        .routes(routes!(staff::set_level))
        .routes(routes!(staff::deactivate))
        .routes(routes!(staff::reactivate))
}
