//! What is measured and traced of every request: its method, its route and what it came to. Neither an address nor an id
//! stands in a label or a span: routes are as they are written in the OpenAPI document.

use axum::extract::{MatchedPath, Request};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use countersign_telemetry::{TRACES, TraceContext};
use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};
use std::time::Instant;
use tracing::field::Empty;
use tracing::{Span, debug_span};

const REQUESTS: &str = "countersign_http_requests_total";
const SECONDS: &str = "countersign_http_request_seconds";
/// Of a request that asks for no route of ours.
const NO_ROUTE: &str = "none";

/// Says what each metric of the API is.
pub fn describe_metrics() {
    describe_counter!(REQUESTS, "Requests that were answered, by method, route and class of status");
    describe_histogram!(SECONDS, Unit::Seconds, "From a request to the beginning of its answer, by method and route");
}

/// A request while it is answered.
pub(crate) struct Measured {
    method: &'static str,
    route: MatchedRoute,
    since: Instant,
    pub(crate) span: Span,
}

struct MatchedRoute(Option<MatchedPath>);

impl MatchedRoute {
    fn as_str(&self) -> &str {
        self.0.as_ref().map_or(NO_ROUTE, MatchedPath::as_str)
    }
}

impl Measured {
    /// A request that came in, in the trace that its sender names.
    pub(crate) fn begin(request: &Request) -> Self {
        let (method, route) = (name(request.method()), MatchedRoute(request.extensions().get().cloned()));
        let span = debug_span!(
            target: TRACES,
            parent: None,
            "request",
            otel.kind = "server",
            otel.name = Empty,
            otel.status_code = Empty,
            http.request.method = method,
            http.route = route.as_str(),
            http.response.status_code = Empty,
        );
        if !span.is_disabled() {
            span.record("otel.name", format!("{method} {}", route.as_str()));
            let sender = request.headers().get("traceparent").and_then(|header| header.to_str().ok());
            if let Some(sender) = sender.and_then(TraceContext::from_traceparent) {
                sender.is_parent_of(&span);
            }
        }
        Self { method, route, since: Instant::now(), span }
    }

    /// Its answer begins.
    pub(crate) fn end(self, response: &Response) {
        let Self { method, route, since, span } = self;
        let status = response.status();
        span.record("http.response.status_code", status.as_u16());
        if status.is_server_error() {
            span.record("otel.status_code", "ERROR");
        }
        let route = route.as_str().to_owned();
        histogram!(SECONDS, "method" => method, "route" => route.clone()).record(since.elapsed());
        counter!(REQUESTS, "method" => method, "route" => route, "status" => class(status)).increment(1);
    }
}

/// Anybody can make methods up.
fn name(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

fn class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_makes_methods_up_makes_no_metric() {
        assert_eq!(name(&Method::from_bytes(b"GETT").unwrap()), "other");
        assert_eq!(name(&Method::DELETE), "DELETE");
    }
}
