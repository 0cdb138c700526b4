//! Whether a transaction sees the rows of the organizations that it names and no other's, whatever it asks for: one, or
//! while it follows several.

use crate::doctor::Finding;
use crate::doctor::finding::Offenders;
use countersign_postgres::spanning;
use sqlx::PgPool;

const CHECK: &str = "row security";

/// Tables of organizations' rows that are not bound, and policies that let more through. A partition of a read model is
/// reached through its table alone, as long as the application has no right on it; one that a rebuild still fills may be
/// added to, and nothing else.
const UNBOUND: &str = r#"
    SELECT t.name || ' is not bound'
    FROM (
        SELECT c.*, n.nspname, format('%I.%I', n.nspname, c.relname) AS name
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('ledger', 'vault', 'identity', 'read', 'process') AND c.relkind IN ('r', 'p')
          AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'org_id' AND NOT a.attisdropped)
    ) t
    WHERE NOT (t.relrowsecurity AND t.relforcerowsecurity)
      AND NOT t.name = ANY ($1)
      AND NOT (t.nspname = 'read' AND t.relispartition
               AND NOT has_table_privilege('countersign_app', t.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')
               AND NOT has_table_privilege('countersign_follower', t.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE'))
      AND NOT (t.nspname = 'read' AND NOT t.relispartition
               AND NOT has_table_privilege('countersign_app', t.oid, 'SELECT, UPDATE, DELETE, TRUNCATE')
               AND NOT has_table_privilege('countersign_follower', t.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')
               AND EXISTS (SELECT FROM read.group_table g JOIN read.generation b USING ("group")
                           WHERE t.relname = g.table_name || '_g' || b.generation AND b.state IN ('building', 'retired')))
    UNION ALL
    SELECT format('the policy %s of %I.%I lets more through', p.policyname, p.schemaname, p.tablename)
    FROM pg_policies p
    WHERE p.schemaname IN ('ledger', 'vault', 'identity', 'read', 'process')
      AND p.permissive = 'PERMISSIVE'
      AND NOT EXISTS (
          SELECT FROM (VALUES
              (NULL, '(org_id = ledger.current_org())'),
              ('{countersign_follower}', '(org_id IN ( SELECT unnest(ledger.current_orgs()) AS unnest))')
          ) known (roles, lets)
          WHERE p.qual = known.lets AND coalesce(p.with_check, p.qual) = known.lets
            AND (known.roles IS NULL
                 OR p.roles = known.roles::name[]
                    AND ((p.schemaname, p.tablename) IN (VALUES
                             ('ledger', 'event'), ('read', 'active_generation'), ('read', 'checkpoint'),
                             ('read', 'parked'), ('process', 'agenda'))
                         OR p.schemaname = 'read' AND p.tablename IN (
                             SELECT g.table_name FROM read.group_table g WHERE g."group" <> 'access'))))
    ORDER BY 1"#;

pub(super) async fn look(pool: &PgPool) -> Finding {
    match unbound(pool).await {
        Ok(none) if none.is_empty() => Finding::ok(CHECK, "every organization's rows are its own"),
        Ok(unbound) => Finding::failure(
            CHECK,
            unbound.to_string(),
            "as the owner: ALTER TABLE ... ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY, and the policies \
             one_organization and followed_organizations as on the tables beside it",
        ),
        Err(error) => Finding::unknown(CHECK, &error),
    }
}

async fn unbound(pool: &PgPool) -> Result<Offenders, sqlx::Error> {
    let everybodys = [countersign_eventstore::EVERYBODYS, countersign_identity::EVERYBODYS].map(str::to_owned);
    let mut transaction = spanning(pool).await?;
    let all: Vec<String> = sqlx::query_scalar(UNBOUND).bind(everybodys.as_slice()).fetch_all(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(all.into_iter().collect())
}
