//! Who may import whom. A dependency that is used only by a crate's own tests is free.

use super::sources::root;
use cargo_metadata::{DependencyKind, MetadataCommand, Package};
use std::collections::BTreeMap;

/// A crate's place: which of our crates it may import, and which of others', where that is limited.
struct Layer {
    name: &'static str,
    ours: &'static [&'static str],
    others: Others,
}

enum Others {
    Any,
    Only(&'static [&'static str]),
}

/// From the bottom to the top. A new crate finds its place here.
const LAYERS: &[Layer] = &[
    // An offline verifier is built from these two alone; the rules, from the first and the third.
    Layer {
        name: "countersign-canon",
        ours: &[],
        others: Others::Only(&["hex", "serde", "serde_json", "serde_json_canonicalizer", "sha2", "thiserror"]),
    },
    Layer { name: "countersign-evidence", ours: &["canon"], others: Others::Only(&["serde", "thiserror"]) },
    Layer {
        name: "countersign-domain",
        ours: &["canon"],
        others: Others::Only(&["chrono", "rust_decimal", "serde", "serde_json", "thiserror", "uuid"]),
    },
    // Useful without us.
    Layer { name: "countersign-xes", ours: &[], others: Others::Any },
    Layer { name: "countersign-embedded", ours: &[], others: Others::Any },
    // Sets a database up before the first statement of the others is checked against it.
    Layer { name: "countersign-migrations", ours: &[], others: Others::Any },
    // Hands a trace on from crate to crate.
    Layer { name: "countersign-telemetry", ours: &[], others: Others::Any },
    // Below everybody who speaks SQL.
    Layer { name: "countersign-postgres", ours: &["domain"], others: Others::Any },
    Layer { name: "countersign-eventstore", ours: &["canon", "domain", "postgres", "telemetry"], others: Others::Any },
    Layer { name: "countersign-identity", ours: &["domain", "postgres"], others: Others::Any },
    Layer {
        name: "countersign-projections",
        ours: &["canon", "domain", "eventstore", "postgres", "telemetry"],
        others: Others::Any,
    },
    // Follows the ledgers with the engine of the read models.
    Layer {
        name: "countersign-processes",
        ours: &["canon", "domain", "eventstore", "postgres", "projections"],
        others: Others::Any,
    },
    Layer {
        name: "countersign-api",
        ours: &["canon", "domain", "eventstore", "identity", "projections", "telemetry"],
        others: Others::Any,
    },
    // Makes histories up, and measures the store through its own door and the portal over HTTP.
    Layer {
        name: "countersign-bench",
        ours: &["canon", "domain", "embedded", "eventstore", "identity", "migrations", "postgres"],
        others: Others::Any,
    },
    // The binary puts everything together.
    Layer {
        name: "countersign",
        ours: &[
            "api",
            "bench",
            "canon",
            "domain",
            "embedded",
            "eventstore",
            "evidence",
            "identity",
            "migrations",
            "postgres",
            "processes",
            "projections",
            "telemetry",
            "xes",
        ],
        others: Others::Any,
    },
    // Speaks to the binary from outside, and to the database as an auditor would.
    Layer { name: "countersign-acceptance", ours: &[], others: Others::Any },
];

fn packages() -> Vec<Package> {
    // Only what our own manifests say: nothing is resolved or fetched.
    let metadata = MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec();
    metadata.expect("the workspace's manifests can be read").packages
}

fn shipped(package: &Package) -> impl Iterator<Item = &str> {
    let shipped = package.dependencies.iter().filter(|dependency| dependency.kind != DependencyKind::Development);
    shipped.map(|dependency| dependency.name.as_str())
}

#[test]
fn every_crate_imports_only_what_its_layer_may() {
    let layers: BTreeMap<&str, &Layer> = LAYERS.iter().map(|layer| (layer.name, layer)).collect();
    for package in packages() {
        let name = package.name.as_str();
        let layer = layers.get(name).unwrap_or_else(|| panic!("{name} has no place in {}", file!()));
        for import in shipped(&package) {
            let may = match (import.strip_prefix("countersign-"), &layer.others) {
                (Some(ours), _) => layer.ours.contains(&ours),
                (None, Others::Only(others)) => others.contains(&import),
                (None, Others::Any) => true,
            };
            assert!(may, "{name} may not import {import}");
        }
    }
}

#[test]
fn nothing_imports_what_stands_above_it() {
    for (height, layer) in LAYERS.iter().enumerate() {
        for ours in layer.ours {
            let below = LAYERS[..height].iter().any(|lower| lower.name.strip_prefix("countersign-") == Some(ours));
            assert!(below, "{} stands below {ours}", layer.name);
        }
    }
}
