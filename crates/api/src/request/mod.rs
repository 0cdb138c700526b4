//! What a request carries, read by extractors of our own: each failure is a problem, none a framework's plain text.
//!
//! A handler names first who may ask (`Staff`, `Guest`, `Member`, `Audit`, `InSession`), then what is asked: whoever may
//! not ask learns nothing of how the question should have been put.

mod address;
mod caller;
mod cookie;
mod json;
mod key;
mod origin;
mod path;
mod query;

pub(crate) use address::ClientAddress;
pub use address::{Network, NotANetwork, TrustedProxies};
pub(crate) use caller::{Audit, Caller, Guest, InSession, Member, Staff};
pub(crate) use cookie::{ended_cookie, session_cookie};
pub(crate) use json::{Json, TakesJson};
pub(crate) use key::{Command, Key, NewKey, Sender};
pub(crate) use origin::SameSite;
pub(crate) use path::Path;
pub(crate) use query::Query;
