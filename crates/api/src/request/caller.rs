//! Who asks. A route's first argument says who may ask at all: staff, guests, both, or readers of the ledger.
//!
//! A guest on a route of the staff learns what they would learn of a route that is not there, and the other way round.
//! What a caller may do with a thing is not asked here: rules are decided in the ledger, reads are masked by the access
//! rows.

use crate::app::App;
use crate::error::ApiError;
use crate::request::{ClientAddress, SameSite, Sender, cookie};
use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use countersign_domain::access;
use countersign_domain::envelope::{Actor, Principal};
use countersign_domain::ids::{ClientId, OrgId};
use countersign_domain::values::Timestamp;
use countersign_identity::api_token::{self, OwnApiToken, TokenBearer};
use countersign_identity::csrf::{check_csrf, csrf_token};
use countersign_identity::error::IdentityError;
use countersign_identity::secret::Secret;
use countersign_identity::session::Authenticated;
use countersign_identity::subject::Subject;
use countersign_projections::{Scope, standing};
use std::ops::Deref;

const CSRF_HEADER: &str = "x-csrf-token";
const MIN_POSITION: &str = "min-position";

/// Somebody who is active, and by what they are known.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// The organization.
    pub(crate) org: OrgId,
    /// Who, and what access starts from.
    pub(crate) subject: Subject,
    proof: Proof,
}

#[derive(Clone, Debug)]
enum Proof {
    Session { session: Authenticated, csrf: Secret },
    Token(TokenBearer),
}

/// A member of the firm's staff asks.
#[derive(Clone, Debug)]
pub(crate) struct Staff(Caller);

/// A person at a client asks.
#[derive(Clone, Debug)]
pub(crate) struct Guest(Caller);

/// Either asks.
#[derive(Clone, Debug)]
pub(crate) struct Member(Caller);

/// A member of the staff asks what the ledger says; a token needs the scope `audit` for it.
#[derive(Clone, Debug)]
pub(crate) struct Audit(Caller);

/// Somebody asks about their own account, which no token may.
#[derive(Clone, Debug)]
pub(crate) struct InSession {
    caller: Caller,
    /// Their session.
    pub(crate) session: Authenticated,
}

impl Caller {
    /// The person whose rights decide.
    pub(crate) fn principal(&self) -> Principal {
        self.subject.principal()
    }

    /// Whose rows, and for whom: what every question to a read model takes first.
    pub(crate) fn scope(&self) -> Scope {
        Scope::person(self.org, self.principal(), self.acting_client())
    }

    /// The client for which a guest acts.
    pub(crate) fn acting_client(&self) -> Option<ClientId> {
        match &self.subject {
            Subject::Staff { .. } => None,
            Subject::PortalUser { client, .. } => Some(*client),
        }
    }

    /// Who sends a command, as the ledger records it: a token acts itself, on behalf of its owner.
    pub(crate) fn sender(&self) -> Sender {
        let (actor, on_behalf_of) = (self.actor(), self.on_behalf_of());
        Sender { org: self.org, actor, on_behalf_of, acting_client: self.acting_client() }
    }

    fn actor(&self) -> Actor {
        match (&self.proof, self.principal()) {
            (Proof::Token(bearer), _) => Actor::Token(bearer.token.0),
            (Proof::Session { .. }, Principal::Staff(id)) => Actor::Staff(id),
            (Proof::Session { .. }, Principal::PortalUser(id)) => Actor::PortalUser(id),
        }
    }

    fn on_behalf_of(&self) -> Option<Principal> {
        match &self.proof {
            Proof::Token(_) => Some(self.principal()),
            Proof::Session { .. } => None,
        }
    }

    /// The token with which the session's page proves that a request is its own; none for API tokens, which need none.
    pub(crate) fn csrf(&self) -> Option<&Secret> {
        match &self.proof {
            Proof::Session { csrf, .. } => Some(csrf),
            Proof::Token(_) => None,
        }
    }

    /// Whether what let the caller in still does. Asking is no use of the session: a feed that is left open does not
    /// keep it from ending.
    pub(crate) async fn still_lives(&self, app: &App) -> Result<bool, ApiError> {
        let now = app.clock.now();
        let holds = match &self.proof {
            Proof::Session { session, .. } => {
                app.identity.own_sessions(session, now).await?.iter().any(|own| own.is_current)
            }
            Proof::Token(bearer) => {
                let tokens = app.identity.own_api_tokens(self.org, self.principal()).await?;
                let works = |own: &OwnApiToken| own.revoked_at.is_none() && own.expires_at > now;
                tokens.iter().any(|own| own.id == bearer.token && works(own))
            }
        };
        Ok(holds && is_active(&standing(app.reads().pool(), &self.scope()).await?))
    }

    /// Whether a guest asks: they must not learn the firm's activity from numbers.
    pub(crate) fn is_guest(&self) -> bool {
        matches!(self.subject, Subject::PortalUser { .. })
    }

    /// Lets a session pass, and a token that has the scope.
    fn has(&self, scope: api_token::Scope) -> Result<(), ApiError> {
        match &self.proof {
            Proof::Token(bearer) if !bearer.scopes.contains(&scope) => Err(ApiError::ScopeMissing(scope)),
            Proof::Token(_) | Proof::Session { .. } => Ok(()),
        }
    }

    /// Reading is in the scope `read`, everything else in `write`.
    fn may(&self, method: &Method) -> Result<(), ApiError> {
        self.has(if method.is_safe() { api_token::Scope::Read } else { api_token::Scope::Write })
    }

    /// Asks who sends a request, by its token or its session.
    async fn of(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let now = app.clock.now();
        if parts.headers.contains_key(AUTHORIZATION) {
            return Self::bearing(parts, app, now).await;
        }
        let token = cookie::token(&parts.headers).ok_or(ApiError::NotSignedIn)?;
        let session = app.identity.authenticate(token, now).await?;
        let csrf = csrf_token(&app.server_key, token);
        Ok(Self { org: session.org, subject: session.subject.clone(), proof: Proof::Session { session, csrf } })
    }

    /// The same by a token. Tokens that are none are counted as requests of whoever has not signed in; one that works
    /// never waits on account of its neighbours.
    async fn bearing(parts: &mut Parts, app: &App, now: Timestamp) -> Result<Self, ApiError> {
        let found = match bearer(&parts.headers) {
            Some(text) => app.identity.authenticate_api_token(text, now).await,
            None => Err(IdentityError::ApiTokenRefused),
        };
        if let Err(IdentityError::ApiTokenRefused) = found {
            let Ok(address) = ClientAddress::from_request_parts(parts, app).await;
            app.admit(&address)?;
        }
        let bearer = found?;
        Ok(Self { org: bearer.org, subject: bearer.subject.clone(), proof: Proof::Token(bearer) })
    }

    /// Lets in whoever is on a route of theirs, with what else the request must show. Only now: a route of others is
    /// answered like one that is not there, whatever the request shows.
    async fn let_in(&self, parts: &mut Parts, app: &App) -> Result<(), ApiError> {
        if parts.method.is_safe() {
            return self.wait_for_position(parts, app).await;
        }
        self.prove_own_page(parts, app).await?;
        app.count(&format!("commands:{}:{:?}", self.org, self.principal()), app.limits.commands)
    }

    /// A browser's word must come from our own page; a token is sent by no browser on its own.
    async fn prove_own_page(&self, parts: &mut Parts, app: &App) -> Result<(), ApiError> {
        let Proof::Session { .. } = self.proof else { return Ok(()) };
        SameSite::from_request_parts(parts, app).await?;
        let token = cookie::token(&parts.headers).ok_or(ApiError::NotSignedIn)?;
        let given = parts.headers.get(CSRF_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
        Ok(check_csrf(&app.server_key, token, given)?)
    }

    /// Whoever reads may name the position that they want to see at least.
    async fn wait_for_position(&self, parts: &Parts, app: &App) -> Result<(), ApiError> {
        let Some(value) = parts.headers.get(MIN_POSITION) else { return Ok(()) };
        let text = value.to_str().map_err(|_| ApiError::MinPositionMalformed)?;
        let position = app.read_position(self, text).ok_or(ApiError::MinPositionMalformed)?;
        app.reach(self.org, position).await
    }
}

fn is_active(subject: &access::Subject) -> bool {
    match subject {
        access::Subject::Staff { active, .. } | access::Subject::PortalUser { active, .. } => *active,
        access::Subject::Installation | access::Subject::Nobody => false,
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

impl FromRequestParts<App> for Staff {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let caller = Caller::of(parts, app).await?;
        if caller.is_guest() {
            return Err(ApiError::NotThere);
        }
        caller.may(&parts.method)?;
        caller.let_in(parts, app).await?;
        Ok(Self(caller))
    }
}

impl FromRequestParts<App> for Guest {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let caller = Caller::of(parts, app).await?;
        if !caller.is_guest() {
            return Err(ApiError::NotThere);
        }
        caller.may(&parts.method)?;
        caller.let_in(parts, app).await?;
        Ok(Self(caller))
    }
}

impl FromRequestParts<App> for Member {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let caller = Caller::of(parts, app).await?;
        caller.may(&parts.method)?;
        caller.let_in(parts, app).await?;
        Ok(Self(caller))
    }
}

impl FromRequestParts<App> for Audit {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let caller = Caller::of(parts, app).await?;
        if caller.is_guest() {
            return Err(ApiError::NotThere);
        }
        caller.has(api_token::Scope::Audit)?;
        caller.let_in(parts, app).await?;
        Ok(Self(caller))
    }
}

impl FromRequestParts<App> for InSession {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let caller = Caller::of(parts, app).await?;
        let session = match &caller.proof {
            Proof::Session { session, .. } => session.clone(),
            Proof::Token(_) => return Err(ApiError::OnlyInSession),
        };
        caller.let_in(parts, app).await?;
        Ok(Self { caller, session })
    }
}

impl Deref for Staff {
    type Target = Caller;
    fn deref(&self) -> &Caller {
        &self.0
    }
}

impl Deref for Guest {
    type Target = Caller;
    fn deref(&self) -> &Caller {
        &self.0
    }
}

impl Deref for Member {
    type Target = Caller;
    fn deref(&self) -> &Caller {
        &self.0
    }
}

impl Deref for Audit {
    type Target = Caller;
    fn deref(&self) -> &Caller {
        &self.0
    }
}

impl Deref for InSession {
    type Target = Caller;
    fn deref(&self) -> &Caller {
        &self.caller
    }
}
