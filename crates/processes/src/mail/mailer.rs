//! How mail leaves: over SMTP, or, where there is no server, into a folder that can be looked at.

use crate::mail::Message;
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

/// Sends mail. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Mailer {
    from: Mailbox,
    way: Way,
}

#[derive(Clone, Debug)]
enum Way {
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    Folder { path: PathBuf, announce: Announce },
}

/// Hears of every mail that was put into the folder.
#[derive(Clone)]
struct Announce(Arc<dyn Fn(&Delivered) + Send + Sync>);

impl std::fmt::Debug for Announce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Announce(…)")
    }
}

/// A mail that left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// To which address.
    pub to: String,
    /// What it is about.
    pub subject: String,
    /// The file that it was written to, where it went into a folder.
    pub file: Option<PathBuf>,
}

/// Why mail could not leave, or never will.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The server's address does not read.
    #[error("the mail server's address is written like smtp://user:password@mail.example.com:587")]
    Address(#[source] lettre::transport::smtp::Error),
    /// The sender does not read.
    #[error("the mail's sender is written like Countersign <portal@example.com>")]
    Sender(#[source] lettre::address::AddressError),
    /// The mail itself could not be made.
    #[error("the mail could not be put together")]
    Message(#[from] lettre::error::Error),
    /// The recipient's address is none to the mail library.
    #[error("the recipient's address cannot be mailed to")]
    Recipient(#[source] lettre::address::AddressError),
    /// Whom it goes to could not be looked up.
    #[error("the recipient could not be looked up")]
    Lookup(#[from] sqlx::Error),
    /// The server did not take it.
    #[error("the mail server did not take it")]
    Smtp(#[from] lettre::transport::smtp::Error),
    /// The folder could not be written.
    #[error("the mail could not be written into its folder")]
    Folder(#[from] std::io::Error),
}

impl MailError {
    /// Whether trying again later can help.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Smtp(error) => !error.is_permanent(),
            Self::Folder(_) | Self::Lookup(_) => true,
            Self::Address(_) | Self::Sender(_) | Self::Message(_) | Self::Recipient(_) => false,
        }
    }
}

impl Mailer {
    /// Over SMTP, to the server at a URL like `smtps://user:password@host:465`.
    pub fn smtp(url: &str, from: &str) -> Result<Self, MailError> {
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url).map_err(MailError::Address)?;
        Ok(Self { from: sender(from)?, way: Way::Smtp(transport.build()) })
    }

    /// Into a folder, one `.eml` file a mail; `announce` hears of each.
    pub fn folder(
        path: PathBuf,
        from: &str,
        announce: impl Fn(&Delivered) + Send + Sync + 'static,
    ) -> Result<Self, MailError> {
        Ok(Self { from: sender(from)?, way: Way::Folder { path, announce: Announce(Arc::new(announce)) } })
    }

    /// Sends a mail. The id is stable: a mail that is sent again carries the same, so that it can be told for the same.
    pub async fn send(&self, id: Uuid, message: Message) -> Result<Delivered, MailError> {
        let address = message.to.as_str().parse().map_err(MailError::Recipient)?;
        let to = Mailbox::new(Some(message.to_name.to_string()), address);
        let host = self.from.email.domain().to_owned();
        let mail = lettre::Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(&message.subject)
            .message_id(Some(format!("<{id}@{host}>")))
            .header(ContentType::TEXT_PLAIN)
            .body(message.text)?;
        let mut delivered = Delivered { to: message.to.to_string(), subject: message.subject, file: None };
        match &self.way {
            Way::Smtp(transport) => drop(transport.send(mail).await?),
            Way::Folder { path, announce } => {
                let file = path.join(format!("{id}.eml"));
                keep(path, &file, &mail.formatted()).await?;
                delivered.file = Some(file);
                (announce.0)(&delivered);
            }
        }
        Ok(delivered)
    }
}

/// Writes a mail into its folder. Mail carries links that sign somebody in: both are for nobody else's eyes.
async fn keep(folder: &Path, file: &Path, mail: &[u8]) -> std::io::Result<()> {
    tokio::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).await?;
    let mut file = tokio::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(file).await?;
    file.write_all(mail).await?;
    file.flush().await
}

fn sender(from: &str) -> Result<Mailbox, MailError> {
    from.parse().map_err(MailError::Sender)
}
