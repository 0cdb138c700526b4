use super::organization::Plan;
use super::staff::{Command, Event, Level, Phase, Rejection, Staff, State};
use crate::access::{Denied, Key, Subject};
use crate::clients::mailbox::{self, Mailbox};
use crate::clients::portal_user::Invitation;
use crate::envelope::{Actor, ObjectKind, Principal, Role};
use crate::ids::StaffId;
use crate::testing::cast::{ANN, AUDREY, GINA, PAUL, invitation, joined, mailbox_of, staff_added};
use crate::testing::{Given, Ledger, any_history_is_sound, concerned, day, given, id};
use proptest::prelude::*;

/// The newcomer of these specifications.
const NED: StaffId = StaffId(uuid::Uuid::from_u128(0x5e));

fn ned(history: impl IntoIterator<Item = Event>) -> Given<Staff> {
    given::<Staff>(history).named(NED).in_ledger(firm)
}

/// The firm at work, and an address for the newcomer.
fn firm(ledger: Ledger) -> Ledger {
    let claimed = mailbox::Event::Claimed { by: Principal::Staff(NED) };
    ledger.with_cast(Plan::Trial).with::<Mailbox>(mailbox_of(NED.0), [claimed])
}

fn add(level: Level) -> Command {
    let Event::Added { level, name, email, mailbox, invitation } = added(level) else { unreachable!() };
    Command::Add { level, name, email, mailbox, invitation }
}

fn added(level: Level) -> Event {
    staff_added(NED, level, first())
}

fn first() -> Invitation {
    invitation(1)
}

fn second() -> Invitation {
    invitation(2)
}

fn invited_again() -> Event {
    Event::Invited { mailbox: mailbox_of(NED.0), invitation: second(), replaces: Some(first().id) }
}

fn has_joined() -> [Event; 2] {
    [added(Level::ProjectManager), Event::Joined { invitation: first().id }]
}

fn everything() -> [Command; 5] {
    [
        add(Level::Admin),
        Command::Invite(second()),
        Command::SetLevel(Level::Admin),
        Command::Deactivate,
        Command::Reactivate,
    ]
}

#[test]
fn the_operator_adds_the_first_admin() {
    let claimed = mailbox::Event::Claimed { by: Principal::Staff(NED) };
    given::<Staff>([])
        .named(NED)
        .in_ledger(|ledger| ledger.with::<Mailbox>(mailbox_of(NED.0), [claimed]))
        .by(Actor::Operator)
        .when(add(Level::Admin))
        .then([added(Level::Admin)]);
}

#[test]
fn an_admin_adds_staff() {
    ned([]).by(ANN).when(add(Level::Auditor)).then([added(Level::Auditor)]);
}

#[test]
fn adding_the_same_person_again_changes_nothing() {
    ned(has_joined()).by(ANN).when(add(Level::ProjectManager)).then_nothing();
}

#[test]
fn nobody_takes_another_persons_place() {
    let other = given::<Staff>(joined(PAUL, Level::ProjectManager)).named(PAUL).in_ledger(firm);
    other.by(ANN).when(add(Level::Admin)).then_rejected(Rejection::SomebodyElse);
}

#[test] // F4.26
fn staff_need_an_address_of_their_own() {
    let taken = mailbox::Event::Claimed { by: Principal::PortalUser(GINA) };
    given::<Staff>([])
        .named(NED)
        .in_ledger(|ledger| ledger.with_cast(Plan::Trial).with::<Mailbox>(mailbox_of(NED.0), [taken]))
        .by(ANN)
        .when(add(Level::Admin))
        .then_rejected(Rejection::MailboxNotTheirs);
}

#[test] // F2.7, F2.18, F2.23
fn staff_are_the_admins_business() {
    for command in everything() {
        for colleague in [PAUL, AUDREY] {
            let missing = vec![Key::AccessLevel];
            ned(has_joined()).by(colleague).when(command.clone()).then_rejected(Denied::NotAllowed { missing });
        }
        ned(has_joined()).by(GINA).when(command).then_rejected(Denied::NotThere);
    }
}

#[test]
fn an_admin_who_was_switched_off_decides_nothing_any_more() {
    for command in everything() {
        ned(has_joined())
            .in_ledger(|ledger| ledger.with::<Staff>(ANN, [Event::Deactivated {}]))
            .by(ANN)
            .when(command)
            .then_rejected(Denied::StaffInactive);
    }
}

#[test]
fn who_is_invited_joins_with_the_invitation() {
    ned([added(Level::Auditor)])
        .at(day(7))
        .when(Command::Join { invitation: first().id })
        .then([Event::Joined { invitation: first().id }]);
}

#[test]
fn joining_twice_changes_nothing() {
    ned(has_joined()).when(Command::Join { invitation: first().id }).then_nothing();
}

#[test] // F4.23
fn another_invitation_kills_the_one_before_it() {
    ned([added(Level::Auditor)]).by(ANN).when(Command::Invite(second())).then([invited_again()]);
    ned([added(Level::Auditor), invited_again()])
        .when(Command::Join { invitation: first().id })
        .then_rejected(Rejection::InvitationNoLongerCounts);
}

#[test]
fn the_same_invitation_again_changes_nothing() {
    ned([added(Level::Auditor)]).by(ANN).when(Command::Invite(first())).then_nothing();
}

#[test] // F4.23
fn an_invitation_counts_until_its_time_is_over() {
    ned([added(Level::Auditor)])
        .at(first().expires_at)
        .when(Command::Join { invitation: first().id })
        .then_rejected(Rejection::InvitationExpired);
}

#[test]
fn an_invitation_to_somebody_else_lets_nobody_join() {
    ned([added(Level::Auditor)])
        .when(Command::Join { invitation: id(99) })
        .then_rejected(Rejection::InvitationNoLongerCounts);
    ned([]).when(Command::Join { invitation: id(99) }).then_rejected(Rejection::Unknown);
}

#[test]
fn who_has_joined_is_not_invited_again() {
    ned(has_joined()).by(ANN).when(Command::Invite(second())).then_rejected(Rejection::AlreadyJoined);
}

#[test]
fn an_admin_gives_somebody_another_level() {
    ned(has_joined())
        .by(ANN)
        .when(Command::SetLevel(Level::Auditor))
        .then([Event::LevelSet { from: Level::ProjectManager, to: Level::Auditor }]);
    ned(has_joined()).by(ANN).when(Command::SetLevel(Level::ProjectManager)).then_nothing();
}

#[test]
fn an_admin_switches_somebody_off_and_on_again() {
    ned(has_joined()).by(ANN).when(Command::Deactivate).then([Event::Deactivated {}]);
    ned(has_joined().into_iter().chain([Event::Deactivated {}]))
        .by(ANN)
        .when(Command::Reactivate)
        .then([Event::Reactivated {}]);
}

#[test]
fn off_is_off_and_on_is_on() {
    ned(has_joined().into_iter().chain([Event::Deactivated {}])).by(ANN).when(Command::Deactivate).then_nothing();
    ned(has_joined()).by(ANN).when(Command::Reactivate).then_nothing();
}

#[test]
fn nobody_switches_off_or_demotes_themself() {
    let ann = || given::<Staff>([]).named(ANN).in_ledger(firm).by(ANN);
    ann().when(Command::Deactivate).then_rejected(Rejection::NotOneself);
    ann().when(Command::SetLevel(Level::Auditor)).then_rejected(Rejection::NotOneself);
}

#[test]
fn a_token_of_an_admin_is_the_admin_themself() {
    given::<Staff>([])
        .named(ANN)
        .in_ledger(|ledger| firm(ledger).on_behalf_of(Principal::Staff(ANN)))
        .by(Actor::Token(id(7)))
        .when(Command::Deactivate)
        .then_rejected(Rejection::NotOneself);
}

#[test]
fn a_token_of_nobody_may_nothing() {
    for command in everything() {
        ned(has_joined()).by(Actor::Token(id(7))).when(command).then_rejected(Denied::NotThere);
    }
}

#[test]
fn an_invitation_does_not_outlive_the_account() {
    let switched_off = || ned([added(Level::Auditor), Event::Deactivated {}]);
    switched_off().when(Command::Join { invitation: first().id }).then_rejected(Rejection::InvitationNoLongerCounts);
    switched_off().by(ANN).when(Command::Invite(second())).then_rejected(Rejection::Inactive);
}

#[test]
fn who_never_joined_comes_back_without_a_live_invitation() {
    let back = || [added(Level::Auditor), Event::Deactivated {}, Event::Reactivated {}];
    ned(back()).when(Command::Join { invitation: first().id }).then_rejected(Rejection::InvitationNoLongerCounts);
    let anew = Event::Invited { mailbox: mailbox_of(NED.0), invitation: second(), replaces: None };
    ned(back()).by(ANN).when(Command::Invite(second())).then([anew]);
}

#[test] // F4.26
fn nobody_comes_back_to_an_address_that_became_somebody_elses() {
    let gone = mailbox::Event::Released { by: Principal::Staff(NED) };
    ned(has_joined().into_iter().chain([Event::Deactivated {}]))
        .in_ledger(|ledger| ledger.with::<Mailbox>(mailbox_of(NED.0), [gone]))
        .by(ANN)
        .when(Command::Reactivate)
        .then_rejected(Rejection::MailboxNotTheirs);
}

#[test]
fn nothing_is_done_to_somebody_who_is_not_there() {
    for command in
        [Command::Invite(second()), Command::SetLevel(Level::Admin), Command::Deactivate, Command::Reactivate]
    {
        ned([]).by(ANN).when(command).then_rejected(Rejection::Unknown);
    }
}

#[test]
fn only_active_staff_act() {
    let subject = |phase| {
        let known = State::Known { level: Level::Admin, mailbox: mailbox_of(NED.0), accepted: Some(first().id), phase };
        known.as_subject(NED)
    };
    let as_admin = |active| Subject::Staff { id: NED, level: Level::Admin, active };
    assert_eq!(subject(Phase::Active), as_admin(true));
    for phase in [Phase::Awaiting, Phase::Invited(first()), Phase::Inactive] {
        assert_eq!(subject(phase), as_admin(false));
    }
    assert!(matches!(State::Unknown.as_subject(NED), Subject::Staff { active: false, .. }));
}

#[test]
fn an_event_names_every_object_that_it_concerns() {
    let (mailbox, invitation) = ((ObjectKind::Mailbox, Role::Mailbox), (ObjectKind::Invitation, Role::Invitation));
    let [added, joined] = has_joined();
    assert_eq!(concerned::<Staff>(&added), [mailbox, invitation]);
    assert_eq!(concerned::<Staff>(&invited_again()), [mailbox, invitation, invitation]);
    assert_eq!(concerned::<Staff>(&joined), [invitation]);
    assert_eq!(concerned::<Staff>(&Event::Deactivated {}), []);
}

#[test]
fn a_levels_name_is_its_wire_name() {
    for level in Level::ALL {
        assert_eq!(serde_json::to_value(level).unwrap(), level.as_str());
        assert_eq!(Level::parse(level.as_str()), Some(level));
    }
}

fn anything() -> impl Strategy<Value = Command> {
    let level = || prop::sample::select(Level::ALL.to_vec());
    prop_oneof![
        level().prop_map(add),
        (1u128..4).prop_map(|n| Command::Invite(invitation(n))),
        (1u128..4).prop_map(|n| Command::Join { invitation: id(n) }),
        level().prop_map(Command::SetLevel),
        Just(Command::Deactivate),
        Just(Command::Reactivate),
    ]
}

fn anybody() -> impl Strategy<Value = Actor> {
    let staff = [ANN, PAUL, AUDREY, NED].map(Actor::Staff);
    prop::sample::select([staff.to_vec(), vec![Actor::Operator, GINA.into(), Actor::Token(id(7))]].concat())
}

proptest! {
    #[test]
    fn any_history_of_a_staff_member_is_sound(commands in prop::collection::vec((anybody(), anything()), 0..20)) {
        any_history_is_sound::<Staff>(firm(Ledger::default()), NED, commands);
    }

    #[test]
    fn a_firm_that_has_an_admin_keeps_one(commands in prop::collection::vec(
        (prop::sample::select(vec![ANN, PAUL, NED]), prop::sample::select(vec![ANN, PAUL, NED]), anything()),
        0..30,
    )) {
        let mut ledger = firm(Ledger::default()).with::<Staff>(NED, joined(NED, Level::Admin));
        for (asker, whom, command) in commands {
            ledger = ledger.by(asker);
            if let Ok(events) = ledger.decide::<Staff>(whom, command) {
                ledger = ledger.with::<Staff>(whom, events);
            }
            let admins = [ANN, PAUL, NED].map(|id| ledger.folded::<Staff>(id));
            prop_assert!(admins.iter().any(|state| state.is_active() && state.level() == Some(Level::Admin)));
        }
    }
}
