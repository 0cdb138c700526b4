//! Does what is due: commands exactly once, mail at least once with a stable id.
//!
//! A node looks at what is under its leases. An item is taken for a while; whoever dies over it leaves it to the next one. A command's id is its item's, so that
//! doing it again is nothing new. Commands do not wait for mail servers: the two are worked off side by side.

use crate::agenda::{self, Taken};
use crate::mail::{MailError, Mailer, Message};
use crate::measure::{self, Left};
use crate::recipient;
use crate::task::{Cause, Errand, InvitationMail, Item, Task, Waiting};
use chrono::TimeDelta;
use countersign_domain::billing::number::{NumberError, Prefix};
use countersign_domain::envelope::{Actor, Principal, ProcessName, Provenance};
use countersign_domain::ids::{CommandId, InvitationId, InvoiceId, OrgId, PortalUserId, ProjectId};
use countersign_domain::use_case::UseCase;
use countersign_domain::use_cases::billing::send_invoice;
use countersign_domain::use_cases::guests::expire_invitation;
use countersign_domain::values::{Email, Timestamp};
use countersign_eventstore::{Clock, ExecuteError, Ledger, Submission, Verdict};
use countersign_postgres::fault;
use countersign_projections::Leases;
use futures::{StreamExt, stream};
use sqlx::PgPool;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How long an item stays with whoever took it.
const LEASE_SECONDS: i64 = 60;
/// The same for a mail: a server may take its time over each line, and nobody shall send it a second time meanwhile.
const MAIL_LEASE_SECONDS: i64 = 600;
/// How many items are looked up at a time.
const AT_A_TIME: i32 = 32;
/// How many of them are worked on at once.
const AT_ONCE: usize = 4;
/// The longest time for which an item is put off.
const LONGEST_DELAY: TimeDelta = TimeDelta::hours(3);
/// How often the agenda is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Mail that no server takes is given up after so many tries, over about two days.
const MAIL_ATTEMPTS: i32 = 20;
/// A mail whose recipient is not known yet waits for the read models, so many times.
const UNKNOWN_RECIPIENT_ATTEMPTS: i32 = 8;

/// Makes the link of an invitation from its organization, id and nonce.
pub type InvitationLink = dyn Fn(OrgId, InvitationId, &str) -> String + Send + Sync;

/// Where people come to from a mail: built from the public address, and for invitations with the server's key.
#[derive(Clone)]
pub struct Links {
    /// The link of an invitation.
    pub invitation: Arc<InvitationLink>,
    /// The portal's address, without a slash at the end.
    pub portal: String,
}

impl fmt::Debug for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Links({})", self.portal)
    }
}

/// Works the agenda off. Cheap to clone; any number may run.
#[derive(Clone)]
pub struct Worker {
    ledger: Ledger,
    mailer: Mailer,
    links: Links,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Worker(…)")
    }
}

/// What became of an item.
enum Done {
    /// Ticked off with this outcome; these items go on the agenda instead.
    With(String, Vec<Item>),
    /// Not now: what stood in the way.
    NotNow(String),
}

#[derive(Debug, thiserror::Error)]
enum WorkError {
    #[error("the database could not do it")]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Execute(#[from] ExecuteError),
    #[error(transparent)]
    Mail(#[from] MailError),
    #[error(transparent)]
    Number(#[from] NumberError),
}

impl Worker {
    /// A worker over a node's ledger.
    pub fn new(ledger: Ledger, mailer: Mailer, links: Links, clock: Arc<dyn Clock>) -> Self {
        Self { ledger, mailer, links, clock }
    }

    /// Works, until it is dropped, on what is under this node's leases.
    pub async fn run(self, leases: Leases) {
        tokio::join!(self.keep_at(Errand::Here, &leases), self.keep_at(Errand::Mail, &leases));
    }

    async fn keep_at(&self, errand: Errand, leases: &Leases) {
        loop {
            match self.work_off_under(leases, errand).await {
                Ok(0) => tokio::time::sleep(LOOK_EVERY).await,
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(error = ?error, "the agenda could not be read; trying again");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }

    /// Does what is due now, whoever holds its lease; how many items were done or put off.
    pub async fn work_off_what_is_due(&self) -> Result<usize, sqlx::Error> {
        let mut count = 0;
        for errand in [Errand::Here, Errand::Mail] {
            let due = agenda::due(self.pool(), errand, self.clock.now(), AT_A_TIME).await?;
            count += self.work_off(errand, due).await?;
        }
        Ok(count)
    }

    async fn work_off_under(&self, leases: &Leases, errand: Errand) -> Result<usize, sqlx::Error> {
        let due = agenda::due_for(self.pool(), leases.node(), errand, self.clock.now(), AT_A_TIME).await?;
        self.work_off(errand, due).await
    }

    async fn work_off(&self, errand: Errand, due: Vec<(OrgId, Uuid)>) -> Result<usize, sqlx::Error> {
        measure::due(errand, due.len());
        let at_work = stream::iter(due).map(|(org, id)| self.work_on(errand, org, id)).buffer_unordered(AT_ONCE);
        // All are awaited: what is under way when another one fails is not broken off.
        let worked: Vec<Result<bool, sqlx::Error>> = at_work.collect().await;
        worked.into_iter().try_fold(0, |count, worked| Ok(count + usize::from(worked?)))
    }

    /// Works on an item, unless somebody else has it.
    async fn work_on(&self, errand: Errand, org: OrgId, id: Uuid) -> Result<bool, sqlx::Error> {
        let seconds = match errand {
            Errand::Here => LEASE_SECONDS,
            Errand::Mail => MAIL_LEASE_SECONDS,
        };
        let Some(taken) = agenda::take(self.pool(), org, id, seconds).await? else { return Ok(false) };
        let (now, begun) = (self.clock.now(), Instant::now());
        let left = match self.perform(&taken, now).await {
            Ok(Done::With(outcome, became)) => self.tick_off(&taken, &outcome, &became).await.map(|()| Left::Done)?,
            Ok(Done::NotNow(why)) => self.put_off(&taken, &why).await.map(|()| Left::PutOff)?,
            Err(error) => {
                complain(&taken, &error);
                if gives_up(&taken, &error) {
                    self.tick_off(&taken, &format!("given up: {error}"), &[]).await.map(|()| Left::GivenUp)?
                } else {
                    self.put_off(&taken, &error.to_string()).await.map(|()| Left::PutOff)?
                }
            }
        };
        measure::worked_on(errand, &taken, now, begun.elapsed(), left);
        Ok(true)
    }

    async fn tick_off(&self, taken: &Taken, outcome: &str, became: &[Item]) -> Result<(), sqlx::Error> {
        let is_ours = agenda::done(self.pool(), taken, self.clock.now(), outcome, became).await?;
        say_if_late(taken, is_ours);
        Ok(())
    }

    async fn put_off(&self, taken: &Taken, why: &str) -> Result<(), sqlx::Error> {
        tracing::debug!(org = %taken.org, item = %taken.id, why, "an item of the agenda is put off");
        let until = self.clock.now().plus(delay(taken.attempts));
        say_if_late(taken, agenda::put_off(self.pool(), taken, until).await?);
        Ok(())
    }

    async fn perform(&self, taken: &Taken, now: Timestamp) -> Result<Done, WorkError> {
        match taken.task.clone() {
            Task::SendInvoice { invoice } => self.send_invoice(taken, invoice, now).await,
            Task::ExpireInvitation { portal_user, invitation } => {
                let use_case = expire_invitation(taken.org, portal_user, invitation);
                self.execute(taken, ProcessName::InvitationExpiry, use_case).await
            }
            Task::MailInvitation(mail) => self.mail_invitation(taken, mail, now).await,
            Task::AskForApproval { project, waiting } => self.ask_for_approval(taken, project, waiting, now).await,
            Task::MailApprovalAsked { portal_user, project, waiting } => {
                self.mail_approval_asked(taken, portal_user, project, waiting, now).await
            }
        }
    }

    /// The invoice is issued on the organization's day, in a simulated history on that history's.
    async fn send_invoice(&self, taken: &Taken, invoice: InvoiceId, now: Timestamp) -> Result<Done, WorkError> {
        let Some(zone) = recipient::time_zone(self.pool(), taken.org).await? else {
            return Ok(Done::NotNow("the organization is not in the read models yet".to_owned()));
        };
        let zone: chrono_tz::Tz = zone.parse().unwrap_or(chrono_tz::UTC);
        let day = taken.cause.simulated_at.unwrap_or(now).as_utc().with_timezone(&zone).date_naive();
        let use_case = send_invoice(taken.org, invoice, Prefix::default(), day)?;
        self.execute(taken, ProcessName::AutoSend, use_case).await
    }

    async fn execute(&self, taken: &Taken, process: ProcessName, use_case: UseCase) -> Result<Done, WorkError> {
        let request = taken.id.as_bytes().to_vec();
        let mut submission =
            Submission::new(taken.org, CommandId(taken.id), Actor::Process(process), request, use_case);
        let Cause { event, correlation, simulated_at, .. } = taken.cause.clone();
        submission.causation_id = Some(event);
        submission.correlation_id = correlation;
        // In a made-up history, too, a time must be over before it can be recorded that it is.
        submission.at = simulated_at.map(|at| taken.due_at.map_or(at, |due_at| at.max(due_at)));
        if simulated_at.is_some() {
            submission.provenance = Provenance::Simulated;
        }
        let answer = self.ledger.execute(submission).await?;
        fault::reached("agenda.commanded").await;
        Ok(Done::With(
            match answer.verdict {
                Verdict::Accepted { .. } => "accepted".to_owned(),
                Verdict::AlreadySo => "already so".to_owned(),
                Verdict::Rejected(refusal) => format!("rejected: {}", refusal.code),
            },
            Vec::new(),
        ))
    }

    async fn mail_invitation(&self, taken: &Taken, mail: InvitationMail, now: Timestamp) -> Result<Done, WorkError> {
        if mail.expires_at <= now {
            return Ok(not_sent("expired"));
        }
        if !self.is_known(taken, &["portal", "people"]).await? {
            return Ok(not_known_yet());
        }
        if !recipient::is_live(self.pool(), taken.org, mail.person, mail.invitation).await? {
            return Ok(not_sent("the invitation no longer counts"));
        }
        let Some(to) = recipient::person(self.pool(), taken.org, mail.person).await? else {
            return Ok(nobody_to_write_to(taken));
        };
        let link = (self.links.invitation)(taken.org, mail.invitation, &mail.nonce);
        self.send(taken, Message::invitation(to.email, to.name, &to.firm, &link, mail.expires_at)).await
    }

    /// Becomes one mail a person, each with an id of its own, so that one failure repeats nobody else's.
    async fn ask_for_approval(
        &self,
        taken: &Taken,
        project: ProjectId,
        waiting: Waiting,
        now: Timestamp,
    ) -> Result<Done, WorkError> {
        if !self.is_known(taken, &["approvals"]).await? {
            return Ok(not_known_yet());
        }
        if !self.still_waits(taken, project, waiting, None).await? {
            return Ok(not_sent("it no longer waits"));
        }
        let holders = recipient::holders(self.pool(), taken.org, project, waiting, now).await?;
        let mails: Vec<Item> = holders
            .into_iter()
            .map(|portal_user| Item {
                id: Uuid::new_v5(&taken.id, portal_user.0.as_bytes()),
                due_at: now,
                task: Task::MailApprovalAsked { portal_user, project, waiting },
                cause: taken.cause.clone(),
            })
            .collect();
        Ok(Done::With(format!("{} to write to", mails.len()), mails))
    }

    async fn mail_approval_asked(
        &self,
        taken: &Taken,
        portal_user: PortalUserId,
        project: ProjectId,
        waiting: Waiting,
        now: Timestamp,
    ) -> Result<Done, WorkError> {
        if !self.is_known(taken, &["portal", "people", "approvals"]).await? {
            return Ok(not_known_yet());
        }
        if !self.still_waits(taken, project, waiting, Some(portal_user)).await? {
            return Ok(not_sent("it no longer waits"));
        }
        let found = recipient::holder(self.pool(), taken.org, project, waiting, portal_user, now).await?;
        let Some((to, name)) = found else { return Ok(nobody_to_write_to(taken)) };
        let link = format!("{}/", self.links.portal);
        self.send(taken, Message::approval_asked(to.email, to.name, &to.firm, &name, waiting, &link)).await
    }

    /// Whether the read models know of an item's cause: only then does it say something that a row is not there.
    async fn is_known(&self, taken: &Taken, groups: &[&str]) -> Result<bool, sqlx::Error> {
        recipient::is_known(self.pool(), taken.org, groups, taken.cause.position).await
    }

    async fn still_waits(
        &self,
        taken: &Taken,
        project: ProjectId,
        waiting: Waiting,
        portal_user: Option<PortalUserId>,
    ) -> Result<bool, sqlx::Error> {
        let asked = taken.cause.position;
        recipient::still_waits(self.pool(), taken.org, project, waiting, asked, portal_user).await
    }

    async fn send(&self, taken: &Taken, message: Message) -> Result<Done, WorkError> {
        self.mailer.send(taken.id, message).await?;
        fault::reached("agenda.mailed").await;
        Ok(Done::With("sent".to_owned(), Vec::new()))
    }

    /// Writes to somebody who forgot a password: at once, because the link's secret is kept nowhere.
    pub async fn mail_password_reset(
        &self,
        org: OrgId,
        principal: Principal,
        to: Email,
        link: &str,
    ) -> Result<(), MailError> {
        let Some(known) = recipient::principal(self.pool(), org, principal).await? else { return Ok(()) };
        let message = Message::password_reset(to, known.name, &known.firm, link);
        self.mailer.send(Uuid::now_v7(), message).await.map(drop)
    }

    fn pool(&self) -> &PgPool {
        self.ledger.reader().pool()
    }
}

/// Whoever was away for longer than their lease leaves the item to whoever took it meanwhile.
fn say_if_late(taken: &Taken, is_ours: bool) {
    if !is_ours {
        tracing::warn!(org = %taken.org, item = %taken.id, "an item of the agenda took too long: it is somebody else's now");
    }
}

/// The read models may not know the person yet; after a while, the person is not to be written to.
fn nobody_to_write_to(taken: &Taken) -> Done {
    if taken.attempts < UNKNOWN_RECIPIENT_ATTEMPTS {
        return Done::NotNow("the recipient is not in the read models yet".to_owned());
    }
    not_sent("nobody to write to")
}

fn not_sent(why: &str) -> Done {
    Done::With(format!("not sent: {why}"), Vec::new())
}

fn not_known_yet() -> Done {
    Done::NotNow("the read models do not know of it yet".to_owned())
}

/// Twice as long each time.
fn delay(attempts: i32) -> TimeDelta {
    TimeDelta::seconds(1_i64 << attempts.clamp(0, 14)).min(LONGEST_DELAY)
}

/// A command on which the rules fail, or a ledger that does not read, is for somebody to look at.
fn complain(taken: &Taken, error: &WorkError) {
    let (org, item) = (taken.org, taken.id);
    match error {
        WorkError::Execute(failed) if !failed.is_passing() => {
            tracing::error!(%org, %item, error = ?error, "a command of a process failed");
        }
        WorkError::Execute(_) | WorkError::Database(_) | WorkError::Mail(_) | WorkError::Number(_) => {
            tracing::warn!(%org, %item, error = ?error, "an item of the agenda failed");
        }
    }
}

/// What no time and no other build can mend is given up. A defect is not: a later build takes the command up again.
fn gives_up(taken: &Taken, error: &WorkError) -> bool {
    match error {
        WorkError::Mail(error) => !error.is_passing() || taken.attempts >= MAIL_ATTEMPTS,
        WorkError::Number(_) => true,
        WorkError::Execute(error) => match error {
            ExecuteError::KeyReused | ExecuteError::UnknownOrganization | ExecuteError::NotSimulated => true,
            ExecuteError::Overloaded | ExecuteError::Defect | ExecuteError::Store(_) => false,
        },
        WorkError::Database(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_domain::ids::EventId;

    fn tried(attempts: i32) -> Taken {
        let cause = Cause { event: EventId(Uuid::nil()), correlation: Uuid::nil(), position: None, simulated_at: None };
        let task = Task::SendInvoice { invoice: InvoiceId(Uuid::nil()) };
        Taken { org: OrgId(Uuid::nil()), id: Uuid::nil(), task, cause, due_at: None, attempts }
    }

    #[test]
    fn a_command_on_which_the_rules_failed_is_never_forgotten() {
        let defect = WorkError::Execute(ExecuteError::Defect);
        assert!([1, 10, 1_000].into_iter().all(|attempts| !gives_up(&tried(attempts), &defect)));
        assert!(gives_up(&tried(1), &WorkError::Execute(ExecuteError::KeyReused)));
    }

    #[test]
    fn what_fails_is_tried_again_after_longer_and_longer_but_never_less_than_a_few_times_a_day() {
        let delays: Vec<i64> = [1, 2, 3, 20, 1_000].map(|attempts| delay(attempts).num_seconds()).into();
        assert_eq!(delays, [2, 4, 8, 3 * 60 * 60, 3 * 60 * 60]);
    }
}
