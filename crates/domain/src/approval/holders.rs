//! The people whose word counts at a project's stages, as the ledger names them.

use crate::access::{Facts, Right};
use crate::approval::{Approvers, Policy, Refused, Request, Rule, Vote};
use crate::clients::portal_user::{PortalUser, State as PortalUserState};
use crate::decider::{Folded, Needs};
use crate::envelope::Principal;
use crate::ids::{PortalUserId, ProjectId};
use crate::work::project::Project;
use std::collections::BTreeMap;

/// Who holds the rights that a policy names on a project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holders(BTreeMap<Right, Vec<Principal>>);

impl Holders {
    /// Everybody on the roster who may come to decide: not yet invited, invited or active, but not switched off, and only
    /// where the project is shown to the client (F8.9, D9).
    pub fn on_roster(ledger: &impl Folded, project: ProjectId, policy: &Policy) -> Result<Self, Needs> {
        let mut holders = Self::default();
        if !ledger.state::<Project>(project)?.published() {
            return Ok(holders);
        }
        for stage in policy.stages() {
            if let Approvers::Holders(right) = stage.approvers {
                let people = those(ledger, portal_users(ledger, project, right)?, PortalUserState::is_switched_on)?;
                holders.0.insert(right, people.into_iter().map(Principal::PortalUser).collect());
            }
        }
        Ok(holders)
    }

    /// Those whose account is active, for stages at which all of them must agree; no other stage asks.
    pub fn who_must_all_agree(ledger: &impl Folded, project: ProjectId, policy: &Policy) -> Result<Self, Needs> {
        let mut holders = Self::default();
        for stage in policy.stages() {
            match (&stage.approvers, stage.rule) {
                (Approvers::Holders(right), Rule::All) => {
                    let people = those(ledger, portal_users(ledger, project, *right)?, PortalUserState::is_active)?;
                    holders.0.insert(*right, people.into_iter().map(Principal::PortalUser).collect());
                }
                (Approvers::Holders(_), Rule::Any | Rule::AtLeast(_))
                | (Approvers::Named(_) | Approvers::Roles(_), _) => {}
            }
        }
        Ok(holders)
    }

    /// Everybody whose word counts for a stage's approvers.
    pub fn speaking_for(&self, approvers: &Approvers) -> Vec<Principal> {
        match approvers {
            Approvers::Holders(right) => self.0.get(right).cloned().unwrap_or_default(),
            Approvers::Named(people) => people.clone(),
            // Roles are another system's: nobody here has one.
            Approvers::Roles(_) => Vec::new(),
        }
    }
}

/// Whether whoever asks holds a right on the project in question. That they may act at all at this moment is another
/// question, which `access` answers first.
pub(crate) fn holds(access: &Facts, right: Right) -> bool {
    let grant = access.project.as_ref().and_then(|project| project.grant.as_ref());
    grant.is_some_and(|grant| grant.rights.contains(&right))
}

impl Request {
    /// What the word of whoever asks would do, if they may act at all at this moment.
    pub(crate) fn vote_by(&self, who: &Principal, access: &Facts, holders: &Holders) -> Result<Vote, Refused> {
        self.vote(who, |approvers| speaks_for(access, approvers), |approvers| holders.speaking_for(approvers))
    }

    /// The stage at which whoever asks would end the request, if they may act at all at this moment.
    pub(crate) fn refusal_by(&self, who: &Principal, access: &Facts) -> Result<u32, Refused> {
        self.refuse(who, |approvers| speaks_for(access, approvers))
    }
}

/// Whether whoever asks speaks for a stage's approvers.
pub fn speaks_for(access: &Facts, approvers: &Approvers) -> bool {
    match approvers {
        Approvers::Holders(right) => holds(access, *right),
        Approvers::Named(people) => access.subject.principal().is_some_and(|who| people.contains(&who)),
        Approvers::Roles(_) => false,
    }
}

fn portal_users(ledger: &impl Folded, project: ProjectId, right: Right) -> Result<Vec<PortalUserId>, Needs> {
    let at = ledger.moment().at;
    Ok(ledger.state::<Project>(project)?.holders_of(right, at).collect())
}

/// Those whose account stands so. Asks for all accounts at once, so that the store loads them together.
fn those(
    ledger: &impl Folded,
    people: Vec<PortalUserId>,
    stands_so: fn(&PortalUserState) -> bool,
) -> Result<Vec<PortalUserId>, Needs> {
    let mut needs = Vec::new();
    let mut those = Vec::new();
    for person in people {
        match ledger.state::<PortalUser>(person) {
            Ok(account) if stands_so(account) => those.push(person),
            Ok(_) => {}
            Err(Needs(streams)) => needs.extend(streams),
        }
    }
    if needs.is_empty() { Ok(those) } else { Err(Needs(needs)) }
}
