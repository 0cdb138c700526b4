//! What measurements are made on: ledgers full of believable histories.
#![warn(missing_docs)]

pub mod history;
