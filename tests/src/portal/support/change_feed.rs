//! The feed of changes, as somebody follows it.

use super::person::{Person, get};
use serde_json::Value;
use std::time::Duration;
use tokio::time::timeout;

/// A feed that is open.
pub(crate) struct ChangeFeed {
    response: reqwest::Response,
    unread: String,
}

/// What it told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Told {
    /// The event's name: `change`, or `end`.
    pub(crate) name: String,
    /// Its id, with which one goes on.
    pub(crate) id: String,
    pub(crate) data: Value,
}

impl ChangeFeed {
    /// Opens a feed; it tells what happens from now on, or after an id.
    pub(crate) async fn open(person: &Person, after: Option<&str>) -> Self {
        let ask = get("/v1/feed");
        let ask = after.iter().fold(ask, |ask, id| ask.header("last-event-id", *id));
        let response = person.request(ask).timeout(Duration::from_secs(600)).send().await.unwrap();
        assert_eq!(response.status(), 200);
        Self { response, unread: String::new() }
    }

    /// The next thing that it tells.
    pub(crate) async fn next(&mut self) -> Told {
        loop {
            let block = self.block().await;
            let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim();
            if !field("event:").is_empty() {
                let data = serde_json::from_str(field("data:")).unwrap();
                return Told { name: field("event:").to_owned(), id: field("id:").to_owned(), data };
            }
        }
    }

    /// What it tells until it tells of this, and this.
    pub(crate) async fn until(&mut self, event_type: &str) -> Vec<Told> {
        let mut told = Vec::new();
        loop {
            told.push(self.next().await);
            if told.last().is_some_and(|last| last.data["event_type"] == event_type) {
                return told;
            }
        }
    }

    async fn block(&mut self) -> String {
        loop {
            if let Some((block, rest)) = self.unread.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.unread = rest;
                return block;
            }
            let chunk =
                timeout(Duration::from_secs(30), self.response.chunk()).await.expect("a feed gives signs of life");
            let chunk = chunk.unwrap().expect("a feed does not end unasked");
            self.unread.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

impl Told {
    pub(crate) fn event_type(&self) -> &str {
        self.data["event_type"].as_str().unwrap_or_default()
    }
}
