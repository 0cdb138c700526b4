//! Two nodes, one ledger: what somebody may no longer do, they do not do after it was taken from them, however close
//! the race.
//!
//! `COUNTERSIGN_ROUNDS` makes the races longer.

use super::support::firm::{Firm, Guest, Project};
use super::support::ledger::Entry;
use super::support::longer::rounds;
use super::support::person::{Ask, Person, delete, post};
use super::support::reply::Reply;
use super::support::until::until;
use futures::future::join_all;
use futures::stream::{self, StreamExt};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const RIGHTS: [&str; 3] = ["financial_visibility", "invoice_visibility", "approve_invoices"];
/// How many invoices are prepared at a time.
const AT_A_TIME: usize = 8;

/// Rounds of all races of a story together, where nobody asks for more.
const ROUNDS: usize = 180;

/// Somebody who approves, while something is taken from them; an invoice for each round waits for them.
struct Race<'a> {
    firm: &'a Firm,
    guest: Guest,
    /// An invoice and its digest, as shown with all rights.
    invoices: Vec<(String, String)>,
}

/// What the side that lost the last round has on the other, so that both keep winning, in millionths of a second.
#[derive(Default)]
struct HeadStart(i64);

/// What became of one round.
struct Round {
    approve: Ask,
    approval: Reply,
}

impl HeadStart {
    /// How long the approval waits, and how long the other side does.
    fn waits(&self) -> (Duration, Duration) {
        let wait = |micros: i64| Duration::from_micros(micros.max(0).unsigned_abs());
        (wait(-self.0), wait(self.0))
    }

    fn after(&mut self, approved: bool) {
        self.0 += if approved { -200 } else { 200 };
    }
}

impl<'a> Race<'a> {
    /// Several of them on one project, each with their part of the rounds.
    async fn prepare(firm: &'a Firm, names: &[&str]) -> (Project, Vec<Self>) {
        let client = firm.client("Acme").await;
        let project = firm.project(&client, "Portal").await;
        let guests = join_all(names.iter().map(|name| firm.guest(name, &project, &RIGHTS))).await;
        let each = rounds(ROUNDS) / names.len();
        let prepared = stream::iter(0..each * names.len()).map(|_| firm.invoice_in_review(&project, 10_000));
        let mut invoices: Vec<String> = prepared.buffer_unordered(AT_A_TIME).collect().await;
        firm.settle().await;
        let mut races = Vec::new();
        for guest in guests {
            let own = invoices.split_off(invoices.len() - each);
            let shown = stream::iter(own).map(|invoice| async {
                let shown = guest.shown(&invoice).await;
                (invoice, shown)
            });
            let invoices = shown.buffer_unordered(AT_A_TIME).collect().await;
            races.push(Self { firm, guest, invoices });
        }
        (project, races)
    }

    /// The guest approves an invoice while an admin takes something away, each over one node or the other.
    async fn run(&self, round: usize, head_start: &mut HeadStart, taking: Ask) -> Round {
        let (invoice, shown) = &self.invoices[round];
        let approve = post(format!("/v1/invoices/{invoice}/approve"), json!({ "shown": shown }));
        let [one, other] = [round, round / 2].map(|number| &self.firm.nodes[number % self.firm.nodes.len()]);
        let (guest, admin) = (self.guest.person.at(one), self.firm.admin.at(other));
        let (first, second) = head_start.waits();
        let approving = async {
            tokio::time::sleep(first).await;
            guest.send(approve.clone()).await
        };
        let taking = async {
            tokio::time::sleep(second).await;
            admin.send(taking).await
        };
        let (approval, taken) = tokio::join!(approving, taking);
        taken.expect(200);
        head_start.after(approval.status == 200);
        Round { approve, approval }
    }
}

/// Asking again under the same key is answered as it was the first time.
async fn assert_is_answered_alike(person: &Person, round: &Round) {
    let again = person.send(round.approve.clone()).await;
    assert_eq!((again.status, &again.text), (round.approval.status, &round.approval.text));
}

fn approvals(entries: &[Entry]) -> usize {
    entries.iter().filter(|entry| entry.event_type == "invoice.approved").count()
}

/// Both sides won at times, or nothing was raced.
fn assert_was_close(approved: usize, rounds: usize) {
    assert!(0 < approved && approved < rounds, "{approved} of {rounds} rounds were won by the approval");
}

// F4.16, F4.17, F4.18
#[tokio::test(flavor = "multi_thread")]
async fn nobody_approves_after_their_deactivation() {
    let firm = Firm::on_plan("trial", 2).await;
    let (_, races) = Race::prepare(&firm, &["Gina", "Nils", "Rosa"]).await;
    let rounds: usize = races.iter().map(|race| race.invoices.len()).sum();
    let approved: usize = join_all(races.into_iter().map(race_deactivation)).await.into_iter().sum();

    let entries = firm.ledger.gapless().await;
    let mut inactive = BTreeSet::new();
    for entry in &entries {
        match entry.event_type.as_str() {
            "portal_user.deactivated" => drop(inactive.insert(entry.subject())),
            "portal_user.reactivated" => drop(inactive.remove(entry.subject())),
            "invoice.approved" => assert!(!inactive.contains(entry.actor()), "{entry:?}"),
            _ => {}
        }
    }
    assert_eq!(approvals(&entries), approved, "what was acknowledged is what stands");
    assert_was_close(approved, rounds);
}

/// How many rounds the approval won.
async fn race_deactivation(mut race: Race<'_>) -> usize {
    let (mut head_start, mut approved) = (HeadStart::default(), 0);
    let account = format!("/v1/portal-users/{}", race.guest.id);
    for number in 0..race.invoices.len() {
        let round = race.run(number, &mut head_start, post(format!("{account}/deactivate"), Value::Null)).await;
        race.firm.admin.post(format!("{account}/reactivate"), Value::Null).await.expect(200);
        race.guest.person = Person::sign_in(&race.firm.nodes[number % 2], &race.guest.account).await;
        match (round.approval.status, round.approval.code().as_str()) {
            (200, _) => approved += 1,
            (403, "portal_user.inactive") => {}
            // Nobody decided on it, so nothing is kept under its key.
            (401, "session.ended") => continue,
            other => panic!("{other:?}: {}", round.approval.text),
        }
        assert_is_answered_alike(&race.guest.person, &round).await;
    }
    approved
}

/// A right, and how whoever loses it in the race is answered.
struct Taken {
    right: &'static str,
    status: u16,
    code: &'static str,
}

const TAKEN: [Taken; 3] = [
    // They see less of it than what they were shown.
    Taken { right: "financial-access", status: 409, code: "invoice.shown_revision_is_outdated" },
    // They see it, and may not.
    Taken { right: "invoice-approval", status: 403, code: "access.denied" },
    // They do not see it.
    Taken { right: "invoice-visibility", status: 404, code: "not_found" },
];

// F5.14, F6.4, F10.5
#[tokio::test(flavor = "multi_thread")]
async fn nobody_approves_with_a_right_that_was_taken_back() {
    let firm = Firm::on_plan("trial", 2).await;
    let (project, races) = Race::prepare(&firm, &["Gina", "Nils", "Rosa"]).await;
    let rounds: usize = races.iter().map(|race| race.invoices.len()).sum();
    let raced = races.iter().zip(&TAKEN).map(|(race, taken)| race_withdrawal(race, taken, &project));
    let approved: usize = join_all(raced).await.into_iter().sum();

    let entries = firm.ledger.gapless().await;
    let mut held: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for entry in &entries {
        let data = &entry.envelope["data"];
        match entry.event_type.as_str() {
            "project.access_granted" | "project.access_revised" => {
                held.insert(data["portal_user"].as_str().unwrap(), words(&data["rights"]));
            }
            "invoice.approved" => {
                let rights = &held[entry.actor()];
                assert!(rights.contains("invoice_visibility") && rights.contains("approve_invoices"), "{entry:?}");
                let seeing = rights.iter().copied().filter(|right| right.ends_with("_visibility")).collect();
                assert_eq!(words(&data["approval"]["seeing"]), seeing, "{entry:?}");
            }
            _ => {}
        }
    }
    assert_eq!(approvals(&entries), approved, "what was acknowledged is what stands");
    assert_was_close(approved, rounds);
}

fn words(list: &Value) -> BTreeSet<&str> {
    list.as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect()
}

/// How many rounds the approval won.
async fn race_withdrawal(race: &Race<'_>, taken: &Taken, project: &Project) -> usize {
    let (mut head_start, mut approved) = (HeadStart::default(), 0);
    let place = format!("/v1/projects/{}/roster/{}", project.id, race.guest.id);
    for number in 0..race.invoices.len() {
        let round = race.run(number, &mut head_start, delete(format!("{place}/{}", taken.right))).await;
        race.firm.admin.put(place.as_str(), json!({ "rights": RIGHTS })).await.expect(200);
        if round.approval.status == 200 {
            approved += 1;
        } else {
            assert_eq!((round.approval.status, round.approval.code().as_str()), (taken.status, taken.code));
        }
        if round.approval.status == 404 {
            // What is not there is not decided on: under the same key it is found once it is there.
            race.guest.person.send(round.approve.clone()).await.expect(200);
            approved += 1;
        } else {
            assert_is_answered_alike(&race.guest.person, &round).await;
        }
    }
    approved
}

// D2, F10.6, F10.9
#[tokio::test(flavor = "multi_thread")]
async fn what_is_approved_is_sent_once_and_numbered_without_a_gap_though_two_nodes_would_send_it() {
    let firm = Firm::on_plan("trial", 2).await;
    let project = firm.project(&firm.client("Acme").await, "Portal").await;
    let gina = firm.guest("Gina", &project, &["invoice_visibility", "approve_invoices", "auto_send_on_approval"]).await;
    let prepared = stream::iter(0..16).map(|_| firm.invoice_in_review(&project, 10_000));
    let invoices: Vec<String> = prepared.buffer_unordered(AT_A_TIME).collect().await;
    firm.settle().await;
    let approvals = stream::iter(invoices.iter().enumerate()).map(|(number, invoice)| {
        let gina = Guest { person: gina.person.at(&firm.nodes[number % 2]), ..gina.clone() };
        async move { gina.approve(invoice).await }
    });
    approvals.buffer_unordered(AT_A_TIME).collect::<()>().await;

    let sent = until("invoices that were all sent", async || {
        let entries = firm.ledger.gapless().await;
        let sent: Vec<Entry> = entries.into_iter().filter(|entry| entry.event_type == "invoice.sent").collect();
        (sent.len() >= invoices.len()).then_some(sent)
    })
    .await;
    let subjects: BTreeSet<&str> = sent.iter().map(Entry::subject).collect();
    assert_eq!(subjects, invoices.iter().map(String::as_str).collect());
    for (number, entry) in (1..).zip(&sent) {
        let written = entry.envelope["data"]["number"].as_str().unwrap();
        assert!(written.ends_with(&format!("-{number:05}")), "{written} is the {number}th");
        assert_eq!(entry.envelope["actor"], json!({ "kind": "process", "id": "auto_send" }));
        assert!(entry.envelope["causation_id"].is_string(), "it says which approval it follows from");
    }
}
