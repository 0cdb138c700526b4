//! Killed in the middle: nothing that was acknowledged is lost, and nothing happens twice.
//!
//! `COUNTERSIGN_KILLS` makes the story longer.

use super::support::change_feed::ChangeFeed;
use super::support::firm::Firm;
use super::support::installation::Installation;
use super::support::node::Node;
use super::support::person::{Ask, Person, post};
use super::support::reply::Reply;
use super::support::until::until;
use futures::future::join_all;
use futures::stream::{self, StreamExt};
use nix::sys::signal::Signal;
use serde_json::json;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use uuid::Uuid;

const WRITERS: usize = 8;
/// About how many commands are sent again at the end.
const ASKED_AGAIN: usize = 800;

fn kills() -> usize {
    let wanted = std::env::var("COUNTERSIGN_KILLS").ok();
    wanted.map_or(6, |kills| kills.parse().expect("COUNTERSIGN_KILLS is a number"))
}

/// Commands that do not end: each is sent again under its key until it is acknowledged.
#[derive(Default)]
struct Load {
    acknowledged: Cell<usize>,
    /// What was answered while a command could not be done.
    excuses: RefCell<Vec<Reply>>,
    is_over: Cell<bool>,
}

/// A command with its answer.
struct Acknowledged {
    ask: Ask,
    reply: Reply,
}

impl Load {
    /// Opens one client after the other, over any of the nodes.
    async fn write(&self, nodes: &[Person], writer: usize) -> Vec<Acknowledged> {
        let mut all = Vec::new();
        while !self.is_over.get() {
            let ask = post("/v1/clients", json!({ "name": format!("Client {writer}-{}", all.len()) }));
            let mut turn = writer + all.len();
            let reply = until("an answer to a command", async || {
                turn += 1;
                self.acknowledge(nodes[turn % nodes.len()].try_send(ask.clone()).await.ok()?)
            })
            .await;
            all.push(Acknowledged { ask, reply });
        }
        all
    }

    fn acknowledge(&self, reply: Reply) -> Option<Reply> {
        if reply.status >= 500 {
            self.excuses.borrow_mut().push(reply);
            return None;
        }
        if is_too_much(&reply) {
            return None;
        }
        self.acknowledged.update(|count| count + 1);
        Some(reply.expect(201))
    }

    /// Waits for some more acknowledgements: one never knows how many.
    async fn go_on(&self) {
        let [.., chance] = *Uuid::now_v7().as_bytes();
        let enough = self.acknowledged.get() + 2 * WRITERS + usize::from(chance) % 128;
        until("acknowledgements", async || (self.acknowledged.get() >= enough).then_some(())).await;
    }
}

/// Kills a node, and starts it again where it was.
async fn kill_node(node: &mut Node, installation: &Installation) {
    node.kill();
    let address = node.url.strip_prefix("http://").unwrap().to_owned();
    *node = installation.serve_at(&address).await;
}

// Design, part 4: one commit per batch, one outcome per command.
#[tokio::test(flavor = "multi_thread")]
async fn no_acknowledged_command_is_lost_or_done_twice_when_nodes_and_postgres_are_killed() {
    let mut firm = Firm::of(Installation::private(), "trial", 2).await;
    let load = Load::default();
    let people: Vec<Person> = firm.nodes.iter().map(|node| firm.admin.at(node)).collect();
    let writing = join_all((0..WRITERS).map(|writer| load.write(&people, writer)));
    let killing = async {
        for number in 0..kills() {
            load.go_on().await;
            match number % 3 {
                2 => firm.installation.postmaster().unwrap().signal(Signal::SIGKILL),
                node => kill_node(&mut firm.nodes[node], &firm.installation).await,
            }
        }
        load.go_on().await;
        load.is_over.set(true);
    };
    let (written, ()) = tokio::join!(writing, killing);
    let acknowledged: Vec<Acknowledged> = written.into_iter().flatten().collect();

    // What could not be done said so, and when to come again.
    for excuse in load.excuses.borrow().iter() {
        assert_eq!((excuse.status, excuse.header("retry-after")), (503, Some("1")), "{excuse:?}");
    }
    let entries = firm.ledger.gapless().await;
    let opened: Vec<&str> =
        entries.iter().filter(|entry| entry.event_type == "client.opened").map(|entry| entry.subject()).collect();
    let promised: BTreeSet<String> = acknowledged.iter().map(|one| one.reply.clone().id()).collect();
    assert_eq!(opened.len(), acknowledged.len(), "every command took effect once");
    assert!(opened.iter().all(|id| promised.contains(*id)), "and is what was acknowledged");
    assert_eq!(promised.len(), acknowledged.len(), "under an id of its own");
    assert_answers_are_kept(&firm.admin, &acknowledged).await;
    assert_all_are_listed(&firm, &promised).await;
}

/// One person may send only so many commands at a time; on a fast machine the load is more.
fn is_too_much(reply: &Reply) -> bool {
    reply.status == 429
}

/// Commands are answered from what is stored, as they were answered first: each, or some hundreds of very many.
async fn assert_answers_are_kept(admin: &Person, acknowledged: &[Acknowledged]) {
    let some = acknowledged.iter().step_by(acknowledged.len() / ASKED_AGAIN + 1);
    let asked = stream::iter(some).map(|Acknowledged { ask, reply }| async {
        let again = until("an answer to a command that is sent again", async || {
            let again = admin.send(ask.clone()).await;
            (!is_too_much(&again)).then_some(again)
        });
        let again = again.await.expect(201);
        assert_eq!(again.text, reply.text);
        assert_eq!(again.header("ledger-position"), reply.header("ledger-position"));
        assert_eq!(again.header("idempotent-replayed"), Some("true"));
    });
    asked.buffer_unordered(WRITERS).collect().await
}

/// The read models lost nothing either.
async fn assert_all_are_listed(firm: &Firm, promised: &BTreeSet<String>) {
    firm.settle().await;
    let (mut listed, mut after) = (BTreeSet::new(), String::new());
    loop {
        let page = firm.admin.get(format!("/v1/clients?limit=200{after}")).await.expect(200).json();
        let items = page["items"].as_array().unwrap();
        listed.extend(items.iter().map(|client| client["client"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(&listed, promised);
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
