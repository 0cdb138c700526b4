//! What the firm does for its clients: projects and the time worked on them.

pub mod dashboard;
pub mod project;
pub mod time_entry;
