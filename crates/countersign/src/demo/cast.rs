//! Who plays: the firm, its staff, its clients and their people.

use crate::failure::Failure;
use countersign_domain::access::Right;
use countersign_domain::firm::staff::Level;
use countersign_domain::ids::{ClientId, ContactId, ContractLineId, OrgId, PortalUserId, ProjectId, StaffId};
use std::fmt::Display;
use uuid::Uuid;

/// The demo organization's short name.
pub(crate) const SLUG: &str = "demo";
/// Everybody's password: this is a demo, and it says so.
pub(crate) const PASSWORD: &str = "welcome to the demo";
/// What every id of the demo is made from.
const SEED: Uuid = Uuid::from_u128(0x6c61_7263_6800_4000_8000_6c6f_6f6d_0001);

/// A member of the firm.
pub(crate) struct Colleague {
    pub(crate) name: &'static str,
    pub(crate) email: &'static str,
    pub(crate) level: Level,
}

/// A client, its people and its project.
pub(crate) struct Customer {
    pub(crate) name: &'static str,
    pub(crate) project: &'static str,
    pub(crate) manager: &'static Colleague,
    /// Name, rate in cents an hour, ordered hours.
    pub(crate) lines: &'static [(&'static str, i64, i64)],
    pub(crate) people: &'static [Person],
}

/// A person at a client.
pub(crate) struct Person {
    pub(crate) name: &'static str,
    pub(crate) email: &'static str,
    pub(crate) rights: &'static [Right],
    pub(crate) joins: Joins,
}

/// How far somebody comes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Joins {
    /// Accepts the invitation and stays.
    AndStays,
    /// Accepts, and is switched off half-way through the story.
    AndLeaves,
    /// Is invited when the story ends, and has not accepted yet.
    Later,
    /// Is on record, and was not invited.
    NotYet,
}

pub(crate) const ADMIN: Colleague =
    Colleague { name: "Ada Lindqvist", email: "ada@larchandloom.example", level: Level::Admin };
pub(crate) const PIET: Colleague =
    Colleague { name: "Piet Okafor", email: "piet@larchandloom.example", level: Level::ProjectManager };
pub(crate) const MEI: Colleague =
    Colleague { name: "Mei Tanaka", email: "mei@larchandloom.example", level: Level::ProjectManager };
pub(crate) const OTTO: Colleague =
    Colleague { name: "Otto Brandt", email: "otto@larchandloom.example", level: Level::Auditor };

const EVERYTHING: &[Right] = &Right::ALL;
const APPROVES: &[Right] =
    &[Right::FinancialVisibility, Right::InvoiceVisibility, Right::ApproveInvoices, Right::ApproveTime];
const LOOKS: &[Right] = &[Right::InvoiceVisibility];
const LOOKS_AT_WORK: &[Right] = &[];

pub(crate) const CUSTOMERS: &[Customer] = &[
    Customer {
        name: "Harbour Foods",
        project: "Web shop relaunch",
        manager: &PIET,
        lines: &[("Design", 11_500, 120), ("Engineering", 13_000, 260)],
        people: &[
            Person {
                name: "Gina Harper",
                email: "gina@harbourfoods.example",
                rights: EVERYTHING,
                joins: Joins::AndStays,
            },
            Person { name: "Nils Berg", email: "nils@harbourfoods.example", rights: LOOKS, joins: Joins::AndStays },
            Person {
                name: "Rosa Vela",
                email: "rosa@harbourfoods.example",
                rights: LOOKS_AT_WORK,
                joins: Joins::NotYet,
            },
        ],
    },
    Customer {
        name: "Brightwater Clinics",
        project: "Patient portal",
        manager: &MEI,
        lines: &[("Research", 12_000, 80), ("Engineering", 13_500, 300)],
        people: &[
            Person { name: "Carl Osei", email: "carl@brightwater.example", rights: APPROVES, joins: Joins::AndStays },
            Person {
                name: "Tess Moreau",
                email: "tess@brightwater.example",
                rights: APPROVES,
                joins: Joins::AndLeaves,
            },
        ],
    },
    Customer {
        name: "Kestrel Rail",
        project: "Timetable app",
        manager: &PIET,
        lines: &[("Prototype", 11_000, 100)],
        people: &[
            Person { name: "Ivo Novak", email: "ivo@kestrelrail.example", rights: EVERYTHING, joins: Joins::AndStays },
            Person { name: "Lena Roth", email: "lena@kestrelrail.example", rights: LOOKS, joins: Joins::Later },
        ],
    },
];

/// Who can sign in, and as what: a line for each role.
pub(crate) fn sign_ins() -> [(&'static str, &'static str); 5] {
    [
        ("guest who sees amounts, approves and sends", CUSTOMERS[0].people[0].email),
        ("guest who sees quantities and invoices only", CUSTOMERS[0].people[1].email),
        ("project manager", PIET.email),
        ("auditor", OTTO.email),
        ("admin", ADMIN.email),
    ]
}

/// The id of what is called so in the story.
pub(crate) fn id(name: impl Display) -> Uuid {
    Uuid::new_v5(&SEED, name.to_string().as_bytes())
}

/// A number below `sides` that belongs to what is called so: the demo's only chance.
pub(crate) fn dice(name: impl Display, sides: u8) -> u8 {
    id(name).as_bytes()[7] % sides
}

pub(crate) fn org() -> OrgId {
    OrgId(id("organization"))
}

impl Colleague {
    pub(crate) fn id(&self) -> StaffId {
        StaffId(id(self.email))
    }
}

impl Customer {
    pub(crate) fn client(&self) -> ClientId {
        ClientId(id(self.name))
    }

    pub(crate) fn project(&self) -> ProjectId {
        ProjectId(id(self.project))
    }

    pub(crate) fn line(&self, index: usize) -> ContractLineId {
        ContractLineId(id(format!("{}/{}", self.project, self.lines[index].0)))
    }

    /// Who speaks for the client.
    pub(crate) fn approver(&self) -> &'static Person {
        &self.people[0]
    }
}

impl Person {
    pub(crate) fn portal_user(&self) -> PortalUserId {
        PortalUserId(id(self.email))
    }

    pub(crate) fn contact(&self) -> ContactId {
        ContactId(id(format!("contact/{}", self.email)))
    }
}

/// A value of the story, which was written by us.
pub(crate) fn written<T, E: Display>(parsed: Result<T, E>) -> Result<T, Failure> {
    parsed.map_err(|error| Failure::say(format!("the demo's own story does not hold: {error}")))
}
