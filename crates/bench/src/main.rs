//! `make bench`: how fast the store appends, as a ratio to what the same server does by itself.
//!
//! Every figure stands beside a limit that was measured in the same run on the same server: pgbench inserting one row of
//! the same shape, with the same indexes, in each transaction. Machines differ and are noisy; ratios travel.

mod firm;
mod limit;
mod report;
mod server;
mod writers;

use report::{Figure, Report};
use std::error::Error;
use std::process::ExitCode;
use writers::Load;

/// How long each figure is measured.
const SECONDS: u64 = 8;
const SPREAD: usize = 1_000;

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    match runtime.block_on(run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&*error),
    }
}

/// The numbers on the command line; all that are reported without any.
fn writers_asked_for() -> Result<Vec<usize>, Box<dyn Error>> {
    let number = |word: String| match word.parse() {
        Ok(writers) if writers > 0 => Ok(writers),
        Ok(_) | Err(_) => Err(format!("{word} is no number of writers; write them like: countersign-bench 1 64")),
    };
    let asked: Vec<usize> = std::env::args().skip(1).map(number).collect::<Result<_, _>>()?;
    Ok(if asked.is_empty() { vec![1, 16, 64] } else { asked })
}

fn failed(error: &dyn Error) -> ExitCode {
    eprintln!("bench: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprintln!("bench: because {error}");
        cause = error.source();
    }
    ExitCode::FAILURE
}

async fn run() -> Result<(), Box<dyn Error>> {
    let server = server::start().await?;
    eprintln!("bench: Postgres {}, {SECONDS} s a figure; registering {SPREAD} organizations", server.major());
    let ledger = server.ledger();
    let firms = firm::register_many(&ledger, SPREAD).await?;
    limit::prepare(&server).await?;
    let mut report = Report::default();
    for writers in writers_asked_for()? {
        let limit = limit::inserts_per_second(&server, writers, SECONDS)?;
        report.add(Figure::limit(format!("pgbench single-row INSERT, {writers} clients"), limit));
        for load in [Load::Spread, Load::One] {
            let rate = writers::commands_per_second(&ledger, &firms, load, writers, SECONDS).await?;
            report.add(Figure::rate(load.name(writers), rate, limit, load.aim(writers)));
        }
    }
    report.write("target/bench/results.csv")?;
    println!("{report}");
    Ok(())
}
