//! The real logs of the Business Process Intelligence Challenge 2020, imported completely; what is odd about them is
//! counted a second time, straight from the text, by nothing that the program uses.
//!
//! The logs are read from beside the workspace and never copied into it.

use crate::installation::{Installation, json};
use flate2::read::MultiGzDecoder;
use serde_json::{Value, json};
use sqlx::PgPool;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

/// The log's file, if it is here.
fn place(log: &str) -> Option<PathBuf> {
    let place =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/bpi2020").join(format!("{log}.xes.gz"));
    if place.exists() {
        return Some(place);
    }
    eprintln!("the real log {log} is not at {}, so its import was not tried", place.display());
    None
}

/// What a log holds, counted by hand.
#[derive(Default)]
struct Counted {
    cases: u64,
    events: u64,
    rejected: u64,
    approved_final_twice: u64,
    rejected_after_final_approval: u64,
    paid_without_final_approval: u64,
}

/// Reads the text as these logs write it: a trace between `<trace>` and `</trace>`, an event likewise, its activity in
/// the one string of the event that is called `concept:name`.
fn count(text: &str) -> Counted {
    let mut counted = Counted::default();
    for trace in between(text, "<trace>", "</trace>") {
        let activities: Vec<&str> = between(trace, "<event>", "</event>").map(activity).collect();
        let number_of = |word: &str, among: &[&str]| among.iter().filter(|activity| activity.contains(word)).count();
        let finals = number_of("FINAL_APPROVED", &activities);
        let first_final = activities.iter().position(|activity| activity.contains("FINAL_APPROVED"));
        let behind = first_final.map_or(&[][..], |first| &activities[first + 1..]);
        counted.cases += 1;
        counted.events += activities.len() as u64;
        counted.rejected += u64::from(number_of("REJECTED", &activities) > 0);
        counted.approved_final_twice += u64::from(finals >= 2);
        counted.rejected_after_final_approval += u64::from(number_of("REJECTED", behind) > 0);
        counted.paid_without_final_approval += u64::from(number_of("Payment Handled", &activities) > 0 && finals == 0);
    }
    counted
}

fn between<'a>(text: &'a str, open: &'a str, close: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(open).skip(1).map(move |part| part.split_once(close).expect("every element is closed").0)
}

fn activity(event: &str) -> &str {
    let mut found = between(event, "<string key=\"concept:name\" value=\"", "\"/>");
    let activity = found.next().expect("every event has an activity");
    assert!(found.next().is_none() && !activity.contains('&'), "this reader is too simple for {event}");
    activity
}

/// Imports a log, compares, and imports it again.
fn imports_completely(owner: &PgPool, log: &str) {
    let Some(place) = place(log) else { return };
    let mut text = String::new();
    MultiGzDecoder::new(File::open(&place).unwrap()).read_to_string(&mut text).unwrap();
    let counted = count(&text);
    let installation = Installation::with_firm(owner);

    let first = json(&installation.import(&place).must_succeed());
    eprintln!("{log}: {first}");
    let expected = json!({
        "rejected": counted.rejected,
        "approved_final_twice": counted.approved_final_twice,
        "rejected_after_final_approval": counted.rejected_after_final_approval,
        "paid_without_final_approval": counted.paid_without_final_approval,
    });
    assert_eq!(first["log"], log);
    assert_eq!(first["exceptions"], expected);
    assert_eq!(counts(&first), [counted.cases, counted.events, counted.events, 0]);

    let again = json(&installation.import(&place).must_succeed());
    eprintln!("{log} again: {again}");
    assert_eq!(again["exceptions"], expected);
    assert_eq!(counts(&again), [counted.cases, counted.events, 0, 0]);
}

fn counts(report: &Value) -> [u64; 4] {
    ["cases", "events", "appended", "not_imported"].map(|name| report[name].as_u64().unwrap())
}

#[sqlx::test(migrations = "../../migrations")]
async fn all_domestic_declarations_are_imported_as_an_independent_count_has_them(owner: PgPool) {
    imports_completely(&owner, "DomesticDeclarations");
}

#[sqlx::test(migrations = "../../migrations")]
async fn all_requests_for_payment_are_imported_as_an_independent_count_has_them(owner: PgPool) {
    imports_completely(&owner, "RequestForPayment");
}
