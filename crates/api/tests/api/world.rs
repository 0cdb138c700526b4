//! A firm with its people and clients, built through the API itself, and how the tests talk to it.

use crate::contract::CONTRACT;
use crate::talk::{Ask, Caller, Reply, post};
use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Uri};
use countersign_api::{ApiLimits, App, Checks, Letters, Parts, PasswordResetLetter, router};
use countersign_domain::clients::portal_user::Invitation;
use countersign_domain::envelope::Actor;
use countersign_domain::firm::organization::{Home, Plan};
use countersign_domain::ids::{CommandId, InvitationId, OrgId, StaffId};
use countersign_domain::portal::PortalEvent;
use countersign_domain::use_cases::firm::{NewStaff, RegisterOrganization, register_organization};
use countersign_domain::values::{Currency, Email, Label, Locale, Slug, TimeZone, Timestamp};
use countersign_eventstore::{Clock, Ledger, LedgerOptions, MasterKey, Submission, SystemClock, Vault, Verdict};
use countersign_identity::Identity;
use countersign_identity::invitation::invitation_token;
use countersign_identity::limits::Limits;
use countersign_identity::server_key::ServerKey;
use countersign_projections::{Follower, FollowerOptions, Positions, groups};
use serde_json::{Value, json};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use std::sync::{Arc, Mutex};
use tower::ServiceExt;
use uuid::Uuid;

pub const PASSWORD: &str = "tall trees sway slowly";

/// An installation in this process.
pub struct World {
    pub app: App,
    pub router: Router,
    pub ledger: Ledger,
    pub identity: Identity,
    pub key: Arc<ServerKey>,
    pub clock: Arc<MovableClock>,
    pub letters: Arc<Postbox>,
    positions: Positions,
    _follower: Follower,
}

/// The machine's clock, put forward by so much.
#[derive(Default)]
pub struct MovableClock(Mutex<chrono::TimeDelta>);

/// Keeps the letters that were sent: token and address.
#[derive(Debug, Default)]
pub struct Postbox(pub Mutex<Vec<(String, String)>>);

impl MovableClock {
    pub fn forward(&self, span: chrono::TimeDelta) {
        *self.0.lock().unwrap() += span;
    }
}

impl Postbox {
    /// The next letter: its link's token, and to whom it goes.
    pub async fn next(&self) -> (String, String) {
        loop {
            if let Some(letter) = self.0.lock().unwrap().pop() {
                return letter;
            }
            tokio::task::yield_now().await;
        }
    }
}

impl Clock for MovableClock {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus(*self.0.lock().unwrap())
    }
}

#[async_trait]
impl Letters for Postbox {
    async fn password_reset(&self, letter: PasswordResetLetter) {
        let letter = (letter.token.reveal().to_owned(), letter.to.to_string());
        self.0.lock().unwrap().push(letter);
    }
}

impl World {
    pub async fn new(owner: PgPool) -> Self {
        Self::with(owner, ApiLimits::default()).await
    }

    pub async fn with(owner: PgPool, limits: ApiLimits) -> Self {
        let options = owner.connect_options().as_ref().clone().username("countersign_app");
        let pool = PgPoolOptions::new().max_connections(12).connect_with(options).await.unwrap();
        let vault = Vault::new(pool.clone(), MasterKey::parse(&"07".repeat(32)).unwrap());
        let clock = Arc::new(MovableClock::default());
        let ledger =
            Ledger::start(pool.clone(), vault, clock.clone(), LedgerOptions { lanes: 2, ..Default::default() });
        let positions = Positions::new(pool.clone());
        let follower =
            Follower::start(ledger.clone(), Arc::new(groups()), positions.clone(), FollowerOptions::default());
        let key = Arc::new(ServerKey::new([9; 32]));
        let identity = Identity::new(pool, key.clone(), Limits::default());
        let letters = Arc::new(Postbox::default());
        let app = App::new(Parts {
            ledger: ledger.clone(),
            identity: identity.clone(),
            positions: positions.clone(),
            clock: clock.clone(),
            server_key: key.clone(),
            public_url: Uri::from_static("http://127.0.0.1:8080"),
            limits,
            letters: letters.clone(),
            checks: Checks::new(Vec::new()),
        });
        Self { router: router(app.clone()), app, ledger, identity, key, clock, letters, positions, _follower: follower }
    }

    /// Registers a firm and signs its first admin in.
    pub async fn firm(&self, slug: &str) -> (OrgId, Caller) {
        let org = OrgId(Uuid::now_v7());
        let admin = StaffId(Uuid::now_v7());
        let email = Email::parse(&format!("ada@{slug}.example")).unwrap();
        let invitation = Invitation {
            id: InvitationId(Uuid::now_v7()),
            nonce: "first".into(),
            expires_at: self.clock.now().plus(chrono::TimeDelta::days(7)),
        };
        self.ledger.open(org).await.unwrap();
        let mailbox = self.ledger.vault().org_key(org).await.unwrap().mailbox(&email);
        let slug = Slug::parse(slug).unwrap();
        self.identity.claim(&slug, org, self.clock.now()).await.unwrap();
        let use_case = register_organization(RegisterOrganization {
            org,
            slug: slug.clone(),
            name: Label::parse("North Star").unwrap(),
            plan: Plan::Trial,
            home: Home {
                time_zone: TimeZone::parse("Europe/Tallinn").unwrap(),
                currency: Currency::parse("EUR").unwrap(),
                locale: Locale::parse("en").unwrap(),
            },
            admin: NewStaff {
                id: admin,
                name: Label::parse("Ada Admin").unwrap(),
                email: email.clone(),
                mailbox,
                invitation: invitation.clone(),
            },
        });
        let command = CommandId(Uuid::now_v7());
        let submission = Submission::new(org, command, Actor::Operator, vec![], use_case);
        let answer = self.ledger.execute(submission).await.unwrap();
        assert!(matches!(answer.verdict, Verdict::Accepted { .. }), "{answer:?}");
        self.settle(org).await;
        let token = invitation_token(&self.key, org, invitation.id, &invitation.nonce);
        self.accept(token.reveal()).await.expect(200);
        let caller = self.sign_in(slug.as_str(), email.as_str()).await;
        (org, caller)
    }

    /// Adds somebody to the staff and signs them in.
    pub async fn staff(&self, org: OrgId, slug: &str, admin: &Caller, name: &str, level: &str) -> (String, Caller) {
        let email = format!("{}@{slug}.example", name.to_lowercase());
        let body = json!({ "name": name, "email": email, "level": level });
        let id = self.send(admin, post("/v1/staff", body)).await.id();
        self.join(org).await;
        (id, self.sign_in(slug, &email).await)
    }

    /// Invites somebody with places on projects and signs them in.
    pub async fn guest(
        &self,
        org: OrgId,
        slug: &str,
        admin: &Caller,
        (name, client): (&str, &str),
        projects: Value,
    ) -> (String, Caller) {
        let email = format!("{}@clients.example", name.to_lowercase());
        let person = json!({ "client": client, "name": name, "email": email, "projects": projects });
        let reply = self.send(admin, post("/v1/invitations", json!({ "people": [person] }))).await.expect(200);
        let id = reply.json()["items"][0]["ids"]["portal_user"].as_str().unwrap().to_owned();
        self.join(org).await;
        (id, self.sign_in(slug, &email).await)
    }

    /// Whoever was invited last accepts.
    async fn join(&self, org: OrgId) {
        self.settle(org).await;
        let token = self.last_invitation(org).await;
        self.accept(&token).await.expect(200);
        self.settle(org).await;
    }

    /// The token in the last invitation that was issued.
    pub async fn last_invitation(&self, org: OrgId) -> String {
        let events = self.ledger.reader().after(org, 0, 1_000).await.unwrap();
        let found = events.iter().rev().find_map(|event| invitation_in(&event.read().unwrap().event));
        let invitation = found.expect("nobody was invited");
        invitation_token(&self.key, org, invitation.id, &invitation.nonce).reveal().to_owned()
    }

    pub async fn accept(&self, token: &str) -> Reply {
        let body = json!({ "token": token, "password": PASSWORD });
        self.send(&Caller::Anonymous, post("/v1/invitations/accept", body)).await
    }

    pub async fn sign_in(&self, slug: &str, email: &str) -> Caller {
        let body = json!({ "organization": slug, "email": email, "password": PASSWORD });
        let reply = self.send(&Caller::Anonymous, post("/v1/sessions", body)).await.expect(201);
        let cookie = reply.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        Caller::Session { cookie, csrf: reply.json()["csrf_token"].as_str().unwrap().to_owned() }
    }

    pub async fn send(&self, caller: &Caller, ask: Ask) -> Reply {
        let mut request = Request::builder().method(ask.method).uri(ask.path).header("host", "127.0.0.1:8080");
        match caller {
            Caller::Anonymous => {}
            Caller::Session { cookie, csrf } => request = request.header("cookie", cookie).header("x-csrf-token", csrf),
            Caller::Token(token) => request = request.header("authorization", format!("Bearer {token}")),
        }
        for (name, value) in ask.headers {
            request = request.header(name, value);
        }
        let request = match ask.body {
            Some(body) => {
                request.header("content-type", "application/json").body(Body::from(body.to_string())).unwrap()
            }
            None => request.body(Body::empty()).unwrap(),
        };
        self.dispatch(request).await
    }

    /// Sends a request as it stands; an answer that the OpenAPI document does not promise fails every test.
    pub async fn dispatch(&self, request: Request<Body>) -> Reply {
        let (method, path) = (request.method().to_string(), request.uri().to_string());
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        // A feed does not end by itself.
        let is_stream = parts.headers.get("content-type").is_some_and(|value| value == "text/event-stream");
        let body = if is_stream { Default::default() } else { to_bytes(body, usize::MAX).await.unwrap() };
        let text = String::from_utf8(body.to_vec()).unwrap();
        let reply = Reply { status: parts.status.as_u16(), headers: parts.headers, text };
        CONTRACT.check(&method, &path, &reply);
        reply
    }

    /// Waits until every read model is up to the head.
    pub async fn settle(&self, org: OrgId) {
        let head = self.ledger.reader().head(org).await.unwrap().unwrap();
        let names: Vec<_> = groups().iter().map(|group| group.name).collect();
        self.positions.reach(org, &names, head).await.unwrap();
    }
}

fn invitation_in(event: &PortalEvent) -> Option<Invitation> {
    use countersign_domain::{clients::portal_user, firm::staff};
    if let PortalEvent::PortalUser(portal_user::Event::Invited { invitation, .. }) = event {
        return Some(invitation.clone());
    }
    let PortalEvent::Staff(event) = event else { return None };
    match event {
        staff::Event::Added { invitation, .. } | staff::Event::Invited { invitation, .. } => Some(invitation.clone()),
        staff::Event::Joined { .. }
        | staff::Event::LevelSet { .. }
        | staff::Event::Deactivated {}
        | staff::Event::Reactivated {} => None,
    }
}
