//! One file a command.

pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod bench;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod import;
pub(crate) mod migrate;
pub(crate) mod org;
pub(crate) mod projections;
pub(crate) mod rebuild;
pub(crate) mod restore;
pub(crate) mod serve;
