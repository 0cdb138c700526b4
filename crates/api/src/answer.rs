//! How answers to commands look: what became of it, and from which position on it is seen.

use crate::error::ApiError;
use crate::problem::Problem;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use uuid::Uuid;

const LEDGER_POSITION: HeaderName = HeaderName::from_static("ledger-position");
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// What became of a command that was not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It happened.
    Done,
    /// It was so already; nothing changed.
    AlreadySo,
}

/// A command that was not refused, with all that its answer says.
#[derive(Clone, Debug)]
pub(crate) struct Settled {
    pub(crate) outcome: Outcome,
    /// Where it stands; for comparing, not for telling.
    pub(crate) position: u64,
    /// The same, as the caller may know it.
    pub(crate) header: HeaderValue,
    pub(crate) replayed: bool,
}

/// The answer to a command that changes something which is there.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Done {
    /// What became of it.
    outcome: Outcome,
    #[serde(skip)]
    headers: HeaderMap,
}

/// The answer to a command that creates something.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Created {
    /// What was created; the same id for the same Idempotency-Key.
    id: Uuid,
    /// What became of it.
    outcome: Outcome,
    #[serde(skip)]
    headers: HeaderMap,
}

/// The answer to a batch: one outcome an item, in the order in which they were sent. Where every item was refused, the
/// answer is the first one's problem instead, with these items as its `items`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Batch {
    /// What the items have in common in the ledger.
    batch: Uuid,
    /// What became of each.
    items: Vec<ItemOutcome>,
    #[serde(skip)]
    headers: HeaderMap,
}

/// An item of a batch, by the ids that are answered for it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Item {
    /// What the request named.
    pub(crate) named: Vec<(&'static str, Uuid)>,
    /// What it creates, if it is not refused.
    pub(crate) created: Vec<(&'static str, Uuid)>,
}

/// What became of one item of a batch: an outcome, or a problem.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ItemOutcome {
    /// Its ids, by name.
    ids: BTreeMap<&'static str, Uuid>,
    /// What became of it, if it was not refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<Outcome>,
    /// Why it was refused, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(no_recursion)]
    problem: Option<Box<Problem>>,
}

impl Settled {
    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::from_iter([(LEDGER_POSITION, self.header.clone())]);
        if self.replayed {
            headers.insert(REPLAYED, HeaderValue::from_static("true"));
        }
        headers
    }
}

impl From<Settled> for Done {
    fn from(settled: Settled) -> Self {
        Self { outcome: settled.outcome, headers: settled.headers() }
    }
}

impl Created {
    pub(crate) fn new(settled: Settled, place: &str, id: Uuid) -> Self {
        let mut headers = settled.headers();
        if let Ok(location) = HeaderValue::try_from(format!("{place}/{id}")) {
            headers.insert(LOCATION, location);
        }
        Self { id, outcome: settled.outcome, headers }
    }
}

impl Batch {
    /// What became of each item; an error where all were refused.
    pub(crate) fn of(batch: Uuid, items: Vec<(Item, Result<Settled, ApiError>)>) -> Result<Self, ApiError> {
        let accepted = items.iter().filter_map(|(_, settled)| settled.as_ref().ok());
        let headers = accepted.max_by_key(|settled| settled.position).map(Settled::headers);
        let mut first_error = None;
        let mut outcomes = Vec::with_capacity(items.len());
        for (item, settled) in items {
            match settled {
                Ok(settled) => outcomes.push(ItemOutcome::accepted(item, settled.outcome)),
                Err(error) => {
                    outcomes.push(ItemOutcome::refused(item, error.reported().problem()));
                    first_error.get_or_insert(error);
                }
            }
        }
        match (headers, first_error) {
            (None, Some(first)) => Err(ApiError::AllRefused { first: Box::new(first), items: outcomes }),
            (headers, _) => Ok(Self { batch, items: outcomes, headers: headers.unwrap_or_default() }),
        }
    }
}

impl ItemOutcome {
    fn accepted(item: Item, outcome: Outcome) -> Self {
        let ids = item.named.into_iter().chain(item.created).collect();
        Self { ids, outcome: Some(outcome), problem: None }
    }

    fn refused(item: Item, problem: Problem) -> Self {
        Self { ids: item.named.into_iter().collect(), outcome: None, problem: Some(Box::new(problem)) }
    }
}

impl IntoResponse for Done {
    fn into_response(self) -> Response {
        (self.headers.clone(), axum::Json(self)).into_response()
    }
}

impl IntoResponse for Created {
    fn into_response(self) -> Response {
        (StatusCode::CREATED, self.headers.clone(), axum::Json(self)).into_response()
    }
}

impl IntoResponse for Batch {
    fn into_response(self) -> Response {
        (self.headers.clone(), axum::Json(self)).into_response()
    }
}
