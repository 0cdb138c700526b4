//! Brings read models up to a ledger's head, whether or not somebody serves the portal meanwhile.

use crate::audit::Inquiry;
use crate::failure::Failure;
use crate::node::group_named;
use countersign_projections::{Advance, Group, advance};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::time::Duration;

/// Between two looks while somebody else is at it.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

impl Inquiry<'_> {
    /// Brings the rows of these groups up to the ledger's head.
    pub(crate) async fn bring_up(&self, groups: &[&str]) -> Result<(), Failure> {
        let head = self.ledger().reader().head(self.org).await;
        let head = head.map_err(|error| Failure::because("the ledger could not be read", error))?.unwrap_or(0);
        for name in groups {
            let group = group_named(name)?;
            let bar = progress(&group, head);
            self.advance(&group, &bar).await?;
            bar.finish_and_clear();
        }
        Ok(())
    }

    async fn advance(&self, group: &Group, bar: &ProgressBar) -> Result<(), Failure> {
        loop {
            let step = advance(self.ledger(), group, self.org).await;
            let failed =
                |error| Failure::because(&format!("the read models of {} could not be brought up", group.name), error);
            match step.map_err(failed)? {
                Advance::To(position) => bar.set_position(position),
                Advance::UpToDate => return Ok(()),
                Advance::Elsewhere => tokio::time::sleep(LOOK_AGAIN).await,
                Advance::Parked => {
                    return Err(Failure::say(format!(
                        "the read models of {0} were set aside because of an event that could not be projected; after an \
                         update, build them anew with `countersign rebuild {0}`",
                        group.name
                    )));
                }
            }
        }
    }
}

/// Shown on a terminal only, and only where it takes a moment.
fn progress(group: &Group, head: u64) -> ProgressBar {
    let template = "reading the ledger for {msg} [{bar:30}] {human_pos}/{human_len}";
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(Some(head), ProgressDrawTarget::stderr())
        .with_style(style.progress_chars("=> "))
        .with_message(group.name)
}
