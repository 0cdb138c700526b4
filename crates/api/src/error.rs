//! What can go wrong between a request and its answer, as RFC 9457 problem details.
//!
//! The only place that knows HTTP statuses of failures. Codes are for ever; sentences may be written better. An answer
//! says no more than its asker may know: whatever is hidden from them is answered byte for byte like what is not there.

use crate::answer::ItemOutcome;
use crate::problem::{Fault, Problem};
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use countersign_domain::decider::RejectionKind;
use countersign_domain::portal::Rejection;
use countersign_eventstore::{ExecuteError, KeyError, Refusal, StoreError};
use countersign_identity::api_token::Scope;
use countersign_identity::error::IdentityError;
use countersign_projections::{ReadError, RebuildError};
use std::error::Error;
use std::fmt::Write;

/// How long to wait before trying again what is away for the moment.
const AWAY_S: u64 = 1;

/// Why a request is not answered as it was meant.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// There is no such thing, or none that the asker may know of.
    #[error("there is no such thing here")]
    NotThere,
    /// The thing is there, but not for this method.
    #[error("this method is not available here")]
    NoSuchMethod,
    /// Neither a session nor a token came with the request.
    #[error("sign in first")]
    NotSignedIn,
    /// Whoever asks at the operator's door is not the operator.
    #[error("send the operator's token: Authorization: Bearer …")]
    NotTheOperator,
    /// A browser sent the request from another site's page.
    #[error("this request comes from another site")]
    CrossSite,
    /// The token may not be used for this.
    #[error("this API token lacks the scope {}", .0.as_str())]
    ScopeMissing(Scope),
    /// Tokens do not manage tokens, passwords and sessions.
    #[error("this is done in a session, not with an API token")]
    OnlyInSession,
    /// Not what it says it is: no JSON, no address that can be read, no header that can be read.
    #[error("{0}")]
    Malformed(String),
    /// A command that creates something came without a name for itself.
    #[error("this command creates something: send an Idempotency-Key, so that a retry does not create another one")]
    KeyMissing,
    /// The header `Idempotency-Key` is no name.
    #[error("an Idempotency-Key has 1 to 255 printable ASCII characters")]
    KeyMalformed,
    /// The header `Min-Position` is none of our positions.
    #[error("Min-Position is the Ledger-Position of an earlier answer")]
    MinPositionMalformed,
    /// Fields whose values cannot be.
    #[error("{}", .0.first().map_or("a field is not valid", |fault| &fault.detail))]
    Invalid(Vec<Fault>),
    /// A body that is no JSON by its own account.
    #[error("send JSON, with the header Content-Type: application/json")]
    NotJson,
    /// More than is read.
    #[error("the body is larger than {limit_bytes} bytes")]
    TooLarge {
        /// The most that is read.
        limit_bytes: usize,
    },
    /// Too much in too short a time.
    #[error("too many requests; try again later")]
    TooMany {
        /// Seconds to wait.
        retry_after_s: u64,
    },
    /// The command was decided, and may not be.
    #[error("{}", .0.message)]
    Refused(Refusal),
    /// Every item of a batch was refused; the first one's reason stands for all.
    #[error("every item was refused")]
    AllRefused {
        /// Why the first one was refused.
        #[source]
        first: Box<ApiError>,
        /// What became of each.
        items: Vec<ItemOutcome>,
    },
    /// Nobody was let in.
    #[error(transparent)]
    Identity(IdentityError),
    /// The command has no answer.
    #[error("the command could not be executed")]
    Execute(#[source] ExecuteError),
    /// The database or the ledger has no answer.
    #[error("the store could not do its part")]
    Store(#[source] StoreError),
    /// Read models are not rebuilt as was asked.
    #[error(transparent)]
    Rebuild(RebuildError),
    /// No answer came in time, as when the database is there and says nothing. Whether a command took effect is learned
    /// by sending it again.
    #[error("no answer came in time")]
    Late,
    /// Rows are not up to the position that was asked for.
    #[error("what is shown is not up to the position asked for yet")]
    Behind,
    /// A defect of ours.
    #[error("{0}")]
    Defect(&'static str),
}

/// What every kind of failure is answered with.
struct Manner {
    status: StatusCode,
    code: String,
    retry_after_s: Option<u64>,
}

impl Manner {
    fn of(status: StatusCode, code: &str) -> Self {
        Self { status, code: code.to_owned(), retry_after_s: None }
    }

    fn after(self, seconds: u64) -> Self {
        Self { retry_after_s: Some(seconds), ..self }
    }

    fn internal() -> Self {
        Self::of(StatusCode::INTERNAL_SERVER_ERROR, "internal")
    }

    fn away() -> Self {
        Self::of(StatusCode::SERVICE_UNAVAILABLE, "store.unavailable").after(AWAY_S)
    }
}

impl ApiError {
    /// One field whose value cannot be; `pointer` names it as in RFC 6901.
    pub fn invalid(pointer: &str, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![Fault { pointer: pointer.to_owned(), detail: detail.into() }])
    }

    /// The problem as it is answered, alone or for one item of many.
    pub fn problem(&self) -> Problem {
        if let Self::AllRefused { first, items } = self {
            let mut problem = first.problem();
            problem.items.clone_from(items);
            return problem;
        }
        let Manner { status, code, .. } = self.manner();
        let mut problem = Problem::new(status, &code, self.sentence(status));
        if let Self::Invalid(faults) = self {
            problem.errors = faults.clone();
        }
        if let Self::Identity(error) = self
            && let Some(pointer) = field_of(error)
        {
            problem.errors = vec![Fault { pointer: pointer.to_owned(), detail: error.to_string() }];
        }
        if let Self::Refused(refusal) = self
            && refusal.kind != RejectionKind::Unseen
        {
            problem.tell(&refusal.details);
        }
        problem
    }

    /// The same error; what is our fault is logged, once, with all that led to it.
    pub(crate) fn reported(&self) -> &Self {
        let Manner { status, code, .. } = self.manner();
        // What is behind catches up by itself; of a batch, each item was reported.
        if matches!(self, Self::Behind | Self::AllRefused { .. }) {
            return self;
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            tracing::warn!(code, error = %chain(self), "a request could not be answered now");
        } else if status.is_server_error() {
            tracing::error!(code, error = %chain(self), "a request failed");
        }
        self
    }

    fn manner(&self) -> Manner {
        match self {
            Self::NotThere => Manner::of(StatusCode::NOT_FOUND, "not_found"),
            Self::NoSuchMethod => Manner::of(StatusCode::METHOD_NOT_ALLOWED, "method.not_allowed"),
            Self::NotSignedIn => Manner::of(StatusCode::UNAUTHORIZED, "session.required"),
            Self::NotTheOperator => Manner::of(StatusCode::UNAUTHORIZED, "operator.token_required"),
            Self::CrossSite => Manner::of(StatusCode::FORBIDDEN, "request.cross_site"),
            Self::ScopeMissing(_) => Manner::of(StatusCode::FORBIDDEN, "api_token.scope_missing"),
            Self::OnlyInSession => Manner::of(StatusCode::FORBIDDEN, "session.only"),
            Self::Malformed(_) => Manner::of(StatusCode::BAD_REQUEST, "request.malformed"),
            Self::KeyMissing => Manner::of(StatusCode::BAD_REQUEST, "idempotency_key.missing"),
            Self::KeyMalformed => Manner::of(StatusCode::BAD_REQUEST, "idempotency_key.malformed"),
            Self::MinPositionMalformed => Manner::of(StatusCode::BAD_REQUEST, "min_position.malformed"),
            Self::Invalid(_) => Manner::of(StatusCode::UNPROCESSABLE_ENTITY, "request.invalid"),
            Self::NotJson => Manner::of(StatusCode::UNSUPPORTED_MEDIA_TYPE, "request.not_json"),
            Self::TooLarge { .. } => Manner::of(StatusCode::PAYLOAD_TOO_LARGE, "request.too_large"),
            Self::TooMany { retry_after_s } => {
                Manner::of(StatusCode::TOO_MANY_REQUESTS, "requests.too_many").after(*retry_after_s)
            }
            Self::Refused(refusal) => refused(refusal),
            Self::AllRefused { first, .. } => first.manner(),
            Self::Identity(error) => identity(error),
            Self::Execute(error) => execute(error),
            Self::Store(error) => store(error),
            Self::Rebuild(error) => rebuild(error),
            Self::Late => Manner::away(),
            Self::Behind => Manner::of(StatusCode::SERVICE_UNAVAILABLE, "read_model.behind").after(AWAY_S),
            Self::Defect(_) => Manner::internal(),
        }
    }

    /// What went wrong inside is nobody's business outside.
    fn sentence(&self, status: StatusCode) -> String {
        match status {
            StatusCode::INTERNAL_SERVER_ERROR => "something went wrong on our side".to_owned(),
            StatusCode::SERVICE_UNAVAILABLE if !matches!(self, Self::Behind) => {
                "this cannot be done at the moment; try again".to_owned()
            }
            StatusCode::NOT_FOUND => Self::NotThere.to_string(),
            _ => self.to_string(),
        }
    }
}

fn refused(refusal: &Refusal) -> Manner {
    match refusal.kind {
        RejectionKind::Unseen => Manner::of(StatusCode::NOT_FOUND, "not_found"),
        RejectionKind::NotAllowed => Manner::of(StatusCode::FORBIDDEN, &refusal.code),
        RejectionKind::Rule => Manner::of(StatusCode::CONFLICT, &refusal.code),
    }
}

fn identity(error: &IdentityError) -> Manner {
    let code = error.code();
    match error {
        IdentityError::Store(_) | IdentityError::Hashing(_) | IdentityError::Interrupted(_) => Manner::internal(),
        IdentityError::SlugTaken
        | IdentityError::OrganizationHasAnotherSlug
        | IdentityError::InvitationAlreadyAccepted => Manner::of(StatusCode::CONFLICT, code),
        IdentityError::SignInRefused { .. } | IdentityError::SessionEnded | IdentityError::ApiTokenRefused => {
            Manner::of(StatusCode::UNAUTHORIZED, code)
        }
        IdentityError::SignInLocked { retry_after_s } | IdentityError::TooMany { retry_after_s } => {
            Manner::of(StatusCode::TOO_MANY_REQUESTS, code).after(*retry_after_s)
        }
        IdentityError::UnknownSession | IdentityError::UnknownApiToken => Manner::of(StatusCode::NOT_FOUND, code),
        IdentityError::CsrfRefused | IdentityError::CurrentPasswordWrong { .. } => {
            Manner::of(StatusCode::FORBIDDEN, code)
        }
        IdentityError::ResetRefused | IdentityError::InvitationRefused => Manner::of(StatusCode::GONE, code),
        IdentityError::PasswordRefused(_) | IdentityError::ApiTokenLifetime | IdentityError::ApiTokenWithoutScope => {
            Manner::of(StatusCode::UNPROCESSABLE_ENTITY, code)
        }
    }
}

/// The field that an identity's refusal is about, where it is about one.
fn field_of(error: &IdentityError) -> Option<&'static str> {
    if let IdentityError::ApiTokenLifetime = error {
        return Some("/expires_at");
    }
    matches!(error, IdentityError::ApiTokenWithoutScope).then_some("/scopes")
}

fn execute(error: &ExecuteError) -> Manner {
    match error {
        ExecuteError::KeyReused => Manner::of(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key.reused"),
        ExecuteError::Overloaded => Manner::of(StatusCode::SERVICE_UNAVAILABLE, "node.overloaded").after(AWAY_S),
        ExecuteError::Store(error) => store(error),
        ExecuteError::UnknownOrganization | ExecuteError::NotSimulated | ExecuteError::Defect => Manner::internal(),
    }
}

fn rebuild(error: &RebuildError) -> Manner {
    match error {
        RebuildError::Projection(error) if error.is_passing() => Manner::away(),
        RebuildError::Projection(_) | RebuildError::Fell(_) => Manner::internal(),
        RebuildError::UnknownGroup(..)
        | RebuildError::UnknownOrganization
        | RebuildError::CanaryElsewhere
        | RebuildError::TooLong { .. } => Manner::of(StatusCode::UNPROCESSABLE_ENTITY, "request.invalid"),
        RebuildError::Unknown => Manner::of(StatusCode::NOT_FOUND, "not_found"),
        RebuildError::UnderWay(_) | RebuildError::Lost | RebuildError::OfAnotherBuild(_) => {
            Manner::of(StatusCode::CONFLICT, "rebuild.under_way")
        }
        RebuildError::NothingKept(_) | RebuildError::NotKeptTwice(_) => {
            Manner::of(StatusCode::CONFLICT, "rebuild.nothing_kept")
        }
    }
}

fn store(error: &StoreError) -> Manner {
    if let StoreError::Outdated(_) = error {
        Manner::of(StatusCode::SERVICE_UNAVAILABLE, "node.outdated").after(AWAY_S)
    } else if error.is_passing() {
        Manner::away()
    } else {
        Manner::internal()
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Manner { status, retry_after_s, .. } = self.manner();
        let mut response = self.reported().problem().into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// An error with everything that led to it.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        // Writing to a String cannot fail.
        let _ = write!(text, ": {source}");
        next = source.source();
    }
    text
}

impl From<IdentityError> for ApiError {
    fn from(error: IdentityError) -> Self {
        if let IdentityError::Store(error) = error { Self::Store(error.into()) } else { Self::Identity(error) }
    }
}

impl From<RebuildError> for ApiError {
    fn from(error: RebuildError) -> Self {
        Self::Rebuild(error)
    }
}

impl From<ReadError> for ApiError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Database(error) => Self::Store(error.into()),
            ReadError::Behind => Self::Behind,
            ReadError::Denied(denied) => Self::Refused(Rejection::of(&denied).into()),
            ReadError::Cursor(error) => Self::invalid("after", error.to_string()),
        }
    }
}

impl From<ExecuteError> for ApiError {
    fn from(error: ExecuteError) -> Self {
        Self::Execute(error)
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<KeyError> for ApiError {
    fn from(error: KeyError) -> Self {
        Self::Store(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::to_bytes;
    use countersign_domain::portal::WireError;
    use serde_json::Value;
    use std::sync::Arc;

    fn outdated() -> StoreError {
        StoreError::Outdated(WireError::Unknown { event_type: "invoice.sung".to_owned(), schema: 9 })
    }

    #[tokio::test]
    async fn a_node_that_is_older_than_the_ledger_says_so_and_asks_to_try_again() {
        for error in [ApiError::from(outdated()), ApiError::from(ExecuteError::Store(Arc::new(outdated())))] {
            let response = error.into_response();
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(response.headers()[RETRY_AFTER], "1");
            let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
            let body: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(body["code"], "node.outdated");
            assert!(!body.to_string().contains("invoice.sung"), "what the ledger holds is nobody's business: {body}");
        }
    }
}
