//! A lenient view of JSON-RPC 2.0 over raw JSON: it must see the deviations that SDK types hide.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// The error member of a reply, as far as it is readable.
#[derive(Clone, Debug, PartialEq)]
pub struct RpcError {
    /// `code`, if it is an integer.
    pub code: Option<i64>,
    /// `message`, if it is a string.
    pub message: Option<String>,
    /// `data`, if present.
    pub data: Option<Value>,
}

/// What a reply says: a result or an error.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The `result` member.
    Result(Value),
    /// The `error` member.
    Error(RpcError),
}

impl Answer {
    /// The error code, if this is an error with an integer code.
    #[must_use]
    pub fn code(&self) -> Option<i64> {
        match self {
            Self::Error(error) => error.code,
            Self::Result(_) => None,
        }
    }

    /// The result, if this is one.
    #[must_use]
    pub fn result(&self) -> Option<&Value> {
        match self {
            Self::Result(value) => Some(value),
            Self::Error(_) => None,
        }
    }
}

/// Parses one JSON text. Depth is bounded by `serde_json` (128), so hostile nesting is an error.
///
/// # Errors
/// A short reason without any of the remote text.
pub fn parse(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| {
        format!("{:?} error at line {} column {}", error.classify(), error.line(), error.column())
            .to_lowercase()
    })
}

/// Whether a message is a request or notification (it has a `method`). Direction is decided by
/// `method`, never by `id`: an echo server returns our own request.
#[must_use]
pub fn is_request(message: &Value) -> bool {
    message.get("method").is_some()
}

/// Whether a message looks like a reply: no `method`, and a `result` or `error` member.
#[must_use]
pub fn is_reply(message: &Value) -> bool {
    !is_request(message) && (message.get("result").is_some() || message.get("error").is_some())
}

/// What a scanner answers to a request of the server's, and whether that was a ping. A ping gets its empty
/// result (2025-11-25, Utilities, Ping); everything else is declined as a method that we do not have, since
/// we announce no capability. `None` for what is no request, and for an id that no request may have.
#[must_use]
pub fn decline(message: &Value) -> Option<(Value, bool)> {
    let method = message.get("method")?.as_str()?;
    let id = message.get("id").filter(|id| id.is_string() || id.is_number())?;
    let ping = method == "ping";
    let answer = if ping {
        serde_json::json!({ "jsonrpc": "2.0", "id": id, "result": {} })
    } else {
        let error =
            serde_json::json!({ "code": -32601, "message": "declined: a scanner, without capabilities" });
        serde_json::json!({ "jsonrpc": "2.0", "id": id, "error": error })
    };
    Some((answer, ping))
}

/// The answer a reply carries, whatever its id. `error` wins where both are present.
#[must_use]
pub fn answer(message: &Value) -> Option<Answer> {
    if !is_reply(message) {
        return None;
    }
    if let Some(error) = message.get("error") {
        return Some(Answer::Error(RpcError {
            code: error.get("code").and_then(Value::as_i64),
            message: error.get("message").and_then(Value::as_str).map(str::to_owned),
            data: error.get("data").cloned(),
        }));
    }
    message.get("result").map(|result| Answer::Result(result.clone()))
}

/// What is wrong with a reply's envelope: JSON-RPC 2.0 "Response object" and MCP "Responses".
/// Empty when it is sound. `value` must be one message, not a batch.
#[must_use]
pub fn envelope_faults(value: &Value) -> Vec<String> {
    let Some(object) = value.as_object() else {
        return vec![format!("the reply is {}, not an object", type_name(value))];
    };
    let mut faults = Vec::new();
    match object.get("jsonrpc") {
        None => faults.push("`jsonrpc` is missing".to_owned()),
        Some(Value::String(version)) if version == "2.0" => {}
        Some(_) => faults.push("`jsonrpc` is not \"2.0\"".to_owned()),
    }
    match (object.get("result"), object.get("error")) {
        (Some(_), Some(_)) => faults.push("both `result` and `error` are present".to_owned()),
        (None, None) => faults.push("neither `result` nor `error` is present".to_owned()),
        (Some(result), None) if !result.is_object() => {
            faults.push(format!("`result` is {}, not an object", type_name(result)));
        }
        _ => {}
    }
    faults
}

/// What is wrong with the form of a reply's `error`: JSON-RPC 2.0 "Error object". Empty when it is sound,
/// and where there is no error.
#[must_use]
pub fn error_faults(value: &Value) -> Vec<String> {
    let Some(error) = value.get("error") else { return Vec::new() };
    let Some(error) = error.as_object() else {
        return vec![format!("`error` is {}, not an object", type_name(error))];
    };
    let mut faults = Vec::new();
    // 1.0 is an integer in JSON, however it is written.
    let whole =
        |code: &Value| code.is_i64() || code.is_u64() || code.as_f64().is_some_and(|n| n.fract() == 0.0);
    match error.get("code") {
        None => faults.push("`error` has no `code`".to_owned()),
        Some(code) if whole(code) => {}
        Some(code) => faults.push(format!("the `code` of `error` is {}, not an integer", kind_of(code))),
    }
    match error.get("message") {
        None => faults.push("`error` has no `message`".to_owned()),
        Some(Value::String(_)) => {}
        Some(other) => faults.push(format!("the `message` of `error` is {}, not a string", type_name(other))),
    }
    faults
}

fn kind_of(code: &Value) -> &'static str {
    if code.is_number() { "a fraction" } else { type_name(code) }
}

/// The first key that stands twice in one object of a JSON text, at whatever depth. RFC 8259, section 4:
/// names should be unique, and which of two counts differs from reader to reader. `None` also where the
/// text is no JSON. Depth is bounded as in [`parse`].
#[must_use]
pub fn repeated_key(text: &str, parsed: &Result<Value, String>) -> Option<String> {
    // A second reading costs as much as the first: only where members are missing from what was parsed.
    if parsed.as_ref().is_ok_and(|value| members(value) == colons(text)) {
        return None;
    }
    let mut found = None;
    let mut reader = serde_json::Deserializer::from_str(text);
    // An error ends the walk; what was found before it is no key of a JSON text.
    Keys(&mut found).deserialize(&mut reader).ok().and(found)
}

/// How many members the objects of a value have, together.
fn members(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(members).sum(),
        Value::Object(object) => object.values().map(members).sum::<usize>().saturating_add(object.len()),
        _ => 0,
    }
}

/// How many members a JSON text writes: its colons outside strings.
fn colons(text: &str) -> usize {
    let (mut count, mut inside, mut escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if inside => escaped = true,
            b'"' => inside = !inside,
            b':' if !inside => count = count.saturating_add(1),
            _ => {}
        }
    }
    count
}

/// Walks a JSON text for [`repeated_key`].
struct Keys<'f>(&'f mut Option<String>);

impl<'de> DeserializeSeed<'de> for Keys<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Keys<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Keys(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut keys: BTreeSet<String> = BTreeSet::new();
        while let Some(key) = members.next_key::<String>()? {
            if keys.contains(&key) {
                self.0.get_or_insert(key);
            } else {
                keys.insert(key);
            }
            members.next_value_seed(Keys(self.0))?;
        }
        Ok(())
    }
}

/// The JSON type of a value, with its article, for messages.
#[must_use]
pub fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Whether a text is two JSON texts or more, one behind the other.
#[must_use]
pub fn several(text: &str) -> bool {
    let mut texts = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    texts.next().is_some_and(|first| first.is_ok()) && texts.next().is_some_and(|second| second.is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn requests_of_the_server_are_declined_and_pings_answered() {
        let said =
            |text: &str| decline(&parse(text).unwrap()).map(|(answer, ping)| (answer.to_string(), ping));
        assert_eq!(
            said(r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#),
            Some((r#"{"jsonrpc":"2.0","id":7,"result":{}}"#.to_owned(), true))
        );
        let (refused, ping) = said(r#"{"jsonrpc":"2.0","id":"a","method":"roots/list"}"#).unwrap();
        assert!(refused.contains("-32601") && !ping);
        for text in [
            r#"{"jsonrpc":"2.0","method":"notifications/message"}"#,
            r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":5}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
            "[]",
        ] {
            assert_eq!(said(text), None, "{text}");
        }
    }

    #[test]
    fn nesting_beyond_the_limit_is_an_error_not_an_overflow() {
        let deep = "[".repeat(200_000);
        assert!(parse(&deep).is_err());
    }

    #[test]
    fn an_echoed_request_is_no_reply() {
        assert!(answer(&json!({"jsonrpc":"2.0","id":1,"method":"ping","result":{}})).is_none());
    }

    #[test]
    fn envelope_faults_are_named() {
        assert!(envelope_faults(&json!({"jsonrpc":"2.0","id":1,"result":{}})).is_empty());
        assert_eq!(envelope_faults(&json!({"id":1,"result":1})).len(), 2);
        assert_eq!(envelope_faults(&json!([])).len(), 1);
    }

    #[test]
    fn error_faults_are_named() {
        let faults = |error: Value| error_faults(&json!({"jsonrpc":"2.0","id":1,"error":error}));
        assert!(faults(json!({"code":-32601,"message":"no"})).is_empty());
        assert!(faults(json!({"code":-32601.0,"message":""})).is_empty());
        assert!(error_faults(&json!({"jsonrpc":"2.0","id":1,"result":{}})).is_empty());
        assert_eq!(faults(json!("no")), ["`error` is a string, not an object"]);
        assert_eq!(faults(json!({})).len(), 2);
        let wrong = faults(json!({"code":"-32601","message":null}));
        assert!(wrong[0].contains("a string, not an integer") && wrong[1].contains("null, not a string"));
        assert!(faults(json!({"code":0.5,"message":"x"}))[0].contains("a fraction"));
    }

    #[test]
    fn a_key_that_stands_twice_is_named_at_any_depth() {
        let twice = |text: &str| repeated_key(text, &parse(text));
        assert_eq!(twice(r#"{"id":1,"result":{},"id":2}"#).as_deref(), Some("id"));
        assert_eq!(twice(r#"{"a":[{"b":null,"c":1.5,"b":true}]}"#).as_deref(), Some("b"));
        // The same key in two objects, and an escape that spells the same key.
        assert_eq!(twice(r#"{"a":{"a":"x"},"b":[{"a":-1},{"a":1}]}"#), None);
        assert_eq!(twice(r#"{"a":1,"\u0061":2}"#).as_deref(), Some("a"));
        assert_eq!(twice(r#"{"a":1,"a":2"#), None, "that is no JSON");
        assert_eq!(twice(&"[".repeat(200_000)), None);
    }
}
