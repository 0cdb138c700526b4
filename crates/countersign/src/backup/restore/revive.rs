//! What a backup does not hold, made again: who may do what, every read model, and an agenda that repeats nothing.

use crate::backup::manifest::Events;
use crate::backup::restore::WaitingMail;
use crate::commands::rebuild::shown_on;
use crate::failure::Failure;
use crate::node::Node;
use crate::progress::Progress;
use countersign_domain::ids::OrgId;
use countersign_processes::{agenda, set_mail_aside};
use countersign_projections::{Advance, Group, Wanted, Workers, advance, begin_anew};
use indicatif::ProgressBar;
use std::time::Duration;

/// How many batches of organizations are folded at once.
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
    let agenda = agenda();
    for one in &backup.organizations {
        begin(node, one.org, agenda.name).await?;
    }
    let mut revived = Revived { mails_set_aside: 0, parked: rebuild_all(node, backup, progress).await? };
    let bar = progress.over("following the agenda", backup.events());
    for one in &backup.organizations {
        follow(node, &agenda, one.org, &bar).await?.into_iter().for_each(|parked| revived.parked.push(parked));
    }
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

/// Folds every group for everybody; where somebody's rows stop.
async fn rebuild_all(node: &Node, backup: &Events, progress: &Progress) -> Result<Vec<String>, Failure> {
    let failed = |error| Failure::because("the read models could not be folded", error);
    // Nobody is at work here yet.
    let rebuilds = node.rebuilds().abreast(AT_ONCE);
    let mut ids = Vec::new();
    for group in rebuilds.names() {
        let (group, canaries) = (group.to_owned(), Vec::new());
        let wanted = Wanted { group, only: None, canaries, keep: Duration::ZERO, by: Workers::Asker };
        ids.push(rebuilds.ask(&wanted).await.map_err(failed)?.id);
    }
    let bar = progress.over("folding read models", backup.events());
    let reports = rebuilds.work_on(&ids, &shown_on(&bar)).await.map_err(failed)?;
    bar.finish_and_clear();
    let parked = reports.iter().flat_map(|report| {
        report.parked.iter().map(move |parked| format!("{} of organization {}", report.group, parked.org))
    });
    Ok(parked.collect())
}

/// Takes an organization up to its head in a group; where it is parked.
async fn follow(node: &Node, group: &Group, org: OrgId, bar: &ProgressBar) -> Result<Option<String>, Failure> {
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
            Advance::UpToDate => return Ok(None),
            Advance::Parked => return Ok(Some(format!("{} of organization {org}", group.name))),
            // No build works on this database but this one.
            Advance::Elsewhere => tokio::task::yield_now().await,
        }
    }
}
