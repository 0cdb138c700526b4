//! At the command line: what cannot be is refused in one clear line that says what to do, and nothing is lost by it.

use super::support::firm::Firm;
use super::support::installation::Installation;
use super::support::program::{Ran, countersign};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

/// What a command complained of, which must be one line of the program's own.
#[track_caller]
fn complaint(ran: Ran) -> String {
    let complaint = ran.complaint();
    let own = complaint.strip_prefix("countersign: ").unwrap_or_else(|| panic!("whose word is this? {complaint}"));
    assert_eq!(own.trim_end().lines().count(), 1, "{complaint}");
    own.trim_end().to_owned()
}

#[tokio::test]
async fn beyond_this_machine_the_portal_is_served_behind_https_only() {
    let installation = Installation::new().await;
    let refused = complaint(installation.run(&["serve", "--listen", "0.0.0.0:0"]));
    assert!(refused.contains("--public-url") && refused.contains("https"), "{refused}");
    let plain = ["serve", "--listen", "0.0.0.0:0", "--public-url", "http://portal.example.com"];
    let refused = complaint(installation.run(&plain));
    assert!(refused.contains("https://"), "{refused}");
    let refused = complaint(installation.run(&["demo", "--listen", "[::]:0"]));
    assert!(refused.contains("--public-url"), "{refused}");
}

#[tokio::test]
async fn an_organization_is_registered_once_and_a_mistake_is_named() {
    let installation = Installation::new().await;
    let create = |slug: &str, changed: &[&str]| {
        let mut arguments = vec!["org", "create", slug];
        let usual = ["--name", "Larch", "--admin-name", "Ada", "--admin-email", "ada@larch.example"];
        for pair in usual.chunks(2).filter(|pair| !changed.contains(&pair[0])) {
            arguments.extend(pair);
        }
        arguments.extend(changed);
        installation.run(&arguments)
    };
    let mistakes = [
        ("L", vec![], "short name"),
        ("larch", vec!["--plan", "platinum"], "--plan"),
        ("larch", vec!["--time-zone", "Mars/Olympus"], "--time-zone"),
        ("larch", vec!["--currency", "money"], "--currency"),
        ("larch", vec!["--locale", "???"], "--locale"),
        ("larch", vec!["--admin-email", "ada"], "--admin-email"),
        ("larch", vec!["--name", ""], "--name"),
    ];
    for (slug, changed, named) in mistakes {
        let refused = complaint(create(slug, &changed));
        assert!(refused.contains(named), "{changed:?}: {refused}");
    }
    create("larch", &[]).printed();
    let again = complaint(create("larch", &[]));
    assert!(again.contains("larch"), "{again}");
}

#[test]
fn a_database_that_cannot_be_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let migrate = |url: &str| {
        let mut command = countersign();
        Ran::of(command.args(["migrate", "--database-url", url, "--data-dir"]).arg(folder.path()))
    };
    let refused = complaint(migrate("nonsense"));
    assert!(refused.contains("postgres://"), "it says how an address is written: {refused}");
    let refused = complaint(migrate(&super::support::installation::on_the_tests_server("nowhere")));
    assert!(refused.contains("nowhere"), "{refused}");
}

#[test]
fn the_data_of_another_postgres_version_is_refused_and_left_as_it_is() {
    let installation = Installation::private();
    installation.run(&["migrate"]).printed();
    let version = installation.server_folder().join("PG_VERSION");
    let right = std::fs::read_to_string(&version).unwrap();
    std::fs::write(&version, "9\n").unwrap();
    for arguments in [["migrate"].as_slice(), &["serve", "--listen", "127.0.0.1:0"], &["demo", "--once"]] {
        let refused = complaint(installation.run(arguments));
        assert!(refused.contains('9') && refused.to_lowercase().contains("postgres"), "{refused}");
    }
    assert_eq!(std::fs::read_to_string(&version).unwrap(), "9\n");
    std::fs::write(&version, right).unwrap();
    installation.run(&["migrate"]).printed();
}

#[test]
fn a_folder_of_somebody_elses_data_is_refused_and_left_as_it_is() {
    let installation = Installation::private();
    let file = installation.server_folder().join("precious");
    std::fs::create_dir_all(installation.server_folder()).unwrap();
    std::fs::write(&file, "data").unwrap();
    let refused = complaint(installation.run(&["migrate"]));
    assert!(refused.contains("postgres/data"), "it names the folder: {refused}");
    assert_eq!(std::fs::read_to_string(file).unwrap(), "data");
}

/// What others than the owner may do with a file or folder.
fn open_to_others(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o077
}

/// Root's folders can be passed through, because the server runs as another user; nobody can look into them.
fn a_private_folder(path: &Path) -> u32 {
    if std::fs::metadata(path).unwrap().uid() == 0 { 0o011 } else { 0 }
}

#[tokio::test]
async fn a_data_folder_is_the_owners_alone_from_the_beginning() {
    let installation = Installation::private();
    installation.run(&["migrate"]).printed();
    assert_eq!(open_to_others(installation.data_dir()), a_private_folder(installation.data_dir()));
    // Without a private server, the first key makes the folder.
    let new = installation.data_dir().join("not/there/yet");
    let database = Installation::new().await.database_url();
    let list = ["audit", "exceptions", "--org", "nobody", "--database-url", &database, "--data-dir"];
    let refused = complaint(Ran::of(countersign().args(list).arg(&new)));
    assert!(refused.contains("no organization"), "{refused}");
    assert_eq!((open_to_others(&new), open_to_others(&new.join("master.key"))), (a_private_folder(&new), 0));
}

#[test]
fn a_data_folder_in_which_something_stood_before_keeps_its_mode() {
    let installation = Installation::private();
    std::fs::write(installation.data_dir().join("notes.txt"), "ours").unwrap();
    installation.run(&["migrate"]).printed();
    assert_eq!(open_to_others(installation.data_dir()), 0o055);
}

#[tokio::test]
async fn keys_and_mail_are_for_nobody_elses_eyes() {
    let firm = Firm::open().await;
    firm.staff("Pia", "project_manager").await;
    let data = firm.installation.data_dir();
    let mail = data.join("mail");
    assert_eq!((open_to_others(&data.join("master.key")), open_to_others(&mail)), (0, 0));
    let letters: Vec<_> = std::fs::read_dir(&mail).unwrap().map(|letter| letter.unwrap().path()).collect();
    assert!(!letters.is_empty() && letters.iter().all(|letter| open_to_others(letter) == 0), "{letters:?}");
}
