//! `countersign doctor`: how an installation is, and what to do about it.

use crate::args::Place;
use crate::database::Database;
use crate::doctor::{Depth, Finding, State, Wanted, examine};
use crate::failure::Failure;
use crate::output::print;
use crate::progress::Progress;
use clap::Args;
use countersign_domain::values::Slug;
use serde::Serialize;
use std::fmt::Write;

#[derive(Args, Debug)]
pub(crate) struct Doctor {
    /// Read every event and every command, not the oldest and the newest alone.
    #[arg(long)]
    deep: bool,
    /// Look at this organization's ledger alone, by its short name.
    #[arg(long, value_name = "SLUG", value_parser = Slug::parse)]
    org: Option<Slug>,
    /// Print what a program reads.
    #[arg(long)]
    json: bool,
}

/// What a program reads.
#[derive(Serialize)]
struct Report<'a> {
    state: State,
    findings: &'a [Finding],
}

pub(crate) async fn run(place: Place, doctor: Doctor) -> Result<(), Failure> {
    let database = Database::existing(&place).await?;
    let depth = if doctor.deep { Depth::Everything } else { Depth::Sample };
    let wanted = Wanted { place: &place, depth, org: doctor.org.as_ref() };
    let findings = examine(&database, &wanted, &Progress::unless(doctor.json)).await?;
    database.close().await?;
    print(if doctor.json { to_json(&findings) } else { to_text(&findings) })?;
    match findings.iter().filter(|finding| finding.has_failed()).count() {
        0 => Ok(()),
        failed => Err(Failure::say(format!("{failed} of {} checks failed", findings.len()))),
    }
}

fn to_json(findings: &[Finding]) -> String {
    let state = findings.iter().map(|finding| finding.state).max().unwrap_or(State::Ok);
    serde_json::to_string(&Report { state, findings }).expect("a report has string keys and serializes") + "\n"
}

fn to_text(findings: &[Finding]) -> String {
    let mut text = String::new();
    for Finding { check, state, line, advice } in findings {
        let state = match state {
            State::Ok => "ok",
            State::Warning => "WARNING",
            State::Failure => "FAILURE",
        };
        writeln!(text, "{state:<9}{check:<17}{line}").expect("writing to a text cannot fail");
        if let Some(advice) = advice {
            writeln!(text, "{:<26}-> {advice}", "").expect("writing to a text cannot fail");
        }
    }
    text
}
