//! The reader: first the log's header, then its cases, one at a time.

use crate::case::Case;
use crate::draft::Draft;
use crate::element::{Element, Tag};
use crate::error::XesError;
use crate::fault::{Fault, excerpt};
use crate::header::{Header, Heading};
use crate::limits::Limits;
use crate::markup::{Markup, Token};
use std::io::BufRead;

/// Reads the cases of one log in the order of the file.
///
/// Each item is a case or what kept one from being read. After an error that is not [`XesError::is_fatal`] the next item
/// is the next case; after a fatal one, and after the last case, there are no more. The file counts as read completely
/// only when the items end without a fatal error: a cut-off file is noticed at its end.
pub struct Reader<R: BufRead> {
    markup: Markup<R>,
    limits: Limits,
    header: Header,
    /// The element that ended the header.
    pending: Option<Element>,
    cases: u64,
    ended: bool,
}

impl<R: BufRead> Reader<R> {
    /// Opens a log, plain or gzipped, and reads its header. Any error here is fatal.
    pub fn new(log: R) -> Result<Self, XesError> {
        Self::with_limits(log, Limits::default())
    }

    /// The same, with other limits than the usual ones.
    pub fn with_limits(log: R, limits: Limits) -> Result<Self, XesError> {
        let mut markup = Markup::open(log, limits.token_bytes)?;
        read_root(&mut markup)?;
        let (header, pending) = read_header(&mut markup, limits)?;
        Ok(Self { markup, limits, header, pending, cases: 0, ended: false })
    }

    /// What the log says about itself.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The memory that is kept between two pieces of markup.
    #[cfg(test)]
    pub(crate) fn kept_bytes(&self) -> usize {
        self.markup.kept_bytes()
    }

    /// The next case, or none at the proper end of the log.
    fn read_next(&mut self) -> Result<Option<Case>, XesError> {
        loop {
            let element = match self.pending.take() {
                Some(element) => element,
                None => match self.markup.next()? {
                    Some(Token::Open(element)) => element,
                    Some(Token::Text) => return Err(self.passing(Fault::UnexpectedText)),
                    // The log is closed; what follows it is still checked.
                    Some(Token::Close) => continue,
                    None => return Ok(None),
                },
            };
            return match element.tag {
                Tag::Trace => self.read_case().map(Some),
                Tag::Event => self.read_over(Fault::EventOutsideCase),
                Tag::Extension | Tag::Global | Tag::Classifier | Tag::Attribute(_) => {
                    self.read_over(Fault::HeaderAfterCases { element: element.tag.name().into_owned() })
                }
                Tag::Log | Tag::Values | Tag::Other(_) => self.read_over(element.tag.misplaced()),
            };
        }
    }

    fn read_case(&mut self) -> Result<Case, XesError> {
        self.cases += 1;
        let mut draft = Draft::new(self.cases, self.markup.position(), self.limits);
        loop {
            let token = self.markup.next().map_err(|error| draft.name(error))?;
            let at = self.markup.position();
            match token {
                Some(Token::Open(element)) => draft.open(element, at),
                Some(Token::Text) => draft.spoil(Fault::UnexpectedText, at),
                Some(Token::Close) if !draft.close() => {}
                // The markup itself refuses to end inside of an element, so nothing can be cut off here.
                Some(Token::Close) | None => return draft.finish(),
            }
        }
    }

    /// Passes over an element that belongs to no case, and answers its fault.
    fn read_over(&mut self, fault: Fault) -> Result<Option<Case>, XesError> {
        let error = self.passing(fault);
        let mut open = 1_usize;
        while open > 0 {
            match self.markup.next()? {
                Some(Token::Open(_)) => open += 1,
                Some(Token::Close) => open -= 1,
                Some(Token::Text) => {}
                None => break,
            }
        }
        Err(error)
    }

    fn passing(&self, fault: Fault) -> XesError {
        XesError::passing(fault, self.markup.position())
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Case, XesError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let item = self.read_next().transpose();
        self.ended = match &item {
            Some(Ok(_)) => false,
            Some(Err(error)) => error.is_fatal(),
            None => true,
        };
        item
    }
}

impl<R: BufRead> std::iter::FusedIterator for Reader<R> {}

fn read_root<R: BufRead>(markup: &mut Markup<R>) -> Result<(), XesError> {
    match markup.next()? {
        Some(Token::Open(Element { tag: Tag::Log, .. })) => Ok(()),
        Some(Token::Open(element)) => {
            let root = excerpt(&element.tag.name());
            Err(XesError::ending(Fault::NotALog { root }, markup.position()))
        }
        Some(Token::Text | Token::Close) | None => Err(XesError::ending(Fault::NotXml, markup.position())),
    }
}

/// Reads up to the first case, the first event outside of one, or the end of the log.
fn read_header<R: BufRead>(markup: &mut Markup<R>, limits: Limits) -> Result<(Header, Option<Element>), XesError> {
    let mut heading = Heading::new(limits);
    let pending = loop {
        let token = markup.next()?;
        let at = markup.position();
        match token {
            Some(Token::Open(element)) if heading.is_idle() && matches!(element.tag, Tag::Trace | Tag::Event) => {
                break Some(element);
            }
            Some(Token::Open(element)) => heading.open(element).map_err(|fault| XesError::ending(fault, at))?,
            Some(Token::Text) => return Err(XesError::ending(Fault::UnexpectedText, at)),
            Some(Token::Close) if heading.is_idle() => break None,
            Some(Token::Close) => heading.close(),
            None => break None,
        }
    };
    let at = markup.position();
    heading.finish().map(|header| (header, pending)).map_err(|fault| XesError::ending(fault, at))
}
