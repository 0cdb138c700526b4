//! A plan's seats: counted where guests are invited and where they are switched on again, however many ask at once.

use super::support::firm::Firm;
use super::support::ledger::Entry;
use super::support::person::{Ask, post, put};
use super::support::reply::Reply;
use futures::future::join_all;
use serde_json::{Value, json};

const STARTER: usize = 10;

fn person(client: &str, number: usize) -> Value {
    let email = format!("guest{number}@clients.example");
    json!({ "client": client, "name": format!("Guest {number}"), "email": email })
}

fn invitation(client: &str, number: usize) -> Ask {
    post("/v1/invitations", json!({ "people": [person(client, number)] }))
}

/// Refused, with the limit named.
#[track_caller]
fn assert_no_seat_is_left(reply: Reply) {
    let problem = reply.refused(409, "seats.none_left").json();
    assert_eq!(problem["limit"], STARTER.to_string(), "{problem}");
}

async fn seats(firm: &Firm) -> Value {
    firm.admin.get("/v1/portal-users").await.expect(200).json()["seats"].clone()
}

fn count(entries: &[Entry], event_type: &str) -> usize {
    entries.iter().filter(|entry| entry.event_type == event_type).count()
}

// F1.1
#[tokio::test(flavor = "multi_thread")]
async fn of_32_guests_invited_at_once_on_a_starter_plan_exactly_10_are() {
    let firm = Firm::on_plan("starter", 2).await;
    let client = firm.client("Acme").await;
    let sent = (0..32).map(|number| {
        let admin = firm.admin.at(&firm.nodes[number % 2]);
        let ask = invitation(&client, number);
        async move { admin.send(ask).await }
    });
    let (invited, refused): (Vec<_>, Vec<_>) = join_all(sent).await.into_iter().partition(|reply| reply.status == 200);

    assert_eq!(invited.len(), STARTER);
    refused.into_iter().for_each(assert_no_seat_is_left);
    let entries = firm.ledger.gapless().await;
    assert_eq!(count(&entries, "seats.reserved"), STARTER);
    assert_eq!(count(&entries, "invitation.sent"), STARTER);
    assert_eq!(seats(&firm).await, json!({ "used": STARTER, "limit": STARTER }));

    // A seat that is given back is taken once.
    let somebody = invited[0].json()["items"][0]["ids"]["portal_user"].as_str().unwrap().to_owned();
    firm.admin.delete(format!("/v1/portal-users/{somebody}/invitation")).await.expect(200);
    firm.admin.send(invitation(&client, 40)).await.expect(200);
    assert_no_seat_is_left(firm.admin.send(invitation(&client, 41)).await);
    assert_no_seat_is_left(firm.admin.post(format!("/v1/portal-users/{somebody}/invitations"), json!({})).await);
    firm.ledger.gapless().await;
}

// F1.1, F4.2
#[tokio::test]
async fn of_a_batch_as_many_are_invited_as_there_are_seats_and_each_refusal_says_why() {
    let firm = Firm::on_plan("starter", 1).await;
    let client = firm.client("Acme").await;
    let people: Vec<Value> = (0..12).map(|number| person(&client, number)).collect();
    let items = firm.admin.post("/v1/invitations", json!({ "people": people })).await.expect(200).items();

    let (refused, invited): (Vec<Value>, Vec<Value>) = items.into_iter().partition(|item| item["problem"].is_object());
    assert_eq!((invited.len(), refused.len()), (STARTER, 2));
    for item in refused {
        assert_eq!((&item["problem"]["code"], &item["problem"]["limit"]), (&json!("seats.none_left"), &json!("10")));
        assert_eq!(item["ids"].get("portal_user"), None, "nobody is there who was refused");
    }
}

// F1.1, F4.17, F4.18
#[tokio::test]
async fn whoever_is_switched_off_gives_their_seat_back_and_needs_one_to_return() {
    let firm = Firm::on_plan("starter", 1).await;
    let client = firm.client("Acme").await;
    let project = firm.project(&client, "Portal").await;
    let gina = firm.guest("Gina", &project, &[]).await;
    let people: Vec<Value> = (1..STARTER).map(|number| person(&client, number)).collect();
    firm.admin.post("/v1/invitations", json!({ "people": people })).await.expect(200);
    let account = format!("/v1/portal-users/{}", gina.id);

    firm.admin.post(format!("{account}/deactivate"), Value::Null).await.expect(200);
    let reply = firm.admin.send(invitation(&client, 40)).await.expect(200);
    assert_no_seat_is_left(firm.admin.post(format!("{account}/reactivate"), Value::Null).await);

    let successor = &reply.json()["items"][0]["ids"]["portal_user"];
    let successor = format!("/v1/portal-users/{}/invitation", successor.as_str().unwrap());
    firm.admin.delete(successor).await.expect(200);
    firm.admin.post(format!("{account}/reactivate"), Value::Null).await.expect(200);
    assert_eq!(seats(&firm).await, json!({ "used": STARTER, "limit": STARTER }));
}

// F1.2
#[tokio::test]
async fn a_smaller_plan_keeps_the_guests_who_are_there_and_takes_no_new_ones() {
    let firm = Firm::open().await;
    let client = firm.client("Acme").await;
    let people: Vec<Value> = (0..25).map(|number| person(&client, number)).collect();
    let invited = firm.admin.post("/v1/invitations", json!({ "people": people })).await.expect(200);
    assert_eq!(seats(&firm).await, json!({ "used": 25 }), "the trial plan has as many seats as there are guests");

    firm.admin.put("/v1/organization/plan", json!({ "plan": "starter" })).await.expect(200);
    assert_eq!(seats(&firm).await, json!({ "used": 25, "limit": STARTER, "over": 25 - STARTER }));
    assert_no_seat_is_left(firm.admin.send(invitation(&client, 40)).await);
    let counts = firm.admin.get("/v1/portal-users").await.expect(200).json()["counts"].clone();
    assert_eq!(counts["pending"], invited.items().len());
}

// F6.2, F4.23
#[tokio::test]
async fn a_project_manager_takes_back_the_invitation_that_they_sent_for_their_project() {
    let firm = Firm::open().await;
    let client = firm.client("Acme").await;
    let (own, other) = (firm.project(&client, "Portal").await, firm.project(&client, "Shop").await);
    let pia = firm.staff("Pia", "project_manager").await;
    let manager = json!({ "manager": pia.id });
    firm.admin.send(put(format!("/v1/projects/{}/manager", own.id), manager)).await.expect(200);
    let person = json!({ "client": client, "name": "Gus", "email": "gus@clients.example",
                         "projects": [{ "project": own.id, "rights": [] }] });
    let reply = pia.person.post("/v1/invitations", json!({ "people": [person] })).await.expect(200);
    let gus = reply.json()["items"][0]["ids"]["portal_user"].as_str().unwrap().to_owned();

    let invitation = format!("/v1/portal-users/{gus}/invitation");
    pia.person.delete(invitation.clone()).await.refused(403, "access.denied");
    pia.person.delete(format!("{invitation}?project={}", other.id)).await.refused(403, "access.denied");
    pia.person.delete(format!("{invitation}?project={}", own.id)).await.expect(200);
    firm.settle().await;
    assert_eq!(seats(&firm).await["used"], 0);
}
