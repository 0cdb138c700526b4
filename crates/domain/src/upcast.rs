//! Old shapes of events, read as today's.
//!
//! A change of an event's fields is a new schema version and one pure function here, from the version before. The
//! stored bytes never change.

use crate::portal::{Wire, WireError};
use serde_json::Value;

/// One step from a schema version of an event to the next.
#[derive(Clone, Copy, Debug)]
pub struct Upcaster {
    /// The event's name.
    pub event_type: &'static str,
    /// The schema version that it reads; it yields the next one.
    pub from: u16,
    /// The fields in the next version's shape.
    pub upcast: fn(Value) -> Value,
}

/// Every change of shape since the first release, in order.
pub const UPCASTERS: &[Upcaster] = &[];

/// The schema version in which an event is written today.
pub fn current_schema(event_type: &str) -> u16 {
    schema_after(UPCASTERS, event_type)
}

/// An event in today's schema; an event of a later schema is unknown to this build.
pub fn to_current(wire: Wire) -> Result<Wire, WireError> {
    through(UPCASTERS, wire)
}

fn schema_after(upcasters: &[Upcaster], event_type: &str) -> u16 {
    upcasters.iter().filter(|step| step.event_type == event_type).map(|step| step.from + 1).max().unwrap_or(1)
}

fn through(upcasters: &[Upcaster], mut wire: Wire) -> Result<Wire, WireError> {
    if wire.schema == 0 || wire.schema > schema_after(upcasters, &wire.event_type) {
        return Err(WireError::Unknown { event_type: wire.event_type, schema: wire.schema });
    }
    for step in upcasters.iter().filter(|step| step.event_type == wire.event_type) {
        if step.from == wire.schema {
            wire.data = (step.upcast)(wire.data);
            wire.schema += 1;
        }
    }
    Ok(wire)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const STEPS: &[Upcaster] = &[
        Upcaster { event_type: "tea.poured", from: 1, upcast: |data| json!({ "cup": data["mug"] }) },
        Upcaster { event_type: "tea.poured", from: 2, upcast: |data| json!({ "cup": data["cup"], "milk": false }) },
    ];

    fn wire(schema: u16, data: Value) -> Wire {
        Wire { event_type: "tea.poured".into(), schema, data }
    }

    #[test]
    fn an_event_of_the_first_schema_is_read_as_todays() {
        let read = through(STEPS, wire(1, json!({ "mug": 1 }))).unwrap();
        assert_eq!(read, wire(3, json!({ "cup": 1, "milk": false })));
    }

    #[test]
    fn an_event_of_todays_schema_is_left_alone() {
        let today = wire(3, json!({ "cup": 1, "milk": true }));
        assert_eq!(through(STEPS, today.clone()).unwrap(), today);
    }

    #[test]
    fn an_event_of_a_later_schema_means_that_this_build_is_outdated() {
        for schema in [0, 4] {
            assert!(matches!(through(STEPS, wire(schema, json!({}))), Err(WireError::Unknown { .. })));
        }
    }
}
