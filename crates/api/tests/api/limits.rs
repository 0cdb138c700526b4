//! How often somebody may ask: by where they come from until it is known who they are, then by who they are.

use crate::talk::{Caller, Reply, get, post};
use crate::world::World;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use chrono::TimeDelta;
use countersign_api::{ApiLimits, Rate};
use countersign_eventstore::Clock;
use serde_json::json;
use sqlx::PgPool;
use std::net::{IpAddr, SocketAddr};

const FEW: Rate = Rate { burst: 3, refill: TimeDelta::minutes(10) };

/// Somebody looks at a link that is none.
fn knock(from: &str) -> Request<Body> {
    let request = Request::post("/v1/password/reset/lookup").header("content-type", "application/json");
    coming(request.body(Body::from(r#"{"token": "none"}"#)).unwrap(), from)
}

/// Somebody reads with a token.
fn bearing(token: &str, from: &str) -> Request<Body> {
    let request = Request::get("/v1/me").header("authorization", format!("Bearer {token}"));
    coming(request.body(Body::empty()).unwrap(), from)
}

fn coming(mut request: Request<Body>, from: &str) -> Request<Body> {
    let peer = SocketAddr::new(from.parse::<IpAddr>().unwrap(), 50_000);
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}

fn too_many(reply: Reply) {
    assert!(reply.refused(429, "requests.too_many").header("retry-after").is_some());
}

#[sqlx::test(migrations = "../../migrations")]
async fn strangers_of_one_ipv6_network_are_counted_together(owner: PgPool) {
    let world = World::with(owner, ApiLimits { anonymous: FEW, ..ApiLimits::default() }).await;
    for from in ["2001:db8:1:2::1", "2001:db8:1:2::2", "2001:db8:1:2:ffff::3"] {
        world.dispatch(knock(from)).await.refused(410, "password_reset.refused");
    }
    too_many(world.dispatch(knock("2001:db8:1:2::4")).await);
    world.dispatch(knock("2001:db8:1:3::1")).await.expect(410);
    world.dispatch(knock("192.0.2.1")).await.expect(410);
}

#[sqlx::test(migrations = "../../migrations")]
async fn tokens_that_are_none_are_counted_like_strangers_and_one_that_works_never_waits_for_them(owner: PgPool) {
    let world = World::with(owner, ApiLimits { anonymous: FEW, ..ApiLimits::default() }).await;
    let (_, admin) = world.firm("north-star").await;
    let expires_at = world.clock.now().plus(TimeDelta::days(30));
    let wanted = json!({ "name": "sync", "scopes": ["read"], "expires_at": expires_at });
    let issued = world.send(&admin, post("/v1/tokens", wanted)).await.expect(201).json();
    let works = issued["token"].as_str().unwrap();
    for _ in 0..3 {
        world.dispatch(bearing("cst_none", "192.0.2.1")).await.refused(401, "api_token.refused");
    }
    too_many(world.dispatch(bearing("cst_none", "192.0.2.1")).await);
    too_many(world.dispatch(knock("192.0.2.1")).await);
    world.dispatch(bearing(works, "192.0.2.1")).await.expect(200);
    world.dispatch(bearing("cst_none", "192.0.2.2")).await.expect(401);
}

#[sqlx::test(migrations = "../../migrations")]
async fn one_person_changes_only_so_much_at_once_with_all_their_tokens_and_reads_on(owner: PgPool) {
    let world = World::with(owner, ApiLimits { commands: FEW, ..ApiLimits::default() }).await;
    let (_, ada) = world.firm("north-star").await;
    let (_, other) = world.firm("south-star").await;
    let expires_at = world.clock.now().plus(TimeDelta::days(30));
    let wanted = json!({ "name": "sync", "scopes": ["read", "write"], "expires_at": expires_at });
    let issued = world.send(&ada, post("/v1/tokens", wanted)).await.expect(201).json();
    let program = Caller::Token(issued["token"].as_str().unwrap().to_owned());
    let open = || post("/v1/clients", json!({ "name": "Acme" }));
    for caller in [&ada, &program] {
        world.send(caller, open()).await.expect(201);
    }
    for caller in [&ada, &program] {
        too_many(world.send(caller, open()).await);
        world.send(caller, get("/v1/clients")).await.expect(200);
    }
    world.send(&other, open()).await.expect(201);
    world.clock.forward(TimeDelta::minutes(10));
    world.send(&ada, open()).await.expect(201);
    too_many(world.send(&program, open()).await);
}
