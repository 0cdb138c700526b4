//! One trace from a request to the rows that it changes: what is handed on where a span cannot be.
#![warn(missing_docs)]

mod context;

pub use context::{TRACES, TraceContext};
