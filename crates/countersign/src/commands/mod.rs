//! One file a command.

pub(crate) mod demo;
pub(crate) mod migrate;
pub(crate) mod org;
pub(crate) mod rebuild;
pub(crate) mod serve;
