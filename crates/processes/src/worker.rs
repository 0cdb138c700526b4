//! Does what is due: commands exactly once, mail at least once with a stable id.
//!
//! An item is taken for a while; whoever dies over it leaves it to the next one. A command's id is its item's, so that
//! doing it again is nothing new.

use crate::agenda::{self, Taken};
use crate::mail::{MailError, Mailer, Message};
use crate::recipient;
use crate::task::{Cause, InvitationMail, Item, Task, Waiting};
use chrono::TimeDelta;
use countersign_domain::billing::number::{NumberError, Prefix};
use countersign_domain::envelope::{Actor, Principal, ProcessName, Provenance};
use countersign_domain::ids::{CommandId, InvitationId, InvoiceId, OrgId, PortalUserId, ProjectId};
use countersign_domain::use_case::UseCase;
use countersign_domain::use_cases::billing::send_invoice;
use countersign_domain::use_cases::guests::expire_invitation;
use countersign_domain::values::{Email, Timestamp};
use countersign_eventstore::{Clock, ExecuteError, Ledger, Submission, Verdict};
use sqlx::PgPool;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// How long an item stays with whoever took it.
const LEASE: TimeDelta = TimeDelta::seconds(60);
/// How many items are taken at a time.
const AT_A_TIME: i32 = 32;
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

    /// Works until it is dropped.
    pub async fn run(self) {
        loop {
            match self.work_off_what_is_due().await {
                Ok(0) => tokio::time::sleep(LOOK_EVERY).await,
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(error = ?error, "the agenda could not be read; trying again");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }

    /// Does what is due now; how many items were done or put off.
    pub async fn work_off_what_is_due(&self) -> Result<usize, sqlx::Error> {
        let now = self.clock.now();
        let mut worked = 0;
        for (org, id) in agenda::due(self.pool(), now, AT_A_TIME).await? {
            let Some(taken) = agenda::take(self.pool(), org, id, now, now.plus(LEASE)).await? else { continue };
            worked += 1;
            match self.perform(&taken, now).await {
                Ok(Done::With(outcome, became)) => {
                    agenda::done(self.pool(), &taken, now, &outcome, &became).await?;
                }
                Ok(Done::NotNow(why)) => self.put_off(&taken, now, &why).await?,
                Err(error) => {
                    tracing::warn!(%org, item = %id, error = ?error, "an item of the agenda failed");
                    if gives_up(&taken, &error) {
                        agenda::done(self.pool(), &taken, now, &format!("given up: {error}"), &[]).await?;
                    } else {
                        self.put_off(&taken, now, &error.to_string()).await?;
                    }
                }
            }
        }
        Ok(worked)
    }

    async fn put_off(&self, taken: &Taken, now: Timestamp, why: &str) -> Result<(), sqlx::Error> {
        tracing::debug!(org = %taken.org, item = %taken.id, why, "an item of the agenda is put off");
        let doubled = 1_i64 << taken.attempts.clamp(0, 14);
        agenda::put_off(self.pool(), taken, now.plus(TimeDelta::seconds(doubled.min(3 * 60 * 60)))).await
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
        let Cause { event, correlation, simulated_at } = taken.cause.clone();
        submission.causation_id = Some(event);
        submission.correlation_id = correlation;
        submission.at = simulated_at;
        if simulated_at.is_some() {
            submission.provenance = Provenance::Simulated;
        }
        let answer = self.ledger.execute(submission).await?;
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
            return Ok(Done::With("not sent: expired".to_owned(), Vec::new()));
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
        let found = recipient::holder(self.pool(), taken.org, project, waiting, portal_user, now).await?;
        let Some((to, name)) = found else { return Ok(nobody_to_write_to(taken)) };
        let link = format!("{}/", self.links.portal);
        self.send(taken, Message::approval_asked(to.email, to.name, &to.firm, &name, waiting, &link)).await
    }

    async fn send(&self, taken: &Taken, message: Message) -> Result<Done, WorkError> {
        self.mailer.send(taken.id, message).await?;
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
        let found = recipient::principal(self.pool(), org, principal).await;
        let Ok(Some(known)) = found else { return Ok(()) };
        let message = Message::password_reset(to, known.name, &known.firm, link);
        self.mailer.send(Uuid::now_v7(), message).await.map(drop)
    }

    fn pool(&self) -> &PgPool {
        self.ledger.reader().pool()
    }
}

/// The read models may not know the person yet; after a while, the person is not to be written to.
fn nobody_to_write_to(taken: &Taken) -> Done {
    if taken.attempts < UNKNOWN_RECIPIENT_ATTEMPTS {
        return Done::NotNow("the recipient is not in the read models yet".to_owned());
    }
    Done::With("not sent: nobody to write to".to_owned(), Vec::new())
}

fn gives_up(taken: &Taken, error: &WorkError) -> bool {
    match error {
        WorkError::Mail(error) => !error.is_passing() || taken.attempts >= MAIL_ATTEMPTS,
        WorkError::Number(_) => true,
        WorkError::Execute(error) => !error.is_passing(),
        WorkError::Database(_) => false,
    }
}
