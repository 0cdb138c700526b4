//! A program of the server, cut off from this process.

use std::env;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::libc;

use crate::account::Account;

/// What a server's program may know of our environment: how to find its libraries. The rest stays here, since secrets are
/// among it, and any process of the server's user can read the environment of the server.
const PASSED_ON: [&str; 3] = ["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"];

/// A command that runs `program` as `account` and shares nothing with us: not the terminal, so that Ctrl-C reaches us and
/// not the server; not the current folder; no descriptor, so that no lock or pipe of ours is held open by it.
pub(crate) fn detached(program: &Path, account: &Account) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir("/")
        .env_clear()
        .envs(PASSED_ON.into_iter().filter_map(|name| Some((name, env::var_os(name)?))))
        .envs([("LC_ALL", "C"), ("TZ", "UTC")])
        .stdin(Stdio::null());
    if account.is_another() {
        command.uid(account.uid.as_raw()).gid(account.gid.as_raw()); // std drops the supplementary groups as well
    }
    #[expect(unsafe_code, reason = "only async-signal-safe calls follow the fork: setsid, close_range, fcntl")]
    // SAFETY: `leave_session` neither allocates nor locks.
    unsafe {
        command.pre_exec(leave_session);
    }
    command
}

/// Leaves the terminal's session and lets no descriptor but the standard ones through the coming exec.
fn leave_session() -> io::Result<()> {
    nix::unistd::setsid()?;
    if !close_all_on_exec() {
        (3..65_536).for_each(close_on_exec);
    }
    Ok(())
}

/// Marks every descriptor from 3 upwards in one call; false where the kernel does not know it (Linux before 5.11).
#[cfg(target_os = "linux")]
fn close_all_on_exec() -> bool {
    #[expect(unsafe_code, reason = "nix does not wrap close_range")]
    // SAFETY: marks descriptors and touches no memory. Closing them instead would close the pipe on which std reports exec.
    let answer = unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC) };
    answer == 0
}

#[cfg(not(target_os = "linux"))]
fn close_all_on_exec() -> bool {
    false
}

fn close_on_exec(descriptor: libc::c_int) {
    #[expect(unsafe_code, reason = "the descriptors are not ours to borrow, we only know their numbers")]
    // SAFETY: marks a descriptor and touches no memory; a number that is none is answered with an error.
    unsafe {
        libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC);
    }
}
