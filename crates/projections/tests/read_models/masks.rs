//! What a guest finds, and what they do not.

use crate::firm::*;
use countersign_domain::access::{Denied, Right};
use countersign_domain::envelope::ObjectKind;
use countersign_domain::use_cases::billing::{approve_invoice, draft_invoice};
use countersign_domain::use_cases::guests::deactivate_portal_user;
use countersign_domain::use_cases::projects::{remove_guest, withdraw_project, withdraw_right};
use countersign_domain::use_cases::work_time::submit_time;
use countersign_projections::approval::history::{ApprovalFilter, approvals};
use countersign_projections::approval::request::awaiting_my_approval;
use countersign_projections::billing::invoice::InvoiceFilter;
use countersign_projections::work::dashboard::dashboard;
use countersign_projections::work::project::ProjectFilter;
use countersign_projections::work::{project, time_entry};
use countersign_projections::{PageRequest, ReadError, Scope, billing, clients, firm as firm_read, history, people};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgPool;

const RATES_AND_VALUES: [Right; 1] = [Right::FinancialVisibility];
const INVOICES: [Right; 1] = [Right::InvoiceVisibility];

/// A project with an hour and a half of time, an invoice that was sent, one in review, and a draft.
async fn busy_firm(owner: &PgPool, rights: impl IntoIterator<Item = Right>) -> Firm {
    let firm = Firm::open(owner).await;
    firm.show(PORTAL, "Portal").await;
    let approver = [Right::InvoiceVisibility, Right::ApproveInvoices, Right::ApproveTime];
    firm.welcome(GUS, PORTAL, approver).await;
    firm.work(entry(1), PORTAL, "1.5").await;
    firm.must(PAUL, submit_time(entry(1))).await;
    firm.bill(invoice(1), PORTAL, charging(PORTAL, 15_000, [entry(1)])).await;
    firm.follow().await;
    let shown = billing::invoice::get(&firm.pool, &firm.scope(GUS), now(), invoice(1)).await.unwrap().shown;
    firm.must(GUS, approve_invoice(invoice(1), shown, None)).await;
    firm.must(PAUL, firm.sending(invoice(1))).await;
    firm.bill(invoice(2), PORTAL, charging(PORTAL, 700_000, [])).await;
    firm.must(PAUL, draft_invoice(drafted(invoice(3), PORTAL, charging(PORTAL, 99_900, [])))).await;
    firm.welcome(GINA, PORTAL, rights).await;
    firm.follow().await;
    firm
}

/// Everything that a question answers, as a reader gets it.
fn told(answer: Result<impl Serialize, ReadError>) -> Value {
    serde_json::to_value(answer.unwrap()).unwrap()
}

/// Everything besides invoices that the portal tells somebody.
async fn everything_but_invoices(firm: &Firm, scope: &Scope) -> Vec<Value> {
    let (pool, at, first) = (&firm.pool, now(), PageRequest::default());
    vec![
        told(dashboard(pool, scope, at).await),
        told(project::list(pool, scope, at, ProjectFilter::default(), &first).await),
        told(project::get(pool, scope, at, PORTAL).await),
        told(time_entry::of_project(pool, scope, at, PORTAL, None, &first).await),
        told(time_entry::get(pool, scope, at, entry(1)).await),
        told(firm_read::organization::get(pool, scope, at).await),
        told(people::person_card::myself(pool, scope).await),
    ]
}

/// Every field of a value and of all within it.
fn fields(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(object) => object.iter().for_each(|(name, value)| {
            found.push(name.clone());
            fields(value, found);
        }),
        Value::Array(items) => items.iter().for_each(|item| fields(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn has_amounts(values: &[Value]) -> bool {
    let mut found = Vec::new();
    values.iter().for_each(|value| fields(value, &mut found));
    let financial = ["minor", "rate", "value", "amount", "amounts", "contract", "used", "invoiced", "gross", "net"];
    found.iter().any(|name| financial.contains(&name.as_str()))
}

// F6.4, F6.5, F6.8
#[sqlx::test(migrations = "../../migrations")]
async fn a_guest_without_financial_visibility_finds_no_amount_rate_or_value_besides_invoices(owner: PgPool) {
    let firm = busy_firm(&owner, INVOICES).await;
    let gina = firm.scope(GINA);

    let values = everything_but_invoices(&firm, &gina).await;
    assert!(!has_amounts(&values), "{values:#?}");

    // Invoices show their amounts to whoever may see them at all (D1), but not what they charge (F6.8).
    let invoice = told(billing::invoice::get(&firm.pool, &gina, now(), invoice(1)).await);
    assert_eq!(invoice["totals"]["gross"]["minor"], 18_150);
    assert_eq!(invoice["lines"][0].get("contract_line"), None);
    assert_eq!(invoice["lines"][0].get("time_entries"), None);
}

// F6.4, F6.5
#[sqlx::test(migrations = "../../migrations")]
async fn with_financial_visibility_a_guest_finds_contract_amounts_rates_and_values(owner: PgPool) {
    let firm = busy_firm(&owner, RATES_AND_VALUES).await;
    let gina = firm.scope(GINA);

    let project = project::get(&firm.pool, &gina, now(), PORTAL).await.unwrap();
    let amounts = project.amounts.unwrap();
    assert_eq!((amounts.contract, amounts.used), (eur(400_000), eur(15_000)));
    let line = project.contract_lines[0].amounts.unwrap();
    assert_eq!((line.rate, line.contract, line.used), (eur(10_000), eur(400_000), eur(15_000)));
    // Never what was sold and not used (F6.24), nor what only invoices tell (D1).
    assert_eq!((project.contract_lines[0].hours_ordered, project.invoiced), (None, None));

    let time = time_entry::get(&firm.pool, &gina, now(), entry(1)).await.unwrap();
    assert_eq!(time.amounts.map(|amounts| (amounts.rate, amounts.value)), Some((eur(10_000), eur(15_000))));
}

// D1
#[sqlx::test(migrations = "../../migrations")]
async fn a_guest_without_invoice_visibility_learns_nothing_of_invoices(owner: PgPool) {
    let firm = busy_firm(&owner, RATES_AND_VALUES).await;
    let (gina, first) = (firm.scope(GINA), PageRequest::default());

    for id in [1, 2, 3] {
        let answer = billing::invoice::get(&firm.pool, &gina, now(), invoice(id)).await;
        assert!(matches!(answer, Err(ReadError::Denied(Denied::NotThere))), "{answer:?}");
    }
    let all = billing::invoice::list(&firm.pool, &gina, now(), InvoiceFilter::default(), &first).await.unwrap();
    assert!(all.items.is_empty());
    let dashboard = dashboard(&firm.pool, &gina, now()).await.unwrap();
    assert_eq!(dashboard.projects[0].open_invoices, None);
    assert_eq!(dashboard.awaiting_my_approval, 0);
}

// F10.1
#[sqlx::test(migrations = "../../migrations")]
async fn a_guest_sees_what_was_put_before_the_client_and_never_a_draft(owner: PgPool) {
    let firm = busy_firm(&owner, INVOICES).await;
    let (gina, paul, first) = (firm.scope(GINA), firm.scope(PAUL), PageRequest::default());

    let seen = billing::invoice::list(&firm.pool, &gina, now(), InvoiceFilter::default(), &first).await.unwrap();
    let ids: Vec<_> = seen.items.iter().map(|invoice| invoice.invoice).collect();
    assert_eq!(ids, [invoice(2), invoice(1)]);
    assert_eq!(dashboard(&firm.pool, &gina, now()).await.unwrap().projects[0].open_invoices, Some(2));
    let answer = billing::invoice::get(&firm.pool, &gina, now(), invoice(3)).await;
    assert!(matches!(answer, Err(ReadError::Denied(Denied::NotThere))));

    let all = billing::invoice::list(&firm.pool, &paul, now(), InvoiceFilter::default(), &first).await.unwrap();
    assert_eq!(all.items.len(), 3);
    let draft = billing::invoice::get(&firm.pool, &paul, now(), invoice(3)).await.unwrap();
    assert!(draft.internal.is_some());
}

// F6.3, F6.10, F4.17
#[sqlx::test(migrations = "../../migrations")]
async fn what_is_taken_away_is_gone_before_any_read_model_has_followed(owner: PgPool) {
    let firm = busy_firm(&owner, [Right::FinancialVisibility, Right::InvoiceVisibility]).await;
    let gina = firm.scope(GINA);
    let seen = project::get(&firm.pool, &gina, now(), PORTAL).await.unwrap();
    assert!(seen.amounts.is_some() && seen.invoiced.is_some());

    firm.must(PAUL, withdraw_right(PORTAL, GINA, Right::FinancialVisibility)).await;
    let seen = project::get(&firm.pool, &gina, now(), PORTAL).await.unwrap();
    assert!(seen.amounts.is_none() && seen.invoiced.is_none());

    firm.must(PAUL, remove_guest(PORTAL, GINA)).await;
    let answer = project::get(&firm.pool, &gina, now(), PORTAL).await;
    assert!(matches!(answer, Err(ReadError::Denied(Denied::NotThere))));
    assert!(dashboard(&firm.pool, &gina, now()).await.unwrap().projects.is_empty());

    let gus = firm.scope(GUS);
    assert_eq!(awaiting_my_approval(&firm.pool, &gus, now(), &PageRequest::default()).await.unwrap().items.len(), 2);
    firm.must(PAUL, withdraw_project(PORTAL)).await;
    assert!(awaiting_my_approval(&firm.pool, &gus, now(), &PageRequest::default()).await.unwrap().items.is_empty());
    firm.must(ADA, deactivate_portal_user(firm.org, GUS)).await;
    let answer = dashboard(&firm.pool, &gus, now()).await;
    assert!(matches!(answer, Err(ReadError::Denied(Denied::PortalUserInactive))));
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_is_the_firms_own_business_is_not_there_for_a_guest(owner: PgPool) {
    let firm = busy_firm(&owner, [Right::FinancialVisibility, Right::InvoiceVisibility]).await;
    let (pool, gina, at, first) = (&firm.pool, firm.scope(GINA), now(), PageRequest::default());
    let card = people::person_card::cards(pool, &gina, at, &[contact_of(GUS).into()]).await.map(drop);
    let answers = [
        clients::client::list(pool, &gina, at, &first).await.map(drop),
        clients::client::get(pool, &gina, at, ACME).await.map(drop),
        clients::contact::list(pool, &gina, at, None, &first).await.map(drop),
        clients::portal_user::list(pool, &gina, at, Default::default(), &first).await.map(drop),
        clients::portal_user::get(pool, &gina, at, GINA).await.map(drop),
        clients::portal_user::counts(pool, &gina, at).await.map(drop),
        firm_read::staff::list(pool, &gina, at, &first).await.map(drop),
        project::roster(pool, &gina, at, PORTAL).await.map(drop),
        approvals(pool, &gina, at, ApprovalFilter::default(), &first).await.map(drop),
        history::object::of_object(pool, &gina, at, (ObjectKind::Invoice, invoice(1).0), None, &first).await.map(drop),
        card,
    ];
    for (number, answer) in answers.into_iter().enumerate() {
        assert!(matches!(answer, Err(ReadError::Denied(Denied::NotThere))), "answer {number}: {answer:?}");
    }
    let firm_view = firm_read::organization::get(pool, &gina, at).await.unwrap();
    assert_eq!(firm_view.subscription, None);
    let project = project::get(pool, &gina, at, PORTAL).await.unwrap();
    assert_eq!((project.internal, project.my_rights.map(|rights| rights.len())), (None, Some(2)));
}

// F2.7
#[sqlx::test(migrations = "../../migrations")]
async fn a_project_manager_sees_the_projects_they_manage(owner: PgPool) {
    let firm = busy_firm(&owner, INVOICES).await;
    let first = PageRequest::default();
    for (who, sees) in [(PAUL, 1), (PETRA, 0), (ADA, 1), (AUDREY, 1)] {
        let scope = firm.scope(who);
        let projects = project::list(&firm.pool, &scope, now(), ProjectFilter::default(), &first).await.unwrap();
        assert_eq!(projects.items.len(), sees, "{who}");
        let invoices =
            billing::invoice::list(&firm.pool, &scope, now(), InvoiceFilter::default(), &first).await.unwrap();
        assert_eq!(invoices.items.len(), 3 * sees, "{who}");
        let entries = approvals(&firm.pool, &scope, now(), ApprovalFilter::default(), &first).await.unwrap();
        assert_eq!(entries.items.len(), 4 * sees, "{who}");
    }
}

// The last change that a guest can see is no window onto what the firm is doing.
#[sqlx::test(migrations = "../../migrations")]
async fn a_draft_does_not_show_in_what_changed_last(owner: PgPool) {
    let firm = busy_firm(&owner, INVOICES).await;
    let (gina, paul) = (firm.scope(GINA), firm.scope(PAUL));
    let before = project::get(&firm.pool, &gina, now(), PORTAL).await.unwrap().changed_at;
    firm.must(PAUL, draft_invoice(drafted(invoice(4), PORTAL, charging(PORTAL, 1, [])))).await;
    firm.follow().await;
    assert_eq!(project::get(&firm.pool, &gina, now(), PORTAL).await.unwrap().changed_at, before);
    assert!(project::get(&firm.pool, &paul, now(), PORTAL).await.unwrap().changed_at > before);
}

// F1.8
#[sqlx::test(migrations = "../../migrations")]
async fn another_organizations_rows_are_not_there_even_for_an_id_that_exists_in_both(owner: PgPool) {
    let firm = busy_firm(&owner, INVOICES).await;
    let other = Firm::on(firm.ledger.clone(), 2).await;
    other.follow().await;
    let first = PageRequest::default();
    let projects =
        project::list(&other.pool, &other.scope(ADA), now(), ProjectFilter::default(), &first).await.unwrap();
    assert!(projects.items.is_empty());
    let rows = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM read.project").fetch_one(&firm.pool).await.unwrap();
    assert_eq!(rows, 0, "a transaction that names no organization sees no row of any");
}
