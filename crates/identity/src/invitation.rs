//! The link in an invitation. Its token is made from the server's key, so that a mail sent again carries the same one and
//! nothing secret stands in a ledger: base64url of organization, invitation and HMAC over both with the nonce.

use crate::error::IdentityError;
use crate::secret::Secret;
use crate::server_key::ServerKey;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_domain::ids::{InvitationId, OrgId};
use uuid::Uuid;

const PURPOSE: &str = "invitation";
const LENGTH: usize = 16 + 16 + 32;

/// An invitation's link as it comes back: what it claims, until [`InvitationLink::check`] has said that it is ours.
pub struct InvitationLink {
    /// The organization that it claims to come from.
    pub org: OrgId,
    /// The invitation that it claims to be.
    pub invitation: InvitationId,
    mac: [u8; 32],
}

/// The token of an invitation; `nonce` is the one that stands in the event that sent it.
pub fn invitation_token(key: &ServerKey, org: OrgId, invitation: InvitationId, nonce: &str) -> Secret {
    let mac = key.derive(PURPOSE).mac(&[org.0.as_bytes(), invitation.0.as_bytes(), nonce.as_bytes()]);
    let mut bytes = [0; LENGTH];
    bytes[..16].copy_from_slice(org.0.as_bytes());
    bytes[16..32].copy_from_slice(invitation.0.as_bytes());
    bytes[32..].copy_from_slice(&mac);
    Secret::new(URL_SAFE_NO_PAD.encode(bytes))
}

/// Reads a link's token. The caller looks the invitation's nonce up and then asks [`InvitationLink::check`].
pub fn read_invitation_token(text: &str) -> Result<InvitationLink, IdentityError> {
    let mut bytes = [0; LENGTH];
    match URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
        Ok(LENGTH) => {}
        Ok(_) | Err(_) => return Err(IdentityError::InvitationRefused),
    }
    let id = |part: &[u8]| Uuid::from_slice(part).map_err(|_| IdentityError::InvitationRefused);
    let mut mac = [0; 32];
    mac.copy_from_slice(&bytes[32..]);
    Ok(InvitationLink { org: OrgId(id(&bytes[..16])?), invitation: InvitationId(id(&bytes[16..32])?), mac })
}

impl InvitationLink {
    /// Whether it is ours, in constant time. That the invitation still counts is for the ledger to say.
    pub fn check(&self, key: &ServerKey, nonce: &str) -> Result<(), IdentityError> {
        let signed = [self.org.0.as_bytes().as_slice(), self.invitation.0.as_bytes(), nonce.as_bytes()];
        if key.derive(PURPOSE).verifies(&signed, &self.mac) { Ok(()) } else { Err(IdentityError::InvitationRefused) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORG: OrgId = OrgId(Uuid::from_u128(1));
    const INVITATION: InvitationId = InvitationId(Uuid::from_u128(2));

    fn key() -> ServerKey {
        ServerKey::new([3; 32])
    }

    #[test] // F4.23
    fn a_mail_sent_again_carries_the_same_link_and_a_new_invitation_another() {
        let token = invitation_token(&key(), ORG, INVITATION, "nonce");
        assert_eq!(token, invitation_token(&key(), ORG, INVITATION, "nonce"));
        assert_ne!(token, invitation_token(&key(), ORG, InvitationId(Uuid::from_u128(3)), "nonce"));
        assert_ne!(token, invitation_token(&key(), ORG, INVITATION, "another nonce"));
    }

    #[test]
    fn a_link_leads_back_to_its_invitation() {
        let link = read_invitation_token(invitation_token(&key(), ORG, INVITATION, "nonce").reveal()).unwrap();
        assert_eq!((link.org, link.invitation), (ORG, INVITATION));
        assert!(link.check(&key(), "nonce").is_ok());
    }

    #[test]
    fn a_link_that_was_tampered_with_is_refused() {
        let token = invitation_token(&key(), ORG, INVITATION, "nonce");
        for at in 0..LENGTH {
            let mut bytes = URL_SAFE_NO_PAD.decode(token.reveal()).unwrap();
            bytes[at] ^= 1;
            let link = read_invitation_token(&URL_SAFE_NO_PAD.encode(bytes)).unwrap();
            assert!(link.check(&key(), "nonce").is_err(), "byte {at}");
        }
    }

    #[test]
    fn a_link_of_another_server_or_another_nonce_is_refused() {
        let link = read_invitation_token(invitation_token(&key(), ORG, INVITATION, "nonce").reveal()).unwrap();
        assert!(link.check(&ServerKey::new([4; 32]), "nonce").is_err());
        assert!(link.check(&key(), "other").is_err());
    }

    #[test]
    fn what_is_no_link_is_refused() {
        let token = invitation_token(&key(), ORG, INVITATION, "nonce");
        let text = token.reveal();
        for bad in ["", "ä", &text[1..], &format!("{text}AA"), &format!("{text}==")] {
            assert!(read_invitation_token(bad).is_err(), "{bad:?}");
        }
    }
}
