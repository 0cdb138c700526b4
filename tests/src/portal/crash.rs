//! Killed in the middle: nothing that was acknowledged is lost, and nothing happens twice.
//!
//! `COUNTERSIGN_KILLS` makes the story longer.

use super::support::change_feed::ChangeFeed;
use super::support::firm::Firm;
use super::support::installation::Installation;
use super::support::load::Load;
use super::support::longer::kills;
use super::support::node::Node;
use super::support::until::until;
use nix::sys::signal::Signal;

/// Kills a node, and starts it again where it was.
async fn kill_node(node: &mut Node, installation: &Installation) {
    node.kill();
    *node = installation.serve_at(&node.address()).await;
}

// Design, part 4: one commit per batch, one outcome per command.
#[tokio::test(flavor = "multi_thread")]
async fn no_acknowledged_command_is_lost_or_done_twice_when_nodes_and_postgres_are_killed() {
    let mut firm = Firm::of(Installation::private(), "trial", 2).await;
    let load = Load::on(&firm).await;
    let addresses: Vec<String> = firm.nodes.iter().map(Node::address).collect();
    let killing = async {
        for number in 0..kills(6) {
            load.go_on().await;
            match number % 3 {
                2 => firm.installation.postmaster().unwrap().signal(Signal::SIGKILL),
                node => kill_node(&mut firm.nodes[node], &firm.installation).await,
            }
        }
        load.go_on().await;
        load.end();
    };
    let (written, ()) = tokio::join!(load.run(&addresses), killing);
    load.assert_is_kept(&written).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_postgres_is_restarted_people_are_told_to_come_again_and_then_all_goes_on() {
    let firm = Firm::of(Installation::private(), "trial", 1).await;
    let load = Load::on(&firm).await;
    let addresses = [firm.node().address()];
    let restarting = async {
        // As an operator stops it, as one in a hurry does, and as the machine's memory gives out.
        for signal in [Signal::SIGINT, Signal::SIGQUIT, Signal::SIGKILL].iter().cycle().take(kills(3)) {
            load.go_on().await;
            let before = load.excuses();
            firm.installation.postmaster().unwrap().signal(*signal);
            until("somebody who is told to come again", async || (load.excuses() > before).then_some(())).await;
        }
        load.go_on().await;
        load.end();
    };
    let (written, ()) = tokio::join!(load.run(&addresses), restarting);
    load.assert_is_kept(&written).await;
}

#[tokio::test]
async fn a_node_that_is_told_to_stop_ends_its_feeds_and_its_server_and_goes_on_when_it_is_started_again() {
    let mut firm = Firm::of(Installation::private(), "trial", 1).await;
    let mut feed = ChangeFeed::open(&firm.admin, None).await;
    let client = firm.client("Acme").await;
    assert_eq!(feed.next().await.event_type(), "client.opened");
    assert!(firm.nodes[0].stop().await.success());
    assert!(firm.installation.postmaster().is_none(), "the last one to leave stops the server");

    firm.nodes[0] = firm.installation.serve().await;
    let admin = firm.admin.at(firm.node());
    assert_eq!(admin.get(format!("/v1/clients/{client}")).await.expect(200).json()["name"], "Acme");
}
