//! Other systems' histories are taken over once, completely, and nothing is lost on the way.

use crate::installation::{Installation, SAMPLE, json};
use serde_json::{Value, json};
use sqlx::PgPool;

fn sample() -> String {
    std::fs::read_to_string(SAMPLE).unwrap()
}

/// The text without the elements of a kind in which something stands.
fn without(text: &str, element: &str, what: &str) -> String {
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    let at = text.find(what).unwrap();
    let begin = text[..at].rfind(&open).unwrap();
    let end = at + text[at..].find(&close).unwrap() + close.len();
    text[..begin].to_owned() + &text[end..]
}

fn counts(report: &Value) -> (u64, u64, u64) {
    let count = |name: &str| report[name].as_u64().unwrap();
    (count("cases"), count("events"), count("appended"))
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_log_is_imported_and_what_is_odd_about_it_reported(owner: PgPool) {
    let installation = Installation::with_firm(&owner);
    let ran = installation.import(SAMPLE);
    assert_eq!(ran.err, "", "a program is shown no progress");
    let mut report = json(&ran.must_succeed());

    assert!(report["seconds"].take().as_f64().unwrap() > 0.0);
    let expected = json!({
        "log": "Expense approvals",
        "cases": 12,
        "events": 62,
        "appended": 62,
        "seconds": null,
        "exceptions": {
            "rejected": 4,
            "approved_final_twice": 2,
            "rejected_after_final_approval": 2,
            "paid_without_final_approval": 1,
        },
        "refusals": { "approval.already_complete": 2, "approval.already_given": 1 },
        "unknown_activities": { "Receipt Photo REQUESTED by ADMINISTRATION": 1 },
        "not_imported": 0,
        "problems": [],
    });
    assert_eq!(report, expected);
}

#[sqlx::test(migrations = "../../migrations")]
async fn importing_the_same_again_adds_nothing(owner: PgPool) {
    let installation = Installation::with_firm(&owner);
    let first = json(&installation.import(SAMPLE).must_succeed());
    let again = json(&installation.import(SAMPLE).must_succeed());

    assert_eq!(counts(&again), (12, 62, 0));
    for said_again in ["exceptions", "refusals", "unknown_activities"] {
        assert_eq!(again[said_again], first[said_again]);
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_longer_export_of_a_known_log_adds_the_new_steps_only(owner: PgPool) {
    let installation = Installation::with_firm(&owner);
    let shorter = without(&sample(), "trace", "expense 1012");
    let shorter = without(&shorter, "event", "\"step 6\"");
    let shorter = without(&shorter, "event", "\"step 27\"");
    let first = json(&installation.import(installation.file("shorter.xes", &shorter)).must_succeed());
    assert_eq!(counts(&first), (11, 54, 54));
    assert_eq!(first["exceptions"]["approved_final_twice"], 0);

    let longer = json(&installation.import(SAMPLE).must_succeed());
    assert_eq!(counts(&longer), (12, 62, 8));
    assert_eq!(longer["exceptions"]["approved_final_twice"], 2);
    assert_eq!(counts(&json(&installation.import(SAMPLE).must_succeed())), (12, 62, 0));
}

#[sqlx::test(migrations = "../../migrations")]
async fn steps_without_ids_are_known_again_by_what_they_say(owner: PgPool) {
    let installation = Installation::with_firm(&owner);
    let without_ids: String =
        sample().lines().filter(|line| !line.contains("key=\"id\"")).map(|line| format!("{line}\n")).collect();
    let shorter = without(&without_ids, "event", "2025-03-31T17:31:00.000+02:00");
    assert_eq!(
        counts(&json(&installation.import(installation.file("shorter.xes", &shorter)).must_succeed())),
        (12, 61, 61)
    );

    let longer = installation.file("longer.xes", &without_ids);
    assert_eq!(counts(&json(&installation.import(&longer).must_succeed())), (12, 62, 1));
    assert_eq!(counts(&json(&installation.import(&longer).must_succeed())), (12, 62, 0));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_case_has_up_to_ten_thousand_steps_whoever_took_them(owner: PgPool) {
    let installation = Installation::with_firm(&owner);
    let step = |number: usize| {
        format!(
            r#"<event><string key="concept:name" value="Looked at"/><string key="org:resource" value="Person {number}"/>
               <string key="id" value="{number}"/></event>"#
        )
    };
    let case = |name: &str, steps: usize| {
        let steps: String = (0..steps).map(step).collect();
        format!(r#"<trace><string key="concept:name" value="{name}"/>{steps}</trace>"#)
    };
    let log = format!("<log>{}{}{}</log>", case("full", 10_000), case("too long", 10_001), case("short", 1));
    let (printed, _) = installation.import(installation.file("long cases.xes", &log)).must_fail();
    let report = json(&printed);

    assert_eq!((counts(&report), &report["not_imported"]), ((2, 10_001, 10_001), &json!(1)));
    assert_eq!(report["problems"][0]["case"], "too long");
    let commands = "SELECT event_count FROM ledger.command_log ORDER BY event_count DESC LIMIT 1";
    let largest: i32 = sqlx::query_scalar(commands).fetch_one(&owner).await.unwrap();
    assert_eq!(largest, 10_001, "all steps and the opening of the case are one command");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_log_that_is_cut_off_loses_nothing_of_what_came_before(owner: PgPool) {
    let installation = Installation::with_firm(&owner);
    let cut = sample().split_once("\"step 30\"").unwrap().0.to_owned();
    let line = cut.lines().count() as u64;
    let (printed, said) = installation.import(installation.file("cut.xes", &cut)).must_fail();
    let report = json(&printed);

    assert_eq!(counts(&report), (5, 29, 29));
    assert_eq!(report["stopped"]["line"], line);
    assert_eq!(report["stopped"]["case"], "expense 1006");
    assert!(said.contains("Expense approvals") && said.lines().count() == 1, "{said}");
    assert_eq!(counts(&json(&installation.import(SAMPLE).must_succeed())), (12, 62, 33));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_case_that_cannot_be_read_costs_that_case_only(owner: PgPool) {
    let installation = Installation::with_firm(&owner);
    let broken = sample().replacen("2025-03-27T18:44:00.000+01:00", "the day before", 1);
    let (printed, _) = installation.import(installation.file("broken.xes", &broken)).must_fail();
    let report = json(&printed);

    assert_eq!((counts(&report), &report["not_imported"]), ((11, 56, 56), &json!(1)));
    let problem = &report["problems"][0];
    assert_eq!((&problem["case"], &problem["case_number"]), (&json!("expense 1005"), &json!(5)));
    assert!(problem["line"].as_u64().unwrap() > 100 && problem["byte"].as_u64().unwrap() > 1_000);
    assert!(problem["reason"].as_str().unwrap().contains("the day before"), "{problem}");
    assert_eq!(report.get("stopped"), None);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_step_that_was_recorded_otherwise_before_is_refused_with_its_case(owner: PgPool) {
    let installation = Installation::with_firm(&owner);
    installation.import(SAMPLE).must_succeed();
    let other = sample().replacen("Declaration APPROVED by SUPERVISOR", "Declaration REJECTED by SUPERVISOR", 1);
    let (printed, _) = installation.import(installation.file("other.xes", &other)).must_fail();
    let report = json(&printed);

    assert_eq!((counts(&report), &report["not_imported"]), ((11, 56, 0), &json!(1)));
    assert_eq!(report["problems"][0]["case"], "expense 1001");
    assert_eq!(report["problems"][0]["code"], "imported_case.step_differs");
}

#[sqlx::test(migrations = "../../migrations")]
async fn several_files_are_several_logs_unless_they_are_given_one_name(owner: PgPool) {
    let installation = Installation::with_firm(&owner);
    let nameless = sample().replacen("<string key=\"concept:name\" value=\"Expense approvals\"/>", "", 1);
    let nameless = installation.file("claims of 2025.xes", &nameless);
    let files = [SAMPLE, nameless.to_str().unwrap()];
    let import = |more: &[&str]| {
        let arguments = [["import", "xes", "--org", "firm", "--json"].as_slice(), &files, more].concat();
        let printed = installation.run(&arguments).must_succeed();
        printed.lines().map(|line| (json(line)["log"].clone(), counts(&json(line)))).collect::<Vec<_>>()
    };

    assert_eq!(import(&[]), [(json!("Expense approvals"), (12, 62, 62)), (json!("claims of 2025"), (12, 62, 62))]);
    let one = json!("Claims");
    assert_eq!(import(&["--log", "Claims"]), [(one.clone(), (12, 62, 62)), (one, (12, 62, 0))]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn people_read_the_report_as_text(owner: PgPool) {
    let installation = Installation::with_firm(&owner);
    let told = installation.run(&["import", "xes", SAMPLE, "--org", "firm"]).must_succeed();

    assert!(told.starts_with("Expense approvals: 12 cases with 62 events, 62 of them new, in "), "{told}");
    assert!(told.contains("      4  rejected\n"), "{told}");
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_cannot_be_begun_is_said_in_one_line_and_imports_nothing(owner: PgPool) {
    let installation = Installation::with_firm(&owner);
    let no_log = installation.file("letter.xes", "Dear Sir or Madam");
    for (arguments, says) in [
        (vec![SAMPLE, "nowhere.xes", "--org", "firm"], "nowhere.xes cannot be opened"),
        (vec![SAMPLE, no_log.to_str().unwrap(), "--org", "firm"], "line 1, byte 0: this is not an XML file"),
        (vec![SAMPLE, "--org", "nobody"], "there is no organization named nobody"),
    ] {
        let (out, err) = installation.run(&[["import", "xes"].as_slice(), &arguments].concat()).must_fail();
        assert!(err.contains(says) && err.lines().count() == 1 && out.is_empty(), "{err}");
    }
    assert_eq!(counts(&json(&installation.import(SAMPLE).must_succeed())), (12, 62, 62));
}

#[sqlx::test(migrations = "../../migrations")]
async fn whom_a_log_names_is_sealed_in_the_ledger(owner: PgPool) {
    let installation = Installation::with_firm(&owner);
    installation.import(SAMPLE).must_succeed();
    let count = |what: &'static str| {
        sqlx::query_scalar::<_, i64>("SELECT count(*) FROM ledger.event WHERE envelope LIKE $1").bind(what)
    };

    assert_eq!(count("%Vidal%").fetch_one(&owner).await.unwrap(), 0);
    assert_eq!(count("%\"sealed\":%imported_case.step_recorded%").fetch_one(&owner).await.unwrap(), 61);
}

/// Traces of one case each, of steps in order: (id, activity).
fn log_of(traces: &[(&str, &[(&str, &str)])]) -> String {
    let step = |(id, activity): &(&str, &str)| {
        format!(
            r#"<event><string key="concept:name" value="{activity}"/><string key="id" value="{id}"/>
               <string key="org:role" value="BOSS"/></event>"#
        )
    };
    let trace = |(case, steps): &(&str, &[(&str, &str)])| {
        let steps: String = steps.iter().map(step).collect();
        format!(r#"<trace><string key="concept:name" value="{case}"/>{steps}</trace>"#)
    };
    format!("<log>{}</log>", traces.iter().map(trace).collect::<String>())
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_case_that_stands_in_a_log_twice_is_one_case(owner: PgPool) {
    let installation = Installation::with_firm(&owner);
    let log = log_of(&[
        ("torn", &[("1", "Claim SUBMITTED"), ("2", "Payment Handled"), ("3", "Stamped")]),
        ("whole", &[("1", "Claim FINAL_APPROVED by BOSS")]),
        ("torn", &[("1", "Claim SUBMITTED"), ("4", "Claim FINAL_APPROVED by BOSS"), ("5", "Claim REJECTED by BOSS")]),
        ("torn", &[("6", "Claim FINAL_APPROVED by BOSS"), ("7", "Filed")]),
    ]);
    let file = installation.file("torn.xes", &log);
    let report = json(&installation.import(&file).must_succeed());
    assert_eq!(counts(&report), (2, 9, 8));
    let found = json(&installation.run(&["audit", "exceptions", "--org", "firm", "--json"]).must_succeed());
    for kind in ["exceptions", "refusals"] {
        let of = |code: &str| found[kind][code]["count"].as_u64().unwrap_or(0);
        for (code, cases) in report[kind].as_object().unwrap() {
            assert_eq!(cases.as_u64().unwrap(), of(code), "{kind} {code}: {report} but {found}");
        }
        assert!(found[kind].as_object().unwrap().keys().all(|code| !report[kind][code].is_null()), "{report}");
    }
    assert_eq!(report["exceptions"]["paid_without_final_approval"], 0, "it was approved in another piece");
    assert_eq!(report["exceptions"]["approved_final_twice"], 1, "once in each of two pieces");
    assert_eq!(report["unknown_activities"], json!({ "Stamped": 1, "Filed": 1 }));

    let again = json(&installation.import(&file).must_succeed());
    assert_eq!(counts(&again), (2, 9, 0));
    assert_eq!(again["exceptions"], report["exceptions"]);
}
