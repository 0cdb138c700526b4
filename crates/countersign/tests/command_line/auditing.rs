//! The auditor learns what happened, in words and as it stands in the ledger.

use crate::installation::{Installation, Ran, SAMPLE, json};
use countersign_canon::{canonical_text, leaf_hash};
use serde_json::{Value, json};
use sqlx::PgPool;

fn history(installation: &Installation, object: &str, more: &[&str]) -> Ran {
    installation.run(&[["audit", "history", "--org", "firm", "--object", object].as_slice(), more].concat())
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_story_of_a_case_is_told_in_sentences(owner: PgPool) {
    let installation = Installation::with_firm(&owner);
    installation.import(SAMPLE).must_succeed();
    let told = history(&installation, "case:expense 1006", &[]).must_succeed();

    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines.len(), 6);
    assert!(lines[0].ends_with(" (expense 1006 of Expense approvals)"), "{told}");
    assert!(lines[1].ends_with("The import took the case expense 1006 over from the log Expense approvals."), "{told}");
    let third = "The import took over step 3: Aiko Mori, as BUDGET OWNER, did \"Declaration REJECTED by BUDGET OWNER\" at \
                 2025-04-03T11:30:00.000+02:00, about an amount of 410.00.";
    assert!(lines[4].ends_with(third), "{told}");
}

#[sqlx::test(migrations = "../../migrations")]
async fn whoever_was_erased_is_not_named_any_more(owner: PgPool) {
    let installation = Installation::with_firm(&owner);
    installation.import(SAMPLE).must_succeed();
    sqlx::query("DELETE FROM vault.person_key").execute(&owner).await.unwrap();
    let told = history(&installation, "case:expense 1006", &[]).must_succeed();

    assert!(told.contains("step 3: (erased), as BUDGET OWNER, did"), "{told}");
    assert!(!told.contains("Mori"), "{told}");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_program_gets_each_envelope_as_it_was_hashed(owner: PgPool) {
    let installation = Installation::with_firm(&owner);
    installation.import(SAMPLE).must_succeed();
    let entries = json(&history(&installation, "case:expense 1006", &["--json"]).must_succeed());

    let Value::Array(entries) = entries else { panic!("not an array: {entries}") };
    assert_eq!(entries.len(), 5);
    for mut entry in entries {
        let fields = entry.as_object_mut().unwrap();
        let hash = fields.remove("leaf_hash").unwrap();
        assert_eq!(fields.remove("roles"), Some(json!(["subject"])));
        assert!(fields.remove("sentence").unwrap().as_str().unwrap().starts_with("The import took"));
        assert_eq!(json!(leaf_hash(&canonical_text(&entry).unwrap())), hash);
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_history_may_be_asked_for_as_it_stood(owner: PgPool) {
    let installation = Installation::with_firm(&owner);
    installation.import(SAMPLE).must_succeed();
    let (_, err) = history(&installation, "case:expense 1006", &["--as-of", "2020-01-01T00:00:00Z"]).must_fail();
    assert!(err.contains("by 2020-01-01") && err.lines().count() == 1, "{err}");
    let told = history(&installation, "case:expense 1006", &["--as-of", "2100-01-01T00:00:00Z"]).must_succeed();
    assert_eq!(told.lines().count(), 6);
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_is_not_there_is_said_not_to_be_there(owner: PgPool) {
    let installation = Installation::with_firm(&owner);
    let never = "invoice:0197c3a0-0000-7000-8000-000000000001";
    for (object, says) in [
        (never, "nothing has happened to invoice:0197c3a0"),
        ("case:expense 9999", "no imported case is named \"expense 9999\""),
        ("bill:17", "expected one of `organization`"),
    ] {
        let (_, err) = history(&installation, object, &[]).must_fail();
        assert!(err.contains(says), "{err}");
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_case_of_two_logs_is_asked_for_by_its_id(owner: PgPool) {
    let installation = Installation::with_firm(&owner);
    installation.import(SAMPLE).must_succeed();
    installation.run(&["import", "xes", SAMPLE, "--org", "firm", "--log", "Claims"]).must_succeed();
    let (_, err) = history(&installation, "case:expense 1006", &[]).must_fail();
    assert!(err.contains("several logs have a case named \"expense 1006\""), "{err}");

    let of_claims = err.split("case:").find(|part| part.contains(" of Claims")).unwrap();
    let id = of_claims.split(' ').next().unwrap();
    let told = history(&installation, &format!("case:{id}"), &[]).must_succeed();
    assert!(told.contains("(expense 1006 of Claims)"), "{told}");
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_history_of_the_firm_begins_with_its_registration(owner: PgPool) {
    let installation = Installation::with_firm(&owner);
    let org: uuid::Uuid = sqlx::query_scalar("SELECT org_id FROM ledger.ledger").fetch_one(&owner).await.unwrap();
    let told = history(&installation, &format!("organization:{org}"), &[]).must_succeed();

    assert!(told.contains("The operator registered the organization The Firm (firm) on the plan trial"), "{told}");
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_cases_behind_each_code_are_listed(owner: PgPool) {
    let installation = Installation::with_firm(&owner);
    let nothing = installation.run(&["audit", "exceptions", "--org", "firm"]).must_succeed();
    assert_eq!(nothing, "no imported case wants looking at\n");
    installation.import(SAMPLE).must_succeed();

    let told = installation.run(&["audit", "exceptions", "--org", "firm"]).must_succeed();
    assert!(told.contains("exception paid_without_final_approval: 1 case\n  Expense approvals: expense 1007  case:"));
    assert!(told.contains("refusal approval.already_complete: 2 cases\n"), "{told}");
    let found = json(&installation.run(&["audit", "exceptions", "--org", "firm", "--json"]).must_succeed());
    assert_eq!(found["exceptions"]["rejected"]["count"], 4);
    let names = found["exceptions"]["rejected"]["cases"].as_array().unwrap().iter().map(|case| &case["name"]);
    assert_eq!(names.collect::<Vec<_>>(), ["expense 1003", "expense 1004", "expense 1006", "expense 1012"]);
    assert_eq!(found["refusals"]["approval.already_given"]["cases"][0]["log"], "Expense approvals");
}
