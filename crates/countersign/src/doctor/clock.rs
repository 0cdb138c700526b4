//! Whether this machine and the database agree on the time: leases go by one clock, and all else by the other.

use crate::doctor::Finding;
use chrono::{DateTime, TimeDelta, Utc};
use countersign_postgres::spanning;
use sqlx::PgPool;

const CHECK: &str = "clock";
/// More than this is worth a word.
const NOTABLE: TimeDelta = TimeDelta::seconds(1);
/// With more than this, what is recorded says a wrong time, and invitations end when they should not.
const TOO_MUCH: TimeDelta = TimeDelta::seconds(10);

pub(super) async fn look(pool: &PgPool) -> Finding {
    match differ(pool).await {
        Ok(by) => judge(by),
        Err(error) => Finding::unknown(CHECK, &error),
    }
}

/// By how much this machine is ahead, as exactly as a round trip allows.
async fn differ(pool: &PgPool) -> Result<TimeDelta, sqlx::Error> {
    let mut transaction = spanning(pool).await?;
    let before = Utc::now();
    let theirs: DateTime<Utc> = sqlx::query_scalar("SELECT clock_timestamp()").fetch_one(&mut *transaction).await?;
    let after = Utc::now();
    transaction.commit().await?;
    Ok(before + (after - before) / 2 - theirs)
}

fn judge(ahead: TimeDelta) -> Finding {
    let ms = ahead.num_milliseconds();
    let which = if ms < 0 { "behind" } else { "ahead of" };
    let line = format!("this machine's clock is {} ms {which} the database's", ms.abs());
    let advice = "let both machines follow a time server (chrony, systemd-timesyncd)";
    if ahead.abs() > TOO_MUCH {
        Finding::failure(CHECK, line, advice)
    } else if ahead.abs() > NOTABLE {
        Finding::warning(CHECK, line, advice)
    } else {
        Finding::ok(CHECK, line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    #[test]
    fn clocks_that_differ_are_said_and_those_that_differ_by_much_are_a_failure() {
        for (ahead_ms, expected) in
            [(0, State::Ok), (-900, State::Ok), (1_500, State::Warning), (-11_000, State::Failure)]
        {
            let finding = judge(TimeDelta::milliseconds(ahead_ms));
            assert_eq!(finding.state, expected, "{finding:?}");
        }
        assert!(judge(TimeDelta::seconds(-11)).line.contains("11000 ms behind"));
    }
}
