//! The walk in the README, as it stands there: what it says is typed into a shell, and what it says is printed comes.
//!
//! Only the address is another one, because the port in the README may be somebody's, and `make demo` is the program that
//! it builds.

use super::support::installation::Installation;
use super::support::node::Node;
use super::support::person::{Account, Person};
use super::support::until::until;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// Where the README has the demo.
const SERVED: &str = "127.0.0.1:8080";
const INVOICE: &str = "a9f06e25-950d-5002-b32c-8c1bb5a0338f";
const PROJECT: &str = "743a14f0-cc07-5a6f-be63-a68103a2c792";

/// A fenced block: its language, and its lines.
struct Block {
    language: String,
    text: String,
}

/// The fenced blocks of a text, in order.
fn blocks(text: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, fenced)) = rest.split_once("```") {
        let (block, after) = fenced.split_once("\n```").expect("a fence that is opened is closed");
        let (language, text) = block.split_once('\n').expect("a block has lines");
        found.push(Block { language: language.to_owned(), text: text.to_owned() });
        rest = after;
    }
    found
}

fn readme() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).unwrap()
}

/// Types lines into a shell of one's own, in a folder; what each block prints, which none may fail at.
struct Shell<'a> {
    folder: &'a Path,
    typed: Vec<String>,
}

impl Shell<'_> {
    fn run(&self, environment: &[(&str, &str)]) -> Vec<String> {
        let mark = "---8<---";
        let script = self.typed.join(&format!("\nprintf '\\n%s\\n' '{mark}'\n"));
        let mut shell = Command::new("sh");
        shell.args(["-eu", "-c", &script]).current_dir(self.folder).envs(environment.iter().copied());
        let output = shell.output().expect("there is a shell");
        let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert!(output.status.success(), "{script}\n{out}\n{err}");
        out.split(&format!("\n{mark}\n")).map(str::to_owned).collect()
    }
}

/// Each line of what a block printed, as an answer of the API.
#[track_caller]
fn answers(printed: &str) -> Vec<Value> {
    let answers = serde_json::Deserializer::from_str(printed).into_iter::<Value>();
    answers.collect::<Result<_, _>>().unwrap_or_else(|error| panic!("{error} in {printed}"))
}

#[test]
fn the_readme_is_served_where_the_program_listens() {
    let walk = readme();
    let help = super::support::program::Ran::of(super::support::program::countersign().args(["serve", "--help"]));
    assert!(walk.contains(SERVED) && help.printed().contains(SERVED));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_walk_through_the_demo_goes_as_the_readme_says() {
    let installation = Installation::new().await;
    let log = installation.data_dir().join("demo.log");
    let node = Node::start(&mut installation.command(&["demo", "--listen", "127.0.0.1:0"]), log).await;
    let here = node.url.strip_prefix("http://").unwrap();
    let readme = readme();
    let (before, walk) = readme.split_once("## A walk through the demo").expect("the README has a walk");
    let (walk, _) = walk.split_once("\n## ").expect("something follows the walk");
    assert!(before.contains("make demo"), "that is the program which serves here");
    let walk: Vec<Block> = blocks(walk);
    assert!(walk.iter().all(|block| block.language == "sh"), "every block of the walk is typed");
    let [sign_in, look, approve, audit] = &walk[..] else { panic!("the walk has {} blocks", walk.len()) };
    let typed = |block: &Block| block.text.replace(SERVED, here);

    // What stands at the top is what she finds when she has signed in.
    let shown = blocks(before).into_iter().find(|block| block.language == "console").unwrap();
    let mut shown = shown.text.lines();
    let question = shown.next().and_then(|line| line.strip_prefix("$ ")).unwrap().replace(SERVED, here);
    let answer = shown.next().and_then(|line| line.strip_suffix('…')).expect("it is cut short").trim_end();
    let history = shown.find_map(|line| line.strip_prefix("$ ")).expect("an auditor asks, too");

    let folder = tempfile::tempdir().unwrap();
    let mut shell = Shell { folder: folder.path(), typed: [sign_in, look].map(typed).to_vec() };
    shell.typed.extend([question, typed(approve)]);
    let printed = shell.run(&[]);
    let [signed_in, looked, waiting, approved] = &printed[..] else { panic!("{printed:?}") };
    assert_eq!(signed_in, "", "the token goes into a variable");
    let [dashboard, project, invoice] = &answers(looked)[..] else { panic!("{looked}") };
    assert!(dashboard["projects"].to_string().contains(PROJECT), "{dashboard}");
    assert_eq!(project["project"], PROJECT, "{project}");
    assert_eq!((&invoice["invoice"], &invoice["status"]), (&INVOICE.into(), &"in_review".into()), "{invoice}");
    assert!(approve.text.contains(invoice["shown"].as_str().unwrap()), "the README names what she is shown");
    assert!(waiting.starts_with(answer), "{waiting}\nbut the README says\n{answer}");
    assert!(answers(approved)[0].get("code").is_none(), "{approved}");

    // She sends by approving.
    let gina = demo_guest(&node, "gina@harbourfoods.example").await;
    let sent = until("an invoice that is sent", async || {
        let invoice = gina.get(format!("/v1/invoices/{INVOICE}")).await.expect(200).json();
        (invoice["status"] == "sent").then_some(invoice)
    })
    .await;
    assert!(sent["number"].is_string(), "{sent}");

    let program = super::support::program::built("countersign");
    let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let (url, data) = (installation.database_url(), installation.data_dir().display().to_string());
    let shell = Shell { folder: folder.path(), typed: vec![typed(audit), history.to_owned()] };
    let printed = shell.run(&[("PATH", &path), ("DATABASE_URL", &url), ("COUNTERSIGN_DATA_DIR", &data)]);
    let [approvals, told] = &printed[..] else { panic!("{printed:?}") };
    let approvals = answers(approvals);
    let approved = approvals[0]["items"].as_array().unwrap().iter().find(|entry| entry["decided"] == "approved");
    assert!(approved.is_some_and(|approved| approved["right"] == "approve_invoices"), "{approvals:?}");
    assert!(told.contains("Gina") && told.contains("As agreed."), "{told}");

    // Her colleague sees quantities only.
    let nils = demo_guest(&node, "nils@harbourfoods.example").await;
    let project = nils.get(format!("/v1/projects/{PROJECT}")).await.expect(200);
    assert!(!project.text.contains("amounts") && !project.text.contains("minor"), "{}", project.text);
}

async fn demo_guest(node: &Node, email: &str) -> Person {
    let account = Account { password: "welcome to the demo".to_owned(), ..Account::new("demo", email) };
    Person::sign_in(node, &account).await
}
