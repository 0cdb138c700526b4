//! Where the demo is played: real commands, said to happen at a moment of the story.

use crate::demo::cast::{PASSWORD, id, org, written};
use crate::failure::Failure;
use crate::node::Node;
use chrono::{NaiveDate, TimeDelta};
use countersign_domain::envelope::{Actor, Principal, Provenance};
use countersign_domain::ids::{CommandId, InvitationId, MailboxId};
use countersign_domain::use_case::UseCase;
use countersign_domain::values::{Email, Timestamp};
use countersign_eventstore::{Submission, Verdict};
use countersign_identity::credential::NewCredential;
use countersign_identity::error::IdentityError;
use countersign_identity::password::{NewPassword, Password};
use countersign_processes::{Worker, agenda};
use countersign_projections::{Advance, Group, advance, groups};
use indicatif::ProgressBar;
use sqlx::PgPool;

/// How long ago the story begins: its thirteen weeks have just passed.
const BEGINS_AGO: TimeDelta = TimeDelta::days(13 * 7 + 1);

/// The stage: a node, and the day on which the story begins.
pub(crate) struct Stage<'a> {
    node: &'a Node,
    worker: Worker,
    groups: Vec<Group>,
    begin: Timestamp,
    bar: ProgressBar,
}

impl<'a> Stage<'a> {
    /// Sets the stage. A story that was broken off goes on from the day on which it began.
    pub(crate) async fn set(node: &'a Node, worker: Worker, bar: ProgressBar) -> Result<Self, Failure> {
        node.ledger
            .open(org())
            .await
            .map_err(|error| Failure::because("the demo's ledger could not be opened", error))?;
        let first = node.ledger.reader().after(org(), 0, 1).await;
        let first = first.map_err(|error| Failure::because("the demo's ledger could not be read", error))?;
        let begin = match first.first() {
            Some(event) => written(event.read())?.recorded_at,
            None => monday_before(node.clock.now().plus(-BEGINS_AGO)),
        };
        let mut groups = groups();
        groups.push(agenda());
        Ok(Self { node, worker, groups, begin, bar })
    }

    pub(crate) fn pool(&self) -> &PgPool {
        self.node.ledger.reader().pool()
    }

    /// A moment of the story: so many days after it begins (on a Monday at eight), so many hours into the day's work.
    pub(crate) fn at(&self, day: i64, hour: i64) -> Timestamp {
        self.begin.plus(TimeDelta::days(day) + TimeDelta::hours(hour))
    }

    pub(crate) fn date(&self, day: i64) -> NaiveDate {
        self.at(day, 0).as_utc().date_naive()
    }

    pub(crate) async fn mailbox(&self, email: &Email) -> Result<MailboxId, Failure> {
        let key = self.node.ledger.vault().org_key(org()).await;
        Ok(key.map_err(|error| Failure::because("the demo's key could not be had", error))?.mailbox(email))
    }

    /// Something happens. `name` tells it from everything else in the story.
    pub(crate) async fn act(&self, name: &str, at: Timestamp, actor: Actor, use_case: UseCase) -> Result<(), Failure> {
        self.bar.inc(1);
        let mut submission = Submission::new(org(), command(name), actor, name.as_bytes().to_vec(), use_case);
        submission.provenance = Provenance::Simulated;
        submission.at = Some(at);
        let answer = self.node.ledger.execute(submission).await;
        let answer = answer.map_err(|error| Failure::because("the demo could not be made", error))?;
        match answer.verdict {
            Verdict::Accepted { .. } | Verdict::AlreadySo => Ok(()),
            Verdict::Rejected(refusal) => {
                Err(Failure::say(format!("the demo's own story was refused at {name}: {}", refusal.message)))
            }
        }
    }

    /// Gives somebody the demo's password, as if they had chosen it on accepting, which `name` tells of.
    pub(crate) async fn choose_password(
        &self,
        name: &str,
        principal: Principal,
        mailbox: MailboxId,
        invitation: InvitationId,
        at: Timestamp,
    ) -> Result<(), Failure> {
        let password = written(NewPassword::choose(Password::from(PASSWORD.to_owned())))?;
        let credential = NewCredential { org: org(), principal, mailbox, invitation, command: command(name), password };
        match self.node.identity.set_credential(credential, at).await {
            Ok(()) | Err(IdentityError::InvitationAlreadyAccepted) => Ok(()),
            Err(error) => Err(Failure::because("the demo's password could not be set", error)),
        }
    }

    /// Brings everything up to what has happened: read models, and what the processes make of it.
    pub(crate) async fn settle(&self) -> Result<(), Failure> {
        let failed = |error: &dyn std::error::Error| Failure::say(format!("the demo could not be followed: {error}"));
        loop {
            for group in &self.groups {
                while let Advance::To(_) =
                    advance(&self.node.ledger, group, org()).await.map_err(|error| failed(&error))?
                {}
            }
            if self.worker.work_off_what_is_due().await.map_err(|error| failed(&error))? == 0 {
                return Ok(());
            }
        }
    }
}

/// The command of what happens.
fn command(name: &str) -> CommandId {
    CommandId(id(format!("command/{name}")))
}

/// The Monday on or before a day, at eight in the morning.
fn monday_before(day: Timestamp) -> Timestamp {
    use chrono::Datelike;
    let date = day.as_utc().date_naive();
    let monday = date - TimeDelta::days(i64::from(date.weekday().num_days_from_monday()));
    let eight = monday.and_hms_opt(8, 0, 0).expect("there is an eight o'clock on every day");
    eight.and_utc().into()
}
