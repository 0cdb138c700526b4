//! Organizations to write to: each registered with an admin and one client, through the real commands.

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
use std::error::Error;
use uuid::Uuid;

/// A registered organization.
#[derive(Clone, Debug)]
pub(crate) struct Firm {
    pub(crate) org: OrgId,
    pub(crate) admin: StaffId,
    /// Clients whose names are changed, one a writer.
    pub(crate) clients: Vec<ClientId>,
}

/// How many clients the first organization has, so that each writer has its own; the others have one.
const CLIENTS_OF_THE_FIRST: usize = 64;

pub(crate) async fn register_many(ledger: &Ledger, count: usize) -> Result<Vec<Firm>, Box<dyn Error>> {
    stream::iter(0..count).map(|number| register(ledger, number)).buffered(64).try_collect().await
}

async fn register(ledger: &Ledger, number: usize) -> Result<Firm, Box<dyn Error>> {
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

/// Sends one command; anything but "it happened" is an error.
pub(crate) async fn execute(
    ledger: &Ledger,
    org: OrgId,
    actor: Actor,
    use_case: UseCase,
) -> Result<(), Box<dyn Error>> {
    let id = CommandId(Uuid::now_v7());
    let answer = ledger.execute(Submission::new(org, id, actor, id.0.as_bytes().to_vec(), use_case)).await?;
    match answer.verdict {
        Verdict::Accepted { .. } => Ok(()),
        Verdict::AlreadySo => Err("a command changed nothing".into()),
        Verdict::Rejected(refusal) => Err(refusal.message.into()),
    }
}
