//! How projects are shown.

use crate::schema;
use countersign_domain::access::Rights;
use countersign_domain::ids::{ClientId, ContractLineId, ProjectId, StaffId};
use countersign_domain::values::{Currency, Label, Money, Timestamp};
use countersign_projections::work::project::{
    ContractLineAmounts as LineAmountsView, ContractLineView, ProjectAmounts as AmountsView,
    ProjectInternals as InternalsView, ProjectView,
};
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

/// A project as the caller may see it. What they may not see is absent.
#[derive(Serialize, ToSchema)]
pub(crate) struct Project {
    /// Which project.
    #[schema(value_type = Uuid)]
    project: ProjectId,
    /// What it is called.
    #[schema(value_type = schema::Label)]
    name: Label,
    /// For whom.
    #[schema(value_type = Uuid)]
    client: ClientId,
    /// What the client is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Label>)]
    client_name: Option<Label>,
    /// All hours logged on it.
    #[schema(value_type = schema::Decimal)]
    hours_used: Decimal,
    /// Those of them that the client approved.
    #[schema(value_type = schema::Decimal)]
    hours_approved: Decimal,
    /// What was ordered, line by line.
    contract_lines: Vec<ContractLine>,
    /// Contract amount and used value: with financial visibility only.
    #[serde(skip_serializing_if = "Option::is_none")]
    amounts: Option<ProjectAmounts>,
    /// What was invoiced, tax included: with financial and invoice visibility only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Money>)]
    invoiced: Option<Money>,
    /// The last change that the caller can see.
    #[schema(value_type = schema::Timestamp)]
    changed_at: Timestamp,
    /// What the asking guest may do on it; absent for staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<schema::Right>>)]
    my_rights: Option<Rights>,
    /// What is the firm's own business; absent for guests.
    #[serde(skip_serializing_if = "Option::is_none")]
    internal: Option<ProjectInternals>,
}

/// A line of a project's contract.
#[derive(Serialize, ToSchema)]
pub(crate) struct ContractLine {
    /// Which line.
    #[schema(value_type = Uuid)]
    contract_line: ContractLineId,
    /// What it is called.
    #[schema(value_type = schema::Label)]
    name: Label,
    /// The hours logged on it.
    #[schema(value_type = schema::Decimal)]
    hours_used: Decimal,
    /// The hours ordered; absent for guests.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Decimal>)]
    hours_ordered: Option<Decimal>,
    /// Rate, amount and used value: with financial visibility only.
    #[serde(skip_serializing_if = "Option::is_none")]
    amounts: Option<ContractLineAmounts>,
}

/// The financial side of a contract line.
#[derive(Serialize, ToSchema)]
pub(crate) struct ContractLineAmounts {
    /// What an hour costs the client.
    #[schema(value_type = schema::Money)]
    rate: Money,
    /// What was agreed for the whole line.
    #[schema(value_type = schema::Money)]
    contract: Money,
    /// The value of the hours logged on it.
    #[schema(value_type = schema::Money)]
    used: Money,
}

/// The financial side of a project.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProjectAmounts {
    /// What was agreed for all lines together.
    #[schema(value_type = schema::Money)]
    contract: Money,
    /// The value of all hours logged.
    #[schema(value_type = schema::Money)]
    used: Money,
}

/// What staff sees of a project besides.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProjectInternals {
    /// Who manages it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Uuid>)]
    manager: Option<StaffId>,
    /// Whether it is shown to the client.
    published: bool,
    /// In what currency its contract is.
    #[schema(value_type = schema::Currency)]
    currency: Currency,
    /// All hours ordered.
    #[schema(value_type = schema::Decimal)]
    hours_ordered: Decimal,
}

impl From<ProjectView> for Project {
    fn from(view: ProjectView) -> Self {
        Self {
            project: view.project,
            name: view.name,
            client: view.client,
            client_name: view.client_name,
            hours_used: view.hours_used,
            hours_approved: view.hours_approved,
            contract_lines: view.contract_lines.into_iter().map(ContractLine::from).collect(),
            amounts: view.amounts.map(ProjectAmounts::from),
            invoiced: view.invoiced,
            changed_at: view.changed_at,
            my_rights: view.my_rights,
            internal: view.internal.map(ProjectInternals::from),
        }
    }
}

impl From<ContractLineView> for ContractLine {
    fn from(view: ContractLineView) -> Self {
        let ContractLineView { contract_line, name, hours_used, hours_ordered, amounts } = view;
        Self { contract_line, name, hours_used, hours_ordered, amounts: amounts.map(ContractLineAmounts::from) }
    }
}

impl From<LineAmountsView> for ContractLineAmounts {
    fn from(view: LineAmountsView) -> Self {
        let LineAmountsView { rate, contract, used } = view;
        Self { rate, contract, used }
    }
}

impl From<AmountsView> for ProjectAmounts {
    fn from(view: AmountsView) -> Self {
        let AmountsView { contract, used } = view;
        Self { contract, used }
    }
}

impl From<InternalsView> for ProjectInternals {
    fn from(view: InternalsView) -> Self {
        let InternalsView { manager, published, currency, hours_ordered } = view;
        Self { manager, published, currency, hours_ordered }
    }
}
