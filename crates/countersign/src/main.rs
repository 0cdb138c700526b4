//! `countersign`: one program that runs the portal, sets it up, imports into it, audits it and rebuilds it.

mod args;
mod audit;
mod commands;
mod database;
mod demo;
mod failure;
mod import;
mod keys;
mod letters;
mod node;
mod output;

use args::{Arguments, Command};
use clap::Parser;
use failure::Failure;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    log_to_stderr();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Failure::because("the runtime could not be started", error).report(),
    };
    match runtime.block_on(run(arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let place = arguments.place;
    match arguments.command {
        Command::Serve(serve) => commands::serve::run(place, serve).await,
        Command::Demo(demo) => commands::demo::run(place, demo).await,
        Command::Migrate => commands::migrate::run(place).await,
        Command::Org(org) => commands::org::run(place, org).await,
        Command::Import(import) => commands::import::run(place, import).await,
        Command::Audit(audit) => commands::audit::run(place, audit).await,
        Command::Rebuild(rebuild) => commands::rebuild::run(place, rebuild).await,
    }
}

/// `RUST_LOG` says how much; warnings and errors unless it says otherwise.
fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn,countersign=info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
