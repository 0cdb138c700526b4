//! Every organization, one after the other: its ledger, its keys, its rows.

use crate::database::Database;
use crate::doctor::tally::Tally;
use crate::doctor::{Depth, Finding, Wanted};
use crate::failure::{Failure, with_causes};
use crate::keys::existing_master_key;
use crate::progress::Progress;
use countersign_domain::ids::OrgId;
use countersign_domain::values::Slug;
use countersign_eventstore::{KeyError, Ledger, LedgerOptions, StoreError, SystemClock, Vault, inspection};
use countersign_identity::Identity;
use countersign_postgres::{scoped, spanning};
use countersign_projections::{Rebuilds, groups, nobody_watches, org_states};
use indicatif::ProgressBar;
use sqlx::PgPool;
use std::collections::HashMap;
use std::sync::Arc;

/// How many events one look takes.
const PAGE: u32 = 1_000;
/// How many of the oldest events, and of the newest, stand for a ledger.
const SAMPLE: u32 = 100;

/// How the organizations are gone through.
struct Round<'a> {
    pool: &'a PgPool,
    vault: Option<Vault>,
    /// Who compares rows with what the ledgers come to, where everything is looked at and keys can be opened.
    rebuilds: Option<Rebuilds>,
    depth: Depth,
    /// The last position that the feed has told of each ledger.
    told: HashMap<OrgId, u64>,
    bar: ProgressBar,
}

pub(super) async fn look(
    database: &Database,
    wanted: &Wanted<'_>,
    progress: &Progress,
) -> Result<Vec<Finding>, Failure> {
    let pool = database.pool();
    // The feed first: heads that are read later are as far, or further.
    let failed = |error: StoreError| Failure::say(format!("the ledgers could not be read: {}", with_causes(&error)));
    let mut transaction = spanning(pool).await.map_err(|error| failed(error.into()))?;
    let told = inspection::told(&mut transaction).await.map_err(failed)?;
    transaction.commit().await.map_err(|error| failed(error.into()))?;
    let mut transaction = spanning(pool).await.map_err(|error| failed(error.into()))?;
    let mut heads = inspection::heads(&mut transaction).await.map_err(failed)?;
    transaction.commit().await.map_err(|error| failed(error.into()))?;
    if let Some(slug) = wanted.org {
        let only = organization_named(database, wanted, slug).await?;
        heads.retain(|(org, _)| *org == only);
    }

    let events = heads.iter().map(|(_, head)| wanted.depth.of(*head)).sum();
    // A wrong key is told by the check of its own.
    let master = existing_master_key(&wanted.place.data_dir).ok().flatten();
    let vault = master.map(|master| Vault::new(pool.clone(), master));
    let rebuilds = vault.clone().filter(|_| wanted.depth == Depth::Everything).map(|vault| {
        let ledger = Ledger::start(pool.clone(), vault, Arc::new(SystemClock), LedgerOptions::default());
        Rebuilds::new(ledger, Arc::new(groups()))
    });
    let round = Round { pool, vault, rebuilds, depth: wanted.depth, told, bar: progress.over("looking", events) };
    let mut found = Tally::default();
    for (org, _) in heads {
        found.organizations += 1;
        if let Err(error) = round.visit(org, &mut found).await {
            found.unread.add(format!("organization {org}: {}", with_causes(&error)));
        }
    }
    round.bar.finish_and_clear();
    Ok(found.tell(wanted.depth))
}

async fn organization_named(database: &Database, wanted: &Wanted<'_>, slug: &Slug) -> Result<OrgId, Failure> {
    let found = Identity::find_in(database.pool(), slug).await;
    let found = found.map_err(|error| Failure::because("the organization could not be looked up", error))?;
    found.ok_or_else(|| {
        let place = wanted.place.data_dir.display();
        Failure::say(format!("there is no organization named {slug} in the database of {place}"))
    })
}

impl Depth {
    /// How many events are read of a ledger with so many.
    fn of(self, head: u64) -> u64 {
        match self {
            Self::Sample => head.min(2 * u64::from(SAMPLE)),
            Self::Everything => head,
        }
    }
}

impl Round<'_> {
    async fn visit(&self, org: OrgId, found: &mut Tally) -> Result<(), StoreError> {
        let head = self.extent(org, found).await?;
        self.events(org, head, found).await?;
        self.commands(org, found).await?;
        self.keys(org, head, found).await?;
        let states = org_states(self.pool, org).await?;
        states.iter().for_each(|state| found.stands(org, head, state));
        found.reads(org, &states);
        self.rows(org, found).await;
        Ok(())
    }

    /// Whether rows are what the ledger comes to, up to where they are.
    async fn rows(&self, org: OrgId, found: &mut Tally) {
        let Some(rebuilds) = &self.rebuilds else { return };
        let names: Vec<String> = rebuilds.names().into_iter().map(str::to_owned).collect();
        match rebuilds.check(&names, Some(org), &nobody_watches()).await {
            Ok(checked) => {
                found.compared += checked.len();
                for one in checked.iter().filter(|one| !one.agrees()) {
                    found.strayed.add(format!("{} of organization {org}", one.group));
                }
            }
            Err(error) => found.unread.add(format!("rows of organization {org}: {}", with_causes(&error))),
        }
    }

    /// Whether the ledger is whole, as far as counting tells; its head.
    async fn extent(&self, org: OrgId, found: &mut Tally) -> Result<u64, StoreError> {
        let mut transaction = scoped(self.pool, org).await?;
        let extent = inspection::extent(&mut transaction, org).await?;
        if extent.events != extent.head {
            let missing = inspection::first_gap(&mut transaction, org).await?.unwrap_or(extent.head);
            found.gaps.add(format!("position {missing} of organization {org} is missing"));
        }
        transaction.commit().await?;
        if let Some(told) = self.told.get(&org).filter(|told| **told > extent.head) {
            found.gaps.add(format!("the ledger of organization {org} ends at {}, and {told} was told", extent.head));
        }
        Ok(extent.head)
    }

    async fn events(&self, org: OrgId, head: u64, found: &mut Tally) -> Result<(), StoreError> {
        match self.depth {
            Depth::Everything => {
                let mut position = Some(0);
                while let Some(after) = position {
                    position = self.stretch(org, after, PAGE, found).await?;
                }
            }
            Depth::Sample => {
                let oldest = self.stretch(org, 0, SAMPLE, found).await?.unwrap_or(0);
                let newest = head.saturating_sub(u64::from(SAMPLE)).max(oldest);
                self.stretch(org, newest, SAMPLE, found).await?;
            }
        }
        Ok(())
    }

    /// The events after a position; the last one's position, if there was any.
    async fn stretch(&self, org: OrgId, after: u64, limit: u32, found: &mut Tally) -> Result<Option<u64>, StoreError> {
        let mut transaction = scoped(self.pool, org).await?;
        let stretch = inspection::inspect(&mut transaction, org, after, limit).await?;
        transaction.commit().await?;
        let read = stretch.leaves.len() as u64;
        found.events_read += read;
        self.bar.inc(read);
        for fault in stretch.faults {
            // What is missing was counted.
            if fault.what != inspection::Wrong::Missing {
                found.changed.add(format!("{fault} (organization {org})"));
            }
        }
        Ok(stretch.last)
    }

    async fn commands(&self, org: OrgId, found: &mut Tally) -> Result<(), StoreError> {
        let limit = match self.depth {
            Depth::Sample => SAMPLE,
            Depth::Everything => PAGE,
        };
        let mut last = None;
        loop {
            let mut transaction = scoped(self.pool, org).await?;
            let page = inspection::inspect_commands(&mut transaction, org, last, limit).await?;
            transaction.commit().await?;
            found.commands_read += page.looked_at as u64;
            page.unfounded.iter().for_each(|command| found.unfounded.add(format!("{command} of organization {org}")));
            last = page.last;
            if self.depth == Depth::Sample || page.looked_at < limit as usize {
                return Ok(());
            }
        }
    }

    async fn keys(&self, org: OrgId, head: u64, found: &mut Tally) -> Result<(), StoreError> {
        let Some(vault) = &self.vault else { return Ok(()) };
        match vault.opens(org).await {
            Ok(false) if head > 0 => found.keyless.add(org.to_string()),
            Ok(_) => {}
            Err(KeyError::WrongMasterKey) => found.shut.add(org.to_string()),
            Err(error @ (KeyError::Database(_) | KeyError::NotAMasterKey)) => return Err(error.into()),
        }
        Ok(())
    }
}
