//! Takes other systems' histories over: a log in XES, streamed, one case at a time, each case one atomic command.
//!
//! `log` opens a file; `reading` reads it on a thread of its own and makes a `command` of each case; `sending` sends
//! these to the ledger, a bounded number at a time; `report` says what became of them, and `tally` counts the `findings`
//! of each.
//!
//! Importing the same again adds nothing, and importing a longer export adds what is new: whatever stops an import, what
//! was taken over stays, and the remedy is to import again.

mod command;
mod findings;
mod log;
mod reading;
mod report;
mod sending;
mod tally;

pub(crate) use log::Log;
pub(crate) use sending::import;
