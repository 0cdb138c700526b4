//! A small firm in a fresh database, worked on as the application is: bound by row security.
#![allow(dead_code, reason = "each test binary uses its own part of the cast")]

use countersign_domain::clients::portal_user::Invitation;
use countersign_domain::envelope::{Actor, Provenance};
use countersign_domain::firm::organization::{Home, Plan};
use countersign_domain::ids::{CommandId, InvitationId, OrgId, StaffId};
use countersign_domain::use_case::UseCase;
use countersign_domain::use_cases::firm::{NewStaff, RegisterOrganization, register_organization};
use countersign_domain::values::{Currency, Email, Label, Locale, Slug, TimeZone, Timestamp};
use countersign_eventstore::{
    Answer, ExecuteError, Ledger, LedgerOptions, MasterKey, Submission, SystemClock, Vault, Verdict,
};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use std::sync::Arc;
use uuid::Uuid;

pub const ADMIN: StaffId = StaffId(Uuid::from_u128(0xad));

/// A pool of the role as which the application works.
pub async fn application(owner: &PgPool) -> PgPool {
    let options = (*owner.connect_options()).clone().username("countersign_app");
    PgPoolOptions::new().max_connections(12).connect_with(options).await.unwrap()
}

pub fn master_key() -> MasterKey {
    MasterKey::parse(&"5a".repeat(32)).unwrap()
}

/// A node: lanes of their own over the same database.
pub fn node(pool: &PgPool, options: LedgerOptions) -> Ledger {
    let vault = Vault::new(pool.clone(), master_key());
    Ledger::start(pool.clone(), vault, Arc::new(SystemClock), options)
}

pub fn org(number: u128) -> OrgId {
    OrgId(Uuid::from_u128(0x0a11_0000 + number))
}

/// A command id that is nobody else's.
pub fn command(number: u128) -> CommandId {
    CommandId(Uuid::from_u128(0xc0_0000_0000 + number))
}

pub fn far_ahead() -> Timestamp {
    "2099-01-01T00:00:00Z".parse().unwrap()
}

pub fn home() -> Home {
    Home {
        time_zone: TimeZone::parse("Europe/Tallinn").unwrap(),
        currency: Currency::parse("EUR").unwrap(),
        locale: Locale::parse("en").unwrap(),
    }
}

pub fn invitation(number: u128) -> Invitation {
    Invitation { id: InvitationId(Uuid::from_u128(number)), nonce: "00".into(), expires_at: far_ahead() }
}

/// Registers an organization whose admin has joined.
pub async fn register(ledger: &Ledger, org: OrgId, plan: Plan) {
    register_as(ledger, org, plan, Provenance::Witnessed).await;
}

pub async fn register_as(ledger: &Ledger, org: OrgId, plan: Plan, provenance: Provenance) {
    ledger.open(org).await.unwrap();
    let email = Email::parse("ada@firm.example").unwrap();
    let mailbox = ledger.vault().org_key(org).await.unwrap().mailbox(&email);
    let admin =
        NewStaff { id: ADMIN, name: Label::parse("Ada Admin").unwrap(), email, mailbox, invitation: invitation(1) };
    let register = RegisterOrganization {
        org,
        slug: Slug::parse("firm").unwrap(),
        name: Label::parse("The Firm").unwrap(),
        plan,
        home: home(),
        admin,
    };
    let mut submission = by_operator(org, 1, register_organization(register));
    submission.provenance = provenance;
    accepted(ledger.execute(submission).await);
    let join = countersign_domain::use_cases::firm::join_staff(ADMIN, invitation(1).id);
    accepted(ledger.execute(by_operator(org, 2, join)).await);
}

pub fn by_operator(org: OrgId, number: u128, use_case: UseCase) -> Submission {
    Submission::new(org, command(number), Actor::Operator, use_case.name.as_bytes().to_vec(), use_case)
}

pub fn by_admin(org: OrgId, number: u128, use_case: UseCase) -> Submission {
    Submission::new(org, command(number), Actor::Staff(ADMIN), use_case.name.as_bytes().to_vec(), use_case)
}

/// The first and the last position of what was accepted.
#[track_caller]
pub fn accepted(answer: Result<Answer, ExecuteError>) -> (u64, u64) {
    let answer = answer.unwrap();
    let Verdict::Accepted { first, count } = answer.verdict else { panic!("not accepted: {answer:?}") };
    (first, first + u64::from(count) - 1)
}

#[track_caller]
pub fn rejected(answer: Result<Answer, ExecuteError>) -> String {
    let answer = answer.unwrap();
    let Verdict::Rejected(refusal) = answer.verdict else { panic!("not rejected: {answer:?}") };
    refusal.code
}
