//! A batch that spans organizations, and the one call that appends it.

use crate::error::StoreError;
use crate::folded::Folded;
use crate::lane::Job;
use crate::load::{signed, unsigned};
use crate::outcome::Verdict;
use crate::record::Record;
use countersign_domain::access_rows::AccessRow;
use countersign_domain::ids::{CommandId, OrgId};
use countersign_domain::portal::StreamId;
use countersign_domain::values::Timestamp;
use countersign_postgres::fault;
use serde_json::{Map, Value};
use sqlx::PgConnection;
use std::collections::HashMap;

/// One organization's part of a batch.
#[derive(Debug)]
pub(crate) struct OrgBatch {
    pub(crate) org: OrgId,
    /// The head on which all of it was decided.
    pub(crate) expected_head: u64,
    /// In the order in which they were decided.
    pub(crate) commands: Vec<DecidedCommand>,
    /// All their events, in order.
    pub(crate) records: Vec<Record>,
    /// The streams that they changed, as they stand afterwards.
    pub(crate) changed: HashMap<StreamId, Folded>,
    /// The access rows that they changed, the last state of each.
    pub(crate) access: HashMap<AccessKey, AccessRow>,
    /// When the last event is recorded.
    pub(crate) last_at: Option<Timestamp>,
    /// Whether the ledger's history is made up.
    pub(crate) simulated: bool,
}

/// A command with what was decided on it.
#[derive(Debug)]
pub(crate) struct DecidedCommand {
    pub(crate) job: Job,
    pub(crate) digest: [u8; 32],
    pub(crate) verdict: Verdict,
    /// The head after it.
    pub(crate) position: u64,
}

/// What names a row of the access group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AccessKey(u8, uuid::Uuid, uuid::Uuid);

impl AccessKey {
    pub(crate) fn of(row: &AccessRow) -> Self {
        match row {
            AccessRow::Subject(row) => Self(0, row.subject_id, uuid::Uuid::nil()),
            AccessRow::Project(row) => Self(1, row.project_id, uuid::Uuid::nil()),
            AccessRow::Grant(row) => Self(2, row.project_id, row.portal_user_id),
        }
    }
}

/// What became of one organization's part.
#[derive(Debug)]
pub(crate) enum OrgAnswer {
    /// Appended.
    Done,
    /// The ledger's tail is elsewhere, or a command was known: decide the rest again.
    Moved {
        /// Those that had been decided before.
        seen: Vec<Seen>,
        /// Where the tail is, unless a command was known.
        tail: Option<u64>,
    },
    /// Somebody else holds the lock.
    Busy,
}

/// A command that the log knows already.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) command_id: CommandId,
    pub(crate) digest: Vec<u8>,
    pub(crate) outcome: String,
    pub(crate) first: u64,
    pub(crate) count: u32,
}

impl OrgBatch {
    pub(crate) fn new(org: OrgId, expected_head: u64, last_at: Option<Timestamp>, simulated: bool) -> Self {
        Self {
            org,
            expected_head,
            commands: Vec::new(),
            records: Vec::new(),
            changed: HashMap::new(),
            access: HashMap::new(),
            last_at,
            simulated,
        }
    }

    /// Whether the same command was decided in it.
    pub(crate) fn has(&self, job: &Job) -> bool {
        self.commands.iter().any(|before| before.job.submission.command_id == job.submission.command_id)
    }

    /// The head after it.
    pub(crate) fn head(&self) -> u64 {
        self.expected_head + self.records.len() as u64
    }
}

/// Appends a batch: each organization's part wholly or not at all, on its own terms. The log is looked into for commands
/// that are known when it has refused one, or could not: a known command is rare.
pub(crate) async fn append(
    connection: &mut PgConnection,
    batch: &[OrgBatch],
) -> Result<HashMap<OrgId, OrgAnswer>, StoreError> {
    let columns = Columns::of(batch);
    // What is not kept under its id cannot be refused by the log.
    let must_look = columns.outcomes.iter().any(Option::is_none);
    match call(connection, &columns, must_look).await {
        Err(error) if !must_look && is_known_command(&error) => call(connection, &columns, true).await,
        called => called,
    }
}

/// The same in a transaction, which a refusal would end: the log is looked into before anything is written.
pub(crate) async fn append_within(
    transaction: &mut PgConnection,
    batch: &[OrgBatch],
) -> Result<HashMap<OrgId, OrgAnswer>, StoreError> {
    let answers = call(transaction, &Columns::of(batch), true).await?;
    if answers.values().any(|answer| matches!(answer, OrgAnswer::Done)) {
        fault::reached("batch.written").await;
    }
    Ok(answers)
}

/// Whether the log refused a command because it is known.
fn is_known_command(error: &StoreError) -> bool {
    let StoreError::Database(sqlx::Error::Database(error)) = error else { return false };
    error.is_unique_violation() && error.table().is_some_and(|table| table.starts_with("command_log"))
}

async fn call(
    connection: &mut PgConnection,
    columns: &Columns<'_>,
    look: bool,
) -> Result<HashMap<OrgId, OrgAnswer>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT org_id AS "org_id!", answer AS "answer!", tail, command_id, request_digest, outcome, first_position, event_count
           FROM ledger.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)"#,
        look,
        &columns.orgs,
        &columns.heads,
        &columns.command_orgs,
        &columns.command_ids,
        &columns.digests,
        &columns.outcomes as &[Option<String>],
        &columns.firsts,
        &columns.counts,
        &columns.event_orgs,
        &columns.positions,
        &columns.stream_kinds as &[&str],
        &columns.stream_ids,
        &columns.versions,
        &columns.types as &[&str],
        &columns.recorded_ats,
        &columns.envelopes as &[&str],
        &columns.leaf_hashes as &[&[u8]],
        columns.subjects,
        columns.projects,
        columns.grants,
    )
    .fetch_all(connection)
    .await?;
    let mut answers = HashMap::new();
    let mut seen: HashMap<OrgId, Vec<Seen>> = HashMap::new();
    for row in rows {
        let org = OrgId(row.org_id);
        match (row.answer.as_str(), row.command_id, row.request_digest, row.outcome) {
            ("done", ..) => drop(answers.insert(org, OrgAnswer::Done)),
            ("busy", ..) => drop(answers.insert(org, OrgAnswer::Busy)),
            ("moved", ..) => {
                answers.insert(org, OrgAnswer::Moved { seen: Vec::new(), tail: row.tail.map(unsigned) });
            }
            ("seen", Some(command_id), Some(digest), Some(outcome)) => seen.entry(org).or_default().push(Seen {
                command_id: CommandId(command_id),
                digest,
                outcome,
                first: row.first_position.map_or(0, unsigned),
                count: row.event_count.map_or(0, i32::unsigned_abs),
            }),
            (answer, ..) => unreachable!("ledger.append answers done, moved, busy or seen, not {answer}"),
        }
    }
    for (org, commands) in seen {
        answers.insert(org, OrgAnswer::Moved { seen: commands, tail: None });
    }
    Ok(answers)
}

/// The batch as the append function takes it: one array a column.
#[derive(Default)]
struct Columns<'a> {
    orgs: Vec<uuid::Uuid>,
    heads: Vec<i64>,
    command_orgs: Vec<uuid::Uuid>,
    command_ids: Vec<uuid::Uuid>,
    digests: Vec<Vec<u8>>,
    outcomes: Vec<Option<String>>,
    firsts: Vec<i64>,
    counts: Vec<i32>,
    event_orgs: Vec<uuid::Uuid>,
    positions: Vec<i64>,
    stream_kinds: Vec<&'a str>,
    stream_ids: Vec<uuid::Uuid>,
    versions: Vec<i64>,
    types: Vec<&'a str>,
    recorded_ats: Vec<chrono::DateTime<chrono::Utc>>,
    envelopes: Vec<&'a str>,
    leaf_hashes: Vec<&'a [u8]>,
    subjects: Option<Value>,
    projects: Option<Value>,
    grants: Option<Value>,
}

impl<'a> Columns<'a> {
    fn of(batch: &'a [OrgBatch]) -> Self {
        let mut columns = Self::default();
        for part in batch {
            columns.orgs.push(part.org.0);
            columns.heads.push(signed(part.expected_head));
            part.commands.iter().for_each(|command| columns.push_command(part.org, command));
            part.records.iter().for_each(|record| columns.push_record(part.org, record));
            part.access.values().for_each(|row| columns.push_access(part.org, row));
        }
        columns
    }

    fn push_command(&mut self, org: OrgId, command: &DecidedCommand) {
        let (first, count) = match command.verdict {
            Verdict::Accepted { first, count } => (first, count),
            Verdict::AlreadySo | Verdict::Rejected(_) => (command.position, 0),
        };
        self.command_orgs.push(org.0);
        self.command_ids.push(command.job.submission.command_id.0);
        self.digests.push(command.digest.to_vec());
        // What the asker may not know of is not stored: it may come to be. Whether it was decided before is asked.
        self.outcomes.push(command.verdict.to_text());
        self.firsts.push(signed(first));
        self.counts.push(i32::try_from(count).expect("a command has fewer than 2^31 events"));
    }

    fn push_record(&mut self, org: OrgId, record: &'a Record) {
        self.event_orgs.push(org.0);
        self.positions.push(signed(record.place.position));
        self.stream_kinds.push(record.place.stream.kind.as_str());
        self.stream_ids.push(record.place.stream.id);
        self.versions.push(signed(record.place.version));
        self.types.push(&record.event_type);
        self.recorded_ats.push(record.place.recorded_at.as_utc());
        self.envelopes.push(&record.envelope);
        self.leaf_hashes.push(&record.leaf_hash.0);
    }

    fn push_access(&mut self, org: OrgId, row: &AccessRow) {
        let column = match row {
            AccessRow::Subject(_) => &mut self.subjects,
            AccessRow::Project(_) => &mut self.projects,
            AccessRow::Grant(_) => &mut self.grants,
        };
        let mut fields = match serde_json::to_value(row) {
            Ok(Value::Object(fields)) => fields,
            _ => Map::new(),
        };
        fields.insert("org_id".to_owned(), Value::String(org.to_string()));
        if let Value::Array(rows) = column.get_or_insert_with(|| Value::Array(Vec::new())) {
            rows.push(Value::Object(fields));
        }
    }
}
