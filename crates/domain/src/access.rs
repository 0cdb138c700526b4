//! Who may do what: one function, asked by commands, by reads, by previews, by mail and by auditors.
//!
//! Deny by default. For a portal user every key must turn: the account active, the project's client among the user's,
//! the project published to the client, the user on its roster within the window, and the right itself. Time windows are
//! computed from the moment of the question; no timer enforces anything.

use crate::clients::portal_user::PortalUser;
use crate::decider::{Folded, Needs, Rejected, RejectionKind};
use crate::envelope::{Actor, Principal};
use crate::firm::staff;
use crate::ids::{ClientId, PortalUserId, ProjectId, StaffId};
use crate::values::Timestamp;
use crate::work::project::Project;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// What a portal user may be granted on a project, each on its own (D1, D2). Wire names, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    /// Contract amounts, rates and values of time (F6.4 to F6.6); never invoices, which are their own right.
    FinancialVisibility,
    /// Invoices with their amounts, from the moment they are put in review (D1, F10.1).
    InvoiceVisibility,
    /// Approving or refusing invoices (F10.4, F10.5).
    ApproveInvoices,
    /// An approval by this person also sends the invoice (D2, F10.6); needs `ApproveInvoices`.
    AutoSendOnApproval,
    /// Approving or refusing time (F8.1).
    ApproveTime,
}

/// The rights of one grant.
pub type Rights = BTreeSet<Right>;

/// What one portal user holds on one project, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The rights.
    pub rights: Rights,
    /// When it holds (F6.25).
    pub window: Window,
}

/// From a moment (included) until another (excluded); open where none is named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The first moment of it.
    pub from: Option<Timestamp>,
    /// The first moment after it.
    pub until: Option<Timestamp>,
}

impl Window {
    /// Whether a moment lies within it.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at) && self.until.is_none_or(|until| at < until)
    }
}

/// Who is asking, as far as access depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A member of the firm's staff.
    Staff {
        /// Who.
        id: StaffId,
        /// Access level (F2).
        level: staff::Level,
        /// Whether the account is active.
        active: bool,
    },
    /// A person at a client.
    PortalUser {
        /// Who.
        id: PortalUserId,
        /// Whether the account is active (F4.15, F4.16).
        active: bool,
        /// The clients for which they act (D10).
        clients: BTreeSet<ClientId>,
    },
    /// The installation itself: its operator, its importer, its processes.
    Installation,
    /// No person at all: a token that says for nobody that it acts. May nothing.
    Nobody,
}

/// A project, as far as access to it depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectFacts {
    /// The client that it is for.
    pub client: ClientId,
    /// Who manages it.
    pub manager: Option<StaffId>,
    /// Whether it is shown to the client (F6.10).
    pub published: bool,
    /// What the asking portal user holds on it.
    pub grant: Option<Grant>,
}

/// Everything that a decision about access rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Who asks.
    pub subject: Subject,
    /// The project in question; `None` for what belongs to the organization as a whole.
    pub project: Option<ProjectFacts>,
}

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// See that a project is there, its state and its quantities.
    ViewProject,
    /// See contract amounts, rates and values.
    ViewFinancials,
    /// See invoices that were put in review or sent.
    ViewInvoices,
    /// See invoices that are still the firm's own business: drafts.
    ViewDrafts,
    /// Approve or refuse an invoice for the client.
    ApproveInvoices,
    /// Approve or refuse time for the client.
    ApproveTime,
    /// Book time on a project.
    LogTime,
    /// Run a project: publish it, draft and issue its invoices.
    ManageProject,
    /// Invite guests and decide what they may do.
    ManageGuests,
    /// See who the firm's clients, contacts and portal users are.
    ViewDirectory,
    /// Read the ledger: who approved what, with what right.
    ReadLedger,
    /// Change the firm's plan, settings and staff.
    ManageOrganization,
}

/// One of the keys that must turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Key {
    /// The account is active.
    AccountActive,
    /// The project's client is one of the user's.
    ClientOfTheProject,
    /// The project is shown to the client.
    ProjectPublished,
    /// The user is on the project's roster.
    OnTheRoster,
    /// The moment lies within the grant's window.
    WithinTheWindow,
    /// The right itself is granted.
    RightGranted(Right),
    /// The staff member's access level allows it.
    AccessLevel,
    /// The staff member manages the project.
    ManagesTheProject,
    /// The action is open to this kind of subject at all.
    KindOfSubject,
}

/// The answer, with the keys that turned and those that did not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// Whether it may be.
    pub allowed: bool,
    /// The keys that turned.
    pub path: Vec<Key>,
    /// The keys that did not.
    pub missing: Vec<Key>,
}

/// Decides whether a subject may do something at a moment.
pub fn decide(facts: &Facts, action: Action, at: Timestamp) -> Decision {
    let keys = match &facts.subject {
        Subject::Installation => vec![(Key::KindOfSubject, !needs_a_person(action))],
        Subject::Nobody => vec![(Key::KindOfSubject, false)],
        Subject::Staff { id, level, active } => staff_keys(*id, *level, *active, facts.project.as_ref(), action),
        Subject::PortalUser { active, clients, .. } => {
            portal_user_keys(*active, clients, facts.project.as_ref(), action, at)
        }
    };
    let (path, missing): (Vec<_>, Vec<_>) = keys.into_iter().partition(|(_, turns)| *turns);
    let names = |keys: Vec<(Key, bool)>| keys.into_iter().map(|(key, _)| key).collect::<Vec<_>>();
    Decision { allowed: missing.is_empty(), path: names(path), missing: names(missing) }
}

/// Nobody, not even the installation's operator, gives a client's word.
fn needs_a_person(action: Action) -> bool {
    matches!(action, Action::ApproveInvoices | Action::ApproveTime)
}

fn staff_keys(
    id: StaffId,
    level: staff::Level,
    active: bool,
    project: Option<&ProjectFacts>,
    action: Action,
) -> Vec<(Key, bool)> {
    let mut keys = vec![(Key::AccountActive, active)];
    match (reach(level, action), project) {
        (Reach::Nothing, _) => keys.push((Key::AccessLevel, false)),
        (Reach::Everything, _) => keys.push((Key::AccessLevel, true)),
        (Reach::OwnProjects, None) => keys.extend([(Key::AccessLevel, true), (Key::ManagesTheProject, false)]),
        (Reach::OwnProjects, Some(project)) => {
            keys.push((Key::AccessLevel, true));
            keys.push((Key::ManagesTheProject, project.manager == Some(id)));
        }
    }
    keys
}

enum Reach {
    Nothing,
    OwnProjects,
    Everything,
}

/// How far an access level reaches (F2.7, F2.18, F2.23). `OwnProjects` needs a project in question.
fn reach(level: staff::Level, action: Action) -> Reach {
    match action {
        // The client's word is the client's: no level gives it (F2.18).
        Action::ApproveInvoices | Action::ApproveTime => Reach::Nothing,
        Action::ViewProject | Action::ViewFinancials | Action::ViewInvoices | Action::ViewDrafts => match level {
            staff::Level::Admin | staff::Level::Auditor => Reach::Everything,
            staff::Level::ProjectManager => Reach::OwnProjects,
        },
        Action::LogTime | Action::ManageProject | Action::ManageGuests => match level {
            staff::Level::Admin => Reach::Everything,
            staff::Level::ProjectManager => Reach::OwnProjects,
            staff::Level::Auditor => Reach::Nothing,
        },
        Action::ViewDirectory => Reach::Everything,
        Action::ReadLedger => match level {
            staff::Level::Admin | staff::Level::Auditor => Reach::Everything,
            staff::Level::ProjectManager => Reach::OwnProjects,
        },
        Action::ManageOrganization => match level {
            staff::Level::Admin => Reach::Everything,
            staff::Level::ProjectManager | staff::Level::Auditor => Reach::Nothing,
        },
    }
}

fn portal_user_keys(
    active: bool,
    clients: &BTreeSet<ClientId>,
    project: Option<&ProjectFacts>,
    action: Action,
    at: Timestamp,
) -> Vec<(Key, bool)> {
    let mut keys = vec![(Key::AccountActive, active)];
    let Some(project) = project else {
        keys.push((Key::KindOfSubject, false));
        return keys;
    };
    let grant = project.grant.as_ref();
    keys.push((Key::ClientOfTheProject, clients.contains(&project.client)));
    keys.push((Key::ProjectPublished, project.published));
    keys.push((Key::OnTheRoster, grant.is_some()));
    keys.push((Key::WithinTheWindow, grant.is_some_and(|grant| grant.window.contains(at))));
    let holds = |right: Right| (Key::RightGranted(right), grant.is_some_and(|grant| grant.rights.contains(&right)));
    match action {
        Action::ViewProject => {}
        Action::ViewFinancials => keys.push(holds(Right::FinancialVisibility)),
        Action::ViewInvoices => keys.push(holds(Right::InvoiceVisibility)),
        Action::ApproveInvoices => keys.extend([holds(Right::InvoiceVisibility), holds(Right::ApproveInvoices)]),
        Action::ApproveTime => keys.push(holds(Right::ApproveTime)),
        Action::ViewDrafts
        | Action::LogTime
        | Action::ManageProject
        | Action::ManageGuests
        | Action::ViewDirectory
        | Action::ReadLedger
        | Action::ManageOrganization => keys.push((Key::KindOfSubject, false)),
    }
    keys
}

/// Why access was refused. View is decided first: whoever may not see a thing learns only that it is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The asker may not know whether it exists.
    #[error("there is no such thing here")]
    NotThere,
    /// The asker's own portal account is not active.
    #[error("this portal account is not active")]
    PortalUserInactive,
    /// The asker's own staff account is not active.
    #[error("this staff account is not active")]
    StaffInactive,
    /// The asker sees it but may not do this with it.
    #[error("you may not do this")]
    NotAllowed {
        /// The keys that did not turn.
        missing: Vec<Key>,
    },
}

impl Rejected for Denied {
    fn code(&self) -> &'static str {
        match self {
            Self::NotThere => "not_found",
            Self::PortalUserInactive => "portal_user.inactive",
            Self::StaffInactive => "staff.inactive",
            Self::NotAllowed { .. } => "access.denied",
        }
    }

    fn kind(&self) -> RejectionKind {
        match self {
            Self::NotThere => RejectionKind::Unseen,
            Self::PortalUserInactive | Self::StaffInactive | Self::NotAllowed { .. } => RejectionKind::NotAllowed,
        }
    }
}

impl Facts {
    /// What the ledger says of whoever asks, and of a project if one is in question.
    pub fn pull(ledger: &impl Folded, project: Option<ProjectId>) -> Result<Self, Needs> {
        let subject = Subject::pull(ledger)?;
        let Some(id) = project else { return Ok(Self { subject, project: None }) };
        let state = ledger.state::<Project>(id)?;
        let project = state.access_for(match &subject {
            Subject::PortalUser { id, .. } => Some(*id),
            Subject::Staff { .. } | Subject::Installation | Subject::Nobody => None,
        });
        Ok(Self { subject, project })
    }

    /// Whether the action may be; the refusal says no more than the asker may know.
    ///
    /// `seen_by` is what lets the asker know that the thing is there at all.
    pub fn may(&self, action: Action, seen_by: Action, at: Timestamp) -> Result<Decision, Denied> {
        match &self.subject {
            Subject::PortalUser { active: false, .. } => return Err(Denied::PortalUserInactive),
            Subject::Staff { active: false, .. } => return Err(Denied::StaffInactive),
            Subject::PortalUser { .. } | Subject::Staff { .. } | Subject::Installation | Subject::Nobody => {}
        }
        if !decide(self, seen_by, at).allowed {
            return Err(Denied::NotThere);
        }
        let decision = decide(self, action, at);
        if decision.allowed { Ok(decision) } else { Err(Denied::NotAllowed { missing: decision.missing }) }
    }
}

impl Subject {
    /// What the ledger says of whoever asks.
    pub fn pull(ledger: &impl Folded) -> Result<Self, Needs> {
        match ledger.moment().principal() {
            Some(Principal::Staff(id)) => Ok(ledger.state::<staff::Staff>(id)?.as_subject(id)),
            Some(Principal::PortalUser(id)) => Ok(ledger.state::<PortalUser>(id)?.as_subject(id)),
            None => Ok(Self::without_person(&ledger.moment().actor)),
        }
    }

    fn without_person(actor: &Actor) -> Self {
        match actor {
            Actor::Process(_) | Actor::Importer | Actor::Operator => Self::Installation,
            Actor::Staff(_) | Actor::PortalUser(_) | Actor::Token(_) => Self::Nobody,
        }
    }

    /// The person behind it, if there is one.
    pub fn principal(&self) -> Option<Principal> {
        match self {
            Self::Staff { id, .. } => Some(Principal::Staff(*id)),
            Self::PortalUser { id, .. } => Some(Principal::PortalUser(*id)),
            Self::Installation | Self::Nobody => None,
        }
    }
}

impl Right {
    /// Every right there is.
    pub const ALL: [Self; 5] = [
        Self::FinancialVisibility,
        Self::InvoiceVisibility,
        Self::ApproveInvoices,
        Self::AutoSendOnApproval,
        Self::ApproveTime,
    ];

    /// The right without which this one may not be granted (D2, F5.15).
    pub fn needs(self) -> Option<Self> {
        match self {
            Self::AutoSendOnApproval => Some(Self::ApproveInvoices),
            Self::ApproveInvoices => Some(Self::InvoiceVisibility),
            Self::FinancialVisibility | Self::InvoiceVisibility | Self::ApproveTime => None,
        }
    }

    /// Whether it makes no sense without another: it is that one, or needs it, or needs one that does.
    pub fn rests_on(self, other: Self) -> bool {
        self == other || self.needs().is_some_and(|needed| needed.rests_on(other))
    }

    /// The wire name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FinancialVisibility => "financial_visibility",
            Self::InvoiceVisibility => "invoice_visibility",
            Self::ApproveInvoices => "approve_invoices",
            Self::AutoSendOnApproval => "auto_send_on_approval",
            Self::ApproveTime => "approve_time",
        }
    }

    /// The right with a wire name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|right| right.as_str() == name)
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
