//! What a person at the command line gets to read when something fails: one clear line, and what to do.

use std::error::Error;
use std::fmt::Write;
use std::process::ExitCode;

/// A failed command.
#[derive(Debug)]
pub(crate) struct Failure {
    line: String,
}

impl Failure {
    /// Something that the reader can mend.
    pub(crate) fn say(line: impl Into<String>) -> Self {
        Self { line: line.into() }
    }

    /// What was being done, and why it failed.
    pub(crate) fn because(what: &str, error: impl Error) -> Self {
        Self { line: format!("{what}: {}", with_causes(&error)) }
    }

    /// What it says.
    pub(crate) fn line(&self) -> &str {
        &self.line
    }

    /// Prints the line; the exit status of a failed command.
    pub(crate) fn report(&self) -> ExitCode {
        eprintln!("countersign: {}", self.line);
        ExitCode::FAILURE
    }
}

/// An error with what caused it, in one line.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        // A cause that its error quotes already is not said twice.
        let text = cause.to_string();
        if !line.contains(&text) {
            write!(line, ": {text}").expect("writing to a text cannot fail");
        }
        source = cause.source();
    }
    line
}
