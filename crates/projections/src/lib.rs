//! Read models: what the ledgers say, laid out for the questions that people ask.
//!
//! A read model is a pure fold (`projector`); the engine (`engine`) reads, folds and writes; `follower` keeps every
//! ledger's rows up to its head, `parked` sets aside what cannot be projected; `rebuild` makes another generation beside the one that is read.
//!
//! Each read model is a file in its area: row, keys, fold; beside it `table` (its statements) and `query` (the
//! questions it answers). Every question takes a `Scope` and the moment first, is one statement, and masks its answer
//! by `access::decide` (`access_facts`).
#![warn(missing_docs)]

pub mod approval;
pub mod billing;
pub mod clients;
pub mod firm;
pub mod history;
pub mod imported;
pub mod people;
pub mod work;

mod abreast;
mod access_facts;
mod anew;
mod columns;
mod digest;
mod engine;
mod error;
mod follower;
mod footing;
mod group;
mod group_standing;
mod group_state;
mod groups;
mod lease;
mod line;
mod measure;
mod org_state;
mod page;
mod parked;
mod position;
mod projector;
mod queue;
mod rebuild;
mod scope;
#[cfg(test)]
mod testing;
mod work_state;

pub use access_facts::standing;
pub use anew::begin_anew;
pub use engine::{Advance, advance};
pub use error::{ProjectionError, ReadError};
pub use follower::{Follower, FollowerOptions};
pub use group::{Group, Place, ReadModel, Table, model};
pub use group_standing::{GroupStanding, ParkedIn, group_standings};
pub use group_state::{GroupState, group_states};
pub use groups::{code_digest, groups};
pub use lease::{LeaseTimes, Leases};
pub use line::{Cell, Line};
pub use org_state::{OrgState, org_states};
pub use page::{Cursor, Limit, NotACursor, NotALimit, Page, PageRequest};
pub use parked::unpark;
pub use position::Positions;
pub use projector::{Keys, Projector, Rows};
pub use rebuild::{
    ACCESS, Checked, Difference, HowFar, InWhat, ParkedOrganization, Progress, Rebuild, RebuildError, RebuildReport,
    RebuildState, Rebuilds, Told, Wanted, Workers, nobody_watches,
};
pub use scope::{Asker, Generation, Scope};
pub use work_state::{NodeState, WorkState, living_nodes, work_states};
