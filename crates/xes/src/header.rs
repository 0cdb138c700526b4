//! What a log says about itself, before its first case.

use crate::assembly::Assembly;
use crate::attribute::Attribute;
use crate::case::named;
use crate::element::{Element, Tag};
use crate::fault::{Fault, excerpt};
use crate::limits::Limits;

/// The head of a log. Classifiers, which say how to count activities, are read over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Header {
    /// The log's name (`concept:name` of the log), if it has one.
    pub name: Option<String>,
    /// All else that is said about the log, in file order.
    pub attributes: Vec<Attribute>,
    /// Where the log's vocabulary is defined.
    pub extensions: Vec<Extension>,
    /// The attributes that every trace or event is declared to have.
    pub globals: Vec<Global>,
}

/// A vocabulary that the log uses, such as `concept` for names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// Its name.
    pub name: String,
    /// What its keys begin with, before the colon.
    pub prefix: String,
    /// Where it is defined. It is never fetched.
    pub uri: String,
}

/// Attributes that everything of one scope has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Global {
    /// Of what.
    pub scope: Scope,
    /// The attributes, each with a value that stands for its type and says nothing about any case.
    pub attributes: Vec<Attribute>,
}

/// What a [`Global`] is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Every case.
    Trace,
    /// Every step.
    Event,
}

/// A header while it is read: its elements open and close.
pub(crate) struct Heading {
    header: Header,
    assembly: Assembly,
    inside: Inside,
}

enum Inside {
    Log,
    Global(Global),
    /// An extension or a classifier, which has nothing inside.
    Leaf,
}

impl Heading {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { header: Header::default(), assembly: Assembly::new(limits), inside: Inside::Log }
    }

    /// Whether nothing is open but the log itself, so that a case may begin or the log may end.
    pub(crate) fn is_idle(&self) -> bool {
        self.assembly.is_idle() && matches!(self.inside, Inside::Log)
    }

    pub(crate) fn open(&mut self, mut element: Element) -> Result<(), Fault> {
        match (&self.inside, &element.tag) {
            (Inside::Log | Inside::Global(_), Tag::Attribute(kind)) => self.assembly.open(*kind, element),
            (Inside::Log | Inside::Global(_), Tag::Values) => self.assembly.open_values(),
            (Inside::Log, Tag::Extension) if self.assembly.is_idle() => {
                let name = element.require("name")?;
                let (prefix, uri) = (element.require("prefix")?, element.require("uri")?);
                self.assembly.charge(&name, &prefix)?;
                self.assembly.charge(&name, &uri)?;
                self.header.extensions.push(Extension { name, prefix, uri });
                self.inside = Inside::Leaf;
                Ok(())
            }
            (Inside::Log, Tag::Classifier) if self.assembly.is_idle() => {
                self.inside = Inside::Leaf;
                Ok(())
            }
            (Inside::Log, Tag::Global) if self.assembly.is_idle() => {
                let scope = element.require("scope")?;
                self.assembly.charge("global", &scope)?;
                let scope = Scope::parse(&scope)?;
                self.inside = Inside::Global(Global { scope, attributes: Vec::new() });
                Ok(())
            }
            (Inside::Log | Inside::Global(_) | Inside::Leaf, tag) => Err(tag.misplaced()),
        }
    }

    pub(crate) fn close(&mut self) {
        if !self.assembly.is_idle() {
            let attribute = self.assembly.close();
            match &mut self.inside {
                Inside::Global(global) => global.attributes.extend(attribute),
                Inside::Log | Inside::Leaf => self.header.attributes.extend(attribute),
            }
        } else if let Inside::Global(global) = std::mem::replace(&mut self.inside, Inside::Log) {
            self.header.globals.push(global);
        }
    }

    pub(crate) fn finish(mut self) -> Result<Header, Fault> {
        (self.header.name, self.header.attributes) = named(self.header.attributes)?;
        Ok(self.header)
    }
}

impl Scope {
    fn parse(text: &str) -> Result<Self, Fault> {
        match text {
            "trace" => Ok(Self::Trace),
            "event" => Ok(Self::Event),
            _ => Err(Fault::UnknownScope { scope: excerpt(text) }),
        }
    }
}
