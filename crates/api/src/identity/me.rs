//! Whoever asks, about themselves.

use crate::app::App;
use crate::error::ApiError;
use crate::firm::organization::Home;
use crate::request::Member;
use crate::schema;
use axum::Json;
use axum::extract::State;
use countersign_domain::envelope::Principal;
use countersign_domain::firm::staff::Level;
use countersign_domain::ids::ClientId;
use countersign_domain::values::{Email, Label, Slug};
use countersign_projections::firm::organization;
use countersign_projections::people::person_card;
use serde::Serialize;
use utoipa::ToSchema;

/// Whoever asks, as they may see themselves.
#[derive(Serialize, ToSchema)]
pub(crate) struct Me {
    /// Who.
    #[schema(value_type = schema::Principal)]
    principal: Principal,
    /// Their name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Label>)]
    name: Option<String>,
    /// Their address.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Email>)]
    email: Option<Email>,
    /// A staff member's access level.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Level>)]
    level: Option<Level>,
    /// The client for which a guest acts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Uuid>)]
    client: Option<ClientId>,
    /// What that client is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Label>)]
    client_name: Option<Label>,
    /// Where they are.
    organization: MyOrganization,
    /// What requests that change something carry in `X-CSRF-Token`; absent for API tokens, which need none.
    #[serde(skip_serializing_if = "Option::is_none")]
    csrf_token: Option<String>,
}

/// The organization to which somebody signed in.
#[derive(Serialize, ToSchema)]
pub(crate) struct MyOrganization {
    /// Its short name.
    #[schema(value_type = schema::Slug)]
    slug: Slug,
    /// Its name.
    #[schema(value_type = schema::Label)]
    name: Label,
    /// Where it is at home.
    home: Home,
}

/// Whoever asks, about themselves.
#[utoipa::path(get, path = "/v1/me", operation_id = "GetMe", tag = "identity",
    responses((status = 200, description = "As they may see themselves.", body = Me)))]
pub(crate) async fn me(State(app): State<App>, who: Member) -> Result<Json<Me>, ApiError> {
    let (pool, scope, now) = (app.reads().pool(), who.scope(), app.clock.now());
    let myself = person_card::myself(pool, &scope).await?;
    let firm = organization::get(pool, &scope, now).await?;
    let (name, email) = myself.card.map(|card| (card.name, card.email)).unwrap_or_default();
    Ok(Json(Me {
        principal: myself.principal,
        name,
        email,
        level: myself.level,
        client: myself.client,
        client_name: myself.client_name,
        organization: MyOrganization { slug: firm.slug, name: firm.name, home: Home::from(firm.home) },
        csrf_token: who.csrf().map(|token| token.reveal().to_owned()),
    }))
}
