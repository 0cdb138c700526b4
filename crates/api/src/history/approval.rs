//! Who approved what, when, with which right, on which revision.

use crate::app::App;
use crate::error::ApiError;
use crate::history::name::{ApprovableName, PersonName};
use crate::page::Items;
use crate::request::{Audit, Query};
use crate::schema;
use axum::Json;
use axum::extract::State;
use countersign_canon::Digest;
use countersign_domain::access::{Right, Rights};
use countersign_domain::envelope::{Actor, ObjectKind, Principal};
use countersign_domain::ids::{ClientId, ProjectId};
use countersign_domain::values::{Note, Timestamp};
use countersign_projections::approval::history::{ApprovalEntry as EntryView, ApprovalFilter, Decided, approvals};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// One step in the history of an approval.
#[derive(Serialize, ToSchema)]
pub(crate) struct ApprovalEntry {
    /// Its place in the ledger.
    position: u64,
    /// What it is about: of which kind.
    #[schema(value_type = schema::ApprovableKind)]
    object_kind: ObjectKind,
    /// What it is about.
    object_id: Uuid,
    /// The project that it belongs to.
    #[schema(value_type = Uuid)]
    project: ProjectId,
    /// The client that it is for.
    #[schema(value_type = Uuid)]
    client: ClientId,
    /// Which revision.
    revision: u32,
    /// What was decided.
    #[schema(value_type = schema::Decided)]
    decided: Decided,
    /// Whose word it was.
    #[schema(value_type = schema::Principal)]
    by: Principal,
    /// Who acted, which need not be whose word it was.
    #[schema(value_type = schema::Actor)]
    actor: Actor,
    /// When.
    #[schema(value_type = schema::Timestamp)]
    at: Timestamp,
    /// The right with which they spoke.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Right>)]
    right: Option<Right>,
    /// What they could see of it: the rights that made the mask.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<schema::Right>>)]
    seeing: Option<Rights>,
    /// The digest of what they were shown; of all there is to see, where approval was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Digest>)]
    digest: Option<Digest>,
    /// The policy by which it counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<String>,
    /// That policy's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_version: Option<u32>,
    /// The stage in which it counts, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<u32>,
    /// What it means, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    meaning: Option<String>,
    /// The note of an approval, or the reason of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Note>)]
    note: Option<Note>,
    /// Whether the approval also sends the invoice.
    auto_send: bool,
}

/// Which part of the history is asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct WhichApprovals {
    /// Only what is about this object: `invoice:ID` or `time_entry:ID`.
    #[param(value_type = Option<String>)]
    object: Option<ApprovableName>,
    /// Only what belongs to this project.
    #[param(value_type = Option<Uuid>)]
    project: Option<ProjectId>,
    /// Only the words of this person: `staff:ID` or `portal_user:ID`.
    #[param(value_type = Option<String>)]
    by: Option<PersonName>,
    /// Only what had happened by then.
    #[param(value_type = Option<schema::Timestamp>)]
    as_of: Option<Timestamp>,
    /// The `next` of the page before; the first page without it.
    after: Option<String>,
    /// How many items a page holds: 1 to 200, 50 unless told otherwise.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u64>,
}

/// The history of approvals, in the order in which it happened. Project managers see that of their own projects.
#[utoipa::path(get, path = "/v1/history/approvals", operation_id = "ListApprovals", tag = "history",
    params(WhichApprovals),
    responses((status = 200, description = "A page of it.", body = Items<ApprovalEntry>)))]
pub(crate) async fn list(
    State(app): State<App>,
    auditor: Audit,
    Query(WhichApprovals { object, project, by, as_of, after, limit }): Query<WhichApprovals>,
) -> Result<Json<Items<ApprovalEntry>>, ApiError> {
    let page = app.page(&auditor, after, limit)?;
    let what = object.map(|ApprovableName(what)| what);
    let filter = ApprovalFilter { what, project, by: by.map(|PersonName(by)| by), as_of };
    let page = approvals(app.reads().pool(), &auditor.scope(), app.clock.now(), filter, &page).await?;
    Ok(Json(app.items(&auditor, page)))
}

impl From<EntryView> for ApprovalEntry {
    fn from(view: EntryView) -> Self {
        Self {
            position: view.position,
            object_kind: view.what.kind(),
            object_id: view.what.id(),
            project: view.project,
            client: view.client,
            revision: view.revision,
            decided: view.decided,
            by: view.by,
            actor: view.actor,
            at: view.at,
            right: view.right,
            seeing: view.seeing,
            digest: view.digest,
            policy: view.policy,
            policy_version: view.policy_version,
            stage: view.stage,
            meaning: view.meaning,
            note: view.note,
            auto_send: view.auto_send,
        }
    }
}
