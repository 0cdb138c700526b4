//! The folder of the server's socket: short, since a socket's path may have about 100 bytes, and for the owner alone.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use crate::account::Account;
use crate::connection::PORT;
use crate::error::{Doing, EmbeddedError};
use crate::home::short_name;

/// Makes the folder for a server about to start. The name follows from the cluster's place, so that clients find a
/// recovered server where the killed one was. Should somebody else have taken the name, the next one is used.
pub(crate) fn make_folder(data: &Path, account: &Account) -> Result<PathBuf, EmbeddedError> {
    let mut attempt = 0;
    loop {
        let folder = PathBuf::from(format!("/tmp/{}-{attempt}", short_name(data)));
        match DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) => {
                account.take_over(&folder)?;
                return Ok(folder);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && is_private(&folder, account) => {
                clear(&folder)?;
                return Ok(folder);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < 9 => attempt += 1,
            Err(source) => return Err(EmbeddedError::Io { doing: "create", path: folder, source }),
        }
    }
}

/// Whether the server accepts connections there.
pub(crate) fn connect(folder: &Path) -> io::Result<()> {
    UnixStream::connect(socket_in(folder)).map(drop)
}

/// Removes the folder of a server that has stopped.
pub(crate) fn remove_folder(folder: &Path) -> Result<(), EmbeddedError> {
    if !folder.exists() {
        return Ok(());
    }
    clear(folder)?;
    fs::remove_dir(folder).doing("remove", folder)
}

/// Removes what a killed server left: its socket and the lock beside it, which may name a process that is now another.
fn clear(folder: &Path) -> Result<(), EmbeddedError> {
    let socket = socket_in(folder);
    for path in [socket.with_added_extension("lock"), socket] {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error).doing("remove", &path),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

/// A folder, no link, that belongs to the server's user and is closed to everybody else.
fn is_private(folder: &Path, account: &Account) -> bool {
    fs::symlink_metadata(folder).is_ok_and(|metadata| {
        metadata.is_dir() && metadata.uid() == account.uid.as_raw() && metadata.mode() & 0o077 == 0
    })
}

fn socket_in(folder: &Path) -> PathBuf {
    folder.join(format!(".s.PGSQL.{PORT}"))
}
