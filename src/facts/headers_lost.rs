//! Headers of MCP that were sent, and that a refusal calls missing.

use super::{Facts, Outcome, reply};
use crate::protocol::names;
use crate::protocol::revision::Era;
use crate::transcript::{Exchange, Expectation, ProbeId};

/// A header that does not arrive.
#[derive(Clone, Debug)]
pub struct Lost<'t> {
    /// Its name, as the specification writes it.
    pub header: &'static str,
    /// The correct requests that were refused for want of it.
    pub met: Vec<&'t Exchange>,
    /// Whether the server never gave it to us: what is lost is the way back.
    pub kept_back: bool,
}

/// The headers, as sent and as written, each with the words that a refusal may have for it.
const HEADERS: [(&str, &str, &[&str]); 4] = [
    (names::SESSION_HEADER, "Mcp-Session-Id", &["mcp-session-id", "session id", "session-id", "sessionid"]),
    (names::VERSION_HEADER, "MCP-Protocol-Version", &["mcp-protocol-version"]),
    (names::METHOD_HEADER, "Mcp-Method", &["mcp-method"]),
    (names::NAME_HEADER, "Mcp-Name", &["mcp-name"]),
];
/// What says that something was not there.
const MISSING: [&str; 6] = ["missing", "required", "absent", "not provided", "must include", "lacks"];

/// Every header that a correct request was refused for want of, though it carried it, or though nobody gave it.
#[must_use]
pub fn read<'t>(facts: &Facts<'t>) -> Vec<Lost<'t>> {
    let sessions = !facts.session_shapes().is_empty();
    let refused: Vec<(&Exchange, String)> = facts
        .exchanges()
        .filter(|exchange| exchange.expectation == Expectation::Plain && exchange.probe != ProbeId::Siblings)
        .filter(|exchange| exchange.request.method == "POST" && !reply::read(exchange).served())
        .filter_map(|exchange| Some((exchange, words(exchange)?)))
        .collect();
    let mut lost = Vec::new();
    for (sent, header, said) in HEADERS {
        let named = |words: &str| {
            said.iter().any(|name| words.contains(name)) && MISSING.iter().any(|sign| words.contains(sign))
        };
        let carried = |exchange: &Exchange| exchange.request.header(sent).is_some();
        let met: Vec<&Exchange> = refused
            .iter()
            .filter(|(exchange, words)| carried(exchange) && named(words))
            .map(|(exchange, _)| *exchange)
            .collect();
        if !met.is_empty() {
            lost.push(Lost { header, met, kept_back: false });
        }
        // A session id that nobody gave cannot be sent.
        if sent == names::SESSION_HEADER && !sessions {
            let opened = facts.exchanges().any(opens);
            let met: Vec<&Exchange> = refused
                .iter()
                .filter(|(exchange, words)| !carried(exchange) && after(exchange) && named(words))
                .map(|(exchange, _)| *exchange)
                .collect();
            if opened && !met.is_empty() {
                lost.push(Lost { header, met, kept_back: true });
            }
        }
    }
    // Whatever its words: this code says that a header is missing or differs, and all were sent in full.
    let full = |exchange: &Exchange| {
        exchange.era == Some(Era::Modern)
            && [names::VERSION_HEADER, names::METHOD_HEADER]
                .iter()
                .all(|name| exchange.request.header(name).is_some())
    };
    let mismatch = |exchange: &Exchange| {
        Outcome::of(exchange, facts.reply(exchange)).and_then(|outcome| outcome.code())
            == Some(names::HEADER_MISMATCH)
    };
    let met: Vec<&Exchange> = refused
        .iter()
        .map(|(exchange, _)| *exchange)
        .filter(|exchange| full(exchange) && mismatch(exchange))
        .collect();
    if lost.is_empty() && !met.is_empty() {
        lost.push(Lost { header: "Mcp-Method", met, kept_back: false });
    }
    lost
}

/// A request of which one header was changed, and that was refused while its twin was served.
#[must_use]
pub fn noticed<'t>(facts: &Facts<'t>) -> Option<(&'t Exchange, &'static str)> {
    let steps = [
        (ProbeId::LegacySessions, "unknown", "Mcp-Session-Id"),
        (ProbeId::LegacySessions, "deleted", "Mcp-Session-Id"),
        (ProbeId::ModernRules, "header-newer", "MCP-Protocol-Version"),
        (ProbeId::ModernRules, "header-older", "MCP-Protocol-Version"),
    ];
    steps.into_iter().find_map(|(probe, step, header)| {
        let exchange = facts.steps(probe, step).find(|exchange| {
            facts.twin_served(exchange).is_ok()
                && matches!(exchange.status(), Some(400 | 404))
                && !reply::read(exchange).served()
        })?;
        Some((exchange, header))
    })
}

/// Whether a correct request other than a handshake was served.
#[must_use]
pub fn any_served(facts: &Facts<'_>) -> bool {
    facts.calls().any(|exchange| {
        let method = facts.method(exchange);
        !matches!(method, Some(names::INITIALIZE | names::DISCOVER)) && facts.reply(exchange).served()
    })
}

/// A handshake of the legacy era that was served.
fn opens(exchange: &Exchange) -> bool {
    exchange.era == Some(Era::Legacy) && !after(exchange) && reply::read(exchange).served()
}

/// Whether it comes after the handshake of the legacy era.
fn after(exchange: &Exchange) -> bool {
    let method = crate::transcript::exchange::request_method(exchange);
    exchange.era == Some(Era::Legacy) && method.as_deref() != Some(names::INITIALIZE)
}

/// The words of a refusal, in lower case; `None` where it was none of a request's own.
fn words(exchange: &Exchange) -> Option<String> {
    let refused = matches!(exchange.status(), Some(400 | 404 | 422) | Some(200..=299));
    let said = super::quote::Refusal::of(exchange).filter(|_| refused)?;
    Some(said.text.to_ascii_lowercase())
}
