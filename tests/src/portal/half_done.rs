//! Killed between two steps of which one cannot be taken back: the other one is done as well, or the first again, and
//! nobody can tell.

use super::support::firm::Firm;
use super::support::installation::ANY_PORT;
use super::support::letter::Letter;
use super::support::node::Node;
use super::support::person::{Account, PASSWORD, Person, post};
use super::support::post_office::PostOffice;
use super::support::until::until;
use serde_json::json;
use sqlx::{Connection, PgConnection};

/// A node whose mail goes to a post office.
async fn mailing(firm: &Firm, office: &PostOffice, address: &str, faults: &str) -> Node {
    let url = office.url();
    let more = ["--smtp-url", &url];
    firm.installation.serve_with(address, |command| command.args(more).env("COUNTERSIGN_FAULTS", faults)).await
}

/// Waits until the agenda has followed the ledger, and nothing is left on it but what has its time: that invitations expire.
pub(super) async fn everything_is_done(firm: &Firm) {
    let statement = "SELECT (SELECT min(position) FROM read.checkpoint WHERE \"group\" = 'agenda') = $1
                        AND NOT EXISTS (
                            SELECT FROM process.agenda
                            WHERE done_at IS NULL AND task::json -> 'task' ->> 'kind' <> 'expire_invitation'
                        )";
    let mut database = PgConnection::connect(&firm.installation.database_url()).await.unwrap();
    until("an agenda that is worked off", async || {
        let head = firm.ledger.head().await;
        let done: bool = sqlx::query_scalar(statement).bind(head).fetch_one(&mut database).await.unwrap();
        done.then_some(())
    })
    .await;
}

/// Whatever a dead node had taken is free again, as it is in some minutes anyway.
async fn what_was_taken_is_free(firm: &Firm) {
    let mut database = PgConnection::connect(&firm.installation.database_url()).await.unwrap();
    let freed = sqlx::query("UPDATE process.agenda SET leased_until = now() WHERE leased_until > now()");
    assert_eq!(freed.execute(&mut database).await.unwrap().rows_affected(), 1, "it died over one item");
}

/// What became of the items of a kind.
async fn outcomes(firm: &Firm, kind: &str) -> Vec<String> {
    let mut database = PgConnection::connect(&firm.installation.database_url()).await.unwrap();
    let found = sqlx::query_scalar(
        "SELECT outcome FROM process.agenda WHERE task::json -> 'task' ->> 'kind' = $1 AND outcome IS NOT NULL",
    );
    found.bind(kind).fetch_all(&mut database).await.unwrap()
}

async fn count(firm: &Firm, event_type: &str) -> usize {
    let entries = firm.ledger.gapless().await;
    entries.iter().filter(|entry| entry.event_type == event_type).count()
}

// Design, part 6: a retried mail carries the same token.
#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_a_node_sent_and_did_not_tick_off_goes_out_again_as_the_same_mail() {
    let (mut firm, office) = (Firm::open().await, PostOffice::open().await);
    let client = firm.client("Acme").await;
    everything_is_done(&firm).await;
    assert!(firm.nodes[0].stop().await.success());
    let mut dying = mailing(&firm, &office, ANY_PORT, "agenda.mailed=kill").await;
    firm.admin = firm.admin.at(&dying);
    let (_, email) = firm.invite("Gina", &client, json!([])).await;
    dying.dies_at("agenda.mailed").await;
    assert_eq!(office.letters(&email).len(), 1);

    firm.nodes[0] = mailing(&firm, &office, &dying.address(), "").await;
    what_was_taken_is_free(&firm).await;
    everything_is_done(&firm).await;
    let letters = office.letters(&email);
    let [first, second] = letters.as_slice() else { panic!("{letters:?}") };
    assert_eq!(first, second, "one message, with one id and one link");
    assert!(outcomes(&firm, "mail_invitation").await.contains(&"sent".to_owned()));
    assert_eq!(accept(&firm.nodes[0], first, PASSWORD, "first").await, 200);
    Person::sign_in(firm.node(), &Account::new("larch", &email)).await;
}

// F10.6
#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_a_process_gave_and_did_not_tick_off_is_given_again_and_takes_effect_once() {
    let mut firm = Firm::open().await;
    let project = firm.project(&firm.client("Acme").await, "Portal").await;
    let gina = firm.guest("Gina", &project, &["invoice_visibility", "approve_invoices", "auto_send_on_approval"]).await;
    let invoice = firm.invoice_in_review(&project, 10_000).await;
    firm.settle().await;
    everything_is_done(&firm).await;
    let shown = gina.shown(&invoice).await;
    assert!(firm.nodes[0].stop().await.success());
    let mut dying = firm.installation.serve_faulty(ANY_PORT, "agenda.commanded=kill").await;
    let approve = post(format!("/v1/invoices/{invoice}/approve"), json!({ "shown": shown }));
    drop(gina.person.at(&dying).try_send(approve.clone()).await);
    dying.dies_at("agenda.commanded").await;
    assert_eq!(count(&firm, "invoice.sent").await, 1);
    assert_eq!(outcomes(&firm, "send_invoice").await, [""; 0]);

    firm.nodes[0] = firm.installation.serve().await;
    gina.person.at(firm.node()).send(approve).await.expect(200);
    what_was_taken_is_free(&firm).await;
    everything_is_done(&firm).await;
    assert_eq!(outcomes(&firm, "send_invoice").await, ["accepted"]);
    assert_eq!(count(&firm, "invoice.sent").await, 1);
}

async fn accept(node: &Node, letter: &Letter, password: &str, key: &str) -> u16 {
    let body = json!({ "token": letter.token(), "password": password });
    Person::nobody(node).send(post("/v1/invitations/accept", body).named(key)).await.status
}

// Design, part 6: the credential is written first, and is effective once the acceptance stands in the ledger.
#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_was_kept_without_its_acceptance_lets_nobody_in_and_accepting_again_does() {
    let mut firm = Firm::open().await;
    let client = firm.client("Acme").await;
    for (name, sent_again) in [("Gina", true), ("Nils", false)] {
        let (_, email) = firm.invite(name, &client, json!([])).await;
        let letter = firm.installation.letter(&email, "invites you").await;
        firm.settle().await;
        assert!(firm.nodes[0].stop().await.success());
        let mut dying = firm.installation.serve_faulty(ANY_PORT, "credential.written=kill").await;
        let body = json!({ "token": letter.token(), "password": "what was chosen first" });
        let asked = Person::nobody(&dying).try_send(post("/v1/invitations/accept", body).named("first")).await;
        assert!(asked.is_err(), "{asked:?}");
        dying.dies_at("credential.written").await;

        firm.nodes[0] = firm.installation.serve().await;
        firm.admin = firm.admin.at(firm.node());
        let before = count(&firm, "invitation.accepted").await;
        let account = |password: &str| Account { password: password.to_owned(), ..Account::new("larch", &email) };
        let nobody = Person::nobody(firm.node());
        nobody.send(account("what was chosen first").ask()).await.expect(401);
        // The same request again; or somebody who begins anew, and chooses something else.
        let (key, chosen) = if sent_again { ("first", "what was chosen first") } else { ("second", PASSWORD) };
        assert_eq!(accept(firm.node(), &letter, chosen, key).await, 200);
        assert_eq!(accept(firm.node(), &letter, chosen, key).await, 200);
        Person::sign_in(firm.node(), &account(chosen)).await;
        if !sent_again {
            nobody.send(account("what was chosen first").ask()).await.expect(401);
        }
        assert_eq!(count(&firm, "invitation.accepted").await, before + 1);
    }
}
