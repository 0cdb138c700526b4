//! What follows from events, done for real: commands through the ledger, mail into a folder and over SMTP.
#![allow(clippy::unwrap_used, reason = "a test that meets an error fails")]

mod support;

use countersign_domain::access::Right;
use countersign_domain::approval::{Mask, Salt};
use countersign_domain::billing::content::shown;
use countersign_domain::billing::invoice;
use countersign_domain::envelope::{Actor, Principal, ProcessName, Provenance};
use countersign_domain::ids::InvoiceId;
use countersign_domain::portal::PortalEvent;
use countersign_domain::use_cases::billing::{
    DraftInvoice, approve_invoice, draft_invoice, put_invoice_in_review, recall_invoice,
};
use countersign_domain::use_cases::firm::invite_staff;
use countersign_domain::use_cases::guests::{deactivate_portal_user, resend_invitation, revoke_invitation};
use countersign_domain::values::Email;
use countersign_processes::{MailError, Mailer, agenda};
use countersign_projections::{Follower, FollowerOptions, Positions, groups};
use sqlx::PgPool;
use std::sync::{Arc, Mutex};
use support::*;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use uuid::Uuid;

const INVOICE: InvoiceId = InvoiceId(Uuid::from_u128(8));
const MAY_SEND: [Right; 3] = [Right::InvoiceVisibility, Right::ApproveInvoices, Right::AutoSendOnApproval];
const MAY_APPROVE: [Right; 2] = [Right::InvoiceVisibility, Right::ApproveInvoices];

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

impl Node {
    async fn put_an_invoice_in_review(&self) {
        let lines = serde_json::from_value(serde_json::json!([{
            "description": "Design", "quantity": "2", "unit_price": { "minor": 10_000, "currency": "EUR" }, "tax": "21",
            "contract_line": null, "time_entries": [], "contract_line": null, "time_entries": []
        }]))
        .unwrap();
        let draft =
            DraftInvoice { invoice: INVOICE, project: PROJECT, currency: eur(), lines, salt: Salt::new([7; 16]) };
        self.send(Actor::Staff(ADMIN), draft_invoice(draft)).await;
        self.send(Actor::Staff(ADMIN), put_invoice_in_review(INVOICE)).await;
    }

    async fn approve(&self) {
        let events = self.ledger.reader().after(ORG, 0, 1_000).await.unwrap();
        let content = events.iter().rev().find_map(|event| {
            let PortalEvent::Invoice(invoice::Event::Drafted(content)) = event.read().unwrap().event else {
                return None;
            };
            Some(content)
        });
        let shown = shown(&content.unwrap(), Mask::Financials);
        self.send(Actor::PortalUser(GUEST), approve_invoice(INVOICE, shown, None)).await;
    }
}

#[sqlx::test(migrations = "../../migrations")] // F10.6
async fn an_approval_that_carries_the_right_sends_the_invoice_exactly_once(owner: PgPool) {
    let mail = folder();
    let node = Node::over(&owner, mail.path().into()).await;
    node.found_firm().await;
    node.invite(&MAY_SEND).await;
    node.accept().await;
    node.put_an_invoice_in_review().await;
    node.approve().await;
    // Two workers, and the agenda forgets that it was done: the command's id remembers.
    node.settle().await;
    sqlx::query("UPDATE process.agenda SET done_at = NULL, outcome = NULL").execute(&owner).await.unwrap();
    node.settle().await;

    let events = node.ledger.reader().after(ORG, 0, 1_000).await.unwrap();
    let sent: Vec<_> = events
        .iter()
        .map(|event| event.read().unwrap())
        .filter(|event| matches!(event.event, PortalEvent::Invoice(invoice::Event::Sent { .. })))
        .collect();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].actor, Actor::Process(ProcessName::AutoSend));
    let approved = events
        .iter()
        .map(|event| event.read().unwrap())
        .find(|event| matches!(event.event, PortalEvent::Invoice(invoice::Event::Approved { .. })));
    assert_eq!(sent[0].causation_id, approved.map(|event| event.event_id));
    let PortalEvent::Invoice(invoice::Event::Sent { issued_on, .. }) = &sent[0].event else { unreachable!() };
    // Nine in the morning in London is the evening of the same day in Auckland.
    assert_eq!(issued_on.to_string(), "2026-03-02");
}

#[sqlx::test(migrations = "../../migrations")] // D2, F10.6
async fn an_approval_without_that_right_sends_nothing(owner: PgPool) {
    let mail = folder();
    let node = Node::over(&owner, mail.path().into()).await;
    node.found_firm().await;
    node.invite(&MAY_APPROVE).await;
    node.accept().await;
    node.put_an_invoice_in_review().await;
    node.approve().await;
    node.settle().await;
    assert!(!node.event_types().await.contains(&"invoice.sent".to_owned()));
}

#[sqlx::test(migrations = "../../migrations")] // F10.6: the flag read is the one in force at approval
async fn the_invoice_goes_out_even_if_the_approver_is_switched_off_in_between(owner: PgPool) {
    let mail = folder();
    let node = Node::over(&owner, mail.path().into()).await;
    node.found_firm().await;
    node.invite(&MAY_SEND).await;
    node.accept().await;
    node.put_an_invoice_in_review().await;
    node.approve().await;
    node.send(Actor::Staff(ADMIN), deactivate_portal_user(ORG, GUEST)).await;
    node.settle().await;
    assert!(node.event_types().await.contains(&"invoice.sent".to_owned()));
}

#[sqlx::test(migrations = "../../migrations")] // F4.9, F16.4
async fn an_invitation_is_mailed_once_with_its_link_and_no_more_than_the_portal_would_say(owner: PgPool) {
    let mail = folder();
    let node = Node::over(&owner, mail.path().into()).await;
    node.found_firm().await;
    node.settle().await;
    let before = node.mails().len();
    node.invite(&[]).await;
    node.settle().await;
    node.settle().await;

    let mails = node.mails();
    assert_eq!(mails.len(), before + 1);
    let invitation = mails.iter().find(|mail| mail.contains("gus@client.example")).unwrap();
    assert!(invitation.contains("The Firm invites you"), "{invitation}");
    let unfolded = invitation.replace("=\r\n", "").replace("=3D", "=");
    assert!(unfolded.contains("https://portal.example/join#") && unfolded.contains("n0nce"), "{unfolded}");
    assert!(!unfolded.contains("The Project"), "{unfolded}");
}

#[sqlx::test(migrations = "../../migrations")] // F4.23
async fn an_invitation_whose_time_is_over_is_recorded_and_its_seat_is_free(owner: PgPool) {
    let mail = folder();
    let node = Node::over(&owner, mail.path().into()).await;
    node.found_firm().await;
    node.invite(&[]).await;
    node.settle().await;
    assert!(!node.event_types().await.contains(&"invitation.expired".to_owned()));
    node.clock.put("2026-03-09T09:00:00Z");
    node.settle().await;

    let types = node.event_types().await;
    assert_eq!(types[types.len() - 2..], ["invitation.expired", "seats.released"]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_invitation_that_was_revoked_does_not_expire_as_well(owner: PgPool) {
    let mail = folder();
    let node = Node::over(&owner, mail.path().into()).await;
    node.found_firm().await;
    node.invite(&[]).await;
    node.send(Actor::Staff(ADMIN), revoke_invitation(ORG, GUEST, None)).await;
    node.clock.put("2026-03-10T09:00:00Z");
    node.settle().await;
    assert!(!node.event_types().await.contains(&"invitation.expired".to_owned()));
}

#[sqlx::test(migrations = "../../migrations")] // F16.3, F16.4
async fn whoever_may_approve_is_told_that_an_invoice_waits_and_not_what_it_costs(owner: PgPool) {
    let mail = folder();
    let node = Node::over(&owner, mail.path().into()).await;
    node.found_firm().await;
    node.invite(&MAY_APPROVE).await;
    node.accept().await;
    node.settle().await;
    let before = node.mails().len();
    node.put_an_invoice_in_review().await;
    node.settle().await;

    let mails = node.mails();
    assert_eq!(mails.len(), before + 1);
    let asked = mails.iter().find(|mail| mail.contains("waits for your approval")).unwrap();
    assert!(asked.contains("gus@client.example") && asked.contains("The Project"), "{asked}");
    // Its head has an id in it, and a time: any digits may stand there.
    let (_, written) = asked.split_once("Hello").unwrap();
    assert!(!written.contains("200") && !written.contains("242"), "{asked}");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_made_up_history_is_written_to_nobody(owner: PgPool) {
    let mail = folder();
    let mut node = Node::over(&owner, mail.path().into()).await;
    node.provenance = Provenance::Simulated;
    node.found_firm().await;
    node.invite(&MAY_SEND).await;
    node.accept().await;
    node.put_an_invoice_in_review().await;
    node.approve().await;
    node.settle().await;

    assert_eq!(node.mails(), Vec::<String>::new());
    assert!(node.event_types().await.contains(&"invoice.sent".to_owned()));
}

#[sqlx::test(migrations = "../../migrations")] // F4.9
async fn mail_leaves_over_smtp_and_is_tried_again_under_the_same_id_when_the_server_is_away(owner: PgPool) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let taken = Arc::new(Mutex::new(Vec::new()));
    tokio::spawn(smtp_server_that_breaks_off_once(listener, taken.clone()));
    let mailer = Mailer::smtp(&format!("smtp://{address}"), "Portal <portal@firm.example>").unwrap();
    let node = Node::mailing(&owner, mailer, "/nowhere".into()).await;
    node.found_firm().await;
    node.add_colleague().await;
    node.settle().await;
    assert_eq!(taken.lock().unwrap().len(), 0, "the first try broke off");
    node.clock.put("2026-03-02T09:10:00Z");
    node.settle().await;

    let mails = taken.lock().unwrap().clone();
    assert_eq!(mails.len(), 1);
    let item: Uuid = sqlx::query_scalar("SELECT item_id FROM process.agenda WHERE outcome = 'sent'")
        .fetch_one(&owner)
        .await
        .unwrap();
    assert!(mails[0].contains(&format!("Message-ID: <{item}@firm.example>")), "{}", mails[0]);
    assert!(mails[0].contains("cora@firm.example"), "{}", mails[0]);
}

/// Speaks as much SMTP as a mail needs; hangs up on the first caller in the middle of it.
async fn smtp_server_that_breaks_off_once(listener: TcpListener, taken: Arc<Mutex<Vec<String>>>) {
    let mut calls = 0;
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        calls += 1;
        let (reader, mut writer) = stream.into_split();
        let mut lines = BufReader::new(reader).lines();
        writer.write_all(b"220 sink\r\n").await.unwrap();
        let mut mail = None;
        while let Ok(Some(line)) = lines.next_line().await {
            let answer: &[u8] = match (&mut mail, line.as_str()) {
                (Some(_), ".") => {
                    taken.lock().unwrap().extend(mail.take());
                    b"250 taken\r\n"
                }
                (Some(text), line) => {
                    let text: &mut String = text;
                    text.push_str(line);
                    text.push('\n');
                    continue;
                }
                (None, "DATA") if calls == 1 => break,
                (None, "DATA") => {
                    mail = Some(String::new());
                    b"354 go on\r\n"
                }
                (None, _) => b"250 yes\r\n",
            };
            writer.write_all(answer).await.unwrap();
        }
    }
}

impl Node {
    /// What became of the items of a kind, in the order in which they came to be due.
    async fn outcomes(&self, owner: &PgPool, kind: &str) -> Vec<Option<String>> {
        let found = sqlx::query_scalar("SELECT outcome FROM process.agenda WHERE kind = $1 ORDER BY due_at, item_id");
        found.bind(kind).fetch_all(owner).await.unwrap()
    }

    fn mails_to(&self, address: &str) -> usize {
        self.mails().iter().filter(|mail| mail.contains(address)).count()
    }
}

#[sqlx::test(migrations = "../../migrations")] // F4.23
async fn an_invitation_that_was_taken_back_before_its_mail_left_is_mailed_to_nobody(owner: PgPool) {
    let mail = folder();
    let node = Node::over(&owner, mail.path().into()).await;
    node.found_firm().await;
    node.invite(&[]).await;
    node.send(Actor::Staff(ADMIN), revoke_invitation(ORG, GUEST, None)).await;
    node.settle().await;
    assert_eq!(node.mails_to("gus@client.example"), 0);
    let outcomes = node.outcomes(&owner, "mail_invitation").await;
    assert!(outcomes.contains(&Some("not sent: the invitation no longer counts".to_owned())), "{outcomes:?}");
}

#[sqlx::test(migrations = "../../migrations")] // F4.23
async fn of_two_invitations_one_after_the_other_only_the_live_one_is_mailed(owner: PgPool) {
    let mail = folder();
    let node = Node::over(&owner, mail.path().into()).await;
    node.found_firm().await;
    node.settle().await;
    node.invite(&[]).await;
    node.send(Actor::Staff(ADMIN), resend_invitation(ORG, GUEST, invitation(70), None)).await;
    node.settle().await;
    assert_eq!(node.mails_to("gus@client.example"), 1);
    let text = node.mails().into_iter().find(|mail| mail.contains("gus@client.example")).unwrap().replace("=\r\n", "");
    assert!(text.contains(&invitation(70).id.to_string()), "{text}");
}

#[sqlx::test(migrations = "../../migrations")] // F4.9
async fn a_colleague_whose_invitation_was_replaced_gets_the_live_one_only(owner: PgPool) {
    let mail = folder();
    let node = Node::over(&owner, mail.path().into()).await;
    node.found_firm().await;
    node.settle().await;
    node.add_colleague().await;
    node.send(Actor::Staff(ADMIN), invite_staff(COLLEAGUE, invitation(71))).await;
    node.settle().await;
    assert_eq!(node.mails_to("cora@firm.example"), 1);
    let text = node.mails().into_iter().find(|mail| mail.contains("cora@firm.example")).unwrap().replace("=\r\n", "");
    assert!(text.contains(&invitation(71).id.to_string()), "{text}");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_mail_waits_until_the_read_models_know_of_what_it_is_about(owner: PgPool) {
    let mail = folder();
    let node = Node::over(&owner, mail.path().into()).await;
    node.found_firm().await;
    node.settle().await;
    node.invite(&[]).await;
    node.follow_only("agenda").await;
    node.worker.work_off_what_is_due().await.unwrap();
    assert_eq!(node.mails_to("gus@client.example"), 0);
    node.clock.put("2026-03-02T09:10:00Z");
    node.settle().await;
    assert_eq!(node.mails_to("gus@client.example"), 1);
}

#[sqlx::test(migrations = "../../migrations")] // F16.3
async fn nobody_is_asked_to_approve_an_invoice_that_was_recalled_meanwhile(owner: PgPool) {
    let mail = folder();
    let node = Node::over(&owner, mail.path().into()).await;
    node.found_firm().await;
    node.invite(&MAY_APPROVE).await;
    node.accept().await;
    node.settle().await;
    node.put_an_invoice_in_review().await;
    node.send(Actor::Staff(ADMIN), recall_invoice(INVOICE)).await;
    node.settle().await;
    assert_eq!(node.outcomes(&owner, "ask_for_approval").await, [Some("not sent: it no longer waits".to_owned())]);

    // Asked anew, it is a new question: one mail.
    node.send(Actor::Staff(ADMIN), put_invoice_in_review(INVOICE)).await;
    node.settle().await;
    assert_eq!(node.mails().iter().filter(|mail| mail.contains("waits for your approval")).count(), 1);
}

#[sqlx::test(migrations = "../../migrations")] // F16.3
async fn whoever_has_decided_already_is_not_asked_by_mail_any_more(owner: PgPool) {
    let mail = folder();
    let away = mail.path().join("away");
    let node = Node::over(&owner, away.clone()).await;
    node.found_firm().await;
    node.invite(&MAY_APPROVE).await;
    node.accept().await;
    node.settle().await;
    node.put_an_invoice_in_review().await;
    // A file where the folder should be: the mail cannot leave, and waits.
    std::fs::write(&away, "").unwrap();
    node.settle().await;
    assert_eq!(node.outcomes(&owner, "mail_approval_asked").await, [None]);
    node.approve().await;
    std::fs::remove_file(&away).unwrap();
    node.clock.put("2026-03-02T09:10:00Z");
    node.settle().await;
    let outcomes = node.outcomes(&owner, "mail_approval_asked").await;
    assert_eq!(outcomes, [Some("not sent: it no longer waits".to_owned())]);
    assert_eq!(node.mails(), Vec::<String>::new());
}

#[sqlx::test(migrations = "../../migrations")] // F10.6
async fn an_invoice_goes_out_while_a_mail_server_does_not_answer(owner: PgPool) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mailer = Mailer::smtp(&format!("smtp://{address}"), "Portal <portal@firm.example>").unwrap();
    let node = Node::mailing(&owner, mailer, "/nowhere".into()).await;
    node.found_firm().await;
    node.add_colleague().await;
    node.follow().await;
    let groups = groups().into_iter().chain([agenda()]).collect();
    let pool = node.ledger.reader().pool().clone();
    let follower =
        Follower::start(node.ledger.clone(), Arc::new(groups), Positions::new(pool), FollowerOptions::default());
    let at_work = tokio::spawn(node.worker.clone().run(follower.leases()));
    // Somebody is on the line, and nobody speaks.
    let _silent = listener.accept().await.unwrap();
    node.invite(&MAY_SEND).await;
    node.accept().await;
    node.put_an_invoice_in_review().await;
    node.approve().await;
    while !node.event_types().await.contains(&"invoice.sent".to_owned()) {}
    at_work.abort();
    follower.stop().await;
}

#[sqlx::test(migrations = "../../migrations")] // F4.23
async fn in_a_made_up_history_too_an_invitation_expires_when_its_time_is_over(owner: PgPool) {
    let mail = folder();
    let mut node = Node::over(&owner, mail.path().into()).await;
    node.provenance = Provenance::Simulated;
    node.found_firm().await;
    node.invite(&[]).await;
    node.settle().await;
    assert!(!node.event_types().await.contains(&"invitation.expired".to_owned()));
    node.clock.put("2026-03-10T09:00:00Z");
    node.settle().await;
    let events = node.ledger.reader().after(ORG, 0, 1_000).await.unwrap();
    let events: Vec<_> = events.iter().map(|event| event.read().unwrap()).collect();
    let expired = events.iter().find(|event| event.event.to_wire().event_type == "invitation.expired").unwrap();
    assert_eq!(expired.recorded_at, invitation(7).expires_at);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_password_letter_that_could_not_be_written_is_not_taken_for_sent(owner: PgPool) {
    let mail = folder();
    let node = Node::over(&owner, mail.path().into()).await;
    node.found_firm().await;
    node.settle().await;
    let write = async || {
        let to = Email::parse("ada@firm.example").unwrap();
        node.worker.mail_password_reset(ORG, Principal::Staff(ADMIN), to, "https://portal.example/reset").await
    };
    write().await.unwrap();
    sqlx::query("REVOKE SELECT ON read.person_card FROM countersign_app").execute(&owner).await.unwrap();
    assert!(matches!(write().await, Err(MailError::Lookup(_))));
}
