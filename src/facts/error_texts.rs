//! What a reply says of an error, as one text a message, and what of it is read: also what stands in it padded
//! or encoded. A server that wraps its stack traces gives away as much as one that does not.

use std::borrow::Cow;

use serde_json::Value;

use super::barrier::html;
use super::decoded::decoded;
use super::leaks::plain;
use super::reply::{Message, Reply};
use crate::protocol::jsonrpc;
use crate::transcript::{Ended, Exchange};

/// No more is read at either end of one text, in bytes.
pub const END: usize = 64 * 1024;
/// No more strings of one JSON text are read.
const MOST: usize = 500;

/// What one reply says of errors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorTexts {
    /// Each text with the place of what it was read from. Remote text.
    pub texts: Vec<(String, String)>,
    /// Whether more of it came than is read.
    pub long: bool,
    /// Whether that is so, or it did not come to its end.
    pub cut: bool,
}

/// Every text of an exchange that tells of an error: a refusal's body, a JSON-RPC error, and what a tool says
/// with `isError`. Its own reply only where it has one.
#[must_use]
pub fn read(exchange: &Exchange, reply: &Reply) -> ErrorTexts {
    let refused = exchange.status().is_some_and(|status| status >= 400);
    let mut found = ErrorTexts::default();
    for message in &reply.messages {
        if let Some(value) = message.json.as_ref().ok().and_then(|value| told(value, refused)) {
            found.add_value(message, value);
        }
    }
    let page = exchange.text().filter(|text| refused && !text.trim().is_empty());
    if let Some(page) = page.filter(|_| reply.messages.iter().any(|message| message.json.is_err())) {
        let markup = html(exchange) || page.trim_start().starts_with('<');
        let text = if markup { found.shortened(page, plain) } else { found.shortened(page, str::to_owned) };
        found.add("body", &text);
    }
    let incomplete =
        exchange.ended == Ended::Failed || exchange.lines().unwrap_or_default().iter().any(|line| line.cut);
    found.cut = found.long || incomplete && (refused || !found.texts.is_empty());
    found
}

/// What of a JSON text tells of an error.
#[must_use]
pub fn told(value: &Value, refused: bool) -> Option<&Value> {
    if refused {
        return Some(value);
    }
    let error = value.get("error").filter(|_| !jsonrpc::is_request(value));
    let failed = || value.get("result").filter(|result| result.get("isError") == Some(&Value::Bool(true)));
    error.or_else(|| failed()?.get("content"))
}

impl ErrorTexts {
    /// Each text, and every other reading of it once its encodings are undone, with its place.
    #[must_use]
    pub fn readings(&self) -> Vec<(&str, Cow<'_, str>)> {
        let mut found = Vec::new();
        for (pointer, text) in &self.texts {
            found.push((pointer.as_str(), Cow::Borrowed(text.as_str())));
            found.extend(decoded(text).into_iter().map(|inner| (pointer.as_str(), Cow::Owned(inner))));
        }
        found
    }

    /// The strings of a value as one text: a trace may be a list of its lines.
    fn add_value(&mut self, message: &Message, value: &Value) {
        let mut open = vec![(None, value)];
        let mut strings = 0_usize;
        let mut whole = String::new();
        while let Some((name, value)) = open.pop() {
            match value {
                Value::String(text) if strings < MOST => {
                    strings = strings.saturating_add(1);
                    // What is named so is what its name says: `"api_key": "…"`.
                    if let Some(name) = name.filter(|_| !text.contains(['\n', ' '])) {
                        whole.push_str(name);
                        whole.push('=');
                    }
                    whole.push_str(text);
                    whole.push('\n');
                }
                Value::String(_) => self.long = true,
                Value::Array(items) => open.extend(items.iter().rev().map(|item| (None, item))),
                Value::Object(members) => {
                    open.extend(members.iter().rev().map(|(name, value)| (Some(name.as_str()), value)));
                }
                Value::Null | Value::Bool(_) | Value::Number(_) => {}
            }
        }
        if strings > 0 {
            let text = self.shortened(&whole, str::to_owned);
            self.add(&message.pointer, text.trim_end_matches('\n'));
        }
    }

    fn add(&mut self, pointer: &str, text: &str) {
        self.texts.push((pointer.to_owned(), text.to_owned()));
    }

    /// A text without padding, and no more of it than its two ends: a trace stands at either.
    fn shortened(&mut self, text: &str, of: impl Fn(&str) -> String) -> String {
        if text.len() <= END {
            return of(text);
        }
        let dense = dense(text);
        if dense.len() <= END {
            return of(&dense);
        }
        self.long = true;
        let head = dense.get(..floor(&dense, END)).unwrap_or_default();
        let tail = dense.get(floor(&dense, dense.len().saturating_sub(END)).max(head.len())..);
        format!("{}\n{}", of(head), of(tail.unwrap_or_default()))
    }
}

/// A text in which every run of blanks is one, and every run of one character no longer than eight.
fn dense(text: &str) -> String {
    let mut kept = String::with_capacity(text.len().min(END.saturating_mul(2)));
    let (mut before, mut run) = (None, 0_usize);
    for character in text.chars() {
        run = if before == Some(character) { run.saturating_add(1) } else { 1 };
        before = Some(character);
        let most = if character.is_whitespace() || character.is_control() { 1 } else { 8 };
        if run <= most {
            kept.push(character);
        }
    }
    kept
}

/// The last boundary of characters up to an index.
fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at = at.saturating_sub(1);
    }
    at
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::checks::synthetic::post;
    use crate::facts::reply;
    use crate::protocol::revision::Era;
    use crate::transcript::ProbeId;

    fn of(status: u16, media: &str, body: &str) -> ErrorTexts {
        let exchange =
            post(ProbeId::Malformed, "x", Era::Legacy, json!({"id":1})).status(status).body(media, body).made;
        read(&exchange, &reply::read(&exchange))
    }

    #[test]
    fn the_strings_of_an_error_are_one_text() {
        let lines = json!({"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"x y","data":["at f (", "/a.js:1:2)"]}});
        let found = of(200, "application/json", &lines.to_string());
        assert_eq!(found.texts, [("body".to_owned(), "x y\nat f (\n/a.js:1:2)".to_owned())]);
        let keyed = json!({"error":{"data":{"api_key":"k3y"}}}).to_string();
        assert!(of(200, "application/json", &keyed).texts[0].1.contains("api_key=k3y"));
        assert_eq!(of(200, "application/json", r#"{"id":1,"result":{}}"#), ErrorTexts::default());
        assert_eq!(of(404, "text/plain", " ").texts, []);
    }

    #[test]
    fn padding_is_left_out_and_both_ends_of_the_rest_are_read() {
        let blanks = format!("no{}yes", " \n".repeat(END));
        let found = of(500, "text/plain", &blanks);
        assert!(found.texts[0].1.ends_with("yes") && found.texts[0].1.len() < blanks.len());
        let sea: String = (0..END).map(|index| format!("{index:05} ")).collect();
        let found = of(500, "text/plain", &format!("first {sea} last"));
        assert!(found.long && found.texts[0].1.starts_with("first") && found.texts[0].1.ends_with("last"));
        let one = of(500, "text/plain", &format!("é{}é", "=".repeat(3 * END)));
        assert_eq!((one.cut, one.texts[0].1.as_str()), (false, "é========é"));
        let many: Vec<String> = (0..=MOST).map(|index| index.to_string()).collect();
        assert!(of(500, "application/json", &json!({ "error": many }).to_string()).cut);
    }
}
