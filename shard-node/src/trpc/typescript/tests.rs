//! The committed types, and what becomes of each kind of schema.

use std::path::Path;

use serde_json::json;

use super::*;
use crate::operations::OPERATIONS;

const COMMITTED: &str = "trpc.ts";
const REGENERATE: &str =
    "LXP_REGENERATE=1 cargo nextest run --workspace -E 'test(the_committed_types)'";

#[test]
fn the_committed_types_are_those_of_the_registry() {
    let generated = router(&OPERATIONS).expect("each schema has a type");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(COMMITTED);
    #[expect(clippy::disallowed_methods, reason = "a switch of this test alone")]
    let regenerate = std::env::var("LXP_REGENERATE").is_ok();
    if regenerate {
        std::fs::write(&file, &generated).expect("written");
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    let differs = committed.lines().zip(generated.lines()).find(|(old, new)| old != new);
    assert!(
        committed == generated,
        "shard-node/{COMMITTED} is out of date, first at {differs:?}; regenerate it: {REGENERATE}"
    );
}

#[test]
fn schemas_become_types() {
    let of = |schema| type_of(&schema, 0);
    for (schema, expected) in [
        (json!({}), "unknown"),
        (json!({"type": ["string", "null"], "format": "uuid"}), "string | null"),
        (json!({"type": "string", "enum": ["A", "B"]}), r#""A" | "B""#),
        (json!({"type": ["string", "null"], "enum": ["A"]}), r#""A" | null"#),
        (json!({"const": 7}), "7"),
        (json!({"$ref": "#/components/schemas/Program", "description": "x"}), "Program"),
        (json!({"type": "array", "items": {"type": ["integer", "null"]}}), "Array<number | null>"),
        (
            json!({"type": "array", "prefixItems": [{"type": "string"}, {"type": "number"}], "items": false}),
            "[string, number]",
        ),
        (json!({"oneOf": [{"$ref": "#/a/A"}, {"type": "null"}, {"type": "null"}]}), "A | null"),
        (
            json!({"allOf": [{"$ref": "#/a/A"}, {"type": "object", "properties": {}}]}),
            "A & ({ [member: string]: unknown })",
        ),
        (json!({"type": "object"}), "{ [member: string]: unknown }"),
        (
            json!({"type": "object", "additionalProperties": {"type": "number"}}),
            "{ [member: string]: number }",
        ),
        (json!({"type": "object", "additionalProperties": false}), "{}"),
        (
            json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}, "b-c": {"type": "boolean"}}}),
            "{\n  a: string;\n  \"b-c\"?: boolean;\n}",
        ),
    ] {
        assert_eq!(of(schema.clone()).as_deref(), Ok(expected), "{schema}");
    }
    for unknown in [json!({"not": {}}), json!({"type": "decimal"}), json!(true)] {
        assert!(of(unknown.clone()).is_err(), "{unknown}");
    }
    let deep = json!({"type": "object", "properties": {"a": {"type": "object", "properties": {"b": {"if": {}}}}}});
    assert_eq!(of(deep), Err("/a: /b: `if` is not understood".to_owned()));
}

#[test]
fn a_comment_is_not_ended_by_its_text() {
    let mut text = String::new();
    comment(&mut text, 1, &json!({"description": "a */\n b"}));
    assert_eq!(text, "  /** a * / b */\n");
}
