//! From a command to its answer: what every command has in common.

use crate::answer::{Created, Done, Item, Outcome, Settled};
use crate::app::App;
use crate::error::ApiError;
use crate::request::Command;
use axum::http::HeaderValue;
use countersign_domain::approval::Salt;
use countersign_domain::clients::portal_user::Invitation;
use countersign_domain::envelope::ObjectKind;
use countersign_domain::ids::{InvitationId, OrgId};
use countersign_domain::use_case::UseCase;
use countersign_eventstore::{Submission, Verdict};
use countersign_projections::history::object;
use countersign_projections::{PageRequest, ReadError, Scope};
use futures::future::join_all;
use uuid::Uuid;

impl App {
    /// Has a command decided, and answers what it came to; a refusal is an error.
    pub(crate) async fn execute(&self, command: Command, use_case: UseCase) -> Result<Settled, ApiError> {
        let Command { id, correlation_id, request, sender } = command;
        let submission = Submission {
            on_behalf_of: sender.on_behalf_of,
            acting_client: sender.acting_client,
            correlation_id,
            ..Submission::new(sender.org, id, sender.actor.clone(), request, use_case)
        };
        let answer = self.ledger.execute(submission).await?;
        let outcome = match answer.verdict {
            Verdict::Accepted { .. } => Outcome::Done,
            Verdict::AlreadySo => Outcome::AlreadySo,
            Verdict::Rejected(refusal) => return Err(ApiError::Refused(refusal)),
        };
        let text = self.write_position(&sender, answer.position);
        let header = HeaderValue::try_from(text).map_err(|_| ApiError::Defect("a position is no header"))?;
        Ok(Settled { outcome, position: answer.position, header, replayed: answer.replayed })
    }

    /// The same for a command that changes something which is there.
    pub(crate) async fn change(&self, command: Command, use_case: UseCase) -> Result<Done, ApiError> {
        Ok(self.execute(command, use_case).await?.into())
    }

    /// The same for a command that creates something, which is found under `place` then.
    pub(crate) async fn create(
        &self,
        command: Command,
        use_case: UseCase,
        place: &str,
        id: impl Into<Uuid>,
    ) -> Result<Created, ApiError> {
        let settled = self.execute(command, use_case).await?;
        Ok(Created::new(settled, place, id.into()))
    }

    /// The same for a command that sends somebody an invitation, not too often (F4.23). Only an invitation that goes out
    /// counts: nobody who may not send one, and no request that is sent again, keeps others from it.
    pub(crate) async fn invite(
        &self,
        whom: Uuid,
        command: Command,
        use_case: impl FnOnce(Invitation) -> UseCase,
    ) -> Result<Done, ApiError> {
        let (org, rate, invitation) = (command.sender.org, self.limits.invitations, self.invitation(&command));
        let bucket = format!("invitation:{org}:{whom}");
        if let Err(too_many) = self.check_count(&bucket, rate)
            && !self.is_issued(org, invitation.id).await?
        {
            return Err(too_many);
        }
        let settled = self.execute(command, use_case(invitation)).await?;
        if settled.outcome == Outcome::Done && !settled.replayed {
            // It has gone out: that others took the last tries meanwhile makes no difference to it.
            let _ = self.count(&bucket, rate);
        }
        Ok(settled.into())
    }

    /// Whether an invitation was issued before: then the command that issues it is sent again.
    async fn is_issued(&self, org: OrgId, invitation: InvitationId) -> Result<bool, ApiError> {
        let (scope, object) = (Scope::operator(org), (ObjectKind::Invitation, invitation.0));
        let (pool, now) = (self.reads().pool(), self.clock.now());
        match object::of_object(pool, &scope, now, object, None, &PageRequest::default()).await {
            Ok(_) => Ok(true),
            Err(ReadError::Denied(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Many commands at once, each decided on its own; what became of which, in their order.
    pub(crate) async fn execute_each(
        &self,
        commands: Vec<(Item, Command, UseCase)>,
    ) -> Vec<(Item, Result<Settled, ApiError>)> {
        let each = commands.into_iter().map(|(item, command, use_case)| async move {
            let settled = self.execute(command, use_case).await;
            (item, settled)
        });
        join_all(each).await
    }

    /// What makes a revision's digests impossible to guess: the same again when the command is sent again.
    pub(crate) fn salt(&self, command: &Command) -> Salt {
        let mac = self.server_key.derive("revision salt").mac(&[command.id.0.as_bytes()]);
        let mut random = [0; 16];
        random.copy_from_slice(&mac[..16]);
        Salt::new(random)
    }

    /// The invitation that a command issues.
    pub(crate) fn invitation(&self, command: &Command) -> Invitation {
        Invitation {
            id: command.creates("invitation"),
            nonce: command.creates::<Uuid>("invitation nonce").simple().to_string(),
            expires_at: self.clock.now().plus(self.limits.invitation_lifetime),
        }
    }
}
