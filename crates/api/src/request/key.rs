//! How a command is named, so that sending it again is the same command again.

use crate::app::App;
use crate::error::ApiError;
use crate::request::Caller;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use countersign_domain::envelope::{Actor, Principal};
use countersign_domain::ids::{ClientId, CommandId, OrgId};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

const HEADER: &str = "idempotency-key";
const LONGEST: usize = 255;

/// The method and address of a request: part of what two requests under one name must agree in.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    method: Method,
    path: String,
}

/// A command's name, by the header `Idempotency-Key`; a command without one is named by us and cannot be sent again.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    name: Option<String>,
    operation: Operation,
}

/// The name of a command that creates something: it must have one, or a retry would create another one.
#[derive(Clone, Debug)]
pub(crate) struct NewKey(Key);

/// Who sends a command, as the ledger records it.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    /// To whose ledger.
    pub(crate) org: OrgId,
    /// Who acts.
    pub(crate) actor: Actor,
    /// On whose behalf, where a token acts.
    pub(crate) on_behalf_of: Option<Principal>,
    /// The client for which a guest acts.
    pub(crate) acting_client: Option<ClientId>,
}

/// A command with its name and its sender, before it is known what it comes to.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    /// Its id.
    pub(crate) id: CommandId,
    /// What it shares with the other commands of its batch.
    pub(crate) correlation_id: Uuid,
    /// The request, canonical.
    pub(crate) request: Vec<u8>,
    /// Who sends it.
    pub(crate) sender: Sender,
}

impl Key {
    /// The command that a caller sends under this name. `body` is all that the request says besides its address.
    pub(crate) fn command(&self, caller: &Caller, body: &impl Serialize) -> Command {
        self.command_of(caller.sender(), body)
    }

    /// The same for a sender who is no caller: whoever follows an invitation's link.
    pub(crate) fn command_of(&self, sender: Sender, body: &impl Serialize) -> Command {
        let id = match &self.name {
            Some(name) => Uuid::new_v5(&sender.org.0, format!("command:{}:{name}", sender.actor_name()).as_bytes()),
            None => Uuid::now_v7(),
        };
        let Operation { method, path } = &self.operation;
        let request = json!({ "method": method.as_str(), "path": path, "body": body }).to_string().into_bytes();
        Command { id: CommandId(id), correlation_id: id, request, sender }
    }
}

impl NewKey {
    /// The command that a caller sends under this name.
    pub(crate) fn command(&self, caller: &Caller, body: &impl Serialize) -> Command {
        self.0.command(caller, body)
    }
}

impl Sender {
    /// Whether a guest sends it: they must not learn the firm's activity from numbers.
    pub(crate) fn is_guest(&self) -> bool {
        self.acting_client.is_some()
    }

    /// The actor in words, so that nobody's commands are named like somebody else's.
    fn actor_name(&self) -> String {
        serde_json::to_string(&self.actor).expect("an actor has string keys and serializes")
    }
}

impl Command {
    /// The id of something that the command creates: the same again when it is sent again.
    pub(crate) fn creates<T: From<Uuid>>(&self, what: &str) -> T {
        T::from(Uuid::new_v5(&self.id.0, what.as_bytes()))
    }

    /// The command for one item of a batch: decided on its own, under an id of its own.
    pub(crate) fn item(&self, name: &str) -> Self {
        Self { id: self.creates(&format!("item:{name}")), ..self.clone() }
    }
}

impl FromRequestParts<App> for Key {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        let operation = Operation { method: parts.method.clone(), path: parts.uri.path().to_owned() };
        Ok(Self { name: read(&parts.headers)?, operation })
    }
}

impl FromRequestParts<App> for NewKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let key = Key::from_request_parts(parts, app).await?;
        if key.name.is_some() { Ok(Self(key)) } else { Err(ApiError::KeyMissing) }
    }
}

fn read(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get(HEADER) else { return Ok(None) };
    let text = value.to_str().map_err(|_| ApiError::KeyMalformed)?.trim();
    let sound = (1..=LONGEST).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    if sound { Ok(Some(text.to_owned())) } else { Err(ApiError::KeyMalformed) }
}
