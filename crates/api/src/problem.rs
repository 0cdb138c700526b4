//! The form in which every failure is answered: `application/problem+json` (RFC 9457).

use crate::answer::ItemOutcome;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The media type.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Why a request, or one item of it, was not answered as it was meant. Programs match on `code`, which is for ever.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Problem {
    /// Names the kind of problem: `urn:countersign:problem:` and the code.
    #[serde(rename = "type")]
    kind: String,
    /// The status in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// The stable code.
    #[schema(example = "invoice.shown_revision_is_outdated")]
    code: String,
    /// A sentence for people.
    detail: String,
    /// The fields whose values cannot be, where that is the problem.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) errors: Vec<Fault>,
    /// What became of each item of a batch, where all were refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(no_recursion)]
    pub(crate) items: Vec<ItemOutcome>,
    /// Numbers and ids that explain it, by name.
    #[serde(flatten)]
    details: BTreeMap<String, String>,
}

/// A field whose value cannot be.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Fault {
    /// Which field, as a JSON pointer (RFC 6901); of a query, its parameter.
    #[schema(example = "/people/0/email")]
    pub pointer: String,
    /// What is wrong with it.
    pub detail: String,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &str, detail: String) -> Self {
        Self {
            kind: format!("urn:countersign:problem:{code}"),
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            code: code.to_owned(),
            detail,
            errors: Vec::new(),
            items: Vec::new(),
            details: BTreeMap::new(),
        }
    }

    /// Adds numbers and ids that explain it, by name; none takes the place of a member that every problem has.
    pub(crate) fn tell(&mut self, details: &[(String, String)]) {
        const TAKEN: [&str; 7] = ["type", "title", "status", "code", "detail", "errors", "items"];
        let told = details.iter().filter(|(name, _)| !TAKEN.contains(&name.as_str()));
        self.details.extend(told.cloned());
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).expect("a problem has string keys and serializes");
        (status, [(CONTENT_TYPE, MEDIA_TYPE)], body).into_response()
    }
}
