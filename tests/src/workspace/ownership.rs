//! Whose tables are whose, and who writes no SQL at all.

use super::schema::{Table, names_table, tables};
use super::sources::{self, Source};

/// A schema, and the only crate whose sources may name its tables.
const OWNERS: &[(&str, &str)] = &[
    ("ledger", "eventstore"),
    ("vault", "eventstore"),
    ("identity", "identity"),
    ("process", "processes"),
    ("node", "projections"),
    // What the installation says of itself as a whole.
    ("public", "countersign"),
    // Not `read`: identity asks the access rows in the statement that lets somebody in.
];

/// Crates that may name every table, because they are no part of what is served.
const MEASURING: &[&str] = &["crates/bench/"];

/// How a statement begins in Rust, whoever writes it.
const STATEMENTS: &[&str] = &["query!(", "query_as!(", "query_scalar!(", "sqlx::query", "QueryBuilder"];

/// The lines of a source that are no comment.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// The sources of what is served.
fn served() -> Vec<Source> {
    let is_served = |source: &Source| {
        source.path.contains("/src/") && !MEASURING.iter().any(|measuring| source.path.starts_with(measuring))
    };
    sources::ending("crates", ".rs").into_iter().filter(is_served).collect()
}

#[test]
fn only_its_owner_touches_a_table() {
    let served = served();
    for Table { name, .. } in tables() {
        let Some((_, owner)) = OWNERS.iter().find(|(schema, _)| *schema == schema_of(&name)) else { continue };
        for source in served.iter().filter(|source| !source.path.starts_with(&format!("crates/{owner}/"))) {
            for (line, text) in code(&source.text) {
                assert!(!names_table(text, &name), "{}:{}: only {owner} touches {name}", source.path, line + 1);
            }
        }
    }
}

fn schema_of(table: &str) -> &str {
    table.split('.').next().unwrap_or_default()
}

#[test]
fn every_schema_has_an_owner_or_is_read_by_several() {
    for Table { name, .. } in tables() {
        let is_known = schema_of(&name) == "read" || OWNERS.iter().any(|(schema, _)| *schema == schema_of(&name));
        assert!(is_known, "{name}: say in {} whose it is", file!());
    }
}

#[test]
fn crates_without_a_database_hold_no_sql() {
    for name in ["api", "canon", "domain", "evidence", "xes", "embedded"] {
        for source in sources::ending(&format!("crates/{name}/src"), ".rs") {
            for (line, text) in code(&source.text) {
                let found = STATEMENTS.iter().find(|statement| text.contains(**statement));
                assert_eq!(found, None, "{}:{}: {name} holds no SQL", source.path, line + 1);
            }
        }
    }
}
