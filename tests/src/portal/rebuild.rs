//! Read models are built anew while the portal is used: nobody notices.
//!
//! `COUNTERSIGN_REBUILDS` makes the story longer.

use super::half_done::everything_is_done;
use super::support::firm::{Firm, SLUG};
use super::support::installation::Installation;
use super::support::letter::Letter;
use super::support::longer::rebuilds;
use super::support::node::Node;
use super::support::program::Ran;
use super::support::until::until;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::net::TcpListener;

// Design, part 7: readers stay with the old generation until the new one is at the head; none goes back.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_reads_what_they_wrote_does_so_during_a_rebuild() {
    let firm = Firm::on_plan("trial", 2).await;
    let project = firm.project(&firm.client("Acme").await, "Portal").await;
    let gina = firm.guest("Gina", &project, &["approve_time"]).await;
    let (is_over, written) = (Cell::new(false), Cell::new(0_usize));
    let using = async {
        while !is_over.get() {
            let time = firm.submitted_time(&project, "0.25").await;
            written.update(|count| count + 1);
            // Reading names the position of what was written, and the other node shows it too.
            let other = firm.admin.at(&firm.nodes[written.get() % 2]);
            other.get(format!("/v1/time-entries/{time}")).await.expect(200);
            let shown = other.get(format!("/v1/projects/{}", project.id)).await.expect(200).json();
            assert_eq!(hours(&shown), 0.25 * written.get() as f64, "nobody goes back");
            gina.person.get("/v1/dashboard").await.expect(200);
        }
    };
    let rebuilding = async {
        for _ in 0..rebuilds(3) {
            let mut rebuild = firm.installation.launch(&["rebuild", "--all", "--json"]);
            assert!(rebuild.end().await.success(), "{}", rebuild.log());
        }
        is_over.set(true);
    };
    tokio::join!(using, rebuilding);

    firm.settle().await;
    let dashboard = gina.person.get("/v1/dashboard").await.expect(200).json();
    assert_eq!(hours(&dashboard["projects"][0]), 0.25 * written.get() as f64);
    firm.ledger.gapless().await;
}

fn hours(project: &Value) -> f64 {
    project["hours_used"].as_str().unwrap().parse().unwrap()
}

/// All rows are what the ledgers come to, and the program says so.
fn is_right(installation: &Installation) {
    let checked = installation.run(&["rebuild", "--all", "--check", "--json"]);
    assert!(checked.success, "{checked:?}");
    for line in checked.printed().lines() {
        let checked: Value = serde_json::from_str(line).unwrap();
        assert_eq!(checked["live"], checked["replayed"], "{checked}");
        assert!(checked["live"].is_string());
    }
}

/// A rebuild that meets with something at a place.
fn rebuilding(installation: &Installation, arguments: &[&str], faults: &str, name: &str) -> Node {
    let mut command = installation.command(arguments);
    command.env("COUNTERSIGN_FAULTS", faults);
    Node::launch(&mut command, installation.data_dir().join(name))
}

async fn generations(database: &mut PgConnection, group: &str) -> Vec<i32> {
    let found = sqlx::query_scalar(r#"SELECT DISTINCT generation FROM read.active_generation WHERE "group" = $1"#);
    found.bind(group).fetch_all(database).await.unwrap()
}

// Design, part 7: interrupted or killed, it goes on where it was. At each of these places it has done another part.
#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_that_is_killed_wherever_it_is_goes_on_when_it_is_started_again() {
    let firm = Firm::open().await;
    let project = firm.project(&firm.client("Acme").await, "Portal").await;
    firm.guest("Gina", &project, &["approve_time"]).await;
    firm.submitted_time(&project, "1.5").await;
    firm.settle().await;
    let mut database = PgConnection::connect(&firm.installation.database_url()).await.unwrap();
    for (built, place) in (2..).zip(["rebuild.copied", "rebuild.indexed=kill@3", "rebuild.fenced"]) {
        let faults = if place.contains('=') { place.to_owned() } else { format!("{place}=kill") };
        let arguments = ["rebuild", "--all", "--keep", "0", "--json"];
        let mut killed = rebuilding(&firm.installation, &arguments, &faults, &format!("killed-{built}.log"));
        assert!(!killed.end().await.success(), "{place}");
        // People go on meanwhile.
        firm.submitted_time(&project, "0.25").await;
        let begun = firm.installation.run(&arguments);
        assert!(begun.success, "{place}: {begun:?}");
        assert!(begun.stderr.contains("goes on with the rebuild"), "{place}: {begun:?}");
        assert_eq!(generations(&mut database, "portal").await, [built], "{place}");
    }
    firm.settle().await;
    is_right(&firm.installation);
    let shown = firm.admin.get(format!("/v1/projects/{}", project.id)).await.expect(200).json();
    assert_eq!(hours(&shown), 1.5 + 3.0 * 0.25);
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_class WHERE relname ~ '^project_g[0-9]+$'")
        .fetch_one(&mut database)
        .await
        .unwrap();
    assert_eq!(left, 1, "what was begun and given up is gone");
}

// The fence holds a ledger still for a moment: a command that comes just then is late, and neither lost nor refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_comes_exactly_at_the_cut_over_waits_for_it_and_is_in_the_new_rows() {
    let firm = Firm::open().await;
    firm.client("Acme").await;
    firm.settle().await;
    let arguments = ["rebuild", "portal", "--json"];
    let mut pausing = rebuilding(&firm.installation, &arguments, "rebuild.fenced=pause:1500", "pausing.log");
    until("a ledger held still", async || pausing.log().contains("rebuild.fenced pauses").then_some(())).await;
    firm.client("Globex").await;
    let mut database = PgConnection::connect(&firm.installation.database_url()).await.unwrap();
    assert_eq!(generations(&mut database, "portal").await, [2], "it came after the readers were put over");
    assert!(pausing.end().await.success(), "{}", pausing.log());
    assert_eq!(firm.admin.get("/v1/clients").await.items().len(), 2);
    firm.settle().await;
    is_right(&firm.installation);
    firm.ledger.gapless().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_checks_rebuilds_and_goes_back_at_the_command_line() {
    let firm = Firm::open().await;
    firm.client("Acme").await;
    firm.settle().await;
    let program = |arguments: &[&str]| -> Ran { firm.installation.run(arguments) };
    let mut database = PgConnection::connect(&firm.installation.database_url()).await.unwrap();
    sqlx::query("UPDATE read.client SET name = 'Acmee'").execute(&mut database).await.unwrap();
    let checked = program(&["rebuild", "portal", "--check"]);
    assert!(!checked.success);
    let said = checked.stdout.clone();
    assert!(said.contains("client client_id=") && said.contains("name is Acmee, the ledger comes to Acme"), "{said}");

    let rebuilt = program(&["rebuild", "portal", "--canary", SLUG]);
    assert!(rebuilt.printed().contains("generation 2 is read now"));
    is_right(&firm.installation);
    let listed = program(&["projections", "list"]).printed();
    assert!(listed.contains("portal: 1 organizations read generation 2; 0 events behind; 0 parked"), "{listed}");
    let back = program(&["rebuild", "portal", "--rollback"]).printed();
    assert!(back.contains("the rows before generation 2 are read again"), "{back}");
    assert_eq!(generations(&mut database, "portal").await, [1]);

    for (arguments, answer) in [
        (&["rebuild", "portal", "--rollback"] as &[_], "there is nothing to go back to in portal"),
        (&["rebuild", "access", "--rollback"], "access cannot be rolled back"),
        (&["rebuild", "nothing"], "there is no group of read models named nothing; there are portal"),
        (&["rebuild", "portal", "--org", "nobody-here"], "there is no organization named nobody-here"),
        (&["rebuild", "portal", "--keep", "soon"], "write it like 24h, 30min or 0"),
        (&["projections", "retry", "nothing", "--org", SLUG], "no group named nothing follows the ledgers"),
    ] {
        let refused = program(arguments);
        assert!(!refused.success && refused.stderr.contains(answer), "{arguments:?}: {refused:?}");
    }
    let nothing = program(&["projections", "retry", "portal", "--org", SLUG]).printed();
    assert!(nothing.contains("is not parked"), "{nothing}");
}

/// What left the firm: its mails, by their ids; and how long its ledger is.
async fn effects(firm: &Firm) -> (BTreeSet<String>, i64) {
    let letters = Letter::all_in(&firm.installation.data_dir().join("mail"));
    (letters.into_iter().map(|letter| letter.message_id).collect(), firm.ledger.head().await)
}

// Design, part 7: effects are behind the fence of their agenda, and no rebuild repeats one.
#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_writes_to_nobody_and_commands_nothing_a_second_time() {
    let firm = Firm::open().await;
    let project = firm.project(&firm.client("Acme").await, "Portal").await;
    let gina = firm.guest("Gina", &project, &["invoice_visibility", "approve_invoices", "auto_send_on_approval"]).await;
    let invoice = firm.invoice_in_review(&project, 100).await;
    firm.installation.letter(&gina.account.email, "waits for your approval").await;
    gina.approve(&invoice).await;
    until("an invoice that a process has sent", async || {
        let shown = firm.admin.get(format!("/v1/invoices/{invoice}")).await.expect(200).json();
        (shown["status"] == "sent").then_some(())
    })
    .await;
    everything_is_done(&firm).await;
    let before = effects(&firm).await;
    assert!(before.0.len() >= 2, "{before:?}");

    for arguments in [&["rebuild", "--all"] as &[_], &["rebuild", "portal", "--rollback"], &["rebuild", "--all"]] {
        firm.installation.run(arguments).printed();
    }
    // What comes after it is done by the same processes: had they anything else to do, it would be there by then.
    let (_, email) = firm.invite("Nils", &project.client, json!([])).await;
    let letter = firm.installation.letter(&email, "invites you").await;
    everything_is_done(&firm).await;
    let (mut letters, _) = effects(&firm).await;
    assert!(letters.remove(&letter.message_id));
    assert_eq!(letters, before.0);
    let mut since = firm.ledger.gapless().await;
    since.retain(|event| event.position > before.1);
    assert!(since.iter().all(|event| event.envelope["actor"]["kind"] == "staff"), "only the invitation: {since:?}");
}

/// The operator's door of a node.
struct Door {
    address: String,
    token: String,
}

impl Door {
    async fn of(installation: &Installation) -> (Self, Node) {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let node = installation.launch(&["serve", "--listen", "127.0.0.1:0", "--operator-listen", &address]);
        until("the operator's door", async || node.heard("serving the operator")).await;
        let token = std::fs::read_to_string(installation.data_dir().join("operator.token")).unwrap();
        (Self { address, token: token.trim().to_owned() }, node)
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.ask(reqwest::Client::new().get(format!("http://{}{path}", self.address))).await
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.ask(reqwest::Client::new().post(format!("http://{}{path}", self.address)).json(&body)).await
    }

    async fn ask(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        let answer = request.bearer_auth(&self.token).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// Waits until a rebuild is in a state.
    async fn until_it_is(&self, id: &str, state: &str) -> Value {
        until(&format!("a rebuild that is {state}"), async || {
            let (_, rebuild) = self.get(&format!("/rebuilds/{id}")).await;
            (rebuild["state"] == state).then_some(rebuild)
        })
        .await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_rebuilds_and_goes_back_over_http_while_the_portal_is_used() {
    let firm = Firm::open().await;
    firm.client("Acme").await;
    firm.settle().await;
    let (door, _node) = Door::of(&firm.installation).await;
    let wanted = json!({ "group": "portal", "canaries": [SLUG], "keep_seconds": 3_600 });
    let (status, begun) = door.post("/rebuilds", wanted.clone()).await;
    assert_eq!((status, &begun["state"], &begun["generation"]), (202, &json!("backfilling"), &json!(2)), "{begun}");
    let id = begun["id"].as_str().unwrap().to_owned();
    firm.client("Globex").await;
    let done = door.until_it_is(&id, "in_rollback_window").await;
    assert_eq!(done["progress"]["put_over"], 1, "{done}");
    assert_eq!(done["progress"]["parked"], json!([]));
    assert!(done["kept_until"].is_string());
    assert_eq!(door.get("/rebuilds").await.1["items"][0]["id"], id);
    firm.settle().await;
    let (_, checked) = door.post("/checks", json!({ "org": SLUG })).await;
    assert_eq!(checked["agrees"], true, "{checked}");
    let (_, groups) = door.get("/projections").await;
    let portal = groups["items"].as_array().unwrap().iter().find(|one| one["group"] == "portal").unwrap().clone();
    assert_eq!(portal["generations"], json!({ "2": 1 }));

    let (status, _) = door.post(&format!("/rebuilds/{id}/rollback"), json!({})).await;
    assert_eq!(status, 202);
    door.until_it_is(&id, "rolled_back").await;
    assert_eq!(firm.admin.get("/v1/clients").await.items().len(), 2, "nobody goes back in time");
    let (status, refused) = door.post(&format!("/rebuilds/{id}/rollback"), json!({})).await;
    assert_eq!((status, &refused["code"]), (409, &json!("rebuild.nothing_kept")));
    for (path, body, status, code) in [
        ("/rebuilds", json!({ "group": "nothing" }), 422, "request.invalid"),
        ("/rebuilds", json!({ "group": "portal", "org": "nobody-here" }), 422, "request.invalid"),
        ("/rebuilds", json!({ "group": "portal", "keep_seconds": 1_000_000_000 }), 422, "request.invalid"),
        ("/rebuilds", json!(["portal"]), 422, "request.invalid"),
        ("/checks", json!({ "org": "nobody-here" }), 422, "request.invalid"),
        ("/projections/nothing/retry", json!({ "org": SLUG }), 404, "not_found"),
        ("/rebuilds/6f6f4c9e-7f6e-4f5f-8a57-0a8f0f3c9b11/rollback", json!({}), 404, "not_found"),
    ] {
        let (answered, problem) = door.post(path, body).await;
        assert_eq!((answered, problem["code"].as_str()), (status, Some(code)), "{path}: {problem}");
    }
    let (_, retried) = door.post("/projections/portal/retry", json!({ "org": SLUG })).await;
    assert_eq!(retried["was_parked"], false);
}
