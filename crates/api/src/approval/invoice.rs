//! A guest's word on an invoice.

use crate::answer::Done;
use crate::app::App;
use crate::approval::decision::{Approve, Refuse};
use crate::error::ApiError;
use crate::request::{Guest, Json, Key, Path};
use axum::extract::State;
use countersign_domain::ids::InvoiceId;
use countersign_domain::use_cases::billing;

/// Approves an invoice as it was shown. Whoever may, and has auto-send, thereby sends it.
#[utoipa::path(post, path = "/v1/invoices/{id}/approve", operation_id = "ApproveInvoice", tag = "approval",
    params(("id" = Uuid, Path, description = "Which invoice."), Key), request_body = Approve,
    responses((status = 200, description = "It is approved.", body = Done)))]
pub(crate) async fn approve(
    State(app): State<App>,
    guest: Guest,
    Path(id): Path<InvoiceId>,
    key: Key,
    Json(body): Json<Approve>,
) -> Result<Done, ApiError> {
    let command = key.command(&guest, &body);
    app.change(command, billing::approve_invoice(id, body.shown, body.note)).await
}

/// Refuses an invoice as it was shown, and says why.
#[utoipa::path(post, path = "/v1/invoices/{id}/request-changes", operation_id = "RequestInvoiceChanges",
    tag = "approval", params(("id" = Uuid, Path, description = "Which invoice."), Key), request_body = Refuse,
    responses((status = 200, description = "The firm knows.", body = Done)))]
pub(crate) async fn request_changes(
    State(app): State<App>,
    guest: Guest,
    Path(id): Path<InvoiceId>,
    key: Key,
    Json(body): Json<Refuse>,
) -> Result<Done, ApiError> {
    let command = key.command(&guest, &body);
    app.change(command, billing::request_invoice_changes(id, body.shown, body.reason)).await
}
