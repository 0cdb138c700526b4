//! Who approved what, with which right, and everything that ever concerned an object: the auditor's questions.

mod approval;
mod name;
mod object;

use crate::app::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes about what happened.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(approval::list)).routes(routes!(object::list))
}
