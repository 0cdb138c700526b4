//! Everything that happened, by the objects that it concerned.

pub mod object;
