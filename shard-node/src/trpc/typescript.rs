//! The type of the tRPC router, for clients in TypeScript: read off the registry, as the OpenAPI document is.
//!
//! What must stay true: a schema that is not understood is an error, never a type that says less; nothing is written by
//! hand. The committed file is `shard-node/trpc.ts`; tests/trpc compiles it, and calls that are wrong with it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::http::openapi::problem_schema;
use crate::operation::Operation;
use crate::operation::schema::path_names;

const HEAD: &str = r#"// The type of lxp's tRPC router, made of its operations. Do not edit; after a change of an operation:
//   LXP_REGENERATE=1 cargo nextest run --workspace -E 'test(the_committed_types)'
//
//   import { createTRPCClient, httpBatchLink } from "@trpc/client";
//   const client = createTRPCClient<AppRouter>({ links: [httpBatchLink({ url: `${base}/trpc`, headers })] });
//
// Ids, dates and instants are texts, and so are decimals. A list that is asked for with `select` has of its items the
// members that were selected.

import type {
  TRPC_ERROR_CODE_KEY,
  TRPC_ERROR_CODE_NUMBER,
  TRPCBuiltRouter,
  TRPCMutationProcedure,
  TRPCQueryProcedure,
} from "@trpc/server";

type Query<I, O> = TRPCQueryProcedure<{ input: I; output: O; meta: object }>;
type Mutation<I, O> = TRPCMutationProcedure<{ input: I; output: O; meta: object }>;
type Root = { ctx: object; meta: object; errorShape: ErrorShape; transformer: false };

/** What a call is refused with; `data.problem` is what REST would answer. */
export type ErrorShape = {
  message: string;
  code: TRPC_ERROR_CODE_NUMBER;
  data: {
    code: TRPC_ERROR_CODE_KEY;
    httpStatus: number;
    path: string;
    problem: Problem & { [member: string]: unknown };
  };
};
"#;

/// A schema that has no type here; it says which and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{schema}: {why}")]
pub struct Untyped {
    schema: String,
    why: String,
}

/// The file.
///
/// # Errors
/// When a schema is not understood.
pub fn router(operations: &[Operation]) -> Result<String, Untyped> {
    let mut named: BTreeMap<&str, &Value> = BTreeMap::new();
    for operation in operations {
        named.extend(operation.schemas.named.iter().map(|(name, schema)| (name.as_str(), schema)));
    }
    let problem = problem_schema();
    named.insert("Problem", &problem);
    let mut file = HEAD.to_owned();
    for (name, schema) in named {
        expect_identifier(name)?;
        let of = type_of(schema, 0).map_err(|why| Untyped { schema: name.to_owned(), why })?;
        comment(&mut file, 0, schema);
        push(&mut file, format_args!("export type {name} = {of};\n"));
    }
    push(&mut file, format_args!("\nexport type AppRouter = TRPCBuiltRouter<Root, {{\n"));
    for (group, members) in grouped(operations)? {
        push(&mut file, format_args!("  {group}: {{\n"));
        for (name, operation) in members {
            let untyped = |why| Untyped { schema: operation.name.to_owned(), why };
            let kind = if operation.is_read() { "Query" } else { "Mutation" };
            let input = input(operation).map_err(untyped)?;
            let output = output(operation).map_err(untyped)?;
            push(&mut file, format_args!("    /** {}. */\n", plain(operation.summary)));
            push(&mut file, format_args!("    {name}: {kind}<{input}, {output}>;\n"));
        }
        file.push_str("  };\n");
    }
    file.push_str("}>;\n");
    Ok(file)
}

/// Operations by the first half of their names, in the order of the names.
fn grouped(
    operations: &[Operation],
) -> Result<BTreeMap<&str, BTreeMap<&str, &Operation>>, Untyped> {
    let mut groups: BTreeMap<&str, BTreeMap<&str, &Operation>> = BTreeMap::new();
    for operation in operations {
        let halves = operation.name.split_once('.').filter(|(_, name)| !name.contains('.'));
        let (group, name) = halves.ok_or_else(|| Untyped {
            schema: operation.name.to_owned(),
            why: "a name with one dot is expected".to_owned(),
        })?;
        expect_identifier(group)?;
        expect_identifier(name)?;
        groups.entry(group).or_default().insert(name, operation);
    }
    Ok(groups)
}

/// The input of a call; it may be left out where it demands nothing.
fn input(operation: &Operation) -> Result<String, String> {
    let mut required = operation.schemas.required();
    required.extend(path_names(operation.path).map(str::to_owned));
    let mut input = object(&operation.schemas.properties, &required, None, 2)?;
    if operation.schemas.properties.is_empty() {
        "{ [member: string]: never }".clone_into(&mut input);
    }
    Ok(if required.is_empty() { format!("{input} | void") } else { input })
}

fn output(operation: &Operation) -> Result<String, String> {
    match &operation.schemas.output {
        Value::Null => Ok("null".to_owned()),
        schema => type_of(schema, 2),
    }
}

/// What a schema says beside its type: it is not looked at.
const REMARKS: [&str; 22] = [
    "default",
    "deprecated",
    "description",
    "example",
    "examples",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "pattern",
    "propertyNames",
    "readOnly",
    "title",
    "uniqueItems",
];

/// The type of a schema, with what stands in it `depth` steps deep.
fn type_of(schema: &Value, depth: usize) -> Result<String, String> {
    let schema = schema.as_object().ok_or("a schema is an object")?;
    let known = ["$ref", "additionalProperties", "allOf", "anyOf", "const", "enum", "items"]
        .into_iter()
        .chain(["oneOf", "prefixItems", "properties", "required", "type"])
        .chain(REMARKS);
    let known: Vec<_> = known.collect();
    if let Some(name) = schema.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(format!("`{name}` is not understood"));
    }
    // Each of these must hold.
    let mut all = Vec::new();
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        all.push(reference.rsplit('/').next().unwrap_or_default().to_owned());
    }
    if let Some(literals) = literals(schema)? {
        all.push(literals);
    } else if let Some(plain) = by_type(schema, depth)? {
        all.push(plain);
    }
    for either in ["oneOf", "anyOf"] {
        if let Some(parts) = schema.get(either).and_then(Value::as_array) {
            all.push(union(
                parts.iter().map(|part| type_of(part, depth)).collect::<Result<_, _>>()?,
            ));
        }
    }
    for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        all.push(type_of(part, depth)?);
    }
    Ok(match all.len() {
        0 => "unknown".to_owned(),
        1 => all.swap_remove(0),
        _ => all.iter().map(|part| grouped_type(part)).collect::<Vec<_>>().join(" & "),
    })
}

/// `const` and `enum`; with null where the type takes it.
fn literals(schema: &Map<String, Value>) -> Result<Option<String>, String> {
    let values = match (schema.get("const"), schema.get("enum").and_then(Value::as_array)) {
        (Some(value), _) => vec![value.clone()],
        (None, Some(values)) => values.clone(),
        (None, None) => return Ok(None),
    };
    if values.iter().any(|value| value.is_object() || value.is_array()) {
        return Err("a literal is a text, a number, a boolean or null".to_owned());
    }
    let mut parts: Vec<_> = values.iter().map(Value::to_string).collect();
    if kinds(schema).contains(&"null") {
        parts.push("null".to_owned());
    }
    Ok(Some(union(parts)))
}

fn kinds(schema: &Map<String, Value>) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(kind)) => vec![kind],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn by_type(schema: &Map<String, Value>, depth: usize) -> Result<Option<String>, String> {
    let mut kinds = kinds(schema);
    if kinds.is_empty() && schema.contains_key("properties") {
        kinds.push("object");
    }
    let each: Result<Vec<_>, String> = kinds
        .into_iter()
        .map(|kind| match kind {
            "string" => Ok("string".to_owned()),
            "integer" | "number" => Ok("number".to_owned()),
            "boolean" => Ok("boolean".to_owned()),
            "null" => Ok("null".to_owned()),
            "array" => array(schema, depth),
            "object" => {
                let (none, required) = (Map::new(), schema.get("required"));
                let properties = schema.get("properties").and_then(Value::as_object);
                let required = required.and_then(Value::as_array).into_iter().flatten();
                let required: Vec<_> =
                    required.filter_map(Value::as_str).map(str::to_owned).collect();
                let rest = schema.get("additionalProperties");
                object(properties.unwrap_or(&none), &required, rest, depth)
            }
            other => Err(format!("type `{other}` is not understood")),
        })
        .collect();
    let each = each?;
    Ok((!each.is_empty()).then(|| union(each)))
}

fn array(schema: &Map<String, Value>, depth: usize) -> Result<String, String> {
    if let Some(items) = schema.get("prefixItems").and_then(Value::as_array) {
        let items: Result<Vec<_>, _> = items.iter().map(|item| type_of(item, depth)).collect();
        return Ok(format!("[{}]", items?.join(", ")));
    }
    let item = schema.get("items").filter(|items| items.is_object());
    let item = item.map_or_else(|| Ok("unknown".to_owned()), |item| type_of(item, depth))?;
    Ok(format!("Array<{item}>"))
}

fn object(
    properties: &Map<String, Value>,
    required: &[String],
    rest: Option<&Value>,
    depth: usize,
) -> Result<String, String> {
    let rest = match rest {
        Some(Value::Object(schema)) => Some(type_of(&Value::Object(schema.clone()), depth + 1)?),
        Some(Value::Bool(true)) => Some("unknown".to_owned()),
        // An object of which nothing is said may have anything in it.
        None if properties.is_empty() => Some("unknown".to_owned()),
        _ => None,
    };
    if properties.is_empty() {
        return Ok(rest.map_or("{}".to_owned(), |of| format!("{{ [member: string]: {of} }}")));
    }
    let mut text = "{\n".to_owned();
    for (name, schema) in properties {
        let of = type_of(schema, depth + 1).map_err(|why| format!("/{name}: {why}"))?;
        let mark = if required.contains(name) { "" } else { "?" };
        comment(&mut text, depth + 1, schema);
        push(&mut text, format_args!("{}{}{mark}: {of};\n", indent(depth + 1), member(name)));
    }
    push(&mut text, format_args!("{}}}", indent(depth)));
    // Beside named members, since those need not be of its type.
    Ok(rest.map_or(text.clone(), |of| format!("{text} & {{ [member: string]: {of} }}")))
}

/// One of these; each once.
fn union(parts: Vec<String>) -> String {
    let mut each: Vec<String> = Vec::new();
    for part in parts {
        let part = if part.contains(" & ") { grouped_type(&part) } else { part };
        if !each.contains(&part) {
            each.push(part);
        }
    }
    each.join(" | ")
}

fn grouped_type(part: &str) -> String {
    let is_one = part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if is_one { part.to_owned() } else { format!("({part})") }
}

fn comment(file: &mut String, depth: usize, schema: &Value) {
    if let Some(text) = schema.get("description").and_then(Value::as_str) {
        push(file, format_args!("{}/** {} */\n", indent(depth), plain(text)));
    }
}

/// A text on one line that does not end its comment.
fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace("*/", "* /")
}

fn member(name: &str) -> String {
    if is_identifier(name) { name.to_owned() } else { Value::from(name).to_string() }
}

fn expect_identifier(name: &str) -> Result<(), Untyped> {
    if is_identifier(name) {
        return Ok(());
    }
    Err(Untyped { schema: name.to_owned(), why: "its name is no identifier".to_owned() })
}

fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn indent(depth: usize) -> String {
    "  ".repeat(depth)
}

fn push(text: &mut String, what: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = text.write_fmt(what);
}

#[cfg(test)]
mod tests;
