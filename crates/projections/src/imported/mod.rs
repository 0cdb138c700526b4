//! Other systems' histories.

pub mod case;
