//! Sends what the API asks for at once: the link with which somebody sets a password anew.

use async_trait::async_trait;
use countersign_api::{Letters, PasswordResetLetter};
use countersign_processes::Worker;

/// Letters by mail.
#[derive(Debug)]
pub(crate) struct MailedLetters {
    worker: Worker,
    public_url: String,
}

impl MailedLetters {
    pub(crate) fn new(worker: Worker, public_url: &str) -> Self {
        Self { worker, public_url: public_url.to_owned() }
    }
}

#[async_trait]
impl Letters for MailedLetters {
    async fn password_reset(&self, letter: PasswordResetLetter) {
        let link = format!("{}/reset-password#{}", self.public_url, letter.token.reveal());
        let PasswordResetLetter { org, principal, to, .. } = letter;
        if let Err(error) = self.worker.mail_password_reset(org, principal, to, &link).await {
            tracing::error!(%org, error = ?error, "a password's letter could not be sent");
        }
    }
}
