//! What is kept for nobody else's eyes: the master key, from the environment or from a file in the data folder that is
//! made on first start, and other files like it.

use crate::failure::Failure;
use countersign_embedded::make_private;
use countersign_eventstore::MasterKey;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Names the variable that holds the key instead of the file.
const VARIABLE: &str = "COUNTERSIGN_MASTER_KEY";
const FILE: &str = "master.key";

/// The installation's master key. Losing it loses every name and address in the ledgers for ever.
pub(crate) fn master_key(data_dir: &Path) -> Result<MasterKey, Failure> {
    if let Ok(text) = std::env::var(VARIABLE) {
        return MasterKey::parse(&text).map_err(|error| Failure::because(VARIABLE, error));
    }
    let path = make_once(data_dir, FILE, MasterKey::generate().as_bytes())?;
    let text = std::fs::read_to_string(&path)
        .map_err(|error| Failure::because(&format!("{} could not be read", path.display()), error))?;
    MasterKey::parse(&text).map_err(|error| Failure::because(&path.display().to_string(), error))
}

/// The same, if there is one; makes none.
pub(crate) fn existing_master_key(data_dir: &Path) -> Result<Option<MasterKey>, Failure> {
    if std::env::var_os(VARIABLE).is_none() && !master_key_file(data_dir).exists() {
        return Ok(None);
    }
    master_key(data_dir).map(Some)
}

/// The file in which the key is, unless the environment holds it.
pub(crate) fn master_key_file(data_dir: &Path) -> PathBuf {
    data_dir.join(FILE)
}

/// A file of the data folder that only its owner reads, made if it is not there: whole or not at all, because two
/// processes may begin together, and one may be killed on the way.
pub(crate) fn make_once(data_dir: &Path, name: &str, content: &[u8]) -> Result<PathBuf, Failure> {
    let path = data_dir.join(name);
    if path.exists() {
        return Ok(path);
    }
    let failed = |error: std::io::Error| Failure::because(&format!("{} could not be made", path.display()), error);
    make_private(data_dir)
        .map_err(|error| Failure::because(&format!("{} could not be made", data_dir.display()), error))?;
    let unfinished = data_dir.join(format!("{name}.{}", std::process::id()));
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished).map_err(failed)?;
    file.write_all(content).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    let linked = std::fs::hard_link(&unfinished, &path);
    std::fs::remove_file(&unfinished).map_err(failed)?;
    match linked {
        Ok(()) => Ok(path),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(path),
        Err(error) => Err(failed(error)),
    }
}
