//! Whether the ledger's tables refuse to be changed by anybody: by the trigger that is always on, whoever connects.

use crate::doctor::Finding;
use crate::doctor::finding::Offenders;
use countersign_eventstore::DISPOSABLE;
use countersign_postgres::spanning;
use sqlx::PgPool;

const CHECK: &str = "append-only";

/// The ledger's tables, each partition for itself, that do not refuse DELETE (8), UPDATE (16) and TRUNCATE (32)
/// once a statement (not 1) and before it (2), always, even in a session that plays the replica.
const OPEN: &str = "
    SELECT t.name
    FROM (
        SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'ledger' AND c.relkind IN ('r', 'p')
    ) t
    WHERE NOT t.name = ANY ($1)
      AND NOT EXISTS (
          SELECT FROM pg_trigger g
          WHERE g.tgrelid = t.oid AND g.tgfoid = to_regproc('ledger.refuse_change') AND g.tgenabled = 'A'
            AND g.tgqual IS NULL AND g.tgtype::integer & 59 = 58
      )
    ORDER BY t.name";

pub(super) async fn look(pool: &PgPool) -> Finding {
    match open(pool).await {
        Ok(none) if none.is_empty() => Finding::ok(CHECK, "the ledgers' tables refuse to be changed by anybody"),
        Ok(open) => Finding::failure(
            CHECK,
            format!("{open} can be changed by the owner"),
            "as the owner: ALTER TABLE ... ENABLE ALWAYS TRIGGER append_only; then `countersign doctor --deep` says \
             whether something was changed",
        ),
        Err(error) => Finding::unknown(CHECK, &error),
    }
}

async fn open(pool: &PgPool) -> Result<Offenders, sqlx::Error> {
    let but = DISPOSABLE.map(str::to_owned);
    let mut transaction = spanning(pool).await?;
    let all: Vec<String> = sqlx::query_scalar(OPEN).bind(but.as_slice()).fetch_all(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(all.into_iter().collect())
}
