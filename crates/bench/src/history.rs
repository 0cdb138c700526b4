//! Believable histories of made-up firms, by the real commands, as many events as somebody asks for.
//!
//! `plan` says which firms there are and how large; `story` tells what happens in one of them, command by command;
//! `play` sends many stories to the ledger at once; `tally` counts what happened.

mod chance;
mod plan;
mod play;
mod rehearsal;
mod story;
mod tally;
mod words;

#[cfg(test)]
mod plan_spec;
#[cfg(test)]
mod story_spec;

pub use plan::{FirmPlan, LEAST_EVENTS, NotAPlan, Wanted, plan};
pub use play::{PlayError, play};
pub use story::{Act, Mailboxes, Story, Unbelievable};
pub use tally::Tally;
