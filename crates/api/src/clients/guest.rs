//! Inviting people at clients, one or several at once, with what they shall reach (F4.2 to F4.8).

use crate::answer::{Batch, Item};
use crate::app::App;
use crate::error::ApiError;
use crate::request::{Command, Json, NewKey, Staff};
use crate::schema;
use axum::extract::State;
use countersign_domain::access::{Right, Rights, Window};
use countersign_domain::ids::{ClientId, PortalUserId, ProjectId};
use countersign_domain::use_case::UseCase;
use countersign_domain::use_cases::guests::{self, Guest, InviteGuest, Place};
use countersign_domain::values::{Email, Label};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who is to have access, one or several people.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct People {
    /// Each is decided on their own: some may be refused while others are not.
    #[schema(min_items = 1, max_items = 200)]
    people: Vec<Person>,
}

/// A person at a client, and what they shall reach.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Person {
    /// The client at which they are.
    #[schema(value_type = Uuid)]
    client: ClientId,
    /// Their name.
    #[schema(value_type = schema::Label)]
    name: Label,
    /// Their address. Whoever is on record under it at this client is the same person.
    #[schema(value_type = schema::Email)]
    email: Email,
    /// On which projects they may do what. A project manager invites for a project of their own, named first.
    #[serde(default)]
    projects: Vec<Placement>,
}

/// A place on a project's roster.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Placement {
    /// On which project.
    #[schema(value_type = Uuid)]
    project: ProjectId,
    /// What they may do there, besides seeing it.
    #[serde(default = "usual_rights")]
    #[schema(value_type = Vec<schema::Right>, default = json!(["invoice_visibility"]))]
    rights: Rights,
    /// When.
    #[serde(default)]
    #[schema(value_type = schema::Window)]
    window: Window,
}

/// What somebody may do on a project where nothing else is said: see its invoices (D1).
pub(crate) fn usual_rights() -> Rights {
    Rights::from([Right::InvoiceVisibility])
}

/// Invites people: puts them on record, gives each an account, a seat and their places, and sends the invitations.
#[utoipa::path(post, path = "/v1/invitations", operation_id = "InviteGuest", tag = "clients",
    params(NewKey), request_body = People,
    responses((status = 200, description = "What became of each.", body = Batch)))]
pub(crate) async fn invite(
    State(app): State<App>,
    staff: Staff,
    key: NewKey,
    Json(body): Json<People>,
) -> Result<Batch, ApiError> {
    let send = |app: &App, command: &Command, guest: Guest| {
        let invitation = app.invitation(command);
        guests::invite_guest(InviteGuest { org: command.sender.org, guest, invitation })
    };
    for_each(&app, &staff, key.command(&staff, &body), body, send).await
}

/// Saves people without sending them anything (F4.12); they take no seat until they are invited.
#[utoipa::path(post, path = "/v1/portal-users", operation_id = "SaveGuest", tag = "clients",
    params(NewKey), request_body = People,
    responses((status = 200, description = "What became of each.", body = Batch)))]
pub(crate) async fn save(
    State(app): State<App>,
    staff: Staff,
    key: NewKey,
    Json(body): Json<People>,
) -> Result<Batch, ApiError> {
    for_each(&app, &staff, key.command(&staff, &body), body, |_, _, guest| guests::save_guest(guest)).await
}

async fn for_each(
    app: &App,
    staff: &Staff,
    batch: Command,
    body: People,
    use_case: impl Fn(&App, &Command, Guest) -> UseCase,
) -> Result<Batch, ApiError> {
    app.fits_a_batch("/people", body.people.len())?;
    let mut commands = Vec::with_capacity(body.people.len());
    for (index, person) in body.people.into_iter().enumerate() {
        let command = batch.item(&index.to_string());
        let guest = app.guest(staff, &command, person).await?;
        let created = vec![("portal_user", guest.portal_user.into()), ("contact", guest.contact.into())];
        let use_case = use_case(app, &command, guest);
        commands.push((Item { named: vec![], created }, command, use_case));
    }
    Batch::of(batch.id.0, app.execute_each(commands).await)
}

impl App {
    /// The guest, as the person under their address.
    async fn guest(&self, staff: &Staff, command: &Command, person: Person) -> Result<Guest, ApiError> {
        let Person { client, name, email, projects } = person;
        let mailbox = self.mailbox(staff, &email).await?;
        let contact = self.contact_under(staff, mailbox).await?;
        let portal_user: PortalUserId = command.creates("portal_user");
        let projects = projects.into_iter().map(Place::from).collect();
        Ok(Guest { portal_user, contact, client, name, email, mailbox, projects })
    }
}

impl From<Placement> for Place {
    fn from(placement: Placement) -> Self {
        let Placement { project, rights, window } = placement;
        Self { project, rights, window }
    }
}
