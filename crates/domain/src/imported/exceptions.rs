//! What an auditor wants to look at: pure predicates over a case's activities in file order.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Something about a case that wants looking at. Wire names, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exception {
    /// Somebody refused it.
    Rejected,
    /// Its final approval was given more than once.
    ApprovedFinalTwice,
    /// It was refused after its final approval.
    RejectedAfterFinalApproval,
    /// It was paid, and nobody had given a final approval.
    PaidWithoutFinalApproval,
}

impl Exception {
    /// Every exception there is.
    pub const ALL: [Self; 4] =
        [Self::Rejected, Self::ApprovedFinalTwice, Self::RejectedAfterFinalApproval, Self::PaidWithoutFinalApproval];

    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::ApprovedFinalTwice => "approved_final_twice",
            Self::RejectedAfterFinalApproval => "rejected_after_final_approval",
            Self::PaidWithoutFinalApproval => "paid_without_final_approval",
        }
    }
}

/// The exceptions of a case, from the names of its activities in file order.
pub fn exceptions<'a>(activities: impl IntoIterator<Item = &'a str>) -> BTreeSet<Exception> {
    let mut found = BTreeSet::new();
    let mut final_approvals = 0_u32;
    let mut paid = false;
    for activity in activities {
        if activity.contains("REJECTED") {
            found.insert(Exception::Rejected);
            if final_approvals > 0 {
                found.insert(Exception::RejectedAfterFinalApproval);
            }
        }
        if activity.contains("FINAL_APPROVED") {
            final_approvals = final_approvals.saturating_add(1);
        }
        paid |= activity.contains("Payment Handled");
    }
    if final_approvals >= 2 {
        found.insert(Exception::ApprovedFinalTwice);
    }
    if paid && final_approvals == 0 {
        found.insert(Exception::PaidWithoutFinalApproval);
    }
    found
}
