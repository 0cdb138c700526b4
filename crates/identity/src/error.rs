//! Why nobody was let in, or something could not be done. One enum for the whole crate; every refusal has a stable code.

use crate::password::PasswordRefused;
use crate::sign_in::LockBegan;

/// What can go wrong here. Neither `Debug` nor `Display` shows a secret.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The database did not do what it was asked.
    #[error("the database failed")]
    Store(#[from] sqlx::Error),
    /// A password could not be hashed, or a stored hash not be read.
    #[error("a password could not be hashed")]
    Hashing(#[source] argon2::password_hash::Error),
    /// Hashing was cut off, as when the server stops.
    #[error("hashing was interrupted")]
    Interrupted(#[source] tokio::task::JoinError),
    /// The short name is another organization's.
    #[error("this short name is taken")]
    SlugTaken,
    /// The organization has another short name already.
    #[error("this organization has another short name")]
    OrganizationHasAnotherSlug,
    /// Unknown address, wrong password or account switched off: which of them is not said.
    #[error("the mail address and the password do not belong together")]
    SignInRefused {
        /// The address is locked from now on, and belongs to somebody: worth an event.
        lock_began: Option<LockBegan>,
    },
    /// Too many failures for this address.
    #[error("too many attempts failed; try again later")]
    SignInLocked {
        /// Seconds to wait.
        retry_after_s: u64,
    },
    /// Too many refusals for this network address.
    #[error("too many attempts came from here; try again later")]
    TooMany {
        /// Seconds to wait.
        retry_after_s: u64,
    },
    /// The session was ended, was left alone too long, or is somebody's who lost access.
    #[error("the session has ended")]
    SessionEnded,
    /// None of one's own live sessions has this id.
    #[error("there is no such session")]
    UnknownSession,
    /// The request did not come from our own page.
    #[error("the request carries no valid CSRF token")]
    CsrfRefused,
    /// The password may not be chosen.
    #[error(transparent)]
    PasswordRefused(#[from] PasswordRefused),
    /// The current password, asked for again, was wrong.
    #[error("the current password is not right")]
    CurrentPasswordWrong {
        /// The address is locked from now on: worth an event.
        lock_began: Option<LockBegan>,
    },
    /// The link for a forgotten password is forged, used, replaced or too old.
    #[error("this link no longer works; ask for a new one")]
    ResetRefused,
    /// The invitation's link is not one of ours.
    #[error("this invitation link is not valid")]
    InvitationRefused,
    /// A password stands and counts for this invitation; changing it is another matter.
    #[error("this invitation was accepted already")]
    InvitationAlreadyAccepted,
    /// The API token is unknown, revoked, expired, or its owner lost access.
    #[error("this API token is not valid")]
    ApiTokenRefused,
    /// None of one's own tokens has this id.
    #[error("there is no such API token")]
    UnknownApiToken,
    /// An API token's end is in the past, or too far away.
    #[error("an API token ends in the future, within a year")]
    ApiTokenLifetime,
    /// A token that may do nothing.
    #[error("an API token has at least one scope")]
    ApiTokenWithoutScope,
}

impl IdentityError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Store(_) | Self::Hashing(_) | Self::Interrupted(_) => "internal",
            Self::SlugTaken => "organization.slug_taken",
            Self::OrganizationHasAnotherSlug => "organization.has_another_slug",
            Self::SignInRefused { .. } => "sign_in.refused",
            Self::SignInLocked { .. } => "sign_in.locked",
            Self::TooMany { .. } => "sign_in.too_many",
            Self::SessionEnded => "session.ended",
            Self::UnknownSession | Self::UnknownApiToken => "not_found",
            Self::CsrfRefused => "session.csrf_refused",
            Self::PasswordRefused(refused) => refused.code(),
            Self::CurrentPasswordWrong { .. } => "password.current_wrong",
            Self::ResetRefused => "password_reset.refused",
            Self::InvitationRefused => "invitation.refused",
            Self::InvitationAlreadyAccepted => "invitation.already_accepted",
            Self::ApiTokenRefused => "api_token.refused",
            Self::ApiTokenLifetime => "api_token.lifetime",
            Self::ApiTokenWithoutScope => "api_token.without_scope",
        }
    }
}
