//! The database goes away, and comes back: nothing is lost, and nobody has to lend a hand.

use super::support::change_feed::ChangeFeed;
use super::support::firm::Firm;
use super::support::gate::Gate;
use super::support::installation::Installation;
use super::support::person::{Account, Ask, Person, get, post};
use super::support::until::until;
use futures::stream::{FuturesUnordered, StreamExt};
use serde_json::json;
use std::time::{Duration, Instant};

/// How many commands are sent at once before the database says nothing more.
const IN_FLIGHT: usize = 8;

/// A firm whose database stands behind a gate that is open.
async fn firm_behind_a_gate() -> (Firm, Gate) {
    let mut gate = Gate::shut_before().await;
    let installation = Installation::new().await.behind(&gate);
    gate.open().await;
    (Firm::of(installation, "trial", 1).await, gate)
}

fn open_client() -> Ask {
    post("/v1/clients", json!({ "name": "Acme" }))
}

async fn assert_is_told_to_come_again(person: &Person, ask: Ask) {
    let reply = person.send(ask.clone()).await;
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("1")), "{ask:?}: {reply:?}");
    assert_eq!(reply.code(), "store.unavailable");
}

/// The same request again and again, until it is not told to come again.
async fn comes_again(person: &Person, ask: Ask) -> u16 {
    until("an answer from the database", async || {
        let reply = person.send(ask.clone()).await;
        (reply.status != 503).then_some(reply.status)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_away_everybody_is_told_to_come_again_and_then_all_goes_on() {
    let (firm, mut gate) = firm_behind_a_gate().await;
    let nobody = Person::nobody(firm.node());
    let mut feed = ChangeFeed::open(&firm.admin, None).await;
    let command = open_client();
    let account = Account::new("larch", "ada@larch.example");
    gate.shut().await;
    tokio::join!(
        assert_is_told_to_come_again(&firm.admin, get("/v1/clients")),
        assert_is_told_to_come_again(&firm.admin, command.clone()),
        assert_is_told_to_come_again(&nobody, account.ask()),
    );

    assert_eq!(nobody.send(get("/healthz")).await.status, 200, "the node lives");
    until("a word that the node is not ready", async || {
        (nobody.send(get("/readyz")).await.status == 503).then_some(())
    })
    .await;

    gate.open().await;
    assert_eq!(comes_again(&firm.admin, get("/v1/clients")).await, 200);
    assert_eq!(comes_again(&firm.admin, command.clone()).await, 201);
    assert_eq!(comes_again(&nobody, account.ask()).await, 201);
    assert_eq!(feed.next().await.event_type(), "client.opened", "a feed outlives it");
    assert_eq!(firm.admin.get("/v1/clients").await.items().len(), 1);
    firm.ledger.gapless().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_does_not_answer_keeps_nobody_waiting_for_ever() {
    let (firm, gate) = firm_behind_a_gate().await;
    let mut feed = ChangeFeed::open(&firm.admin, None).await;
    let (commands, late): (Vec<Ask>, Ask) = ((0..IN_FLIGHT).map(|_| open_client()).collect(), open_client());
    let mut sent: FuturesUnordered<_> = commands.iter().map(|command| firm.admin.send(command.clone())).collect();
    // While the first one is answered, others are on their way.
    sent.next().await.unwrap().expect(201);
    gate.hold();
    let since = Instant::now();
    let in_flight = async {
        while let Some(reply) = sent.next().await {
            match reply.status {
                201 => {}
                _ => assert_eq!(reply.refused(503, "store.unavailable").header("retry-after"), Some("1")),
            }
        }
    };
    tokio::join!(
        in_flight,
        assert_is_told_to_come_again(&firm.admin, get("/v1/clients")),
        assert_is_told_to_come_again(&firm.admin, late.clone()),
    );
    assert!(since.elapsed() < Duration::from_secs(15), "somebody waited for {:?}", since.elapsed());

    gate.release();
    for command in commands.into_iter().chain([late]) {
        assert_eq!(comes_again(&firm.admin, command).await, 201);
    }
    for _ in 0..=IN_FLIGHT {
        assert_eq!(feed.next().await.event_type(), "client.opened", "a feed outlives it");
    }
    let clients = firm.admin.get("/v1/clients").await.items();
    assert_eq!(clients.len(), IN_FLIGHT + 1, "each command took effect once");
    firm.ledger.gapless().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_starts_before_its_database_says_so_and_waits_for_it() {
    let mut gate = Gate::shut_before().await;
    let installation = Installation::new().await.behind(&gate);
    let node = installation.launch(&["serve", "--listen", "127.0.0.1:0"]);
    until("a word about the database", async || node.log().contains("does not answer yet").then_some(())).await;
    assert_eq!(node.heard("serving "), None);
    gate.open().await;
    let url = until("a node that serves", async || node.heard("serving ")).await;
    assert!(!url.ends_with(":0"), "{url}");
}
