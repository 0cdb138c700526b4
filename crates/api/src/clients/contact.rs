//! Contacts: the people at clients, with or without portal access.

use crate::answer::Created;
use crate::app::App;
use crate::error::ApiError;
use crate::page::Items;
use crate::request::{Json, NewKey, Query, Staff};
use crate::schema;
use axum::extract::State;
use countersign_domain::ids::{ClientId, ContactId, MailboxId, PortalUserId, ProjectId};
use countersign_domain::use_cases::clients;
use countersign_domain::values::{Email, Label, Timestamp};
use countersign_projections::clients::contact::{self, ContactView};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// A person at a client.
#[derive(Serialize, ToSchema)]
pub(crate) struct Contact {
    /// Who.
    #[schema(value_type = Uuid)]
    contact: ContactId,
    /// Their name; absent once erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Label>)]
    name: Option<String>,
    /// Their address; absent once erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Email>)]
    email: Option<Email>,
    /// The client at which they are.
    #[schema(value_type = Uuid)]
    client: ClientId,
    /// Their portal account, if they have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Uuid>)]
    portal_user: Option<PortalUserId>,
    /// Since when they are on record.
    #[schema(value_type = schema::Timestamp)]
    added_at: Timestamp,
}

/// Which contacts are asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct WhichContacts {
    /// Only those of this client.
    #[param(value_type = Option<Uuid>)]
    client: Option<ClientId>,
    /// The `next` of the page before; the first page without it.
    after: Option<String>,
    /// How many items a page holds: 1 to 200, 50 unless told otherwise.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u64>,
}

/// A person at a client who is put on record, without access to the portal.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddContact {
    /// The client at which they are.
    #[schema(value_type = Uuid)]
    client: ClientId,
    /// Their name.
    #[schema(value_type = schema::Label)]
    name: Label,
    /// Their address.
    #[schema(value_type = schema::Email)]
    email: Email,
    /// The project for which a project manager adds them; an admin needs none.
    #[serde(default)]
    #[schema(value_type = Option<Uuid>)]
    project: Option<ProjectId>,
}

/// The contacts, the newest first.
#[utoipa::path(get, path = "/v1/contacts", operation_id = "ListContacts", tag = "clients", params(WhichContacts),
    responses((status = 200, description = "A page of them.", body = Items<Contact>)))]
pub(crate) async fn list(
    State(app): State<App>,
    staff: Staff,
    Query(WhichContacts { client, after, limit }): Query<WhichContacts>,
) -> Result<axum::Json<Items<Contact>>, ApiError> {
    let page = app.page(&staff, after, limit)?;
    let page = contact::list(app.reads().pool(), &staff.scope(), app.clock.now(), client, &page).await?;
    Ok(axum::Json(app.items(&staff, page)))
}

/// Puts a person at a client on record. Whoever is on record under the address already is the same person.
#[utoipa::path(post, path = "/v1/contacts", operation_id = "AddContact", tag = "clients",
    params(NewKey), request_body = AddContact,
    responses((status = 201, description = "They are on record.", body = Created)))]
pub(crate) async fn add(
    State(app): State<App>,
    staff: Staff,
    key: NewKey,
    Json(body): Json<AddContact>,
) -> Result<Created, ApiError> {
    let command = key.command(&staff, &body);
    let AddContact { client, name, email, project } = body;
    let mailbox = app.mailbox(&staff, &email).await?;
    let contact = app.contact_under(&staff, mailbox).await?;
    let add = clients::AddContact { contact, client, name, email, mailbox, project };
    app.create(command, clients::add_contact(add), "/v1/contacts", contact).await
}

impl App {
    /// The person on record under an address, or somebody new: under one id, whoever puts them on record.
    pub(crate) async fn contact_under(&self, staff: &Staff, mailbox: MailboxId) -> Result<ContactId, ApiError> {
        let known = contact::by_mailbox(self.reads().pool(), &staff.scope(), self.clock.now(), mailbox).await?;
        let contact = known.map(|known| known.contact);
        Ok(contact.unwrap_or_else(|| ContactId(Uuid::new_v5(&mailbox.0, b"contact"))))
    }
}

impl From<ContactView> for Contact {
    fn from(view: ContactView) -> Self {
        let ContactView { contact, card, client, mailbox: _, portal_user, added_at } = view;
        let (name, email) = card.map(|card| (card.name, card.email)).unwrap_or_default();
        Self { contact, name, email, client, portal_user, added_at }
    }
}
