//! Other systems' histories, kept beside our own and never mixed with them (F18.9).

pub mod activity;
pub mod case;
pub mod check;
pub mod exceptions;
pub mod route;
pub mod verbatim;

#[cfg(test)]
mod case_spec;
#[cfg(test)]
mod check_spec;
#[cfg(test)]
mod exceptions_spec;
