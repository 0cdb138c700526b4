//! Kill -9 of either side, at bad moments.

use std::fs;

use countersign_embedded::Arrival;

use crate::folder::{Folder, eventually, kill_9, lives, owner};
use crate::wire::Client;

#[test]
fn a_server_whose_parent_was_killed_is_adopted_by_the_next_user() {
    let folder = Folder::new();
    let neighbour = folder.open_in_another_process();
    let before = folder.open();
    let pid = before.pid();
    owner(&before).ask("CREATE TABLE word (said text)");
    drop(before);
    neighbour.kill();

    let cluster = folder.open();
    assert_eq!(cluster.arrival(), Arrival::Adopted);
    assert_eq!(cluster.pid(), pid);
    assert_eq!(owner(&cluster).ask("SELECT count(*) FROM word"), ["0"]);
    drop(cluster);
    assert!(!lives(pid), "the adopted server is stopped like any other");
}

#[test]
fn a_killed_server_is_started_again_and_has_what_was_committed() {
    let folder = Folder::new();
    let cluster = folder.open();
    owner(&cluster).ask("CREATE TABLE word (said text); INSERT INTO word VALUES ('approved')");
    assert_eq!(cluster.ensure_running().unwrap(), Arrival::Adopted);
    let (killed, connection) = (cluster.pid(), cluster.connection("countersign_owner", "postgres"));
    kill_9(killed);

    eventually(|| !lives(killed));
    assert_eq!(cluster.ensure_running().unwrap(), Arrival::Started);
    assert_ne!(cluster.pid(), killed);
    assert_eq!(Client::connect(&connection).ask("SELECT said FROM word"), ["approved"]);
}

#[test]
fn a_killed_server_that_nobody_buried_does_not_stop_the_next_one() {
    let folder = Folder::new();
    let neighbour = folder.open_in_another_process();
    let cluster = folder.open();
    owner(&cluster).ask("CREATE TABLE word (said text)");
    let killed = cluster.pid();
    // Its parent is the neighbour's process, which does not look: the number stays taken by a corpse.
    kill_9(killed);
    eventually(|| !lives(killed));
    assert!(fs::exists(format!("/proc/{killed}")).unwrap());

    drop(cluster);
    let cluster = folder.open();
    assert_eq!(cluster.arrival(), Arrival::Started);
    assert_eq!(owner(&cluster).ask("SELECT count(*) FROM word"), ["0"]);
    let pid = cluster.pid();
    drop(cluster);
    assert!(lives(pid), "the neighbour still uses it");
    neighbour.leave();
    assert!(!lives(pid), "the neighbour stops the server that another user started");
}

#[test]
fn a_busy_backend_of_a_killed_server_does_not_stop_the_next_one() {
    let folder = Folder::new();
    let cluster = folder.open();
    let mut busy = owner(&cluster);
    let backend: i32 = busy.ask("SELECT pg_backend_pid()")[0].parse().unwrap();
    busy.begin("DO $$ BEGIN LOOP END LOOP; END $$").unwrap();
    let mut watcher = owner(&cluster);
    let is_busy = format!("SELECT state FROM pg_stat_activity WHERE pid = {backend}");
    eventually(|| watcher.ask(&is_busy) == ["active"]);
    let killed = cluster.pid();
    kill_9(killed);
    eventually(|| !lives(killed));
    assert!(lives(backend));

    assert_eq!(cluster.ensure_running().unwrap(), Arrival::Started);
    assert!(!lives(backend));
    assert_eq!(owner(&cluster).ask("SELECT 1"), ["1"]);
}

#[test]
fn a_pid_file_that_names_a_stranger_or_nobody_is_no_obstacle() {
    let folder = Folder::new();
    let pid_file = {
        let cluster = folder.open();
        cluster.data().join("postmaster.pid")
    };
    for left_behind in [format!("{}\n/nowhere\n0\n5432\n", std::process::id()), "1\n".to_owned(), String::new()] {
        fs::write(&pid_file, left_behind).unwrap();
        let cluster = folder.open();
        assert_eq!(cluster.arrival(), Arrival::Started);
        assert_eq!(owner(&cluster).ask("SELECT 1"), ["1"]);
    }
}

#[test]
fn a_server_whose_socket_was_deleted_is_started_anew() {
    let folder = Folder::new();
    let cluster = folder.open();
    let pid = cluster.pid();
    fs::remove_dir_all(cluster.socket_dir()).unwrap();

    assert_eq!(cluster.ensure_running().unwrap(), Arrival::Started);
    assert!(!lives(pid));
    assert_eq!(owner(&cluster).ask("SELECT 1"), ["1"]);
}

#[test]
fn killing_the_server_under_load_again_and_again_loses_no_committed_row() {
    let folder = Folder::new();
    let cluster = folder.open();
    owner(&cluster).ask("CREATE TABLE entry (number int PRIMARY KEY)");
    let mut committed = 0;
    for round in 1..=5 {
        let mut client = owner(&cluster);
        for _ in 0..20 * round {
            client.ask(&format!("INSERT INTO entry VALUES ({})", committed + 1));
            committed += 1;
        }
        kill_9(cluster.pid());
        assert!(client.try_ask("SELECT pg_sleep(30)").is_err(), "the next statement finds no server");
        cluster.ensure_running().unwrap();
        let kept = owner(&cluster).ask("SELECT count(*) FROM entry");
        assert_eq!(kept, [committed.to_string()]);
    }
}
