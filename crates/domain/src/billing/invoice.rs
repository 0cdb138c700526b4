//! An invoice: drafted by staff, approved by the client, sent under a number.
//!
//! `Draft -> InReview -> Approved -> Sent`; a recall leads from InReview back to Draft, a refusal to ChangesRequested,
//! and from there a new revision to Draft. (Paid, Void and their like come with payments.)
//!
//! 1. A draft is the firm's own: no portal user learns that it is there (F10.1).
//! 2. A revision never changes. Revising makes the next one; what is in review must be recalled first, what was refused
//!    must be revised before it is put in review again (F10.8).
//! 3. An approval binds one person's word to the digest of exactly what they were shown of one revision (D14, F10.3).
//! 4. Once approved, nothing changes any more (F10.8). The first decision wins; whoever comes second gets the outcome.
//! 5. Sending is an event of its own: by staff, or by the auto-send process if the approval carries that right (D2,
//!    F10.6).
//! 6. The number is given on sending, never before: the series' next one, in the same breath as it is allotted (F10.9).

use crate::access::{Action, Denied, Facts as AccessFacts, Key, Right, Rights};
use crate::approval::holds;
use crate::approval::{Asked, Given, Holders, Mask, Policy, Progress, Recalled, Refusal, Refused, Request, Salt, Word};
use crate::billing::content::{Content, shown};
use crate::billing::line::{Lines, NoTotal, Totals};
use crate::billing::number::{InvoiceNumber, Series};
use crate::billing::number_series::NumberSeries;
use crate::decider::{Decider, Folded, Needs, Rejected, RejectionKind};
use crate::envelope::{Actor, ObjectKind, ObjectRef, Principal, ProcessName, Role};
use crate::ids::{ClientId, InvoiceId, NumberSeriesId, ProjectId, TimeEntryId};
use crate::portal::StreamKind;
use crate::values::{Currency, Money, MoneyError, Note, Timestamp};
use crate::work::project::Project;
use crate::work::time_entry::TimeEntry;
use chrono::NaiveDate;
use countersign_canon::Digest;
use serde::{Deserialize, Serialize};

/// The aggregate.
#[derive(Debug)]
pub struct Invoice;

/// What may be asked of an invoice.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Write its first revision.
    Draft {
        /// The project that it charges.
        project: ProjectId,
        /// In what currency: the project's.
        currency: Currency,
        /// What it charges.
        lines: Lines,
        /// What makes the revision's digests impossible to guess.
        salt: Salt,
    },
    /// Write its next revision.
    Revise {
        /// What it charges.
        lines: Lines,
        /// What makes the revision's digests impossible to guess.
        salt: Salt,
    },
    /// Ask the client to approve the revision.
    PutInReview,
    /// Take the question back.
    Recall,
    /// Approve what was shown (F10.4).
    Approve {
        /// The digest of what was shown.
        shown: Digest,
        /// What they write with it.
        note: Option<Note>,
    },
    /// Refuse what was shown, and say why (D13).
    RequestChanges {
        /// The digest of what was shown.
        shown: Digest,
        /// Why.
        reason: Note,
    },
    /// Send it under the next number.
    Send(Issue),
}

/// In which series and on which day an invoice is issued. Only `use_cases::billing` makes one, together with the step
/// that allots the number (invariant 6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    series: Series,
    issued_on: NaiveDate,
}

impl Issue {
    pub(crate) fn new(series: Series, issued_on: NaiveDate) -> Self {
        Self { series, issued_on }
    }
}

/// What can have happened to an invoice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// Its first revision was written.
    #[serde(rename = "invoice.drafted")]
    Drafted(Content),
    /// Its next revision was written.
    #[serde(rename = "invoice.revised")]
    Revised(Content),
    /// The client was asked to approve it; from now on they see it.
    #[serde(rename = "invoice.put_in_review")]
    PutInReview {
        /// The project that it charges.
        project: ProjectId,
        /// The client that it is for.
        client: ClientId,
        /// What was asked.
        approval: Asked,
    },
    /// The question was taken back.
    #[serde(rename = "invoice.recalled")]
    Recalled {
        /// The project that it charges.
        project: ProjectId,
        /// The client that it is for.
        client: ClientId,
        /// By whom.
        approval: Recalled,
    },
    /// Somebody approved it; others must, too.
    #[serde(rename = "invoice.approval_given")]
    ApprovalGiven {
        /// The project that it charges.
        project: ProjectId,
        /// The client that it is for.
        client: ClientId,
        /// Their word.
        approval: Given,
    },
    /// Somebody approved it, and all is approved.
    #[serde(rename = "invoice.approved")]
    Approved {
        /// The project that it charges.
        project: ProjectId,
        /// The client that it is for.
        client: ClientId,
        /// Their word.
        approval: Given,
        /// Whether their word also sends it: the right that they held at that moment (D2).
        auto_send: bool,
    },
    /// Somebody refused it.
    #[serde(rename = "invoice.changes_requested")]
    ChangesRequested {
        /// The project that it charges.
        project: ProjectId,
        /// The client that it is for.
        client: ClientId,
        /// Their word, with the reason.
        approval: Refusal,
    },
    /// It was issued and goes to the client.
    #[serde(rename = "invoice.sent")]
    Sent {
        /// The project that it charges.
        project: ProjectId,
        /// The client that it is for.
        client: ClientId,
        /// The revision that was approved.
        revision: u32,
        /// The series that its number comes from.
        series: NumberSeriesId,
        /// Its number.
        number: InvoiceNumber,
        /// Its date.
        issued_on: NaiveDate,
        /// What is to be paid.
        total: Money,
    },
}

/// What the rules remember of an invoice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum State {
    /// Not there.
    #[default]
    Unknown,
    /// There.
    Known {
        /// Its latest revision.
        content: Box<Content>,
        /// Where it stands.
        phase: Phase,
    },
}

/// Where an invoice stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// The firm is at it.
    Draft,
    /// The client is asked.
    InReview(Request),
    /// The client wants it otherwise.
    ChangesRequested {
        /// Who refused it.
        by: Principal,
    },
    /// The client agrees.
    Approved {
        /// Everybody whose word it took.
        by: Vec<Principal>,
        /// Whether the last word also sends it.
        auto_send: bool,
    },
    /// Issued.
    Sent {
        /// Everybody whose word it took.
        by: Vec<Principal>,
        /// Its number.
        number: InvoiceNumber,
    },
}

/// What the rules about an invoice must know of the rest of the ledger.
#[derive(Debug)]
pub struct Facts {
    /// Which invoice.
    pub id: InvoiceId,
    /// When.
    pub at: Timestamp,
    /// Who acts.
    pub actor: Actor,
    /// Who asks, and the project as access sees it.
    pub access: AccessFacts,
    /// The project's currency, where a first revision is written.
    pub currency: Option<Currency>,
    /// What is wrong with the contract lines and the time entries that the lines name, if anything is.
    pub miscount: Option<Miscount>,
    /// Who may come to decide, or must all agree.
    pub holders: Holders,
    /// The next number of the series, where it is sent.
    pub next: Option<(NumberSeriesId, InvoiceNumber)>,
}

/// Why an invoice may not charge what its lines name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Miscount {
    /// A contract line or an entry of time is another project's, or nobody's.
    AnotherProject,
    /// The client refused an entry of time.
    RejectedTime,
}

/// Why something may not be done with an invoice.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum Rejection {
    /// The asker may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The approval engine says no.
    #[error(transparent)]
    Approval(#[from] Refused),
    /// Another invoice was drafted under this id.
    #[error("another invoice was drafted under this id")]
    AnotherInvoice,
    /// The project's contract is in another currency.
    #[error("the invoice is not in the project's currency")]
    CurrencyDiffers,
    /// The lines come to nothing that could be charged.
    #[error(transparent)]
    NoTotal(#[from] NoTotal),
    /// A line names a contract line or time of another project, or none.
    #[error("a line charges a contract line or time that is not the project's")]
    ChargesAnotherProject,
    /// Two lines charge the same entry of time.
    #[error("the time entry {time_entry} is charged by more than one line")]
    TimeChargedTwice {
        /// Which one.
        time_entry: TimeEntryId,
    },
    /// A line charges time that the client refused (F8.6).
    #[error("a line charges time that the client rejected")]
    ChargesRejectedTime,
    /// The client is asked about it: recall it first.
    #[error("the invoice is in review: recall it first")]
    InReview,
    /// Nobody asked for this decision.
    #[error("the invoice is not in review")]
    NotInReview,
    /// The client wants it otherwise: revise it first.
    #[error("changes were requested to revision {revision}")]
    ChangesRequested {
        /// The revision that was refused.
        revision: u32,
    },
    /// The client agreed: nothing changes any more.
    #[error("revision {revision} has been approved already")]
    AlreadyApproved {
        /// The revision that was approved.
        revision: u32,
    },
    /// What was shown is not what there is to approve, or not all that may be seen of it now.
    #[error("what was shown is outdated: revision {current} is the current one")]
    ShownRevisionIsOutdated {
        /// The revision that is in review.
        current: u32,
    },
    /// The client has not agreed yet.
    #[error("the invoice has not been approved")]
    NotApproved,
    /// The approval does not carry the right to send.
    #[error("the approval does not carry the right to send the invoice")]
    NotToBeSentByApproval,
    /// Backdated, or dated ahead.
    #[error("an invoice is issued on the day it is sent")]
    NotTodaysDate,
}

impl Rejected for Rejection {
    fn code(&self) -> &'static str {
        match self {
            Self::Denied(denied) => denied.code(),
            Self::Approval(refused) => refused.code(),
            Self::AnotherInvoice => "invoice.another",
            Self::CurrencyDiffers
            | Self::NoTotal(NoTotal::Money(MoneyError::CurrenciesDiffer(..) | MoneyError::NotACurrency)) => {
                "invoice.currency_differs"
            }
            Self::NoTotal(NoTotal::Money(MoneyError::TooLarge)) => "invoice.amount_too_large",
            Self::NoTotal(NoTotal::Negative) => "invoice.negative_total",
            Self::ChargesAnotherProject => "invoice.charges_another_project",
            Self::TimeChargedTwice { .. } => "invoice.time_charged_twice",
            Self::ChargesRejectedTime => "invoice.charges_rejected_time",
            Self::InReview => "invoice.in_review",
            Self::NotInReview => "invoice.not_in_review",
            Self::ChangesRequested { .. } => "invoice.changes_requested",
            Self::AlreadyApproved { .. } => "invoice.already_approved",
            Self::ShownRevisionIsOutdated { .. } => "invoice.shown_revision_is_outdated",
            Self::NotApproved => "invoice.not_approved",
            Self::NotToBeSentByApproval => "invoice.not_to_be_sent_by_approval",
            Self::NotTodaysDate => "invoice.not_todays_date",
        }
    }

    fn kind(&self) -> RejectionKind {
        match self {
            Self::Denied(denied) => denied.kind(),
            Self::Approval(_)
            | Self::AnotherInvoice
            | Self::CurrencyDiffers
            | Self::NoTotal(_)
            | Self::ChargesAnotherProject
            | Self::TimeChargedTwice { .. }
            | Self::ChargesRejectedTime
            | Self::InReview
            | Self::NotInReview
            | Self::ChangesRequested { .. }
            | Self::AlreadyApproved { .. }
            | Self::ShownRevisionIsOutdated { .. }
            | Self::NotApproved
            | Self::NotToBeSentByApproval
            | Self::NotTodaysDate => RejectionKind::Rule,
        }
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::ChangesRequested { revision } | Self::AlreadyApproved { revision } => {
                vec![("revision", revision.to_string())]
            }
            Self::TimeChargedTwice { time_entry } => vec![("time_entry", time_entry.to_string())],
            Self::ShownRevisionIsOutdated { current } => vec![("revision", current.to_string())],
            Self::Denied(_)
            | Self::Approval(_)
            | Self::AnotherInvoice
            | Self::CurrencyDiffers
            | Self::NoTotal(_)
            | Self::ChargesAnotherProject
            | Self::ChargesRejectedTime
            | Self::InReview
            | Self::NotInReview
            | Self::NotApproved
            | Self::NotToBeSentByApproval
            | Self::NotTodaysDate => vec![],
        }
    }
}

impl Decider for Invoice {
    const KIND: StreamKind = StreamKind::Invoice;
    type Id = InvoiceId;
    type Command = Command;
    type Event = Event;
    type State = State;
    type Facts = Facts;
    type Rejection = Rejection;

    fn facts(id: InvoiceId, state: &State, command: &Command, ledger: &impl Folded) -> Result<Facts, Needs> {
        let project = state.project().or(match command {
            Command::Draft { project, .. } => Some(*project),
            Command::Revise { .. }
            | Command::PutInReview
            | Command::Recall
            | Command::Approve { .. }
            | Command::RequestChanges { .. }
            | Command::Send(_) => None,
        });
        let moment = ledger.moment();
        let mut facts = Facts {
            id,
            at: moment.at,
            actor: moment.actor.clone(),
            access: AccessFacts::pull(ledger, project)?,
            currency: None,
            miscount: None,
            holders: Holders::default(),
            next: None,
        };
        let Some(project) = project else { return Ok(facts) };
        match command {
            Command::Draft { lines, .. } | Command::Revise { lines, .. } => {
                facts.currency = ledger.state::<Project>(project)?.currency();
                facts.miscount = miscount(ledger, project, lines)?;
            }
            Command::PutInReview => facts.holders = Holders::on_roster(ledger, project, &policy())?,
            Command::Approve { .. } => {
                if let Some(request) = state.request() {
                    facts.holders = Holders::who_must_all_agree(ledger, project, &request.policy)?;
                }
            }
            Command::Send(issue) => {
                let series = issue.series.id(moment.org);
                let last = ledger.state::<NumberSeries>(series)?.last();
                facts.next = Some((series, issue.series.number_after(last)));
            }
            Command::Recall | Command::RequestChanges { .. } => {}
        }
        Ok(facts)
    }

    fn decide(state: &State, facts: &Facts, command: Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::Draft { project, currency, lines, salt } => draft(state, facts, project, currency, lines, salt),
            Command::Revise { lines, salt } => revise(state, facts, lines, salt),
            Command::PutInReview => put_in_review(state, facts),
            Command::Recall => recall(state, facts),
            Command::Approve { shown, note } => approve(state, facts, shown, note),
            Command::RequestChanges { shown, reason } => request_changes(state, facts, shown, reason),
            Command::Send(issue) => send(state, facts, issue.issued_on),
        }
    }

    fn evolve(state: State, event: &Event) -> State {
        match event {
            Event::Drafted(content) | Event::Revised(content) => {
                State::Known { content: Box::new(content.clone()), phase: Phase::Draft }
            }
            Event::PutInReview { approval, .. } => state.moved(|_| Phase::InReview(Request::from(approval))),
            Event::Recalled { .. } => state.moved(|_| Phase::Draft),
            Event::ApprovalGiven { approval, .. } => state.moved(|phase| match phase {
                Phase::InReview(request) => Phase::InReview(request.after(approval.by, approval.vote())),
                other @ (Phase::Draft
                | Phase::ChangesRequested { .. }
                | Phase::Approved { .. }
                | Phase::Sent { .. }) => other,
            }),
            Event::Approved { approval, auto_send, .. } => state.moved(|phase| {
                let by = phase.words().into_iter().chain([approval.by]).collect();
                Phase::Approved { by, auto_send: *auto_send }
            }),
            Event::ChangesRequested { approval, .. } => state.moved(|_| Phase::ChangesRequested { by: approval.by }),
            Event::Sent { number, .. } => {
                state.moved(|phase| Phase::Sent { by: phase.words(), number: number.clone() })
            }
        }
    }

    fn objects(event: &Event) -> Vec<ObjectRef> {
        let of = |project: &ProjectId, client: &ClientId| {
            let project = ObjectRef::new(ObjectKind::Project, *project, Role::Project);
            vec![project, ObjectRef::new(ObjectKind::Client, *client, Role::Client)]
        };
        let with = |mut objects: Vec<ObjectRef>, who: Principal, role: Role| {
            objects.push(ObjectRef::principal(who, role));
            objects
        };
        match event {
            Event::Drafted(content) | Event::Revised(content) => {
                let mut objects = of(&content.project, &content.client);
                objects.extend(content.lines.charged());
                objects
            }
            Event::PutInReview { project, client, approval } => {
                with(of(project, client), approval.author, Role::Author)
            }
            Event::Recalled { project, client, approval } => with(of(project, client), approval.by, Role::Author),
            Event::ApprovalGiven { project, client, approval } | Event::Approved { project, client, approval, .. } => {
                with(of(project, client), approval.by, Role::Approver)
            }
            Event::ChangesRequested { project, client, approval } => {
                with(of(project, client), approval.by, Role::Approver)
            }
            Event::Sent { project, client, series, .. } => {
                let mut objects = of(project, client);
                objects.push(ObjectRef::new(ObjectKind::NumberSeries, *series, Role::Series));
                objects
            }
        }
    }
}

/// Who approves invoices, as long as projects have no route of their own: one person at the client.
fn policy() -> Policy {
    Policy::any_holder("invoice.client", Right::ApproveInvoices)
}

/// What an approval says, in words (F17.5).
const MEANING: &str = "approves this revision of the invoice as it was shown";

fn draft(
    state: &State,
    facts: &Facts,
    project: ProjectId,
    currency: Currency,
    lines: Lines,
    salt: Salt,
) -> Result<Vec<Event>, Rejection> {
    facts.access.may(Action::ManageProject, Action::ViewDrafts, facts.at)?;
    let client = facts.access.project.as_ref().ok_or(Denied::NotThere)?.client;
    if let State::Known { content, .. } = state {
        let same = content.revision == 1 && content.project == project && says(content, currency, &lines, &salt);
        return if same { Ok(vec![]) } else { Err(Rejection::AnotherInvoice) };
    }
    let totals = facts.total_of(currency, &lines)?;
    let invoice = facts.id;
    Ok(vec![Event::Drafted(Content { invoice, project, client, revision: 1, currency, lines, totals, salt })])
}

/// Each revision has a number and a salt of its own, so that no word given for one can be taken for another.
fn revise(state: &State, facts: &Facts, lines: Lines, salt: Salt) -> Result<Vec<Event>, Rejection> {
    let (content, phase) = facts.may(Action::ManageProject, state)?;
    if says(content, content.currency, &lines, &salt) {
        return Ok(vec![]);
    }
    match phase {
        Phase::Draft | Phase::ChangesRequested { .. } => {
            let totals = facts.total_of(content.currency, &lines)?;
            let revision = content.revision + 1;
            Ok(vec![Event::Revised(Content { revision, lines, totals, salt, ..content.clone() })])
        }
        Phase::InReview(_) => Err(Rejection::InReview),
        Phase::Approved { .. } | Phase::Sent { .. } => Err(already_approved(content)),
    }
}

/// A question that nobody could ever answer is not asked (F8.9).
fn put_in_review(state: &State, facts: &Facts) -> Result<Vec<Event>, Rejection> {
    let (content, phase) = facts.may(Action::ManageProject, state)?;
    let author = facts.person()?;
    match phase {
        Phase::Draft => {
            let policy = policy();
            policy.can_be_asked(&author, |approvers| facts.holders.speaking_for(approvers))?;
            let digest = shown(content, Mask::Nothing);
            let approval = Asked { revision: content.revision, digest, policy, author };
            Ok(vec![Event::PutInReview { project: content.project, client: content.client, approval }])
        }
        Phase::InReview(_) => Ok(vec![]),
        Phase::ChangesRequested { .. } => Err(changes_requested(content)),
        Phase::Approved { .. } | Phase::Sent { .. } => Err(already_approved(content)),
    }
}

fn recall(state: &State, facts: &Facts) -> Result<Vec<Event>, Rejection> {
    let (content, phase) = facts.may(Action::ManageProject, state)?;
    let by = facts.person()?;
    match phase {
        Phase::InReview(request) => {
            let approval = Recalled { revision: request.revision, by };
            Ok(vec![Event::Recalled { project: content.project, client: content.client, approval }])
        }
        Phase::Draft => Ok(vec![]),
        Phase::ChangesRequested { .. } => Err(changes_requested(content)),
        Phase::Approved { .. } | Phase::Sent { .. } => Err(already_approved(content)),
    }
}

/// Approving binds the guest's word to the exact revision they were shown.
fn approve(state: &State, facts: &Facts, seen: Digest, note: Option<Note>) -> Result<Vec<Event>, Rejection> {
    let (content, phase) = facts.may(Action::ApproveInvoices, state)?;
    let word = facts.word_on(content)?;
    let request = match phase {
        Phase::InReview(request) => request,
        Phase::Approved { by, .. } | Phase::Sent { by, .. } if by.contains(&word.by) => {
            return is_current(content, &word, seen).map(|()| vec![]);
        }
        Phase::Approved { .. } | Phase::Sent { .. } => return Err(already_approved(content)),
        Phase::ChangesRequested { .. } => return Err(changes_requested(content)),
        Phase::Draft => return Err(Rejection::NotInReview),
    };
    is_current(content, &word, seen)?;
    let vote = match request.vote_by(&word.by, &facts.access, &facts.holders) {
        Ok(vote) => vote,
        Err(Refused::AlreadyGiven) => return Ok(vec![]),
        Err(refused) => return Err(refused.into()),
    };
    let (project, client) = (content.project, content.client);
    let approval = word.given(request, vote, MEANING, note);
    Ok(vec![match vote.leaves {
        Progress::StageOpen | Progress::StageComplete => Event::ApprovalGiven { project, client, approval },
        Progress::Complete => {
            let auto_send = holds(&facts.access, Right::AutoSendOnApproval);
            Event::Approved { project, client, approval, auto_send }
        }
    }])
}

fn request_changes(state: &State, facts: &Facts, seen: Digest, reason: Note) -> Result<Vec<Event>, Rejection> {
    let (content, phase) = facts.may(Action::ApproveInvoices, state)?;
    let word = facts.word_on(content)?;
    let request = match phase {
        Phase::InReview(request) => request,
        Phase::ChangesRequested { by } if *by == word.by => return is_current(content, &word, seen).map(|()| vec![]),
        Phase::ChangesRequested { .. } => return Err(changes_requested(content)),
        Phase::Approved { .. } | Phase::Sent { .. } => return Err(already_approved(content)),
        Phase::Draft => return Err(Rejection::NotInReview),
    };
    is_current(content, &word, seen)?;
    let stage = request.refusal_by(&word.by, &facts.access)?;
    let approval = word.refusal(request, stage, reason);
    Ok(vec![Event::ChangesRequested { project: content.project, client: content.client, approval }])
}

/// The series' next number, in the same breath as it is allotted.
fn send(state: &State, facts: &Facts, issued_on: NaiveDate) -> Result<Vec<Event>, Rejection> {
    let (content, phase) = facts.may(Action::ManageProject, state)?;
    match phase {
        Phase::Approved { auto_send, .. } => facts.may_send(*auto_send)?,
        Phase::Sent { .. } => return Ok(vec![]),
        Phase::Draft | Phase::InReview(_) | Phase::ChangesRequested { .. } => return Err(Rejection::NotApproved),
    }
    // A day either way: the organization's day need not be the ledger's.
    let days = issued_on.signed_duration_since(facts.at.as_utc().date_naive()).num_days();
    if days.abs() > 1 {
        return Err(Rejection::NotTodaysDate);
    }
    let (series, number) = facts.next.clone().expect("the facts of sending name the next number");
    Ok(vec![Event::Sent {
        project: content.project,
        client: content.client,
        revision: content.revision,
        series,
        number,
        issued_on,
        total: content.totals.gross,
    }])
}

fn says(content: &Content, currency: Currency, lines: &Lines, salt: &Salt) -> bool {
    content.currency == currency && content.lines == *lines && content.salt == *salt
}

/// A changed mask or revision makes what was shown outdated.
fn is_current(content: &Content, word: &Word, seen: Digest) -> Result<(), Rejection> {
    if word.digest == seen { Ok(()) } else { Err(Rejection::ShownRevisionIsOutdated { current: content.revision }) }
}

fn already_approved(content: &Content) -> Rejection {
    Rejection::AlreadyApproved { revision: content.revision }
}

fn changes_requested(content: &Content) -> Rejection {
    Rejection::ChangesRequested { revision: content.revision }
}

/// The contract lines and the time that lines name must all be the project's, and none of it refused.
fn miscount(ledger: &impl Folded, project: ProjectId, lines: &Lines) -> Result<Option<Miscount>, Needs> {
    let contract = ledger.state::<Project>(project)?;
    let mut found = None;
    let mut needs = Vec::new();
    for line in lines.as_slice() {
        if line.contract_line.is_some_and(|line| contract.rate(line).is_none()) {
            found = Some(Miscount::AnotherProject);
        }
        for entry in &line.time_entries {
            match ledger.state::<TimeEntry>(*entry) {
                // Whether another project's time was refused is nobody's business here.
                Ok(entry) if entry.project() != Some(project) => found = Some(Miscount::AnotherProject),
                Ok(entry) if entry.is_rejected() => found = found.or(Some(Miscount::RejectedTime)),
                Ok(_) => {}
                Err(Needs(streams)) => needs.extend(streams),
            }
        }
    }
    if needs.is_empty() { Ok(found) } else { Err(Needs(needs)) }
}

impl Facts {
    /// The invoice, if the asker may do this with it. Who may not see it learns only that it is not there.
    fn may<'a>(&self, action: Action, state: &'a State) -> Result<(&'a Content, &'a Phase), Rejection> {
        let State::Known { content, phase } = state else {
            self.access.may(Action::ViewDrafts, Action::ViewDrafts, self.at)?;
            return Err(Denied::NotThere.into());
        };
        self.access.may(action, phase.seen_by(), self.at)?;
        Ok((content, phase))
    }

    /// Whoever asks, as the person whose word is recorded.
    fn person(&self) -> Result<Principal, Rejection> {
        let nobody = Denied::NotAllowed { missing: vec![Key::KindOfSubject] };
        Ok(self.access.subject.principal().ok_or(nobody)?)
    }

    /// The word of whoever asks on a revision, as they may see it at this moment.
    fn word_on(&self, content: &Content) -> Result<Word, Rejection> {
        let mask = Mask::of(&self.access, self.at);
        let mut seeing: Rights = mask.rights();
        seeing.insert(Right::InvoiceVisibility);
        Ok(Word { by: self.person()?, right: Right::ApproveInvoices, seeing, digest: shown(content, mask) })
    }

    fn total_of(&self, currency: Currency, lines: &Lines) -> Result<Totals, Rejection> {
        if self.currency != Some(currency) {
            return Err(Rejection::CurrencyDiffers);
        }
        match self.miscount {
            Some(Miscount::AnotherProject) => return Err(Rejection::ChargesAnotherProject),
            Some(Miscount::RejectedTime) => return Err(Rejection::ChargesRejectedTime),
            None => {}
        }
        if let Some(time_entry) = lines.charged_twice() {
            return Err(Rejection::TimeChargedTwice { time_entry });
        }
        Ok(Totals::of(currency, lines)?)
    }

    /// Staff who manage the project send what was approved; of the rest, only the process that acts on an approval.
    fn may_send(&self, auto_send: bool) -> Result<(), Rejection> {
        match &self.actor {
            Actor::Staff(_) | Actor::PortalUser(_) | Actor::Token(_) => Ok(()),
            Actor::Process(ProcessName::AutoSend) if auto_send => Ok(()),
            Actor::Process(ProcessName::AutoSend) => Err(Rejection::NotToBeSentByApproval),
            Actor::Process(ProcessName::InvitationExpiry) | Actor::Importer | Actor::Operator => {
                Err(Denied::NotAllowed { missing: vec![Key::KindOfSubject] }.into())
            }
        }
    }
}

impl State {
    /// The project that it charges, once it is there.
    pub fn project(&self) -> Option<ProjectId> {
        match self {
            Self::Unknown => None,
            Self::Known { content, .. } => Some(content.project),
        }
    }

    /// Its number, once it was sent.
    pub fn number(&self) -> Option<&InvoiceNumber> {
        match self {
            Self::Known { phase: Phase::Sent { number, .. }, .. } => Some(number),
            Self::Known { .. } | Self::Unknown => None,
        }
    }

    /// The open question, while it is in review.
    pub fn request(&self) -> Option<&Request> {
        match self {
            Self::Known { phase: Phase::InReview(request), .. } => Some(request),
            Self::Known { .. } | Self::Unknown => None,
        }
    }

    fn moved(self, to: impl FnOnce(Phase) -> Phase) -> Self {
        match self {
            Self::Unknown => Self::Unknown,
            Self::Known { content, phase } => Self::Known { content, phase: to(phase) },
        }
    }
}

impl Phase {
    /// What lets somebody know that the invoice is there (F10.1).
    pub fn seen_by(&self) -> Action {
        match self {
            Self::Draft => Action::ViewDrafts,
            Self::InReview(_) | Self::ChangesRequested { .. } | Self::Approved { .. } | Self::Sent { .. } => {
                Action::ViewInvoices
            }
        }
    }

    /// Everybody who has agreed to the revision.
    fn words(&self) -> Vec<Principal> {
        match self {
            Self::Draft | Self::ChangesRequested { .. } => Vec::new(),
            Self::InReview(request) => request.given.clone(),
            Self::Approved { by, .. } | Self::Sent { by, .. } => by.clone(),
        }
    }
}
