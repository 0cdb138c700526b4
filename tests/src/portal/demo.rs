//! The demo: made once, made whole, and made up for everybody to see.

use super::support::installation::Installation;
use super::support::ledger::{Entry, Ledger};
use super::support::node::Node;
use super::support::person::{Account, Person};
use super::support::until::until;
use serde_json::Value;
use std::collections::BTreeMap;
use uuid::Uuid;

/// The demo's organization: the same wherever the demo is made.
const ORG: Uuid = Uuid::from_u128(0xa9ff_b872_3869_55d9_abf8_ad43_298b_a07d);
const PASSWORD: &str = "welcome to the demo";
/// Guests with and without the right to see amounts.
const GUESTS: [&str; 3] = ["gina@harbourfoods.example", "nils@harbourfoods.example", "carl@brightwater.example"];

fn ledger(installation: &Installation) -> Ledger {
    Ledger::at(&installation.database_url(), ORG)
}

/// How often each thing happened.
fn tally(entries: &[Entry]) -> BTreeMap<&str, usize> {
    let mut tally = BTreeMap::new();
    entries.iter().for_each(|entry| *tally.entry(entry.event_type.as_str()).or_default() += 1);
    tally
}

/// What the demo's guests see.
async fn sights(node: &Node) -> Vec<Value> {
    let mut sights = Vec::new();
    for email in GUESTS {
        let account = Account { password: PASSWORD.to_owned(), ..Account::new("demo", email) };
        let guest = Person::sign_in(node, &account).await;
        for path in ["/v1/dashboard", "/v1/invoices", "/v1/awaiting-my-approval", "/v1/projects"] {
            sights.push(guest.get(path).await.expect(200).json());
        }
    }
    sights
}

// Design, part 6 and 7
#[tokio::test]
async fn the_demo_is_made_once_is_said_to_be_made_up_and_looks_the_same_after_a_rebuild() {
    let installation = Installation::new().await;
    installation.run(&["demo", "--once"]).printed();
    let made = ledger(&installation).gapless().await;
    for entry in &made {
        assert_eq!(entry.envelope["provenance"]["kind"], "simulated", "{entry:?}");
    }
    installation.run(&["demo", "--once"]).printed();
    assert_eq!(ledger(&installation).head().await, made.len() as i64, "made again, nothing happens");

    let node = installation.serve().await;
    let before = sights(&node).await;
    let dashboard = &before[0]["projects"][0];
    assert!(dashboard["amounts"].is_object() && dashboard["awaiting_my_approval"].as_u64() > Some(0), "{dashboard}");
    let rebuilt = installation.run(&["rebuild", "--all", "--json"]).printed();
    for report in rebuilt.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        assert_eq!((&report["organizations"], &report["events"]), (&1.into(), &made.len().into()), "{report}");
    }
    assert_eq!(sights(&node).await, before);
    assert_eq!(ledger(&installation).head().await, made.len() as i64);
}

#[tokio::test]
async fn a_demo_that_is_killed_in_the_making_goes_on_to_the_same_end() {
    let (unbroken, broken) = (Installation::new().await, Installation::new().await);
    let mut whole = unbroken.launch(&["demo", "--once"]);
    for enough in [60, 150, 270] {
        let mut process = broken.launch(&["demo", "--once"]);
        let head = async || (ledger(&broken).head().await >= enough).then_some(());
        until("a demo that is half made", head).await;
        process.kill();
    }
    broken.run(&["demo", "--once"]).printed();
    assert!(whole.end().await.success());

    let (one, other) = (ledger(&unbroken).gapless().await, ledger(&broken).gapless().await);
    assert_eq!(tally(&one), tally(&other));
    let node = broken.serve().await;
    assert_eq!(sights(&node).await, sights(&unbroken.serve().await).await);
}
