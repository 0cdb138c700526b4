//! Reads and commands agree: whatever happened, a question answers exactly what `access::decide` allows on the facts
//! that the ledger's own streams give, and nothing of what a statement narrows is lost or added.

use crate::dice::Dice;
use crate::firm::*;
use crate::world::{begin, entries, happen, invoices, people, projects};
use chrono::TimeDelta;
use countersign_domain::access::{Action, Facts, Right, Subject, Window, decide};
use countersign_domain::approval::Mask;
use countersign_domain::billing::content::shown as shown_invoice;
use countersign_domain::billing::invoice::{Phase, State as InvoiceState};
use countersign_domain::envelope::Principal;
use countersign_domain::ids::InvoiceId;
use countersign_domain::portal::{StreamId, StreamKind, StreamState};
use countersign_domain::use_cases::guests::Place;
use countersign_domain::use_cases::projects::add_guest;
use countersign_domain::values::Timestamp;
use countersign_domain::work::time_entry::content::shown as shown_time;
use countersign_domain::work::time_entry::{Phase as TimePhase, State as TimeState};
use countersign_postgres::scoped;
use countersign_projections::approval::Approvable;
use countersign_projections::approval::request::awaiting_my_approval;
use countersign_projections::billing::invoice::InvoiceFilter;
use countersign_projections::work::dashboard::dashboard;
use countersign_projections::work::project::ProjectFilter;
use countersign_projections::{Limit, PageRequest, Scope, billing, standing, work};
use sqlx::PgPool;
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

/// The ledger's streams, folded by domain alone.
struct Streams(HashMap<StreamId, StreamState>);

impl Streams {
    async fn of(firm: &Firm) -> Self {
        let mut streams: HashMap<StreamId, StreamState> = HashMap::new();
        for stored in firm.ledger.reader().after(firm.org, 0, 100_000).await.unwrap() {
            let recorded = stored.read().unwrap();
            let empty = StreamState::empty(recorded.stream.kind);
            let before = streams.remove(&recorded.stream).unwrap_or(empty);
            streams.insert(recorded.stream, before.evolve(&recorded.event));
        }
        Self(streams)
    }

    fn get(&self, kind: StreamKind, id: Uuid) -> StreamState {
        self.0.get(&StreamId { kind, id }).cloned().unwrap_or_else(|| StreamState::empty(kind))
    }

    fn subject(&self, who: Principal) -> Subject {
        match who {
            Principal::Staff(id) => {
                let StreamState::Staff(state) = self.get(StreamKind::Staff, id.0) else { unreachable!() };
                state.as_subject(id)
            }
            Principal::PortalUser(id) => {
                let StreamState::PortalUser(state) = self.get(StreamKind::PortalUser, id.0) else { unreachable!() };
                state.as_subject(id)
            }
        }
    }

    fn facts(&self, who: Principal, project: Uuid) -> Facts {
        let StreamState::Project(state) = self.get(StreamKind::Project, project) else { unreachable!() };
        let portal_user = match who {
            Principal::PortalUser(id) => Some(id),
            Principal::Staff(_) => None,
        };
        Facts { subject: self.subject(who), project: state.access_for(portal_user) }
    }

    /// An empty project is nobody's: what commands answer "not there".
    fn may(&self, who: Principal, project: Uuid, action: Action, at: Timestamp) -> bool {
        let facts = self.facts(who, project);
        facts.project.is_some() && decide(&facts, action, at).allowed
    }

    fn invoice(&self, id: Uuid) -> InvoiceState {
        let StreamState::Invoice(state) = self.get(StreamKind::Invoice, id) else { unreachable!() };
        state
    }

    fn time(&self, id: Uuid) -> TimeState {
        let StreamState::TimeEntry(state) = self.get(StreamKind::TimeEntry, id) else { unreachable!() };
        state
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn questions_answer_exactly_what_the_access_function_allows(owner: PgPool) {
    let ledger = node(&owner).await;
    for seed in 21..=24 {
        let firm = Firm::on(ledger.clone(), seed).await;
        begin(&firm).await;
        let mut dice = Dice::of(seed as u64);
        // Chance seldom hits these: a window that is over, and one that has not begun (F6.25).
        for (guest, window) in [(GUS, window(-2, -1)), (GINA, window(1, 2))] {
            firm.must(PAUL, add_guest(guest, Place { window, ..place(PORTAL, [Right::InvoiceVisibility]) })).await;
        }
        for commands in [0, 60, 60, 60] {
            happen(&firm, &mut dice, commands).await;
            let streams = Streams::of(&firm).await;
            for who in people() {
                projects_agree(&firm, &streams, who).await;
                invoices_agree(&firm, &streams, who).await;
                time_agrees(&firm, &streams, who).await;
                waiting_agrees(&firm, &streams, who).await;
            }
        }
    }
}

/// From so many days after now until so many.
fn window(from: i64, until: i64) -> Window {
    let day = |days| Some(now().plus(TimeDelta::days(days)));
    Window { from: day(from), until: day(until) }
}

fn long() -> PageRequest {
    PageRequest { after: None, limit: Limit::try_from(200).unwrap() }
}

/// What the statements narrow to, before anything is decided: pages are cut from it and counts are made of it.
async fn reach(firm: &Firm, who: Principal, at: Timestamp) -> BTreeSet<Uuid> {
    let (kind, id) = match who {
        Principal::Staff(id) => ("staff", id.0),
        Principal::PortalUser(id) => ("portal_user", id.0),
    };
    let mut transaction = scoped(&firm.pool, firm.org).await.unwrap();
    let found: Vec<Uuid> = sqlx::query_scalar("SELECT project_id FROM read.reach($1, $2, $3, $4)")
        .bind(firm.org.0)
        .bind(kind)
        .bind(id)
        .bind(at.as_utc())
        .fetch_all(&mut *transaction)
        .await
        .unwrap();
    let found = BTreeSet::from_iter(found);
    if let Principal::PortalUser(guest) = who {
        let shown: Vec<Uuid> = sqlx::query_scalar("SELECT project_id FROM read.dashboard($1, $2, $3)")
            .bind(firm.org.0)
            .bind(guest.0)
            .bind(at.as_utc())
            .fetch_all(&mut *transaction)
            .await
            .unwrap();
        assert_eq!(BTreeSet::from_iter(shown), found, "{who:?} finds on the dashboard what they reach");
    }
    found
}

/// The invoices that somebody finds, a page for each: a page that is cut from too much would end the list early.
async fn one_by_one(firm: &Firm, scope: &Scope, at: Timestamp) -> BTreeSet<InvoiceId> {
    let mut page = PageRequest { after: None, limit: Limit::try_from(1).unwrap() };
    let mut found = BTreeSet::new();
    loop {
        let read = billing::invoice::list(&firm.pool, scope, at, InvoiceFilter::default(), &page).await.unwrap();
        found.extend(read.items.iter().map(|invoice| invoice.invoice));
        page.after = read.next;
        if page.after.is_none() {
            return found;
        }
    }
}

async fn projects_agree(firm: &Firm, streams: &Streams, who: Principal) {
    let (scope, at) = (firm.scope(who), now());
    assert_eq!(standing(&firm.pool, &scope).await.unwrap(), streams.subject(who));
    let listed = work::project::list(&firm.pool, &scope, at, ProjectFilter::default(), &long()).await.unwrap();
    if let (Principal::PortalUser(_), Ok(dashboard)) = (who, dashboard(&firm.pool, &scope, at).await) {
        let shown: Vec<_> = dashboard.projects.into_iter().map(|shown| shown.project).collect();
        assert_eq!(shown, listed.items, "{who:?} sees on the dashboard what the list shows, in its order");
    }
    let listed: BTreeSet<_> = listed.items.iter().map(|project| project.project).collect();
    let expected: BTreeSet<_> = projects().into_iter().map(|project| project.0).collect();
    let may_see = |project: &Uuid| streams.may(who, *project, Action::ViewProject, at);
    assert_eq!(reach(firm, who, at).await, expected.into_iter().filter(may_see).collect(), "{who:?} reaches");
    for project in projects() {
        let may = streams.may(who, project.0, Action::ViewProject, at);
        assert_eq!(listed.contains(&project), may, "{who:?} lists {project}");
        let answer = work::project::get(&firm.pool, &scope, at, project).await;
        assert_eq!(answer.is_ok(), may, "{who:?} gets {project}");
        let Ok(answer) = answer else { continue };
        assert_eq!(answer.amounts.is_some(), streams.may(who, project.0, Action::ViewFinancials, at));
        assert!(answer.contract_lines.iter().all(|line| line.amounts.is_some() == answer.amounts.is_some()));
    }
}

async fn invoices_agree(firm: &Firm, streams: &Streams, who: Principal) {
    let (scope, at) = (firm.scope(who), now());
    let listed = one_by_one(firm, &scope, at).await;
    for id in invoices() {
        let answer = billing::invoice::get(&firm.pool, &scope, at, id).await;
        let InvoiceState::Known { content, phase } = streams.invoice(id.0) else {
            assert!(answer.is_err() && !listed.contains(&id));
            continue;
        };
        let may = streams.may(who, content.project.0, phase.seen_by(), at);
        assert_eq!((listed.contains(&id), answer.is_ok()), (may, may), "{who:?} and {id} in {phase:?}");
        let Ok(answer) = answer else { continue };
        let mask = Mask::of(&streams.facts(who, content.project.0), at);
        assert_eq!(answer.shown, shown_invoice(&content, mask));
        assert_eq!((answer.revision, answer.totals), (content.revision, content.totals.clone()));
    }
}

async fn time_agrees(firm: &Firm, streams: &Streams, who: Principal) {
    let (scope, at) = (firm.scope(who), now());
    for id in entries() {
        let answer = work::time_entry::get(&firm.pool, &scope, at, id).await;
        let state = streams.time(id.0);
        let Some(content) = state.content() else {
            assert!(answer.is_err());
            continue;
        };
        let may = streams.may(who, content.project.0, Action::ViewProject, at);
        assert_eq!(answer.is_ok(), may, "{who:?} and {id}");
        let Ok(answer) = answer else { continue };
        let mask = Mask::of(&streams.facts(who, content.project.0), at);
        assert_eq!(answer.shown, shown_time(content, mask));
        assert_eq!(answer.amounts.is_some(), mask == Mask::Nothing);
    }
}

async fn waiting_agrees(firm: &Firm, streams: &Streams, who: Principal) {
    let (scope, at) = (firm.scope(who), now());
    let waiting = awaiting_my_approval(&firm.pool, &scope, at, &long()).await.unwrap();
    let waiting: BTreeSet<_> = waiting.items.iter().map(|waiting| waiting.what.approvable()).collect();
    let mut expected = BTreeSet::new();
    for id in invoices() {
        if let InvoiceState::Known { content, phase: Phase::InReview(_) } = streams.invoice(id.0)
            && streams.may(who, content.project.0, Action::ApproveInvoices, at)
        {
            expected.insert(Approvable::Invoice(id));
        }
    }
    for id in entries() {
        if let TimeState::Known { content, phase: TimePhase::Submitted(_) } = streams.time(id.0)
            && streams.may(who, content.project.0, Action::ApproveTime, at)
        {
            expected.insert(Approvable::TimeEntry(id));
        }
    }
    assert_eq!(waiting, expected, "{who:?}");
    if let (Principal::PortalUser(_), Ok(dashboard)) = (who, dashboard(&firm.pool, &scope, at).await) {
        assert_eq!(dashboard.awaiting_my_approval, expected.len() as u64, "{who:?}");
    }
}
