//! What waits for the guest's decision.

use crate::app::App;
use crate::error::ApiError;
use crate::page::{Items, PageQuery};
use crate::request::{Guest, Query};
use crate::schema;
use axum::Json;
use axum::extract::State;
use chrono::NaiveDate;
use countersign_domain::access::Right;
use countersign_domain::envelope::Principal;
use countersign_domain::ids::{ClientId, InvoiceId, ProjectId, TimeEntryId};
use countersign_domain::values::{Hours, Label, Money, Timestamp};
use countersign_projections::approval::request::awaiting_my_approval;
use countersign_projections::approval::request::{Awaiting as AwaitingView, AwaitingApproval as ViewOfOne};
use serde::Serialize;
use utoipa::ToSchema;

/// Something that waits for the guest's decision.
#[derive(Serialize, ToSchema)]
pub(crate) struct AwaitingApproval {
    /// What it is.
    #[serde(flatten)]
    what: Awaiting,
    /// The project that it belongs to.
    #[schema(value_type = Uuid)]
    project: ProjectId,
    /// What the project is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Label>)]
    project_name: Option<Label>,
    /// The client that it is for.
    #[schema(value_type = Uuid)]
    client: ClientId,
    /// Which revision.
    revision: u32,
    /// Who asked.
    #[schema(value_type = schema::Principal)]
    asked_by: Principal,
    /// When.
    #[schema(value_type = schema::Timestamp)]
    asked_at: Timestamp,
    /// By which policy.
    policy: String,
    /// The stage that is open, by name.
    stage: String,
    /// The right with which the guest would decide; absent where the policy names people.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Right>)]
    right: Option<Right>,
}

/// What waits, with as much of it as a list shows.
#[derive(Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Awaiting {
    /// An invoice.
    Invoice {
        /// Which one.
        #[schema(value_type = Uuid)]
        invoice: InvoiceId,
        /// What is to be paid.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<schema::Money>)]
        gross: Option<Money>,
    },
    /// A time entry.
    TimeEntry {
        /// Which one.
        #[schema(value_type = Uuid)]
        time_entry: TimeEntryId,
        /// The day.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<schema::Day>)]
        worked_on: Option<NaiveDate>,
        /// How long.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<schema::Hours>)]
        hours: Option<Hours>,
    },
}

/// What waits for the guest's decision, what was asked first first.
#[utoipa::path(get, path = "/v1/awaiting-my-approval", operation_id = "ListAwaitingMyApproval", tag = "approval",
    params(PageQuery),
    responses((status = 200, description = "A page of it.", body = Items<AwaitingApproval>)))]
pub(crate) async fn list(
    State(app): State<App>,
    guest: Guest,
    Query(PageQuery { after, limit }): Query<PageQuery>,
) -> Result<Json<Items<AwaitingApproval>>, ApiError> {
    let page = app.page(&guest, after, limit)?;
    let page = awaiting_my_approval(app.reads().pool(), &guest.scope(), app.clock.now(), &page).await?;
    Ok(Json(app.items(&guest, page)))
}

impl From<ViewOfOne> for AwaitingApproval {
    fn from(view: ViewOfOne) -> Self {
        Self {
            what: view.what.into(),
            project: view.project,
            project_name: view.project_name,
            client: view.client,
            revision: view.revision,
            asked_by: view.asked_by,
            asked_at: view.asked_at,
            policy: view.policy,
            stage: view.stage,
            right: view.right,
        }
    }
}

impl From<AwaitingView> for Awaiting {
    fn from(view: AwaitingView) -> Self {
        match view {
            AwaitingView::Invoice { invoice, gross } => Self::Invoice { invoice, gross },
            AwaitingView::TimeEntry { time_entry, worked_on, hours } => {
                Self::TimeEntry { time_entry, worked_on, hours }
            }
        }
    }
}
