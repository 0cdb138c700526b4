//! The data directory as the caller names it, and the two locks in it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

use crate::error::{Doing, EmbeddedError};

/// The data directory, by its full name.
#[derive(Debug)]
pub(crate) struct DataDir(PathBuf);

/// Held while a cluster is opened, recovered or closed; one process and one thread at a time.
#[derive(Debug)]
pub(crate) struct Turn(#[expect(dead_code, reason = "held, never read")] File);

/// Held shared by everybody who uses the server, for as long as they do.
#[derive(Debug)]
pub(crate) struct Presence {
    file: File,
    path: PathBuf,
}

impl DataDir {
    /// Makes the data directory where there is none.
    pub(crate) fn prepare(path: &Path) -> Result<Self, EmbeddedError> {
        make_private(path)?;
        let full = fs::canonicalize(path).doing("find", path)?;
        if full.join("PG_VERSION").exists() {
            return Err(EmbeddedError::NotOurs { path: full, what: "is itself the data of a Postgres server" });
        }
        Ok(Self(full))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Waits until nobody else opens, recovers or closes this cluster.
    pub(crate) fn turn(&self) -> Result<Turn, EmbeddedError> {
        let path = self.0.join("cluster.lock");
        loop {
            make_private(&self.0)?;
            let file = open_lock(&path)?;
            file.lock().doing("lock", &path)?;
            // A throwaway cluster takes its lock file with it: then we waited for a file that is no longer there.
            let held = file.metadata().doing("look at", &path)?;
            match fs::metadata(&path) {
                Ok(there) if (there.dev(), there.ino()) == (held.dev(), held.ino()) => return Ok(Turn(file)),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(EmbeddedError::Io { doing: "look at", path, source }),
            }
        }
    }

    /// Becomes a user of the server. Call it in one's turn, then nobody holds the lock for themselves alone.
    pub(crate) fn enter(&self, _turn: &Turn) -> Result<Presence, EmbeddedError> {
        let path = self.0.join("users.lock");
        let file = open_lock(&path)?;
        file.lock_shared().doing("lock", &path)?;
        Ok(Presence { file, path })
    }

    /// Removes the locks, and the folder itself when nothing else is in it.
    pub(crate) fn remove(&self, _turn: &Turn) -> Result<(), EmbeddedError> {
        for name in ["users.lock", "cluster.lock"] {
            let path = self.0.join(name);
            fs::remove_file(&path).doing("remove", &path)?;
        }
        match fs::remove_dir(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::DirectoryNotEmpty => Err(error).doing("remove", &self.0),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

impl Presence {
    /// Whether nobody else uses the server. In one's turn nobody can come in the meantime.
    pub(crate) fn is_alone(&self, _turn: &Turn) -> Result<bool, EmbeddedError> {
        match self.file.try_lock() {
            Ok(()) => {
                self.file.lock_shared().doing("lock", &self.path)?;
                Ok(true)
            }
            Err(TryLockError::WouldBlock) => {
                // Turning a lock into another one gives up the first; in our turn nobody else can have taken it.
                self.file.lock_shared().doing("lock", &self.path)?;
                Ok(false)
            }
            Err(TryLockError::Error(source)) => {
                Err(EmbeddedError::Io { doing: "lock", path: self.path.clone(), source })
            }
        }
    }
}

/// Makes a folder where there is none. Mail and keys lie beside the database, so nobody else may look into it; made by
/// root, others may pass through it, since the server runs as one of them.
///
/// An existing folder is closed to others if it is ours and empty. One with something in it stays as it is: others may
/// have been let in on purpose.
///
/// # Errors
/// When the folder cannot be made, looked at or restricted.
pub fn make_private(folder: &Path) -> Result<(), EmbeddedError> {
    let most = if geteuid().is_root() { 0o711 } else { 0o700 };
    match fs::metadata(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(folder).doing("create", folder)?;
            restrict(folder, most)
        }
        Ok(there) if there.is_dir() && there.uid() == geteuid().as_raw() && is_empty(folder) => {
            restrict(folder, there.mode() & most)
        }
        Ok(there) if there.is_dir() => Ok(()),
        // Says what is in the way.
        Ok(_) => fs::create_dir_all(folder).doing("create", folder),
        answer @ Err(_) => answer.map(drop).doing("look at", folder),
    }
}

fn restrict(folder: &Path, mode: u32) -> Result<(), EmbeddedError> {
    fs::set_permissions(folder, fs::Permissions::from_mode(mode)).doing("restrict", folder)
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

/// Opens a lock file, made where there is none. An existing one may be another user's: locking needs no right to write.
fn open_lock(path: &Path) -> Result<File, EmbeddedError> {
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            OpenOptions::new().read(true).append(true).create(true).mode(0o644).open(path).doing("create", path)
        }
        answer => answer.doing("open", path),
    }
}
