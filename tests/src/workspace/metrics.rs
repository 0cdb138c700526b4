//! What is measured is told of where operators look.

use super::sources::{ending, root};
use std::collections::BTreeSet;

const DOCUMENT: &str = "docs/observability.md";

/// The metrics that the document lists.
fn listed() -> BTreeSet<String> {
    let text = std::fs::read_to_string(root().join(DOCUMENT)).expect("the document is there");
    let first_cell = |line: &str| line.strip_prefix("| `")?.split('`').next().map(str::to_owned);
    text.lines().filter_map(first_cell).filter(|name| is_metric(name)).collect()
}

/// The metrics that the code names.
fn recorded() -> BTreeSet<String> {
    let sources = ending("crates", ".rs");
    let names = sources.iter().flat_map(|source| source.text.split('"')).filter(|name| is_metric(name));
    names.map(str::to_owned).collect()
}

/// A part and what is measured of it stand behind our name: roles and databases have one word there.
fn is_metric(name: &str) -> bool {
    let words = name.strip_prefix("countersign_").unwrap_or_default();
    words.contains('_') && words.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

#[test]
fn every_metric_is_listed_for_operators_and_nothing_else() {
    let recorded = recorded();
    assert!(recorded.len() > 15, "{recorded:?}");
    assert_eq!(listed(), recorded);
}
