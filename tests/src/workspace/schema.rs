//! The tables, as the migrations make them.

use super::sources;
use std::collections::BTreeSet;

/// A table, and whether its rows belong to organizations.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Table {
    /// With its schema: `read.project`.
    pub(super) name: String,
    pub(super) has_org_id: bool,
}

/// Every table that some migration makes, its partitions aside.
pub(super) fn tables() -> BTreeSet<Table> {
    sources::ending("migrations", ".sql").iter().flat_map(|migration| tables_in(&migration.text)).collect()
}

fn tables_in(migration: &str) -> Vec<Table> {
    let made = migration.split("CREATE TABLE ").skip(1).filter_map(|rest| rest.split_once('('));
    let named = made.filter_map(|(name, columns)| {
        let name = name.trim();
        let is_plain = name.contains('.') && name.chars().all(|c| c.is_ascii_lowercase() || "._0123456789".contains(c));
        is_plain.then_some((name, columns))
    });
    named
        .map(|(name, columns)| {
            let (columns, _) = columns.split_once("\n)").expect("a table's columns end on a line of their own");
            let has_org_id = columns.lines().any(|line| line.trim_start().starts_with("org_id "));
            Table { name: name.to_owned(), has_org_id }
        })
        .collect()
}

/// Whether a statement names a table as a whole word. Partitions and views of a table count as the table.
pub(super) fn names_table(statement: &str, table: &str) -> bool {
    statement.match_indices(table).any(|(at, _)| {
        let before = statement[..at].chars().next_back();
        let after = statement[at + table.len()..].chars().next();
        // `self.ledger.event(...)` and `ledger.events()` are Rust; `ledger.event_p0` is a partition.
        let begins = before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != '.');
        let ends = after.is_none_or(|c| !c.is_alphanumeric() && c != '(');
        begins && ends
    })
}

#[test]
fn the_migrations_tell_which_tables_belong_to_organizations() {
    let tables = tables();
    let find = |name: &str| tables.iter().find(|table| table.name == name).map(|table| table.has_org_id);
    assert_eq!(find("ledger.event"), Some(true));
    assert_eq!(find("read.access_subject"), Some(true));
    assert_eq!(find("read.generation"), Some(false));
    assert_eq!(find("read.access_subject_g1"), None);
}

#[test]
fn a_table_is_found_in_a_statement_as_a_whole_word() {
    assert!(names_table("SELECT 1 FROM ledger.event WHERE", "ledger.event"));
    assert!(names_table("FROM ledger.event_p3", "ledger.event"));
    assert!(!names_table("FROM ledger.events", "ledger.event"));
    assert!(!names_table("self.ledger.event", "ledger.event"));
    assert!(!names_table("ledger.event(", "ledger.event"));
}
