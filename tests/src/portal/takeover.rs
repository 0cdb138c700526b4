//! A node that is stopped in the middle of its work is replaced, and what it had begun comes to nothing.
//!
//! `COUNTERSIGN_KILLS` makes the last two stories longer.

use super::support::firm::Firm;
use super::support::installation::{ANY_PORT, Installation};
use super::support::load::Load;
use super::support::longer::kills;
use super::support::node::Node;
use super::support::person::post;
use super::support::until::until;
use nix::sys::signal::Signal;
use serde_json::json;
use sqlx::{Connection, PgConnection};

// Design, part 7: rows and checkpoint move by compare-and-set on position and lease epoch.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_stopped_while_it_holds_a_transaction_is_replaced_and_commits_nothing_afterwards() {
    let mut firm = Firm::open().await;
    firm.client("Acme").await;
    firm.settle().await;
    // All work goes to a node that pauses over the first of it, with rows written and checkpoints locked.
    let pausing = pausing(&firm.installation).await;
    assert!(firm.nodes[0].stop().await.success());
    firm.admin = firm.admin.at(&pausing);
    firm.client("Globex").await;
    until("a node in the middle of its work", async || {
        pausing.log().contains("projection.folded pauses").then_some(())
    })
    .await;
    pausing.signal(Signal::SIGSTOP);

    firm.nodes[0] = firm.installation.serve().await;
    firm.admin = firm.admin.at(firm.node());
    firm.client("Initech").await;
    firm.settle().await;
    let mut database = PgConnection::connect(&firm.installation.database_url()).await.unwrap();
    let before = checkpoints(&mut database).await;

    pausing.signal(Signal::SIGCONT);
    until("a node that was refused", async || pausing.log().contains("could not be projected").then_some(())).await;
    assert_eq!(checkpoints(&mut database).await, before, "what it had begun came to nothing");
    assert_eq!(firm.admin.get("/v1/clients").await.items().len(), 3, "every client is there once");
    firm.ledger.gapless().await;
}

/// A node that waits for a while before it commits its first rows: long enough to be stopped meanwhile.
async fn pausing(installation: &Installation) -> Node {
    installation.serve_faulty(ANY_PORT, "projection.folded=pause:8000").await
}

/// How far each group's rows are, and under which epoch they were moved there.
async fn checkpoints(database: &mut PgConnection) -> Vec<(String, i64, i64)> {
    let found = sqlx::query_as("SELECT \"group\", position, epoch FROM read.checkpoint ORDER BY 1, 2");
    found.fetch_all(database).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_were_being_written_when_a_node_died_are_there_once_when_another_has_taken_over() {
    let mut firm = Firm::open().await;
    firm.client("Acme").await;
    firm.settle().await;
    for number in 0..kills(1) {
        let mut dying = firm.installation.serve_faulty(ANY_PORT, "projection.folded=kill").await;
        assert!(firm.nodes[0].stop().await.success());
        let at_the_dying = firm.admin.at(&dying);
        let open = post("/v1/clients", json!({ "name": format!("Globex {number}") }));
        drop(at_the_dying.try_send(open.clone()).await);
        dying.dies_at("projection.folded").await;

        firm.nodes[0] = firm.installation.serve().await;
        firm.admin = firm.admin.at(firm.node());
        firm.admin.send(open).await.expect(201);
        firm.settle().await;
        let listed = firm.admin.list("/v1/clients").await;
        assert_eq!(listed.len(), number + 2, "what had begun came to nothing, and is there once");
    }
    firm.ledger.gapless().await;
}

/// Waits until so many nodes share the work.
async fn work_is_shared_by(firm: &Firm, nodes: i64) {
    let mut database = PgConnection::connect(&firm.installation.database_url()).await.unwrap();
    until("work that is shared anew", async || {
        let sharing = sqlx::query_scalar("SELECT count(DISTINCT holder) FROM node.lease WHERE holder IS NOT NULL");
        let sharing: i64 = sharing.fetch_one(&mut database).await.unwrap();
        (sharing == nodes).then_some(())
    })
    .await;
}

// Design, part 7: rows and checkpoint move by compare-and-set on position and lease epoch.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_stands_still_under_load_and_goes_on_again_has_lost_nothing_and_done_nothing_twice() {
    let firm = Firm::on_plan("trial", 2).await;
    let (neighbour, its_ledger) = firm.neighbours("birch").await;
    let (load, other) = (Load::on(&firm).await, Load::of(neighbour, its_ledger).await);
    let [here, there] = [0, 1].map(|node: usize| firm.nodes[node].address());
    let (at_both, at_one) = ([here, there.clone()], [there]);
    work_is_shared_by(&firm, 2).await;
    let stopping = async {
        for _ in 0..kills(1) {
            load.go_on().await;
            firm.nodes[0].signal(Signal::SIGSTOP);
            work_is_shared_by(&firm, 1).await;
            other.go_on().await;
            firm.nodes[0].signal(Signal::SIGCONT);
            work_is_shared_by(&firm, 2).await;
        }
        tokio::join!(load.go_on(), other.go_on());
        load.end();
        other.end();
    };
    let (written, others, ()) = tokio::join!(load.run(&at_both), other.run(&at_one), stopping);
    load.assert_is_kept(&written).await;
    other.assert_is_kept(&others).await;
}
