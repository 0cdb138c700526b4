//! Errands about projects and their rosters.

use crate::access::Right;
use crate::ids::{ClientId, PortalUserId, ProjectId, StaffId};
use crate::use_case::UseCase;
use crate::use_cases::guests::Place;
use crate::values::{Currency, Label};
use crate::work::project::{self, ContractLine, Project};

/// A new project for a client.
#[derive(Clone, Debug)]
pub struct OpenProject {
    /// The project.
    pub project: ProjectId,
    /// For whom.
    pub client: ClientId,
    /// What it is called.
    pub name: Label,
    /// In what currency its contract is.
    pub currency: Currency,
    /// Who manages it.
    pub manager: Option<StaffId>,
    /// What was ordered.
    pub contract_lines: Vec<ContractLine>,
}

/// Opens a project; the client does not see it yet.
pub fn open_project(command: OpenProject) -> UseCase {
    let OpenProject { project, client, name, currency, manager, contract_lines } = command;
    let open = project::Command::Open { client, name, currency, manager, contract_lines };
    UseCase::single::<Project>("OpenProject", project, open)
}

/// Gives a project to another manager.
pub fn assign_manager(project: ProjectId, manager: StaffId) -> UseCase {
    UseCase::single::<Project>("AssignManager", project, project::Command::AssignManager(manager))
}

/// Shows a project to the client (F6.10).
pub fn publish_project(project: ProjectId) -> UseCase {
    UseCase::single::<Project>("PublishProject", project, project::Command::Publish)
}

/// Hides a project from the client.
pub fn withdraw_project(project: ProjectId) -> UseCase {
    UseCase::single::<Project>("WithdrawProject", project, project::Command::Withdraw)
}

/// Puts a portal user on a project's roster, or changes when they stand on it and what they may do.
pub fn add_guest(portal_user: PortalUserId, place: Place) -> UseCase {
    let Place { project, rights, window } = place;
    UseCase::single::<Project>("AddGuest", project, project::Command::AddGuest { portal_user, rights, window })
}

/// Takes a portal user off a project's roster (F6.3).
pub fn remove_guest(project: ProjectId, portal_user: PortalUserId) -> UseCase {
    UseCase::single::<Project>("RemoveGuest", project, project::Command::RemoveGuest { portal_user })
}

/// Lets a guest see contract amounts, rates and values (F4.6, D1).
pub fn grant_financial_access(project: ProjectId, portal_user: PortalUserId) -> UseCase {
    grant_right(project, portal_user, Right::FinancialVisibility)
}

/// Gives a guest on the roster one more right, each under its own name.
pub fn grant_right(project: ProjectId, portal_user: PortalUserId, right: Right) -> UseCase {
    let name = match right {
        Right::FinancialVisibility => "GrantFinancialAccess",
        Right::InvoiceVisibility => "GrantInvoiceVisibility",
        Right::ApproveInvoices => "GrantInvoiceApproval",
        Right::AutoSendOnApproval => "GrantAutoSend",
        Right::ApproveTime => "GrantTimeApproval",
    };
    UseCase::single::<Project>(name, project, project::Command::GrantRight { portal_user, right })
}

/// Takes a right from a guest on the roster, with those that need it; each under its own name.
pub fn withdraw_right(project: ProjectId, portal_user: PortalUserId, right: Right) -> UseCase {
    let name = match right {
        Right::FinancialVisibility => "WithdrawFinancialAccess",
        Right::InvoiceVisibility => "WithdrawInvoiceVisibility",
        Right::ApproveInvoices => "WithdrawInvoiceApproval",
        Right::AutoSendOnApproval => "WithdrawAutoSend",
        Right::ApproveTime => "WithdrawTimeApproval",
    };
    UseCase::single::<Project>(name, project, project::Command::WithdrawRight { portal_user, right })
}
