//! `countersign projections`: how far read models are, and what they could not take.

use crate::args::{Place, Projections, ProjectionsCommand, ProjectionsList, ProjectionsRetry};
use crate::database::Database;
use crate::failure::Failure;
use crate::node::{Node, followed};
use crate::output::print;
use countersign_domain::values::Slug;
use countersign_projections::{GroupStanding, ParkedIn, group_standings, unpark};
use serde_json::json;
use std::fmt::Write;

pub(crate) async fn run(place: Place, projections: Projections) -> Result<(), Failure> {
    let database = Database::open(&place).await?;
    database.bring_up().await?;
    match projections.command {
        ProjectionsCommand::List(wanted) => list(&database, wanted).await?,
        ProjectionsCommand::Retry(wanted) => {
            let node = Node::over(&database, &place.data_dir)?;
            retry(&database, &node, wanted).await?;
        }
    }
    database.close().await
}

async fn list(database: &Database, wanted: ProjectionsList) -> Result<(), Failure> {
    let found = group_standings(database.pool()).await;
    let standings = found.map_err(|error| Failure::because("the read models could not be looked at", error))?;
    for standing in &standings {
        match wanted.json {
            true => print(format!("{}\n", json!(standing)))?,
            false => print(in_words(standing))?,
        }
    }
    Ok(())
}

fn in_words(GroupStanding { group, generations, behind, parked }: &GroupStanding) -> String {
    let organizations: u64 = generations.values().sum();
    let numbers: Vec<String> = match generations.len() {
        1 => generations.keys().map(|number| format!("generation {number}")).collect(),
        _ => generations.iter().map(|(number, many)| format!("generation {number} ({many})")).collect(),
    };
    let (numbers, parked_in) = (numbers.join(", "), parked.len());
    let mut text =
        format!("{group}: {organizations} organizations read {numbers}; {behind} events behind; {parked_in} parked\n");
    for ParkedIn { org, position, reason } in parked {
        writeln!(text, "  organization {org} stops before event {position}: {reason}")
            .expect("writing to a text cannot fail");
    }
    text
}

async fn retry(database: &Database, node: &Node, wanted: ProjectionsRetry) -> Result<(), Failure> {
    let slug = Slug::parse(&wanted.org)
        .map_err(|error| Failure::because(&format!("{} is no short name", wanted.org), error))?;
    let org = node.org_named(&slug).await?;
    let groups = followed();
    let group = groups.iter().find(|group| group.name == wanted.group).ok_or_else(|| {
        let known: Vec<&str> = groups.iter().map(|group| group.name).collect();
        Failure::say(format!("no group named {} follows the ledgers; there are {}", wanted.group, known.join(", ")))
    })?;
    let was_parked = unpark(database.pool(), org, group)
        .await
        .map_err(|error| Failure::because("the organization could not be let go on", error))?;
    if wanted.json {
        return print(format!("{}\n", json!({ "group": group.name, "org": org, "was_parked": was_parked })));
    }
    print(match was_parked {
        true => format!("{}: {slug} goes on; nodes that serve try the event again within a minute\n", group.name),
        false => format!("{}: {slug} is not parked; there is nothing to try again\n", group.name),
    })
}
