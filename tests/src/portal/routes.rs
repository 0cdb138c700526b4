//! Who finds which routes: what is not for somebody is answered to them as if it were not there.

use super::support::document::{Operation, operations};
use super::support::firm::Firm;
use super::support::person::{Account, Ask, Person, delete, get, post, put};
use super::support::walk::walk;
use reqwest::Method;
use serde_json::Value;
use uuid::Uuid;

/// Open to whoever has not signed in.
const ANYBODYS: [&str; 9] = [
    "AcceptInvitation",
    "GetHealth",
    "GetOpenApi",
    "GetReadiness",
    "LookUpInvitation",
    "LookUpPasswordReset",
    "RequestPasswordReset",
    "ResetPassword",
    "SignIn",
];
/// About one's own account, whoever one is.
const ONES_OWN: [&str; 9] = [
    "ChangePassword",
    "EndOtherSessions",
    "EndSession",
    "GetMe",
    "IssueToken",
    "ListSessions",
    "ListTokens",
    "RevokeToken",
    "SignOut",
];
/// What guests and staff may both ask.
const EVERYBODYS: [&str; 8] = [
    "FollowFeed",
    "GetInvoice",
    "GetOrganization",
    "GetProject",
    "GetTimeEntry",
    "ListInvoices",
    "ListProjects",
    "ListTimeEntries",
];
/// The client's own word, and what leads to it.
const GUESTS: [&str; 8] = [
    "ApproveInvoice",
    "ApproveTime",
    "ApproveTimeBatch",
    "GetDashboard",
    "ListAwaitingMyApproval",
    "RejectTime",
    "RejectTimeBatch",
    "RequestInvoiceChanges",
];

fn is_among(operation: &Operation, lists: &[&[&str]]) -> bool {
    lists.iter().any(|list| list.contains(&operation.id.as_str()))
}

fn ask(method: &Method, path: String) -> Ask {
    match method.as_str() {
        "GET" => get(path),
        "PUT" => put(path, Value::Null),
        "DELETE" => delete(path),
        "POST" => post(path, Value::Null),
        other => panic!("what does {other} mean here?"),
    }
}

/// The same answer as on an address that no route has, whatever stands in the address.
async fn assert_finds_nothing(person: &Person, operation: &Operation, ids: &[&str]) {
    let nowhere = person.send(ask(&operation.method, "/v1/nowhere".to_owned())).await.refused(404, "not_found");
    for id in ids {
        let reply = person.send(ask(&operation.method, operation.filled(id))).await;
        assert_eq!(reply.told(), nowhere.told(), "{operation:?}");
    }
}

// F4.29
#[tokio::test]
async fn a_guest_finds_no_route_of_the_staff_and_the_staff_none_of_the_guests() {
    let firm = Firm::open().await;
    let project = firm.project(&firm.client("Acme").await, "Portal").await;
    let gina = firm.guest("Gina", &project, &["invoice_visibility"]).await;
    let random = Uuid::now_v7().to_string();
    let (mut staffs, mut guests) = (0, 0);
    for operation in operations(&firm.admin).await {
        if is_among(&operation, &[&GUESTS]) {
            assert_finds_nothing(&firm.admin, &operation, &[&project.id, &random]).await;
            guests += 1;
        } else if !is_among(&operation, &[&ANYBODYS, &ONES_OWN, &EVERYBODYS]) {
            assert_finds_nothing(&gina.person, &operation, &[&project.id, &project.client, &gina.id, &random]).await;
            staffs += 1;
        }
    }
    assert_eq!(guests, GUESTS.len());
    assert!(staffs > 40, "{staffs} operations are the staff's");
}

#[tokio::test]
async fn nobody_in_particular_is_asked_to_sign_in_first() {
    let firm = Firm::open().await;
    let nobody = Person::nobody(firm.node());
    for operation in operations(&nobody).await {
        if !is_among(&operation, &[&ANYBODYS]) {
            let reply = nobody.send(ask(&operation.method, operation.filled(&Uuid::now_v7().to_string()))).await;
            assert_eq!((reply.status, reply.code().as_str()), (401, "session.required"), "{operation:?}");
            assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
        }
    }
}

// F1.8
#[tokio::test]
async fn another_organization_finds_nothing_of_this_one_on_any_route() {
    let firm = Firm::open().await;
    let project = firm.project(&firm.client("Acme").await, "Portal").await;
    let gina = firm.guest("Gina", &project, &["invoice_visibility", "approve_invoices", "approve_time"]).await;
    let invoice = firm.invoice_in_review(&project, 10_000).await;
    let time = firm.submitted_time(&project, "1").await;
    firm.settle().await;
    let theirs = firm.neighbour("brook").await;
    let ids = [project.id, project.client, gina.id, invoice, time];
    let head = firm.ledger.head().await;

    for operation in operations(&theirs).await {
        if !operation.varies() || is_among(&operation, &[&ANYBODYS]) {
            continue;
        }
        let random = Uuid::now_v7().to_string();
        for kind in ["", "invoice:", "project:"] {
            let nothing = theirs.send(ask(&operation.method, operation.filled(&format!("{kind}{random}")))).await;
            for id in &ids {
                let something = theirs.send(ask(&operation.method, operation.filled(&format!("{kind}{id}")))).await;
                assert_eq!(something.told(), nothing.told(), "{operation:?}");
            }
        }
    }
    for (path, answer) in walk(&firm, &theirs).await {
        let told = answer.to_string();
        assert!(!ids.iter().any(|id| told.contains(id.as_str())), "{path}: {told}");
    }
    let stranger = Account { organization: "brook".to_owned(), ..gina.account };
    theirs.stranger().send(stranger.ask()).await.refused(401, "sign_in.refused");
    assert_eq!(firm.ledger.head().await, head, "and nothing has happened here");
}
