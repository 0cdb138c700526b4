//! Rows in words, and a digest over them: the same for a replay, a rebuild and the live rows, on any machine.
//!
//! What counts is what stands in the table, column by column, whoever wrote it; how the database is set up does not. A
//! row is the canonical text of its columns, in the order of their names; rows stand in the order of their key.

use crate::error::ProjectionError;
use crate::scope::Generation;
use countersign_canon::{Digest, canonical_text, sha256};
use countersign_eventstore::StoreError;
use futures::TryStreamExt;
use sqlx::{AssertSqlSafe, PgConnection};

/// A table's columns without generation and organization, and how each is put into words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// All columns, by name.
    pub(crate) columns: Vec<Column>,
    /// Those of the key, in its order.
    pub(crate) key: Vec<Column>,
}

/// A column, and its value as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    kind: String,
}

impl Column {
    /// The value in the words in which it is compared: no setting of a session or server changes them.
    pub(crate) fn in_words(&self, row: &str) -> String {
        let Self { name, kind } = self;
        match kind.as_str() {
            "timestamp with time zone" => {
                format!(r#"to_char({row}.{name} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"#)
            }
            "date" => format!("to_char({row}.{name}, 'YYYY-MM-DD')"),
            // As many digits as it needs, however many it was written with.
            "numeric" => format!("trim_scale({row}.{name})::text"),
            "text" => format!("{row}.{name}"),
            _ => format!("{row}.{name}::text"),
        }
    }

    /// What rows are sorted by: letters by their codes, whatever the language of the server.
    pub(crate) fn in_order(&self, row: &str) -> String {
        let collation = if self.kind == "text" { r#" COLLATE "C""# } else { "" };
        format!("{row}.{}{collation}", self.name)
    }
}

impl Shape {
    /// The columns of a read model's table, as the database has them; personal ones aside.
    pub(crate) async fn of(connection: &mut PgConnection, table: &str, personal: &[&str]) -> Result<Self, sqlx::Error> {
        let rows = sqlx::query!(
            r#"SELECT a.attname::text AS "name!", format_type(a.atttypid, NULL) AS "kind!",
                      array_position(i.indkey::int2[], a.attnum) AS place
               FROM pg_catalog.pg_attribute a
               JOIN pg_catalog.pg_index i ON i.indrelid = a.attrelid AND i.indisprimary
               WHERE a.attrelid = to_regclass('read.' || $1) AND a.attnum > 0 AND NOT a.attisdropped
                 AND a.attname NOT IN ('generation', 'org_id')
               ORDER BY a.attname COLLATE "C""#,
            table
        )
        .fetch_all(connection)
        .await?;
        let rows = rows.into_iter().filter(|row| !personal.contains(&row.name.as_str()));
        let placed: Vec<_> = rows.map(|row| (row.place, Column { name: row.name, kind: row.kind })).collect();
        let mut key: Vec<_> = placed.iter().filter(|(place, _)| place.is_some()).cloned().collect();
        key.sort_by_key(|(place, _)| *place);
        let columns_of = |placed: Vec<(Option<i32>, Column)>| placed.into_iter().map(|(_, column)| column).collect();
        Ok(Self { key: columns_of(key), columns: columns_of(placed) })
    }
}

/// The digest over one organization's rows in a table.
pub(crate) async fn of_table(
    connection: &mut PgConnection,
    table: &str,
    personal: &[&str],
    of: Generation,
) -> Result<Digest, ProjectionError> {
    let shape = Shape::of(connection, table, personal).await?;
    of_rows(connection, table, &format!("read.{table}"), &shape, of).await
}

/// The digest over rows that stand in a table of this shape, wherever that is.
pub(crate) async fn of_rows(
    connection: &mut PgConnection,
    name: &str,
    place: &str,
    shape: &Shape,
    of: Generation,
) -> Result<Digest, ProjectionError> {
    let words: Vec<String> = shape.columns.iter().map(|column| column.in_words("row")).collect();
    let order: Vec<String> = shape.key.iter().map(|column| column.in_order("row")).collect();
    let order = if order.is_empty() { String::new() } else { format!(" ORDER BY {}", order.join(", ")) };
    let words = words.join(", ");
    // The names come from the catalog; the place is one of ours.
    let statement =
        format!("SELECT ARRAY[{words}]::text[] FROM {place} row WHERE row.generation = $1 AND row.org_id = $2{order}");
    let mut rows = sqlx::query_scalar::<_, Vec<Option<String>>>(AssertSqlSafe(statement))
        .bind(of.number)
        .bind(of.org.0)
        .fetch(connection);
    let mut of_each = Vec::new();
    while let Some(row) = rows.try_next().await? {
        of_each.extend_from_slice(&sha256(&[canonical_text(&row).map_err(StoreError::from)?.as_bytes()]).0);
    }
    let columns: Vec<&str> = shape.columns.iter().map(|column| column.name.as_str()).collect();
    Ok(sha256(&[name.as_bytes(), b"\n", columns.join(",").as_bytes(), b"\n", &of_each]))
}
