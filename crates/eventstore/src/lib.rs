//! The ledger: lanes that decide and append in batches, loading, following, fencing, and the vault of personal keys.
//!
//! The only crate that touches the ledger's tables. It knows commands, events and states only as the portal's enums,
//! never an aggregate.
//!
//! Start with `ledger` (the door), then `lane` (the path of one command), `deciding` (the decision in it) and `batch`
//! (the one call that appends).
#![warn(missing_docs)]

mod batch;
mod cache;
mod clock;
mod connection;
mod deciding;
mod error;
mod feed;
mod fence;
mod flight;
mod folded;
pub mod inspection;
mod lane;
mod lane_load;
mod ledger;
mod load;
mod measure;
mod outcome;
mod pulse;
mod record;
mod seal;
mod snapshot;
mod submission;
mod vault;

pub use clock::{Clock, SystemClock};
pub use error::{ExecuteError, StoreError};
pub use feed::{Feed, FeedEntry};
pub use fence::fence;
pub use inspection::{DISPOSABLE, EVERYBODYS};
pub use ledger::{Committed, Ledger, LedgerOptions};
pub use load::Reader;
pub use measure::describe_metrics;
pub use outcome::{Answer, Refusal, Verdict};
pub use pulse::LaneState;
pub use record::StoredEvent;
pub use submission::Submission;
pub use vault::{KeyError, MasterKey, OrgKey, Vault};
