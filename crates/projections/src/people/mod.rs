//! People: the only read model with personal values.

pub mod person_card;
