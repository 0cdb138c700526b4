//! How a case of another system comes into the ledger, once or again.

use crate::access::{Denied, Key};
use crate::decider::{Decider, Rejected};
use crate::envelope::{Actor, ProcessName};
use crate::firm::organization::Plan;
use crate::ids::{CaseId, PersonId};
use crate::imported::case::{Command, Event, ImportedCase, KnownStep, MOST_STEPS, Rejection, State, Step, case_id};
use crate::imported::verbatim::{NotKept, OriginalTime, Verbatim};
use crate::personal::Personal;
use crate::testing::cast::*;
use crate::testing::{Given, Ledger, ORG, any_history_is_sound, concerned, given, id, survives_its_wire_form};
use proptest::prelude::*;
use uuid::Uuid;

fn text(text: &str) -> Verbatim {
    Verbatim::parse(text).unwrap()
}

fn declaration() -> CaseId {
    case_id(ORG, &label("Expenses"), &text("declaration 1"))
}

fn case(history: impl IntoIterator<Item = Event>) -> Given<ImportedCase> {
    given::<ImportedCase>(history).named(declaration()).by(Actor::Importer)
}

fn step(name: &str) -> Step {
    Step {
        id: text(name),
        activity: text("Declaration SUBMITTED by EMPLOYEE"),
        at: OriginalTime::parse("2017-01-09T09:49:50.000+01:00").ok(),
        role: Some(text("EMPLOYEE")),
        resource: Some(Personal::about(PersonId(Uuid::from_u128(1)), text("Ines Vidal"))),
        amount: Some(text("26.85120450862128")),
    }
}

fn record<'a>(steps: impl IntoIterator<Item = &'a str>) -> Command {
    recording(steps.into_iter().map(step))
}

fn recording(steps: impl IntoIterator<Item = Step>) -> Command {
    Command::Record { log: label("Expenses"), case: text("declaration 1"), steps: steps.into_iter().collect() }
}

fn opened() -> Event {
    Event::Opened { log: label("Expenses"), case: text("declaration 1") }
}

fn recorded(index: u32, name: &str) -> Event {
    Event::StepRecorded { index, step: step(name) }
}

/// What the case's history is after these files were imported, one after the other.
fn after(files: &[&[&str]]) -> Vec<String> {
    let mut state = State::default();
    for file in files {
        let facts = crate::imported::case::Facts { actor: Actor::Importer, id: declaration(), org: ORG };
        for event in ImportedCase::decide(&state, &facts, record(file.iter().copied())).unwrap() {
            state = ImportedCase::evolve(state, &event);
        }
    }
    state.steps().iter().map(|step| step.id.to_string()).collect()
}

#[test] // F18.9
fn a_case_comes_in_with_all_its_steps_in_file_order() {
    case([]).when(record(["b", "a"])).then([opened(), recorded(0, "b"), recorded(1, "a")]);
    case([]).when(record([])).then([opened()]);
}

#[test] // F18.9
fn importing_again_adds_nothing() {
    case([opened(), recorded(0, "a"), recorded(1, "b")]).when(record(["a", "b"])).then_nothing();
    case([opened(), recorded(0, "a"), recorded(1, "b")]).when(record(["a"])).then_nothing();
    case([opened()]).when(record([])).then_nothing();
}

#[test] // F18.9
fn a_longer_export_adds_the_new_steps_only() {
    case([opened(), recorded(0, "a")]).when(record(["a", "b", "c"])).then([recorded(1, "b"), recorded(2, "c")]);
}

#[test]
fn a_new_step_takes_its_place_behind_the_one_it_follows() {
    assert_eq!(after(&[&["a", "c"], &["a", "b", "c", "d"]]), ["a", "b", "c", "d"]);
    assert_eq!(after(&[&["b", "c"], &["a", "b", "c"]]), ["a", "b", "c"], "before all that is known");
    assert_eq!(after(&[&["a", "b"], &["b", "c"]]), ["a", "b", "c"], "an export that begins later");
    assert_eq!(after(&[&["a", "b"], &["c", "d"]]), ["a", "b", "c", "d"], "one that goes on where the last one ended");
    assert_eq!(after(&[&["a", "b"], &["b", "a", "c"]]), ["a", "c", "b"], "what is known keeps its order");
}

#[test]
fn a_step_that_a_file_repeats_is_one_step() {
    case([]).when(record(["a", "b", "a"])).then([opened(), recorded(0, "a"), recorded(1, "b")]);
}

#[test]
fn two_records_of_one_step_that_differ_are_refused() {
    let different: [fn(&mut Step); 5] = [
        |step| step.activity = text("Declaration REJECTED by EMPLOYEE"),
        |step| step.at = None,
        |step| step.role = None,
        |step| step.amount = None,
        |step| step.resource = None,
    ];
    for (which, change) in different.into_iter().enumerate() {
        let mut other = step("a");
        change(&mut other);
        let twice = recording([step("b"), step("a"), other.clone()]);
        case([]).when(twice).then_rejected(Rejection::StepDiffers { number: 3 });
        let again = case([opened(), recorded(0, "a")]).when(recording([other]));
        // Names are sealed: whether a recorded step named somebody else is not known here.
        if which < 4 { again.then_rejected(Rejection::StepDiffers { number: 1 }) } else { again.then_nothing() }
    }
    assert_eq!(Rejection::StepDiffers { number: 3 }.details(), [("step", "3".to_owned())]);
}

#[test]
fn one_moment_written_in_two_ways_is_one_moment() {
    let mut other = step("a");
    other.at = OriginalTime::parse("2017-01-09T08:49:50Z").ok();
    case([opened(), recorded(0, "a")]).when(recording([other])).then_nothing();
}

#[test]
fn a_case_has_no_more_steps_than_it_holds() {
    let names = |count: usize| (0..count).map(|number| step(&number.to_string()));
    let answer = case([]).when(recording(names(MOST_STEPS + 1)));
    answer.then_rejected(Rejection::TooManySteps);
    let known = names(MOST_STEPS).enumerate().map(|(index, step)| Event::StepRecorded { index: index as u32, step });
    let full: Vec<_> = std::iter::once(opened()).chain(known).collect();
    case(full.clone()).when(recording(names(MOST_STEPS))).then_nothing();
    case(full).when(record(["one more"])).then_rejected(Rejection::TooManySteps);
}

#[test]
fn a_case_is_known_by_organization_log_and_id() {
    let one = declaration();
    assert_eq!(case_id(ORG, &label("Expenses"), &text("declaration 1")), one);
    assert_ne!(case_id(id(7), &label("Expenses"), &text("declaration 1")), one);
    assert_ne!(case_id(ORG, &label("Travel"), &text("declaration 1")), one);
    assert_ne!(case_id(ORG, &label("Expenses"), &text("declaration 2")), one);
    assert_ne!(case_id(ORG, &label("a"), &text("b\nc")), case_id(ORG, &label("a b"), &text("c")));
    case([]).named(id(1)).when(record(["a"])).then_rejected(Rejection::AnotherCase);
}

#[test] // F18.9
fn only_the_installation_imports() {
    case([]).by(Actor::Operator).when(record([])).then([opened()]);
    let cast = |ledger: Ledger| ledger.with_cast(Plan::Trial);
    for actor in [ANN.into(), AUDREY.into(), Actor::Token(Uuid::nil()), Actor::Process(ProcessName::AutoSend)] {
        let missing = Denied::NotAllowed { missing: vec![Key::KindOfSubject] };
        case([]).in_ledger(cast).by(actor).when(record(["a"])).then_rejected(missing);
    }
    case([]).in_ledger(cast).by(GINA).when(record(["a"])).then_rejected(Denied::NotThere);
}

#[test]
fn an_event_tells_its_original_time_as_it_was_written_and_names_no_object_of_ours() {
    assert_eq!(recorded(0, "a").original_time().as_deref(), Some("2017-01-09T09:49:50.000+01:00"));
    assert_eq!(opened().original_time(), None);
    assert_eq!(Event::StepRecorded { index: 0, step: Step { at: None, ..step("a") } }.original_time(), None);
    for event in [opened(), recorded(3, "a")] {
        survives_its_wire_form::<ImportedCase>(declaration(), &event);
        assert_eq!(concerned::<ImportedCase>(&event), []);
    }
}

#[test]
fn steps_evolve_whatever_their_order_and_without_their_names() {
    let sealed = Personal::Sealed { person: PersonId(Uuid::from_u128(1)), sealed: "…".to_owned() };
    let step = Step { resource: Some(sealed), ..step("a") };
    let state = ImportedCase::evolve(State::default(), &Event::StepRecorded { index: 99, step: step.clone() });
    assert_eq!(state.steps(), [KnownStep::from(&step)]);
}

#[test]
fn what_another_system_wrote_is_kept_as_it_stands() {
    assert_eq!(text(" st_step 1\n").as_str(), " st_step 1\n");
    assert_eq!(Verbatim::parse(" \t"), Err(NotKept::Blank));
    assert_eq!(Verbatim::parse("a\0"), Err(NotKept::Nul));
    assert_eq!(Verbatim::parse(&"ä".repeat(1_001)), Err(NotKept::TooLong));
    assert!(Verbatim::parse(&"ä".repeat(1_000)).is_ok());
    for bad in ["", "2017-01-09", "2017-01-09T09:49:50", &format!("2017-01-09T09:49:50.{}Z", "0".repeat(64))] {
        assert!(OriginalTime::parse(bad).is_err(), "{bad}");
    }
}

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

fn file() -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(proptest::sample::select(NAMES.to_vec()), 0..8)
}

proptest! {
    #[test]
    fn any_history_of_a_case_is_sound(files in prop::collection::vec(file(), 0..8)) {
        let commands = files.into_iter().map(|file| (Actor::Importer, record(file))).collect();
        any_history_is_sound::<ImportedCase>(Ledger::default(), declaration(), commands);
    }

    #[test] // F18.9
    fn an_export_in_pieces_ends_as_the_whole_however_it_was_cut(
        pieces in prop::collection::vec(proptest::sample::subsequence(NAMES.to_vec(), 0..=NAMES.len()), 0..5),
    ) {
        let mut files: Vec<&[&str]> = pieces.iter().map(Vec::as_slice).collect();
        files.push(&NAMES);
        let mut known = after(&files);
        if pieces.len() <= 1 {
            prop_assert_eq!(&known, &NAMES, "a longer export puts every step where the file has it");
        }
        known.sort();
        prop_assert_eq!(known, NAMES, "each step once");
    }
}
