//! Reads a log on a thread of its own, and goes no further ahead than memory allows.

use crate::import::command::{CaseCommand, Importer, Unfit};
use crate::import::log::Cases;
use countersign_xes::{Case, XesError};
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many cases are read ahead of those that are sent.
const CASES_AHEAD: usize = 32;
/// How many bytes of cases there are at once, read or sent; a larger case goes alone.
const BYTES_AT_ONCE: usize = 16 * 1024 * 1024;

/// What reading comes to.
pub(crate) enum Read {
    /// A case, with the room that it takes.
    Case(Box<CaseCommand>, OwnedSemaphorePermit),
    /// A case that can be read but not recorded: its place among the cases of the file, from 1, and its name.
    Unfit(u64, String, Unfit),
    /// What could not be read.
    Unread(XesError),
}

/// Begins to read; the cases come in the order of the file, and after them nothing.
pub(crate) fn read(importer: Importer, cases: Cases) -> Receiver<Read> {
    let (sender, receiver) = mpsc::channel(CASES_AHEAD);
    let runtime = Handle::current();
    let room = Arc::new(Semaphore::new(BYTES_AT_ONCE));
    tokio::task::spawn_blocking(move || read_all(&importer, cases, &sender, &room, &runtime));
    receiver
}

fn read_all(importer: &Importer, cases: Cases, sender: &Sender<Read>, room: &Arc<Semaphore>, runtime: &Handle) {
    for (number, case) in (1..).zip(cases) {
        let read = match case {
            Ok(case) => recordable(importer, number, case, room, runtime),
            Err(error) => Read::Unread(error),
        };
        // Nobody takes it any more: the import was given up.
        if sender.blocking_send(read).is_err() {
            return;
        }
    }
}

fn recordable(importer: &Importer, number: u64, case: Case, room: &Arc<Semaphore>, runtime: &Handle) -> Read {
    let name = case.id.clone();
    match importer.command(case) {
        Ok(command) => {
            let bytes = u32::try_from(command.bytes.min(BYTES_AT_ONCE)).expect("the room is less than 4 GiB");
            let taken = runtime.block_on(room.clone().acquire_many_owned(bytes)).expect("the room is never closed");
            Read::Case(Box::new(command), taken)
        }
        Err(unfit) => Read::Unfit(number, name, unfit),
    }
}
