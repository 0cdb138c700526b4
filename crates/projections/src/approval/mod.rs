//! Approvals of whatever kind: what waits for whom, and who decided what.

mod approvable;
mod decision;
pub mod history;
pub mod request;
mod said;

pub use approvable::Approvable;
pub use decision::{Decision, Verdict};
