//! What one does with one's own account: sessions, passwords, tokens.

use super::support::firm::{Firm, SLUG};
use super::support::node::Node;
use super::support::person::{Account, Ask, PASSWORD, Person, post};
use super::support::until::until;
use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

const ANOTHER_PASSWORD: &str = "deep rivers run silent";
/// How often two race for an invitation.
const ROUNDS: usize = 12;

async fn firm_with_a_guest() -> (Firm, super::support::firm::Guest) {
    let firm = Firm::open().await;
    let project = firm.project(&firm.client("Acme").await, "Portal").await;
    let gina = firm.guest("Gina", &project, &["invoice_visibility"]).await;
    (firm, gina)
}

// D12
#[tokio::test]
async fn a_forgotten_password_is_set_anew_with_a_link_that_comes_by_mail_and_works_once() {
    let (firm, gina) = firm_with_a_guest().await;
    let Account { organization, email, .. } = gina.account.clone();
    let nobody = Person::nobody(firm.node());
    let (_, program) = token(&gina.person, &["read"], TimeDelta::days(30)).await;
    program.get("/v1/me").await.expect(200);
    let forgotten =
        |email: &str| post("/v1/password/forgotten", json!({ "organization": organization, "email": email }));
    let unknown = nobody.send(forgotten("eve@clients.example")).await.expect(202);
    let known = nobody.send(forgotten(&email)).await.expect(202);
    assert_eq!(unknown.told(), known.told(), "nobody learns who has an account");

    let letter = firm.installation.letter(&email, "Choose another password").await;
    let token = letter.token().unwrap();
    nobody.post("/v1/password/reset/lookup", json!({ "token": token })).await.expect(204);
    let reset = || post("/v1/password/reset", json!({ "token": token, "password": ANOTHER_PASSWORD }));
    nobody.send(reset()).await.expect(204);
    nobody.send(reset()).await.refused(410, "password_reset.refused");
    gina.person.get("/v1/me").await.refused(401, "session.ended");
    program.get("/v1/me").await.refused(401, "api_token.refused");
    nobody.send(gina.account.ask()).await.refused(401, "sign_in.refused");
    let anew = Account { password: ANOTHER_PASSWORD.to_owned(), ..gina.account };
    nobody.signed_in(&anew).await.get("/v1/me").await.expect(200);
    assert!(firm.installation.letters("eve@clients.example", "").is_empty());
}

#[tokio::test]
async fn one_lists_ones_own_sessions_and_ends_them_one_by_one_or_all_others() {
    let (firm, gina) = firm_with_a_guest().await;
    let here = &gina.person;
    let there = Person::sign_in(firm.node(), &gina.account).await;
    let elsewhere = Person::sign_in(firm.node(), &gina.account).await;
    let sessions = here.get("/v1/sessions").await.expect(200).items();
    assert_eq!(sessions.len(), 3);
    let current: Vec<_> = sessions.iter().filter(|session| session["is_current"] == true).collect();
    assert_eq!(current.len(), 1);

    let own = there.get("/v1/sessions").await.items();
    let theirs = own.iter().find(|session| session["is_current"] == true).unwrap();
    let path = format!("/v1/sessions/{}", theirs["session"].as_str().unwrap());
    let admins = firm.admin.delete(path.as_str()).await.refused(404, "not_found");
    assert_eq!(admins.told(), firm.admin.delete(format!("/v1/sessions/{}", uuid::Uuid::now_v7())).await.told());
    here.delete(path).await.expect(204);
    there.get("/v1/me").await.refused(401, "session.ended");

    let ended = here.delete("/v1/sessions").await.expect(200).json();
    assert_eq!(ended["ended"], 1);
    elsewhere.get("/v1/me").await.refused(401, "session.ended");
    here.delete("/v1/sessions/current").await.expect(204);
    here.get("/v1/me").await.refused(401, "session.ended");
}

#[tokio::test]
async fn guessing_a_password_locks_the_address_on_every_node_and_nobody_elses() {
    let firm = Firm::on_plan("trial", 2).await;
    let project = firm.project(&firm.client("Acme").await, "Portal").await;
    let gina = firm.guest("Gina", &project, &[]).await;
    let guess = Account { password: "not this one at all".to_owned(), ..gina.account.clone() };
    for number in 0..5 {
        let guesser = Person::nobody(&firm.nodes[number % 2]);
        guesser.send(guess.ask()).await.refused(401, "sign_in.refused");
    }
    for node in &firm.nodes {
        let locked = Person::nobody(node).send(gina.account.ask()).await.refused(429, "sign_in.locked");
        let wait: u64 = locked.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
    }
    gina.person.get("/v1/me").await.expect(200);
    firm.admin.signed_in(&Account::new("larch", "ada@larch.example")).await.get("/v1/me").await.expect(200);
}

/// Issues a token to somebody, and lets a program bear it.
async fn token(owner: &Person, scopes: &[&str], lives: TimeDelta) -> (String, Person) {
    let body = json!({ "name": "sync", "scopes": scopes, "expires_at": (Utc::now() + lives).to_rfc3339() });
    let issued = owner.post("/v1/tokens", body).await.expect(201).json();
    (issued["id"].as_str().unwrap().to_owned(), owner.bearing(issued["token"].as_str().unwrap()))
}

#[tokio::test]
async fn a_token_does_what_its_scopes_say_and_never_more_than_its_owner_may() {
    let (firm, gina) = firm_with_a_guest().await;
    let (id, reads) = token(&firm.admin, &["read"], TimeDelta::days(30)).await;
    reads.get("/v1/clients").await.expect(200);
    reads.post("/v1/clients", json!({ "name": "Brook" })).await.refused(403, "api_token.scope_missing");
    reads.get("/v1/history/approvals").await.refused(403, "api_token.scope_missing");
    reads.get("/v1/sessions").await.refused(403, "session.only");
    firm.admin.delete(format!("/v1/tokens/{id}")).await.expect(204);
    reads.get("/v1/clients").await.refused(401, "api_token.refused");

    let (_, guests) = token(&gina.person, &["read", "write", "audit"], TimeDelta::days(30)).await;
    guests.get("/v1/dashboard").await.expect(200);
    let hidden = guests.get("/v1/clients").await.refused(404, "not_found");
    assert_eq!(hidden.told(), guests.get("/v1/nowhere").await.told());
    firm.admin.post(format!("/v1/portal-users/{}/deactivate", gina.id), Value::Null).await.expect(200);
    guests.get("/v1/dashboard").await.refused(401, "api_token.refused");
}

#[tokio::test]
async fn a_token_stops_working_when_its_time_is_over() {
    let firm = Firm::open().await;
    let (_, program) = token(&firm.admin, &["read"], TimeDelta::seconds(2)).await;
    let refused = until("a token that has expired", async || {
        let reply = program.get("/v1/me").await;
        (reply.status != 200).then_some(reply)
    });
    refused.await.refused(401, "api_token.refused");
    let past = json!({ "name": "late", "scopes": ["read"], "expires_at": "2020-01-01T00:00:00Z" });
    assert_eq!(firm.admin.post("/v1/tokens", past).await.status, 422);
}

/// Somebody who follows an invitation's link and chooses a password.
struct Acceptor {
    password: &'static str,
    person: Person,
    ask: Ask,
}

impl Acceptor {
    fn new(node: &Node, token: &str, password: &'static str) -> Self {
        let ask = post("/v1/invitations/accept", json!({ "token": token, "password": password }));
        Self { password, person: Person::nobody(node), ask }
    }

    /// Accepts, and says whether they were told that they did.
    async fn accepts(&self) -> bool {
        let reply = self.person.send(self.ask.clone()).await;
        let is_told = reply.status == 200;
        if !is_told {
            reply.refused(409, "invitation.already_accepted");
        }
        is_told
    }
}

// F4.23, F4.24
#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_accept_one_invitation_at_once_one_is_told_so_and_only_their_password_signs_in() {
    let firm = Firm::on_plan("trial", 2).await;
    let client = firm.client("Acme").await;
    for round in 0..ROUNDS {
        let (_, email) = firm.invite(&format!("Guest{round}"), &client, json!([])).await;
        let token = firm.installation.letter(&email, "invites you").await.token().unwrap();
        let nobody = Person::nobody(firm.node());
        until("an invitation that the read models know", async || {
            let reply = nobody.post("/v1/invitations/lookup", json!({ "token": token })).await;
            (reply.status == 200).then_some(())
        })
        .await;
        let nodes = [&firm.nodes[round % 2], &firm.nodes[(round + 1) % 2]];
        let [one, other] = [(nodes[0], PASSWORD), (nodes[1], ANOTHER_PASSWORD)]
            .map(|(node, password)| Acceptor::new(node, &token, password));
        let told = tokio::join!(one.accepts(), other.accepts());

        let (winner, loser) = match told {
            (true, false) => (&one, &other),
            (false, true) => (&other, &one),
            both => panic!("in round {round} they were told {both:?}"),
        };
        let account = |acceptor: &Acceptor| {
            let password = acceptor.password.to_owned();
            Account { password, ..Account::new(SLUG, &email) }
        };
        let guest = winner.person.signed_in(&account(winner)).await;
        loser.person.send(account(loser).ask()).await.refused(401, "sign_in.refused");
        let change = json!({ "current_password": winner.password, "new_password": "small birds sing loudly" });
        guest.post("/v1/password/change", change).await.expect(204);
        assert_eq!((winner.accepts().await, loser.accepts().await), (true, false), "sent again, it is answered alike");
    }
    let accepted = firm.ledger.gapless().await;
    let accepted = accepted.iter().filter(|entry| entry.event_type == "invitation.accepted");
    assert_eq!(accepted.count(), ROUNDS);
}
