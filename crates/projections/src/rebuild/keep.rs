//! What a node that serves does for rebuilds besides: it works on those that were asked for over HTTP, keeps what can still
//! be gone back to up to date, and takes away what no longer can.

use super::error::RebuildError;
use super::job;
use super::{Rebuilds, nobody_watches};
use crate::engine::{Advance, step};
use crate::scope::Generation;
use countersign_domain::ids::OrgId;
use countersign_postgres::{scoped, spanning};
use std::time::Duration;
use tokio::time::sleep;

/// Between two rounds.
const EVERY: Duration = Duration::from_secs(2);

impl Rebuilds {
    /// Does so, again and again, for as long as this is awaited.
    pub async fn keep(&self) {
        loop {
            if let Err(error) = self.keep_once().await {
                tracing::warn!(error = ?error, "what there is to be done for rebuilds was not done; trying again");
            }
            sleep(EVERY).await;
        }
    }

    /// Does so once.
    pub async fn keep_once(&self) -> Result<(), RebuildError> {
        let waiting = job::find_waiting(self.pool()).await?;
        if !waiting.is_empty() {
            for report in self.work_on(&waiting, &nobody_watches()).await? {
                tracing::info!(group = report.group, generation = report.generation, state = ?report.state, "rebuilt");
            }
        }
        for group in job::end_windows(self.pool(), None).await? {
            self.clear(&group).await?;
        }
        self.follow_what_is_kept().await
    }

    async fn follow_what_is_kept(&self) -> Result<(), RebuildError> {
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
            loop {
                let transaction = scoped(self.pool(), of.org).await?;
                if !matches!(step(transaction, &self.ledger, group, of).await?.became, Advance::To(_)) {
                    break;
                }
            }
        }
        Ok(())
    }
}
