//! A project for a client, with its contract lines, its manager, and its roster: who of the client may do what on it.
//!
//! `Open (unpublished <-> published)`.
//!
//! 1. A guest reaches only projects on whose roster they stand (F6.1), and only while the project is shown to the
//!    client (F6.10).
//! 2. Only people of the project's client can stand on its roster (F6.17, F6.21).
//! 3. A right is granted only together with the right that it needs (D2); taking one away takes those that need it.
//! 4. Grants may be recorded at any status of the user; they count only while the user is active (D9).
//! 5. Every grant and every withdrawal is an event of its own, with the rights that hold afterwards.

mod roster;

use crate::access::{Action, Denied, Facts as AccessFacts, Grant, ProjectFacts, Right, Rights, Subject, Window};
use crate::clients::client::Client;
use crate::clients::portal_user::PortalUser;
use crate::decider::{Decider, Folded, Needs, Rejected, RejectionKind};
use crate::envelope::{ObjectKind, ObjectRef, Role};
use crate::firm::staff::Staff;
use crate::ids::{ClientId, ContractLineId, PortalUserId, ProjectId, StaffId};
use crate::portal::StreamKind;
use crate::values::{Currency, Label, Money, MoneyError, NotOrderedHours, OrderedHours, Timestamp};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The aggregate.
#[derive(Debug)]
pub struct Project;

/// What the client ordered, and at which rate time on it is charged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContractLine {
    /// Which one.
    pub id: ContractLineId,
    /// What it is called.
    pub name: Label,
    /// What an hour costs the client.
    pub rate: Money,
    /// What was agreed for the whole line.
    pub amount: Money,
    /// How many hours were ordered; opening a project takes only what `OrderedHours` does.
    pub hours: Decimal,
}

/// What may be asked of a project.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Open it.
    Open {
        /// For whom.
        client: ClientId,
        /// What it is called.
        name: Label,
        /// In what currency its contract is.
        currency: Currency,
        /// Who manages it.
        manager: Option<StaffId>,
        /// What was ordered.
        contract_lines: Vec<ContractLine>,
    },
    /// Give it to another manager.
    AssignManager(StaffId),
    /// Show it to the client (F6.10).
    Publish,
    /// Hide it from the client.
    Withdraw,
    /// Put somebody on the roster, or change when they stand on it (F4.2, F6.1, F6.25).
    AddGuest {
        /// Whom.
        portal_user: PortalUserId,
        /// What they may do.
        rights: Rights,
        /// When.
        window: Window,
    },
    /// Add a right to somebody on the roster: `GrantFinancialAccess` and its like (F4.6, F4.7).
    GrantRight {
        /// To whom.
        portal_user: PortalUserId,
        /// Which right.
        right: Right,
    },
    /// Take a right from somebody on the roster.
    WithdrawRight {
        /// From whom.
        portal_user: PortalUserId,
        /// Which right.
        right: Right,
    },
    /// Take somebody off the roster (F6.3).
    RemoveGuest {
        /// Whom.
        portal_user: PortalUserId,
    },
}

/// What can have happened to a project.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// It was opened.
    #[serde(rename = "project.opened")]
    Opened {
        /// For whom.
        client: ClientId,
        /// What it is called.
        name: Label,
        /// In what currency its contract is.
        currency: Currency,
        /// Who manages it.
        manager: Option<StaffId>,
        /// What was ordered.
        contract_lines: Vec<ContractLine>,
    },
    /// It got a manager, or another one.
    #[serde(rename = "project.manager_assigned")]
    ManagerAssigned {
        /// The client that it is for.
        client: ClientId,
        /// Who managed it.
        from: Option<StaffId>,
        /// Who manages it.
        to: StaffId,
    },
    /// It was shown to the client.
    #[serde(rename = "project.published")]
    Published {
        /// The client that it is for.
        client: ClientId,
    },
    /// It was hidden from the client.
    #[serde(rename = "project.withdrawn")]
    Withdrawn {
        /// The client that it is for.
        client: ClientId,
    },
    /// Somebody was put on the roster.
    #[serde(rename = "project.access_granted")]
    AccessGranted {
        /// Whom.
        portal_user: PortalUserId,
        /// The client that it is for.
        client: ClientId,
        /// What they may do.
        rights: Rights,
        /// When.
        window: Window,
    },
    /// Somebody on the roster may do more, or less, or at other times.
    #[serde(rename = "project.access_revised")]
    AccessRevised {
        /// Who.
        portal_user: PortalUserId,
        /// The client that it is for.
        client: ClientId,
        /// What they may do that they could not.
        granted: Rights,
        /// What they could do and may no longer.
        withdrawn: Rights,
        /// What they may do now.
        rights: Rights,
        /// When.
        window: Window,
    },
    /// Somebody was taken off the roster.
    #[serde(rename = "project.access_revoked")]
    AccessRevoked {
        /// Whom.
        portal_user: PortalUserId,
        /// The client that it is for.
        client: ClientId,
    },
}

/// What the rules remember of a project.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum State {
    /// Not there yet.
    #[default]
    Unopened,
    /// There.
    Open(Box<Open>),
}

/// An open project.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Open {
    /// The client that it is for.
    pub client: ClientId,
    /// What it is called.
    pub name: Label,
    /// In what currency its contract is.
    pub currency: Currency,
    /// Who manages it.
    pub manager: Option<StaffId>,
    /// Whether it is shown to the client.
    pub published: bool,
    /// What an hour costs, line by line.
    pub rates: BTreeMap<ContractLineId, Money>,
    /// Who of the client may do what.
    pub roster: BTreeMap<PortalUserId, Grant>,
}

/// What the rules about a project must know of the rest of the ledger.
#[derive(Debug)]
pub struct Facts {
    /// When.
    pub at: Timestamp,
    /// Who asks, and this project as access sees it; on opening, as it would be.
    pub access: AccessFacts,
    /// Whether the client named on opening is there.
    pub client_is_open: bool,
    /// Whether the manager named is active staff who may manage projects.
    pub manager_may_manage: bool,
    /// The client of the portal user named.
    pub guest_client: Option<ClientId>,
}

/// Why something may not be done with a project.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum Rejection {
    /// The asker may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Another project was opened under this id.
    #[error("another project was opened under this id")]
    AnotherProject,
    /// The client is not there.
    #[error("there is no such client")]
    UnknownClient,
    /// The manager cannot manage projects.
    #[error("the manager must be active staff who may manage projects")]
    ManagerMayNotManage,
    /// The contract is in another currency.
    #[error("a contract line is not in the project's currency")]
    CurrencyDiffers,
    /// A contract line orders hours that nobody could work.
    #[error(transparent)]
    HoursOutOfBounds(#[from] NotOrderedHours),
    /// A rate or an amount is below zero.
    #[error("the rate and the amount of a contract line may not be negative")]
    NegativeAmount,
    /// All lines together come to more than an amount holds.
    #[error("the amounts of the contract lines come to too much")]
    AmountTooLarge(#[source] MoneyError),
    /// Two contract lines share an id.
    #[error("two contract lines have the same id")]
    ContractLinesCollide,
    /// The portal user is not there, or at another client (F6.17, F6.21).
    #[error("there is no such portal user at this project's client")]
    NotAtThisClient,
    /// The portal user is not on the roster.
    #[error("this portal user is not on the project")]
    NotOnTheRoster,
    /// The right needs another one (D2, F5.15).
    #[error("the right {right} needs the right {needs}")]
    RightNeedsAnother {
        /// The right asked for.
        right: Right,
        /// The right without which it makes no sense.
        needs: Right,
    },
    /// The window ends before it begins.
    #[error("the window ends before it begins")]
    WindowIsEmpty,
}

impl Rejected for Rejection {
    fn code(&self) -> &'static str {
        match self {
            Self::Denied(denied) => denied.code(),
            Self::AnotherProject => "project.another",
            Self::UnknownClient => "project.unknown_client",
            Self::ManagerMayNotManage => "project.manager_may_not_manage",
            Self::CurrencyDiffers => "project.currency_differs",
            Self::HoursOutOfBounds(_) => "project.hours_out_of_bounds",
            Self::NegativeAmount => "project.negative_amount",
            Self::AmountTooLarge(_) => "project.amount_too_large",
            Self::ContractLinesCollide => "project.contract_lines_collide",
            Self::NotAtThisClient => "project.not_at_this_client",
            Self::NotOnTheRoster => "project.not_on_the_roster",
            Self::RightNeedsAnother { .. } => "project.right_needs_another",
            Self::WindowIsEmpty => "project.window_is_empty",
        }
    }

    fn kind(&self) -> RejectionKind {
        match self {
            Self::Denied(denied) => denied.kind(),
            Self::AnotherProject
            | Self::UnknownClient
            | Self::ManagerMayNotManage
            | Self::CurrencyDiffers
            | Self::HoursOutOfBounds(_)
            | Self::NegativeAmount
            | Self::AmountTooLarge(_)
            | Self::ContractLinesCollide
            | Self::NotAtThisClient
            | Self::NotOnTheRoster
            | Self::RightNeedsAnother { .. }
            | Self::WindowIsEmpty => RejectionKind::Rule,
        }
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::RightNeedsAnother { right, needs } => {
                vec![("right", right.to_string()), ("needs", needs.to_string())]
            }
            Self::Denied(_)
            | Self::AnotherProject
            | Self::UnknownClient
            | Self::ManagerMayNotManage
            | Self::CurrencyDiffers
            | Self::HoursOutOfBounds(_)
            | Self::NegativeAmount
            | Self::AmountTooLarge(_)
            | Self::ContractLinesCollide
            | Self::NotAtThisClient
            | Self::NotOnTheRoster
            | Self::WindowIsEmpty => vec![],
        }
    }
}

impl Decider for Project {
    const KIND: StreamKind = StreamKind::Project;
    type Id = ProjectId;
    type Command = Command;
    type Event = Event;
    type State = State;
    type Facts = Facts;
    type Rejection = Rejection;

    fn facts(id: ProjectId, _: &State, command: &Command, ledger: &impl Folded) -> Result<Facts, Needs> {
        let access = match command {
            Command::Open { client, manager, .. } => to_be(ledger, *client, *manager)?,
            Command::AssignManager(_)
            | Command::Publish
            | Command::Withdraw
            | Command::AddGuest { .. }
            | Command::GrantRight { .. }
            | Command::WithdrawRight { .. }
            | Command::RemoveGuest { .. } => AccessFacts::pull(ledger, Some(id))?,
        };
        let mut facts = Facts {
            at: ledger.moment().at,
            access,
            client_is_open: false,
            manager_may_manage: true,
            guest_client: None,
        };
        match command {
            Command::Open { client, manager, .. } => {
                facts.client_is_open = ledger.state::<Client>(*client)?.is_open();
                if let Some(manager) = manager {
                    facts.manager_may_manage = ledger.state::<Staff>(*manager)?.may_manage_projects();
                }
            }
            Command::AssignManager(manager) => {
                facts.manager_may_manage = ledger.state::<Staff>(*manager)?.may_manage_projects();
            }
            Command::AddGuest { portal_user, .. } => {
                let guest = ledger.state::<PortalUser>(*portal_user)?;
                facts.guest_client = guest.identity().map(|identity| identity.client);
            }
            Command::Publish
            | Command::Withdraw
            | Command::GrantRight { .. }
            | Command::WithdrawRight { .. }
            | Command::RemoveGuest { .. } => {}
        }
        Ok(facts)
    }

    fn decide(state: &State, facts: &Facts, command: Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::Open { client, name, currency, manager, contract_lines } => {
                open(state, facts, Event::Opened { client, name, currency, manager, contract_lines })
            }
            Command::AssignManager(manager) => assign_manager(state, facts, manager),
            Command::Publish => publish(state, facts),
            Command::Withdraw => withdraw(state, facts),
            Command::AddGuest { portal_user, rights, window } => {
                roster::add_guest(state, facts, portal_user, Grant { rights, window })
            }
            Command::GrantRight { portal_user, right } => roster::grant_right(state, facts, portal_user, right),
            Command::WithdrawRight { portal_user, right } => roster::withdraw_right(state, facts, portal_user, right),
            Command::RemoveGuest { portal_user } => roster::remove_guest(state, facts, portal_user),
        }
    }

    fn evolve(state: State, event: &Event) -> State {
        match event {
            Event::Opened { client, name, currency, manager, contract_lines } => State::Open(Box::new(Open {
                client: *client,
                name: name.clone(),
                currency: *currency,
                manager: *manager,
                published: false,
                rates: rates(contract_lines),
                roster: BTreeMap::new(),
            })),
            Event::ManagerAssigned { to, .. } => state.with(|project| project.manager = Some(*to)),
            Event::Published { .. } => state.with(|project| project.published = true),
            Event::Withdrawn { .. } => state.with(|project| project.published = false),
            Event::AccessGranted { portal_user, rights, window, .. }
            | Event::AccessRevised { portal_user, rights, window, .. } => state.with(|project| {
                project.roster.insert(*portal_user, Grant { rights: rights.clone(), window: *window });
            }),
            Event::AccessRevoked { portal_user, .. } => state.with(|project| {
                project.roster.remove(portal_user);
            }),
        }
    }

    fn objects(event: &Event) -> Vec<ObjectRef> {
        let client = |id: &ClientId| ObjectRef::new(ObjectKind::Client, *id, Role::Client);
        let manager = |id: &StaffId| ObjectRef::new(ObjectKind::Staff, *id, Role::Manager);
        let line = |line: &ContractLine| ObjectRef::new(ObjectKind::ContractLine, line.id, Role::ContractLine);
        let holder = |id: &PortalUserId| ObjectRef::new(ObjectKind::PortalUser, *id, Role::Holder);
        match event {
            Event::Opened { client: c, manager: m, contract_lines, .. } => {
                let mut objects = vec![client(c)];
                objects.extend(m.iter().map(manager));
                objects.extend(contract_lines.iter().map(line));
                objects
            }
            Event::ManagerAssigned { client: c, from, to } => {
                let mut objects = vec![client(c), manager(to)];
                objects.extend(from.iter().map(manager));
                objects
            }
            Event::Published { client: c } | Event::Withdrawn { client: c } => vec![client(c)],
            Event::AccessGranted { portal_user, client: c, .. }
            | Event::AccessRevised { portal_user, client: c, .. }
            | Event::AccessRevoked { portal_user, client: c } => vec![holder(portal_user), client(c)],
        }
    }
}

/// An admin opens any project, a project manager one of their own: asked of the project as it would be.
fn to_be(ledger: &impl Folded, client: ClientId, manager: Option<StaffId>) -> Result<AccessFacts, Needs> {
    let project = ProjectFacts { client, manager, published: false, grant: None };
    Ok(AccessFacts { subject: Subject::pull(ledger)?, project: Some(project) })
}

fn open(state: &State, facts: &Facts, opened: Event) -> Result<Vec<Event>, Rejection> {
    facts.access.may(Action::ManageProject, Action::ViewDirectory, facts.at)?;
    if let State::Open(project) = state {
        return if project.was_opened_as(&opened) { Ok(vec![]) } else { Err(Rejection::AnotherProject) };
    }
    if let Event::Opened { currency, contract_lines, .. } = &opened {
        sound_contract(*currency, contract_lines)?;
    }
    if !facts.client_is_open {
        return Err(Rejection::UnknownClient);
    }
    if !facts.manager_may_manage {
        return Err(Rejection::ManagerMayNotManage);
    }
    Ok(vec![opened])
}

fn assign_manager(state: &State, facts: &Facts, to: StaffId) -> Result<Vec<Event>, Rejection> {
    let project = facts.may(Action::ManageOrganization, state)?;
    if project.manager == Some(to) {
        return Ok(vec![]);
    }
    if !facts.manager_may_manage {
        return Err(Rejection::ManagerMayNotManage);
    }
    Ok(vec![Event::ManagerAssigned { client: project.client, from: project.manager, to }])
}

fn publish(state: &State, facts: &Facts) -> Result<Vec<Event>, Rejection> {
    let project = facts.may(Action::ManageProject, state)?;
    if project.published { Ok(vec![]) } else { Ok(vec![Event::Published { client: project.client }]) }
}

fn withdraw(state: &State, facts: &Facts) -> Result<Vec<Event>, Rejection> {
    let project = facts.may(Action::ManageProject, state)?;
    if project.published { Ok(vec![Event::Withdrawn { client: project.client }]) } else { Ok(vec![]) }
}

/// One currency, nothing below zero, nothing that could not be added up, and no line twice. What was opened before these
/// bounds were drawn stays as it is.
fn sound_contract(currency: Currency, lines: &[ContractLine]) -> Result<(), Rejection> {
    if lines.iter().any(|line| line.rate.currency() != currency || line.amount.currency() != currency) {
        return Err(Rejection::CurrencyDiffers);
    }
    if lines.iter().any(|line| line.rate.minor() < 0 || line.amount.minor() < 0) {
        return Err(Rejection::NegativeAmount);
    }
    lines.iter().try_for_each(|line| OrderedHours::try_from(line.hours).map(drop))?;
    let total = lines.iter().try_fold(Money::zero(currency), |total, line| total.plus(line.amount));
    total.map_err(Rejection::AmountTooLarge)?;
    if rates(lines).len() != lines.len() {
        return Err(Rejection::ContractLinesCollide);
    }
    Ok(())
}

fn rates(lines: &[ContractLine]) -> BTreeMap<ContractLineId, Money> {
    lines.iter().map(|line| (line.id, line.rate)).collect()
}

impl Facts {
    /// The project, if the asker may do this with it. Who may not see it learns only that it is not there.
    fn may<'a>(&self, action: Action, state: &'a State) -> Result<&'a Open, Rejection> {
        self.access.may(Action::ViewProject, Action::ViewProject, self.at)?;
        let State::Open(project) = state else { return Err(Denied::NotThere.into()) };
        self.access.may(action, Action::ViewProject, self.at)?;
        Ok(project)
    }
}

impl State {
    /// The project, once it is open.
    pub fn open(&self) -> Option<&Open> {
        match self {
            Self::Unopened => None,
            Self::Open(project) => Some(project),
        }
    }

    /// The client that it is for.
    pub fn client(&self) -> Option<ClientId> {
        self.open().map(|project| project.client)
    }

    /// In what currency its contract is.
    pub fn currency(&self) -> Option<Currency> {
        self.open().map(|project| project.currency)
    }

    /// Whether it is shown to the client (F6.10).
    pub fn published(&self) -> bool {
        self.open().is_some_and(|project| project.published)
    }

    /// What an hour on a contract line costs the client, if there is such a line.
    pub fn rate(&self, line: ContractLineId) -> Option<Money> {
        self.open()?.rates.get(&line).copied()
    }

    /// Who holds a right at a moment, whether their account is active or not (D9).
    pub fn holders_of(&self, right: Right, at: Timestamp) -> impl Iterator<Item = PortalUserId> {
        let roster = self.open().into_iter().flat_map(|project| &project.roster);
        roster
            .filter(move |(_, grant)| grant.window.contains(at) && grant.rights.contains(&right))
            .map(|(holder, _)| *holder)
    }

    /// Whether somebody stands on its roster, with whatever rights and whenever.
    pub fn has_on_roster(&self, portal_user: PortalUserId) -> bool {
        self.open().is_some_and(|project| project.roster.contains_key(&portal_user))
    }

    /// The project as access sees it, for a portal user or for anybody else.
    pub fn access_for(&self, portal_user: Option<PortalUserId>) -> Option<ProjectFacts> {
        let project = self.open()?;
        Some(ProjectFacts {
            client: project.client,
            manager: project.manager,
            published: project.published,
            grant: portal_user.and_then(|id| project.roster.get(&id)).cloned(),
        })
    }

    fn with(mut self, change: impl FnOnce(&mut Open)) -> Self {
        if let Self::Open(project) = &mut self {
            change(project);
        }
        self
    }
}

impl Open {
    /// Its manager may be another one by now.
    fn was_opened_as(&self, opened: &Event) -> bool {
        matches!(opened, Event::Opened { client, name, currency, contract_lines, .. }
            if (self.client, &self.name, self.currency) == (*client, name, *currency)
                && self.rates == rates(contract_lines))
    }
}
