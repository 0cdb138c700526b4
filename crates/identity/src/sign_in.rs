//! Signing in to a named organization with address and password.
//!
//! admitted? (lock, network address) -> the credential that counts -> hash -> session, or a counted refusal. Hashing
//! happens between two transactions, with no connection held, and as much of it for an unknown address as for a known one.

use crate::Identity;
use crate::attempt::{Attempt, Refusal};
use crate::credential::{self, Effective};
use crate::csrf::csrf_token;
use crate::device::Device;
use crate::error::IdentityError;
use crate::password::Password;
use crate::secret::Secret;
use crate::session::{self, NewSession, SessionId};
use crate::sign_in_lock;
use crate::subject::Subject;
use countersign_domain::envelope::Principal;
use countersign_domain::ids::{MailboxId, OrgId};
use countersign_domain::values::Timestamp;
use countersign_postgres::scoped;

/// What somebody gives to sign in.
#[derive(Clone, Debug)]
pub struct SignIn<'a> {
    /// The organization.
    pub org: OrgId,
    /// The address they typed, as the ledger names it.
    pub mailbox: MailboxId,
    /// The password they typed.
    pub password: &'a Password,
    /// Their device.
    pub device: Device,
    /// The network address they come from, if it can be told; only a keyed hash is kept, to count refusals.
    pub network_address: Option<&'a str>,
}

/// A session that has just begun.
#[derive(Debug)]
pub struct SignedIn {
    /// The session.
    pub session: SessionId,
    /// Its token, for the cookie; it cannot be had again.
    pub token: Secret,
    /// Its CSRF token.
    pub csrf: Secret,
    /// Who signed in.
    pub subject: Subject,
    /// When the session ends at the latest.
    pub expires_at: Timestamp,
    /// Whether they have not been seen on such a device: worth an event.
    pub new_device: bool,
}

/// A lock has just begun on an address that belongs to somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockBegan {
    /// Whose address it is.
    pub principal: Principal,
    /// When the lock ends.
    pub until: Timestamp,
}

impl Identity {
    /// Signs somebody in, or refuses with `sign_in.refused`, `sign_in.locked` or `sign_in.too_many`.
    pub async fn sign_in(&self, asked: SignIn<'_>, now: Timestamp) -> Result<SignedIn, IdentityError> {
        let attempt = Attempt {
            org: asked.org,
            mailbox: asked.mailbox,
            address: asked.network_address.map(|address| self.address_digest(asked.org, address)),
            at: now,
        };
        self.admit(attempt).await?;
        let found = self.credential_of(asked.org, asked.mailbox).await?;
        let is_right = self.hasher.verify(asked.password, found.as_ref().map(|found| &found.hash)).await?;
        match found {
            Some(found) if is_right && found.is_active => self.begin_session(attempt, found, asked.device).await,
            Some(found) => {
                let refusal = if is_right { Refusal::Inactive } else { Refusal::Password };
                let lock_began = self.fail(attempt, refusal, Some(found.subject.principal())).await?;
                Err(IdentityError::SignInRefused { lock_began })
            }
            None => {
                let lock_began = self.fail(attempt, Refusal::Unknown, None).await?;
                Err(IdentityError::SignInRefused { lock_began })
            }
        }
    }

    pub(crate) async fn credential_of(
        &self,
        org: OrgId,
        mailbox: MailboxId,
    ) -> Result<Option<Effective>, IdentityError> {
        let mut transaction = scoped(&self.pool, org).await?;
        let found = credential::of_mailbox(&mut transaction, org, mailbox).await?;
        transaction.commit().await?;
        Ok(found)
    }

    /// The password was right. Still, the lock is asked again, now held: attempts made at once while it was closing get
    /// no answer, right or wrong.
    async fn begin_session(
        &self,
        attempt: Attempt,
        found: Effective,
        device: Device,
    ) -> Result<SignedIn, IdentityError> {
        let Attempt { org, mailbox, at: now, .. } = attempt;
        let principal = found.subject.principal();
        let device_digest = device.digest(&self.key.derive("device"));
        let new = NewSession::new(org, principal, device, device_digest, &self.limits, now);

        let mut transaction = scoped(&self.pool, org).await?;
        sign_in_lock::hold(&mut transaction, org, mailbox, now).await?.check(now)?;
        sign_in_lock::clear(&mut transaction, org, mailbox).await?;
        let new_device = session::is_new_device(&mut transaction, org, principal, device_digest).await?;
        if !session::start(&mut transaction, org, &found, &new).await? {
            return Err(IdentityError::SignInRefused { lock_began: None });
        }
        transaction.commit().await?;

        let csrf = csrf_token(&self.key, new.token.reveal());
        let NewSession { id: session, token, expires_at, .. } = new;
        Ok(SignedIn { session, token, csrf, subject: found.subject, expires_at, new_device })
    }
}
