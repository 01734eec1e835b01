//! What a refusal says. Every message that rests on one quotes it: the words of a server tell more about the
//! cause than its status.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::{media, reply};
use crate::protocol::jsonrpc::{self, Answer};
use crate::transcript::Exchange;
use crate::transcript::known_secrets::without_known_secrets;

/// Longest quote, in characters.
const LONGEST: usize = 120;
/// How much of a page is searched for its text, in bytes.
const PAGE: usize = 4_096;

/// A refusal in the words of whoever refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refusal {
    /// HTTP status; 101 where a WebSocket was opened and closed again.
    pub status: u16,
    /// Code of the JSON-RPC error, or of the close frame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<i64>,
    /// The first words, at most 120 characters. Remote text.
    pub text: String,
}

impl Refusal {
    /// Reads what an exchange was refused with; `None` where no head came.
    #[must_use]
    pub fn of(exchange: &Exchange) -> Option<Self> {
        let status = exchange.status()?;
        if status == 101 {
            let (code, reason) = exchange.closed()?.split_once(' ').unwrap_or((exchange.closed()?, ""));
            return Some(Self { status, code: code.parse().ok(), text: short(reason) });
        }
        let read = reply::read(exchange);
        if let Some(Answer::Error(error)) = read.answer.as_ref().or(read.lenient.as_ref()) {
            // What is no JSON-RPC may have a member of this name, too.
            let text = error.message.clone().unwrap_or_else(|| said(exchange));
            return Some(Self { status, code: error.code, text: short(&text) });
        }
        Some(Self { status, code: None, text: short(&said(exchange)) })
    }

    /// `403: "the words"`, as far as there are any.
    #[must_use]
    pub fn words(&self) -> String {
        let code = match (self.status, self.code) {
            (101, Some(code)) => format!("close code {code}"),
            (status, Some(code)) => format!("{status}, error {code}"),
            (status, None) => status.to_string(),
        };
        if self.text.is_empty() { code } else { format!("{code}: \"{}\"", self.text) }
    }

    /// The first address that the words name: usually the one that is refused.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        let part = |character: char| !(character.is_ascii_hexdigit() || matches!(character, '.' | ':'));
        let mut parts = self.text.split(part).map(|part| part.trim_matches(|end| matches!(end, '.' | ':')));
        parts.find_map(|part| part.parse().ok())
    }

    /// Another name of this machine that the words give, where the endpoint was asked by one: development servers
    /// serve the one they print, and refuse the others. `asked`: the URL of the request.
    #[must_use]
    pub fn other_name(&self, asked: &str) -> Option<&'static str> {
        const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];
        let asked = Url::parse(asked).ok()?;
        let host = asked.host_str().filter(|host| NAMES.contains(host))?;
        let port = asked.port_or_known_default()?.to_string();
        let text = self.text.to_ascii_lowercase();
        NAMES.into_iter().filter(|name| *name != host).find(|name| {
            text.match_indices(name).any(|(at, _)| {
                let part =
                    |character: char| character.is_ascii_alphanumeric() || matches!(character, '.' | '-');
                let before = text.get(..at).unwrap_or_default();
                let after = text.get(at.saturating_add(name.len())..).unwrap_or_default();
                let port_after = after.strip_prefix(':').map(|rest| {
                    rest.find(|digit: char| !digit.is_ascii_digit())
                        .map_or(rest, |end| rest.get(..end).unwrap_or_default())
                });
                !before.ends_with(part)
                    && port_after
                        .map_or_else(|| !after.trim_end_matches('.').starts_with(part), |given| given == port)
            })
        })
    }
}

/// The words of a refusal in parentheses and with a space before them; empty where there is none.
#[must_use]
pub fn quoted(exchange: &Exchange) -> String {
    Refusal::of(exchange).map_or_else(String::new, |refusal| format!(" ({})", refusal.words()))
}

/// The text of a body that is no JSON-RPC: the member of an object that holds words, the title of a page.
fn said(exchange: &Exchange) -> String {
    let Some(text) = exchange.text() else { return String::new() };
    let text = text.get(..PAGE).unwrap_or(text);
    if media::html(exchange) {
        return page(text);
    }
    let Ok(value) = jsonrpc::parse(text) else { return text.to_owned() };
    words(&value).unwrap_or_else(|| text.to_owned())
}

fn words(value: &Value) -> Option<String> {
    const NAMES: [&str; 7] = ["error_description", "message", "detail", "error", "errors", "title", "reason"];
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => words(items.first()?),
        Value::Object(members) => NAMES.iter().find_map(|name| words(members.get(*name)?)),
        _ => None,
    }
}

/// The title of a page, or its text without tags.
fn page(html: &str) -> String {
    let lower = html.to_ascii_lowercase();
    let title = lower.find("<title").and_then(|at| {
        let start = at.saturating_add(html.get(at..)?.find('>')?).saturating_add(1);
        let end = start.saturating_add(lower.get(start..)?.find('<')?);
        html.get(start..end).map(str::trim).filter(|title| !title.is_empty())
    });
    if let Some(title) = title {
        return title.to_owned();
    }
    let mut inside = false;
    html.chars()
        .map(|character| {
            inside = (inside || character == '<') && character != '>';
            if inside || character == '>' { ' ' } else { character }
        })
        .collect()
}

/// The beginning on one line, without keys of a known form.
fn short(text: &str) -> String {
    let plain = |character: char| if character.is_control() { ' ' } else { character };
    let text: String = text.chars().take(PAGE).map(plain).collect();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = without_known_secrets(&text).unwrap_or(text);
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::checks::synthetic::{Made, post};
    use crate::protocol::revision::Era;
    use crate::transcript::ProbeId;

    fn made() -> Made {
        post(
            ProbeId::Classify,
            "discover",
            Era::Modern,
            json!({"jsonrpc": "2.0", "id": "d-1", "method": "x"}),
        )
    }

    fn words_of(made: &Made) -> String {
        Refusal::of(&made.made).unwrap().words()
    }

    #[test]
    fn the_words_of_whoever_refused_are_found() {
        assert_eq!(words_of(&made().error(400, -32001, "no\n key")), "400, error -32001: \"no key\"");
        let json = |value: Value| words_of(&made().status(403).json(value).status(403));
        assert_eq!(json(json!({"error": "denied"})), "403: \"denied\"");
        assert_eq!(json(json!({"detail": [{"message": "Not yours"}]})), "403: \"Not yours\"");
        assert_eq!(json(json!({"a": 1})), "403: \"{\"a\":1}\"");
        let page = made().body("text/html", "<html><title lang=en> Stop </title><p>x").status(503);
        assert_eq!(words_of(&page), "503: \"Stop\"");
        assert_eq!(words_of(&made().body("text/html", "<p>Go<b>away</b>").status(403)), "403: \"Go away\"");
        assert_eq!(words_of(&made().status(404)), "404");
        let long = words_of(&made().body("text/plain", &"x".repeat(5_000)).status(403));
        assert_eq!(long.chars().filter(|character| *character == 'x').count(), LONGEST);
    }

    #[test]
    fn the_address_is_the_one_that_the_words_name() {
        let named = |text: &str| Refusal { status: 403, code: None, text: text.to_owned() }.address();
        assert_eq!(named("IP 203.0.113.7 is not allowed.").unwrap().to_string(), "203.0.113.7");
        assert_eq!(named("client [2001:db8::1]: denied").unwrap().to_string(), "2001:db8::1");
        assert_eq!(named("error 1020: access denied at 10:30"), None);
    }

    #[test]
    fn another_name_of_this_machine_is_one_with_our_port() {
        let named = |text: &str, asked: &str| {
            Refusal { status: 403, code: None, text: text.to_owned() }.other_name(asked)
        };
        let ours = "http://127.0.0.1:8000/mcp";
        assert_eq!(named("Access is only allowed at localhost:8000", ours), Some("localhost"));
        assert_eq!(named("use http://LOCALHOST:8000/mcp instead", ours), Some("localhost"));
        assert_eq!(named("Only localhost.", ours), Some("localhost"));
        assert_eq!(named("try [::1]:8000", ours), Some("[::1]"));
        assert_eq!(named("serve 127.0.0.1", "http://localhost:8000/mcp"), Some("127.0.0.1"));
        // Another port is another server, another name another host, and our own name says nothing new.
        assert_eq!(named("log in at localhost:9000", ours), None);
        assert_eq!(named("my-localhost:8000 and localhost.example", ours), None);
        assert_eq!(named("Invalid host: 127.0.0.1:8000", ours), None);
        assert_eq!(named("only localhost:8000", "https://mcp.example:8000/mcp"), None);
    }
}
