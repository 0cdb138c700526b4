//! Whether what follows from events is done in time.

use crate::doctor::Finding;
use chrono::TimeDelta;
use countersign_domain::values::Timestamp;
use countersign_processes::{Overdue, overdue};
use sqlx::PgPool;

const CHECK: &str = "agenda";
/// Later than this is late: what fails is put off, and due again only then.
const LATE: TimeDelta = TimeDelta::minutes(15);
/// And later than this is too late.
const TOO_LATE: TimeDelta = TimeDelta::hours(24);

pub(super) async fn look(pool: &PgPool) -> Finding {
    let now = Timestamp::from(chrono::Utc::now());
    match overdue(pool, now.plus(-LATE)).await {
        Ok(overdue) => judge(&overdue, now),
        Err(error) => Finding::unknown(CHECK, &error),
    }
}

fn judge(overdue: &[Overdue], now: Timestamp) -> Finding {
    let Some(oldest) = overdue.iter().map(|late| late.oldest).min() else {
        return Finding::ok(CHECK, "nothing is overdue");
    };
    let each: Vec<String> = overdue
        .iter()
        .map(|Overdue { kind, items, oldest, attempts }| {
            format!("{items} of {kind} since {oldest} (tried {attempts} times at most)")
        })
        .collect();
    let line = format!("overdue: {}", each.join(", "));
    let advice = "start a node if none serves; otherwise its log says why these fail";
    match oldest < now.plus(-TOO_LATE) {
        true => Finding::failure(CHECK, line, advice),
        false => Finding::warning(CHECK, line, advice),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    #[test]
    fn what_is_late_is_told_and_what_is_a_day_late_is_a_failure() {
        let now: Timestamp = "2026-03-02T09:00:00Z".parse().unwrap();
        let late =
            |by: TimeDelta| Overdue { kind: "send_invoice".to_owned(), items: 2, oldest: now.plus(-by), attempts: 0 };
        assert_eq!(judge(&[], now).state, State::Ok);
        assert_eq!(judge(&[late(TimeDelta::hours(1))], now).state, State::Warning);
        let both = judge(&[late(TimeDelta::hours(1)), late(TimeDelta::hours(25))], now);
        assert_eq!(both.state, State::Failure);
        assert!(both.line.contains("2 of send_invoice since 2026-03-01T08:00:00"), "{}", both.line);
    }
}
