//! What everybody shares who speaks SQL: transactions in which row security shows one organization, or those that are
//! followed, and which nobody who goes away leaves open; what a pooler before the database asks of them; and the places at
//! which tests end the program.

mod alone;
pub mod fault;
mod pooler;
mod transaction;
mod waiting;

pub use alone::{Alone, alone};
pub use pooler::{is_pooled, through_pooler};
pub use transaction::{SESSION, enter, following, reading, scoped, snapshot, spanning};
pub use waiting::describe_metrics;
