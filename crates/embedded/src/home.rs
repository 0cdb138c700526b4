//! The folder in which the cluster lies: inside the data directory, or elsewhere when the server's user cannot get there.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::account::Account;
use crate::data_dir::{DataDir, make_private};
use crate::error::{Doing, EmbeddedError};
use crate::options::Purpose;

/// Where clusters lie that do not lie in their data directory.
const ELSEWHERE: &str = "/var/lib/countersign";

/// The file in the cluster's folder that says that we made it, and what for.
const MARKER: &str = "countersign.cluster";

/// The folder that holds one cluster: its data, its log, and what is left of unfinished work.
#[derive(Debug)]
pub(crate) struct Home {
    folder: PathBuf,
    pointer: Option<PathBuf>,
}

impl Home {
    /// Finds or makes the folder for the cluster of this data directory.
    pub(crate) fn locate(data_dir: &DataDir) -> Result<Self, EmbeddedError> {
        let pointer = data_dir.path().join("cluster.location");
        let inside = data_dir.path().join("postgres");
        match fs::read(&pointer) {
            Ok(content) => return Self::elsewhere(data_dir, PathBuf::from(text_path(&content)), pointer),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(EmbeddedError::Io { doing: "read", path: pointer, source }),
        }
        if !inside.exists() && !Account::for_new_cluster()?.can_reach(data_dir.path())? {
            return Self::make_elsewhere(data_dir, pointer);
        }
        make_private(&inside)?;
        Ok(Self { folder: inside, pointer: None })
    }

    /// Follows the pointer, unless it leads nowhere or was copied from a data directory that still uses it.
    fn elsewhere(data_dir: &DataDir, folder: PathBuf, pointer: PathBuf) -> Result<Self, EmbeddedError> {
        if !folder.is_dir() {
            return Err(EmbeddedError::Lost { home: folder, pointer });
        }
        let belongs_to = folder.join("belongs-to");
        let original = PathBuf::from(text_path(&fs::read(&belongs_to).doing("read", &belongs_to)?));
        if original != data_dir.path() {
            let still_used = fs::read(original.join("cluster.location"));
            if still_used.is_ok_and(|content| text_path(&content) == folder.as_os_str()) {
                return Err(EmbeddedError::Copied { home: folder, original, pointer });
            }
            replace(&belongs_to, data_dir.path().as_os_str().as_bytes())?;
        }
        Ok(Self { folder, pointer: Some(pointer) })
    }

    /// Makes a folder under a name that was never used, so that a data directory that was removed and made anew is empty.
    fn make_elsewhere(data_dir: &DataDir, pointer: PathBuf) -> Result<Self, EmbeddedError> {
        make_private(Path::new(ELSEWHERE))?;
        let name = format!("{:016x}", digest(format!("{} {}", data_dir.path().display(), unique()).as_bytes()));
        let folder = Path::new(ELSEWHERE).join(name);
        make_private(&folder)?;
        replace(&folder.join("belongs-to"), data_dir.path().as_os_str().as_bytes())?;
        replace(&pointer, folder.as_os_str().as_bytes())?;
        Ok(Self { folder, pointer: Some(pointer) })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The server's own folder, which it calls its data directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.folder.join("postgres.log")
    }

    /// A new name for work that a crash may leave half done.
    pub(crate) fn unfinished(&self) -> PathBuf {
        self.folder.join(format!("unfinished-{}", unique()))
    }

    /// Removes what crashes left half done. What cannot be removed now (a program may still write there) stays until the
    /// next time; its name is never used again.
    pub(crate) fn clear_unfinished(&self) {
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            if entry.file_name().as_bytes().starts_with(b"unfinished-") {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }

    /// The major version of the cluster in this folder, or `None` when there is no cluster yet.
    pub(crate) fn existing(&self, purpose: Purpose) -> Result<Option<u32>, EmbeddedError> {
        let data = self.data();
        if fs::read_dir(&data).is_ok_and(|mut entries| entries.next().is_none()) || !data.exists() {
            return Ok(None);
        }
        // Before anything is read: an ordinary user cannot look into another's cluster.
        Account::owner_of(&data)?;
        let not_ours = |what| EmbeddedError::NotOurs { path: data.clone(), what };
        let marker = fs::read_to_string(data.join(MARKER))
            .map_err(|_| not_ours("is no cluster that Countersign made, or not a whole one"))?;
        let is = [Purpose::Kept, Purpose::Throwaway].into_iter().find(|purpose| purpose.word() == marker.trim());
        match is {
            Some(is) if is == purpose => {}
            Some(is) => return Err(EmbeddedError::OtherPurpose { data, is: is.word(), asked: purpose.word() }),
            None => return Err(not_ours("was made by a version of Countersign that this one does not know")),
        }
        let version = fs::read_to_string(data.join("PG_VERSION")).unwrap_or_default();
        let major = version.trim().parse().map_err(|_| not_ours("holds no readable PG_VERSION"))?;
        Ok(Some(major))
    }

    /// Says in a whole cluster that we made it, and gives it its final name.
    pub(crate) fn complete(&self, unfinished: &Path, purpose: Purpose) -> Result<(), EmbeddedError> {
        write_synced(&unfinished.join(MARKER), purpose.word().as_bytes())?;
        fs::rename(unfinished, self.data()).doing("rename", unfinished)?;
        File::open(&self.folder).and_then(|folder| folder.sync_all()).doing("sync", &self.folder)
    }

    /// Removes the cluster, whole or not at all as far as the next reader can tell.
    pub(crate) fn remove_cluster(&self) -> Result<(), EmbeddedError> {
        let (data, unfinished) = (self.data(), self.unfinished());
        match fs::rename(&data, &unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error).doing("remove", &data),
            Ok(()) | Err(_) => self.clear_unfinished(),
        }
        Ok(())
    }

    /// Removes the folder with all that is in it.
    pub(crate) fn remove(&self) -> Result<(), EmbeddedError> {
        self.remove_cluster()?;
        if let Some(pointer) = &self.pointer {
            fs::remove_file(pointer).doing("remove", pointer)?;
        }
        fs::remove_dir_all(&self.folder).doing("remove", &self.folder)
    }
}

/// Writes a small file so that a crash leaves the old content or the new one.
fn replace(path: &Path, content: &[u8]) -> Result<(), EmbeddedError> {
    let fresh = path.with_extension("new");
    write_synced(&fresh, content)?;
    fs::rename(&fresh, path).doing("write", path)
}

fn write_synced(path: &Path, content: &[u8]) -> Result<(), EmbeddedError> {
    let mut file = File::create(path).doing("write", path)?;
    file.write_all(content).and_then(|()| file.sync_all()).doing("write", path)
}

fn text_path(content: &[u8]) -> &OsStr {
    OsStr::from_bytes(content.trim_ascii_end())
}

/// A name that no other process or moment has.
fn unique() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{}-{:x}", process::id(), since.as_nanos())
}

/// The name of the cluster in this folder, on its socket's folder and on the command lines of its processes.
pub(crate) fn short_name(data: &Path) -> String {
    format!("countersign-{:016x}", digest(data.as_os_str().as_bytes()))
}

/// FNV-1a, for short names; nothing relies on it being hard to guess.
fn digest(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
