//! What a plan promises.

use super::plan::{LEAST_EVENTS, NotAPlan, Wanted, plan};
use std::collections::BTreeSet;

fn wanted() -> Wanted {
    Wanted { events: 400_000, organizations: 1_000, seed: 7, active_percent: 10 }
}

#[test]
fn all_firms_together_have_exactly_the_events_that_were_asked_for() {
    let plans = plan(&wanted()).unwrap();
    assert_eq!(plans.len(), 1_000);
    assert_eq!(plans.iter().map(|firm| firm.events).sum::<u64>(), 400_000);
    assert!(plans.iter().all(|firm| firm.events >= LEAST_EVENTS));
}

#[test]
fn a_tenth_of_the_firms_has_more_than_a_third_of_the_events() {
    let mut sizes: Vec<u64> = plan(&wanted()).unwrap().iter().map(|firm| firm.events).collect();
    sizes.sort_unstable_by_key(|size| std::cmp::Reverse(*size));
    let (largest, all): (u64, u64) = (sizes[..100].iter().sum(), sizes.iter().sum());
    assert!(largest * 3 > all, "{largest} of {all}");
    assert!(sizes[0] > 20 * sizes[500], "the largest has {}, the one in the middle {}", sizes[0], sizes[500]);
}

#[test]
fn as_many_firms_still_work_as_were_asked_for() {
    let plans = plan(&wanted()).unwrap();
    let (active, quiet): (Vec<_>, Vec<_>) = plans.iter().partition(|firm| firm.active);
    assert_eq!(active.len(), 100);
    let none = Wanted { active_percent: 0, ..wanted() };
    assert!(plan(&none).unwrap().iter().all(|firm| !firm.active));
    let ends = |firm: &&super::FirmPlan| firm.begins.plus(chrono::TimeDelta::weeks(firm.weeks as i64));
    assert!(quiet.iter().map(ends).max() < active.iter().map(ends).min(), "who went quiet did so before");
}

#[test]
fn the_same_seed_plans_the_same_firms_and_another_seed_others() {
    assert_eq!(plan(&wanted()), plan(&wanted()));
    let ids =
        |seed| plan(&Wanted { seed, ..wanted() }).unwrap().into_iter().map(|firm| firm.org).collect::<BTreeSet<_>>();
    assert!(ids(7).is_disjoint(&ids(8)));
    let slugs: BTreeSet<_> = plan(&wanted()).unwrap().into_iter().map(|firm| firm.slug).collect();
    assert_eq!(slugs.len(), 1_000);
}

#[test]
fn a_plan_that_cannot_be_is_refused_with_what_it_needs() {
    let refused = |change: fn(&mut Wanted)| {
        let mut wanted = wanted();
        change(&mut wanted);
        plan(&wanted).unwrap_err()
    };
    assert_eq!(refused(|wanted| wanted.organizations = 0), NotAPlan::NoOrganization);
    assert_eq!(refused(|wanted| wanted.events = 10), NotAPlan::TooFew { organizations: 1_000, least: 30_000 });
    assert_eq!(refused(|wanted| wanted.active_percent = 101), NotAPlan::MoreThanAll);
}
