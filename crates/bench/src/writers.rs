//! Writers that send one command after the other, each waiting for its durable answer.

use crate::firm::{Firm, execute};
use countersign_domain::envelope::Actor;
use countersign_domain::use_cases::clients::rename_client;
use countersign_domain::values::Label;
use countersign_eventstore::Ledger;
use futures::future::join_all;
use std::error::Error;
use std::time::{Duration, Instant};

/// To whom the commands go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Load {
    /// Each to another organization.
    Spread,
    /// All to the same organization.
    One,
}

impl Load {
    pub(crate) fn name(self, writers: usize) -> String {
        match self {
            Self::Spread => format!("durable append, {writers} writers, 1,000 organizations"),
            Self::One => format!("durable append, {writers} writers, one organization"),
        }
    }

    /// The ratio to the limit that is aimed at, where one is.
    pub(crate) fn aim(self, writers: usize) -> Option<f64> {
        match (self, writers) {
            (Self::Spread, 64) => Some(2.5),
            (Self::One, 64) => Some(3.0),
            (Self::One, 1) => Some(0.8),
            (Self::Spread | Self::One, _) => None,
        }
    }
}

pub(crate) async fn commands_per_second(
    ledger: &Ledger,
    firms: &[Firm],
    load: Load,
    writers: usize,
    seconds: u64,
) -> Result<f64, Box<dyn Error>> {
    let began = Instant::now();
    let until = began + Duration::from_secs(seconds);
    let writing = (0..writers).map(|writer| {
        let (ledger, firms) = (ledger.clone(), firms.to_vec());
        tokio::spawn(async move {
            write_until(&ledger, &firms, load, writer, writers, until).await.map_err(|error| error.to_string())
        })
    });
    let mut written = 0;
    for writer in join_all(writing).await {
        written += writer??;
    }
    Ok(written as f64 / began.elapsed().as_secs_f64())
}

async fn write_until(
    ledger: &Ledger,
    firms: &[Firm],
    load: Load,
    writer: usize,
    writers: usize,
    until: Instant,
) -> Result<u64, Box<dyn Error>> {
    let mut written = 0;
    while Instant::now() < until {
        let turn = written as usize;
        let (firm, client) = match load {
            Load::Spread => {
                let firm = &firms[1 + (writer + turn * writers) % (firms.len() - 1)];
                (firm, firm.clients[0])
            }
            Load::One => (&firms[0], firms[0].clients[writer]),
        };
        let name = Label::parse(&format!("Client {} of {}", turn, uuid::Uuid::now_v7().simple()))?;
        execute(ledger, firm.org, Actor::Staff(firm.admin), rename_client(client, name)).await?;
        written += 1;
    }
    Ok(written)
}
