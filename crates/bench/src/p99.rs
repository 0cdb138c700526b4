//! How long an append takes at worst, as people meet it, while something else goes on: a full rebuild, or a snapshot that
//! somebody has open since long ago. In peace it is measured before, between and after; the better of the two that a figure
//! stands between is its limit, since a machine has hiccups of its own.

use crate::Fallible;
use crate::installation::Installation;
use crate::pace::Pace;
use crate::report::{Aim, Figure};
use crate::suite::Suite;
use crate::writers::Writers;
use sqlx::{Connection, Executor};
use std::time::Duration;

const WRITERS: usize = 16;
/// One in a hundred is seldom: it takes more to tell it than a rate does.
const LONGER: u32 = 3;

pub(crate) async fn measure(suite: &mut Suite) -> Fallible<()> {
    let grown = suite.grown().await?;
    let most = Writers::spread(WRITERS).write(&grown.ledger, &grown.firms, suite.measured_for()).await?;
    // Half of what there could be: people at work, not a queue.
    let writers = Writers { pace: Pace::PerSecond(most.per_second / 2.0), ..Writers::spread(WRITERS) };
    let lasting = suite.measured_for() * LONGER;
    let in_peace = || p99_ms(writers, &grown, lasting);

    let before = in_peace().await?;
    let rebuilding = during_rebuilds(&grown, p99_ms(writers, &grown, lasting)).await?;
    let between = in_peace().await?;
    let age = suite.arguments.snapshot_age;
    let beside_a_snapshot = beside_a_snapshot(writers, &grown, age, lasting).await?;
    let after = in_peace().await?;

    let during = format!("append p99, {WRITERS} writers at half load");
    for (what, ms, peace) in [
        ("while everything is rebuilt".to_owned(), rebuilding, before.min(between)),
        (format!("beside a snapshot that is {age:?} old"), beside_a_snapshot, between.min(after)),
    ] {
        let figure = Figure::new(format!("{during}, {what}"), ms, "ms");
        suite.report.add(figure.beside(peace).aiming(Aim::AtMost(1.5)))?;
    }
    Ok(())
}

async fn p99_ms(writers: Writers, installation: &Installation, lasting: Duration) -> Fallible<f64> {
    Ok(writers.write(&installation.ledger, &installation.firms, lasting).await?.latencies.within_ms(99)?)
}

/// Rebuilds again and again for as long as something else is done.
async fn during_rebuilds<T>(installation: &Installation, other: impl Future<Output = Fallible<T>>) -> Fallible<T> {
    let rebuilding = async {
        loop {
            if let Err(error) = installation.run(&["rebuild", "--all", "--json"]).await {
                break error;
            }
        }
    };
    tokio::select! {
        done = other => done,
        error = rebuilding => Err(error),
    }
}

async fn beside_a_snapshot(
    writers: Writers,
    installation: &Installation,
    age: Duration,
    lasting: Duration,
) -> Fallible<f64> {
    let mut snapshot = installation.owner().await?;
    // It is there from its first statement on.
    snapshot.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM ledger.ledger").await?;
    // What it keeps from being tidied up comes from those who write meanwhile.
    writers.write(&installation.ledger, &installation.firms, age).await?;
    let ms = p99_ms(writers, installation, lasting).await?;
    snapshot.close().await?;
    Ok(ms)
}
