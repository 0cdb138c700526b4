//! What the OpenAPI document says of every operation alike: how to be let in, which headers there are, and with which
//! problems a request may be answered. Each operation itself says only what is its own.

pub(crate) mod schemas;

use crate::problem;
use crate::request::{Key, NewKey};
use utoipa::IntoParams;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ComponentsBuilder, Object, Type};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{Content, HeaderBuilder, OpenApi, PathItem, Ref, RefOr, Required, ResponseBuilder};

/// The document's own words.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Countersign",
        description = "Invite guests, grant them what they may see and approve, and prove who approved what.\n\n\
            **Being let in.** `POST /v1/sessions` sets a cookie and answers a CSRF token, which every request that \
            changes something carries in `X-CSRF-Token`. Programs send an API token instead: \
            `Authorization: Bearer cst_…`.\n\n\
            **Sending again.** A command with an `Idempotency-Key` may be sent again: it takes effect once, and its \
            outcome is answered again. Commands that create something must have one.\n\n\
            **Reading what was written.** Every command answers `Ledger-Position`; a read that sends it back as \
            `Min-Position` waits until it can show at least that.\n\n\
            **Failures** are RFC 9457 problem details. Programs match on `code`. What a caller may not know of is \
            answered exactly like what is not there.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    tags(
        (name = "identity", description = "Signing in and out, passwords, sessions, tokens, invitations"),
        (name = "firm", description = "The organization and its staff"),
        (name = "clients", description = "Clients, contacts and portal users"),
        (name = "work", description = "Projects, rosters and time"),
        (name = "billing", description = "Invoices"),
        (name = "approval", description = "What waits for a guest's decision"),
        (name = "history", description = "Who approved what, with which right: the auditor's questions"),
        (name = "feed", description = "What changes, as it changes"),
        (name = "operation", description = "For whoever operates the installation"),
    ),
)]
pub(crate) struct Document;

/// Writes the common part into every operation.
pub(crate) fn complete(document: &mut OpenApi) {
    let components = document.components.get_or_insert_with(|| ComponentsBuilder::new().build());
    schemas::tidy(&mut components.schemas);
    let cookie = ApiKey::Cookie(ApiKeyValue::new("__Host-countersign"));
    components.add_security_scheme("session", SecurityScheme::ApiKey(cookie));
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("An API token: cst_…")).build();
    components.add_security_scheme("token", SecurityScheme::Http(bearer));
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            complete_one(path, method, operation);
        }
    }
}

/// Every operation of a path, with its method's name.
pub(crate) fn operations(item: &mut PathItem) -> Vec<(&'static str, &mut Operation)> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    let all = [("get", get), ("put", put), ("post", post), ("delete", delete), ("patch", patch)];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?))).collect()
}

fn complete_one(path: &str, method: &str, operation: &mut Operation) {
    // An operation that lets everybody in says so itself; all others are for whoever is let in.
    let is_open = operation.security.is_some();
    let reads = method == "get";
    let mut problems = vec![(500, "Something went wrong on our side.")];
    if path != "/openapi.json" {
        problems.push((503, "Away, overloaded or behind for the moment: `Retry-After` says when to try again."));
    }
    if !is_open {
        let needs = ["session", "token"].map(|scheme| SecurityRequirement::new(scheme, Vec::<String>::new()));
        operation.security = Some(needs.into());
        problems.push((400, "The request cannot be read: a header, the body."));
        problems.push((401, "Nobody is let in: sign in (again)."));
        problems.push((403, "The caller may not do this with it, or the request is another site's."));
        problems.push((404, "There is no such thing, or none that the caller may know of."));
        problems.push((429, "Too often: `Retry-After` says when to try again."));
        let common = if reads { ("Min-Position", MIN_POSITION) } else { ("X-CSRF-Token", CSRF_TOKEN) };
        let common = header(common.0, common.1, Required::False);
        operation.parameters.get_or_insert_default().push(RefOr::T(common));
    }
    if !reads {
        problems.push((403, "The caller may not do this with it, or the request is another site's."));
        problems.push((409, "A rule stands against it: `code` says which."));
        problems.push((422, "A field's value cannot be, or the Idempotency-Key was used for another request."));
        problems.push((429, "Too often: `Retry-After` says when to try again."));
    }
    if operation.request_body.is_some() {
        problems.push((400, "The request cannot be read: a header, the body."));
        problems.push((413, "The body is too large."));
        problems.push((415, "The body is no JSON by its own account."));
    }
    if has_parameter(operation, |parameter| parameter.parameter_in == ParameterIn::Query) {
        problems.push((422, "A parameter's value cannot be."));
    }
    if has_parameter(operation, |parameter| parameter.name == KEY) {
        promise_position(operation);
    }
    for (status, description) in problems {
        let response = ResponseBuilder::new().description(description).content(problem::MEDIA_TYPE, problem_content());
        operation.responses.responses.entry(status.to_string()).or_insert_with(|| RefOr::T(response.build()));
    }
}

fn has_parameter(operation: &Operation, which: impl Fn(&Parameter) -> bool) -> bool {
    let parameters = operation.parameters.iter().flatten();
    parameters
        .filter_map(|parameter| if let RefOr::T(parameter) = parameter { Some(parameter) } else { None })
        .any(which)
}

/// A command's answer says from which position on it is seen.
fn promise_position(operation: &mut Operation) {
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response
            && status.starts_with('2')
        {
            let position = HeaderBuilder::new().description(Some(LEDGER_POSITION)).build();
            response.headers.insert("Ledger-Position".to_owned(), RefOr::T(position));
            let replayed = HeaderBuilder::new().description(Some(REPLAYED)).build();
            response.headers.insert("Idempotent-Replayed".to_owned(), RefOr::T(replayed));
        }
    }
}

const KEY: &str = "Idempotency-Key";
const LEDGER_POSITION: &str = "From which position on this is seen: send it back as `Min-Position`. Opaque to guests.";
const REPLAYED: &str = "`true` where this was decided earlier, under the same Idempotency-Key.";
const NAMES_IT: &str = "Names the command, so that sending it again is the same command again; 1 to 255 printable \
    characters, best a fresh UUID.";

impl IntoParams for Key {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![header(KEY, NAMES_IT, Required::False)]
    }
}

impl IntoParams for NewKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![header(KEY, NAMES_IT, Required::True)]
    }
}

const MIN_POSITION: &str = "The `Ledger-Position` of an earlier answer: wait, at most two seconds, until at least that \
    is shown.";
const CSRF_TOKEN: &str = "The session's CSRF token; needed with a cookie, not with an API token.";

fn problem_content() -> Content {
    Content::new(Some(Ref::from_schema_name("Problem")))
}

fn header(name: &str, description: &str, required: Required) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(required)
        .description(Some(description))
        .schema(Some(Object::with_type(Type::String)))
        .build()
}
