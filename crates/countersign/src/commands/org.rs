//! `countersign org create`: registers an organization with its first admin.

use crate::args::{Org, OrgCommand, OrgCreate, Place};
use crate::database::Database;
use crate::failure::Failure;
use crate::node::{Node, invitation_link};
use chrono::TimeDelta;
use countersign_domain::clients::portal_user::Invitation;
use countersign_domain::envelope::Actor;
use countersign_domain::firm::organization::{Home, Plan};
use countersign_domain::ids::{CommandId, InvitationId, OrgId, StaffId};
use countersign_domain::use_cases::firm::{NewStaff, RegisterOrganization, register_organization};
use countersign_domain::values::{Currency, Email, Label, Locale, Slug, TimeZone};
use countersign_eventstore::{ExecuteError, StoreError, Submission, Verdict};
use serde_json::json;
use std::fmt::Display;
use uuid::Uuid;

/// How long the first admin has to set a password.
const INVITATION_LIVES: TimeDelta = TimeDelta::days(7);

pub(crate) async fn run(place: Place, org: Org) -> Result<(), Failure> {
    let OrgCommand::Create(create) = org.command;
    let database = Database::open(&place).await?;
    database.bring_up().await?;
    let node = Node::over(&database, &place.data_dir)?;
    register(&node, create).await?;
    database.close().await
}

async fn register(node: &Node, create: OrgCreate) -> Result<(), Failure> {
    let wanted = Wanted::read(&create)?;
    let now = node.clock.now();
    let failed =
        |error: &dyn std::error::Error| Failure::say(format!("the organization could not be registered: {error}"));
    let org = match node.identity.find(&wanted.slug).await.map_err(|error| failed(&error))? {
        None => OrgId(Uuid::now_v7()),
        // Somebody was stopped between taking the name and registering: the name still waits for its organization.
        Some(org) if is_empty(node, org).await.map_err(|error| failed(&error))? => org,
        Some(_) => return Err(there_already(&wanted.slug)),
    };
    node.ledger.open(org).await.map_err(|error| failed(&error))?;
    let key = node.ledger.vault().org_key(org).await.map_err(|error| failed(&error))?;
    let invitation = Invitation {
        id: InvitationId(Uuid::now_v7()),
        nonce: Uuid::new_v4().simple().to_string(),
        expires_at: now.plus(INVITATION_LIVES),
    };
    let admin = NewStaff {
        id: StaffId(Uuid::now_v7()),
        name: wanted.admin_name,
        mailbox: key.mailbox(&wanted.admin_email),
        email: wanted.admin_email,
        invitation: invitation.clone(),
    };
    let Wanted { slug, name, plan, home, .. } = wanted;
    // The name is taken first: whoever loses a race for it has registered nothing.
    node.identity.claim(&slug, org, now).await.map_err(|error| failed(&error))?;
    let register = RegisterOrganization { org, slug: slug.clone(), name, plan, home, admin };
    // The link that is printed is this request's own: somebody else's registration is no answer to it.
    let request = invitation.id.0.as_bytes().to_vec();
    let submission = Submission::new(org, CommandId(org.0), Actor::Operator, request, register_organization(register));
    let answer = node.ledger.execute(submission).await.map_err(|error| match error {
        ExecuteError::KeyReused => there_already(&slug),
        ExecuteError::Defect
        | ExecuteError::UnknownOrganization
        | ExecuteError::NotSimulated
        | ExecuteError::Overloaded
        | ExecuteError::Store(_) => failed(&error),
    })?;
    if let Verdict::Rejected(refusal) = answer.verdict {
        return Err(Failure::say(format!("the organization could not be registered: {}", refusal.message)));
    }
    let base = create.public_url.trim_end_matches('/');
    let link = invitation_link(&node.server_key, base, org, invitation.id, &invitation.nonce);
    if create.json {
        println!(
            "{}",
            json!({ "organization": org, "slug": slug, "invitation_link": link, "expires_at": invitation.expires_at })
        );
    } else {
        println!("{slug} is registered. The admin sets a password here, within seven days:\n\n  {link}");
    }
    Ok(())
}

/// Whether nothing has happened in an organization's ledger, if there is one at all.
async fn is_empty(node: &Node, org: OrgId) -> Result<bool, StoreError> {
    Ok(node.ledger.reader().head(org).await?.unwrap_or(0) == 0)
}

fn there_already(slug: &Slug) -> Failure {
    Failure::say(format!("there is an organization named {slug} already"))
}

/// The arguments, once they have been read.
struct Wanted {
    slug: Slug,
    name: Label,
    plan: Plan,
    home: Home,
    admin_name: Label,
    admin_email: Email,
}

impl Wanted {
    fn read(create: &OrgCreate) -> Result<Self, Failure> {
        let time_zone = read("--time-zone", TimeZone::parse(&create.time_zone))?;
        read("--time-zone", create.time_zone.parse::<chrono_tz::Tz>())?;
        Ok(Self {
            slug: read("the short name", Slug::parse(&create.slug))?,
            name: read("--name", Label::parse(&create.name))?,
            plan: Plan::parse(&create.plan)
                .ok_or_else(|| Failure::say("--plan: the plans are trial, starter, rise and growth"))?,
            home: Home {
                time_zone,
                currency: read("--currency", Currency::parse(&create.currency))?,
                locale: read("--locale", Locale::parse(&create.locale))?,
            },
            admin_name: read("--admin-name", Label::parse(&create.admin_name))?,
            admin_email: read("--admin-email", Email::parse(&create.admin_email))?,
        })
    }
}

fn read<T, E: Display>(what: &str, parsed: Result<T, E>) -> Result<T, Failure> {
    parsed.map_err(|error| Failure::say(format!("{what}: {error}")))
}
