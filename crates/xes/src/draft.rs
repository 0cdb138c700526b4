//! A case while it is read. One fault spoils it: what follows is read over, so that the next case can be read.

use crate::assembly::Assembly;
use crate::attribute::Attribute;
use crate::case::{Case, Step};
use crate::element::{Element, Tag};
use crate::error::{Position, XesError};
use crate::fault::Fault;
use crate::limits::Limits;

/// The case that is being read, and its first fault.
pub(crate) struct Draft {
    number: u64,
    begun: Position,
    limits: Limits,
    /// Elements open inside of the trace.
    open: usize,
    assembly: Assembly,
    id: Option<String>,
    attributes: Vec<Attribute>,
    event: Option<Happening>,
    steps: Vec<Step>,
    fault: Option<(Fault, Position)>,
}

/// The event that is open.
struct Happening {
    begun: Position,
    attributes: Vec<Attribute>,
}

impl Draft {
    /// The `<trace>` of the file's case of this number, from 1, has just opened.
    pub(crate) fn new(number: u64, begun: Position, limits: Limits) -> Self {
        let assembly = Assembly::new(limits);
        let (attributes, steps) = (Vec::new(), Vec::new());
        Self { number, begun, limits, open: 0, assembly, id: None, attributes, event: None, steps, fault: None }
    }

    /// Says of an error that it happened in this case.
    pub(crate) fn name(&self, error: XesError) -> XesError {
        error.in_case(self.number, self.id.clone())
    }

    pub(crate) fn open(&mut self, element: Element, at: Position) {
        self.note_id(&element);
        self.open += 1;
        if self.fault.is_none() {
            let admitted = self.admit(element, at);
            self.judge(admitted, at);
        }
    }

    /// An element closes. Answers whether it was the trace.
    pub(crate) fn close(&mut self) -> bool {
        if self.open == 0 {
            return true;
        }
        self.open -= 1;
        if self.fault.is_none() {
            self.settle();
        }
        false
    }

    pub(crate) fn spoil(&mut self, fault: Fault, at: Position) {
        if self.fault.is_none() {
            self.fault = Some((fault, at));
            // What was read is of no use any more.
            (self.attributes, self.steps, self.event) = (Vec::new(), Vec::new(), None);
            self.assembly = Assembly::new(self.limits);
        }
    }

    pub(crate) fn finish(mut self) -> Result<Case, XesError> {
        if let Some((fault, at)) = self.fault.take() {
            return Err(self.name(XesError::passing(fault, at)));
        }
        let (attributes, steps) = (std::mem::take(&mut self.attributes), std::mem::take(&mut self.steps));
        Case::new(attributes, steps).map_err(|fault| self.name(XesError::passing(fault, self.begun)))
    }

    /// Remembers the case's name for errors as soon as it is seen, also once the case is spoilt.
    fn note_id(&mut self, element: &Element) {
        let names_case = self.open == 0 && element.key.as_deref() == Some("concept:name");
        let name = element.value.as_ref().filter(|name| !name.trim().is_empty());
        if names_case && self.id.is_none() {
            self.id = name.filter(|name| name.len() <= self.limits.value_bytes).cloned();
        }
    }

    fn admit(&mut self, element: Element, at: Position) -> Result<(), Fault> {
        match &element.tag {
            Tag::Attribute(kind) => self.assembly.open(*kind, element),
            Tag::Values => self.assembly.open_values(),
            Tag::Event if self.open == 1 => self.begin_event(at),
            Tag::Log | Tag::Extension | Tag::Global | Tag::Classifier => Err(element.tag.misplaced()),
            Tag::Trace | Tag::Event | Tag::Other(_) => Err(element.tag.misplaced()),
        }
    }

    fn begin_event(&mut self, begun: Position) -> Result<(), Fault> {
        let limit = self.limits.steps_per_case;
        if self.steps.len() >= limit {
            return Err(Fault::TooManySteps { limit });
        }
        self.event = Some(Happening { begun, attributes: Vec::new() });
        Ok(())
    }

    /// Puts what has just closed where it belongs: an attribute to its event or to the case, an event to the steps.
    fn settle(&mut self) {
        if !self.assembly.is_idle() {
            let attribute = self.assembly.close();
            self.event.as_mut().map_or(&mut self.attributes, |event| &mut event.attributes).extend(attribute);
        } else if let Some(Happening { begun, attributes }) = self.event.take() {
            let step = Step::new(attributes, self.steps.len() + 1).map(|step| self.steps.push(step));
            self.judge(step, begun);
        }
    }

    fn judge(&mut self, outcome: Result<(), Fault>, at: Position) {
        if let Err(fault) = outcome {
            self.spoil(fault, at);
        }
    }
}
