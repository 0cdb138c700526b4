//! The plan's seats for guests, and who holds them. One stream in a ledger, under the organization's own id.
//!
//! Seats follow the portal users: whoever is invited or active holds one, nobody else does.
//!
//! 1. A seat is taken only while the plan has one left, whatever arrives at the same time (F1.1).
//! 2. A portal user holds at most one seat.
//! 3. A plan that became smaller takes no seat away; it only has none left (F1.2).

use crate::clients::portal_user::PortalUser;
use crate::decider::{Decider, Folded, Needs, Rejected};
use crate::envelope::{ObjectKind, ObjectRef, Role};
use crate::firm::organization::Organization;
use crate::ids::{OrgId, PortalUserId};
use crate::portal::StreamKind;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The aggregate.
#[derive(Debug)]
pub struct Seats;

/// What may be asked of the seats.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Give a portal user the seat that they need now, or take back the one that they need no longer. Asks nobody's
    /// right: it only follows what was decided about the user, in the same use case.
    Settle {
        /// Whose seat.
        portal_user: PortalUserId,
    },
}

/// What can have happened to the seats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// Somebody got a seat.
    #[serde(rename = "seats.reserved")]
    Reserved {
        /// Who.
        portal_user: PortalUserId,
    },
    /// A seat became free.
    #[serde(rename = "seats.released")]
    Released {
        /// Whose it was.
        portal_user: PortalUserId,
    },
}

/// What the rules remember of the seats.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Who holds one.
    pub holders: BTreeSet<PortalUserId>,
}

/// What the rules about seats must know of the rest of the ledger.
#[derive(Debug)]
pub struct Facts {
    /// Whether the portal user in question needs a seat now.
    pub needs_seat: bool,
    /// How many seats the plan has; `None` for as many as there are.
    pub limit: Option<u32>,
}

/// Why a seat may not be had.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum Rejection {
    /// The plan is full.
    #[error("the plan has seats for {limit} guests, and {used} are taken")]
    NoneLeft {
        /// How many seats the plan has.
        limit: u32,
        /// How many are taken.
        used: u32,
    },
}

impl Rejected for Rejection {
    fn code(&self) -> &'static str {
        match self {
            Self::NoneLeft { .. } => "seats.none_left",
        }
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::NoneLeft { limit, used } => vec![("limit", limit.to_string()), ("used", used.to_string())],
        }
    }
}

impl Decider for Seats {
    const KIND: StreamKind = StreamKind::Seats;
    type Id = OrgId;
    type Command = Command;
    type Event = Event;
    type State = State;
    type Facts = Facts;
    type Rejection = Rejection;

    fn facts(id: OrgId, _: &State, command: &Command, ledger: &impl Folded) -> Result<Facts, Needs> {
        let Command::Settle { portal_user } = command;
        Ok(Facts {
            needs_seat: ledger.state::<PortalUser>(*portal_user)?.holds_seat(),
            limit: ledger.state::<Organization>(id)?.guest_seats(),
        })
    }

    fn decide(state: &State, facts: &Facts, command: Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::Settle { portal_user } => settle(state, facts, portal_user),
        }
    }

    fn evolve(mut state: State, event: &Event) -> State {
        match event {
            Event::Reserved { portal_user } => state.holders.insert(*portal_user),
            Event::Released { portal_user } => state.holders.remove(portal_user),
        };
        state
    }

    fn objects(event: &Event) -> Vec<ObjectRef> {
        match event {
            Event::Reserved { portal_user } | Event::Released { portal_user } => {
                vec![ObjectRef::new(ObjectKind::PortalUser, *portal_user, Role::Holder)]
            }
        }
    }
}

fn settle(seats: &State, facts: &Facts, portal_user: PortalUserId) -> Result<Vec<Event>, Rejection> {
    match (facts.needs_seat, seats.holders.contains(&portal_user)) {
        (true, true) | (false, false) => Ok(vec![]),
        (false, true) => Ok(vec![Event::Released { portal_user }]),
        (true, false) => {
            seats.one_left(facts.limit)?;
            Ok(vec![Event::Reserved { portal_user }])
        }
    }
}

/// How many more seats are taken than a plan has, after it became smaller (F1.2).
pub fn overrun(used: u32, limit: Option<u32>) -> u32 {
    limit.map_or(0, |limit| used.saturating_sub(limit))
}

impl State {
    /// How many seats are taken.
    pub fn used(&self) -> u32 {
        u32::try_from(self.holders.len()).unwrap_or(u32::MAX)
    }

    fn one_left(&self, limit: Option<u32>) -> Result<(), Rejection> {
        match limit {
            Some(limit) if self.used() >= limit => Err(Rejection::NoneLeft { limit, used: self.used() }),
            Some(_) | None => Ok(()),
        }
    }
}
