//! What waits for whom, and who approved what.

use crate::firm::*;
use countersign_domain::access::{Denied, Right};
use countersign_domain::envelope::{ObjectKind, Principal, Role};
use countersign_domain::use_cases::billing::{
    approve_invoice, put_invoice_in_review, recall_invoice, request_invoice_changes,
};
use countersign_domain::use_cases::work_time::{approve_time, reject_time, submit_time};
use countersign_projections::approval::history::{ApprovalFilter, Decided, approvals};
use countersign_projections::approval::request::{Awaiting, awaiting_my_approval};
use countersign_projections::approval::{Approvable, Verdict};
use countersign_projections::billing::invoice::{Status, get};
use countersign_projections::history::object::of_object;
use countersign_projections::work::time_entry;
use countersign_projections::{PageRequest, ReadError, Scope};
use sqlx::PgPool;

const APPROVER: [Right; 3] = [Right::InvoiceVisibility, Right::ApproveInvoices, Right::ApproveTime];

async fn firm_with_questions(owner: &PgPool) -> Firm {
    let firm = Firm::open(owner).await;
    firm.show(PORTAL, "Portal").await;
    firm.welcome(GINA, PORTAL, APPROVER).await;
    firm.welcome(GUS, PORTAL, [Right::InvoiceVisibility, Right::ApproveTime]).await;
    firm.bill(invoice(1), PORTAL, charging(PORTAL, 10_000, [])).await;
    firm.work(entry(1), PORTAL, "2").await;
    firm.must(PAUL, submit_time(entry(1))).await;
    firm.follow().await;
    firm
}

async fn waiting(firm: &Firm, scope: &Scope) -> Vec<Approvable> {
    let page = awaiting_my_approval(&firm.pool, scope, now(), &PageRequest::default()).await.unwrap();
    page.items.iter().map(|waiting| waiting.what.approvable()).collect()
}

// F8.12, F10.1
#[sqlx::test(migrations = "../../migrations")]
async fn everybody_finds_what_waits_for_their_own_decision(owner: PgPool) {
    let firm = firm_with_questions(&owner).await;
    let (the_invoice, the_time) = (Approvable::Invoice(invoice(1)), Approvable::TimeEntry(entry(1)));
    assert_eq!(waiting(&firm, &firm.scope(GINA)).await, [the_invoice, the_time]);
    assert_eq!(waiting(&firm, &firm.scope(GUS)).await, [the_time]);
    for staff in [ADA, PAUL, AUDREY] {
        assert_eq!(waiting(&firm, &firm.scope(staff)).await, [], "no staff gives a client's word");
    }
    let page = awaiting_my_approval(&firm.pool, &firm.scope(GINA), now(), &PageRequest::default()).await.unwrap();
    let first = &page.items[0];
    assert_eq!(first.what, Awaiting::Invoice { invoice: invoice(1), gross: Some(eur(12_100)) });
    assert_eq!((first.asked_by, first.right), (Principal::Staff(PAUL), Some(Right::ApproveInvoices)));
    assert_eq!(first.project_name, Some(label("Portal")));
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_is_decided_or_recalled_waits_no_longer(owner: PgPool) {
    let firm = firm_with_questions(&owner).await;
    let gina = firm.scope(GINA);
    let shown = time_entry::get(&firm.pool, &gina, now(), entry(1)).await.unwrap().shown;
    firm.must(GINA, approve_time(entry(1), shown, None)).await;
    firm.must(PAUL, recall_invoice(invoice(1))).await;
    firm.follow().await;
    assert_eq!(waiting(&firm, &gina).await, []);
    assert_eq!(waiting(&firm, &firm.scope(GUS)).await, []);
    firm.must(PAUL, put_invoice_in_review(invoice(1))).await;
    firm.follow().await;
    assert_eq!(waiting(&firm, &gina).await, [Approvable::Invoice(invoice(1))]);
}

// D14: the digest that a question answers is the one that the command takes, under each mask.
#[sqlx::test(migrations = "../../migrations")]
async fn the_digest_that_somebody_is_shown_is_the_one_with_which_they_approve(owner: PgPool) {
    let firm = firm_with_questions(&owner).await;
    let (gina, gus) = (firm.scope(GINA), firm.scope(GUS));
    let shown = get(&firm.pool, &gina, now(), invoice(1)).await.unwrap().shown;
    assert_eq!(get(&firm.pool, &gus, now(), invoice(1)).await.unwrap().shown, shown, "the same mask, the same digest");
    let unmasked = get(&firm.pool, &firm.scope(ADA), now(), invoice(1)).await.unwrap().shown;
    assert_ne!(unmasked, shown);
    firm.must(GINA, approve_invoice(invoice(1), shown, Some(note("Thank you")))).await;
    firm.follow().await;
    let seen = get(&firm.pool, &gus, now(), invoice(1)).await.unwrap();
    assert_eq!(seen.status, Status::Approved);
    let [decision] = seen.decisions.as_slice() else { panic!("{seen:?}") };
    assert_eq!((decision.verdict, decision.by), (Verdict::Approved, Principal::PortalUser(GINA)));
    assert_eq!(decision.note, Some(note("Thank you")));
}

// F18.1
#[sqlx::test(migrations = "../../migrations")]
async fn an_auditor_reads_who_decided_what_with_which_right_on_which_revision(owner: PgPool) {
    let firm = firm_with_questions(&owner).await;
    let (gina, audrey) = (firm.scope(GINA), firm.scope(AUDREY));
    let shown = get(&firm.pool, &gina, now(), invoice(1)).await.unwrap().shown;
    firm.must(GINA, request_invoice_changes(invoice(1), shown, note("Wrong month"))).await;
    let shown = time_entry::get(&firm.pool, &firm.scope(GUS), now(), entry(1)).await.unwrap().shown;
    firm.must(GUS, reject_time(entry(1), shown, note("Not agreed"))).await;
    firm.follow().await;

    let all = approvals(&firm.pool, &audrey, now(), ApprovalFilter::default(), &PageRequest::default()).await.unwrap();
    let decided: Vec<_> = all.items.iter().map(|entry| (entry.what, entry.decided)).collect();
    let (the_invoice, the_time) = (Approvable::Invoice(invoice(1)), Approvable::TimeEntry(entry(1)));
    assert_eq!(
        decided,
        [
            (the_invoice, Decided::Asked),
            (the_time, Decided::Asked),
            (the_invoice, Decided::Refused),
            (the_time, Decided::Refused),
        ]
    );
    let refused = &all.items[2];
    assert_eq!((refused.by, refused.revision), (Principal::PortalUser(GINA), 1));
    assert_eq!((refused.right, refused.note.clone()), (Some(Right::ApproveInvoices), Some(note("Wrong month"))));
    assert_eq!(
        (refused.policy.as_deref(), refused.policy_version, refused.stage),
        (Some("invoice.client"), Some(1), Some(0))
    );

    let filter = ApprovalFilter { what: Some(the_time), ..ApprovalFilter::default() };
    let of_time = approvals(&firm.pool, &audrey, now(), filter, &PageRequest::default()).await.unwrap();
    assert_eq!(of_time.items.iter().map(|entry| entry.decided).collect::<Vec<_>>(), [Decided::Asked, Decided::Refused]);
    let filter = ApprovalFilter { by: Some(Principal::PortalUser(GINA)), ..ApprovalFilter::default() };
    let by_gina = approvals(&firm.pool, &audrey, now(), filter, &PageRequest::default()).await.unwrap();
    assert_eq!(by_gina.items.len(), 1);
    let filter = ApprovalFilter { as_of: Some(all.items[1].at), ..ApprovalFilter::default() };
    let then = approvals(&firm.pool, &audrey, now(), filter, &PageRequest::default()).await.unwrap();
    assert_eq!(then.items.len(), 2);
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_objects_history_names_every_event_that_concerned_it_and_as_what(owner: PgPool) {
    let firm = firm_with_questions(&owner).await;
    let (audrey, first) = (firm.scope(AUDREY), PageRequest::default());
    let of = |kind, id| (kind, id);
    let story =
        of_object(&firm.pool, &audrey, now(), of(ObjectKind::Invoice, invoice(1).0), None, &first).await.unwrap();
    let events: Vec<_> = story.items.iter().map(|entry| (entry.event_type.as_str(), entry.roles.as_slice())).collect();
    assert_eq!(events, [("invoice.drafted", &[Role::Subject][..]), ("invoice.put_in_review", &[Role::Subject][..]),]);
    let story = of_object(&firm.pool, &audrey, now(), of(ObjectKind::PortalUser, GINA.0), None, &first).await.unwrap();
    let names: Vec<_> = story.items.iter().map(|entry| entry.event_type.as_str()).collect();
    assert_eq!(
        names,
        [
            "mailbox.claimed",
            "portal_user.prepared",
            "invitation.sent",
            "seats.reserved",
            "project.access_granted",
            "invitation.accepted",
        ]
    );
    // Who manages a project reads what concerns it, of whatever object, and no more.
    let paul = firm.scope(PAUL);
    let story = of_object(&firm.pool, &paul, now(), of(ObjectKind::PortalUser, GINA.0), None, &first).await.unwrap();
    assert_eq!(
        story.items.iter().map(|entry| entry.event_type.as_str()).collect::<Vec<_>>(),
        ["project.access_granted"]
    );
    let nothing =
        of_object(&firm.pool, &firm.scope(PETRA), now(), of(ObjectKind::PortalUser, GINA.0), None, &first).await;
    assert!(matches!(nothing, Err(ReadError::Denied(Denied::NotThere))));
    // At the command line the operator reads everything.
    let operator = Scope::operator(firm.org);
    let story = of_object(&firm.pool, &operator, now(), of(ObjectKind::Project, PORTAL.0), None, &first).await.unwrap();
    assert!(story.items.len() >= 8);
    let then = Some(story.items[1].recorded_at);
    let story = of_object(&firm.pool, &operator, now(), of(ObjectKind::Project, PORTAL.0), then, &first).await.unwrap();
    assert_eq!(story.items.len(), 2);
}
