//! Who somebody is: signing in and out, passwords, sessions, tokens, invitations.

mod invitations;
mod me;
mod password;
mod sessions;
mod tokens;

use crate::app::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes about who somebody is.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(sessions::sign_in, sessions::list, sessions::end_others))
        .routes(routes!(sessions::sign_out))
        .routes(routes!(sessions::end))
        .routes(routes!(me::me))
        .routes(routes!(password::forgotten))
        .routes(routes!(password::look_up_reset))
        .routes(routes!(password::reset))
        .routes(routes!(password::change))
        .routes(routes!(tokens::issue, tokens::list))
        .routes(routes!(tokens::revoke))
        .routes(routes!(invitations::look_up))
        .routes(routes!(invitations::accept))
}
