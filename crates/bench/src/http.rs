//! Whole commands over HTTP: who is it, what is asked, decide, append, answer.

use crate::Fallible;
use crate::firm::Firm;
use crate::installation::Installation;
use crate::pace::{Beat, Pace};
use crate::report::{Aim, Figure};
use crate::session::{Session, sign_in};
use crate::suite::{ORGANIZATIONS, Suite};
use crate::wire::{Answer, Wire};
use futures::future::try_join_all;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// So many connections are kept open.
pub(crate) const CONNECTIONS: usize = 64;

/// A firm's admin who is signed in, and a client whose name they change.
#[derive(Clone, Debug)]
pub(crate) struct Admin {
    /// The client's address.
    client: String,
    session: Session,
}

pub(crate) async fn measure(suite: &mut Suite) -> Fallible<()> {
    let limit = suite.inserts_per_second(CONNECTIONS).await?;
    let young = suite.young().await?;
    let admins = Admin::sign_in(&young, &young.firms).await?;
    let node = young.serve().await?;
    young.settles().await?;
    // Each organization is met once: a node that has served for a while has them at hand.
    commands_per_second(node.address, &admins, Pace::Unbroken, suite.measured_for() / 2).await?;
    let rate = commands_per_second(node.address, &admins, Pace::Unbroken, suite.measured_for()).await?;
    let name = format!("command over HTTP, {CONNECTIONS} connections, {ORGANIZATIONS} organizations");
    suite.report.add(Figure::new(name, rate, "per second").beside(limit).aiming(Aim::AtLeast(0.8)))?;
    node.stop().await
}

/// How many commands are answered, of those that all connections send.
pub(crate) async fn commands_per_second(
    address: SocketAddr,
    admins: &Arc<Vec<Admin>>,
    pace: Pace,
    lasting: Duration,
) -> Fallible<f64> {
    let began = Instant::now();
    let sending = (0..CONNECTIONS).map(|connection| {
        let (admins, beat) = (admins.clone(), pace.beat(connection, CONNECTIONS, began));
        tokio::spawn(async move { send_until(address, &admins, connection, beat, began + lasting).await })
    });
    let mut sent = 0;
    for connection in try_join_all(sending).await? {
        sent += connection?;
    }
    Ok(sent as f64 / began.elapsed().as_secs_f64())
}

async fn send_until(
    address: SocketAddr,
    admins: &[Admin],
    connection: usize,
    mut beat: Beat,
    until: Instant,
) -> Fallible<usize> {
    let mut wire = Wire::to(address).await?;
    let mut sent = 0;
    while beat.wait().await < until {
        admins[(connection + sent * CONNECTIONS) % admins.len()].rename(&mut wire).await?;
        sent += 1;
    }
    Ok(sent)
}

impl Admin {
    /// The admins of these firms.
    pub(crate) async fn sign_in(installation: &Installation, firms: &[Firm]) -> Fallible<Arc<Vec<Self>>> {
        let people: Vec<_> = firms.iter().map(|firm| (firm.org, firm.admin.0)).collect();
        let sessions = sign_in(&mut installation.owner().await?, &installation.server_key()?, &people)
            .await?
            .into_iter()
            .zip(firms);
        let admin = |(session, firm): (_, &Firm)| Self { client: format!("/v1/clients/{}", firm.clients[0]), session };
        Ok(Arc::new(sessions.map(admin).collect()))
    }

    /// Calls the client otherwise.
    pub(crate) async fn rename(&self, wire: &mut Wire) -> Fallible<Answer> {
        let key = Uuid::now_v7();
        let headers = format!("{}Idempotency-Key: {key}\r\n", self.session.proof());
        let body = format!(r#"{{"name":"Client {}"}}"#, key.simple());
        wire.put(&format!("{}/name", self.client), &headers, &body).await?.done()
    }

    /// Reads the client, as it is at a position or later.
    pub(crate) async fn read(&self, wire: &mut Wire, position: &str) -> Fallible<Answer> {
        let headers = format!("{}Min-Position: {position}\r\n", self.session.cookie());
        wire.get(&self.client, &headers).await
    }
}
