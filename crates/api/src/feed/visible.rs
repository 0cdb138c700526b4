//! Whether a reader may be told of an event: asked anew for every batch, of the same questions that show the objects.

use crate::app::App;
use crate::error::ApiError;
use crate::feed::Change;
use crate::request::Caller;
use countersign_domain::access::{Action, Facts, Subject, decide};
use countersign_domain::billing::invoice;
use countersign_domain::envelope::{Principal, Recorded};
use countersign_domain::portal::{PortalEvent, StreamId, StreamKind};
use countersign_domain::work::project;
use countersign_projections::{ReadError, billing, standing, work};
use std::collections::HashMap;

/// What a reader sees at this moment.
pub(crate) struct Sight<'a> {
    app: &'a App,
    caller: &'a Caller,
    subject: Subject,
    /// What has been asked already.
    asked: HashMap<StreamId, bool>,
}

impl<'a> Sight<'a> {
    pub(crate) async fn new(app: &'a App, caller: &'a Caller) -> Result<Self, ApiError> {
        let subject = standing(app.reads().pool(), &caller.scope()).await?;
        Ok(Self { app, caller, subject, asked: HashMap::new() })
    }

    /// Whether the reader may be told of an event.
    pub(crate) async fn covers(&mut self, event: &Recorded) -> Result<bool, ApiError> {
        if self.caller.is_guest() && !self.is_a_guests_business(&event.event) {
            return Ok(false);
        }
        if let Some(seen) = self.asked.get(&event.stream) {
            return Ok(*seen);
        }
        let seen = self.sees(event.stream).await?;
        self.asked.insert(event.stream, seen);
        Ok(seen)
    }

    /// Who else is on a roster, who of the firm manages a project, and how an invoice was drafted, is nothing that
    /// guests are told.
    fn is_a_guests_business(&self, event: &PortalEvent) -> bool {
        if let PortalEvent::Invoice(event) = event {
            return !matches!(event, invoice::Event::Drafted(_) | invoice::Event::Revised(_));
        }
        let PortalEvent::Project(event) = event else { return true };
        match event {
            project::Event::Published { .. } | project::Event::Withdrawn { .. } => true,
            project::Event::Opened { .. } | project::Event::ManagerAssigned { .. } => false,
            project::Event::AccessGranted { portal_user, .. }
            | project::Event::AccessRevised { portal_user, .. }
            | project::Event::AccessRevoked { portal_user, .. } => {
                self.caller.principal() == Principal::PortalUser(*portal_user)
            }
        }
    }

    async fn sees(&self, stream: StreamId) -> Result<bool, ApiError> {
        let (pool, scope, now) = (self.app.reads().pool(), self.caller.scope(), self.app.clock.now());
        match stream.kind {
            StreamKind::Project => is_there(work::project::get(pool, &scope, now, stream.id.into()).await),
            StreamKind::TimeEntry => is_there(work::time_entry::get(pool, &scope, now, stream.id.into()).await),
            StreamKind::Invoice => is_there(billing::invoice::get(pool, &scope, now, stream.id.into()).await),
            StreamKind::Organization
            | StreamKind::Staff
            | StreamKind::Seats
            | StreamKind::Client
            | StreamKind::Contact
            | StreamKind::PortalUser => Ok(self.may(Action::ViewDirectory)),
            StreamKind::Mailbox | StreamKind::NumberSeries | StreamKind::ImportedCase => {
                Ok(self.may(Action::ReadLedger))
            }
        }
    }

    fn may(&self, action: Action) -> bool {
        let facts = Facts { subject: self.subject.clone(), project: None };
        decide(&facts, action, self.app.clock.now()).allowed
    }
}

/// Whether a question was answered with the thing, or as if there were none.
fn is_there<T>(answer: Result<T, ReadError>) -> Result<bool, ApiError> {
    match answer {
        Ok(_) => Ok(true),
        Err(ReadError::Denied(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

impl Change {
    /// What is told of an event.
    pub(crate) fn of(event: &Recorded) -> Self {
        Self {
            object_kind: event.stream.kind.object_kind().as_str(),
            object_id: event.stream.id,
            event_type: event.event.name(),
            recorded_at: event.recorded_at,
        }
    }
}
