//! The access group as a rebuild folds it: the append keeps its rows, so nobody follows; they are folded from position
//! zero in memory and put in their place whole.

use crate::columns::json;
use crate::group::Folding;
use crate::line::{Cell, Line, Lines};
use crate::scope::Generation;
use countersign_domain::access_rows::{AccessRow, GrantRow, ProjectRow, SubjectRow, changed_row};
use countersign_domain::envelope::Recorded;
use countersign_domain::portal::{PortalEvent, StreamId, StreamState};
use countersign_domain::values::Timestamp;
use serde_json::Value;
use sqlx::PgConnection;
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// The group's name, as operators call it.
pub const ACCESS: &str = "access";

/// Its tables, each with the columns behind generation and organization.
pub(crate) const TABLES: [(&str, &[&str]); 3] = [
    ("access_subject", &["kind", "subject_id", "status", "level", "client_id", "mailbox_id", "accepted_invitation"]),
    ("access_project", &["project_id", "client_id", "manager_id", "published"]),
    ("access_grant", &["project_id", "portal_user_id", "on_roster", "rights", "valid_from", "valid_until"]),
];

/// What names a row of the group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum RowKey {
    Subject(String, Uuid),
    Project(Uuid),
    Grant(Uuid, Uuid),
}

impl RowKey {
    fn of(row: &AccessRow) -> Self {
        match row {
            AccessRow::Subject(row) => Self::Subject(row.kind.clone(), row.subject_id),
            AccessRow::Project(row) => Self::Project(row.project_id),
            AccessRow::Grant(row) => Self::Grant(row.project_id, row.portal_user_id),
        }
    }
}

/// A ledger's access rows, with the states that the next event needs.
#[derive(Default)]
pub(crate) struct AccessRows {
    states: HashMap<StreamId, StreamState>,
    rows: BTreeMap<RowKey, AccessRow>,
}

impl Folding for AccessRows {
    fn concerns(&self, event: &Recorded) -> bool {
        changes_access(&event.event)
    }

    /// The same derivation as the append's.
    fn take(&mut self, event: &Recorded) {
        if !self.concerns(event) {
            return;
        }
        let stream = event.stream;
        let before = self.states.remove(&stream).unwrap_or_else(|| StreamState::empty(stream.kind));
        let after = before.evolve(&event.event);
        if let Some(row) = changed_row(stream, &event.event, &after) {
            self.rows.insert(RowKey::of(&row), row);
        }
        self.states.insert(stream, after);
    }

    fn lines(&mut self, of: Generation) -> Vec<Lines> {
        let mut lines = TABLES.map(|(table, columns)| Lines { table, columns, bytes: Vec::new() });
        for row in std::mem::take(&mut self.rows).into_values() {
            let table = match row {
                AccessRow::Subject(_) => 0,
                AccessRow::Project(_) => 1,
                AccessRow::Grant(_) => 2,
            };
            let mut line = Line::after(&mut lines[table].bytes);
            line.put(of.number).put(of.org.0);
            match row {
                AccessRow::Subject(row) => put_subject(&mut line, &row),
                AccessRow::Project(row) => put_project(&mut line, &row),
                AccessRow::Grant(row) => put_grant(&mut line, row),
            }
            line.end();
        }
        lines.into()
    }
}

fn put_subject(line: &mut Line<'_>, row: &SubjectRow) {
    line.put(row.kind.as_str())
        .put(row.subject_id)
        .put(row.status.as_str())
        .put(row.level.as_deref())
        .put(row.client_id)
        .put(row.mailbox_id)
        .put(row.accepted_invitation);
}

fn put_project(line: &mut Line<'_>, row: &ProjectRow) {
    line.put(row.project_id).put(row.client_id).put(row.manager_id).put(row.published);
}

fn put_grant(line: &mut Line<'_>, row: GrantRow) {
    line.put(row.project_id)
        .put(row.portal_user_id)
        .put(row.on_roster)
        .put(row.rights)
        .put(row.valid_from)
        .put(row.valid_until);
}

impl Cell for Timestamp {
    fn write(&self, bytes: &mut Vec<u8>) {
        self.as_utc().write(bytes);
    }
}

impl AccessRows {
    /// Writes all rows into a generation that the organization does not read yet, through the one function that may.
    pub(crate) async fn fill(&self, connection: &mut PgConnection, of: Generation) -> Result<(), sqlx::Error> {
        let (mut subjects, mut projects, mut grants) = (Vec::new(), Vec::new(), Vec::new());
        for row in self.rows.values() {
            match row {
                AccessRow::Subject(row) => subjects.push(json(row)),
                AccessRow::Project(row) => projects.push(json(row)),
                AccessRow::Grant(row) => grants.push(json(row)),
            }
        }
        sqlx::query!(
            "SELECT read.fill_access($1, $2, $3, $4, $5)",
            of.org.0,
            of.number,
            Value::Array(subjects),
            Value::Array(projects),
            Value::Array(grants)
        )
        .fetch_one(connection)
        .await?;
        Ok(())
    }
}

/// Whether an event can change a row of the group: only those streams are kept in memory.
fn changes_access(event: &PortalEvent) -> bool {
    match event {
        PortalEvent::Staff(_) | PortalEvent::PortalUser(_) | PortalEvent::Project(_) => true,
        PortalEvent::Organization(_)
        | PortalEvent::Seats(_)
        | PortalEvent::Client(_)
        | PortalEvent::Contact(_)
        | PortalEvent::Mailbox(_)
        | PortalEvent::TimeEntry(_)
        | PortalEvent::Invoice(_)
        | PortalEvent::NumberSeries(_)
        | PortalEvent::ImportedCase(_) => false,
    }
}
