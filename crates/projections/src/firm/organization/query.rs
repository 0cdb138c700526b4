//! Questions about the firm itself.

use crate::access_facts::{AccessColumns, asker, is_somebody};
use crate::columns::{read, read_count, read_word};
use crate::error::ReadError;
use crate::scope::Scope;
use countersign_domain::access::{Action, decide};
use countersign_domain::firm::organization::{Home, Plan};
use countersign_domain::values::{Currency, Label, Locale, Slug, TimeZone, Timestamp};
use countersign_postgres::reading;
use serde::Serialize;
use sqlx::PgPool;
use sqlx::types::Json;

/// The firm, as somebody of it or a guest of it sees it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OrganizationView {
    /// Its short name in addresses.
    pub slug: Slug,
    /// Its name.
    pub name: Label,
    /// Where it is at home.
    pub home: Home,
    /// Plan and seats; absent for portal users.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscription: Option<Subscription>,
}

/// What the firm has subscribed to, and how much of it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Subscription {
    /// The plan.
    pub plan: Plan,
    /// Its seats.
    pub seats: Seats,
}

/// Seats for guests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Seats {
    /// How many are taken.
    pub used: u32,
    /// How many the plan has; absent where it has as many as there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// The firm; for its active people only.
pub async fn get(pool: &PgPool, scope: &Scope, at: Timestamp) -> Result<OrganizationView, ReadError> {
    let mut transaction = reading(pool, scope.org).await?;
    let row = sqlx::query!(
        r#"WITH portal AS (SELECT generation FROM read.active_generation WHERE org_id = $1 AND "group" = 'portal')
           SELECT asker.access AS "access!: Json<AccessColumns>", firm.slug, firm.name, firm.plan, firm.time_zone,
                  firm.currency, firm.locale, firm.seats_used
           FROM read.asker($1, $2, $3) asker
           JOIN read.organization firm ON firm.generation = (TABLE portal) AND firm.org_id = $1"#,
        scope.org.0,
        scope.asker_kind(),
        scope.asker_id()
    )
    .fetch_optional(&mut *transaction)
    .await?;
    let Some(row) = row else {
        is_somebody(&asker(&mut transaction, scope).await?.facts(scope))?;
        return Err(ReadError::Behind);
    };
    drop(transaction);
    let facts = row.access.0.facts(scope);
    is_somebody(&facts)?;
    let plan: Plan = read_word("plan", row.plan)?;
    let seats = Seats { used: read_count("seats_used", row.seats_used)?, limit: plan.guest_seats() };
    let subscription = Subscription { plan, seats };
    Ok(OrganizationView {
        slug: read("slug", Slug::parse(&row.slug))?,
        name: read("name", Label::parse(&row.name))?,
        home: Home {
            time_zone: read("time_zone", TimeZone::parse(&row.time_zone))?,
            currency: read("currency", Currency::parse(&row.currency))?,
            locale: read("locale", Locale::parse(&row.locale))?,
        },
        subscription: decide(&facts, Action::ViewDirectory, at).allowed.then_some(subscription),
    })
}
