//! `countersign rebuild`: read models built anew from the ledgers, while the portal stays up; compared with them; put back.

use crate::args::{Place, Rebuild as Asked};
use crate::database::Database;
use crate::failure::Failure;
use crate::node::Node;
use crate::output::print;
use countersign_domain::ids::OrgId;
use countersign_domain::values::Slug;
use countersign_projections::{
    ACCESS, Checked, Difference, InWhat, ParkedOrganization, Progress, Rebuild, RebuildError, RebuildReport,
    RebuildState, Rebuilds, Told, Wanted, Workers,
};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::sync::Arc;
use uuid::Uuid;

pub(crate) async fn run(place: Place, asked: Asked) -> Result<(), Failure> {
    let database = Database::open(&place).await?;
    database.bring_up().await?;
    let node = Node::over(&database, &place.data_dir)?;
    let rebuilds = match asked.workers {
        Some(workers) => node.rebuilds().abreast(usize::from(workers)),
        None => node.rebuilds(),
    };
    let chosen = chosen(&rebuilds, asked.group.as_deref())?;
    let done = match (asked.check, asked.rollback) {
        (true, _) => check(&node, &rebuilds, &chosen, &asked).await,
        (_, true) => roll_back(&rebuilds, &chosen, &asked).await,
        _ => rebuild(&node, &rebuilds, &chosen, &asked).await,
    };
    database.close().await?;
    done
}

fn chosen(rebuilds: &Rebuilds, group: Option<&str>) -> Result<Vec<String>, Failure> {
    let known = rebuilds.names();
    match group {
        None => Ok(known.into_iter().map(str::to_owned).collect()),
        Some(name) if known.contains(&name) => Ok(vec![name.to_owned()]),
        Some(name) => {
            let known = known.join(", ");
            Err(Failure::say(format!("there is no group of read models named {name}; there are {known}")))
        }
    }
}

async fn org_named(node: &Node, slug: &str) -> Result<OrgId, Failure> {
    let slug = Slug::parse(slug).map_err(|error| Failure::because(&format!("{slug} is no short name"), error))?;
    node.org_named(&slug).await
}

async fn rebuild(node: &Node, rebuilds: &Rebuilds, chosen: &[String], asked: &Asked) -> Result<(), Failure> {
    let only = match &asked.org {
        Some(slug) => Some(org_named(node, slug).await?),
        None => None,
    };
    let mut canaries = Vec::new();
    for slug in &asked.canary {
        canaries.push(org_named(node, slug).await?);
    }
    let mut ids = Vec::new();
    for group in chosen {
        let (group, canaries) = (group.clone(), canaries.clone());
        let wanted = Wanted { group, only, canaries, keep: asked.keep, by: Workers::Asker };
        if let Some(begun) = failed(rebuilds.under_way(&wanted.group).await)? {
            is_the_same(&begun, &wanted)?;
            eprintln!("countersign: {}: goes on with the rebuild of {}", begun.group, begun.asked_at);
            ids.push(begun.id);
            continue;
        }
        ids.push(failed(rebuilds.ask(&wanted).await)?.id);
    }
    work_on(rebuilds, &ids, asked.json).await
}

/// Goes on with what was asked for, and with nothing else.
fn is_the_same(begun: &Rebuild, wanted: &Wanted) -> Result<(), Failure> {
    let group = &begun.group;
    if begun.state == RebuildState::RollingBack {
        return Err(Failure::say(format!(
            "{group} is being rolled back: `countersign rebuild {group} --rollback` goes on with that"
        )));
    }
    let of = |orgs: &[OrgId]| orgs.iter().copied().collect::<BTreeSet<_>>();
    // Nothing is kept of the access rows, whatever was asked for.
    let keeps_the_same = group == ACCESS || begun.keep_seconds == wanted.keep.as_secs();
    match begun.only == wanted.only && of(&begun.canaries) == of(&wanted.canaries) && keeps_the_same {
        true => Ok(()),
        false => Err(Failure::say(format!(
            "another rebuild of {group} is under way, for other organizations, with other canaries or another --keep: go on \
             with it by the same options, or give it up with `countersign rebuild {group} --rollback`"
        ))),
    }
}

async fn roll_back(rebuilds: &Rebuilds, chosen: &[String], asked: &Asked) -> Result<(), Failure> {
    let mut ids = Vec::new();
    for group in chosen {
        match rebuilds.ask_back(group, Workers::Asker).await {
            Ok(begun) => ids.push(begun.id),
            // Of all groups, those that can go back do.
            Err(RebuildError::NothingKept(_) | RebuildError::NotKeptTwice(_)) if asked.all => {}
            Err(error) => return failed(Err(error)),
        }
    }
    if ids.is_empty() {
        return Err(Failure::say("there is nothing to go back to: no rebuild is in its rollback window"));
    }
    work_on(rebuilds, &ids, asked.json).await
}

/// Works on rebuilds with a bar, until they are done or somebody presses Ctrl-C.
async fn work_on(rebuilds: &Rebuilds, ids: &[Uuid], json: bool) -> Result<(), Failure> {
    let bar = bar(json);
    let progress = shown_on(&bar);
    let worked = tokio::select! {
        worked = rebuilds.work_on(ids, &progress) => worked,
        _ = tokio::signal::ctrl_c() => {
            bar.finish_and_clear();
            failed(rebuilds.let_go().await)?;
            return Err(Failure::say("interrupted; what was done stands, and the same command goes on from there"));
        }
    };
    bar.finish_and_clear();
    let reports = failed(worked)?;
    let mut is_whole = true;
    for report in &reports {
        tell(report, json)?;
        for ParkedOrganization { org, position, reason, left_behind } in &report.parked {
            let group = &report.group;
            let stays = if *left_behind { "; its readers stay where they were" } else { "" };
            eprintln!(
                "countersign: {group}: the rows of organization {org} stop before event {position}: {reason}{stays}"
            );
        }
        is_whole &= report.parked.is_empty() && report.state != RebuildState::Failed;
    }
    match is_whole {
        true => Ok(()),
        false => Err(Failure::say("not everything was done, as said above; rebuild again after an update")),
    }
}

fn tell(report: &RebuildReport, json: bool) -> Result<(), Failure> {
    if json {
        return print(format!("{}\n", json!(report)));
    }
    let RebuildReport { group, generation, organizations, events, .. } = report;
    let read = format!("generation {generation} is read now ({organizations} organizations, {events} events)");
    print(match report.state {
        RebuildState::InRollbackWindow => {
            format!("{group}: {read}; `countersign rebuild {group} --rollback` goes back\n")
        }
        RebuildState::RolledBack => format!("{group}: the rows before generation {generation} are read again\n"),
        RebuildState::Failed => {
            format!("{group}: given up; {}\n", report.reason.as_deref().unwrap_or("nobody said why"))
        }
        RebuildState::Backfilling
        | RebuildState::Tailing
        | RebuildState::CuttingOver
        | RebuildState::RollingBack
        | RebuildState::Done => format!("{group}: {read}\n"),
    })
}

async fn check(node: &Node, rebuilds: &Rebuilds, chosen: &[String], asked: &Asked) -> Result<(), Failure> {
    let only = match &asked.org {
        Some(slug) => Some(org_named(node, slug).await?),
        None => None,
    };
    let bar = bar(asked.json);
    let checked = rebuilds.check(chosen, only, &shown_on(&bar)).await;
    bar.finish_and_clear();
    let checked = failed(checked)?;
    for group in chosen {
        let of_group: Vec<&Checked> = checked.iter().filter(|one| one.group == group).collect();
        if asked.json {
            of_group.iter().try_for_each(|one| print(format!("{}\n", json!(one))))?;
            continue;
        }
        of_group.iter().filter(|one| !one.agrees()).try_for_each(|one| print(in_words(one)))?;
        let (all, differing) = (of_group.len(), of_group.iter().filter(|one| !one.agrees()).count());
        print(format!("{group}: {all} organizations compared with their ledgers, {differing} differ\n"))?;
    }
    match checked.iter().all(Checked::agrees) {
        true => Ok(()),
        false => Err(Failure::say(
            "some rows are not what the ledgers come to, as said above; `countersign rebuild` makes them anew",
        )),
    }
}

fn in_words(checked: &Checked) -> String {
    let Checked { group, org, position, .. } = checked;
    let mut text = format!("{group}: organization {org} at position {position}\n");
    if let Some(reason) = &checked.reason {
        text.push_str(&format!("  the ledger cannot be replayed: {reason}\n"));
    }
    for Difference { table, key, in_what } in &checked.differences {
        let key: Vec<String> = key.iter().map(|(column, value)| format!("{column}={value}")).collect();
        let key = key.join(" ");
        let nothing = || "nothing".to_owned();
        text.push_str(&match in_what {
            InWhat::Missing => format!("  {table} {key}: the row is missing\n"),
            InWhat::Extra => format!("  {table} {key}: there should be no such row\n"),
            InWhat::Column { column, live, replayed } => format!(
                "  {table} {key}: {column} is {}, the ledger comes to {}\n",
                live.clone().unwrap_or_else(nothing),
                replayed.clone().unwrap_or_else(nothing)
            ),
        });
    }
    text
}

fn failed<T>(result: Result<T, RebuildError>) -> Result<T, Failure> {
    result.map_err(|error| Failure::because("the read models could not be rebuilt", error))
}

/// A bar where somebody looks at it, nothing where a program reads.
fn bar(json: bool) -> ProgressBar {
    if json || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{msg} {wide_bar} {human_pos}/{human_len} events, {per_sec}, {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(0).with_style(style).with_message("folding")
}

/// Shows on a bar how far work is.
pub(crate) fn shown_on(bar: &ProgressBar) -> Progress {
    let bar = bar.clone();
    Arc::new(move |told| match told {
        Told::Begun { events } => bar.set_length(events),
        Told::Folded { events } => bar.inc(events),
        Told::Followed { events } => {
            bar.inc_length(events);
            bar.inc(events);
        }
        Told::Entered { group, state } => bar.set_message(format!("{group} {}", in_one_word(state))),
        Told::PutOver { group, .. } => bar.set_message(format!("{group} cut over")),
    })
}

fn in_one_word(state: RebuildState) -> &'static str {
    match state {
        RebuildState::Backfilling => "backfilling",
        RebuildState::Tailing => "tailing",
        RebuildState::CuttingOver => "cutting over",
        RebuildState::InRollbackWindow | RebuildState::Done => "done",
        RebuildState::RollingBack => "rolling back",
        RebuildState::RolledBack => "rolled back",
        RebuildState::Failed => "given up",
    }
}
