//! Invoices: drafted and sent by staff, seen by guests from the moment they are put in review.

mod view;

use crate::answer::{Created, Done};
use crate::app::App;
use crate::error::ApiError;
use crate::page::Items;
use crate::request::{Json, Key, Member, NewKey, Path, Query, Staff};
use crate::schema;
use axum::extract::State;
use chrono::NaiveDate;
use countersign_domain::billing::line::{Line, Lines, NotLines, Quantity};
use countersign_domain::billing::number::Prefix;
use countersign_domain::ids::{ContractLineId, InvoiceId, ProjectId, TimeEntryId};
use countersign_domain::use_cases::billing;
use countersign_domain::values::{Currency, Money, Note, Percent};
use countersign_projections::billing::invoice as read;
use countersign_projections::billing::invoice::{InvoiceFilter, Status};
use countersign_projections::firm::organization;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::{IntoParams, ToSchema};
use view::{Invoice, InvoiceSummary};

/// Which invoices are asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct WhichInvoices {
    /// Only those that charge this project.
    #[param(value_type = Option<Uuid>)]
    project: Option<ProjectId>,
    /// Only those that stand there.
    #[param(value_type = Option<schema::InvoiceStatus>)]
    status: Option<Status>,
    /// The `next` of the page before; the first page without it.
    after: Option<String>,
    /// How many items a page holds: 1 to 200, 50 unless told otherwise.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u64>,
}

/// A new invoice.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DraftInvoice {
    /// The project that it charges.
    #[schema(value_type = Uuid)]
    project: ProjectId,
    /// In what currency: the project's.
    #[schema(value_type = schema::Currency)]
    currency: Currency,
    /// What it charges.
    #[schema(value_type = Vec<NewLine>, min_items = 1, max_items = 500)]
    lines: NewLines,
}

/// The next revision of an invoice.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReviseInvoice {
    /// What it charges.
    #[schema(value_type = Vec<NewLine>, min_items = 1, max_items = 500)]
    lines: NewLines,
}

/// The lines of an invoice as they are written.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Vec<NewLine>", into = "Lines")]
pub(crate) struct NewLines(Lines);

/// A line of an invoice. A discount is a line with a negative price.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewLine {
    /// What for.
    #[schema(value_type = schema::Note)]
    description: Note,
    /// How much of it.
    #[schema(value_type = schema::Quantity)]
    quantity: Quantity,
    /// What one costs.
    #[schema(value_type = schema::Money)]
    unit_price: Money,
    /// The tax on it.
    #[schema(value_type = schema::Percent)]
    tax: Percent,
    /// The line of the contract that it charges, if it charges one.
    #[serde(default)]
    #[schema(value_type = Option<Uuid>)]
    contract_line: Option<ContractLineId>,
    /// The time that it charges.
    #[serde(default)]
    #[schema(value_type = Vec<Uuid>)]
    time_entries: BTreeSet<TimeEntryId>,
}

/// The invoices over all projects of which the caller may see them, the newest first.
#[utoipa::path(get, path = "/v1/invoices", operation_id = "ListInvoices", tag = "billing", params(WhichInvoices),
    responses((status = 200, description = "A page of them.", body = Items<InvoiceSummary>)))]
pub(crate) async fn list(
    State(app): State<App>,
    who: Member,
    Query(WhichInvoices { project, status, after, limit }): Query<WhichInvoices>,
) -> Result<axum::Json<Items<InvoiceSummary>>, ApiError> {
    let page = app.page(&who, after, limit)?;
    let filter = InvoiceFilter { project, status };
    let page = read::list(app.reads().pool(), &who.scope(), app.clock.now(), filter, &page).await?;
    Ok(axum::Json(app.items(&who, page)))
}

/// One invoice, with the digest that an approval of it names.
#[utoipa::path(get, path = "/v1/invoices/{id}", operation_id = "GetInvoice", tag = "billing",
    params(("id" = Uuid, Path, description = "Which invoice.")),
    responses((status = 200, description = "As the caller may see it.", body = Invoice)))]
pub(crate) async fn get(
    State(app): State<App>,
    who: Member,
    Path(id): Path<InvoiceId>,
) -> Result<axum::Json<Invoice>, ApiError> {
    let view = read::get(app.reads().pool(), &who.scope(), app.clock.now(), id).await?;
    Ok(axum::Json(view.into()))
}

/// Drafts an invoice; the client does not see it yet.
#[utoipa::path(post, path = "/v1/invoices", operation_id = "DraftInvoice", tag = "billing",
    params(NewKey), request_body = DraftInvoice,
    responses((status = 201, description = "The draft is there.", body = Created)))]
pub(crate) async fn draft(
    State(app): State<App>,
    staff: Staff,
    key: NewKey,
    Json(body): Json<DraftInvoice>,
) -> Result<Created, ApiError> {
    let command = key.command(&staff, &body);
    let DraftInvoice { project, currency, lines } = body;
    let (invoice, salt): (InvoiceId, _) = (command.creates("invoice"), app.salt(&command));
    let draft = billing::DraftInvoice { invoice, project, currency, lines: lines.0, salt };
    app.create(command, billing::draft_invoice(draft), "/v1/invoices", invoice).await
}

/// Writes an invoice's next revision.
#[utoipa::path(put, path = "/v1/invoices/{id}", operation_id = "ReviseInvoice", tag = "billing",
    params(("id" = Uuid, Path, description = "Which invoice."), Key), request_body = ReviseInvoice,
    responses((status = 200, description = "The revision counts.", body = Done)))]
pub(crate) async fn revise(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<InvoiceId>,
    key: Key,
    Json(body): Json<ReviseInvoice>,
) -> Result<Done, ApiError> {
    let command = key.command(&staff, &body);
    let salt = app.salt(&command);
    app.change(command, billing::revise_invoice(id, body.lines.0, salt)).await
}

/// Asks the client to approve an invoice; from now on they see it.
#[utoipa::path(post, path = "/v1/invoices/{id}/put-in-review", operation_id = "PutInvoiceInReview", tag = "billing",
    params(("id" = Uuid, Path, description = "Which invoice."), Key),
    responses((status = 200, description = "The client is asked.", body = Done)))]
pub(crate) async fn put_in_review(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<InvoiceId>,
    key: Key,
) -> Result<Done, ApiError> {
    app.change(key.command(&staff, &()), billing::put_invoice_in_review(id)).await
}

/// Takes the question back; the client no longer sees the invoice.
#[utoipa::path(post, path = "/v1/invoices/{id}/recall", operation_id = "RecallInvoice", tag = "billing",
    params(("id" = Uuid, Path, description = "Which invoice."), Key),
    responses((status = 200, description = "It is a draft again.", body = Done)))]
pub(crate) async fn recall(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<InvoiceId>,
    key: Key,
) -> Result<Done, ApiError> {
    app.change(key.command(&staff, &()), billing::recall_invoice(id)).await
}

/// Sends an approved invoice, under the next number and with the date of today where the organization is at home.
#[utoipa::path(post, path = "/v1/invoices/{id}/send", operation_id = "SendInvoice", tag = "billing",
    params(("id" = Uuid, Path, description = "Which invoice."), Key),
    responses((status = 200, description = "It is sent.", body = Done)))]
pub(crate) async fn send(
    State(app): State<App>,
    staff: Staff,
    Path(id): Path<InvoiceId>,
    key: Key,
) -> Result<Done, ApiError> {
    let today = app.today(&staff).await?;
    let use_case = billing::send_invoice(staff.org, id, Prefix::default(), today)
        .map_err(|_| ApiError::Defect("the clock tells of a year that invoices are not issued in"))?;
    app.change(key.command(&staff, &()), use_case).await
}

impl App {
    /// The day where the caller's organization is at home.
    async fn today(&self, staff: &Staff) -> Result<NaiveDate, ApiError> {
        let now = self.clock.now();
        let home = organization::get(self.reads().pool(), &staff.scope(), now).await?.home;
        let zone = home.time_zone.as_str().parse().unwrap_or(chrono_tz::Tz::UTC);
        Ok(now.as_utc().with_timezone(&zone).date_naive())
    }
}

impl TryFrom<Vec<NewLine>> for NewLines {
    type Error = NotLines;
    fn try_from(lines: Vec<NewLine>) -> Result<Self, NotLines> {
        let lines: Vec<Line> = lines.into_iter().map(Line::from).collect();
        Lines::try_from(lines).map(Self)
    }
}

impl From<NewLines> for Lines {
    fn from(lines: NewLines) -> Self {
        lines.0
    }
}

impl From<NewLine> for Line {
    fn from(line: NewLine) -> Self {
        let NewLine { description, quantity, unit_price, tax, contract_line, time_entries } = line;
        Self { description, quantity, unit_price, tax, contract_line, time_entries }
    }
}
