//! The organization: plan and settings.

use crate::answer::Done;
use crate::app::App;
use crate::error::ApiError;
use crate::request::{Json, Key, Member, Staff};
use crate::schema;
use axum::extract::State;
use countersign_domain::firm::organization::{self, Plan};
use countersign_domain::firm::seats::overrun;
use countersign_domain::use_cases::firm;
use countersign_domain::values::{Currency, Label, Locale, Slug, TimeZone};
use countersign_projections::firm::organization::{OrganizationView, Seats as SeatsView, Subscription};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The firm, as somebody of it or a guest of it sees it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Organization {
    /// Its short name in addresses.
    #[schema(value_type = schema::Slug)]
    slug: Slug,
    /// Its name.
    #[schema(value_type = schema::Label)]
    name: Label,
    /// Where it is at home.
    home: Home,
    /// The plan; absent for guests.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Plan>)]
    plan: Option<Plan>,
    /// Its seats; absent for guests.
    #[serde(skip_serializing_if = "Option::is_none")]
    seats: Option<Seats>,
}

/// Where a firm is at home.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Home {
    /// In which its days begin and end.
    #[schema(value_type = schema::TimeZone)]
    time_zone: KnownTimeZone,
    /// In which it invoices unless a project says otherwise.
    #[schema(value_type = schema::Currency)]
    currency: Currency,
    /// In which its mail and numbers are written.
    #[schema(value_type = schema::Locale)]
    locale: Locale,
}

/// A time zone that our tables know.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "TimeZone", into = "TimeZone")]
pub(crate) struct KnownTimeZone(TimeZone);

/// The plan's seats for guests.
#[derive(Serialize, ToSchema)]
pub(crate) struct Seats {
    /// How many are taken.
    used: u32,
    /// How many the plan has; absent where it has as many as there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u32>,
    /// How many more are taken than the plan has, since it became smaller: their holders stay, and nobody is invited until
    /// so many and one more are free. Absent where the plan covers all.
    #[serde(skip_serializing_if = "Option::is_none")]
    over: Option<u32>,
}

/// Another plan.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangePlan {
    /// Which one.
    #[schema(value_type = schema::Plan)]
    plan: Plan,
}

/// The organization.
#[utoipa::path(get, path = "/v1/organization", operation_id = "GetOrganization", tag = "firm",
    responses((status = 200, description = "As the caller may see it.", body = Organization)))]
pub(crate) async fn get(State(app): State<App>, who: Member) -> Result<axum::Json<Organization>, ApiError> {
    let view =
        countersign_projections::firm::organization::get(app.reads().pool(), &who.scope(), app.clock.now()).await?;
    Ok(axum::Json(Organization::from(view)))
}

/// Subscribes to another plan. Guests who are there stay; a smaller plan takes no new ones.
#[utoipa::path(put, path = "/v1/organization/plan", operation_id = "ChangePlan", tag = "firm",
    params(Key), request_body = ChangePlan,
    responses((status = 200, description = "The plan counts.", body = Done)))]
pub(crate) async fn change_plan(
    State(app): State<App>,
    staff: Staff,
    key: Key,
    Json(body): Json<ChangePlan>,
) -> Result<Done, ApiError> {
    app.change(key.command(&staff, &body), firm::change_plan(staff.org, body.plan)).await
}

/// Changes where the organization is at home.
#[utoipa::path(put, path = "/v1/organization/home", operation_id = "LocalizeOrganization", tag = "firm",
    params(Key), request_body = Home,
    responses((status = 200, description = "It is at home there.", body = Done)))]
pub(crate) async fn localize(
    State(app): State<App>,
    staff: Staff,
    key: Key,
    Json(body): Json<Home>,
) -> Result<Done, ApiError> {
    let command = key.command(&staff, &body);
    let Home { time_zone, currency, locale } = body;
    let home = organization::Home { time_zone: time_zone.0, currency, locale };
    app.change(command, firm::localize(staff.org, home)).await
}

impl From<OrganizationView> for Organization {
    fn from(view: OrganizationView) -> Self {
        let OrganizationView { slug, name, home, subscription } = view;
        let (plan, seats) = subscription.map(|Subscription { plan, seats }| (plan, Seats::from(seats))).unzip();
        Self { slug, name, home: Home::from(home), plan, seats }
    }
}

impl From<SeatsView> for Seats {
    fn from(seats: SeatsView) -> Self {
        let SeatsView { used, limit } = seats;
        Self { used, limit, over: Some(overrun(used, limit)).filter(|over| *over > 0) }
    }
}

impl From<organization::Home> for Home {
    fn from(home: organization::Home) -> Self {
        let organization::Home { time_zone, currency, locale } = home;
        Self { time_zone: KnownTimeZone(time_zone), currency, locale }
    }
}

impl TryFrom<TimeZone> for KnownTimeZone {
    type Error = chrono_tz::ParseError;
    fn try_from(name: TimeZone) -> Result<Self, chrono_tz::ParseError> {
        name.as_str().parse::<chrono_tz::Tz>().map(|_| Self(name))
    }
}

impl From<KnownTimeZone> for TimeZone {
    fn from(known: KnownTimeZone) -> Self {
        known.0
    }
}
