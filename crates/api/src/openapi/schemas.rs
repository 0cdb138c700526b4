//! What the derived schemas do not say by themselves: that answers leave out what is absent, and what pages are pages of.

use std::collections::BTreeMap;
use utoipa::openapi::schema::{ArrayItems, Schema, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr};

type Schemas = BTreeMap<String, RefOr<Schema>>;

/// What the name of a page's schema begins with; the rest is the name of its items' schema.
const PAGE: &str = "Items_";

/// Puts the schemas right.
pub(crate) fn tidy(schemas: &mut Schemas) {
    let names: Vec<String> = schemas.keys().cloned().collect();
    for (name, schema) in schemas {
        if let Some(item) = name.strip_prefix(PAGE)
            && names.iter().any(|known| known == item)
        {
            refer_to(schema, item);
        }
        if !is_of_a_request(schema) {
            leave_out_null(schema);
        }
    }
}

/// The items of a page have a schema of their own.
fn refer_to(page: &mut RefOr<Schema>, item: &str) {
    if let RefOr::T(Schema::Object(page)) = page
        && let Some(RefOr::T(Schema::Array(items))) = page.properties.get_mut("items")
    {
        items.items = ArrayItems::RefOrSchema(Box::new(Ref::from_schema_name(item).into()));
    }
}

/// Only what is sent to us refuses unknown fields; what we answer may gain some.
fn is_of_a_request(schema: &RefOr<Schema>) -> bool {
    matches!(schema, RefOr::T(Schema::Object(object)) if object.additional_properties.is_some())
}

/// An optional field of an answer is absent, never null.
fn leave_out_null(schema: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::OneOf(either)) = schema
        && either.items.len() == 2
        && let Some(null) = either.items.iter().position(is_null)
    {
        *schema = either.items.swap_remove(1 - null);
    }
    let RefOr::T(schema) = schema else { return };
    if let Schema::Object(object) = schema {
        if let SchemaType::Array(types) = &object.schema_type
            && let [one] = types.iter().filter(|one| **one != Type::Null).collect::<Vec<_>>()[..]
        {
            object.schema_type = SchemaType::Type(one.clone());
        }
        object.properties.values_mut().for_each(leave_out_null);
    } else if let Schema::Array(array) = schema {
        if let SchemaType::Array(_) = array.schema_type {
            array.schema_type = SchemaType::Type(Type::Array);
        }
    } else if let Schema::AllOf(all) = schema {
        all.items.iter_mut().for_each(leave_out_null);
    } else if let Schema::OneOf(one) = schema {
        one.items.iter_mut().for_each(leave_out_null);
    }
}

fn is_null(schema: &RefOr<Schema>) -> bool {
    matches!(schema, RefOr::T(Schema::Object(object)) if object.schema_type == SchemaType::Type(Type::Null))
}
