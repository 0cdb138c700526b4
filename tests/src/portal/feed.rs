//! The feed of changes: exactly those that its reader may see, as they happen, wherever they happen.

use super::support::change_feed::{ChangeFeed, Told};
use super::support::firm::Firm;
use super::support::person::get;
use super::support::until::until;
use serde_json::{Value, json};

fn event_types(told: &[Told]) -> Vec<&str> {
    told.iter().map(Told::event_type).collect()
}

// F6.1, F6.3, F10.1, F4.17
#[tokio::test]
async fn a_guest_is_told_of_what_they_may_see_and_of_nothing_else() {
    let firm = Firm::on_plan("trial", 2).await;
    let client = firm.client("Acme").await;
    let project = firm.project(&client, "Portal").await;
    let hidden = firm.hidden_project(&client, "Hidden").await;
    let gina = firm.guest("Gina", &project, &["invoice_visibility", "approve_invoices"]).await;
    let nils = firm.guest("Nils", &project, &["approve_time"]).await;
    // What happens on one node is told on the other.
    let mut feed = ChangeFeed::open(&gina.person.at(&firm.nodes[1]), None).await;
    let mut staff_feed = ChangeFeed::open(&firm.admin, None).await;

    firm.client("Brook").await;
    firm.time(&hidden, "1").await;
    let invoice = firm.draft(&project, 10_000).await;
    let place = |who: &str| format!("/v1/projects/{}/roster/{who}", project.id);
    firm.admin.put(format!("{}/financial-access", place(&nils.id)), Value::Null).await.expect(200);
    firm.admin.put(format!("{}/financial-access", place(&gina.id)), Value::Null).await.expect(200);
    firm.put_in_review(&invoice).await;
    firm.settle().await;
    gina.approve(&invoice).await;

    let told = feed.until("invoice.approved").await;
    assert_eq!(event_types(&told), ["project.access_revised", "invoice.put_in_review", "invoice.approved"]);
    assert_eq!((&told[1].data["object_kind"], &told[1].data["object_id"]), (&json!("invoice"), &json!(invoice)));
    assert!(told.iter().all(|told| told.data.as_object().unwrap().len() == 4), "no more than where to look: {told:?}");
    assert!(told.iter().all(|told| told.id.parse::<u64>().is_err()), "guests are told no positions");

    // Where the line broke, it goes on.
    let mut resumed = ChangeFeed::open(&gina.person, Some(&told[0].id)).await;
    assert_eq!(event_types(&resumed.until("invoice.approved").await), event_types(&told)[1..]);
    // The staff is told of what it may see.
    let seen_by_staff = staff_feed.until("invoice.approved").await;
    for event_type in ["client.opened", "time_entry.logged", "invoice.drafted"] {
        assert!(event_types(&seen_by_staff).contains(&event_type), "{seen_by_staff:?}");
    }

    firm.admin.post(format!("/v1/portal-users/{}/deactivate", gina.id), Value::Null).await.expect(200);
    assert_eq!(feed.next().await.name, "end", "the feed ends with the session");
}

#[tokio::test]
async fn one_person_has_so_many_feeds_open_and_a_place_is_free_when_one_is_left() {
    let firm = Firm::open().await;
    let mut feeds = Vec::new();
    for _ in 0..8 {
        feeds.push(ChangeFeed::open(&firm.admin, None).await);
    }
    let refused = firm.admin.get("/v1/feed").await.refused(429, "requests.too_many");
    assert_eq!(refused.header("retry-after"), Some("1"));
    feeds.pop();
    until("a free place", async || {
        let reply = firm.admin.request(get("/v1/feed")).send().await.unwrap();
        (reply.status() == 200).then_some(())
    })
    .await;
}
