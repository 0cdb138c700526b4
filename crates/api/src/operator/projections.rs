//! How read models stand; trying again what they could not take; and comparing them with a ledger.

use crate::error::ApiError;
use crate::operator::Operator;
use crate::operator::rebuilds::org_named;
use crate::request::Json as Body;
use crate::request::Path;
use axum::Json;
use axum::extract::State;
use countersign_eventstore::StoreError;
use countersign_projections::{Checked, GroupStanding, RebuildError, group_standings, unpark};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

/// The longest ledger that is compared here.
const CHECKED_AT_MOST: u64 = 100_000;

pub(super) fn routes() -> OpenApiRouter<Operator> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(retry)).routes(routes!(check))
}

/// How every group stands.
#[derive(Serialize, ToSchema)]
struct GroupList {
    /// By name.
    items: Vec<GroupView>,
}

/// How a group of read models stands.
#[derive(Serialize, ToSchema)]
struct GroupView {
    /// Its name.
    #[schema(example = "portal")]
    group: String,
    /// How many organizations read each of its generations, by the generation's number.
    generations: BTreeMap<String, u64>,
    /// How many events its rows are behind the ledgers, parked organizations aside.
    behind: u64,
    /// Organizations whose rows stop at an event that could not be projected.
    parked: Vec<ParkedView>,
}

/// Where and why an organization's rows stop.
#[derive(Serialize, ToSchema)]
struct ParkedView {
    /// Whose.
    org: Uuid,
    /// The event's place in its ledger.
    position: u64,
    /// What went wrong.
    reason: String,
}

impl From<GroupStanding> for GroupView {
    fn from(standing: GroupStanding) -> Self {
        let parked = standing.parked.into_iter();
        Self {
            group: standing.group,
            generations: standing.generations.into_iter().map(|(number, many)| (number.to_string(), many)).collect(),
            behind: standing.behind,
            parked: parked
                .map(|parked| ParkedView { org: parked.org.0, position: parked.position, reason: parked.reason })
                .collect(),
        }
    }
}

/// Whose event is to be tried again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Retry {
    /// The organization that is parked, by its short name.
    org: String,
}

/// What came of it.
#[derive(Serialize, ToSchema)]
struct Retried {
    /// Whether the organization was parked; if so, nodes that serve try the event again within a minute.
    was_parked: bool,
}

/// What is to be compared with the ledger.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Check {
    /// Whose rows, by the short name.
    org: String,
    /// In which group; in all of them where none is named.
    group: Option<String>,
}

/// What the comparison came to.
#[derive(Serialize, ToSchema)]
struct CheckedList {
    /// Whether all rows are what the ledger comes to.
    agrees: bool,
    /// Each group: both digests at the position up to which they were compared, and where the rows differ.
    #[schema(value_type = Vec<Object>)]
    items: Vec<Checked>,
}

/// How every group of read models stands, and which organizations are parked in it and why.
#[utoipa::path(get, path = "/projections", operation_id = "ListProjections", tag = "operation",
    responses((status = 200, description = "All groups.", body = GroupList)))]
async fn list(State(operator): State<Operator>) -> Result<Json<GroupList>, ApiError> {
    let standings = group_standings(operator.ledger.reader().pool()).await.map_err(StoreError::from)?;
    Ok(Json(GroupList { items: standings.into_iter().map(Into::into).collect() }))
}

/// Tries an event again that could not be projected, after what was wrong has been mended.
#[utoipa::path(post, path = "/projections/{group}/retry", operation_id = "RetryProjection", tag = "operation",
    params(("group" = String, Path, description = "The group of read models.")),
    request_body = Retry,
    responses((status = 200, description = "What came of it.", body = Retried),
        (status = 404, description = "There is no such group that follows the ledgers."),
        (status = 422, description = "There is no such organization.")))]
async fn retry(
    State(operator): State<Operator>,
    Path(group): Path<String>,
    Body(wanted): Body<Retry>,
) -> Result<Json<Retried>, ApiError> {
    let group = operator.followed.iter().find(|known| known.name == group).ok_or(ApiError::NotThere)?;
    let org = org_named(&operator, "/org", &wanted.org).await?;
    let was_parked = unpark(operator.ledger.reader().pool(), org, group).await.map_err(RebuildError::Projection)?;
    Ok(Json(Retried { was_parked }))
}

/// Compares one organization's rows with what its ledger comes to, and changes nothing. Everybody's are compared at the
/// command line: `countersign rebuild --all --check`.
#[utoipa::path(post, path = "/checks", operation_id = "CheckProjections", tag = "operation",
    request_body = Check,
    responses((status = 200, description = "What it came to.", body = CheckedList),
        (status = 422, description = "There is no such organization or group, or its ledger is too long for this.")))]
async fn check(State(operator): State<Operator>, Body(wanted): Body<Check>) -> Result<Json<CheckedList>, ApiError> {
    let org = org_named(&operator, "/org", &wanted.org).await?;
    let groups = match wanted.group {
        Some(group) => vec![group],
        None => operator.rebuilds.names().into_iter().map(str::to_owned).collect(),
    };
    let items = operator.rebuilds.check_one(&groups, org, CHECKED_AT_MOST).await?;
    Ok(Json(CheckedList { agrees: items.iter().all(Checked::agrees), items }))
}
