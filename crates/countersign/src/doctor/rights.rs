//! Who may write a ledger: nobody, but through the functions that append.

use crate::doctor::Finding;
use crate::doctor::finding::Offenders;
use countersign_eventstore::DISPOSABLE;
use countersign_postgres::spanning;
use sqlx::PgPool;

const CHECK: &str = "rights";

/// Rights that somebody has and should not, each as a sentence. A right on a single column, or one that everybody has, is
/// one too.
const TOO_MUCH: &str = r#"
    SELECT format('countersign_app may %s %s', wrong.privilege, t.name)
    FROM (
        SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'ledger' AND c.relkind IN ('r', 'p')
    ) t
    CROSS JOIN unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER']) wrong (privilege)
    WHERE NOT t.name = ANY ($1)
      AND (has_table_privilege('countersign_app', t.oid, wrong.privilege)
           OR (wrong.privilege IN ('INSERT', 'UPDATE')
               AND has_any_column_privilege('countersign_app', t.oid, wrong.privilege)))
    UNION ALL
    SELECT format('countersign_follower may %s %I.%I', wrong.privilege, n.nspname, c.relname)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER']) wrong (privilege)
    WHERE n.nspname IN ('ledger', 'vault', 'identity', 'read', 'process', 'node') AND c.relkind IN ('r', 'p', 'v')
      AND (has_table_privilege('countersign_follower', c.oid, wrong.privilege)
           OR (wrong.privilege IN ('SELECT', 'INSERT', 'UPDATE')
               AND has_any_column_privilege('countersign_follower', c.oid, wrong.privilege)))
      AND (n.nspname, c.relname, wrong.privilege) NOT IN (VALUES
          ('ledger', 'event', 'SELECT'), ('node', 'lease', 'SELECT'), ('node', 'member', 'SELECT'),
          ('read', 'active_generation', 'SELECT'), ('read', 'parked', 'SELECT'), ('read', 'checkpoint', 'SELECT'),
          ('read', 'checkpoint', 'INSERT'), ('read', 'checkpoint', 'UPDATE'), ('process', 'agenda', 'SELECT'),
          ('process', 'agenda', 'INSERT'))
      AND NOT (n.nspname = 'read' AND wrong.privilege IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
               AND c.relname IN (SELECT g.table_name FROM read.group_table g WHERE g."group" <> 'access'))
    UNION ALL
    SELECT format('%s may make things in the schema %s', role.name, n.nspname)
    FROM pg_namespace n CROSS JOIN (VALUES ('countersign_app'), ('countersign_follower')) role (name)
    WHERE n.nspname IN ('ledger', 'vault', 'identity', 'read', 'process', 'node')
      AND has_schema_privilege(role.name, n.oid, 'CREATE')
    UNION ALL
    SELECT format('%s does not run as countersign_ledger', p.oid::regprocedure)
    FROM pg_proc p
    WHERE p.pronamespace = to_regnamespace('ledger') AND p.prosecdef
      AND p.proowner <> (SELECT r.oid FROM pg_roles r WHERE r.rolname = 'countersign_ledger')
    UNION ALL
    SELECT format('everybody may call %s, which runs with other rights', p.oid::regprocedure)
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname IN ('ledger', 'vault', 'identity', 'read', 'process', 'node') AND p.prosecdef
      AND has_function_privilege('public', p.oid, 'EXECUTE')
    ORDER BY 1"#;

pub(super) async fn look(pool: &PgPool) -> Finding {
    match too_much(pool).await {
        Ok(none) if none.is_empty() => Finding::ok(CHECK, "ledgers are written through the append alone"),
        Ok(too_much) => Finding::failure(
            CHECK,
            too_much.to_string(),
            "take it away, as the owner: REVOKE ... FROM countersign_app, countersign_follower, public",
        ),
        Err(error) => Finding::unknown(CHECK, &error),
    }
}

async fn too_much(pool: &PgPool) -> Result<Offenders, sqlx::Error> {
    let but = DISPOSABLE.map(str::to_owned);
    let mut transaction = spanning(pool).await?;
    let all: Vec<String> = sqlx::query_scalar(TOO_MUCH).bind(but.as_slice()).fetch_all(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(all.into_iter().collect())
}
