//! What a command prints.

use crate::failure::Failure;
use std::fmt::Display;
use std::io::{ErrorKind, Write};

/// Prints a text. Whoever reads may stop reading: that is no failure.
pub(crate) fn print(text: impl Display) -> Result<(), Failure> {
    match std::io::stdout().write_all(plain(&text.to_string()).as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::because("nothing can be printed", error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// The text without what would steer a terminal: it may quote another system, or a guest.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_system_wrote_does_not_steer_the_terminal() {
        assert_eq!(plain("a\u{1b}[2Jb\r\nc\td"), "a\u{fffd}[2Jb\u{fffd}\nc\td");
    }
}
