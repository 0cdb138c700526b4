//! Organizations to write to: each with an admin and a client, registered through the real commands or found.

use crate::Fallible;
use countersign_domain::clients::portal_user::Invitation;
use countersign_domain::envelope::Actor;
use countersign_domain::firm::organization::{Home, Plan};
use countersign_domain::ids::{ClientId, CommandId, InvitationId, OrgId, StaffId};
use countersign_domain::use_case::UseCase;
use countersign_domain::use_cases::clients::open_client;
use countersign_domain::use_cases::firm::{NewStaff, RegisterOrganization, join_staff, register_organization};
use countersign_domain::values::{Currency, Email, Label, Locale, Slug, TimeZone};
use countersign_eventstore::{Ledger, Submission, Verdict};
use futures::stream::{self, StreamExt, TryStreamExt};
use sqlx::PgConnection;
use uuid::Uuid;

/// An organization.
#[derive(Clone, Debug)]
pub(crate) struct Firm {
    pub(crate) org: OrgId,
    pub(crate) admin: StaffId,
    /// Clients whose names are changed, one a writer.
    pub(crate) clients: Vec<ClientId>,
}

/// How many clients the first organization has, so that each writer has its own; the others have one.
const CLIENTS_OF_THE_FIRST: usize = 64;

pub(crate) async fn register_many(ledger: &Ledger, count: usize) -> Fallible<Vec<Firm>> {
    stream::iter(0..count).map(|number| register(ledger, number)).buffered(64).try_collect().await
}

async fn register(ledger: &Ledger, number: usize) -> Fallible<Firm> {
    let org = OrgId(Uuid::now_v7());
    let admin = StaffId(Uuid::now_v7());
    ledger.open(org).await?;
    let email = Email::parse("admin@firm.example")?;
    let invitation =
        Invitation { id: InvitationId(Uuid::now_v7()), nonce: "0".into(), expires_at: "2099-01-01T00:00:00Z".parse()? };
    let new = NewStaff {
        id: admin,
        name: Label::parse("Ada Admin")?,
        mailbox: ledger.vault().org_key(org).await?.mailbox(&email),
        email,
        invitation: invitation.clone(),
    };
    let home = Home {
        time_zone: TimeZone::parse("Etc/UTC")?,
        currency: Currency::parse("EUR")?,
        locale: Locale::parse("en")?,
    };
    let register = RegisterOrganization {
        org,
        slug: Slug::parse(&format!("firm-{number}"))?,
        name: Label::parse("The Firm")?,
        plan: Plan::Trial,
        home,
        admin: new,
    };
    execute(ledger, org, Actor::Operator, register_organization(register)).await?;
    execute(ledger, org, Actor::Operator, join_staff(admin, invitation.id)).await?;
    let mut clients = Vec::new();
    for _ in 0..if number == 0 { CLIENTS_OF_THE_FIRST } else { 1 } {
        let client = ClientId(Uuid::now_v7());
        execute(ledger, org, Actor::Staff(admin), open_client(client, Label::parse("A client")?)).await?;
        clients.push(client);
    }
    Ok(Firm { org, admin, clients })
}

/// The organizations with an admin who is active and a client, by their own rows: those of a made-up history.
pub(crate) async fn find_many(owner: &mut PgConnection) -> Fallible<Vec<Firm>> {
    let rows: Vec<(Uuid, Uuid, Uuid)> = sqlx::query_as(
        r#"SELECT ledger.org_id, admin.subject_id, client.stream_id
           FROM ledger.ledger
           JOIN read.active_generation active ON active.org_id = ledger.org_id AND active."group" = 'access'
           CROSS JOIN LATERAL (
               SELECT subject.subject_id FROM read.access_subject subject
               WHERE subject.generation = active.generation AND subject.org_id = ledger.org_id
                 AND subject.kind = 'staff' AND subject.level = 'admin' AND subject.status = 'active'
               LIMIT 1
           ) admin
           CROSS JOIN LATERAL (
               SELECT event.stream_id FROM ledger.event event
               WHERE event.org_id = ledger.org_id AND event.type = 'client.opened'
               ORDER BY event.position LIMIT 1
           ) client
           ORDER BY ledger.org_id"#,
    )
    .fetch_all(owner)
    .await?;
    let found = |(org, admin, client)| Firm { org: OrgId(org), admin: StaffId(admin), clients: vec![ClientId(client)] };
    Ok(rows.into_iter().map(found).collect())
}

/// Sends one command; anything but "it happened" is an error.
pub(crate) async fn execute(ledger: &Ledger, org: OrgId, actor: Actor, use_case: UseCase) -> Fallible<()> {
    let id = CommandId(Uuid::now_v7());
    let answer = ledger.execute(Submission::new(org, id, actor, id.0.as_bytes().to_vec(), use_case)).await?;
    match answer.verdict {
        Verdict::Accepted { .. } => Ok(()),
        Verdict::AlreadySo => Err("a command changed nothing".into()),
        Verdict::Rejected(refusal) => Err(refusal.message.into()),
    }
}
