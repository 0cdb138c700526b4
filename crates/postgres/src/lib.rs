//! What everybody shares who speaks SQL: transactions in which row security shows one organization, and which nobody who
//! goes away leaves open.

mod transaction;

pub use transaction::scoped;
