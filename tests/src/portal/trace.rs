//! One trace: from the request of whoever traces, through the lane, to the rows.

use super::support::collector::Collector;
use super::support::firm::Firm;
use super::support::installation::ANY_PORT;
use super::support::person::post;
use super::support::until::until;
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::json;

/// What a person wrote, which is nobody's who looks at traces.
const NAME: &str = "Wax & Wane";
const TRACE: [u8; 16] =
    [0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6, 0xa3, 0xce, 0x92, 0x9d, 0x0e, 0x0e, 0x47, 0x36];
const SENDER: [u8; 8] = [0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7];

/// The header with which a sender names its place in a trace.
fn traceparent(is_sampled: bool) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    format!("00-{}-{}-0{}", hex(&TRACE), hex(&SENDER), u8::from(is_sampled))
}

/// What a span says under a name, if it says anything.
fn said(span: &Span, key: &str) -> String {
    span.attributes.iter().filter(|said| said.key == key).map(|said| format!("{:?}", said.value)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_goes_on_from_the_senders_request_through_the_lane_to_the_rows() {
    let (mut firm, collector) = (Firm::open().await, Collector::open().await);
    firm.settle().await;
    assert!(firm.nodes[0].stop().await.success());
    firm.nodes[0] = firm
        .installation
        .serve_with(ANY_PORT, |command| {
            command.env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url()).env("OTEL_BSP_SCHEDULE_DELAY", "100")
        })
        .await;
    firm.admin = firm.admin.at(firm.node());
    let open = || post("/v1/clients", json!({ "name": NAME }));
    firm.admin.send(open().header("traceparent", traceparent(false))).await.expect(201);
    firm.settle().await;
    assert_eq!(collector.trace(&TRACE), [], "whoever does not trace is not traced");

    firm.admin.send(open().header("traceparent", traceparent(true))).await.expect(201);
    let spans = until("all spans of a trace", async || {
        let spans = collector.trace(&TRACE);
        ["POST /v1/clients", "append", "project"]
            .iter()
            .all(|name| spans.iter().any(|span| span.name == *name))
            .then_some(spans)
    })
    .await;
    let named = |name: &str| -> Vec<&Span> { spans.iter().filter(|span| span.name == name).collect() };
    let [request] = named("POST /v1/clients")[..] else { panic!("{spans:?}") };
    assert_eq!(request.parent_span_id, SENDER, "it goes on where its sender was");
    for (name, outcome) in [("decide", "accepted"), ("append", "done"), ("project", "portal")] {
        let last = named(name).into_iter().next_back().unwrap_or_else(|| panic!("{name} is not in {spans:?}"));
        assert_eq!(last.parent_span_id, request.span_id, "{name} follows from the request");
        assert!(last.start_time_unix_nano >= request.start_time_unix_nano, "{name} began with it or later");
        let says = ["outcome", "answer", "groups"].map(|key| said(last, key)).concat();
        assert!(says.contains(outcome), "{name} says {says}");
    }
    assert!(!format!("{spans:?}").contains(NAME), "what people write stays in");
}
