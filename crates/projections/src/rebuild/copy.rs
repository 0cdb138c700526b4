//! Rows of one table, written at once.

use crate::line::Lines;
use sqlx::PgConnection;

/// How much is handed to the server at a time.
const CHUNK: usize = 1 << 20;

/// Adds rows to a table, by its whole name. Whoever awaits this must not be stopped: the connection would be left in the
/// middle of it.
pub(crate) async fn copy(connection: &mut PgConnection, table: &str, lines: &Lines) -> Result<(), sqlx::Error> {
    if lines.text.is_empty() {
        return Ok(());
    }
    // The names are ours.
    let statement = format!("COPY {table} (generation, org_id, {}) FROM STDIN", lines.columns.join(", "));
    let mut sink = connection.copy_in_raw(&statement).await?;
    for chunk in lines.text.chunks(CHUNK) {
        if let Err(error) = sink.send(chunk).await {
            // What the server says of the rows is worth more than that it took no more of them.
            return Err(sink.finish().await.err().unwrap_or(error));
        }
    }
    sink.finish().await.map(drop)
}
