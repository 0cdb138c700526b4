//! How long an append takes at worst, as people meet it, while something else goes on: a full rebuild, or a snapshot that
//! somebody has open since long ago.

use crate::Fallible;
use crate::installation::Installation;
use crate::pace::Pace;
use crate::report::{Aim, Figure};
use crate::suite::Suite;
use crate::writers::Writers;
use sqlx::{Connection, Executor, PgConnection};
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
    let during = format!("append p99, {WRITERS} writers at half load");

    let calm = p99_ms(writers, &grown, lasting).await?;
    suite.report.add(Figure::new(format!("{during}, nothing else"), calm, "ms"))?;
    let busy = during_rebuilds(&grown, p99_ms(writers, &grown, lasting)).await?;
    let figure = Figure::new(format!("{during}, while everything is rebuilt"), busy, "ms");
    suite.report.add(figure.beside(calm).aiming(Aim::AtMost(1.5)))?;

    let calm = p99_ms(writers, &grown, lasting).await?;
    suite.report.add(Figure::new(format!("{during}, nothing else, again"), calm, "ms"))?;
    let age = suite.arguments.snapshot_age;
    let mut snapshot = grown.owner().await?;
    open_snapshot(&mut snapshot).await?;
    // What it keeps from being tidied up comes from those who write meanwhile.
    writers.write(&grown.ledger, &grown.firms, age).await?;
    let busy = p99_ms(writers, &grown, lasting).await?;
    let figure = Figure::new(format!("{during}, beside a snapshot that is {age:?} old"), busy, "ms");
    suite.report.add(figure.beside(calm).aiming(Aim::AtMost(1.5)))?;
    Ok(snapshot.close().await?)
}

async fn p99_ms(writers: Writers, installation: &Installation, lasting: Duration) -> Fallible<f64> {
    Ok(writers.write(&installation.ledger, &installation.firms, lasting).await?.latencies.p99_ms()?)
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

/// It is there from its first statement on.
async fn open_snapshot(connection: &mut PgConnection) -> Fallible<()> {
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM ledger.ledger").await?;
    Ok(())
}
