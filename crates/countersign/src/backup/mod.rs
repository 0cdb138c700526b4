//! Backups: what cannot be made again, dumped by Postgres's own tools, with a manifest that a restored copy is held to.
//!
//! Two folders come of it. The **events' folder** holds the ledgers, the outcomes of commands, the agenda, and what proves
//! who somebody is; nothing in it says a person's name. The **keys' folder** holds the vault: with it and the master key,
//! names can be read. The newest keys go with events of any age, so that whoever was erased meanwhile stays erased
//! (`docs/decisions/backups-hold-what-cannot-be-made-again.md`).

mod archive;
mod manifest;
pub(crate) mod restore;
mod snapshot;
pub(crate) mod take;
mod tools;
