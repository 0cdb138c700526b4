//! Rows of one table, written at once.

use crate::line::Lines;
use sqlx::PgConnection;

/// How much is handed to the server at a time.
const CHUNK: usize = 1 << 20;
/// What stands before the rows: that this is the binary format, and that nothing else stands there.
const BEFORE: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// What stands in place of a row's number of columns when there is none left.
const BEHIND: &[u8] = &(-1_i16).to_be_bytes();

/// Adds rows to a table, by its whole name. Whoever awaits this must not be stopped: the connection would be left in the
/// middle of it.
pub(crate) async fn copy(connection: &mut PgConnection, table: &str, lines: &Lines) -> Result<(), sqlx::Error> {
    if lines.bytes.is_empty() {
        return Ok(());
    }
    // The names are ours.
    let columns = lines.columns.join(", ");
    let statement = format!("COPY {table} (generation, org_id, {columns}) FROM STDIN (FORMAT binary)");
    let mut sink = connection.copy_in_raw(&statement).await?;
    for chunk in [BEFORE].into_iter().chain(lines.bytes.chunks(CHUNK)).chain([BEHIND]) {
        if let Err(error) = sink.send(chunk).await {
            // What the server says of the rows is worth more than that it took no more of them.
            return Err(sink.finish().await.err().unwrap_or(error));
        }
    }
    sink.finish().await.map(drop)
}
