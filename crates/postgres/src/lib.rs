//! What everybody shares who speaks SQL: transactions in which row security shows one organization, and which nobody who
//! goes away leaves open; and the places at which tests end the program.

pub mod fault;
mod transaction;

pub use transaction::scoped;
