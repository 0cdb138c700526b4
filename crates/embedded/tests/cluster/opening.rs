//! A cluster is made, found again, and for tests thrown away.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;

use countersign_embedded::{Arrival, Cluster, Options};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};

use crate::folder::{Folder, lives, owner};

#[test]
fn an_empty_data_directory_becomes_a_server_that_only_its_owner_reaches() {
    let folder = Folder::new();
    let cluster = folder.open();
    assert_eq!(cluster.arrival(), Arrival::Created);
    let mut client = owner(&cluster);
    assert_eq!(client.ask("SELECT current_user"), ["countersign_owner"]);
    assert_eq!(client.ask("SHOW server_encoding"), ["UTF8"]);
    assert_eq!(client.ask("SHOW listen_addresses"), [""]);
    assert_eq!(client.ask("SHOW fsync; SHOW synchronous_commit; SHOW full_page_writes"), ["on", "on", "on"]);
    let socket_folder = fs::metadata(cluster.socket_dir()).unwrap();
    assert_eq!(socket_folder.permissions().mode() & 0o777, 0o700);
    assert_eq!(socket_folder.uid(), fs::metadata(cluster.data()).unwrap().uid());
}

#[test]
fn text_sorts_the_same_way_whatever_the_machine_speaks() {
    let folder = Folder::new();
    let cluster = folder.open();
    let sorted = owner(&cluster).ask("SELECT word FROM (VALUES ('é'), ('z'), ('Z'), ('a')) AS t (word) ORDER BY word");
    assert_eq!(sorted, ["Z", "a", "z", "é"]);
}

#[test]
fn what_was_written_is_there_after_a_restart() {
    let folder = Folder::new();
    let cluster = folder.open();
    owner(&cluster).ask("CREATE TABLE word (said text); INSERT INTO word VALUES ('approved')");
    let (first, socket) = (cluster.pid(), cluster.socket_dir());
    cluster.close().unwrap();
    assert!(!lives(first));
    assert!(!socket.exists());

    let cluster = folder.open();
    assert_eq!(cluster.arrival(), Arrival::Started);
    assert_eq!(cluster.socket_dir(), socket, "clients find it where it was");
    assert_eq!(owner(&cluster).ask("SELECT said FROM word"), ["approved"]);
}

#[test]
fn a_cluster_whose_making_was_interrupted_is_made_anew() {
    let folder = Folder::new();
    let half_made = folder.path().join("postgres/unfinished-1-1");
    fs::create_dir_all(&half_made).unwrap();
    fs::write(half_made.join("PG_VERSION"), "15\n").unwrap();

    let cluster = folder.open();
    assert_eq!(cluster.arrival(), Arrival::Created);
    assert_eq!(owner(&cluster).ask("SELECT 1"), ["1"]);
    assert!(!half_made.exists());
}

#[test]
fn a_throwaway_cluster_leaves_nothing_behind() {
    let folder = Folder::new();
    let data_dir = folder.path().join("tests");
    let cluster = Cluster::open(&data_dir, Options::throwaway()).unwrap();
    let mut client = owner(&cluster);
    assert_eq!(client.ask("SHOW fsync; SHOW synchronous_commit; SHOW full_page_writes"), ["off", "off", "off"]);
    assert_eq!(client.ask("SHOW max_connections"), ["300"]);
    let (pid, socket) = (cluster.pid(), cluster.socket_dir());
    drop(cluster);
    assert!(!lives(pid));
    assert!(!socket.exists());
    assert!(!data_dir.exists());
}

#[test]
fn a_throwaway_cluster_that_was_abandoned_starts_empty() {
    let folder = Folder::new();
    let abandoned = Cluster::open(folder.path(), Options::throwaway()).unwrap();
    owner(&abandoned).ask("CREATE TABLE word (said text)");
    let pid = abandoned.pid();
    // What a killed process leaves: the server, and no lock on being its user.
    fs::remove_file(folder.path().join("users.lock")).unwrap();

    let cluster = Cluster::open(folder.path(), Options::throwaway()).unwrap();
    assert_eq!(cluster.arrival(), Arrival::Created);
    assert!(!lives(pid));
    assert_eq!(owner(&cluster).ask("SELECT count(*) FROM pg_tables WHERE tablename = 'word'"), ["0"]);
    std::mem::forget(abandoned);
}

#[test]
fn a_data_directory_that_the_servers_user_cannot_reach_points_to_one_that_it_can() {
    let folder = Folder::private();
    let data_dir = folder.path().join("deep");
    let cluster = Cluster::open(&data_dir, Options::throwaway()).unwrap();
    assert_eq!(owner(&cluster).ask("SELECT 1"), ["1"]);
    let data = cluster.data();
    if nix::unistd::geteuid().is_root() {
        let home = PathBuf::from(fs::read_to_string(data_dir.join("cluster.location")).unwrap());
        assert!(home.starts_with("/var/lib/countersign") && data.starts_with(home));
    } else {
        assert!(data.starts_with(fs::canonicalize(&data_dir).unwrap()));
    }
    cluster.close().unwrap();
    assert!(!data.parent().unwrap().exists());
    assert!(!data_dir.exists());
}

#[test]
fn the_server_holds_no_lock_of_the_process_that_started_it() {
    let folder = Folder::new();
    let path = folder.path().join("ours");
    let ours = fs::File::create(&path).unwrap();
    ours.lock().unwrap();
    fcntl(&ours, FcntlArg::F_SETFD(FdFlag::empty())).unwrap();

    let cluster = folder.open();
    drop(ours);
    assert!(fs::File::open(&path).unwrap().try_lock().is_ok());
    drop(cluster);
}
