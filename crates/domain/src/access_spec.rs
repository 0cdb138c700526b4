use crate::access::{Action, Denied, Facts, Grant, Key, ProjectFacts, Right, Subject, Window, decide};
use crate::firm::staff::Level;
use crate::ids::{ClientId, StaffId};
use crate::testing::cast::{ACME, ANN, GINA, GLOBEX, PAUL, PETRA, grant};
use crate::testing::day;
use crate::values::Timestamp;
use proptest::prelude::*;
use std::collections::BTreeSet;

const ACTIONS: [Action; 12] = [
    Action::ViewProject,
    Action::ViewFinancials,
    Action::ViewInvoices,
    Action::ViewDrafts,
    Action::ApproveInvoices,
    Action::ApproveTime,
    Action::LogTime,
    Action::ManageProject,
    Action::ManageGuests,
    Action::ViewDirectory,
    Action::ReadLedger,
    Action::ManageOrganization,
];

/// Who may do what (F2): `all`, `own` (on projects they manage) or `-`.
const MATRIX: [(Action, &str, &str, &str); 12] = [
    //                            admin  manager  auditor
    (Action::ViewProject, /*   */ "all", "own", "all"),
    (Action::ViewFinancials, /**/ "all", "own", "all"),
    (Action::ViewInvoices, /*  */ "all", "own", "all"),
    (Action::ViewDrafts, /*    */ "all", "own", "all"),
    (Action::ApproveInvoices, /**/ "-", "-", "-"),
    (Action::ApproveTime, /*   */ "-", "-", "-"),
    (Action::LogTime, /*       */ "all", "own", "-"),
    (Action::ManageProject, /* */ "all", "own", "-"),
    (Action::ManageGuests, /*  */ "all", "own", "-"),
    (Action::ViewDirectory, /* */ "all", "all", "all"),
    (Action::ReadLedger, /*    */ "all", "own", "all"),
    (Action::ManageOrganization, "all", "-", "-"),
];

fn may(subject: &Subject, project: Option<&ProjectFacts>, action: Action) -> bool {
    let facts = Facts { subject: subject.clone(), project: project.cloned() };
    decide(&facts, action, day(1)).allowed
}

fn staff(level: Level) -> Subject {
    Subject::Staff { id: PAUL, level, active: true }
}

fn gina() -> Subject {
    Subject::PortalUser { id: GINA, active: true, clients: BTreeSet::from([ACME]) }
}

fn managed_by(manager: StaffId) -> ProjectFacts {
    ProjectFacts { client: ACME, manager: Some(manager), published: true, grant: None }
}

fn granting(rights: impl IntoIterator<Item = Right>) -> ProjectFacts {
    ProjectFacts { client: ACME, manager: Some(PAUL), published: true, grant: Some(grant(rights)) }
}

#[test] // F2.7, F2.18, F2.23
fn staff_may_what_their_level_gives_them() {
    let (own, anothers) = (managed_by(PAUL), managed_by(PETRA));
    for (action, admin, manager, auditor) in MATRIX {
        for (level, reach) in [(Level::Admin, admin), (Level::ProjectManager, manager), (Level::Auditor, auditor)] {
            let reached = |project| may(&staff(level), project, action);
            let answers = [reached(Some(&own)), reached(Some(&anothers)), reached(None)];
            let expected = match reach {
                "all" => [true, true, true],
                "own" => [true, false, false],
                _ => [false, false, false],
            };
            assert_eq!(answers, expected, "{level:?} {action:?}");
        }
    }
}

#[test]
fn the_matrix_has_every_action_once() {
    let named: BTreeSet<_> = MATRIX.iter().map(|(action, ..)| format!("{action:?}")).collect();
    assert_eq!(named, ACTIONS.iter().map(|action| format!("{action:?}")).collect());
}

#[test]
fn staff_who_are_switched_off_may_nothing() {
    for level in Level::ALL {
        let off = Subject::Staff { id: PAUL, level, active: false };
        assert!(ACTIONS.iter().all(|action| !may(&off, Some(&managed_by(PAUL)), *action)));
    }
}

#[test] // F2.18
fn the_installation_may_everything_but_give_a_clients_word() {
    for action in ACTIONS {
        let word = matches!(action, Action::ApproveInvoices | Action::ApproveTime);
        assert_eq!(may(&Subject::Installation, Some(&managed_by(PAUL)), action), !word, "{action:?}");
    }
}

#[test]
fn whoever_is_nobody_may_nothing() {
    for action in ACTIONS {
        assert!(!may(&Subject::Nobody, Some(&granting(Right::ALL)), action), "{action:?}");
        assert!(!may(&Subject::Nobody, None, action), "{action:?}");
    }
}

#[test] // F6.4 to F6.8, D1, D2
fn each_right_of_a_guest_opens_its_own_action_and_no_other() {
    for (rights, opened) in [
        (vec![], vec![]),
        (vec![Right::FinancialVisibility], vec![Action::ViewFinancials]),
        (vec![Right::InvoiceVisibility], vec![Action::ViewInvoices]),
        (vec![Right::ApproveTime], vec![Action::ApproveTime]),
        (vec![Right::ApproveInvoices], vec![]),
        (vec![Right::InvoiceVisibility, Right::ApproveInvoices], vec![Action::ViewInvoices, Action::ApproveInvoices]),
        (vec![Right::AutoSendOnApproval], vec![]),
    ] {
        for action in ACTIONS {
            let expected = action == Action::ViewProject || opened.contains(&action);
            assert_eq!(may(&gina(), Some(&granting(rights.clone())), action), expected, "{rights:?} {action:?}");
        }
    }
}

#[test] // F1.9, F6.1, F6.10, F6.25, F6.15
fn for_a_guest_every_key_must_turn() {
    let all = || granting(Right::ALL);
    let ended = Grant { window: Window { from: None, until: Some(day(1)) }, ..grant(Right::ALL) };
    let not_begun = Grant { window: Window { from: Some(day(2)), until: None }, ..grant(Right::ALL) };
    let gone = Subject::PortalUser { id: GINA, active: false, clients: BTreeSet::from([ACME]) };
    let elsewhere = Subject::PortalUser { id: GINA, active: true, clients: BTreeSet::from([GLOBEX]) };
    for (subject, project, missing) in [
        (gone, all(), vec![Key::AccountActive]),
        (elsewhere, all(), vec![Key::ClientOfTheProject]),
        (gina(), ProjectFacts { published: false, ..all() }, vec![Key::ProjectPublished]),
        (gina(), ProjectFacts { grant: Some(ended), ..all() }, vec![Key::WithinTheWindow]),
        (gina(), ProjectFacts { grant: Some(not_begun), ..all() }, vec![Key::WithinTheWindow]),
        (gina(), ProjectFacts { grant: None, ..all() }, vec![Key::OnTheRoster, Key::WithinTheWindow]),
    ] {
        let facts = Facts { subject, project: Some(project) };
        let decision = decide(&facts, Action::ViewProject, day(1));
        assert_eq!((decision.allowed, decision.missing), (false, missing));
    }
}

#[test]
fn the_answer_names_the_keys_that_turned_and_those_that_did_not() {
    let facts = Facts { subject: gina(), project: Some(granting([Right::FinancialVisibility])) };
    let decision = decide(&facts, Action::ViewFinancials, day(1));
    let path = [
        Key::AccountActive,
        Key::ClientOfTheProject,
        Key::ProjectPublished,
        Key::OnTheRoster,
        Key::WithinTheWindow,
        Key::RightGranted(Right::FinancialVisibility),
    ];
    assert_eq!((decision.allowed, decision.path), (true, path.into()));
    let facts = Facts { subject: staff(Level::ProjectManager), project: Some(managed_by(PETRA)) };
    let decision = decide(&facts, Action::ManageGuests, day(1));
    assert_eq!(decision.path, [Key::AccountActive, Key::AccessLevel]);
    assert_eq!(decision.missing, [Key::ManagesTheProject]);
}

#[test] // F6.25
fn a_window_begins_with_its_first_moment_and_ends_before_its_last() {
    let window = Window { from: Some(day(2)), until: Some(day(5)) };
    assert_eq!([1, 2, 4, 5].map(|number| window.contains(day(number))), [false, true, true, false]);
    assert!(Window::default().contains(day(-10_000)));
}

#[test] // F6.21
fn whoever_may_not_see_a_thing_learns_only_that_it_is_not_there() {
    let ask = |subject, project, action| {
        Facts { subject, project }.may(action, Action::ViewProject, day(1)).map(|decision| decision.allowed)
    };
    let hidden = ProjectFacts { published: false, ..granting(Right::ALL) };
    assert_eq!(ask(gina(), Some(hidden), Action::ApproveTime), Err(Denied::NotThere));
    assert_eq!(ask(gina(), None, Action::ApproveTime), Err(Denied::NotThere));
    let missing = vec![Key::RightGranted(Right::ApproveTime)];
    assert_eq!(ask(gina(), Some(granting([])), Action::ApproveTime), Err(Denied::NotAllowed { missing }));
    assert_eq!(ask(gina(), Some(granting([Right::ApproveTime])), Action::ApproveTime), Ok(true));
}

#[test] // F4.16
fn an_account_that_is_switched_off_is_told_so_whatever_it_asks() {
    let gone = Subject::PortalUser { id: GINA, active: false, clients: BTreeSet::from([ACME]) };
    let left = Subject::Staff { id: ANN, level: Level::Admin, active: false };
    for action in ACTIONS {
        for project in [None, Some(granting(Right::ALL))] {
            let ask = |subject: &Subject| {
                Facts { subject: subject.clone(), project: project.clone() }.may(action, action, day(1))
            };
            assert_eq!(ask(&gone), Err(Denied::PortalUserInactive));
            assert_eq!(ask(&left), Err(Denied::StaffInactive));
        }
    }
}

#[test]
fn a_rights_name_is_its_wire_name() {
    for right in Right::ALL {
        assert_eq!(serde_json::to_value(right).unwrap(), right.as_str());
        assert_eq!(Right::parse(right.as_str()), Some(right));
    }
}

/// The second interpreter. It knows no keys and no order: it lists every single permission that the facts give, as
/// words, and looks whether the question is among them.
mod second_opinion {
    use super::*;

    pub fn allows(facts: &Facts, action: Action, at: Timestamp) -> bool {
        permissions(facts, at).contains(&format!("{action:?}"))
    }

    fn permissions(facts: &Facts, at: Timestamp) -> BTreeSet<String> {
        let words = match &facts.subject {
            Subject::Nobody => String::new(),
            Subject::Installation => format!("{SEEING} {DOING} ViewDirectory ReadLedger ManageOrganization"),
            Subject::Staff { active: false, .. } | Subject::PortalUser { active: false, .. } => String::new(),
            Subject::Staff { id, level, .. } => of_staff(*id, *level, facts.project.as_ref()),
            Subject::PortalUser { clients, .. } => of_guest(clients, facts.project.as_ref(), at),
        };
        words.split_whitespace().map(str::to_owned).collect()
    }

    const SEEING: &str = "ViewProject ViewFinancials ViewInvoices ViewDrafts";
    const DOING: &str = "LogTime ManageProject ManageGuests";

    fn of_staff(id: StaffId, level: Level, project: Option<&ProjectFacts>) -> String {
        let mut words = String::from("ViewDirectory ");
        if level == Level::Admin {
            words += DOING;
            words += " ManageOrganization ";
        }
        if level != Level::ProjectManager {
            words += SEEING;
            words += " ReadLedger ";
        } else if project.and_then(|project| project.manager) == Some(id) {
            words += &format!("{SEEING} {DOING} ReadLedger");
        }
        words
    }

    fn of_guest(clients: &BTreeSet<ClientId>, project: Option<&ProjectFacts>, at: Timestamp) -> String {
        let Some(ProjectFacts { client, published: true, grant: Some(grant), .. }) = project else {
            return String::new();
        };
        let too_early = matches!(grant.window.from, Some(from) if at < from);
        let too_late = matches!(grant.window.until, Some(until) if at >= until);
        if too_early || too_late || !clients.iter().any(|mine| mine == client) {
            return String::new();
        }
        let sees_invoices = grant.rights.contains(&Right::InvoiceVisibility);
        let of_rights = grant.rights.iter().map(|right| match right {
            Right::FinancialVisibility => "ViewFinancials",
            Right::InvoiceVisibility => "ViewInvoices",
            Right::ApproveInvoices if sees_invoices => "ApproveInvoices",
            Right::ApproveTime => "ApproveTime",
            Right::ApproveInvoices | Right::AutoSendOnApproval => "",
        });
        of_rights.fold(String::from("ViewProject"), |words, word| words + " " + word)
    }
}

fn any_subject() -> impl Strategy<Value = Subject> {
    let client = prop::sample::select(vec![ACME, GLOBEX]);
    prop_oneof![
        1 => Just(Subject::Installation),
        1 => Just(Subject::Nobody),
        4 => (prop::sample::select(vec![ANN, PAUL]), prop::sample::select(Level::ALL.to_vec()), any::<bool>())
            .prop_map(|(id, level, active)| Subject::Staff { id, level, active }),
        6 => (prop::bool::weighted(0.8), prop::collection::btree_set(client, 0..3))
            .prop_map(|(active, clients)| Subject::PortalUser { id: GINA, active, clients }),
    ]
}

fn any_grant() -> impl Strategy<Value = Grant> {
    let end = || prop::option::of((0i64..6).prop_map(day));
    let rights = prop::collection::btree_set(prop::sample::select(Right::ALL.to_vec()), 0..6);
    (rights, end(), end()).prop_map(|(rights, from, until)| Grant { rights, window: Window { from, until } })
}

fn any_project() -> impl Strategy<Value = ProjectFacts> {
    let client = prop::sample::select(vec![ACME, GLOBEX]);
    let manager = prop::option::of(prop::sample::select(vec![ANN, PAUL]));
    (client, manager, prop::bool::weighted(0.8), prop::option::weighted(0.8, any_grant()))
        .prop_map(|(client, manager, published, grant)| ProjectFacts { client, manager, published, grant })
}

fn any_facts() -> impl Strategy<Value = Facts> {
    (any_subject(), prop::option::weighted(0.9, any_project()))
        .prop_map(|(subject, project)| Facts { subject, project })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_second_interpreter_agrees(facts in any_facts(), on in 0i64..6) {
        for action in ACTIONS {
            let decision = decide(&facts, action, day(on));
            prop_assert_eq!(decision.allowed, second_opinion::allows(&facts, action, day(on)), "{:?}", action);
            prop_assert_eq!(decision.allowed, decision.missing.is_empty());
            prop_assert!(decision.path.iter().all(|key| !decision.missing.contains(key)));
        }
    }

    #[test] // F1.9
    fn fewer_facts_never_open_more(facts in any_facts(), on in 0i64..6) {
        let without_project = Facts { subject: facts.subject.clone(), project: None };
        let without_grant = Facts {
            subject: facts.subject.clone(),
            project: facts.project.clone().map(|project| ProjectFacts { grant: None, ..project }),
        };
        for action in ACTIONS {
            let full = decide(&facts, action, day(on)).allowed;
            prop_assert!(full || !decide(&without_project, action, day(on)).allowed);
            prop_assert!(full || !decide(&without_grant, action, day(on)).allowed);
        }
    }
}
