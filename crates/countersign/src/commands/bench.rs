//! `countersign bench generate`: ledgers full of made-up histories, to measure on.

use crate::args::Place;
use crate::database::Database;
use crate::failure::Failure;
use crate::node::Node;
use crate::output::print;
use clap::{Args, Subcommand};
use countersign_bench::history::{FirmPlan, Wanted, plan, play};
use countersign_domain::values::Slug;
use futures::stream::{self, StreamExt, TryStreamExt};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::Instant;

/// How many names are taken at once.
const NAMES_AT_ONCE: usize = 16;

#[derive(Args, Debug)]
pub(crate) struct Bench {
    #[command(subcommand)]
    pub(crate) command: BenchCommand,
}

#[derive(Subcommand, Debug)]
pub(crate) enum BenchCommand {
    /// Fill the database with made-up firms, as many events as you ask for.
    ///
    /// Few of the firms are large and many are small. Each takes on clients, invites guests, logs time that its clients
    /// approve or refuse, and writes invoices, over months that ended on 30 June 2025. Everything is decided by the same
    /// rules as any other command, and each ledger says of itself that it is simulated.
    ///
    /// The same numbers make the same histories: whatever stops this, run it again, and it goes on where it stopped.
    /// Read models follow once the portal is served; `countersign rebuild --all` is the faster way to them. Nobody has a
    /// password in these firms.
    Generate(Generate),
}

#[derive(Args, Debug)]
pub(crate) struct Generate {
    /// How many events, in all; at least 30 for each organization.
    #[arg(long, value_name = "N")]
    events: u64,
    /// How many organizations.
    #[arg(long, value_name = "N", default_value_t = 100)]
    organizations: u32,
    /// Another seed makes other firms, with other histories.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How many organizations in a hundred still work when the histories end; the others went quiet half a year to two
    /// years earlier.
    #[arg(long, value_name = "PERCENT", default_value_t = 100)]
    active: u8,
}

pub(crate) async fn run(place: Place, bench: Bench) -> Result<(), Failure> {
    let BenchCommand::Generate(Generate { events, organizations, seed, active }) = bench.command;
    let wanted = Wanted { events, organizations, seed, active_percent: active };
    let plans = plan(&wanted).map_err(|error| Failure::because("there is nothing to make up", error))?;
    let database = Database::open(&place).await?;
    database.bring_up().await?;
    let node = Node::over(&database, &place.data_dir)?;
    stream::iter(&plans)
        .map(|firm| name(&node, firm, seed))
        .buffer_unordered(NAMES_AT_ONCE)
        .try_collect::<()>()
        .await?;
    let (bar, began) = (progress(events), Instant::now());
    let ticking = bar.clone();
    let tally = play(&node.ledger, &plans, move |events| ticking.inc(events)).await;
    let tally = tally.map_err(|error| Failure::because("the histories were not made to their end", error))?;
    bar.finish_and_clear();
    let seconds = began.elapsed().as_secs_f64();
    print(format_args!("{tally}{organizations:>12}  organizations, in {seconds:.1} s\n"))?;
    database.close().await
}

/// Takes the firm's name, or finds that it is taken by the same firm.
async fn name(node: &Node, firm: &FirmPlan, seed: u64) -> Result<(), Failure> {
    let failed = |error: &dyn std::error::Error| Failure::say(format!("{} could not be named: {error}", firm.slug));
    let slug = Slug::parse(&firm.slug).map_err(|error| failed(&error))?;
    match node.identity.find(&slug).await.map_err(|error| failed(&error))? {
        Some(org) if org == firm.org => Ok(()),
        Some(_) => Err(Failure::say(format!(
            "there are firms of seed {seed} already, made with other numbers: name those, another --seed, or another \
             database"
        ))),
        None => node.identity.claim(&slug, firm.org, node.clock.now()).await.map_err(|error| failed(&error)),
    }
}

fn progress(events: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{wide_bar} {human_pos} of {human_len} events, {per_sec}, {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(events).with_style(style)
}
