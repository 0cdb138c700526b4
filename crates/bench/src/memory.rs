//! What a node takes of the machine's memory over a large history, of whose organizations few are active.

use crate::Fallible;
use crate::http::{Admin, commands_per_second};
use crate::pace::Pace;
use crate::report::{Aim, Figure};
use crate::suite::Suite;

/// So many organizations in a hundred do something.
const ACTIVE_PERCENT: usize = 1;
/// So much is done in each of them in a second: what one person may send at most, half of it.
const COMMANDS_PER_SECOND: f64 = 50.0;

pub(crate) async fn measure(suite: &mut Suite) -> Fallible<()> {
    let grown = suite.grown().await?;
    let active = (grown.firms.len() * ACTIVE_PERCENT).div_ceil(100);
    let admins = Admin::sign_in(&grown, &grown.firms[..active]).await?;
    let node = grown.serve().await?;
    grown.settles().await?;
    let pace = Pace::PerSecond(active as f64 * COMMANDS_PER_SECOND);
    commands_per_second(node.address, &admins, pace, suite.measured_for() * 2).await?;
    let mib = node.most_memory()? as f64 / f64::from(1 << 20);
    node.stop().await?;
    let (events, organizations) = (suite.arguments.events, grown.firms.len());
    let name = format!(
        "memory of countersign serve at its most, {events} events, {organizations} organizations, {ACTIVE_PERCENT} % active"
    );
    suite.report.add(Figure::new(name, mib, "MiB").aiming(Aim::Below(200.0)))
}
