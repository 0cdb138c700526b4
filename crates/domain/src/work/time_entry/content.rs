//! One revision of a time entry, as it is put before people, and the digest of what each of them is shown of it.

use crate::approval::{Mask, Salt, shown_digest};
use crate::ids::{ClientId, ContractLineId, ProjectId, StaffId, TimeEntryId};
use crate::values::{Hours, Money, Note};
use chrono::NaiveDate;
use countersign_canon::Digest;
use serde::{Deserialize, Serialize};

/// One revision of a time entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// Which entry.
    pub time_entry: TimeEntryId,
    /// The project on which it was worked.
    pub project: ProjectId,
    /// The client that it is for.
    pub client: ClientId,
    /// The line of the contract that it is booked on.
    pub contract_line: ContractLineId,
    /// Who worked.
    pub author: StaffId,
    /// Which revision, from 1.
    pub revision: u32,
    /// The day.
    pub worked_on: NaiveDate,
    /// How long.
    pub hours: Hours,
    /// What was done.
    pub note: Note,
    /// What an hour costs the client, by the contract when it was logged.
    pub rate: Money,
    /// What the entry costs the client.
    pub value: Money,
    /// What makes its digests impossible to guess.
    pub salt: Salt,
}

/// The digest of what somebody is shown of a revision under their mask: rate and value are financial fields (F6.5).
pub fn shown(content: &Content, mask: Mask) -> Digest {
    let Content { salt, note, .. } = content;
    let shown = Shown {
        kind: "time_entry",
        time_entry: content.time_entry,
        project: content.project,
        client: content.client,
        contract_line: content.contract_line,
        author: content.author,
        revision: content.revision,
        worked_on: content.worked_on,
        hours: content.hours,
        note: salt.commitment(note.as_str()),
        rate: mask.financial(content.rate),
        value: mask.financial(content.value),
    };
    shown_digest(salt, &shown)
}

#[derive(Serialize)]
struct Shown {
    kind: &'static str,
    time_entry: TimeEntryId,
    project: ProjectId,
    client: ClientId,
    contract_line: ContractLineId,
    author: StaffId,
    revision: u32,
    worked_on: NaiveDate,
    hours: Hours,
    note: Digest,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Money>,
}
