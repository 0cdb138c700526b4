//! Whether what was loaded is what was backed up.

use crate::backup::manifest::{Events, Organization};
use crate::backup::take::standing_of;
use crate::failure::{Failure, with_causes};
use crate::progress::Progress;
use countersign_eventstore::inspection;
use sqlx::PgConnection;

/// Hashes every event anew, and compares every ledger with the manifest.
pub(super) async fn must_equal(
    connection: &mut PgConnection,
    backup: &Events,
    progress: &Progress,
) -> Result<(), Failure> {
    let heads = inspection::heads(connection).await;
    let heads = heads.map_err(|error| Failure::say(format!("the copy does not read: {}", with_causes(&error))))?;
    let loaded = heads.iter().map(|(org, _)| *org);
    if !loaded.eq(backup.organizations.iter().map(|one| one.org)) {
        return Err(Failure::say("the copy does not hold the organizations of the backup"));
    }
    let bar = progress.over("verifying", backup.events());
    for expected in &backup.organizations {
        let found = standing_of(connection, expected.org, &bar).await?;
        must_be(expected, &found)?;
    }
    bar.finish_and_clear();
    Ok(())
}

fn must_be(expected: &Organization, found: &Organization) -> Result<(), Failure> {
    if expected == found {
        return Ok(());
    }
    let Organization { org, ledger, commands } = expected;
    Err(Failure::say(format!(
        "the copy of organization {org} is not what was backed up: {} events with the root {} and {} commands, instead of \
         {} with {} and {commands}",
        found.ledger.size, found.ledger.root, found.commands, ledger.size, ledger.root
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_canon::leaf_hash;
    use countersign_domain::ids::OrgId;
    use countersign_evidence::tree_head;

    fn standing(events: &[&str], commands: u64) -> Organization {
        let leaves: Vec<_> = events.iter().map(|event| leaf_hash(event)).collect();
        Organization { org: OrgId(uuid::Uuid::nil()), ledger: tree_head(&leaves), commands }
    }

    #[test]
    fn a_copy_with_another_event_fewer_events_or_fewer_commands_is_refused() {
        let backup = standing(&["invited", "accepted"], 2);
        assert!(must_be(&backup, &backup).is_ok());
        for copy in
            [standing(&["invited", "refused"], 2), standing(&["invited"], 2), standing(&["invited", "accepted"], 1)]
        {
            let refused = must_be(&backup, &copy).unwrap_err();
            assert!(refused.line().contains("is not what was backed up"), "{}", refused.line());
        }
    }
}
