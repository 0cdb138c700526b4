//! What is measured of following, and its place in a trace. No organization is named in a metric: their number has no end.

use crate::rebuild::Told;
use chrono::Utc;
use countersign_domain::envelope::{Provenance, Recorded};
use countersign_domain::ids::OrgId;
use countersign_telemetry::{TRACES, TraceContext};
use sqlx::PgConnection;
use std::time::Duration;
use tracing::{Span, debug_span, field};

/// A step of one organization, as part of the traces of the commands whose events it takes.
pub(crate) fn span(org: OrgId, traces: &[TraceContext]) -> Span {
    let Some((first, others)) = traces.split_first() else { return Span::none() };
    let span = debug_span!(
        target: TRACES, parent: None, "project", %org, groups = field::Empty, from = field::Empty, to = field::Empty
    );
    first.is_parent_of(&span);
    others.iter().for_each(|other| other.is_linked_to(&span));
    span
}

/// Rows were moved: how long each event was on its way to them.
pub(crate) fn moved(span: &Span, groups: &[&'static str], events: &[Recorded]) {
    let (Some(first), Some(last)) = (events.first(), events.last()) else { return };
    span.record("groups", groups.join(" ")).record("from", first.position).record("to", last.position);
    let now = Utc::now();
    for &group in groups {
        metrics::counter!("countersign_projection_events_total", "group" => group).increment(events.len() as u64);
        let lag = metrics::histogram!("countersign_projection_lag_seconds", "group" => group);
        // A made-up history says of its events that they happened long ago.
        for event in events.iter().filter(|event| event.provenance != Provenance::Simulated) {
            lag.record((now - event.recorded_at.as_utc()).as_seconds_f64().max(0.0));
        }
    }
}

/// A step was made, whatever it came to.
pub(crate) fn stepped(took: Duration) {
    metrics::histogram!("countersign_projection_step_seconds").record(took);
}

/// How many organizations are parked in each group.
pub(crate) async fn count_parked(connection: &mut PgConnection, groups: &[&'static str]) -> Result<(), sqlx::Error> {
    let rows = sqlx::query!(r#"SELECT "group" AS "group!", parked AS "parked!" FROM read.count_parked()"#)
        .fetch_all(connection)
        .await?;
    for &group in groups {
        let parked = rows.iter().find(|row| row.group == group).map_or(0, |row| row.parked);
        metrics::gauge!("countersign_projection_parked", "group" => group).set(parked as f64);
    }
    Ok(())
}

/// A rebuild is further.
pub(crate) fn rebuilt(told: &Told) {
    let events = |how| metrics::counter!("countersign_rebuild_events_total", "how" => how);
    let left = metrics::gauge!("countersign_rebuild_events_left");
    match told {
        Told::Begun { events } => left.set(*events as f64),
        Told::Folded { events: folded } => {
            events("folded").increment(*folded);
            left.decrement(*folded as f64);
        }
        Told::Followed { events: followed } => events("followed").increment(*followed),
        Told::PutOver { group, .. } => {
            metrics::counter!("countersign_rebuild_put_over_total", "group" => group.clone()).increment(1);
        }
        Told::Entered { .. } => {}
    }
}
