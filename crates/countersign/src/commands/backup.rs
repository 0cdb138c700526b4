//! `countersign backup`: what cannot be made again, in two folders, while the portal is in use.

use crate::args::Place;
use crate::backup::take::{Taken, Wanted, take};
use crate::database::Database;
use crate::failure::Failure;
use crate::keys::existing_master_key;
use crate::output::print;
use crate::progress::Progress;
use crate::stop::unless_told_to_stop;
use clap::Args;
use std::path::{Path, PathBuf};

#[derive(Args, Debug)]
pub(crate) struct Backup {
    /// The folder to make: the ledgers, and what proves who somebody is. Nothing in it says a person's name.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// The folder to make for the keys with which names can be read [default: FOLDER.keys]. Keep it elsewhere, and only
    /// the newest: whoever is erased is gone from the next one.
    #[arg(long, value_name = "FOLDER", conflicts_with = "keys_only")]
    keys: Option<PathBuf>,
    /// Take only the keys, into FOLDER: after somebody was erased, for use with the backups that there are.
    #[arg(long)]
    keys_only: bool,
    /// Print what a program reads.
    #[arg(long)]
    json: bool,
}

/// Where the keys of a backup are, unless it is said.
pub(crate) fn keys_beside(folder: &Path) -> PathBuf {
    folder.with_added_extension("keys")
}

pub(crate) async fn run(place: Place, backup: Backup) -> Result<(), Failure> {
    let keys = match (backup.keys_only, backup.keys) {
        (true, _) => backup.folder.clone(),
        (false, Some(keys)) => keys,
        (false, None) => keys_beside(&backup.folder),
    };
    let database = Database::existing(&place).await?;
    database.version().await?.must_fit()?;
    let master = existing_master_key(&place.data_dir)?;
    let wanted = Wanted {
        owner: database.owner()?,
        master: master.as_ref(),
        events: (!backup.keys_only).then_some(&*backup.folder),
        keys: &keys,
    };
    let progress = Progress::unless(backup.json);
    let taken = unless_told_to_stop(take(wanted, &progress), "nothing was kept").await?;
    database.close().await?;
    print(tell(&taken, backup.json))
}

fn tell(taken: &Taken, json: bool) -> String {
    if json {
        return serde_json::to_string(taken).expect("a report has string keys and serializes") + "\n";
    }
    let mut told = String::new();
    if let Some(events) = &taken.events {
        told += &format!(
            "{}: {} events of {} organizations, {} MiB\n",
            events.folder.display(),
            events.events,
            events.organizations,
            events.bytes.div_ceil(1 << 20)
        );
    }
    told +=
        &format!("{}: the keys of {} people; keep them elsewhere\n", taken.keys.folder.display(), taken.keys.people);
    told + "The master key is in neither: without it, no name in them can be read.\n"
}
