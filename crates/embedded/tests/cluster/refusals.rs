//! What is not opened, and that nothing of it is changed.

use std::fs;

use countersign_embedded::{Cluster, EmbeddedError, Options};

use crate::folder::{Folder, lives, owner};

#[test]
fn data_of_another_major_version_is_refused_with_both_versions_named() {
    let folder = Folder::new();
    let (data, major) = {
        let cluster = folder.open();
        (cluster.data(), cluster.major())
    };
    fs::write(data.join("PG_VERSION"), "9\n").unwrap();

    let refused = folder.refusal();
    assert!(matches!(refused, EmbeddedError::OtherMajor { made_by: 9, .. }));
    let message = refused.to_string();
    assert!(message.contains("made by Postgres 9,") && message.contains(&format!("Postgres {major} in ")), "{message}");
    assert!(message.contains("install Postgres 9 or"), "{message}");

    fs::write(data.join("PG_VERSION"), format!("{major}\n")).unwrap();
    assert_eq!(owner(&folder.open()).ask("SELECT 1"), ["1"], "the refusal changed nothing");
}

#[test]
fn another_servers_data_is_never_touched() {
    let folder = Folder::new();
    fs::write(folder.path().join("PG_VERSION"), "15\n").unwrap();
    assert!(matches!(folder.refusal(), EmbeddedError::NotOurs { .. }));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_cluster_without_our_marker_is_refused() {
    let folder = Folder::new();
    let data = folder.open().data();
    fs::remove_file(data.join("countersign.cluster")).unwrap();
    assert!(matches!(folder.refusal(), EmbeddedError::NotOurs { .. }));
    assert!(data.join("PG_VERSION").exists());
}

#[test]
fn real_data_cannot_be_opened_as_throwaway() {
    let folder = Folder::new();
    let cluster = folder.open();
    let refused = Cluster::open(folder.path(), Options::throwaway()).unwrap_err();
    assert!(matches!(refused, EmbeddedError::OtherPurpose { is: "kept", asked: "throwaway", .. }));
    assert!(lives(cluster.pid()), "the refused one did not stop it either");
    drop(cluster);
    assert!(Cluster::open(folder.path(), Options::throwaway()).is_err());
    assert_eq!(owner(&folder.open()).ask("SELECT 1"), ["1"]);
}

#[test]
fn a_server_that_cannot_start_says_why() {
    let folder = Folder::new();
    let (data, socket) = {
        let cluster = folder.open();
        (cluster.data(), cluster.socket_dir())
    };
    fs::write(data.join("postgresql.conf"), "no_such_setting = on\n").unwrap();
    let message = folder.refusal().to_string();
    assert!(message.contains("unrecognized configuration parameter \"no_such_setting\""), "{message}");
    assert!(!socket.exists());
}

#[test]
fn a_data_directory_whose_database_is_gone_is_not_silently_empty() {
    let folder = Folder::new();
    fs::write(folder.path().join("cluster.location"), folder.path().join("gone").to_str().unwrap()).unwrap();
    assert!(matches!(folder.refusal(), EmbeddedError::Lost { .. }));
}

#[test]
fn a_copied_data_directory_does_not_share_the_originals_database() {
    let (original, copy, elsewhere) = (Folder::new(), Folder::new(), Folder::new());
    for data_dir in [&original, &copy] {
        fs::write(data_dir.path().join("cluster.location"), elsewhere.path().to_str().unwrap()).unwrap();
    }
    fs::write(elsewhere.path().join("belongs-to"), original.path().to_str().unwrap()).unwrap();
    assert!(matches!(copy.refusal(), EmbeddedError::Copied { .. }));

    drop(original);
    assert_eq!(owner(&copy.open()).ask("SELECT 1"), ["1"], "a data directory that was moved keeps its database");
}
