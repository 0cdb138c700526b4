//! The command line.

use crate::commands::audit::Audit;
use crate::commands::backup::Backup;
use crate::commands::bench::Bench;
use crate::commands::doctor::Doctor;
use crate::commands::import::Import;
use crate::commands::restore::Restore;
use crate::telemetry::LogFormat;
use clap::{Args, Parser, Subcommand, ValueEnum};
use countersign_api::Network;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Between two rounds of forgetting.
const FORGET_EVERY: Duration = Duration::from_secs(3_600);

/// A client portal in which every decision can be proven.
#[derive(Parser, Debug)]
#[command(name = "countersign", version, about, long_about = None, propagate_version = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(flatten)]
    pub(crate) logs: Logs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Where the data is.
#[derive(Args, Clone, Debug)]
pub(crate) struct Place {
    /// The folder for what is kept beside the database: keys, mail that was not sent, and, without a database URL, a
    /// private Postgres server of our own.
    #[arg(long, global = true, default_value = ".countersign", env = "COUNTERSIGN_DATA_DIR", value_name = "FOLDER")]
    pub(crate) data_dir: PathBuf,
    /// A Postgres database (15 or newer) to use instead of the private one: postgres://user:password@host/name.
    #[arg(long, global = true, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub(crate) database_url: Option<String>,
    /// The same database without a pooler in between, as its owner, for what sets it up. Without it, that takes
    /// --database-url.
    #[arg(long, global = true, env = "COUNTERSIGN_OWNER_URL", hide_env_values = true, value_name = "URL")]
    pub(crate) owner_url: Option<String>,
    /// The pooler that --database-url leads to, if there is one: transaction, for one like PgBouncer that hands a
    /// connection on after each transaction.
    #[arg(long, global = true, env = "COUNTERSIGN_POOLER", value_name = "MODE")]
    pub(crate) pooler: Option<Pooler>,
}

/// When a pooler before the database hands a connection on. One that keeps it for a session needs no word.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pooler {
    /// After each transaction.
    Transaction,
}

/// What is written to standard error.
#[derive(Args, Clone, Debug)]
pub(crate) struct Logs {
    /// How much is logged: a level, or levels by part, like warn,countersign=debug.
    #[arg(long, global = true, env = "RUST_LOG", default_value = "warn,countersign=info", value_name = "FILTER")]
    pub(crate) log_filter: String,
    /// How a line of the log is written.
    #[arg(long, global = true, env = "COUNTERSIGN_LOG_FORMAT", default_value = "text", value_name = "FORMAT")]
    pub(crate) log_format: LogFormat,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Serve the portal and its API.
    Serve(Serve),
    /// Make up a small firm with some months of history, and serve it.
    Demo(Demo),
    /// Set the database up, or bring it up to this version.
    Migrate,
    /// Organizations: the firms that this installation serves.
    Org(Org),
    /// Other systems' histories: take them over.
    Import(Import),
    /// What happened, by the ledger.
    Audit(Audit),
    /// Build read models anew from the ledgers, while the portal stays up.
    Rebuild(Rebuild),
    /// Read models: how far they are, and what they could not take.
    Projections(Projections),
    /// Back everything up that cannot be made again, while the portal is in use.
    Backup(Backup),
    /// Make an empty database what a backup shows.
    Restore(Restore),
    /// Look the installation over, and say what to do. Changes nothing.
    Doctor(Doctor),
    /// Something to measure on.
    Bench(Bench),
}

#[derive(Args, Clone, Debug)]
pub(crate) struct Serve {
    /// The address to listen on.
    #[arg(long, default_value = "127.0.0.1:8080", env = "COUNTERSIGN_LISTEN", value_name = "ADDRESS")]
    pub(crate) listen: SocketAddr,
    /// The address under which people reach the portal; must be https unless it is served on this machine only.
    #[arg(long, env = "COUNTERSIGN_PUBLIC_URL", value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// A proxy in front of the portal, by its address or network: 10.0.0.7, 10.0.0.0/8. Repeatable. Such a proxy's
    /// X-Forwarded-For says who sent a request, which is what requests are counted by; without it, everybody behind the
    /// proxy is counted as one.
    #[arg(long, env = "COUNTERSIGN_TRUSTED_PROXY", value_delimiter = ',', value_name = "IP_OR_CIDR")]
    pub(crate) trusted_proxy: Vec<Network>,
    #[command(flatten)]
    pub(crate) mail: Mail,
    #[command(flatten)]
    pub(crate) operator: OperatorDoor,
    /// How often what identity keeps no longer is deleted; no business of the command line.
    #[arg(skip = FORGET_EVERY)]
    pub(crate) forget_every: Duration,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct Demo {
    /// Make the firm up and exit.
    #[arg(long)]
    pub(crate) once: bool,
    #[command(flatten)]
    pub(crate) serve: Serve,
}

/// Where the operator is served: metrics, what is wrong in detail, rebuilding.
#[derive(Args, Clone, Debug)]
pub(crate) struct OperatorDoor {
    /// The address on which operators and Prometheus are served; without it, they are not.
    #[arg(long, env = "COUNTERSIGN_OPERATOR_LISTEN", value_name = "ADDRESS")]
    pub(crate) operator_listen: Option<SocketAddr>,
    /// The https address under which operators reach it; needed where it is served beyond this machine.
    #[arg(long, env = "COUNTERSIGN_OPERATOR_URL", value_name = "URL")]
    pub(crate) operator_url: Option<String>,
    /// The file with the operator's token. Without it, a token is made on first start in the data folder's operator.token.
    #[arg(long, env = "COUNTERSIGN_OPERATOR_TOKEN_FILE", value_name = "FILE")]
    pub(crate) operator_token_file: Option<PathBuf>,
}

/// How mail leaves.
#[derive(Args, Clone, Debug)]
pub(crate) struct Mail {
    /// The mail server: smtp://user:password@host:587. Without one, mail is written into the data folder.
    #[arg(long, env = "SMTP_URL", hide_env_values = true, value_name = "URL")]
    pub(crate) smtp_url: Option<String>,
    /// What mail says that it comes from.
    #[arg(
        long,
        env = "COUNTERSIGN_MAIL_FROM",
        default_value = "Countersign <portal@localhost>",
        value_name = "SENDER"
    )]
    pub(crate) mail_from: String,
}

#[derive(Args, Debug)]
pub(crate) struct Org {
    #[command(subcommand)]
    pub(crate) command: OrgCommand,
}

#[derive(Subcommand, Debug)]
pub(crate) enum OrgCommand {
    /// Register an organization with its first admin, and print the link with which the admin sets a password.
    Create(OrgCreate),
}

#[derive(Args, Debug)]
pub(crate) struct OrgCreate {
    /// The short name in addresses: 2 to 40 of a-z, 0-9 and inner hyphens.
    pub(crate) slug: String,
    /// The organization's name.
    #[arg(long)]
    pub(crate) name: String,
    /// The first admin's name.
    #[arg(long, value_name = "NAME")]
    pub(crate) admin_name: String,
    /// The first admin's mail address.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) admin_email: String,
    /// The plan: trial, starter, rise or growth.
    #[arg(long, default_value = "trial")]
    pub(crate) plan: String,
    /// The time zone, by its IANA name.
    #[arg(long, default_value = "Etc/UTC")]
    pub(crate) time_zone: String,
    /// The currency, by its ISO 4217 code.
    #[arg(long, default_value = "EUR")]
    pub(crate) currency: String,
    /// The language and region: en, de-CH.
    #[arg(long, default_value = "en")]
    pub(crate) locale: String,
    /// The address under which people reach the portal, for the link.
    #[arg(long, env = "COUNTERSIGN_PUBLIC_URL", default_value = "http://127.0.0.1:8080", value_name = "URL")]
    pub(crate) public_url: String,
    /// Print what a program reads.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Rebuild {
    /// The group of read models; --all for every one.
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub(crate) group: Option<String>,
    /// Every group.
    #[arg(long)]
    pub(crate) all: bool,
    /// Only this organization, by its short name.
    #[arg(long, value_name = "SLUG")]
    pub(crate) org: Option<String>,
    /// An organization whose readers are put over first; where its rows are not what its ledger comes to, nobody else's
    /// are. Repeatable.
    #[arg(long, value_name = "SLUG", conflicts_with_all = ["check", "rollback"])]
    pub(crate) canary: Vec<String>,
    /// How long the rows before are kept up to date, so that one can go back: 24h, 30min, 0.
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = parse_time, conflicts_with_all = ["check", "rollback"])]
    pub(crate) keep: Duration,
    /// How much is done at once, whoever is at work; without it, half of what the machine could, and a quarter of that
    /// while people are at work.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(crate) workers: Option<u8>,
    /// Compare what is read with what the ledgers come to, and change nothing.
    #[arg(long, conflicts_with = "rollback")]
    pub(crate) check: bool,
    /// Put readers back to the rows before, for as long as those are kept.
    #[arg(long, conflicts_with = "org")]
    pub(crate) rollback: bool,
    /// Print what a program reads, a line each.
    #[arg(long)]
    pub(crate) json: bool,
}

/// A time in words, or 0.
fn parse_time(text: &str) -> Result<Duration, String> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    humantime::parse_duration(text).map_err(|error| format!("{error}; write it like 24h, 30min or 0"))
}

#[derive(Args, Debug)]
pub(crate) struct Projections {
    #[command(subcommand)]
    pub(crate) command: ProjectionsCommand,
}

#[derive(Subcommand, Debug)]
pub(crate) enum ProjectionsCommand {
    /// How each group of read models stands, and which organizations are parked in it and why.
    List(ProjectionsList),
    /// Try an event again that could not be projected, after what was wrong has been mended.
    Retry(ProjectionsRetry),
}

#[derive(Args, Debug)]
pub(crate) struct ProjectionsList {
    /// Print what a program reads, a line for each group.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ProjectionsRetry {
    /// The group of read models.
    pub(crate) group: String,
    /// The organization that is parked in it, by its short name.
    #[arg(long, value_name = "SLUG")]
    pub(crate) org: String,
    /// Print what a program reads.
    #[arg(long)]
    pub(crate) json: bool,
}
