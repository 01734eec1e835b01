//! Whether values that a schema names itself fit that schema: type, list and bounds. Nothing is compiled.

use serde_json::{Map, Value};

/// Most values of one keyword that are looked at.
const MOST_VALUES: usize = 1_000;

/// What does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit {
    /// The keyword that names it.
    pub key: &'static str,
    /// In words.
    pub what: String,
    /// Whether it is a null, which generators write for what may be left out.
    pub null: bool,
    /// Whether no value at all can fit.
    pub nothing_fits: bool,
}

/// Everything in one schema that does not fit it. A schema with `$ref` is not looked at: older drafts ignore what
/// stands beside it.
#[must_use]
pub fn unfit(schema: &Map<String, Value>) -> Vec<Unfit> {
    let mut found = Vec::new();
    if schema.contains_key("$ref") || schema.contains_key("$dynamicRef") {
        return found;
    }
    let mut add = |key: &'static str, what: String, null: bool, nothing_fits: bool| {
        found.push(Unfit { key, what, null, nothing_fits });
    };
    if let Some((key, what)) = contradiction(schema) {
        add(key, what, false, true);
    }
    let listed = schema.get("enum").and_then(Value::as_array);
    if let Some(listed) = listed.filter(|listed| !listed.is_empty() && listed.len() <= MOST_VALUES) {
        let wrong: Vec<&Value> = listed.iter().filter(|value| !typed(schema, value)).collect();
        if let Some(first) = wrong.iter().find(|value| !value.is_null()).or(wrong.first()) {
            let all = wrong.len() == listed.len();
            let which = if all {
                "none of its listed values has its type".to_owned()
            } else {
                format!("its listed value {} is not of its type", shown(first))
            };
            add("enum", which, !all && first.is_null(), all);
        }
    }
    if let Some(value) = schema.get("const").filter(|value| !typed(schema, value)) {
        add("const", format!("its only value {} is not of its type", shown(value)), value.is_null(), true);
    }
    if let Some(value) = schema.get("default").filter(|value| !fits(schema, value)) {
        add("default", format!("its default {} does not fit", shown(value)), value.is_null(), false);
    }
    let examples = schema.get("examples").and_then(Value::as_array).into_iter().flatten().take(MOST_VALUES);
    if let Some(value) = examples.into_iter().find(|value| !fits(schema, value)) {
        add("examples", format!("its example {} does not fit", shown(value)), value.is_null(), false);
    }
    found
}

fn shown(value: &Value) -> String {
    format!("`{}`", crate::verdict::cut(&value.to_string()))
}

/// The types of a schema; none where it names none that is known.
fn types(schema: &Map<String, Value>) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(one)) => vec![one.as_str()],
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn typed(schema: &Map<String, Value>, value: &Value) -> bool {
    let types = types(schema);
    let nullable = value.is_null() && schema.get("nullable") == Some(&Value::Bool(true));
    types.is_empty() || nullable || types.iter().any(|name| is(value, name))
}

/// Whether a value has a type; unknown types are not judged.
fn is(value: &Value, name: &str) -> bool {
    match name {
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "number" => value.is_number(),
        "integer" => {
            value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0)
        }
        _ => true,
    }
}

fn fits(schema: &Map<String, Value>, value: &Value) -> bool {
    let listed = schema.get("enum").and_then(Value::as_array);
    let listed = listed.is_none_or(|all| all.len() > MOST_VALUES || all.iter().any(|one| same(one, value)));
    let only = schema.get("const").is_none_or(|only| same(only, value));
    listed && only && typed(schema, value) && bounded(schema, value)
}

/// Equal as JSON Schema has it: 1 and 1.0 are one number.
fn same(one: &Value, other: &Value) -> bool {
    one == other || matches!((one.as_f64(), other.as_f64()), (Some(one), Some(other)) if one == other)
}

fn number(schema: &Map<String, Value>, key: &str) -> Option<f64> {
    schema.get(key)?.as_f64()
}

fn size(schema: &Map<String, Value>, key: &str) -> Option<u64> {
    schema.get(key)?.as_u64()
}

fn bounded(schema: &Map<String, Value>, value: &Value) -> bool {
    let within = |length: usize, least: &str, most: &str| {
        let length = u64::try_from(length).unwrap_or(u64::MAX);
        size(schema, least).is_none_or(|least| length >= least)
            && size(schema, most).is_none_or(|most| length <= most)
    };
    match value {
        Value::Number(_) => value.as_f64().is_none_or(|value| {
            number(schema, "minimum").is_none_or(|least| value >= least)
                && number(schema, "maximum").is_none_or(|most| value <= most)
        }),
        Value::String(text) => within(text.chars().count(), "minLength", "maxLength"),
        Value::Array(items) => within(items.len(), "minItems", "maxItems"),
        _ => true,
    }
}

/// Bounds that leave nothing, where the schema takes the type that they bound and no other.
fn contradiction(schema: &Map<String, Value>) -> Option<(&'static str, String)> {
    let types = types(schema);
    let only = |names: &[&str]| !types.is_empty() && types.iter().all(|name| names.contains(name));
    let numbers = number(schema, "minimum").zip(number(schema, "maximum"));
    if only(&["number", "integer"]) && numbers.is_some_and(|(least, most)| least > most) {
        return Some(("minimum", "its `minimum` is above its `maximum`".to_owned()));
    }
    for (name, least, most) in [("string", "minLength", "maxLength"), ("array", "minItems", "maxItems")] {
        let sizes = size(schema, least).zip(size(schema, most));
        if only(&[name]) && sizes.is_some_and(|(least, most)| least > most) {
            return Some((least, format!("its `{least}` is above its `{most}`")));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn keys(schema: &Value) -> Vec<(&'static str, bool)> {
        unfit(schema.as_object().unwrap()).into_iter().map(|unfit| (unfit.key, unfit.nothing_fits)).collect()
    }

    #[test]
    fn what_a_schema_names_must_fit_it() {
        for schema in [
            json!({"default":7}),
            json!({"type":["string","null"],"default":null,"enum":["a",null]}),
            json!({"type":"number","enum":[1,2.5],"default":1.0}),
            json!({"minimum":5,"maximum":1}),
            json!({"type":"string","minimum":5,"maximum":1,"default":"x"}),
            json!({"$ref":"#/$defs/x","type":"string","default":1}),
            json!({"type":"file","default":1}),
        ] {
            assert_eq!(keys(&schema), [], "{schema}");
        }
        assert_eq!(keys(&json!({"type":"integer","default":1.5})), [("default", false)]);
        assert_eq!(
            keys(&json!({"type":"string","maxLength":2,"examples":["ab","abc"]})),
            [("examples", false)]
        );
        assert_eq!(keys(&json!({"type":"string","const":1})), [("const", true)]);
        assert_eq!(keys(&json!({"type":"array","minItems":3,"maxItems":1})), [("minItems", true)]);
        let null = unfit(json!({"type":"string","enum":["a",null]}).as_object().unwrap());
        assert!(null[0].null && !null[0].nothing_fits);
    }
}
