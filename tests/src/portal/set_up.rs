//! At the command line: what cannot be is refused in one clear line that says what to do, and nothing is lost by it.

use super::support::installation::Installation;
use super::support::program::{Ran, countersign};

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
