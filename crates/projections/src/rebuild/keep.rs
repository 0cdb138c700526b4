//! What a node that serves does for rebuilds besides: it works on those that were asked for over HTTP, keeps what can still
//! be gone back to up to date, and takes away what no longer can.

use super::error::RebuildError;
use super::job;
use super::{RebuildReport, Rebuilds, nobody_watches};
use crate::engine::{Advance, step};
use crate::group::Group;
use crate::scope::Generation;
use countersign_domain::ids::OrgId;
use countersign_postgres::{scoped, spanning};
use std::time::Duration;
use tokio::time::sleep;
use uuid::Uuid;

/// Between two looks for what was asked for.
const LOOKS_EVERY: Duration = Duration::from_secs(2);
/// Between two rounds of what does not hurry: whoever goes back catches up first.
const TENDS_EVERY: Duration = Duration::from_secs(30);

impl Rebuilds {
    /// Does so, again and again, for as long as this is awaited.
    pub async fn keep(&self) {
        let working = async {
            loop {
                if let Err(error) = self.work_on_what_waits().await {
                    tracing::warn!(error = ?error, "rebuilds could not be looked for; trying again");
                }
                sleep(LOOKS_EVERY).await;
            }
        };
        let tending = async {
            loop {
                if let Err(error) = self.tend().await {
                    tracing::warn!(error = ?error, "what is kept of rebuilds was not tended; trying again");
                }
                sleep(TENDS_EVERY).await;
            }
        };
        tokio::join!(working, tending);
    }

    /// Works on what was asked for over HTTP: together, and where that fails each by itself, so that one that always fails
    /// holds up no other.
    pub async fn work_on_what_waits(&self) -> Result<(), RebuildError> {
        let waiting = job::find_waiting(self.pool(), &self.names()).await?;
        if waiting.is_empty() || self.work_on_in_silence(&waiting).await {
            return Ok(());
        }
        for id in job::find_waiting(self.pool(), &self.names()).await? {
            self.work_on_in_silence(&[id]).await;
        }
        Ok(())
    }

    /// Whether it was done; if not, the log says why.
    async fn work_on_in_silence(&self, ids: &[Uuid]) -> bool {
        match self.work_on(ids, &nobody_watches()).await {
            Ok(reports) => {
                for RebuildReport { group, generation, state, parked, .. } in reports {
                    tracing::info!(group, generation, ?state, parked = parked.len(), "a rebuild ended");
                }
                true
            }
            Err(error) => {
                tracing::error!(error = ?error, "a rebuild does not go on; trying again");
                false
            }
        }
    }

    /// Keeps up to date what can be gone back to, and takes away what nobody reads or keeps.
    pub async fn tend(&self) -> Result<(), RebuildError> {
        job::end_windows(self.pool()).await?;
        for group in self.names() {
            if self.under_way(group).await?.is_none() {
                self.clear(group).await?;
            }
        }
        if job::find_kept(self.pool()).await?.is_empty() {
            return Ok(());
        }
        let mut transaction = spanning(self.pool()).await?;
        let behind = sqlx::query!(
            r#"SELECT org_id AS "org_id!", "group" AS "group!", generation AS "generation!" FROM read.kept_behind()"#
        )
        .fetch_all(&mut *transaction)
        .await?;
        transaction.commit().await?;
        for row in behind {
            // A group that only another build knows is that one's to keep.
            let Some(group) = self.groups.iter().find(|group| group.name == row.group) else { continue };
            let of = Generation { org: OrgId(row.org_id), number: row.generation };
            if let Err(error) = self.follow(group, of).await {
                tracing::warn!(error = ?error, org = %of.org, group = group.name, "rows that are kept were not followed");
            }
        }
        Ok(())
    }

    async fn follow(&self, group: &Group, of: Generation) -> Result<(), RebuildError> {
        loop {
            let transaction = scoped(self.pool(), of.org).await?;
            if !matches!(step(transaction, &self.ledger, group, of).await?.became, Advance::To(_)) {
                return Ok(());
            }
        }
    }
}
