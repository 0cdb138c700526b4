//! What the application works as, always and while it follows, and who owns the functions that write ledgers: each may do
//! what it must, and no more.

use crate::doctor::Finding;
use crate::doctor::finding::Offenders;
use countersign_postgres::spanning;
use sqlx::PgPool;

const CHECK: &str = "roles";

/// What a role may that it should not, each as a sentence.
const TOO_MUCH: &str = "
    SELECT what.said FROM pg_roles r CROSS JOIN LATERAL (VALUES
        (r.rolname = 'countersign_app' AND r.rolsuper, 'countersign_app is a superuser'),
        (r.rolname = 'countersign_app' AND r.rolbypassrls, 'countersign_app bypasses row security'),
        (r.rolname = 'countersign_app' AND r.rolcreaterole, 'countersign_app may make roles'),
        (r.rolname = 'countersign_app' AND r.rolreplication, 'countersign_app may copy the whole server'),
        (r.rolname = 'countersign_follower' AND r.rolsuper, 'countersign_follower is a superuser'),
        (r.rolname = 'countersign_follower' AND r.rolbypassrls, 'countersign_follower bypasses row security'),
        (r.rolname = 'countersign_follower' AND r.rolcanlogin, 'countersign_follower can log in'),
        (r.rolname = 'countersign_ledger' AND r.rolsuper, 'countersign_ledger is a superuser'),
        (r.rolname = 'countersign_ledger' AND r.rolcanlogin, 'countersign_ledger can log in')
    ) what (holds, said)
    WHERE what.holds
    UNION ALL
    SELECT format('%s may become %s', member.rolname, granted.rolname)
    FROM pg_auth_members m
    JOIN pg_roles granted ON granted.oid = m.roleid
    JOIN pg_roles member ON member.oid = m.member
    WHERE member.rolname IN ('countersign_app', 'countersign_follower')
      AND (member.rolname, granted.rolname) <> ('countersign_app', 'countersign_follower')
    UNION ALL
    SELECT 'countersign_app has the rights of countersign_follower without becoming it'
    WHERE pg_has_role('countersign_app', to_regrole('countersign_follower'), 'USAGE')
    UNION ALL
    SELECT 'countersign_app may not become countersign_follower, as which it follows the ledgers'
    WHERE NOT pg_has_role('countersign_app', to_regrole('countersign_follower'), 'MEMBER')
    ORDER BY 1";

pub(super) async fn look(pool: &PgPool) -> Finding {
    match too_much(pool).await {
        Ok(none) if none.is_empty() => Finding::ok(CHECK, "every role may do what it must, and no more"),
        Ok(too_much) => Finding::failure(
            CHECK,
            too_much.to_string(),
            "as a superuser: ALTER ROLE ... NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOREPLICATION (NOLOGIN for \
             countersign_ledger and countersign_follower, NOINHERIT for countersign_app), REVOKE ... FROM \
             countersign_app, GRANT countersign_follower TO countersign_app (from Postgres 16 on WITH INHERIT FALSE)",
        ),
        Err(error) => Finding::unknown(CHECK, &error),
    }
}

async fn too_much(pool: &PgPool) -> Result<Offenders, sqlx::Error> {
    let mut transaction = spanning(pool).await?;
    let all: Vec<String> = sqlx::query_scalar(TOO_MUCH).fetch_all(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(all.into_iter().collect())
}
