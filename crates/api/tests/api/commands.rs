//! What all commands and questions have in common: names, positions, batches, and bad input.

use crate::access_matrix::Cast;
use crate::talk::{Caller, get, post, put};
use crate::world::World;
use axum::body::Body;
use axum::http::{Method, Request};
use countersign_api::ApiLimits;
use serde_json::{Value, json};
use sqlx::PgPool;
use std::collections::BTreeSet;
use std::time::Duration;

#[sqlx::test(migrations = "../../migrations")]
async fn a_command_that_is_sent_again_under_its_name_takes_effect_once(owner: PgPool) {
    let world = World::new(owner).await;
    let (_, admin) = world.firm("north-star").await;
    let (_, other) = world.firm("south-star").await;
    let open = |name: &str| post("/v1/clients", json!({ "name": name })).named("a-name");
    let first = world.send(&admin, open("Acme")).await.expect(201);
    let again = world.send(&admin, open("Acme")).await.expect(201);
    assert_eq!(first.text, again.text);
    assert_eq!(first.header("ledger-position"), again.header("ledger-position"));
    assert_eq!((first.header("idempotent-replayed"), again.header("idempotent-replayed")), (None, Some("true")));
    let id = first.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(first.header("location"), Some(format!("/v1/clients/{id}").as_str()));
    world.send(&admin, open("Beta")).await.refused(422, "idempotency_key.reused");
    let theirs = world.send(&other, open("Acme")).await.expect(201);
    assert_ne!(theirs.json()["id"], json!(id), "nobody meets a stranger's outcome");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_refusal_is_kept_under_the_commands_name(owner: PgPool) {
    let world = World::new(owner).await;
    let (_, admin) = world.firm("north-star").await;
    let client = world.send(&admin, post("/v1/clients", json!({ "name": "Acme" }))).await.id();
    let body = json!({ "client": client, "name": "New", "currency": "EUR", "manager": client });
    let ask = post("/v1/projects", body);
    let first = world.send(&admin, ask.clone()).await.refused(409, "project.manager_may_not_manage");
    let again = world.send(&admin, ask).await.refused(409, "project.manager_may_not_manage");
    assert_eq!(first.text, again.text);
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_was_written_is_read_at_its_position(owner: PgPool) {
    let world = World::new(owner).await;
    let (_, admin) = world.firm("north-star").await;
    for n in 0..10 {
        let opened =
            world.send(&admin, post("/v1/clients", json!({ "name": format!("Client {n}") }))).await.expect(201);
        let position = opened.header("ledger-position").unwrap().to_owned();
        let path = opened.header("location").unwrap().to_owned();
        world.send(&admin, get(path).header("min-position", position)).await.expect(200);
    }
    world.send(&admin, get("/v1/clients").header("min-position", "x")).await.refused(400, "min_position.malformed");
    let beyond = world.send(&admin, get("/v1/clients").header("min-position", "1000000")).await;
    let beyond = beyond.refused(503, "read_model.behind");
    assert_eq!(beyond.header("retry-after"), Some("1"));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_guest_learns_no_numbers_from_positions(owner: PgPool) {
    let cast = Cast::assemble(owner).await;
    let gina = &cast.subjects[2];
    let ask = cast.ask("POST /v1/invoices/{invoice}/approve", r#"{"shown": "{invoice_shown}"}"#, 0);
    let approved = cast.world.send(gina, ask.clone()).await.expect(200);
    let again = cast.world.send(gina, ask).await.expect(200);
    let position = approved.header("ledger-position").unwrap();
    assert!(position.parse::<u64>().is_err(), "{position}");
    assert_ne!(Some(position), again.header("ledger-position"), "two seals of the same position differ");
    let view = get(format!("/v1/invoices/{}", cast.ids["invoice"]));
    let seen = cast.world.send(gina, view.clone().header("min-position", position)).await.expect(200);
    assert_eq!(seen.json()["status"], "approved");
    cast.world.send(gina, view.header("min-position", "1")).await.refused(400, "min_position.malformed");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_list_is_read_page_by_page(owner: PgPool) {
    let world = World::new(owner).await;
    let (org, admin) = world.firm("north-star").await;
    for n in 0..7 {
        world.send(&admin, post("/v1/clients", json!({ "name": format!("Client {n}") }))).await.expect(201);
    }
    world.settle(org).await;
    let mut names = BTreeSet::new();
    let mut path = "/v1/clients?limit=3".to_owned();
    for expected in [3, 3, 1] {
        let page = world.send(&admin, get(&path)).await.expect(200).json();
        let items = page["items"].as_array().unwrap();
        assert_eq!(items.len(), expected);
        names.extend(items.iter().map(|client| client["name"].as_str().unwrap().to_owned()));
        path = format!("/v1/clients?limit=3&after={}", page["next"].as_str().unwrap_or_default());
    }
    assert_eq!(names.len(), 7);
    let strange = world.send(&admin, get("/v1/clients?after=nonsense")).await.refused(422, "request.invalid");
    assert_eq!(strange.json()["errors"][0]["pointer"], "after");
    world.send(&admin, get("/v1/clients?limit=201")).await.refused(422, "request.invalid");
    world.send(&admin, get("/v1/clients?size=3")).await.refused(422, "request.invalid");
}

#[sqlx::test(migrations = "../../migrations")]
async fn each_person_of_a_batch_has_an_outcome_of_their_own(owner: PgPool) {
    let world = World::new(owner).await;
    let (org, admin) = world.firm("north-star").await;
    world.send(&admin, put("/v1/organization/plan", json!({ "plan": "starter" }))).await.expect(200);
    let client = world.send(&admin, post("/v1/clients", json!({ "name": "Acme" }))).await.id();
    let person = |n: usize| json!({ "client": client, "name": "Guest", "email": format!("guest{n}@example.com") });
    let people: Vec<Value> = (0..12).map(person).collect();
    let ask = post("/v1/invitations", json!({ "people": people }));
    let reply = world.send(&admin, ask.clone()).await.expect(200);
    let items = reply.json()["items"].as_array().unwrap().clone();
    assert_eq!(items.iter().filter(|item| item["outcome"] == "done").count(), 10);
    for item in &items[10..] {
        assert_eq!(item["problem"]["code"], "seats.none_left");
        assert_eq!(item["problem"]["limit"], "10");
    }
    assert_eq!(world.send(&admin, ask).await.expect(200).json(), reply.json());
    let alone = world.send(&admin, post("/v1/invitations", json!({ "people": [person(13)] }))).await;
    let alone = alone.refused(409, "seats.none_left").json();
    assert_eq!((&alone["limit"], &alone["items"][0]["problem"]["used"]), (&json!("10"), &json!("10")));
    world.settle(org).await;
    let listed = world.send(&admin, get("/v1/portal-users?status=pending")).await.expect(200).json();
    assert_eq!(listed["counts"]["pending"], 10);
    assert_eq!(listed["seats"], json!({ "used": 10, "limit": 10 }));
    let none = world.send(&admin, post("/v1/invitations", json!({ "people": [] }))).await;
    assert_eq!(none.refused(422, "request.invalid").json()["errors"][0]["pointer"], "/people");
}

#[sqlx::test(migrations = "../../migrations")]
async fn of_several_entries_each_is_decided_on_its_own(owner: PgPool) {
    let cast = Cast::assemble(owner).await;
    let body = r#"{"entries": [{"time_entry": "{entry}", "shown": "{entry_shown}"},
        {"time_entry": "{other_entry}", "shown": "{entry_shown}"}, {"time_entry": "{nobody}", "shown": "{entry_shown}"}]}"#;
    let reply = cast.world.send(&cast.subjects[2], cast.ask("POST /v1/time-entries/approve", body, 0)).await;
    let items = reply.expect(200).json()["items"].as_array().unwrap().clone();
    assert_eq!(items[0]["outcome"], "done");
    assert_eq!(items[0]["ids"]["time_entry"], json!(cast.ids["entry"]));
    assert_eq!(items[1]["problem"]["code"], "time_entry.shown_revision_is_outdated");
    assert_eq!(items[2]["problem"]["code"], "not_found");
}

#[sqlx::test(migrations = "../../migrations")]
async fn bad_input_is_named_and_changes_nothing(owner: PgPool) {
    let world = World::new(owner).await;
    let (org, admin) = world.firm("north-star").await;
    let head = world.ledger.reader().head(org).await.unwrap();
    let raw = |content_type: &'static str, body: Vec<u8>| {
        let Caller::Session { cookie, csrf } = &admin else { unreachable!() };
        let request = Request::builder().method(Method::POST).uri("/v1/clients").header("cookie", cookie);
        let request = request.header("x-csrf-token", csrf).header("idempotency-key", "k");
        request.header("content-type", content_type).body(Body::from(body)).unwrap()
    };
    let no_json = world.dispatch(raw("application/json", b"{\"name\": ".to_vec())).await;
    no_json.refused(400, "request.malformed");
    world.dispatch(raw("text/plain", b"{}".to_vec())).await.refused(415, "request.not_json");
    world.dispatch(raw("application/json", vec![b' '; (1 << 20) + 1])).await.refused(413, "request.too_large");
    let unknown = world.send(&admin, post("/v1/clients", json!({ "name": "Acme", "nmae": "x" }))).await;
    assert_eq!(unknown.refused(422, "request.invalid").json()["errors"][0]["pointer"], "/nmae");
    for (path, body, pointer) in [
        ("/v1/clients", json!(["Acme"]), ""),
        ("/v1/invitations", json!({ "people": [["ann@example.com"]] }), "/people/0"),
    ] {
        let array = world.send(&admin, post(path, body)).await.refused(422, "request.invalid");
        assert_eq!(array.json()["errors"][0]["pointer"], pointer);
    }
    let empty = world.send(&admin, post("/v1/clients", json!({ "name": "  " }))).await.refused(422, "request.invalid");
    assert_eq!(empty.json()["errors"][0], json!({ "pointer": "/name", "detail": "the text is empty" }));
    let nameless = world.send(&admin, post("/v1/clients", json!({ "name": "Acme" })).named(" ")).await;
    nameless.refused(400, "idempotency_key.malformed");
    let mut unnamed = post("/v1/clients", json!({ "name": "Acme" }));
    unnamed.headers.clear();
    world.send(&admin, unnamed).await.refused(400, "idempotency_key.missing");
    world.send(&admin, get("/v1/clients/7")).await.refused(404, "not_found");
    world.send(&admin, put("/v1/clients", json!({}))).await.refused(405, "method.not_allowed");
    let zone = json!({ "time_zone": "Europe/Atlantis", "currency": "EUR", "locale": "en" });
    let zone = world.send(&admin, put("/v1/organization/home", zone)).await.refused(422, "request.invalid");
    assert_eq!(zone.json()["errors"][0]["pointer"], "/time_zone");
    assert_eq!(world.ledger.reader().head(org).await.unwrap(), head);
}

#[sqlx::test(migrations = "../../migrations")]
async fn while_the_database_is_away_everybody_is_told_to_try_again(owner: PgPool) {
    let world = World::new(owner).await;
    let (_, admin) = world.firm("north-star").await;
    world.ledger.reader().pool().close().await;
    for (caller, ask) in [(&admin, get("/v1/me")), (&admin, post("/v1/clients", json!({ "name": "Acme" })))] {
        let away = world.send(caller, ask).await.refused(503, "store.unavailable");
        assert_eq!(away.header("retry-after"), Some("1"));
        assert!(!away.text.contains("pool"), "{}", away.text);
    }
}

#[sqlx::test(migrations = "../../migrations")]
#[expect(clippy::disallowed_methods, reason = "a test sees it begin")]
async fn a_command_that_is_not_answered_in_time_can_be_sent_again(owner: PgPool) {
    let limits = ApiLimits { answer_within: Duration::from_secs(3), ..ApiLimits::default() };
    let world = World::with(owner.clone(), limits).await;
    let (org, admin) = world.firm("north-star").await;
    let mut holder = owner.begin().await.unwrap();
    sqlx::query("SELECT ledger.lock($1)").bind(org.0).execute(&mut *holder).await.unwrap();
    let ask = post("/v1/clients", json!({ "name": "Acme" }));
    let late = world.send(&admin, ask.clone()).await.refused(503, "store.unavailable");
    assert_eq!(late.header("retry-after"), Some("1"));
    assert!(late.header("x-request-id").is_some());

    holder.rollback().await.unwrap();
    let again = world.send(&admin, ask).await.expect(201);
    assert_eq!(again.header("idempotent-replayed"), Some("true"), "it took effect though its sender had gone");
    world.settle(org).await;
    let listed = world.send(&admin, get("/v1/clients")).await.expect(200).json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
}
