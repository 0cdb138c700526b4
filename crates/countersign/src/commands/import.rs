//! `countersign import xes`: takes another system's history over.

use crate::args::Place;
use crate::audit::Inquiry;
use crate::database::Database;
use crate::failure::Failure;
use crate::import::{Log, import};
use crate::node::Node;
use crate::output::print;
use clap::{Args, Subcommand};
use countersign_domain::values::{Label, Slug};
use sqlx::PgPool;
use std::path::PathBuf;

#[derive(Args, Debug)]
pub(crate) struct Import {
    #[command(subcommand)]
    pub(crate) command: ImportCommand,
}

#[derive(Subcommand, Debug)]
pub(crate) enum ImportCommand {
    /// Event logs in XES (IEEE 1849), plain or gzipped.
    ///
    /// Each case becomes one atomic entry of the ledger, with the original times, roles and people of its events.
    /// Importing the same again adds nothing, and a longer export adds what is new; so whatever stops an import, import
    /// again. The report says what is odd about the cases, and what was not imported, with its place in the log and why;
    /// then the exit status is 1.
    Xes(ImportXes),
}

#[derive(Args, Debug)]
pub(crate) struct ImportXes {
    /// The files: .xes or .xes.gz. All are opened before the first is imported.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The organization, by its short name.
    #[arg(long, value_name = "SLUG", value_parser = Slug::parse)]
    org: Slug,
    /// What the log is called here, instead of the name in its file, or of the file where it has none. Several files are
    /// then parts of one log.
    #[arg(long, value_name = "NAME", value_parser = Label::parse)]
    log: Option<Label>,
    /// Print what a program reads: a JSON object for each file, on a line of its own.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(place: Place, wanted: Import) -> Result<(), Failure> {
    let ImportCommand::Xes(wanted) = wanted.command;
    let open = |file: &PathBuf| Log::open(file, wanted.log.as_ref());
    let logs = wanted.files.iter().map(open).collect::<Result<Vec<_>, _>>()?;
    let database = Database::open(&place).await?;
    database.bring_up().await?;
    let node = Node::over(&database, &place.data_dir)?;
    let incomplete = import_all(&node, database.pool(), &wanted, logs).await?;
    database.close().await?;
    if incomplete.is_empty() {
        return Ok(());
    }
    let names = incomplete.iter().map(Label::as_str).collect::<Vec<_>>().join(", ");
    Err(Failure::say(format!(
        "not everything of {names} was imported, as reported; import again once that is mended: what is there stays"
    )))
}

/// Imports log after log, reports on each, and names those that are not there completely.
async fn import_all(node: &Node, pool: &PgPool, wanted: &ImportXes, logs: Vec<Log>) -> Result<Vec<Label>, Failure> {
    let inquiry = Inquiry { node, pool, org: node.org_named(&wanted.org).await?, now: node.clock.now() };
    let mut incomplete = Vec::new();
    for log in logs {
        if !wanted.json {
            log.show_progress();
        }
        let report = import(&inquiry, log).await?;
        if wanted.json {
            let json = serde_json::to_string(&report).expect("a report has string keys and serializes");
            print(json + "\n")?;
        } else {
            print(&report)?;
        }
        if !report.is_complete() {
            incomplete.push(report.log);
        }
    }
    Ok(incomplete)
}
