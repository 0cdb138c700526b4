//! What was found: how it is, and what to do.

use countersign_api::{Check, Finding as Found};
use serde::Serialize;
use std::fmt;

/// How many of those that are wrong are named.
const NAMED: usize = 3;

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    Ok,
    /// It works, and should be seen to.
    Warning,
    /// Something that Countersign promises does not hold, or soon will not.
    Failure,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    pub(crate) check: &'static str,
    pub(crate) state: State,
    /// How it is, in one line.
    pub(crate) line: String,
    /// What to do, where something is to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) advice: Option<String>,
}

impl Finding {
    pub(crate) fn ok(check: &'static str, line: impl Into<String>) -> Self {
        Self { check, state: State::Ok, line: line.into(), advice: None }
    }

    pub(crate) fn warning(check: &'static str, line: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check, state: State::Warning, line: line.into(), advice: Some(advice.into()) }
    }

    pub(crate) fn failure(check: &'static str, line: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check, state: State::Failure, line: line.into(), advice: Some(advice.into()) }
    }

    /// Nobody knows how it is: that is no good news either.
    pub(crate) fn unknown(check: &'static str, error: &sqlx::Error) -> Self {
        let why = crate::failure::with_causes(error);
        Self::failure(check, format!("it could not be looked at: {why}"), "see to the database, and look again")
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.state == State::Failure
    }
}

/// What a check found that nodes look at as well (`checks`).
pub(crate) async fn from_check(check: &dyn Check, well: &str) -> Finding {
    let name = check.name();
    match check.look().await {
        Found::Well => Finding::ok(name, well),
        Found::Impaired { detail, .. } => Finding { check: name, state: State::Warning, line: detail, advice: None },
        Found::Wrong { detail, .. } => Finding { check: name, state: State::Failure, line: detail, advice: None },
    }
}

/// Those that something is wrong with: a few by name, and how many there are. As many as there may be, few are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Offenders {
    named: Vec<String>,
    count: usize,
}

impl Offenders {
    pub(crate) fn add(&mut self, who: impl Into<String>) {
        if self.named.len() < NAMED {
            self.named.push(who.into());
        }
        self.count += 1;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl FromIterator<String> for Offenders {
    fn from_iter<I: IntoIterator<Item = String>>(all: I) -> Self {
        let mut offenders = Self::default();
        all.into_iter().for_each(|one| offenders.add(one));
        offenders
    }
}

impl fmt::Display for Offenders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.named.join(", "))?;
        match self.count - self.named.len() {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_are_named_and_the_others_are_counted() {
        let all = |count: usize| (1..=count).map(|number| number.to_string()).collect::<Offenders>().to_string();
        assert_eq!(all(2), "1, 2");
        assert_eq!(all(5), "1, 2, 3 and 2 more");
    }
}
