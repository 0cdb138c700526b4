//! Mail that a request leads to at once, behind a port: the api knows what is to be said, not how it is sent.
//!
//! What follows from events (invitations, approvals that are asked) is not here: processes do it.

use async_trait::async_trait;
use countersign_domain::envelope::Principal;
use countersign_domain::ids::OrgId;
use countersign_domain::values::{Email, Timestamp};
use countersign_identity::secret::Secret;

/// The link with which somebody sets a password anew.
#[derive(Debug)]
pub struct PasswordResetLetter {
    /// Their organization.
    pub org: OrgId,
    /// Who.
    pub principal: Principal,
    /// Where it goes: the address that they typed, and that is theirs.
    pub to: Email,
    /// The link's token.
    pub token: Secret,
    /// When it stops working.
    pub expires_at: Timestamp,
}

/// Sends letters.
#[async_trait]
pub trait Letters: std::fmt::Debug + Send + Sync + 'static {
    /// Takes a letter to send; what goes wrong afterwards is for the sender to report.
    async fn password_reset(&self, letter: PasswordResetLetter);
}
