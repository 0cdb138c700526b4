//! How long a story is told: bounded, unless the environment asks for more (`make soak`).

use std::env::var;
use std::str::FromStr;

/// The number in a variable, or another one where nothing is asked for.
pub fn number<N: FromStr>(variable: &str, otherwise: N) -> N {
    match var(variable) {
        Ok(wanted) => wanted.parse().unwrap_or_else(|_| panic!("{variable} is a number, not {wanted}")),
        Err(_) => otherwise,
    }
}
