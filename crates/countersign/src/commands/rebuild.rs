//! `countersign rebuild`: read models built anew from the ledgers, while the portal stays up.

use crate::args::{Place, Rebuild};
use crate::database::Database;
use crate::failure::Failure;
use crate::node::{Node, group_named};
use countersign_projections::{
    ACCESS, Group, ParkedOrganization, ProjectionError, RebuildReport, groups, rebuild, rebuild_access,
};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;

pub(crate) async fn run(place: Place, wanted: Rebuild) -> Result<(), Failure> {
    let chosen = Chosen::read(wanted.group.as_deref())?;
    let database = Database::open(&place).await?;
    database.bring_up().await?;
    let node = Node::over(&database, &place.data_dir)?;
    let mut parked = 0;
    for group in &chosen.followed {
        let bar = progress(group.name, wanted.json);
        let report = rebuild(&node.ledger, group, |events| bar.inc(events)).await;
        parked += done(group.name, &bar, report, wanted.json)?;
    }
    if chosen.access {
        let bar = progress(ACCESS, wanted.json);
        let report = rebuild_access(&node.ledger, |events| bar.inc(events)).await;
        parked += done(ACCESS, &bar, report, wanted.json)?;
    }
    database.close().await?;
    match parked {
        0 => Ok(()),
        _ => Err(Failure::say("not all rows could be built anew, as said above; rebuild again after an update")),
    }
}

/// What is to be rebuilt: groups that follow the ledgers, and the access group, which the append itself writes.
struct Chosen {
    followed: Vec<Group>,
    access: bool,
}

impl Chosen {
    fn read(name: Option<&str>) -> Result<Self, Failure> {
        Ok(match name {
            None => Self { followed: groups(), access: true },
            Some(ACCESS) => Self { followed: Vec::new(), access: true },
            Some(name) => Self { followed: vec![group_named(name)?], access: false },
        })
    }
}

/// Tells what a group came to; how many organizations have only a part of their rows.
fn done(
    group: &str,
    bar: &ProgressBar,
    report: Result<RebuildReport, ProjectionError>,
    json: bool,
) -> Result<usize, Failure> {
    let report = report.map_err(|error| Failure::because(&format!("{group} could not be rebuilt"), error))?;
    bar.finish_and_clear();
    tell(&report, json);
    for ParkedOrganization { org, position, reason } in &report.parked {
        eprintln!("countersign: {group}: the rows of organization {org} stop before event {position}: {reason}");
    }
    Ok(report.parked.len())
}

fn tell(report: &RebuildReport, json: bool) {
    if json {
        println!("{}", serde_json::to_string(report).expect("a report has string keys and serializes"));
        return;
    }
    let RebuildReport { group, generation, organizations, events, parked: _ } = report;
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
