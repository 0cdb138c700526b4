//! The feed: everybody is told of what they may see, and of nothing else, until their session ends.

use crate::access_matrix::Cast;
use crate::talk::{Caller, delete, post};
use axum::body::{Body, BodyDataStream};
use axum::http::Request;
use countersign_api::ApiLimits;
use futures::StreamExt;
use serde_json::{Value, json};
use sqlx::PgPool;
use std::time::Duration;
use tower::ServiceExt;

/// An open feed, as its reader receives it.
struct Follower {
    stream: BodyDataStream,
    text: String,
    last_id: Option<String>,
}

impl Follower {
    async fn of(cast: &Cast, caller: &Caller, last_id: Option<&str>) -> Self {
        let Caller::Session { cookie, .. } = caller else { unreachable!() };
        let mut request = Request::builder().uri("/v1/feed").header("cookie", cookie);
        if let Some(id) = last_id {
            request = request.header("last-event-id", id);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = cast.world.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { stream: response.into_body().into_data_stream(), text: String::new(), last_id: None }
    }

    /// The next event with data: its name and its data. `None` at the end.
    async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            let frame = self.next_frame().await?;
            let field = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name));
            if let Some(data) = field("data: ") {
                return Some((field("event: ").unwrap_or_default().to_owned(), serde_json::from_str(data).unwrap()));
            }
        }
    }

    /// The next thing that comes, a sign of life too. `None` at the end.
    async fn next_frame(&mut self) -> Option<String> {
        loop {
            if let Some((frame, rest)) = self.text.split_once("\n\n") {
                let (frame, rest) = (frame.to_owned(), rest.to_owned());
                let id = frame.lines().find_map(|line| line.strip_prefix("id: ")).map(str::to_owned);
                self.last_id = id.or(self.last_id.take());
                self.text = rest;
                return Some(frame);
            }
            let chunk =
                tokio::time::timeout(Duration::from_secs(20), self.stream.next()).await.expect("nothing came")?;
            self.text.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
        }
    }

    async fn next_type(&mut self) -> String {
        let (name, data) = self.next().await.expect("the feed ended");
        assert_eq!(name, "change");
        data["event_type"].as_str().unwrap().to_owned()
    }
}

fn quick() -> ApiLimits {
    ApiLimits { feed_heartbeat: Duration::from_millis(50), ..ApiLimits::default() }
}

#[sqlx::test(migrations = "../../migrations")]
async fn everybody_is_told_of_what_they_may_see_at_that_moment(owner: PgPool) {
    let cast = Cast::assemble(owner).await;
    let (gina, bert) = (&cast.subjects[2], &cast.subjects[3]);
    let (otto, pia) = (&cast.subjects[4], &cast.subjects[5]);
    let mut by_gina = Follower::of(&cast, gina, None).await;
    let mut by_bert = Follower::of(&cast, bert, None).await;
    let mut by_otto = Follower::of(&cast, otto, None).await;
    let mut by_pia = Follower::of(&cast, pia, None).await;
    let client = r#"{"name": "Acme & Sons"}"#;
    let admin = &cast.subjects[7];
    // A draft's next revision is the firm's own; somebody else's place on the roster is nobody's but theirs.
    let revise = r#"{"lines": [{"description": "y", "quantity": "2", "unit_price": {"minor": 100, "currency": "EUR"},
        "tax": "20"}]}"#;
    for (caller, line, body) in [
        (pia, "PUT /v1/invoices/{draft}", revise),
        (pia, "PUT /v1/projects/{project}/roster/{pending}", r#"{"rights": []}"#),
        (pia, "POST /v1/projects/{project}/withdraw", ""),
        (pia, "POST /v1/projects/{project}/publish", ""),
        (admin, "PUT /v1/clients/{client}/name", client),
    ] {
        cast.world.send(caller, cast.ask(line, body, 0)).await.expect(200);
    }
    cast.world.send(pia, cast.ask("POST /v1/invoices/{draft}/put-in-review", "", 0)).await.expect(200);
    for expected in [
        "invoice.revised",
        "project.access_granted",
        "project.withdrawn",
        "project.published",
        "client.renamed",
        "invoice.put_in_review",
    ] {
        assert_eq!(by_pia.next_type().await, expected);
    }
    // While the project was withdrawn, Gina may or may not have been looking.
    let mut told = by_gina.next_type().await;
    while told != "invoice.put_in_review" {
        assert!(["project.withdrawn", "project.published"].contains(&told.as_str()), "{told}");
        told = by_gina.next_type().await;
    }
    assert_eq!(by_otto.next_type().await, "client.renamed");
    // Bert hears of nothing until something happens where he is.
    let ask = post(format!("/v1/portal-users/{}/deactivate", cast.ids["guest"]), json!({}));
    cast.world.send(admin, ask).await.expect(200);
    let last = cast.world.send(bert, delete("/v1/sessions/current")).await;
    last.expect(204);
    cast.world.send(admin, cast.ask("PUT /v1/clients/{client}/name", r#"{"name": "Acme"}"#, 0)).await.expect(200);
    assert_eq!(by_bert.next().await, Some(("end".to_owned(), json!({ "code": "session.ended" }))));
    assert_eq!(by_bert.next().await, None);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_feed_ends_with_its_session_and_is_not_what_keeps_it_alive(owner: PgPool) {
    let cast = Cast::assemble_with(owner, quick()).await;
    let gina = &cast.subjects[2];
    let mut feed = Follower::of(&cast, gina, None).await;
    cast.world.clock.forward(chrono::TimeDelta::minutes(31));
    assert_eq!(feed.next().await, Some(("end".to_owned(), json!({ "code": "session.ended" }))));
    assert_eq!(feed.next().await, None);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_line_that_broke_is_taken_up_where_it_broke(owner: PgPool) {
    let cast = Cast::assemble(owner).await;
    let (gina, pia) = (&cast.subjects[2], &cast.subjects[5]);
    let mut feed = Follower::of(&cast, gina, None).await;
    cast.world.send(pia, cast.ask("POST /v1/time-entries/{logged}/submit", "", 0)).await.expect(200);
    assert_eq!(feed.next_type().await, "time_entry.submitted");
    let last = feed.last_id.take().unwrap();
    assert!(last.parse::<u64>().is_err(), "no numbers: {last}");
    drop(feed);
    cast.world.send(pia, cast.ask("POST /v1/time-entries/{logged}/recall", "", 0)).await.expect(200);
    let mut feed = Follower::of(&cast, gina, Some(&last)).await;
    assert_eq!(feed.next_type().await, "time_entry.recalled");
}

#[sqlx::test(migrations = "../../migrations")]
async fn nobody_opens_feeds_without_end(owner: PgPool) {
    let cast = Cast::assemble(owner).await;
    let pia = &cast.subjects[5];
    let mut open = Vec::new();
    for _ in 0..8 {
        open.push(Follower::of(&cast, pia, None).await);
    }
    cast.world.send(pia, crate::talk::get("/v1/feed")).await.refused(429, "requests.too_many");
    open.pop();
    open.push(Follower::of(&cast, pia, None).await);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_node_that_stops_ends_its_feeds(owner: PgPool) {
    let cast = Cast::assemble(owner).await;
    let mut feed = Follower::of(&cast, &cast.subjects[5], None).await;
    cast.world.app.close_feeds();
    assert_eq!(feed.next().await, None);
}

#[sqlx::test(migrations = "../../migrations")] // F6.1
async fn a_guests_feed_is_silent_while_the_firm_does_what_they_may_not_see(owner: PgPool) {
    let calm = ApiLimits { feed_heartbeat: Duration::from_secs(600), ..ApiLimits::default() };
    let cast = Cast::assemble_with(owner, calm).await;
    let (gina, pia, admin) = (&cast.subjects[2], &cast.subjects[5], &cast.subjects[7]);
    let mut by_gina = Follower::of(&cast, gina, None).await;
    let mut by_admin = Follower::of(&cast, admin, None).await;
    by_gina.next_frame().await.expect("from where to go on");
    // She listens all the time, as a browser does.
    let listening = tokio::spawn(async move { by_gina.next_frame().await.unwrap() });
    for name in ["Brook", "Creek", "Delta"] {
        cast.world.send(admin, post("/v1/clients", json!({ "name": name }))).await.expect(201);
        assert_eq!(by_admin.next_type().await, "client.opened");
    }
    cast.world.send(pia, cast.ask("POST /v1/time-entries/{logged}/submit", "", 0)).await.expect(200);
    let first = listening.await.unwrap();
    assert!(first.contains("time_entry.submitted"), "she was told something before what she may see: {first}");
}

#[sqlx::test(migrations = "../../migrations")]
async fn whoever_loses_the_line_before_anything_is_told_misses_nothing(owner: PgPool) {
    let cast = Cast::assemble(owner).await;
    let (gina, pia) = (&cast.subjects[2], &cast.subjects[5]);
    let mut feed = Follower::of(&cast, gina, None).await;
    feed.next_frame().await.unwrap();
    let last = feed.last_id.take().unwrap();
    drop(feed);
    cast.world.send(pia, cast.ask("POST /v1/time-entries/{logged}/submit", "", 0)).await.expect(200);
    let mut feed = Follower::of(&cast, gina, Some(&last)).await;
    assert_eq!(feed.next_type().await, "time_entry.submitted");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_quiet_feed_gives_signs_of_life(owner: PgPool) {
    let cast = Cast::assemble_with(owner, quick()).await;
    let mut feed = Follower::of(&cast, &cast.subjects[2], None).await;
    for _ in 0..3 {
        assert!(feed.next_frame().await.unwrap().contains("id: "));
    }
}
