//! How a request that a browser could be made to send was treated, and what CORS allows it to read.

use super::Facts;
use super::steps::{self, Get};
use crate::protocol::headers;
use crate::transcript::{Exchange, Failure, ProbeId};
use crate::verdict::Undecided;

/// What became of a request with a foreign Origin or Host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// A JSON-RPC result came, or, for a GET, the event stream or the WebSocket was opened.
    Served,
    /// It was refused with this status: a 4xx other than 401 and 429, a 5xx, a JSON-RPC error with a
    /// 2xx, or 101 where the socket was closed at once for reasons of policy.
    Refused(u16),
    /// It says nothing, with the reason.
    Unclear(String),
}

/// Reads the treatment of one negative of [`ProbeId::Browser`]. Its twin must have been served, or,
/// behind authentication, answered with 401: a refusal that comes before the 401 is a refusal.
#[must_use]
pub fn treatment(facts: &Facts<'_>, exchange: &Exchange) -> Treatment {
    if let Err(Undecided::Inconclusive(reason) | Undecided::NotApplicable(reason)) =
        facts.twin_served(exchange)
        && !behind_gate(facts, exchange)
    {
        return Treatment::Unclear(reason);
    }
    let Some(status) = exchange.status() else {
        let reason = exchange.failure.as_ref().map_or_else(|| "no answer came".to_owned(), Failure::words);
        return Treatment::Unclear(reason);
    };
    if served(facts, exchange) {
        return Treatment::Served;
    }
    match status {
        101 => Treatment::Refused(101),
        401 => Treatment::Unclear("authentication is asked for first (401)".to_owned()),
        429 => Treatment::Unclear("rate limited (429)".to_owned()),
        400..=599 => Treatment::Refused(status),
        200..=299 if facts.reply(exchange).error_code().is_some() => Treatment::Refused(status),
        _ => Treatment::Unclear(format!("neither served nor refused (HTTP {status})")),
    }
}

fn served(facts: &Facts<'_>, exchange: &Exchange) -> bool {
    if exchange.request.body.is_some() {
        return facts.reply(exchange).served();
    }
    if exchange.status() == Some(101) {
        // A socket that is closed at once for reasons of policy was refused (RFC 6455 section 7.4.1).
        return !exchange.closed().is_some_and(|close| close.starts_with("1008"));
    }
    matches!(steps::get(exchange), Get::HttpSse { .. } | Get::Stream { declared: true })
}

fn behind_gate(facts: &Facts<'_>, exchange: &Exchange) -> bool {
    let twin = facts.exchanges().find(|other| Some(other.id) == exchange.twin);
    let plain = twin.or_else(|| facts.steps(ProbeId::Browser, "base").next());
    plain.and_then(Exchange::status) == Some(401)
}

/// What a reply lets a script of another origin do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cors {
    /// `Access-Control-Allow-Origin`, if exactly one came: browsers refuse several.
    pub origin: Option<String>,
    /// Whether `Access-Control-Allow-Credentials` is exactly `true`.
    pub credentials: bool,
}

impl Cors {
    /// Reads the CORS headers of a reply.
    #[must_use]
    pub fn read(exchange: &Exchange) -> Self {
        let Some(head) = &exchange.head else { return Self::default() };
        let mut origins = head.values("access-control-allow-origin");
        let origin = origins.next().map(|value| value.trim().to_owned()).filter(|_| origins.next().is_none());
        let credentials = head.header("access-control-allow-credentials").map(str::trim) == Some("true");
        Self { origin, credentials }
    }

    /// Whether the reply allows any origin, in so many words.
    #[must_use]
    pub fn wildcard(&self) -> bool {
        self.origin.as_deref() == Some("*")
    }

    /// Whether the reply names the origin that the request sent.
    #[must_use]
    pub fn reflects(&self, exchange: &Exchange) -> bool {
        self.origin.is_some() && self.origin.as_deref() == exchange.request.header("origin")
    }
}

/// Whether the script that sent a request may read its reply.
#[must_use]
pub fn readable(exchange: &Exchange) -> bool {
    let cors = Cors::read(exchange);
    cors.wildcard() || cors.reflects(exchange)
}

/// Whether scripts may read a header of a reply (Fetch, CORS-exposed header-name list). `*` names all, where no
/// credential goes along.
#[must_use]
pub fn exposes(exchange: &Exchange, name: &str) -> bool {
    let Some(head) = &exchange.head else { return false };
    let credentials = Cors::read(exchange).credentials;
    head.values("access-control-expose-headers")
        .flat_map(headers::list)
        .any(|exposed| exposed.eq_ignore_ascii_case(name) || (exposed == "*" && !credentials))
}

/// What is wrong with the CORS headers of a reply, whoever reads it (Fetch, HTTP new-header syntax).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Broken {
    /// A header that holds one value has several lines: browsers join them and match nothing.
    Twice,
    /// One line names several origins.
    List,
    /// The value of `Access-Control-Allow-Origin` is neither `*`, `null` nor an origin.
    NoOrigin,
    /// The value of `Access-Control-Allow-Credentials` is not `true`.
    Credentials,
}

/// `Access-Control-Allow-Origin`.
pub const ALLOW_ORIGIN: &str = "access-control-allow-origin";
/// `Access-Control-Allow-Credentials`.
pub const ALLOW_CREDENTIALS: &str = "access-control-allow-credentials";

/// The CORS headers of a reply that no browser can use, each with its value, lines joined.
#[must_use]
pub fn broken(exchange: &Exchange) -> Vec<(Broken, &'static str, String)> {
    let Some(head) = &exchange.head else { return Vec::new() };
    let mut found = Vec::new();
    for name in [ALLOW_ORIGIN, ALLOW_CREDENTIALS] {
        let lines: Vec<&str> = head.values(name).map(str::trim).collect();
        let fault = match lines.as_slice() {
            [] => None,
            [value] if name == ALLOW_CREDENTIALS => (*value != "true").then_some(Broken::Credentials),
            [value] if value.contains(',') => Some(Broken::List),
            [value] => (!allows_one(value)).then_some(Broken::NoOrigin),
            _ => Some(Broken::Twice),
        };
        found.extend(fault.map(|fault| (fault, name, lines.join(", "))));
    }
    found
}

/// `*`, `null` or one origin (RFC 6454 section 7.1), which has no path, no pattern and no slash at its end.
fn allows_one(value: &str) -> bool {
    if matches!(value, "*" | "null") {
        return true;
    }
    let Some((scheme, authority)) = value.split_once("://") else { return false };
    let odd = |c: char| c.is_whitespace() || c.is_control() || "/?#@*\\\"'<>".contains(c);
    let scheme_fits = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    scheme_fits && !authority.is_empty() && !authority.starts_with(':') && !authority.contains(odd)
}

#[cfg(test)]
mod tests {
    use super::allows_one;

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        for sound in [
            "*",
            "null",
            "https://a.example",
            "http://[::1]:8080",
            "chrome-extension://abc",
            "tauri://localhost",
        ] {
            assert!(allows_one(sound), "{sound}");
        }
        for odd in [
            "",
            "https://a/",
            "*.example.com",
            "https://*.example.com",
            "a.example",
            "https://",
            "https://a b",
            "NULL",
            "://a",
            "all",
        ] {
            assert!(!allows_one(odd), "{odd}");
        }
    }
}
