//! Live rows compared with a replay of the ledger, at the same position; nothing is changed.
//!
//! A ledger is folded in memory as a rebuild does it, and its rows go into tables that only this transaction sees. All
//! that is compared stands in one snapshot, which is taken when the folding is done, and is not kept for long.

use super::built::{Built, TableOf};
use super::copy::copy;
use super::error::RebuildError;
use super::replay::Replay;
use super::{Progress, Rebuilds, Told};
use crate::columns::read_position;
use crate::digest::{Shape, of_rows};
use crate::error::{Fault, ProjectionError};
use crate::line::Lines;
use crate::scope::Generation;
use countersign_canon::{Digest, sha256};
use countersign_domain::ids::OrgId;
use countersign_postgres::{enter, scoped, snapshot};
use serde::Serialize;
use sqlx::{AssertSqlSafe, PgConnection, PgTransaction};
use std::collections::BTreeMap;

/// How many differences of one table are told.
const TOLD_AT_MOST: i64 = 20;

/// What a check of one organization in one group came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Which group.
    pub group: &'static str,
    /// Whose rows.
    pub org: OrgId,
    /// Up to which position both were compared.
    pub position: u64,
    /// The digest over the rows that are read.
    pub live: Digest,
    /// The digest over those that the ledger comes to; none where it could not be folded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replayed: Option<Digest>,
    /// Why it could not be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where they differ, some of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
}

impl Checked {
    /// Whether the rows are what the ledger comes to.
    pub fn agrees(&self) -> bool {
        self.replayed == Some(self.live)
    }
}

/// A row that is not what the ledger comes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// In which table.
    pub table: &'static str,
    /// The row's key, column by column.
    pub key: BTreeMap<String, String>,
    /// In what.
    #[serde(flatten)]
    pub in_what: InWhat,
}

/// How two rows differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "difference", rename_all = "snake_case")]
pub enum InWhat {
    /// The ledger comes to a row that is not there.
    Missing,
    /// There is a row to which the ledger does not come.
    Extra,
    /// A column has another value.
    Column {
        /// Which one.
        column: String,
        /// What is read.
        live: Option<String>,
        /// What the ledger comes to.
        replayed: Option<String>,
    },
}

/// A table with the shape of its rows.
struct Compared {
    table: &'static str,
    shape: Shape,
}

/// A ledger that is folded, to be compared.
struct Folded {
    org: OrgId,
    replay: Result<Replay, ProjectionError>,
}

/// Compares rows in one group with a replay, organization by organization, in one snapshot for all of these.
pub(crate) async fn check(
    by: &Rebuilds,
    built: Built<'_>,
    orgs: &[OrgId],
    progress: &Progress,
) -> Result<Vec<Checked>, RebuildError> {
    // The long way first, without a snapshot: rows are at least as far when they are looked at.
    let mut folded = Vec::with_capacity(orgs.len());
    for &org in orgs {
        let mut transaction = scoped(by.pool(), org).await?;
        let Stands { position, .. } = stands(by, &mut transaction, built, org).await?;
        transaction.commit().await?;
        folded.push(Folded { org, replay: Replay::up_to(&by.ledger, built, org, position).await });
        progress(Told::Folded { events: position });
    }
    let Some(&first) = orgs.first() else { return Ok(Vec::new()) };
    let mut transaction = snapshot(by.pool(), first).await?;
    let compared = shapes(&mut transaction, &built.tables()).await?;
    let mut all = Vec::with_capacity(folded.len());
    let mut rows = BTreeMap::new();
    let mut positions = Vec::with_capacity(folded.len());
    for Folded { org, replay } in &mut folded {
        enter(&mut transaction, *org).await?;
        let stands = stands(by, &mut transaction, built, *org).await?;
        if let Ok(done) = replay
            && let Err(error) = done.catch_up(&by.ledger, *org, stands.position).await
        {
            *replay = Err(error);
        }
        if let Ok(replay) = replay {
            let of = Generation { org: *org, number: stands.generation };
            replay.lines(of).into_iter().for_each(|lines| collect(&mut rows, lines));
        }
        positions.push(stands);
    }
    for (table, lines) in &rows {
        scratch(&mut transaction, table, lines).await?;
    }
    for (Folded { org, replay }, stands) in folded.into_iter().zip(positions) {
        enter(&mut transaction, org).await?;
        let of = Generation { org, number: stands.generation };
        let live = digest(&mut transaction, &compared, |table| format!("read.{table}"), of).await?;
        let (group, position) = (built.name(), stands.position);
        let mut checked = Checked { group, org, position, live, replayed: None, reason: None, differences: Vec::new() };
        match replay {
            Ok(_) => {
                checked.replayed = Some(digest(&mut transaction, &compared, scratch_name, of).await?);
                if !checked.agrees() {
                    for table in &compared {
                        checked.differences.extend(differences(&mut transaction, table, of).await?);
                    }
                }
            }
            Err(error) if error.fault() == Fault::Passing => return Err(error.into()),
            Err(error) => checked.reason = Some(error.reason(!built.opens_personal_values())),
        }
        all.push(checked);
    }
    transaction.rollback().await?;
    Ok(all)
}

fn collect(rows: &mut BTreeMap<&'static str, Lines>, lines: Lines) {
    let begun = rows.entry(lines.table);
    begun.and_modify(|rows| rows.bytes.extend_from_slice(&lines.bytes)).or_insert(lines);
}

/// What is read of a group, and how far it is.
struct Stands {
    generation: i32,
    position: u64,
}

/// What the append itself keeps is always at the head.
async fn stands(
    by: &Rebuilds,
    transaction: &mut PgTransaction<'static>,
    built: Built<'_>,
    org: OrgId,
) -> Result<Stands, RebuildError> {
    let row = sqlx::query!(
        r#"SELECT active.generation, coalesce(c.position, 0) AS "position!"
           FROM read.active_generation active
           LEFT JOIN read.checkpoint c
             ON c.org_id = $1 AND c."group" = active."group" AND c.generation = active.generation
           WHERE active.org_id = $1 AND active."group" = $2"#,
        org.0,
        built.name()
    )
    .fetch_optional(&mut **transaction)
    .await?;
    let Some(row) = row else { return Err(ProjectionError::NoGeneration { org, group: built.name() }.into()) };
    let position = match built {
        Built::Followed(_) => read_position("position", row.position)?,
        Built::Access => by.ledger.reader().head_in(transaction, org).await?,
    };
    Ok(Stands { generation: row.generation, position })
}

async fn shapes(connection: &mut PgConnection, tables: &[TableOf]) -> Result<Vec<Compared>, sqlx::Error> {
    let mut shapes = Vec::with_capacity(tables.len());
    for &(table, personal) in tables {
        shapes.push(Compared { table, shape: Shape::of(connection, table, personal).await? });
    }
    Ok(shapes)
}

/// One digest over those of the tables.
async fn digest(
    connection: &mut PgConnection,
    compared: &[Compared],
    place: impl Fn(&str) -> String,
    of: Generation,
) -> Result<Digest, RebuildError> {
    let mut digests = Vec::with_capacity(compared.len());
    for Compared { table, shape } in compared {
        digests.push(of_rows(connection, table, &place(table), shape, of).await?);
    }
    let texts: Vec<&[u8]> = digests.iter().map(|digest| digest.0.as_slice()).collect();
    Ok(sha256(&texts))
}

fn scratch_name(table: &str) -> String {
    format!("pg_temp.replayed_{table}")
}

/// Replayed rows, in a table that is gone with the transaction.
async fn scratch(connection: &mut PgConnection, table: &str, lines: &Lines) -> Result<(), sqlx::Error> {
    let statement = format!("CREATE TEMP TABLE replayed_{table} (LIKE read.{table}) ON COMMIT DROP");
    sqlx::query(AssertSqlSafe(statement)).execute(&mut *connection).await?;
    copy(connection, &scratch_name(table), lines).await?;
    // Each organization's rows are looked for, among those of all that are compared together.
    let statement = format!("CREATE INDEX ON {} (org_id)", scratch_name(table));
    sqlx::query(AssertSqlSafe(statement)).execute(&mut *connection).await?;
    sqlx::query(AssertSqlSafe(format!("ANALYZE {}", scratch_name(table)))).execute(connection).await?;
    Ok(())
}

/// The tables in which rows of a generation are not these, as this transaction sees them.
pub(crate) async fn differing(
    connection: &mut PgConnection,
    built: Built<'_>,
    replayed: Vec<Lines>,
    of: Generation,
) -> Result<Vec<&'static str>, RebuildError> {
    for lines in &replayed {
        scratch(connection, lines.table, lines).await?;
    }
    let mut differing = Vec::new();
    for table in shapes(connection, &built.tables()).await? {
        if !differences(connection, &table, of).await?.is_empty() {
            differing.push(table.table);
        }
    }
    Ok(differing)
}

/// The rows of a table that are not the same on both sides, at most so many of them.
async fn differences(
    connection: &mut PgConnection,
    Compared { table, shape }: &Compared,
    of: Generation,
) -> Result<Vec<Difference>, sqlx::Error> {
    let all = |row: &str| shape.columns.iter().map(|column| column.in_words(row)).collect::<Vec<_>>().join(", ");
    let keys: Vec<String> = shape
        .key
        .iter()
        .map(|column| format!("coalesce({}, {})", column.in_words("live"), column.in_words("replayed")))
        .collect();
    let same: Vec<String> =
        shape.key.iter().map(|column| format!(" AND live.{0} = replayed.{0}", column.name)).collect();
    let statement = format!(
        "SELECT ARRAY[{keys}]::text[], ARRAY[{live}]::text[], ARRAY[{replayed}]::text[],
                live.org_id IS NOT NULL, replayed.org_id IS NOT NULL
         FROM (SELECT * FROM read.{table} WHERE generation = $1 AND org_id = $2) live
         FULL JOIN {scratch} replayed ON live.org_id = replayed.org_id{same}
         WHERE ARRAY[{live}]::text[] IS DISTINCT FROM ARRAY[{replayed}]::text[]
         ORDER BY 1 LIMIT $3",
        keys = keys.join(", "),
        live = all("live"),
        replayed = all("replayed"),
        scratch = scratch_name(table),
        same = same.concat(),
    );
    type Row = (Vec<Option<String>>, Vec<Option<String>>, Vec<Option<String>>, bool, bool);
    let rows = sqlx::query_as::<_, Row>(AssertSqlSafe(statement))
        .bind(of.number)
        .bind(of.org.0)
        .bind(TOLD_AT_MOST)
        .fetch_all(connection)
        .await?;
    let mut found = Vec::new();
    for (key, live, replayed, is_live, is_replayed) in rows {
        let names = shape.key.iter().map(|column| column.name.clone());
        let key: BTreeMap<_, _> = names.zip(key.into_iter().map(Option::unwrap_or_default)).collect();
        let say = |in_what| Difference { table, key: key.clone(), in_what };
        match (is_live, is_replayed) {
            (false, _) => found.push(say(InWhat::Missing)),
            (true, false) => found.push(say(InWhat::Extra)),
            (true, true) => {
                let columns = shape.columns.iter().zip(live.into_iter().zip(replayed));
                for (column, (live, replayed)) in columns.filter(|(_, (live, replayed))| live != replayed) {
                    found.push(say(InWhat::Column { column: column.name.clone(), live, replayed }));
                }
            }
        }
    }
    Ok(found)
}
