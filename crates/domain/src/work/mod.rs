//! What the firm does for its clients: projects and the time worked on them.

pub mod project;
pub mod time_entry;

#[cfg(test)]
mod project_spec;
#[cfg(test)]
mod time_entry_spec;
