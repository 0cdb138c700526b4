//! An entry of time worked on a project: logged by staff, approved by the client.
//!
//! `Logged -> Submitted -> Approved`; a recall leads from Submitted back to Logged, a refusal to Rejected, and from
//! there a new revision to Logged. (Adjusting, moving and invoicing come later.)
//!
//! 1. Only who worked logs, revises, submits and recalls an entry (F2.1), and never approves it (F8.8).
//! 2. Its rate is the contract line's when the revision was written; its value is computed once and carried.
//! 3. A revision never changes. What was submitted must be recalled before it is revised, what was rejected must be
//!    revised before it is submitted again.
//! 4. An approval binds one person's word to the digest of exactly what they were shown of one revision; without
//!    financial visibility that is neither rate nor value (D14, F6.5).
//! 5. A refusal has a reason and goes back to the author (F8.6). The first decision wins; whoever comes second gets the
//!    outcome.

pub mod content;

use crate::access::{Action, Denied, Facts as AccessFacts, Key, Right};
use crate::approval::{Asked, Given, Holders, Mask, Policy, Progress, Recalled, Refusal, Refused, Request, Salt, Word};
use crate::decider::{Decider, Folded, Needs, Rejected, RejectionKind};
use crate::envelope::{ObjectKind, ObjectRef, Principal, Role};
use crate::ids::{ClientId, ContractLineId, ProjectId, StaffId, TimeEntryId};
use crate::portal::StreamKind;
use crate::values::{Day, Hours, Money, MoneyError, Note, Timestamp};
use crate::work::project::Project;
use crate::work::time_entry::content::{Content, shown};
use chrono::Days;
use countersign_canon::Digest;
use serde::{Deserialize, Serialize};

/// The aggregate.
#[derive(Debug)]
pub struct TimeEntry;

/// What may be asked of a time entry.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Write its first revision.
    Log {
        /// The project on which it was worked.
        project: ProjectId,
        /// The line of the contract that it is booked on.
        contract_line: ContractLineId,
        /// What was worked.
        worked: Worked,
        /// What makes the revision's digests impossible to guess.
        salt: Salt,
    },
    /// Write its next revision.
    Revise {
        /// What was worked.
        worked: Worked,
        /// What makes the revision's digests impossible to guess.
        salt: Salt,
    },
    /// Ask the client to approve the revision.
    Submit,
    /// Take the question back.
    Recall,
    /// Approve what was shown (F8.1).
    Approve {
        /// The digest of what was shown.
        shown: Digest,
        /// What they write with it.
        note: Option<Note>,
    },
    /// Refuse what was shown, and say why (F8.6).
    Reject {
        /// The digest of what was shown.
        shown: Digest,
        /// Why.
        reason: Note,
    },
}

/// What was worked, as its author tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worked {
    /// The day.
    pub on: Day,
    /// How long.
    pub hours: Hours,
    /// What was done.
    pub note: Note,
}

/// Where an entry belongs; never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Booking {
    /// The project on which it was worked.
    pub project: ProjectId,
    /// The client that it is for.
    pub client: ClientId,
    /// The line of the contract that it is booked on.
    pub contract_line: ContractLineId,
    /// Who worked.
    pub author: StaffId,
}

/// What an entry counts for in its project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Amount {
    /// How long it was worked.
    pub hours: Hours,
    /// What that costs the client.
    pub value: Money,
}

/// What can have happened to a time entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Event {
    /// Its first revision was written.
    #[serde(rename = "time_entry.logged")]
    Logged(Content),
    /// Its next revision was written.
    #[serde(rename = "time_entry.revised")]
    Revised {
        /// The revision.
        content: Content,
        /// What the one before counted for.
        before: Amount,
    },
    /// The client was asked to approve it.
    #[serde(rename = "time_entry.submitted")]
    Submitted {
        /// Where it belongs.
        #[serde(flatten)]
        booking: Booking,
        /// What was asked.
        approval: Asked,
    },
    /// The question was taken back.
    #[serde(rename = "time_entry.recalled")]
    Recalled {
        /// Where it belongs.
        #[serde(flatten)]
        booking: Booking,
        /// By whom.
        approval: Recalled,
    },
    /// Somebody approved it; others must, too.
    #[serde(rename = "time_entry.approval_given")]
    ApprovalGiven {
        /// Where it belongs.
        #[serde(flatten)]
        booking: Booking,
        /// Their word.
        approval: Given,
    },
    /// Somebody approved it, and all is approved.
    #[serde(rename = "time_entry.approved")]
    Approved {
        /// Where it belongs.
        #[serde(flatten)]
        booking: Booking,
        /// What was approved.
        amount: Amount,
        /// Their word.
        approval: Given,
    },
    /// Somebody refused it; it goes back to the author.
    #[serde(rename = "time_entry.rejected")]
    Rejected {
        /// Where it belongs.
        #[serde(flatten)]
        booking: Booking,
        /// Their word, with the reason.
        approval: Refusal,
    },
}

/// What the rules remember of a time entry.
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

/// Where a time entry stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// The author is at it.
    Logged,
    /// The client is asked.
    Submitted(Request),
    /// The client wants it otherwise.
    Rejected {
        /// Who refused it.
        by: Principal,
    },
    /// The client agrees.
    Approved {
        /// Everybody whose word it took.
        by: Vec<Principal>,
    },
}

/// What the rules about a time entry must know of the rest of the ledger.
#[derive(Debug)]
pub struct Facts {
    /// Which entry.
    pub id: TimeEntryId,
    /// When.
    pub at: Timestamp,
    /// Who asks, and the project as access sees it.
    pub access: AccessFacts,
    /// What an hour on the contract line costs the client, if there is such a line.
    pub rate: Option<Money>,
    /// Who may come to decide, or must all agree.
    pub holders: Holders,
}

/// Why something may not be done with a time entry.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum Rejection {
    /// The asker may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The approval engine says no.
    #[error(transparent)]
    Approval(#[from] Refused),
    /// Somebody else worked it (F2.1).
    #[error("only who worked may do this with a time entry")]
    NotTheAuthor,
    /// Another entry was logged under this id.
    #[error("another time entry was logged under this id")]
    AnotherEntry,
    /// The contract has no such line.
    #[error("there is no such line in the project's contract")]
    UnknownContractLine,
    /// The value is beyond what an amount holds.
    #[error(transparent)]
    Amount(#[from] MoneyError),
    /// The day has not come.
    #[error("time can be logged once it was worked, not before")]
    NotWorkedYet,
    /// The client is asked about it: recall it first.
    #[error("the time entry is submitted: recall it first")]
    Submitted,
    /// Nobody asked for this decision.
    #[error("the time entry is not submitted")]
    NotSubmitted,
    /// The client wants it otherwise: revise it first.
    #[error("revision {revision} was rejected")]
    Rejected {
        /// The revision that was refused.
        revision: u32,
    },
    /// The client agreed.
    #[error("revision {revision} has been approved already")]
    AlreadyApproved {
        /// The revision that was approved.
        revision: u32,
    },
    /// What was shown is not what there is to approve, or not all that may be seen of it now.
    #[error("what was shown is outdated: revision {current} is the current one")]
    ShownRevisionIsOutdated {
        /// The revision that is submitted.
        current: u32,
    },
}

impl Rejected for Rejection {
    fn code(&self) -> &'static str {
        match self {
            Self::Denied(denied) => denied.code(),
            Self::Approval(refused) => refused.code(),
            Self::NotTheAuthor => "time_entry.not_the_author",
            Self::AnotherEntry => "time_entry.another",
            Self::UnknownContractLine => "time_entry.unknown_contract_line",
            Self::Amount(_) => "time_entry.amount_too_large",
            Self::NotWorkedYet => "time_entry.not_worked_yet",
            Self::Submitted => "time_entry.submitted",
            Self::NotSubmitted => "time_entry.not_submitted",
            Self::Rejected { .. } => "time_entry.rejected",
            Self::AlreadyApproved { .. } => "time_entry.already_approved",
            Self::ShownRevisionIsOutdated { .. } => "time_entry.shown_revision_is_outdated",
        }
    }

    fn kind(&self) -> RejectionKind {
        match self {
            Self::Denied(denied) => denied.kind(),
            Self::NotTheAuthor => RejectionKind::NotAllowed,
            Self::Approval(_)
            | Self::AnotherEntry
            | Self::UnknownContractLine
            | Self::Amount(_)
            | Self::NotWorkedYet
            | Self::Submitted
            | Self::NotSubmitted
            | Self::Rejected { .. }
            | Self::AlreadyApproved { .. }
            | Self::ShownRevisionIsOutdated { .. } => RejectionKind::Rule,
        }
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Rejected { revision }
            | Self::AlreadyApproved { revision }
            | Self::ShownRevisionIsOutdated { current: revision } => vec![("revision", revision.to_string())],
            Self::Denied(_)
            | Self::Approval(_)
            | Self::NotTheAuthor
            | Self::AnotherEntry
            | Self::UnknownContractLine
            | Self::Amount(_)
            | Self::NotWorkedYet
            | Self::Submitted
            | Self::NotSubmitted => vec![],
        }
    }
}

impl Decider for TimeEntry {
    const KIND: StreamKind = StreamKind::TimeEntry;
    type Id = TimeEntryId;
    type Command = Command;
    type Event = Event;
    type State = State;
    type Facts = Facts;
    type Rejection = Rejection;

    fn facts(id: TimeEntryId, state: &State, command: &Command, ledger: &impl Folded) -> Result<Facts, Needs> {
        let known = state.content().map(|content| (content.project, content.contract_line));
        let place = known.or(match command {
            Command::Log { project, contract_line, .. } => Some((*project, *contract_line)),
            Command::Revise { .. }
            | Command::Submit
            | Command::Recall
            | Command::Approve { .. }
            | Command::Reject { .. } => None,
        });
        let access = AccessFacts::pull(ledger, place.map(|(project, _)| project))?;
        let mut facts = Facts { id, at: ledger.moment().at, access, rate: None, holders: Holders::default() };
        let Some((project, contract_line)) = place else { return Ok(facts) };
        match command {
            Command::Log { .. } | Command::Revise { .. } => {
                facts.rate = ledger.state::<Project>(project)?.rate(contract_line);
            }
            Command::Submit => facts.holders = Holders::on_roster(ledger, project, &policy())?,
            Command::Approve { .. } => {
                if let Some(request) = state.request() {
                    facts.holders = Holders::who_must_all_agree(ledger, project, &request.policy)?;
                }
            }
            Command::Recall | Command::Reject { .. } => {}
        }
        Ok(facts)
    }

    fn decide(state: &State, facts: &Facts, command: Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::Log { project, contract_line, worked, salt } => {
                log(state, facts, (project, contract_line), worked, salt)
            }
            Command::Revise { worked, salt } => revise(state, facts, worked, salt),
            Command::Submit => submit(state, facts),
            Command::Recall => recall(state, facts),
            Command::Approve { shown, note } => approve(state, facts, shown, note),
            Command::Reject { shown, reason } => reject(state, facts, shown, reason),
        }
    }

    fn evolve(state: State, event: &Event) -> State {
        match event {
            Event::Logged(content) | Event::Revised { content, .. } => {
                State::Known { content: Box::new(content.clone()), phase: Phase::Logged }
            }
            Event::Submitted { approval, .. } => state.moved(|_| Phase::Submitted(Request::from(approval))),
            Event::Recalled { .. } => state.moved(|_| Phase::Logged),
            Event::ApprovalGiven { approval, .. } => state.moved(|phase| match phase {
                Phase::Submitted(request) => Phase::Submitted(request.after(approval.by, approval.vote())),
                other @ (Phase::Logged | Phase::Rejected { .. } | Phase::Approved { .. }) => other,
            }),
            Event::Approved { approval, .. } => {
                state.moved(|phase| Phase::Approved { by: phase.words().into_iter().chain([approval.by]).collect() })
            }
            Event::Rejected { approval, .. } => state.moved(|_| Phase::Rejected { by: approval.by }),
        }
    }

    fn objects(event: &Event) -> Vec<ObjectRef> {
        let with = |booking: &Booking, approver: Principal| {
            let mut objects = booking.objects();
            objects.push(ObjectRef::principal(approver, Role::Approver));
            objects
        };
        match event {
            Event::Logged(content) | Event::Revised { content, .. } => content.booking().objects(),
            Event::Submitted { booking, .. } | Event::Recalled { booking, .. } => booking.objects(),
            Event::ApprovalGiven { booking, approval } | Event::Approved { booking, approval, .. } => {
                with(booking, approval.by)
            }
            Event::Rejected { booking, approval } => with(booking, approval.by),
        }
    }
}

/// Who approves time, as long as projects have no route of their own: one person at the client.
fn policy() -> Policy {
    Policy::any_holder("time.client", Right::ApproveTime)
}

/// What an approval says, in words (F17.5).
const MEANING: &str = "approves this revision of the time entry as it was shown";

fn log(
    state: &State,
    facts: &Facts,
    (project, contract_line): (ProjectId, ContractLineId),
    worked: Worked,
    salt: Salt,
) -> Result<Vec<Event>, Rejection> {
    facts.access.may(Action::LogTime, Action::ViewProject, facts.at)?;
    let client = facts.access.project.as_ref().ok_or(Denied::NotThere)?.client;
    let Principal::Staff(author) = facts.person()? else { return Err(nobodys_business()) };
    let booking = Booking { project, client, contract_line, author };
    if let State::Known { content, .. } = state {
        let same = content.revision == 1 && content.booking() == booking && content.says(&worked, &salt);
        return if same { Ok(vec![]) } else { Err(Rejection::AnotherEntry) };
    }
    Ok(vec![Event::Logged(facts.written(booking, 1, worked, salt)?)])
}

fn revise(state: &State, facts: &Facts, worked: Worked, salt: Salt) -> Result<Vec<Event>, Rejection> {
    let (content, phase) = facts.may_as_author(state)?;
    if content.says(&worked, &salt) {
        return Ok(vec![]);
    }
    match phase {
        Phase::Logged | Phase::Rejected { .. } => {
            let before = content.amount();
            let content = facts.written(content.booking(), content.revision + 1, worked, salt)?;
            Ok(vec![Event::Revised { content, before }])
        }
        Phase::Submitted(_) => Err(Rejection::Submitted),
        Phase::Approved { .. } => Err(already_approved(content)),
    }
}

/// A question that nobody could ever answer is not asked (F8.9).
fn submit(state: &State, facts: &Facts) -> Result<Vec<Event>, Rejection> {
    let (content, phase) = facts.may_as_author(state)?;
    match phase {
        Phase::Logged => {
            let author = Principal::Staff(content.author);
            let policy = policy();
            policy.can_be_asked(&author, |approvers| facts.holders.speaking_for(approvers))?;
            let digest = shown(content, Mask::Nothing);
            let approval = Asked { revision: content.revision, digest, policy, author };
            Ok(vec![Event::Submitted { booking: content.booking(), approval }])
        }
        Phase::Submitted(_) => Ok(vec![]),
        Phase::Rejected { .. } => Err(rejected(content)),
        Phase::Approved { .. } => Err(already_approved(content)),
    }
}

fn recall(state: &State, facts: &Facts) -> Result<Vec<Event>, Rejection> {
    let (content, phase) = facts.may_as_author(state)?;
    match phase {
        Phase::Submitted(request) => {
            let approval = Recalled { revision: request.revision, by: Principal::Staff(content.author) };
            Ok(vec![Event::Recalled { booking: content.booking(), approval }])
        }
        Phase::Logged => Ok(vec![]),
        Phase::Rejected { .. } => Err(rejected(content)),
        Phase::Approved { .. } => Err(already_approved(content)),
    }
}

/// Approving binds the guest's word to the exact revision they were shown.
fn approve(state: &State, facts: &Facts, seen: Digest, note: Option<Note>) -> Result<Vec<Event>, Rejection> {
    let (content, phase) = facts.may(Action::ApproveTime, state)?;
    let word = facts.word_on(content)?;
    let request = match phase {
        Phase::Submitted(request) => request,
        Phase::Approved { by } if by.contains(&word.by) => return is_current(content, &word, seen).map(|()| vec![]),
        Phase::Approved { .. } => return Err(already_approved(content)),
        Phase::Rejected { .. } => return Err(rejected(content)),
        Phase::Logged => return Err(Rejection::NotSubmitted),
    };
    is_current(content, &word, seen)?;
    let vote = match request.vote_by(&word.by, &facts.access, &facts.holders) {
        Ok(vote) => vote,
        Err(Refused::AlreadyGiven) => return Ok(vec![]),
        Err(refused) => return Err(refused.into()),
    };
    let booking = content.booking();
    let approval = word.given(request, vote, MEANING, note);
    Ok(vec![match vote.leaves {
        Progress::StageOpen | Progress::StageComplete => Event::ApprovalGiven { booking, approval },
        Progress::Complete => Event::Approved { booking, amount: content.amount(), approval },
    }])
}

fn reject(state: &State, facts: &Facts, seen: Digest, reason: Note) -> Result<Vec<Event>, Rejection> {
    let (content, phase) = facts.may(Action::ApproveTime, state)?;
    let word = facts.word_on(content)?;
    let request = match phase {
        Phase::Submitted(request) => request,
        Phase::Rejected { by } if *by == word.by => return is_current(content, &word, seen).map(|()| vec![]),
        Phase::Rejected { .. } => return Err(rejected(content)),
        Phase::Approved { .. } => return Err(already_approved(content)),
        Phase::Logged => return Err(Rejection::NotSubmitted),
    };
    is_current(content, &word, seen)?;
    let stage = request.refusal_by(&word.by, &facts.access)?;
    let approval = word.refusal(request, stage, reason);
    Ok(vec![Event::Rejected { booking: content.booking(), approval }])
}

/// A changed mask or revision makes what was shown outdated.
fn is_current(content: &Content, word: &Word, seen: Digest) -> Result<(), Rejection> {
    if word.digest == seen { Ok(()) } else { Err(Rejection::ShownRevisionIsOutdated { current: content.revision }) }
}

fn already_approved(content: &Content) -> Rejection {
    Rejection::AlreadyApproved { revision: content.revision }
}

fn rejected(content: &Content) -> Rejection {
    Rejection::Rejected { revision: content.revision }
}

fn nobodys_business() -> Rejection {
    Denied::NotAllowed { missing: vec![Key::KindOfSubject] }.into()
}

impl Facts {
    /// The entry, if the asker may do this with it. Who may not see it learns only that it is not there.
    fn may<'a>(&self, action: Action, state: &'a State) -> Result<(&'a Content, &'a Phase), Rejection> {
        self.access.may(Action::ViewProject, Action::ViewProject, self.at)?;
        let State::Known { content, phase } = state else { return Err(Denied::NotThere.into()) };
        self.access.may(action, Action::ViewProject, self.at)?;
        Ok((content, phase))
    }

    fn may_as_author<'a>(&self, state: &'a State) -> Result<(&'a Content, &'a Phase), Rejection> {
        let (content, phase) = self.may(Action::LogTime, state)?;
        if self.access.subject.principal() == Some(Principal::Staff(content.author)) {
            Ok((content, phase))
        } else {
            Err(Rejection::NotTheAuthor)
        }
    }

    /// Whoever asks, as the person whose word is recorded.
    fn person(&self) -> Result<Principal, Rejection> {
        self.access.subject.principal().ok_or_else(nobodys_business)
    }

    /// The word of whoever asks on a revision, as they may see it at this moment.
    fn word_on(&self, content: &Content) -> Result<Word, Rejection> {
        let mask = Mask::of(&self.access, self.at);
        Ok(Word { by: self.person()?, right: Right::ApproveTime, seeing: mask.rights(), digest: shown(content, mask) })
    }

    /// A revision as it is written down: at the contract line's rate of this moment.
    fn written(&self, booking: Booking, revision: u32, worked: Worked, salt: Salt) -> Result<Content, Rejection> {
        let rate = self.rate.ok_or(Rejection::UnknownContractLine)?;
        // A day more than the ledger's: it may be tomorrow already where the work was done.
        if self
            .at
            .as_utc()
            .date_naive()
            .checked_add_days(Days::new(1))
            .is_some_and(|tomorrow| worked.on.as_date() > tomorrow)
        {
            return Err(Rejection::NotWorkedYet);
        }
        let Booking { project, client, contract_line, author } = booking;
        let Worked { on, hours, note } = worked;
        let worked_on = on.as_date();
        let value = rate.for_hours(hours)?;
        let time_entry = self.id;
        Ok(Content {
            time_entry,
            project,
            client,
            contract_line,
            author,
            revision,
            worked_on,
            hours,
            note,
            rate,
            value,
            salt,
        })
    }
}

impl Content {
    /// Where the entry belongs.
    pub fn booking(&self) -> Booking {
        let Self { project, client, contract_line, author, .. } = *self;
        Booking { project, client, contract_line, author }
    }

    /// What it counts for in its project.
    pub fn amount(&self) -> Amount {
        Amount { hours: self.hours, value: self.value }
    }

    fn says(&self, worked: &Worked, salt: &Salt) -> bool {
        let Worked { on, hours, note } = worked;
        (self.worked_on, self.hours, &self.note, &self.salt) == (on.as_date(), *hours, note, salt)
    }
}

impl Booking {
    fn objects(&self) -> Vec<ObjectRef> {
        vec![
            ObjectRef::new(ObjectKind::Project, self.project, Role::Project),
            ObjectRef::new(ObjectKind::Client, self.client, Role::Client),
            ObjectRef::new(ObjectKind::ContractLine, self.contract_line, Role::ContractLine),
            ObjectRef::new(ObjectKind::Staff, self.author, Role::Author),
        ]
    }
}

impl State {
    /// Its latest revision, once it is there.
    pub fn content(&self) -> Option<&Content> {
        match self {
            Self::Unknown => None,
            Self::Known { content, .. } => Some(content),
        }
    }

    /// The project on which it was worked.
    pub fn project(&self) -> Option<ProjectId> {
        self.content().map(|content| content.project)
    }

    /// Whether the client refused its latest revision.
    pub fn is_rejected(&self) -> bool {
        matches!(self, Self::Known { phase: Phase::Rejected { .. }, .. })
    }

    /// The open question, while it is submitted.
    pub fn request(&self) -> Option<&Request> {
        match self {
            Self::Known { phase: Phase::Submitted(request), .. } => Some(request),
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
    /// Everybody who has agreed to the revision.
    fn words(&self) -> Vec<Principal> {
        match self {
            Self::Logged | Self::Rejected { .. } => Vec::new(),
            Self::Submitted(request) => request.given.clone(),
            Self::Approved { by } => by.clone(),
        }
    }
}
