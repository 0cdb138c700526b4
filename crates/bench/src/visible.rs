//! How long it takes until an event that was answered is in the rows that people read.

use crate::Fallible;
use crate::http::{Admin, CONNECTIONS, commands_per_second};
use crate::latencies::Latencies;
use crate::pace::{Beat, Pace};
use crate::report::{Aim, Figure};
use crate::suite::Suite;
use crate::wire::Wire;
use futures::future::try_join_all;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Every so manieth command is looked for: reading shares the cores with what it looks at.
const LOOKED_FOR: usize = 8;

pub(crate) async fn measure(suite: &mut Suite) -> Fallible<()> {
    let young = suite.young().await?;
    let admins = Admin::sign_in(&young, &young.firms).await?;
    let node = young.serve().await?;
    young.settles().await?;
    let most = commands_per_second(node.address, &admins, Pace::Unbroken, suite.measured_for()).await?;
    young.settles().await?;
    let pace = Pace::PerSecond(most / 2.0);
    // The first half of the time is the rows' own: what was cold is warm when it counts.
    waits(node.address, &admins, pace, suite.measured_for() / 2).await?;
    let waits = waits(node.address, &admins, pace, suite.measured_for()).await?;
    let (looked_for, a_second, half_ms) = (waits.len(), most / 2.0, waits.within_ms(50)?);
    eprintln!("bench: {looked_for} events were looked for at {a_second:.0} commands a second, half in {half_ms:.1} ms");
    let name = "event answered to visible in its read model, p99, at half load";
    suite.report.add(Figure::new(name, waits.within_ms(99)?, "ms").aiming(Aim::Below(20.0)))?;
    node.stop().await
}

/// How long readers wait who name the position of what was just answered.
async fn waits(address: SocketAddr, admins: &Arc<Vec<Admin>>, pace: Pace, lasting: Duration) -> Fallible<Latencies> {
    let began = Instant::now();
    let looking = (0..CONNECTIONS).map(|connection| {
        let (admins, beat) = (admins.clone(), pace.beat(connection, CONNECTIONS, began));
        tokio::spawn(async move { look_until(address, &admins, connection, beat, began + lasting).await })
    });
    let mut waits = Latencies::default();
    for looked in try_join_all(looking).await? {
        waits.extend(looked?);
    }
    Ok(waits)
}

async fn look_until(
    address: SocketAddr,
    admins: &[Admin],
    connection: usize,
    mut beat: Beat,
    until: Instant,
) -> Fallible<Latencies> {
    let (mut wire, mut waits) = (Wire::to(address).await?, Latencies::default());
    for turn in 0.. {
        if beat.wait().await >= until {
            break;
        }
        let admin = &admins[(connection + turn * CONNECTIONS) % admins.len()];
        let position = admin.rename(&mut wire).await?.position.ok_or("a command was answered without its position")?;
        if (turn + connection).is_multiple_of(LOOKED_FOR) {
            let answered = Instant::now();
            // Whoever waited for two seconds is turned away, and has waited for two seconds.
            admin.read(&mut wire, &position).await?;
            waits.push(answered.elapsed());
        }
    }
    Ok(waits)
}
