//! What was measured, as Prometheus reads it.

use crate::operator::Operator;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use countersign_eventstore::Ledger;
use metrics::gauge;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The text format's media type.
const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(super) fn routes() -> OpenApiRouter<Operator> {
    OpenApiRouter::new().routes(routes!(measured))
}

/// What is so at the moment is looked at when somebody asks.
fn sample(ledger: &Ledger) {
    for (number, lane) in ledger.lanes().into_iter().enumerate() {
        gauge!("countersign_lane_waiting", "lane" => number.to_string()).set(lane.waiting as f64);
    }
    let pool = ledger.reader().pool();
    let (open, idle) = (f64::from(pool.size()), pool.num_idle() as f64);
    gauge!("countersign_pool_connections", "state" => "idle").set(idle);
    gauge!("countersign_pool_connections", "state" => "in_use").set((open - idle).max(0.0));
}

/// What was measured since the node began, in the text format of Prometheus.
#[utoipa::path(get, path = "/metrics", operation_id = "GetMetrics", tag = "operation",
    responses((status = 200, description = "The metrics.", body = String, content_type = "text/plain")))]
async fn measured(State(operator): State<Operator>) -> impl IntoResponse {
    sample(&operator.ledger);
    ([(CONTENT_TYPE, MEDIA_TYPE)], operator.metrics.render())
}
