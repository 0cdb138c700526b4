//! `countersign audit`: what happened, by the ledger.

use crate::args::Place;
use crate::audit::{Inquiry, Wanted, exceptions, history};
use crate::database::Database;
use crate::failure::Failure;
use crate::node::Node;
use crate::output::print;
use clap::{Args, Subcommand};
use countersign_domain::values::{Slug, Timestamp};

#[derive(Args, Debug)]
pub(crate) struct Audit {
    #[command(subcommand)]
    pub(crate) command: AuditCommand,
}

#[derive(Subcommand, Debug)]
pub(crate) enum AuditCommand {
    /// Everything that happened to one thing, as sentences: who did what, when, with what right, and why.
    ///
    /// Names are those that people have now; of whoever was erased, none is left. With --json, each entry has all fields
    /// of the event's envelope as the ledger holds them, personal values sealed, with its leaf_hash; the part that the
    /// thing played, as roles; and the sentence, in which names are open.
    History(AuditHistory),
    /// The imported cases behind each exception, and behind each refusal of our approval engine.
    Exceptions(AuditExceptions),
}

#[derive(Args, Debug)]
pub(crate) struct AuditHistory {
    /// The organization, by its short name.
    #[arg(long, value_name = "SLUG", value_parser = Slug::parse)]
    org: Slug,
    /// The thing: invoice:UUID, project:UUID, portal_user:UUID, ...; an imported case also by the name that its log gives
    /// it, like "case:claim 17".
    #[arg(long, value_name = "KIND:ID")]
    object: Wanted,
    /// Only what had been recorded by then: 2026-01-31T09:30:00Z.
    #[arg(long, value_name = "TIME")]
    as_of: Option<Timestamp>,
    /// Print what a program reads: a JSON array.
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct AuditExceptions {
    /// The organization, by its short name.
    #[arg(long, value_name = "SLUG", value_parser = Slug::parse)]
    org: Slug,
    /// Print what a program reads: a JSON object.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(place: Place, audit: Audit) -> Result<(), Failure> {
    let database = Database::open(&place).await?;
    database.bring_up().await?;
    let node = Node::over(&database, &place.data_dir)?;
    let told = match audit.command {
        AuditCommand::History(wanted) => tell_history(&node, &database, wanted).await?,
        AuditCommand::Exceptions(wanted) => tell_exceptions(&node, &database, wanted).await?,
    };
    print(told)?;
    database.close().await
}

async fn tell_history(node: &Node, database: &Database, wanted: AuditHistory) -> Result<String, Failure> {
    let inquiry = inquiry(node, database, &wanted.org).await?;
    let history = history(&inquiry, &wanted.object, wanted.as_of).await?;
    if !wanted.json {
        return Ok(history.to_string());
    }
    let json = history.to_json().map_err(|error| Failure::because("an event of the ledger does not read", error))?;
    Ok(json + "\n")
}

async fn tell_exceptions(node: &Node, database: &Database, wanted: AuditExceptions) -> Result<String, Failure> {
    let inquiry = inquiry(node, database, &wanted.org).await?;
    let exceptions = exceptions(&inquiry).await?;
    if !wanted.json {
        return Ok(exceptions.to_string());
    }
    Ok(serde_json::to_string(&exceptions).expect("codes are strings and serialize") + "\n")
}

async fn inquiry<'a>(node: &'a Node, database: &'a Database, org: &Slug) -> Result<Inquiry<'a>, Failure> {
    let org = node.org_named(org).await?;
    Ok(Inquiry { node, pool: database.pool(), org, now: node.clock.now() })
}
