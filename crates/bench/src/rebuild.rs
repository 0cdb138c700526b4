//! Read models built anew, by the command that operators use.

use crate::Fallible;
use crate::report::{Aim, Figure};
use crate::suite::Suite;
use crate::summary;

/// The group that stands for one: about a row for each stream, as the summary has that it is measured against.
const ONE: &str = "portal";

pub(crate) async fn measure(suite: &mut Suite) -> Fallible<()> {
    let grown = suite.grown().await?;
    let mut owner = grown.owner().await?;
    let events = summary::count(&mut owner).await? as f64;
    let limit = events / summary::fold(&mut owner).await?.as_secs_f64();
    let name = "hand-written batched upsert of one summary row per stream";
    suite.report.add(Figure::new(name, limit, "per second"))?;
    for (what, aim) in [("--all", 0.5), (ONE, 1.0)] {
        let took = grown.run(&["rebuild", what, "--json"]).await?.as_secs_f64();
        let name = format!("countersign rebuild {what}, {events:.0} events");
        suite.report.add(Figure::new(name, events / took, "per second").beside(limit).aiming(Aim::AtLeast(aim)))?;
    }
    Ok(())
}
