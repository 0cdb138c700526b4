//! The firm's clients and their people.

pub mod client;
pub mod contact;
pub mod portal_user;
