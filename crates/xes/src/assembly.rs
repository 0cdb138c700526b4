//! Attributes being put together while their elements open and close, held to the limits.

use crate::attribute::{Attribute, Kind, Value};
use crate::element::Element;
use crate::fault::{Fault, excerpt};
use crate::limits::Limits;

/// The attributes that are open, outermost first, and what all attributes so far have used of the limits.
pub(crate) struct Assembly {
    limits: Limits,
    attributes: usize,
    text_bytes: usize,
    open: Vec<Open>,
}

enum Open {
    Attribute(Attribute),
    /// The `<values>` of the list that is open around it.
    Values,
}

impl Assembly {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, attributes: 0, text_bytes: 0, open: Vec::new() }
    }

    /// Whether no attribute is open.
    pub(crate) fn is_idle(&self) -> bool {
        self.open.is_empty()
    }

    /// An attribute's element opens.
    pub(crate) fn open(&mut self, kind: Kind, element: Element) -> Result<(), Fault> {
        let key = element.key.ok_or(Fault::MissingPart { element: kind.name().into(), part: "key" })?;
        self.charge(&key, element.value.as_deref().unwrap_or_default())?;
        let value = Value::parse(kind, &key, element.value)?;
        self.open.push(Open::Attribute(Attribute { key, value, nested: Vec::new() }));
        Ok(())
    }

    /// The `<values>` of a list opens.
    pub(crate) fn open_values(&mut self) -> Result<(), Fault> {
        match self.open.last() {
            Some(Open::Attribute(Attribute { value: Value::List(_), .. })) => {
                self.open.push(Open::Values);
                Ok(())
            }
            Some(Open::Attribute(_) | Open::Values) | None => Err(Fault::Misplaced { element: "values".into() }),
        }
    }

    /// The innermost element closes. Answers the attribute if it was an outermost one.
    pub(crate) fn close(&mut self) -> Option<Attribute> {
        let Some(Open::Attribute(closed)) = self.open.pop() else { return None };
        let in_values = matches!(self.open.last(), Some(Open::Values));
        let around = self.open.iter_mut().rev().find_map(|open| match open {
            Open::Attribute(attribute) => Some(attribute),
            Open::Values => None,
        });
        let Some(Attribute { value, nested, .. }) = around else { return Some(closed) };
        match value {
            Value::List(items) if in_values => items.push(closed),
            Value::Container(items) => items.push(closed),
            Value::List(_) | Value::String(_) | Value::Date(_) | Value::Int(_) => nested.push(closed),
            Value::Float(_) | Value::Boolean(_) | Value::Id(_) => nested.push(closed),
        }
        None
    }

    /// Takes a key and its value out of what the limits leave.
    pub(crate) fn charge(&mut self, key: &str, value: &str) -> Result<(), Fault> {
        let Limits { attributes_per_case, case_bytes, value_bytes, attribute_depth, .. } = self.limits;
        if key.len() > value_bytes || value.len() > value_bytes {
            return Err(Fault::ValueTooLong { key: excerpt(key), limit_bytes: value_bytes });
        }
        if self.open.iter().filter(|open| matches!(open, Open::Attribute(_))).count() >= attribute_depth {
            return Err(Fault::TooDeep { limit: attribute_depth });
        }
        self.attributes += 1;
        if self.attributes > attributes_per_case {
            return Err(Fault::TooManyAttributes { limit: attributes_per_case });
        }
        self.text_bytes += key.len() + value.len();
        if self.text_bytes > case_bytes {
            return Err(Fault::TooMuchText { limit_bytes: case_bytes });
        }
        Ok(())
    }
}
