//! Working on rebuilds until they are done: each step is a commit, and whoever comes next goes on behind the last one.

use super::cut_over::{PutOver, Trial, put_back, put_over};
use super::error::RebuildError;
use super::job::{self, Rebuild, RebuildState};
use super::standing::{self, ParkedOrganization, Standing};
use super::{ACCESS, Built, Progress, Rebuilds, Told, backfill, nobody_watches};
use crate::measure;
use countersign_domain::ids::OrgId;
use countersign_postgres::{fault, spanning};
use serde::Serialize;
use sqlx::PgConnection;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// How many organizations' readers are put over at once: one whose ledger is busy holds up no other.
const PUT_OVER_ABREAST: usize = 4;
/// How often a worker says that it is still there.
const SAYS_SO_EVERY: Duration = Duration::from_secs(2);
/// How long one waits for the one before, who may have been killed, to be given up.
const WAITS_FOR_THE_ONE_BEFORE: Duration = Duration::from_secs(12);
/// How long one waits for readers of a table that is to go, before trying again.
const FOR_READERS: Duration = Duration::from_millis(250);
/// The longest of these waits, before the rest is left to others.
const FOR_READERS_AT_MOST: Duration = Duration::from_secs(4);
/// What Postgres answers to whoever waited for a lock as long as they wanted to.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// What a rebuild came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RebuildReport {
    /// Which one.
    pub id: Uuid,
    /// Which group.
    pub group: String,
    /// The generation that was built.
    pub generation: i32,
    /// Where it stands.
    pub state: RebuildState,
    /// How many organizations read the new generation.
    pub organizations: u64,
    /// How many events of theirs are in its rows.
    pub events: u64,
    /// Which organizations' rows stop before an event that could not be projected.
    pub parked: Vec<ParkedOrganization>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Rebuilds {
    /// Works on rebuilds until there is nothing left to be done. Whoever stops in between, however, loses nothing that was
    /// done: the next one goes on from there.
    ///
    /// # Errors
    ///
    /// Where somebody else is at one of them, or the database does not answer.
    pub async fn work_on(&self, ids: &[Uuid], progress: &Progress) -> Result<Vec<RebuildReport>, RebuildError> {
        let deadline = Instant::now() + WAITS_FOR_THE_ONE_BEFORE;
        while job::take(self.pool(), ids, self.worker).await? < ids.len() as u64 {
            if Instant::now() > deadline {
                self.let_go().await?;
                return Err(RebuildError::Lost);
            }
            sleep(Duration::from_millis(250)).await;
        }
        let watching = progress.clone();
        let progress: Progress = Arc::new(move |told| {
            measure::rebuilt(&told);
            watching(told);
        });
        let worked = tokio::select! {
            worked = self.work_on_held(ids, &progress) => worked,
            lost = self.keep_holding(ids) => Err(lost),
        };
        let let_go = job::let_go(self.pool(), self.worker).await;
        let reports = worked?;
        let_go.map(|()| reports)
    }

    /// Lets go of what this worker holds, so that somebody else may go on at once.
    pub async fn let_go(&self) -> Result<(), RebuildError> {
        job::let_go(self.pool(), self.worker).await
    }

    /// Until somebody else is at it.
    async fn keep_holding(&self, ids: &[Uuid]) -> RebuildError {
        loop {
            sleep(SAYS_SO_EVERY).await;
            match job::renew(self.pool(), ids, self.worker).await {
                Ok(held) if held < ids.len() as u64 => return RebuildError::Lost,
                Ok(_) => {}
                Err(error) => tracing::warn!(error = ?error, "a rebuild could not say that it goes on"),
            }
        }
    }

    async fn work_on_held(&self, ids: &[Uuid], progress: &Progress) -> Result<Vec<RebuildReport>, RebuildError> {
        let rebuilds = job::find(self.pool(), ids, ids.len() as i64).await?;
        let others = |one: &&Rebuild| !one.is_ours && one.group != ACCESS && one.state != RebuildState::RollingBack;
        if let Some(rebuild) = rebuilds.iter().find(others) {
            return Err(RebuildError::OfAnotherBuild(rebuild.group.clone()));
        }
        let is_to_be_filled = |one: &&Rebuild| one.state == RebuildState::Backfilling;
        let backfilling: Arc<Vec<_>> = Arc::new(rebuilds.iter().filter(is_to_be_filled).cloned().collect());
        if !backfilling.is_empty() {
            backfill::backfill(self, backfilling, progress).await?;
            fault::reached("rebuild.copied").await;
        }
        // Groups are tables and rows of their own: none of them has to wait for another's indexes.
        let mut waiting = rebuilds.into_iter();
        let mut under_way: JoinSet<Result<RebuildReport, RebuildError>> = JoinSet::new();
        let mut reports = Vec::new();
        loop {
            while under_way.len() < self.abreast
                && let Some(rebuild) = waiting.next()
            {
                let (by, progress) = (self.clone(), progress.clone());
                under_way.spawn(async move { by.end(&rebuild, &progress).await });
            }
            let Some(ended) = under_way.join_next().await else { break };
            reports.push(ended.map_err(|error| RebuildError::Fell(error.to_string()))??);
        }
        reports.sort_by_key(|report| ids.iter().position(|id| *id == report.id));
        Ok(reports)
    }

    /// Does what is left to be done when the ledgers are folded.
    async fn end(&self, rebuild: &Rebuild, progress: &Progress) -> Result<RebuildReport, RebuildError> {
        match rebuild.state {
            RebuildState::Backfilling => {
                self.attach(rebuild, progress).await?;
                self.cut_over(rebuild, progress).await
            }
            RebuildState::Tailing | RebuildState::CuttingOver => self.cut_over(rebuild, progress).await,
            RebuildState::RollingBack => self.roll_back(rebuild, progress).await,
            RebuildState::InRollbackWindow | RebuildState::Done | RebuildState::RolledBack | RebuildState::Failed => {
                self.report(rebuild.id, Vec::new()).await
            }
        }
    }

    async fn enter(
        &self,
        rebuild: &Rebuild,
        (from, state): (&[RebuildState], RebuildState),
        progress: &Progress,
    ) -> Result<(), RebuildError> {
        job::enter(self.pool(), rebuild.id, self.worker, (from, state), None).await?;
        progress(Told::Entered { group: rebuild.group.clone(), state });
        Ok(())
    }

    /// Gives a full generation its indexes, one a transaction, and makes it part of the tables that are read.
    async fn attach(&self, rebuild: &Rebuild, progress: &Progress) -> Result<(), RebuildError> {
        loop {
            let begun = Instant::now();
            let mut transaction = spanning(self.pool()).await?;
            be_quick(&mut transaction).await?;
            let more = sqlx::query_scalar!(
                r#"SELECT read.index_detached($1, $2) AS "more!""#,
                rebuild.group,
                rebuild.generation
            )
            .fetch_one(&mut *transaction)
            .await?;
            transaction.commit().await?;
            if !more {
                break;
            }
            fault::reached("rebuild.indexed").await;
            self.give_way(begun).await;
        }
        let mut transaction = spanning(self.pool()).await?;
        sqlx::query!("SELECT read.attach_generation($1, $2)", rebuild.group, rebuild.generation)
            .fetch_one(&mut *transaction)
            .await?;
        let to = (&[RebuildState::Backfilling] as &[_], RebuildState::Tailing);
        job::enter_in(&mut transaction, rebuild.id, self.worker, to, None).await?;
        transaction.commit().await?;
        progress(Told::Entered { group: rebuild.group.clone(), state: RebuildState::Tailing });
        Ok(())
    }

    /// Puts everybody over: first the canaries, and nobody else where their rows are not what their ledgers come to.
    async fn cut_over(&self, rebuild: &Rebuild, progress: &Progress) -> Result<RebuildReport, RebuildError> {
        let before = [RebuildState::Tailing, RebuildState::CuttingOver];
        self.enter(rebuild, (&before, RebuildState::CuttingOver), progress).await?;
        for &canary in &rebuild.canaries {
            if let Some(reason) = self.try_with(rebuild, canary, progress).await? {
                return self.give_up(rebuild, canary, &reason, progress).await;
            }
        }
        if rebuild.only.is_none() {
            self.lead_to(rebuild).await?;
        }
        let mut left_behind: Vec<ParkedOrganization> = Vec::new();
        loop {
            let stay: BTreeSet<OrgId> = left_behind.iter().map(|parked| parked.org).collect();
            let standings = standing::find(self.pool(), rebuild.id).await?;
            let to_go = standings.into_iter().filter(|one| one.active != Some(rebuild.generation));
            let to_go: Vec<OrgId> = to_go.map(|one| one.org).filter(|org| !stay.contains(org)).collect();
            if to_go.is_empty() {
                break;
            }
            left_behind.extend(self.put_over_all(rebuild, to_go, progress).await?);
        }
        let kept = rebuild.keep_seconds > 0;
        let state = if kept { RebuildState::InRollbackWindow } else { RebuildState::Done };
        self.enter(rebuild, (&[RebuildState::CuttingOver], state), progress).await?;
        fault::reached("rebuild.over").await;
        self.clear(&rebuild.group).await?;
        self.report(rebuild.id, left_behind).await
    }

    /// From here on nobody is born on the generation before.
    async fn lead_to(&self, rebuild: &Rebuild) -> Result<(), RebuildError> {
        let mut transaction = spanning(self.pool()).await?;
        job::must_hold(&mut transaction, rebuild.id, self.worker, &[RebuildState::CuttingOver]).await?;
        sqlx::query!("SELECT read.lead_to($1, $2)", rebuild.group, rebuild.generation)
            .fetch_one(&mut *transaction)
            .await?;
        Ok(transaction.commit().await?)
    }

    /// From here on nobody is born on the generation that was built.
    async fn lead_away(&self, rebuild: &Rebuild) -> Result<(), RebuildError> {
        let states = [RebuildState::CuttingOver, RebuildState::RollingBack];
        let mut transaction = spanning(self.pool()).await?;
        job::must_hold(&mut transaction, rebuild.id, self.worker, &states).await?;
        sqlx::query!("SELECT read.lead_away_from($1, $2)", rebuild.group, rebuild.generation)
            .fetch_one(&mut *transaction)
            .await?;
        Ok(transaction.commit().await?)
    }

    async fn put_over_all(
        &self,
        rebuild: &Rebuild,
        orgs: Vec<OrgId>,
        progress: &Progress,
    ) -> Result<Vec<ParkedOrganization>, RebuildError> {
        // Where each is a round trip, several may be under way; where each is a ledger to be folded, as many as were asked for.
        let abreast = if rebuild.group == ACCESS { self.abreast } else { PUT_OVER_ABREAST };
        let mut left_behind = Vec::new();
        let mut waiting = orgs.into_iter();
        let mut under_way = JoinSet::new();
        loop {
            while under_way.len() < abreast
                && let Some(org) = waiting.next()
            {
                let (by, rebuild, progress) = (self.clone(), rebuild.clone(), progress.clone());
                under_way.spawn(async move {
                    let put = put_over(&by, &rebuild, org, Trial::No, &progress).await;
                    progress(Told::PutOver { group: rebuild.group, org });
                    put
                });
            }
            let Some(put) = under_way.join_next().await else { return Ok(left_behind) };
            match put.map_err(|error| RebuildError::Fell(error.to_string()))?? {
                PutOver::LeftBehind(parked) => left_behind.push(parked),
                PutOver::Over | PutOver::Wrong(_) => {}
            }
        }
    }

    /// Puts a canary over, unless it is there, and compares what it reads then with what its ledger comes to: why nobody
    /// should follow it.
    async fn try_with(
        &self,
        rebuild: &Rebuild,
        canary: OrgId,
        progress: &Progress,
    ) -> Result<Option<String>, RebuildError> {
        let not_right =
            |tables: Vec<&str>| format!("its rows are not what its ledger comes to ({})", tables.join(", "));
        let standings = standing::find(self.pool(), rebuild.id).await?;
        if standings.iter().any(|one| one.org == canary && one.active != Some(rebuild.generation)) {
            let (by, tried, watching) = (self.clone(), rebuild.clone(), progress.clone());
            // What is compared in it must not be stopped in the middle.
            let trial = tokio::spawn(async move { put_over(&by, &tried, canary, Trial::Yes, &watching).await });
            match trial.await.map_err(|error| RebuildError::Fell(error.to_string()))?? {
                PutOver::Over => {}
                PutOver::LeftBehind(parked) => {
                    return Ok(Some(format!("its rows stop before event {}: {}", parked.position, parked.reason)));
                }
                PutOver::Wrong(tables) => return Ok(Some(not_right(tables))),
            }
            progress(Told::PutOver { group: rebuild.group.clone(), org: canary });
        }
        let checked = self.check_together(&rebuild.group, vec![canary], &nobody_watches()).await?;
        Ok(checked.iter().find(|checked| !checked.agrees()).map(|checked| {
            let tables: BTreeSet<&str> = checked.differences.iter().map(|one| one.table).collect();
            not_right(tables.into_iter().collect())
        }))
    }

    /// Puts back whoever is over, and ends the rebuild. Of the access rows there is no way back: each organization's were
    /// compared before anybody read them.
    async fn give_up(
        &self,
        rebuild: &Rebuild,
        canary: OrgId,
        reason: &str,
        progress: &Progress,
    ) -> Result<RebuildReport, RebuildError> {
        let reason = format!("the canary {canary} is not right: {reason}");
        let mut stay = Vec::new();
        self.lead_away(rebuild).await?;
        if let Built::Followed(_) = self.built(&rebuild.group)? {
            self.put_back_all(rebuild, &mut stay, progress).await?;
        }
        let to = (&[RebuildState::CuttingOver] as &[_], RebuildState::Failed);
        job::enter(self.pool(), rebuild.id, self.worker, to, Some(&reason)).await?;
        progress(Told::Entered { group: rebuild.group.clone(), state: RebuildState::Failed });
        self.clear(&rebuild.group).await?;
        self.report(rebuild.id, stay).await
    }

    /// Puts everybody back to the generation that they read before.
    async fn roll_back(&self, rebuild: &Rebuild, progress: &Progress) -> Result<RebuildReport, RebuildError> {
        self.lead_away(rebuild).await?;
        let mut stay = Vec::new();
        self.put_back_all(rebuild, &mut stay, progress).await?;
        self.enter(rebuild, (&[RebuildState::RollingBack], RebuildState::RolledBack), progress).await?;
        self.clear(&rebuild.group).await?;
        self.report(rebuild.id, stay).await
    }

    async fn put_back_all(
        &self,
        rebuild: &Rebuild,
        stay: &mut Vec<ParkedOrganization>,
        progress: &Progress,
    ) -> Result<(), RebuildError> {
        loop {
            let standings = standing::find(self.pool(), rebuild.id).await?;
            let stays = |org: OrgId, stay: &[ParkedOrganization]| stay.iter().any(|parked| parked.org == org);
            let is_to_go = |one: &Standing| one.active == Some(rebuild.generation) && !stays(one.org, stay);
            let to_go: Vec<Standing> = standings.into_iter().filter(is_to_go).collect();
            if to_go.is_empty() {
                return Ok(());
            }
            for Standing { org, before, .. } in to_go {
                stay.extend(put_back(self, rebuild, (org, before), progress).await?);
                progress(Told::PutOver { group: rebuild.group.clone(), org });
            }
        }
    }

    async fn report(&self, id: Uuid, left_behind: Vec<ParkedOrganization>) -> Result<RebuildReport, RebuildError> {
        let rebuild = self.find(id).await?;
        let built = self.built(&rebuild.group)?;
        let standings = standing::find(self.pool(), id).await?;
        let there = standings.iter().filter(|one| one.active == Some(rebuild.generation));
        let (mut organizations, mut events) = (0, 0);
        for one in there {
            organizations += 1;
            events += one.folded(rebuild.generation, built);
        }
        let mut parked = standing::parked(&standings, rebuild.generation);
        parked.retain(|one| !one.left_behind);
        parked.extend(left_behind);
        let Rebuild { group, generation, state, reason, .. } = rebuild;
        Ok(RebuildReport { id, group, generation, state, organizations, events, parked, reason })
    }

    /// Takes away the generations of a group that nobody reads or keeps. Where a reader takes too long
    /// it waits longer each time, so that nobody waits behind it, and leaves the rest to whoever serves.
    pub(crate) async fn clear(&self, group: &str) -> Result<(), RebuildError> {
        let mut transaction = spanning(self.pool()).await?;
        sqlx::query!("SELECT read.retire_unread($1)", group).fetch_one(&mut *transaction).await?;
        transaction.commit().await?;
        let mut pause = FOR_READERS;
        while pause <= FOR_READERS_AT_MOST {
            match self.drop_one(group).await {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(LOCK_NOT_AVAILABLE) => {
                    sleep(pause).await;
                    pause *= 2;
                }
                Err(error) => return Err(error.into()),
            }
        }
        tracing::warn!(group, "rows that nobody needs are still being read; they go later");
        Ok(())
    }

    /// Whether there may be more.
    async fn drop_one(&self, group: &str) -> Result<bool, sqlx::Error> {
        let mut transaction = spanning(self.pool()).await?;
        be_quick(&mut transaction).await?;
        let more = sqlx::query_scalar!(r#"SELECT read.drop_retired($1) AS "more!""#, group)
            .fetch_one(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(more)
    }
}

/// Does not wait for the disk when it commits: what the machine loses of it, it loses together with all that was built on
/// it, and it is done again.
pub(crate) async fn be_quick(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT set_config('synchronous_commit', 'off', true)").fetch_one(connection).await.map(drop)
}
