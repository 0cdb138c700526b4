//! How long an append takes at worst, as people meet it, while something else goes on: a full rebuild, or a snapshot that
//! somebody has open since long ago. In peace it is measured before and after, the better of the two is the limit, since a
//! machine has hiccups of its own. Whoever measures beside an old snapshot has written for as long as that is old, and a
//! server that has been written to for long is busy with that alone: so has whoever measures in peace beside it.

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
    let peace = before.min(in_peace().await?);

    let age = suite.arguments.snapshot_age;
    let without_one = || after_writing(writers, &grown, age, lasting);
    let before = without_one().await?;
    let beside_a_snapshot = beside_a_snapshot(&grown, without_one()).await?;
    let peace_without_one = before.min(without_one().await?);

    let during = format!("append p99, {WRITERS} writers at half load");
    for (what, ms, peace) in [
        ("while everything is rebuilt".to_owned(), rebuilding, peace),
        (format!("beside a snapshot that is {age:?} old"), beside_a_snapshot, peace_without_one),
    ] {
        let figure = Figure::new(format!("{during}, {what}"), ms, "ms");
        suite.report.add(figure.beside(peace).aiming(Aim::AtMost(1.5)))?;
    }
    Ok(())
}

async fn p99_ms(writers: Writers, installation: &Installation, lasting: Duration) -> Fallible<f64> {
    Ok(writers.write(&installation.ledger, &installation.firms, lasting).await?.latencies.within_ms(99)?)
}

/// The same once it has been written for so long already.
async fn after_writing(
    writers: Writers,
    installation: &Installation,
    before: Duration,
    lasting: Duration,
) -> Fallible<f64> {
    writers.write(&installation.ledger, &installation.firms, before).await?;
    p99_ms(writers, installation, lasting).await
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

/// What is measured beside a snapshot that is opened first: what it keeps from being tidied up comes from those who write
/// meanwhile.
async fn beside_a_snapshot<T>(installation: &Installation, measured: impl Future<Output = Fallible<T>>) -> Fallible<T> {
    let mut snapshot = installation.owner().await?;
    // It is there from its first statement on.
    snapshot.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM ledger.ledger").await?;
    let measured = measured.await?;
    snapshot.close().await?;
    Ok(measured)
}
