//! Metrics are taken only where an operator may read them: without a recorder, measuring costs nothing.

use crate::failure::Failure;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use std::time::Duration;

/// Seconds. A lane answers within milliseconds, an outage lasts.
const SECONDS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];
/// Numbers of things in a batch, or behind.
const NUMBERS: &[f64] =
    &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1_024.0, 4_096.0, 16_384.0, 65_536.0];
/// Between two rounds of putting in order what was measured.
const TIDIES_EVERY: Duration = Duration::from_secs(5);

/// Begins to measure, for the rest of the program.
pub(crate) fn record() -> Result<PrometheusHandle, Failure> {
    let recorder = install().map_err(|error| Failure::because("metrics cannot be recorded", error))?;
    countersign_api::describe_metrics();
    countersign_eventstore::describe_metrics();
    countersign_postgres::describe_metrics();
    Ok(recorder)
}

fn install() -> Result<PrometheusHandle, BuildError> {
    PrometheusBuilder::new()
        .set_buckets(NUMBERS)?
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)?
        .install_recorder()
}

/// Puts what was measured in order, for as long as this is awaited: otherwise it grows until somebody reads it.
pub(crate) async fn keep_tidy(recorder: PrometheusHandle) {
    loop {
        tokio::time::sleep(TIDIES_EVERY).await;
        recorder.run_upkeep();
    }
}
