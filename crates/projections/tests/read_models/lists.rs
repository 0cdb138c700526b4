//! Lists: every row once, page by page, whatever the filter.

use crate::firm::*;
use countersign_domain::firm::organization::Plan;
use countersign_domain::ids::PersonId;
use countersign_domain::ids::{PortalUserId, ProjectId};
use countersign_domain::use_cases::firm::change_plan;
use countersign_domain::use_cases::guests::{
    InviteGuest, deactivate_portal_user, invite_guest, revoke_invitation, save_guest,
};
use countersign_domain::use_cases::projects::open_project;
use countersign_projections::billing::invoice::InvoiceFilter;
use countersign_projections::clients::portal_user::{PortalUserFilter, Status};
use countersign_projections::work::project::ProjectFilter;
use countersign_projections::{
    Cursor, Limit, Page, PageRequest, ReadError, Scope, billing, clients, firm as firm_read, people, work,
};
use sqlx::PgPool;
use uuid::Uuid;

/// Reads a list to its end, two rows at a time.
async fn all<T, F>(mut page: impl FnMut(PageRequest) -> F) -> Vec<T>
where
    F: Future<Output = Result<Page<T>, ReadError>>,
{
    let (mut items, mut after): (Vec<T>, Option<Cursor>) = (Vec::new(), None);
    loop {
        let request = PageRequest { after, limit: Limit::try_from(2).unwrap() };
        let read = page(request).await.unwrap();
        assert!(read.items.len() <= 2);
        items.extend(read.items);
        let Some(next) = read.next else { return items };
        after = Some(next.to_string().parse().unwrap());
    }
}

fn guest_number(number: u128) -> PortalUserId {
    PortalUserId(Uuid::from_u128(0x900 + number))
}

#[sqlx::test(migrations = "../../migrations")]
async fn every_row_of_a_list_comes_once_however_many_pages_it_takes(owner: PgPool) {
    let firm = Firm::open(&owner).await;
    for number in 1..=5 {
        let project = ProjectId(Uuid::from_u128(0xf0 + number));
        firm.show(project, &format!("Project {}", 9 - number)).await;
        firm.bill_as_draft(invoice(number), project).await;
        firm.work(entry(number), PORTAL, "1").await;
        let guest = firm.guest(guest_number(number), ACME, vec![]).await;
        firm.must(ADA, save_guest(guest)).await;
    }
    firm.follow().await;
    let (pool, ada, at) = (&firm.pool, firm.scope(ADA), now());
    let ada = &ada;

    let projects =
        all(|page| async move { work::project::list(pool, ada, at, ProjectFilter::default(), &page).await }).await;
    let names: Vec<_> = projects.iter().map(|project| project.name.as_str()).collect();
    assert_eq!(names, ["Project 4", "Project 5", "Project 6", "Project 7", "Project 8"]);
    let invoices =
        all(|page| async move { billing::invoice::list(pool, ada, at, InvoiceFilter::default(), &page).await }).await;
    let ids: Vec<_> = invoices.iter().map(|invoice| invoice.invoice).collect();
    assert_eq!(ids, [5, 4, 3, 2, 1].map(invoice));
    let times = all(|page| async move { work::time_entry::of_project(pool, ada, at, PORTAL, None, &page).await }).await;
    assert_eq!(times.iter().map(|time| time.time_entry).collect::<Vec<_>>(), [5, 4, 3, 2, 1].map(entry));
    let users =
        all(|page| async move { clients::portal_user::list(pool, ada, at, PortalUserFilter::default(), &page).await })
            .await;
    assert_eq!(users.iter().map(|user| user.portal_user).collect::<Vec<_>>(), [5, 4, 3, 2, 1].map(guest_number));
    let contacts = all(|page| async move { clients::contact::list(pool, ada, at, Some(ACME), &page).await }).await;
    assert_eq!(contacts.len(), 5);
    let clients = all(|page| async move { clients::client::list(pool, ada, at, &page).await }).await;
    assert_eq!(clients.iter().map(|client| client.name.as_str()).collect::<Vec<_>>(), ["Acme", "Globex"]);
    let staff = all(|page| async move { firm_read::staff::list(pool, ada, at, &page).await }).await;
    assert_eq!(staff.iter().map(|staff| staff.staff).collect::<Vec<_>>(), [AUDREY, PETRA, PAUL, ADA]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_cursor_of_another_list_is_refused(owner: PgPool) {
    let firm = Firm::open(&owner).await;
    firm.show(PORTAL, "Portal").await;
    firm.show(SHOP, "Shop").await;
    firm.follow().await;
    let one = PageRequest { after: None, limit: Limit::try_from(1).unwrap() };
    let first = work::project::list(&firm.pool, &firm.scope(ADA), now(), ProjectFilter::default(), &one).await.unwrap();
    let page = PageRequest { after: first.next, limit: Limit::default() };
    let answer = billing::invoice::list(&firm.pool, &firm.scope(ADA), now(), InvoiceFilter::default(), &page).await;
    assert!(matches!(answer, Err(ReadError::Cursor(_))));
}

// F1.1, F4.13 to F4.16
#[sqlx::test(migrations = "../../migrations")]
async fn staff_sees_where_every_portal_user_stands_and_which_seats_are_taken(owner: PgPool) {
    let firm = Firm::open(&owner).await;
    firm.must(ADA, change_plan(firm.org, Plan::Starter)).await;
    firm.show(PORTAL, "Portal").await;
    firm.welcome(GINA, PORTAL, []).await;
    firm.welcome(GUS, PORTAL, []).await;
    firm.must(ADA, deactivate_portal_user(firm.org, GUS)).await;
    for number in 1..=3 {
        let guest = firm.guest(guest_number(number), ACME, vec![]).await;
        let invitation = invitation(guest_number(number).0);
        firm.must(ADA, invite_guest(InviteGuest { org: firm.org, guest, invitation })).await;
    }
    firm.must(ADA, revoke_invitation(firm.org, guest_number(3), None)).await;
    firm.follow().await;

    let (pool, ada) = (&firm.pool, firm.scope(ADA));
    let counts = clients::portal_user::counts(pool, &ada, now()).await.unwrap();
    assert_eq!((counts.awaiting, counts.pending, counts.active, counts.inactive), (1, 2, 1, 1));
    assert_eq!((counts.seats.used, counts.seats.limit), (3, Some(10)));
    let pending = PortalUserFilter { status: Some(Status::Pending), ..PortalUserFilter::default() };
    let users = clients::portal_user::list(pool, &ada, now(), pending, &PageRequest::default()).await.unwrap();
    assert_eq!(users.items.len(), 2);
    assert!(users.items.iter().all(|user| user.invitation.is_some() && user.expires_at.is_some()));
    let gina = clients::portal_user::get(pool, &ada, now(), GINA).await.unwrap();
    let card = gina.card.unwrap();
    assert_eq!((card.name.as_deref(), card.email.unwrap().as_str()), (Some("Guest 9a"), "guest.9a@example.com"));
    assert!(gina.accepted_at.is_some() && gina.invitation.is_none());
}

#[sqlx::test(migrations = "../../migrations")]
async fn everybody_learns_who_they_are_and_staff_whose_name_it_is(owner: PgPool) {
    let firm = Firm::open(&owner).await;
    firm.show(PORTAL, "Portal").await;
    firm.welcome(GINA, PORTAL, []).await;
    firm.follow().await;
    let pool = &firm.pool;
    let gina = people::person_card::myself(pool, &firm.scope(GINA)).await.unwrap();
    assert_eq!((gina.client, gina.client_name), (Some(ACME), Some(label("Acme"))));
    assert_eq!(gina.card.and_then(|card| card.name).as_deref(), Some("Guest 9a"));
    let wanted = [PersonId::from(ADA), PersonId::from(contact_of(GINA)), PersonId(Uuid::nil())];
    let cards = people::person_card::cards(pool, &firm.scope(PAUL), now(), &wanted).await.unwrap();
    assert_eq!(cards.len(), 2);
    assert_eq!(cards[&wanted[0]].name.as_deref(), Some("Ada Admin"));
    assert!(people::person_card::myself(pool, &Scope::operator(firm.org)).await.is_err());

    let mailbox = firm.mailbox(cards[&wanted[1]].email.as_ref().unwrap()).await;
    let contact = clients::contact::by_mailbox(pool, &firm.scope(PAUL), now(), mailbox).await.unwrap().unwrap();
    assert_eq!((contact.contact, contact.portal_user), (contact_of(GINA), Some(GINA)));
}

// F6.1
#[sqlx::test(migrations = "../../migrations")]
async fn staff_sees_a_projects_roster(owner: PgPool) {
    let firm = Firm::open(&owner).await;
    firm.must(ADA, open_project(contract(PORTAL, ACME, "Portal"))).await;
    let empty = work::project::roster(&firm.pool, &firm.scope(PAUL), now(), PORTAL).await.unwrap();
    assert_eq!(empty, []);
    firm.welcome(GINA, PORTAL, countersign_domain::access::Right::ALL).await;
    firm.follow().await;
    let roster = work::project::roster(&firm.pool, &firm.scope(PAUL), now(), PORTAL).await.unwrap();
    assert_eq!((roster.len(), roster[0].portal_user, roster[0].rights.len()), (1, GINA, 5));
    assert_eq!((roster[0].status.as_str(), roster[0].contact), ("active", Some(contact_of(GINA))));
    assert!(work::project::roster(&firm.pool, &firm.scope(PETRA), now(), PORTAL).await.is_err());
}
