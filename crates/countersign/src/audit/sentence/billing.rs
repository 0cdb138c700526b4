//! What happens to invoices and their numbers.

use crate::audit::names::Names;
use crate::audit::sentence::{approvals, counted};
use countersign_domain::billing::content::Content;
use countersign_domain::billing::{invoice, number_series};
use countersign_domain::ids::InvoiceId;

pub(super) fn invoice(event: &invoice::Event, id: InvoiceId, names: &Names) -> String {
    let this = names.invoice(id);
    match event {
        invoice::Event::Drafted(content) => format!("drafted {}", charged(&this, content, names)),
        invoice::Event::Revised(content) => format!("revised {}", charged(&this, content, names)),
        invoice::Event::PutInReview { approval, .. } => approvals::asked(&this, approval),
        invoice::Event::Recalled { approval, .. } => approvals::recalled(&this, approval),
        invoice::Event::ApprovalGiven { approval, .. } => approvals::given(&this, approval),
        invoice::Event::Approved { approval, auto_send, .. } => {
            let sent = if *auto_send { ", with the right to have it sent at once" } else { "" };
            format!("{}{sent}", approvals::given(&this, approval))
        }
        invoice::Event::ChangesRequested { approval, .. } => {
            approvals::refused("asked for changes to", &this, approval)
        }
        invoice::Event::Sent { client, revision, number, issued_on, total, .. } => format!(
            "sent revision {revision} of {this} to {} as {number}, dated {issued_on}, over {total}",
            names.client(*client)
        ),
    }
}

fn charged(this: &str, content: &Content, names: &Names) -> String {
    let Content { project, client, revision, lines, totals, .. } = content;
    let lines = counted(lines.as_slice().len(), "line");
    format!(
        "{this}, revision {revision}, for {} on {}: {lines}, {} with tax",
        names.client(*client),
        names.project(*project),
        totals.gross
    )
}

pub(super) fn number_series(event: &number_series::Event, names: &Names) -> String {
    match event {
        number_series::Event::Allotted { invoice, number } => {
            format!("allotted the number {number} to {}", names.invoice(*invoice))
        }
    }
}
