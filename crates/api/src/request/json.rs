//! JSON bodies: bounded, strict, and with the field named that does not fit.

mod strict;

use crate::app::App;
use crate::error::ApiError;
use crate::problem::Fault;
use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use futures::StreamExt;
use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};
use std::fmt::Write;
use strict::Strict;

/// How much beyond the limit is read before a sender is cut off.
const LINGER_BYTES: usize = 4 << 20;

/// A body of a known shape.
#[derive(Debug)]
pub(crate) struct Json<T>(pub(crate) T);

/// What says how large a body may be.
pub(crate) trait TakesJson: Send + Sync {
    /// In bytes.
    fn body_bytes(&self) -> usize;
}

impl TakesJson for App {
    fn body_bytes(&self) -> usize {
        self.limits.body_bytes
    }
}

impl<T: DeserializeOwned, S: TakesJson> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let limit_bytes = state.body_bytes();
        if !is_json(request.headers()) {
            return Err(ApiError::NotJson);
        }
        if length(request.headers()).is_some_and(|length| length > (limit_bytes + LINGER_BYTES) as u64) {
            return Err(ApiError::TooLarge { limit_bytes });
        }
        parse(&read(request.into_body(), limit_bytes).await?).map(Self)
    }
}

/// A body within a limit. Some of what is beyond it is read too, and forgotten: whoever is cut off while sending may
/// never get to read that it was too much.
async fn read(body: Body, limit_bytes: usize) -> Result<Vec<u8>, ApiError> {
    let (mut kept, mut size) = (Vec::new(), 0);
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| ApiError::Malformed("the body could not be read to its end".to_owned()))?;
        size += piece.len();
        if size <= limit_bytes {
            kept.extend_from_slice(&piece);
        } else if size > limit_bytes + LINGER_BYTES {
            break;
        }
    }
    if size > limit_bytes { Err(ApiError::TooLarge { limit_bytes }) } else { Ok(kept) }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let parsed = serde_path_to_error::deserialize(Strict(&mut json)).map_err(|error| {
        let pointer = pointer(error.path());
        let error = error.into_inner();
        if error.is_data() { ApiError::Invalid(vec![fault(pointer, &error)]) } else { malformed(&error) }
    })?;
    json.end().map_err(|error| malformed(&error))?;
    Ok(parsed)
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(text) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) else { return false };
    let essence = text.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn malformed(error: &serde_json::Error) -> ApiError {
    ApiError::Malformed(format!("the body is no JSON: line {}, column {}", error.line(), error.column()))
}

/// The sentence without the place in the text: the pointer says where.
fn fault(pointer: String, error: &serde_json::Error) -> Fault {
    let text = error.to_string();
    let detail = text.rsplit_once(" at line ").map_or(text.as_str(), |(sentence, _)| sentence);
    Fault { pointer, detail: detail.to_owned() }
}

fn pointer(path: &Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        // Writing to a String cannot fail.
        let _ = match segment {
            Segment::Seq { index } => write!(pointer, "/{index}"),
            // A variant that has something within is written as an object of one field.
            Segment::Map { key } | Segment::Enum { variant: key } => {
                write!(pointer, "/{}", key.replace('~', "~0").replace('/', "~1"))
            }
            Segment::Unknown => Ok(()),
        };
    }
    pointer
}

#[cfg(test)]
#[expect(dead_code, reason = "what is read is not looked at: whether it is taken is the question")]
mod tests {
    use super::*;
    use countersign_domain::values::Email;
    use serde::Deserialize;
    use std::collections::BTreeMap;
    use std::fmt::Debug;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked {
        people: Vec<Person>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Person {
        email: Email,
    }

    /// Everything within which a person can stand.
    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Everywhere {
        perhaps: Option<Person>,
        named: BTreeMap<String, Person>,
        pair: Option<(u8, Person)>,
        wrapped: Option<Wrapped>,
        choice: Option<Choice>,
        tagged: Option<Tagged>,
        made: Option<Made>,
    }

    #[derive(Debug, Deserialize)]
    struct Wrapped(Person);

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Choice {
        Nobody,
        One(Person),
        Two(Person, Person),
        Described { person: Person },
    }

    #[derive(Debug, Deserialize)]
    #[serde(tag = "kind", content = "person", rename_all = "snake_case")]
    enum Tagged {
        One(Person),
    }

    #[derive(Debug, Deserialize)]
    #[serde(from = "Person")]
    struct Made(Person);

    impl From<Person> for Made {
        fn from(person: Person) -> Self {
            Self(person)
        }
    }

    const PERSON: &str = r#"{"email": "ann@example.com"}"#;
    const ARRAY: &str = r#"["ann@example.com"]"#;

    #[track_caller]
    fn fault_of(body: &str) -> Fault {
        fault_in::<Asked>(body)
    }

    #[track_caller]
    fn fault_in<T: DeserializeOwned + Debug>(body: &str) -> Fault {
        match parse::<T>(body.as_bytes()) {
            Err(ApiError::Invalid(mut faults)) => faults.remove(0),
            other => panic!("not a fault: {other:?}"),
        }
    }

    #[test]
    fn the_field_that_does_not_fit_is_named() {
        let fault = fault_of(r#"{"people": [{"email": "ann@example.com"}, {"email": "ann"}]}"#);
        assert_eq!(fault.pointer, "/people/1/email");
        assert_eq!(fault.detail, "not a mail address: write it like name@example.com");
    }

    #[test]
    fn an_unknown_field_is_no_field_that_is_quietly_left_out() {
        let fault = fault_of(r#"{"people": [], "a/b": 1}"#);
        assert_eq!(fault.pointer, "/a~1b");
        assert!(fault.detail.starts_with("unknown field"), "{}", fault.detail);
    }

    #[test]
    fn an_array_is_no_object_whatever_the_order_of_its_fields() {
        let fault = fault_of("[[]]");
        assert_eq!((fault.pointer.as_str(), fault.detail.contains("sequence")), ("", true), "{}", fault.detail);
        let fault = fault_of(&format!(r#"{{"people": [{PERSON}, {ARRAY}]}}"#));
        assert_eq!(fault.pointer, "/people/1");
    }

    #[test]
    fn an_array_is_no_object_wherever_it_stands() {
        let places = [
            (r#"{"perhaps": #}"#, "/perhaps"),
            (r#"{"named": {"ann": #}}"#, "/named/ann"),
            (r#"{"pair": [1, #]}"#, "/pair/1"),
            (r#"{"wrapped": #}"#, "/wrapped"),
            (r#"{"choice": {"one": #}}"#, "/choice/one"),
            (r#"{"choice": {"two": [{"email": "bob@example.com"}, #]}}"#, "/choice/two/1"),
            (r#"{"choice": {"described": {"person": #}}}"#, "/choice/described/person"),
            (r#"{"tagged": {"kind": "one", "person": #}}"#, "/tagged/person"),
            (r#"{"made": #}"#, "/made"),
        ];
        for (body, pointer) in places {
            assert!(parse::<Everywhere>(body.replace('#', PERSON).as_bytes()).is_ok(), "{body}");
            assert_eq!(fault_in::<Everywhere>(&body.replace('#', ARRAY)).pointer, pointer, "{body}");
        }
        let described = fault_in::<Everywhere>(&format!(r#"{{"choice": {{"described": [{PERSON}]}}}}"#));
        assert_eq!(described.pointer, "/choice/described");
        let tagged = fault_in::<Everywhere>(&format!(r#"{{"tagged": ["one", {PERSON}]}}"#));
        assert_eq!(tagged.pointer, "/tagged");
        assert!(parse::<Everywhere>(br#"{"perhaps": null, "choice": "nobody", "pair": null}"#).is_ok());
    }

    #[test]
    fn what_is_no_json_is_malformed_and_not_invalid() {
        for bad in ["", "{", "nonsense", r#"{"people": []} and more"#] {
            assert!(matches!(parse::<Asked>(bad.as_bytes()), Err(ApiError::Malformed(_))), "{bad}");
        }
    }
}
