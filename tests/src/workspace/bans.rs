//! What Clippy refuses everywhere, and what it refuses to the rules in particular.

use super::sources;

/// What a rule would find out by itself and never find again: with it, history could not be decided a second time.
const NOT_IN_RULES: &[&str] = &["chrono::Utc::now", "uuid::Uuid::new_v4", "uuid::Uuid::now_v7"];

fn text(path: &str) -> String {
    std::fs::read_to_string(sources::root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The settings of a `clippy.toml`: its lines, comments aside.
fn settings(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

/// Clippy reads the nearest file only: a crate's own one must repeat what holds for all.
#[test]
fn what_clippy_is_told_for_all_it_is_told_for_every_crate() {
    let everywhere = text("clippy.toml");
    for own in sources::ending("crates", "/clippy.toml") {
        for setting in settings(&everywhere) {
            assert!(settings(&own.text).contains(&setting), "{} lacks {setting}", own.path);
        }
    }
}

#[test]
fn the_rules_may_not_ask_for_the_time_or_make_ids() {
    let bans = text("crates/domain/clippy.toml");
    for banned in NOT_IN_RULES {
        let ban = settings(&bans).into_iter().find(|line| line.contains(&format!("path = \"{banned}\"")));
        let ban = ban.unwrap_or_else(|| panic!("crates/domain/clippy.toml does not ban {banned}"));
        assert!(ban.contains("reason = \""), "the ban of {banned} says no reason");
    }
}
