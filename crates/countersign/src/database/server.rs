//! Which servers keep the plans of two roles apart.

use crate::failure::Failure;
use sqlx::{Executor, PgConnection, Row};

/// The first release of each version of Postgres that does, for those that did not at first (CVE-2024-10976): number as
/// `server_version_num` says it, and name.
const MENDED: [(usize, &str); 3] = [(150_009, "15.9"), (160_005, "16.5"), (170_001, "17.1")];

/// The release to upgrade to, where a server of this number may use a plan that it made for one role as another. Whoever
/// follows the ledgers works as a role of its own, on connections on which others work: it would find no rows.
pub(crate) fn mixes_up_plans(number: usize) -> Option<&'static str> {
    MENDED.iter().find(|(mended, _)| number / 10_000 == mended / 10_000 && number < *mended).map(|(_, name)| *name)
}

/// Refuses a server that does not.
pub(super) async fn must_keep_plans_apart(connection: &mut PgConnection) -> Result<(), Failure> {
    let asked = |error| Failure::because("the database's version could not be asked for", error);
    let row = connection.fetch_one("SHOW server_version_num").await.map_err(asked)?;
    let number: String = row.try_get(0).map_err(asked)?;
    match number.parse().ok().and_then(mixes_up_plans) {
        None => Ok(()),
        Some(mended) => Err(Failure::say(format!(
            "this release of Postgres may use a plan that it made for one role as another (CVE-2024-10976): upgrade the \
             server to {mended} or newer"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_that_mixes_up_plans_is_told_which_one_does_not() {
        for (number, mended) in [
            (150_008, Some("15.9")),
            (150_009, None),
            (150_018, None),
            (160_004, Some("16.5")),
            (160_005, None),
            (170_000, Some("17.1")),
            (170_001, None),
            (180_000, None),
        ] {
            assert_eq!(mixes_up_plans(number), mended, "{number}");
        }
    }
}
