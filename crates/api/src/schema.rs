//! How the domain's values look on the wire, for the OpenAPI document: the domain itself knows nothing of it.
//!
//! A field of the type `domain::values::Label` says `#[schema(value_type = schema::Label)]`. What is written here is
//! enforced by the type's own door, not by the document.
#![allow(dead_code)]

use utoipa::ToSchema;
use uuid::Uuid;

/// One line of text: a name or a title. White space around it does not count.
#[derive(ToSchema)]
#[schema(value_type = String, min_length = 1, max_length = 200, example = "Harbour extension")]
pub(crate) struct Label(String);

/// Several lines of text: a reason, a description.
#[derive(ToSchema)]
#[schema(value_type = String, min_length = 1, max_length = 4000, example = "Line 2 was agreed at a lower rate.")]
pub(crate) struct Note(String);

/// A mail address.
#[derive(ToSchema)]
#[schema(value_type = String, format = "email", max_length = 254, example = "ann@example.com")]
pub(crate) struct Email(String);

/// The short name of an organization in addresses.
#[derive(ToSchema)]
#[schema(value_type = String, pattern = "^[a-z0-9][a-z0-9-]{0,38}[a-z0-9]$", example = "north-star")]
pub(crate) struct Slug(String);

/// An IANA time zone.
#[derive(ToSchema)]
#[schema(value_type = String, pattern = "^[A-Za-z0-9/_+-]{1,64}$", example = "Europe/Tallinn")]
pub(crate) struct TimeZone(String);

/// A BCP 47 language tag.
#[derive(ToSchema)]
#[schema(value_type = String, max_length = 35, example = "en")]
pub(crate) struct Locale(String);

/// An ISO 4217 currency code.
#[derive(ToSchema)]
#[schema(value_type = String, pattern = "^[A-Z]{3}$", example = "EUR")]
pub(crate) struct Currency(String);

/// An amount in whole minor units (cents) of a currency; never a fraction.
#[derive(ToSchema)]
#[schema(example = json!({ "minor": 123405, "currency": "EUR" }))]
pub(crate) struct Money {
    /// How many minor units.
    #[schema(minimum = -9007199254740991_i64, maximum = 9007199254740991_i64)]
    minor: i64,
    /// Of which currency.
    currency: Currency,
}

/// A decimal number, as text, so that nothing is lost.
#[derive(ToSchema)]
#[schema(value_type = String, pattern = r"^-?[0-9]+(\.[0-9]+)?$", example = "120.5")]
pub(crate) struct Decimal(String);

/// Hours worked in one entry: more than 0, at most 24, at most two decimal places.
#[derive(ToSchema)]
#[schema(value_type = String, pattern = r"^[0-9]+(\.[0-9]+)?$", example = "7.5")]
pub(crate) struct Hours(String);

/// Hours ordered by one line of a contract: 0 to 1,000,000, at most four decimal places.
#[derive(ToSchema)]
#[schema(value_type = String, pattern = r"^[0-9]+(\.[0-9]+)?$", example = "120.5")]
pub(crate) struct OrderedHours(String);

/// How much of something: more than 0, at most 1,000,000, at most four decimal places.
#[derive(ToSchema)]
#[schema(value_type = String, pattern = r"^[0-9]+(\.[0-9]+)?$", example = "12")]
pub(crate) struct Quantity(String);

/// A rate in percent: 0 to 100, at most three decimal places.
#[derive(ToSchema)]
#[schema(value_type = String, pattern = r"^[0-9]+(\.[0-9]+)?$", example = "21")]
pub(crate) struct Percent(String);

/// A SHA-256 value.
#[derive(ToSchema)]
#[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
pub(crate) struct Digest(String);

/// A moment (RFC 3339), in UTC, to the microsecond.
#[derive(ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-01-31T09:30:00.000000Z")]
pub(crate) struct Timestamp(String);

/// A day of the years 1900 to 9999.
#[derive(ToSchema)]
#[schema(value_type = String, format = Date, example = "2026-01-31")]
pub(crate) struct Day(String);

/// An invoice's number, given when it is sent.
#[derive(ToSchema)]
#[schema(value_type = String, example = "INV-2026-00001")]
pub(crate) struct InvoiceNumber(String);

/// A password that is to be set: 12 to 128 characters of any kind, none of those that everybody tries first.
#[derive(ToSchema)]
#[schema(value_type = String, format = Password, min_length = 12, max_length = 128)]
pub(crate) struct NewPassword(String);

/// A password as it is typed.
#[derive(ToSchema)]
#[schema(value_type = String, format = Password)]
pub(crate) struct Password(String);

/// What the firm has subscribed to: how many guests it may have. Starter 10, Rise 30, the others as many as there are.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum Plan {
    Trial,
    Starter,
    Rise,
    Growth,
}

/// An access level of the staff. Admins do everything but speak for a client, project managers everything on their own
/// projects, auditors read.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum Level {
    Admin,
    ProjectManager,
    Auditor,
}

/// What a guest may be granted on a project. `auto_send_on_approval` needs `approve_invoices`, which needs
/// `invoice_visibility`.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum Right {
    FinancialVisibility,
    InvoiceVisibility,
    ApproveInvoices,
    AutoSendOnApproval,
    ApproveTime,
}

/// A person who can hold rights.
#[derive(ToSchema)]
pub(crate) struct Principal {
    /// Of which kind.
    kind: PrincipalKind,
    /// Who.
    id: Uuid,
}

/// The two kinds of people.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum PrincipalKind {
    Staff,
    PortalUser,
}

/// Who did it.
#[derive(ToSchema)]
pub(crate) struct Actor {
    /// Of which kind.
    kind: ActorKind,
    /// Which one: an id, or the name of a process; absent for the importer and the operator.
    id: Option<String>,
}

/// The kinds of actors.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum ActorKind {
    Staff,
    PortalUser,
    Token,
    Process,
    Importer,
    Operator,
}

/// When a grant counts: from a moment (included) until another (excluded); open where none is named.
#[derive(ToSchema)]
pub(crate) struct Window {
    /// The first moment of it.
    from: Option<Timestamp>,
    /// The first moment after it.
    until: Option<Timestamp>,
}

/// Where a staff member stands.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum StaffStatus {
    Awaiting,
    Invited,
    Active,
    Inactive,
}

/// Where a portal user stands: saved, invited, can use the portal, switched off.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum PortalUserStatus {
    Awaiting,
    Pending,
    Active,
    Inactive,
}

/// Where a time entry stands.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum TimeEntryStatus {
    Logged,
    Submitted,
    Rejected,
    Approved,
}

/// Where an invoice stands.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum InvoiceStatus {
    Draft,
    InReview,
    ChangesRequested,
    Approved,
    Sent,
}

/// What somebody said to a revision.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum Verdict {
    Approved,
    Refused,
}

/// What can be put up for approval.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum ApprovableKind {
    Invoice,
    TimeEntry,
}

/// What was decided: approval was asked; somebody agreed and others must, too; all is approved; somebody refused; the
/// question was taken back.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum Decided {
    Asked,
    Given,
    Approved,
    Refused,
    Recalled,
}

/// Kinds of objects by which a history can be asked for.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum ObjectKind {
    Organization,
    Staff,
    Client,
    Contact,
    PortalUser,
    Mailbox,
    Seats,
    Project,
    ContractLine,
    TimeEntry,
    Invoice,
    NumberSeries,
    Invitation,
    Case,
}
