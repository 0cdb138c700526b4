//! Whatever stopped a command before, and whichever version set the database up: what can go on goes on, and what cannot
//! says so.

use crate::installation::{Installation, SAMPLE};
use sqlx::PgPool;

#[sqlx::test(migrations = "../../migrations")]
async fn a_name_that_was_taken_by_a_registration_that_was_stopped_waits_for_its_organization(owner: PgPool) {
    let installation = Installation::new(&owner);
    let claimed = "INSERT INTO identity.organization (slug, org_id, created_at) VALUES ('firm', $1, now())";
    let org = uuid::Uuid::now_v7();
    sqlx::query(claimed).bind(org).execute(&owner).await.unwrap();

    let told = installation.create_firm().must_succeed();
    assert!(told.starts_with("firm is registered."), "{told}");
    let registered: uuid::Uuid =
        sqlx::query_scalar("SELECT DISTINCT org_id FROM ledger.event").fetch_one(&owner).await.unwrap();
    assert_eq!(registered, org);
    let (_, refused) = installation.create_firm().must_fail();
    assert_eq!(refused, "countersign: there is an organization named firm already\n");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_database_that_is_up_to_date_needs_no_owner(owner: PgPool) {
    let installation = Installation::with_firm(&owner).connecting_as(&owner, "countersign_app");
    installation.run(&["migrate"]).must_succeed();
    installation.import(SAMPLE).must_succeed();
    installation.run(&["audit", "exceptions", "--org", "firm"]).must_succeed();
    installation.run(&["rebuild", "cases"]).must_succeed();
}

#[sqlx::test(migrations = "../../migrations")]
async fn whoever_may_not_bring_a_database_up_is_told_who_may(owner: PgPool) {
    let installation = Installation::with_firm(&owner).connecting_as(&owner, "countersign_app");
    for older in [
        "DELETE FROM public._sqlx_migrations WHERE version = (SELECT max(version) FROM public._sqlx_migrations)",
        "REVOKE SELECT ON public._sqlx_migrations FROM countersign_app",
    ] {
        sqlx::query(older).execute(&owner).await.unwrap();
        let (_, refused) = installation.run(&["rebuild", "cases"]).must_fail();
        assert!(refused.contains("`countersign migrate` needs the database's owner"), "{refused}");
        assert_eq!(refused.lines().count(), 1, "{refused}");
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_newer_database_is_used_as_long_as_it_leaves_this_build_what_it_needs_and_then_refused(owner: PgPool) {
    let installation = Installation::with_firm(&owner);
    let newer = "INSERT INTO public._sqlx_migrations (version, description, success, checksum, execution_time)
                 VALUES (99991231000000, 'from the future', true, '', 0)";
    sqlx::query(newer).execute(&owner).await.unwrap();
    installation.run(&["audit", "exceptions", "--org", "firm"]).must_succeed();

    let mark = "UPDATE public.countersign_oldest_build SET migration = 99991231000000";
    sqlx::query(mark).execute(&owner).await.unwrap();
    for command in [
        ["serve", "--listen", "127.0.0.1:0"].as_slice(),
        &["demo", "--once"],
        &["migrate"],
        &["import", "xes", SAMPLE, "--org", "firm"],
        &["audit", "exceptions", "--org", "firm"],
        &["rebuild", "--all"],
        &["org", "create", "other", "--name", "O", "--admin-name", "A", "--admin-email", "a@o.example"],
    ] {
        let (out, refused) = installation.run(command).must_fail();
        let says = "countersign: the database belongs to a newer version of Countersign than ";
        assert!(refused.starts_with(says) && refused.lines().count() == 1 && out.is_empty(), "{command:?}: {refused}");
    }
}
