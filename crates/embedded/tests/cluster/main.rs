//! The private server as its users meet it: real servers, killed in earnest.
//!
//! `COUNTERSIGN_PG_BIN` chooses the version of Postgres to test with.

#![expect(clippy::unwrap_used, reason = "the helpers of these tests are tests too, which the lint cannot see")]

mod crashes;
mod folder;
mod opening;
mod refusals;
mod run_command;
mod sharing;
mod wire;
