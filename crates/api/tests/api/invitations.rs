//! An invitation's link: what is said of it, and that it lets one person in, once (F4.23, F4.24).

use crate::talk::{Caller, delete, get, post};
use crate::world::{PASSWORD, World};
use chrono::TimeDelta;
use countersign_domain::envelope::Actor;
use countersign_domain::ids::{CommandId, OrgId};
use countersign_domain::use_case::UseCase;
use countersign_domain::use_cases::{firm, guests};
use countersign_eventstore::{Submission, Verdict};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

struct Invited {
    world: World,
    org: OrgId,
    admin: Caller,
    portal_user: String,
    token: String,
}

impl Invited {
    async fn ann(owner: PgPool) -> Self {
        let world = World::new(owner).await;
        let (org, admin) = world.firm("north-star").await;
        let client = world.send(&admin, post("/v1/clients", json!({ "name": "Acme" }))).await.id();
        let ann = json!({ "client": client, "name": "Ann", "email": "ann@example.com" });
        let reply = world.send(&admin, post("/v1/invitations", json!({ "people": [ann] }))).await.expect(200);
        let portal_user = reply.json()["items"][0]["ids"]["portal_user"].as_str().unwrap().to_owned();
        world.settle(org).await;
        let token = world.last_invitation(org).await;
        Self { world, org, admin, portal_user, token }
    }

    async fn look_up(&self) -> Value {
        let body = json!({ "token": self.token });
        self.world.send(&Caller::Anonymous, post("/v1/invitations/lookup", body)).await.expect(200).json()
    }

    async fn resend(&self) {
        let path = format!("/v1/portal-users/{}/invitations", self.portal_user);
        self.world.send(&self.admin, post(path, json!({}))).await.expect(200);
        self.world.settle(self.org).await;
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn looking_at_a_link_says_whether_it_counts_and_changes_nothing(owner: PgPool) {
    let invited = Invited::ann(owner).await;
    let head = invited.world.ledger.reader().head(invited.org).await.unwrap();
    for _ in 0..3 {
        let state = invited.look_up().await;
        assert_eq!((&state["counts"], &state["accepted"]), (&json!(true), &json!(false)));
        assert_eq!(state["organization"], "north-star");
    }
    assert_eq!(invited.world.ledger.reader().head(invited.org).await.unwrap(), head);
    invited.world.accept(&invited.token).await.expect(200);
    invited.world.settle(invited.org).await;
    let state = invited.look_up().await;
    assert_eq!((&state["counts"], &state["accepted"]), (&json!(false), &json!(true)));
}

#[sqlx::test(migrations = "../../migrations")]
async fn whoever_accepts_again_learns_that_it_was_accepted_and_a_retry_is_answered_the_same(owner: PgPool) {
    let invited = Invited::ann(owner).await;
    let ask = |password: &str| post("/v1/invitations/accept", json!({ "token": invited.token, "password": password }));
    let first = ask(PASSWORD).named("one");
    let accepted = invited.world.send(&Caller::Anonymous, first.clone()).await.expect(200);
    let again = invited.world.send(&Caller::Anonymous, first).await.expect(200);
    assert_eq!(accepted.text, again.text);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    let late = invited.world.send(&Caller::Anonymous, ask("deep rivers run silent").named("two")).await;
    late.refused(409, "invitation.already_accepted");
    invited.world.sign_in("north-star", "ann@example.com").await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_resend_kills_the_link_before_it(owner: PgPool) {
    let invited = Invited::ann(owner).await;
    invited.resend().await;
    assert_eq!(invited.look_up().await["counts"], false);
    invited.world.accept(&invited.token).await.refused(409, "invitation.no_longer_counts");
    let newer = invited.world.last_invitation(invited.org).await;
    invited.world.accept(&newer).await.expect(200);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_link_that_was_taken_back_or_whose_owner_was_switched_off_counts_no_more(owner: PgPool) {
    let invited = Invited::ann(owner).await;
    let path = format!("/v1/portal-users/{}", invited.portal_user);
    invited.world.send(&invited.admin, post(format!("{path}/deactivate"), json!({}))).await.expect(200);
    invited.world.settle(invited.org).await;
    assert_eq!(invited.look_up().await["counts"], false);
    invited.world.accept(&invited.token).await.refused(409, "invitation.no_longer_counts");
    invited.world.send(&invited.admin, post(format!("{path}/reactivate"), json!({}))).await.expect(200);
    invited.resend().await;
    let newer = Invited { token: invited.world.last_invitation(invited.org).await, ..invited };
    assert_eq!(newer.look_up().await["counts"], true);
    newer.world.send(&newer.admin, delete(format!("{path}/invitation"))).await.expect(200);
    newer.world.settle(newer.org).await;
    assert_eq!(newer.look_up().await["counts"], false);
    newer.world.accept(&newer.token).await.refused(409, "invitation.no_longer_counts");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_link_lives_for_seven_days(owner: PgPool) {
    let invited = Invited::ann(owner).await;
    invited.world.clock.forward(TimeDelta::days(7));
    assert_eq!(invited.look_up().await["counts"], false);
    invited.world.accept(&invited.token).await.refused(409, "invitation.expired");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_forged_link_is_refused_and_invitations_are_not_sent_all_the_time(owner: PgPool) {
    let invited = Invited::ann(owner).await;
    let mut forged = invited.token.clone();
    // Of the last letter, not every bit counts.
    let place = forged.len() - 2..forged.len() - 1;
    let other = if &forged[place.clone()] == "A" { "B" } else { "A" };
    forged.replace_range(place, other);
    invited.world.accept(&forged).await.refused(410, "invitation.refused");
    for _ in 0..5 {
        invited.resend().await;
    }
    let path = format!("/v1/portal-users/{}/invitations", invited.portal_user);
    let refused = invited.world.send(&invited.admin, post(path, json!({}))).await.refused(429, "requests.too_many");
    assert!(refused.header("retry-after").is_some());
}

#[sqlx::test(migrations = "../../migrations")]
async fn sessions_and_tokens_of_whoever_is_switched_off_do_not_come_back_with_the_account(owner: PgPool) {
    let invited = Invited::ann(owner).await;
    invited.world.accept(&invited.token).await.expect(200);
    let ann = invited.world.sign_in("north-star", "ann@example.com").await;
    invited.world.send(&ann, get("/v1/dashboard")).await.expect(200);
    let path = format!("/v1/portal-users/{}", invited.portal_user);
    invited.world.send(&invited.admin, post(format!("{path}/deactivate"), json!({}))).await.expect(200);
    invited.world.send(&ann, get("/v1/dashboard")).await.refused(401, "session.ended");
    invited.world.send(&invited.admin, post(format!("{path}/reactivate"), json!({}))).await.expect(200);
    invited.world.send(&ann, get("/v1/dashboard")).await.refused(401, "session.ended");
    invited.world.sign_in("north-star", "ann@example.com").await;
}

/// Somebody signed in, with a token for their programs besides.
async fn with_token(world: &World, who: Caller) -> [Caller; 2] {
    let expires_at = (chrono::Utc::now() + TimeDelta::days(1)).to_rfc3339();
    let body = json!({ "name": "sync", "scopes": ["read"], "expires_at": expires_at });
    let issued = world.send(&who, post("/v1/tokens", body)).await.expect(201).json();
    [who, Caller::Token(issued["token"].as_str().unwrap().to_owned())]
}

/// A command that a node took to the ledger before it died: nothing of what its handler would have done next.
async fn taken_by_a_node_that_dies(world: &World, org: OrgId, use_case: UseCase) {
    let submission = Submission::new(org, CommandId(Uuid::now_v7()), Actor::Operator, vec![], use_case);
    let answer = world.ledger.execute(submission).await.unwrap();
    assert!(matches!(answer.verdict, Verdict::Accepted { .. }), "{answer:?}");
}

#[sqlx::test(migrations = "../../migrations")] // F4.16, F4.17, F4.18
async fn a_node_that_dies_over_a_deactivation_leaves_nothing_that_comes_back_with_the_account(owner: PgPool) {
    let Invited { world, org, admin, portal_user, token } = Invited::ann(owner).await;
    world.accept(&token).await.expect(200);
    let ann = with_token(&world, world.sign_in("north-star", "ann@example.com").await).await;
    let (sam, session) = world.staff(org, "north-star", &admin, "Sam", "auditor").await;
    let sam_in = with_token(&world, session).await;
    let (ann_id, sam_id) = (portal_user.parse::<Uuid>().unwrap(), sam.parse::<Uuid>().unwrap());
    taken_by_a_node_that_dies(&world, org, guests::deactivate_portal_user(org, ann_id.into())).await;
    taken_by_a_node_that_dies(&world, org, firm::deactivate_staff(sam_id.into())).await;

    for path in [format!("/v1/portal-users/{portal_user}"), format!("/v1/staff/{sam}")] {
        world.send(&admin, post(format!("{path}/reactivate"), json!({}))).await.expect(200);
    }
    for caller in ann.iter().chain(&sam_in) {
        world.send(caller, get("/v1/me")).await.expect(401);
    }
    let again = world.sign_in("north-star", "ann@example.com").await;
    let path = format!("/v1/portal-users/{portal_user}/reactivate");
    let settled = world.send(&admin, post(path, json!({}))).await.expect(200);
    assert_eq!(settled.json()["outcome"], "already_so");
    world.send(&again, get("/v1/me")).await.expect(200);
}

#[sqlx::test(migrations = "../../migrations")] // F4.23
async fn whoever_may_not_invite_keeps_nobody_from_it_and_an_invitation_sent_again_is_one(owner: PgPool) {
    let invited = Invited::ann(owner).await;
    let (world, admin) = (&invited.world, &invited.admin);
    let (_, auditor) = world.staff(invited.org, "north-star", admin, "Aud", "auditor").await;
    let path = format!("/v1/portal-users/{}/invitations", invited.portal_user);
    for _ in 0..6 {
        world.send(&auditor, post(path.clone(), json!({}))).await.expect(403);
    }
    let last = post(path.clone(), json!({})).named("the-last-one");
    for _ in 0..4 {
        invited.resend().await;
    }
    world.send(admin, last.clone()).await.expect(200);
    world.settle(invited.org).await;
    for _ in 0..6 {
        let again = world.send(admin, last.clone()).await.expect(200);
        assert_eq!(again.header("idempotent-replayed"), Some("true"));
    }
    world.send(admin, post(path, json!({}))).await.refused(429, "requests.too_many");
}

#[sqlx::test(migrations = "../../migrations")] // F4.16
async fn a_colleagues_link_counts_no_more_once_they_are_switched_off_or_invited_anew(owner: PgPool) {
    let world = World::new(owner).await;
    let (org, admin) = world.firm("north-star").await;
    let ivy = json!({ "name": "Ivy", "email": "ivy@example.com", "level": "auditor" });
    let path = format!("/v1/staff/{}", world.send(&admin, post("/v1/staff", ivy)).await.id());
    world.settle(org).await;
    let token = world.last_invitation(org).await;
    let counts = async |token: &str| {
        let body = json!({ "token": token });
        let state = world.send(&Caller::Anonymous, post("/v1/invitations/lookup", body)).await.expect(200).json();
        state["counts"].as_bool().unwrap()
    };
    assert!(counts(&token).await);
    world.send(&admin, post(format!("{path}/deactivate"), json!({}))).await.expect(200);
    world.settle(org).await;
    assert!(!counts(&token).await);
    for what in ["reactivate", "invitations"] {
        world.send(&admin, post(format!("{path}/{what}"), json!({}))).await.expect(200);
    }
    world.settle(org).await;
    let newer = world.last_invitation(org).await;
    assert_eq!((counts(&token).await, counts(&newer).await), (false, true));
    world.accept(&token).await.refused(409, "invitation.no_longer_counts");
    world.accept(&newer).await.expect(200);
}
