//! What changes, as it changes: server-sent events with no more in them than where to look again.
//!
//! A feed tells of an object only if its reader may see that object at the moment of telling, and ends when the session
//! does. It tells kinds, ids and names of events; whoever wants more asks for it, and is asked who they are.

mod hub;
mod tell;
mod visible;

pub(crate) use hub::OpenFeeds;

use crate::app::App;
use crate::error::ApiError;
use crate::request::Member;
use crate::schema;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Sse;
use axum::response::sse::Event;
use countersign_domain::values::Timestamp;
use futures::Stream;
use serde::Serialize;
use std::convert::Infallible;
use tell::{Reader, tell};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

/// The route of the feed.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(follow))
}

/// Something changed that the reader may see: the data of an event named `change`.
#[derive(Serialize, ToSchema)]
pub(crate) struct Change {
    /// What kind of object.
    #[schema(value_type = schema::ObjectKind)]
    object_kind: &'static str,
    /// Which one.
    object_id: Uuid,
    /// What happened to it: the event's name.
    #[schema(example = "invoice.approved")]
    event_type: String,
    /// When.
    #[schema(value_type = schema::Timestamp)]
    recorded_at: Timestamp,
}

/// Follows what changes, as server-sent events.
///
/// An event named `change` carries a `Change`; its id is a position, good for `Min-Position` and, sent back as
/// `Last-Event-ID`, for going on where the line broke. An event named `end` says that the session is over.
#[utoipa::path(get, path = "/v1/feed", operation_id = "FollowFeed", tag = "feed",
    params(("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was received.")),
    responses((status = 200, description = "Events, until the session ends.", body = Change,
        content_type = "text/event-stream"),
        (status = 429, description = "Too many feeds are open.",
            body = crate::problem::Problem, content_type = "application/problem+json")))]
pub(crate) async fn follow(
    State(app): State<App>,
    who: Member,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    let place = app.feeds.take_place(&who, app.limits.feeds_per_person)?;
    let last = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    let position = match last.and_then(|last| app.seal.open_position(who.org, last)) {
        Some(position) => position,
        None => app.ledger.reader().head(who.org).await?.unwrap_or(0),
    };
    let hints = app.feeds.hints(&app.ledger, app.limits.feed_looks_again);
    let stopping = app.feeds.stopping();
    Ok(Sse::new(tell(Reader { app, caller: (*who).clone(), position, hints, stopping, place })))
}
