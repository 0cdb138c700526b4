//! The invoices: what is charged every month, what the clients say to it, and what is sent.

use crate::history::story::{Stop, Story, Told, read, written};
use crate::history::words;
use countersign_domain::access::Right;
use countersign_domain::billing::content::shown;
use countersign_domain::billing::invoice::{Invoice, Phase, State};
use countersign_domain::billing::line::{Line, Lines, Quantity};
use countersign_domain::billing::number::Prefix;
use countersign_domain::envelope::{Actor, ProcessName};
use countersign_domain::ids::{ContractLineId, InvoiceId, TimeEntryId};
use countersign_domain::use_cases::billing::{
    DraftInvoice, approve_invoice, draft_invoice, put_invoice_in_review, recall_invoice, request_invoice_changes,
    revise_invoice, send_invoice,
};
use countersign_domain::values::{Money, Note, Percent};
use countersign_domain::work::time_entry::TimeEntry;
use rust_decimal::Decimal;
use std::collections::BTreeSet;

/// An invoice on its way through the month's end.
pub(super) struct Bill {
    invoice: InvoiceId,
    job: usize,
    charged: Vec<TimeEntryId>,
}

/// What a line of an invoice charges.
struct Charge {
    line: usize,
    hours: Decimal,
    entries: BTreeSet<TimeEntryId>,
}

impl Story {
    /// A draft for each project with approved time, put before the client where somebody can decide on it.
    pub(super) fn write_invoices(&mut self) -> Result<Vec<Bill>, Stop> {
        let mut asked = Vec::new();
        for job in 0..self.jobs.len() {
            let charged = std::mem::take(&mut self.jobs[job].approved);
            if charged.is_empty() {
                continue;
            }
            let bill = self.drafts(job, charged)?;
            let manager = Actor::Staff(self.jobs[job].manager);
            if self.chance.in_a_hundred(15) {
                self.takes_something_off(&bill)?;
            }
            // Some drafts are left lying, and some have nobody to decide on them.
            if self.chance.in_a_hundred(4) || self.speaker(job, Right::ApproveInvoices).is_none() {
                continue;
            }
            self.acts(manager.clone(), put_invoice_in_review(bill.invoice))?;
            if self.chance.in_a_hundred(5) {
                self.acts(manager.clone(), recall_invoice(bill.invoice))?;
                self.takes_something_off(&bill)?;
                self.acts(manager, put_invoice_in_review(bill.invoice))?;
            }
            asked.push(bill);
        }
        Ok(asked)
    }

    fn drafts(&mut self, job: usize, charged: Vec<TimeEntryId>) -> Result<Bill, Stop> {
        let invoice = InvoiceId(self.fresh());
        let mut lines = Vec::new();
        for charge in self.charges(job, &charged) {
            lines.push(self.line(job, charge)?);
        }
        let draft = DraftInvoice {
            invoice,
            project: self.jobs[job].project,
            currency: self.currency,
            lines: written(Lines::try_from(lines))?,
            salt: self.salt(),
        };
        self.acts(Actor::Staff(self.jobs[job].manager), draft_invoice(draft))?;
        Ok(Bill { invoice, job, charged })
    }

    /// The approved time, line by line of the contract.
    fn charges(&self, job: usize, charged: &[TimeEntryId]) -> Vec<Charge> {
        let booked_on = |line: ContractLineId| {
            let contents = charged.iter().filter_map(|entry| self.entry(*entry));
            contents.filter(move |content| content.contract_line == line)
        };
        let charge = |(line, (id, _, _)): (usize, &(ContractLineId, _, _))| Charge {
            line,
            hours: booked_on(*id).map(|content| content.hours.as_decimal()).sum(),
            entries: booked_on(*id).map(|content| content.time_entry).collect(),
        };
        let charges = self.jobs[job].lines.iter().enumerate().map(charge);
        charges.filter(|charge| !charge.entries.is_empty()).collect()
    }

    fn line(&mut self, job: usize, charge: Charge) -> Result<Line, Stop> {
        let (id, name, rate) = &self.jobs[job].lines[charge.line];
        Ok(Line {
            description: read(&format!("{name}, {} hours of the month", charge.hours.normalize()), Note::parse)?,
            quantity: written(Quantity::try_from(charge.hours))?,
            unit_price: *rate,
            tax: written(Percent::try_from(Decimal::from(22)))?,
            contract_line: Some(*id),
            time_entries: charge.entries,
        })
    }

    /// Another revision, with a little less to pay.
    fn takes_something_off(&mut self, bill: &Bill) -> Told {
        let Some(State::Known { content, .. }) = self.ledger.state::<Invoice>(bill.invoice) else { return Ok(()) };
        let mut lines = content.lines.as_slice().to_vec();
        let off = -(content.totals.net.minor() / i64::try_from(self.chance.between(15, 40)).unwrap_or(20)).max(1);
        lines.push(Line {
            description: read("Discount as agreed", Note::parse)?,
            quantity: written(Quantity::try_from(Decimal::ONE))?,
            unit_price: written(Money::new(off, self.currency))?,
            tax: written(Percent::try_from(Decimal::from(22)))?,
            contract_line: None,
            time_entries: BTreeSet::new(),
        });
        let lines = written(Lines::try_from(lines))?;
        let salt = self.salt();
        self.acts(Actor::Staff(self.jobs[bill.job].manager), revise_invoice(bill.invoice, lines, salt))
    }

    /// A day later the clients decide; what they want otherwise is changed and put before them again. Answers with what
    /// they approved.
    pub(super) fn clients_decide_on_invoices(&mut self, bills: Vec<Bill>) -> Result<Vec<Bill>, Stop> {
        let mut approved = Vec::new();
        for bill in bills {
            if self.chance.in_a_hundred(5) {
                continue;
            }
            if self.chance.in_a_hundred(18) {
                let reason = read(words::against_invoice(&mut self.chance), Note::parse)?;
                let decided = self.decides(&bill, |seen| request_invoice_changes(bill.invoice, seen, reason))?;
                if !decided {
                    continue;
                }
                self.takes_something_off(&bill)?;
                self.acts(Actor::Staff(self.jobs[bill.job].manager), put_invoice_in_review(bill.invoice))?;
            }
            if self.decides(&bill, |seen| approve_invoice(bill.invoice, seen, None))? {
                approved.push(bill);
            }
        }
        Ok(approved)
    }

    /// Whoever speaks for the client decides on exactly what they are shown; nobody may be there to do so.
    fn decides(
        &mut self,
        bill: &Bill,
        decision: impl FnOnce(countersign_canon::Digest) -> countersign_domain::use_case::UseCase,
    ) -> Result<bool, Stop> {
        let Some(speaker) = self.speaker(bill.job, Right::ApproveInvoices) else { return Ok(false) };
        let (client, project) = (self.client_of(bill.job), self.jobs[bill.job].project);
        self.goes_by();
        let mask = self.masked(speaker, client, project);
        let Some(State::Known { content, .. }) = self.ledger.state::<Invoice>(bill.invoice) else { return Ok(false) };
        let seen = shown(content, mask);
        self.guest_acts(speaker, client, decision(seen))?;
        Ok(true)
    }

    /// What was approved is sent: by the approval itself where it says so, otherwise by the manager.
    pub(super) fn send_invoices(&mut self, bills: Vec<Bill>) -> Told {
        for Bill { invoice, job, charged } in bills {
            let sender = match self.ledger.state::<Invoice>(invoice) {
                Some(State::Known { phase: Phase::Approved { auto_send: true, .. }, .. }) => {
                    Actor::Process(ProcessName::AutoSend)
                }
                Some(State::Known { .. } | State::Unknown) | None => Actor::Staff(self.jobs[job].manager),
            };
            self.goes_by();
            let issued_on = self.now.as_utc().date_naive();
            let send = written(send_invoice(self.plan.org, invoice, Prefix::default(), issued_on))?;
            self.acts(sender, send)?;
            self.ledger.forget::<Invoice>(invoice);
            for entry in charged {
                self.ledger.forget::<TimeEntry>(entry);
            }
        }
        Ok(())
    }
}
