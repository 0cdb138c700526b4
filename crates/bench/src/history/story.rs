//! A firm's history, week by week: who joins, what is worked, what the clients say to it, what is charged.
//!
//! Each step is a real command, decided in memory on what came before: what it leads to is known before it is sent, and
//! what the rules refuse never gets into a history. A story ends with the command that reaches the plan's events.

mod billing;
mod people;
mod work;

use crate::history::chance::Chance;
use crate::history::plan::FirmPlan;
use crate::history::rehearsal::Rehearsal;
use chrono::TimeDelta;
use countersign_domain::approval::{Mask, Salt};
use countersign_domain::decider::Moment;
use countersign_domain::envelope::{Actor, Provenance};
use countersign_domain::ids::{ClientId, CommandId, MailboxId, PortalUserId, ProjectId, StaffId};
use countersign_domain::portal::Rejection;
use countersign_domain::use_case::UseCase;
use countersign_domain::values::{Currency, Email, Timestamp};
use countersign_eventstore::Submission;
use people::{Customer, Guest};
use std::collections::VecDeque;
use std::error::Error;
use std::fmt::Display;
use uuid::Uuid;
use work::Job;

/// Work is done between eight and six.
const WORKING_DAY: TimeDelta = TimeDelta::hours(10);
/// Invoices are written every fourth week.
const WEEKS_A_MONTH: u64 = 4;

/// One command of a history, and what it leads to.
#[derive(Debug)]
pub struct Act {
    /// The command.
    pub submission: Submission,
    /// The position of its first event.
    pub first: u64,
    /// The names of its events, in order.
    pub events: Vec<String>,
}

/// A step of a history that the rules refuse: a defect of the generator, or of the rules.
#[derive(Debug, thiserror::Error)]
pub enum Unbelievable {
    /// A command was refused.
    #[error("{use_case} after event {after} was refused: {reason}")]
    Refused {
        /// Which command.
        use_case: &'static str,
        /// How much had happened.
        after: u64,
        /// Why, in the rule's words.
        reason: String,
    },
    /// A value does not read.
    #[error("a value of a history does not read: {0}")]
    Value(String),
}

/// Why the next step of a story is not taken.
enum Stop {
    /// Enough has happened.
    Over,
    Unbelievable(Unbelievable),
}

type Told = Result<(), Stop>;

/// Names an address as the organization's ledger does.
pub type Mailboxes = Box<dyn Fn(&Email) -> MailboxId + Send>;

/// A story on its way.
pub struct Story {
    plan: FirmPlan,
    mailboxes: Mailboxes,
    chance: Chance,
    ledger: Rehearsal,
    told: VecDeque<Act>,
    happened: u64,
    named: u64,
    now: Timestamp,
    closes: Timestamp,
    /// How long people take from one step to the next, in microseconds at most.
    pace_us: u64,
    week: u64,
    ended: bool,
    currency: Currency,
    admin: StaffId,
    managers: Vec<StaffId>,
    customers: Vec<Customer>,
    guests: Vec<Guest>,
    jobs: Vec<Job>,
}

impl Story {
    /// Begins a firm's story; nothing has happened yet.
    pub fn new(plan: FirmPlan, mailboxes: Mailboxes) -> Self {
        let mut chance = Chance::of(plan.seed, 0);
        let currency = chance.pick(&["EUR", "EUR", "USD", "GBP", "CHF", "SEK"]);
        Self {
            mailboxes,
            ledger: Rehearsal::default(),
            told: VecDeque::new(),
            happened: 0,
            named: 0,
            now: plan.begins,
            closes: plan.begins.plus(WORKING_DAY),
            pace_us: 1,
            week: 0,
            ended: false,
            currency: Currency::parse(currency).expect("a currency of ours"),
            admin: StaffId(Uuid::nil()),
            managers: Vec::new(),
            customers: Vec::new(),
            guests: Vec::new(),
            jobs: Vec::new(),
            chance,
            plan,
        }
    }

    fn tell_more(&mut self) -> Result<(), Unbelievable> {
        let told = if self.week == 0 { self.is_founded() } else { Ok(()) };
        match told.and_then(|()| self.lives_a_week()) {
            Ok(()) => {}
            Err(Stop::Over) => self.ended = true,
            Err(Stop::Unbelievable(why)) => {
                self.ended = true;
                return Err(why);
            }
        }
        self.week += 1;
        Ok(())
    }

    fn lives_a_week(&mut self) -> Told {
        let month_ends = self.week % WEEKS_A_MONTH == WEEKS_A_MONTH - 1;
        self.dawns(0);
        self.invitations_run()?;
        self.clients_decide_on_time()?;
        let invoices = if month_ends { self.write_invoices()? } else { Vec::new() };
        self.dawns(1);
        self.people_come_and_go()?;
        self.log_time()?;
        let invoices = self.clients_decide_on_invoices(invoices)?;
        self.dawns(2);
        self.log_time()?;
        self.send_invoices(invoices)?;
        self.dawns(3);
        self.rights_change()?;
        self.log_time()?;
        self.dawns(4);
        self.log_time()?;
        self.submit_time()
    }

    /// A day of the story's week begins, at eight; so much happens on it as the plan's pace says.
    fn dawns(&mut self, weekday: i64) {
        let days = i64::try_from(self.week).expect("a few hundred weeks") * 7 + weekday;
        let eight = self.plan.begins.plus(TimeDelta::days(days));
        self.now = self.now.max(eight);
        self.closes = eight.plus(WORKING_DAY);
        let a_day = self.plan.events / self.plan.weeks / 4 + 1;
        self.pace_us = u64::try_from(WORKING_DAY.num_microseconds().unwrap_or(1)).unwrap_or(1) / a_day;
    }

    /// A little time goes by.
    fn goes_by(&mut self) {
        let step = self.chance.between(1, self.pace_us.max(1));
        if self.now < self.closes {
            self.now = self.now.plus(TimeDelta::microseconds(i64::try_from(step).expect("less than a day")));
        }
    }

    /// Somebody does something.
    fn acts(&mut self, actor: Actor, use_case: UseCase) -> Told {
        self.goes_by();
        self.acts_at_once(actor, use_case, None)
    }

    /// A guest does something, for a client.
    fn guest_acts(&mut self, guest: PortalUserId, client: ClientId, use_case: UseCase) -> Told {
        self.acts_at_once(Actor::PortalUser(guest), use_case, Some(client))
    }

    fn acts_at_once(&mut self, actor: Actor, use_case: UseCase, acting_client: Option<ClientId>) -> Told {
        if self.happened >= self.plan.events {
            return Err(Stop::Over);
        }
        let moment = self.moment(actor, acting_client);
        let decided = self.ledger.perform(&moment, &use_case).map_err(|no| self.refused(&use_case, &no))?;
        let events: Vec<String> = decided.iter().map(|decided| decided.event.to_wire().event_type).collect();
        if events.is_empty() {
            return Ok(());
        }
        let command = CommandId(self.fresh());
        let request = command.0.as_bytes().to_vec();
        let mut submission = Submission::new(self.plan.org, command, moment.actor, request, use_case);
        submission.acting_client = acting_client;
        submission.provenance = Provenance::Simulated;
        submission.at = Some(self.now);
        let first = self.happened + 1;
        self.happened += events.len() as u64;
        self.told.push_back(Act { submission, first, events });
        Ok(())
    }

    fn refused(&self, use_case: &UseCase, no: &Rejection) -> Stop {
        let reason = format!("{} ({})", no.message, no.code);
        Stop::Unbelievable(Unbelievable::Refused { use_case: use_case.name, after: self.happened, reason })
    }

    fn moment(&self, actor: Actor, acting_client: Option<ClientId>) -> Moment {
        Moment { org: self.plan.org, at: self.now, actor, on_behalf_of: None, acting_client }
    }

    /// What is masked from a guest on a project, at this moment.
    fn masked(&mut self, guest: PortalUserId, client: ClientId, project: ProjectId) -> Mask {
        let moment = self.moment(Actor::PortalUser(guest), Some(client));
        self.ledger.mask(&moment, project)
    }

    fn admin(&self) -> Actor {
        Actor::Staff(self.admin)
    }

    /// The id of something new.
    fn fresh(&mut self) -> Uuid {
        self.named += 1;
        Uuid::new_v5(&self.plan.org.0, &self.named.to_be_bytes())
    }

    fn salt(&mut self) -> Salt {
        Salt::new(self.chance.bytes())
    }
}

/// The commands, in their order, as long as there is something to tell.
impl Iterator for Story {
    type Item = Result<Act, Unbelievable>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.told.is_empty() && !self.ended {
            if let Err(why) = self.tell_more() {
                self.told.clear();
                return Some(Err(why));
            }
        }
        self.told.pop_front().map(Ok)
    }
}

/// A value that the story writes; it reads, or the story is wrong.
fn written<T, E: Error>(value: Result<T, E>) -> Result<T, Stop> {
    value.map_err(|error| Stop::Unbelievable(Unbelievable::Value(error.to_string())))
}

/// A text of the story as a value of the domain, with the text in the error.
fn read<T, E: Display>(text: &str, parse: impl Fn(&str) -> Result<T, E>) -> Result<T, Stop> {
    parse(text).map_err(|error| Stop::Unbelievable(Unbelievable::Value(format!("{text}: {error}"))))
}
