//! A private Postgres server in a data directory, so that Countersign needs nothing else to be set up.
//!
//! [`Cluster::open`] finds server binaries ([`find_binaries`]), creates the cluster when there is none, and starts it or
//! adopts the one that already runs. What holds:
//!
//! - **Nobody but the owner reaches it.** It listens on no TCP address; its socket lies in a folder of its own with mode
//!   0700. Whoever gets there is trusted, so there is no password to keep.
//! - **A kill -9 of either side loses nothing.** The server outlives its parent and is adopted by the next one; a killed
//!   server is recovered by the next [`Cluster::open`] or [`Cluster::ensure_running`].
//! - **A half-made cluster is never taken for a whole one**: it is made under another name and renamed when complete.
//! - **A folder that is not ours is never touched**, and one of another major version of Postgres is refused.
//!
//! # Who stops the server
//!
//! Every open [`Cluster`] holds a shared lock on `users.lock` in the data directory. On [`Cluster::close`] or drop, whoever
//! can turn it into an exclusive one was the last user and stops the server. A killed process loses its lock by itself, and
//! its server then runs on until the next user leaves. Opening and closing exclude each other through `cluster.lock`.
//!
//! # As root
//!
//! Postgres refuses to run as root, so a new cluster then belongs to the system's user `countersign`, else `postgres`, else
//! `nobody`: the manual of Postgres advises against `nobody`, which other services share. An existing cluster always runs
//! as its owner. Where that user cannot search a folder above the data directory (`/root`, say), the cluster lies in
//! `/var/lib/countersign/<name>` and the file `cluster.location` in the data directory points to it.
//!
//! # What it does not do
//!
//! It speaks no SQL: there is one superuser, [`OWNER`], and the database `postgres`; the caller connects there and
//! creates databases and roles. It starts no thread: who wants a killed server back calls [`Cluster::ensure_running`].

mod account;
mod binaries;
mod client;
mod cluster;
mod command;
mod connection;
mod create;
mod data_dir;
mod error;
mod home;
mod options;
mod postmaster;
mod server;
mod socket;

pub use binaries::{Binaries, OLDEST_MAJOR, find_binaries, find_binaries_of};
pub use client::{Client, find_client};
pub use cluster::{Arrival, Cluster};
pub use connection::{Connection, OWNER};
pub use data_dir::make_private;
pub use error::EmbeddedError;
pub use options::{BINARIES_VARIABLE, Options, Purpose, binaries_from_environment};
