//! How long a story is told: bounded, unless the environment asks for more (`make soak`).

use std::env::{VarError, var};

/// So many commands of each writer.
pub(crate) fn commands_each(otherwise: usize) -> usize {
    number("COUNTERSIGN_COMMANDS", otherwise)
}

/// So many nodes and servers are killed.
pub(crate) fn kills(otherwise: usize) -> usize {
    number("COUNTERSIGN_KILLS", otherwise)
}

/// So many rounds of all races of a story together.
pub(crate) fn rounds(otherwise: usize) -> usize {
    number("COUNTERSIGN_ROUNDS", otherwise)
}

/// So often everything is built anew.
pub(crate) fn rebuilds(otherwise: usize) -> usize {
    number("COUNTERSIGN_REBUILDS", otherwise)
}

fn number(variable: &str, otherwise: usize) -> usize {
    match var(variable) {
        Ok(wanted) => wanted.parse().unwrap_or_else(|_| panic!("{variable} is a number, not {wanted}")),
        Err(VarError::NotPresent) => otherwise,
        Err(error) => panic!("{variable} does not read: {error}"),
    }
}
