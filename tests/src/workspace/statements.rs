//! Every checked statement on an organization's rows says whose: the schema distributes by organization as it is.

use super::schema::{names_table, tables};
use super::sources;
use serde_json::Value;

/// Statements that span organizations by design: how each is recognised, and why it may.
const SPANNING: &[(&str, &str)] = &[
    (
        "SELECT org_id FROM identity.organization WHERE slug = $1",
        "asks which organization a short name means, before there is one",
    ),
    (
        "SELECT org_id FROM identity.organization ORDER BY org_id",
        "lists the organizations, for upkeep that then visits one after the other",
    ),
    (
        "SELECT org_id, max(position) AS position FROM ledger.commit_feed WHERE xid >=",
        "sweeps the feed for whichever ledgers have grown; it says nothing but ids and numbers",
    ),
    (
        "SELECT org_id, max(position) AS \"position!\" FROM ledger.commit_feed GROUP BY org_id",
        "tells what the feed has promised of each ledger; it says nothing but ids and numbers",
    ),
    ("FROM vault.org_key o ORDER BY o.org_id", "lists for a backup whose keys it holds, and of how many people"),
    ("DELETE FROM ledger.commit_feed WHERE at < now()", "forgets old rows of the feed, whosever they are"),
];

/// How rows that are asked for by columns of arguments, an organization in each, are compared with them.
const BY_COLUMNS: &[&str] = &["asked", "gone", "followed", "step"];

fn statements() -> Vec<String> {
    let checked = sources::ending(".sqlx", ".json").into_iter().map(|checked| {
        let checked: Value = serde_json::from_str(&checked.text).expect("sqlx keeps statements as JSON");
        on_one_line(checked["query"].as_str().expect("sqlx keeps the statement's text"))
    });
    checked.collect()
}

fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A statement says whose rows: it compares the column with an argument or a column of arguments, or writes it.
fn says_whose(statement: &str) -> bool {
    let writes = statement.contains("INSERT INTO") && statement.contains("org_id");
    let is_named = |by: &&str| ["", "("].iter().any(|open| statement.contains(&format!("= {open}{by}.org_id")));
    let by_columns = statement.contains("unnest($") && BY_COLUMNS.iter().any(is_named);
    writes || by_columns || statement.contains("org_id = $")
}

#[test]
fn every_statement_on_an_organizations_rows_says_whose() {
    let owned: Vec<String> = tables().into_iter().filter(|table| table.has_org_id).map(|table| table.name).collect();
    for statement in statements() {
        let touches = owned.iter().any(|table| names_table(&statement, table));
        let may_span = SPANNING.iter().any(|(known, _)| statement.contains(known));
        assert!(
            !touches || says_whose(&statement) || may_span,
            "this statement spans organizations; if it must, say why in {}:\n{statement}",
            file!()
        );
    }
}

#[test]
fn there_are_statements_to_look_at() {
    assert!(!statements().is_empty(), ".sqlx is empty: CONTRIBUTING.md says how to fill it");
}

#[test]
fn every_exception_is_still_made() {
    let sources: Vec<String> =
        sources::ending("crates", ".rs").iter().map(|source| on_one_line(&source.text)).collect();
    for (known, why) in SPANNING {
        let is_there = sources.iter().any(|source| source.contains(known));
        assert!(is_there, "no statement is {known:?} any more, which {why}: take it off the list");
    }
}
