//! What happens on projects.

use crate::audit::names::Names;
use crate::audit::sentence::{approvals, counted, during, rights};
use countersign_domain::ids::{ProjectId, TimeEntryId};
use countersign_domain::work::time_entry::content::Content;
use countersign_domain::work::{project, time_entry};

pub(super) fn project(event: &project::Event, id: ProjectId, names: &Names) -> String {
    let this = names.project(id);
    match event {
        project::Event::Opened { client, name, currency, manager, contract_lines } => {
            let client = names.client(*client);
            let manager = manager.map_or("nobody".to_owned(), |manager| names.staff(manager));
            let lines = counted(contract_lines.len(), "contract line");
            format!("opened the project {name} for {client}, managed by {manager}, with {lines} in {currency}")
        }
        project::Event::ManagerAssigned { from, to, .. } => {
            let instead = from.map(|from| format!(" in place of {}", names.staff(from))).unwrap_or_default();
            format!("made {} the manager of {this}{instead}", names.staff(*to))
        }
        project::Event::Published { client } => format!("showed {this} to {}", names.client(*client)),
        project::Event::Withdrawn { client } => format!("hid {this} from {}", names.client(*client)),
        project::Event::AccessGranted { portal_user, client, rights: held, window } => {
            let (guest, client) = (names.portal_user(*portal_user), names.client(*client));
            format!("put {guest} of {client} on the roster of {this}{} with {}", during(window), rights(held))
        }
        project::Event::AccessRevised { portal_user, granted, withdrawn, rights: held, window, .. } => {
            let mut changes = Vec::new();
            if !granted.is_empty() {
                changes.push(format!("granted {}", rights(granted)));
            }
            if !withdrawn.is_empty() {
                changes.push(format!("withdrew {}", rights(withdrawn)));
            }
            if changes.is_empty() {
                changes.push("changed the time of the grant".to_owned());
            }
            let (guest, changes) = (names.portal_user(*portal_user), changes.join(" and "));
            format!("{changes} for {guest} on {this}, who now holds {}{}", rights(held), during(window))
        }
        project::Event::AccessRevoked { portal_user, client } => {
            let (guest, client) = (names.portal_user(*portal_user), names.client(*client));
            format!("took {guest} of {client} off the roster of {this}")
        }
    }
}

pub(super) fn time_entry(event: &time_entry::Event, id: TimeEntryId, names: &Names) -> String {
    let this = names.time_entry(id);
    match event {
        time_entry::Event::Logged(content) => format!("logged {}", worked(&this, content, names)),
        time_entry::Event::Revised { content, before } => {
            format!(
                "revised {}; before, it was {} hours worth {}",
                worked(&this, content, names),
                before.hours,
                before.value
            )
        }
        time_entry::Event::Submitted { approval, .. } => approvals::asked(&this, approval),
        time_entry::Event::Recalled { approval, .. } => approvals::recalled(&this, approval),
        time_entry::Event::ApprovalGiven { approval, .. } => approvals::given(&this, approval),
        time_entry::Event::Approved { amount, approval, .. } => {
            format!("{}: {} hours worth {}", approvals::given(&this, approval), amount.hours, amount.value)
        }
        time_entry::Event::Rejected { approval, .. } => approvals::refused("rejected", &this, approval),
    }
}

fn worked(this: &str, content: &Content, names: &Names) -> String {
    let Content { project, author, revision, worked_on, hours, note, value, .. } = content;
    format!(
        "{this}, revision {revision}: {hours} hours of {} on {worked_on} for {}, worth {value}, {:?}",
        names.staff(*author),
        names.project(*project),
        note.as_str()
    )
}
