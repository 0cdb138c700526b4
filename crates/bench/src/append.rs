//! Durable commands through the store's own interface: decide, seal, append, answer.

use crate::Fallible;
use crate::pace::Pace;
use crate::report::{Aim, Figure};
use crate::suite::{ORGANIZATIONS, Suite};
use crate::writers::{Load, Writers};

pub(crate) async fn measure(suite: &mut Suite) -> Fallible<()> {
    let young = suite.young().await?;
    for count in suite.arguments.writers.clone() {
        let count = count.get();
        let limit = suite.inserts_per_second(count).await?;
        for load in [Load::Spread, Load::One] {
            let writers = Writers { count, load, pace: Pace::Unbroken };
            let written = writers.write(&young.ledger, &young.firms, suite.measured_for()).await?;
            let figure = Figure::new(name(writers), written.per_second, "per second");
            suite.report.add(figure.beside(limit).aiming(aim(writers)))?;
        }
    }
    Ok(())
}

fn name(Writers { count, load, .. }: Writers) -> String {
    let writers = if count == 1 { "writer" } else { "writers" };
    match load {
        Load::Spread => format!("durable append, {count} {writers}, {ORGANIZATIONS} organizations"),
        Load::One => format!("durable append, {count} {writers}, one organization"),
    }
}

/// The ratio to the limit that is aimed at, where one is.
fn aim(Writers { count, load, .. }: Writers) -> Option<Aim> {
    match (load, count) {
        (Load::Spread, 64) => Some(Aim::AtLeast(2.5)),
        (Load::One, 64) => Some(Aim::AtLeast(3.0)),
        (Load::One, 1) => Some(Aim::AtLeast(0.8)),
        (Load::Spread | Load::One, _) => None,
    }
}
