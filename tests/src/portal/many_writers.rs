//! Two nodes, many writers, one organization: nothing is lost, nothing happens twice, and there is no gap.
//!
//! `COUNTERSIGN_COMMANDS` makes the story longer: so many commands of each writer.

use super::support::firm::Firm;
use super::support::longer::commands_each;
use super::support::person::{Ask, Person, post};
use super::support::reply::Reply;
use super::support::until::until;
use futures::future::join_all;
use serde_json::json;
use std::collections::BTreeSet;

const WRITERS: usize = 64;

/// How many commands each gives, where nobody asks for more.
const EACH: usize = 8;

/// A command until it is done: a node that has no place for it says so, and so does one that is asked too much.
async fn done(person: &Person, ask: &Ask) -> Reply {
    until("an answer to a command", async || {
        let reply = person.send(ask.clone()).await;
        (!matches!(reply.status, 429 | 503)).then_some(reply)
    })
    .await
    .expect(201)
}

/// One command after the other, each sent again at the other node before the next.
async fn write(here: &Person, there: &Person, writer: usize) -> Vec<String> {
    let mut opened = Vec::new();
    for number in 0..commands_each(EACH) {
        let ask = post("/v1/clients", json!({ "name": format!("Client {writer}-{number}") }));
        let reply = done(here, &ask).await;
        let again = done(there, &ask).await;
        assert_eq!((&again.text, again.header("idempotent-replayed")), (&reply.text, Some("true")));
        opened.push(reply.id());
    }
    opened
}

// Design, part 4: two nodes on one organization are slower, never wrong.
#[tokio::test(flavor = "multi_thread")]
async fn many_writers_at_two_nodes_of_one_organization_lose_nothing_and_do_nothing_twice() {
    let firm = Firm::on_plan("trial", 2).await;
    let people: Vec<Person> = firm.nodes.iter().map(|node| firm.admin.at(node)).collect();
    let writing = (0..2 * WRITERS).map(|writer| {
        let (here, there) = (&people[writer % 2], &people[(writer + 1) % 2]);
        write(here, there, writer)
    });
    let promised: BTreeSet<String> = join_all(writing).await.into_iter().flatten().collect();

    assert_eq!(promised.len(), 2 * WRITERS * commands_each(EACH));
    let entries = firm.ledger.gapless().await;
    let opened: Vec<&str> =
        entries.iter().filter(|entry| entry.event_type == "client.opened").map(|entry| entry.subject()).collect();
    assert_eq!(opened.len(), promised.len(), "every command took effect once");
    assert!(opened.iter().all(|client| promised.contains(*client)), "and is what was acknowledged");
}
