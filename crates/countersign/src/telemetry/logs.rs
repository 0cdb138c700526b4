//! The log: lines for people, or JSON for programs, on standard error.

use crate::args::Logs;
use crate::failure::Failure;
use clap::ValueEnum;
use std::io::{IsTerminal, stderr};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer};

/// How a line of the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// An object a line, for programs.
    Json,
}

/// Writes what the filter lets through.
pub(super) fn to_stderr<S>(logs: &Logs) -> Result<Box<dyn Layer<S> + Send + Sync>, Failure>
where
    S: tracing::Subscriber + for<'span> LookupSpan<'span>,
{
    let filter = EnvFilter::builder().parse(&logs.log_filter).map_err(|error| {
        Failure::because("--log-filter does not read; write it like info, or warn,countersign=debug", error)
    })?;
    let lines = tracing_subscriber::fmt::layer().with_writer(stderr).with_ansi(stderr().is_terminal());
    Ok(match logs.log_format {
        LogFormat::Text => lines.with_filter(filter).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_filter(filter).boxed(),
    })
}
