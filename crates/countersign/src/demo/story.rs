//! What happens: thirteen weeks of work for three clients, week by week.

use crate::demo::cast::{
    ADMIN, CUSTOMERS, Colleague, Customer, Joins, MEI, OTTO, PIET, Person, SLUG, dice, id, org, written,
};
use crate::demo::stage::Stage;
use crate::failure::Failure;
use countersign_domain::access::{Right, Window};
use countersign_domain::approval::Salt;
use countersign_domain::billing::line::{Line, Lines, Quantity};
use countersign_domain::billing::number::Prefix;
use countersign_domain::clients::portal_user::Invitation;
use countersign_domain::envelope::{Actor, Principal};
use countersign_domain::firm::organization::{Home, Plan};
use countersign_domain::ids::{InvitationId, InvoiceId, TimeEntryId};
use countersign_domain::use_cases::billing::{
    DraftInvoice, approve_invoice, draft_invoice, put_invoice_in_review, request_invoice_changes, revise_invoice,
    send_invoice,
};
use countersign_domain::use_cases::clients::open_client;
use countersign_domain::use_cases::firm::{
    NewStaff, RegisterOrganization, add_staff, join_staff, register_organization,
};
use countersign_domain::use_cases::guests::{
    Guest, InviteGuest, Place, accept_invitation, deactivate_portal_user, invite_guest, save_guest,
};
use countersign_domain::use_cases::projects::{OpenProject, open_project, publish_project, withdraw_right};
use countersign_domain::use_cases::work_time::{
    LogTime, approve_time, log_time, reject_time, revise_time, submit_time,
};
use countersign_domain::values::{Currency, Email, Hours, Label, Locale, Money, Note, Percent, Slug, TimeZone};
use countersign_domain::work::project::ContractLine;
use countersign_domain::work::time_entry::Worked;
use countersign_projections::work::time_entry;
use countersign_projections::{Limit, PageRequest, Scope, billing};
use rust_decimal::Decimal;
use std::collections::BTreeSet;

const WEEKS: i64 = 13;
/// Every fourth week is invoiced.
const INVOICED_EVERY: i64 = 4;
/// In which week somebody leaves.
const LEAVING: i64 = 7;

const WORK: [&str; 6] = [
    "Workshop with the client's team",
    "Page templates",
    "Review of last week's findings",
    "Forms and their checks",
    "Search and filters",
    "Tests on old phones",
];

/// Plays the story from its beginning, or from where it was broken off.
pub(crate) async fn play(stage: &Stage<'_>) -> Result<(), Failure> {
    found_the_firm(stage).await?;
    for customer in CUSTOMERS {
        take_on(stage, customer).await?;
    }
    for week in 0..WEEKS {
        for customer in CUSTOMERS {
            work(stage, customer, week).await?;
        }
        stage.settle().await?;
        // The last week's time still waits for the clients when the story ends.
        if week + 1 < WEEKS {
            for customer in CUSTOMERS {
                decide_on_time(stage, customer, week).await?;
            }
        }
        if (week + 1) % INVOICED_EVERY == 0 {
            for customer in CUSTOMERS {
                invoice(stage, customer, week).await?;
            }
        }
        if week == LEAVING {
            somebody_leaves(stage, week).await?;
        }
    }
    end(stage).await
}

async fn found_the_firm(stage: &Stage<'_>) -> Result<(), Failure> {
    let at = stage.at(0, 0);
    let register = RegisterOrganization {
        org: org(),
        slug: written(Slug::parse(SLUG))?,
        name: written(Label::parse("Larch & Loom"))?,
        plan: Plan::Rise,
        home: Home {
            time_zone: written(TimeZone::parse("Europe/Tallinn"))?,
            currency: eur()?,
            locale: written(Locale::parse("en"))?,
        },
        admin: colleague(stage, &ADMIN).await?,
    };
    stage.act("register", at, Actor::Operator, register_organization(register)).await?;
    joins(stage, &ADMIN).await?;
    for new in [&PIET, &MEI, &OTTO] {
        let add = add_staff(colleague(stage, new).await?, new.level);
        stage.act(&format!("add {}", new.email), at, Actor::Staff(ADMIN.id()), add).await?;
        joins(stage, new).await?;
    }
    Ok(())
}

async fn colleague(stage: &Stage<'_>, who: &Colleague) -> Result<NewStaff, Failure> {
    let email = written(Email::parse(who.email))?;
    Ok(NewStaff {
        id: who.id(),
        name: written(Label::parse(who.name))?,
        mailbox: stage.mailbox(&email).await?,
        email,
        invitation: invitation(stage, who.email, 0),
    })
}

async fn joins(stage: &Stage<'_>, who: &Colleague) -> Result<(), Failure> {
    let mailbox = stage.mailbox(&written(Email::parse(who.email))?).await?;
    let invitation = invitation(stage, who.email, 0).id;
    let (name, at) = (format!("join {}", who.email), stage.at(0, 1));
    stage.choose_password(&name, Principal::Staff(who.id()), mailbox, invitation, at).await?;
    let join = join_staff(who.id(), invitation);
    stage.act(&name, at, Actor::Staff(who.id()), join).await
}

/// A client, its project, and its people on it.
async fn take_on(stage: &Stage<'_>, customer: &Customer) -> Result<(), Failure> {
    let at = stage.at(0, 2);
    let (admin, manager) = (Actor::Staff(ADMIN.id()), Actor::Staff(customer.manager.id()));
    let open = open_client(customer.client(), written(Label::parse(customer.name))?);
    stage.act(&format!("open {}", customer.name), at, admin.clone(), open).await?;
    let open = open_project(OpenProject {
        project: customer.project(),
        client: customer.client(),
        name: written(Label::parse(customer.project))?,
        currency: eur()?,
        manager: Some(customer.manager.id()),
        contract_lines: contract(customer)?,
    });
    stage.act(&format!("open {}", customer.project), at, admin, open).await?;
    stage.act(&format!("publish {}", customer.project), at, manager, publish_project(customer.project())).await?;
    for person in customer.people {
        match person.joins {
            Joins::AndStays | Joins::AndLeaves => {
                invite(stage, customer, person, 0).await?;
                accept(stage, person).await?;
            }
            Joins::NotYet => {
                let save = save_guest(guest(stage, customer, person).await?);
                stage.act(&format!("save {}", person.email), stage.at(0, 3), Actor::Staff(ADMIN.id()), save).await?;
            }
            Joins::Later => {}
        }
    }
    Ok(())
}

fn contract(customer: &Customer) -> Result<Vec<ContractLine>, Failure> {
    let line = |(index, (name, rate, hours)): (usize, &(&str, i64, i64))| {
        let rate = money(*rate)?;
        Ok(ContractLine {
            id: customer.line(index),
            name: written(Label::parse(name))?,
            rate,
            amount: written(rate.times(Decimal::from(*hours)))?,
            hours: Decimal::from(*hours),
        })
    };
    customer.lines.iter().enumerate().map(line).collect()
}

async fn guest(stage: &Stage<'_>, customer: &Customer, person: &Person) -> Result<Guest, Failure> {
    let email = written(Email::parse(person.email))?;
    Ok(Guest {
        portal_user: person.portal_user(),
        contact: person.contact(),
        client: customer.client(),
        name: written(Label::parse(person.name))?,
        mailbox: stage.mailbox(&email).await?,
        email,
        projects: vec![Place {
            project: customer.project(),
            rights: person.rights.iter().copied().collect(),
            window: Window::default(),
        }],
    })
}

async fn invite(stage: &Stage<'_>, customer: &Customer, person: &Person, day: i64) -> Result<(), Failure> {
    let guest = guest(stage, customer, person).await?;
    let command = InviteGuest { org: org(), guest, invitation: invitation(stage, person.email, day) };
    let name = format!("invite {}", person.email);
    stage.act(&name, stage.at(day, 3), Actor::Staff(customer.manager.id()), invite_guest(command)).await
}

async fn accept(stage: &Stage<'_>, person: &Person) -> Result<(), Failure> {
    let who = person.portal_user();
    let mailbox = stage.mailbox(&written(Email::parse(person.email))?).await?;
    let invitation = invitation(stage, person.email, 0).id;
    let (name, at) = (format!("accept {}", person.email), stage.at(0, 4));
    stage.choose_password(&name, Principal::PortalUser(who), mailbox, invitation, at).await?;
    let accept = accept_invitation(who, invitation);
    stage.act(&name, at, Actor::PortalUser(who), accept).await
}

/// A manager's week on a project: some entries, submitted on Friday.
async fn work(stage: &Stage<'_>, customer: &Customer, week: i64) -> Result<(), Failure> {
    let manager = Actor::Staff(customer.manager.id());
    for turn in 0..2 + i64::from(dice(format!("{}/{week}", customer.project), 2)) {
        let name = format!("time/{}/{week}/{turn}", customer.project);
        let day = week * 7 + turn * 2;
        let log = log_time(LogTime {
            time_entry: TimeEntryId(id(&name)),
            project: customer.project(),
            contract_line: customer.line(usize::from(dice(&name, customer.lines.len() as u8))),
            worked: worked(stage, &name, day)?,
            salt: salt(&name),
        });
        stage.act(&format!("log {name}"), stage.at(day, 9), manager.clone(), log).await?;
    }
    for turn in 0..2 + i64::from(dice(format!("{}/{week}", customer.project), 2)) {
        let name = format!("time/{}/{week}/{turn}", customer.project);
        let submit = submit_time(TimeEntryId(id(&name)));
        stage.act(&format!("submit {name}"), stage.at(week * 7 + 4, 10), manager.clone(), submit).await?;
    }
    Ok(())
}

fn worked(stage: &Stage<'_>, name: &str, day: i64) -> Result<Worked, Failure> {
    let quarters = 8 + i64::from(dice(format!("hours/{name}"), 22));
    Ok(Worked {
        on: written(stage.date(day).try_into())?,
        hours: written(Hours::try_from(Decimal::new(quarters * 25, 2)))?,
        note: written(Note::parse(WORK[usize::from(dice(format!("work/{name}"), WORK.len() as u8))]))?,
    })
}

/// On Monday the client decides on what was submitted: as shown to them at that moment. Now and then they refuse.
async fn decide_on_time(stage: &Stage<'_>, customer: &Customer, week: i64) -> Result<(), Failure> {
    let monday = stage.at((week + 1) * 7, 2);
    let approver = customer.approver().portal_user();
    let waiting = submitted(stage, customer, week).await?;
    for entry in waiting {
        let name = format!("time/{}", entry.time_entry);
        let refuses = dice(&name, 9) == 0 && entry.revision == 1;
        let decision = if refuses {
            let reason = written(Note::parse("We agreed on less for this. Please look again."))?;
            reject_time(entry.time_entry, entry.shown, reason)
        } else {
            approve_time(entry.time_entry, entry.shown, None)
        };
        let act = format!("decide {name}/{}", entry.revision);
        stage.act(&act, monday, Actor::PortalUser(approver), decision).await?;
        if refuses {
            correct(stage, customer, week, &entry).await?;
        }
    }
    stage.settle().await
}

async fn submitted(
    stage: &Stage<'_>,
    customer: &Customer,
    week: i64,
) -> Result<Vec<time_entry::TimeEntryView>, Failure> {
    let asker = Scope::person(org(), Principal::PortalUser(customer.approver().portal_user()), Some(customer.client()));
    let page = PageRequest { after: None, limit: written(Limit::try_from(200))? };
    let status = Some(time_entry::Status::Submitted);
    let at = stage.at((week + 1) * 7, 2);
    let found = time_entry::of_project(stage.pool(), &asker, at, customer.project(), status, &page).await;
    Ok(found.map_err(|error| Failure::because("the demo's time could not be read", error))?.items)
}

/// The author takes an hour off and submits again; the client decides with the next week's.
async fn correct(
    stage: &Stage<'_>,
    customer: &Customer,
    week: i64,
    entry: &time_entry::TimeEntryView,
) -> Result<(), Failure> {
    let name = format!("time/{}", entry.time_entry);
    let manager = Actor::Staff(customer.manager.id());
    let worked = Worked {
        on: written(entry.worked_on.try_into())?,
        hours: written(Hours::try_from(entry.hours.as_decimal() - Decimal::ONE))?,
        note: entry.note.clone(),
    };
    let revise = revise_time(entry.time_entry, worked, salt(&format!("{name}/2")));
    stage.act(&format!("revise {name}"), stage.at((week + 1) * 7, 4), manager.clone(), revise).await?;
    stage.act(&format!("resubmit {name}"), stage.at((week + 1) * 7, 4), manager, submit_time(entry.time_entry)).await
}

/// A month's invoice: drafted and put in review on Monday, decided on Tuesday, and sent.
async fn invoice(stage: &Stage<'_>, customer: &Customer, week: i64) -> Result<(), Failure> {
    let name = format!("invoice/{}/{week}", customer.project);
    let invoice = InvoiceId(id(&name));
    let (monday, tuesday) = ((week + 1) * 7, (week + 1) * 7 + 1);
    let manager = Actor::Staff(customer.manager.id());
    let last = week + INVOICED_EVERY >= WEEKS;
    let draft = draft_invoice(DraftInvoice {
        invoice,
        project: customer.project(),
        currency: eur()?,
        lines: charges(customer, &name, 0)?,
        salt: salt(&name),
    });
    stage.act(&format!("draft {name}"), stage.at(monday, 6), manager.clone(), draft).await?;
    // The last month's invoice of one client is still being written when the story ends.
    if last && customer.manager.email == MEI.email {
        return Ok(());
    }
    stage.act(&format!("ask {name}"), stage.at(monday, 7), manager.clone(), put_invoice_in_review(invoice)).await?;
    // Another one still waits for the client.
    if last && customer.lines.len() > 1 {
        return Ok(());
    }
    let refused = dice(&name, 3) == 0;
    if refused {
        let reason = written(Note::parse("The second line is not what we ordered: please charge it as agreed."))?;
        let shown = shown(stage, customer, invoice, tuesday).await?;
        let refuse = request_invoice_changes(invoice, shown, reason);
        stage.act(&format!("refuse {name}"), stage.at(tuesday, 1), approver(customer), refuse).await?;
        let revise = revise_invoice(invoice, charges(customer, &name, 1)?, salt(&format!("{name}/2")));
        stage.act(&format!("revise {name}"), stage.at(tuesday, 2), manager.clone(), revise).await?;
        stage
            .act(&format!("ask again {name}"), stage.at(tuesday, 2), manager.clone(), put_invoice_in_review(invoice))
            .await?;
    }
    let shown = shown(stage, customer, invoice, tuesday).await?;
    stage
        .act(
            &format!("approve {name}"),
            stage.at(tuesday, 3),
            approver(customer),
            approve_invoice(invoice, shown, None),
        )
        .await?;
    // The processes send it where the approval says so; otherwise the manager does.
    stage.settle().await?;
    if !customer.approver().rights.contains(&Right::AutoSendOnApproval) {
        let send = written(send_invoice(org(), invoice, Prefix::default(), stage.date(tuesday)))?;
        stage.act(&format!("send {name}"), stage.at(tuesday, 4), manager, send).await?;
    }
    stage.settle().await
}

fn approver(customer: &Customer) -> Actor {
    Actor::PortalUser(customer.approver().portal_user())
}

/// The digest of exactly what the client's approver is shown of an invoice.
async fn shown(
    stage: &Stage<'_>,
    customer: &Customer,
    invoice: InvoiceId,
    day: i64,
) -> Result<countersign_canon::Digest, Failure> {
    stage.settle().await?;
    let asker = Scope::person(org(), Principal::PortalUser(customer.approver().portal_user()), Some(customer.client()));
    let view = billing::invoice::get(stage.pool(), &asker, stage.at(day, 3), invoice).await;
    Ok(view.map_err(|error| Failure::because("the demo's invoice could not be read", error))?.shown)
}

/// What a month's invoice charges; a revision charges less of everything.
fn charges(customer: &Customer, name: &str, revision: i64) -> Result<Lines, Failure> {
    let line = |(index, (title, rate, _)): (usize, &(&str, i64, i64))| {
        let hours = 20 + i64::from(dice(format!("{name}/{title}"), 20)) - 2 * revision;
        Ok(Line {
            description: written(Note::parse(&format!("{title}, hours of the month")))?,
            quantity: written(Quantity::try_from(Decimal::from(hours)))?,
            unit_price: money(*rate)?,
            tax: written(Percent::try_from(Decimal::from(22)))?,
            contract_line: Some(customer.line(index)),
            time_entries: BTreeSet::new(),
        })
    };
    let lines: Vec<Line> = customer.lines.iter().enumerate().map(line).collect::<Result<_, Failure>>()?;
    written(Lines::try_from(lines))
}

/// Somebody at a client leaves; somebody else may no longer see amounts.
async fn somebody_leaves(stage: &Stage<'_>, week: i64) -> Result<(), Failure> {
    let admin = Actor::Staff(ADMIN.id());
    for customer in CUSTOMERS {
        for person in customer.people.iter().filter(|person| person.joins == Joins::AndLeaves) {
            let less = withdraw_right(customer.project(), person.portal_user(), Right::FinancialVisibility);
            stage.act(&format!("less for {}", person.email), stage.at(week * 7 + 8, 5), admin.clone(), less).await?;
            let leave = deactivate_portal_user(org(), person.portal_user());
            stage.act(&format!("deactivate {}", person.email), stage.at(week * 7 + 9, 5), admin.clone(), leave).await?;
        }
    }
    Ok(())
}

/// The last thing that happens: somebody is invited and has not answered yet.
async fn end(stage: &Stage<'_>) -> Result<(), Failure> {
    for customer in CUSTOMERS {
        for person in customer.people.iter().filter(|person| person.joins == Joins::Later) {
            invite(stage, customer, person, WEEKS * 7).await?;
        }
    }
    stage.settle().await
}

/// An invitation that lives well beyond the story, so that it can be looked at.
fn invitation(stage: &Stage<'_>, email: &str, day: i64) -> Invitation {
    Invitation {
        id: InvitationId(id(format!("invitation/{email}"))),
        nonce: id(format!("nonce/{email}")).simple().to_string(),
        expires_at: stage.at(day + 60, 0),
    }
}

fn salt(name: &str) -> Salt {
    Salt::new(id(format!("salt/{name}")).into_bytes())
}

fn eur() -> Result<Currency, Failure> {
    written(Currency::parse("EUR"))
}

fn money(cents: i64) -> Result<Money, Failure> {
    written(Money::new(cents, eur()?))
}
