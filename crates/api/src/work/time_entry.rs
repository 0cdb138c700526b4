//! Time worked on projects: logged by staff, put before the client.

use crate::answer::{Created, Done};
use crate::app::App;
use crate::approval::decision::Decision;
use crate::error::ApiError;
use crate::page::Items;
use crate::request::{Json, Key, Member, NewKey, Path, Query, Staff};
use crate::schema;
use axum::extract::State;
use chrono::NaiveDate;
use countersign_canon::Digest;
use countersign_domain::ids::{ContractLineId, ProjectId, StaffId, TimeEntryId};
use countersign_domain::use_cases::work_time;
use countersign_domain::values::{Day, Hours, Money, Note, Timestamp};
use countersign_domain::work::time_entry::Worked;
use countersign_projections::work::time_entry as read;
use countersign_projections::work::time_entry::{Status, TimeEntryAmounts as AmountsView, TimeEntryView};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A time entry as the caller may see it. What they may not see is absent.
#[derive(Serialize, ToSchema)]
pub(crate) struct TimeEntry {
    /// Which entry.
    #[schema(value_type = Uuid)]
    time_entry: TimeEntryId,
    /// The project on which it was worked.
    #[schema(value_type = Uuid)]
    project: ProjectId,
    /// The line of the contract that it is booked on.
    #[schema(value_type = Uuid)]
    contract_line: ContractLineId,
    /// Who worked.
    #[schema(value_type = Uuid)]
    author: StaffId,
    /// The day.
    #[schema(value_type = schema::Day)]
    worked_on: NaiveDate,
    /// How long.
    #[schema(value_type = schema::Hours)]
    hours: Hours,
    /// What was done.
    #[schema(value_type = schema::Note)]
    note: Note,
    /// Which revision, from 1.
    revision: u32,
    /// Where it stands.
    #[schema(value_type = schema::TimeEntryStatus)]
    status: Status,
    /// Rate and value: with financial visibility only.
    #[serde(skip_serializing_if = "Option::is_none")]
    amounts: Option<TimeEntryAmounts>,
    /// The digest of exactly this, as shown to the caller: what an approval names.
    #[schema(value_type = schema::Digest)]
    shown: Digest,
    /// What was decided on this revision, in order.
    decisions: Vec<Decision>,
    /// When it came to where it stands.
    #[schema(value_type = schema::Timestamp)]
    since: Timestamp,
}

/// The financial side of a time entry.
#[derive(Serialize, ToSchema)]
pub(crate) struct TimeEntryAmounts {
    /// What an hour costs the client.
    #[schema(value_type = schema::Money)]
    rate: Money,
    /// What the entry costs the client.
    #[schema(value_type = schema::Money)]
    value: Money,
}

/// Which time entries of a project are asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct WhichTimeEntries {
    /// Only those that stand there.
    #[param(value_type = Option<schema::TimeEntryStatus>)]
    status: Option<Status>,
    /// The `next` of the page before; the first page without it.
    after: Option<String>,
    /// How many items a page holds: 1 to 200, 50 unless told otherwise.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u64>,
}

/// Time that was worked.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogTime {
    /// The project on which it was worked.
    #[schema(value_type = Uuid)]
    project: ProjectId,
    /// The line of the contract that it is booked on.
    #[schema(value_type = Uuid)]
    contract_line: ContractLineId,
    /// The day.
    #[schema(value_type = schema::Day)]
    worked_on: Day,
    /// How long.
    #[schema(value_type = schema::Hours)]
    hours: Hours,
    /// What was done.
    #[schema(value_type = schema::Note)]
    note: Note,
}

/// The next revision of a time entry.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReviseTime {
    /// The day.
    #[schema(value_type = schema::Day)]
    worked_on: Day,
    /// How long.
    #[schema(value_type = schema::Hours)]
    hours: Hours,
    /// What was done.
    #[schema(value_type = schema::Note)]
    note: Note,
}

/// A project's time entries, the latest day first.
#[utoipa::path(get, path = "/v1/projects/{id}/time-entries", operation_id = "ListTimeEntries", tag = "work",
    params(("id" = Uuid, Path, description = "Which project."), WhichTimeEntries),
    responses((status = 200, description = "A page of them.", body = Items<TimeEntry>)))]
pub(crate) async fn of_project(
    State(app): State<App>,
    who: Member,
    Path(id): Path<ProjectId>,
    Query(WhichTimeEntries { status, after, limit }): Query<WhichTimeEntries>,
) -> Result<axum::Json<Items<TimeEntry>>, ApiError> {
    let page = app.page(&who, after, limit)?;
    let page = read::of_project(app.reads().pool(), &who.scope(), app.clock.now(), id, status, &page).await?;
    Ok(axum::Json(app.items(&who, page)))
}

/// One time entry.
#[utoipa::path(get, path = "/v1/time-entries/{id}", operation_id = "GetTimeEntry", tag = "work",
    params(("id" = Uuid, Path, description = "Which entry.")),
    responses((status = 200, description = "As the caller may see it.", body = TimeEntry)))]
pub(crate) async fn get(
    State(app): State<App>,
    who: Member,
    Path(id): Path<TimeEntryId>,
) -> Result<axum::Json<TimeEntry>, ApiError> {
    let view = read::get(app.reads().pool(), &who.scope(), app.clock.now(), id).await?;
    Ok(axum::Json(view.into()))
}

/// Logs time; whoever does so is its author.
#[utoipa::path(post, path = "/v1/time-entries", operation_id = "LogTime", tag = "work",
    params(NewKey), request_body = LogTime,
    responses((status = 201, description = "It is logged.", body = Created)))]
pub(crate) async fn log(
    State(app): State<App>,
    staff: Staff,
    key: NewKey,
    Json(body): Json<LogTime>,
) -> Result<Created, ApiError> {
    let command = key.command(&staff, &body);
    let LogTime { project, contract_line, worked_on, hours, note } = body;
    let time_entry: TimeEntryId = command.creates("time_entry");
    let (worked, salt) = (Worked { on: worked_on, hours, note }, app.salt(&command));
    let log = work_time::LogTime { time_entry, project, contract_line, worked, salt };
    app.create(command, work_time::log_time(log), "/v1/time-entries", time_entry).await
}

/// Writes a time entry's next revision.
#[utoipa::path(put, path = "/v1/time-entries/{id}", operation_id = "ReviseTime", tag = "work",
    params(("id" = Uuid, Path, description = "Which entry."), Key), request_body = ReviseTime,
    responses((status = 200, description = "The revision counts.", body = Done)))]
pub(crate) async fn revise(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<TimeEntryId>,
    key: Key,
    Json(body): Json<ReviseTime>,
) -> Result<Done, ApiError> {
    let command = key.command(&staff, &body);
    let ReviseTime { worked_on, hours, note } = body;
    let (worked, salt) = (Worked { on: worked_on, hours, note }, app.salt(&command));
    app.change(command, work_time::revise_time(id, worked, salt)).await
}

/// Asks the client to approve time.
#[utoipa::path(post, path = "/v1/time-entries/{id}/submit", operation_id = "SubmitTime", tag = "work",
    params(("id" = Uuid, Path, description = "Which entry."), Key),
    responses((status = 200, description = "The client is asked.", body = Done)))]
pub(crate) async fn submit(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<TimeEntryId>,
    key: Key,
) -> Result<Done, ApiError> {
    app.change(key.command(&staff, &()), work_time::submit_time(id)).await
}

/// Takes the question back.
#[utoipa::path(post, path = "/v1/time-entries/{id}/recall", operation_id = "RecallTime", tag = "work",
    params(("id" = Uuid, Path, description = "Which entry."), Key),
    responses((status = 200, description = "It is the author's again.", body = Done)))]
pub(crate) async fn recall(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<TimeEntryId>,
    key: Key,
) -> Result<Done, ApiError> {
    app.change(key.command(&staff, &()), work_time::recall_time(id)).await
}

impl From<TimeEntryView> for TimeEntry {
    fn from(view: TimeEntryView) -> Self {
        Self {
            time_entry: view.time_entry,
            project: view.project,
            contract_line: view.contract_line,
            author: view.author,
            worked_on: view.worked_on,
            hours: view.hours,
            note: view.note,
            revision: view.revision,
            status: view.status,
            amounts: view.amounts.map(TimeEntryAmounts::from),
            shown: view.shown,
            decisions: view.decisions.into_iter().map(Decision::from).collect(),
            since: view.since,
        }
    }
}

impl From<AmountsView> for TimeEntryAmounts {
    fn from(view: AmountsView) -> Self {
        let AmountsView { rate, value } = view;
        Self { rate, value }
    }
}
