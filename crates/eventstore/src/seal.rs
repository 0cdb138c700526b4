//! Finds personal values in an event's fields, seals them before hashing and opens them for whoever may know.
//!
//! A personal value is an object of exactly two fields, `person` and `clear` or `sealed` (`domain::personal`), so that
//! no event need be known here.

use crate::error::StoreError;
use crate::vault::{self, Vault};
use countersign_domain::ids::{OrgId, PersonId};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Whom the clear values among these fields are about.
pub(crate) fn people_in(data: &Value, field: &'static str) -> Vec<PersonId> {
    let mut people = Vec::new();
    visit(data, &mut |object| {
        if let Some(person) = personal(object, field) {
            people.push(person);
        }
    });
    people.sort_unstable();
    people.dedup();
    people
}

/// Seals every clear value. The keys must be at hand; whose is not is named.
pub(crate) fn seal_all(vault: &Vault, org: OrgId, data: &mut Value) -> Result<(), Vec<PersonId>> {
    let people = people_in(data, "clear");
    if people.is_empty() {
        return Ok(());
    }
    let missing: Vec<_> = people.into_iter().filter(|person| vault.at_hand(org, *person).is_none()).collect();
    if !missing.is_empty() {
        return Err(missing);
    }
    change(data, &mut |object| {
        let person = personal(object, "clear")?;
        let key = vault.at_hand(org, person)?;
        let clear = object.get("clear")?.to_string();
        Some(json!({ "person": person, "sealed": vault::seal(&key, org, person, clear.as_bytes()) }))
    });
    // A key may have been pushed out between the two looks; then nothing may go out half clear.
    match people_in(data, "clear") {
        left if left.is_empty() => Ok(()),
        left => Err(left),
    }
}

/// Opens every sealed value whose person still has a key; the others stay sealed: they were erased.
pub(crate) async fn open_all<'a>(
    vault: &Vault,
    data: impl Iterator<Item = (OrgId, &'a mut Value)>,
) -> Result<(), StoreError> {
    let data: Vec<_> = data.collect();
    let mut missing: BTreeMap<OrgId, BTreeSet<PersonId>> = BTreeMap::new();
    for (org, data) in &data {
        let unknown = people_in(data, "sealed").into_iter().filter(|person| vault.at_hand(*org, *person).is_none());
        missing.entry(*org).or_default().extend(unknown);
    }
    for (org, people) in missing.into_iter().filter(|(_, people)| !people.is_empty()) {
        vault.bring_existing(org, &people.into_iter().collect::<Vec<_>>()).await?;
    }
    for (org, data) in data {
        open(vault, org, data);
    }
    Ok(())
}

fn open(vault: &Vault, org: OrgId, data: &mut Value) {
    change(data, &mut |object| {
        let person = personal(object, "sealed")?;
        let key = vault.at_hand(org, person)?;
        let opened = vault::open(&key, org, person, object.get("sealed")?.as_str()?)?;
        let clear: Value = serde_json::from_slice(&opened).ok()?;
        Some(json!({ "person": person, "clear": clear }))
    });
}

fn personal(object: &Map<String, Value>, field: &str) -> Option<PersonId> {
    if object.len() != 2 || !object.contains_key(field) {
        return None;
    }
    object.get("person")?.as_str()?.parse().ok().map(PersonId)
}

fn visit(value: &Value, seen: &mut impl FnMut(&Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            seen(object);
            object.values().for_each(|value| visit(value, seen));
        }
        Value::Array(items) => items.iter().for_each(|value| visit(value, seen)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn change(value: &mut Value, changed: &mut impl FnMut(&Map<String, Value>) -> Option<Value>) {
    match value {
        Value::Object(object) => match changed(object) {
            Some(other) => *value = other,
            None => object.values_mut().for_each(|value| change(value, changed)),
        },
        Value::Array(items) => items.iter_mut().for_each(|value| change(value, changed)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
