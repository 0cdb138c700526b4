//! Backed up while people work, and restored elsewhere: nothing that was in the backup is lost, nothing happens twice, and
//! nobody who was erased comes back.

use super::support::firm::{Firm, SLUG};
use super::support::installation::Installation;
use super::support::ledger::Ledger;
use super::support::node::Node;
use super::support::person::{Account, Ask, Person, post};
use super::support::program::Ran;
use super::support::reply::Reply;
use super::support::until::until;
use super::support::walk::walk;
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// How many commands are answered at least before a backup begins, and after it has ended.
const SOME: usize = 20;

/// A place for backups.
struct Shelf(TempDir);

impl Shelf {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn folder(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn manifest(&self, name: &str) -> PathBuf {
        self.0.path().join(name).join("manifest.json")
    }

    fn read(&self, name: &str) -> Value {
        serde_json::from_str(&std::fs::read_to_string(self.manifest(name)).unwrap()).unwrap()
    }
}

/// Another installation, with the master key of the first.
async fn elsewhere(installation: &Installation) -> Installation {
    let other = Installation::empty().await;
    hand_over_key(installation, &other);
    other
}

fn hand_over_key(from: &Installation, to: &Installation) {
    std::fs::copy(from.data_dir().join("master.key"), to.data_dir().join("master.key")).unwrap();
}

fn admin() -> Account {
    Account::new(SLUG, "ada@larch.example")
}

/// The same firm as it is served from a restored copy.
async fn served(firm: &Firm, copy: Installation) -> Firm {
    let node = copy.serve().await;
    let admin = Person::sign_in(&node, &admin()).await;
    let ledger = Ledger::at(&copy.database_url(), firm.ledger.org);
    Firm { nodes: vec![node], admin, ledger, installation: copy }
}

/// A refusal of one line.
#[track_caller]
fn refused(ran: Ran, says: &str) {
    let complaint = ran.complaint();
    let said = complaint.lines().filter(|line| line.starts_with("countersign: ")).collect::<Vec<_>>();
    let [line] = said[..] else { panic!("{complaint}") };
    assert!(line.contains(says), "{line}");
}

/// Opens clients until it is told to stop; the commands with their answers.
async fn write(admin: &Person, answered: &Cell<usize>, is_over: &Cell<bool>) -> Vec<(Ask, Reply)> {
    let mut all = Vec::new();
    while !is_over.get() {
        let ask = post("/v1/clients", json!({ "name": format!("Client {}", all.len()) }));
        let reply = admin.send(ask.clone()).await;
        // Somebody may be faster than a person may be.
        if reply.status != 429 {
            all.push((ask, reply.expect(201)));
            answered.update(|count| count + 1);
        }
    }
    all
}

// Design, part 6: dump and restore, with correct positions.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_a_backup_that_was_taken_while_people_worked_carries_on_where_the_backup_stood() {
    let firm = Firm::open().await;
    let shelf = Shelf::new();
    let (answered, is_over) = (Cell::new(0), Cell::new(false));
    let some_more = async || {
        let enough = answered.get() + SOME;
        until("answers", async || (answered.get() >= enough).then_some(())).await;
    };
    let backing_up = async {
        some_more().await;
        let mut backup = firm.installation.launch(&["backup", &shelf.folder("monday"), "--json"]);
        assert!(backup.end().await.success(), "{}", backup.log());
        some_more().await;
        is_over.set(true);
    };
    let (written, ()) = tokio::join!(write(&firm.admin, &answered, &is_over), backing_up);
    let head = shelf.read("monday")["organizations"][0]["ledger"]["size"].as_i64().unwrap();
    let original = firm.ledger.gapless().await;
    assert!((head as usize) < original.len(), "people went on after the backup");

    let copy = elsewhere(&firm.installation).await;
    let restored = copy.run(&["restore", &shelf.folder("monday"), "--json"]).printed();
    assert_eq!(serde_json::from_str::<Value>(&restored).unwrap()["events"], head);
    let nobody = count(&copy, "SELECT (SELECT count(*) FROM node.member) + (SELECT count(*) FROM node.lease)").await;
    assert_eq!(nobody, 0, "nobody holds anything in a copy that nobody serves");

    let copy = served(&firm, copy).await;
    let told = |entries: Vec<_>| entries.into_iter().map(|entry: super::support::ledger::Entry| entry.envelope);
    let kept: Vec<Value> = told(original).take(head as usize).collect();
    assert_eq!(told(copy.ledger.gapless().await).take(head as usize).collect::<Vec<_>>(), kept);
    let in_the_backup = |reply: &Reply| reply.header("ledger-position").unwrap().parse::<i64>().unwrap() <= head;
    let (kept, lost): (Vec<_>, Vec<_>) = written.into_iter().partition(|(_, reply)| in_the_backup(reply));
    assert!(kept.len() >= SOME && lost.len() >= SOME, "{} and {}", kept.len(), lost.len());
    for (ask, reply) in &kept {
        let again = until("an answer", async || Some(copy.admin.send(ask.clone()).await).filter(|it| it.status != 429));
        let again = again.await.expect(201);
        assert_eq!((&again.text, again.header("idempotent-replayed")), (&reply.text, Some("true")));
    }
    // What came after the backup has not happened here: it is decided now, and follows without a gap.
    let (ask, _) = lost.into_iter().next().unwrap();
    let decided = copy.admin.send(ask).await.expect(201);
    assert_eq!(decided.header("idempotent-replayed"), None);
    let entries = copy.ledger.gapless().await;
    let newest = entries.iter().find(|entry| entry.subject() == decided.clone().id()).unwrap();
    assert!(newest.position > head);
    copy.settle().await;
    let seen = copy.admin.get("/v1/clients?limit=200").await.items().len();
    assert_eq!(seen, (kept.len() + 1).min(200));
}

async fn count(installation: &Installation, statement: &'static str) -> i64 {
    let mut database = PgConnection::connect(&installation.database_url()).await.unwrap();
    sqlx::query_scalar(statement).fetch_one(&mut database).await.unwrap()
}

// Design, part 6: personal data's keys live outside the event backup.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_erased_after_the_backup_is_erased_in_its_copy_and_everybody_else_is_as_before() {
    let firm = Firm::open().await;
    let project = firm.project(&firm.client("Acme").await, "Portal").await;
    let gina = firm.guest("Gina", &project, &["approve_invoices", "invoice_visibility"]).await;
    firm.guest("Nils", &project, &["approve_time"]).await;
    firm.submitted_time(&project, "1.5").await;
    let invoice = firm.invoice_in_review(&project, 45_000).await;
    firm.settle().await;
    gina.approve(&invoice).await;
    firm.settle().await;
    let shelf = Shelf::new();
    firm.installation.run(&["backup", &shelf.folder("monday")]).printed();
    let dumped = in_clear(&firm.installation, &shelf.folder("monday")).await;
    assert!(dumped.contains("invoice.approved") && !dumped.contains("Gina") && !dumped.contains("gina@"));
    let before = walk(&firm, &firm.admin).await;

    let copy = elsewhere(&firm.installation).await;
    copy.run(&["restore", &shelf.folder("monday")]).printed();
    let copy = served(&firm, copy).await;
    assert_eq!(same_for_all(walk(&copy, &copy.admin).await), same_for_all(before), "every answer is as it was");
    Person::sign_in(copy.node(), &gina.account).await.get("/v1/dashboard").await.expect(200);
    assert_eq!(gina.person.at(copy.node()).get("/v1/dashboard").await.status, 401, "a session is not restored");

    let contact = copy.admin.get(format!("/v1/portal-users/{}", gina.id)).await.expect(200).json();
    assert!(contact.to_string().contains("Gina"), "{contact}");
    erase(&firm, contact["contact"].as_str().unwrap()).await;
    let keys = shelf.folder("tuesday.keys");
    firm.installation.run(&["backup", &keys, "--keys-only"]).printed();
    let later = elsewhere(&firm.installation).await;
    later.run(&["restore", &shelf.folder("monday"), "--keys", &keys]).printed();
    let later = served(&firm, later).await;
    let erased = later.admin.get(format!("/v1/portal-users/{}", gina.id)).await.expect(200).json();
    assert!(!erased.to_string().contains("Gina"), "{erased}");
    let all = later.admin.get("/v1/portal-users").await.expect(200).text;
    assert!(all.contains("Nils") && !all.contains("Gina"), "{all}");
    let [kept, first] = [later.ledger.entries().await, copy.ledger.entries().await]
        .map(|entries| entries.into_iter().map(|entry| entry.envelope).take(10).collect::<Vec<_>>());
    assert_eq!(kept, first, "no event is changed by an erasure");

    // Keys that are older than the backup lack whoever came in between.
    firm.installation.run(&["backup", &shelf.folder("wednesday")]).printed();
    let refusing = elsewhere(&firm.installation).await;
    let older = ["restore", &shelf.folder("wednesday"), "--keys", &keys];
    refused(refusing.run(&older), "name newer keys with --keys");
}

/// Destroys a person's key, and with it all that can be read of them.
async fn erase(firm: &Firm, person: &str) {
    let mut database = PgConnection::connect(&firm.installation.database_url()).await.unwrap();
    let statement = "DELETE FROM vault.person_key WHERE org_id = $1 AND person_id = $2::text::uuid";
    let erased = sqlx::query(statement).bind(firm.ledger.org).bind(person).execute(&mut database).await.unwrap();
    assert_eq!(erased.rows_affected(), 1);
}

/// A backup's data as text.
async fn in_clear(installation: &Installation, folder: &str) -> String {
    let mut database = PgConnection::connect(&installation.database_url()).await.unwrap();
    let programs: String = sqlx::query_scalar("SELECT setting FROM pg_config WHERE name = 'BINDIR'")
        .fetch_one(&mut database)
        .await
        .unwrap();
    let mut restore = Command::new(Path::new(&programs).join("pg_restore"));
    Ran::of(restore.args(["--file", "-"]).arg(Path::new(folder).join("data.dump"))).printed()
}

/// Answers without what a copy makes anew: who is signed in.
fn same_for_all(mut answers: super::support::walk::Answers) -> super::support::walk::Answers {
    answers.retain(|path, _| !path.starts_with("/v1/sessions") && !path.starts_with("/v1/me"));
    answers
}

// Mail goes out at least once; a copy that sent it again would not know of the first time.
#[tokio::test(flavor = "multi_thread")]
async fn mail_that_waited_when_the_backup_was_taken_leaves_a_copy_only_if_somebody_says_so() {
    let original = Installation::private();
    let admin = ["--admin-name", "Ada Admin", "--admin-email", "ada@larch.example"];
    original.run(&[["org", "create", SLUG, "--name", "Larch & Loom"].as_slice(), &admin].concat()).printed();
    let shelf = Shelf::new();
    original.run(&["backup", &shelf.folder("monday")]).printed();

    // From a private server into another one, and into a database of one's own.
    let (quiet, telling) = (Installation::private(), Installation::empty().await);
    for copy in [&quiet, &telling] {
        hand_over_key(&original, copy);
    }
    let told = quiet.run(&["restore", &shelf.folder("monday")]).printed();
    assert!(told.contains("1 mails that had not left are not sent from here"), "{told}");
    let serving = quiet.serve().await;
    let open = "SELECT count(*) FROM process.agenda WHERE done_at IS NULL AND kind LIKE '%mail%'";
    assert_eq!(count(&quiet, open).await, 0);
    let why = "SELECT count(*) FROM process.agenda WHERE outcome = 'not sent: restored from a backup'";
    assert_eq!(count(&quiet, why).await, 1);

    telling.run(&["restore", &shelf.folder("monday"), "--send-waiting-mail"]).printed();
    let _node: Node = telling.serve().await;
    telling.letter("ada@larch.example", "invites you").await;
    drop(serving);
    assert!(quiet.letters("ada@larch.example", "").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_was_killed_is_worked_on_by_nobody_and_begins_anew() {
    let firm = Firm::open().await;
    let shelf = Shelf::new();
    firm.installation.run(&["backup", &shelf.folder("monday")]).printed();
    let copy = elsewhere(&firm.installation).await;
    let restore = ["restore", &shelf.folder("monday")];
    let killed = Ran::of(copy.command(&restore).env("COUNTERSIGN_FAULTS", "restore.loaded=kill"));
    assert!(!killed.success);
    assert!(count(&copy, "SELECT count(*) FROM ledger.event").await > 0, "it was killed in the middle");
    for command in [["serve", "--listen", "127.0.0.1:0"].as_slice(), &["migrate"], &["rebuild", "--all"]] {
        refused(copy.run(command), "has not been finished: run `countersign restore` again");
    }
    copy.run(&restore).printed();
    let copy = served(&firm, copy).await;
    copy.client("Acme").await;
    copy.ledger.gapless().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_told_to_stop_leaves_nothing_behind() {
    let firm = Firm::open().await;
    let shelf = Shelf::new();
    let mut command = firm.installation.command(&["backup", &shelf.folder("monday")]);
    let log = firm.installation.data_dir().join("backup.log");
    let mut backup = Node::launch(command.env("COUNTERSIGN_FAULTS", "backup.begun=pause:600000"), log);
    until("a backup that has begun", async || backup.log().contains("backup.begun pauses").then_some(())).await;
    assert_eq!(std::fs::read_dir(shelf.0.path()).unwrap().count(), 2, "both folders are begun");
    backup.signal(Signal::SIGINT);
    assert!(!backup.end().await.success());
    assert!(backup.log().contains("countersign: stopped; nothing was kept"), "{}", backup.log());
    assert_eq!(std::fs::read_dir(shelf.0.path()).unwrap().count(), 0);
    firm.installation.run(&["backup", &shelf.folder("monday")]).printed();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_does_not_come_to_what_its_backup_says_is_refused() {
    let firm = Firm::open().await;
    let shelf = Shelf::new();
    firm.installation.run(&["backup", &shelf.folder("monday")]).printed();
    let mut manifest = shelf.read("monday");
    manifest["organizations"][0]["ledger"]["root"] = Value::from("0".repeat(64));
    std::fs::write(shelf.manifest("monday"), manifest.to_string()).unwrap();
    let copy = elsewhere(&firm.installation).await;
    refused(copy.run(&["restore", &shelf.folder("monday")]), "is not what was backed up");
    refused(copy.run(&["serve", "--listen", "127.0.0.1:0"]), "has not been finished");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_backed_up_or_restored_says_so_in_one_line_and_changes_nothing() {
    let firm = Firm::open().await;
    let shelf = Shelf::new();
    let monday = shelf.folder("monday");
    let backup = ["backup", monday.as_str()];
    let restore = ["restore", monday.as_str()];
    firm.installation.run(&backup).printed();
    refused(firm.installation.run(&backup), "is there already");
    refused(firm.installation.run(&restore), "is being served by");

    let keyless = Installation::empty().await;
    refused(keyless.run(&restore), "there is no master key here");
    std::fs::write(keyless.data_dir().join("master.key"), "5a".repeat(32)).unwrap();
    refused(keyless.run(&restore), "does not open this backup's keys");
    assert_eq!(count(&keyless, "SELECT count(*) FROM pg_namespace WHERE nspname = 'ledger'").await, 0);

    let copy = elsewhere(&firm.installation).await;
    copy.run(&restore).printed();
    refused(copy.run(&restore), "there are organizations in this database already");
    let nobody = Installation::private();
    refused(nobody.run(&["backup", &shelf.folder("nothing")]), "there is no database in");

    let lesser = firm.installation.database_url().replace("countersign_owner", "countersign_app");
    let as_lesser = ["backup", &shelf.folder("nothing"), "--owner-url", &lesser];
    refused(firm.installation.run(&as_lesser), "must see every organization's rows");
    let pooled = ["backup", &shelf.folder("nothing"), "--pooler", "transaction"];
    refused(firm.installation.run(&pooled), "name the database itself with --owner-url");

    std::fs::write(Path::new(&monday).join("data.dump"), "half of it").unwrap();
    refused(elsewhere(&firm.installation).await.run(&restore), "is not what was written by the backup");

    // A backup of a damaged ledger would be found out only when it is needed.
    let mut database = PgConnection::connect(&firm.installation.database_url()).await.unwrap();
    for statement in [
        "ALTER TABLE ledger.event DISABLE TRIGGER append_only",
        "DO $$ DECLARE p regclass; BEGIN FOR p IN SELECT inhrelid::regclass FROM pg_inherits
             WHERE inhparent = 'ledger.event'::regclass
         LOOP EXECUTE format('ALTER TABLE %s DISABLE TRIGGER append_only', p); END LOOP; END $$",
        "UPDATE ledger.event SET envelope = replace(envelope, 'Larch', 'Birch') WHERE position = 1",
    ] {
        sqlx::query(statement).execute(&mut database).await.unwrap();
    }
    refused(firm.installation.run(&["backup", &shelf.folder("tuesday")]), "position 1 is not the text that was hashed");
    assert!(!Path::new(&shelf.folder("tuesday")).exists() && !Path::new(&shelf.folder("tuesday.keys")).exists());
}
