//! Traces, handed to an OpenTelemetry collector where the environment names one. The variables are those of OpenTelemetry.
//!
//! Only spans that were chosen for it leave (`TRACES`): methods and routes, use cases and their outcomes, groups and
//! counts. No line of the log goes along, and nothing that a person wrote.

use super::collector::Collector;
use crate::failure::Failure;
use countersign_telemetry::TRACES;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{SpanExporter, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

/// Whereto, for traces alone and for everything; the first one that is set counts.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

/// What makes traces, where the environment says whereto with them.
pub(super) fn provider() -> Result<Option<SdkTracerProvider>, Failure> {
    let is_disabled = said("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let Some((variable, endpoint)) = ENDPOINTS.into_iter().find_map(|name| Some((name, said(name)?))) else {
        return Ok(None);
    };
    if is_disabled {
        return Ok(None);
    }
    if !endpoint.starts_with("http://") {
        return Err(Failure::say(format!(
            "{variable} must begin with http://: hand traces to a collector on this machine or network (OTLP over HTTP, \
             port 4318), which passes them on over TLS"
        )));
    }
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Collector::reached_from_here()?)
        .build()
        .map_err(|error| Failure::because(&format!("traces cannot be sent to what {variable} names"), error))?;
    let resource = match said("OTEL_SERVICE_NAME") {
        Some(_) => Resource::builder().build(),
        None => Resource::builder().with_service_name("countersign").build(),
    };
    Ok(Some(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build()))
}

/// Exports the spans that were chosen for it.
pub(super) fn layer<S>(provider: &SdkTracerProvider) -> impl Layer<S> + Send + Sync + use<S>
where
    S: tracing::Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("countersign"))
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_filter(filter_fn(|of| of.is_span() && of.target() == TRACES))
}

/// What a variable says; an empty one says nothing.
fn said(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
