//! What comes from outside, as the steps it takes: one function per command of the API, without rules of its own.
//!
//! Every rule is in the aggregates that decide the steps; what is told here is only which of them an errand concerns,
//! and in which order. All ids come from the caller.

pub mod billing;
pub mod clients;
pub mod firm;
pub mod guests;
pub mod projects;
pub mod work_time;

#[cfg(test)]
mod firm_spec;
#[cfg(test)]
mod guests_spec;
