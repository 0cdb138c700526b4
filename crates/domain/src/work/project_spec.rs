use super::project::{Command, ContractLine, Event, Project, Rejection};
use crate::access::{Denied, Grant, Key, ProjectFacts, Right, Rights, Window};
use crate::clients::portal_user::PortalUser;
use crate::decider::Rejected;
use crate::envelope::{Actor, ObjectKind, Role};
use crate::firm::organization::Plan;
use crate::firm::staff::{self, Staff};
use crate::ids::{ClientId, ContractLineId, StaffId};
use crate::testing::cast::{
    ACME, ANN, AUDREY, GINA, GLORIA, GUS, PAUL, PETRA, PORTAL, deactivated, eur, euro, grant, label, prepared,
};
use crate::testing::{Given, Ledger, any_history_is_sound, concerned, day, given, id};
use crate::values::{Currency, Money, MoneyError, NotOrderedHours};
use Right::{ApproveInvoices, ApproveTime, AutoSendOnApproval, FinancialVisibility, InvoiceVisibility};
use proptest::prelude::*;
use std::collections::BTreeSet;

const DESIGN: ContractLineId = ContractLineId(uuid::Uuid::from_u128(0xd1));
const REVIEW: ContractLineId = ContractLineId(uuid::Uuid::from_u128(0xd2));

fn portal(history: impl IntoIterator<Item = Event>) -> Given<Project> {
    given::<Project>(history).named(PORTAL).in_ledger(|ledger| ledger.with_cast(Plan::Trial))
}

/// The portal, for Acme and managed by Paul, with whatever came after it was opened.
fn opened_and(later: impl IntoIterator<Item = Event>) -> Given<Project> {
    portal([opened(Some(PAUL))].into_iter().chain(later))
}

fn open(client: ClientId, manager: Option<StaffId>, contract_lines: Vec<ContractLine>) -> Command {
    Command::Open { client, name: label("Portal"), currency: euro(), manager, contract_lines }
}

fn opened(manager: Option<StaffId>) -> Event {
    Event::Opened { client: ACME, name: label("Portal"), currency: euro(), manager, contract_lines: lines() }
}

fn lines() -> Vec<ContractLine> {
    vec![line(DESIGN, 12_000), line(REVIEW, 9_500)]
}

fn line(id: ContractLineId, rate: i64) -> ContractLine {
    ContractLine { id, name: label("A line"), rate: eur(rate), amount: eur(rate * 40), hours: 40.into() }
}

fn published() -> Event {
    Event::Published { client: ACME }
}

fn withdrawn() -> Event {
    Event::Withdrawn { client: ACME }
}

fn granted(rights: impl IntoIterator<Item = Right>) -> Event {
    let Grant { rights, window } = grant(rights);
    Event::AccessGranted { portal_user: GINA, client: ACME, rights, window }
}

fn revised<const G: usize, const W: usize, const N: usize>(
    granted: [Right; G],
    withdrawn: [Right; W],
    now: [Right; N],
) -> Event {
    Event::AccessRevised {
        portal_user: GINA,
        client: ACME,
        granted: granted.into(),
        withdrawn: withdrawn.into(),
        rights: now.into(),
        window: Window::default(),
    }
}

fn add(rights: impl IntoIterator<Item = Right>) -> Command {
    add_for(rights, Window::default())
}

fn add_for(rights: impl IntoIterator<Item = Right>, window: Window) -> Command {
    Command::AddGuest { portal_user: GINA, rights: rights.into_iter().collect(), window }
}

fn give(right: Right) -> Command {
    Command::GrantRight { portal_user: GINA, right }
}

fn take(right: Right) -> Command {
    Command::WithdrawRight { portal_user: GINA, right }
}

fn remove() -> Command {
    Command::RemoveGuest { portal_user: GINA }
}

/// What may be asked of a project that is there.
fn everything() -> [Command; 7] {
    [
        Command::AssignManager(PETRA),
        Command::Publish,
        Command::Withdraw,
        add([]),
        give(ApproveTime),
        take(InvoiceVisibility),
        remove(),
    ]
}

#[test]
fn an_admin_opens_a_project_with_any_manager_or_none() {
    for manager in [None, Some(PAUL), Some(ANN)] {
        portal([]).by(ANN).when(open(ACME, manager, lines())).then([opened(manager)]);
    }
}

#[test] // F2.7
fn a_project_manager_opens_a_project_of_their_own_and_no_other() {
    portal([]).by(PAUL).when(open(ACME, Some(PAUL), lines())).then([opened(Some(PAUL))]);
    for manager in [None, Some(PETRA)] {
        let missing = vec![Key::ManagesTheProject];
        portal([]).by(PAUL).when(open(ACME, manager, lines())).then_rejected(Denied::NotAllowed { missing });
    }
}

#[test] // F2.23, F6.21
fn auditors_and_guests_open_nothing() {
    let missing = vec![Key::AccessLevel];
    portal([]).by(AUDREY).when(open(ACME, None, lines())).then_rejected(Denied::NotAllowed { missing });
    portal([]).by(GINA).when(open(ACME, None, lines())).then_rejected(Denied::NotThere);
}

#[test]
fn opening_it_again_changes_nothing() {
    let reassigned = Event::ManagerAssigned { client: ACME, from: Some(PAUL), to: PETRA };
    opened_and([reassigned, published()]).by(ANN).when(open(ACME, Some(PAUL), lines())).then_nothing();
}

#[test]
fn another_project_cannot_take_its_place() {
    opened_and([]).by(ANN).when(open(ACME, Some(PAUL), vec![])).then_rejected(Rejection::AnotherProject);
}

#[test]
fn the_client_comes_before_its_projects() {
    portal([]).by(ANN).when(open(id(404), None, vec![])).then_rejected(Rejection::UnknownClient);
}

#[test] // F2.7
fn only_active_admins_and_project_managers_manage_projects() {
    for unfit in [AUDREY, id(404)] {
        portal([]).by(ANN).when(open(ACME, Some(unfit), vec![])).then_rejected(Rejection::ManagerMayNotManage);
        opened_and([]).by(ANN).when(Command::AssignManager(unfit)).then_rejected(Rejection::ManagerMayNotManage);
    }
    opened_and([])
        .in_ledger(|ledger| ledger.with::<Staff>(PETRA, [staff::Event::Deactivated {}]))
        .by(ANN)
        .when(Command::AssignManager(PETRA))
        .then_rejected(Rejection::ManagerMayNotManage);
}

#[test]
fn a_contract_is_in_one_currency() {
    let dollars = Money::new(1, Currency::parse("USD").unwrap()).unwrap();
    for mixed in [
        ContractLine { rate: dollars, ..line(DESIGN, 12_000) },
        ContractLine { amount: dollars, ..line(DESIGN, 12_000) },
    ] {
        portal([]).by(ANN).when(open(ACME, None, vec![mixed])).then_rejected(Rejection::CurrencyDiffers);
    }
}

#[test]
fn a_contract_line_orders_what_can_be_worked_and_paid() {
    let refused = |lines: Vec<ContractLine>, why| portal([]).by(ANN).when(open(ACME, None, lines)).then_rejected(why);
    for hours in ["79228162514264337593543950335", "1000000.5", "-1", "0.00001"] {
        let hours = hours.parse().unwrap();
        refused(vec![ContractLine { hours, ..line(DESIGN, 1) }], Rejection::HoursOutOfBounds(NotOrderedHours));
    }
    refused(vec![ContractLine { rate: eur(-1), ..line(DESIGN, 1) }], Rejection::NegativeAmount);
    refused(vec![ContractLine { amount: eur(-1), ..line(DESIGN, 1) }], Rejection::NegativeAmount);
    let most = |id| ContractLine { amount: eur(9_007_199_254_740_991), ..line(id, 1) };
    refused(vec![most(DESIGN), most(id(404))], Rejection::AmountTooLarge(MoneyError::TooLarge));
}

#[test]
fn no_contract_line_is_there_twice() {
    let twice = vec![line(DESIGN, 12_000), line(DESIGN, 9_500)];
    portal([]).by(ANN).when(open(ACME, None, twice)).then_rejected(Rejection::ContractLinesCollide);
}

#[test]
fn an_admin_gives_a_project_to_another_manager() {
    opened_and([]).by(ANN).when(Command::AssignManager(PETRA)).then([Event::ManagerAssigned {
        client: ACME,
        from: Some(PAUL),
        to: PETRA,
    }]);
    opened_and([]).by(ANN).when(Command::AssignManager(PAUL)).then_nothing();
}

#[test]
fn a_manager_does_not_give_the_project_away() {
    let missing = vec![Key::AccessLevel];
    opened_and([]).by(PAUL).when(Command::AssignManager(PETRA)).then_rejected(Denied::NotAllowed { missing });
}

#[test] // F6.10
fn the_manager_shows_the_project_to_the_client_and_hides_it_again() {
    for staff in [PAUL, ANN] {
        opened_and([]).by(staff).when(Command::Publish).then([published()]);
        opened_and([published()]).by(staff).when(Command::Withdraw).then([withdrawn()]);
    }
}

#[test]
fn shown_is_shown_and_hidden_is_hidden() {
    opened_and([published()]).by(PAUL).when(Command::Publish).then_nothing();
    opened_and([]).by(PAUL).when(Command::Withdraw).then_nothing();
    opened_and([published(), withdrawn()]).by(PAUL).when(Command::Withdraw).then_nothing();
}

#[test] // F4.2, F6.1, F6.2
fn the_manager_puts_a_guest_on_the_roster() {
    for staff in [PAUL, ANN] {
        opened_and([]).by(staff).when(add([InvoiceVisibility])).then([granted([InvoiceVisibility])]);
    }
}

#[test] // D9
fn a_guest_can_be_put_on_the_roster_at_any_status() {
    opened_and([])
        .in_ledger(|ledger| ledger.with::<PortalUser>(GINA, [deactivated(GINA, ACME)]))
        .by(PAUL)
        .when(add([]))
        .then([granted([])]);
    let nora = id(0x900);
    let put = Command::AddGuest { portal_user: nora, rights: Rights::new(), window: Window::default() };
    let Grant { rights, window } = grant([]);
    opened_and([])
        .in_ledger(|ledger| ledger.with::<PortalUser>(nora, [prepared(nora, ACME)]))
        .by(PAUL)
        .when(put)
        .then([Event::AccessGranted { portal_user: nora, client: ACME, rights, window }]);
}

#[test] // F6.17, F6.21
fn only_people_of_the_client_stand_on_the_roster() {
    for stranger in [GLORIA, id(404)] {
        let put = Command::AddGuest { portal_user: stranger, rights: Rights::new(), window: Window::default() };
        opened_and([]).by(PAUL).when(put).then_rejected(Rejection::NotAtThisClient);
    }
}

#[test]
fn adding_a_guest_with_the_same_rights_again_changes_nothing() {
    opened_and([granted([ApproveTime])]).by(PAUL).when(add([ApproveTime])).then_nothing();
}

#[test]
fn adding_a_guest_with_other_rights_says_what_is_new_and_what_is_gone() {
    opened_and([granted([ApproveTime])]).by(PAUL).when(add([InvoiceVisibility, ApproveInvoices])).then([revised(
        [InvoiceVisibility, ApproveInvoices],
        [ApproveTime],
        [InvoiceVisibility, ApproveInvoices],
    )]);
}

#[test] // F6.25
fn a_grant_can_have_a_beginning_and_an_end() {
    let window = Window { from: Some(day(2)), until: Some(day(5)) };
    opened_and([]).by(PAUL).when(add_for([ApproveTime], window)).then([Event::AccessGranted {
        portal_user: GINA,
        client: ACME,
        rights: [ApproveTime].into(),
        window,
    }]);
}

#[test] // F6.25
fn a_grant_does_not_end_before_it_begins() {
    for until in [day(1), day(2)] {
        let window = Window { from: Some(day(2)), until: Some(until) };
        opened_and([]).by(PAUL).when(add_for([], window)).then_rejected(Rejection::WindowIsEmpty);
    }
}

#[test] // F4.6, D1
fn financial_access_is_granted_on_its_own() {
    opened_and([granted([])]).by(PAUL).when(give(FinancialVisibility)).then([revised(
        [FinancialVisibility],
        [],
        [FinancialVisibility],
    )]);
    opened_and([granted([FinancialVisibility])]).by(PAUL).when(give(FinancialVisibility)).then_nothing();
}

#[test] // F4.7, D2, F5.15
fn a_right_comes_only_with_the_one_that_it_needs() {
    let refused = |right, needs| Rejection::RightNeedsAnother { right, needs };
    opened_and([granted([InvoiceVisibility])])
        .by(PAUL)
        .when(give(AutoSendOnApproval))
        .then_rejected(refused(AutoSendOnApproval, ApproveInvoices));
    opened_and([granted([])])
        .by(PAUL)
        .when(give(ApproveInvoices))
        .then_rejected(refused(ApproveInvoices, InvoiceVisibility));
    opened_and([])
        .by(PAUL)
        .when(add([InvoiceVisibility, AutoSendOnApproval]))
        .then_rejected(refused(AutoSendOnApproval, ApproveInvoices));
    let named = refused(AutoSendOnApproval, ApproveInvoices).details();
    assert_eq!(named, [("right", "auto_send_on_approval".into()), ("needs", "approve_invoices".into())]);
}

#[test] // D2
fn withdrawing_a_right_withdraws_those_that_need_it() {
    let all = [FinancialVisibility, InvoiceVisibility, ApproveInvoices, AutoSendOnApproval];
    opened_and([granted(all)]).by(PAUL).when(take(InvoiceVisibility)).then([revised(
        [],
        [InvoiceVisibility, ApproveInvoices, AutoSendOnApproval],
        [FinancialVisibility],
    )]);
    opened_and([granted(all)]).by(PAUL).when(take(AutoSendOnApproval)).then([revised(
        [],
        [AutoSendOnApproval],
        [FinancialVisibility, InvoiceVisibility, ApproveInvoices],
    )]);
}

#[test]
fn a_right_that_is_not_held_need_not_be_withdrawn() {
    opened_and([granted([])]).by(PAUL).when(take(ApproveTime)).then_nothing();
}

#[test]
fn rights_are_given_and_taken_only_on_the_roster() {
    opened_and([]).by(PAUL).when(give(ApproveTime)).then_rejected(Rejection::NotOnTheRoster);
    opened_and([]).by(PAUL).when(take(ApproveTime)).then_rejected(Rejection::NotOnTheRoster);
}

#[test] // F6.3
fn a_guest_is_taken_off_the_roster() {
    let revoked = Event::AccessRevoked { portal_user: GINA, client: ACME };
    opened_and([granted([ApproveTime])]).by(PAUL).when(remove()).then([revoked.clone()]);
    opened_and([granted([ApproveTime]), revoked]).by(PAUL).when(remove()).then_nothing();
}

#[test] // F2.7, F2.18, F6.2
fn a_project_of_another_manager_is_not_there_for_a_project_manager() {
    for command in everything() {
        opened_and([granted([])]).by(PETRA).when(command).then_rejected(Denied::NotThere);
    }
}

#[test] // F2.23
fn an_auditor_sees_the_project_and_changes_nothing_on_it() {
    for command in everything() {
        let missing = vec![Key::AccessLevel];
        opened_and([granted([])]).by(AUDREY).when(command).then_rejected(Denied::NotAllowed { missing });
    }
}

#[test] // F6.1, F6.3, F6.10
fn a_guest_changes_no_project_and_learns_only_of_those_they_see() {
    for command in everything() {
        let missing = vec![Key::KindOfSubject];
        let seen = opened_and([published(), granted([])]);
        seen.by(GINA).when(command.clone()).then_rejected(Denied::NotAllowed { missing });
        opened_and([published(), granted([])]).by(GUS).when(command.clone()).then_rejected(Denied::NotThere);
        opened_and([granted([])]).by(GINA).when(command).then_rejected(Denied::NotThere);
    }
}

#[test]
fn what_is_not_open_is_there_for_nobody() {
    for command in everything() {
        for actor in [Actor::Operator, ANN.into(), PAUL.into(), AUDREY.into(), GINA.into()] {
            portal([]).by(actor).when(command.clone()).then_rejected(Denied::NotThere);
        }
    }
}

#[test]
fn who_is_switched_off_is_told_so_whether_the_project_is_there_or_not() {
    let off = |ledger: Ledger| {
        ledger.with::<Staff>(PAUL, [staff::Event::Deactivated {}]).with::<PortalUser>(GINA, [deactivated(GINA, ACME)])
    };
    for command in everything() {
        for history in [vec![], vec![opened(Some(PAUL)), published(), granted([])]] {
            let asked = |actor: Actor| portal(history.clone()).in_ledger(off).by(actor).when(command.clone());
            asked(PAUL.into()).then_rejected(Denied::StaffInactive);
            asked(GINA.into()).then_rejected(Denied::PortalUserInactive);
        }
    }
}

#[test]
fn an_approver_must_hold_the_right_within_the_window() {
    let window = Window { from: Some(day(2)), until: Some(day(5)) };
    let boxed = Event::AccessGranted { portal_user: GUS, client: ACME, rights: [ApproveTime].into(), window };
    let project = Ledger::default()
        .with::<Project>(PORTAL, [opened(None), granted([ApproveTime]), boxed])
        .folded::<Project>(PORTAL);
    let holders = |right, at| project.holders_of(right, at).collect::<Vec<_>>();
    assert_eq!(holders(ApproveTime, day(1)), [GINA]);
    assert_eq!(holders(ApproveTime, day(2)), [GINA, GUS]);
    assert_eq!(holders(ApproveTime, day(5)), [GINA]);
    assert_eq!(holders(ApproveInvoices, day(2)), []);
}

#[test]
fn what_others_may_know_of_a_project() {
    let project = Ledger::default()
        .with::<Project>(PORTAL, [opened(Some(PAUL)), granted([ApproveTime]), published()])
        .folded::<Project>(PORTAL);
    assert_eq!((project.client(), project.currency(), project.published()), (Some(ACME), Some(euro()), true));
    assert_eq!((project.rate(DESIGN), project.rate(id(404))), (Some(eur(12_000)), None));
    let facts = |grant| Some(ProjectFacts { client: ACME, manager: Some(PAUL), published: true, grant });
    assert_eq!(project.access_for(Some(GINA)), facts(Some(grant([ApproveTime]))));
    assert_eq!(project.access_for(Some(GUS)), facts(None));
    assert_eq!(project.access_for(None), facts(None));
}

#[test]
fn an_event_names_every_object_that_it_concerns() {
    let client = (ObjectKind::Client, Role::Client);
    let (manager, line) = ((ObjectKind::Staff, Role::Manager), (ObjectKind::ContractLine, Role::ContractLine));
    let reassigned = Event::ManagerAssigned { client: ACME, from: Some(PAUL), to: PETRA };
    let revoked = Event::AccessRevoked { portal_user: GINA, client: ACME };
    assert_eq!(concerned::<Project>(&opened(Some(PAUL))), [client, manager, line, line]);
    assert_eq!(concerned::<Project>(&reassigned), [client, manager, manager]);
    assert_eq!(concerned::<Project>(&published()), [client]);
    for event in [granted([]), revised([], [], []), revoked] {
        assert_eq!(concerned::<Project>(&event), [(ObjectKind::PortalUser, Role::Holder), client]);
    }
}

fn anything() -> impl Strategy<Value = Command> {
    let right = || prop::sample::select(Right::ALL.to_vec());
    let guest = || prop::sample::select(vec![GINA, GUS, GLORIA]);
    let end = || prop::option::of((1i64..5).prop_map(day));
    let window = (end(), end()).prop_map(|(from, until)| Window { from, until });
    let manager = || prop::sample::select(vec![ANN, PAUL, PETRA, AUDREY]);
    prop_oneof![
        1 => (prop::option::of(manager()), prop::sample::select(vec![lines(), vec![]]))
            .prop_map(|(manager, lines)| open(ACME, manager, lines)),
        1 => manager().prop_map(Command::AssignManager),
        1 => Just(Command::Publish),
        1 => Just(Command::Withdraw),
        3 => (guest(), prop::collection::btree_set(right(), 0..4), window)
            .prop_map(|(portal_user, rights, window)| Command::AddGuest { portal_user, rights, window }),
        3 => (guest(), right()).prop_map(|(portal_user, right)| Command::GrantRight { portal_user, right }),
        2 => (guest(), right()).prop_map(|(portal_user, right)| Command::WithdrawRight { portal_user, right }),
        1 => guest().prop_map(|portal_user| Command::RemoveGuest { portal_user }),
    ]
}

fn anybody() -> impl Strategy<Value = Actor> {
    prop::sample::select(vec![Actor::Operator, ANN.into(), PAUL.into(), PETRA.into(), AUDREY.into(), GINA.into()])
}

proptest! {
    #[test]
    fn any_history_of_a_project_is_sound(commands in prop::collection::vec((anybody(), anything()), 0..25)) {
        any_history_is_sound::<Project>(Ledger::default().with_cast(Plan::Trial), PORTAL, commands.clone());
        any_history_is_sound::<Project>(Ledger::default().with_cast(Plan::Trial).with_portal_project(), PORTAL, commands);
    }

    #[test] // D2, F5.15, F6.21
    fn nobody_ever_holds_a_right_without_the_one_it_needs(commands in prop::collection::vec(anything(), 0..25)) {
        let mut ledger = Ledger::default().with_cast(Plan::Trial).with_portal_project().by(ANN);
        for command in commands {
            if let Ok(events) = ledger.decide::<Project>(PORTAL, command) {
                ledger = ledger.with::<Project>(PORTAL, events);
            }
        }
        let project = ledger.folded::<Project>(PORTAL);
        for (whom, grant) in &project.open().unwrap().roster {
            prop_assert!(*whom != GLORIA);
            let needed: BTreeSet<_> = grant.rights.iter().filter_map(|right| right.needs()).collect();
            prop_assert!(grant.rights.is_superset(&needed));
        }
    }
}
