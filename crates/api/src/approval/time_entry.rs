//! A guest's word on time, entry by entry or on several at once: the list shown is the list signed (F8.5).

use crate::answer::{Batch, Done, Item};
use crate::app::App;
use crate::approval::decision::{Approve, Refuse};
use crate::error::ApiError;
use crate::request::{Command, Guest, Json, Key, Path};
use crate::schema;
use axum::extract::State;
use countersign_canon::Digest;
use countersign_domain::ids::TimeEntryId;
use countersign_domain::use_case::UseCase;
use countersign_domain::use_cases::work_time;
use countersign_domain::values::Note;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A guest's yes to several entries, each exactly as it was shown.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApproveEach {
    /// Which entries.
    #[schema(min_items = 1, max_items = 200)]
    entries: Vec<ShownEntry>,
    /// What they write with it.
    #[serde(default)]
    #[schema(value_type = Option<schema::Note>)]
    note: Option<Note>,
}

/// A guest's no to several entries, each exactly as it was shown.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RejectEach {
    /// Which entries.
    #[schema(min_items = 1, max_items = 200)]
    entries: Vec<ShownEntry>,
    /// Why.
    #[schema(value_type = schema::Note)]
    reason: Note,
}

/// A time entry as it was shown.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShownEntry {
    /// Which entry.
    #[schema(value_type = Uuid)]
    time_entry: TimeEntryId,
    /// Its `shown`, as it was read.
    #[schema(value_type = schema::Digest)]
    shown: Digest,
}

/// Approves time as it was shown.
#[utoipa::path(post, path = "/v1/time-entries/{id}/approve", operation_id = "ApproveTime", tag = "approval",
    params(("id" = Uuid, Path, description = "Which entry."), Key), request_body = Approve,
    responses((status = 200, description = "It is approved.", body = Done)))]
pub(crate) async fn approve(
    State(app): State<App>,
    guest: Guest,
    Path(id): Path<TimeEntryId>,
    key: Key,
    Json(body): Json<Approve>,
) -> Result<Done, ApiError> {
    let command = key.command(&guest, &body);
    app.change(command, work_time::approve_time(id, body.shown, body.note)).await
}

/// Refuses time as it was shown, and says why; it goes back to its author.
#[utoipa::path(post, path = "/v1/time-entries/{id}/reject", operation_id = "RejectTime", tag = "approval",
    params(("id" = Uuid, Path, description = "Which entry."), Key), request_body = Refuse,
    responses((status = 200, description = "Its author knows.", body = Done)))]
pub(crate) async fn reject(
    State(app): State<App>,
    guest: Guest,
    Path(id): Path<TimeEntryId>,
    key: Key,
    Json(body): Json<Refuse>,
) -> Result<Done, ApiError> {
    let command = key.command(&guest, &body);
    app.change(command, work_time::reject_time(id, body.shown, body.reason)).await
}

/// Approves several entries at once; each is decided on its own.
#[utoipa::path(post, path = "/v1/time-entries/approve", operation_id = "ApproveTimeBatch", tag = "approval",
    params(Key), request_body = ApproveEach,
    responses((status = 200, description = "What became of each.", body = Batch)))]
pub(crate) async fn approve_each(
    State(app): State<App>,
    guest: Guest,
    key: Key,
    Json(body): Json<ApproveEach>,
) -> Result<Batch, ApiError> {
    let batch = key.command(&guest, &body);
    let ApproveEach { entries, note } = body;
    let approve = |entry: ShownEntry| work_time::approve_time(entry.time_entry, entry.shown, note.clone());
    for_each(&app, batch, entries, approve).await
}

/// Refuses several entries at once, for one reason; each is decided on its own.
#[utoipa::path(post, path = "/v1/time-entries/reject", operation_id = "RejectTimeBatch", tag = "approval",
    params(Key), request_body = RejectEach,
    responses((status = 200, description = "What became of each.", body = Batch)))]
pub(crate) async fn reject_each(
    State(app): State<App>,
    guest: Guest,
    key: Key,
    Json(body): Json<RejectEach>,
) -> Result<Batch, ApiError> {
    let batch = key.command(&guest, &body);
    let RejectEach { entries, reason } = body;
    let reject = |entry: ShownEntry| work_time::reject_time(entry.time_entry, entry.shown, reason.clone());
    for_each(&app, batch, entries, reject).await
}

async fn for_each(
    app: &App,
    batch: Command,
    entries: Vec<ShownEntry>,
    use_case: impl Fn(ShownEntry) -> UseCase,
) -> Result<Batch, ApiError> {
    app.fits_a_batch("/entries", entries.len())?;
    let commands = entries.into_iter().map(|entry| {
        let command = batch.item(&entry.time_entry.to_string());
        let named = vec![("time_entry", entry.time_entry.into())];
        (Item { named, created: vec![] }, command, use_case(entry))
    });
    Batch::of(batch.id.0, app.execute_each(commands.collect()).await)
}
