//! `countersign restore`: an empty database becomes what a backup shows.

use crate::args::Place;
use crate::backup::restore::{Restored, WaitingMail, restore};
use crate::commands::backup::keys_beside;
use crate::failure::Failure;
use crate::output::print;
use crate::progress::Progress;
use crate::stop::unless_told_to_stop;
use clap::Args;
use std::path::PathBuf;

#[derive(Args, Debug)]
pub(crate) struct Restore {
    /// The folder that `countersign backup` made.
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// The folder with the keys [default: FOLDER.keys]: those of this backup, or better the newest that there are.
    #[arg(long, value_name = "FOLDER")]
    keys: Option<PathBuf>,
    /// Send mail that had not left when the backup was taken. It may have left since, and then comes twice.
    #[arg(long)]
    send_waiting_mail: bool,
    /// Print what a program reads.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(place: Place, wanted: Restore) -> Result<(), Failure> {
    let keys = wanted.keys.unwrap_or_else(|| keys_beside(&wanted.folder));
    let mail = if wanted.send_waiting_mail { WaitingMail::Kept } else { WaitingMail::SetAside };
    let progress = Progress::unless(wanted.json);
    let restoring = restore(&place, (&wanted.folder, &keys), mail, &progress);
    let restored = unless_told_to_stop(restoring, "restore again, it begins anew").await?;
    print(tell(&restored, wanted.json))?;
    match restored.parked.len() {
        0 => Ok(()),
        _ => Err(Failure::say("the ledgers are whole, but not all read models could be folded, as said above")),
    }
}

fn tell(restored: &Restored, json: bool) -> String {
    if json {
        return serde_json::to_string(restored).expect("a report has string keys and serializes") + "\n";
    }
    let Restored { taken_at, organizations, events, mails_set_aside, parked } = restored;
    let mut told = format!(
        "restored: {organizations} organizations, {events} events, as they were at {taken_at}; every event is what was hashed\n"
    );
    if *mails_set_aside > 0 {
        told += &format!(
            "{mails_set_aside} mails that had not left are not sent from here; invitations can be sent again\n"
        );
    }
    for parked in parked {
        told += &format!("parked: {parked}\n");
    }
    told + "Everybody signs in anew.\n"
}
