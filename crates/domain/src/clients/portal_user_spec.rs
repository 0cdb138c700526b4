use super::contact::Contact;
use super::mailbox::{self, Mailbox};
use super::portal_user::{Command, Event, Invitation, Phase, PortalUser, Rejection, State};
use crate::access::{Denied, Grant, Key, Subject};
use crate::envelope::{Actor, ObjectKind, Principal, ProcessName, Role};
use crate::firm::organization::Plan;
use crate::ids::{ClientId, PortalUserId, ProjectId};
use crate::testing::cast::{
    ACME, ANN, AUDREY, GINA, GLOBEX, PAUL, PETRA, PORTAL, contact_added, contact_of, deactivated, grant, invitation,
    invited, mailbox_of, prepared,
};
use crate::testing::{Given, Ledger, any_history_is_sound, concerned, day, given, id};
use crate::work::project::{self, Project};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// The guest of these specifications.
const NORA: PortalUserId = PortalUserId(uuid::Uuid::from_u128(0x900));

fn nora(history: impl IntoIterator<Item = Event>) -> Given<PortalUser> {
    given::<PortalUser>(history).named(NORA).in_ledger(firm)
}

/// The firm at work; Nora is on record at Acme, with an address of her own.
fn firm(ledger: Ledger) -> Ledger {
    let claimed = mailbox::Event::Claimed { by: Principal::PortalUser(NORA) };
    ledger
        .with_cast(Plan::Trial)
        .with_portal_project()
        .with::<Contact>(contact_of(NORA), [contact_added(NORA, ACME)])
        .with::<Mailbox>(mailbox_of(NORA.0), [claimed])
}

fn first() -> Invitation {
    invitation(1)
}

fn second() -> Invitation {
    invitation(2)
}

fn awaiting() -> Vec<Event> {
    vec![prepared(NORA, ACME)]
}

fn pending() -> Vec<Event> {
    vec![prepared(NORA, ACME), invited(NORA, ACME, first())]
}

fn active() -> Vec<Event> {
    [pending(), vec![has_accepted()]].concat()
}

fn inactive() -> Vec<Event> {
    [active(), vec![deactivated(NORA, ACME)]].concat()
}

fn has_accepted() -> Event {
    Event::InvitationAccepted { invitation: first().id, contact: contact_of(NORA), client: ACME }
}

fn reactivated() -> Event {
    Event::Reactivated { contact: contact_of(NORA), client: ACME }
}

fn revoked() -> Event {
    Event::InvitationRevoked { invitation: first().id }
}

fn expired() -> Event {
    Event::InvitationExpired { invitation: first().id }
}

fn resent() -> Event {
    Event::Invited {
        contact: contact_of(NORA),
        client: ACME,
        mailbox: mailbox_of(NORA.0),
        invitation: second(),
        replaces: Some(first().id),
    }
}

fn prepare(client: ClientId, project: Option<ProjectId>) -> Command {
    Command::Prepare { contact: contact_of(NORA), client, mailbox: mailbox_of(NORA.0), project }
}

fn invite(invitation: Invitation) -> Command {
    Command::Invite { invitation, project: None }
}

fn not_allowed(missing: Key) -> Denied {
    Denied::NotAllowed { missing: vec![missing] }
}

fn revoke(project: Option<ProjectId>) -> Command {
    Command::RevokeInvitation { project }
}

fn accept(invitation: Invitation) -> Command {
    Command::AcceptInvitation { invitation: invitation.id }
}

fn expire(invitation: Invitation) -> Command {
    Command::ExpireInvitation { invitation: invitation.id }
}

/// What only those who manage guests may ask.
fn managing() -> [Command; 5] {
    [prepare(ACME, None), invite(second()), revoke(None), Command::Deactivate, Command::Reactivate]
}

fn folded(history: Vec<Event>) -> State {
    Ledger::default().with::<PortalUser>(NORA, history).folded::<PortalUser>(NORA)
}

#[test] // F4.12, F4.13
fn a_guest_can_be_saved_without_an_invitation() {
    nora([]).by(ANN).when(prepare(ACME, None)).then([prepared(NORA, ACME)]);
    assert_eq!(folded(awaiting()).phase(), Some(&Phase::Awaiting));
}

#[test]
fn saving_the_same_guest_again_changes_nothing() {
    nora(active()).by(ANN).when(prepare(ACME, None)).then_nothing();
}

#[test] // F3.1
fn a_portal_user_is_exactly_one_contact() {
    let other =
        Command::Prepare { contact: contact_of(GINA), client: ACME, mailbox: mailbox_of(NORA.0), project: None };
    nora(awaiting()).by(ANN).when(other).then_rejected(Rejection::SomebodyElse);
}

#[test] // F3.1
fn only_a_person_on_record_gets_an_account() {
    let stranger = Command::Prepare { contact: id(404), client: ACME, mailbox: mailbox_of(NORA.0), project: None };
    nora([]).by(ANN).when(stranger).then_rejected(Rejection::NoSuchContact);
}

#[test] // F3.2
fn nobody_gets_an_account_for_a_client_at_which_they_are_not() {
    nora([]).by(ANN).when(prepare(GLOBEX, None)).then_rejected(Rejection::NoSuchContact);
}

#[test] // F4.26
fn a_guest_needs_an_address_of_their_own() {
    let theirs =
        Command::Prepare { contact: contact_of(NORA), client: ACME, mailbox: mailbox_of(GINA.0), project: None };
    nora([]).by(ANN).when(theirs).then_rejected(Rejection::MailboxNotTheirs);
}

#[test] // F4.4
fn a_project_manager_invites_for_a_project_of_their_own() {
    nora([]).by(PAUL).when(prepare(ACME, Some(PORTAL))).then([prepared(NORA, ACME)]);
    nora(awaiting()).by(PAUL).when(Command::Invite { invitation: first(), project: Some(PORTAL) }).then([invited(
        NORA,
        ACME,
        first(),
    )]);
}

#[test] // F4.4
fn a_project_manager_invites_for_no_other_project() {
    let denied = || Denied::NotAllowed { missing: vec![Key::ManagesTheProject] };
    for project in [None, Some(id(404))] {
        nora([]).by(PAUL).when(prepare(ACME, project)).then_rejected(denied());
        nora(awaiting()).by(PAUL).when(Command::Invite { invitation: first(), project }).then_rejected(denied());
    }
    nora([]).by(PETRA).when(prepare(ACME, Some(PORTAL))).then_rejected(denied());
}

#[test] // F4.4
fn a_project_manager_invites_only_people_of_the_projects_client() {
    let gloria = vec![prepared(NORA, GLOBEX)];
    nora(gloria)
        .by(PAUL)
        .when(Command::Invite { invitation: first(), project: Some(PORTAL) })
        .then_rejected(Rejection::ClientDiffers);
}

#[test] // F2.23, F4.27, F6.2
fn only_those_who_manage_guests_manage_guests() {
    for command in managing() {
        let missing = vec![Key::AccessLevel];
        nora(pending()).by(AUDREY).when(command.clone()).then_rejected(Denied::NotAllowed { missing });
        nora(pending()).by(GINA).when(command.clone()).then_rejected(Denied::NotThere);
        nora([]).by(GINA).when(command).then_rejected(Denied::NotThere);
    }
}

#[test] // F4.10, F4.14
fn an_invitation_is_sent_to_a_guest_who_was_saved() {
    nora(awaiting()).by(ANN).when(invite(first())).then([invited(NORA, ACME, first())]);
    assert_eq!(folded(pending()).phase(), Some(&Phase::Pending(first())));
}

#[test]
fn sending_the_same_invitation_again_changes_nothing() {
    nora(pending()).by(ANN).when(invite(first())).then_nothing();
}

#[test] // F4.23
fn a_resend_kills_the_invitation_before_it() {
    nora(pending()).by(ANN).when(invite(second())).then([resent()]);
    nora([pending(), vec![resent()]].concat()).when(accept(first())).then_rejected(Rejection::InvitationNoLongerCounts);
}

#[test]
fn nobody_is_invited_to_what_they_have_accepted() {
    nora(active()).by(ANN).when(invite(second())).then_rejected(Rejection::AlreadyAccepted);
}

#[test]
fn an_inactive_guest_is_reactivated_not_invited() {
    nora(inactive()).by(ANN).when(invite(second())).then_rejected(Rejection::Inactive);
}

#[test] // F4.15
fn a_guest_accepts_the_invitation() {
    nora(pending()).by(NORA).at(day(7)).when(accept(first())).then([has_accepted()]);
    assert!(folded(active()).is_active());
    assert_eq!(folded(active()).accepted(), Some(first().id));
}

#[test]
fn accepting_twice_changes_nothing() {
    nora(active()).by(NORA).when(accept(first())).then_nothing();
    nora(inactive()).by(NORA).when(accept(first())).then_nothing();
}

#[test] // F4.23
fn an_invitation_whose_time_is_over_cannot_be_accepted_recorded_or_not() {
    nora(pending()).by(NORA).at(first().expires_at).when(accept(first())).then_rejected(Rejection::InvitationExpired);
    nora([pending(), vec![expired()]].concat())
        .by(NORA)
        .when(accept(first()))
        .then_rejected(Rejection::InvitationNoLongerCounts);
}

#[test] // F4.23
fn a_revoked_invitation_cannot_be_accepted() {
    nora(pending()).by(ANN).when(revoke(None)).then([revoked()]);
    nora([pending(), vec![revoked()]].concat())
        .by(NORA)
        .when(accept(first()))
        .then_rejected(Rejection::InvitationNoLongerCounts);
}

#[test] // F6.2
fn a_project_manager_takes_back_the_invitation_of_a_guest_of_their_project() {
    let granted = || {
        let Grant { rights, window } = grant([]);
        project::Event::AccessGranted { portal_user: NORA, client: ACME, rights, window }
    };
    let of_the_project = || nora(pending()).in_ledger(|ledger| ledger.with::<Project>(PORTAL, [granted()]));
    of_the_project().by(PAUL).when(revoke(Some(PORTAL))).then([revoked()]);
    of_the_project().by(PAUL).when(revoke(None)).then_rejected(not_allowed(Key::ManagesTheProject));
    of_the_project().by(PETRA).when(revoke(Some(PORTAL))).then_rejected(not_allowed(Key::ManagesTheProject));
    nora(pending()).by(PAUL).when(revoke(Some(PORTAL))).then_rejected(not_allowed(Key::OnTheRoster));
    of_the_project().by(PAUL).when(Command::Deactivate).then_rejected(not_allowed(Key::ManagesTheProject));
}

#[test]
fn an_invitation_to_somebody_else_opens_nothing() {
    nora(pending()).when(accept(invitation(99))).then_rejected(Rejection::InvitationNoLongerCounts);
    nora([]).when(accept(first())).then_rejected(Rejection::Unknown);
}

#[test]
fn without_a_live_invitation_there_is_nothing_to_revoke() {
    nora(awaiting()).by(ANN).when(revoke(None)).then_nothing();
    nora(active()).by(ANN).when(revoke(None)).then_rejected(Rejection::AlreadyAccepted);
    nora(inactive()).by(ANN).when(revoke(None)).then_rejected(Rejection::NoLiveInvitation);
}

#[test] // F4.23
fn the_timer_records_that_an_invitations_time_is_over() {
    let timer = Actor::Process(ProcessName::InvitationExpiry);
    nora(pending()).by(timer).at(first().expires_at).when(expire(first())).then([expired()]);
    assert_eq!(folded([pending(), vec![expired()]].concat()).phase(), Some(&Phase::Awaiting));
}

#[test]
fn the_timer_leaves_everything_else_alone() {
    let timer = || Actor::Process(ProcessName::InvitationExpiry);
    nora(pending()).by(timer()).at(day(7)).when(expire(first())).then_nothing();
    nora(pending()).by(timer()).at(day(9)).when(expire(second())).then_nothing();
    nora(active()).by(timer()).at(day(9)).when(expire(first())).then_nothing();
    nora([]).by(timer()).at(day(9)).when(expire(first())).then_nothing();
}

#[test] // F4.16, F4.17
fn a_guest_can_be_switched_off_at_any_status() {
    for history in [awaiting(), pending(), active()] {
        nora(history).by(ANN).when(Command::Deactivate).then([deactivated(NORA, ACME)]);
    }
    nora(inactive()).by(ANN).when(Command::Deactivate).then_nothing();
}

#[test] // F4.16
fn an_invitation_does_not_outlive_the_account() {
    nora([pending(), vec![deactivated(NORA, ACME)]].concat())
        .by(NORA)
        .when(accept(first()))
        .then_rejected(Rejection::InvitationNoLongerCounts);
}

#[test] // F4.18
fn a_guest_who_had_accepted_comes_back_active() {
    nora(inactive()).by(ANN).when(Command::Reactivate).then([reactivated()]);
    assert!(folded([inactive(), vec![reactivated()]].concat()).is_active());
    nora(active()).by(ANN).when(Command::Reactivate).then_nothing();
}

#[test] // F4.18
fn a_guest_who_had_not_accepted_comes_back_awaiting() {
    let back = folded([pending(), vec![deactivated(NORA, ACME), reactivated()]].concat());
    assert_eq!(back.phase(), Some(&Phase::Awaiting));
}

#[test] // F4.18, F4.26
fn nobody_comes_back_to_an_address_that_became_somebody_elses() {
    let gone = mailbox::Event::Released { by: Principal::PortalUser(NORA) };
    nora(inactive())
        .in_ledger(|ledger| ledger.with::<Mailbox>(mailbox_of(NORA.0), [gone]))
        .by(ANN)
        .when(Command::Reactivate)
        .then_rejected(Rejection::MailboxNotTheirs);
}

#[test]
fn nothing_is_done_to_somebody_who_is_not_there() {
    for command in [invite(first()), revoke(None), Command::Deactivate, Command::Reactivate] {
        nora([]).by(ANN).when(command).then_rejected(Rejection::Unknown);
    }
}

#[test] // F1.1
fn a_seat_is_held_from_the_invitation_to_the_deactivation() {
    for (history, holds) in [
        (vec![], false),
        (awaiting(), false),
        (pending(), true),
        (active(), true),
        (inactive(), false),
        ([pending(), vec![revoked()]].concat(), false),
        ([pending(), vec![expired()]].concat(), false),
        ([inactive(), vec![reactivated()]].concat(), true),
    ] {
        assert_eq!(folded(history.clone()).holds_seat(), holds, "{history:?}");
    }
}

#[test] // F4.15, F4.16
fn only_an_active_guest_acts_and_only_for_their_client() {
    for (history, active) in [(awaiting(), false), (pending(), false), (active(), true), (inactive(), false)] {
        let clients = BTreeSet::from([ACME]);
        assert_eq!(folded(history).as_subject(NORA), Subject::PortalUser { id: NORA, active, clients });
    }
    let nobody = Subject::PortalUser { id: NORA, active: false, clients: BTreeSet::new() };
    assert_eq!(folded(vec![]).as_subject(NORA), nobody);
}

#[test]
fn an_event_names_every_object_that_it_concerns() {
    let (contact, client) = ((ObjectKind::Contact, Role::Contact), (ObjectKind::Client, Role::Client));
    let (mailbox, invitation) = ((ObjectKind::Mailbox, Role::Mailbox), (ObjectKind::Invitation, Role::Invitation));
    assert_eq!(concerned::<PortalUser>(&prepared(NORA, ACME)), [contact, client, mailbox]);
    assert_eq!(concerned::<PortalUser>(&resent()), [contact, client, mailbox, invitation, invitation]);
    assert_eq!(concerned::<PortalUser>(&revoked()), [invitation]);
    assert_eq!(concerned::<PortalUser>(&expired()), [invitation]);
    assert_eq!(concerned::<PortalUser>(&has_accepted()), [invitation, contact, client]);
    assert_eq!(concerned::<PortalUser>(&deactivated(NORA, ACME)), [contact, client]);
    assert_eq!(concerned::<PortalUser>(&reactivated()), [contact, client]);
}

fn anything() -> impl Strategy<Value = Command> {
    let project = || prop::sample::select(vec![None, Some(PORTAL), Some(id(404))]);
    let invitations = || (1u128..4).prop_map(invitation);
    prop_oneof![
        project().prop_map(|project| prepare(ACME, project)),
        project().prop_map(|project| prepare(GLOBEX, project)),
        (invitations(), project()).prop_map(|(invitation, project)| Command::Invite { invitation, project }),
        project().prop_map(revoke),
        invitations().prop_map(expire),
        invitations().prop_map(accept),
        Just(Command::Deactivate),
        Just(Command::Reactivate),
    ]
}

fn anybody() -> impl Strategy<Value = Actor> {
    prop::sample::select(vec![Actor::Operator, ANN.into(), PAUL.into(), AUDREY.into(), GINA.into(), NORA.into()])
}

proptest! {
    #[test]
    fn any_history_of_a_portal_user_is_sound(
        commands in prop::collection::vec((anybody(), anything()), 0..20),
        on in 1i64..12,
    ) {
        any_history_is_sound::<PortalUser>(firm(Ledger::default()).at(day(on)), NORA, commands);
    }
}
