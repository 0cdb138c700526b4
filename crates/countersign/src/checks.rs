//! What a node looks at before it says that it is ready.

use crate::database::Version;
use crate::database::version;
use crate::failure::{Failure, with_causes};
use async_trait::async_trait;
use countersign_api::{Check, Checks, Finding};
use countersign_eventstore::{LaneState, Ledger};
use countersign_postgres::spanning;
use countersign_projections::{Group, GroupState, group_states};
use nix::sys::statvfs::statvfs;
use sqlx::PgPool;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// A lane that has answered nothing for so long although commands wait in it is stuck: everything that it waits for gives
/// up earlier.
const LANE_IS_STUCK_AFTER: Duration = Duration::from_secs(60);
/// Rows that are so many events behind are far behind.
pub(crate) const FAR_BEHIND: u64 = 10_000;
/// How groups stand is told again for so long: every ledger's head is looked at for it.
const STANDING_HOLDS_FOR: Duration = Duration::from_secs(15);
/// Less space than this is little, and less than that is none.
const LITTLE_SPACE_BYTES: u64 = 1 << 30;
const NO_SPACE_BYTES: u64 = 64 << 20;

/// Everything that a node looks at.
pub(crate) fn all(ledger: &Ledger, groups: Vec<Group>, data_dir: &Path) -> Checks {
    let pool = ledger.reader().pool().clone();
    Checks::new(vec![
        Box::new(Database(pool.clone())),
        Box::new(Migrations(pool.clone())),
        Box::new(Lanes(ledger.clone())),
        Box::new(Projections { pool, groups, last: Mutex::default() }),
        Box::new(Disk(data_dir.to_owned())),
    ])
}

fn wrong(code: &'static str, detail: impl Into<String>) -> Finding {
    Finding::Wrong { code, detail: detail.into() }
}

fn impaired(code: &'static str, detail: impl Into<String>) -> Finding {
    Finding::Impaired { code, detail: detail.into() }
}

/// Whether the database answers.
#[derive(Debug)]
pub(crate) struct Database(pub(crate) PgPool);

#[async_trait]
impl Check for Database {
    fn name(&self) -> &'static str {
        "database"
    }

    async fn look(&self) -> Finding {
        let answered = async { spanning(&self.0).await?.commit().await }.await;
        match answered {
            Ok(()) => Finding::Well,
            Err(error) => {
                wrong("database.unreachable", format!("the database does not answer: {}", with_causes(&error)))
            }
        }
    }
}

/// Whether the database is one that this build can work on.
#[derive(Debug)]
struct Migrations(PgPool);

impl Migrations {
    async fn version(&self) -> Result<Version, Failure> {
        let failed = |error: sqlx::Error| Failure::because("the database does not answer", error);
        let mut transaction = spanning(&self.0).await.map_err(failed)?;
        let version = version::of(&mut transaction).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(version)
    }
}

#[async_trait]
impl Check for Migrations {
    fn name(&self) -> &'static str {
        "migrations"
    }

    async fn look(&self) -> Finding {
        let version = match self.version().await {
            Ok(version) => version,
            Err(failure) => return wrong("migrations.unknown", failure.line()),
        };
        let detail = version.must_fit().err().map(|failure| failure.line().to_owned()).unwrap_or_default();
        match version {
            Version::Current => Finding::Well,
            Version::Older => wrong("migrations.older", detail),
            Version::Unfinished => wrong("migrations.unfinished", detail),
            Version::Newer => wrong("migrations.newer", detail),
        }
    }
}

/// Whether commands are answered.
#[derive(Debug)]
struct Lanes(Ledger);

#[async_trait]
impl Check for Lanes {
    fn name(&self) -> &'static str {
        "lanes"
    }

    async fn look(&self) -> Finding {
        lanes(&self.0.lanes())
    }
}

fn lanes(lanes: &[LaneState]) -> Finding {
    let mut stuck = lanes.iter().enumerate().filter(|(_, lane)| lane.silent_for > LANE_IS_STUCK_AFTER).peekable();
    if stuck.peek().is_none() {
        return Finding::Well;
    }
    let each: Vec<String> = stuck
        .map(|(number, lane)| {
            format!("lane {number}: {} commands, none answered for {} s", lane.waiting, lane.silent_for.as_secs())
        })
        .collect();
    wrong("lanes.stuck", format!("{}; restart this node if the database is well", each.join("; ")))
}

/// Whether the read models keep up.
#[derive(Debug)]
struct Projections {
    pool: PgPool,
    groups: Vec<Group>,
    last: Mutex<Option<(Instant, Finding)>>,
}

#[async_trait]
impl Check for Projections {
    fn name(&self) -> &'static str {
        "projections"
    }

    async fn look(&self) -> Finding {
        let mut last = self.last.lock().await;
        if let Some((at, finding)) = &*last
            && at.elapsed() < STANDING_HOLDS_FOR
        {
            return finding.clone();
        }
        let finding = match group_states(&self.pool, &self.groups, FAR_BEHIND).await {
            Ok(states) => projections(&states),
            Err(error) => return impaired("projections.unknown", with_causes(&error)),
        };
        *last = Some((Instant::now(), finding.clone()));
        finding
    }
}

fn projections(states: &[GroupState]) -> Finding {
    let troubled: Vec<&GroupState> = states.iter().filter(|group| group.parked + group.far_behind > 0).collect();
    let each: Vec<String> = troubled
        .iter()
        .map(|GroupState { group, parked, far_behind, furthest }| {
            format!("{group}: {parked} organizations parked, {far_behind} far behind (by {furthest} events at most)")
        })
        .collect();
    let detail = each.join("; ");
    if troubled.iter().any(|group| group.parked > 0) {
        impaired("projections.parked", format!("{detail}; the log names the events, and a mended build tries again"))
    } else if troubled.is_empty() {
        Finding::Well
    } else {
        impaired("projections.behind", detail)
    }
}

/// Whether there is room in the data folder.
#[derive(Debug)]
pub(crate) struct Disk(pub(crate) PathBuf);

#[async_trait]
impl Check for Disk {
    fn name(&self) -> &'static str {
        "disk"
    }

    async fn look(&self) -> Finding {
        match statvfs(&self.0) {
            Ok(space) => disk(&self.0, space.blocks_available().saturating_mul(space.fragment_size())),
            Err(error) => impaired("disk.unknown", format!("{}: {error}", self.0.display())),
        }
    }
}

fn disk(folder: &Path, free_bytes: u64) -> Finding {
    let detail = format!("{} MiB are free where {} is: make room", free_bytes >> 20, folder.display());
    if free_bytes < NO_SPACE_BYTES {
        wrong("disk.full", detail)
    } else if free_bytes < LITTLE_SPACE_BYTES {
        impaired("disk.low", detail)
    } else {
        Finding::Well
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(finding: &Finding) -> Option<&'static str> {
        match finding {
            Finding::Well => None,
            Finding::Impaired { code, .. } | Finding::Wrong { code, .. } => Some(code),
        }
    }

    fn group(parked: u64, far_behind: u64) -> GroupState {
        GroupState { group: "portal".to_owned(), parked, far_behind, furthest: 12_000 }
    }

    #[test]
    fn a_lane_in_which_commands_wait_and_none_is_answered_keeps_requests_from_the_node() {
        let works = LaneState { waiting: 4_000, silent_for: Duration::from_secs(31) };
        let stuck = LaneState { waiting: 3, silent_for: Duration::from_secs(61) };
        assert_eq!(lanes(&[works, works]), Finding::Well);
        let Finding::Wrong { code, detail } = lanes(&[works, stuck]) else { panic!("it is stuck") };
        assert_eq!(code, "lanes.stuck");
        assert!(detail.starts_with("lane 1: 3 commands, none answered for 61 s"), "{detail}");
    }

    #[test]
    fn what_all_nodes_share_is_said_and_takes_none_of_them_out_of_service() {
        assert_eq!(projections(&[group(0, 0)]), Finding::Well);
        for (state, expected) in [(group(1, 2), "projections.parked"), (group(0, 2), "projections.behind")] {
            let finding = projections(&[group(0, 0), state]);
            assert!(matches!(finding, Finding::Impaired { .. }), "{finding:?}");
            assert_eq!(code(&finding), Some(expected));
        }
    }

    #[test]
    fn little_room_is_said_and_no_room_keeps_requests_from_the_node() {
        let look = |bytes| disk(Path::new("/data"), bytes);
        assert_eq!(look(2 << 30), Finding::Well);
        assert!(matches!(look(500 << 20), Finding::Impaired { code: "disk.low", .. }));
        assert!(matches!(look(1 << 20), Finding::Wrong { code: "disk.full", .. }));
    }
}
