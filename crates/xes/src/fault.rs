//! What can be wrong with a log, in words that its owner understands.

use std::io;

/// What is wrong with a log or with one of its cases. Where it is wrong, the error around it says.
///
/// Quoted pieces of the log are excerpts: long values are cut.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The source of the bytes failed.
    #[error("the log cannot be read")]
    Read(#[source] io::Error),
    /// The gzip file ends before its data does.
    #[error("the gzip file is cut off")]
    GzipTruncated,
    /// The gzip data or its checksum is wrong, or something else follows it.
    #[error("the gzip file is damaged")]
    GzipDamaged,
    /// The text is in, or says that it is in, another encoding than UTF-8.
    #[error("the text is encoded as {encoding}; only UTF-8 is read")]
    Encoding {
        /// The encoding that was found or declared.
        encoding: String,
    },
    /// Some bytes are not UTF-8.
    #[error("the text is not valid UTF-8")]
    InvalidUtf8,
    /// The file is empty, or begins with something that is not XML.
    #[error("this is not an XML file")]
    NotXml,
    /// The XML is not well-formed.
    #[error("the XML is malformed: {reason}")]
    Malformed {
        /// Which rule of XML is broken.
        reason: String,
    },
    /// The file ends inside of an element.
    #[error("the file ends inside of <{element}>, which is never closed")]
    Unclosed {
        /// The innermost element that is still open.
        element: String,
    },
    /// A character that XML forbids, such as U+0000, literally or as a reference.
    #[error("the character U+{code:04X} is not allowed in XML")]
    ForbiddenCharacter {
        /// The character's number.
        code: u32,
    },
    /// The file has a document type, which could define entities.
    #[error("a document type (<!DOCTYPE>) is not allowed")]
    DocumentType,
    /// A reference to an entity that XML does not predefine.
    #[error("the entity &{name}; is not known; only the five predefined ones are")]
    UnknownEntity {
        /// The entity's name.
        name: String,
    },
    /// A piece of markup is too large to be held in memory.
    #[error("{part} is beyond the limit of {limit}")]
    Oversized {
        /// What is too large.
        part: &'static str,
        /// The limit that it exceeds.
        limit: usize,
    },
    /// The outermost element is not `log`.
    #[error("this is not an event log: its root is <{root}>, not <log>")]
    NotALog {
        /// The outermost element's name.
        root: String,
    },
    /// An element is in another namespace than that of XES.
    #[error("the namespace {uri:?} is not that of XES")]
    ForeignNamespace {
        /// The namespace that was declared.
        uri: String,
    },
    /// A part of the header stands after the first case, where it can no longer hold for all cases.
    #[error("<{element}> of the log stands after the first case")]
    HeaderAfterCases {
        /// The element's name.
        element: String,
    },
    /// An event stands outside of every case.
    #[error("an event stands outside of every case")]
    EventOutsideCase,
    /// An element that XES does not know, or not at this place.
    #[error("<{element}> is not expected here")]
    Misplaced {
        /// The element's name.
        element: String,
    },
    /// Text between the elements, where XES has none.
    #[error("there is text between the elements")]
    UnexpectedText,
    /// An element lacks a part that XES requires.
    #[error("<{element}> has no {part:?}")]
    MissingPart {
        /// The element's name.
        element: String,
        /// The XML attribute that is missing.
        part: &'static str,
    },
    /// A `global` is neither of traces nor of events.
    #[error("the scope {scope:?} is neither trace nor event")]
    UnknownScope {
        /// The scope that was given.
        scope: String,
    },
    /// The case has no name (`concept:name`), or a blank one.
    #[error("the case has no name (concept:name)")]
    CaseWithoutName,
    /// An event has no activity (`concept:name`), or a blank one.
    #[error("event {event} of the case has no activity (concept:name)")]
    EventWithoutActivity {
        /// Which event of the case it is, from 1.
        event: usize,
    },
    /// A time of an event is not a date and time with an offset from UTC.
    #[error("the timestamp {value:?} is not a date and time with an offset, such as 2026-03-01T09:30:00.000+01:00")]
    BadTimestamp {
        /// The value that was given.
        value: String,
    },
    /// A value is not of the type that its element names.
    #[error("the value {value:?} of {key:?} is not of type {expected}")]
    BadValue {
        /// The attribute's key.
        key: String,
        /// The XES type that was expected.
        expected: &'static str,
        /// The value that was given.
        value: String,
    },
    /// A key that identifies something is given twice, with different values.
    #[error("{key:?} is given twice, with different values")]
    Ambiguous {
        /// The attribute's key.
        key: String,
    },
    /// The case has more steps than allowed.
    #[error("the case has more than {limit} steps")]
    TooManySteps {
        /// The limit in force.
        limit: usize,
    },
    /// There are more attributes than allowed.
    #[error("there are more than {limit} attributes")]
    TooManyAttributes {
        /// The limit in force.
        limit: usize,
    },
    /// There is more text than allowed.
    #[error("there are more than {limit_bytes} bytes of text")]
    TooMuchText {
        /// The limit in force, in bytes.
        limit_bytes: usize,
    },
    /// One key or value is longer than allowed.
    #[error("the attribute {key:?} is longer than {limit_bytes} bytes")]
    ValueTooLong {
        /// The attribute's key.
        key: String,
        /// The limit in force, in bytes.
        limit_bytes: usize,
    },
    /// Attributes are nested deeper than allowed.
    #[error("attributes are nested deeper than {limit} levels")]
    TooDeep {
        /// The limit in force.
        limit: usize,
    },
}

/// The beginning of a piece of the log, short enough to be quoted in a message.
pub(crate) fn excerpt(text: &str) -> String {
    const QUOTED_CHARACTERS: usize = 80;
    match text.char_indices().nth(QUOTED_CHARACTERS) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
