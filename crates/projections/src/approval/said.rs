//! What an event says about an approval: the four blocks of domain, whatever they are about.

use crate::approval::approvable::Approvable;
use countersign_domain::approval::{Asked, Given, Recalled, Refusal};
use countersign_domain::billing::invoice;
use countersign_domain::envelope::Recorded;
use countersign_domain::ids::{ClientId, ProjectId};
use countersign_domain::portal::PortalEvent;
use countersign_domain::work::time_entry;

/// An event as the approval engine knows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step<'a> {
    pub(crate) what: Approvable,
    pub(crate) project: ProjectId,
    pub(crate) client: ClientId,
    pub(crate) said: Said<'a>,
}

/// What was said.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Said<'a> {
    /// Approval was asked.
    Asked(&'a Asked),
    /// Somebody agreed; others must, too.
    Given(&'a Given),
    /// Somebody agreed, and all is approved.
    Approved(&'a Given, AutoSend),
    /// Somebody refused.
    Refused(&'a Refusal),
    /// The question was taken back.
    Recalled(&'a Recalled),
}

/// Whether an approval also sends what it approves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AutoSend {
    Yes,
    No,
}

impl<'a> Step<'a> {
    /// What an event says about an approval, if anything.
    pub(crate) fn of(event: &'a Recorded) -> Option<Self> {
        if let PortalEvent::Invoice(invoice) = &event.event {
            let (project, client, said) = of_invoice(invoice)?;
            return Some(Self { what: Approvable::Invoice(event.stream.id.into()), project, client, said });
        }
        let PortalEvent::TimeEntry(entry) = &event.event else { return None };
        let (booking, said) = of_time_entry(entry)?;
        let what = Approvable::TimeEntry(event.stream.id.into());
        Some(Self { what, project: booking.project, client: booking.client, said })
    }
}

fn of_invoice(event: &invoice::Event) -> Option<(ProjectId, ClientId, Said<'_>)> {
    let (project, client, said) = match event {
        invoice::Event::Drafted(_) | invoice::Event::Revised(_) | invoice::Event::Sent { .. } => return None,
        invoice::Event::PutInReview { project, client, approval } => (project, client, Said::Asked(approval)),
        invoice::Event::Recalled { project, client, approval } => (project, client, Said::Recalled(approval)),
        invoice::Event::ApprovalGiven { project, client, approval } => (project, client, Said::Given(approval)),
        invoice::Event::Approved { project, client, approval, auto_send } => {
            let auto_send = if *auto_send { AutoSend::Yes } else { AutoSend::No };
            (project, client, Said::Approved(approval, auto_send))
        }
        invoice::Event::ChangesRequested { project, client, approval } => (project, client, Said::Refused(approval)),
    };
    Some((*project, *client, said))
}

fn of_time_entry(event: &time_entry::Event) -> Option<(&time_entry::Booking, Said<'_>)> {
    match event {
        time_entry::Event::Logged(_) | time_entry::Event::Revised { .. } => None,
        time_entry::Event::Submitted { booking, approval } => Some((booking, Said::Asked(approval))),
        time_entry::Event::Recalled { booking, approval } => Some((booking, Said::Recalled(approval))),
        time_entry::Event::ApprovalGiven { booking, approval } => Some((booking, Said::Given(approval))),
        time_entry::Event::Approved { booking, approval, .. } => {
            Some((booking, Said::Approved(approval, AutoSend::No)))
        }
        time_entry::Event::Rejected { booking, approval } => Some((booking, Said::Refused(approval))),
    }
}
