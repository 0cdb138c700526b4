//! The whole path, over HTTP and mail alone: invited, accepted, granted, asked, approved, sent, switched off; and at its
//! end the auditor's story of it.

use super::support::firm::{Firm, SLUG, eur};
use super::support::letter::Letter;
use super::support::person::{Account, PASSWORD, Person, post};
use super::support::until::until;
use serde_json::{Value, json};

/// What stands in a field of each item.
fn each(items: &[Value], field: &str) -> Vec<String> {
    items.iter().map(|item| item[field].as_str().unwrap_or_default().to_owned()).collect()
}

// F4.2, F4.9, F4.14, F4.15, F6.4, F10.1, F10.4, F10.6, F10.9, F16.3, F4.16, F4.17, F18.1
#[tokio::test]
async fn from_an_invitation_to_an_approved_invoice_and_the_story_of_it() {
    let firm = Firm::open().await;
    let auditor = firm.staff("Otto", "auditor").await;
    let client = firm.client("Acme").await;
    let project = firm.project(&client, "Portal").await;

    // Invited, with a place on the project: the mail's link sets a password, and looking at it changes nothing.
    let (gina, email) = firm.invite("Gina", &client, json!([{ "project": project.id }])).await;
    let account = format!("/v1/portal-users/{gina}");
    assert_eq!(firm.admin.get(account.as_str()).await.json()["status"], "pending");
    let token = firm.installation.letter(&email, "invites you").await.token().unwrap();
    let nobody = Person::nobody(firm.node());
    for _ in 0..2 {
        let looked = nobody.post("/v1/invitations/lookup", json!({ "token": token })).await.expect(200).json();
        assert_eq!((&looked["counts"], &looked["accepted"]), (&json!(true), &json!(false)));
    }
    let acceptance = json!({ "token": token, "password": PASSWORD });
    nobody.post("/v1/invitations/accept", acceptance.clone()).await.expect(200);
    nobody.post("/v1/invitations/accept", acceptance).await.refused(409, "invitation.already_accepted");
    let sign_in = Account::new(SLUG, &email);
    let guest = nobody.signed_in(&sign_in).await;

    // Granted: amounts, the right to approve, and that approving sends.
    firm.settle().await;
    let place = format!("/v1/projects/{}/roster/{gina}", project.id);
    assert_eq!(guest.get("/v1/dashboard").await.expect(200).json()["projects"][0].get("amounts"), None);
    for right in ["financial-access", "invoice-approval", "auto-send"] {
        firm.admin.put(format!("{place}/{right}"), Value::Null).await.expect(200);
    }
    assert!(guest.get("/v1/dashboard").await.expect(200).json()["projects"][0]["amounts"].is_object());

    // Asked: by mail, and in the list of what waits.
    let invoice = firm.invoice_in_review(&project, 100_000).await;
    let letter = firm.installation.letter(&email, "waits for your approval").await;
    assert!(!letter.text.contains("1000") && letter.token().is_none(), "mail tells no amount and lets nobody in");
    firm.settle().await;
    let waiting = guest.get("/v1/awaiting-my-approval").await.expect(200).items();
    assert_eq!((each(&waiting, "invoice"), &waiting[0]["gross"]), (vec![invoice.clone()], &eur(122_000)));

    // Approved as shown, and sent by the approval.
    let before = guest.get(format!("/v1/invoices/{invoice}")).await.expect(200).json();
    let approval = json!({ "shown": before["shown"], "note": "Thank you" });
    guest.post(format!("/v1/invoices/{invoice}/approve"), approval).await.expect(200);
    let sent = until("an invoice that was sent", async || {
        let invoice = guest.get(format!("/v1/invoices/{invoice}")).await.expect(200).json();
        (invoice["status"] == "sent").then_some(invoice)
    })
    .await;
    assert!(sent["number"].as_str().unwrap().ends_with("00001"), "{sent}");
    assert_eq!(guest.get("/v1/awaiting-my-approval").await.items(), [] as [Value; 0]);

    // Switched off: the session is over, and there is no other.
    firm.admin.post(format!("{account}/deactivate"), Value::Null).await.expect(200);
    guest.get("/v1/dashboard").await.refused(401, "session.ended");
    nobody.send(sign_in.ask()).await.refused(401, "sign_in.refused");

    assert_story_is_told(&firm, &auditor.person, &gina, &before).await;
}

/// The auditor reads who did what, with what right, on what, and when.
async fn assert_story_is_told(firm: &Firm, auditor: &Person, gina: &str, invoice: &Value) {
    firm.settle().await;
    let object = format!("invoice:{}", invoice["invoice"].as_str().unwrap());
    let history = auditor.get(format!("/v1/history/objects/{object}")).await.expect(200).items();
    let [drafted, asked, approved] = ["invoice.drafted", "invoice.put_in_review", "invoice.approved"];
    let steps = [drafted, asked, approved, "invoice.sent", "number_series.allotted"];
    assert_eq!(each(&history, "event_type"), steps);
    assert_eq!(history[3]["actor"], json!({ "kind": "process", "id": "auto_send" }));

    let path = format!("/v1/history/approvals?object={object}");
    let approvals = auditor.get(path.as_str()).await.expect(200).items();
    assert_eq!(each(&approvals, "decided"), ["asked", "approved"]);
    let word = &approvals[1];
    assert_eq!(word["by"], json!({ "kind": "portal_user", "id": gina }));
    assert_eq!((&word["right"], &word["revision"]), (&json!("approve_invoices"), &json!(1)));
    assert_eq!((&word["digest"], &word["auto_send"]), (&invoice["shown"], &json!(true)));
    assert_eq!((&word["note"], &word["seeing"][0]), (&json!("Thank you"), &json!("financial_visibility")));
    let asked_at = approvals[0]["at"].as_str().unwrap();
    let as_of = auditor.get(format!("{path}&as_of={asked_at}")).await.expect(200).items();
    assert_eq!(each(&as_of, "decided"), ["asked"], "at that moment nobody had approved");

    let entries = firm.ledger.gapless().await;
    assert_eq!(entries.iter().filter(|entry| entry.event_type == "invoice.sent").count(), 1);
}

// D13, D14, F10.8, F17.6
#[tokio::test]
async fn an_invoice_that_is_refused_comes_back_and_only_what_was_shown_is_approved() {
    let firm = Firm::open().await;
    let project = firm.project(&firm.client("Acme").await, "Portal").await;
    let gina = firm.guest("Gina", &project, &["invoice_visibility", "approve_invoices"]).await;
    let invoice = firm.invoice_in_review(&project, 10_000).await;
    let path = format!("/v1/invoices/{invoice}");
    firm.settle().await;
    let first = gina.shown(&invoice).await;

    let refusal = |reason: &str| json!({ "shown": first, "reason": reason });
    gina.person.post(format!("{path}/request-changes"), refusal("")).await.refused(422, "request.invalid");
    gina.person.post(format!("{path}/request-changes"), refusal("Not as ordered")).await.expect(200);
    firm.admin.post(format!("{path}/put-in-review"), Value::Null).await.refused(409, "invoice.changes_requested");
    firm.admin.put(path.as_str(), json!({ "lines": [project.charge(9_000)] })).await.expect(200);
    firm.put_in_review(&invoice).await;
    firm.settle().await;

    let approve = |shown: &str| post(format!("{path}/approve"), json!({ "shown": shown }));
    let outdated = gina.person.send(approve(&first)).await.refused(409, "invoice.shown_revision_is_outdated");
    assert_eq!(outdated.json()["revision"], "2", "the refusal says which revision to look at");
    let second = gina.shown(&invoice).await;
    gina.person.send(approve(&second)).await.expect(200);
    let again = gina.person.send(approve(&second)).await.expect(200);
    assert_eq!(again.json()["outcome"], "already_so");
    firm.admin
        .put(path.as_str(), json!({ "lines": [project.charge(9_500)] }))
        .await
        .refused(409, "invoice.already_approved");
}

// F4.12, F4.13, F4.23
#[tokio::test]
async fn a_link_works_once_and_only_the_last_one_and_nothing_is_mailed_before_it_is_sent() {
    let firm = Firm::open().await;
    let client = firm.client("Acme").await;
    let nobody = Person::nobody(firm.node());
    let somebody = json!({ "client": client, "name": "Gina", "email": "gina@clients.example" });
    let saved = firm.admin.post("/v1/portal-users", json!({ "people": [somebody] })).await.expect(200).items();
    let account = format!("/v1/portal-users/{}", saved[0]["ids"]["portal_user"].as_str().unwrap());
    assert_eq!(firm.admin.get(account.as_str()).await.json()["status"], "awaiting");

    let (nils, to_nils) = firm.invite("Nils", &client, json!([])).await;
    let revoked = firm.installation.letter(&to_nils, "invites you").await.token().unwrap();
    assert!(
        firm.installation.letters("gina@clients.example", "").is_empty(),
        "nothing left for whoever was only saved"
    );
    firm.admin.delete(format!("/v1/portal-users/{nils}/invitation")).await.expect(200);

    firm.admin.post(format!("{account}/invitations"), json!({})).await.expect(200);
    let first = firm.installation.letter("gina@clients.example", "invites you").await.token().unwrap();
    firm.admin.post(format!("{account}/invitations"), json!({})).await.expect(200);
    let second = until("a second mail", async || {
        let letters = firm.installation.letters("gina@clients.example", "invites you");
        letters.iter().filter_map(Letter::token).find(|token| *token != first)
    })
    .await;

    firm.settle().await;
    let accept = |token: &str| post("/v1/invitations/accept", json!({ "token": token, "password": PASSWORD }));
    for dead in [&revoked, &first] {
        let looked = nobody.post("/v1/invitations/lookup", json!({ "token": dead })).await.expect(200).json();
        assert_eq!(looked["counts"], false);
        let refused = nobody.send(accept(dead)).await;
        assert!(matches!(refused.status, 409 | 410), "{refused:?}");
    }
    let joins = accept(&second);
    nobody.send(joins.clone()).await.expect(200);
    let again = nobody.send(joins).await.expect(200);
    assert_eq!(again.header("idempotent-replayed"), Some("true"), "a retry is answered as the first time");
    nobody.send(accept(&second)).await.refused(409, "invitation.already_accepted");
    assert_eq!(firm.admin.get(account.as_str()).await.json()["status"], "active");
}
