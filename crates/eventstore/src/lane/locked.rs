//! An organization that is taken under its ledger's lock, because others were faster too often.

use super::Lane;
use super::turn::Pause;
use crate::batch::{OrgBatch, append_within};
use crate::connection::within_limit;
use crate::lane_load::Errand;
use crate::measure;
use countersign_domain::ids::OrgId;
use countersign_postgres::fault;
use sqlx::{Postgres, Transaction};

/// How many organizations a lane takes under their locks at a time: each holds a connection.
const LOCKS_AT_A_TIME: usize = 2;

impl Lane {
    /// Has an organization taken under its lock when it is its turn; nothing of it is decided until then.
    pub(super) fn send_for_lock(&mut self, id: OrgId) {
        let Some(org) = self.orgs.get_mut(&id) else { return };
        if self.locks == LOCKS_AT_A_TIME {
            org.away = true;
            self.for_lock.push_back(id);
            return;
        }
        let head = org.known.as_ref().map_or(0, |known| known.head);
        self.locks += 1;
        self.send(id, Errand::Lock { head });
    }

    /// An organization is no longer taken under its lock: the next one's turn.
    pub(super) fn lock_is_over(&mut self) {
        self.locks -= 1;
        while self.locks < LOCKS_AT_A_TIME
            && let Some(next) = self.for_lock.pop_front()
        {
            self.send_for_lock(next);
        }
    }

    /// Decides and appends with the ledger's lock held: nobody can move it any more.
    pub(super) async fn run_under_lock(&mut self, id: OrgId, transaction: Transaction<'static, Postgres>) {
        let pause = self.decide(id);
        match (self.next.take(id), pause) {
            (Some(part), _) => self.commit_under_lock(part, transaction).await,
            (None, Pause::Needs(streams, people)) => {
                let head = self.known_head(id);
                if people.is_empty() {
                    // The lock stays held: this organization's turn is not over.
                    return self.send(id, Errand::FetchUnderLock { transaction, streams, head });
                }
                // Keys must be stored before anything is sealed with them, in a transaction that is not this one. The
                // organization comes back to the lock with them if it still must.
                drop(transaction);
                self.send(id, Errand::Fetch { streams, people, head });
            }
            // There may have been no room for any of it.
            (None, Pause::None) => drop(transaction),
        }
        self.schedule(id);
        self.lock_is_over();
    }

    async fn commit_under_lock(&mut self, part: OrgBatch, mut transaction: Transaction<'static, Postgres>) {
        let batch = [part];
        let call = within_limit(append_within(&mut transaction, &batch));
        let appended = measure::appending(&batch, call).await;
        let committed = match appended {
            Ok(answers) => within_limit(async { Ok(transaction.commit().await?) }).await.map(|()| answers),
            Err(error) => Err(error),
        };
        let [part] = batch;
        match committed {
            Ok(answers) => {
                fault::reached("batch.committed").await;
                self.settle(vec![part], answers);
            }
            Err(error) => self.refused_by_database(part, &error),
        }
    }
}
