//! What the rows share: one server, and what is made on it when the first row needs it.

use crate::Fallible;
use crate::arguments::Arguments;
use crate::installation::Installation;
use crate::limit;
use crate::report::{Figure, Report};
use crate::server::{self, Server};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// Among so many organizations the append is measured.
pub(crate) const ORGANIZATIONS: usize = 1_000;

/// One run.
pub(crate) struct Suite {
    pub(crate) arguments: Arguments,
    pub(crate) report: Report,
    /// Firms in which hardly anything has happened yet.
    young: Option<Arc<Installation>>,
    /// Firms with a history, made up.
    grown: Option<Arc<Installation>>,
    /// What pgbench came to, by its clients.
    inserts: HashMap<usize, f64>,
    /// Ends when all that stands on it is gone.
    server: Server,
}

impl Suite {
    pub(crate) async fn start(arguments: Arguments) -> Fallible<Self> {
        let server = server::start()?;
        eprintln!("bench: Postgres {}, {:?} a figure", server.major(), arguments.measured_for());
        let (report, inserts) = (Report::default(), HashMap::new());
        Ok(Self { arguments, report, young: None, grown: None, inserts, server })
    }

    /// For how long each figure is measured.
    pub(crate) fn measured_for(&self) -> Duration {
        self.arguments.measured_for()
    }

    /// A thousand firms with one client each, just registered.
    pub(crate) async fn young(&mut self) -> Fallible<Arc<Installation>> {
        if self.young.is_none() {
            eprintln!("bench: registering {ORGANIZATIONS} organizations");
            let young = Installation::registered(&self.server, "young", ORGANIZATIONS).await?;
            limit::prepare(&young).await?;
            self.young = Some(Arc::new(young));
        }
        Ok(self.young.clone().expect("the firms were just registered"))
    }

    /// Firms with as much history as was asked for.
    pub(crate) async fn grown(&mut self) -> Fallible<Arc<Installation>> {
        if self.grown.is_none() {
            let (events, organizations) = (self.arguments.events, self.arguments.organizations());
            let grown = Installation::generated(&self.server, "grown", events, organizations).await?;
            self.grown = Some(Arc::new(grown));
        }
        Ok(self.grown.clone().expect("the histories were just made up"))
    }

    /// Firms with a history of their own size, made up.
    pub(crate) async fn made_up(&self, name: &str, events: u64, organizations: u32) -> Fallible<Installation> {
        Installation::generated(&self.server, name, events, organizations).await
    }

    /// What the server does by itself with so many clients, measured once a run.
    pub(crate) async fn inserts_per_second(&mut self, clients: usize) -> Fallible<f64> {
        if let Some(rate) = self.inserts.get(&clients) {
            return Ok(*rate);
        }
        let young = self.young().await?;
        let rate = limit::inserts_per_second(&self.server, &young, clients, self.measured_for()).await?;
        self.inserts.insert(clients, rate);
        let who = if clients == 1 { "client" } else { "clients" };
        self.report.add(Figure::new(format!("pgbench single-row INSERT, {clients} {who}"), rate, "per second"))?;
        Ok(rate)
    }
}
