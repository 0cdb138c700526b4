//! How folds are specified: given what has happened, these are the rows.

use crate::projector::{Projector, Rows};
use chrono::TimeDelta;
use countersign_canon::Digest;
use countersign_domain::access::Right;
use countersign_domain::approval::{Asked, Given, Policy, Progress, Recalled, Refusal, Salt};
use countersign_domain::envelope::{Actor, Principal, Provenance, Recorded};
use countersign_domain::ids::{ClientId, CommandId, ContractLineId, EventId, OrgId, PortalUserId, ProjectId, StaffId};
use countersign_domain::portal::{PortalEvent, StreamId};
use countersign_domain::values::{Currency, Label, Money, Note, Timestamp};
use countersign_domain::work::project::{self, ContractLine};
use std::collections::BTreeMap;
use uuid::Uuid;

pub(crate) const ACME: ClientId = ClientId(Uuid::from_u128(0xc1));
pub(crate) const PAUL: StaffId = StaffId(Uuid::from_u128(0x5b));
pub(crate) const GINA: PortalUserId = PortalUserId(Uuid::from_u128(0x9a));
pub(crate) const PORTAL: ProjectId = ProjectId(Uuid::from_u128(0xf1));
pub(crate) const LINE: ContractLineId = ContractLineId(Uuid::from_u128(0xf2));

/// What has happened in a ledger: an event an hour, by Paul.
#[derive(Default)]
pub(crate) struct History(Vec<Recorded>);

impl History {
    /// Then this happened to an aggregate.
    pub(crate) fn then(mut self, id: impl Into<Uuid>, event: PortalEvent) -> Self {
        let id = id.into();
        let position = self.0.len() as u64 + 1;
        self.0.push(Recorded {
            org: OrgId(Uuid::from_u128(1)),
            position,
            event_id: EventId(Uuid::from_u128(position.into())),
            stream: StreamId { kind: event.kind(), id },
            version: position,
            recorded_at: hour(position),
            actor: Actor::Staff(PAUL),
            acting_client: None,
            on_behalf_of: None,
            command_id: CommandId(Uuid::nil()),
            causation_id: None,
            correlation_id: Uuid::nil(),
            provenance: Provenance::Witnessed,
            objects: event.objects(id),
            event,
        });
        self
    }

    /// The rows of a read model: the same, whether folded one by one or all at once.
    #[track_caller]
    pub(crate) fn rows<P: Projector>(&self) -> BTreeMap<P::Key, P::Row> {
        let mut one_by_one = BTreeMap::new();
        self.0.iter().for_each(|event| fold::<P>(&mut one_by_one, std::slice::from_ref(event)));
        let mut at_once = BTreeMap::new();
        fold::<P>(&mut at_once, &self.0);
        assert_eq!(one_by_one, at_once);
        at_once
    }

    /// The only row.
    #[track_caller]
    pub(crate) fn row<P: Projector>(&self) -> P::Row {
        let rows = self.rows::<P>();
        assert_eq!(rows.len(), 1, "{rows:?}");
        rows.into_values().next().expect("there is one row")
    }
}

fn fold<P: Projector>(table: &mut BTreeMap<P::Key, P::Row>, events: &[Recorded]) {
    let keys: Vec<P::Key> = events.iter().flat_map(P::keys).collect();
    let found: Vec<_> = keys.iter().filter_map(|key| Some((key.clone(), table.get(key)?.clone()))).collect();
    let mut rows = Rows::at_hand(keys, found);
    events.iter().for_each(|event| P::project(&mut rows, event));
    let (written, gone) = rows.into_changes();
    table.extend(written);
    gone.iter().for_each(|key| drop(table.remove(key)));
}

/// The hour at which the event of a position happened.
pub(crate) fn hour(position: u64) -> Timestamp {
    let midnight: Timestamp = "2026-03-01T00:00:00Z".parse().expect("a day begins");
    midnight.plus(TimeDelta::hours(i64::try_from(position).expect("histories are short")))
}

/// `PORTAL` for Acme: one line of 40 hours at 100 euros.
pub(crate) fn opened() -> PortalEvent {
    let line = ContractLine {
        id: LINE,
        name: label("Development"),
        rate: eur(10_000),
        amount: eur(400_000),
        hours: "40.0".parse().expect("hours"),
    };
    PortalEvent::Project(project::Event::Opened {
        client: ACME,
        name: label("Portal"),
        currency: eur(0).currency(),
        manager: Some(PAUL),
        contract_lines: vec![line],
    })
}

pub(crate) fn asked(revision: u32, policy: Policy) -> Asked {
    Asked { revision, digest: Digest([1; 32]), policy, author: Principal::Staff(PAUL) }
}

pub(crate) fn given(revision: u32, stage: u32, leaves: Progress) -> Given {
    Given {
        revision,
        digest: Digest([2; 32]),
        by: Principal::PortalUser(GINA),
        right: Right::ApproveInvoices,
        seeing: [Right::InvoiceVisibility].into(),
        policy: "invoice.client".to_owned(),
        policy_version: 1,
        stage,
        leaves,
        meaning: "approves".to_owned(),
        note: None,
    }
}

pub(crate) fn refusal(revision: u32, reason: &str) -> Refusal {
    Refusal {
        revision,
        digest: Digest([2; 32]),
        by: Principal::PortalUser(GINA),
        right: Right::ApproveInvoices,
        seeing: [Right::InvoiceVisibility].into(),
        policy: "invoice.client".to_owned(),
        policy_version: 1,
        stage: 0,
        reason: note(reason),
    }
}

pub(crate) fn recalled(revision: u32) -> Recalled {
    Recalled { revision, by: Principal::Staff(PAUL) }
}

pub(crate) fn salt() -> Salt {
    Salt::new([7; 16])
}

pub(crate) fn label(text: &str) -> Label {
    Label::parse(text).expect("a label")
}

pub(crate) fn note(text: &str) -> Note {
    Note::parse(text).expect("a note")
}

pub(crate) fn eur(cents: i64) -> Money {
    Money::new(cents, Currency::parse("EUR").expect("a currency")).expect("an amount")
}

pub(crate) fn id<T: From<Uuid>>(number: u128) -> T {
    Uuid::from_u128(number).into()
}
