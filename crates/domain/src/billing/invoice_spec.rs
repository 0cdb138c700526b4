//! What may be done with an invoice by the firm. What the client may do with it stands in `invoice_approval_spec.rs`.

use crate::access::{Denied, Key, Right, Right::*};
use crate::approval::{Asked, Given as Word, Mask, Policy, Progress, Recalled, Refusal, Refused, Salt};
use crate::billing::content::{Content, shown};
use crate::billing::invoice::{Command, Event, Invoice, Issue, Rejection, State};
use crate::billing::line::{Line, Lines, NoTotal, Totals};
use crate::billing::number::{Prefix, Series};
use crate::clients::portal_user::PortalUser;
use crate::decider::Rejected;
use crate::envelope::{Actor, ObjectKind, Principal, ProcessName, Role};
use crate::firm::organization::Plan;
use crate::ids::{ContractLineId, InvoiceId, PortalUserId, ProjectId, TimeEntryId};
use crate::testing::cast::*;
use crate::testing::{Given, Ledger, ORG, any_history_is_sound, concerned, day, given, id, survives_its_wire_form};
use crate::values::{Currency, MoneyError, Note};
use crate::work::project::{self, ContractLine, Project};
use crate::work::time_entry::{self, TimeEntry};
use countersign_canon::Digest;
use proptest::prelude::*;
use rust_decimal::Decimal;
use std::collections::BTreeSet;

pub(super) const INVOICE: InvoiceId = InvoiceId(uuid::Uuid::from_u128(1));
pub(super) const DESIGN: ContractLineId = ContractLineId(uuid::Uuid::from_u128(0xd1));
const ENTRY: TimeEntryId = TimeEntryId(uuid::Uuid::from_u128(0xe1));
const FOREIGN_ENTRY: TimeEntryId = TimeEntryId(uuid::Uuid::from_u128(0xe2));
pub(super) const AUTO_SEND: Actor = Actor::Process(ProcessName::AutoSend);

/// An invoice of Acme's, for a project that Paul manages, on which Gina approves and sends, Gus approves, and Greta
/// looks.
pub(super) fn invoice(history: impl IntoIterator<Item = Event>) -> Given<Invoice> {
    given::<Invoice>(history).named(INVOICE).in_ledger(|_| ledger()).by(PAUL)
}

pub(super) const GRETA: PortalUserId = PortalUserId(uuid::Uuid::from_u128(0x9d));

pub(super) fn ledger() -> Ledger {
    let opened = project::Event::Opened {
        client: ACME,
        name: label("Portal"),
        currency: euro(),
        manager: Some(PAUL),
        contract_lines: vec![ContractLine {
            id: DESIGN,
            name: label("Design"),
            rate: eur(10_000),
            amount: eur(400_000),
            hours: 40.into(),
        }],
    };
    Ledger::default()
        .with_cast(Plan::Trial)
        .with_guest(GRETA, ACME)
        .with::<Project>(PORTAL, [opened, project::Event::Published { client: ACME }])
        .with::<Project>(PORTAL, [granted(GINA, [InvoiceVisibility, ApproveInvoices, AutoSendOnApproval])])
        .with::<Project>(PORTAL, [granted(GUS, [InvoiceVisibility, ApproveInvoices, FinancialVisibility])])
        .with::<Project>(PORTAL, [granted(GRETA, [InvoiceVisibility])])
}

pub(super) fn granted(portal_user: PortalUserId, rights: impl IntoIterator<Item = Right>) -> project::Event {
    let grant = grant(rights);
    project::Event::AccessGranted { portal_user, client: ACME, rights: grant.rights, window: grant.window }
}

/// So many hours of design, at 100 euros and 21 percent.
pub(super) fn hours(quantity: i64) -> Line {
    Line {
        description: Note::parse("Design").unwrap(),
        quantity: Decimal::from(quantity).try_into().unwrap(),
        unit_price: eur(10_000),
        tax: Decimal::from(21).try_into().unwrap(),
        contract_line: None,
        time_entries: BTreeSet::new(),
    }
}

pub(super) fn lines(lines: impl IntoIterator<Item = Line>) -> Lines {
    Lines::try_from(lines.into_iter().collect::<Vec<_>>()).unwrap()
}

pub(super) fn salt(number: u32) -> Salt {
    Salt::new([number as u8; 16])
}

/// A revision which charges as many hours as its number says.
pub(super) fn content(revision: u32) -> Content {
    charging(revision, lines([hours(i64::from(revision))]))
}

pub(super) fn charging(revision: u32, lines: Lines) -> Content {
    let totals = Totals::of(euro(), &lines).unwrap();
    let salt = salt(revision);
    Content { invoice: INVOICE, project: PORTAL, client: ACME, revision, currency: euro(), lines, totals, salt }
}

pub(super) fn drafted() -> Event {
    Event::Drafted(content(1))
}

pub(super) fn revised(revision: u32) -> Event {
    Event::Revised(content(revision))
}

pub(super) fn put_in_review(revision: u32) -> Event {
    asking(&content(revision), Policy::any_holder("invoice.client", ApproveInvoices))
}

pub(super) fn asking(content: &Content, policy: Policy) -> Event {
    let digest = shown(content, Mask::Nothing);
    let approval = Asked { revision: content.revision, digest, policy, author: Principal::Staff(PAUL) };
    Event::PutInReview { project: PORTAL, client: ACME, approval }
}

pub(super) fn recalled(revision: u32) -> Event {
    let approval = Recalled { revision, by: Principal::Staff(PAUL) };
    Event::Recalled { project: PORTAL, client: ACME, approval }
}

/// Gina's word, who sees no financials, or Gus's, who does.
pub(super) fn word(by: PortalUserId, revision: u32) -> Word {
    let (mask, seeing) = match by {
        GUS => (Mask::Nothing, [FinancialVisibility, InvoiceVisibility].into()),
        _ => (Mask::Financials, [InvoiceVisibility].into()),
    };
    Word {
        revision,
        digest: shown(&content(revision), mask),
        by: Principal::PortalUser(by),
        right: ApproveInvoices,
        seeing,
        policy: "invoice.client".to_owned(),
        policy_version: 1,
        stage: 0,
        leaves: Progress::Complete,
        meaning: "approves this revision of the invoice as it was shown".to_owned(),
        note: None,
    }
}

pub(super) fn approved(by: PortalUserId, revision: u32) -> Event {
    Event::Approved { project: PORTAL, client: ACME, approval: word(by, revision), auto_send: by == GINA }
}

pub(super) fn changes_requested(by: PortalUserId, revision: u32) -> Event {
    let Word { digest, by, right, seeing, policy, policy_version, stage, .. } = word(by, revision);
    let reason = reason();
    let approval = Refusal { revision, digest, by, right, seeing, policy, policy_version, stage, reason };
    Event::ChangesRequested { project: PORTAL, client: ACME, approval }
}

pub(super) fn reason() -> Note {
    Note::parse("The hours of May are missing").unwrap()
}

fn sent(sequence: u32) -> Event {
    let series = series();
    Event::Sent {
        project: PORTAL,
        client: ACME,
        revision: 1,
        series: series.id(ORG),
        number: series.number_after(sequence - 1),
        issued_on: day(1).as_utc().date_naive(),
        total: eur(12_100),
    }
}

fn series() -> Series {
    Series::on(Prefix::default(), day(1).as_utc().date_naive()).unwrap()
}

/// Sending on a day of January.
pub(super) fn send(on: i64) -> Command {
    let issued_on = day(on).as_utc().date_naive();
    Command::Send(Issue::new(Series::on(Prefix::default(), issued_on).unwrap(), issued_on))
}

pub(super) fn draft() -> Command {
    Command::Draft { project: PORTAL, currency: euro(), lines: content(1).lines, salt: salt(1) }
}

pub(super) fn revise(revision: u32) -> Command {
    Command::Revise { lines: content(revision).lines, salt: salt(revision) }
}

pub(super) fn not_allowed(key: Key) -> Denied {
    Denied::NotAllowed { missing: vec![key] }
}

#[test]
fn drafting_computes_net_tax_and_gross_once() {
    let Content { totals, .. } = content(1);
    assert_eq!((totals.net, totals.gross), (eur(10_000), eur(12_100)));
    invoice([]).when(draft()).then([drafted()]);
}

#[test]
fn drafting_the_same_again_changes_nothing_and_another_under_its_id_is_refused() {
    invoice([drafted()]).when(draft()).then_nothing();
    let other = Command::Draft { project: PORTAL, currency: euro(), lines: content(2).lines, salt: salt(1) };
    invoice([drafted()]).when(other).then_rejected(Rejection::AnotherInvoice);
    invoice([drafted(), revised(2)]).when(draft()).then_rejected(Rejection::AnotherInvoice);
}

#[test] // F2.7, F2.18, F2.23
fn only_who_manages_the_project_drafts_and_issues() {
    invoice([]).by(ANN).when(draft()).then([drafted()]);
    for command in [draft(), revise(2), Command::PutInReview, Command::Recall, send(1)] {
        let history = if command == draft() { vec![] } else { vec![drafted()] };
        let whoever = |actor: Actor| invoice(history.clone()).by(actor).when(command.clone());
        whoever(AUDREY.into()).then_rejected(not_allowed(Key::AccessLevel));
        whoever(PETRA.into()).then_rejected(Denied::NotThere);
        whoever(GINA.into()).then_rejected(Denied::NotThere);
        whoever(GLORIA.into()).then_rejected(Denied::NotThere);
    }
}

#[test]
fn an_invoice_of_a_project_that_is_not_there_cannot_be_drafted() {
    let command = Command::Draft { project: id(404), currency: euro(), lines: content(1).lines, salt: salt(1) };
    invoice([]).by(ANN).when(command).then_rejected(Denied::NotThere);
    for command in [revise(2), Command::PutInReview, Command::Recall, send(1)] {
        invoice([]).by(ANN).when(command).then_rejected(Denied::NotThere);
    }
}

#[test]
fn an_invoice_is_in_the_currency_of_its_project() {
    let usd = Currency::parse("USD").unwrap();
    let command = Command::Draft { project: PORTAL, currency: usd, lines: content(1).lines, salt: salt(1) };
    invoice([]).when(command).then_rejected(Rejection::CurrencyDiffers);
    let dollars = Line { unit_price: crate::values::Money::new(1, usd).unwrap(), ..hours(1) };
    let command = Command::Draft { project: PORTAL, currency: euro(), lines: lines([dollars]), salt: salt(1) };
    let differ = NoTotal::Money(MoneyError::CurrenciesDiffer(euro(), usd));
    assert_eq!(Rejection::NoTotal(NoTotal::Negative).code(), "invoice.negative_total");
    invoice([]).when(command).then_rejected(differ);
}

#[test]
fn the_client_is_never_charged_less_than_nothing() {
    let discount = Line { unit_price: eur(-10_000), ..hours(2) };
    let command = Command::Revise { lines: lines([hours(1), discount]), salt: salt(2) };
    invoice([drafted()]).when(command).then_rejected(NoTotal::Negative);
}

fn time_on(project: ProjectId) -> time_entry::Event {
    time_entry::Event::Logged(time_entry::content::Content {
        time_entry: ENTRY,
        project,
        client: ACME,
        contract_line: DESIGN,
        author: PAUL,
        revision: 1,
        worked_on: day(1).as_utc().date_naive(),
        hours: Decimal::ONE.try_into().unwrap(),
        note: Note::parse("Worked").unwrap(),
        rate: eur(10_000),
        value: eur(10_000),
        salt: salt(9),
    })
}

#[test]
fn a_line_charges_only_what_is_the_projects() {
    let charge = |contract_line, entries: &[TimeEntryId]| {
        let line = Line { contract_line, time_entries: entries.iter().copied().collect(), ..hours(2) };
        let given = invoice([drafted()]).in_ledger(|ledger| {
            ledger.with::<TimeEntry>(ENTRY, [time_on(PORTAL)]).with::<TimeEntry>(FOREIGN_ENTRY, [time_on(id(404))])
        });
        (lines([line.clone()]), given.when(Command::Revise { lines: lines([line]), salt: salt(2) }))
    };
    let (lines, answer) = charge(Some(DESIGN), &[ENTRY]);
    let event = Event::Revised(charging(2, lines));
    let objects = vec![
        (ObjectKind::Project, Role::Project),
        (ObjectKind::Client, Role::Client),
        (ObjectKind::ContractLine, Role::ContractLine),
        (ObjectKind::TimeEntry, Role::Charged),
    ];
    assert_eq!(concerned::<Invoice>(&event), objects);
    answer.then([event]);
    for (contract_line, entries) in [
        (Some(id(404)), vec![]),
        (None, vec![FOREIGN_ENTRY]),
        (None, vec![ENTRY, FOREIGN_ENTRY]),
        (None, vec![id(404)]),
    ] {
        charge(contract_line, &entries).1.then_rejected(Rejection::ChargesAnotherProject);
    }
}

fn charging_entries(entries: &[TimeEntryId]) -> Line {
    Line { time_entries: entries.iter().copied().collect(), ..hours(2) }
}

#[test]
fn no_time_is_charged_by_two_lines_of_an_invoice() {
    let both = lines([charging_entries(&[ENTRY]), charging_entries(&[]), charging_entries(&[ENTRY])]);
    let given = || invoice([drafted()]).in_ledger(|ledger| ledger.with::<TimeEntry>(ENTRY, [time_on(PORTAL)]));
    let revise = Command::Revise { lines: both.clone(), salt: salt(2) };
    given().when(revise).then_rejected(Rejection::TimeChargedTwice { time_entry: ENTRY });
    let draft = Command::Draft { project: PORTAL, currency: euro(), lines: both, salt: salt(1) };
    let first = invoice([]).in_ledger(|ledger| ledger.with::<TimeEntry>(ENTRY, [time_on(PORTAL)]));
    first.when(draft).then_rejected(Rejection::TimeChargedTwice { time_entry: ENTRY });
}

#[test] // F8.6
fn time_that_the_client_rejected_is_not_charged() {
    let booking = time_entry::Booking { project: PORTAL, client: ACME, contract_line: DESIGN, author: PAUL };
    let no = word(GUS, 1);
    let refusal = Refusal {
        revision: 1,
        digest: no.digest,
        by: no.by,
        right: ApproveTime,
        seeing: no.seeing,
        policy: "time.client".to_owned(),
        policy_version: 1,
        stage: 0,
        reason: Note::parse("That was not us").unwrap(),
    };
    let rejected = || [time_on(PORTAL), time_entry::Event::Rejected { booking, approval: refusal.clone() }];
    let lines = lines([charging_entries(&[ENTRY])]);
    let revise = || Command::Revise { lines: lines.clone(), salt: salt(2) };
    invoice([drafted()])
        .in_ledger(|ledger| ledger.with::<TimeEntry>(ENTRY, rejected()))
        .when(revise())
        .then_rejected(Rejection::ChargesRejectedTime);
    let time_entry::Event::Logged(content) = time_on(PORTAL) else { unreachable!("time was logged") };
    let before = content.amount();
    let content = time_entry::content::Content { revision: 2, ..content };
    invoice([drafted()])
        .in_ledger(|ledger| ledger.with::<TimeEntry>(ENTRY, rejected()))
        .in_ledger(|ledger| ledger.with::<TimeEntry>(ENTRY, [time_entry::Event::Revised { content, before }]))
        .when(revise())
        .then([Event::Revised(charging(2, lines.clone()))]);
}

#[test] // F10.8
fn each_revision_is_a_new_one() {
    invoice([drafted()]).when(revise(2)).then([revised(2)]);
    invoice([drafted(), revised(2)]).when(revise(2)).then_nothing();
    invoice([drafted(), revised(2)]).when(revise(3)).then([revised(3)]);
    invoice([drafted(), put_in_review(1), recalled(1)]).when(revise(2)).then([revised(2)]);
    invoice([drafted(), put_in_review(1), changes_requested(GINA, 1)]).when(revise(2)).then([revised(2)]);
}

#[test] // F10.8
fn what_is_in_review_must_be_recalled_before_it_is_revised() {
    invoice([drafted(), put_in_review(1)]).when(revise(2)).then_rejected(Rejection::InReview);
}

#[test] // F10.8
fn once_approved_nothing_changes() {
    let already = || Rejection::AlreadyApproved { revision: 1 };
    for end in [vec![], vec![sent(1)]] {
        let history = || [drafted(), put_in_review(1), approved(GINA, 1)].into_iter().chain(end.clone());
        for command in [revise(2), Command::PutInReview, Command::Recall] {
            invoice(history()).when(command).then_rejected(already());
        }
    }
}

#[test] // F10.1, F17.2
fn putting_in_review_asks_by_the_policy_in_force_for_the_revision_as_it_stands() {
    invoice([drafted(), revised(2)]).when(Command::PutInReview).then([put_in_review(2)]);
    invoice([drafted(), put_in_review(1)]).when(Command::PutInReview).then_nothing();
}

#[test] // D13
fn what_was_refused_is_revised_before_it_is_put_in_review_again() {
    let history = || [drafted(), put_in_review(1), changes_requested(GINA, 1)];
    let refused = || Rejection::ChangesRequested { revision: 1 };
    invoice(history()).when(Command::PutInReview).then_rejected(refused());
    invoice(history()).when(Command::Recall).then_rejected(refused());
    invoice(history().into_iter().chain([revised(2)])).when(Command::PutInReview).then([put_in_review(2)]);
}

#[test] // F8.9
fn what_nobody_on_the_project_may_approve_is_not_put_in_review() {
    let revoked = |portal_user| project::Event::AccessRevoked { portal_user, client: ACME };
    invoice([drafted()])
        .in_ledger(|ledger| ledger.with::<Project>(PORTAL, [revoked(GINA), revoked(GUS)]))
        .when(Command::PutInReview)
        .then_rejected(Refused::NobodyToAsk);
}

#[test] // F8.9, F6.10
fn what_is_not_shown_to_the_client_is_not_put_in_review() {
    let withdrawn = project::Event::Withdrawn { client: ACME };
    invoice([drafted()])
        .in_ledger(|ledger| ledger.with::<Project>(PORTAL, [withdrawn]))
        .when(Command::PutInReview)
        .then_rejected(Refused::NobodyToAsk);
}

#[test] // F8.9, D9
fn whoever_was_switched_off_is_not_asked_and_whoever_may_still_join_is() {
    let off = |ledger: Ledger| ledger.with::<PortalUser>(GINA, [deactivated(GINA, ACME)]);
    let both_off = |ledger| off(ledger).with::<PortalUser>(GUS, [deactivated(GUS, ACME)]);
    invoice([drafted()]).in_ledger(off).when(Command::PutInReview).then([put_in_review(1)]);
    invoice([drafted()]).in_ledger(both_off).when(Command::PutInReview).then_rejected(Refused::NobodyToAsk);
    let saved = |ledger| {
        let nora = PortalUserId(uuid::Uuid::from_u128(0x9e));
        both_off(ledger)
            .with::<PortalUser>(nora, [prepared(nora, ACME)])
            .with::<Project>(PORTAL, [granted(nora, [InvoiceVisibility, ApproveInvoices])])
    };
    invoice([drafted()]).in_ledger(saved).when(Command::PutInReview).then([put_in_review(1)]);
}

#[test]
fn the_installation_asks_for_nobodys_word() {
    for actor in [Actor::Operator, Actor::Importer, AUTO_SEND] {
        for command in [Command::PutInReview, Command::Recall] {
            invoice([drafted()]).by(actor.clone()).when(command).then_rejected(not_allowed(Key::KindOfSubject));
        }
    }
}

#[test]
fn a_recall_takes_the_question_back() {
    invoice([drafted(), put_in_review(1)]).when(Command::Recall).then([recalled(1)]);
    invoice([drafted(), put_in_review(1), recalled(1)]).when(Command::Recall).then_nothing();
    invoice([drafted(), put_in_review(1), recalled(1)]).when(Command::PutInReview).then([put_in_review(1)]);
}

#[test] // F10.9, D2
fn staff_send_what_was_approved_under_the_next_number() {
    invoice([drafted(), put_in_review(1), approved(GUS, 1)]).when(send(1)).then([sent(1)]);
    invoice([drafted(), put_in_review(1), approved(GUS, 1), sent(1)]).when(send(1)).then_nothing();
    for history in [
        vec![drafted()],
        vec![drafted(), put_in_review(1)],
        vec![drafted(), put_in_review(1), changes_requested(GUS, 1)],
    ] {
        invoice(history).when(send(1)).then_rejected(Rejection::NotApproved);
    }
}

#[test] // F10.6, D2
fn an_approval_sends_by_itself_only_if_it_carries_the_right() {
    let history = |by| [drafted(), put_in_review(1), approved(by, 1)];
    invoice(history(GINA)).by(AUTO_SEND).when(send(1)).then([sent(1)]);
    invoice(history(GUS)).by(AUTO_SEND).when(send(1)).then_rejected(Rejection::NotToBeSentByApproval);
    let withdrawn = |ledger: Ledger| ledger.with::<Project>(PORTAL, [granted(GINA, [InvoiceVisibility])]);
    // The right is the one carried in the approval, whatever became of it since.
    invoice(history(GINA)).in_ledger(withdrawn).by(AUTO_SEND).when(send(1)).then([sent(1)]);
}

#[test]
fn nobody_else_sends() {
    let history = || [drafted(), put_in_review(1), approved(GINA, 1)];
    for actor in [Actor::Operator, Actor::Importer, Actor::Process(ProcessName::InvitationExpiry)] {
        invoice(history()).by(actor).when(send(1)).then_rejected(not_allowed(Key::KindOfSubject));
    }
    invoice(history()).by(GINA).when(send(1)).then_rejected(not_allowed(Key::KindOfSubject));
}

#[test]
fn an_invoice_bears_the_date_of_the_day_it_is_sent() {
    let history = || [drafted(), put_in_review(1), approved(GINA, 1)];
    for near in [9, 10, 11] {
        let Command::Send(issue) = send(near) else { unreachable!() };
        invoice(history()).at(day(10)).when(Command::Send(issue)).then([Event::Sent {
            project: PORTAL,
            client: ACME,
            revision: 1,
            series: series().id(ORG),
            number: series().number_after(0),
            issued_on: day(near).as_utc().date_naive(),
            total: eur(12_100),
        }]);
    }
    for far in [8, 12, 400] {
        invoice(history()).at(day(10)).when(send(far)).then_rejected(Rejection::NotTodaysDate);
    }
}

#[test]
fn every_event_survives_its_wire_form_and_names_whom_it_concerns() {
    let place = [(ObjectKind::Project, Role::Project), (ObjectKind::Client, Role::Client)];
    for (event, further) in [
        (drafted(), None),
        (revised(2), None),
        (put_in_review(1), Some((ObjectKind::Staff, Role::Author))),
        (recalled(1), Some((ObjectKind::Staff, Role::Author))),
        (approved(GINA, 1), Some((ObjectKind::PortalUser, Role::Approver))),
        (changes_requested(GINA, 1), Some((ObjectKind::PortalUser, Role::Approver))),
        (sent(1), Some((ObjectKind::NumberSeries, Role::Series))),
    ] {
        survives_its_wire_form::<Invoice>(INVOICE, &event);
        assert_eq!(concerned::<Invoice>(&event), place.into_iter().chain(further).collect::<Vec<_>>());
    }
}

#[test]
fn a_refusal_says_its_code_and_the_revision_it_is_about() {
    let outdated = Rejection::ShownRevisionIsOutdated { current: 2 };
    assert_eq!(outdated.code(), "invoice.shown_revision_is_outdated");
    assert_eq!(outdated.details(), [("revision", "2".to_owned())]);
    assert_eq!(Rejection::NotInReview.code(), "invoice.not_in_review");
    assert_eq!(Rejection::AlreadyApproved { revision: 3 }.details(), [("revision", "3".to_owned())]);
}

/// A revision that shows more to who sees financials.
pub(super) fn linked(revision: u32) -> Content {
    charging(revision, lines([Line { contract_line: Some(DESIGN), ..hours(i64::from(revision)) }]))
}

/// Something that somebody does with the invoice: mostly what makes sense, now and then anything.
#[derive(Clone, Debug)]
pub(super) struct Deed {
    what: What,
    by: Actor,
    /// What they say they were shown; exactly what they may see of the latest revision if nothing else.
    seen: Option<(u32, Mask)>,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Draft,
    Revise(u32),
    PutInReview,
    Recall,
    Approve,
    RequestChanges,
    Send,
}

impl Deed {
    /// The deed as a command, in the light of what there is.
    pub(super) fn command(&self, ledger: &mut Ledger) -> Command {
        let shown = self.digest(ledger);
        match self.what {
            What::Draft => Command::Draft { project: PORTAL, currency: euro(), lines: linked(1).lines, salt: salt(1) },
            What::Revise(revision) => Command::Revise { lines: linked(revision).lines, salt: salt(revision) },
            What::PutInReview => Command::PutInReview,
            What::Recall => Command::Recall,
            What::Approve => Command::Approve { shown, note: None },
            What::RequestChanges => Command::RequestChanges { shown, reason: reason() },
            What::Send => send(1),
        }
    }

    pub(super) fn by(&self) -> Actor {
        self.by.clone()
    }

    fn digest(&self, ledger: &mut Ledger) -> Digest {
        let State::Known { content, .. } = ledger.folded::<Invoice>(INVOICE) else {
            return shown(&linked(1), Mask::Nothing);
        };
        if let Some((revision, mask)) = self.seen {
            return shown(&linked(revision), mask);
        }
        let roster = ledger.folded::<Project>(PORTAL).open().unwrap().roster.clone();
        let sees_all = match &self.by {
            Actor::PortalUser(id) => roster.get(id).is_some_and(|grant| grant.rights.contains(&FinancialVisibility)),
            Actor::Staff(_) | Actor::Token(_) | Actor::Process(_) | Actor::Importer | Actor::Operator => true,
        };
        shown(&content, if sees_all { Mask::Nothing } else { Mask::Financials })
    }
}

pub(super) fn deed() -> impl Strategy<Value = Deed> {
    let staff = || proptest::sample::select(vec![PAUL.into(), ANN.into()]);
    let guest = || proptest::sample::select(vec![GINA.into(), GUS.into()]);
    let sender = || proptest::sample::select(vec![PAUL.into(), AUTO_SEND]);
    let sensible = prop_oneof![
        1 => (Just(What::Draft), staff()),
        3 => ((2..6_u32).prop_map(What::Revise), staff()),
        5 => (Just(What::PutInReview), staff()),
        1 => (Just(What::Recall), staff()),
        4 => (Just(What::Approve), guest()),
        2 => (Just(What::RequestChanges), guest()),
        2 => (Just(What::Send), sender()),
    ];
    let mask = proptest::sample::select(vec![Mask::Nothing, Mask::Financials]);
    let seen = proptest::option::weighted(0.2, (1..6_u32, mask));
    (sensible, seen, proptest::option::weighted(0.1, anybody())).prop_map(|((what, by), seen, anybody)| Deed {
        what,
        seen,
        by: anybody.unwrap_or(by),
    })
}

/// What follows on a first draft.
pub(super) fn story() -> impl Strategy<Value = Vec<Deed>> {
    prop::collection::vec(deed(), 0..40).prop_map(|mut deeds| {
        deeds.insert(0, Deed { what: What::Draft, by: PAUL.into(), seen: None });
        deeds
    })
}

fn anybody() -> impl Strategy<Value = Actor> {
    let cast = vec![AUDREY.into(), PETRA.into(), GRETA.into(), GLORIA.into(), GINA.into(), Actor::Operator, AUTO_SEND];
    proptest::sample::select(cast)
}

proptest! {
    #[test]
    fn any_history_of_an_invoice_is_sound(story in story()) {
        let mut ledger = ledger();
        for deed in story {
            let command = deed.command(&mut ledger);
            any_history_is_sound::<Invoice>(ledger.clone(), INVOICE, vec![(deed.by(), command.clone())]);
            ledger = ledger.by(deed.by());
            let events = ledger.decide::<Invoice>(INVOICE, command).unwrap_or_default();
            ledger = ledger.with::<Invoice>(INVOICE, events);
        }
    }
}
