//! What the API says of itself.

use super::person::Person;
use reqwest::Method;

/// An operation of the API.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) method: Method,
    /// Its address, with the names of what varies in braces.
    pub(crate) path: String,
}

/// All operations of the OpenAPI document.
pub(crate) async fn operations(person: &Person) -> Vec<Operation> {
    let document = person.get("/openapi.json").await.expect(200).json();
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("a document has paths") {
        for (method, operation) in methods.as_object().expect("a path has methods") {
            let id = operation["operationId"].as_str().expect("an operation has an id").to_owned();
            let method = method.to_uppercase().parse().expect("it has a method");
            operations.push(Operation { id, method, path: path.clone() });
        }
    }
    operations
}

impl Operation {
    /// Its address with something in the place of everything that varies.
    pub(crate) fn filled(&self, with: &str) -> String {
        let mut pieces = self.path.split('{');
        let first = pieces.next().unwrap_or_default().to_owned();
        pieces.fold(first, |path, piece| path + with + piece.split_once('}').map_or("", |(_, rest)| rest))
    }

    pub(crate) fn varies(&self) -> bool {
        self.path.contains('{')
    }
}
