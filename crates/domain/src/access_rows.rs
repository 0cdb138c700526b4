//! What the ledger says about access, as rows: the one derivation that the append, a rebuild and a check all use.

use crate::access::{Grant, Right};
use crate::clients::portal_user;
use crate::firm::staff;
use crate::ids::PortalUserId;
use crate::portal::{PortalEvent, StreamId, StreamState};
use crate::values::Timestamp;
use crate::work::project;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One row of the access group, without its organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AccessRow {
    /// A staff member or portal user.
    Subject(SubjectRow),
    /// A project.
    Project(ProjectRow),
    /// What somebody holds, or held, on a project.
    Grant(GrantRow),
}

/// Whether somebody is active, and what access decides by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectRow {
    /// `staff` or `portal_user`.
    pub kind: String,
    /// Who.
    pub subject_id: Uuid,
    /// `awaiting`, `pending` (staff: `awaiting`, `invited`), `active`, `inactive`.
    pub status: String,
    /// A staff member's access level.
    pub level: Option<String>,
    /// The client for which a portal user acts.
    pub client_id: Option<Uuid>,
    /// Their address.
    pub mailbox_id: Uuid,
    /// The invitation with which they set the password that counts.
    pub accepted_invitation: Option<Uuid>,
}

/// A project, as far as access depends on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectRow {
    /// Which one.
    pub project_id: Uuid,
    /// For whom.
    pub client_id: Uuid,
    /// Who manages it.
    pub manager_id: Option<Uuid>,
    /// Whether it is shown to the client.
    pub published: bool,
}

/// A place on a roster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantRow {
    /// On which project.
    pub project_id: Uuid,
    /// Whose.
    pub portal_user_id: Uuid,
    /// Whether they stand on the roster now.
    pub on_roster: bool,
    /// What they hold.
    pub rights: Vec<String>,
    /// The first moment at which it counts.
    pub valid_from: Option<Timestamp>,
    /// The first moment at which it no longer counts.
    pub valid_until: Option<Timestamp>,
}

/// The row that an event changes, as the stream's state after it has it; most events change none.
pub fn changed_row(stream: StreamId, event: &PortalEvent, after: &StreamState) -> Option<AccessRow> {
    match (event, after) {
        (PortalEvent::Staff(_), StreamState::Staff(state)) => staff_row(stream.id, state).map(AccessRow::Subject),
        (PortalEvent::PortalUser(_), StreamState::PortalUser(state)) => {
            portal_user_row(stream.id, state).map(AccessRow::Subject)
        }
        (PortalEvent::Project(event), StreamState::Project(state)) => match event {
            project::Event::Opened { .. }
            | project::Event::ManagerAssigned { .. }
            | project::Event::Published { .. }
            | project::Event::Withdrawn { .. } => project_row(stream.id, state).map(AccessRow::Project),
            project::Event::AccessGranted { portal_user, .. }
            | project::Event::AccessRevised { portal_user, .. }
            | project::Event::AccessRevoked { portal_user, .. } => {
                Some(AccessRow::Grant(grant_row(stream.id, *portal_user, state)))
            }
        },
        _ => None,
    }
}

fn staff_row(id: Uuid, state: &staff::State) -> Option<SubjectRow> {
    let staff::State::Known { level, mailbox, accepted, phase } = state else { return None };
    Some(SubjectRow {
        kind: "staff".into(),
        subject_id: id,
        status: phase.as_str().into(),
        level: Some(level.as_str().into()),
        client_id: None,
        mailbox_id: (*mailbox).into(),
        accepted_invitation: accepted.map(Into::into),
    })
}

fn portal_user_row(id: Uuid, state: &portal_user::State) -> Option<SubjectRow> {
    let portal_user::State::Known { identity, accepted, phase } = state else { return None };
    Some(SubjectRow {
        kind: "portal_user".into(),
        subject_id: id,
        status: phase.as_str().into(),
        level: None,
        client_id: Some(identity.client.into()),
        mailbox_id: identity.mailbox.into(),
        accepted_invitation: accepted.map(Into::into),
    })
}

fn project_row(id: Uuid, state: &project::State) -> Option<ProjectRow> {
    let project::State::Open(open) = state else { return None };
    Some(ProjectRow {
        project_id: id,
        client_id: open.client.into(),
        manager_id: open.manager.map(Into::into),
        published: open.published,
    })
}

fn grant_row(project: Uuid, portal_user: PortalUserId, state: &project::State) -> GrantRow {
    let grant: Option<&Grant> = match state {
        project::State::Open(open) => open.roster.get(&portal_user),
        project::State::Unopened => None,
    };
    GrantRow {
        project_id: project,
        portal_user_id: portal_user.into(),
        on_roster: grant.is_some(),
        rights: grant
            .map(|g| g.rights.iter().map(|right: &Right| right.as_str().to_owned()).collect())
            .unwrap_or_default(),
        valid_from: grant.and_then(|grant| grant.window.from),
        valid_until: grant.and_then(|grant| grant.window.until),
    }
}
