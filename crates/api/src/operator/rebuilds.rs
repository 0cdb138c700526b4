//! Rebuilding read models while the portal is used: asked for here, worked on by the nodes that serve.

use crate::error::ApiError;
use crate::operator::Operator;
use crate::request::Json as Body;
use crate::request::Path;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use countersign_domain::ids::OrgId;
use countersign_domain::values::Slug;
use countersign_projections::{HowFar, ParkedOrganization, Rebuild, RebuildError, RebuildState, Wanted, Workers};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

/// How long one can go back where nothing is said of it: a day.
const KEEP_SECONDS: u64 = 24 * 60 * 60;
/// As long as anybody could want to: a year.
const KEEP_SECONDS_AT_MOST: u64 = 366 * 24 * 60 * 60;

pub(super) fn routes() -> OpenApiRouter<Operator> {
    OpenApiRouter::new().routes(routes!(list, ask)).routes(routes!(get)).routes(routes!(roll_back))
}

/// What is to be rebuilt, and how.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AskForRebuild {
    /// The group of read models.
    #[schema(example = "portal")]
    group: String,
    /// Only this organization, by its short name.
    org: Option<String>,
    /// Organizations whose readers are put over first; where their rows are not what their ledgers come to, nobody else's
    /// are.
    #[serde(default)]
    canaries: Vec<String>,
    /// How long the rows before are kept up to date, so that one can go back, in seconds; a day where it is not said.
    keep_seconds: Option<u64>,
}

/// A rebuild.
#[derive(Serialize, ToSchema)]
struct RebuildView {
    /// Its id.
    id: Uuid,
    /// The group of read models.
    #[schema(example = "portal")]
    group: String,
    /// The generation that it builds.
    generation: i32,
    /// `backfilling`, `tailing`, `cutting_over`, `in_rollback_window`, `rolling_back`, `done`, `rolled_back` or `failed`.
    #[schema(value_type = String, example = "in_rollback_window")]
    state: RebuildState,
    /// The only organization that it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    org: Option<Uuid>,
    /// Organizations whose readers are put over first.
    canaries: Vec<Uuid>,
    /// When it was asked for.
    asked_at: DateTime<Utc>,
    /// When its state changed last.
    changed_at: DateTime<Utc>,
    /// Until when one can go back.
    #[serde(skip_serializing_if = "Option::is_none")]
    kept_until: Option<DateTime<Utc>>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// How far it is, where one is asked for by its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<ProgressView>,
}

/// How far a rebuild is.
#[derive(Serialize, ToSchema)]
struct ProgressView {
    /// Organizations that it is for.
    organizations: u64,
    /// How many of them read the new generation.
    put_over: u64,
    /// Events in their ledgers.
    events: u64,
    /// How many of those are in rows of the new generation.
    folded: u64,
    /// Organizations whose rows stop at an event that cannot be projected.
    parked: Vec<StoppedView>,
}

/// Where and why an organization's new rows stop.
#[derive(Serialize, ToSchema)]
struct StoppedView {
    /// Whose.
    org: Uuid,
    /// The event's place in its ledger.
    position: u64,
    /// What went wrong.
    reason: String,
    /// Whether its readers were left where they were, because what they read is further.
    left_behind: bool,
}

impl From<ParkedOrganization> for StoppedView {
    fn from(parked: ParkedOrganization) -> Self {
        let ParkedOrganization { org, position, reason, left_behind } = parked;
        Self { org: org.0, position, reason, left_behind }
    }
}

/// The last rebuilds, the newest first.
#[derive(Serialize, ToSchema)]
struct RebuildList {
    /// A hundred at most.
    items: Vec<RebuildView>,
}

impl RebuildView {
    fn of(rebuild: Rebuild, far: Option<HowFar>) -> Self {
        Self {
            id: rebuild.id,
            group: rebuild.group,
            generation: rebuild.generation,
            state: rebuild.state,
            org: rebuild.only.map(|org| org.0),
            canaries: rebuild.canaries.into_iter().map(|org| org.0).collect(),
            asked_at: rebuild.asked_at.as_utc(),
            changed_at: rebuild.changed_at.as_utc(),
            kept_until: rebuild.kept_until.map(|at| at.as_utc()),
            reason: rebuild.reason,
            progress: far.map(|far| ProgressView {
                organizations: far.organizations,
                put_over: far.put_over,
                events: far.events,
                folded: far.folded,
                parked: far.parked.into_iter().map(Into::into).collect(),
            }),
        }
    }
}

/// The organization that a field names.
pub(super) async fn org_named(operator: &Operator, pointer: &str, slug: &str) -> Result<OrgId, ApiError> {
    let read = Slug::parse(slug).map_err(|error| ApiError::invalid(pointer, error.to_string()))?;
    let found = operator.identity.find(&read).await?;
    found.ok_or_else(|| ApiError::invalid(pointer, "there is no such organization"))
}

/// The last rebuilds.
#[utoipa::path(get, path = "/rebuilds", operation_id = "ListRebuilds", tag = "operation",
    responses((status = 200, description = "The newest first.", body = RebuildList)))]
async fn list(State(operator): State<Operator>) -> Result<Json<RebuildList>, ApiError> {
    let items = operator.rebuilds.list().await?.into_iter().map(|rebuild| RebuildView::of(rebuild, None)).collect();
    Ok(Json(RebuildList { items }))
}

/// A rebuild, and how far it is.
#[utoipa::path(get, path = "/rebuilds/{id}", operation_id = "GetRebuild", tag = "operation",
    params(("id" = Uuid, Path, description = "The rebuild.")),
    responses((status = 200, description = "It.", body = RebuildView),
        (status = 404, description = "There is none.")))]
async fn get(State(operator): State<Operator>, Path(id): Path<Uuid>) -> Result<Json<RebuildView>, ApiError> {
    let rebuild = operator.rebuilds.find(id).await?;
    let far = operator.rebuilds.how_far(&rebuild).await?;
    Ok(Json(RebuildView::of(rebuild, Some(far))))
}

/// Asks for a rebuild. Nodes that serve work on it; what was kept of the one before is given up.
#[utoipa::path(post, path = "/rebuilds", operation_id = "AskForRebuild", tag = "operation",
    request_body = AskForRebuild,
    responses((status = 202, description = "It is begun within seconds.", body = RebuildView),
        (status = 409, description = "Another one of the same group is under way: `rebuild.under_way`."),
        (status = 422, description = "There is no such group or organization.")))]
async fn ask(
    State(operator): State<Operator>,
    Body(asked): Body<AskForRebuild>,
) -> Result<(StatusCode, Json<RebuildView>), ApiError> {
    let keep = asked.keep_seconds.unwrap_or(KEEP_SECONDS);
    if keep > KEEP_SECONDS_AT_MOST {
        return Err(ApiError::invalid("/keep_seconds", format!("at most {KEEP_SECONDS_AT_MOST} (a year)")));
    }
    let only = match &asked.org {
        Some(slug) => Some(org_named(&operator, "/org", slug).await?),
        None => None,
    };
    let mut canaries = Vec::with_capacity(asked.canaries.len());
    for (index, slug) in asked.canaries.iter().enumerate() {
        canaries.push(org_named(&operator, &format!("/canaries/{index}"), slug).await?);
    }
    let wanted = Wanted { group: asked.group, only, canaries, keep: Duration::from_secs(keep), by: Workers::Nodes };
    let begun = operator.rebuilds.ask(&wanted).await?;
    Ok((StatusCode::ACCEPTED, Json(RebuildView::of(begun, None))))
}

/// Asks for readers to be put back to the rows before a rebuild, be it under way or done. Nodes that serve work on it.
#[utoipa::path(post, path = "/rebuilds/{id}/rollback", operation_id = "RollRebuildBack", tag = "operation",
    params(("id" = Uuid, Path, description = "The rebuild.")),
    responses((status = 202, description = "It is begun within seconds.", body = RebuildView),
        (status = 404, description = "There is none."),
        (status = 409, description = "The rows before are not kept, or no longer: `rebuild.nothing_kept`.")))]
async fn roll_back(
    State(operator): State<Operator>,
    Path(id): Path<Uuid>,
) -> Result<(StatusCode, Json<RebuildView>), ApiError> {
    let rebuild = operator.rebuilds.find(id).await?;
    match rebuild.state {
        RebuildState::Done | RebuildState::RolledBack | RebuildState::Failed => {
            return Err(RebuildError::NothingKept(rebuild.group).into());
        }
        RebuildState::Backfilling
        | RebuildState::Tailing
        | RebuildState::CuttingOver
        | RebuildState::RollingBack
        | RebuildState::InRollbackWindow => {}
    }
    let begun = operator.rebuilds.ask_back(&rebuild.group, Workers::Nodes).await?;
    Ok((StatusCode::ACCEPTED, Json(RebuildView::of(begun, None))))
}
