//! Read models built anew beside those that are read, and put in their place whole.
//!
//! A rebuild is a job (`job`) that outlives whoever works on it. It folds every ledger in memory into tables apart from
//! those that are read (`backfill`), gives them their indexes and makes them a new generation of the group, follows the
//! ledgers in it, and then, organization by organization and with the ledger held still for a moment, puts the readers
//! over (`cut_over`). The generation before is kept up to date for a while, and readers can be put back to it. What is
//! read can be compared with what the ledger comes to at any time (`check`).

mod access;
mod backfill;
mod built;
mod check;
pub(crate) mod copy;
mod cut_over;
mod error;
mod give_way;
mod job;
mod keep;
mod replay;
mod standing;
mod work;

pub use access::ACCESS;
pub use check::{Checked, Difference, InWhat};
pub use error::RebuildError;
pub use job::{Rebuild, RebuildState, Wanted, Workers};
pub use standing::{HowFar, ParkedOrganization};
pub use work::RebuildReport;

use crate::group::Group;
use built::Built;
use countersign_domain::ids::OrgId;
use countersign_eventstore::Ledger;
use give_way::GivesWay;
use sqlx::PgPool;
use std::sync::Arc;
use std::thread::available_parallelism;
use tokio::time::Instant;
use uuid::Uuid;

/// One check compares organizations with so many events together, in one snapshot.
const EVENTS_CHECKED_AT_A_TIME: u64 = 50_000;
/// And so many of them at most.
const ORGS_CHECKED_AT_A_TIME: usize = 100;
/// How many rebuilds are listed.
const LISTED: i64 = 100;

/// What is told of work that takes its time, to whoever watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// Ledgers with so many events are to be folded.
    Begun {
        /// How many.
        events: u64,
    },
    /// So many of them have been.
    Folded {
        /// How many.
        events: u64,
    },
    /// So many events were taken over that came meanwhile.
    Followed {
        /// How many.
        events: u64,
    },
    /// A rebuild is at something else now.
    Entered {
        /// Of which group.
        group: String,
        /// At what.
        state: RebuildState,
    },
    /// An organization's readers are on the new generation, or back.
    PutOver {
        /// In which group.
        group: String,
        /// Whose.
        org: OrgId,
    },
}

/// Whoever watches.
pub type Progress = Arc<dyn Fn(Told) + Send + Sync>;

/// Nobody watches.
pub fn nobody_watches() -> Progress {
    Arc::new(|_| ())
}

/// Somebody who rebuilds: a command line, or a node that serves. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Rebuilds {
    ledger: Ledger,
    groups: Arc<Vec<Group>>,
    /// Who this is, to the others.
    worker: Uuid,
    /// How much is done at once.
    abreast: usize,
    /// Nobody where it was said how much is to be done at once.
    gives_way: Option<Arc<GivesWay>>,
}

impl Rebuilds {
    /// Somebody who can rebuild these groups, and the access group, and gives way to people at work.
    pub fn new(ledger: Ledger, groups: Arc<Vec<Group>>) -> Self {
        // Half of the machine is left to the people at work.
        let abreast = available_parallelism().map_or(1, |cores| cores.get() / 2).clamp(1, 4);
        let gives_way = Some(Arc::new(GivesWay::new(ledger.reader().pool().clone())));
        Self { ledger, groups, worker: Uuid::now_v7(), abreast, gives_way }
    }

    /// The same with so much done at once, without giving way to anybody: it is faster, and people at work wait longer.
    pub fn abreast(self, abreast: usize) -> Self {
        Self { abreast: abreast.max(1), gives_way: None, ..self }
    }

    /// A step that began then is over; nothing is held that others may wait for.
    async fn give_way(&self, since: Instant) {
        if let Some(gives_way) = &self.gives_way {
            gives_way.after(since.elapsed()).await;
        }
    }

    pub(crate) fn pool(&self) -> &PgPool {
        self.ledger.reader().pool()
    }

    pub(crate) fn built(&self, name: &str) -> Result<Built<'_>, RebuildError> {
        Built::named(name, &self.groups).ok_or_else(|| {
            let known = self.names().join(", ");
            RebuildError::UnknownGroup(name.to_owned(), known)
        })
    }

    /// Every group that can be built anew.
    pub fn names(&self) -> Vec<&'static str> {
        self.groups.iter().map(|group| group.name).chain([ACCESS]).collect()
    }

    /// Asks for a rebuild: somebody has to work on it then. What was kept of the one before is given up.
    ///
    /// # Errors
    ///
    /// Where there is no such group, or another rebuild of it is under way.
    pub async fn ask(&self, wanted: &Wanted) -> Result<Rebuild, RebuildError> {
        self.built(&wanted.group)?;
        let heads = self.ledger.reader().heads().await?;
        let is_known = |org: &OrgId| heads.iter().any(|(known, _)| known == org);
        if !wanted.only.iter().chain(&wanted.canaries).all(is_known) {
            return Err(RebuildError::UnknownOrganization);
        }
        if wanted.only.is_some_and(|only| wanted.canaries.iter().any(|canary| *canary != only)) {
            return Err(RebuildError::CanaryElsewhere);
        }
        if self.under_way(&wanted.group).await?.is_some() {
            return Err(RebuildError::UnderWay(wanted.group.clone()));
        }
        let id = job::insert(self.pool(), wanted).await?;
        self.find(id).await
    }

    /// The rebuild of a group that has work left.
    pub async fn under_way(&self, group: &str) -> Result<Option<Rebuild>, RebuildError> {
        job::find_in(self.pool(), group, &RebuildState::UNDER_WAY).await
    }

    /// Asks for readers to be put back to the generation before the last rebuild, whether that is under way or in its
    /// window: somebody has to work on it then.
    ///
    /// # Errors
    ///
    /// Where nothing is kept of it.
    pub async fn ask_back(&self, group: &str, by: Workers) -> Result<Rebuild, RebuildError> {
        if let Built::Access = self.built(group)? {
            return Err(RebuildError::NotKeptTwice(group.to_owned()));
        }
        if let Some(begun) = self.under_way(group).await?.filter(|begun| begun.state == RebuildState::RollingBack) {
            return Ok(begun);
        }
        let [backfilling, tailing, cutting_over] = RebuildState::FORWARD;
        let states = [RebuildState::InRollbackWindow, backfilling, tailing, cutting_over];
        let kept = job::find_in(self.pool(), group, &states).await?;
        let kept = kept.ok_or_else(|| RebuildError::NothingKept(group.to_owned()))?;
        if !job::enter_rollback(self.pool(), kept.id, by).await? {
            return Err(RebuildError::NothingKept(group.to_owned()));
        }
        self.find(kept.id).await
    }

    /// A rebuild.
    pub async fn find(&self, id: Uuid) -> Result<Rebuild, RebuildError> {
        job::find(self.pool(), &[id], 1).await?.pop().ok_or(RebuildError::Unknown)
    }

    /// The last rebuilds, the newest first.
    pub async fn list(&self) -> Result<Vec<Rebuild>, RebuildError> {
        job::find(self.pool(), &[], LISTED).await
    }

    /// How far a rebuild is. Every ledger is looked at.
    pub async fn how_far(&self, rebuild: &Rebuild) -> Result<HowFar, RebuildError> {
        let standings = standing::find(self.pool(), rebuild.id).await?;
        Ok(HowFar::of(&standings, rebuild.generation, self.built(&rebuild.group)?))
    }

    /// The same for one organization, unless its ledger is longer than that: a node that serves has no memory for it.
    ///
    /// # Errors
    ///
    /// Where there is no such organization or group, or its ledger is too long.
    pub async fn check_one(&self, groups: &[String], org: OrgId, at_most: u64) -> Result<Vec<Checked>, RebuildError> {
        if self.ledger.reader().head(org).await?.is_some_and(|head| head > at_most) {
            return Err(RebuildError::TooLong { at_most });
        }
        self.check(groups, Some(org), &nobody_watches()).await
    }

    /// Compares the rows that are read with what the ledgers come to, group by group and organization by organization;
    /// changes nothing.
    pub async fn check(
        &self,
        groups: &[String],
        only: Option<OrgId>,
        progress: &Progress,
    ) -> Result<Vec<Checked>, RebuildError> {
        let mut heads = self.ledger.reader().heads().await?;
        heads.retain(|(org, _)| only.is_none_or(|only| only == *org));
        if let (Some(_), true) = (only, heads.is_empty()) {
            return Err(RebuildError::UnknownOrganization);
        }
        let events = heads.iter().map(|(_, head)| head).sum::<u64>() * groups.len() as u64;
        progress(Told::Begun { events });
        let mut checked = Vec::new();
        for group in groups {
            let (mut orgs, mut events) = (Vec::new(), 0);
            for (org, head) in &heads {
                orgs.push(*org);
                events += head;
                if events >= EVENTS_CHECKED_AT_A_TIME || orgs.len() == ORGS_CHECKED_AT_A_TIME {
                    checked.extend(self.check_together(group, std::mem::take(&mut orgs), progress).await?);
                    events = 0;
                }
            }
            checked.extend(self.check_together(group, orgs, progress).await?);
        }
        Ok(checked)
    }

    /// Compares these organizations' rows in one snapshot. In a task of its own, which is not stopped with whoever asked: a
    /// connection that is left in the middle of a `COPY` is of no use to anybody.
    async fn check_together(
        &self,
        group: &str,
        orgs: Vec<OrgId>,
        progress: &Progress,
    ) -> Result<Vec<Checked>, RebuildError> {
        let (by, group, progress) = (self.clone(), group.to_owned(), progress.clone());
        let checking = tokio::spawn(async move { check::check(&by, by.built(&group)?, &orgs, &progress).await });
        checking.await.map_err(|error| RebuildError::Fell(error.to_string()))?
    }
}
