//! `countersign rebuild`: read models built anew from the ledgers, while the portal stays up.

use crate::args::{Place, Rebuild};
use crate::database::Database;
use crate::failure::Failure;
use crate::node::{Node, group_named};
use countersign_projections::{RebuildReport, groups, rebuild};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;

pub(crate) async fn run(place: Place, wanted: Rebuild) -> Result<(), Failure> {
    let chosen = match &wanted.group {
        Some(name) => vec![group_named(name)?],
        None => groups(),
    };
    let database = Database::open(&place).await?;
    database.bring_up().await?;
    let node = Node::over(&database, &place.data_dir)?;
    for group in &chosen {
        let bar = progress(group.name, wanted.json);
        let report = rebuild(&node.ledger, group, |events| bar.inc(events))
            .await
            .map_err(|error| Failure::because(&format!("{} could not be rebuilt", group.name), error))?;
        bar.finish_and_clear();
        tell(&report, wanted.json);
    }
    database.close().await
}

fn tell(report: &RebuildReport, json: bool) {
    if json {
        println!("{}", serde_json::to_string(report).expect("a report has string keys and serializes"));
        return;
    }
    let RebuildReport { group, generation, organizations, events } = report;
    println!("{group}: generation {generation} is read now ({organizations} organizations, {events} events)");
}

/// A bar where somebody looks at it, nothing where a program reads.
fn progress(group: &'static str, json: bool) -> ProgressBar {
    if json || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{msg} {human_pos} events, {per_sec}, {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner());
    ProgressBar::new_spinner().with_style(style).with_message(group)
}
