//! The API over a real database and ledger, its router in this process.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod access_matrix;
mod commands;
mod contract;
mod feed;
mod guests_eyes;
mod invitations;
mod limits;
mod matrix;
mod sessions;
mod talk;
mod world;
