//! What surrounds every request: an id, a span without bodies, an end to waiting, and headers that keep browsers from
//! doing harm.

use crate::app::App;
use crate::error::ApiError;
use crate::measure::Measured;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY};
use axum::http::header::{X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS};
use axum::http::uri::Scheme;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::any::Any;
use tokio::time::timeout;
use tracing::Instrument;
use uuid::Uuid;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Gives a request an id, measures and traces it, follows it in a span of the log (method, route and status: no address,
/// no body, no header of its sender) and finishes its answer. A handler that does not answer in time is left: its sender
/// may send the request again.
pub(crate) async fn surround(State(app): State<App>, request: Request, next: Next) -> Response {
    let id = Uuid::now_v7();
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str);
    let span = tracing::info_span!("request", %id, method = %request.method(), route);
    let measured = Measured::begin(&request);
    let trace = measured.span.clone();
    async {
        let answer = timeout(app.limits.answer_within, next.run(request)).await;
        let mut response = answer.unwrap_or_else(|_| ApiError::Late.into_response());
        tracing::debug!(status = response.status().as_u16(), "answered");
        let headers = response.headers_mut();
        headers.insert(REQUEST_ID, HeaderValue::try_from(id.to_string()).expect("an id is plain text"));
        harden(headers, app.public_url.scheme() == Some(&Scheme::HTTPS));
        measured.end(&response);
        response
    }
    .instrument(trace)
    .instrument(span)
    .await
}

/// Nothing that is answered here is a page, and all of it is somebody's own.
pub(crate) fn harden(headers: &mut HeaderMap, is_https: bool) {
    let mut set = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'");
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(X_FRAME_OPTIONS, "DENY");
    set(REFERRER_POLICY, "no-referrer");
    set(CACHE_CONTROL, "no-store");
    set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()");
    if is_https {
        set(STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains");
    }
}

/// A handler that fell over is answered like every other defect of ours.
pub(crate) fn fell_over(panic: Box<dyn Any + Send>) -> Response {
    let what = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(panic = what.unwrap_or("of no text"), "a handler fell over");
    ApiError::Defect("a handler fell over").into_response()
}
