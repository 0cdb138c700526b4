//! What a guest sees of a project, with and without financial access, and that nothing is left of it without a place on
//! the roster (D1, F6.1 to F6.8).

use crate::access_matrix::Cast;
use crate::talk::{delete, get, put};
use serde_json::{Value, json};
use sqlx::PgPool;

const READS: [&str; 6] = [
    "/v1/dashboard",
    "/v1/projects",
    "/v1/projects/{project}",
    "/v1/projects/{project}/time-entries",
    "/v1/time-entries/{entry}",
    "/v1/awaiting-my-approval",
];

/// Where amounts stand in an answer.
fn amounts(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            let names = ["minor", "rate", "value", "amount", "amounts", "contract", "used", "invoiced", "gross", "net"];
            found.extend(
                fields.keys().filter(|name| names.contains(&name.as_str())).map(|name| format!("{path}/{name}")),
            );
            fields.iter().for_each(|(name, value)| amounts(value, &format!("{path}/{name}"), found));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, value)| amounts(value, &format!("{path}/{index}"), found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

impl Cast {
    /// Takes a right from Gina, or her place.
    async fn without(&self, what: &str) {
        let path = format!("/v1/projects/{}/roster/{}{what}", self.ids["project"], self.ids["guest"]);
        self.world.send(&self.subjects[5], delete(path)).await.expect(200);
        self.world.settle(self.org).await;
    }

    async fn gina_reads(&self, path: &str) -> crate::talk::Reply {
        let ask = self.ask(&format!("GET {path}"), "", 0);
        self.world.send(&self.subjects[2], ask).await
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn with_financial_access_a_guest_sees_contract_amounts_rates_and_values(owner: PgPool) {
    let cast = Cast::assemble(owner).await;
    let project = cast.gina_reads("/v1/projects/{project}").await.expect(200).json();
    assert_eq!(project["amounts"]["contract"], json!({ "minor": 1_200_000, "currency": "EUR" }));
    assert_eq!(project["contract_lines"][0]["amounts"]["rate"], json!({ "minor": 12_000, "currency": "EUR" }));
    let entry = cast.gina_reads("/v1/time-entries/{entry}").await.expect(200).json();
    assert_eq!(entry["amounts"]["value"], json!({ "minor": 24_000, "currency": "EUR" }));
    for absent in ["internal", "hours_ordered"] {
        assert!(project.get(absent).is_none() && project["contract_lines"][0].get(absent).is_none(), "{project}");
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn without_it_no_amount_stands_in_any_answer_except_on_invoices(owner: PgPool) {
    let cast = Cast::assemble(owner).await;
    cast.without("/financial-access").await;
    for path in READS {
        let answer = cast.gina_reads(path).await.expect(200).json();
        let mut found = Vec::new();
        amounts(&answer, "", &mut found);
        // An invoice that awaits approval is an invoice (D1).
        found.retain(|place| !(path.ends_with("approval") && place.contains("/gross")));
        assert!(found.is_empty(), "{path}: {found:?}");
    }
    let invoice = cast.gina_reads("/v1/invoices/{invoice}").await.expect(200).json();
    assert_eq!(invoice["totals"]["gross"]["minor"], 43_200);
    for hidden in ["contract_line", "time_entries"] {
        assert!(invoice["lines"][0].get(hidden).is_none(), "{invoice}");
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn without_invoice_visibility_there_are_no_invoices(owner: PgPool) {
    let cast = Cast::assemble(owner).await;
    cast.without("/invoice-visibility").await;
    cast.gina_reads("/v1/invoices/{invoice}").await.refused(404, "not_found");
    let list = cast.gina_reads("/v1/invoices").await.expect(200).json();
    assert_eq!(list["items"], json!([]));
    let awaiting = cast.gina_reads("/v1/awaiting-my-approval").await.expect(200).json();
    let kinds: Vec<_> = awaiting["items"].as_array().unwrap().iter().map(|item| item["kind"].clone()).collect();
    assert_eq!(kinds, ["time_entry", "time_entry"]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn off_the_roster_nothing_is_left_of_the_project(owner: PgPool) {
    let cast = Cast::assemble(owner).await;
    cast.without("").await;
    for path in ["/v1/projects/{project}", "/v1/projects/{project}/time-entries", "/v1/time-entries/{entry}"] {
        cast.gina_reads(path).await.refused(404, "not_found");
    }
    for path in ["/v1/projects", "/v1/invoices", "/v1/awaiting-my-approval"] {
        assert_eq!(cast.gina_reads(path).await.expect(200).json()["items"], json!([]), "{path}");
    }
    let dashboard = cast.gina_reads("/v1/dashboard").await.expect(200).json();
    assert_eq!(dashboard, json!({ "projects": [], "awaiting_my_approval": 0 }));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_changed_mask_makes_what_was_shown_outdated(owner: PgPool) {
    let cast = Cast::assemble(owner).await;
    cast.without("/financial-access").await;
    let body = r#"{"shown": "{entry_shown}"}"#;
    let ask = cast.ask("POST /v1/time-entries/{entry}/approve", body, 0);
    let refused = cast.world.send(&cast.subjects[2], ask).await;
    refused.refused(409, "time_entry.shown_revision_is_outdated");
    let shown = cast.gina_reads("/v1/time-entries/{entry}").await.expect(200).json()["shown"].clone();
    let path = format!("/v1/time-entries/{}/approve", cast.ids["entry"]);
    let ask = crate::talk::post(path, json!({ "shown": shown }));
    cast.world.send(&cast.subjects[2], ask).await.expect(200);
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_story_of_an_approval_is_the_auditors_to_read(owner: PgPool) {
    let cast = Cast::assemble(owner).await;
    let body = r#"{"shown": "{invoice_shown}", "note": "as agreed"}"#;
    let ask = cast.ask("POST /v1/invoices/{invoice}/approve", body, 0);
    cast.world.send(&cast.subjects[2], ask).await.expect(200);
    cast.world.settle(cast.org).await;
    let auditor = &cast.subjects[6];
    let path = format!("/v1/history/approvals?object=invoice:{}", cast.ids["invoice"]);
    let history = cast.world.send(auditor, get(path)).await.expect(200).json();
    let steps: Vec<_> = history["items"].as_array().unwrap().iter().map(|step| step["decided"].clone()).collect();
    assert_eq!(steps, ["asked", "approved"]);
    let word = &history["items"][1];
    assert_eq!(word["by"], json!({ "kind": "portal_user", "id": cast.ids["guest"] }));
    assert_eq!(word["right"], "approve_invoices");
    assert_eq!(word["digest"], json!(cast.ids["invoice_shown"]));
    assert_eq!((&word["note"], &word["auto_send"]), (&json!("as agreed"), &json!(true)));
    let path = format!("/v1/history/objects/invoice:{}", cast.ids["invoice"]);
    let history = cast.world.send(auditor, get(path)).await.expect(200).json();
    let events: Vec<_> = history["items"].as_array().unwrap().iter().map(|event| event["event_type"].clone()).collect();
    assert_eq!(events, ["invoice.drafted", "invoice.put_in_review", "invoice.approved"]);
    let strange = cast.world.send(auditor, get("/v1/history/approvals?object=house:1")).await;
    assert_eq!(strange.refused(422, "request.invalid").json()["errors"][0]["pointer"], "object");
    cast.world.send(auditor, put("/v1/history/approvals", json!({}))).await.refused(405, "method.not_allowed");
}
