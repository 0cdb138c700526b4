//! Errands about invoices.

use crate::approval::Salt;
use crate::billing::invoice::{Command, Invoice, Issue};
use crate::billing::line::Lines;
use crate::billing::number::{NumberError, Prefix, Series};
use crate::billing::number_series::{self, NumberSeries};
use crate::ids::{InvoiceId, OrgId, ProjectId};
use crate::portal::Aggregate;
use crate::use_case::UseCase;
use crate::values::{Currency, Note};
use chrono::NaiveDate;
use countersign_canon::Digest;

/// A new invoice.
#[derive(Clone, Debug)]
pub struct DraftInvoice {
    /// The invoice.
    pub invoice: InvoiceId,
    /// The project that it charges.
    pub project: ProjectId,
    /// In what currency: the project's.
    pub currency: Currency,
    /// What it charges.
    pub lines: Lines,
    /// What makes the revision's digests impossible to guess.
    pub salt: Salt,
}

/// Writes an invoice's first revision; the client does not see it yet (F10.1).
pub fn draft_invoice(command: DraftInvoice) -> UseCase {
    let DraftInvoice { invoice, project, currency, lines, salt } = command;
    UseCase::single::<Invoice>("DraftInvoice", invoice, Command::Draft { project, currency, lines, salt })
}

/// Writes an invoice's next revision.
pub fn revise_invoice(invoice: InvoiceId, lines: Lines, salt: Salt) -> UseCase {
    UseCase::single::<Invoice>("ReviseInvoice", invoice, Command::Revise { lines, salt })
}

/// Asks the client to approve an invoice; from now on they see it.
pub fn put_invoice_in_review(invoice: InvoiceId) -> UseCase {
    UseCase::single::<Invoice>("PutInvoiceInReview", invoice, Command::PutInReview)
}

/// Takes the question back.
pub fn recall_invoice(invoice: InvoiceId) -> UseCase {
    UseCase::single::<Invoice>("RecallInvoice", invoice, Command::Recall)
}

/// Approves an invoice as it was shown (F10.4).
pub fn approve_invoice(invoice: InvoiceId, shown: Digest, note: Option<Note>) -> UseCase {
    UseCase::single::<Invoice>("ApproveInvoice", invoice, Command::Approve { shown, note })
}

/// Refuses an invoice as it was shown, and says why (D13).
pub fn request_invoice_changes(invoice: InvoiceId, shown: Digest, reason: Note) -> UseCase {
    UseCase::single::<Invoice>("RequestInvoiceChanges", invoice, Command::RequestChanges { shown, reason })
}

/// Sends an approved invoice: under the next number of its series, which is allotted in the same breath (F10.9).
///
/// `issued_on` is the day of sending where the organization is.
pub fn send_invoice(
    org: OrgId,
    invoice: InvoiceId,
    prefix: Prefix,
    issued_on: NaiveDate,
) -> Result<UseCase, NumberError> {
    let series = Series::on(prefix, issued_on)?;
    let allot = NumberSeries::step(series.id(org), number_series::Command::Allot { invoice });
    let send = Invoice::step(invoice, Command::Send(Issue::new(series, issued_on)));
    Ok(UseCase::of("SendInvoice", [send, allot]))
}
