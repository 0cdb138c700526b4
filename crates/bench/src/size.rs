//! Whether a ledger with a long history takes events as fast as one with hardly any.

use crate::Fallible;
use crate::installation::Installation;
use crate::report::{Aim, Figure};
use crate::suite::Suite;
use crate::writers::Writers;

const WRITERS: usize = 64;
const FEW_EVENTS: u64 = 10_000;
/// Those who write to the large ledger write to as many organizations as those who write to the small one.
const ORGANIZATIONS: usize = 250;
/// The two take turns, so that a machine that is slow for a while is so for both.
const TURNS: u32 = 4;

pub(crate) async fn measure(suite: &mut Suite) -> Fallible<()> {
    let large = suite.grown().await?;
    let organizations = ORGANIZATIONS.min(large.firms.len());
    let small = suite.made_up("small", FEW_EVENTS, u32::try_from(organizations)?).await?;
    let (mut many, mut few) = (0.0, 0.0);
    for turn in 0..=TURNS {
        let of_many = appends_per_second(suite, &large, organizations).await?;
        let of_few = appends_per_second(suite, &small, organizations).await?;
        // In the first one, streams that nobody has at hand are loaded.
        if turn > 0 {
            many += of_many / f64::from(TURNS);
            few += of_few / f64::from(TURNS);
        }
    }
    let events = suite.arguments.events;
    let name = format!("durable append, {WRITERS} writers, {FEW_EVENTS} events in the ledgers");
    suite.report.add(Figure::new(name, few, "per second"))?;
    let name = format!("durable append, {WRITERS} writers, {events} events in the ledgers");
    suite.report.add(Figure::new(name, many, "per second").beside(few).aiming(Aim::AtLeast(0.9)))
}

async fn appends_per_second(suite: &Suite, installation: &Installation, organizations: usize) -> Fallible<f64> {
    // Evenly over all of them: their order says nothing of their sizes.
    let firms = &installation.firms[..organizations];
    let written = Writers::spread(WRITERS).write(&installation.ledger, firms, suite.measured_for() / 2).await?;
    Ok(written.per_second)
}
