//! Rows are built anew for everybody for whom they can be, and the others are named.

use crate::installation::{Installation, SAMPLE, json};
use sqlx::PgPool;

#[sqlx::test(migrations = "../../migrations")]
async fn an_organization_whose_rows_cannot_be_built_is_named_and_holds_nobody_else_up(owner: PgPool) {
    let installation = Installation::with_firm(&owner);
    let other =
        ["org", "create", "other", "--name", "The Other", "--admin-name", "Bo", "--admin-email", "bo@o.example"];
    installation.run(&other).must_succeed();
    installation.import(SAMPLE).must_succeed();
    installation.run(&["import", "xes", SAMPLE, "--org", "other", "--log", "Claims"]).must_succeed();
    let firm: uuid::Uuid = sqlx::query_scalar("SELECT org_id FROM identity.organization WHERE slug = 'firm'")
        .fetch_one(&owner)
        .await
        .unwrap();
    // Stands for whatever a fold cannot take.
    let refuses = "ALTER TABLE read.imported_case ADD CONSTRAINT no_such_case CHECK (log <> 'Expense approvals')";
    sqlx::query(refuses).execute(&owner).await.unwrap();

    let (out, err) = installation.run(&["rebuild", "cases", "--json"]).must_fail();
    let report = json(&out);
    assert_eq!((&report["organizations"], report["parked"].as_array().unwrap().len()), (&2.into(), 1), "{report}");
    let said = err.lines().filter(|line| line.starts_with("countersign: "));
    let [named, what_to_do] = said.collect::<Vec<_>>()[..] else { panic!("{err}") };
    let says = format!("countersign: cases: the rows of organization {firm} stop before event ");
    assert!(named.starts_with(&says) && named.contains("no_such_case"), "{named}");
    assert!(what_to_do.contains("rebuild again"), "{what_to_do}");
    let exceptions = ["audit", "exceptions", "--org", "other", "--json"];
    assert_eq!(json(&installation.run(&exceptions).must_succeed())["exceptions"]["rejected"]["count"], 4);

    sqlx::query("ALTER TABLE read.imported_case DROP CONSTRAINT no_such_case").execute(&owner).await.unwrap();
    installation.run(&["rebuild", "cases"]).must_succeed();
    installation.run(&["audit", "exceptions", "--org", "firm"]).must_succeed();
}
