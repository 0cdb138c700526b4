//! One opening tag of XES: what it is, and its XML attributes with their references resolved.

use crate::attribute::Kind;
use crate::fault::{Fault, excerpt};
use quick_xml::XmlVersion;
use quick_xml::escape::{EscapeError, ParseCharRefError};
use quick_xml::events::BytesStart;
use std::borrow::Cow;

/// More XML attributes than any tag of XES has, namespaces of extensions included.
const XML_ATTRIBUTES: usize = 64;

/// Longer than any name of XES.
const NAME_BYTES: usize = 256;

/// The XML attributes of XES besides `key` and `value`.
const OTHER_PARTS: [&str; 4] = ["name", "prefix", "uri", "scope"];

/// Which element of XES a tag opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tag {
    Log,
    Extension,
    Global,
    Classifier,
    Trace,
    Event,
    Values,
    Attribute(Kind),
    /// No element of XES, by its name.
    Other(String),
}

/// An opening tag.
#[derive(Debug)]
pub(crate) struct Element {
    pub(crate) tag: Tag,
    pub(crate) key: Option<String>,
    pub(crate) value: Option<String>,
    others: Vec<(&'static str, String)>,
}

impl Tag {
    fn of(name: &str) -> Self {
        match name {
            "log" => Self::Log,
            "extension" => Self::Extension,
            "global" => Self::Global,
            "classifier" => Self::Classifier,
            "trace" => Self::Trace,
            "event" => Self::Event,
            "values" => Self::Values,
            _ => Kind::of(name).map_or_else(|| Self::Other(name.to_owned()), Self::Attribute),
        }
    }

    /// The name as it stands in the log.
    pub(crate) fn name(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Log => "log",
            Self::Extension => "extension",
            Self::Global => "global",
            Self::Classifier => "classifier",
            Self::Trace => "trace",
            Self::Event => "event",
            Self::Values => "values",
            Self::Attribute(kind) => kind.name(),
            Self::Other(name) => return Cow::Owned(name.clone()),
        })
    }

    /// The fault of standing where it stands.
    pub(crate) fn misplaced(&self) -> Fault {
        Fault::Misplaced { element: excerpt(&self.name()) }
    }
}

impl Element {
    pub(crate) fn read(start: &BytesStart<'_>) -> Result<Self, Fault> {
        let tag = Tag::of(start.name().into_inner());
        if let Tag::Other(name) = &tag {
            check_name(name)?;
        }
        check_spacing(start.attributes_raw())?;
        let mut element = Self { tag, key: None, value: None, others: Vec::new() };
        for (count, attribute) in start.attributes().enumerate() {
            if count == XML_ATTRIBUTES {
                return Err(Fault::Oversized {
                    part: "the number of XML attributes of one tag",
                    limit: XML_ATTRIBUTES,
                });
            }
            let attribute = attribute.map_err(|error| malformed(error.to_string()))?;
            let value = resolved(&attribute)?;
            element.keep(attribute.key.into_inner(), value)?;
        }
        Ok(element)
    }

    /// The value of a part that XES requires.
    pub(crate) fn require(&mut self, part: &'static str) -> Result<String, Fault> {
        let found = self.others.iter_mut().find(|(name, _)| *name == part);
        let missing = || Fault::MissingPart { element: self.tag.name().into_owned(), part };
        found.map(|(_, value)| std::mem::take(value)).ok_or_else(missing)
    }

    fn keep(&mut self, name: &str, value: Cow<'_, str>) -> Result<(), Fault> {
        match name {
            "key" => self.key = Some(value.into_owned()),
            "value" => self.value = Some(value.into_owned()),
            // The standard's own namespace ends in a slash; common exporters leave it out.
            "xmlns" if value.trim_end_matches('/') != "http://www.xes-standard.org" => {
                return Err(Fault::ForeignNamespace { uri: excerpt(&value) });
            }
            _ => {
                check_name(name)?;
                let part = OTHER_PARTS.into_iter().find(|part| *part == name);
                self.others.extend(part.map(|part| (part, value.into_owned())));
            }
        }
        Ok(())
    }
}

/// Refuses a value that the next XML attribute follows without a space.
pub(crate) fn check_spacing(attributes: &str) -> Result<(), Fault> {
    let mut rest = attributes;
    while let Some(opened) = rest.find(['"', '\'']) {
        let (quote, value) = rest[opened..].split_at(1);
        let Some((_, after)) = value.split_once(quote) else { break };
        if !after.is_empty() && !after.starts_with([' ', '\t', '\r', '\n']) {
            return Err(malformed("there is no space after the value of an XML attribute".into()));
        }
        rest = after;
    }
    Ok(())
}

/// Refuses what XML does not let be the name of an element, an attribute or an instruction.
pub(crate) fn check_name(name: &str) -> Result<(), Fault> {
    if name.len() > NAME_BYTES {
        return Err(Fault::Oversized { part: "the length of a name of XML", limit: NAME_BYTES });
    }
    if name.starts_with(begins_name) && name.chars().all(|next| begins_name(next) || continues_name(next)) {
        return Ok(());
    }
    Err(malformed(format!("{:?} is not a name", excerpt(name))))
}

/// The rule `NameStartChar` of XML 1.0, fifth edition.
fn begins_name(character: char) -> bool {
    matches!(character, ':' | 'A'..='Z' | '_' | 'a'..='z')
        || matches!(character, '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}' | '\u{370}'..='\u{37D}')
        || matches!(character, '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}')
        || matches!(character, '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}')
        || matches!(character, '\u{FDF0}'..='\u{FFFD}' | '\u{10000}'..='\u{EFFFF}')
}

/// What the rule `NameChar` adds to it.
fn continues_name(character: char) -> bool {
    matches!(character, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

/// The value of an XML attribute as XML defines it: references resolved, line ends and tabs as spaces.
fn resolved<'a>(attribute: &quick_xml::events::attributes::Attribute<'a>) -> Result<Cow<'a, str>, Fault> {
    if attribute.value.contains('<') {
        return Err(malformed("a value contains <, which must be written as &lt;".into()));
    }
    let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| match error {
        quick_xml::Error::Escape(error) => unresolved(error),
        error @ (quick_xml::Error::Io(_)
        | quick_xml::Error::Syntax(_)
        | quick_xml::Error::IllFormed(_)
        | quick_xml::Error::InvalidAttr(_)
        | quick_xml::Error::Encoding(_)
        | quick_xml::Error::Namespace(_)) => malformed(error.to_string()),
    })?;
    // The tag itself has been checked; only a reference can have brought in something new.
    if attribute.value.contains('&') {
        check_characters(&value)?;
    }
    Ok(value)
}

fn unresolved(error: EscapeError) -> Fault {
    match error {
        EscapeError::UnrecognizedEntity(_, name) => Fault::UnknownEntity { name: excerpt(&name) },
        EscapeError::InvalidCharRef(ParseCharRefError::IllegalCharacter(code)) => Fault::ForbiddenCharacter { code },
        EscapeError::UnterminatedEntity(_) => {
            malformed("a & is not followed by a reference; it is written &amp;".into())
        }
        EscapeError::InvalidCharRef(_) | EscapeError::TooManyNestedEntities => malformed(error.to_string()),
    }
}

/// Refuses the characters that XML does not allow, not even as references.
pub(crate) fn check_characters(text: &str) -> Result<(), Fault> {
    let suspicious = |byte: u8| byte == 0xEF || (byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r'));
    if !text.bytes().any(suspicious) {
        return Ok(());
    }
    let forbidden = |character: &char| match character {
        '\t' | '\n' | '\r' => false,
        '\u{FFFE}' | '\u{FFFF}' => true,
        other => *other < ' ',
    };
    text.chars().find(forbidden).map_or(Ok(()), |found| Err(Fault::ForbiddenCharacter { code: found.into() }))
}

pub(crate) fn malformed(reason: String) -> Fault {
    Fault::Malformed { reason }
}
