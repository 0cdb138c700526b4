//! People who keep giving commands, whatever happens to the nodes, and what must be true of it all afterwards.

use super::firm::{Firm, settle};
use super::ledger::Ledger;
use super::person::{Ask, Person, post};
use super::reply::Reply;
use super::until::until;
use futures::future::join_all;
use futures::stream::{self, StreamExt};
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use uuid::Uuid;

const WRITERS: usize = 8;
/// What the first client of all is called.
const ACME: &str = "Acme";
/// About how many commands are sent again at the end.
const ASKED_AGAIN: usize = 800;

/// Commands of one organization that do not end: each is sent again under its key until it is acknowledged.
pub(crate) struct Load {
    admin: Person,
    ledger: Ledger,
    /// At which people are put on record.
    client: String,
    acknowledged: Cell<usize>,
    /// What was answered while a command could not be done.
    excuses: RefCell<Vec<Reply>>,
    is_over: Cell<bool>,
}

/// A command with its answer.
pub(crate) struct Acknowledged {
    sort: &'static Sort,
    name: String,
    ask: Ask,
    reply: Reply,
}

/// What is created: where it is listed, as what, and what stands in the ledger then.
struct Sort {
    path: &'static str,
    noun: &'static str,
    event_type: &'static str,
}

const CLIENT: Sort = Sort { path: "/v1/clients", noun: "client", event_type: "client.opened" };
/// Each is somebody new, who needs a key of their own.
const CONTACT: Sort = Sort { path: "/v1/contacts", noun: "contact", event_type: "contact.added" };

impl Load {
    /// On a firm.
    pub(crate) async fn on(firm: &Firm) -> Self {
        Self::of(firm.admin.clone(), firm.ledger.clone()).await
    }

    /// On the organization of an admin.
    pub(crate) async fn of(admin: Person, ledger: Ledger) -> Self {
        let client = admin.post(CLIENT.path, json!({ "name": ACME })).await.id();
        let (acknowledged, excuses, is_over) = (Cell::default(), RefCell::default(), Cell::default());
        Self { admin, ledger, client, acknowledged, excuses, is_over }
    }

    /// Writes until it is over, at any of the nodes, of which each may be gone for a while.
    pub(crate) async fn run(&self, addresses: &[String]) -> Vec<Acknowledged> {
        let nodes: Vec<Person> = addresses.iter().map(|address| self.admin.at_address(address)).collect();
        let written = join_all((0..WRITERS).map(|writer| self.write(&nodes, writer))).await;
        written.into_iter().flatten().collect()
    }

    /// Creates one after the other, over one node after the other.
    async fn write(&self, nodes: &[Person], writer: usize) -> Vec<Acknowledged> {
        let mut all = Vec::new();
        while !self.is_over.get() {
            let number = all.len();
            let (sort, name) = ([&CLIENT, &CONTACT][number % 2], format!("{writer}-{number}"));
            let ask = post(sort.path, self.body(sort, &name));
            let mut turn = writer + number;
            let reply = until("an answer to a command", async || {
                turn += 1;
                self.acknowledge(nodes[turn % nodes.len()].try_send(ask.clone()).await.ok()?)
            })
            .await;
            all.push(Acknowledged { sort, name, ask, reply });
        }
        all
    }

    fn body(&self, sort: &Sort, name: &str) -> Value {
        match sort.noun {
            "client" => json!({ "name": name }),
            _ => json!({ "client": self.client, "name": name, "email": format!("{name}@clients.example") }),
        }
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
    pub(crate) async fn go_on(&self) {
        let [.., chance] = *Uuid::now_v7().as_bytes();
        let enough = self.acknowledged.get() + 2 * WRITERS + usize::from(chance) % 128;
        until("acknowledgements", async || (self.acknowledged.get() >= enough).then_some(())).await;
    }

    /// Nothing new is begun; what was is carried to its end.
    pub(crate) fn end(&self) {
        self.is_over.set(true);
    }

    /// How often somebody was told to come again.
    pub(crate) fn excuses(&self) -> usize {
        self.excuses.borrow().len()
    }

    /// Nothing that was acknowledged is lost, and nothing happened twice.
    pub(crate) async fn assert_is_kept(&self, acknowledged: &[Acknowledged]) {
        // What could not be done said so, and when to come again.
        for excuse in self.excuses.borrow().iter() {
            assert_eq!((excuse.status, excuse.header("retry-after")), (503, Some("1")), "{excuse:?}");
        }
        assert_answers_are_kept(&self.admin, acknowledged).await;
        settle(&self.admin, &self.ledger).await;
        let clients = promised(acknowledged, &CLIENT, [(self.client.clone(), ACME.to_owned())]);
        let contacts = promised(acknowledged, &CONTACT, []);
        assert!(!contacts.is_empty(), "both were created");
        self.assert_stand_once(&CLIENT, &clients).await;
        self.assert_stand_once(&CONTACT, &contacts).await;
    }

    /// What was promised stands in the ledger, once and nothing else, and the read models lost nothing of it either.
    async fn assert_stand_once(&self, sort: &Sort, promised: &BTreeMap<String, String>) {
        let entries = self.ledger.gapless().await;
        let stand: Vec<&str> =
            entries.iter().filter(|entry| entry.event_type == sort.event_type).map(|entry| entry.subject()).collect();
        assert_eq!(stand.len(), promised.len(), "every command took effect once");
        assert!(stand.iter().all(|id| promised.contains_key(*id)), "and is what was acknowledged");

        let word = |item: &Value, field: &str| item[field].as_str().unwrap_or_else(|| panic!("{item}")).to_owned();
        let listed = self.admin.list(sort.path).await;
        let listed: BTreeMap<_, _> = listed.iter().map(|item| (word(item, sort.noun), word(item, "name"))).collect();
        // Whoever's key was lost has no name.
        assert_eq!(&listed, promised);
    }
}

/// What everything of a sort is called, by its id; the rest was there before.
fn promised<const N: usize>(
    acknowledged: &[Acknowledged],
    sort: &Sort,
    rest: [(String, String); N],
) -> BTreeMap<String, String> {
    let of_it: Vec<_> = acknowledged.iter().filter(|one| one.sort.path == sort.path).collect();
    let created = of_it.iter().map(|one| (one.reply.clone().id(), one.name.clone()));
    let promised: BTreeMap<_, _> = created.chain(rest).collect();
    assert_eq!(promised.len(), of_it.len() + N, "each {} has an id of its own", sort.noun);
    promised
}

/// One person may send only so many commands at a time; on a fast machine the load is more.
fn is_too_much(reply: &Reply) -> bool {
    reply.status == 429
}

/// Commands are answered from what is stored, as they were answered first: each, or some hundreds of very many.
async fn assert_answers_are_kept(admin: &Person, acknowledged: &[Acknowledged]) {
    let some = acknowledged.iter().step_by(acknowledged.len() / ASKED_AGAIN + 1);
    let asked = stream::iter(some).map(|Acknowledged { ask, reply, .. }| async {
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
