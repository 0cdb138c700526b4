//! The demo: a small believable firm, made by the real commands in a ledger that says that its history is made up.
//!
//! Everything follows from names: the same cast, the same ids, the same hours. Commands carry ids made from what they
//! are called in the story, so that a seeding which was broken off goes on where it stopped.

mod cast;
mod stage;
mod story;

pub(crate) use cast::{PASSWORD, SLUG, org, sign_ins};
pub(crate) use stage::Stage;
pub(crate) use story::play;
