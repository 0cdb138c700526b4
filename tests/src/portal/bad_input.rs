//! Bad input gets a clear answer, changes nothing and breaks nothing.

use super::support::firm::{Firm, Guest, Project};
use super::support::person::{Ask, Person, get, post, put};
use serde_json::{Value, json};
use uuid::Uuid;

/// The most bytes of a body.
const LARGEST: usize = 1 << 20;
const NONSENSE: &str = "bm9uc2Vuc2U";

struct World {
    firm: Firm,
    project: Project,
    gina: Guest,
    invoice: String,
    head: i64,
}

impl World {
    async fn new() -> Self {
        let firm = Firm::open().await;
        let project = firm.project(&firm.client("Acme").await, "Portal").await;
        let gina = firm.guest("Gina", &project, &["invoice_visibility", "approve_invoices"]).await;
        let invoice = firm.invoice_in_review(&project, 10_000).await;
        firm.settle().await;
        let head = firm.ledger.head().await;
        Self { firm, project, gina, invoice, head }
    }

    /// Nothing of what was tried stands in the ledger, and the portal goes on.
    async fn assert_nothing_happened(&self) {
        assert_eq!(self.firm.ledger.head().await, self.head);
        self.gina.approve(&self.invoice).await;
        self.firm.ledger.gapless().await;
    }
}

fn open_client() -> Ask {
    post("/v1/clients", json!({ "name": "Brook" }))
}

#[tokio::test]
async fn an_id_that_is_none_is_answered_like_what_is_not_there() {
    let world = World::new().await;
    let (admin, gina) = (&world.firm.admin, &world.gina.person);
    let nothing = gina.get(format!("/v1/invoices/{}", Uuid::now_v7())).await.refused(404, "not_found");
    for id in ["1", "not-an-id", "00000000-0000-0000-0000-000000000000", "%00", "%F0%9F%92%A5", &"a".repeat(2_000)] {
        assert_eq!(gina.get(format!("/v1/invoices/{id}")).await.told(), nothing.told(), "{id}");
        assert_eq!(gina.get(format!("/v1/projects/{id}/time-entries")).await.status, 404, "{id}");
        assert_eq!(admin.post(format!("/v1/portal-users/{id}/deactivate"), Value::Null).await.status, 404, "{id}");
        assert_eq!(admin.get(format!("/v1/history/objects/invoice:{id}")).await.status, 404, "{id}");
    }
    for object in ["invoice", "spoon:1", ":", "invoice:"] {
        assert_eq!(admin.get(format!("/v1/history/objects/{object}")).await.status, 404, "{object}");
    }
    admin.send(put("/v1/clients", json!({ "name": "Brook" }))).await.refused(405, "method.not_allowed");
    // Ids that are named in a body, of things that are not there.
    let elsewhere = json!({ "client": Uuid::now_v7(), "name": "Nils", "email": "nils@clients.example" });
    let invited = admin.post("/v1/invitations", json!({ "people": [elsewhere] })).await;
    invited.refused(409, "contact.unknown_client");
    let nowhere = Project { id: Uuid::now_v7().to_string(), ..world.project.clone() };
    let draft = json!({ "project": nowhere.id, "currency": "EUR", "lines": [nowhere.charge(1)] });
    admin.post("/v1/invoices", draft).await.refused(404, "not_found");
    world.assert_nothing_happened().await;
}

#[tokio::test]
async fn a_field_that_does_not_fit_is_named() {
    let world = World::new().await;
    let admin = &world.firm.admin;
    let invite = |person: Value| post("/v1/invitations", json!({ "people": [person] }));
    let nils = |email: &str| json!({ "client": world.project.client, "name": "Nils", "email": email });
    let draft =
        |line: Value| post("/v1/invoices", json!({ "project": world.project.id, "currency": "EUR", "lines": [line] }));
    let mut unknown_field = world.project.charge(1);
    unknown_field["colour"] = json!("red");
    let mut float = world.project.charge(1);
    float["unit_price"]["minor"] = json!(0.5);
    let mut too_much = world.project.charge(1);
    too_much["unit_price"]["minor"] = json!(u64::MAX);
    let cases = [
        (post("/v1/clients", json!({ "name": "Brook", "plan": 1 })), "/plan"),
        (post("/v1/clients", json!({ "name": "" })), "/name"),
        (post("/v1/clients", json!({ "name": "nul \u{0}" })), "/name"),
        (post("/v1/clients", json!({})), ""),
        (invite(nils("nils")), "/people/0/email"),
        (post("/v1/invitations", json!({ "people": [] })), "/people"),
        (post("/v1/invitations", json!({ "people": vec![nils("nils@clients.example"); 201] })), "/people"),
        (draft(unknown_field), "/lines/0/colour"),
        (draft(float), "/lines/0/unit_price/minor"),
        (draft(too_much), "/lines/0/unit_price/minor"),
        (put("/v1/organization/plan", json!({ "plan": "platinum" })), "/plan"),
        (
            put("/v1/organization/home", json!({ "time_zone": "Mars/Olympus", "currency": "EUR", "locale": "en" })),
            "/time_zone",
        ),
    ];
    for (ask, place) in cases {
        let reply = admin.send(ask.clone()).await.refused(422, "request.invalid");
        assert_eq!(reply.json()["errors"][0]["pointer"], place, "{reply:?}");
    }
    for query in ["limit=0", "limit=201", "limit=-1", "limit=many", "colour=red", "after=", "status=lost"] {
        let reply = admin.get(format!("/v1/invoices?{query}")).await;
        assert!(matches!(reply.status, 400 | 422), "{query}: {reply:?}");
        assert!(!reply.code().is_empty(), "{query}: {reply:?}");
    }
    world.assert_nothing_happened().await;
}

#[tokio::test]
async fn a_body_that_is_no_json_or_too_large_is_refused_before_it_is_looked_into() {
    let world = World::new().await;
    let admin = &world.firm.admin;
    let raw = |bytes: &[u8]| open_client().raw("application/json", bytes);
    for media_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "application/xml"] {
        admin.send(open_client().raw(media_type, br#"{"name":"Brook"}"#)).await.refused(415, "request.not_json");
    }
    let typed = open_client().raw("application/json; charset=utf-8", br#"{"name":""}"#);
    admin.send(typed).await.refused(422, "request.invalid");
    let texts: [&[u8]; 7] = [
        b"",
        b"{",
        b"nonsense",
        br#"{"name":"Brook"} {}"#,
        b"{\"name\":\"\xff\"}",
        br#"{"name":"\ud800"}"#,
        b"\xef\xbb\xbf{}",
    ];
    for text in texts {
        admin.send(raw(text)).await.refused(400, "request.malformed");
    }
    let deep = format!(r#"{{"name":{}"#, "[".repeat(100_000));
    for text in [deep.as_bytes(), br#"{"name":"Brook","name":"Creek"}"#] {
        admin.send(raw(text)).await.refused(422, "request.invalid");
    }
    let large = format!(r#"{{"name":"{}"}}"#, "a".repeat(3 * LARGEST));
    let refused = admin.send(raw(large.as_bytes())).await.refused(413, "request.too_large");
    assert!(refused.text.contains(&LARGEST.to_string()), "the limit is named: {refused:?}");
    let streamed = admin.stream(open_client(), &large).await.refused(413, "request.too_large");
    assert_eq!(streamed.told().2, refused.told().2, "whether or not its size is known beforehand");
    world.assert_nothing_happened().await;
}

#[tokio::test]
async fn a_token_that_is_garbled_opens_nothing() {
    let world = World::new().await;
    let (admin, nobody) = (&world.firm.admin, Person::nobody(world.firm.node()));
    for token in [NONSENSE, "", "\u{1f4a5}", &"A".repeat(86), &"A".repeat(10_000)] {
        let acceptance = json!({ "token": token, "password": "tall trees sway slowly" });
        nobody.post("/v1/invitations/accept", acceptance.clone()).await.refused(410, "invitation.refused");
        nobody.post("/v1/invitations/lookup", json!({ "token": token })).await.refused(410, "invitation.refused");
        nobody.post("/v1/password/reset", acceptance).await.refused(410, "password_reset.refused");
        nobody
            .post("/v1/password/reset/lookup", json!({ "token": token }))
            .await
            .refused(410, "password_reset.refused");
    }
    let letter = world.firm.installation.letter(&world.gina.account.email, "invites you").await;
    let (real, used) = (letter.token().unwrap(), json!({ "token": letter.token() }));
    let truncated = json!({ "token": real[..real.len() - 4] });
    nobody.post("/v1/invitations/lookup", truncated).await.refused(410, "invitation.refused");
    assert_eq!(nobody.post("/v1/invitations/lookup", used).await.expect(200).json()["counts"], false);

    for header in ["Bearer", "Bearer ", &format!("Bearer {NONSENSE}"), "Basic YTpi", "Bearer a b"] {
        nobody.send(get("/v1/me").header("authorization", header)).await.refused(401, "api_token.refused");
    }
    for cookie in [NONSENSE, "", "A.B", &"A".repeat(4_000)] {
        let garbled = get("/v1/me").header("cookie", format!("__Host-countersign={cookie}"));
        let refused = nobody.send(garbled).await;
        assert!(refused.status == 401 && refused.code().starts_with("session."), "{refused:?}");
    }
    admin.send(open_client().header("x-csrf-token", NONSENSE)).await.refused(403, "session.csrf_refused");
    admin.send(open_client().header("origin", "https://evil.example")).await.refused(403, "request.cross_site");
    for position in ["", "-1", "many", NONSENSE] {
        let wait = get("/v1/me").header("min-position", position);
        admin.send(wait).await.refused(400, "min_position.malformed");
    }
    // Guests are told no numbers, and numbers tell them nothing.
    let number = get("/v1/me").header("min-position", "1");
    world.gina.person.send(number).await.refused(400, "min_position.malformed");
    let ahead = get("/v1/me").header("min-position", (world.head + 1_000).to_string());
    let behind = admin.try_send(ahead).await.unwrap().refused(503, "read_model.behind");
    assert!(behind.header("retry-after").is_some());
    world.assert_nothing_happened().await;
}

// Design, part 4: the same key and the same request is the same command; another request is an error.
#[tokio::test]
async fn a_key_names_one_command_of_one_person() {
    let world = World::new().await;
    let (admin, gina) = (&world.firm.admin, &world.gina);
    admin.send(open_client().without("idempotency-key")).await.refused(400, "idempotency_key.missing");
    for key in ["", " ", &"k".repeat(256), "käse"] {
        admin.send(open_client().named(key)).await.refused(400, "idempotency_key.malformed");
    }
    let shown = gina.shown(&world.invoice).await;
    let approve = |note: &str| {
        post(format!("/v1/invoices/{}/approve", world.invoice), json!({ "shown": shown, "note": note })).named("one")
    };
    let first = gina.person.send(approve("Thank you")).await.expect(200);
    let again = gina.person.send(approve("Thank you")).await.expect(200);
    assert_eq!((again.header("idempotent-replayed"), &again.text), (Some("true"), &first.text));
    gina.person.send(approve("Thanks")).await.refused(422, "idempotency_key.reused");
    let refusal = json!({ "shown": shown, "reason": "Not as ordered" });
    let elsewhere = post(format!("/v1/invoices/{}/request-changes", world.invoice), refusal).named("one");
    gina.person.send(elsewhere).await.refused(422, "idempotency_key.reused");

    let theirs = admin.send(open_client().named("one")).await.id();
    assert_eq!(admin.send(open_client().named("one")).await.id(), theirs);
    let other = post("/v1/clients", json!({ "name": "Creek" })).named("one");
    admin.send(other).await.refused(422, "idempotency_key.reused");
    let entries = world.firm.ledger.gapless().await;
    assert_eq!(entries.len() as i64, world.head + 2, "an approval and a client");
}
