//! What a history looks like, told in memory.

use super::chance::Chance;
use super::plan::{FirmPlan, Wanted, plan};
use super::story::{Act, Story};
use super::tally::Tally;
use countersign_canon::sha256;
use countersign_domain::ids::MailboxId;
use countersign_domain::values::Timestamp;
use std::collections::BTreeSet;
use uuid::Uuid;

fn firms(events: u64, organizations: u32, seed: u64) -> Vec<FirmPlan> {
    plan(&Wanted { events, organizations, seed, active_percent: 50 }).unwrap()
}

fn told(plan: &FirmPlan) -> Vec<Act> {
    let org = plan.org.0;
    let mailboxes =
        move |email: &countersign_domain::values::Email| MailboxId(Uuid::new_v5(&org, email.as_str().as_bytes()));
    Story::new(plan.clone(), Box::new(mailboxes)).collect::<Result<_, _>>().unwrap_or_else(|why| panic!("{why}"))
}

fn counted<'a>(acts: impl IntoIterator<Item = &'a Act>) -> Tally {
    let mut tally = Tally::default();
    acts.into_iter().flat_map(|act| &act.events).for_each(|name| tally.count(name));
    tally
}

/// What somebody does, and when.
fn text(act: &Act) -> String {
    format!("{:?} {:?} {:?}", act.submission.at, act.submission.actor, act.submission.use_case)
}

#[test]
fn firms_of_every_size_have_histories_that_the_rules_allow() {
    for (seed, size) in [(1, 30), (2, 200), (3, 2_500), (4, 20_000)] {
        for firm in firms(size * 4, 4, seed) {
            let acts = told(&firm);
            let happened = counted(&acts).total();
            assert!(happened >= firm.events, "{happened} of {} events of {}", firm.events, firm.slug);
            let last = acts.last().unwrap();
            assert!(last.first <= firm.events, "nothing is begun once enough has happened");
        }
    }
}

#[test]
fn the_same_seed_tells_the_same_histories() {
    let texts = |seed| firms(3_000, 3, seed).iter().flat_map(told).map(|act| text(&act)).collect::<Vec<_>>();
    assert_eq!(texts(11), texts(11));
    assert_ne!(texts(11), texts(12));
}

#[test]
fn no_two_firms_have_the_same_history() {
    let digests: BTreeSet<_> = firms(8_000, 40, 5)
        .iter()
        .map(|firm| {
            let events: Vec<String> = told(firm).into_iter().flat_map(|act| act.events).collect();
            sha256(&[events.join(" ").as_bytes()])
        })
        .collect();
    assert_eq!(digests.len(), 40, "not even the names of what happened are the same");
}

#[test]
fn whatever_a_portal_sees_happens_in_a_firm_of_some_size() {
    let acts: Vec<Act> = firms(60_000, 2, 9).iter().flat_map(told).collect();
    let tally = counted(&acts);
    let expected = [
        "organization.registered",
        "mailbox.claimed",
        "staff.added",
        "staff.joined",
        "staff.deactivated",
        "client.opened",
        "client.renamed",
        "contact.added",
        "portal_user.prepared",
        "invitation.sent",
        "invitation.accepted",
        "invitation.revoked",
        "invitation.expired",
        "portal_user.deactivated",
        "portal_user.reactivated",
        "seats.reserved",
        "seats.released",
        "project.opened",
        "project.published",
        "time_entry.logged",
        "time_entry.submitted",
        "time_entry.approved",
        "time_entry.rejected",
        "time_entry.revised",
        "time_entry.recalled",
        "invoice.drafted",
        "invoice.revised",
        "invoice.put_in_review",
        "invoice.approved",
        "invoice.changes_requested",
        "invoice.recalled",
        "invoice.sent",
    ];
    let missing: Vec<_> = expected.into_iter().filter(|name| tally.of(name) == 0).collect();
    assert!(missing.is_empty(), "{missing:?} never happened among\n{tally}");
    assert!(tally.of("time_entry.logged") * 2 < tally.total(), "most of it is what people say to the time:\n{tally}");
    assert!(tally.of("time_entry.approved") > 8 * tally.of("time_entry.rejected"), "clients agree as a rule:\n{tally}");
}

#[test]
fn what_is_done_in_a_week_differs_from_entry_to_entry() {
    let firm = &firms(20_000, 1, 3)[0];
    let logs: Vec<String> = told(firm)
        .iter()
        .filter(|act| act.submission.use_case.name == "LogTime")
        .map(|act| format!("{:?}", act.submission.use_case.steps))
        .collect();
    let notes: BTreeSet<&str> = logs.iter().filter_map(|log| log.split("Note(").nth(1)?.split(')').next()).collect();
    assert!(logs.len() > 4_000);
    assert!(notes.len() > 300, "{} notes", notes.len());
}

#[test]
fn time_goes_forward_and_ends_in_the_past() {
    let firm = &firms(5_000, 1, 21)[0];
    let times: Vec<Timestamp> = told(firm).iter().filter_map(|act| act.submission.at).collect();
    assert!(times.is_sorted());
    let (first, last) = (times[0].as_utc(), times[times.len() - 1].as_utc());
    assert!(last - first > chrono::TimeDelta::weeks(firm.weeks as i64 / 2), "{first} to {last}");
    assert!(last < "2026-01-01T00:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap(), "{last}");
}

#[test]
fn dice_fall_alike_on_every_machine() {
    let mut chance = Chance::of(42, 1);
    let thrown: Vec<u64> = (0..6).map(|_| chance.below(1_000)).collect();
    let mut again = Chance::of(42, 1);
    assert_eq!(thrown, (0..6).map(|_| again.below(1_000)).collect::<Vec<_>>());
    assert!((0..10_000).all(|_| chance.between(3, 9) >= 3 && again.below(7) < 7));
    let sixes = (0..60_000).filter(|_| chance.below(6) == 5).count();
    assert!((9_000..11_000).contains(&sixes), "{sixes}");
}
