//! Stories told over HTTP and through the binary: given a history, when a request, then the answer and the ledger.
//!
//! Each story stands on an installation of its own: a database, a data folder, and as many nodes as it needs. Nothing
//! waits for time to pass; what takes a moment is looked for until it is there, or until the story has failed.
#![expect(clippy::unwrap_used, reason = "the helpers of these stories are tests too, which the lint cannot see")]

mod account;
mod backup;
mod bad_input;
mod crash;
mod demo;
mod doctor;
mod feed;
mod half_done;
mod killed;
mod made_up;
mod many_writers;
mod masks;
mod operator;
mod outage;
mod path;
mod paused;
mod pooler;
mod proxy;
mod racing;
mod readme;
mod rebuild;
mod routes;
mod seats;
mod set_up;
mod support;
mod takeover;
mod trace;
