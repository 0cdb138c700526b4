//! Which read models there are, and which are fed together.

use crate::approval::history::ApprovalHistory;
use crate::approval::request::ApprovalRequest;
use crate::billing::invoice::Invoice;
use crate::clients::client::Client;
use crate::clients::contact::Contact;
use crate::clients::portal_user::PortalUser;
use crate::firm::organization::Organization;
use crate::firm::staff::Staff;
use crate::group::{Group, model};
use crate::history::object::ObjectHistory;
use crate::imported::case::ImportedCase;
use crate::people::person_card::PersonCard;
use crate::work::project::Project;
use crate::work::time_entry::TimeEntry;

/// Names this build's folds and the rules that they rest on: a digest over their sources and the migrations.
pub fn code_digest() -> String {
    format!("{}.{}", countersign_domain::CODE_DIGEST, env!("COUNTERSIGN_FOLDS_DIGEST"))
}

/// Every group that follows the ledgers. The access group does not: the append itself keeps it (`rebuild`).
pub fn groups() -> Vec<Group> {
    vec![
        Group {
            name: "portal",
            read_models: vec![
                model::<Organization>(),
                model::<Staff>(),
                model::<Client>(),
                model::<Contact>(),
                model::<PortalUser>(),
                model::<Project>(),
                model::<TimeEntry>(),
                model::<Invoice>(),
            ],
            opens_personal_values: false,
            code: code_digest(),
        },
        Group {
            name: "approvals",
            read_models: vec![model::<ApprovalRequest>(), model::<ApprovalHistory>()],
            opens_personal_values: false,
            code: code_digest(),
        },
        Group {
            name: "history",
            read_models: vec![model::<ObjectHistory>()],
            opens_personal_values: false,
            code: code_digest(),
        },
        Group {
            name: "people",
            read_models: vec![model::<PersonCard>()],
            opens_personal_values: true,
            code: code_digest(),
        },
        Group {
            name: "cases",
            read_models: vec![model::<ImportedCase>()],
            opens_personal_values: false,
            code: code_digest(),
        },
    ]
}
