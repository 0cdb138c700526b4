//! Everything that somebody can get to read: every question of the API, asked about everything there is.

use super::document::operations;
use super::firm::Firm;
use super::person::Person;
use futures::stream::{self, StreamExt};
use reqwest::Method;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// How many questions are asked at a time.
const AT_A_TIME: usize = 8;

/// Not read here: it does not end.
const FEED: &str = "/v1/feed";
/// What the API says of itself, and what one says oneself.
const NOBODYS: [&str; 3] = ["/openapi.json", "/healthz", "/readyz"];

/// What somebody was answered, by the question's address. Questions that were not answered are left out.
pub(crate) type Answers = BTreeMap<String, Value>;

/// Asks everything, about everything in the ledger.
pub(crate) async fn walk(firm: &Firm, person: &Person) -> Answers {
    let questions = questions(firm, person).await;
    let asked = stream::iter(questions).map(|path| async {
        let reply = person.get(path.as_str()).await;
        assert!(matches!(reply.status, 200 | 404), "{path}: {reply:?}");
        (reply.status == 200).then(|| (path, reply.json()))
    });
    let answers: Vec<_> = asked.buffer_unordered(AT_A_TIME).collect().await;
    answers.into_iter().flatten().collect()
}

async fn questions(firm: &Firm, person: &Person) -> BTreeSet<String> {
    let (mut ids, mut names) = (BTreeSet::new(), BTreeSet::new());
    for entry in firm.ledger.entries().await {
        for object in entry.envelope["objects"].as_array().expect("an event names its objects") {
            let [kind, id] = ["kind", "id"].map(|key| object[key].as_str().expect("objects have kinds and ids"));
            ids.insert(id.to_owned());
            names.insert(format!("{kind}:{id}"));
        }
    }
    let mut questions = BTreeSet::new();
    for operation in operations(person).await {
        let path = operation.path.as_str();
        if operation.method != Method::GET || path == FEED || NOBODYS.contains(&path) {
            continue;
        }
        let fillings = if path.contains("{object}") { &names } else { &ids };
        if operation.varies() {
            questions.extend(fillings.iter().map(|filling| operation.filled(filling)));
        } else {
            questions.insert(operation.path);
        }
    }
    questions
}

/// The fields of an answer, each by its place: `items[].amounts.rate`. A sum of money is one field.
pub(crate) fn fields(value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(value, "", &mut found);
    found
}

fn collect(value: &Value, place: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) if !is_money(value) => {
            for (name, value) in object {
                let dot = if place.is_empty() { "" } else { "." };
                collect(value, &format!("{place}{dot}{name}"), found);
            }
        }
        Value::Array(items) => {
            found.insert(format!("{place}[]"));
            items.iter().for_each(|item| collect(item, &format!("{place}[]"), found));
        }
        Value::Object(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            found.insert(place.to_owned());
        }
    }
}

pub(crate) fn is_money(value: &Value) -> bool {
    value.get("minor").is_some() || (value.get("currency").is_some() && value.get("amount").is_some())
}

/// Every value in an answer that stands for itself, and whatever stands in texts between signs.
pub(crate) fn words(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Object(object) => object.values().flat_map(words).collect(),
        Value::Array(items) => items.iter().flat_map(words).collect(),
        Value::String(text) => {
            let is_sign = |letter: char| !letter.is_ascii_alphanumeric() && letter != '.';
            text.split(is_sign).map(str::to_owned).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => BTreeSet::from([value.to_string()]),
    }
}
