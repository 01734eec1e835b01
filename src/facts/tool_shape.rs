//! The shape that a revision gives an entry of the list of tools, as far as clients check it before they use any.

use serde_json::{Map, Value};

use crate::protocol::jsonrpc::type_name;
use crate::protocol::revision::Revision;

/// Where an entry leaves the shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// JSON pointer into the entry.
    pub pointer: String,
    /// What is there instead, as the end of a sentence that begins with the member.
    pub what: String,
}

/// Everything in which an entry leaves the shape. Members that may be left out and are null are not among it: see
/// [`super::nulls`].
#[must_use]
pub fn misfits(tool: &Value, revision: Revision) -> Vec<Misfit> {
    let mut found = Vec::new();
    let Some(tool) = tool.as_object() else {
        add(&mut found, "", format!("is {}, not an object", type_name(tool)));
        return found;
    };
    match tool.get("name") {
        Some(Value::String(_)) => {}
        other => add(&mut found, "/name", format!("is {}, not a string", named(other))),
    }
    match tool.get("inputSchema") {
        Some(Value::Object(schema)) => schema_shape(&mut found, "/inputSchema", schema, true, revision),
        other => add(&mut found, "/inputSchema", format!("is {}, not an object", named(other))),
    }
    if revision >= Revision::V2025_06_18 {
        let object = revision < Revision::V2026_07_28;
        match set(tool, "outputSchema") {
            Some(Value::Object(schema)) => {
                schema_shape(&mut found, "/outputSchema", schema, object, revision);
            }
            Some(other) => {
                add(&mut found, "/outputSchema", format!("is {}, not an object", type_name(other)));
            }
            None => {}
        }
        text(&mut found, tool, "", "title");
    }
    text(&mut found, tool, "", "description");
    if revision >= Revision::V2025_03_26 {
        match set(tool, "annotations") {
            Some(Value::Object(annotations)) => {
                text(&mut found, annotations, "/annotations", "title");
                for hint in HINTS {
                    if let Some(other) = set(annotations, hint).filter(|value| !value.is_boolean()) {
                        let what = format!("is {}, not a boolean", type_name(other));
                        add(&mut found, &format!("/annotations/{hint}"), what);
                    }
                }
            }
            Some(other) => add(&mut found, "/annotations", format!("is {}, not an object", type_name(other))),
            None => {}
        }
    }
    found
}

const HINTS: [&str; 4] = ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"];

fn add(found: &mut Vec<Misfit>, pointer: &str, what: String) {
    found.push(Misfit { pointer: pointer.to_owned(), what });
}

/// A member that is there and not null.
fn set<'v>(object: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    object.get(name).filter(|value| !value.is_null())
}

fn named(value: Option<&Value>) -> &'static str {
    value.map_or("missing", type_name)
}

fn text(found: &mut Vec<Misfit>, object: &Map<String, Value>, at: &str, name: &str) {
    if let Some(other) = set(object, name).filter(|value| !value.is_string()) {
        add(found, &format!("{at}/{name}"), format!("is {}, not a string", type_name(other)));
    }
}

/// `object`: the root must be one. Until 2025-11-25 the schema of MCP gives the root's `properties` and `required`
/// a shape of their own; after that it leaves them to JSON Schema, where a property may be a boolean.
fn schema_shape(
    found: &mut Vec<Misfit>,
    at: &str,
    schema: &Map<String, Value>,
    object: bool,
    revision: Revision,
) {
    match schema.get("type") {
        Some(Value::String(root)) if !object || root == "object" => {}
        _ if !object => {}
        Some(Value::String(root)) => {
            let root = crate::verdict::cut(root);
            add(found, &format!("{at}/type"), format!("is `{root}`, not `object`"));
        }
        other => add(found, &format!("{at}/type"), format!("is {}, not `object`", named(other))),
    }
    if !object {
        return;
    }
    match schema.get("properties") {
        None => {}
        Some(Value::Object(properties)) => {
            let booleans = revision >= Revision::V2026_07_28;
            let fits = |value: &Value| value.is_object() || (booleans && value.is_boolean());
            for (name, value) in properties.iter().filter(|(_, value)| !fits(value)) {
                let name = name.replace('~', "~0").replace('/', "~1");
                let what = format!("is {}, not an object", type_name(value));
                add(found, &format!("{at}/properties/{name}"), what);
            }
        }
        Some(other) => {
            add(found, &format!("{at}/properties"), format!("is {}, not an object", type_name(other)));
        }
    }
    match schema.get("required") {
        None => {}
        Some(Value::Array(names)) if names.iter().all(Value::is_string) => {}
        Some(Value::Array(_)) => {
            add(found, &format!("{at}/required"), "holds something that is no string".to_owned());
        }
        Some(other) => {
            add(
                found,
                &format!("{at}/required"),
                format!("is {}, not an array of strings", type_name(other)),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(tool: &Value, revision: Revision) -> Vec<String> {
        misfits(tool, revision).into_iter().map(|misfit| misfit.pointer).collect()
    }

    #[test]
    fn a_sound_entry_fits_and_a_null_is_judged_elsewhere() {
        let tool = json!({"name":"","title":null,"description":"d","outputSchema":null,"annotations":{"readOnlyHint":null},
            "inputSchema":{"type":"object","properties":{"x":{}},"required":["x"]},"other":7});
        for revision in Revision::ALL {
            assert_eq!(at(&tool, revision), Vec::<String>::new(), "{revision:?}");
        }
    }

    #[test]
    fn each_member_has_its_type_since_its_revision() {
        let tool = json!({"name":7,"title":1,"description":[],"annotations":{"title":2,"readOnlyHint":"true"},
            "inputSchema":{"type":"string","properties":{"a/b":true},"required":"x"},"outputSchema":{"type":"array"}});
        let always = ["/name", "/inputSchema/type", "/inputSchema/required", "/description"];
        let hints = ["/annotations/title", "/annotations/readOnlyHint"];
        for place in always {
            assert!(at(&tool, Revision::V2024_11_05).contains(&place.to_owned()), "{place}");
        }
        assert!(!at(&tool, Revision::V2024_11_05).iter().any(|place| hints.contains(&place.as_str())));
        let legacy = at(&tool, Revision::V2025_11_25);
        for place in hints.iter().chain(&["/title", "/inputSchema/properties/a~1b", "/outputSchema/type"]) {
            assert!(legacy.contains(&(*place).to_owned()), "{place}");
        }
        let modern = at(&tool, Revision::V2026_07_28);
        assert!(!modern.contains(&"/inputSchema/properties/a~1b".to_owned()), "{modern:?}");
        assert!(!modern.contains(&"/outputSchema/type".to_owned()), "{modern:?}");
        assert_eq!(at(&json!("x"), Revision::V2025_11_25), [""]);
        let bare = json!({"name":"a"});
        assert_eq!(misfits(&bare, Revision::V2025_11_25)[0].what, "is missing, not an object");
    }
}
