//! A firm with a client, a project and a guest, and a node whose clock the test sets.
#![allow(dead_code, reason = "each test uses its own part of the firm")]

use countersign_domain::access::{Right, Window};
use countersign_domain::clients::portal_user::Invitation;
use countersign_domain::envelope::{Actor, Provenance};
use countersign_domain::firm::organization::{Home, Plan};
use countersign_domain::firm::staff::Level;
use countersign_domain::ids::{ClientId, CommandId, ContactId, InvitationId, OrgId, PortalUserId, ProjectId, StaffId};
use countersign_domain::use_case::UseCase;
use countersign_domain::use_cases::clients::open_client;
use countersign_domain::use_cases::firm::{
    NewStaff, RegisterOrganization, add_staff, join_staff, register_organization,
};
use countersign_domain::use_cases::guests::{Guest, InviteGuest, Place, accept_invitation, invite_guest};
use countersign_domain::use_cases::projects::{OpenProject, open_project, publish_project};
use countersign_domain::values::{Currency, Email, Label, Locale, Slug, TimeZone, Timestamp};
use countersign_eventstore::{Answer, Clock, Ledger, LedgerOptions, MasterKey, Submission, Vault};
use countersign_processes::{Links, Mailer, Worker, agenda};
use countersign_projections::{Advance, advance, groups};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use uuid::Uuid;

pub const ORG: OrgId = OrgId(Uuid::from_u128(1));
pub const ADMIN: StaffId = StaffId(Uuid::from_u128(2));
pub const COLLEAGUE: StaffId = StaffId(Uuid::from_u128(0xc0));
pub const CLIENT: ClientId = ClientId(Uuid::from_u128(3));
pub const PROJECT: ProjectId = ProjectId(Uuid::from_u128(4));
pub const GUEST: PortalUserId = PortalUserId(Uuid::from_u128(5));

/// A clock that stands where the test puts it.
#[derive(Debug)]
pub struct Hands(Mutex<Timestamp>);

impl Hands {
    pub fn put(&self, at: &str) {
        *self.0.lock().unwrap() = at.parse().unwrap();
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

pub struct Node {
    pub ledger: Ledger,
    pub clock: Arc<Hands>,
    pub worker: Worker,
    pub mail: PathBuf,
    pub provenance: Provenance,
}

impl Node {
    pub async fn over(owner: &PgPool, mail: PathBuf) -> Self {
        let mailer = Mailer::folder(mail.clone(), "Portal <portal@firm.example>", |_| ()).unwrap();
        Self::mailing(owner, mailer, mail).await
    }

    pub async fn mailing(owner: &PgPool, mailer: Mailer, mail: PathBuf) -> Self {
        let options = (*owner.connect_options()).clone().username("countersign_app");
        let pool = PgPoolOptions::new().max_connections(8).connect_with(options).await.unwrap();
        let vault = Vault::new(pool.clone(), MasterKey::parse(&"5a".repeat(32)).unwrap());
        let clock = Arc::new(Hands(Mutex::new("2026-03-02T09:00:00Z".parse().unwrap())));
        let ledger = Ledger::start(pool, vault, clock.clone(), LedgerOptions::default());
        let links = Links {
            invitation: Arc::new(|_, id, nonce: &str| format!("https://portal.example/join#{id}.{nonce}")),
            portal: "https://portal.example".to_owned(),
        };
        let worker = Worker::new(ledger.clone(), mailer, links, clock.clone());
        Self { ledger, clock, worker, mail, provenance: Provenance::Witnessed }
    }

    /// Sends a command that must happen.
    pub async fn send(&self, actor: Actor, use_case: UseCase) -> Answer {
        let id = CommandId(Uuid::now_v7());
        let mut submission = Submission::new(ORG, id, actor, id.0.as_bytes().to_vec(), use_case);
        submission.provenance = self.provenance.clone();
        let answer = self.ledger.execute(submission).await.unwrap();
        assert!(matches!(answer.verdict, countersign_eventstore::Verdict::Accepted { .. }), "{answer:?}");
        answer
    }

    /// Brings read models and agenda up to date.
    pub async fn follow(&self) {
        for group in groups().into_iter().chain([agenda()]) {
            while let Advance::To(_) = advance(&self.ledger, &group, ORG).await.unwrap() {}
        }
    }

    /// Brings one group up to date.
    pub async fn follow_only(&self, name: &str) {
        for group in groups().into_iter().chain([agenda()]).filter(|group| group.name == name) {
            while let Advance::To(_) = advance(&self.ledger, &group, ORG).await.unwrap() {}
        }
    }

    /// Follows and works off what is due, until nothing is.
    pub async fn settle(&self) {
        loop {
            self.follow().await;
            if self.worker.work_off_what_is_due().await.unwrap() == 0 {
                return;
            }
        }
    }

    /// What was mailed, by file name.
    pub fn mails(&self) -> Vec<String> {
        let Ok(files) = std::fs::read_dir(&self.mail) else { return Vec::new() };
        let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        paths.sort();
        paths.into_iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
    }

    pub async fn event_types(&self) -> Vec<String> {
        let events = self.ledger.reader().after(ORG, 0, 1_000).await.unwrap();
        events.iter().map(|event| event.read().unwrap().event.to_wire().event_type).collect()
    }

    pub async fn found_firm(&self) {
        self.ledger.open(ORG).await.unwrap();
        let email = Email::parse("ada@firm.example").unwrap();
        let admin = NewStaff {
            id: ADMIN,
            name: label("Ada Admin"),
            mailbox: self.ledger.vault().org_key(ORG).await.unwrap().mailbox(&email),
            email,
            invitation: invitation(1),
        };
        let register = RegisterOrganization {
            org: ORG,
            slug: Slug::parse("firm").unwrap(),
            name: label("The Firm"),
            plan: Plan::Starter,
            home: Home {
                time_zone: TimeZone::parse("Pacific/Auckland").unwrap(),
                currency: eur(),
                locale: Locale::parse("en").unwrap(),
            },
            admin,
        };
        self.send(Actor::Operator, register_organization(register)).await;
        self.send(Actor::Operator, join_staff(ADMIN, invitation(1).id)).await;
        self.send(Actor::Staff(ADMIN), open_client(CLIENT, label("The Client"))).await;
        let open = OpenProject {
            project: PROJECT,
            client: CLIENT,
            name: label("The Project"),
            currency: eur(),
            manager: Some(ADMIN),
            contract_lines: Vec::new(),
        };
        self.send(Actor::Staff(ADMIN), open_project(open)).await;
        self.send(Actor::Staff(ADMIN), publish_project(PROJECT)).await;
    }

    /// A colleague is added, and invited with that.
    pub async fn add_colleague(&self) {
        let email = Email::parse("cora@firm.example").unwrap();
        let colleague = NewStaff {
            id: COLLEAGUE,
            name: label("Cora Colleague"),
            mailbox: self.ledger.vault().org_key(ORG).await.unwrap().mailbox(&email),
            email,
            invitation: invitation(9),
        };
        self.send(Actor::Staff(ADMIN), add_staff(colleague, Level::ProjectManager)).await;
    }

    /// Invites the guest, with rights on the project.
    pub async fn invite(&self, rights: &[Right]) {
        let email = Email::parse("gus@client.example").unwrap();
        let guest = Guest {
            portal_user: GUEST,
            contact: ContactId(Uuid::from_u128(6)),
            client: CLIENT,
            name: label("Gus Guest"),
            mailbox: self.ledger.vault().org_key(ORG).await.unwrap().mailbox(&email),
            email,
            projects: vec![Place {
                project: PROJECT,
                rights: rights.iter().copied().collect(),
                window: Window::default(),
            }],
        };
        let command = InviteGuest { org: ORG, guest, invitation: invitation(7) };
        self.send(Actor::Staff(ADMIN), invite_guest(command)).await;
    }

    pub async fn accept(&self) {
        self.send(Actor::PortalUser(GUEST), accept_invitation(GUEST, invitation(7).id)).await;
    }
}

pub fn label(text: &str) -> Label {
    Label::parse(text).unwrap()
}

pub fn eur() -> Currency {
    Currency::parse("EUR").unwrap()
}

pub fn invitation(number: u128) -> Invitation {
    Invitation {
        id: InvitationId(Uuid::from_u128(number)),
        nonce: "n0nce".into(),
        expires_at: "2026-03-09T09:00:00Z".parse().unwrap(),
    }
}
