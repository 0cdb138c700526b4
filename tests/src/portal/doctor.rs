//! What is wrong with an installation is named, with what to do about it: each thing broken as it would break.

use super::support::bouncer::{Bouncer, LOGIN};
use super::support::firm::Firm;
use super::support::installation::Installation;
use super::support::program::Ran;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

/// Something that is broken, how it is found, and how it is mended.
struct Breakage {
    broken: &'static str,
    /// The check that fails, and what it says.
    found: (&'static str, &'static str),
    mended: &'static str,
}

/// With the triggers off, as only a superuser can.
const UNGUARDED: &str = "DO $$ DECLARE t regclass; BEGIN
    FOR t IN SELECT tgrelid::regclass FROM pg_trigger WHERE tgname = 'append_only'
    LOOP EXECUTE format('ALTER TABLE %s DISABLE TRIGGER append_only', t); END LOOP; END $$;";
const GUARDED: &str = "DO $$ DECLARE t regclass; BEGIN
    FOR t IN SELECT tgrelid::regclass FROM pg_trigger WHERE tgname = 'append_only'
    LOOP EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER append_only', t); END LOOP; END $$;";

const RIGHTS: &[Breakage] = &[
    Breakage {
        broken: "ALTER ROLE countersign_app BYPASSRLS",
        found: ("roles", "countersign_app bypasses row security"),
        mended: "ALTER ROLE countersign_app NOBYPASSRLS",
    },
    Breakage {
        broken: "CREATE ROLE too_mighty; GRANT too_mighty TO countersign_app",
        found: ("roles", "countersign_app may become too_mighty"),
        mended: "DROP ROLE too_mighty",
    },
    Breakage {
        broken: "ALTER ROLE countersign_ledger LOGIN",
        found: ("roles", "countersign_ledger can log in"),
        mended: "ALTER ROLE countersign_ledger NOLOGIN",
    },
    Breakage {
        broken: "DO $$ BEGIN
                     IF current_setting('server_version_num')::integer >= 160000 THEN
                         EXECUTE 'GRANT countersign_follower TO countersign_app WITH INHERIT TRUE';
                     ELSE ALTER ROLE countersign_app INHERIT; END IF;
                 END $$",
        found: ("roles", "countersign_app has the rights of countersign_follower without becoming it"),
        mended: "ALTER ROLE countersign_app NOINHERIT; REVOKE countersign_follower FROM countersign_app;
                 GRANT countersign_follower TO countersign_app",
    },
    Breakage {
        broken: "REVOKE countersign_follower FROM countersign_app",
        found: ("roles", "countersign_app may not become countersign_follower"),
        mended: "GRANT countersign_follower TO countersign_app",
    },
    Breakage {
        broken: "GRANT SELECT ON identity.session TO countersign_follower",
        found: ("rights", "countersign_follower may SELECT identity.session"),
        mended: "REVOKE SELECT ON identity.session FROM countersign_follower",
    },
    Breakage {
        broken: "CREATE POLICY followed_organizations ON vault.person_key TO countersign_follower
                     USING (org_id IN (SELECT unnest(ledger.current_orgs())))",
        found: ("row security", "the policy followed_organizations of vault.person_key lets more through"),
        mended: "DROP POLICY followed_organizations ON vault.person_key",
    },
    Breakage {
        broken: "GRANT INSERT ON ledger.event_p4 TO countersign_follower",
        found: ("rights", "countersign_follower may INSERT ledger.event_p4"),
        mended: "REVOKE INSERT ON ledger.event_p4 FROM countersign_follower",
    },
    Breakage {
        broken: "GRANT INSERT ON ledger.event_p3 TO countersign_app",
        found: ("rights", "countersign_app may INSERT ledger.event_p3"),
        mended: "REVOKE INSERT ON ledger.event_p3 FROM countersign_app",
    },
    Breakage {
        broken: "GRANT UPDATE (envelope) ON ledger.event TO public",
        found: ("rights", "countersign_app may UPDATE ledger.event"),
        mended: "REVOKE UPDATE (envelope) ON ledger.event FROM public",
    },
    Breakage {
        broken: "GRANT CREATE ON SCHEMA ledger TO countersign_app",
        found: ("rights", "may make things in the schema ledger"),
        mended: "REVOKE CREATE ON SCHEMA ledger FROM countersign_app",
    },
    Breakage {
        broken: "ALTER FUNCTION ledger.append OWNER TO countersign_owner",
        found: ("rights", "does not run as countersign_ledger"),
        mended: "ALTER FUNCTION ledger.append OWNER TO countersign_ledger",
    },
    Breakage {
        broken: "GRANT EXECUTE ON FUNCTION process.overdue(timestamptz) TO public",
        found: ("rights", "everybody may call process.overdue"),
        mended: "REVOKE EXECUTE ON FUNCTION process.overdue(timestamptz) FROM public",
    },
    Breakage {
        broken: "ALTER TABLE vault.person_key NO FORCE ROW LEVEL SECURITY",
        found: ("row security", "vault.person_key is not bound"),
        mended: "ALTER TABLE vault.person_key FORCE ROW LEVEL SECURITY",
    },
    Breakage {
        broken: "ALTER TABLE ledger.event_p6 DISABLE ROW LEVEL SECURITY",
        found: ("row security", "ledger.event_p6 is not bound"),
        mended: "ALTER TABLE ledger.event_p6 ENABLE ROW LEVEL SECURITY",
    },
    Breakage {
        broken: "GRANT SELECT ON read.project_g1 TO countersign_app",
        found: ("row security", "read.project_g1 is not bound"),
        mended: "REVOKE SELECT ON read.project_g1 FROM countersign_app",
    },
    Breakage {
        broken: "GRANT SELECT ON read.client_g1 TO countersign_follower",
        found: ("row security", "read.client_g1 is not bound"),
        mended: "REVOKE SELECT ON read.client_g1 FROM countersign_follower",
    },
    Breakage {
        broken: "CREATE POLICY several ON read.client TO countersign_app
                     USING (org_id IN (SELECT unnest(ledger.current_orgs())))",
        found: ("row security", "the policy several of read.client lets more through"),
        mended: "DROP POLICY several ON read.client",
    },
    Breakage {
        broken: "CREATE POLICY all_of_it ON read.project TO countersign_app USING (true)",
        found: ("row security", "the policy all_of_it of read.project lets more through"),
        mended: "DROP POLICY all_of_it ON read.project",
    },
    Breakage {
        broken: "ALTER TABLE ledger.event_p2 DISABLE TRIGGER append_only",
        found: ("append-only", "ledger.event_p2 can be changed"),
        mended: GUARDED,
    },
    Breakage {
        broken: "ALTER TABLE ledger.command_log_p0 ENABLE TRIGGER append_only",
        found: ("append-only", "ledger.command_log_p0 can be changed"),
        mended: GUARDED,
    },
    Breakage {
        broken: "ALTER DATABASE countersign SET synchronous_commit = off",
        found: ("durability", "synchronous_commit is off"),
        mended: "ALTER DATABASE countersign RESET synchronous_commit",
    },
];

const LEDGERS: &[Breakage] = &[
    Breakage {
        broken: "UPDATE ledger.event SET envelope = replace(envelope, 'Larch', 'Birch') WHERE position = 1",
        found: ("leaf hashes", "the event at position 1 is not the text that was hashed"),
        mended: "UPDATE ledger.event SET envelope = replace(envelope, 'Birch', 'Larch') WHERE position = 1",
    },
    Breakage {
        broken: "UPDATE ledger.event SET leaf_hash = sha256(leaf_hash || 'x') WHERE position = 2",
        found: ("leaf hashes", "the event at position 2 is not the text that was hashed"),
        mended: "UPDATE ledger.event SET leaf_hash = sha256('\\x00' || convert_to(envelope, 'UTF8')) WHERE position = 2",
    },
    Breakage {
        broken: "UPDATE ledger.event SET type = 'client.closed' WHERE type = 'client.opened'",
        found: ("leaf hashes", "says something else than its event"),
        mended: "UPDATE ledger.event SET type = 'client.opened' WHERE type = 'client.closed'",
    },
    Breakage {
        broken: "CREATE TABLE public.kept AS SELECT * FROM ledger.event WHERE position = 3;
                 DELETE FROM ledger.event WHERE position = 3",
        found: ("positions", "position 3 of organization"),
        mended: "INSERT INTO ledger.event SELECT * FROM public.kept; DROP TABLE public.kept",
    },
    Breakage {
        broken: "CREATE TABLE public.kept AS SELECT * FROM ledger.event ORDER BY position DESC LIMIT 1;
                 DELETE FROM ledger.event WHERE position = (SELECT position FROM public.kept)",
        found: ("positions", "was told"),
        mended: "INSERT INTO ledger.event SELECT * FROM public.kept; DROP TABLE public.kept",
    },
    Breakage {
        broken: "UPDATE ledger.command_log SET first_position = first_position + 1 WHERE first_position = 1",
        found: ("command log", "the events of these commands are not theirs"),
        mended: "UPDATE ledger.command_log SET first_position = 1 WHERE first_position = 2",
    },
    Breakage {
        broken: "CREATE TABLE public.kept_keys AS SELECT * FROM vault.org_key; DELETE FROM vault.org_key",
        found: ("vault", "there are no keys of"),
        mended: "INSERT INTO vault.org_key SELECT * FROM public.kept_keys; DROP TABLE public.kept_keys",
    },
    Breakage {
        broken: "INSERT INTO read.parked (\"group\", generation, org_id, position, reason)
                 SELECT 'history', generation, org_id, 4, 'too odd' FROM read.active_generation WHERE \"group\" = 'history'",
        found: ("read models", "at event 4 (too odd)"),
        mended: "DELETE FROM read.parked",
    },
    Breakage {
        broken: "UPDATE read.checkpoint SET position = position + 5000 WHERE \"group\" = 'cases'",
        found: ("read models", "rows know of events that are not there: cases of organization"),
        mended: "UPDATE read.checkpoint SET position = position - 5000 WHERE \"group\" = 'cases'",
    },
    Breakage {
        broken: "INSERT INTO process.agenda (org_id, item_id, due_at, task)
                 SELECT org_id, gen_random_uuid(), now() - interval '2 days', '{\"task\": {\"kind\": \"of_tomorrow\"}}'
                 FROM ledger.ledger",
        found: ("agenda", "1 of of_tomorrow since"),
        mended: "DELETE FROM process.agenda WHERE kind = 'of_tomorrow'",
    },
];

/// The checks that are not well, each with what it says.
fn complaints(ran: &Ran) -> Vec<(String, String)> {
    let report: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    let text = |finding: &Value, field: &str| finding[field].as_str().unwrap_or_default().to_owned();
    let findings = report["findings"].as_array().unwrap().iter();
    let unwell = findings.filter(|finding| finding["state"] != "ok");
    let found: Vec<(String, String)> = unwell
        .map(|finding| {
            assert!(!text(finding, "advice").is_empty(), "it says what to do: {finding}");
            (text(finding, "check"), text(finding, "line"))
        })
        .collect();
    assert_eq!(ran.success, report["state"] != "failure", "{ran:?}");
    found
}

#[track_caller]
fn assert_well(installation: &Installation) {
    let ran = installation.run(&["doctor", "--deep", "--json"]);
    assert_eq!(complaints(&ran), [], "{ran:?}");
}

/// Breaks things a round at a time, in each round one for each check.
async fn each_is_named(firm: &Firm, breakages: &[Breakage]) {
    let mut database = PgConnection::connect(&firm.installation.database_url()).await.unwrap();
    let round_of = |number: usize| {
        let check = breakages[number].found.0;
        breakages[..number].iter().filter(|earlier| earlier.found.0 == check).count()
    };
    for round in 0..=(0..breakages.len()).map(round_of).max().unwrap() {
        let broken: Vec<&Breakage> =
            (0..breakages.len()).filter(|number| round_of(*number) == round).map(|number| &breakages[number]).collect();
        for Breakage { broken, .. } in &broken {
            database.execute(AssertSqlSafe(*broken)).await.unwrap_or_else(|error| panic!("{broken}: {error}"));
        }
        let ran = firm.installation.run(&["doctor", "--json"]);
        let complaints = complaints(&ran);
        assert!(!ran.success, "{ran:?}");
        for Breakage { broken, found: (check, says), mended } in broken {
            let named = complaints.iter().find(|(named, _)| named == check);
            assert!(named.is_some_and(|(_, line)| line.contains(says)), "{broken}: {complaints:?}");
            database.execute(AssertSqlSafe(*mended)).await.unwrap_or_else(|error| panic!("{mended}: {error}"));
        }
    }
}

// Design, part 4: doctor asserts who may write the ledger, also on the embedded database and for each partition.
#[tokio::test(flavor = "multi_thread")]
async fn an_installation_that_is_well_is_told_so_and_every_right_too_many_is_named() {
    let firm = Firm::of(Installation::private(), "trial", 1).await;
    firm.client("Acme").await;
    firm.settle().await;
    assert_well(&firm.installation);
    each_is_named(&firm, RIGHTS).await;
    assert_well(&firm.installation);
    let lesser = firm.installation.database_url().replace("countersign_owner", "countersign_app");
    let as_lesser = firm.installation.run_bare(&["doctor", "--json", "--database-url", &lesser]);
    assert_eq!(complaints(&as_lesser), [], "whoever serves may look");

    let key = firm.installation.data_dir().join("master.key");
    std::fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
    let told = firm.installation.run(&["doctor"]);
    assert!(!told.success && told.stderr.ends_with("checks failed\n"), "{told:?}");
    assert!(told.stdout.contains("FAILURE  secret files") && told.stdout.contains("-> chmod 600"), "{told:?}");
    std::fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    let another =
        Ran::of(firm.installation.command(&["doctor", "--json"]).env("COUNTERSIGN_MASTER_KEY", "5a".repeat(32)));
    let [(check, line)] = &complaints(&another)[..] else { panic!("{another:?}") };
    assert!(check == "vault" && line.contains("does not open the keys of"), "{line}");
    let unknown = firm.installation.run(&["doctor", "--org", "nobody"]).complaint();
    assert!(unknown.contains("there is no organization named nobody"), "{unknown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_wrong_with_a_ledger_its_keys_or_its_rows_is_named() {
    let firm = Firm::of(Installation::private(), "trial", 1).await;
    firm.client("Acme").await;
    firm.settle().await;
    let mut database = PgConnection::connect(&firm.installation.database_url()).await.unwrap();
    database.execute(UNGUARDED).await.unwrap();
    each_is_named(&firm, LEDGERS).await;
    database.execute(GUARDED).await.unwrap();
    assert_well(&firm.installation);
    let lacks =
        "DELETE FROM public._sqlx_migrations WHERE version = (SELECT max(version) FROM public._sqlx_migrations)";
    database.execute(lacks).await.unwrap();
    let ran = firm.installation.run(&["doctor", "--json"]);
    assert!(!ran.success, "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_sample_passes_over_a_deep_look_finds() {
    let demo = Installation::new().await;
    demo.run(&["demo", "--once"]).printed();
    let mut database = PgConnection::connect(&demo.database_url()).await.unwrap();
    database.execute(UNGUARDED).await.unwrap();
    let change = "UPDATE ledger.event SET envelope = envelope || ' ' WHERE position = 225";
    assert_eq!(database.execute(change).await.unwrap().rows_affected(), 1);
    database.execute(GUARDED).await.unwrap();
    database.execute("UPDATE read.client SET name = 'Nobody'").await.unwrap();
    // The server of the tests loses what it likes; nothing else is wrong with it.
    let sample = complaints(&demo.run(&["doctor", "--org", "demo", "--json"]));
    let [(check, line)] = &sample[..] else { panic!("{sample:?}") };
    assert!(check == "durability" && line.contains("fsync is off"), "{line}");
    let deep = complaints(&demo.run(&["doctor", "--org", "demo", "--deep", "--json"]));
    for (check, says) in [("leaf hashes", "at position 225"), ("digests", "portal of organization")] {
        let named = deep.iter().find(|(named, _)| named == check);
        assert!(named.is_some_and(|(_, line)| line.contains(says)), "{deep:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installation_behind_a_pooler_is_looked_over_through_it() {
    let installation = Installation::new().await;
    let bouncer = Bouncer::before_the_server().await;
    let firm = Firm::of(installation.pooled(&bouncer, LOGIN), "trial", 1).await;
    firm.client("Acme").await;
    firm.settle().await;
    let told = complaints(&firm.installation.run(&["doctor", "--deep", "--json"]));
    let [(check, _)] = &told[..] else { panic!("{told:?}") };
    assert_eq!(check, "durability", "nothing else is wrong with the server of the tests");
}
