//! What no file says: where it was written, and by what.

use super::sources;

/// Folders of one machine, each in two halves, so that this file does not say them either. Those that a package manager
/// makes for everybody are none.
const ONES_OWN: &[(&str, &str)] = &[("/wo", "rk/"), ("/ro", "ot/"), ("/ho", "me/"), ("/Us", "ers/")];
const EVERYBODYS: &str = "linuxbrew/";

/// Words about how a text came to be.
const NEVER: &[(&str, &str)] = &[("session tran", "script")];

/// Whether a line names a folder from a machine's root, and not one that only ends alike.
fn names_folder(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let begins = before.is_none_or(|c| !c.is_alphanumeric() && !"._-/~}".contains(c));
        begins && !line[at + folder.len()..].starts_with(EVERYBODYS)
    })
}

#[test]
fn no_file_names_the_machine_or_the_hand_that_wrote_it() {
    for source in sources::below("") {
        for (number, line) in source.text.lines().enumerate() {
            let place = || format!("{}:{}", source.path, number + 1);
            for (begin, end) in ONES_OWN {
                let folder = format!("{begin}{end}");
                assert!(!names_folder(line, &folder), "{} names a folder below {folder}", place());
            }
            for (begin, end) in NEVER {
                let never = format!("{begin}{end}");
                assert!(!line.contains(&never), "{} says {never}", place());
            }
        }
    }
}

/// What is locked is what everybody gets, from the public registries, through whatever mirror is set up.
#[test]
fn locked_versions_name_no_registry_but_the_public_one() {
    const PUBLIC: &str = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
    for source in sources::ending("", "Cargo.lock") {
        for line in source.text.lines().filter(|line| line.starts_with("source = ")) {
            assert_eq!(line, PUBLIC, "{}", source.path);
        }
    }
    for source in sources::ending("", "package-lock.json") {
        assert!(!source.text.contains("\"resolved\":"), "{} names where packages were fetched", source.path);
    }
}
