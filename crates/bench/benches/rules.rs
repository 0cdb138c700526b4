//! What every event costs before a database is asked: the rules, its canonical text, its place in the Merkle log.
//!
//! `cargo bench -p countersign-bench --features criterion`

use countersign_bench::history::{FirmPlan, Story, Wanted, plan};
use countersign_canon::{canonical_text_of, leaf_hash};
use countersign_domain::ids::MailboxId;
use countersign_domain::values::Email;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde_json::{Value, json};
use std::hint::black_box;
use uuid::Uuid;

/// A firm of middling size: months of work, and people who come and go.
const EVENTS: u64 = 2_000;

fn firm() -> FirmPlan {
    let wanted = Wanted { events: EVENTS, organizations: 1, seed: 1, active_percent: 100 };
    plan(&wanted).expect("one firm has room for its events").remove(0)
}

/// Every command of a firm's history, decided on the states that the ones before it left.
fn decide(firm: FirmPlan) -> usize {
    let org = firm.org.0;
    let mailboxes = move |email: &Email| MailboxId(Uuid::new_v5(&org, email.as_str().as_bytes()));
    let story = Story::new(firm, Box::new(mailboxes));
    story.map(|act| act.expect("the rules allow a history").events.len()).sum()
}

/// An event as most of them are: a committed sample's fields in an envelope of the usual size.
fn envelope() -> Value {
    let sample: Value = serde_json::from_str(include_str!("../../domain/samples/time_entry.logged.1.json"))
        .expect("a committed sample reads");
    let id = Uuid::nil();
    json!({
        "org": id, "position": 12_345, "event_id": id, "type": "time_entry.logged", "schema": 1,
        "stream": { "kind": "time_entry", "id": id }, "version": 1, "recorded_at": "2026-03-16T16:04:05.123456Z",
        "actor": { "kind": "staff", "id": id }, "command_id": id, "correlation_id": id,
        "provenance": { "kind": "witnessed" },
        "objects": [
            { "kind": "time_entry", "id": id, "role": "subject" }, { "kind": "project", "id": id, "role": "project" },
            { "kind": "client", "id": id, "role": "client" }, { "kind": "staff", "id": id, "role": "author" },
        ],
        "data": sample["data"],
    })
}

fn rules(criterion: &mut Criterion) {
    let firm = firm();
    let mut group = criterion.benchmark_group("an event");
    let events = decide(firm.clone());
    group.sample_size(20).throughput(Throughput::Elements(events as u64));
    group.bench_function("decided, with those before it", |bench| bench.iter(|| decide(black_box(firm.clone()))));
    let envelope = envelope();
    let text = canonical_text_of(&envelope).expect("an envelope has a canonical text");
    group.sample_size(100).throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("as canonical text", |bench| bench.iter(|| canonical_text_of(black_box(&envelope))));
    group.bench_function("as a leaf", |bench| bench.iter(|| leaf_hash(black_box(&text))));
    group.finish();
}

criterion_group!(benches, rules);
criterion_main!(benches);
