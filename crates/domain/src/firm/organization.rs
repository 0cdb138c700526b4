//! The firm: its plan and its settings.
//!
//! `Registered`, for ever.
//!
//! 1. Only the installation registers an organization; everything after that is its admins' (F1.8).
//! 2. A smaller plan keeps the guests who are there and takes no new ones (F1.2); who is there, the seats know.

use crate::access::{Action, Denied, Facts as AccessFacts, Key, Subject};
use crate::decider::{Decider, Folded, Needs, Rejected, RejectionKind};
use crate::envelope::ObjectRef;
use crate::ids::OrgId;
use crate::portal::StreamKind;
use crate::values::{Currency, Label, Locale, Slug, TimeZone, Timestamp};
use serde::{Deserialize, Serialize};

/// The aggregate.
#[derive(Debug)]
pub struct Organization;

/// What the firm has subscribed to. Wire names, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Plan {
    /// To try it out: as many guests as there are (F1.2).
    Trial,
    /// At most 10 guests.
    Starter,
    /// At most 30 guests.
    Rise,
    /// As many guests as there are.
    Growth,
}

/// Where the firm is at home.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Home {
    /// In which its days begin and end.
    pub time_zone: TimeZone,
    /// In which it invoices unless a project says otherwise.
    pub currency: Currency,
    /// In which its mail and numbers are written.
    pub locale: Locale,
}

/// What may be asked of an organization.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Begin its ledger.
    Register {
        /// Its short name in addresses.
        slug: Slug,
        /// Its name.
        name: Label,
        /// What it has subscribed to.
        plan: Plan,
        /// Where it is at home.
        home: Home,
    },
    /// Subscribe to another plan.
    ChangePlan(Plan),
    /// Change where it is at home.
    Localize(Home),
}

/// What can have happened to an organization.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// Its ledger began.
    #[serde(rename = "organization.registered")]
    Registered {
        /// Its short name in addresses.
        slug: Slug,
        /// Its name.
        name: Label,
        /// What it has subscribed to.
        plan: Plan,
        /// In which its days begin and end.
        time_zone: TimeZone,
        /// In which it invoices unless a project says otherwise.
        currency: Currency,
        /// In which its mail and numbers are written.
        locale: Locale,
    },
    /// It subscribed to another plan.
    #[serde(rename = "organization.plan_changed")]
    PlanChanged {
        /// What it had.
        from: Plan,
        /// What it has.
        to: Plan,
    },
    /// It moved, or counts otherwise.
    #[serde(rename = "organization.localized")]
    Localized {
        /// In which its days begin and end.
        time_zone: TimeZone,
        /// In which it invoices unless a project says otherwise.
        currency: Currency,
        /// In which its mail and numbers are written.
        locale: Locale,
    },
}

/// What the rules remember of an organization.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum State {
    /// Not there yet.
    #[default]
    Unregistered,
    /// There.
    Registered(Box<Registered>),
}

/// A registered organization.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Registered {
    /// Its short name in addresses.
    pub slug: Slug,
    /// Its name.
    pub name: Label,
    /// What it has subscribed to.
    pub plan: Plan,
    /// Where it is at home.
    pub home: Home,
}

/// What the rules about an organization must know of the rest of the ledger.
#[derive(Debug)]
pub struct Facts {
    /// When.
    pub at: Timestamp,
    /// Who asks.
    pub access: AccessFacts,
}

/// Why something may not be done with an organization.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum Rejection {
    /// The asker may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// This ledger has begun already, with another organization.
    #[error("another organization was registered under this id")]
    AnotherOrganization,
}

impl Rejected for Rejection {
    fn code(&self) -> &'static str {
        match self {
            Self::Denied(denied) => denied.code(),
            Self::AnotherOrganization => "organization.another",
        }
    }

    fn kind(&self) -> RejectionKind {
        match self {
            Self::Denied(denied) => denied.kind(),
            Self::AnotherOrganization => RejectionKind::Rule,
        }
    }
}

impl Decider for Organization {
    const KIND: StreamKind = StreamKind::Organization;
    type Id = OrgId;
    type Command = Command;
    type Event = Event;
    type State = State;
    type Facts = Facts;
    type Rejection = Rejection;

    fn facts(_: OrgId, _: &State, _: &Command, ledger: &impl Folded) -> Result<Facts, Needs> {
        Ok(Facts { at: ledger.moment().at, access: AccessFacts::pull(ledger, None)? })
    }

    fn decide(state: &State, facts: &Facts, command: Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::Register { slug, name, plan, home } => {
                register(state, facts, Registered { slug, name, plan, home })
            }
            Command::ChangePlan(plan) => change_plan(state, facts, plan),
            Command::Localize(home) => localize(state, facts, home),
        }
    }

    fn evolve(state: State, event: &Event) -> State {
        match event {
            Event::Registered { slug, name, plan, time_zone, currency, locale } => {
                let home = Home { time_zone: time_zone.clone(), currency: *currency, locale: locale.clone() };
                State::Registered(Box::new(Registered { slug: slug.clone(), name: name.clone(), plan: *plan, home }))
            }
            Event::PlanChanged { to, .. } => state.with(|firm| firm.plan = *to),
            Event::Localized { time_zone, currency, locale } => state.with(|firm| {
                firm.home = Home { time_zone: time_zone.clone(), currency: *currency, locale: locale.clone() };
            }),
        }
    }

    fn objects(event: &Event) -> Vec<ObjectRef> {
        match event {
            Event::Registered { .. } | Event::PlanChanged { .. } | Event::Localized { .. } => vec![],
        }
    }
}

fn register(state: &State, facts: &Facts, firm: Registered) -> Result<Vec<Event>, Rejection> {
    facts.only_the_installation()?;
    match state {
        State::Registered(known) if known.slug == firm.slug && known.name == firm.name => Ok(vec![]),
        State::Registered(_) => Err(Rejection::AnotherOrganization),
        State::Unregistered => {
            let Registered { slug, name, plan, home: Home { time_zone, currency, locale } } = firm;
            Ok(vec![Event::Registered { slug, name, plan, time_zone, currency, locale }])
        }
    }
}

/// Any plan may follow any other: guests who are there keep their seats (F1.2).
fn change_plan(state: &State, facts: &Facts, to: Plan) -> Result<Vec<Event>, Rejection> {
    let from = facts.may_manage(state)?.plan;
    if from == to {
        return Ok(vec![]);
    }
    Ok(vec![Event::PlanChanged { from, to }])
}

fn localize(state: &State, facts: &Facts, home: Home) -> Result<Vec<Event>, Rejection> {
    if facts.may_manage(state)?.home == home {
        return Ok(vec![]);
    }
    let Home { time_zone, currency, locale } = home;
    Ok(vec![Event::Localized { time_zone, currency, locale }])
}

impl Facts {
    fn only_the_installation(&self) -> Result<(), Rejection> {
        self.access.may(Action::ManageOrganization, Action::ViewDirectory, self.at)?;
        match self.access.subject {
            Subject::Installation => Ok(()),
            Subject::Staff { .. } | Subject::PortalUser { .. } | Subject::Nobody => {
                Err(Denied::NotAllowed { missing: vec![Key::KindOfSubject] }.into())
            }
        }
    }

    fn may_manage<'a>(&self, state: &'a State) -> Result<&'a Registered, Rejection> {
        self.access.may(Action::ManageOrganization, Action::ViewDirectory, self.at)?;
        match state {
            State::Unregistered => Err(Denied::NotThere.into()),
            State::Registered(firm) => Ok(firm),
        }
    }
}

impl State {
    /// The organization, once it is registered.
    pub fn registered(&self) -> Option<&Registered> {
        match self {
            Self::Unregistered => None,
            Self::Registered(firm) => Some(firm),
        }
    }

    /// How many guests may hold a seat, `None` for as many as there are. Before there is a plan, nobody may.
    pub fn guest_seats(&self) -> Option<u32> {
        self.registered().map_or(Some(0), |firm| firm.plan.guest_seats())
    }

    fn with(mut self, change: impl FnOnce(&mut Registered)) -> Self {
        if let Self::Registered(firm) = &mut self {
            change(firm);
        }
        self
    }
}

impl Plan {
    /// Every plan there is.
    pub const ALL: [Self; 4] = [Self::Trial, Self::Starter, Self::Rise, Self::Growth];

    /// How many guests may hold a seat (F1.1); `None` for as many as there are.
    pub fn guest_seats(self) -> Option<u32> {
        match self {
            Self::Trial | Self::Growth => None,
            Self::Starter => Some(10),
            Self::Rise => Some(30),
        }
    }

    /// The wire name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trial => "trial",
            Self::Starter => "starter",
            Self::Rise => "rise",
            Self::Growth => "growth",
        }
    }

    /// The plan with a wire name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|plan| plan.as_str() == name)
    }
}
