//! What somebody decided, and how a decision is asked for.

use crate::schema;
use countersign_canon::Digest;
use countersign_domain::envelope::Principal;
use countersign_domain::values::{Note, Timestamp};
use countersign_projections::approval::{Decision as DecisionView, Verdict};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One person's decision on a revision.
#[derive(Serialize, ToSchema)]
pub(crate) struct Decision {
    /// On which revision.
    revision: u32,
    /// What they said.
    #[schema(value_type = schema::Verdict)]
    verdict: Verdict,
    /// Who.
    #[schema(value_type = schema::Principal)]
    by: Principal,
    /// When.
    #[schema(value_type = schema::Timestamp)]
    at: Timestamp,
    /// The note of an approval, or the reason of a refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Note>)]
    note: Option<Note>,
}

/// A guest's yes to exactly what they were shown.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Approve {
    /// The `shown` of what is approved, as it was read.
    #[schema(value_type = schema::Digest)]
    pub(crate) shown: Digest,
    /// What they write with it.
    #[serde(default)]
    #[schema(value_type = Option<schema::Note>)]
    pub(crate) note: Option<Note>,
}

/// A guest's no to exactly what they were shown.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refuse {
    /// The `shown` of what is refused, as it was read.
    #[schema(value_type = schema::Digest)]
    pub(crate) shown: Digest,
    /// Why.
    #[schema(value_type = schema::Note)]
    pub(crate) reason: Note,
}

impl From<DecisionView> for Decision {
    fn from(view: DecisionView) -> Self {
        let DecisionView { revision, verdict, by, at, note } = view;
        Self { revision, verdict, by, at, note }
    }
}
