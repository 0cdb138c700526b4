//! Signing in to an organization that is not there.
//!
//! Which short names are taken is nobody's business: such a sign-in is refused like one with an unknown address, after
//! the same work, and counted alike. A refusal that comes sooner, or a lock that never begins, would tell.

use crate::Identity;
use crate::attempt::{Attempt, Refusal};
use crate::error::IdentityError;
use crate::password::Password;
use countersign_domain::ids::{MailboxId, OrgId};
use countersign_domain::values::{Email, Slug, Timestamp};
use uuid::Uuid;

/// Under which attempts at all such organizations are kept. Who tried what is told apart by keyed hashes.
pub(crate) const NOWHERE: OrgId = OrgId(Uuid::nil());

/// What somebody gives to sign in to an organization that is not there.
#[derive(Debug)]
pub struct SignInToNowhere<'a> {
    /// The short name that they typed.
    pub organization: &'a Slug,
    /// The address that they typed.
    pub email: &'a Email,
    /// The password that they typed.
    pub password: &'a Password,
    /// The network address that they come from, if it can be told.
    pub network_address: Option<&'a str>,
}

impl Identity {
    /// The refusal: `sign_in.refused`, `sign_in.locked` or `sign_in.too_many`, as where the organization is there.
    pub async fn refuse_sign_in_to_nowhere(&self, asked: SignInToNowhere<'_>, now: Timestamp) -> IdentityError {
        match self.try_nowhere(asked, now).await {
            Ok(()) => IdentityError::SignInRefused { lock_began: None },
            Err(error) => error,
        }
    }

    /// Does all that signing in does until it is known that the address is nobody's.
    async fn try_nowhere(&self, asked: SignInToNowhere<'_>, now: Timestamp) -> Result<(), IdentityError> {
        let SignInToNowhere { organization, email, password, network_address } = asked;
        let stands_for = self.stands_for(organization);
        let attempt = Attempt {
            org: NOWHERE,
            mailbox: self.nobodys_mailbox(organization, email),
            address: network_address.map(|address| self.address_digest(stands_for, address)),
            at: now,
        };
        self.admit(attempt).await?;
        let found = self.credential_of(NOWHERE, attempt.mailbox).await?;
        self.hasher.verify(password, found.as_ref().map(|found| &found.hash)).await?;
        self.fail(attempt, Refusal::Unknown, None).await?;
        Ok(())
    }

    /// One short name's refusals are not counted as another's.
    fn stands_for(&self, organization: &Slug) -> OrgId {
        OrgId(self.id_of(&[organization.as_str().as_bytes()]))
    }

    fn nobodys_mailbox(&self, organization: &Slug, email: &Email) -> MailboxId {
        MailboxId(self.id_of(&[organization.as_str().as_bytes(), email.as_str().as_bytes()]))
    }

    fn id_of(&self, parts: &[&[u8]]) -> Uuid {
        let digest = self.key.derive("nowhere").mac(parts);
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
    }
}
