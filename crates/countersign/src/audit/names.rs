//! What people and things are called: read once for all events of a history.

use crate::audit::Inquiry;
use crate::failure::Failure;
use countersign_domain::envelope::{Actor, ObjectKind, Principal, Recorded};
use countersign_domain::ids::{
    ClientId, ContactId, InvoiceId, PersonId, PortalUserId, ProjectId, StaffId, TimeEntryId,
};
use countersign_domain::imported::case::Event;
use countersign_domain::portal::PortalEvent;
use countersign_projections::people::person_card::cards;
use countersign_projections::{ReadError, billing, clients, work};
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// Who is no longer known: their key was destroyed.
const ERASED: &str = "(erased)";

/// Names, as far as there are any.
#[derive(Debug, Default)]
pub(crate) struct Names {
    pub(crate) people: HashMap<PersonId, String>,
    /// The person behind an account.
    pub(crate) contacts: HashMap<PortalUserId, ContactId>,
    pub(crate) clients: HashMap<ClientId, String>,
    pub(crate) projects: HashMap<ProjectId, String>,
    pub(crate) invoices: HashMap<InvoiceId, String>,
    /// What the history is of: it need not be named again and again.
    pub(crate) about: Option<(ObjectKind, Uuid)>,
}

impl Names {
    /// A person's name, where they still have one.
    pub(crate) fn person(&self, person: PersonId) -> String {
        self.people.get(&person).cloned().unwrap_or_else(|| ERASED.to_owned())
    }

    /// A staff member's name.
    pub(crate) fn staff(&self, staff: StaffId) -> String {
        self.person(staff.into())
    }

    /// A contact's name.
    pub(crate) fn contact(&self, contact: ContactId) -> String {
        self.person(contact.into())
    }

    /// The name of the person behind a portal account.
    pub(crate) fn portal_user(&self, portal_user: PortalUserId) -> String {
        match self.contacts.get(&portal_user) {
            Some(contact) => self.contact(*contact),
            None => format!("portal_user:{portal_user}"),
        }
    }

    /// The name of somebody who can hold rights.
    pub(crate) fn principal(&self, principal: Principal) -> String {
        match principal {
            Principal::Staff(id) => self.staff(id),
            Principal::PortalUser(id) => self.portal_user(id),
        }
    }

    /// A client's name.
    pub(crate) fn client(&self, client: ClientId) -> String {
        self.clients.get(&client).cloned().unwrap_or_else(|| format!("client:{client}"))
    }

    /// A project's name.
    pub(crate) fn project(&self, project: ProjectId) -> String {
        match self.projects.get(&project) {
            Some(name) => format!("the project {name}"),
            None => format!("project:{project}"),
        }
    }

    /// An invoice by its number, where it has one.
    pub(crate) fn invoice(&self, invoice: InvoiceId) -> String {
        if self.about == Some((ObjectKind::Invoice, invoice.0)) {
            return "this invoice".to_owned();
        }
        match self.invoices.get(&invoice) {
            Some(number) => format!("invoice {number}"),
            None => format!("invoice:{invoice}"),
        }
    }

    /// A time entry, which has no name.
    pub(crate) fn time_entry(&self, time_entry: TimeEntryId) -> String {
        if self.about == Some((ObjectKind::TimeEntry, time_entry.0)) {
            return "this time entry".to_owned();
        }
        format!("time_entry:{time_entry}")
    }
}

impl Inquiry<'_> {
    /// The names of everybody and everything that these events concern.
    pub(crate) async fn names(&self, events: &[&Recorded]) -> Result<Names, Failure> {
        let mentioned = Mentioned::in_events(events);
        self.read_names(mentioned).await.map_err(|error| Failure::because("the names could not be read", error))
    }

    async fn read_names(&self, mentioned: Mentioned) -> Result<Names, ReadError> {
        let (pool, scope, now) = (self.pool, &self.scope(), self.now);
        let mut names = Names::default();
        let mut people = mentioned.people;
        for id in mentioned.portal_users {
            if let Some(account) = known(clients::portal_user::get(pool, scope, now, id).await)? {
                names.contacts.insert(id, account.contact);
                people.insert(account.contact.into());
            }
        }
        for id in mentioned.clients {
            let client = known(clients::client::get(pool, scope, now, id).await)?;
            names.clients.extend(client.map(|client| (id, client.name.to_string())));
        }
        for id in mentioned.projects {
            let project = known(work::project::get(pool, scope, now, id).await)?;
            names.projects.extend(project.map(|project| (id, project.name.to_string())));
        }
        for id in mentioned.invoices {
            let invoice = known(billing::invoice::get(pool, scope, now, id).await)?;
            let number = invoice.and_then(|invoice| invoice.number);
            names.invoices.extend(number.map(|number| (id, number.to_string())));
        }
        let people: Vec<PersonId> = people.into_iter().collect();
        let cards = cards(pool, scope, now, &people).await?;
        names.people = cards.into_iter().filter_map(|(person, card)| Some((person, card.name?))).collect();
        Ok(names)
    }
}

/// What is not there has no name.
fn known<T>(found: Result<T, ReadError>) -> Result<Option<T>, ReadError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(ReadError::Denied(_)) => Ok(None),
        Err(error @ (ReadError::Database(_) | ReadError::Behind | ReadError::Cursor(_))) => Err(error),
    }
}

/// Everybody and everything that events mention and that may have a name.
#[derive(Debug, Default)]
struct Mentioned {
    people: BTreeSet<PersonId>,
    portal_users: BTreeSet<PortalUserId>,
    clients: BTreeSet<ClientId>,
    projects: BTreeSet<ProjectId>,
    invoices: BTreeSet<InvoiceId>,
}

impl Mentioned {
    fn in_events(events: &[&Recorded]) -> Self {
        let mut mentioned = Self::default();
        for event in events {
            event.objects.iter().for_each(|object| mentioned.object(object.kind, object.id));
            mentioned.actor(&event.actor);
            mentioned.clients.extend(event.acting_client);
            event.on_behalf_of.iter().for_each(|principal| mentioned.principal(*principal));
            if let PortalEvent::ImportedCase(Event::StepRecorded { step, .. }) = &event.event {
                mentioned.people.extend(step.resource.as_ref().map(|name| name.person()));
            }
        }
        mentioned
    }

    fn object(&mut self, kind: ObjectKind, id: Uuid) {
        match kind {
            ObjectKind::Staff | ObjectKind::Contact => drop(self.people.insert(PersonId(id))),
            ObjectKind::PortalUser => drop(self.portal_users.insert(id.into())),
            ObjectKind::Client => drop(self.clients.insert(id.into())),
            ObjectKind::Project => drop(self.projects.insert(id.into())),
            ObjectKind::Invoice => drop(self.invoices.insert(id.into())),
            ObjectKind::Organization
            | ObjectKind::Mailbox
            | ObjectKind::Seats
            | ObjectKind::ContractLine
            | ObjectKind::TimeEntry
            | ObjectKind::NumberSeries
            | ObjectKind::Invitation
            | ObjectKind::Case => {}
        }
    }

    fn actor(&mut self, actor: &Actor) {
        match actor {
            Actor::Staff(id) => self.principal(Principal::Staff(*id)),
            Actor::PortalUser(id) => self.principal(Principal::PortalUser(*id)),
            Actor::Token(_) | Actor::Process(_) | Actor::Importer | Actor::Operator => {}
        }
    }

    fn principal(&mut self, principal: Principal) {
        match principal {
            Principal::Staff(id) => drop(self.people.insert(id.into())),
            Principal::PortalUser(id) => drop(self.portal_users.insert(id)),
        }
    }
}
