//! Clients: the companies that the firm serves.

use crate::answer::{Created, Done};
use crate::app::App;
use crate::error::ApiError;
use crate::page::{Items, PageQuery};
use crate::request::{Json, Key, NewKey, Path, Query, Staff};
use crate::schema;
use axum::extract::State;
use countersign_domain::ids::ClientId;
use countersign_domain::use_cases::clients;
use countersign_domain::values::{Label, Timestamp};
use countersign_projections::clients::client::{self, ClientView};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A client.
#[derive(Serialize, ToSchema)]
pub(crate) struct Client {
    /// Which one.
    #[schema(value_type = Uuid)]
    client: ClientId,
    /// What it is called.
    #[schema(value_type = schema::Label)]
    name: Label,
    /// Since when the firm serves it.
    #[schema(value_type = schema::Timestamp)]
    opened_at: Timestamp,
}

/// A client's name.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientName {
    /// What it is called.
    #[schema(value_type = schema::Label)]
    name: Label,
}

/// The clients, by name.
#[utoipa::path(get, path = "/v1/clients", operation_id = "ListClients", tag = "clients", params(PageQuery),
    responses((status = 200, description = "A page of them.", body = Items<Client>)))]
pub(crate) async fn list(
    State(app): State<App>,
    staff: Staff,
    Query(PageQuery { after, limit }): Query<PageQuery>,
) -> Result<axum::Json<Items<Client>>, ApiError> {
    let page = app.page(&staff, after, limit)?;
    let page = client::list(app.reads().pool(), &staff.scope(), app.clock.now(), &page).await?;
    Ok(axum::Json(app.items(&staff, page)))
}

/// One client.
#[utoipa::path(get, path = "/v1/clients/{id}", operation_id = "GetClient", tag = "clients",
    params(("id" = Uuid, Path, description = "Which client.")),
    responses((status = 200, description = "The client.", body = Client)))]
pub(crate) async fn get(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<ClientId>,
) -> Result<axum::Json<Client>, ApiError> {
    let view = client::get(app.reads().pool(), &staff.scope(), app.clock.now(), id).await?;
    Ok(axum::Json(view.into()))
}

/// Takes a client on.
#[utoipa::path(post, path = "/v1/clients", operation_id = "OpenClient", tag = "clients",
    params(NewKey), request_body = ClientName,
    responses((status = 201, description = "The client is there.", body = Created)))]
pub(crate) async fn open(
    State(app): State<App>,
    staff: Staff,
    key: NewKey,
    Json(body): Json<ClientName>,
) -> Result<Created, ApiError> {
    let command = key.command(&staff, &body);
    let id: ClientId = command.creates("client");
    app.create(command, clients::open_client(id, body.name), "/v1/clients", id).await
}

/// Calls a client otherwise.
#[utoipa::path(put, path = "/v1/clients/{id}/name", operation_id = "RenameClient", tag = "clients",
    params(("id" = Uuid, Path, description = "Which client."), Key), request_body = ClientName,
    responses((status = 200, description = "It is called so.", body = Done)))]
pub(crate) async fn rename(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<ClientId>,
    key: Key,
    Json(body): Json<ClientName>,
) -> Result<Done, ApiError> {
    let command = key.command(&staff, &body);
    app.change(command, clients::rename_client(id, body.name)).await
}

impl From<ClientView> for Client {
    fn from(view: ClientView) -> Self {
        let ClientView { client, name, opened_at } = view;
        Self { client, name, opened_at }
    }
}
