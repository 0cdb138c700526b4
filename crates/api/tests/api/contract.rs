//! What the OpenAPI document promises: operations by the names that are fixed, and the statuses and media types of every
//! answer.

use crate::talk::Reply;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// The document, as it is served.
pub struct Contract(Value);

/// The document, read once.
pub static CONTRACT: LazyLock<Contract> =
    LazyLock::new(|| Contract(serde_json::to_value(countersign_api::document()).unwrap()));

impl Contract {
    /// Every operation: its id, method and path.
    pub fn operations(&self) -> impl Iterator<Item = (&str, String, &str)> {
        self.0["paths"].as_object().unwrap().iter().flat_map(|(path, item)| {
            item.as_object().unwrap().iter().map(move |(method, operation)| {
                let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("{method} {path} has no name"));
                (id, method.to_uppercase(), path.as_str())
            })
        })
    }

    /// The operation that a request asks for: of several, the one whose path has the fewest names in it.
    fn operation(&self, method: &str, path: &str) -> Option<(&str, &Value)> {
        let asked: Vec<&str> = path.split('?').next().unwrap().split('/').collect();
        let fits = |template: &str| {
            let parts: Vec<&str> = template.split('/').collect();
            parts.len() == asked.len()
                && parts.iter().zip(&asked).all(|(part, one)| part.starts_with('{') || part == one)
        };
        let all = self.operations().filter(|(_, its, template)| its == method && fits(template));
        let (id, _, template) = all.min_by_key(|(.., template)| template.matches('{').count())?;
        Some((id, &self.0["paths"][template][method.to_lowercase()]))
    }

    /// Fails if an answer is none that the operation promises. What is no operation is not there.
    #[track_caller]
    pub fn check(&self, method: &str, path: &str, reply: &Reply) {
        let Some((id, operation)) = self.operation(method, path) else {
            assert!([404, 405].contains(&reply.status), "{method} {path} is no operation: {}", reply.status);
            return;
        };
        let promised = &operation["responses"][reply.status.to_string()];
        assert!(promised.is_object(), "{id} does not promise {}: {}", reply.status, reply.text);
        let contents = promised["content"].as_object();
        let media_types: BTreeSet<_> =
            contents.into_iter().flat_map(|content| content.keys()).map(String::as_str).collect();
        match reply.media_type() {
            Some(media_type) => assert!(media_types.contains(media_type), "{id}: {media_type} is not promised"),
            None => assert!(media_types.is_empty(), "{id} promises {media_types:?} for {}", reply.status),
        }
    }
}

#[test]
fn the_five_operations_of_the_story_have_their_names() {
    let ids: BTreeSet<_> = CONTRACT.operations().map(|(id, ..)| id).collect();
    for id in ["InviteGuest", "GrantFinancialAccess", "ApproveInvoice", "ApproveTime", "DeactivatePortalUser"] {
        assert!(ids.contains(id), "{id}");
    }
}

#[test]
fn operations_have_names_of_their_own_and_belong_to_an_area() {
    let contract = &*CONTRACT;
    let operations: Vec<_> = contract.operations().collect();
    let ids: BTreeSet<_> = operations.iter().map(|(id, ..)| id).collect();
    assert_eq!(ids.len(), operations.len());
    let areas: BTreeSet<_> =
        contract.0["tags"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    for (id, method, path) in &operations {
        let operation = &contract.0["paths"][path][method.to_lowercase()];
        assert!(areas.contains(operation["tags"][0].as_str().unwrap()), "{id}");
        assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{id} says nothing of itself");
    }
}

#[test]
fn everything_that_is_referred_to_is_there() {
    let contract = &*CONTRACT;
    assert_eq!(contract.0["openapi"], "3.1.0");
    let mut references = Vec::new();
    collect(&contract.0, &mut references);
    assert!(!references.is_empty());
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(contract.0.pointer(pointer).is_some(), "{reference}");
    }
}

fn collect(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            references.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|value| collect(value, references));
        }
        Value::Array(items) => items.iter().for_each(|value| collect(value, references)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn an_answer_leaves_out_what_is_absent_and_pages_are_pages_of_something() {
    let schemas = &CONTRACT.0["components"]["schemas"];
    assert_eq!(schemas["Project"]["properties"]["invoiced"]["$ref"], "#/components/schemas/Money");
    assert_eq!(schemas["DashboardProject"]["allOf"][1]["properties"]["open_invoices"]["type"], "integer");
    assert_eq!(schemas["Items_Client"]["properties"]["next"]["type"], "string");
    assert_eq!(schemas["Items_Client"]["properties"]["items"]["items"]["$ref"], "#/components/schemas/Client");
}
