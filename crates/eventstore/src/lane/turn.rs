//! An organization's turn: its waiting commands are decided into the next batch, which then leaves.

use super::Lane;
use crate::batch::{DecidedCommand, OrgBatch};
use crate::deciding::{AtHand, Ground, Stop, cold_streams, decide_one};
use crate::flight::{Batch, Flight};
use crate::lane_load::Errand;
use crate::measure;
use countersign_domain::ids::{OrgId, PersonId};
use countersign_domain::portal::StreamId;

/// Why an organization's turn ends before its queue does.
pub(super) enum Pause {
    /// Nothing more, or enough for one batch.
    None,
    /// Streams or keys must be fetched first.
    Needs(Vec<StreamId>, Vec<PersonId>),
}

impl Lane {
    /// Decides for as many organizations as fit into the next batch.
    pub(super) fn decide_what_is_ready(&mut self) {
        while self.next.room.is_left()
            && let Some(id) = self.ready.pop_front()
        {
            if let Pause::Needs(streams, people) = self.decide(id)
                && !self.is_under_way(id)
            {
                let head = self.known_head(id);
                self.send(id, Errand::Fetch { streams, people, head });
            }
        }
        let orgs = &self.orgs;
        self.cache.shrink(|org| orgs.get(&org).is_some_and(|org| org.away || !org.waiting.is_empty()));
    }

    /// Has the next batch appended, unless one is being appended. It is on its way to the database when this returns.
    pub(super) async fn take_off(&mut self) -> bool {
        if self.next.is_empty() || self.flight.is_some() {
            return false;
        }
        let Some(connection) = self.connection.take() else { return false };
        let batch = std::mem::replace(&mut self.next, Batch::new(&self.shared.options));
        self.flight = Some(Flight::take_off(batch, connection).await);
        true
    }

    /// Decides an organization's waiting commands into the next batch, in order, until there is no more room or something
    /// is missing.
    pub(super) fn decide(&mut self, id: OrgId) -> Pause {
        let Some(org) = self.orgs.get_mut(&id) else { return Pause::None };
        org.in_line = false;
        let flying = self.flight.as_ref().and_then(|flight| flight.part(id));
        let Some(known) = org.known.as_ref().filter(|_| !org.away) else { return Pause::None };
        let mut part = self.next.borrow(id).unwrap_or_else(|| match flying {
            Some(flying) => OrgBatch::new(id, flying.head(), flying.last_at, flying.simulated),
            None => OrgBatch::new(id, known.head, known.last_at, known.simulated),
        });
        let ground = Ground { cache: &self.cache, flying };
        let mut pause = Pause::None;
        while self.next.room.is_left()
            && let Some(job) = org.waiting.pop_front()
        {
            let alone = org.one_by_one > 0 && (flying.is_some() || !part.commands.is_empty());
            if alone || part.has(&job) || flying.is_some_and(|flying| flying.has(&job)) {
                // It must be known first what became of those before it; of the same command, too, sent twice at once.
                org.waiting.push_front(job);
                break;
            }
            let decided = measure::deciding(job.trace, job.submission.use_case.name, || {
                decide_one(&self.shared, ground, &mut part, &job.submission)
            });
            match decided {
                Ok(verdict) => {
                    let digest = known.key.request(&job.submission.request);
                    let position = part.head();
                    self.next.room.count_last(&part);
                    part.commands.push(DecidedCommand { job, digest, verdict, position });
                }
                Err(Stop::Needs(mut streams, people)) => {
                    org.waiting.push_front(job);
                    // One errand brings what those behind it will ask for, too, instead of one errand each.
                    let at_hand = AtHand::new(ground, &part);
                    streams.extend(cold_streams(&org.waiting, &at_hand));
                    streams.sort_unstable();
                    streams.dedup();
                    pause = Pause::Needs(streams, people);
                    break;
                }
                Err(Stop::Failed(error)) => {
                    job.answer(Err(error));
                }
            }
            org.one_by_one = org.one_by_one.saturating_sub(1);
        }
        for command in &part.commands {
            command.job.submission.use_case.steps.iter().for_each(|step| self.cache.touch(id, step.stream()));
        }
        self.next.put(part);
        pause
    }

    /// Whether something of an organization was decided and is not known to be durable yet. Nothing is fetched for it
    /// until then: what is fetched must rest on a head that stands.
    pub(super) fn is_under_way(&self, id: OrgId) -> bool {
        self.next.part(id).is_some() || self.flight.as_ref().is_some_and(|flight| flight.part(id).is_some())
    }

    pub(super) fn known_head(&self, id: OrgId) -> u64 {
        self.orgs.get(&id).and_then(|org| org.known.as_ref()).map_or(0, |known| known.head)
    }
}
