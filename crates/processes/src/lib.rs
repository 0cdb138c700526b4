//! What follows from events: commands of processes, mail, and whatever waits for a time.
//!
//! `react` is pure: from one event, the tasks that follow from it. `agenda` puts them on record in the transaction that
//! moves the checkpoint; `worker` does what is due, each item at least once, commands exactly once.
#![warn(missing_docs)]

mod agenda;
mod backlog;
mod mail;
mod measure;
mod react;
mod recipient;
mod task;
mod worker;

pub use agenda::agenda;
pub use backlog::{Overdue, overdue, set_mail_aside};
pub use mail::{Delivered, MailError, Mailer, Message};
pub use react::react;
pub use task::{Cause, InvitationMail, Item, Task, Waiting};
pub use worker::{InvitationLink, Links, Worker};
