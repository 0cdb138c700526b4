//! What became of a batch: answers go out, or what came to nothing is decided again, in its order.

use super::Lane;
use super::job::Job;
use crate::batch::{DecidedCommand, OrgAnswer, OrgBatch, Seen};
use crate::connection::LaneConnection;
use crate::error::{ExecuteError, StoreError};
use crate::flight::Answers;
use crate::lane_load::Errand;
use crate::ledger::Committed;
use crate::measure;
use crate::outcome::{Answer, Verdict};
use countersign_domain::ids::OrgId;
use countersign_postgres::fault;
use std::collections::HashMap;

/// After so many moves in a row an organization is taken under a waiting lock.
const MOVES_BEFORE_WAITING: u32 = 3;
/// After finding the lock held so often in a row, likewise.
const BUSY_BEFORE_WAITING: u32 = 2;
/// A command whose commit broke off is tried so often before its sender is told to ask again.
const BROKEN_COMMITS: u32 = 3;

impl Lane {
    /// Takes in what became of the batch that was being appended.
    pub(super) async fn land(&mut self, answers: Answers) {
        let Some(flight) = self.flight.take() else { return };
        let batch = flight.into_parts();
        let whose: Vec<OrgId> = batch.iter().map(|part| part.org).collect();
        match answers {
            Ok(answers) => {
                let all_done = answers.values().all(|answer| matches!(answer, OrgAnswer::Done));
                if all_done && answers.len() == batch.len() {
                    fault::reached("batch.committed").await;
                    // What was decided on it stands. The database need not wait until everybody has been answered.
                    self.take_off().await;
                }
                self.settle(batch, answers);
                fault::reached("batch.answered").await;
            }
            Err(error) if error.is_away() => batch.into_iter().for_each(|part| self.broken(part, &error)),
            // One organization's trouble must not be its neighbours': each alone.
            Err(_) if batch.len() > 1 => self.append_each(batch).await,
            Err(error) => batch.into_iter().for_each(|part| self.refused_by_database(part, &error)),
        }
        whose.into_iter().for_each(|id| self.schedule(id));
    }

    async fn append_each(&mut self, batch: Vec<OrgBatch>) {
        let mut away = None;
        for part in batch {
            if let Some(error) = &away {
                self.broken(part, error);
                continue;
            }
            let alone = [part];
            let connection = self.connection.get_or_insert_with(|| LaneConnection::new(self.shared.pool.clone()));
            let answers = measure::appending(&alone, connection.append(&alone)).await;
            let [part] = alone;
            match answers {
                Ok(answers) => self.settle(vec![part], answers),
                Err(error) => {
                    self.refused_by_database(part, &error);
                    // Who asks a database that has gone for each organization waits for each.
                    away = Some(error).filter(StoreError::is_away);
                }
            }
        }
    }

    pub(super) fn settle(&mut self, batch: Vec<OrgBatch>, mut answers: HashMap<OrgId, OrgAnswer>) {
        for part in batch {
            match answers.remove(&part.org) {
                Some(OrgAnswer::Done) => self.done(part),
                Some(OrgAnswer::Moved { tail: Some(tail), .. }) if tail < part.expected_head => {
                    self.gone_back(part, tail)
                }
                Some(OrgAnswer::Moved { seen, .. }) => self.moved(part, &seen),
                Some(OrgAnswer::Busy) | None => self.busy(part),
            }
        }
    }

    /// Takes back what was decided on a part that came to nothing: it is decided again, in its order.
    fn take_back_what_rested_on_it(&mut self, id: OrgId) {
        let Some(part) = self.next.take(id) else { return };
        self.wait_again(id, part.commands.into_iter().map(|command| command.job).collect());
    }

    /// Puts commands before all others that wait.
    fn wait_again(&mut self, id: OrgId, jobs: Vec<Job>) {
        let org = self.orgs.entry(id).or_default();
        jobs.into_iter().rev().for_each(|job| org.waiting.push_front(job));
    }

    /// Everything of this organization is durable: the cache takes it over and the answers go out.
    fn done(&mut self, part: OrgBatch) {
        let head = part.head();
        let org = self.orgs.entry(part.org).or_default();
        org.moves = 0;
        org.busy = 0;
        if let Some(known) = &mut org.known {
            known.head = head;
            known.last_at = part.last_at;
            known.simulated = part.simulated;
        }
        if head > part.expected_head {
            // Nobody need be listening.
            let trace = part.commands.iter().rev().find_map(|command| command.job.trace);
            drop(self.shared.committed.send(Committed { org: part.org, position: head, trace }));
        }
        for (stream, folded) in part.changed {
            self.cache.put(part.org, stream, folded);
        }
        for DecidedCommand { job, verdict, position, .. } in part.commands {
            job.answer(Ok(Answer { verdict, position, replayed: false }));
        }
    }

    /// Somebody else appended, or a command is known: answer what is known, catch up, decide the rest again.
    fn moved(&mut self, part: OrgBatch, seen: &[Seen]) {
        let (id, head) = (part.org, part.expected_head);
        self.take_back_what_rested_on_it(id);
        let mut again = Vec::new();
        for command in part.commands {
            match seen.iter().find(|seen| seen.command_id == command.job.submission.command_id) {
                Some(seen) => {
                    let answer = seen_answer(id, seen, &command.digest);
                    command.job.answer(answer);
                }
                None => again.push(command.job),
            }
        }
        self.wait_again(id, again);
        let org = self.orgs.entry(id).or_default();
        org.moves += u32::from(seen.is_empty());
        if org.moves > MOVES_BEFORE_WAITING {
            self.send_for_lock(id);
        } else {
            self.send(id, Errand::CatchUp { head });
        }
    }

    /// The ledger has lost events that were known here: a backup was restored, or a standby took over that lacked some.
    /// Nothing at hand is believed; whatever is decided is decided on what is there.
    fn gone_back(&mut self, part: OrgBatch, tail: u64) {
        let id = part.org;
        tracing::error!(org = %id, known = part.expected_head, tail, "a ledger ends before an event that was in it");
        self.cache.forget(id);
        self.take_back_what_rested_on_it(id);
        self.wait_again(id, part.commands.into_iter().map(|command| command.job).collect());
        self.orgs.entry(id).or_default().known = None;
    }

    fn busy(&mut self, part: OrgBatch) {
        let id = part.org;
        self.take_back_what_rested_on_it(id);
        self.wait_again(id, part.commands.into_iter().map(|command| command.job).collect());
        let org = self.orgs.entry(id).or_default();
        org.busy += 1;
        if org.busy >= BUSY_BEFORE_WAITING {
            self.send_for_lock(id);
        }
    }

    /// The connection broke off, perhaps after the commit: look again from the start. What took effect will be `seen`.
    fn broken(&mut self, part: OrgBatch, error: &StoreError) {
        tracing::warn!(org = %part.org, %error, "a commit broke off; its commands are looked up and decided again");
        self.cache.forget(part.org);
        self.take_back_what_rested_on_it(part.org);
        let org = self.orgs.entry(part.org).or_default();
        org.known = None;
        for mut command in part.commands.into_iter().rev() {
            command.job.broken_commits += 1;
            if command.job.broken_commits < BROKEN_COMMITS {
                org.waiting.push_front(command.job);
            } else {
                command.job.answer(Err(ExecuteError::unavailable()));
            }
        }
    }

    /// The database refused a part that stood alone: find the command that it refuses.
    pub(super) fn refused_by_database(&mut self, part: OrgBatch, error: &StoreError) {
        if error.is_passing() { self.broken(part, error) } else { self.refused_alone(part, error) }
    }

    fn refused_alone(&mut self, part: OrgBatch, error: &StoreError) {
        tracing::error!(org = %part.org, error = ?error, commands = part.commands.len(), "the database refused a batch");
        self.cache.forget(part.org);
        self.take_back_what_rested_on_it(part.org);
        let org = self.orgs.entry(part.org).or_default();
        org.known = None;
        let only_one = part.commands.len() == 1;
        org.one_by_one = if only_one { org.one_by_one } else { part.commands.len() };
        for command in part.commands.into_iter().rev() {
            if only_one {
                command.job.answer(Err(ExecuteError::Defect));
            } else {
                org.waiting.push_front(command.job);
            }
        }
    }
}

fn seen_answer(org: OrgId, seen: &Seen, digest: &[u8; 32]) -> Result<Answer, ExecuteError> {
    if seen.digest != digest {
        return Err(ExecuteError::KeyReused);
    }
    let verdict = Verdict::from_text(&seen.outcome, seen.first, seen.count).map_err(|error| StoreError::Damaged {
        org,
        position: seen.first,
        what: format!("a stored outcome does not read: {error}"),
    })?;
    let position = match verdict {
        Verdict::Accepted { first, count } => first + u64::from(count) - 1,
        Verdict::AlreadySo | Verdict::Rejected(_) => seen.first,
    };
    Ok(Answer { verdict, position, replayed: true })
}
