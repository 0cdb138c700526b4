//! Requests as tests write them, and answers as they read them.

use axum::http::{HeaderMap, Method};
use serde_json::Value;
use uuid::Uuid;

/// By what somebody is known.
#[derive(Clone, Debug, Default)]
pub enum Caller {
    #[default]
    Anonymous,
    Session {
        cookie: String,
        csrf: String,
    },
    Token(String),
}

/// A request before it is sent.
#[derive(Clone, Debug)]
pub struct Ask {
    pub method: Method,
    pub path: String,
    pub body: Option<Value>,
    pub headers: Vec<(&'static str, String)>,
}

/// What was answered.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

pub fn get(path: impl Into<String>) -> Ask {
    Ask { method: Method::GET, path: path.into(), body: None, headers: vec![] }
}

pub fn delete(path: impl Into<String>) -> Ask {
    Ask { method: Method::DELETE, ..get(path) }
}

/// A command of its own each time it is sent.
pub fn post(path: impl Into<String>, body: Value) -> Ask {
    let ask = Ask { method: Method::POST, body: Some(body), ..get(path) };
    ask.named(&Uuid::now_v7().to_string())
}

pub fn put(path: impl Into<String>, body: Value) -> Ask {
    Ask { method: Method::PUT, body: Some(body), ..get(path) }
}

impl Ask {
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.into()));
        self
    }

    pub fn named(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The media type, without parameters.
    pub fn media_type(&self) -> Option<&str> {
        self.header("content-type")?.split(';').next()
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// A refusal with this status and code.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Self {
        let reply = self.expect(status);
        assert_eq!(reply.json()["code"], code, "{}", reply.text);
        reply
    }

    /// The id of what was created.
    #[track_caller]
    pub fn id(self) -> String {
        let reply = self.expect(201);
        reply.json()["id"].as_str().unwrap().to_owned()
    }
}
