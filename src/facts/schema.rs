//! Whether a JSON Schema of a stranger is sound: valid against the meta-schema of its dialect, with
//! local references that lead somewhere.
//!
//! The schema is never compiled to a validator: twenty levels of two `$ref`s under
//! `unevaluatedProperties` take minutes, a hundred overflow the stack. Nothing is fetched, and no
//! pattern of the stranger is compiled either: ECMA-262 has valid ones that other engines refuse.

use jsonschema::ValidationError;
use serde_json::{Map, Value};

/// Deeper schemas are not read.
const MOST_DEPTH: usize = 64;
/// Schemas with more subschemas are not read.
const MOST_SUBSCHEMAS: usize = 2_000;
/// Schemas with more values of any kind (long enumerations) are not read.
const MOST_VALUES: usize = 20_000;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Soundness {
    /// Valid in its dialect.
    Sound,
    /// Valid only in this older draft, which it does not declare.
    OnlyIn(&'static str),
    /// Valid in no draft. Where (a JSON pointer into the schema), and why in its dialect.
    Broken {
        /// JSON pointer into the schema.
        pointer: String,
        /// What is wrong there; may quote the schema.
        why: String,
    },
    /// Too deep or too large to read.
    TooLarge,
}

/// One schema, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The outcome.
    pub soundness: Soundness,
    /// `$schema`, where it names no dialect that we know. The default (2020-12) was used instead.
    pub unknown_dialect: Option<String>,
    /// Whether it declares a dialect that we know.
    pub declared: bool,
    /// How many subschemas it has.
    pub subschemas: usize,
}

type Validate = fn(&Value) -> Result<(), ValidationError<'_>>;

const DRAFT_2020_12: (&str, Validate) = ("2020-12", jsonschema::draft202012::meta::validate);
const DRAFT_07: (&str, Validate) = ("draft-07", jsonschema::draft7::meta::validate);
const DRAFT_04: (&str, Validate) = ("draft-04", jsonschema::draft4::meta::validate);

fn dialect(uri: &str) -> Option<(&'static str, Validate)> {
    let uri = uri.trim_end_matches('#');
    let rest = uri.strip_prefix("https://").or_else(|| uri.strip_prefix("http://"))?;
    match rest {
        "json-schema.org/draft/2020-12/schema" => Some(DRAFT_2020_12),
        "json-schema.org/draft/2019-09/schema" => Some(("2019-09", jsonschema::draft201909::meta::validate)),
        "json-schema.org/draft-07/schema" => Some(DRAFT_07),
        "json-schema.org/draft-06/schema" => Some(("draft-06", jsonschema::draft6::meta::validate)),
        "json-schema.org/draft-04/schema" => Some(DRAFT_04),
        _ => None,
    }
}

/// Reads a schema. Bounded in time and stack, whatever it holds.
#[must_use]
pub fn read(schema: &Value) -> Reading {
    let named = schema.get("$schema");
    let declared = named.and_then(Value::as_str).and_then(dialect);
    let unknown_dialect = match named {
        Some(named) if declared.is_none() => {
            Some(crate::verdict::cut(named.as_str().unwrap_or("not a string")))
        }
        _ => None,
    };
    let mut walk = Walk::default();
    let plain = walk.plain(schema, Place::Schema, 0);
    let soundness = if walk.too_large {
        Soundness::TooLarge
    } else {
        judge(schema, &plain, &walk, declared.unwrap_or(DRAFT_2020_12))
    };
    Reading { soundness, unknown_dialect, declared: declared.is_some(), subschemas: walk.subschemas }
}

fn judge(schema: &Value, plain: &Value, walk: &Walk, dialect: (&'static str, Validate)) -> Soundness {
    // A pointer is relative to the nearest `$id`: with several, that is not decided here.
    let dangling =
        walk.references.iter().find(|reference| !walk.nested_id && !leads(schema, walk, reference));
    if let Some(reference) = dangling {
        let why = format!("`$ref` to `{}` leads nowhere", crate::verdict::cut(reference));
        return Soundness::Broken { pointer: String::new(), why };
    }
    let Err(error) = (dialect.1)(plain) else { return Soundness::Sound };
    let other = [DRAFT_07, DRAFT_04]
        .into_iter()
        .filter(|other| other.0 != dialect.0)
        .find(|(_, validate)| validate(plain).is_ok());
    match other {
        Some((name, _)) => Soundness::OnlyIn(name),
        None => Soundness::Broken {
            pointer: error.instance_path().to_string(),
            why: crate::verdict::cut(&error.to_string()),
        },
    }
}

/// Whether a local reference (`#…`) leads to something.
fn leads(schema: &Value, walk: &Walk, reference: &str) -> bool {
    let fragment = reference.trim_start_matches('#');
    if fragment.is_empty() {
        return true;
    }
    let decoded = percent_encoding::percent_decode_str(fragment).decode_utf8_lossy();
    if fragment.starts_with('/') {
        return schema.pointer(fragment).or_else(|| schema.pointer(&decoded)).is_some();
    }
    walk.anchors.iter().any(|anchor| *anchor == decoded)
}

/// What the members of an object are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Keywords.
    Schema,
    /// Names, each with a schema.
    Map,
    /// Patterns, each with a schema.
    PatternMap,
    /// Instance data.
    Data,
}

impl Place {
    fn under(keyword: &str) -> Self {
        match keyword {
            "properties" | "$defs" | "definitions" | "dependentSchemas" | "dependencies" => Self::Map,
            "patternProperties" => Self::PatternMap,
            "enum" | "const" | "default" | "examples" | "example" => Self::Data,
            _ => Self::Schema,
        }
    }
}

#[derive(Default)]
struct Walk {
    subschemas: usize,
    values: usize,
    too_large: bool,
    nested_id: bool,
    references: Vec<String>,
    anchors: Vec<String>,
}

impl Walk {
    /// A copy that can be held against a meta-schema without our own engine's limits showing:
    /// patterns are trivial, references go to the root, ids and dialects are gone.
    fn plain(&mut self, value: &Value, place: Place, depth: usize) -> Value {
        self.values = self.values.saturating_add(1);
        self.too_large |=
            depth > MOST_DEPTH || self.values > MOST_VALUES || self.subschemas > MOST_SUBSCHEMAS;
        if self.too_large {
            return Value::Null;
        }
        let deeper = depth.saturating_add(1);
        match value {
            Value::Object(object) => {
                if place == Place::Schema {
                    self.subschemas = self.subschemas.saturating_add(1);
                }
                let mut plain = Map::new();
                for (index, (key, value)) in object.iter().enumerate() {
                    let made = match place {
                        Place::Data => Some((key.clone(), self.plain(value, Place::Data, deeper))),
                        Place::Map => Some((key.clone(), self.plain(value, Place::Schema, deeper))),
                        Place::PatternMap => {
                            Some((format!("^{index}"), self.plain(value, Place::Schema, deeper)))
                        }
                        Place::Schema => self.keyword(key, value, depth),
                    };
                    plain.extend(made);
                }
                Value::Object(plain)
            }
            Value::Array(items) => {
                let inner = if place == Place::Data { Place::Data } else { Place::Schema };
                Value::Array(items.iter().map(|item| self.plain(item, inner, deeper)).collect())
            }
            other => other.clone(),
        }
    }

    fn keyword(&mut self, key: &str, value: &Value, depth: usize) -> Option<(String, Value)> {
        if let Value::String(text) = value {
            match key {
                "pattern" => return Some((key.to_owned(), Value::from(".*"))),
                "$schema" => return None,
                "$id" | "id" => {
                    self.anchors.extend(text.strip_prefix('#').map(str::to_owned));
                    self.nested_id |= depth > 0 && !text.starts_with('#');
                    return None;
                }
                "$anchor" | "$dynamicAnchor" => self.anchors.push(text.clone()),
                "$ref" | "$dynamicRef" => {
                    if text.starts_with('#') {
                        self.references.push(text.clone());
                    }
                    return Some((key.to_owned(), Value::from("#")));
                }
                _ => {}
            }
        }
        Some((key.to_owned(), self.plain(value, Place::under(key), depth.saturating_add(1))))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Soundness, read};

    fn sound(schema: &Value) -> Soundness {
        read(schema).soundness
    }

    #[test]
    fn what_validator_libraries_wrongly_refuse_is_sound() {
        for schema in [
            json!({"type":"object","properties":{"a":{"pattern":"^[^]*$"},"b":{"pattern":"(?<n>a)\\k<n>"}}}),
            json!({"type":"object","patternProperties":{"[\\w-.]":{"type":"string"},"a{,3}":{}}}),
            json!({"type":"object","properties":{"a":{"$ref":"https://example.com/x.json#/y"}}}),
            json!({"type":"object","properties":{"$ref":{"type":"string"},"pattern":{"type":"string"},
                "$id":{"type":"string"}}}),
            json!({"type":"object","definitions":{"A B<c>":{}},"properties":{"a":{"$ref":"#/definitions/A%20B<c>"}}}),
            json!({"type":"object","$defs":{"a":{"$anchor":"x"}},"properties":{"a":{"$ref":"#x"}}}),
            json!({"type":"object","properties":{"a":{"$ref":"#"}}}),
            json!({"type":"object","properties":{"a":{"const":{"$ref":"#/nowhere","pattern":7}}}}),
            json!({"type":"object","properties":{"a":{"$id":"https://example.com/a","$defs":{"x":{}},
                "$ref":"#/$defs/x"}}}),
            json!({"$schema":"http://json-schema.org/draft-07/schema#","type":"object",
                "properties":{"a":{"items":[{"type":"string"}]}}}),
        ] {
            assert_eq!(sound(&schema), Soundness::Sound, "{schema}");
        }
    }

    #[test]
    fn older_drafts_are_named() {
        let tuple = json!({"type":"object","properties":{"a":{"items":[{"type":"string"}]}}});
        assert_eq!(sound(&tuple), Soundness::OnlyIn("draft-07"));
        let exclusive = json!({"type":"object","properties":{"a":{"minimum":1,"exclusiveMinimum":true}}});
        assert_eq!(sound(&exclusive), Soundness::OnlyIn("draft-04"));
    }

    #[test]
    fn broken_schemas_say_where() {
        let broken = sound(&json!({"type":"object","properties":{"a":{"type":"strin"}}}));
        assert!(
            matches!(&broken, Soundness::Broken { pointer, .. } if pointer == "/properties/a/type"),
            "{broken:?}"
        );
        let dangling = sound(&json!({"type":"object","properties":{"a":{"$ref":"#/$defs/none"}}}));
        assert!(
            matches!(&dangling, Soundness::Broken { why, .. } if why.contains("nowhere")),
            "{dangling:?}"
        );
    }

    #[test]
    fn an_unknown_dialect_is_noted_and_dropped() {
        let read = read(&json!({"$schema":"https://example.com/my-dialect","type":"object"}));
        assert_eq!(read.soundness, Soundness::Sound);
        assert_eq!(read.unknown_dialect.as_deref(), Some("https://example.com/my-dialect"));
    }

    #[test]
    fn hostile_schemas_cost_little() {
        let mut chain = serde_json::Map::new();
        for index in 0..100 {
            let next = json!({"$ref": format!("#/$defs/d{}", index + 1)});
            chain.insert(format!("d{index}"), json!({"unevaluatedProperties":false,"allOf":[next, next]}));
        }
        chain.insert("d100".to_owned(), json!({"$ref":"#/$defs/d0"}));
        let bomb = json!({"type":"object","$defs":chain,"properties":{"a":{"$ref":"#/$defs/d0"},
            "b":{"pattern":"(a+)+$"}}});
        assert_eq!(sound(&bomb), Soundness::Sound);
        let mut deep = json!({});
        for _ in 0..100 {
            deep = json!({"not": deep});
        }
        assert_eq!(sound(&deep), Soundness::TooLarge);
        let wide: Vec<Value> = (0..3_000).map(|_| json!({})).collect();
        assert_eq!(sound(&json!({"allOf": wide})), Soundness::TooLarge);
        let long: Vec<Value> = (0..30_000).map(Value::from).collect();
        assert_eq!(sound(&json!({"enum": long})), Soundness::TooLarge);
    }
}
