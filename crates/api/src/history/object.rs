//! Everything that ever concerned one object, in order.

use crate::app::App;
use crate::error::ApiError;
use crate::history::name::ObjectName;
use crate::page::Items;
use crate::request::{Audit, Path, Query};
use crate::schema;
use axum::Json;
use axum::extract::State;
use countersign_domain::envelope::{Actor, Role};
use countersign_domain::values::Timestamp;
use countersign_projections::history::object::{HistoryEntry as EntryView, of_object};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// One event that concerned the object.
#[derive(Serialize, ToSchema)]
pub(crate) struct HistoryEntry {
    /// Its place in the ledger.
    position: u64,
    /// The parts that the object played in it; `subject` is the aggregate itself.
    #[schema(value_type = Vec<String>)]
    roles: Vec<Role>,
    /// What happened: the event's name.
    #[schema(example = "invoice.approved")]
    event_type: String,
    /// To what it happened: of which kind.
    stream_kind: &'static str,
    /// To what it happened.
    stream_id: Uuid,
    /// When.
    #[schema(value_type = schema::Timestamp)]
    recorded_at: Timestamp,
    /// By whom.
    #[schema(value_type = schema::Actor)]
    actor: Actor,
}

/// Which part of an object's history is asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct WhichEntries {
    /// Only what had happened by then.
    #[param(value_type = Option<schema::Timestamp>)]
    as_of: Option<Timestamp>,
    /// The `next` of the page before; the first page without it.
    after: Option<String>,
    /// How many items a page holds: 1 to 200, 50 unless told otherwise.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u64>,
}

/// An object's history, from its first event. Project managers see what concerns their own projects.
#[utoipa::path(get, path = "/v1/history/objects/{object}", operation_id = "GetObjectHistory", tag = "history",
    params(("object" = String, Path, description = "Which object: its kind and its id, as `invoice:ID`."), WhichEntries),
    responses((status = 200, description = "A page of it.", body = Items<HistoryEntry>)))]
pub(crate) async fn list(
    State(app): State<App>,
    auditor: Audit,
    Path(object): Path<ObjectName>,
    Query(WhichEntries { as_of, after, limit }): Query<WhichEntries>,
) -> Result<Json<Items<HistoryEntry>>, ApiError> {
    let page = app.page(&auditor, after, limit)?;
    let (scope, object) = (auditor.scope(), (object.kind, object.id));
    let page = of_object(app.reads().pool(), &scope, app.clock.now(), object, as_of, &page).await?;
    Ok(Json(app.items(&auditor, page)))
}

impl From<EntryView> for HistoryEntry {
    fn from(view: EntryView) -> Self {
        let EntryView { position, roles, event_type, stream, recorded_at, actor } = view;
        let (stream_kind, stream_id) = (stream.kind.as_str(), stream.id);
        Self { position, roles, event_type, stream_kind, stream_id, recorded_at, actor }
    }
}
