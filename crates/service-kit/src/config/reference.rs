//! The reference of a service's settings, made from their types: what `lxp-<service> --settings` prints, and what
//! docs/SETTINGS.md consists of.
//!
//! What must stay true: every setting is in it, with its text (the doc comment), its default (what serde takes) and,
//! for a number, its unit (`#[schemars(extend("x-unit" = "ms"))]`).

use std::fmt::Write as _;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::Value;

/// One setting.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Setting {
    /// Its place in the file, `section.key`.
    pub(super) key: String,
    /// What it takes: `string`, `integer`, `true or false`, or a list of one of those.
    pub(super) kind: String,
    /// None where it must be given.
    pub(super) default: Option<String>,
    /// Of a number.
    pub(super) unit: String,
    /// What it does.
    pub(super) text: String,
}

impl Setting {
    /// Whether it is a list; in a variable its members stand between commas.
    pub(super) fn is_list(&self) -> bool {
        self.kind.starts_with("list of ")
    }

    /// The variable that overrides it.
    pub(super) fn variable(&self, prefix: &str) -> String {
        format!("{prefix}__{}", self.key.replace('.', "__").to_uppercase())
    }
}

/// All settings of `T`, sorted by section and key.
pub(super) fn settings_of<T: JsonSchema>() -> Vec<Setting> {
    let generator = SchemaSettings::draft2020_12().with(|to| to.inline_subschemas = true);
    let schema = generator.into_generator().into_root_schema_for::<T>();
    let mut found = Vec::new();
    collect(&schema, "", &mut found);
    found
}

/// A table of all settings of `T`, in Markdown, under the name of the program that has them.
pub fn reference<T: JsonSchema>(program: &str, prefix: &str) -> String {
    let mut page = format!(
        "## {program}\n\n| key | variable | type | default | unit | what it does |\n|---|---|---|---|---|---|\n"
    );
    for setting in settings_of::<T>() {
        let Setting { key, kind, default, unit, text } = &setting;
        let variable = setting.variable(prefix);
        let default = default.as_ref().map_or("*must be given*".to_owned(), |to| format!("`{to}`"));
        let text = text.replace('|', "\\|");
        // Writing to a String cannot fail.
        let _ = writeln!(page, "| `{key}` | `{variable}` | {kind} | {default} | {unit} | {text} |");
    }
    page
}

fn collect(schema: &Schema, section: &str, found: &mut Vec<Setting>) {
    let empty = serde_json::Map::new();
    let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
    let required = schema.get("required").and_then(Value::as_array);
    for (name, property) in properties {
        let key = if section.is_empty() { name.clone() } else { format!("{section}.{name}") };
        if let Some(section) = section_of(property) {
            if let Ok(inner) = Schema::try_from(section.clone()) {
                collect(&inner, &key, found);
            }
            continue;
        }
        let is_required =
            required.is_some_and(|names| names.iter().any(|required| required == name));
        let default = property.get("default").unwrap_or(&Value::Null);
        let said = |of: &str| property.get(of).and_then(Value::as_str).unwrap_or_default();
        found.push(Setting {
            kind: kind(property),
            default: (!is_required).then(|| shown(default)),
            unit: said("x-unit").to_owned(),
            text: said("description").split_whitespace().collect::<Vec<_>>().join(" "),
            key,
        });
    }
}

/// The schema of a section, also of one that may be absent.
fn section_of(property: &Value) -> Option<&Value> {
    let choices = property.get("anyOf").and_then(Value::as_array).into_iter().flatten();
    std::iter::once(property).chain(choices).find(|schema| schema.get("properties").is_some())
}

fn kind(property: &Value) -> String {
    let name = match &property["type"] {
        Value::Array(names) => names.iter().find(|name| *name != "null"),
        name => Some(name),
    };
    match name.and_then(Value::as_str) {
        Some("array") => format!("list of {}s", kind(&property["items"])),
        Some("boolean") => "true or false".to_owned(),
        Some(name) => name.to_owned(),
        None => String::new(),
    }
}

fn shown(default: &Value) -> String {
    match default {
        Value::Null => "none".to_owned(),
        default => default.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "its shape is what is looked at")]
    struct Settings {
        /// Where it
        /// listens.
        listen: std::net::SocketAddr,
        socket: Option<std::path::PathBuf>,
        #[serde(default)]
        inner: Inner,
        other: Option<Other>,
    }

    #[derive(Deserialize, JsonSchema)]
    #[expect(dead_code, reason = "its shape is what is looked at")]
    struct Other {
        /// Where to.
        host: String,
    }

    #[derive(Deserialize, JsonSchema)]
    #[serde(default)]
    struct Inner {
        #[schemars(extend("x-unit" = "ms"))]
        wait_ms: u64,
        urls: Vec<String>,
    }

    impl Default for Inner {
        fn default() -> Self {
            Self { wait_ms: 50, urls: vec![] }
        }
    }

    #[test]
    fn every_setting_has_its_row_with_what_is_known_of_it() {
        let page = reference::<Settings>("x", "LXP_X");
        let rows: Vec<_> = page.lines().skip(4).collect();
        let expected = [
            "| `inner.urls` | `LXP_X__INNER__URLS` | list of strings | `[]` |  |  |",
            "| `inner.wait_ms` | `LXP_X__INNER__WAIT_MS` | integer | `50` | ms |  |",
            "| `listen` | `LXP_X__LISTEN` | string | *must be given* |  | Where it listens. |",
            "| `other.host` | `LXP_X__OTHER__HOST` | string | *must be given* |  | Where to. |",
            "| `socket` | `LXP_X__SOCKET` | string | `none` |  |  |",
        ];
        assert_eq!(rows, expected);
    }
}
