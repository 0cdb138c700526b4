//! Somebody who takes traces, as OpenTelemetry's collector does: protobuf over HTTP.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::routing::post;
use axum::{Router, serve};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

pub(crate) struct Collector {
    address: SocketAddr,
    taken: Taken,
}

type Taken = Arc<Mutex<Vec<Span>>>;

impl Collector {
    pub(crate) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, taken) = (listener.local_addr().unwrap(), Taken::default());
        let router = Router::new().route("/v1/traces", post(take)).with_state(taken.clone());
        tokio::spawn(async move { serve(listener, router).await });
        Self { address, taken }
    }

    /// How the program is told of it.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The spans of a trace that were taken so far.
    pub(crate) fn trace(&self, id: &[u8]) -> Vec<Span> {
        let taken = self.taken.lock().unwrap();
        taken.iter().filter(|span| span.trace_id == id).cloned().collect()
    }
}

async fn take(
    State(taken): State<Taken>,
    body: Bytes,
) -> Result<([(header::HeaderName, &'static str); 1], Vec<u8>), StatusCode> {
    let asked = ExportTraceServiceRequest::decode(body).map_err(|_| StatusCode::BAD_REQUEST)?;
    let scopes = asked.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
    taken.lock().unwrap().extend(scopes.flat_map(|scope| scope.spans));
    let answer = ExportTraceServiceResponse::default().encode_to_vec();
    Ok(([(header::CONTENT_TYPE, "application/x-protobuf")], answer))
}
