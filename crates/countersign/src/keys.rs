//! The master key: from the environment, or from a file in the data folder that is made on first start.

use crate::failure::Failure;
use countersign_embedded::make_private;
use countersign_eventstore::MasterKey;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Names the variable that holds the key instead of the file.
const VARIABLE: &str = "COUNTERSIGN_MASTER_KEY";
const FILE: &str = "master.key";

/// The installation's master key. Losing it loses every name and address in the ledgers for ever.
pub(crate) fn master_key(data_dir: &Path) -> Result<MasterKey, Failure> {
    if let Ok(text) = std::env::var(VARIABLE) {
        return MasterKey::parse(&text).map_err(|error| Failure::because(VARIABLE, error));
    }
    let path = data_dir.join(FILE);
    make_once(data_dir, &path)?;
    let text = std::fs::read_to_string(&path)
        .map_err(|error| Failure::because(&format!("{} could not be read", path.display()), error))?;
    MasterKey::parse(&text).map_err(|error| Failure::because(&path.display().to_string(), error))
}

/// Makes the file whole or not at all: two processes may begin together, and one may be killed on the way.
fn make_once(data_dir: &Path, path: &Path) -> Result<(), Failure> {
    if path.exists() {
        return Ok(());
    }
    let failed = |error: std::io::Error| Failure::because(&format!("{} could not be made", path.display()), error);
    make_private(data_dir)
        .map_err(|error| Failure::because(&format!("{} could not be made", data_dir.display()), error))?;
    let unfinished = data_dir.join(format!("{FILE}.{}", std::process::id()));
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished).map_err(failed)?;
    file.write_all(MasterKey::generate().as_bytes()).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    let linked = std::fs::hard_link(&unfinished, path);
    std::fs::remove_file(&unfinished).map_err(failed)?;
    match linked {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(failed(error)),
    }
}
