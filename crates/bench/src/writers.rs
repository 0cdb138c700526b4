//! Writers that send one command after the other, each waiting for its durable answer.

use crate::Fallible;
use crate::firm::{Firm, execute};
use crate::latencies::Latencies;
use crate::pace::{Beat, Pace};
use countersign_domain::envelope::Actor;
use countersign_domain::use_cases::clients::rename_client;
use countersign_domain::values::Label;
use countersign_eventstore::Ledger;
use futures::future::try_join_all;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// To whom the commands go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Load {
    /// Each to another organization.
    Spread,
    /// All to the same organization.
    One,
}

/// Those who write together, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Writers {
    pub(crate) count: usize,
    pub(crate) load: Load,
    pub(crate) pace: Pace,
}

/// What they came to.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) per_second: f64,
    pub(crate) latencies: Latencies,
}

impl Writers {
    /// Each to another organization, each sending as soon as the last answer has come.
    pub(crate) fn spread(count: usize) -> Self {
        Self { count, load: Load::Spread, pace: Pace::Unbroken }
    }

    /// They write for so long.
    pub(crate) async fn write(self, ledger: &Ledger, firms: &[Firm], lasting: Duration) -> Fallible<Written> {
        let began = Instant::now();
        let writing = (0..self.count).map(|writer| {
            let (ledger, firms) = (ledger.clone(), firms.to_vec());
            let beat = self.pace.beat(writer, self.count, began);
            tokio::spawn(async move { self.write_as(writer, &ledger, &firms, beat, began + lasting).await })
        });
        let mut latencies = Latencies::default();
        for written in try_join_all(writing).await? {
            latencies.extend(written?);
        }
        Ok(Written { per_second: latencies.len() as f64 / began.elapsed().as_secs_f64(), latencies })
    }

    async fn write_as(
        self,
        writer: usize,
        ledger: &Ledger,
        firms: &[Firm],
        mut beat: Beat,
        until: Instant,
    ) -> Fallible<Latencies> {
        let mut latencies = Latencies::default();
        while Instant::now() < until {
            let turn = latencies.len();
            let (firm, client) = match self.load {
                Load::Spread => {
                    let firm = &firms[(writer + turn * self.count) % firms.len()];
                    (firm, firm.clients[0])
                }
                Load::One => (&firms[0], firms[0].clients[writer % firms[0].clients.len()]),
            };
            let name = Label::parse(&format!("Client {turn} of {}", Uuid::now_v7().simple()))?;
            let since = beat.wait().await;
            execute(ledger, firm.org, Actor::Staff(firm.admin), rename_client(client, name)).await?;
            latencies.push(since.elapsed());
        }
        Ok(latencies)
    }
}
