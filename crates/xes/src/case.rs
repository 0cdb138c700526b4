//! A case: one trace of the log, with its steps in the order of the file.

use crate::attribute::{Attribute, Kind, Value, date};
use crate::fault::{Fault, excerpt};
use chrono::{DateTime, FixedOffset};

/// One case: what happened to one claim, request or invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Its name in the log (`concept:name` of the trace), never blank.
    pub id: String,
    /// All else that is said about the case, in file order.
    pub attributes: Vec<Attribute>,
    /// What happened, in file order, also where times are equal or run backwards.
    pub steps: Vec<Step>,
}

/// One event of a case.
///
/// What has a field of its own is not repeated among the attributes, unless something is nested in it. A blank
/// value counts as none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The event's id: `identity:id`, or else `id`. Unique at most within the case.
    pub id: Option<String>,
    /// What was done (`concept:name`), never blank.
    pub activity: String,
    /// When (`time:timestamp`), with the offset it was written in.
    pub at: Option<DateTime<FixedOffset>>,
    /// Who did it (`org:resource`).
    pub resource: Option<String>,
    /// In which role (`org:role`).
    pub role: Option<String>,
    /// At which point of the activity's life (`lifecycle:transition`), such as `complete`.
    pub transition: Option<String>,
    /// All else that is said about the event, in file order.
    pub attributes: Vec<Attribute>,
}

impl Case {
    /// Sorts the trace's attributes into a case.
    pub(crate) fn new(attributes: Vec<Attribute>, steps: Vec<Step>) -> Result<Self, Fault> {
        let (name, attributes) = named(attributes)?;
        Ok(Self { id: name.ok_or(Fault::CaseWithoutName)?, attributes, steps })
    }
}

impl Step {
    /// Sorts the attributes of the case's event of this number into a step.
    pub(crate) fn new(attributes: Vec<Attribute>, number: usize) -> Result<Self, Fault> {
        let has_identity = attributes.iter().any(|one| one.key == "identity:id" && !one.value.is_blank());
        let (mut id, mut activity, mut at) = (None, None, None);
        let (mut resource, mut role, mut transition, mut rest) = (None, None, None, Vec::new());
        for attribute in attributes {
            match attribute.key.as_str() {
                "identity:id" => rest.extend(settle(&mut id, attribute, name)?),
                "id" if !has_identity => rest.extend(settle(&mut id, attribute, name)?),
                "concept:name" => rest.extend(settle(&mut activity, attribute, name)?),
                "time:timestamp" => rest.extend(settle(&mut at, attribute, time)?),
                "org:resource" => rest.extend(settle(&mut resource, attribute, name)?),
                "org:role" => rest.extend(settle(&mut role, attribute, name)?),
                "lifecycle:transition" => rest.extend(settle(&mut transition, attribute, name)?),
                _ => rest.push(attribute),
            }
        }
        let activity = activity.ok_or(Fault::EventWithoutActivity { event: number })?;
        Ok(Self { id, activity, at, resource, role, transition, attributes: rest })
    }
}

/// Takes the name out of the attributes of a log or a trace; the rest stays.
pub(crate) fn named(attributes: Vec<Attribute>) -> Result<(Option<String>, Vec<Attribute>), Fault> {
    let (mut found, mut rest) = (None, Vec::new());
    for attribute in attributes {
        match attribute.key.as_str() {
            "concept:name" => rest.extend(settle(&mut found, attribute, name)?),
            _ => rest.push(attribute),
        }
    }
    Ok((found, rest))
}

/// Gives an attribute its field, and gives it back if more is nested in it. The same value twice is once; two different
/// ones would be a guess.
fn settle<T: PartialEq>(
    field: &mut Option<T>,
    attribute: Attribute,
    read: fn(&str, Value) -> Result<Option<T>, Fault>,
) -> Result<Option<Attribute>, Fault> {
    let kept = (!attribute.nested.is_empty()).then(|| attribute.clone());
    let Attribute { key, value, .. } = attribute;
    let Some(value) = read(&key, value)? else { return Ok(kept) };
    match field {
        Some(known) if *known != value => return Err(Fault::Ambiguous { key }),
        Some(_) => {}
        None => *field = Some(value),
    }
    Ok(kept)
}

fn name(key: &str, value: Value) -> Result<Option<String>, Fault> {
    let not_a_text = || Fault::BadValue {
        key: key.into(),
        expected: Kind::String.name(),
        value: "a date, list or container".into(),
    };
    value.into_name().map(|text| Some(text).filter(|text| !text.trim().is_empty())).ok_or_else(not_a_text)
}

/// A time is usually typed as a date; written as a string it is read by the same rule.
fn time(_: &str, value: Value) -> Result<Option<DateTime<FixedOffset>>, Fault> {
    if let Value::Date(at) = value {
        return Ok(Some(at));
    }
    let text = value.into_name().unwrap_or_default();
    date(&text).map(Some).ok_or_else(|| Fault::BadTimestamp { value: excerpt(&text) })
}
