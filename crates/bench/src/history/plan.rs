//! Which firms there are, how much happens in each, and when.

use crate::history::chance::Chance;
use crate::history::words;
use chrono::TimeDelta;
use countersign_domain::ids::OrgId;
use countersign_domain::values::Timestamp;
use uuid::Uuid;

/// What every id is made from, together with what was asked for.
const NAMESPACE: Uuid = Uuid::from_u128(0x6265_6e63_6800_4000_8000_6869_7374_6f72);
/// When the last of it happens, in the firms that still work.
const ENDS: &str = "2025-06-30T08:00:00Z";
/// So many events each firm has at least: it is founded, and has begun to work for somebody.
pub const LEAST_EVENTS: u64 = 30;
/// So much happens in a week of the smallest firms.
const LEAST_A_WEEK: u64 = 15;
/// For so many weeks a firm has worked at most.
const MOST_WEEKS: u64 = 150;

/// What somebody asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// How many events, in all.
    pub events: u64,
    /// How many firms.
    pub organizations: u32,
    /// The same seed makes the same histories.
    pub seed: u64,
    /// How many firms in a hundred still work when the histories end; the others went quiet earlier.
    pub active_percent: u8,
}

/// Why histories cannot be planned.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAPlan {
    /// Nobody to write about.
    #[error("name at least one organization")]
    NoOrganization,
    /// Not enough for a believable history each.
    #[error("{organizations} organizations need at least {least} events, {LEAST_EVENTS} each")]
    TooFew {
        /// How many organizations were asked for.
        organizations: u32,
        /// How many events they need.
        least: u64,
    },
    /// More than all.
    #[error("at most 100 percent of the organizations can be active")]
    MoreThanAll,
}

/// One firm to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirmPlan {
    /// Its id: of the seed and all else that was asked for.
    pub org: OrgId,
    /// Its short name, unique among those of its seed.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// After how many events its history ends.
    pub events: u64,
    /// For how many weeks it works.
    pub weeks: u64,
    /// The Monday on which it is founded, at eight.
    pub begins: Timestamp,
    /// Whether it still works when the histories end.
    pub active: bool,
    pub(crate) seed: u64,
}

/// Plans the firms: few large ones and many small ones, as firms are.
pub fn plan(wanted: &Wanted) -> Result<Vec<FirmPlan>, NotAPlan> {
    let Wanted { events, organizations, seed, active_percent } = *wanted;
    if organizations == 0 {
        return Err(NotAPlan::NoOrganization);
    }
    let least = u64::from(organizations) * LEAST_EVENTS;
    if events < least {
        return Err(NotAPlan::TooFew { organizations, least });
    }
    if active_percent > 100 {
        return Err(NotAPlan::MoreThanAll);
    }
    let mut chance = Chance::of(seed, 0);
    let mut sizes = sizes(events, organizations);
    chance.shuffle(&mut sizes);
    let mut active: Vec<bool> = (0..u64::from(organizations))
        .map(|firm| firm * 100 < u64::from(organizations) * u64::from(active_percent))
        .collect();
    chance.shuffle(&mut active);
    let asked = format!("{events}/{organizations}/{seed}/{active_percent}");
    let whose = Uuid::new_v5(&NAMESPACE, asked.as_bytes());
    let firm = |(number, (events, active)): (usize, (u64, bool))| firm(&whose, seed, number, events, active);
    Ok(sizes.into_iter().zip(active).enumerate().map(firm).collect())
}

/// How many events each firm has, the largest first: by rank, as the sizes of firms go (Zipf).
fn sizes(events: u64, organizations: u32) -> Vec<u64> {
    let flat = f64::from(1 + organizations / 1_000);
    let weight = |rank: u32| 1.0 / (f64::from(rank) + 1.0 + flat);
    let whole: f64 = (0..organizations).map(weight).sum();
    let spread = events - u64::from(organizations) * LEAST_EVENTS;
    let share = |rank| (spread as f64 * weight(rank) / whole) as u64;
    let mut sizes: Vec<u64> = (0..organizations).map(|rank| LEAST_EVENTS + share(rank)).collect();
    // What rounding left over.
    sizes[0] += events - sizes.iter().sum::<u64>().min(events);
    sizes
}

fn firm(whose: &Uuid, seed: u64, number: usize, events: u64, active: bool) -> FirmPlan {
    let mut chance = Chance::of(seed, 1 + number as u64);
    let name = words::firm(&mut chance);
    let word = name.split(' ').next().unwrap_or_default().to_lowercase();
    let slug = format!("{word}-{seed}-{number}");
    let weeks = (events / LEAST_A_WEEK).clamp(1, chance.between(MOST_WEEKS / 5, MOST_WEEKS));
    let quiet_for = if active { 0 } else { chance.between(26, 104) };
    let ends: Timestamp = ENDS.parse().expect("the end is a moment");
    let begins = ends.plus(-TimeDelta::weeks(i64::try_from(weeks + quiet_for).expect("a few hundred weeks")));
    let org = OrgId(Uuid::new_v5(whose, &number.to_be_bytes()));
    FirmPlan { org, slug, name, events, weeks, begins, active, seed: chance.below(u64::MAX) }
}
