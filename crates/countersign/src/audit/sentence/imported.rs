//! What was taken over from another system's record.

use crate::audit::names::Names;
use countersign_domain::imported::case::{Event, Step};

pub(super) fn case(event: &Event, names: &Names) -> String {
    match event {
        Event::Opened { log, case } => format!("took the case {case} over from the log {log}"),
        Event::StepRecorded { index, step } => format!("took over step {}: {}", index + 1, told(step, names)),
    }
}

/// A step, as the other system tells it.
fn told(step: &Step, names: &Names) -> String {
    let Step { id: _, activity, at, role, resource, amount } = step;
    let who = resource.as_ref().map_or("somebody".to_owned(), |name| names.person(name.person()));
    let role = role.as_ref().map(|role| format!(", as {role},")).unwrap_or_default();
    let at = at.as_ref().map(|at| format!(" at {}", at.as_str())).unwrap_or_default();
    let amount = amount.as_ref().map(|amount| format!(", about an amount of {amount}")).unwrap_or_default();
    format!("{who}{role} did {:?}{at}{amount}", activity.as_str())
}
