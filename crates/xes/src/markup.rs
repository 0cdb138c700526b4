//! The log's markup, piece by piece, checked against the rules of XML. Every error here ends reading.

use crate::element::{Element, check_characters, check_name, check_spacing, malformed};
use crate::error::{Position, XesError};
use crate::fault::{Fault, excerpt};
use crate::meter::Meter;
use crate::source::{Source, fault};
use quick_xml::Error as XmlError;
use quick_xml::errors::SyntaxError;
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};
use std::borrow::Cow;
use std::io::BufRead;
use std::sync::Arc;

/// More levels of elements than any log has.
const OPEN_ELEMENTS: usize = 1024;

/// What is kept of the buffer between pieces, so that one large comment is not paid for ever.
const KEPT_BYTES: usize = 64 * 1024;

/// What the markup says next. Comments, instructions and the space between elements say nothing.
pub(crate) enum Token {
    Open(Element),
    Close,
    /// Text other than space, inside of the root.
    Text,
}

/// The markup of one document, from its first byte to its last.
pub(crate) struct Markup<R: BufRead> {
    xml: quick_xml::Reader<Meter<Source<R>>>,
    piece: Vec<u8>,
    outline: Outline,
    at: Position,
}

impl<R: BufRead> Markup<R> {
    pub(crate) fn open(bytes: R, token_bytes: usize) -> Result<Self, XesError> {
        let at = Position { byte: 0, line: 1 };
        let source = Source::open(bytes).map_err(|fault| XesError::ending(fault, at))?;
        let mark_bytes = source.mark_bytes;
        let mut xml = quick_xml::Reader::from_reader(Meter::new(source, mark_bytes, token_bytes));
        xml.config_mut().expand_empty_elements = true;
        xml.config_mut().enable_all_checks(true);
        Ok(Self { xml, piece: Vec::new(), outline: Outline::default(), at })
    }

    /// Where the last piece begins.
    pub(crate) fn position(&self) -> Position {
        self.at
    }

    /// The next token, or none where the document ends as it should.
    pub(crate) fn next(&mut self) -> Result<Option<Token>, XesError> {
        loop {
            match self.read_piece() {
                Ok(Piece::Says(token)) => return Ok(Some(token)),
                Ok(Piece::SaysNothing) => {}
                Ok(Piece::End) => return Ok(None),
                Err(fault) => return Err(XesError::ending(fault, self.at)),
            }
        }
    }

    /// The largest piece that memory is kept for.
    #[cfg(test)]
    pub(crate) fn kept_bytes(&self) -> usize {
        self.piece.capacity()
    }

    fn read_piece(&mut self) -> Result<Piece, Fault> {
        self.piece.clear();
        self.piece.shrink_to(KEPT_BYTES);
        self.xml.get_mut().begin_piece();
        self.at = self.xml.get_ref().position();
        let outline = &mut self.outline;
        match self.xml.read_event_into(&mut self.piece).map_err(refusal)? {
            Event::Start(start) | Event::Empty(start) => {
                check_characters(&start)?;
                outline.open(Element::read(&start)?)
            }
            Event::End(_) => outline.close(),
            Event::Text(text) => {
                let blank = text.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'));
                if !blank {
                    check_text(&text)?;
                }
                outline.text(blank)
            }
            Event::CData(text) => check_characters(&text).and_then(|()| outline.text(false)),
            Event::GeneralRef(reference) => {
                check_reference(&reference)?;
                outline.text(false)
            }
            Event::Comment(text) => check_characters(&text).map(|()| outline.aside()),
            Event::PI(instruction) => {
                check_name(instruction.target())?;
                check_characters(&instruction).map(|()| outline.aside())
            }
            Event::Decl(declaration) => {
                check_declaration(&declaration)?;
                outline.declaration()
            }
            Event::DocType(_) => Err(Fault::DocumentType),
            Event::Eof => outline.end(),
        }
    }
}

enum Piece {
    Says(Token),
    SaysNothing,
    End,
}

/// Where in the document we are: XML wants one root with everything inside of it.
#[derive(Default)]
struct Outline {
    open: Vec<Cow<'static, str>>,
    begun: bool,
    closed: bool,
}

impl Outline {
    fn open(&mut self, element: Element) -> Result<Piece, Fault> {
        if self.closed {
            return Err(malformed(format!("<{}> follows the end of the root", excerpt(&element.tag.name()))));
        }
        if self.open.len() == OPEN_ELEMENTS {
            return Err(Fault::Oversized { part: "the number of elements inside of each other", limit: OPEN_ELEMENTS });
        }
        self.begun = true;
        self.open.push(element.tag.name());
        Ok(Piece::Says(Token::Open(element)))
    }

    fn close(&mut self) -> Result<Piece, Fault> {
        self.open.pop();
        self.closed = self.open.is_empty();
        Ok(Piece::Says(Token::Close))
    }

    fn text(&mut self, blank: bool) -> Result<Piece, Fault> {
        self.begun = true;
        match (blank, self.open.is_empty()) {
            (true, _) => Ok(Piece::SaysNothing),
            (false, false) => Ok(Piece::Says(Token::Text)),
            (false, true) => Err(malformed("there is text outside of the root".into())),
        }
    }

    fn aside(&mut self) -> Piece {
        self.begun = true;
        Piece::SaysNothing
    }

    fn declaration(&mut self) -> Result<Piece, Fault> {
        if self.begun {
            return Err(malformed("the XML declaration is not at the beginning".into()));
        }
        Ok(self.aside())
    }

    fn end(&self) -> Result<Piece, Fault> {
        match self.open.last() {
            Some(element) => Err(Fault::Unclosed { element: excerpt(element) }),
            None if !self.closed => Err(Fault::NotXml),
            None => Ok(Piece::End),
        }
    }
}

fn check_text(text: &str) -> Result<(), Fault> {
    if text.contains("]]>") {
        return Err(malformed("]]> ends no CDATA section".into()));
    }
    check_characters(text)
}

fn check_declaration(declaration: &BytesDecl<'_>) -> Result<(), Fault> {
    check_characters(declaration)?;
    declaration.xml_version().map_err(|error| malformed(error.to_string()))?;
    let parts = BytesStart::from_content(&**declaration, "xml".len());
    check_spacing(parts.attributes_raw())?;
    for part in parts.attributes() {
        let part = part.map_err(|error| malformed(error.to_string()))?;
        match part.key.into_inner() {
            "version" | "standalone" => {}
            "encoding" => check_encoding(&part.value)?,
            other => return Err(malformed(format!("the XML declaration has no {:?}", excerpt(other)))),
        }
    }
    Ok(())
}

fn check_encoding(name: &str) -> Result<(), Fault> {
    match ["UTF-8", "UTF8", "US-ASCII", "ASCII"].iter().any(|known| known.eq_ignore_ascii_case(name)) {
        true => Ok(()),
        false => Err(Fault::Encoding { encoding: excerpt(name) }),
    }
}

/// A reference between elements stands for text, but it must stand for some text.
fn check_reference(reference: &BytesRef<'_>) -> Result<(), Fault> {
    match reference.resolve_char_ref() {
        Ok(Some(character)) => check_characters(character.encode_utf8(&mut [0; 4])),
        Ok(None) if quick_xml::escape::resolve_xml_entity(reference).is_some() => Ok(()),
        Ok(None) => Err(Fault::UnknownEntity { name: excerpt(reference) }),
        Err(error) => Err(malformed(error.to_string())),
    }
}

fn refusal(error: XmlError) -> Fault {
    match error {
        XmlError::Io(error) => match Arc::try_unwrap(error) {
            Ok(error) => fault(error),
            Err(shared) => Fault::Read(std::io::Error::new(shared.kind(), shared)),
        },
        XmlError::Encoding(_) => Fault::InvalidUtf8,
        XmlError::Syntax(SyntaxError::UnclosedDoctype) => Fault::DocumentType,
        XmlError::Syntax(error) => malformed(error.to_string()),
        XmlError::IllFormed(error) => malformed(error.to_string()),
        XmlError::InvalidAttr(error) => malformed(error.to_string()),
        XmlError::Escape(error) => malformed(error.to_string()),
        XmlError::Namespace(error) => malformed(error.to_string()),
    }
}
