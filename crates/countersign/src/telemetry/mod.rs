//! What a running program tells about itself: lines of a log, traces, metrics.

mod collector;
mod logs;
pub(crate) mod metrics;
mod traces;

pub(crate) use logs::LogFormat;

use crate::args::Logs;
use crate::failure::Failure;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// What is to be handed over before the program ends.
pub(crate) struct Telemetry {
    traces: Option<SdkTracerProvider>,
}

impl Telemetry {
    /// Begins to write a log, and to trace where the environment says whereto.
    pub(crate) fn start(logs: &Logs) -> Result<Self, Failure> {
        let traces = traces::provider()?;
        let log = logs::to_stderr(logs)?;
        let exported = traces.as_ref().map(traces::layer);
        tracing_subscriber::registry()
            .with(log)
            .with(exported)
            .try_init()
            .map_err(|error| Failure::because("the log could not be begun", error))?;
        Ok(Self { traces })
    }

    /// Hands over the spans that still wait.
    pub(crate) async fn end(self) {
        let Some(traces) = self.traces else { return };
        // It waits for its own thread, which waits for our runtime.
        let ended = tokio::task::spawn_blocking(move || traces.shutdown()).await;
        if let Ok(Err(error)) = ended {
            tracing::warn!(%error, "the last spans were not handed over");
        }
    }
}
