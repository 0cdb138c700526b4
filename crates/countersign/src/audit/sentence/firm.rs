//! What happens to the firm itself.

use crate::audit::names::Names;
use crate::audit::sentence::{level, moment};
use countersign_domain::firm::{organization, seats, staff};
use countersign_domain::ids::StaffId;

pub(super) fn organization(event: &organization::Event) -> String {
    match event {
        organization::Event::Registered { slug, name, plan, time_zone, currency, locale } => format!(
            "registered the organization {name} ({slug}) on the plan {}, with time zone {time_zone}, currency {currency} \
             and locale {locale}",
            plan.as_str()
        ),
        organization::Event::PlanChanged { from, to } => {
            format!("changed the plan from {} to {}", from.as_str(), to.as_str())
        }
        organization::Event::Localized { time_zone, currency, locale } => {
            format!("set the time zone to {time_zone}, the currency to {currency} and the locale to {locale}")
        }
    }
}

pub(super) fn staff(event: &staff::Event, id: StaffId, names: &Names) -> String {
    let who = names.staff(id);
    match event {
        staff::Event::Added { level: given, invitation, .. } => {
            let until = moment(invitation.expires_at);
            format!("added {who} to the staff as {}, with an invitation until {until}", level(*given))
        }
        staff::Event::Invited { invitation, replaces, .. } => {
            let instead = if replaces.is_some() { ", in place of the one before" } else { "" };
            format!("sent {who} an invitation until {}{instead}", moment(invitation.expires_at))
        }
        staff::Event::Joined { .. } => "accepted the invitation to join the staff".to_owned(),
        staff::Event::LevelSet { from, to } => {
            format!("changed the access level of {who} from {} to {}", level(*from), level(*to))
        }
        staff::Event::Deactivated {} => format!("switched off the staff account of {who}"),
        staff::Event::Reactivated {} => format!("switched the staff account of {who} on again"),
    }
}

pub(super) fn seats(event: &seats::Event, names: &Names) -> String {
    match event {
        seats::Event::Reserved { portal_user } => format!("reserved a seat for {}", names.portal_user(*portal_user)),
        seats::Event::Released { portal_user } => format!("freed the seat of {}", names.portal_user(*portal_user)),
    }
}
