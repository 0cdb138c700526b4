//! What the client may do with an invoice, and what their word is bound to.

use super::invoice_spec::*;
use crate::access::{Action, Denied, Facts, Key, Right, Right::*, Window};
use crate::approval::{Approvers, Given as Word, Mask, Policy, Progress, Refused, Rule, Stage};
use crate::billing::content::{Content, shown};
use crate::billing::invoice::{Command, Event, Invoice, Phase, Rejection, State};
use crate::billing::line::Line;
use crate::clients::portal_user::PortalUser;
use crate::decider::{Decider, Folded};
use crate::envelope::Actor;
use crate::ids::PortalUserId;
use crate::testing::cast::*;
use crate::testing::{Ledger, day};
use crate::values::Note;
use crate::work::project::{self, Project};
use countersign_canon::Digest;
use proptest::prelude::*;

/// What a guest of the cast is shown of a revision.
fn digest(revision: u32) -> Digest {
    shown(&content(revision), Mask::Financials)
}

fn approve(revision: u32) -> Command {
    Command::Approve { shown: digest(revision), note: None }
}

fn request_changes(revision: u32) -> Command {
    Command::RequestChanges { shown: digest(revision), reason: reason() }
}

fn in_review() -> [Event; 2] {
    [drafted(), put_in_review(1)]
}

#[test] // F10.4, F17.5
fn a_guest_with_the_right_approves_exactly_what_they_were_shown() {
    invoice(in_review()).by(GUS).when(approve(1)).then([approved(GUS, 1)]);
    let note = Note::parse("Thank you").ok();
    let with_note = Word { note: note.clone(), ..word(GUS, 1) };
    invoice(in_review()).by(GUS).when(Command::Approve { shown: digest(1), note }).then([Event::Approved {
        project: PORTAL,
        client: ACME,
        approval: with_note,
        auto_send: false,
    }]);
}

#[test] // F10.6, D2
fn an_approval_carries_the_right_to_send_if_its_giver_holds_it_at_that_moment() {
    invoice(in_review()).by(GINA).when(approve(1)).then([approved(GINA, 1)]);
    let withdrawn = granted(GINA, [InvoiceVisibility, ApproveInvoices]);
    let without = Event::Approved { project: PORTAL, client: ACME, approval: word(GINA, 1), auto_send: false };
    invoice(in_review())
        .in_ledger(|ledger| ledger.with::<Project>(PORTAL, [withdrawn]))
        .by(GINA)
        .when(approve(1))
        .then([without]);
}

#[test] // F10.4, D14
fn an_approval_given_for_an_older_revision_is_refused() {
    invoice([drafted(), put_in_review(1), recalled(1), revised(2), put_in_review(2)])
        .by(GINA)
        .when(approve(1))
        .then_rejected(Rejection::ShownRevisionIsOutdated { current: 2 });
}

#[test] // D14
fn a_refusal_of_an_older_revision_is_refused() {
    invoice([drafted(), put_in_review(1), recalled(1), revised(2), put_in_review(2)])
        .by(GINA)
        .when(request_changes(1))
        .then_rejected(Rejection::ShownRevisionIsOutdated { current: 2 });
}

#[test] // D14, F6.8
fn an_approval_of_more_or_less_than_may_be_seen_by_now_is_refused() {
    let history = || {
        let content = linked(1);
        let asked = asking(&content, Policy::any_holder("invoice.client", ApproveInvoices));
        [Event::Drafted(content), asked]
    };
    let approve = |mask| Command::Approve { shown: shown(&linked(1), mask), note: None };
    let outdated = || Rejection::ShownRevisionIsOutdated { current: 1 };
    invoice(history()).by(GINA).when(approve(Mask::Nothing)).then_rejected(outdated());
    invoice(history()).by(GUS).when(approve(Mask::Financials)).then_rejected(outdated());
    invoice(history())
        .in_ledger(|ledger| ledger.with::<Project>(PORTAL, [granted(GUS, [InvoiceVisibility, ApproveInvoices])]))
        .by(GUS)
        .when(approve(Mask::Nothing))
        .then_rejected(outdated());
}

#[test] // D1, F6.8
fn an_invoice_shows_its_amounts_to_all_who_see_it_but_what_its_lines_charge_is_financial() {
    assert_eq!(shown(&content(1), Mask::Nothing), shown(&content(1), Mask::Financials));
    assert_ne!(shown(&linked(1), Mask::Nothing), shown(&linked(1), Mask::Financials));
    assert_eq!(shown(&linked(1), Mask::Financials), shown(&content(1), Mask::Financials));
}

#[test] // D14
fn every_field_of_a_revision_changes_its_digest() {
    let one = content(1);
    let line = |change: fn(&mut Line)| {
        let mut line = hours(1);
        change(&mut line);
        charging(1, lines([line]))
    };
    let different: [Content; 10] = [
        Content { invoice: crate::testing::id(2), ..one.clone() },
        Content { project: crate::testing::id(2), ..one.clone() },
        Content { client: GLOBEX, ..one.clone() },
        Content { revision: 2, ..one.clone() },
        Content { salt: salt(2), ..one.clone() },
        line(|line| line.description = Note::parse("Other").unwrap()),
        line(|line| line.quantity = rust_decimal::Decimal::TWO.try_into().unwrap()),
        line(|line| line.unit_price = eur(1)),
        line(|line| line.tax = rust_decimal::Decimal::ONE.try_into().unwrap()),
        charging(1, lines([hours(1), hours(1)])),
    ];
    for content in different {
        assert_ne!(shown(&content, Mask::Financials), shown(&one, Mask::Financials), "{content:?}");
    }
}

#[test] // F10.1
fn a_draft_is_not_there_for_a_guest() {
    for history in [
        vec![],
        vec![drafted()],
        vec![drafted(), put_in_review(1), recalled(1)],
        vec![drafted(), put_in_review(1), changes_requested(GINA, 1), revised(2)],
    ] {
        for command in [approve(1), request_changes(1)] {
            invoice(history.clone()).by(GINA).when(command).then_rejected(Denied::NotThere);
        }
    }
}

#[test] // F6.1, F6.3, F6.10, F6.21, F6.25
fn whoever_may_not_see_the_invoice_learns_only_that_it_is_not_there() {
    let with = |event: project::Event| move |ledger: Ledger| ledger.with::<Project>(PORTAL, [event]);
    let boxed = project::Event::AccessGranted {
        portal_user: GINA,
        client: ACME,
        rights: grant([InvoiceVisibility, ApproveInvoices]).rights,
        window: Window { from: None, until: Some(day(2)) },
    };
    for command in [approve(1), request_changes(1)] {
        let not_there = |change: project::Event| {
            let given = invoice(in_review()).in_ledger(with(change)).at(day(2)).by(GINA);
            given.when(command.clone()).then_rejected(Denied::NotThere);
        };
        not_there(project::Event::Withdrawn { client: ACME });
        not_there(project::Event::AccessRevoked { portal_user: GINA, client: ACME });
        not_there(granted(GINA, [ApproveTime, FinancialVisibility]));
        not_there(boxed.clone());
        invoice(in_review()).by(GLORIA).when(command).then_rejected(Denied::NotThere);
    }
}

#[test] // F10.5
fn whoever_sees_the_invoice_but_has_not_the_right_may_not_decide() {
    for command in [approve(1), request_changes(1)] {
        let missing = not_allowed(Key::RightGranted(ApproveInvoices));
        invoice(in_review()).by(GRETA).when(command).then_rejected(missing);
    }
}

#[test] // F4.16, F4.17
fn a_guest_who_was_switched_off_decides_nothing() {
    for command in [approve(1), request_changes(1)] {
        invoice(in_review())
            .in_ledger(|ledger| ledger.with::<PortalUser>(GINA, [deactivated(GINA, ACME)]))
            .by(GINA)
            .when(command)
            .then_rejected(Denied::PortalUserInactive);
    }
}

#[test] // F2.18, F8.10
fn nobody_of_the_firm_gives_the_clients_word() {
    for command in [approve(1), request_changes(1)] {
        for staff in [ANN, PAUL, AUDREY] {
            invoice(in_review()).by(staff).when(command.clone()).then_rejected(not_allowed(Key::AccessLevel));
        }
        invoice(in_review()).by(PETRA).when(command.clone()).then_rejected(Denied::NotThere);
        for actor in [Actor::Operator, Actor::Importer, AUTO_SEND] {
            invoice(in_review()).by(actor).when(command.clone()).then_rejected(not_allowed(Key::KindOfSubject));
        }
    }
}

#[test] // F17.6
fn the_first_decision_wins_and_the_second_gets_the_outcome() {
    let approved_by_gina = || [drafted(), put_in_review(1), approved(GINA, 1)];
    let already = || Rejection::AlreadyApproved { revision: 1 };
    invoice(approved_by_gina()).by(GUS).when(approve(1)).then_rejected(already());
    invoice(approved_by_gina()).by(GUS).when(request_changes(1)).then_rejected(already());
    invoice(approved_by_gina()).by(GINA).when(request_changes(1)).then_rejected(already());
    let refused_by_gina = || [drafted(), put_in_review(1), changes_requested(GINA, 1)];
    let refused = || Rejection::ChangesRequested { revision: 1 };
    invoice(refused_by_gina()).by(GUS).when(request_changes(1)).then_rejected(refused());
    invoice(refused_by_gina()).by(GUS).when(approve(1)).then_rejected(refused());
    invoice(refused_by_gina()).by(GINA).when(approve(1)).then_rejected(refused());
}

#[test]
fn deciding_the_same_again_changes_nothing() {
    invoice([drafted(), put_in_review(1), approved(GINA, 1)]).by(GINA).when(approve(1)).then_nothing();
    let refused = [drafted(), put_in_review(1), changes_requested(GINA, 1)];
    invoice(refused).by(GINA).when(request_changes(1)).then_nothing();
}

#[test] // D14
fn deciding_again_on_what_is_not_the_revision_decided_is_not_already_so() {
    let outdated = || Rejection::ShownRevisionIsOutdated { current: 1 };
    invoice([drafted(), put_in_review(1), approved(GINA, 1)]).by(GINA).when(approve(2)).then_rejected(outdated());
    let refused = [drafted(), put_in_review(1), changes_requested(GINA, 1)];
    invoice(refused).by(GINA).when(request_changes(2)).then_rejected(outdated());
}

#[test] // D13
fn a_guest_refuses_with_a_reason_and_the_firm_revises() {
    invoice(in_review()).by(GINA).when(request_changes(1)).then([changes_requested(GINA, 1)]);
    invoice([drafted(), put_in_review(1), changes_requested(GINA, 1), revised(2), put_in_review(2)])
        .by(GINA)
        .when(approve(2))
        .then([approved(GINA, 2)]);
}

fn policy(stages: Vec<(Rule, Approvers)>) -> Policy {
    let stage = |(rule, approvers)| Stage { name: "client".to_owned(), rule, approvers };
    Policy::new("invoice.client", 1, stages.into_iter().map(stage).collect()).unwrap()
}

fn asked_by(policy: Policy) -> [Event; 2] {
    [drafted(), asking(&content(1), policy)]
}

fn given_by(by: PortalUserId, stage: u32, leaves: Progress) -> Event {
    let approval = Word { stage, leaves, ..word(by, 1) };
    Event::ApprovalGiven { project: PORTAL, client: ACME, approval }
}

#[test] // F17.2
fn where_several_must_agree_the_last_of_them_approves_the_invoice() {
    let two = || asked_by(policy(vec![(Rule::AtLeast(2.try_into().unwrap()), Approvers::Holders(ApproveInvoices))]));
    let first = || given_by(GUS, 0, Progress::StageOpen);
    invoice(two()).by(GUS).when(approve(1)).then([first()]);
    invoice(two().into_iter().chain([first()])).by(GUS).when(approve(1)).then_nothing();
    invoice(two().into_iter().chain([first()])).by(GUS).when(request_changes(1)).then_rejected(Refused::AlreadyGiven);
    invoice(two().into_iter().chain([first()])).by(GINA).when(approve(1)).then([approved(GINA, 1)]);
    let whole = two().into_iter().chain([first(), approved(GINA, 1)]);
    invoice(whole.clone()).by(GUS).when(approve(1)).then_nothing();
    assert!(matches!(
        whole.fold(State::default(), |state, event| Invoice::evolve(state, &event)),
        State::Known { phase: Phase::Approved { by, .. }, .. } if by.len() == 2
    ));
}

#[test] // F17.2, D9
fn where_all_must_agree_whoever_was_switched_off_is_not_waited_for() {
    let all = || asked_by(policy(vec![(Rule::All, Approvers::Holders(ApproveInvoices))]));
    invoice(all()).by(GUS).when(approve(1)).then([given_by(GUS, 0, Progress::StageOpen)]);
    invoice(all())
        .in_ledger(|ledger| ledger.with::<PortalUser>(GINA, [deactivated(GINA, ACME)]))
        .by(GUS)
        .when(approve(1))
        .then([approved(GUS, 1)]);
}

#[test] // F17.2
fn a_named_person_decides_in_their_turn() {
    let named = |who: PortalUserId| (Rule::Any, Approvers::Named(vec![crate::envelope::Principal::PortalUser(who)]));
    let stages = || asked_by(policy(vec![named(GUS), named(GINA)]));
    invoice(stages()).by(GINA).when(approve(1)).then_rejected(Refused::StageNotReached);
    invoice(stages()).by(GUS).when(approve(1)).then([given_by(GUS, 0, Progress::StageComplete)]);
    let then = stages().into_iter().chain([given_by(GUS, 0, Progress::StageComplete)]);
    let last = Event::Approved {
        project: PORTAL,
        client: ACME,
        approval: Word { stage: 1, ..word(GINA, 1) },
        auto_send: true,
    };
    invoice(then).by(GINA).when(approve(1)).then([last]);
    let only_gus = asked_by(policy(vec![named(GUS)]));
    invoice(only_gus).by(GINA).when(approve(1)).then_rejected(Refused::NotAsked);
}

/// Some right of a guest comes or goes, or their account.
fn some_change() -> impl Strategy<Value = (PortalUserId, Vec<Right>)> {
    let guest = proptest::sample::select(vec![GINA, GUS, GRETA]);
    (guest, proptest::sample::subsequence(Right::ALL.to_vec(), 0..=Right::ALL.len()))
}

proptest! {
    #[test] // D14
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
            ledger = ledger.by(deed.by());
            let before = ledger.folded::<Invoice>(INVOICE);
            let Ok(events) = ledger.decide::<Invoice>(INVOICE, command) else { continue };
            for event in &events {
                let (digest, revision) = match event {
                    Event::Approved { approval, .. } | Event::ApprovalGiven { approval, .. } => {
                        (approval.digest, approval.revision)
                    }
                    Event::ChangesRequested { approval, .. } => (approval.digest, approval.revision),
                    Event::Drafted(_)
                    | Event::Revised(_)
                    | Event::PutInReview { .. }
                    | Event::Recalled { .. }
                    | Event::Sent { .. } => continue,
                };
                let State::Known { content, phase: Phase::InReview(request) } = &before else {
                    return Err(TestCaseError::fail("a word was recorded that nobody had asked for"));
                };
                prop_assert_eq!((revision, revision), (content.revision, request.revision));
                let facts = Facts::pull(&ledger, Some(PORTAL)).expect("the decision has asked for the same");
                prop_assert!(crate::access::decide(&facts, Action::ApproveInvoices, ledger.moment().at).allowed);
                prop_assert_eq!(digest, shown(content, Mask::of(&facts, ledger.moment().at)));
            }
            ledger = ledger.with::<Invoice>(INVOICE, events);
        }
    }
}
