//! `countersign-embedded run`, which the tests of the whole workspace go through.

use std::fs;
use std::process::{Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::folder::{Folder, eventually};

fn run(folder: &Folder, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign-embedded"));
    command.args(["run", "--data-dir"]).arg(folder.path().join("tests")).args(arguments).output().unwrap()
}

#[test]
fn a_command_finds_the_database_and_its_exit_status_is_passed_on() {
    let folder = Folder::new();
    let script = "echo $DATABASE_URL; test -S $COUNTERSIGN_TEST_SOCKET/.s.PGSQL.5432 && exit 7";
    let output = run(&folder, &["--throwaway", "--", "sh", "-c", script]);
    assert_eq!(output.status.code(), Some(7));
    let url = String::from_utf8(output.stdout).unwrap();
    assert!(url.starts_with("postgres:///postgres?host=/tmp/countersign-"), "{url}");
    assert!(url.ends_with("&user=countersign_owner&port=5432\n"), "{url}");
    assert!(output.stderr.is_empty());
    assert!(!folder.path().join("tests").exists());
}

#[test]
fn a_command_that_cannot_be_run_or_understood_is_said_in_one_line() {
    let folder = Folder::new();
    let output = run(&folder, &["--throwaway", "--", "no-such-program"]);
    assert_eq!(output.status.code(), Some(127));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("countersign-embedded: cannot run no-such-program: "));

    let output = run(&folder, &["--throw-away", "--", "true"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        String::from_utf8_lossy(&output.stderr).starts_with("countersign-embedded: it does not know `--throw-away`")
    );
    assert!(!folder.path().join("tests").exists());
}

#[test]
#[cfg(target_os = "linux")]
fn a_command_hears_signals_as_it_would_without_us() {
    let output = run(&Folder::new(), &["--throwaway", "--", "grep", "SigBlk", "/proc/self/status"]);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "SigBlk:\t0000000000000000\n");
}

#[test]
fn a_run_that_is_told_to_end_ends_its_command_and_stops_the_server() {
    let folder = Folder::new();
    let data_dir = folder.path().join("tests");
    let began = folder.path().join("began");
    let mut process = Command::new(env!("CARGO_BIN_EXE_countersign-embedded"))
        .args(["run", "--throwaway", "--data-dir"])
        .arg(&data_dir)
        .args(["--", "sh", "-c", "touch \"$0\"; exec sleep 600"])
        .arg(&began)
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    eventually(|| fs::exists(&began).unwrap());
    kill(Pid::from_raw(i32::try_from(process.id()).unwrap()), Signal::SIGTERM).unwrap();
    assert_eq!(process.wait().unwrap().code(), Some(128 + 15));
    assert!(!data_dir.exists());
}
