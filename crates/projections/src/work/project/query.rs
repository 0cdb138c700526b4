//! Questions about projects: every answer masked by what the asker may see at the moment of asking.

use super::LineRow;
use crate::access_facts::AccessColumns;
use crate::columns::{read, read_hours, read_money, read_word};
use crate::error::ReadError;
use crate::page::{Page, PageRequest};
use crate::scope::Scope;
use chrono::{DateTime, Utc};
use countersign_domain::access::{Action, Denied, Facts, Rights, Subject, Window, decide};
use countersign_domain::ids::{ClientId, ContactId, ContractLineId, PortalUserId, ProjectId, StaffId};
use countersign_domain::values::{Currency, Label, Money, Timestamp};
use countersign_postgres::reading;
use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::PgPool;
use sqlx::types::Json;
use uuid::Uuid;

/// A project as somebody may see it. What they may not see is absent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProjectView {
    /// Which project.
    pub project: ProjectId,
    /// What it is called.
    pub name: Label,
    /// For whom.
    pub client: ClientId,
    /// What the client is called; absent for the moment in which its row is behind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_name: Option<Label>,
    /// All hours logged on it.
    pub hours_used: Decimal,
    /// Those of them that the client approved.
    pub hours_approved: Decimal,
    /// What was ordered, line by line.
    pub contract_lines: Vec<ContractLineView>,
    /// Contract amount and used value: with financial visibility only (F6.4, F6.5).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amounts: Option<ProjectAmounts>,
    /// What was invoiced, tax included: with financial and invoice visibility only (D1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invoiced: Option<Money>,
    /// The last change that the asker can see.
    pub changed_at: Timestamp,
    /// What the asking portal user may do on it; absent for staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub my_rights: Option<Rights>,
    /// What is the firm's own business; absent for portal users.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub internal: Option<ProjectInternals>,
}

/// A line of a project's contract.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ContractLineView {
    /// Which line.
    pub contract_line: ContractLineId,
    /// What it is called.
    pub name: Label,
    /// The hours logged on it.
    pub hours_used: Decimal,
    /// The hours ordered; absent for portal users, who are not shown what was sold and not used (F6.24).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hours_ordered: Option<Decimal>,
    /// Rate, amount and used value: with financial visibility only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amounts: Option<ContractLineAmounts>,
}

/// The financial side of a contract line.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ContractLineAmounts {
    /// What an hour costs the client.
    pub rate: Money,
    /// What was agreed for the whole line.
    pub contract: Money,
    /// The value of the hours logged on it.
    pub used: Money,
}

/// The financial side of a project.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ProjectAmounts {
    /// What was agreed for all lines together.
    pub contract: Money,
    /// The value of all hours logged.
    pub used: Money,
}

/// What staff sees of a project besides.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProjectInternals {
    /// Who manages it.
    pub manager: Option<StaffId>,
    /// Whether it is shown to the client.
    pub published: bool,
    /// In what currency its contract is.
    pub currency: Currency,
    /// All hours ordered.
    pub hours_ordered: Decimal,
}

/// Which projects are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProjectFilter {
    /// Only those for this client.
    pub client: Option<ClientId>,
}

/// Somebody's place on a project's roster, as staff sees it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RosterEntry {
    /// Who.
    pub portal_user: PortalUserId,
    /// The person behind the account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<ContactId>,
    /// The account's status: `awaiting`, `pending`, `active`, `inactive`.
    pub status: String,
    /// What they may do.
    pub rights: Rights,
    /// When.
    pub window: Window,
}

/// The list that cursors of projects belong to.
const LIST: &str = "projects";

/// A project's columns, as every question about projects selects them, with what the asker may do.
pub(crate) struct ProjectColumns {
    pub(crate) project_id: Uuid,
    pub(crate) name: String,
    pub(crate) client_id: Uuid,
    pub(crate) client_name: Option<String>,
    pub(crate) currency: String,
    pub(crate) manager_id: Option<Uuid>,
    pub(crate) published: bool,
    pub(crate) contract_lines: Json<Vec<LineRow>>,
    pub(crate) hours_used: Decimal,
    pub(crate) hours_approved: Decimal,
    pub(crate) invoiced: i64,
    pub(crate) changed_at: DateTime<Utc>,
    pub(crate) shown_changed_at: DateTime<Utc>,
    pub(crate) access: Json<AccessColumns>,
}

impl ProjectColumns {
    /// The project as the asker may see it, with the facts that say so; nothing where they may not.
    pub(crate) fn shown_to(self, scope: &Scope, at: Timestamp) -> Result<Option<(ProjectView, Facts)>, sqlx::Error> {
        let facts = self.access.0.clone().facts(scope);
        if !decide(&facts, Action::ViewProject, at).allowed {
            return Ok(None);
        }
        let currency = read("currency", Currency::parse(&self.currency))?;
        let financials = decide(&facts, Action::ViewFinancials, at).allowed;
        let invoices = decide(&facts, Action::ViewInvoices, at).allowed;
        let invoiced = read_money("invoiced", self.invoiced, currency)?;
        let lines = &self.contract_lines.0;
        let internal = is_of_the_firm(&facts.subject).then(|| ProjectInternals {
            manager: self.manager_id.map(Into::into),
            published: self.published,
            currency,
            hours_ordered: lines.iter().fold(Decimal::ZERO, |sum, row| sum.saturating_add(row.line.hours)).normalize(),
        });
        let view = ProjectView {
            project: self.project_id.into(),
            name: read("name", Label::parse(&self.name))?,
            client: self.client_id.into(),
            client_name: self.client_name.map(|name| read("client_name", Label::parse(&name))).transpose()?,
            hours_used: read_hours(self.hours_used),
            hours_approved: read_hours(self.hours_approved),
            contract_lines: lines.iter().map(|row| row.shown(financials, internal.is_some())).collect(),
            amounts: financials.then(|| amounts(lines, currency)),
            invoiced: (financials && invoices).then_some(invoiced),
            changed_at: if internal.is_some() { self.changed_at } else { self.shown_changed_at }.into(),
            my_rights: facts
                .project
                .as_ref()
                .and_then(|project| project.grant.as_ref())
                .map(|grant| grant.rights.clone()),
            internal,
        };
        Ok(Some((view, facts)))
    }
}

impl LineRow {
    fn shown(&self, financials: bool, internal: bool) -> ContractLineView {
        ContractLineView {
            contract_line: self.line.id,
            name: self.line.name.clone(),
            hours_used: self.hours_used,
            hours_ordered: internal.then_some(self.line.hours),
            amounts: financials.then_some(ContractLineAmounts {
                rate: self.line.rate,
                contract: self.line.amount,
                used: self.used,
            }),
        }
    }
}

fn amounts(lines: &[LineRow], currency: Currency) -> ProjectAmounts {
    let total = |of: fn(&LineRow) -> Money| {
        lines.iter().fold(Money::zero(currency), |total, line| super::plus(total, of(line).minor()))
    };
    ProjectAmounts { contract: total(|row| row.line.amount), used: total(|row| row.used) }
}

fn is_of_the_firm(subject: &Subject) -> bool {
    match subject {
        Subject::Staff { .. } | Subject::Installation => true,
        Subject::PortalUser { .. } | Subject::Nobody => false,
    }
}

/// The projects that the asker may see, by name.
pub async fn list(
    pool: &PgPool,
    scope: &Scope,
    at: Timestamp,
    filter: ProjectFilter,
    page: &PageRequest,
) -> Result<Page<ProjectView>, ReadError> {
    let last: Option<ProjectId> = page.last(LIST)?;
    let mut transaction = reading(pool, scope.org).await?;
    let rows = sqlx::query_as!(
        ProjectColumns,
        r#"WITH portal AS (SELECT generation FROM read.active_generation WHERE org_id = $1 AND "group" = 'portal')
           SELECT project.project_id, project.name, project.client_id, client.name AS "client_name?", project.currency,
                  project.manager_id, project.published,
                  project.contract_lines AS "contract_lines: Json<Vec<LineRow>>", project.hours_used,
                  project.hours_approved, project.invoiced, project.changed_at, project.shown_changed_at,
                  reach.access AS "access!: Json<AccessColumns>"
           FROM read.reach($1, $2, $3, $4) reach
           JOIN read.project project
             ON project.generation = (TABLE portal) AND project.org_id = $1
            AND project.project_id = reach.project_id
           LEFT JOIN read.client client
             ON client.generation = (TABLE portal) AND client.org_id = $1 AND client.client_id = project.client_id
           WHERE ($5::uuid IS NULL OR project.client_id = $5)
             AND ($6::uuid IS NULL OR (project.name, project.project_id) > (
                 SELECT last.name, last.project_id FROM read.project last
                 WHERE last.generation = (TABLE portal) AND last.org_id = $1 AND last.project_id = $6))
           ORDER BY project.name, project.project_id
           LIMIT $7"#,
        scope.org.0,
        scope.asker_kind(),
        scope.asker_id(),
        at.as_utc(),
        filter.client.map(|client| client.0),
        last.map(|project| project.0),
        page.limit.and_one_more()
    )
    .fetch_all(&mut *transaction)
    .await?;
    drop(transaction);
    let mut projects = Vec::with_capacity(rows.len());
    for row in rows {
        projects.extend(row.shown_to(scope, at)?.map(|(project, _)| project));
    }
    Ok(Page::of(LIST, projects, page.limit, |project| project.project))
}

/// One project; `Denied::NotThere` for whoever may not know of it.
pub async fn get(pool: &PgPool, scope: &Scope, at: Timestamp, project: ProjectId) -> Result<ProjectView, ReadError> {
    let mut transaction = reading(pool, scope.org).await?;
    let row = sqlx::query_as!(
        ProjectColumns,
        r#"WITH portal AS (SELECT generation FROM read.active_generation WHERE org_id = $1 AND "group" = 'portal')
           SELECT project.project_id, project.name, project.client_id, client.name AS "client_name?", project.currency,
                  project.manager_id, project.published,
                  project.contract_lines AS "contract_lines: Json<Vec<LineRow>>", project.hours_used,
                  project.hours_approved, project.invoiced, project.changed_at, project.shown_changed_at,
                  reach.access AS "access!: Json<AccessColumns>"
           FROM read.reach($1, $2, $3, $4) reach
           JOIN read.project project
             ON project.generation = (TABLE portal) AND project.org_id = $1
            AND project.project_id = reach.project_id
           LEFT JOIN read.client client
             ON client.generation = (TABLE portal) AND client.org_id = $1 AND client.client_id = project.client_id
           WHERE reach.project_id = $5"#,
        scope.org.0,
        scope.asker_kind(),
        scope.asker_id(),
        at.as_utc(),
        project.0
    )
    .fetch_optional(&mut *transaction)
    .await?;
    drop(transaction);
    let shown = row.map(|row| row.shown_to(scope, at)).transpose()?.flatten();
    Ok(shown.map(|(project, _)| project).ok_or(Denied::NotThere)?)
}

/// A project's roster, for staff.
pub async fn roster(
    pool: &PgPool,
    scope: &Scope,
    at: Timestamp,
    project: ProjectId,
) -> Result<Vec<RosterEntry>, ReadError> {
    let mut transaction = reading(pool, scope.org).await?;
    let rows = sqlx::query!(
        r#"WITH access AS (SELECT generation FROM read.active_generation WHERE org_id = $1 AND "group" = 'access'),
                portal AS (SELECT generation FROM read.active_generation WHERE org_id = $1 AND "group" = 'portal')
           SELECT reach.access AS "access!: Json<AccessColumns>", place.portal_user_id AS "portal_user_id?",
                  account.contact_id AS "contact_id?", subject.status AS "status?", place.rights AS "rights?",
                  place.valid_from, place.valid_until
           FROM read.reach($1, $2, $3, $4) reach
           LEFT JOIN read.access_grant place
             ON place.generation = (TABLE access) AND place.org_id = $1 AND place.project_id = reach.project_id
            AND place.on_roster
           LEFT JOIN read.access_subject subject
             ON subject.generation = (TABLE access) AND subject.org_id = $1 AND subject.kind = 'portal_user'
            AND subject.subject_id = place.portal_user_id
           LEFT JOIN read.portal_user account
             ON account.generation = (TABLE portal) AND account.org_id = $1
            AND account.portal_user_id = place.portal_user_id
           WHERE reach.project_id = $5
           ORDER BY place.portal_user_id"#,
        scope.org.0,
        scope.asker_kind(),
        scope.asker_id(),
        at.as_utc(),
        project.0
    )
    .fetch_all(&mut *transaction)
    .await?;
    drop(transaction);
    let access = rows.first().map(|row| row.access.0.clone()).ok_or(Denied::NotThere)?;
    access.facts(scope).may(Action::ViewDirectory, Action::ViewDirectory, at)?;
    let mut roster = Vec::new();
    for row in rows {
        let (Some(portal_user), Some(status), Some(rights)) = (row.portal_user_id, row.status, row.rights) else {
            continue;
        };
        let rights = rights.into_iter().map(|right| read_word("rights", right)).collect::<Result<_, _>>()?;
        let window = Window { from: row.valid_from.map(Into::into), until: row.valid_until.map(Into::into) };
        let contact = row.contact_id.map(Into::into);
        roster.push(RosterEntry { portal_user: portal_user.into(), contact, status, rights, window });
    }
    Ok(roster)
}
