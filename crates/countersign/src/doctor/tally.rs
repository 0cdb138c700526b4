//! What was found in all organizations, added up by check.

use crate::checks::FAR_BEHIND;
use crate::doctor::finding::Offenders;
use crate::doctor::{Depth, Finding};
use crate::node::followed;
use countersign_domain::ids::OrgId;
use countersign_projections::{ACCESS, OrgState};

/// Rows that are further than a ledger's head by no more than this may be of events that were appended since it was read.
const MAY_HAVE_COME_SINCE: u64 = 1_000;

/// What was found in all organizations.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) organizations: usize,
    /// Positions that are missing, and ledgers that end before what was told of them.
    pub(super) gaps: Offenders,
    /// Events that are not what was hashed.
    pub(super) changed: Offenders,
    pub(super) events_read: u64,
    pub(super) unfounded: Offenders,
    pub(super) commands_read: u64,
    pub(super) shut: Offenders,
    pub(super) keyless: Offenders,
    pub(super) parked: Offenders,
    pub(super) ahead: Offenders,
    pub(super) behind: Offenders,
    pub(super) groupless: Offenders,
    /// Read models whose rows are not what their ledgers come to.
    pub(super) strayed: Offenders,
    pub(super) compared: usize,
    /// What could not be looked at, and why.
    pub(super) unread: Offenders,
}

impl Tally {
    /// How an organization stands in a group, beside the head of its ledger.
    pub(super) fn stands(&mut self, org: OrgId, head: u64, state: &OrgState) {
        let OrgState { group, position, parked } = state;
        if let Some((at, reason)) = parked {
            self.parked.add(format!("{group} of organization {org} at event {at} ({reason})"));
            return;
        }
        let Some(position) = *position else { return };
        if position > head + MAY_HAVE_COME_SINCE {
            self.ahead.add(format!("{group} of organization {org} is at {position}, its ledger at {head}"));
        } else if head > position + FAR_BEHIND {
            self.behind.add(format!("{group} of organization {org} by {} events", head - position));
        }
    }

    /// Whether the organization reads every group that there is.
    pub(super) fn reads(&mut self, org: OrgId, states: &[OrgState]) {
        for group in followed().iter().map(|group| group.name).chain([ACCESS]) {
            if !states.iter().any(|state| state.group == group) {
                self.groupless.add(format!("{group} of organization {org}"));
            }
        }
    }

    pub(super) fn tell(self, depth: Depth) -> Vec<Finding> {
        let mut told = vec![self.positions(), self.leaves(depth), self.commands(), self.vault(), self.rows()];
        if depth == Depth::Everything {
            told.push(self.digests());
        }
        if !self.unread.is_empty() {
            let line = format!("not looked at: {}", self.unread);
            told.push(Finding::failure("organizations", line, "see to the database, and look again"));
        }
        told
    }

    fn positions(&self) -> Finding {
        const CHECK: &str = "positions";
        if self.gaps.is_empty() {
            return Finding::ok(CHECK, format!("{} ledgers have no gap", self.organizations));
        }
        Finding::failure(
            CHECK,
            self.gaps.to_string(),
            "events are lost: stop the nodes, keep a copy of the database as it is, and restore a backup",
        )
    }

    fn leaves(&self, depth: Depth) -> Finding {
        const CHECK: &str = "leaf hashes";
        if !self.changed.is_empty() {
            return Finding::failure(
                CHECK,
                self.changed.to_string(),
                "somebody got past the triggers, or the disk is failing: keep a copy of the database as it is, and compare \
                 with a backup",
            );
        }
        let how = match depth {
            Depth::Sample => "a sample; --deep reads all",
            Depth::Everything => "all there are",
        };
        Finding::ok(CHECK, format!("{} events are what was hashed ({how})", self.events_read))
    }

    fn commands(&self) -> Finding {
        const CHECK: &str = "command log";
        if self.unfounded.is_empty() {
            return Finding::ok(CHECK, format!("{} commands led to the events that they say", self.commands_read));
        }
        Finding::failure(
            CHECK,
            format!("the events of these commands are not theirs: {}", self.unfounded),
            "the log or the ledger was changed: keep a copy of the database as it is, and compare with a backup",
        )
    }

    fn vault(&self) -> Finding {
        const CHECK: &str = "vault";
        if !self.shut.is_empty() {
            return Finding::failure(
                CHECK,
                format!("the master key does not open the keys of {}", self.shut),
                "use the master key with which this installation was made; with this one, nothing that is stored can be read",
            );
        }
        if !self.keyless.is_empty() {
            return Finding::failure(
                CHECK,
                format!("there are no keys of {}", self.keyless),
                "restore the newest keys: without them nobody's name can be read, and nobody can sign in",
            );
        }
        Finding::ok(CHECK, "its keys open, as far as there is a master key")
    }

    fn digests(&self) -> Finding {
        const CHECK: &str = "digests";
        if self.strayed.is_empty() {
            return Finding::ok(CHECK, format!("{} groups of rows are what their ledgers come to", self.compared));
        }
        Finding::failure(
            CHECK,
            format!("rows are not what the ledgers come to: {}", self.strayed),
            "`countersign rebuild --check` names them, `countersign rebuild` makes them anew",
        )
    }

    fn rows(&self) -> Finding {
        const CHECK: &str = "read models";
        if !self.ahead.is_empty() {
            return Finding::failure(
                CHECK,
                format!("rows know of events that are not there: {}", self.ahead),
                "the ledgers have lost their ends (a failover to a standby that lagged?): stop the nodes, and find the \
                 server that has them",
            );
        }
        if !self.parked.is_empty() {
            return Finding::failure(
                CHECK,
                format!("parked: {}", self.parked),
                "the rows stand still there; a mended build tries again by itself",
            );
        }
        if !self.groupless.is_empty() {
            return Finding::failure(CHECK, format!("nobody reads {}", self.groupless), "`countersign rebuild` it");
        }
        if !self.behind.is_empty() {
            return Finding::warning(
                CHECK,
                format!("far behind: {}", self.behind),
                "start a node if none serves; otherwise it is catching up, or too slow for its load",
            );
        }
        Finding::ok(CHECK, "all rows keep up")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    fn rows_at(position: u64, head: u64) -> Finding {
        let state = OrgState { group: "portal".to_owned(), position: Some(position), parked: None };
        let mut tally = Tally::default();
        tally.stands(OrgId(uuid::Uuid::nil()), head, &state);
        tally.rows()
    }

    #[test]
    fn rows_that_are_far_behind_are_told_and_rows_of_events_that_are_not_there_are_a_failure() {
        assert_eq!(rows_at(20_000, 20_000 + FAR_BEHIND).state, State::Ok);
        assert_eq!(rows_at(20_000, 20_001 + FAR_BEHIND).state, State::Warning);
        assert_eq!(rows_at(20_000 + MAY_HAVE_COME_SINCE, 20_000).state, State::Ok);
        assert_eq!(rows_at(20_001 + MAY_HAVE_COME_SINCE, 20_000).state, State::Failure);
    }

    #[test]
    fn an_organization_that_reads_no_group_is_told_what_to_build() {
        let mut tally = Tally::default();
        tally.reads(OrgId(uuid::Uuid::nil()), &[]);
        let finding = tally.rows();
        assert_eq!(finding.state, State::Failure);
        assert!(finding.line.starts_with("nobody reads portal of organization"), "{}", finding.line);
    }
}
