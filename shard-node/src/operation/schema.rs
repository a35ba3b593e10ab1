//! JSON schemas of an operation's input and output, and what of the input travels where.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Schemas as JSON, with the named ones they refer to.
#[derive(Debug, Clone)]
pub struct Schemas {
    /// The input: one object.
    pub input: Value,
    /// The output; null for none.
    pub output: Value,
    /// The input's properties by name; those of `allOf` parts included.
    pub properties: Map<String, Value>,
    /// Named schemas, for `#/components/schemas`.
    pub named: BTreeMap<String, Value>,
}

impl Schemas {
    /// Reads them off the types.
    pub fn of<I: ToSchema, O: ToSchema>() -> Self {
        let mut collected: Vec<(String, RefOr<Schema>)> = Vec::new();
        I::schemas(&mut collected);
        O::schemas(&mut collected);
        let output = json_of(&O::schema());
        let unit = O::name() == "()" || O::name() == "TupleUnit";
        let mut named: BTreeMap<_, _> =
            collected.into_iter().map(|(name, schema)| (name, json_of(&schema))).collect();
        let output = if unit {
            Value::Null
        } else if output.get("properties").is_some() {
            let name = O::name().into_owned();
            named.insert(name.clone(), output);
            json!({"$ref": format!("#/components/schemas/{name}")})
        } else {
            output
        };
        let input = json_of(&<I as PartialSchema>::schema());
        let mut properties = Map::new();
        collect(&input, &mut properties);
        Self { input, output, properties, named }
    }

    /// The names that the input demands.
    pub fn required(&self) -> Vec<String> {
        let mut names = Vec::new();
        collect_required(&self.input, &mut names);
        names
    }
}

fn json_of(schema: &RefOr<Schema>) -> Value {
    // utoipa's schemas are plain data: that always serialises.
    unwrapped(serde_json::to_value(schema).unwrap_or_default())
}

/// What is inlined and described comes from utoipa as `allOf` of the schema and of an object that has the description
/// alone: no text would be both.
fn unwrapped(schema: Value) -> Value {
    match schema {
        Value::Object(members) => {
            if let Some(described) = inlined(&members) {
                return unwrapped(described);
            }
            members.into_iter().map(|(name, member)| (name, unwrapped(member))).collect()
        }
        Value::Array(items) => items.into_iter().map(unwrapped).collect(),
        other => other,
    }
}

fn inlined(members: &Map<String, Value>) -> Option<Value> {
    let parts = members.get("allOf").filter(|_| members.len() == 1)?.as_array()?;
    let [schema, remark] = &parts[..] else { return None };
    let is_remark = remark.get("type").is_some_and(|kind| kind == "object")
        && remark.as_object()?.keys().all(|key| matches!(key.as_str(), "type" | "description"));
    let mut schema = schema.as_object().filter(|_| is_remark)?.clone();
    schema.insert("description".to_owned(), remark.get("description")?.clone());
    Some(Value::Object(schema))
}

fn collect(schema: &Value, properties: &mut Map<String, Value>) {
    if let Some(own) = schema.get("properties").and_then(Value::as_object) {
        properties.extend(own.clone());
    }
    for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        collect(part, properties);
    }
}

fn collect_required(schema: &Value, names: &mut Vec<String>) {
    let own = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    names.extend(own.filter_map(Value::as_str).map(str::to_owned));
    for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        collect_required(part, names);
    }
}

/// The names in braces of a path template, in order.
pub fn path_names(path: &str) -> impl Iterator<Item = &str> {
    path.split('{').skip(1).filter_map(|rest| rest.split('}').next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_inlined_is_one_schema_with_the_text_of_its_place() {
        let word = json!({"type": "string", "enum": ["A"], "description": "Of the type."});
        let remark = json!({"type": "object", "description": "Of the member."});
        let schema = json!({"properties": {"a": {"allOf": [word, remark]}}});
        let expected = json!({"type": "string", "enum": ["A"], "description": "Of the member."});
        assert_eq!(unwrapped(schema)["properties"]["a"], expected);
        let both = json!({"allOf": [{"$ref": "#/a"}, {"type": "object", "properties": {}}]});
        assert_eq!(unwrapped(both.clone()), both, "a part of its own");
    }
}
