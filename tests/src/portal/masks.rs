//! What guests find, and what they do not: every question of the API, asked by each of them about everything there is.

use super::support::change_feed::ChangeFeed;
use super::support::firm::{CONTRACT, Firm, Guest, Project, RATE, eur};
use super::support::person::{Ask, get, post};
use super::support::walk::{Answers, fields, is_money, walk, words};
use futures::future::join_all;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use uuid::Uuid;

/// What invoices charge: sent, in review, still a draft.
const CHARGED: [i64; 3] = [73_121, 82_919, 94_703];
const HOURS: &str = "1.5";
/// The value of that time.
const USED: i64 = 17_006;

/// A busy project, and guests on its roster who differ in their rights.
struct World {
    firm: Firm,
    project: Project,
    /// May do everything; so decides.
    gus: Guest,
    /// Sees quantities.
    nadia: Guest,
    /// Sees quantities and invoices.
    nora: Guest,
    /// Sees quantities and amounts.
    fay: Guest,
    /// Sees quantities, amounts and invoices.
    bea: Guest,
    invoices: [String; 3],
    time: String,
}

impl World {
    async fn new() -> Self {
        let firm = Firm::open().await;
        let client = firm.client("Acme").await;
        let project = firm.project(&client, "Portal").await;
        let everything = ["financial_visibility", "invoice_visibility", "approve_invoices", "approve_time"];
        let guests: [(&str, &[&str]); 5] = [
            ("Gus", &everything),
            ("Nadia", &[]),
            ("Nora", &["invoice_visibility"]),
            ("Fay", &["financial_visibility"]),
            ("Bea", &["financial_visibility", "invoice_visibility"]),
        ];
        let guests = join_all(guests.map(|(name, rights)| firm.guest(name, &project, rights))).await;
        let [gus, nadia, nora, fay, bea] = <[Guest; 5]>::try_from(guests).ok().expect("there are five");
        let time = firm.submitted_time(&project, HOURS).await;
        firm.settle().await;
        gus.approve_time(&time).await;
        let mut charge = project.charge(CHARGED[0]);
        charge["time_entries"] = json!([time]);
        let sent = firm.draft_of(&project, charge).await;
        firm.put_in_review(&sent).await;
        firm.settle().await;
        gus.approve(&sent).await;
        firm.admin.post(format!("/v1/invoices/{sent}/send"), Value::Null).await.expect(200);
        let in_review = firm.invoice_in_review(&project, CHARGED[1]).await;
        let draft = firm.draft(&project, CHARGED[2]).await;
        firm.settle().await;
        Self { firm, project, gus, nadia, nora, fay, bea, invoices: [sent, in_review, draft], time }
    }

    async fn answers(&self, guest: &Guest) -> Answers {
        let answers = walk(&self.firm, &guest.person).await;
        let place = format!("/v1/projects/{}", self.project.id);
        for path in
            ["/v1/dashboard", &place, &format!("{place}/time-entries"), &format!("/v1/time-entries/{}", self.time)]
        {
            assert!(answers.contains_key(path), "everybody on the roster is answered {path}");
        }
        answers
    }
}

/// What tells of money, whatever it is called.
const FINANCIAL: [&str; 11] =
    ["amount", "amounts", "contract", "gross", "invoiced", "net", "price", "rate", "total", "used", "value"];

#[track_caller]
fn assert_no_money(path: &str, answer: &Value, secrets: &BTreeSet<String>) {
    for field in fields(answer) {
        let name = field.rsplit(['.', ']']).next().unwrap_or_default();
        assert!(!FINANCIAL.contains(&name), "{path} tells {field}: {answer}");
    }
    assert!(!holds_money(answer), "{path}: {answer}");
    let found: Vec<_> = words(answer).intersection(secrets).cloned().collect();
    assert!(found.is_empty(), "{path} tells {found:?}: {answer}");
}

fn holds_money(value: &Value) -> bool {
    let within = value.as_object().into_iter().flat_map(|object| object.values());
    let within = within.chain(value.as_array().into_iter().flatten());
    is_money(value) || within.into_iter().any(holds_money)
}

/// Sums, as cents and as euros.
fn written(sums: impl IntoIterator<Item = i64>) -> BTreeSet<String> {
    let write = |minor: i64| [minor.to_string(), format!("{}.{:02}", minor / 100, minor % 100)];
    sums.into_iter().flat_map(write).collect()
}

fn is_about_invoices(path: &str) -> bool {
    path == "/v1/invoices" || path.starts_with("/v1/invoices/")
}

// F6.4, F6.5, F6.8, D1
#[tokio::test]
async fn a_guest_without_financial_access_finds_no_amount_rate_or_value_but_on_invoices_they_may_see() {
    let world = World::new().await;
    let secrets = written([RATE, CONTRACT, USED]);

    for (path, answer) in world.answers(&world.nora).await {
        if is_about_invoices(&path) {
            let told = words(&answer);
            assert!(told.is_disjoint(&secrets), "{path}: what invoices charge is all that they tell: {answer}");
        } else {
            assert_no_money(&path, &answer, &secrets);
        }
    }
    let charged = CHARGED.map(|net| net + (net * 22 + 50) / 100);
    let secrets = written([RATE, CONTRACT, USED].into_iter().chain(CHARGED).chain(charged));
    for (path, answer) in world.answers(&world.nadia).await {
        assert_no_money(&path, &answer, &secrets);
    }
}

/// The fields that one guest is told and another is not, with the questions to which they are the answer.
fn told_besides(more: &Answers, less: &Answers) -> BTreeSet<String> {
    let mut besides = BTreeSet::new();
    for (path, answer) in more {
        let other = less.get(path).map(fields).unwrap_or_default();
        let name = path.split('/').map(|part| if part.parse::<Uuid>().is_ok() { "ID" } else { part });
        let name = name.collect::<Vec<_>>().join("/");
        besides.extend(fields(answer).difference(&other).map(|field| format!("{name} {field}")));
    }
    for path in less.keys() {
        assert!(more.contains_key(path), "{path} is answered to whoever may see less");
    }
    besides
}

fn set(fields: &[&str]) -> BTreeSet<String> {
    fields.iter().map(|field| (*field).to_owned()).collect()
}

const AMOUNTS: [&str; 19] = [
    "/v1/dashboard projects[].amounts.contract",
    "/v1/dashboard projects[].amounts.used",
    "/v1/dashboard projects[].contract_lines[].amounts.contract",
    "/v1/dashboard projects[].contract_lines[].amounts.rate",
    "/v1/dashboard projects[].contract_lines[].amounts.used",
    "/v1/projects items[].amounts.contract",
    "/v1/projects items[].amounts.used",
    "/v1/projects items[].contract_lines[].amounts.contract",
    "/v1/projects items[].contract_lines[].amounts.rate",
    "/v1/projects items[].contract_lines[].amounts.used",
    "/v1/projects/ID amounts.contract",
    "/v1/projects/ID amounts.used",
    "/v1/projects/ID contract_lines[].amounts.contract",
    "/v1/projects/ID contract_lines[].amounts.rate",
    "/v1/projects/ID contract_lines[].amounts.used",
    "/v1/projects/ID/time-entries items[].amounts.rate",
    "/v1/projects/ID/time-entries items[].amounts.value",
    "/v1/time-entries/ID amounts.rate",
    "/v1/time-entries/ID amounts.value",
];

// F6.2, F6.4, F6.5, F6.24
#[tokio::test]
async fn with_financial_access_a_guest_finds_contract_amounts_rates_and_values_and_nothing_else() {
    let world = World::new().await;
    let [nadia, nora, fay, bea] = [
        world.answers(&world.nadia).await,
        world.answers(&world.nora).await,
        world.answers(&world.fay).await,
        world.answers(&world.bea).await,
    ];

    assert_eq!(told_besides(&fay, &nadia), set(&AMOUNTS));
    let mut with_invoices = set(&AMOUNTS);
    with_invoices.extend(set(&[
        "/v1/dashboard projects[].invoiced",
        "/v1/projects items[].invoiced",
        "/v1/projects/ID invoiced",
        // What an invoice charges is how one gets from its amounts to rates.
        "/v1/invoices/ID lines[].contract_line",
        "/v1/invoices/ID lines[].time_entries[]",
    ]));
    assert_eq!(told_besides(&bea, &nora), with_invoices);

    let project = &fay[&format!("/v1/projects/{}", world.project.id)];
    assert_eq!(project["amounts"], json!({ "contract": eur(CONTRACT), "used": eur(USED) }));
    let line = &project["contract_lines"][0]["amounts"];
    assert_eq!(*line, json!({ "rate": eur(RATE), "contract": eur(CONTRACT), "used": eur(USED) }));
    let time = &fay[&format!("/v1/time-entries/{}", world.time)];
    assert_eq!(time["amounts"], json!({ "rate": eur(RATE), "value": eur(USED) }));
}

// D1, F10.1, F10.2
#[tokio::test]
async fn a_guest_with_invoice_visibility_finds_what_was_put_before_the_client_and_never_a_draft() {
    let world = World::new().await;
    let [sent, in_review, draft] = world.invoices.each_ref().map(String::as_str);
    let answers = world.answers(&world.nora).await;
    let about: BTreeSet<&str> = answers.keys().filter_map(|path| path.strip_prefix("/v1/invoices/")).collect();

    assert_eq!(about, BTreeSet::from([sent, in_review]));
    let listed = answers["/v1/invoices"]["items"].as_array().unwrap();
    assert_eq!(listed.iter().map(|item| item["invoice"].as_str().unwrap()).collect::<Vec<_>>(), [in_review, sent]);
    assert_eq!(answers["/v1/dashboard"]["projects"][0]["open_invoices"], 2);
    assert!(!answers.values().any(|answer| answer.to_string().contains(draft)));
    let gross = &answers[&format!("/v1/invoices/{sent}")]["totals"]["gross"];
    assert_eq!(*gross, eur(89_208), "an invoice shows its amounts to whoever sees it");
}

// D1: nothing that happens to invoices is to be noticed by whoever may not see them.
#[tokio::test]
async fn invoices_leave_no_trace_in_what_a_guest_without_invoice_visibility_is_answered() {
    let world = World::new().await;
    let World { firm, project, gus, fay, .. } = &world;
    let mut feed = ChangeFeed::open(&fay.person, None).await;
    let before = world.answers(fay).await;
    assert_eq!(before["/v1/invoices"]["items"], json!([]));
    assert!(!before.keys().any(|path| path.starts_with("/v1/invoices/")));
    assert_eq!(before["/v1/dashboard"]["projects"][0].get("open_invoices"), None);

    let busy = firm.invoice_in_review(project, 50_000).await;
    firm.admin.post(format!("/v1/invoices/{busy}/recall"), Value::Null).await.expect(200);
    firm.put_in_review(&busy).await;
    firm.settle().await;
    gus.approve(&busy).await;
    firm.admin.post(format!("/v1/invoices/{busy}/send"), Value::Null).await.expect(200);
    firm.settle().await;

    let after = world.answers(fay).await;
    for path in before.keys().chain(after.keys()).filter(|path| *path != "/v1/sessions") {
        assert_eq!(before.get(path), after.get(path), "{path}");
    }
    // The feed tells of the first thing that is theirs to know.
    firm.submitted_time(project, "2").await;
    let told: Vec<_> = feed.until("time_entry.submitted").await;
    assert!(told.iter().all(|told| told.event_type().starts_with("time_entry.")), "{told:?}");
}

/// Projects of which a guest on another one's roster may not know, and what belongs to them.
struct Elsewhere {
    projects: Vec<String>,
    invoices: Vec<String>,
    time: Vec<String>,
}

impl Elsewhere {
    /// One that is not shown to the client, one of another client, and one from whose roster they were taken.
    async fn beside(world: &World) -> Self {
        let World { firm, project, gus, .. } = world;
        let hidden = firm.project(&project.client, "Hidden").await;
        let other = firm.project(&firm.client("Brook").await, "Other").await;
        let lost = firm.project(&project.client, "Lost").await;
        let everything = json!({ "rights": ["invoice_visibility", "approve_invoices", "approve_time"] });
        firm.guest("Otto", &other, &["invoice_visibility", "approve_invoices", "approve_time"]).await;
        let (mut invoices, mut time) = (vec![], vec![]);
        for place in [&hidden, &other, &lost] {
            let on_roster = format!("/v1/projects/{}/roster/{}", place.id, gus.id);
            if place.client == project.client {
                firm.admin.put(on_roster.as_str(), everything.clone()).await.expect(200);
            }
            invoices.push(firm.invoice_in_review(place, 30_000).await);
            time.push(firm.submitted_time(place, "3").await);
        }
        firm.admin.post(format!("/v1/projects/{}/withdraw", hidden.id), Value::Null).await.expect(200);
        firm.admin.delete(format!("/v1/projects/{}/roster/{}", lost.id, gus.id)).await.expect(200);
        firm.settle().await;
        Self { projects: vec![hidden.id, other.id, lost.id], invoices, time }
    }
}

// F1.9, F6.1, F6.3, F6.10, F6.21
#[tokio::test]
async fn what_a_guest_may_not_know_of_is_answered_byte_for_byte_like_what_is_not_there() {
    let world = World::new().await;
    let elsewhere = Elsewhere::beside(&world).await;
    let shown = world.gus.shown(&world.invoices[1]).await;
    let (approval, refusal) = (json!({ "shown": shown }), json!({ "shown": shown, "reason": "no" }));
    let ask = |method: fn(String) -> Ask| method;
    let about_projects = [
        ask(|id| get(format!("/v1/projects/{id}"))),
        ask(|id| get(format!("/v1/projects/{id}/time-entries"))),
        ask(|id| get(format!("/v1/projects?client={id}"))),
        ask(|id| get(format!("/v1/invoices?project={id}"))),
    ];
    let mut invoices = elsewhere.invoices;
    invoices.push(world.invoices[2].clone());
    for question in about_projects {
        assert_same(&world.gus, &elsewhere.projects, question).await;
    }
    assert_same(&world.gus, &invoices, |id| get(format!("/v1/invoices/{id}"))).await;
    assert_same(&world.gus, &elsewhere.time, |id| get(format!("/v1/time-entries/{id}"))).await;
    for (command, body) in [("approve", &approval), ("request-changes", &refusal)] {
        assert_same(&world.gus, &invoices, |id| post(format!("/v1/invoices/{id}/{command}"), body.clone())).await;
    }
    for (command, body) in [("approve", &approval), ("reject", &refusal)] {
        assert_same(&world.gus, &elsewhere.time, |id| post(format!("/v1/time-entries/{id}/{command}"), body.clone()))
            .await;
    }
}

/// What is there and what is not are answered alike.
async fn assert_same(guest: &Guest, ids: &[String], ask: impl Fn(String) -> Ask) {
    let nothing = guest.person.send(ask(Uuid::now_v7().to_string())).await;
    for id in ids {
        let something = guest.person.send(ask(id.clone())).await;
        assert_eq!(something.told(), nothing.told(), "{:?}", ask(id.clone()));
    }
}
