//! The rules of Countersign, and nothing else: pure deciders over events, without clock, randomness, SQL or HTTP.
//!
//! Start with `decider` (what an aggregate is), read `clients/portal_user.rs` (one of them), then `portal` (how they
//! are tied together) and `use_case` (how one command from outside becomes several steps).
#![warn(missing_docs)]

pub mod access;
pub mod access_rows;
pub mod approval;
pub mod billing;
pub mod clients;
pub mod decider;
pub mod envelope;
pub mod firm;
pub mod ids;
pub mod imported;
pub mod personal;
pub mod portal;
mod tagged;
pub mod upcast;
pub mod use_case;
pub mod use_cases;
pub mod values;
pub mod work;

#[cfg(test)]
mod access_spec;
#[cfg(test)]
mod approval_spec;
#[cfg(test)]
mod samples_spec;
/// Names the rules of this build: a state folded by other rules is not taken for one of ours.
pub const CODE_DIGEST: &str = env!("COUNTERSIGN_CODE_DIGEST");

#[cfg(test)]
mod testing;
