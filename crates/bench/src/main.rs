//! `make bench`: how fast Countersign is, as ratios to what the same server does by itself.
//!
//! Every figure stands beside a limit that was measured in the same run on the same server, where it can. Machines differ
//! and are noisy; ratios travel. `docs/performance.md` says how each row is measured.

mod append;
mod arguments;
mod dashboard;
mod firm;
mod http;
mod installation;
mod latencies;
mod limit;
mod memory;
mod node;
mod p99;
mod pace;
mod rebuild;
mod report;
mod server;
mod session;
mod size;
mod suite;
mod summary;
mod visible;
mod wire;
mod writers;

use arguments::{Arguments, Row};
use clap::Parser;
use std::error::Error;
use std::process::ExitCode;
use suite::Suite;

/// What a measurement comes to, or why there is none.
pub(crate) type Fallible<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    match runtime.block_on(run(arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&*error),
    }
}

fn failed(error: &dyn Error) -> ExitCode {
    eprintln!("bench: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprintln!("bench: because {error}");
        cause = error.source();
    }
    ExitCode::FAILURE
}

/// Whoever presses Ctrl-C leaves no server behind.
async fn run(arguments: Arguments) -> Fallible<()> {
    tokio::select! {
        measured = measure(arguments) => measured,
        _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
    }
}

async fn measure(arguments: Arguments) -> Fallible<()> {
    let rows = arguments.rows();
    let mut suite = Suite::start(arguments).await?;
    for row in rows {
        match row {
            Row::Append => append::measure(&mut suite).await?,
            Row::Http => http::measure(&mut suite).await?,
            Row::Visible => visible::measure(&mut suite).await?,
            Row::Rebuild => rebuild::measure(&mut suite).await?,
            Row::Dashboard => dashboard::measure(&mut suite).await?,
            Row::Size => size::measure(&mut suite).await?,
            Row::Memory => memory::measure(&mut suite).await?,
            Row::P99 => p99::measure(&mut suite).await?,
        }
    }
    print!("{}", suite.report);
    Ok(())
}
