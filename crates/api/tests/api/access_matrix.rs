//! Runs the table of who may do what against a world with one of each kind of subject.

use crate::contract::CONTRACT;
use crate::matrix::{ROWS, Row, SUBJECTS};
use crate::talk::{Ask, Caller, get, post, put};
use crate::world::World;
use axum::http::Method;
use chrono::TimeDelta;
use countersign_api::ApiLimits;
use countersign_domain::ids::OrgId;
use countersign_eventstore::Clock;
use serde_json::{Value, json};
use sqlx::PgPool;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// One of each kind of subject, in the order of the columns, and the ids of what they are asked about.
pub struct Cast {
    pub world: World,
    pub org: OrgId,
    pub subjects: Vec<Caller>,
    pub ids: BTreeMap<&'static str, String>,
}

#[sqlx::test(migrations = "../../migrations")]
async fn everybody_is_answered_as_the_table_says_and_as_the_document_promises(owner: PgPool) {
    let cast = Cast::assemble(owner).await;
    let mut wrong = Vec::new();
    for Row(operation, line, body, statuses) in ROWS {
        for (column, status) in statuses.iter().enumerate() {
            let reply = cast.world.send(&cast.subjects[column], cast.ask(line, body, column)).await;
            if reply.status != *status {
                let who = SUBJECTS[column];
                wrong.push(format!("{operation} by {who}: {} instead of {status}: {}", reply.status, reply.text));
            }
        }
        cast.world.settle(cast.org).await;
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_operation_has_a_row() {
    let documented: BTreeSet<_> = CONTRACT.operations().map(|(id, ..)| id).collect();
    let rows: BTreeSet<_> = ROWS.iter().map(|Row(id, ..)| *id).collect();
    assert_eq!(rows, documented);
    assert_eq!(rows.len(), ROWS.len(), "an operation has two rows");
}

/// What cannot be seen is answered like what is not there, and both like a route that is not there.
#[sqlx::test(migrations = "../../migrations")]
async fn what_may_not_be_seen_is_answered_byte_for_byte_like_what_is_not_there(owner: PgPool) {
    let cast = Cast::assemble(owner).await;
    let nowhere = cast.world.send(&cast.subjects[2], get("/v1/nowhere")).await.expect(404);
    for Row(operation, line, body, statuses) in ROWS.iter().filter(|row| !row.0.ends_with("Batch")) {
        for (column, _) in statuses.iter().enumerate().filter(|(_, status)| **status == 404) {
            let reply = cast.world.send(&cast.subjects[column], cast.ask(line, body, column)).await.expect(404);
            assert_eq!(reply.text, nowhere.text, "{operation} by {}", SUBJECTS[column]);
            let names =
                |reply: &crate::talk::Reply| reply.headers.keys().map(ToString::to_string).collect::<BTreeSet<_>>();
            assert_eq!(names(&reply), names(&nowhere), "{operation} by {}", SUBJECTS[column]);
        }
    }
}

/// A page of another site, or one without the session's CSRF token, does not learn which routes there are either.
#[sqlx::test(migrations = "../../migrations")]
async fn a_guest_learns_nothing_of_the_staffs_routes_however_they_ask_nor_the_staff_of_the_guests(owner: PgPool) {
    let cast = Cast::assemble(owner).await;
    let unproven = |caller: &Caller| match caller {
        Caller::Session { cookie, .. } => Caller::Session { cookie: cookie.clone(), csrf: String::new() },
        Caller::Anonymous | Caller::Token(_) => unreachable!("nobody else has a page"),
    };
    let (gina, admin) = (unproven(&cast.subjects[2]), unproven(&cast.subjects[7]));
    let nowhere = cast.world.send(&gina, post("/v1/nowhere", json!({}))).await.expect(404);
    let client = r#"{"name": "Acme"}"#;
    for (caller, line, body) in [
        (&gina, "POST /v1/clients", client),
        (&gina, "POST /v1/staff/{manager}/deactivate", "{}"),
        (&gina, "PUT /v1/clients/{client}/name", client),
        (&gina, "DELETE /v1/portal-users/{pending}/invitation", ""),
        (&admin, "POST /v1/invoices/{invoice}/approve", r#"{"shown": "{invoice_shown}"}"#),
    ] {
        let ask = cast.ask(line, body, 0);
        for ask in [ask.clone(), ask.header("sec-fetch-site", "cross-site")] {
            let reply = cast.world.send(caller, ask).await.expect(404);
            assert_eq!(reply.text, nowhere.text, "{line}");
        }
    }
    // On their own routes everybody is told what is missing.
    let approve = cast.ask("POST /v1/invoices/{invoice}/approve", r#"{"shown": "{invoice_shown}"}"#, 0);
    cast.world.send(&gina, approve).await.refused(403, "session.csrf_refused");
    cast.world.send(&admin, post("/v1/clients", json!({ "name": "Acme" }))).await.refused(403, "session.csrf_refused");
}

impl Cast {
    pub async fn assemble(owner: PgPool) -> Self {
        Self::assemble_with(owner, ApiLimits::default()).await
    }

    pub async fn assemble_with(owner: PgPool, limits: ApiLimits) -> Self {
        let world = World::with(owner, limits).await;
        let (org, admin) = world.firm("north-star").await;
        let (_, foreign_admin) = world.firm("south-star").await;
        let (manager, own_manager) = world.staff(org, "north-star", &admin, "Pia", "project_manager").await;
        let (_, other_manager) = world.staff(org, "north-star", &admin, "Otto", "project_manager").await;
        let (_, auditor) = world.staff(org, "north-star", &admin, "Aud", "auditor").await;
        let token = token(&world, &admin).await;

        let client = world.send(&admin, post("/v1/clients", json!({ "name": "Acme" }))).await.id();
        let other_client = world.send(&admin, post("/v1/clients", json!({ "name": "Beta" }))).await.id();
        let project = project(&world, &admin, &client, &manager).await;
        let other_project = project_of(&world, &admin, &other_client).await;
        let every =
            ["financial_visibility", "invoice_visibility", "approve_invoices", "auto_send_on_approval", "approve_time"];
        let with_every_right = json!([{ "project": project, "rights": every }]);
        let (guest, gina) = world.guest(org, "north-star", &admin, ("Gina", &client), with_every_right).await;
        let (_, nolan) = world.guest(org, "north-star", &admin, ("Nolan", &client), json!([])).await;
        let elsewhere = json!([{ "project": other_project, "rights": every }]);
        let (_, bert) = world.guest(org, "north-star", &admin, ("Bert", &other_client), elsewhere).await;

        let mut ids = BTreeMap::from([
            ("client", client.clone()),
            ("project", project.clone()),
            ("manager", manager),
            ("guest", guest),
            ("nobody", Uuid::nil().to_string()),
            ("today", world.clock.now().as_utc().date_naive().to_string()),
            ("soon", world.clock.now().plus(TimeDelta::days(7)).to_string()),
        ]);
        let invite = |name: &str| json!({ "people": [{ "client": client, "name": name, "email": format!("{name}@example.com") }] });
        for (id, name) in [("pending", "pat"), ("spare", "sam")] {
            let reply = world.send(&admin, post("/v1/invitations", invite(name))).await.expect(200);
            ids.insert(id, reply.json()["items"][0]["ids"]["portal_user"].as_str().unwrap().to_owned());
        }
        let staff = json!({ "name": "Ivy", "email": "ivy@example.com", "level": "auditor" });
        ids.insert("invited_staff", world.send(&admin, post("/v1/staff", staff)).await.id());
        let subjects = vec![
            Caller::Anonymous,
            nolan,
            gina,
            bert,
            other_manager,
            own_manager,
            auditor,
            admin,
            token,
            foreign_admin,
        ];
        let mut cast = Self { world, org, subjects, ids };
        cast.put_before_the_client().await;
        cast
    }

    /// Time and invoices that wait for Gina's decision, and some that do not yet.
    async fn put_before_the_client(&mut self) {
        let (gina, pia) = (self.subjects[2].clone(), self.subjects[5].clone());
        self.world.settle(self.org).await;
        let project = format!("/v1/projects/{}", self.ids["project"]);
        let view = self.world.send(&pia, get(project)).await.expect(200).json();
        let line = view["contract_lines"][0]["contract_line"].as_str().unwrap().to_owned();
        self.ids.insert("line", line);
        for name in ["logged", "entry", "other_entry"] {
            let body = r#"{"project": "{project}", "contract_line": "{line}", "worked_on": "{today}", "hours": "2",
                "note": "dredging"}"#;
            let id = self.world.send(&pia, self.ask("POST /v1/time-entries", body, 0)).await.id();
            self.ids.insert(name, id);
        }
        for name in ["draft", "invoice", "other_invoice"] {
            let body = r#"{"project": "{project}", "currency": "EUR", "lines": [{"description": "Dredging",
                "quantity": "3", "unit_price": {"minor": 12000, "currency": "EUR"}, "tax": "20"}]}"#;
            let id = self.world.send(&pia, self.ask("POST /v1/invoices", body, 0)).await.id();
            self.ids.insert(name, id);
        }
        for line in [
            "POST /v1/time-entries/{entry}/submit",
            "POST /v1/time-entries/{other_entry}/submit",
            "POST /v1/invoices/{invoice}/put-in-review",
            "POST /v1/invoices/{other_invoice}/put-in-review",
        ] {
            self.world.send(&pia, self.ask(line, "", 0)).await.expect(200);
        }
        self.world.settle(self.org).await;
        for (name, path) in [
            ("entry_shown", "GET /v1/time-entries/{entry}"),
            ("other_entry_shown", "GET /v1/time-entries/{other_entry}"),
            ("invoice_shown", "GET /v1/invoices/{invoice}"),
            ("other_invoice_shown", "GET /v1/invoices/{other_invoice}"),
        ] {
            let view = self.world.send(&gina, self.ask(path, "", 0)).await.expect(200).json();
            self.ids.insert(name, view["shown"].as_str().unwrap().to_owned());
        }
    }

    /// A request as the table writes it.
    pub fn ask(&self, line: &str, body: &str, column: usize) -> Ask {
        let (line, body) = (self.fill(line, column), self.fill(body, column));
        let (method, path) = line.split_once(' ').unwrap();
        let body: Option<Value> = (!body.is_empty()).then(|| serde_json::from_str(&body).unwrap());
        let ask = Ask { method: Method::from_bytes(method.as_bytes()).unwrap(), body, ..get(path) };
        ask.named(&Uuid::now_v7().to_string())
    }

    fn fill(&self, text: &str, column: usize) -> String {
        let ids = self.ids.iter();
        let text = ids.fold(text.to_owned(), |text, (name, id)| text.replace(&format!("{{{name}}}"), id));
        text.replace("{n}", &column.to_string())
    }
}

async fn token(world: &World, admin: &Caller) -> Caller {
    let expires_at = world.clock.now().plus(TimeDelta::days(30));
    let body = json!({ "name": "reports", "scopes": ["read"], "expires_at": expires_at });
    let issued = world.send(admin, post("/v1/tokens", body)).await.expect(201).json();
    Caller::Token(issued["token"].as_str().unwrap().to_owned())
}

/// A project that is shown to its client, with one line of 100 hours at 120 euros.
async fn project(world: &World, admin: &Caller, client: &str, manager: &str) -> String {
    let id = project_of(world, admin, client).await;
    world.send(admin, put(format!("/v1/projects/{id}/manager"), json!({ "manager": manager }))).await.expect(200);
    id
}

async fn project_of(world: &World, admin: &Caller, client: &str) -> String {
    let euros = |minor: i64| json!({ "minor": minor, "currency": "EUR" });
    let line = json!({ "name": "Dredging", "rate": euros(12_000), "amount": euros(1_200_000), "hours": "100" });
    let body = json!({ "client": client, "name": "Harbour", "currency": "EUR", "contract_lines": [line] });
    let id = world.send(admin, post("/v1/projects", body)).await.id();
    world.send(admin, post(format!("/v1/projects/{id}/publish"), json!({}))).await.expect(200);
    id
}
