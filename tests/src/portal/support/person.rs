//! Somebody at the other end: a browser with a session, a program with a token, or nobody in particular.

use super::node::Node;
use super::reply::Reply;
use super::until::until;
use futures::stream;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use uuid::Uuid;

/// Everybody's password.
pub(crate) const PASSWORD: &str = "tall trees sway slowly";

/// Somebody who sends requests. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Person {
    http: Client,
    url: String,
    proof: Proof,
    /// The position of the last command, so that reading shows at least that.
    seen: Arc<Mutex<Option<String>>>,
}

#[derive(Clone)]
enum Proof {
    None,
    Session { cookie: String, csrf: String },
    Token(String),
}

/// Who signs in, and where.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) organization: String,
    pub(crate) email: String,
    pub(crate) password: String,
}

/// A request before it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    method: Method,
    path: String,
    body: Body,
    headers: Vec<(&'static str, String)>,
}

#[derive(Clone, Debug)]
enum Body {
    None,
    Json(Value),
    Raw { media_type: &'static str, bytes: Vec<u8> },
}

pub(crate) fn get(path: impl Into<String>) -> Ask {
    Ask { method: Method::GET, path: path.into(), body: Body::None, headers: vec![] }
}

/// A command of its own each time it is made, and the same command each time it is sent.
pub(crate) fn post(path: impl Into<String>, body: Value) -> Ask {
    let body = if body.is_null() { Body::None } else { Body::Json(body) };
    let ask = Ask { method: Method::POST, body, ..get(path) };
    ask.named(&Uuid::now_v7().to_string())
}

pub(crate) fn put(path: impl Into<String>, body: Value) -> Ask {
    Ask { method: Method::PUT, ..post(path, body) }
}

pub(crate) fn delete(path: impl Into<String>) -> Ask {
    Ask { method: Method::DELETE, ..post(path, Value::Null) }
}

impl Ask {
    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self
    }

    /// Under this Idempotency-Key.
    pub(crate) fn named(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    /// With a body that need not be JSON.
    pub(crate) fn raw(self, media_type: &'static str, bytes: impl Into<Vec<u8>>) -> Self {
        Self { body: Body::Raw { media_type, bytes: bytes.into() }, ..self }
    }
}

impl Account {
    pub(crate) fn new(organization: &str, email: &str) -> Self {
        Self { organization: organization.to_owned(), email: email.to_owned(), password: PASSWORD.to_owned() }
    }

    /// The request that signs in.
    pub(crate) fn ask(&self) -> Ask {
        let Self { organization, email, password } = self;
        let body = json!({ "organization": organization, "email": email, "password": password });
        post("/v1/sessions", body).without("idempotency-key")
    }
}

impl Proof {
    fn headers(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::None => vec![],
            Self::Session { cookie, csrf } => vec![("cookie", cookie.clone()), ("x-csrf-token", csrf.clone())],
            Self::Token(token) => vec![("authorization", format!("Bearer {token}"))],
        }
    }
}

impl Person {
    /// Somebody who has not signed in.
    pub(crate) fn nobody(node: &Node) -> Self {
        let http = Client::builder().local_address(address_of_ones_own()).timeout(Duration::from_secs(30));
        let http = http.build().expect("a client can be made");
        Self { http, url: node.url.clone(), proof: Proof::None, seen: Arc::default() }
    }

    /// Somebody who has.
    pub(crate) async fn sign_in(node: &Node, account: &Account) -> Self {
        Self::nobody(node).signed_in(account).await
    }

    /// The same browser, signed in anew.
    pub(crate) async fn signed_in(&self, account: &Account) -> Self {
        let reply = self.stranger().send(account.ask()).await.expect(201);
        let cookie = reply.header("set-cookie").and_then(|cookie| cookie.split(';').next()).unwrap().to_owned();
        let csrf = reply.json()["csrf_token"].as_str().unwrap().to_owned();
        Self { proof: Proof::Session { cookie, csrf }, ..self.clone() }
    }

    /// The same, signed out as far as the other end can tell.
    pub(crate) fn stranger(&self) -> Self {
        Self { proof: Proof::None, seen: Arc::default(), ..self.clone() }
    }

    /// A program with a token instead.
    pub(crate) fn bearing(&self, token: &str) -> Self {
        Self { proof: Proof::Token(token.to_owned()), seen: Arc::default(), ..self.clone() }
    }

    /// The same session over another node.
    pub(crate) fn at(&self, node: &Node) -> Self {
        Self { url: node.url.clone(), ..self.clone() }
    }

    /// The same over whichever node listens there.
    pub(crate) fn at_address(&self, address: &str) -> Self {
        Self { url: format!("http://{address}"), ..self.clone() }
    }

    pub(crate) async fn get(&self, path: impl Into<String>) -> Reply {
        self.send(get(path)).await
    }

    /// Everything of a list, page by page.
    pub(crate) async fn list(&self, path: &str) -> Vec<Value> {
        let (mut listed, mut after) = (Vec::new(), String::new());
        loop {
            let page = self.get(format!("{path}?limit=200{after}")).await.expect(200);
            listed.extend(page.items());
            let Some(next) = page.json()["next"].as_str().map(str::to_owned) else { return listed };
            after = format!("&after={next}");
        }
    }

    pub(crate) async fn post(&self, path: impl Into<String>, body: Value) -> Reply {
        self.send(post(path, body)).await
    }

    pub(crate) async fn put(&self, path: impl Into<String>, body: Value) -> Reply {
        self.send(put(path, body)).await
    }

    pub(crate) async fn delete(&self, path: impl Into<String>) -> Reply {
        self.send(delete(path)).await
    }

    /// Sends a request. Reading waits for what the same person has written.
    pub(crate) async fn send(&self, ask: Ask) -> Reply {
        let after = ask.method == Method::GET && !ask.headers.iter().any(|(name, _)| *name == "min-position");
        let seen = self.seen.lock().unwrap().clone().filter(|_| after);
        let Some(position) = seen else { return self.try_send(ask).await.unwrap() };
        let ask = ask.header("min-position", position);
        until("a read model that has followed", async || {
            let reply = self.try_send(ask.clone()).await.unwrap();
            (reply.code() != "read_model.behind").then_some(reply)
        })
        .await
    }

    /// Sends a request to a node that may be gone.
    pub(crate) async fn try_send(&self, ask: Ask) -> reqwest::Result<Reply> {
        let reply = Reply::read(self.request(ask).send().await?).await?;
        if let Some(position) = reply.header("ledger-position") {
            *self.seen.lock().unwrap() = Some(position.to_owned());
        }
        Ok(reply)
    }

    /// Sends a body piece by piece, without saying beforehand how large it is.
    pub(crate) async fn stream(&self, ask: Ask, text: &str) -> Reply {
        let pieces: Vec<Result<Vec<u8>, Infallible>> =
            text.as_bytes().chunks(64 * 1024).map(|piece| Ok(piece.to_vec())).collect();
        let body = reqwest::Body::wrap_stream(stream::iter(pieces));
        let request = self.request(Ask { body: Body::None, ..ask });
        let request = request.header("content-type", "application/json").body(body);
        Reply::read(request.send().await.unwrap()).await.unwrap()
    }

    /// A request with whatever shows who sends it.
    pub(crate) fn request(&self, ask: Ask) -> RequestBuilder {
        let mut request = self.http.request(ask.method, format!("{}{}", self.url, ask.path));
        for (name, value) in self.proof.headers() {
            // What a story says of itself counts.
            if !ask.headers.iter().any(|(said, _)| *said == name) {
                request = request.header(name, value);
            }
        }
        for (name, value) in ask.headers {
            request = request.header(name, value);
        }
        match ask.body {
            Body::None => request,
            Body::Json(body) => request.json(&body),
            Body::Raw { media_type, bytes } => request.header("content-type", media_type).body(bytes),
        }
    }
}

/// Whoever has not signed in is counted by address. Where the whole of 127/8 is this machine, everybody has their own.
fn address_of_ones_own() -> Option<IpAddr> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let [high, low] = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    cfg!(target_os = "linux").then_some(IpAddr::V4(Ipv4Addr::new(127, 1, high, low.max(1))))
}
