//! Whom the firm serves: clients, their people, and those with portal access.

pub mod client;
pub mod contact;
pub mod mailbox;
pub mod portal_user;

#[cfg(test)]
mod client_spec;
#[cfg(test)]
mod contact_spec;
#[cfg(test)]
mod mailbox_spec;
#[cfg(test)]
mod portal_user_spec;
