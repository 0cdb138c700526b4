//! A streaming reader of event logs in XES (IEEE 1849), plain or gzipped: the form in which other systems hand over the
//! history of their cases.
//!
//! [`Reader`] reads the log's [`Header`] and then one [`Case`] at a time, in the order of the file. It is pure: bytes come
//! in, cases come out, and nothing is looked up, dated or stored.
//!
//! 1. **At most one case is held in memory**, whatever the size of the file: every growing thing has a limit ([`Limits`]).
//! 2. **Nothing is left out in silence.** What cannot be read as it stands is an [`XesError`] with its line, its byte and
//!    its case. An error that concerns one case costs that case only; [`XesError::is_fatal`] says when reading ends.
//! 3. **No entity is expanded** but the five predefined ones and character references; a document type is refused.
//! 4. **No number becomes a binary float**: amounts keep their exact text.
//!
//! ```
//! let log = br#"<log><trace><string key="concept:name" value="claim 1"/>
//!     <event><string key="concept:name" value="Claim SUBMITTED by EMPLOYEE"/></event></trace></log>"#;
//! let mut cases = countersign_xes::Reader::new(&log[..])?;
//! let case = cases.next().expect("the log has a case")?;
//! assert_eq!((case.id.as_str(), case.steps.len()), ("claim 1", 1));
//! # Ok::<(), countersign_xes::XesError>(())
//! ```

mod assembly;
mod attribute;
mod case;
mod draft;
mod element;
mod error;
mod fault;
mod header;
mod limits;
mod markup;
mod meter;
mod reader;
mod source;

#[cfg(test)]
mod harness;
#[cfg(test)]
mod limits_spec;
#[cfg(test)]
mod malformed_spec;
#[cfg(test)]
mod memory_spec;
#[cfg(test)]
mod packing_spec;
#[cfg(test)]
mod reader_spec;
#[cfg(test)]
mod real_logs_spec;
#[cfg(test)]
mod robustness_spec;
#[cfg(test)]
mod sample_spec;

pub use attribute::{Attribute, Value};
pub use case::{Case, Step};
pub use error::{Position, XesError};
pub use fault::Fault;
pub use header::{Extension, Global, Header, Scope};
pub use limits::Limits;
pub use reader::Reader;
