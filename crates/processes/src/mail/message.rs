//! What is written to people. A mail says no more than the portal would, and every link asks for a sign-in (F16.4).

use crate::task::Waiting;
use countersign_domain::values::{Email, Label, Timestamp};

/// A mail, ready to leave. Plain text, so that every reader can read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// To which address.
    pub to: Email,
    /// Whose it is.
    pub to_name: Label,
    /// What it is about.
    pub subject: String,
    /// What it says.
    pub text: String,
}

impl Message {
    /// The link with which somebody joins (D12: never a secret that logs in by itself).
    pub fn invitation(to: Email, to_name: Label, firm: &Label, link: &str, expires_at: Timestamp) -> Self {
        let subject = format!("{firm} invites you to its client portal");
        let until = expires_at.as_utc().format("%-d %B %Y, %H:%M UTC");
        let text = format!(
            "Hello {to_name},\n\n{firm} invites you to its client portal. Follow this link, choose a password, and you \
             are in:\n\n{link}\n\nThe link is for you alone, works once, and until {until}. If you did not expect it, \
             ignore this mail: nothing happens.\n"
        );
        Self { to, to_name, subject, text }
    }

    /// Something waits for somebody's decision.
    pub fn approval_asked(
        to: Email,
        to_name: Label,
        firm: &Label,
        project: &Label,
        waiting: Waiting,
        link: &str,
    ) -> Self {
        let what = match waiting {
            Waiting::Invoice(_) => "An invoice",
            Waiting::Time => "Time",
        };
        let subject = format!("{what} for {project} waits for your approval");
        let text = format!(
            "Hello {to_name},\n\n{what} for the project \"{project}\" waits for your decision. You get this mail because \
             {firm} asks you to approve it.\n\nLook at it here:\n\n{link}\n"
        );
        Self { to, to_name, subject, text }
    }

    /// The link with which somebody who forgot a password chooses another.
    pub fn password_reset(to: Email, to_name: Label, firm: &Label, link: &str) -> Self {
        let subject = format!("Choose another password for the portal of {firm}");
        let text = format!(
            "Hello {to_name},\n\nsomebody, probably you, asked to choose another password for the portal of {firm}. \
             Follow this link within the hour:\n\n{link}\n\nIf it was not you, ignore this mail: the password stays.\n"
        );
        Self { to, to_name, subject, text }
    }
}
