//! Who approved what, when, with which right, on which revision: the auditor's question.

use super::{Decided, Word};
use crate::access_facts::{AccessColumns, may_ask};
use crate::approval::approvable::Approvable;
use crate::columns::{moment, principal, read, read_position, read_principal, read_word, signed_position};
use crate::error::ReadError;
use crate::page::{Page, PageRequest};
use crate::scope::Scope;
use countersign_canon::Digest;
use countersign_domain::access::{Action, Right, Rights, decide};
use countersign_domain::envelope::{Actor, Principal};
use countersign_domain::ids::{ClientId, ProjectId};
use countersign_domain::values::{Note, Timestamp};
use countersign_postgres::reading;
use serde::Serialize;
use sqlx::PgPool;
use sqlx::types::Json;

/// One step in the history of an approval.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ApprovalEntry {
    /// Its place in the ledger.
    pub position: u64,
    /// What it is about.
    #[serde(flatten)]
    pub what: Approvable,
    /// The project that this belongs to.
    pub project: ProjectId,
    /// The client that it is for.
    pub client: ClientId,
    /// Which revision.
    pub revision: u32,
    /// What was decided.
    pub decided: Decided,
    /// Whose word it was.
    pub by: Principal,
    /// Who acted, which need not be whose word it was.
    pub actor: Actor,
    /// When.
    pub at: Timestamp,
    /// The right with which they spoke.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub right: Option<Right>,
    /// What they could see of it: the rights that made the mask.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seeing: Option<Rights>,
    /// The digest of what they were shown; of all there is to see, where approval was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The policy by which it counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// That policy's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_version: Option<u32>,
    /// The stage in which it counts, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<u32>,
    /// What it means, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meaning: Option<String>,
    /// The note of an approval, or the reason of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<Note>,
    /// Whether the approval also sends the invoice.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub auto_send: bool,
}

/// Which part of the history is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ApprovalFilter {
    /// Only what is about this.
    pub what: Option<Approvable>,
    /// Only what belongs to this project.
    pub project: Option<ProjectId>,
    /// Only the words of this person.
    pub by: Option<Principal>,
    /// Only what had happened by then.
    pub as_of: Option<Timestamp>,
}

/// The list that cursors of the history belong to.
const LIST: &str = "approvals";

/// The history of approvals, in the order in which it happened: of the whole organization, or of a part of it. Staff
/// who manage projects see that of their own; a guest learns only that it is not there.
pub async fn approvals(
    pool: &PgPool,
    scope: &Scope,
    at: Timestamp,
    filter: ApprovalFilter,
    page: &PageRequest,
) -> Result<Page<ApprovalEntry>, ReadError> {
    let last: Option<u64> = page.last(LIST)?;
    let by = filter.by.map(principal);
    let mut transaction = reading(pool, scope.org).await?;
    let rows = sqlx::query!(
        r#"WITH approvals AS (SELECT generation FROM read.active_generation WHERE org_id = $1 AND "group" = 'approvals')
           SELECT reach.access AS "access!: Json<AccessColumns>", history.position, history.object_kind,
                  history.object_id, history.project_id, history.client_id, history.decided, history.by_kind,
                  history.by_id, history.recorded_at, history.entry AS "entry: Json<Word>"
           FROM read.approval_history history
           JOIN read.reach($1, $2, $3, $4) reach ON reach.project_id = history.project_id
           WHERE history.generation = (TABLE approvals) AND history.org_id = $1 AND $2 <> 'portal_user'
             AND history.position > $5
             AND ($6::text IS NULL OR (history.object_kind = $6 AND history.object_id = $7))
             AND ($8::uuid IS NULL OR history.project_id = $8)
             AND ($9::text IS NULL OR (history.by_kind = $9 AND history.by_id = $10))
             AND ($11::timestamptz IS NULL OR history.recorded_at <= $11)
           ORDER BY history.position
           LIMIT $12"#,
        scope.org.0,
        scope.asker_kind(),
        scope.asker_id(),
        at.as_utc(),
        signed_position(last.unwrap_or(0)),
        filter.what.map(|what| what.kind().as_str()),
        filter.what.map(Approvable::id),
        filter.project.map(|project| project.0),
        by.as_ref().map(|(kind, _)| kind.as_str()),
        by.as_ref().map(|(_, id)| *id),
        moment(filter.as_of),
        page.limit.and_one_more()
    )
    .fetch_all(&mut *transaction)
    .await?;
    if rows.is_empty() {
        may_ask(&mut transaction, scope, None, Action::ViewDirectory, at).await?;
    }
    drop(transaction);
    let mut entries = Vec::with_capacity(rows.len());
    for row in rows {
        if !decide(&row.access.0.facts(scope), Action::ReadLedger, at).allowed {
            continue;
        }
        let word = row.entry.0;
        entries.push(ApprovalEntry {
            position: read_position("position", row.position)?,
            what: read("object_kind", Approvable::of(&row.object_kind, row.object_id))?,
            project: row.project_id.into(),
            client: row.client_id.into(),
            revision: word.revision,
            decided: read_word("decided", row.decided)?,
            by: read_principal("by_kind", &row.by_kind, row.by_id)?,
            actor: word.actor,
            at: row.recorded_at.into(),
            right: word.right,
            seeing: word.seeing,
            digest: word.digest,
            policy: word.policy,
            policy_version: word.policy_version,
            stage: word.stage,
            meaning: word.meaning,
            note: word.note,
            auto_send: word.auto_send,
        });
    }
    Ok(Page::of(LIST, entries, page.limit, |entry| entry.position))
}
