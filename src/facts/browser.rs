//! How a request that a browser could be made to send was treated, and what CORS allows it to read.

use super::Facts;
use super::steps::{self, Get};
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
/// behind authentication, answered with 401: a refusal that comes before the 401 is a refusal
/// (CHECKS.md section 7).
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
