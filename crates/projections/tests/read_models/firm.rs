//! A small firm in a fresh database: its people, its clients, and how tests work for it.

use countersign_domain::access::{Right, Rights, Window};
use countersign_domain::approval::Salt;
use countersign_domain::billing::line::{Line, Lines, Quantity};
use countersign_domain::billing::number::Prefix;
use countersign_domain::clients::portal_user::Invitation;
use countersign_domain::envelope::{Actor, Principal};
use countersign_domain::firm::organization::{Home, Plan};
use countersign_domain::firm::staff::Level;
use countersign_domain::ids::{
    ClientId, CommandId, ContactId, ContractLineId, InvitationId, InvoiceId, MailboxId, OrgId, PortalUserId, ProjectId,
    StaffId, TimeEntryId,
};
use countersign_domain::use_case::UseCase;
use countersign_domain::use_cases::billing::{DraftInvoice, draft_invoice, put_invoice_in_review, send_invoice};
use countersign_domain::use_cases::clients::open_client;
use countersign_domain::use_cases::firm::{
    NewStaff, RegisterOrganization, add_staff, join_staff, register_organization,
};
use countersign_domain::use_cases::guests::{Guest, InviteGuest, Place, accept_invitation, invite_guest};
use countersign_domain::use_cases::projects::{OpenProject, open_project, publish_project};
use countersign_domain::use_cases::work_time::{LogTime, log_time};
use countersign_domain::values::{
    Currency, Email, Hours, Label, Locale, Money, Note, Percent, Slug, TimeZone, Timestamp,
};
use countersign_domain::work::project::ContractLine;
use countersign_domain::work::time_entry::Worked;
use countersign_eventstore::{Ledger, LedgerOptions, MasterKey, Submission, SystemClock, Vault, Verdict};
use countersign_projections::{
    Advance, Group, Positions, RebuildReport, Rebuilds, Scope, Wanted, Workers, advance, groups, nobody_watches,
};
use rust_decimal::Decimal;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// The admin.
pub const ADA: StaffId = StaffId(Uuid::from_u128(0xad));
/// A project manager; manages what `open` opens.
pub const PAUL: StaffId = StaffId(Uuid::from_u128(0x5b));
/// Another project manager.
pub const PETRA: StaffId = StaffId(Uuid::from_u128(0x5c));
/// The auditor.
pub const AUDREY: StaffId = StaffId(Uuid::from_u128(0x5d));

/// A client.
pub const ACME: ClientId = ClientId(Uuid::from_u128(0xc1));
/// Another client.
pub const GLOBEX: ClientId = ClientId(Uuid::from_u128(0xc2));

/// A guest of Acme.
pub const GINA: PortalUserId = PortalUserId(Uuid::from_u128(0x9a));
/// Another guest of Acme.
pub const GUS: PortalUserId = PortalUserId(Uuid::from_u128(0x9b));

/// A project for Acme.
pub const PORTAL: ProjectId = ProjectId(Uuid::from_u128(0xf1));
/// Another project for Acme.
pub const SHOP: ProjectId = ProjectId(Uuid::from_u128(0xf2));

/// All groups of read models.
pub const GROUPS: [&str; 5] = ["portal", "approvals", "history", "people", "cases"];

/// A firm with its ledger.
pub struct Firm {
    pub org: OrgId,
    pub ledger: Ledger,
    /// As the application works.
    pub pool: PgPool,
    pub groups: Arc<Vec<Group>>,
    commands: AtomicU64,
}

/// A node over a database, as the application's role.
pub async fn node(owner: &PgPool) -> Ledger {
    let options = (*owner.connect_options()).clone().username("countersign_app");
    let pool = PgPoolOptions::new().max_connections(12).connect_with(options).await.unwrap();
    let vault = Vault::new(pool.clone(), MasterKey::parse(&"5a".repeat(32)).unwrap());
    Ledger::start(pool, vault, Arc::new(SystemClock), LedgerOptions { lanes: 2, ..LedgerOptions::default() })
}

/// Rebuilds a group for everybody, and keeps nothing of what was there before.
pub async fn rebuild(ledger: &Ledger, group: &str) -> RebuildReport {
    rebuild_with(ledger, groups(), group).await
}

/// The same in a build with these groups.
pub async fn rebuild_with(ledger: &Ledger, groups: Vec<Group>, group: &str) -> RebuildReport {
    let rebuilds = Rebuilds::new(ledger.clone(), Arc::new(groups));
    let begun = rebuilds.ask(&everybody(group)).await.unwrap();
    rebuilds.work_on(&[begun.id], &nobody_watches()).await.unwrap().remove(0)
}

/// A rebuild for everybody, of which nothing is kept.
pub fn everybody(group: &str) -> Wanted {
    Wanted { group: group.to_owned(), only: None, canaries: Vec::new(), keep: Duration::ZERO, by: Workers::Asker }
}

impl Firm {
    /// A firm in a database of its own.
    pub async fn open(owner: &PgPool) -> Self {
        Self::on(node(owner).await, 1).await
    }

    /// One of several firms in a database: its staff at work, its clients known.
    pub async fn on(ledger: Ledger, number: u128) -> Self {
        let firm = Self::registered(ledger, number).await;
        for (id, name, level) in [
            (PAUL, "Paul Manager", Level::ProjectManager),
            (PETRA, "Petra Manager", Level::ProjectManager),
            (AUDREY, "Audrey Auditor", Level::Auditor),
        ] {
            firm.must(ADA, add_staff(firm.staff(id, name).await, level)).await;
            firm.must(Actor::Operator, join_staff(id, invitation(id.0).id)).await;
        }
        firm.must(ADA, open_client(ACME, label("Acme"))).await;
        firm.must(ADA, open_client(GLOBEX, label("Globex"))).await;
        firm
    }

    /// A firm of which there is no more than its admin.
    pub async fn registered(ledger: Ledger, number: u128) -> Self {
        let firm = Self::unopened(ledger, number);
        firm.ledger.open(firm.org).await.unwrap();
        let admin = firm.staff(ADA, "Ada Admin").await;
        let register = RegisterOrganization {
            org: firm.org,
            slug: Slug::parse("north-star").unwrap(),
            name: label("North Star"),
            plan: Plan::Trial,
            home: home(),
            admin,
        };
        firm.must(Actor::Operator, register_organization(register)).await;
        firm.must(Actor::Operator, join_staff(ADA, invitation(ADA.0).id)).await;
        firm
    }

    /// A firm without a ledger.
    pub fn unopened(ledger: Ledger, number: u128) -> Self {
        let pool = ledger.reader().pool().clone();
        let org = OrgId(Uuid::from_u128(0x0a11_0000 + number));
        Self { org, ledger, pool, groups: Arc::new(groups()), commands: AtomicU64::new(1) }
    }

    /// What the rules say to a command.
    pub async fn does(&self, who: impl Into<Who>, use_case: UseCase) -> Verdict {
        let number = self.commands.fetch_add(1, Ordering::Relaxed);
        let command = CommandId(Uuid::new_v5(&self.org.0, &number.to_be_bytes()));
        let request = format!("{number}").into_bytes();
        let submission = Submission::new(self.org, command, who.into().0, request, use_case);
        self.ledger.execute(submission).await.unwrap().verdict
    }

    /// A command that is accepted; the position of its last event.
    pub async fn must(&self, who: impl Into<Who>, use_case: UseCase) -> u64 {
        let name = use_case.name;
        match self.does(who, use_case).await {
            Verdict::Accepted { first, count } => first + u64::from(count) - 1,
            other @ (Verdict::AlreadySo | Verdict::Rejected(_)) => panic!("{name}: {other:?}"),
        }
    }

    /// Brings every read model up to the ledger's head.
    pub async fn follow(&self) {
        for group in self.groups.iter() {
            while let Advance::To(_) = advance(&self.ledger, group, self.org).await.unwrap() {}
        }
    }

    /// Waits until rows are up to a position, as somebody does who asks for it; how long that took.
    pub async fn rows_reach(&self, positions: &Positions, groups: &[&str], position: u64) -> Duration {
        let since = Instant::now();
        for _ in 0..30 {
            if positions.reach(self.org, groups, position).await.is_ok() {
                return since.elapsed();
            }
        }
        panic!("the rows of {groups:?} did not reach {position}");
    }

    pub fn group(&self, name: &str) -> &Group {
        self.groups.iter().find(|group| group.name == name).unwrap()
    }

    pub fn scope(&self, who: impl Into<Asking>) -> Scope {
        Scope::person(self.org, who.into().0, None)
    }

    pub async fn mailbox(&self, email: &Email) -> MailboxId {
        self.ledger.vault().org_key(self.org).await.unwrap().mailbox(email)
    }

    pub async fn staff(&self, id: StaffId, name: &str) -> NewStaff {
        let email = address(name);
        let mailbox = self.mailbox(&email).await;
        NewStaff { id, name: label(name), email, mailbox, invitation: invitation(id.0) }
    }

    /// Somebody at a client, to be invited.
    pub async fn guest(&self, id: PortalUserId, client: ClientId, projects: Vec<Place>) -> Guest {
        let name = format!("Guest {:x}", id.0.as_u128());
        let email = address(&name);
        let mailbox = self.mailbox(&email).await;
        Guest { portal_user: id, contact: contact_of(id), client, name: label(&name), email, mailbox, projects }
    }

    /// A guest who accepted, with these rights on a project.
    pub async fn welcome(&self, id: PortalUserId, project: ProjectId, rights: impl IntoIterator<Item = Right>) {
        let guest = self.guest(id, ACME, vec![place(project, rights)]).await;
        let invite = InviteGuest { org: self.org, guest, invitation: invitation(id.0) };
        self.must(ADA, invite_guest(invite)).await;
        self.must(id, accept_invitation(id, invitation(id.0).id)).await;
    }

    /// A project for Acme, shown to it, managed by Paul.
    pub async fn show(&self, project: ProjectId, name: &str) {
        self.must(PAUL, open_project(contract(project, ACME, name))).await;
        self.must(PAUL, publish_project(project)).await;
    }

    /// Time that Paul worked on a project.
    pub async fn work(&self, entry: TimeEntryId, project: ProjectId, hours: &str) {
        self.must(PAUL, log_time(logged(entry, project, hours))).await;
    }

    /// An invoice for a project, put before the client.
    pub async fn bill(&self, invoice: InvoiceId, project: ProjectId, lines: Lines) {
        self.must(PAUL, draft_invoice(drafted(invoice, project, lines))).await;
        self.must(PAUL, put_invoice_in_review(invoice)).await;
    }

    /// An invoice that only the firm knows of.
    pub async fn bill_as_draft(&self, invoice: InvoiceId, project: ProjectId) {
        self.must(PAUL, draft_invoice(drafted(invoice, project, charging(project, 10_000, [])))).await;
    }

    pub fn sending(&self, invoice: InvoiceId) -> UseCase {
        send_invoice(self.org, invoice, Prefix::default(), now().as_utc().date_naive()).unwrap()
    }
}

/// Whoever acts, from any kind of id.
pub struct Who(Actor);

/// Whoever asks, from any kind of id.
pub struct Asking(Principal);

impl From<Actor> for Who {
    fn from(actor: Actor) -> Self {
        Self(actor)
    }
}

impl From<StaffId> for Who {
    fn from(id: StaffId) -> Self {
        Self(Actor::Staff(id))
    }
}

impl From<PortalUserId> for Who {
    fn from(id: PortalUserId) -> Self {
        Self(Actor::PortalUser(id))
    }
}

impl From<Principal> for Who {
    fn from(who: Principal) -> Self {
        match who {
            Principal::Staff(id) => id.into(),
            Principal::PortalUser(id) => id.into(),
        }
    }
}

impl From<Principal> for Asking {
    fn from(who: Principal) -> Self {
        Self(who)
    }
}

impl From<StaffId> for Asking {
    fn from(id: StaffId) -> Self {
        Self(Principal::Staff(id))
    }
}

impl From<PortalUserId> for Asking {
    fn from(id: PortalUserId) -> Self {
        Self(Principal::PortalUser(id))
    }
}

pub fn now() -> Timestamp {
    chrono::Utc::now().into()
}

pub fn label(text: &str) -> Label {
    Label::parse(text).unwrap()
}

pub fn note(text: &str) -> Note {
    Note::parse(text).unwrap()
}

pub fn eur(cents: i64) -> Money {
    Money::new(cents, Currency::parse("EUR").unwrap()).unwrap()
}

pub fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub fn home() -> Home {
    Home {
        time_zone: TimeZone::parse("Europe/Tallinn").unwrap(),
        currency: Currency::parse("EUR").unwrap(),
        locale: Locale::parse("en").unwrap(),
    }
}

pub fn invitation(number: Uuid) -> Invitation {
    let expires_at = "2099-01-01T00:00:00Z".parse().unwrap();
    Invitation { id: InvitationId(number), nonce: "00".into(), expires_at }
}

pub fn contact_of(id: PortalUserId) -> ContactId {
    ContactId(Uuid::from_u128(id.0.as_u128() + 0x1000))
}

/// The contract line of a project: 100.00 EUR an hour, 40 hours ordered.
pub fn line_of(project: ProjectId) -> ContractLineId {
    ContractLineId(Uuid::from_u128(project.0.as_u128() + 0x3000))
}

pub fn place(project: ProjectId, rights: impl IntoIterator<Item = Right>) -> Place {
    Place { project, rights: rights.into_iter().collect::<Rights>(), window: Window::default() }
}

pub fn contract(project: ProjectId, client: ClientId, name: &str) -> OpenProject {
    let line = ContractLine {
        id: line_of(project),
        name: label("Development"),
        rate: eur(10_000),
        amount: eur(400_000),
        hours: decimal("40"),
    };
    let currency = Currency::parse("EUR").unwrap();
    OpenProject { project, client, name: label(name), currency, manager: Some(PAUL), contract_lines: vec![line] }
}

pub fn worked(hours: &str) -> Worked {
    Worked {
        on: "2026-03-02".parse().unwrap(),
        hours: Hours::try_from(decimal(hours)).unwrap(),
        note: note("What was done"),
    }
}

pub fn logged(time_entry: TimeEntryId, project: ProjectId, hours: &str) -> LogTime {
    LogTime { time_entry, project, contract_line: line_of(project), worked: worked(hours), salt: salt(time_entry.0) }
}

pub fn drafted(invoice: InvoiceId, project: ProjectId, lines: Lines) -> DraftInvoice {
    DraftInvoice { invoice, project, currency: Currency::parse("EUR").unwrap(), lines, salt: salt(invoice.0) }
}

/// One line for a round sum, which charges entries of time.
pub fn charging(project: ProjectId, cents: i64, entries: impl IntoIterator<Item = TimeEntryId>) -> Lines {
    let line = Line {
        description: note("Work in March"),
        quantity: Quantity::try_from(decimal("1")).unwrap(),
        unit_price: eur(cents),
        tax: Percent::try_from(decimal("21")).unwrap(),
        contract_line: Some(line_of(project)),
        time_entries: entries.into_iter().collect(),
    };
    Lines::try_from(vec![line]).unwrap()
}

pub fn salt(number: Uuid) -> Salt {
    Salt::new(number.into_bytes())
}

pub fn entry(number: u128) -> TimeEntryId {
    TimeEntryId(Uuid::from_u128(0x7000 + number))
}

pub fn invoice(number: u128) -> InvoiceId {
    InvoiceId(Uuid::from_u128(0x8000 + number))
}

fn address(name: &str) -> Email {
    Email::parse(&format!("{}@example.com", name.to_lowercase().replace(' ', "."))).unwrap()
}
