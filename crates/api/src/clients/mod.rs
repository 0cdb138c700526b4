//! Clients, contacts and portal users.

mod client;
mod contact;
pub(crate) mod guest;
mod portal_user;

use crate::app::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes about clients and their people.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(client::list, client::open))
        .routes(routes!(client::get))
        .routes(routes!(client::rename))
        .routes(routes!(contact::list, contact::add))
        .routes(routes!(guest::invite))
        .routes(routes!(guest::save, portal_user::list))
        .routes(routes!(portal_user::get))
        .routes(routes!(portal_user::resend_invitation))
        .routes(routes!(portal_user::revoke_invitation))
        .routes(routes!(portal_user::deactivate))
        .routes(routes!(portal_user::reactivate))
        .routes(routes!(portal_user::release_mailbox))
}
