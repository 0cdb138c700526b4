//! Killed at a place of the program that is named: whoever sends again under the same key is answered, nothing that was
//! acknowledged is lost, and nothing happens twice.
//!
//! `COUNTERSIGN_KILLS` makes the stories longer: so many times at each place.

use super::support::bouncer::{Bouncer, LOGIN};
use super::support::firm::Firm;
use super::support::installation::{ANY_PORT, Installation};
use super::support::load::Load;
use super::support::longer::kills;
use super::support::node::Node;
use super::support::person::post;
use super::support::reply::Reply;
use super::support::until::until;
use serde_json::json;
use sqlx::Connection;

/// One of two nodes at which people of two organizations write is killed at a place, again and again, each time a little
/// later.
async fn nothing_is_lost_when_a_node_is_killed(installation: Installation, place: &str) {
    let mut firm = Firm::of(installation, "trial", 2).await;
    let (neighbour, its_ledger) = firm.neighbours("birch").await;
    let (load, other) = (Load::on(&firm).await, Load::of(neighbour, its_ledger).await);
    let addresses: Vec<String> = firm.nodes.iter().map(Node::address).collect();
    let killing = async {
        assert!(firm.nodes[0].stop().await.success());
        for number in 0..kills(2) {
            let fault = format!("{place}=kill@{}", 2 + 5 * number % 23);
            firm.nodes[0] = firm.installation.serve_faulty(&firm.nodes[0].address(), &fault).await;
            firm.nodes[0].dies_at(place).await;
        }
        firm.nodes[0] = firm.installation.serve_at(&firm.nodes[0].address()).await;
        tokio::join!(load.go_on(), other.go_on());
        load.end();
        other.end();
    };
    let (written, others, ()) = tokio::join!(load.run(&addresses), other.run(&addresses), killing);
    load.assert_is_kept(&written).await;
    other.assert_is_kept(&others).await;
}

/// A place on the way of a command, and whether the command has taken effect there.
struct Place {
    name: &'static str,
    /// How often it has been come to by then. By the third command the lane has a connection.
    at_the: u8,
    has_taken_effect: bool,
    /// Whether the ledger is somebody else's for a while, so that the command is taken under its lock.
    is_locked: bool,
}

const ON_THE_WAY: [Place; 8] = [
    Place { name: "keys.made", at_the: 3, has_taken_effect: false, is_locked: false },
    Place { name: "keys.stored", at_the: 3, has_taken_effect: false, is_locked: false },
    Place { name: "batch.decided", at_the: 3, has_taken_effect: false, is_locked: false },
    Place { name: "batch.sent", at_the: 3, has_taken_effect: true, is_locked: false },
    Place { name: "batch.committed", at_the: 3, has_taken_effect: true, is_locked: false },
    Place { name: "batch.answered", at_the: 3, has_taken_effect: true, is_locked: false },
    Place { name: "batch.written", at_the: 1, has_taken_effect: false, is_locked: true },
    Place { name: "batch.committed", at_the: 3, has_taken_effect: true, is_locked: true },
];

#[tokio::test(flavor = "multi_thread")]
async fn a_command_over_which_a_node_died_takes_effect_once_whether_it_had_before_or_not() {
    let mut firm = Firm::open().await;
    let client = firm.client("Acme").await;
    assert!(firm.nodes[0].stop().await.success());
    for (place, Place { name, at_the, has_taken_effect, is_locked }) in ON_THE_WAY.into_iter().enumerate() {
        let add = |number: usize| {
            let email = format!("{place}-{number}@clients.example");
            post("/v1/contacts", json!({ "client": client, "name": "Gina", "email": email }))
        };
        let mut node = firm.installation.serve_faulty(ANY_PORT, &format!("{name}=kill@{at_the}")).await;
        let admin = firm.admin.at(&node);
        for number in 0..2 {
            admin.send(add(number)).await.expect(201);
        }
        let (ask, before) = (add(2), firm.ledger.head().await);
        let somebody = if is_locked { Some(firm.ledger.held().await) } else { None };
        let waiting = async {
            if let Some(somebody) = somebody {
                firm.ledger.is_waited_for().await;
                somebody.close().await.unwrap();
            }
        };
        let (answer, ()) = tokio::join!(admin.try_send(ask.clone()), waiting);
        node.dies_at(name).await;
        if has_taken_effect {
            // The database carries out what it was sent, whoever is gone.
            until("what was sent", async || (firm.ledger.head().await > before).then_some(())).await;
        }
        let answer = answer.ok().map(Reply::id);

        let mut node = firm.installation.serve().await;
        assert_eq!(firm.ledger.head().await > before, has_taken_effect, "{name}");
        let again = firm.admin.at(&node).send(ask).await;
        assert_eq!(again.header("idempotent-replayed") == Some("true"), has_taken_effect, "{name}");
        let again = again.id();
        assert!(answer.is_none_or(|answer| answer == again), "{name}");
        let added = firm.ledger.gapless().await;
        let added: Vec<_> = added.iter().filter(|entry| entry.subject() == again).collect();
        assert_eq!(added.len(), 1, "{name}");
        assert!(node.stop().await.success());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_dies_over_commands_that_are_decided_and_not_sent() {
    nothing_is_lost_when_a_node_is_killed(Installation::new().await, "batch.decided").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_dies_over_commands_that_are_sent_to_the_database_and_not_answered() {
    nothing_is_lost_when_a_node_is_killed(Installation::new().await, "batch.sent").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_dies_over_commands_that_are_written_and_not_committed() {
    let bouncer = Bouncer::before_the_server().await;
    let installation = Installation::new().await.pooled(&bouncer, LOGIN);
    nothing_is_lost_when_a_node_is_killed(installation, "batch.written").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_dies_over_commands_that_are_committed_and_not_answered() {
    nothing_is_lost_when_a_node_is_killed(Installation::new().await, "batch.committed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_dies_over_commands_that_were_answered_a_moment_ago() {
    nothing_is_lost_when_a_node_is_killed(Installation::new().await, "batch.answered").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_dies_over_somebodys_key_that_is_made_and_not_stored() {
    nothing_is_lost_when_a_node_is_killed(Installation::new().await, "keys.made").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_dies_over_somebodys_key_that_is_stored_and_not_used() {
    nothing_is_lost_when_a_node_is_killed(Installation::new().await, "keys.stored").await;
}
