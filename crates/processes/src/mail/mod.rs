//! Mail: what is written to people, and how it leaves.

mod mailer;
mod message;

pub use mailer::{Delivered, MailError, Mailer};
pub use message::Message;
