//! What a follower does next: organizations, and single groups of one, each once.
//!
//! Fresh hints go first, because somebody may be waiting for their own rows; what the comparison found behind gets every
//! eighth turn, so that it moves on however many hints there are. Whoever is in line together is worked on together. What
//! failed waits, longer each time, holds no worker while it does, and is tried again by itself.

use countersign_domain::ids::OrgId;
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::time::Duration;
use tokio::time::Instant;

/// What is worked on at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Unit {
    /// All groups of an organization that stand together.
    Organization(OrgId),
    /// One group, by its place, of an organization.
    Group(usize, OrgId),
}

/// One turn in so many is for what is behind, while there are fresh hints as well.
const TURN_OF_THOSE_BEHIND: u64 = 8;
/// How many organizations are worked on at once, by one worker.
pub(crate) const MOST_TOGETHER: usize = 64;
/// How long a unit waits after its first failure; then twice as long each time.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// The longest such wait: when the database comes back, rows are soon up to the heads again.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// How long a unit waits whose next event this build does not know.
const OUTDATED_WAIT: Duration = Duration::from_secs(30);

/// Why a unit is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// Its ledger has just grown.
    Fresh,
    /// The comparison found it behind.
    Behind,
}

/// What became of a unit that was worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Became {
    /// Nothing is left.
    Done,
    /// There may be more.
    PerhapsMore,
    /// It went wrong, and may go right later.
    Failed,
    /// It is for other builds, if there are any.
    Outdated,
}

/// What a worker does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Work on this.
    Work(Unit),
    /// Work on these organizations at once: more than one.
    Several(Vec<OrgId>),
    /// Wait until this moment, or until something is asked for.
    NotBefore(Instant),
    /// Wait until something is asked for.
    Nothing,
}

/// What is to be done.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    fresh: VecDeque<Unit>,
    behind: VecDeque<Unit>,
    /// Where a unit stands; one that was moved to the front still has a place in the other list, which counts no more.
    queued: HashMap<Unit, Urgency>,
    at_work: HashMap<Unit, Urgency>,
    /// Asked for while it was worked on: to be done again.
    again: HashSet<Unit>,
    waiting: BTreeSet<(Instant, Unit)>,
    failures: HashMap<Unit, (u32, Instant)>,
    /// Those that had more than one turn takes, or that something went wrong with: they hold up no other.
    by_itself: HashSet<Unit>,
    /// Groups that their organization went on without.
    left: HashSet<Unit>,
    turns: u64,
}

impl Queue {
    /// Puts a unit in line. One that waits after a failure goes on waiting: a busy ledger must not be tried all the time.
    pub(crate) fn ask_for(&mut self, unit: Unit, urgency: Urgency) {
        if self.at_work.contains_key(&unit) {
            self.again.insert(unit);
        } else if !self.is_waiting(&unit) {
            self.line_up(unit, urgency);
        }
    }

    /// What to do now.
    pub(crate) fn next(&mut self, now: Instant) -> Next {
        self.wake_up(now);
        self.turns += 1;
        let behind_first = self.turns.is_multiple_of(TURN_OF_THOSE_BEHIND);
        let order = if behind_first { [Urgency::Behind, Urgency::Fresh] } else { [Urgency::Fresh, Urgency::Behind] };
        for urgency in order {
            if let Some(unit) = self.pop(urgency) {
                self.at_work.insert(unit, urgency);
                return self.with_others(unit, urgency);
            }
        }
        self.waiting.first().map_or(Next::Nothing, |(moment, _)| Next::NotBefore(*moment))
    }

    /// An organization together with others as urgent, as long as none of them needs a turn of its own.
    fn with_others(&mut self, first: Unit, urgency: Urgency) -> Next {
        let Some(org) = self.may_share(first) else { return Next::Work(first) };
        let mut together = vec![org];
        while together.len() < MOST_TOGETHER
            && let Some(unit) = self.peek(urgency)
            && let Some(org) = self.may_share(unit)
        {
            self.pop(urgency);
            self.at_work.insert(unit, urgency);
            together.push(org);
        }
        if together.len() == 1 { Next::Work(first) } else { Next::Several(together) }
    }

    fn may_share(&self, unit: Unit) -> Option<OrgId> {
        match unit {
            Unit::Organization(org) if !self.by_itself.contains(&unit) => Some(org),
            Unit::Organization(_) | Unit::Group(..) => None,
        }
    }

    /// A unit was worked on.
    pub(crate) fn done(&mut self, unit: Unit, became: Became, now: Instant) {
        let urgency = self.at_work.remove(&unit).unwrap_or(Urgency::Behind);
        let again = self.again.remove(&unit);
        match became {
            Became::PerhapsMore | Became::Failed => self.by_itself.insert(unit),
            Became::Done | Became::Outdated => self.by_itself.remove(&unit),
        };
        match became {
            Became::Failed => {
                let times = self.failures.get(&unit).map_or(0, |(times, _)| *times);
                let wait = LONGEST_WAIT.min(FIRST_WAIT.saturating_mul(1 << times.min(16)));
                self.put_off(unit, times + 1, now + wait);
            }
            Became::Outdated => self.put_off(unit, 0, now + OUTDATED_WAIT),
            Became::PerhapsMore => {
                self.failures.remove(&unit);
                self.line_up(unit, if again { Urgency::Fresh } else { urgency });
            }
            Became::Done => {
                self.failures.remove(&unit);
                if again {
                    self.line_up(unit, Urgency::Fresh);
                } else if let Unit::Group(_, org) = unit
                    && self.left.remove(&unit)
                {
                    self.ask_for(Unit::Organization(org), Urgency::Fresh);
                }
            }
        }
    }

    fn line_up(&mut self, unit: Unit, urgency: Urgency) {
        match (self.queued.get(&unit), urgency) {
            (None, Urgency::Fresh) | (Some(Urgency::Behind), Urgency::Fresh) => self.fresh.push_back(unit),
            (None, Urgency::Behind) => self.behind.push_back(unit),
            (Some(Urgency::Fresh), _) | (Some(Urgency::Behind), Urgency::Behind) => return,
        }
        self.queued.insert(unit, urgency);
    }

    /// What stands first of one urgency.
    fn peek(&mut self, urgency: Urgency) -> Option<Unit> {
        let line = match urgency {
            Urgency::Fresh => &mut self.fresh,
            Urgency::Behind => &mut self.behind,
        };
        while let Some(unit) = line.front() {
            if self.queued.get(unit) == Some(&urgency) {
                return Some(*unit);
            }
            line.pop_front();
        }
        None
    }

    fn pop(&mut self, urgency: Urgency) -> Option<Unit> {
        let unit = self.peek(urgency)?;
        match urgency {
            Urgency::Fresh => self.fresh.pop_front(),
            Urgency::Behind => self.behind.pop_front(),
        };
        self.queued.remove(&unit);
        Some(unit)
    }

    fn put_off(&mut self, unit: Unit, failures: u32, until: Instant) {
        self.failures.insert(unit, (failures, until));
        self.waiting.insert((until, unit));
    }

    /// Whether a group has a turn of its own coming, or is at it, so that its organization goes on without it. It may have
    /// looked, or look, before there was what its organization goes on to: afterwards that is asked for once more, and
    /// finds where the group stands.
    pub(crate) fn leave_to_own_turn(&mut self, unit: Unit) -> bool {
        let has_own = self.is_waiting(&unit) || self.queued.contains_key(&unit) || self.at_work.contains_key(&unit);
        if has_own {
            self.left.insert(unit);
        }
        has_own
    }

    /// Whether a unit waits after a failure.
    fn is_waiting(&self, unit: &Unit) -> bool {
        self.failures.get(unit).is_some_and(|(_, until)| self.waiting.contains(&(*until, *unit)))
    }

    fn wake_up(&mut self, now: Instant) {
        while let Some((moment, unit)) = self.waiting.first().copied()
            && moment <= now
        {
            self.waiting.pop_first();
            self.line_up(unit, Urgency::Behind);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Unit = at(0);
    const ANOTHER: Unit = at(1);

    const fn at(index: usize) -> Unit {
        Unit::Group(index, OrgId(uuid::Uuid::nil()))
    }

    #[test]
    fn a_pair_is_worked_on_by_one_worker_at_a_time() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        queue.ask_for(ONE, Urgency::Fresh);
        queue.ask_for(ONE, Urgency::Fresh);
        assert_eq!(queue.next(now), Next::Work(ONE));
        queue.ask_for(ONE, Urgency::Fresh);
        assert_eq!(queue.next(now), Next::Nothing);
    }

    #[test]
    fn what_is_asked_for_during_the_work_is_done_again() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        queue.ask_for(ONE, Urgency::Behind);
        queue.next(now);
        queue.ask_for(ONE, Urgency::Fresh);
        queue.done(ONE, Became::Done, now);
        assert_eq!(queue.next(now), Next::Work(ONE));
        queue.done(ONE, Became::Done, now);
        assert_eq!(queue.next(now), Next::Nothing);
    }

    #[test]
    fn a_fresh_hint_goes_before_everything_that_is_behind() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        (0..5).for_each(|index| queue.ask_for(at(index), Urgency::Behind));
        queue.ask_for(at(9), Urgency::Fresh);
        queue.ask_for(at(3), Urgency::Fresh);
        let order: Vec<_> = (0..6).map(|_| queue.next(now)).collect();
        assert_eq!(order, [9, 3, 0, 1, 2, 4].map(|index| Next::Work(at(index))));
        assert_eq!(queue.next(now), Next::Nothing, "each is done once");
    }

    #[test]
    fn organizations_that_are_in_line_together_are_worked_on_together_and_each_is_asked_for_again_by_itself() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        let firms: Vec<_> = (0..MOST_TOGETHER as u128 + 2).map(|number| OrgId(uuid::Uuid::from_u128(number))).collect();
        firms.iter().for_each(|firm| queue.ask_for(Unit::Organization(*firm), Urgency::Fresh));
        queue.ask_for(ONE, Urgency::Fresh);
        assert_eq!(queue.next(now), Next::Several(firms[..MOST_TOGETHER].to_vec()));
        queue.ask_for(Unit::Organization(firms[0]), Urgency::Fresh);
        assert_eq!(queue.next(now), Next::Several(firms[MOST_TOGETHER..].to_vec()), "a single group is no part of it");
        assert_eq!(queue.next(now), Next::Work(ONE));
        assert_eq!(queue.next(now), Next::Nothing, "it is being worked on");
        queue.done(Unit::Organization(firms[0]), Became::Done, now);
        assert_eq!(queue.next(now), Next::Work(Unit::Organization(firms[0])));
    }

    #[test]
    fn an_organization_with_more_than_a_turn_takes_goes_by_itself_until_it_is_done() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        let [busy, quiet, other] = [1, 2, 3].map(|number| OrgId(uuid::Uuid::from_u128(number)));
        let ask_for = |queue: &mut Queue, firm| queue.ask_for(Unit::Organization(firm), Urgency::Fresh);
        [busy, quiet].into_iter().for_each(|firm| ask_for(&mut queue, firm));
        assert_eq!(queue.next(now), Next::Several(vec![busy, quiet]));
        queue.done(Unit::Organization(quiet), Became::Done, now);
        queue.done(Unit::Organization(busy), Became::PerhapsMore, now);
        [quiet, other].into_iter().for_each(|firm| ask_for(&mut queue, firm));
        assert_eq!(queue.next(now), Next::Work(Unit::Organization(busy)));
        assert_eq!(queue.next(now), Next::Several(vec![quiet, other]));
        queue.done(Unit::Organization(busy), Became::Done, now);
        [busy, quiet].into_iter().for_each(|firm| queue.done(Unit::Organization(firm), Became::Done, now));
        [busy, quiet].into_iter().for_each(|firm| ask_for(&mut queue, firm));
        assert_eq!(queue.next(now), Next::Several(vec![busy, quiet]));
    }

    #[test]
    fn organizations_that_failed_together_are_tried_again_each_by_itself() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        let firms = [1, 2].map(|number| OrgId(uuid::Uuid::from_u128(number)));
        firms.into_iter().for_each(|firm| queue.ask_for(Unit::Organization(firm), Urgency::Fresh));
        assert_eq!(queue.next(now), Next::Several(firms.to_vec()));
        firms.into_iter().for_each(|firm| queue.done(Unit::Organization(firm), Became::Failed, now));
        let later = now + FIRST_WAIT;
        assert_eq!(queue.next(later), Next::Work(Unit::Organization(firms[0])));
        assert_eq!(queue.next(later), Next::Work(Unit::Organization(firms[1])));
    }

    #[test]
    fn a_group_with_a_turn_of_its_own_has_it_while_it_waits_stands_in_line_or_is_worked_on() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        assert!(!queue.leave_to_own_turn(ONE));
        queue.ask_for(ONE, Urgency::Behind);
        assert!(queue.leave_to_own_turn(ONE));
        queue.next(now);
        queue.done(ONE, Became::Failed, now);
        assert!(queue.leave_to_own_turn(ONE));
        queue.next(now + FIRST_WAIT);
        queue.done(ONE, Became::Done, now);
        assert!(!queue.leave_to_own_turn(ONE));
    }

    #[test]
    fn an_organization_that_went_on_without_a_group_looks_after_it_when_its_turns_are_over() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        let whole = Unit::Organization(OrgId(uuid::Uuid::nil()));
        queue.ask_for(whole, Urgency::Fresh);
        queue.ask_for(ONE, Urgency::Behind);
        assert_eq!([queue.next(now), queue.next(now)], [whole, ONE].map(Next::Work));
        assert!(queue.leave_to_own_turn(ONE));
        queue.done(ONE, Became::PerhapsMore, now);
        assert_eq!(queue.next(now), Next::Work(ONE));
        queue.done(ONE, Became::Done, now);
        assert_eq!(queue.next(now), Next::Nothing, "the organization is still going on without it");
        queue.done(whole, Became::Done, now);
        assert_eq!(queue.next(now), Next::Work(whole));
        assert!(!queue.leave_to_own_turn(ONE));
        queue.done(whole, Became::Done, now);
        assert_eq!(queue.next(now), Next::Nothing);
    }

    #[test]
    fn what_is_behind_moves_on_however_many_hints_there_are() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        queue.ask_for(ONE, Urgency::Behind);
        let hints = (2..).take_while(|index| {
            queue.ask_for(at(*index), Urgency::Fresh);
            queue.next(now) != Next::Work(ONE)
        });
        assert!(hints.take(20).count() < 20);
    }

    #[test]
    fn what_failed_waits_longer_each_time_and_holds_nobody_up() {
        let (mut queue, begin) = (Queue::default(), Instant::now());
        queue.ask_for(ONE, Urgency::Fresh);
        queue.ask_for(ANOTHER, Urgency::Fresh);
        assert_eq!(queue.next(begin), Next::Work(ONE));
        queue.done(ONE, Became::Failed, begin);
        queue.ask_for(ONE, Urgency::Fresh);
        assert_eq!(queue.next(begin), Next::Work(ANOTHER));
        let (mut now, mut waits) = (begin, Vec::new());
        for _ in 0..12 {
            let Next::NotBefore(moment) = queue.next(now) else { panic!("it waits") };
            waits.push(moment - now);
            now = moment;
            assert_eq!(queue.next(now), Next::Work(ONE));
            queue.done(ONE, Became::Failed, now);
        }
        assert_eq!(waits[..3], [FIRST_WAIT, FIRST_WAIT * 2, FIRST_WAIT * 4]);
        assert_eq!(waits[11], LONGEST_WAIT);
    }
}
