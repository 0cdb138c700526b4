//! What a worker does with its turn, and what becomes of those whose turn it was.

use super::Shared;
use crate::abreast::{Stride, Strides, advance_abreast};
use crate::engine::{Advance, By, Step, advance_by};
use crate::error::{Fault, ProjectionError};
use crate::footing::Follows;
use crate::group::Group;
use crate::measure;
use crate::queue::{Became, Unit};
use countersign_domain::ids::OrgId;
use countersign_telemetry::TraceContext;
use std::collections::HashMap;
use std::sync::atomic::Ordering;
use tokio::time::Instant;
use tracing::Span;

/// One batch of each of these organizations, in every group that this node may follow and that has no turn of its own.
pub(super) async fn abreast(shared: &Shared, orgs: &[OrgId]) {
    let mut follows: Vec<_> =
        orgs.iter().map(|org| shared.follows(*org)).filter(|one| !one.groups.is_empty()).collect();
    // Whoever else is at some of them takes them in the same order.
    follows.sort_unstable_by_key(|one| one.org);
    let mut became: HashMap<OrgId, Became> = orgs.iter().map(|org| (*org, Became::Done)).collect();
    if !follows.is_empty() {
        became.extend(stride(shared, &follows).await);
    }
    shared.done(became.into_iter().map(|(org, became)| (Unit::Organization(org), became)));
}

/// What became of each of them.
async fn stride(shared: &Shared, follows: &[Follows<'_>]) -> Vec<(OrgId, Became)> {
    let all = |became: Became| follows.iter().map(|one| (one.org, became)).collect();
    let begun = Instant::now();
    let mut traces: HashMap<OrgId, Vec<TraceContext>> = shared.take_traces(follows.iter().map(|one| one.org));
    let spans: HashMap<OrgId, Span> = traces.iter().map(|(org, traces)| (*org, measure::span(*org, traces))).collect();
    let strides = match advance_abreast(&shared.ledger, follows).await {
        Ok(Strides::Made(strides)) => strides,
        Ok(Strides::Apart) => {
            shared.give_traces_back(traces);
            return all(Became::PerhapsMore);
        }
        Err(error) => {
            shared.trouble.store(true, Ordering::Relaxed);
            shared.give_traces_back(traces);
            let (org, others) = (follows[0].org, follows.len() - 1);
            tracing::warn!(%org, others, error = ?error, "ledgers could not be projected; trying again, one by one");
            return all(Became::Failed);
        }
    };
    measure::stepped(begun.elapsed());
    traces.retain(|org, _| strides.iter().any(|(whose, stride)| whose == org && stride.is_put_off()));
    shared.give_traces_back(traces);
    let became = strides.into_iter().map(|(org, stride)| {
        measure::moved(spans.get(&org).unwrap_or(&Span::none()), &stride.moved, &stride.folded);
        if let Some(followed) = follows.iter().find(|one| one.org == org) {
            shared.has_stridden(followed, &stride);
        }
        match stride {
            Stride { refused: true, .. } => (org, Became::Failed),
            Stride { more: true, .. } => (org, Became::PerhapsMore),
            Stride { .. } => (org, Became::Done),
        }
    });
    became.collect()
}

/// One batch of one group.
pub(super) async fn alone(shared: &Shared, group: &Group, org: OrgId) -> Became {
    let Some(lease) = shared.leases.lease(group.name, org) else { return Became::Done };
    let begun = Instant::now();
    let stepped = advance_by(By::Lease(lease), &shared.ledger, group, org).await;
    measure::stepped(begun.elapsed());
    match stepped {
        Ok(Step { became: Advance::To(_), events }) => {
            metrics::counter!("countersign_projection_events_total", "group" => group.name).increment(events);
            shared.positions.has_moved(org);
            Became::PerhapsMore
        }
        Ok(Step { became: Advance::Parked, .. }) => {
            shared.positions.has_moved(org);
            // What is left of the organization goes on without this group.
            shared.ask_for(org);
            Became::Done
        }
        Ok(Step { became: Advance::UpToDate, .. }) => Became::Done,
        // Whoever is at it may have stopped in the middle.
        Ok(Step { became: Advance::Elsewhere, .. }) => Became::Failed,
        Err(error) => {
            complain(group, org, &error);
            if error.fault() == Fault::Outdated {
                shared.leases.is_outdated();
                return Became::Outdated;
            }
            Became::Failed
        }
    }
}

fn complain(group: &Group, org: OrgId, error: &ProjectionError) {
    let group = group.name;
    if let ProjectionError::NoGeneration { .. } = error {
        tracing::error!(group, %org, error = ?error, "an organization cannot be followed; trying again");
    } else if error.fault() == Fault::Outdated {
        tracing::warn!(group, %org, error = ?error, "this node is outdated: others may follow this ledger");
    } else {
        tracing::warn!(group, %org, error = ?error, "a ledger could not be projected; trying again");
    }
}
