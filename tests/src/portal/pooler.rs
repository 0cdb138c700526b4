//! Behind a pooler that hands a connection on after each transaction, everything is as without one: who connects has no
//! right of their own, so that whatever is asked is asked as the application, whom row security binds.

use super::support::bouncer::{Bouncer, LOGIN, STRANGER};
use super::support::firm::Firm;
use super::support::installation::Installation;
use super::support::longer::commands_each;
use super::support::person::{Person, post};
use super::support::until::until;
use futures::future::join_all;
use serde_json::json;
use std::collections::BTreeSet;

/// How many write at once, over either node, and how much each where nobody asks for more (`COUNTERSIGN_COMMANDS`).
const WRITERS: usize = 12;
const EACH: usize = 6;

#[tokio::test(flavor = "multi_thread")]
async fn a_firm_works_over_two_nodes_behind_a_pooler_in_transaction_mode() {
    let installation = Installation::new().await;
    let bouncer = Bouncer::before_the_server().await;
    let firm = Firm::of(installation.pooled(&bouncer, LOGIN), "trial", 2).await;
    let client = firm.client("Acme").await;
    let project = firm.project(&client, "Portal").await;
    let rights = ["invoice_visibility", "financial_visibility", "approve_invoices", "auto_send_on_approval"];
    let gina = firm.guest("Gina", &project, &rights).await;
    let invoice = firm.invoice_in_review(&project, 10_000).await;
    firm.settle().await;
    gina.approve(&invoice).await;

    // What follows from events is done, and other nodes know.
    let other = firm.admin.at(&firm.nodes[1]);
    until("an invoice that was sent", async || {
        let shown = other.get(format!("/v1/invoices/{invoice}")).await.expect(200).json();
        (shown["status"] == "sent").then_some(())
    })
    .await;
    let dashboard = gina.person.at(&firm.nodes[1]).get("/v1/dashboard").await.expect(200).json();
    assert_eq!(dashboard["projects"].as_array().unwrap().len(), 1);

    // Nobody sees another organization's rows.
    let neighbour = firm.neighbour("birch").await;
    assert_eq!(neighbour.get("/v1/clients").await.items().len(), 0);
    neighbour.get(format!("/v1/invoices/{invoice}")).await.refused(404, "not_found");
    firm.ledger.gapless().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_that_race_over_two_nodes_behind_a_pooler_each_take_effect_once() {
    let installation = Installation::new().await;
    let bouncer = Bouncer::before_the_server().await;
    let firm = Firm::of(installation.pooled(&bouncer, LOGIN), "trial", 2).await;
    let people: Vec<Person> = firm.nodes.iter().map(|node| firm.admin.at(node)).collect();
    let opening = (0..WRITERS).map(|writer| {
        let people = &people;
        async move {
            let mut opened = Vec::new();
            for number in 0..commands_each(EACH) {
                let ask = post("/v1/clients", json!({ "name": format!("Client {writer}-{number}") }));
                // The same command over both nodes at once: one of them decides it, both answer alike.
                let (one, other) = tokio::join!(acknowledged(&people[0], &ask), acknowledged(&people[1], &ask));
                assert_eq!(one, other);
                opened.push(one);
            }
            opened
        }
    });
    let opened: BTreeSet<String> = join_all(opening).await.into_iter().flatten().collect();

    let entries = firm.ledger.gapless().await;
    let stand: Vec<&str> =
        entries.iter().filter(|entry| entry.event_type == "client.opened").map(|entry| entry.subject()).collect();
    assert_eq!(stand.len(), WRITERS * commands_each(EACH), "each took effect once");
    assert!(stand.iter().all(|id| opened.contains(*id)));
    firm.settle().await;
}

/// The id that a command was answered with; one may be told to come again.
async fn acknowledged(person: &Person, ask: &super::support::person::Ask) -> String {
    until("an answer to a command", async || {
        let reply = person.send(ask.clone()).await;
        (!matches!(reply.status, 429 | 503)).then(|| reply.id())
    })
    .await
}

#[tokio::test]
async fn whoever_is_not_told_of_the_pooler_or_may_not_work_through_it_says_what_to_do() {
    let installation = Installation::new().await;
    let bouncer = Bouncer::before_the_server().await;
    let (name, direct) = (installation.database_name(), installation.database_url());
    let through = bouncer.url(LOGIN, &name);
    let migrate = |url: &str, more: &[&str]| {
        let mut arguments = vec!["migrate", "--database-url", url];
        arguments.extend(more);
        installation.run_bare(&arguments)
    };
    let refused = migrate(&through, &[]).complaint();
    assert!(refused.contains("--pooler transaction"), "{refused}");
    migrate(&through, &["--pooler", "transaction"]).printed();
    let refused = migrate(&bouncer.url(STRANGER, &name), &["--pooler", "transaction"]).complaint();
    assert!(refused.contains("GRANT countersign_app TO"), "{refused}");

    let empty = Installation::empty().await;
    let through = bouncer.url(LOGIN, &empty.database_name());
    let refused = migrate(&through, &["--pooler", "transaction"]).complaint();
    assert!(refused.contains("--owner-url"), "{refused}");
    let direct_to_empty = direct.replace(&name, &empty.database_name());
    migrate(&through, &["--pooler", "transaction", "--owner-url", &direct_to_empty]).printed();
    migrate(&through, &["--pooler", "transaction"]).printed();
}
