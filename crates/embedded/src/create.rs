//! Making a new cluster.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::command::detached;
use crate::connection::OWNER;
use crate::error::{Doing, EmbeddedError, last_words};
use crate::options::Purpose;
use crate::server::Site;

/// From this version on Postgres brings a collation of its own that sorts the same on every machine.
const FIRST_WITH_BUILTIN_LOCALE: u32 = 17;

/// Makes the cluster under an unfinished name and renames it when it is whole, so that a crash at any moment leaves either
/// no cluster or a good one.
pub(crate) fn create(site: &Site) -> Result<(), EmbeddedError> {
    let home = &site.home;
    home.clear_unfinished();
    let unfinished = home.unfinished();
    fs::create_dir(&unfinished).doing("create", &unfinished)?;
    fs::set_permissions(&unfinished, Permissions::from_mode(0o700)).doing("restrict", &unfinished)?;
    site.account.take_over(&unfinished)?;
    initdb(site, &unfinished).inspect_err(|_| home.clear_unfinished())?;
    home.complete(&unfinished, site.options.purpose)
}

fn initdb(site: &Site, folder: &Path) -> Result<(), EmbeddedError> {
    let program = site.binaries.initdb();
    let mut command = detached(&program, &site.account);
    command.args(["-U", OWNER, "-A", "trust", "-E", "UTF8", "--locale=C", "--data-checksums", "-D"]).arg(folder);
    if site.binaries.major >= FIRST_WITH_BUILTIN_LOCALE {
        command.args(["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]);
    }
    if site.options.purpose == Purpose::Throwaway {
        command.arg("--no-sync");
    }
    let user = site.account.name.clone();
    let said = command.output().map_err(|source| EmbeddedError::CannotRun { program, user, source })?;
    if said.status.success() {
        return Ok(());
    }
    let last_words = last_words(&String::from_utf8_lossy(&said.stderr));
    Err(EmbeddedError::CreateFailed { home: site.home.folder().to_owned(), last_words })
}
