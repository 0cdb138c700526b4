//! What may be done with time, by whom, and what an approval of it is bound to.

use crate::access::{Action, Denied, Facts, Key, Right, Right::*, Window};
use crate::approval::{Approvers, Asked, Given as Word, Mask, Policy, Progress, Recalled, Refusal, Refused};
use crate::approval::{Rule, Salt, Stage};
use crate::clients::portal_user::PortalUser;
use crate::decider::{Decider, Folded, Rejected};
use crate::envelope::{Actor, ObjectKind, Principal, Role};
use crate::firm::organization::Plan;
use crate::ids::{ContractLineId, PortalUserId, TimeEntryId};
use crate::testing::cast::*;
use crate::testing::{Given, Ledger, any_history_is_sound, concerned, day, given, id, survives_its_wire_form};
use crate::use_cases::work_time as errands;
use crate::values::{Day, MoneyError, Note};
use crate::work::project::{self, ContractLine, Project};
use crate::work::time_entry::content::{Content, shown};
use crate::work::time_entry::{Amount, Booking, Command, Event, Phase, Rejection, State, TimeEntry, Worked};
use countersign_canon::Digest;
use proptest::prelude::*;
use rust_decimal::Decimal;

const ENTRY: TimeEntryId = TimeEntryId(uuid::Uuid::from_u128(1));
const DESIGN: ContractLineId = ContractLineId(uuid::Uuid::from_u128(0xd1));
/// A line whose rate is so high that a day of it is no amount.
const DEAR: ContractLineId = ContractLineId(uuid::Uuid::from_u128(0xd2));
/// A guest who sees the project but approves nothing.
const GRETA: PortalUserId = PortalUserId(uuid::Uuid::from_u128(0x9d));

/// Time on a project that Paul manages. Gina and Gus approve it; Gus also sees what it costs.
fn entry(history: impl IntoIterator<Item = Event>) -> Given<TimeEntry> {
    given::<TimeEntry>(history).named(ENTRY).in_ledger(|_| ledger()).by(PAUL)
}

fn ledger() -> Ledger {
    let line =
        |id, rate| ContractLine { id, name: label("A line"), rate: eur(rate), amount: eur(0), hours: Decimal::ZERO };
    let opened = project::Event::Opened {
        client: ACME,
        name: label("Portal"),
        currency: euro(),
        manager: Some(PAUL),
        contract_lines: vec![line(DESIGN, 9_999), line(DEAR, 9_007_199_254_740_991)],
    };
    Ledger::default()
        .with_cast(Plan::Trial)
        .with_guest(GRETA, ACME)
        .with::<Project>(PORTAL, [opened, project::Event::Published { client: ACME }])
        .with::<Project>(PORTAL, [granted(GINA, [ApproveTime]), granted(GUS, [ApproveTime, FinancialVisibility])])
        .with::<Project>(PORTAL, [granted(GRETA, [FinancialVisibility])])
}

fn granted(portal_user: PortalUserId, rights: impl IntoIterator<Item = Right>) -> project::Event {
    let grant = grant(rights);
    project::Event::AccessGranted { portal_user, client: ACME, rights: grant.rights, window: grant.window }
}

fn salt(number: u32) -> Salt {
    Salt::new([number as u8; 16])
}

fn reason() -> Note {
    Note::parse("That was on another day").unwrap()
}

fn the_day(number: i64) -> Day {
    day(number).as_utc().date_naive().try_into().unwrap()
}

/// As many hours and a quarter as the revision's number says, on day 1.
fn worked(revision: u32) -> Worked {
    let hours = Decimal::from(revision) + Decimal::new(25, 2);
    Worked { on: the_day(1), hours: hours.try_into().unwrap(), note: Note::parse("Sketched the portal").unwrap() }
}

fn content(revision: u32) -> Content {
    let Worked { on, hours, note } = worked(revision);
    Content {
        time_entry: ENTRY,
        project: PORTAL,
        client: ACME,
        contract_line: DESIGN,
        author: PAUL,
        revision,
        worked_on: on.as_date(),
        hours,
        note,
        rate: eur(9_999),
        value: eur(9_999).for_hours(hours).unwrap(),
        salt: salt(revision),
    }
}

fn booking() -> Booking {
    content(1).booking()
}

fn logged() -> Event {
    Event::Logged(content(1))
}

fn revised(revision: u32) -> Event {
    Event::Revised { content: content(revision), before: content(revision - 1).amount() }
}

fn submitted(revision: u32) -> Event {
    asking(revision, Policy::any_holder("time.client", ApproveTime))
}

fn asking(revision: u32, policy: Policy) -> Event {
    let digest = shown(&content(revision), Mask::Nothing);
    Event::Submitted {
        booking: booking(),
        approval: Asked { revision, digest, policy, author: Principal::Staff(PAUL) },
    }
}

fn recalled(revision: u32) -> Event {
    Event::Recalled { booking: booking(), approval: Recalled { revision, by: Principal::Staff(PAUL) } }
}

fn mask(guest: PortalUserId) -> Mask {
    if guest == GUS { Mask::Nothing } else { Mask::Financials }
}

fn word(by: PortalUserId, revision: u32) -> Word {
    Word {
        revision,
        digest: shown(&content(revision), mask(by)),
        by: Principal::PortalUser(by),
        right: ApproveTime,
        seeing: mask(by).rights(),
        policy: "time.client".to_owned(),
        policy_version: 1,
        stage: 0,
        leaves: Progress::Complete,
        meaning: "approves this revision of the time entry as it was shown".to_owned(),
        note: None,
    }
}

fn approved(by: PortalUserId, revision: u32) -> Event {
    Event::Approved { booking: booking(), amount: content(revision).amount(), approval: word(by, revision) }
}

fn rejected(by: PortalUserId, revision: u32) -> Event {
    let Word { digest, by, right, seeing, policy, policy_version, stage, .. } = word(by, revision);
    let reason = reason();
    let approval = Refusal { revision, digest, by, right, seeing, policy, policy_version, stage, reason };
    Event::Rejected { booking: booking(), approval }
}

fn log() -> Command {
    Command::Log { project: PORTAL, contract_line: DESIGN, worked: worked(1), salt: salt(1) }
}

fn revise(revision: u32) -> Command {
    Command::Revise { worked: worked(revision), salt: salt(revision) }
}

/// Approving as a guest of the cast is shown it.
fn approve(guest: PortalUserId, revision: u32) -> Command {
    Command::Approve { shown: shown(&content(revision), mask(guest)), note: None }
}

fn reject(guest: PortalUserId, revision: u32) -> Command {
    Command::Reject { shown: shown(&content(revision), mask(guest)), reason: reason() }
}

fn not_allowed(key: Key) -> Denied {
    Denied::NotAllowed { missing: vec![key] }
}

#[test] // F6.5
fn logging_takes_the_rate_from_the_contract_line_and_computes_the_value_once() {
    assert_eq!(content(1).value, eur(12_499), "1.25 hours at 99.99");
    entry([]).when(log()).then([logged()]);
}

#[test]
fn logging_the_same_again_changes_nothing_and_another_under_its_id_is_refused() {
    entry([logged()]).when(log()).then_nothing();
    entry([logged()]).by(ANN).when(log()).then_rejected(Rejection::AnotherEntry);
    let other = Command::Log { project: PORTAL, contract_line: DESIGN, worked: worked(2), salt: salt(1) };
    entry([logged()]).when(other).then_rejected(Rejection::AnotherEntry);
    entry([logged(), revised(2)]).when(log()).then_rejected(Rejection::AnotherEntry);
}

#[test] // F2.7, F2.18, F2.23
fn who_may_log_time_on_the_project_is_its_author() {
    let by_ann = Content { author: ANN, ..content(1) };
    entry([]).by(ANN).when(log()).then([Event::Logged(by_ann)]);
    entry([]).by(AUDREY).when(log()).then_rejected(not_allowed(Key::AccessLevel));
    entry([]).by(PETRA).when(log()).then_rejected(Denied::NotThere);
    entry([]).by(GINA).when(log()).then_rejected(not_allowed(Key::KindOfSubject));
    entry([]).by(GLORIA).when(log()).then_rejected(Denied::NotThere);
    entry([]).by(Actor::Operator).when(log()).then_rejected(not_allowed(Key::KindOfSubject));
}

#[test]
fn time_is_booked_on_a_line_of_the_projects_contract_and_comes_to_an_amount() {
    let on = |project, contract_line| Command::Log { project, contract_line, worked: worked(1), salt: salt(1) };
    entry([]).when(on(PORTAL, id(404))).then_rejected(Rejection::UnknownContractLine);
    entry([]).by(ANN).when(on(id(404), DESIGN)).then_rejected(Denied::NotThere);
    entry([]).when(on(PORTAL, DEAR)).then_rejected(MoneyError::TooLarge);
}

#[test]
fn time_is_logged_once_it_was_worked() {
    let on = |number: i64| Worked { on: the_day(number), ..worked(1) };
    let log = |worked| Command::Log { project: PORTAL, contract_line: DESIGN, worked, salt: salt(1) };
    entry([]).at(day(10)).when(log(on(12))).then_rejected(Rejection::NotWorkedYet);
    for past in [1, 10, 11] {
        let logged = Content { worked_on: on(past).on.as_date(), ..content(1) };
        entry([]).at(day(10)).when(log(on(past))).then([Event::Logged(logged)]);
    }
}

#[test] // F2.1
fn only_the_author_revises_submits_and_recalls() {
    for command in [revise(2), Command::Submit, Command::Recall] {
        let by = |actor: Actor| entry([logged()]).by(actor).when(command.clone());
        by(ANN.into()).then_rejected(Rejection::NotTheAuthor);
        by(Actor::Operator).then_rejected(Rejection::NotTheAuthor);
        by(AUDREY.into()).then_rejected(not_allowed(Key::AccessLevel));
        by(PETRA.into()).then_rejected(Denied::NotThere);
        by(GINA.into()).then_rejected(not_allowed(Key::KindOfSubject));
        by(GLORIA.into()).then_rejected(Denied::NotThere);
        entry([]).by(ANN).when(command).then_rejected(Denied::NotThere);
    }
}

#[test]
fn a_revision_says_what_the_one_before_counted_for() {
    let before = Amount { hours: worked(1).hours, value: eur(12_499) };
    entry([logged()]).when(revise(2)).then([Event::Revised { content: content(2), before }]);
    entry([logged(), revised(2)]).when(revise(2)).then_nothing();
    entry([logged(), submitted(1), recalled(1)]).when(revise(2)).then([revised(2)]);
}

#[test]
fn what_was_submitted_must_be_recalled_before_it_is_revised() {
    entry([logged(), submitted(1)]).when(revise(2)).then_rejected(Rejection::Submitted);
}

#[test] // F8.1, F17.2
fn submitting_asks_the_client_by_the_policy_in_force() {
    entry([logged()]).when(Command::Submit).then([submitted(1)]);
    entry([logged(), submitted(1)]).when(Command::Submit).then_nothing();
}

#[test] // F8.9
fn what_nobody_on_the_project_may_approve_is_not_submitted() {
    entry([logged()])
        .in_ledger(|ledger| ledger.with::<Project>(PORTAL, [granted(GINA, []), granted(GUS, [FinancialVisibility])]))
        .when(Command::Submit)
        .then_rejected(Refused::NobodyToAsk);
}

#[test] // F8.9, F6.10
fn what_is_not_shown_to_the_client_is_not_submitted() {
    entry([logged()])
        .in_ledger(|ledger| ledger.with::<Project>(PORTAL, [project::Event::Withdrawn { client: ACME }]))
        .when(Command::Submit)
        .then_rejected(Refused::NobodyToAsk);
}

#[test] // F8.9
fn what_only_people_who_were_switched_off_may_approve_is_not_submitted() {
    entry([logged()])
        .in_ledger(|ledger| ledger.with::<PortalUser>(GINA, [deactivated(GINA, ACME)]))
        .in_ledger(|ledger| ledger.with::<PortalUser>(GUS, [deactivated(GUS, ACME)]))
        .when(Command::Submit)
        .then_rejected(Refused::NobodyToAsk);
}

#[test]
fn a_recall_takes_the_question_back() {
    entry([logged(), submitted(1)]).when(Command::Recall).then([recalled(1)]);
    entry([logged(), submitted(1), recalled(1)]).when(Command::Recall).then_nothing();
}

#[test] // F8.1, F17.5
fn a_guest_with_the_right_approves_exactly_what_they_were_shown() {
    for guest in [GINA, GUS] {
        let submitted = entry([logged(), submitted(1)]).by(guest);
        submitted.when(approve(guest, 1)).then([approved(guest, 1)]);
    }
}

#[test] // D14, F6.5
fn without_financial_access_neither_rate_nor_value_is_part_of_what_is_approved() {
    let dearer = Content { rate: eur(1), value: eur(1), ..content(1) };
    assert_eq!(shown(&content(1), Mask::Financials), shown(&dearer, Mask::Financials));
    assert_ne!(shown(&content(1), Mask::Nothing), shown(&dearer, Mask::Nothing));
    assert_ne!(shown(&content(1), Mask::Nothing), shown(&content(1), Mask::Financials));
}

#[test] // D14
fn every_field_of_a_revision_changes_its_digest() {
    let one = content(1);
    for content in [
        Content { time_entry: id(2), ..one.clone() },
        Content { project: id(2), ..one.clone() },
        Content { client: GLOBEX, ..one.clone() },
        Content { contract_line: DEAR, ..one.clone() },
        Content { author: ANN, ..one.clone() },
        Content { revision: 2, ..one.clone() },
        Content { worked_on: day(2).as_utc().date_naive(), ..one.clone() },
        Content { hours: worked(2).hours, ..one.clone() },
        Content { note: reason(), ..one.clone() },
        Content { salt: salt(2), ..one.clone() },
    ] {
        assert_ne!(shown(&content, Mask::Financials), shown(&one, Mask::Financials), "{content:?}");
    }
}

#[test] // D14
fn an_approval_of_more_or_less_than_may_be_seen_by_now_is_refused() {
    let outdated = || Rejection::ShownRevisionIsOutdated { current: 1 };
    let submitted = || entry([logged(), submitted(1)]);
    submitted().by(GINA).when(approve(GUS, 1)).then_rejected(outdated());
    submitted().by(GUS).when(approve(GINA, 1)).then_rejected(outdated());
    let taken_back = |ledger: Ledger| ledger.with::<Project>(PORTAL, [granted(GUS, [ApproveTime])]);
    submitted().in_ledger(taken_back).by(GUS).when(approve(GUS, 1)).then_rejected(outdated());
    submitted().in_ledger(taken_back).by(GUS).when(reject(GUS, 1)).then_rejected(outdated());
}

#[test] // D14
fn a_word_given_for_an_older_revision_is_refused() {
    let history = || [logged(), submitted(1), recalled(1), revised(2), submitted(2)];
    let outdated = || Rejection::ShownRevisionIsOutdated { current: 2 };
    entry(history()).by(GINA).when(approve(GINA, 1)).then_rejected(outdated());
    entry(history()).by(GINA).when(reject(GINA, 1)).then_rejected(outdated());
    assert_eq!(outdated().code(), "time_entry.shown_revision_is_outdated");
    assert_eq!(outdated().details(), [("revision", "2".to_owned())]);
}

#[test] // F8.6
fn a_refusal_goes_back_to_the_author_who_revises() {
    entry([logged(), submitted(1)]).by(GINA).when(reject(GINA, 1)).then([rejected(GINA, 1)]);
    let history = || [logged(), submitted(1), rejected(GINA, 1)];
    let refused = || Rejection::Rejected { revision: 1 };
    entry(history()).when(Command::Submit).then_rejected(refused());
    entry(history()).when(Command::Recall).then_rejected(refused());
    entry(history()).when(revise(2)).then([revised(2)]);
    entry(history().into_iter().chain([revised(2)])).when(Command::Submit).then([submitted(2)]);
}

#[test]
fn what_was_not_submitted_cannot_be_decided() {
    for history in [vec![logged()], vec![logged(), submitted(1), recalled(1)]] {
        entry(history.clone()).by(GINA).when(approve(GINA, 1)).then_rejected(Rejection::NotSubmitted);
        entry(history).by(GINA).when(reject(GINA, 1)).then_rejected(Rejection::NotSubmitted);
    }
}

#[test] // F8.8, F2.18
fn neither_the_author_nor_anybody_of_the_firm_approves_time() {
    for command in [approve(GINA, 1), reject(GINA, 1)] {
        let by = |actor: Actor| entry([logged(), submitted(1)]).by(actor).when(command.clone());
        for staff in [PAUL, ANN, AUDREY] {
            by(staff.into()).then_rejected(not_allowed(Key::AccessLevel));
        }
        by(Actor::Operator).then_rejected(not_allowed(Key::KindOfSubject));
        by(PETRA.into()).then_rejected(Denied::NotThere);
    }
}

#[test] // F4.17, F6.1, F6.10, F6.21, F6.25
fn a_guest_decides_only_what_they_see_and_may() {
    let boxed = project::Event::AccessGranted {
        portal_user: GINA,
        client: ACME,
        rights: [ApproveTime].into(),
        window: Window { from: None, until: Some(day(2)) },
    };
    for command in [approve(GINA, 1), reject(GINA, 1)] {
        let submitted = || entry([logged(), submitted(1)]).at(day(2));
        let after = |event: project::Event| {
            submitted().in_ledger(|ledger| ledger.with::<Project>(PORTAL, [event])).by(GINA).when(command.clone())
        };
        after(project::Event::Withdrawn { client: ACME }).then_rejected(Denied::NotThere);
        after(project::Event::AccessRevoked { portal_user: GINA, client: ACME }).then_rejected(Denied::NotThere);
        after(boxed.clone()).then_rejected(Denied::NotThere);
        let missing = not_allowed(Key::RightGranted(ApproveTime));
        after(granted(GINA, [])).then_rejected(missing.clone());
        submitted().by(GRETA).when(command.clone()).then_rejected(missing);
        submitted().by(GLORIA).when(command.clone()).then_rejected(Denied::NotThere);
        submitted()
            .in_ledger(|ledger| ledger.with::<PortalUser>(GINA, [deactivated(GINA, ACME)]))
            .by(GINA)
            .when(command.clone())
            .then_rejected(Denied::PortalUserInactive);
    }
}

#[test] // F17.6
fn the_first_decision_wins_and_the_second_gets_the_outcome() {
    let already = || Rejection::AlreadyApproved { revision: 1 };
    let agreed = || entry([logged(), submitted(1), approved(GINA, 1)]);
    agreed().by(GUS).when(approve(GUS, 1)).then_rejected(already());
    agreed().by(GUS).when(reject(GUS, 1)).then_rejected(already());
    agreed().by(GINA).when(approve(GINA, 1)).then_nothing();
    agreed().by(GINA).when(approve(GINA, 2)).then_rejected(Rejection::ShownRevisionIsOutdated { current: 1 });
    for command in [revise(2), Command::Submit, Command::Recall] {
        agreed().when(command).then_rejected(already());
    }
    let refused = || entry([logged(), submitted(1), rejected(GINA, 1)]);
    refused().by(GUS).when(reject(GUS, 1)).then_rejected(Rejection::Rejected { revision: 1 });
    refused().by(GUS).when(approve(GUS, 1)).then_rejected(Rejection::Rejected { revision: 1 });
    refused().by(GINA).when(reject(GINA, 1)).then_nothing();
}

#[test] // F17.2
fn where_two_must_agree_the_second_completes() {
    let rule = Rule::AtLeast(2.try_into().unwrap());
    let stage = Stage { name: "client".to_owned(), rule, approvers: Approvers::Holders(ApproveTime) };
    let two = Policy::new("time.client", 1, vec![stage]).unwrap();
    let first = Word { leaves: Progress::StageOpen, ..word(GUS, 1) };
    let first = Event::ApprovalGiven { booking: booking(), approval: first };
    let asked = || entry([logged(), asking(1, two.clone())]);
    asked().by(GUS).when(approve(GUS, 1)).then([first.clone()]);
    let history = || [logged(), asking(1, two.clone()), first.clone()];
    entry(history()).by(GUS).when(approve(GUS, 1)).then_nothing();
    entry(history()).by(GINA).when(approve(GINA, 1)).then([approved(GINA, 1)]);
    survives_its_wire_form::<TimeEntry>(ENTRY, &first);
    let whole = history().into_iter().chain([approved(GINA, 1)]);
    let state = whole.fold(State::default(), |state, event| TimeEntry::evolve(state, &event));
    assert!(matches!(state, State::Known { phase: Phase::Approved { by }, .. } if by.len() == 2));
}

#[test]
fn every_event_survives_its_wire_form_and_names_whom_it_concerns() {
    let place = [
        (ObjectKind::Project, Role::Project),
        (ObjectKind::Client, Role::Client),
        (ObjectKind::ContractLine, Role::ContractLine),
        (ObjectKind::Staff, Role::Author),
    ];
    for (event, further) in [
        (logged(), None),
        (revised(2), None),
        (submitted(1), None),
        (recalled(1), None),
        (approved(GUS, 1), Some((ObjectKind::PortalUser, Role::Approver))),
        (rejected(GINA, 1), Some((ObjectKind::PortalUser, Role::Approver))),
    ] {
        survives_its_wire_form::<TimeEntry>(ENTRY, &event);
        assert_eq!(concerned::<TimeEntry>(&event), place.into_iter().chain(further).collect::<Vec<_>>());
    }
}

#[test]
fn the_errands_bear_the_names_of_the_api() {
    let shown = shown(&content(1), Mask::Nothing);
    let log = errands::LogTime {
        time_entry: ENTRY,
        project: PORTAL,
        contract_line: DESIGN,
        worked: worked(1),
        salt: salt(1),
    };
    let mut ledger = ledger();
    for (actor, errand, name, event) in [
        (Actor::from(PAUL), errands::log_time(log), "LogTime", "time_entry.logged"),
        (PAUL.into(), errands::revise_time(ENTRY, worked(2), salt(2)), "ReviseTime", "time_entry.revised"),
        (PAUL.into(), errands::revise_time(ENTRY, worked(1), salt(1)), "ReviseTime", "time_entry.revised"),
        (PAUL.into(), errands::submit_time(ENTRY), "SubmitTime", "time_entry.submitted"),
        (PAUL.into(), errands::recall_time(ENTRY), "RecallTime", "time_entry.recalled"),
        (PAUL.into(), errands::submit_time(ENTRY), "SubmitTime", "time_entry.submitted"),
    ] {
        assert_eq!(errand.name, name);
        ledger = ledger.by(actor);
        assert_eq!(ledger.perform(&errand).unwrap(), [event]);
    }
    assert_eq!(errands::approve_time(ENTRY, shown, None).name, "ApproveTime");
    assert_eq!(errands::reject_time(ENTRY, shown, reason()).name, "RejectTime");
    let third = Content { revision: 3, ..content(1) };
    let digest = super::time_entry::content::shown(&third, Mask::Nothing);
    ledger = ledger.by(GUS);
    assert_eq!(ledger.perform(&errands::approve_time(ENTRY, digest, None)).unwrap(), ["time_entry.approved"]);
}

/// Something that somebody does with the entry: mostly what makes sense, now and then anything.
#[derive(Clone, Debug)]
struct Deed {
    what: What,
    by: Actor,
    /// What they say they were shown; exactly what they may see of the latest revision if nothing else.
    seen: Option<(u32, Mask)>,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Log,
    Revise(u32),
    Submit,
    Recall,
    Approve,
    Reject,
}

impl Deed {
    /// The deed as a command, in the light of what there is.
    fn command(&self, ledger: &mut Ledger) -> Command {
        let shown = self.digest(ledger);
        match self.what {
            What::Log => log(),
            What::Revise(revision) => revise(revision),
            What::Submit => Command::Submit,
            What::Recall => Command::Recall,
            What::Approve => Command::Approve { shown, note: None },
            What::Reject => Command::Reject { shown, reason: reason() },
        }
    }

    fn digest(&self, ledger: &mut Ledger) -> Digest {
        let entry = ledger.folded::<TimeEntry>(ENTRY);
        let Some(content) = entry.content() else { return shown(&content(1), Mask::Nothing) };
        if let Some((revision, mask)) = self.seen {
            return shown(&super::time_entry_spec::content(revision), mask);
        }
        let roster = ledger.folded::<Project>(PORTAL).open().unwrap().roster.clone();
        let sees_all = match &self.by {
            Actor::PortalUser(id) => roster.get(id).is_some_and(|grant| grant.rights.contains(&FinancialVisibility)),
            Actor::Staff(_) | Actor::Token(_) | Actor::Process(_) | Actor::Importer | Actor::Operator => true,
        };
        shown(content, if sees_all { Mask::Nothing } else { Mask::Financials })
    }
}

fn deed() -> impl Strategy<Value = Deed> {
    let guest = || proptest::sample::select(vec![GINA.into(), GUS.into()]);
    let author = || Just(Actor::from(PAUL));
    let sensible = prop_oneof![
        1 => (Just(What::Log), author()).boxed(),
        3 => ((2..6_u32).prop_map(What::Revise), author()).boxed(),
        5 => (Just(What::Submit), author()).boxed(),
        1 => (Just(What::Recall), author()).boxed(),
        3 => (Just(What::Approve), guest()).boxed(),
        3 => (Just(What::Reject), guest()).boxed(),
    ];
    let mask = proptest::sample::select(vec![Mask::Nothing, Mask::Financials]);
    let seen = proptest::option::weighted(0.2, (1..6_u32, mask));
    let cast = vec![ANN.into(), AUDREY.into(), PETRA.into(), PAUL.into(), GLORIA.into(), GRETA.into(), Actor::Operator];
    (sensible, seen, proptest::option::weighted(0.1, proptest::sample::select(cast)))
        .prop_map(|((what, by), seen, anybody)| Deed { what, seen, by: anybody.unwrap_or(by) })
}

/// What follows on a first entry.
fn story() -> impl Strategy<Value = Vec<Deed>> {
    prop::collection::vec(deed(), 0..40).prop_map(|mut deeds| {
        deeds.insert(0, Deed { what: What::Log, by: PAUL.into(), seen: None });
        deeds
    })
}

fn some_change() -> impl Strategy<Value = (PortalUserId, Vec<Right>)> {
    let guest = proptest::sample::select(vec![GINA, GUS]);
    (guest, proptest::sample::subsequence(Right::ALL.to_vec(), 0..=Right::ALL.len()))
}

proptest! {
    #[test]
    fn any_history_of_a_time_entry_is_sound(story in story()) {
        let mut ledger = ledger();
        for deed in story {
            let command = deed.command(&mut ledger);
            any_history_is_sound::<TimeEntry>(ledger.clone(), ENTRY, vec![(deed.by.clone(), command.clone())]);
            ledger = ledger.by(deed.by);
            let events = ledger.decide::<TimeEntry>(ENTRY, command).unwrap_or_default();
            ledger = ledger.with::<TimeEntry>(ENTRY, events);
        }
    }

    #[test] // D14, F8.8
    fn no_word_is_ever_recorded_whose_digest_is_not_of_what_its_giver_could_see(
        story in story(),
        changes in prop::collection::vec(proptest::option::weighted(0.2, some_change()), 41),
    ) {
        let mut ledger = ledger();
        for (deed, change) in story.into_iter().zip(changes) {
            // What they were shown, before it changed under their hands.
            let command = deed.command(&mut ledger);
            if let Some((guest, rights)) = change {
                ledger = ledger.with::<Project>(PORTAL, [granted(guest, rights)]);
            }
            ledger = ledger.by(deed.by);
            let before = ledger.folded::<TimeEntry>(ENTRY);
            let Ok(events) = ledger.decide::<TimeEntry>(ENTRY, command) else { continue };
            for event in &events {
                let (digest, by) = match event {
                    Event::Approved { approval, .. } | Event::ApprovalGiven { approval, .. } => {
                        (approval.digest, approval.by)
                    }
                    Event::Rejected { approval, .. } => (approval.digest, approval.by),
                    Event::Logged(_) | Event::Revised { .. } | Event::Submitted { .. } | Event::Recalled { .. } => {
                        continue;
                    }
                };
                let State::Known { content, phase: Phase::Submitted(_) } = &before else {
                    return Err(TestCaseError::fail("a word was recorded that nobody had asked for"));
                };
                let facts = Facts::pull(&ledger, Some(PORTAL)).expect("the decision has asked for the same");
                prop_assert!(crate::access::decide(&facts, Action::ApproveTime, ledger.moment().at).allowed);
                prop_assert_ne!(by, Principal::Staff(content.author));
                prop_assert_eq!(digest, shown(content, Mask::of(&facts, ledger.moment().at)));
            }
            ledger = ledger.with::<TimeEntry>(ENTRY, events);
        }
    }
}
