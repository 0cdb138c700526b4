//! From the access group's rows to the facts on which `access::decide` rests: the one way in which reads ask who may
//! see what. Commands pull the same facts from the ledger's streams.

use crate::error::ReadError;
use crate::scope::{Asker, Scope};
use countersign_domain::access::{Action, Denied, Facts, Grant, ProjectFacts, Subject};
use countersign_domain::envelope::Principal;
use countersign_domain::firm::staff::Level;
use countersign_domain::ids::{ClientId, PortalUserId, StaffId};
use countersign_domain::values::Timestamp;
use countersign_postgres::reading;
use serde::Deserialize;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};
use std::collections::BTreeSet;

/// What `read.asker` and `read.reach` answer in their column `access`.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct AccessColumns {
    subject: Option<SubjectColumns>,
    #[serde(default)]
    project: Option<ProjectColumns>,
}

#[derive(Clone, Debug, Deserialize)]
struct SubjectColumns {
    status: String,
    level: Option<Level>,
    client: Option<ClientId>,
}

#[derive(Clone, Debug, Deserialize)]
struct ProjectColumns {
    client: ClientId,
    manager: Option<StaffId>,
    published: bool,
    grant: Option<Grant>,
}

impl AccessColumns {
    /// The facts about whoever asks, and about the project if the row is of one.
    pub(crate) fn facts(self, scope: &Scope) -> Facts {
        let Self { subject, project } = self;
        let project = project.map(|project| {
            let ProjectColumns { client, manager, published, grant } = project;
            ProjectFacts { client, manager, published, grant }
        });
        Facts { subject: subject_of(scope, subject), project }
    }
}

/// Who is unknown is not active, as for commands.
fn subject_of(scope: &Scope, columns: Option<SubjectColumns>) -> Subject {
    let active = columns.as_ref().is_some_and(|columns| columns.status == "active");
    match scope.asker {
        Asker::Operator => Subject::Installation,
        Asker::Person(Principal::Staff(id)) => {
            let level = columns.and_then(|columns| columns.level).unwrap_or(Level::Auditor);
            Subject::Staff { id, level, active }
        }
        Asker::Person(Principal::PortalUser(id)) => portal_user(scope, id, active, columns),
    }
}

/// A portal user reaches only the client for which they act in this session (D10).
fn portal_user(scope: &Scope, id: PortalUserId, active: bool, columns: Option<SubjectColumns>) -> Subject {
    let client = columns.and_then(|columns| columns.client);
    let acts_for = |client: &ClientId| scope.acting_client.is_none_or(|acting| acting == *client);
    Subject::PortalUser { id, active, clients: client.into_iter().filter(acts_for).collect::<BTreeSet<_>>() }
}

/// What the access rows say of whoever asks, at this moment.
pub async fn standing(pool: &PgPool, scope: &Scope) -> Result<Subject, ReadError> {
    let mut transaction = reading(pool, scope.org).await?;
    let facts = asker(&mut transaction, scope).await?.facts(scope);
    drop(transaction);
    Ok(facts.subject)
}

/// Refuses whoever is not active, or nobody.
pub(crate) fn is_somebody(facts: &Facts) -> Result<(), Denied> {
    match facts.subject {
        Subject::PortalUser { active: false, .. } => Err(Denied::PortalUserInactive),
        Subject::Staff { active: false, .. } => Err(Denied::StaffInactive),
        Subject::Nobody => Err(Denied::NotThere),
        Subject::PortalUser { .. } | Subject::Staff { .. } | Subject::Installation => Ok(()),
    }
}

/// Refuses a question about the organization as a whole. `answered` is what the question's own rows say of the asker;
/// where it has none, the asker is looked up.
pub(crate) async fn may_ask(
    connection: &mut PgConnection,
    scope: &Scope,
    answered: Option<AccessColumns>,
    action: Action,
    at: Timestamp,
) -> Result<Facts, ReadError> {
    let access = match answered {
        Some(access) => access,
        None => asker(connection, scope).await?,
    };
    let facts = access.facts(scope);
    facts.may(action, Action::ViewDirectory, at)?;
    Ok(facts)
}

pub(crate) async fn asker(connection: &mut PgConnection, scope: &Scope) -> Result<AccessColumns, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT access AS "access!: Json<AccessColumns>" FROM read.asker($1, $2, $3)"#,
        scope.org.0,
        scope.asker_kind(),
        scope.asker_id()
    )
    .fetch_one(connection)
    .await?;
    Ok(row.access.0)
}
