//! The user of this machine that the server runs as.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;

use nix::unistd::{Gid, Uid, User, getegid, geteuid};

use crate::error::{Doing, EmbeddedError};

/// Who may own a new cluster when we are root, the best first: one made for us, one made for Postgres, one that is
/// everywhere but shared with other services.
const FOR_ROOT: [&str; 3] = ["countersign", "postgres", "nobody"];

/// The user that the server runs as and that owns the cluster.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) uid: Uid,
    pub(crate) gid: Gid,
}

impl Account {
    /// The user for a cluster that is to be created.
    pub(crate) fn for_new_cluster() -> Result<Self, EmbeddedError> {
        if !geteuid().is_root() {
            return Ok(Self { name: name_of(geteuid()), uid: geteuid(), gid: getegid() });
        }
        let found = FOR_ROOT.into_iter().find_map(|name| User::from_name(name).ok().flatten());
        match found {
            Some(user) if !user.uid.is_root() => Ok(Self { name: user.name, uid: user.uid, gid: user.gid }),
            _ => Err(EmbeddedError::NoAccount),
        }
    }

    /// The user for a cluster that exists: its owner.
    pub(crate) fn owner_of(data: &Path) -> Result<Self, EmbeddedError> {
        let metadata = fs::metadata(data).doing("look at", data)?;
        let (uid, gid) = (Uid::from_raw(metadata.uid()), Gid::from_raw(metadata.gid()));
        if uid.is_root() {
            return Err(EmbeddedError::NotOurs {
                path: data.to_owned(),
                what: "belongs to root, as no server's data may",
            });
        }
        let name = name_of(uid);
        if !geteuid().is_root() && uid != geteuid() {
            return Err(EmbeddedError::OtherOwner { data: data.to_owned(), owner: name });
        }
        Ok(Self { name, uid, gid })
    }

    /// Whether the server runs as somebody else than we do.
    pub(crate) fn is_another(&self) -> bool {
        self.uid != geteuid()
    }

    /// Gives a folder that we made to this user.
    pub(crate) fn take_over(&self, folder: &Path) -> Result<(), EmbeddedError> {
        if !self.is_another() {
            return Ok(());
        }
        chown(folder, Some(self.uid.as_raw()), Some(self.gid.as_raw())).doing("change the owner of", folder)
    }

    /// Whether this user can pass through the folder and all folders above it.
    pub(crate) fn can_reach(&self, folder: &Path) -> Result<bool, EmbeddedError> {
        if !self.is_another() {
            return Ok(true);
        }
        for ancestor in folder.ancestors() {
            let metadata = fs::metadata(ancestor).doing("look at", ancestor)?;
            let search_bit = if metadata.uid() == self.uid.as_raw() {
                0o100
            } else if metadata.gid() == self.gid.as_raw() {
                0o010
            } else {
                0o001
            };
            if metadata.mode() & search_bit == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn name_of(uid: Uid) -> String {
    User::from_uid(uid).ok().flatten().map_or_else(|| uid.to_string(), |user| user.name)
}
