//! How long things last and how often they may fail.

use chrono::TimeDelta;
use countersign_domain::envelope::Principal;

/// The limits of one installation. The default is what we recommend.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Failed sign-ins in a row after which an address is locked.
    pub failures_before_lock: u32,
    /// After this long without a failure (or after a lock's end) the row of failures is forgotten.
    pub failures_forgotten_after: TimeDelta,
    /// How long the first lock lasts; each further failure doubles it.
    pub first_lock: TimeDelta,
    /// The longest that a lock lasts.
    pub longest_lock: TimeDelta,
    /// Refused sign-ins from one network address, to one organization, within `refusals_counted_for`.
    pub refusals_per_address: u32,
    /// How far back the refusals of a network address are counted.
    pub refusals_counted_for: TimeDelta,
    /// A portal user's session ends after this long without a request.
    pub portal_user_idle: TimeDelta,
    /// A staff member's session ends after this long without a request.
    pub staff_idle: TimeDelta,
    /// Every session ends after this long.
    pub longest_session: TimeDelta,
    /// How old "last seen" and "last used" may become before a request writes them anew.
    pub seen_every: TimeDelta,
    /// How long the link for a forgotten password works.
    pub reset_lifetime: TimeDelta,
    /// Links for a forgotten password that one person can be sent within `resets_counted_for`.
    pub resets_per_person: u32,
    /// How far back a person's links are counted.
    pub resets_counted_for: TimeDelta,
    /// The longest that an API token may live.
    pub longest_api_token: TimeDelta,
    /// How long refused sign-ins are kept.
    pub attempts_kept_for: TimeDelta,
    /// How long ended sessions are kept: that long a device stays known.
    pub sessions_kept_for: TimeDelta,
    /// How long used and expired links for a forgotten password are kept.
    pub resets_kept_for: TimeDelta,
    /// Passwords hashed at the same time; each takes 19 MiB and a processor.
    pub hashings_at_once: usize,
}

impl Limits {
    /// How long this person's session lives without a request.
    pub fn idle(&self, principal: Principal) -> TimeDelta {
        match principal {
            Principal::Staff(_) => self.staff_idle,
            Principal::PortalUser(_) => self.portal_user_idle,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            failures_before_lock: 5,
            failures_forgotten_after: TimeDelta::minutes(15),
            first_lock: TimeDelta::minutes(1),
            longest_lock: TimeDelta::minutes(15),
            refusals_per_address: 30,
            refusals_counted_for: TimeDelta::minutes(15),
            portal_user_idle: TimeDelta::minutes(30),
            staff_idle: TimeDelta::hours(2),
            longest_session: TimeDelta::hours(12),
            seen_every: TimeDelta::minutes(1),
            reset_lifetime: TimeDelta::hours(1),
            resets_per_person: 3,
            resets_counted_for: TimeDelta::hours(1),
            longest_api_token: TimeDelta::days(366),
            attempts_kept_for: TimeDelta::days(30),
            sessions_kept_for: TimeDelta::days(90),
            resets_kept_for: TimeDelta::days(1),
            hashings_at_once: std::thread::available_parallelism().map_or(2, usize::from),
        }
    }
}
