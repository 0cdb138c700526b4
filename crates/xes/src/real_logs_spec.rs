//! The real logs of the Business Process Intelligence Challenge 2020, where they are at hand. They are read from beside
//! the workspace and never copied into it.

use crate::{Case, Reader};
use std::collections::HashSet;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// Reads a whole log and compares it with what is published about it. Says plainly when the log is not there.
#[track_caller]
fn holds(log: &str, cases: usize, events: usize) {
    let place =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/bpi2020").join(format!("{log}.xes.gz"));
    let Ok(file) = File::open(&place) else {
        println!("the real log {log} is not there, so it was not read");
        return;
    };
    let read: Vec<Case> = Reader::new(BufReader::new(file)).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(read.len(), cases);
    assert_eq!(read.iter().map(|case| case.steps.len()).sum::<usize>(), events);
    for case in &read {
        let ids: HashSet<_> =
            case.steps.iter().map(|step| step.id.as_deref().expect("every event has an id")).collect();
        assert_eq!(ids.len(), case.steps.len(), "an event is identified within {}", case.id);
        assert!(case.steps.iter().all(|step| step.at.is_some() && step.role.is_some()));
    }
    assert_eq!(read.iter().map(|case| &case.id).collect::<HashSet<_>>().len(), cases);
}

#[test]
fn the_log_of_domestic_declarations_is_read_completely() {
    holds("DomesticDeclarations", 10_357, 55_628);
}

#[test]
fn the_log_of_requests_for_payment_is_read_completely() {
    holds("RequestForPayment", 6_760, 36_072);
}

#[test]
fn the_log_of_prepaid_travel_costs_is_read_completely() {
    holds("PrepaidTravelCost", 2_007, 17_507);
}

#[test]
fn the_log_of_international_declarations_is_read_completely() {
    holds("InternationalDeclarations", 6_323, 70_727);
}
