//! Projects, their rosters, and the time worked on them.

mod dashboard;
mod project;
mod roster;
mod time_entry;

use crate::app::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes about the firm's work.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(dashboard::get))
        .routes(routes!(project::list, project::open))
        .routes(routes!(project::get))
        .routes(routes!(project::publish))
        .routes(routes!(project::withdraw))
        .routes(routes!(project::assign_manager))
        .routes(routes!(roster::list))
        .routes(routes!(roster::add_guest, roster::remove_guest))
        .routes(routes!(roster::grant_financial_access, roster::withdraw_financial_access))
        .routes(routes!(roster::grant_invoice_visibility, roster::withdraw_invoice_visibility))
        .routes(routes!(roster::grant_invoice_approval, roster::withdraw_invoice_approval))
        .routes(routes!(roster::grant_auto_send, roster::withdraw_auto_send))
        .routes(routes!(roster::grant_time_approval, roster::withdraw_time_approval))
        .routes(routes!(time_entry::of_project))
        .routes(routes!(time_entry::log))
        .routes(routes!(time_entry::get, time_entry::revise))
        .routes(routes!(time_entry::submit))
        .routes(routes!(time_entry::recall))
}
