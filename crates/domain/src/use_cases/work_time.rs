//! Errands about time.

use crate::approval::Salt;
use crate::ids::{ContractLineId, ProjectId, TimeEntryId};
use crate::use_case::UseCase;
use crate::values::Note;
use crate::work::time_entry::{Command, TimeEntry, Worked};
use countersign_canon::Digest;

/// A new entry of time.
#[derive(Clone, Debug)]
pub struct LogTime {
    /// The entry.
    pub time_entry: TimeEntryId,
    /// The project on which it was worked.
    pub project: ProjectId,
    /// The line of the contract that it is booked on.
    pub contract_line: ContractLineId,
    /// What was worked.
    pub worked: Worked,
    /// What makes the revision's digests impossible to guess.
    pub salt: Salt,
}

/// Writes a time entry's first revision; whoever does so is its author.
pub fn log_time(command: LogTime) -> UseCase {
    let LogTime { time_entry, project, contract_line, worked, salt } = command;
    UseCase::single::<TimeEntry>("LogTime", time_entry, Command::Log { project, contract_line, worked, salt })
}

/// Writes a time entry's next revision.
pub fn revise_time(time_entry: TimeEntryId, worked: Worked, salt: Salt) -> UseCase {
    UseCase::single::<TimeEntry>("ReviseTime", time_entry, Command::Revise { worked, salt })
}

/// Asks the client to approve time.
pub fn submit_time(time_entry: TimeEntryId) -> UseCase {
    UseCase::single::<TimeEntry>("SubmitTime", time_entry, Command::Submit)
}

/// Takes the question back.
pub fn recall_time(time_entry: TimeEntryId) -> UseCase {
    UseCase::single::<TimeEntry>("RecallTime", time_entry, Command::Recall)
}

/// Approves time as it was shown (F8.1).
pub fn approve_time(time_entry: TimeEntryId, shown: Digest, note: Option<Note>) -> UseCase {
    UseCase::single::<TimeEntry>("ApproveTime", time_entry, Command::Approve { shown, note })
}

/// Refuses time as it was shown, and says why (F8.6).
pub fn reject_time(time_entry: TimeEntryId, shown: Digest, reason: Note) -> UseCase {
    UseCase::single::<TimeEntry>("RejectTime", time_entry, Command::Reject { shown, reason })
}
