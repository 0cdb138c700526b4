//! The work: projects as they are ordered, time as it is logged, submitted and decided on.

use crate::history::story::{Stop, Story, Told, read, written};
use crate::history::words;
use chrono::Datelike;
use countersign_domain::access::Right;
use countersign_domain::envelope::Actor;
use countersign_domain::ids::{ContractLineId, ProjectId, StaffId, TimeEntryId};
use countersign_domain::use_cases::projects::OpenProject;
use countersign_domain::use_cases::work_time::{
    LogTime, approve_time, log_time, recall_time, reject_time, revise_time, submit_time,
};
use countersign_domain::values::{Hours, Label, Money, Note};
use countersign_domain::work::project::ContractLine;
use countersign_domain::work::time_entry::content::{Content, shown};
use countersign_domain::work::time_entry::{State, TimeEntry, Worked};
use rust_decimal::Decimal;

/// Of a week's events so many in a hundred are about time; an entry that goes well is three of them.
const ABOUT_TIME_PERCENT: u64 = 80;
const EVENTS_AN_ENTRY: u64 = 3;
/// The days of a week on which time is logged.
const DAYS: u64 = 4;

/// A project that is worked on.
pub(super) struct Job {
    pub(super) project: ProjectId,
    pub(super) customer: usize,
    pub(super) manager: StaffId,
    pub(super) lines: Vec<(ContractLineId, Label, Money)>,
    /// Logged, by whoever manages it now.
    logged: Vec<TimeEntryId>,
    /// Waiting for the client.
    submitted: Vec<TimeEntryId>,
    /// Approved, and not charged yet.
    pub(super) approved: Vec<TimeEntryId>,
}

impl Job {
    /// What the one before has logged and not submitted stays with them.
    pub(super) fn hands_over(&mut self, to: StaffId) {
        self.manager = to;
        self.logged.clear();
    }
}

impl Story {
    /// A project as a client orders it.
    pub(super) fn ordered(
        &mut self,
        project: ProjectId,
        customer: usize,
        manager: StaffId,
    ) -> Result<(OpenProject, Job), Stop> {
        let name = words::project(&mut self.chance, self.now.as_utc().date_naive().year());
        let mut contract_lines = Vec::new();
        for (name, rate) in words::contract(&mut self.chance) {
            let rate = written(Money::new(i64::try_from(rate * 100).unwrap_or(i64::MAX), self.currency))?;
            let hours = Decimal::from(20 * self.chance.between(1, 40));
            let amount = written(rate.times(hours))?;
            let id = ContractLineId(self.fresh());
            contract_lines.push(ContractLine { id, name: read(name, Label::parse)?, rate, amount, hours });
        }
        let lines = contract_lines.iter().map(|line| (line.id, line.name.clone(), line.rate)).collect();
        let (logged, submitted, approved) = (Vec::new(), Vec::new(), Vec::new());
        let job = Job { project, customer, manager, lines, logged, submitted, approved };
        let open = OpenProject {
            project,
            client: self.customers[customer].id,
            name: read(&name, Label::parse)?,
            currency: self.currency,
            manager: Some(manager),
            contract_lines,
        };
        Ok((open, job))
    }

    /// A day's time. Some projects are busy and some are quiet.
    pub(super) fn log_time(&mut self) -> Told {
        let a_day = self.plan.events * ABOUT_TIME_PERCENT / 100 / EVENTS_AN_ENTRY / self.plan.weeks / DAYS;
        let entries = self.chance.between(a_day / 2, a_day + a_day / 2 + 1);
        for _ in 0..entries {
            // The later of two dice: the newer a project, the more there is to do.
            let job = self.chance.index(self.jobs.len()).max(self.chance.index(self.jobs.len()));
            self.logs(job)?;
        }
        Ok(())
    }

    fn logs(&mut self, job: usize) -> Told {
        let time_entry = TimeEntryId(self.fresh());
        let (project, manager) = (self.jobs[job].project, self.jobs[job].manager);
        let line = self.chance.index(self.jobs[job].lines.len());
        let contract_line = self.jobs[job].lines[line].0;
        let quarters = i64::try_from(self.chance.between(1, 20) + self.chance.between(1, 14)).unwrap_or(4);
        let worked = Worked {
            on: written(self.now.as_utc().date_naive().try_into())?,
            hours: written(Hours::try_from(Decimal::new(quarters * 25, 2)))?,
            note: read(&words::work(&mut self.chance), Note::parse)?,
        };
        let salt = self.salt();
        let log = LogTime { time_entry, project, contract_line, worked, salt };
        self.acts(Actor::Staff(manager), log_time(log))?;
        self.jobs[job].logged.push(time_entry);
        Ok(())
    }

    /// On Friday what was logged is submitted, where somebody can decide on it.
    pub(super) fn submit_time(&mut self) -> Told {
        for job in 0..self.jobs.len() {
            if self.speaker(job, Right::ApproveTime).is_none() {
                continue;
            }
            let manager = Actor::Staff(self.jobs[job].manager);
            for entry in std::mem::take(&mut self.jobs[job].logged) {
                self.acts(manager.clone(), submit_time(entry))?;
                // A slip, noticed at once.
                if self.chance.in_a_hundred(2) {
                    self.acts(manager.clone(), recall_time(entry))?;
                    self.corrects(job, entry)?;
                }
                self.jobs[job].submitted.push(entry);
            }
        }
        Ok(())
    }

    /// On Monday the clients decide, each on exactly what they are shown. Now and then they refuse, or leave it.
    pub(super) fn clients_decide_on_time(&mut self) -> Told {
        for job in 0..self.jobs.len() {
            let Some(speaker) = self.speaker(job, Right::ApproveTime) else { continue };
            let client = self.client_of(job);
            let mask = self.masked(speaker, client, self.jobs[job].project);
            for entry in std::mem::take(&mut self.jobs[job].submitted) {
                let Some(content) = self.entry(entry) else { continue };
                let (seen, author) = (shown(content, mask), content.author);
                self.goes_by();
                match self.chance.below(100) {
                    0..=3 => self.jobs[job].submitted.push(entry),
                    4..=11 => {
                        let reason = read(words::against_time(&mut self.chance), Note::parse)?;
                        self.guest_acts(speaker, client, reject_time(entry, seen, reason))?;
                        if author == self.jobs[job].manager {
                            self.corrects(job, entry)?;
                            self.jobs[job].submitted.push(entry);
                        }
                    }
                    12..=15 => {
                        let note = Some(read("Thank you, that was quick.", Note::parse)?);
                        self.guest_acts(speaker, client, approve_time(entry, seen, note))?;
                        self.jobs[job].approved.push(entry);
                    }
                    _ => {
                        self.guest_acts(speaker, client, approve_time(entry, seen, None))?;
                        self.jobs[job].approved.push(entry);
                    }
                }
            }
        }
        Ok(())
    }

    /// The author writes another revision, and submits that.
    fn corrects(&mut self, job: usize, entry: TimeEntryId) -> Told {
        let Some(content) = self.entry(entry) else { return Ok(()) };
        let (on, hours) = (content.worked_on, content.hours.as_decimal());
        let less = if hours > Decimal::ONE { hours - Decimal::new(5, 1) } else { hours };
        let worked = Worked {
            on: written(on.try_into())?,
            hours: written(Hours::try_from(less))?,
            note: read(&words::work(&mut self.chance), Note::parse)?,
        };
        let (manager, salt) = (Actor::Staff(self.jobs[job].manager), self.salt());
        self.acts(manager.clone(), revise_time(entry, worked, salt))?;
        self.acts(manager, submit_time(entry))
    }

    /// The latest revision of an entry.
    pub(super) fn entry(&self, entry: TimeEntryId) -> Option<&Content> {
        match self.ledger.state::<TimeEntry>(entry)? {
            State::Known { content, .. } => Some(content),
            State::Unknown => None,
        }
    }
}
