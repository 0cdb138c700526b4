//! The one error of this crate: a fault, where it is, and how much of the log it costs.

use crate::fault::{Fault, excerpt};
use std::fmt;

/// A place in the log's text, which for a gzipped log is the decompressed text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Bytes before it, from 0.
    pub byte: u64,
    /// Its line, from 1.
    pub line: u64,
}

/// What kept a log, or one case of it, from being read.
#[derive(Debug)]
pub struct XesError {
    place: Place,
    fault: Box<Fault>,
    fatal: bool,
}

#[derive(Debug)]
struct Place {
    position: Position,
    case: Option<CaseRef>,
}

#[derive(Debug)]
struct CaseRef {
    number: u64,
    id: Option<String>,
}

impl XesError {
    /// An error after which the rest of the log cannot be trusted.
    pub(crate) fn ending(fault: Fault, position: Position) -> Self {
        Self { place: Place { position, case: None }, fault: Box::new(fault), fatal: true }
    }

    /// An error that costs one case, or one element beside the cases.
    pub(crate) fn passing(fault: Fault, position: Position) -> Self {
        Self { fatal: false, ..Self::ending(fault, position) }
    }

    /// The same error, known to have happened in this case.
    pub(crate) fn in_case(mut self, number: u64, id: Option<String>) -> Self {
        self.place.case = Some(CaseRef { number, id });
        self
    }

    /// What is wrong.
    pub fn fault(&self) -> &Fault {
        &self.fault
    }

    /// Where it is wrong: the beginning of the tag or text concerned.
    pub fn position(&self) -> Position {
        self.place.position
    }

    /// The case concerned, where its id is known.
    pub fn case(&self) -> Option<&str> {
        self.place.case.as_ref()?.id.as_deref()
    }

    /// Which case of the file is concerned, from 1, also when it has no id.
    pub fn case_number(&self) -> Option<u64> {
        self.place.case.as_ref().map(|case| case.number)
    }

    /// Whether reading ends here. If not, the reader goes on with the next case.
    pub fn is_fatal(&self) -> bool {
        self.fatal
    }
}

impl fmt::Display for XesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Position { byte, line } = self.place.position;
        write!(f, "line {line}, byte {byte}")?;
        match &self.place.case {
            Some(CaseRef { id: Some(id), .. }) => write!(f, ", case {:?}", excerpt(id))?,
            Some(CaseRef { id: None, number }) => write!(f, ", case number {number}")?,
            None => {}
        }
        write!(f, ": {}", self.fault)
    }
}

impl std::error::Error for XesError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // The fault is already in the message; what caused the fault is not.
        std::error::Error::source(&*self.fault)
    }
}
