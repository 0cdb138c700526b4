//! The folder of a dump: its data and its manifest, for the owner's eyes only. It is there whole or not at all.

use crate::backup::manifest::{About, Manifest};
use crate::failure::Failure;
use countersign_canon::Digest;
use sha2::{Digest as _, Sha256};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const DATA: &str = "data.dump";
const MANIFEST: &str = "manifest.json";

/// A folder that is being filled. What was not finished is gone with it.
pub(crate) struct Unfinished {
    folder: PathBuf,
    partial: PathBuf,
    is_finished: bool,
}

/// A folder that was read: what it says, and where its data are.
#[derive(Debug)]
pub(crate) struct Archive<M> {
    pub(crate) manifest: M,
    pub(crate) data: PathBuf,
}

impl Unfinished {
    /// Begins a folder that is not there yet.
    pub(crate) fn begin(folder: &Path) -> Result<Self, Failure> {
        if folder.exists() {
            return Err(Failure::say(format!("{} is there already: name a folder that is not", folder.display())));
        }
        let partial = folder.with_added_extension("partial");
        match DirBuilder::new().mode(0o700).create(&partial) {
            Ok(()) => Ok(Self { folder: folder.to_owned(), partial, is_finished: false }),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(Failure::say(format!(
                "{} is in the way: another backup is being written there, or one was killed; then remove it",
                partial.display()
            ))),
            Err(error) => Err(Failure::because(&format!("{} could not be made", partial.display()), error)),
        }
    }

    /// The file for the data.
    pub(crate) fn data(&self) -> Result<File, Failure> {
        private_file(&self.partial.join(DATA))
    }

    /// What the data came to.
    pub(crate) async fn measured(&self, mut about: About) -> Result<About, Failure> {
        let path = self.partial.join(DATA);
        (about.bytes, about.sha256) = digest_of(path).await?;
        Ok(about)
    }

    /// Adds the manifest, and gives the folder its name once everything is on the disk.
    pub(crate) fn finish(mut self, manifest: &impl Manifest) -> Result<(), Failure> {
        let failed = |error| Failure::because(&format!("{} could not be finished", self.folder.display()), error);
        let text = serde_json::to_string_pretty(manifest).expect("a manifest has string keys and serializes");
        let mut file = private_file(&self.partial.join(MANIFEST))?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
        File::open(self.partial.join(DATA)).and_then(|data| data.sync_all()).map_err(failed)?;
        fs::rename(&self.partial, &self.folder).map_err(failed)?;
        let above = self.folder.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(above).and_then(|above| above.sync_all()).map_err(failed)?;
        self.is_finished = true;
        Ok(())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.is_finished {
            let _ = fs::remove_dir_all(&self.partial);
        }
    }
}

impl<M: Manifest> Archive<M> {
    /// Reads what a folder says of itself, and whether its data are what was written.
    pub(crate) async fn read(folder: &Path) -> Result<Self, Failure> {
        let (path, data) = (folder.join(MANIFEST), folder.join(DATA));
        let text = fs::read_to_string(&path)
            .map_err(|error| Failure::because(&format!("{} is no folder of {}", folder.display(), M::WHAT), error))?;
        let manifest: M = serde_json::from_str(&text).map_err(|error| {
            Failure::because(&format!("{} is not the manifest of {}", path.display(), M::WHAT), error)
        })?;
        let about = manifest.about();
        if !about.is_known() {
            return Err(Failure::say(format!("{} was written by a newer version: restore with that", path.display())));
        }
        if digest_of(data.clone()).await? != (about.bytes, about.sha256) {
            return Err(Failure::say(format!(
                "{} is not what was written by the backup: use another copy of it",
                data.display()
            )));
        }
        Ok(Self { manifest, data })
    }
}

fn private_file(path: &Path) -> Result<File, Failure> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    made.map_err(|error| Failure::because(&format!("{} could not be made", path.display()), error))
}

/// How many bytes a file has, and their SHA-256.
async fn digest_of(path: PathBuf) -> Result<(u64, Digest), Failure> {
    let what = format!("{} could not be read", path.display());
    let reading = tokio::task::spawn_blocking(move || read_through(&path));
    let read = reading.await.map_err(|error| Failure::because(&what, error))?;
    read.map_err(|error| Failure::because(&what, error))
}

fn read_through(path: &Path) -> io::Result<(u64, Digest)> {
    let (mut file, mut hasher, mut bytes) = (File::open(path)?, Sha256::new(), 0);
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((bytes, Digest(hasher.finalize().into())));
        }
        hasher.update(&buffer[..read]);
        bytes += read as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::manifest::Events;
    use std::os::unix::fs::PermissionsExt;

    async fn archive(folder: &Path) {
        let unfinished = Unfinished::begin(folder).unwrap();
        unfinished.data().unwrap().write_all(b"all of it").unwrap();
        let about = About::new("2026-03-02T09:00:00Z".parse().unwrap(), vec![1], 15, 15);
        let about = unfinished.measured(about).await.unwrap();
        unfinished.finish(&Events { about, organizations: vec![] }).unwrap();
    }

    #[tokio::test]
    async fn what_was_written_is_read_again_and_is_for_its_owner_only() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("monday");
        archive(&folder).await;
        let read = Archive::<Events>::read(&folder).await.unwrap();
        assert_eq!((read.manifest.about.bytes, read.manifest.about.postgres), (9, 15));
        for (path, mode) in [(folder.clone(), 0o700), (folder.join(DATA), 0o600), (folder.join(MANIFEST), 0o600)] {
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode, "{}", path.display());
        }
    }

    #[tokio::test]
    async fn data_of_which_a_byte_has_changed_are_refused() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("monday");
        archive(&folder).await;
        fs::write(folder.join(DATA), b"all of iT").unwrap();
        let refused = Archive::<Events>::read(&folder).await.unwrap_err();
        assert!(refused.line().contains("not what was written"), "{}", refused.line());
    }

    #[test]
    fn what_is_not_finished_leaves_nothing_behind_and_nothing_is_written_over() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("monday");
        let unfinished = Unfinished::begin(&folder).unwrap();
        unfinished.data().unwrap();
        let second = Unfinished::begin(&folder).map(drop).unwrap_err();
        assert!(second.line().contains("is in the way"), "{}", second.line());
        drop(unfinished);
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
        fs::create_dir(&folder).unwrap();
        assert!(Unfinished::begin(&folder).is_err());
    }
}
