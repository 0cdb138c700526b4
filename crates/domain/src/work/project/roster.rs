//! The rules of a project's roster: who of the client may do what on it, and when.

use super::{Event, Facts, Open, Rejection, State};
use crate::access::{Action, Grant, Right, Window};
use crate::ids::PortalUserId;

/// At whatever status the guest is: the grant waits for them to become active (D9).
pub(super) fn add_guest(
    state: &State,
    facts: &Facts,
    whom: PortalUserId,
    grant: Grant,
) -> Result<Vec<Event>, Rejection> {
    let project = facts.may(Action::ManageGuests, state)?;
    sound_grant(&grant)?;
    if facts.guest_client != Some(project.client) {
        return Err(Rejection::NotAtThisClient);
    }
    match project.roster.get(&whom) {
        Some(held) if *held == grant => Ok(vec![]),
        Some(held) => Ok(vec![project.revised(whom, held, grant)]),
        None => {
            let Grant { rights, window } = grant;
            Ok(vec![Event::AccessGranted { portal_user: whom, client: project.client, rights, window }])
        }
    }
}

pub(super) fn grant_right(
    state: &State,
    facts: &Facts,
    whom: PortalUserId,
    right: Right,
) -> Result<Vec<Event>, Rejection> {
    let project = facts.may(Action::ManageGuests, state)?;
    let held = project.grant_of(whom)?;
    let mut grant = held.clone();
    if !grant.rights.insert(right) {
        return Ok(vec![]);
    }
    sound_grant(&grant)?;
    Ok(vec![project.revised(whom, held, grant)])
}

/// What makes no sense without the right goes with it (D2).
pub(super) fn withdraw_right(
    state: &State,
    facts: &Facts,
    whom: PortalUserId,
    right: Right,
) -> Result<Vec<Event>, Rejection> {
    let project = facts.may(Action::ManageGuests, state)?;
    let held = project.grant_of(whom)?;
    if !held.rights.contains(&right) {
        return Ok(vec![]);
    }
    let rights = held.rights.iter().copied().filter(|other| !other.rests_on(right)).collect();
    Ok(vec![project.revised(whom, held, Grant { rights, window: held.window })])
}

/// Once off the roster, the project is gone for them (F6.3).
pub(super) fn remove_guest(state: &State, facts: &Facts, whom: PortalUserId) -> Result<Vec<Event>, Rejection> {
    let project = facts.may(Action::ManageGuests, state)?;
    if !project.roster.contains_key(&whom) {
        return Ok(vec![]);
    }
    Ok(vec![Event::AccessRevoked { portal_user: whom, client: project.client }])
}

/// Every right together with the one that it needs (F5.15), for some time at least.
fn sound_grant(grant: &Grant) -> Result<(), Rejection> {
    for right in grant.rights.iter().copied() {
        match right.needs() {
            Some(needs) if !grant.rights.contains(&needs) => {
                return Err(Rejection::RightNeedsAnother { right, needs });
            }
            Some(_) | None => {}
        }
    }
    match grant.window {
        Window { from: Some(from), until: Some(until) } if until <= from => Err(Rejection::WindowIsEmpty),
        Window { .. } => Ok(()),
    }
}

impl Open {
    fn grant_of(&self, portal_user: PortalUserId) -> Result<&Grant, Rejection> {
        self.roster.get(&portal_user).ok_or(Rejection::NotOnTheRoster)
    }

    fn revised(&self, portal_user: PortalUserId, from: &Grant, to: Grant) -> Event {
        let granted = to.rights.difference(&from.rights).copied().collect();
        let withdrawn = from.rights.difference(&to.rights).copied().collect();
        let Grant { rights, window } = to;
        Event::AccessRevised { portal_user, client: self.client, granted, withdrawn, rights, window }
    }
}
