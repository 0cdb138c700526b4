//! Several users of one data directory.

use std::thread;

use countersign_embedded::{Arrival, Cluster, Options};

use crate::folder::{Folder, lives, owner};

#[test]
fn of_several_that_open_a_data_directory_at_once_one_makes_the_cluster_and_all_share_it() {
    let folder = Folder::new();
    let clusters: Vec<Cluster> = thread::scope(|scope| {
        let openers: Vec<_> = (0..4).map(|_| scope.spawn(|| folder.open())).collect();
        openers.into_iter().map(|opener| opener.join().unwrap()).collect()
    });
    let made = clusters.iter().filter(|cluster| cluster.arrival() == Arrival::Created).count();
    let adopted = clusters.iter().filter(|cluster| cluster.arrival() == Arrival::Adopted).count();
    assert_eq!((made, adopted), (1, 3));
    assert!(clusters.iter().all(|cluster| cluster.pid() == clusters[0].pid()));
}

#[test]
fn the_last_user_to_leave_stops_the_server_and_no_one_before() {
    let folder = Folder::new();
    let first = folder.open();
    let neighbour = folder.open_in_another_process();
    let second = folder.open();
    let pid = first.pid();

    first.close().unwrap();
    assert!(lives(pid));
    neighbour.leave();
    assert_eq!(owner(&second).ask("SELECT 1"), ["1"]);
    second.close().unwrap();
    assert!(!lives(pid));
}

#[test]
fn a_throwaway_cluster_stays_until_its_last_user_leaves() {
    let folder = Folder::new();
    let first = Cluster::open(folder.path(), Options::throwaway()).unwrap();
    owner(&first).ask("CREATE TABLE word (said text)");
    let second = Cluster::open(folder.path(), Options::throwaway()).unwrap();
    assert_eq!(second.arrival(), Arrival::Adopted);
    drop(first);
    assert_eq!(owner(&second).ask("SELECT count(*) FROM word"), ["0"]);
    let data = second.data();
    drop(second);
    assert!(!data.exists());
}

#[test]
fn a_throwaway_cluster_may_be_opened_while_another_user_removes_it() {
    let folder = Folder::new();
    let data_dir = folder.path().join("tests");
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..3 {
                    let cluster = Cluster::open(&data_dir, Options::throwaway()).unwrap();
                    assert_eq!(owner(&cluster).ask("SELECT 1"), ["1"]);
                }
            });
        }
    });
    assert!(!data_dir.exists());
}
