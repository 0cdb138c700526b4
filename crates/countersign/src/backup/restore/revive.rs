//! What a backup does not hold, made again: who may do what, every read model, and an agenda that repeats nothing.

use crate::backup::manifest::Events;
use crate::backup::restore::WaitingMail;
use crate::failure::Failure;
use crate::node::Node;
use crate::progress::Progress;
use countersign_domain::ids::OrgId;
use countersign_processes::{agenda, set_mail_aside};
use countersign_projections::{Advance, Group, advance, begin_anew, groups, rebuild_access};
use futures::stream::{self, StreamExt, TryStreamExt};
use indicatif::ProgressBar;

/// How many organizations are folded at once.
const AT_ONCE: usize = 4;
/// Why mail that had not left is not sent.
const WHY_NOT: &str = "restored from a backup";

/// What it came to.
#[derive(Debug, Default)]
pub(super) struct Revived {
    pub(super) mails_set_aside: u64,
    pub(super) parked: Vec<String>,
}

pub(super) async fn revive(
    node: &Node,
    backup: &Events,
    mail: WaitingMail,
    progress: &Progress,
) -> Result<Revived, Failure> {
    let (agenda, groups) = (agenda(), groups());
    for one in &backup.organizations {
        begin(node, one.org, agenda.name).await?;
    }
    let bar = progress.over("restoring rights", backup.events());
    let access = rebuild_access(&node.ledger, |events| bar.inc(events)).await;
    access.map_err(|error| Failure::because("the rows that say who may do what could not be folded", error))?;
    bar.finish_and_clear();

    let bar = progress.over("folding read models", backup.events() * (groups.len() as u64 + 1));
    let all: Vec<&Group> = groups.iter().chain([&agenda]).collect();
    let folding = stream::iter(&backup.organizations)
        .map(|one| fold(node, &all, one.org, &bar))
        .buffer_unordered(AT_ONCE)
        .try_concat();
    let mut revived = Revived { mails_set_aside: 0, parked: folding.await? };
    bar.finish_and_clear();
    if mail == WaitingMail::SetAside {
        for one in &backup.organizations {
            let set_aside = set_mail_aside(node.ledger.reader().pool(), one.org, node.clock.now(), WHY_NOT).await;
            revived.mails_set_aside +=
                set_aside.map_err(|error| Failure::because("mail could not be set aside", error))?;
        }
    }
    Ok(revived)
}

/// Puts an organization on the generations that this database has, and makes sure that its people can be read. What the
/// agenda has followed stays followed: what was done must not be done again.
async fn begin(node: &Node, org: OrgId, agenda: &str) -> Result<(), Failure> {
    let opens = node.ledger.vault().opens(org).await;
    opens.map_err(|error| Failure::because(&format!("the keys of organization {org} cannot be used"), error))?;
    let pool = node.ledger.reader().pool();
    node.ledger.open(org).await.map_err(|error| Failure::because("an organization could not be opened", error))?;
    begin_anew(pool, org, &[agenda]).await.map_err(|error| Failure::because("read models could not be begun", error))
}

/// Takes an organization up to its head in every group; the groups in which it is parked.
async fn fold(node: &Node, groups: &[&Group], org: OrgId, bar: &ProgressBar) -> Result<Vec<String>, Failure> {
    let mut parked = Vec::new();
    for group in groups {
        let mut position = 0;
        loop {
            let advanced = advance(&node.ledger, group, org).await;
            let failed =
                |error| Failure::because(&format!("{} of organization {org} could not be folded", group.name), error);
            match advanced.map_err(failed)? {
                Advance::To(reached) => {
                    bar.inc(reached.saturating_sub(position));
                    position = reached;
                }
                Advance::UpToDate => break,
                Advance::Parked => {
                    parked.push(format!("{} of organization {org}", group.name));
                    break;
                }
                // No build works on this database but this one.
                Advance::Elsewhere => tokio::task::yield_now().await,
            }
        }
    }
    Ok(parked)
}
