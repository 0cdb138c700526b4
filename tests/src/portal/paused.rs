//! A node pauses in the middle of a transaction, while others commit around it.

use super::support::firm::{Firm, settle};
use super::support::installation::Installation;
use super::support::ledger::Ledger;
use super::support::longer::commands_each;
use super::support::node::Node;
use super::support::person::{Person, post};
use super::support::until::until;
use futures::future::join_all;
use nix::sys::signal::Signal;
use serde_json::json;
use sqlx::{Connection, PgConnection};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs::File;
use std::path::PathBuf;

const WRITERS: usize = 32;
const SLUGS: [&str; 7] = ["alder", "beech", "cedar", "elder", "hazel", "maple", "rowan"];

/// A node that stands still within a transaction of which all is written and nothing committed, until it is let go on.
struct Held {
    file: PathBuf,
    place: &'static str,
}

impl Held {
    /// In the place of a firm's first node, at the same address.
    async fn in_place_of_the_first(firm: &mut Firm) -> Self {
        let (file, place) = (firm.installation.data_dir().join("held"), "batch.written");
        File::create(&file).unwrap();
        assert!(firm.nodes[0].stop().await.success());
        let fault = format!("{place}=hold:{}", file.display());
        firm.nodes[0] = firm.installation.serve_faulty(&firm.nodes[0].address(), &fault).await;
        Self { file, place }
    }

    async fn stands_still(&self, node: &Node) {
        let word = format!("fault: {} holds", self.place);
        until("a node that stands still", async || node.log().contains(&word).then_some(())).await;
    }

    fn goes_on(&self) {
        std::fs::remove_file(&self.file).unwrap();
    }
}

/// One command after the other, each until it is answered, and as many as a story has at least.
async fn write(admin: &Person, writer: usize) -> Vec<String> {
    write_while(admin, writer, || false).await
}

/// The same, and more for as long as there is a reason to.
async fn write_while(admin: &Person, writer: usize, reason: impl Fn() -> bool) -> Vec<String> {
    let mut opened = Vec::new();
    while opened.len() < commands_each(6) || reason() {
        let ask = post("/v1/clients", json!({ "name": format!("Client {writer}-{}", opened.len()) }));
        let reply = until("an answer to a command", async || {
            let reply = admin.send(ask.clone()).await;
            (!matches!(reply.status, 429 | 503)).then_some(reply)
        });
        opened.push(reply.await.id());
    }
    opened
}

/// Waits until rows have taken an event that was committed by a later transaction than the one that stands still.
async fn somebody_is_followed_who_came_later(firm: &Firm) {
    let mut database = PgConnection::connect(&firm.installation.database_url()).await.unwrap();
    let statement = "SELECT EXISTS (
             SELECT FROM pg_stat_activity held
             JOIN ledger.commit_feed feed ON feed.xid::text::bigint > held.backend_xid::text::bigint
             JOIN read.checkpoint c ON c.org_id = feed.org_id AND c.\"group\" = 'portal' AND c.position >= feed.position
             WHERE held.datname = current_database() AND held.state = 'idle in transaction'
               AND held.query LIKE '%ledger.append%'
         )";
    until("rows of an event that was committed later", async || {
        sqlx::query_scalar::<_, bool>(statement).fetch_one(&mut database).await.unwrap().then_some(())
    })
    .await;
}

// Design, part 4: a sweep of the feed never asks for "greater than last".
#[tokio::test(flavor = "multi_thread")]
async fn no_event_is_skipped_while_many_write_and_a_node_stands_still_with_one_of_them_written() {
    let mut firm = Firm::of(Installation::new().await.in_transactions(), "trial", 2).await;
    let mut firms: Vec<(Person, Ledger)> = vec![(firm.admin.clone(), firm.ledger.clone())];
    firms.extend(join_all(SLUGS.map(|slug| firm.neighbours(slug))).await);
    let held = Held::in_place_of_the_first(&mut firm).await;
    let is_held = &Cell::new(true);
    let writing = join_all((0..WRITERS).map(|writer| {
        let (place, round) = (writer % firms.len(), writer / firms.len());
        // Whoever stands still may hold everybody whose commands came with its own: one firm's never come there, and
        // there is more of them until one's rows have been seen.
        let never_held = place == 0;
        let admin = firms[place].0.at(&firm.nodes[if never_held { 1 } else { round % 2 }]);
        let reason = move || never_held && is_held.get();
        async move { write_while(&admin, writer, reason).await }
    }));
    let holding = async {
        held.stands_still(&firm.nodes[0]).await;
        somebody_is_followed_who_came_later(&firm).await;
        held.goes_on();
        is_held.set(false);
    };
    let (written, ()) = tokio::join!(writing, holding);

    for (number, (admin, ledger)) in firms.iter().enumerate() {
        let admin = admin.at(&firm.nodes[1]);
        let promised: BTreeSet<&String> = written.iter().skip(number).step_by(firms.len()).flatten().collect();
        settle(&admin, ledger).await;
        let listed = admin.list("/v1/clients").await;
        let listed: BTreeSet<String> =
            listed.iter().map(|client| client["client"].as_str().unwrap().to_owned()).collect();
        assert_eq!(listed.iter().collect::<BTreeSet<_>>(), promised, "what was acknowledged is listed, all of it");
        let opened = ledger.gapless().await;
        let opened = opened.iter().filter(|entry| entry.event_type == "client.opened").count();
        assert_eq!(opened, promised.len(), "and stands once");
    }
}

/// A node stops while it holds a ledger's lock, with a command of its own written and not committed.
async fn a_ledger_is_let_go(mut firm: Firm, takes_waiting: bool) {
    let held = Held::in_place_of_the_first(&mut firm).await;
    let (here, there) = (firm.admin.at(&firm.nodes[0]), firm.admin.at(&firm.nodes[1]));
    let ask = post("/v1/clients", json!({ "name": "Acme" }));
    let somebody = if takes_waiting { Some(firm.ledger.held().await) } else { None };
    let stopped = tokio::spawn({
        let (here, ask) = (here.clone(), ask.clone());
        async move { here.try_send(ask).await }
    });
    if let Some(somebody) = somebody {
        firm.ledger.is_waited_for().await;
        somebody.close().await.unwrap();
    }
    held.stands_still(&firm.nodes[0]).await;
    firm.nodes[0].signal(Signal::SIGSTOP);

    // Others are told to come again for some seconds, and then go on.
    let other = write(&there, 0).await;
    held.goes_on();
    firm.nodes[0].signal(Signal::SIGCONT);
    drop(stopped.await.unwrap());
    let reply = until("an answer to a command that is sent again", async || {
        let reply = here.send(ask.clone()).await;
        (reply.status != 503).then_some(reply)
    })
    .await;
    let opened = firm.ledger.gapless().await;
    let opened: Vec<&str> =
        opened.iter().filter(|entry| entry.event_type == "client.opened").map(|entry| entry.subject()).collect();
    assert_eq!(opened.len(), other.len() + 1);
    assert!(opened.contains(&reply.id().as_str()), "what had begun comes to nothing, and is done once");
}

// Design, part 4: two nodes on one organization are slower, never wrong.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_stops_while_it_holds_a_ledger_does_not_hold_it_for_long() {
    a_ledger_is_let_go(Firm::on_plan("trial", 2).await, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_stops_while_it_holds_a_ledger_behind_a_pooler_does_not_hold_it_for_long() {
    a_ledger_is_let_go(Firm::of(Installation::new().await.in_transactions(), "trial", 2).await, false).await;
}
