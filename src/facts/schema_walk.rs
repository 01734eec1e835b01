//! The subschemas of a JSON Schema of a stranger, each with its place. Nothing is compiled or fetched.

use serde_json::{Map, Value};

/// Deeper schemas are not read.
const MOST_DEPTH: usize = 64;
/// Schemas with more subschemas are not read to their end.
const MOST_SUBSCHEMAS: usize = 5_000;

/// How many subschemas are read of all tools together: what a check that reads every schema begins with.
pub const ROOM: usize = 50_000;

/// One subschema.
#[derive(Clone, Debug)]
pub struct Subschema<'s> {
    /// JSON pointer from the root.
    pub pointer: String,
    /// Its keywords.
    pub schema: &'s Map<String, Value>,
    /// How many schemas it stands in; the root in none.
    pub depth: usize,
    /// Whether no arguments satisfy the root unless they satisfy this: the root itself, and what `required` names on
    /// the way to it.
    pub required: bool,
}

/// What was read of a schema.
#[derive(Clone, Debug, Default)]
pub struct Subschemas<'s> {
    /// All of them, each before those in it.
    pub all: Vec<Subschema<'s>>,
    /// Whether a limit of ours ended the reading.
    pub cut: bool,
}

/// Keywords that hold one schema or an array of them.
const ONE: [&str; 18] = [
    "items",
    "additionalItems",
    "prefixItems",
    "contains",
    "unevaluatedItems",
    "additionalProperties",
    "unevaluatedProperties",
    "propertyNames",
    "if",
    "then",
    "else",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "contentSchema",
    "extends",
    "disallow",
];
/// Keywords that hold schemas by name.
const NAMED: [&str; 6] =
    ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"];

/// Reads the subschemas of a schema, as many as there is `room` for; what was read is taken from it.
#[must_use]
pub fn subschemas<'s>(schema: &'s Value, room: &mut usize) -> Subschemas<'s> {
    let mut found = Subschemas::default();
    found.visit(schema, "", 0, true, MOST_SUBSCHEMAS.min(*room));
    *room = room.saturating_sub(found.all.len());
    found
}

/// The last name of a property on the way to a place, if there is one.
#[must_use]
pub fn property(pointer: &str) -> Option<String> {
    let parts: Vec<&str> = pointer.split('/').collect();
    let at = parts.iter().rposition(|part| *part == "properties")?;
    parts.get(at.saturating_add(1)).map(|name| name.replace("~1", "/").replace("~0", "~"))
}

impl<'s> Subschemas<'s> {
    fn visit(&mut self, value: &'s Value, pointer: &str, depth: usize, required: bool, most: usize) {
        let Some(schema) = value.as_object() else { return };
        if depth > MOST_DEPTH || self.all.len() >= most {
            self.cut = true;
            return;
        }
        self.all.push(Subschema { pointer: pointer.to_owned(), schema, depth, required });
        let deeper = depth.saturating_add(1);
        for (key, value) in schema {
            let at = format!("{pointer}/{}", escaped(key));
            if NAMED.contains(&key.as_str()) {
                for (name, value) in value.as_object().into_iter().flatten() {
                    let needed = required && key == "properties" && names(schema, name);
                    self.visit(value, &format!("{at}/{}", escaped(name)), deeper, needed, most);
                }
            } else if ONE.contains(&key.as_str()) {
                let needed = required && key == "allOf";
                self.visit(value, &at, deeper, false, most);
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    self.visit(item, &format!("{at}/{index}"), deeper, needed, most);
                }
            }
        }
    }
}

/// Whether an object's `required` names a property.
fn names(schema: &Map<String, Value>, property: &str) -> bool {
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    required.filter_map(Value::as_str).any(|name| name == property)
}

fn escaped(part: &str) -> String {
    part.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn schemas_are_told_from_data_and_names() {
        let schema = json!({"type":"object","required":["a"],"properties":{"a":{"allOf":[{"type":"string"}]},
            "$ref":{"items":{}},"b/c":{"default":{"properties":{"x":{}}},"enum":[{"items":{}}]}},"$defs":{"d":{}}});
        let mut room = ROOM;
        let read = subschemas(&schema, &mut room);
        assert_eq!(room, ROOM - 7);
        let found: Vec<(&str, usize, bool)> =
            read.all.iter().map(|sub| (sub.pointer.as_str(), sub.depth, sub.required)).collect();
        let wanted = [
            ("", 0, true),
            ("/properties/a", 1, true),
            ("/properties/a/allOf/0", 2, true),
            ("/properties/$ref", 1, false),
            ("/properties/$ref/items", 2, false),
            ("/properties/b~1c", 1, false),
            ("/$defs/d", 1, false),
        ];
        assert_eq!(found, wanted);
        assert_eq!(property("/properties/b~1c/items").as_deref(), Some("b/c"));
        let mut deep = json!({});
        for _ in 0..100 {
            deep = json!({"not": deep});
        }
        assert!(subschemas(&deep, &mut room).cut);
        assert!(subschemas(&schema, &mut 3).cut);
    }
}
