//! Read models over a real ledger in a real database, worked on as the application is: bound by row security.
#![allow(clippy::unwrap_used, reason = "a test that fails says where")]

mod abreast;
mod access_rebuild;
mod agreement;
mod approvals;
mod dice;
mod engine;
mod firm;
mod leases;
mod lists;
mod longer;
mod many;
mod masks;
mod paused;
mod poison;
mod rebuild;
mod rebuild_job;
mod sick;
mod squeamish;
mod upgrade;
mod world;
