//! Whether the master key is at hand, and whether others may read what is for its owner only.

use crate::doctor::Finding;
use crate::keys::{existing_master_key, master_key_file};
use crate::operator_door;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const MASTER_KEY: &str = "master key";
const SECRETS: &str = "secret files";
/// What others than a file's owner may do with it.
const OTHERS: u32 = 0o077;

pub(super) fn look(data_dir: &Path) -> Vec<Finding> {
    vec![master_key(data_dir), secrets(data_dir)]
}

fn master_key(data_dir: &Path) -> Finding {
    match existing_master_key(data_dir) {
        Ok(Some(_)) => Finding::ok(MASTER_KEY, "it is at hand; keep a copy where no backup is"),
        Ok(None) => Finding::failure(
            MASTER_KEY,
            format!("there is none in {}, and none in the environment", data_dir.display()),
            "put the installation's master.key there; a node that starts without it makes another one, with which nothing \
             that is stored can be read",
        ),
        Err(failure) => Finding::failure(MASTER_KEY, failure.line(), "put the installation's own master key there"),
    }
}

fn secrets(data_dir: &Path) -> Finding {
    for file in [master_key_file(data_dir), data_dir.join(operator_door::TOKEN_FILE)] {
        let Ok(there) = fs::metadata(&file) else { continue };
        let mode = there.permissions().mode() & 0o7777;
        if mode & OTHERS != 0 {
            return Finding::failure(
                SECRETS,
                format!("{} can be got at by others than its owner (mode {mode:o})", file.display()),
                format!("chmod 600 {}; if somebody may have read it, it is theirs as well", file.display()),
            );
        }
    }
    Finding::ok(SECRETS, "they are for their owner only")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    #[test]
    fn a_key_that_others_can_read_and_one_that_is_not_there_are_failures() {
        let folder = tempfile::tempdir().unwrap();
        let states = || look(folder.path()).into_iter().map(|finding| finding.state).collect::<Vec<_>>();
        assert_eq!(states(), [State::Failure, State::Ok]);
        assert!(!master_key_file(folder.path()).exists(), "who looks makes none");
        let file = master_key_file(folder.path());
        fs::write(&file, "5a".repeat(32)).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(states(), [State::Ok, State::Failure]);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(states(), [State::Ok, State::Ok]);
        fs::write(&file, "no key").unwrap();
        assert_eq!(states(), [State::Failure, State::Ok]);
    }
}
