//! Restoring: an empty database becomes what a backup shows, is held to its manifest, and everything else is folded anew.
//!
//! The order is what makes it safe to be interrupted: the database says of itself that it is unfinished before the first
//! row is loaded, and no build works on it until the last step.

mod copy;
mod revive;
mod target;

use crate::args::Place;
use crate::backup::archive::Archive;
use crate::backup::manifest::{Events, Keys, fingerprint};
use crate::backup::tools;
use crate::database::Database;
use crate::failure::Failure;
use crate::keys::existing_master_key;
use crate::node::Node;
use crate::progress::Progress;
use countersign_eventstore::MasterKey;
use countersign_migrations::MIGRATOR;
use countersign_postgres::fault;
use serde::Serialize;
use sqlx::Connection;
use std::path::Path;
use target::Target;

/// What a restore came to.
#[derive(Debug, Serialize)]
pub(crate) struct Restored {
    /// The moment that the database shows now.
    pub(crate) taken_at: String,
    pub(crate) organizations: usize,
    pub(crate) events: u64,
    /// Mail that had not left when the backup was taken, and is not sent from here.
    pub(crate) mails_set_aside: u64,
    /// Organizations of which rows of read models stop at an event.
    pub(crate) parked: Vec<String>,
}

/// What becomes of mail that had not left when the backup was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WaitingMail {
    /// It may have left since: it is not sent from here.
    SetAside,
    /// It is sent from here.
    Kept,
}

/// A backup with its keys, both as they were written, which go together.
struct Backup {
    events: Archive<Events>,
    keys: Archive<Keys>,
}

pub(crate) async fn restore(
    place: &Place,
    (events, keys): (&Path, &Path),
    mail: WaitingMail,
    progress: &Progress,
) -> Result<Restored, Failure> {
    let bar = progress.of("reading the backup");
    let backup = Backup { events: Archive::read(events).await?, keys: Archive::read(keys).await? };
    bar.finish_and_clear();
    backup.must_fit()?;
    backup.must_open_with(&existing_master_key(&place.data_dir)?.ok_or_else(no_master_key)?)?;
    let pg_restore = tools::find("pg_restore", backup.pg_dump_major())?;

    let database = Database::find(place).await?;
    let owner = database.owner()?;
    let mut target = Target::open(owner, backup.postgres_major()).await?;
    target.must_take(&pg_restore)?;
    target.make_empty().await?;
    let bar = progress.of("loading");
    let (events, keys) = (&backup.events, &backup.keys);
    target.migrate_to(&events.manifest.about.migrations).await?;
    target.is_unfinished(events.manifest.about.taken_at).await?;
    // Before anything is loaded: whoever the application connects as may not be allowed to become it.
    database.version().await.map_err(unfinished)?;
    tools::load(&pg_restore, owner, &events.data).await.map_err(unfinished)?;
    fault::reached("restore.loaded").await;
    target.migrate_to(&keys.manifest.about.migrations).await.map_err(unfinished)?;
    tools::load(&pg_restore, owner, &keys.data).await.map_err(unfinished)?;
    target.bring_up().await.map_err(unfinished)?;
    bar.finish_and_clear();

    copy::must_equal(&mut target.connection, &events.manifest, progress).await.map_err(unfinished)?;
    let node = Node::over(&database, &place.data_dir)?;
    let revived = revive::revive(&node, &events.manifest, mail, progress).await.map_err(unfinished)?;
    target.is_finished().await?;
    target.connection.close().await.map_err(|error| Failure::because("the database failed", error))?;
    database.close().await?;
    Ok(Restored {
        taken_at: events.manifest.about.taken_at.to_string(),
        organizations: events.manifest.organizations.len(),
        events: events.manifest.events(),
        mails_set_aside: revived.mails_set_aside,
        parked: revived.parked,
    })
}

impl Backup {
    /// Whether the two folders go together, and with this build.
    fn must_fit(&self) -> Result<(), Failure> {
        let (events, keys) = (&self.events.manifest, &self.keys.manifest);
        if keys.about.taken_at < events.about.taken_at {
            return Err(Failure::say(format!(
                "the keys are of {}, and the backup of {}: whoever came in between could not be read; name newer keys \
                 with --keys",
                keys.about.taken_at, events.about.taken_at
            )));
        }
        let lacks = |one: &&crate::backup::manifest::Organization| {
            one.ledger.size > 0 && keys.organizations.binary_search(&one.org).is_err()
        };
        if let Some(lacking) = events.organizations.iter().find(lacks) {
            return Err(Failure::say(format!(
                "these are the keys of another installation: organization {} is not in them",
                lacking.org
            )));
        }
        let known = |migration: &i64| MIGRATOR.version_exists(*migration);
        if events.about.migrations.iter().chain(&keys.about.migrations).all(known) {
            return Ok(());
        }
        Err(Failure::say("the backup was taken from a newer version of the database: restore with that version"))
    }

    fn must_open_with(&self, master: &MasterKey) -> Result<(), Failure> {
        match &self.keys.manifest.master_key {
            Some(known) if *known != fingerprint(master) => Err(Failure::say(
                "the master key at hand does not open this backup's keys: use the master key of the installation that was \
                 backed up",
            )),
            Some(_) | None => Ok(()),
        }
    }

    fn pg_dump_major(&self) -> u32 {
        self.events.manifest.about.pg_dump.max(self.keys.manifest.about.pg_dump)
    }

    fn postgres_major(&self) -> u32 {
        self.events.manifest.about.postgres.max(self.keys.manifest.about.postgres)
    }
}

impl Events {
    fn events(&self) -> u64 {
        self.organizations.iter().map(|one| one.ledger.size).sum()
    }
}

fn no_master_key() -> Failure {
    Failure::say(
        "there is no master key here, and none is in a backup: put the installation's master.key into the data folder, or \
         set COUNTERSIGN_MASTER_KEY",
    )
}

/// What a failure leaves behind, and what to do about it.
fn unfinished(failure: Failure) -> Failure {
    Failure::say(format!(
        "{}; nothing works on this half of a copy: mend that and restore again, it begins anew",
        failure.line()
    ))
}
