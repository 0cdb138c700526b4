//! Signing in and out, what a browser must show to change something, and what ends it.

use crate::talk::{Caller, delete, get, post, put};
use crate::world::{PASSWORD, World};
use chrono::TimeDelta;
use countersign_eventstore::Clock;
use serde_json::json;
use sqlx::PgPool;

#[sqlx::test(migrations = "../../migrations")]
async fn signing_in_sets_a_cookie_that_scripts_and_other_hosts_cannot_touch(owner: PgPool) {
    let world = World::new(owner).await;
    world.firm("north-star").await;
    let body = json!({ "organization": "north-star", "email": "Ada@north-star.example", "password": PASSWORD });
    let reply = world.send(&Caller::Anonymous, post("/v1/sessions", body)).await.expect(201);
    let cookie = reply.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-countersign="), "{cookie}");
    for attribute in ["Path=/", "Secure", "HttpOnly", "SameSite=Lax"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
    let token = cookie.split(['=', ';']).nth(1).unwrap();
    assert!(!reply.text.contains(token), "the session's token is in the cookie only");
    assert_eq!(reply.header("x-csrf-token"), reply.json()["csrf_token"].as_str());
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_refused_sign_in_says_not_why_and_guessing_is_slowed_down(owner: PgPool) {
    let world = World::new(owner).await;
    world.firm("north-star").await;
    let attempt = |organization: &str, email: &str, password: &str| {
        post("/v1/sessions", json!({ "organization": organization, "email": email, "password": password }))
    };
    let nobody = Caller::Anonymous;
    let unknown = world.send(&nobody, attempt("north-star", "eve@north-star.example", PASSWORD)).await;
    let wrong = world.send(&nobody, attempt("north-star", "ada@north-star.example", "not this one")).await;
    let elsewhere = world.send(&nobody, attempt("south-star", "ada@north-star.example", PASSWORD)).await;
    let unknown = unknown.refused(401, "sign_in.refused");
    assert_eq!(unknown.text, wrong.refused(401, "sign_in.refused").text);
    assert_eq!(unknown.text, elsewhere.refused(401, "sign_in.refused").text);
    for _ in 0..4 {
        world.send(&nobody, attempt("north-star", "ada@north-star.example", "not this one")).await.expect(401);
    }
    let locked = world.send(&nobody, attempt("north-star", "ada@north-star.example", PASSWORD)).await;
    let locked = locked.refused(429, "sign_in.locked");
    assert_eq!(locked.header("retry-after"), Some("60"));
    // Whether guessing is slowed down does not tell which short names are taken.
    for _ in 0..4 {
        world.send(&nobody, attempt("south-star", "ada@north-star.example", PASSWORD)).await.expect(401);
    }
    let nowhere = world.send(&nobody, attempt("south-star", "ada@north-star.example", PASSWORD)).await;
    let nowhere = nowhere.refused(429, "sign_in.locked");
    assert_eq!((nowhere.header("retry-after"), &nowhere.text), (Some("60"), &locked.text));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_cookie_alone_changes_nothing(owner: PgPool) {
    let world = World::new(owner).await;
    let (_, admin) = world.firm("north-star").await;
    let Caller::Session { cookie, csrf } = &admin else { unreachable!() };
    let open = || post("/v1/clients", json!({ "name": "Acme" }));
    let without = Caller::Session { cookie: cookie.clone(), csrf: String::new() };
    world.send(&without, open()).await.refused(403, "session.csrf_refused");
    world.send(&without, get("/v1/me")).await.expect(200);
    let foreign = open().header("origin", "https://evil.example");
    world.send(&admin, foreign).await.refused(403, "request.cross_site");
    let foreign = open().header("sec-fetch-site", "cross-site");
    world.send(&admin, foreign).await.refused(403, "request.cross_site");
    let me = world.send(&admin, get("/v1/me")).await.expect(200);
    assert_eq!(me.json()["csrf_token"], json!(csrf));
    world.send(&admin, open().header("origin", "http://127.0.0.1:8080")).await.expect(201);
}

#[sqlx::test(migrations = "../../migrations")]
async fn one_sees_ones_own_sessions_and_ends_them(owner: PgPool) {
    let world = World::new(owner).await;
    let (_, here) = world.firm("north-star").await;
    let there = world.sign_in("north-star", "ada@north-star.example").await;
    let sessions = world.send(&here, get("/v1/sessions")).await.expect(200).json();
    assert_eq!(sessions["items"].as_array().unwrap().len(), 2);
    let other = sessions["items"].as_array().unwrap().iter().find(|one| one["is_current"] == false).unwrap();
    let path = format!("/v1/sessions/{}", other["session"].as_str().unwrap());
    world.send(&here, delete(path.clone())).await.expect(204);
    world.send(&there, get("/v1/me")).await.refused(401, "session.ended");
    world.send(&here, delete(path)).await.refused(404, "not_found");
    let out = world.send(&here, delete("/v1/sessions/current")).await.expect(204);
    assert!(out.header("set-cookie").unwrap().contains("Max-Age=0"));
    world.send(&here, get("/v1/me")).await.refused(401, "session.ended");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_session_that_is_left_alone_ends(owner: PgPool) {
    let world = World::new(owner).await;
    let (_, admin) = world.firm("north-star").await;
    world.clock.forward(TimeDelta::minutes(119));
    world.send(&admin, get("/v1/me")).await.expect(200);
    world.clock.forward(TimeDelta::minutes(121));
    world.send(&admin, get("/v1/me")).await.refused(401, "session.ended");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_forgotten_password_is_set_anew_with_a_link_that_works_once(owner: PgPool) {
    let world = World::new(owner).await;
    let (_, before) = world.firm("north-star").await;
    let program = token(&world, &before, &["read"]).await;
    let nobody = Caller::Anonymous;
    let forgotten =
        |email: &str| post("/v1/password/forgotten", json!({ "organization": "north-star", "email": email }));
    let unknown = world.send(&nobody, forgotten("eve@north-star.example")).await.expect(202);
    let known = world.send(&nobody, forgotten("ada@north-star.example")).await.expect(202);
    assert_eq!(unknown.text, known.text);
    let (token, to) = world.letters.next().await;
    assert_eq!(to, "ada@north-star.example");
    world.send(&nobody, post("/v1/password/reset/lookup", json!({ "token": token }))).await.expect(204);
    let reset = |password: &str| post("/v1/password/reset", json!({ "token": token, "password": password }));
    let weak = world.send(&nobody, reset("short")).await.refused(422, "request.invalid");
    assert_eq!(weak.json()["errors"][0]["pointer"], "/password");
    world.send(&nobody, reset("deep rivers run silent")).await.expect(204);
    world.send(&nobody, reset("deep rivers run silent")).await.refused(410, "password_reset.refused");
    world.send(&before, get("/v1/me")).await.refused(401, "session.ended");
    world.send(&program, get("/v1/me")).await.refused(401, "api_token.refused");
}

#[sqlx::test(migrations = "../../migrations")] // F4.16
async fn a_link_for_a_forgotten_password_dies_with_the_account_and_with_a_change_of_password(owner: PgPool) {
    let world = World::new(owner).await;
    let (org, admin) = world.firm("north-star").await;
    let (sam, session) = world.staff(org, "north-star", &admin, "Sam", "auditor").await;
    let nobody = Caller::Anonymous;
    let link = async || {
        let body = json!({ "organization": "north-star", "email": "sam@north-star.example" });
        world.send(&nobody, post("/v1/password/forgotten", body)).await.expect(202);
        let (token, _) = world.letters.next().await;
        post("/v1/password/reset/lookup", json!({ "token": token }))
    };
    let first = link().await;
    world.send(&nobody, first.clone()).await.expect(204);
    let body = json!({ "current_password": PASSWORD, "new_password": "deep rivers run silent" });
    world.send(&session, post("/v1/password/change", body)).await.expect(204);
    world.send(&nobody, first).await.refused(410, "password_reset.refused");
    let second = link().await;
    for what in ["deactivate", "reactivate"] {
        world.send(&admin, post(format!("/v1/staff/{sam}/{what}"), json!({}))).await.expect(200);
    }
    world.send(&nobody, second).await.refused(410, "password_reset.refused");
}

/// Issues a token to somebody.
async fn token(world: &World, owner: &Caller, scopes: &[&str]) -> Caller {
    let expires_at = world.clock.now().plus(TimeDelta::days(30));
    let body = json!({ "name": "sync", "scopes": scopes, "expires_at": expires_at });
    let issued = world.send(owner, post("/v1/tokens", body)).await.expect(201).json();
    Caller::Token(issued["token"].as_str().unwrap().to_owned())
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_token_acts_for_its_owner_within_its_scopes(owner: PgPool) {
    let world = World::new(owner).await;
    let (_, admin) = world.firm("north-star").await;
    let expires_at = world.clock.now().plus(TimeDelta::days(30));
    let issue =
        |scopes: &[&str]| post("/v1/tokens", json!({ "name": "sync", "scopes": scopes, "expires_at": expires_at }));
    let issued = world.send(&admin, issue(&["read"])).await.expect(201).json();
    let reads = Caller::Token(issued["token"].as_str().unwrap().to_owned());
    world.send(&reads, get("/v1/clients")).await.expect(200);
    let open = || post("/v1/clients", json!({ "name": "Acme" }));
    world.send(&reads, open()).await.refused(403, "api_token.scope_missing");
    world.send(&reads, get("/v1/history/approvals")).await.refused(403, "api_token.scope_missing");
    world.send(&reads, issue(&["write"])).await.refused(403, "session.only");
    let issued = world.send(&admin, issue(&["write"])).await.expect(201).json();
    let writes = Caller::Token(issued["token"].as_str().unwrap().to_owned());
    world.send(&writes, open()).await.expect(201);
    world.send(&writes, get("/v1/clients")).await.refused(403, "api_token.scope_missing");
    let path = format!("/v1/tokens/{}", issued["id"].as_str().unwrap());
    world.send(&admin, delete(path)).await.expect(204);
    world.send(&writes, open()).await.refused(401, "api_token.refused");
    let none = world.send(&admin, issue(&[])).await;
    assert_eq!(none.refused(422, "api_token.without_scope").json()["errors"][0]["pointer"], "/scopes");
}

#[sqlx::test(migrations = "../../migrations")]
async fn changing_ones_password_needs_the_current_one_and_ends_the_other_sessions(owner: PgPool) {
    let world = World::new(owner).await;
    let (_, here) = world.firm("north-star").await;
    let there = world.sign_in("north-star", "ada@north-star.example").await;
    let change = |current: &str| {
        let body = json!({ "current_password": current, "new_password": "deep rivers run silent" });
        post("/v1/password/change", body)
    };
    world.send(&here, change("not this one")).await.refused(403, "password.current_wrong");
    world.send(&here, change(PASSWORD)).await.expect(204);
    world.send(&here, get("/v1/me")).await.expect(200);
    world.send(&there, get("/v1/me")).await.refused(401, "session.ended");
}

#[sqlx::test(migrations = "../../migrations")]
async fn every_answer_is_hardened_and_has_an_id(owner: PgPool) {
    let world = World::new(owner).await;
    for ask in [get("/healthz"), get("/nowhere"), put("/v1/me", json!({}))] {
        let reply = world.send(&Caller::Anonymous, ask).await;
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        assert!(reply.header("content-security-policy").unwrap().contains("default-src 'none'"));
        assert!(reply.header("x-request-id").is_some());
    }
}
