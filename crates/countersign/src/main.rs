//! `countersign`: one program that runs the portal, sets it up, imports into it, audits it and rebuilds it.

mod args;
mod audit;
mod backup;
mod checks;
mod commands;
mod database;
mod demo;
mod doctor;
mod failure;
mod import;
mod keys;
mod letters;
mod node;
mod operator_door;
mod output;
mod progress;
mod stop;
mod telemetry;

use args::{Arguments, Command};
use clap::Parser;
use failure::Failure;
use std::process::ExitCode;
use telemetry::Telemetry;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Failure::because("the runtime could not be started", error).report(),
    };
    match runtime.block_on(run_and_tell(arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

async fn run_and_tell(arguments: Arguments) -> Result<(), Failure> {
    let telemetry = Telemetry::start(&arguments.logs)?;
    let done = run(arguments).await;
    telemetry.end().await;
    done
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
        Command::Projections(projections) => commands::projections::run(place, projections).await,
        Command::Backup(backup) => commands::backup::run(place, backup).await,
        Command::Restore(restore) => commands::restore::run(place, restore).await,
        Command::Doctor(doctor) => commands::doctor::run(place, doctor).await,
        Command::Bench(bench) => commands::bench::run(place, bench).await,
    }
}
