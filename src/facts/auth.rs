//! What a client without a credential meets, and what it is told about getting one.

use crate::facts::barrier;
use serde_json::Value;

use super::steps::{self, Get, Socket};

use super::{Facts, Kind};
use crate::facts::barrier::Barrier;
use crate::protocol::challenge::{self, Challenge, Challenges};
use crate::protocol::jsonrpc;
use crate::transcript::{Exchange, Expectation, Failure, ProbeId};
use crate::verdict::Undecided;

/// Most issuers that are looked at.
pub const ISSUERS: usize = 3;

/// The step that looks for the old stream beside a gated `…/mcp`.
pub const SIBLING_SSE: &str = "sibling sse";

/// How a request without a credential was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wall {
    /// 401 with a challenge.
    Challenged,
    /// 401 without one.
    Bare,
    /// Refused for want of a credential, but not with 401; how, in words.
    Otherwise(String),
    /// A JSON-RPC result came, an event stream was opened, or MCP answered on the socket.
    Open,
    /// Refused, or taken, in a way that says nothing about credentials: the status.
    Other(u16),
    /// It says nothing, with the reason.
    Unclear(String),
}

impl Wall {
    /// Whether it is the want of a credential that stopped the request.
    #[must_use]
    pub fn gated(&self) -> bool {
        matches!(self, Self::Challenged | Self::Bare | Self::Otherwise(_))
    }
}

/// How often a server error must come for want of a credential to be a barrier of a kind.
pub const TIMES: usize = 3;
/// Longest time between a call without the credential and its twin with it, microseconds.
const TOGETHER_US: u64 = 30_000_000;

/// The calls from which nothing but the credential was taken, and whose twins were served with it.
#[must_use]
pub fn missing<'t>(facts: &Facts<'t>) -> Vec<&'t Exchange> {
    let asked = facts.of(ProbeId::Auth).filter(|exchange| bare(&exchange.step));
    asked.filter(|exchange| facts.twin_served(exchange).is_ok_and(Exchange::credentialed)).collect()
}

/// Whether the want of a credential, and nothing else, made the endpoint fail every time: a 5xx to each of the
/// `missing-N`, while each twin was served shortly before.
#[must_use]
pub fn crashed(facts: &Facts<'_>) -> bool {
    let again: Vec<&Exchange> =
        facts.of(ProbeId::Auth).filter(|exchange| exchange.step.starts_with("missing-")).collect();
    again.len() >= TIMES
        && again.iter().all(|exchange| {
            let error = exchange.status().is_some_and(|status| status >= 500);
            let served = facts.twin_served(exchange).is_ok_and(|twin| {
                twin.credentialed() && exchange.started_us.saturating_sub(twin.started_us) <= TOGETHER_US
            });
            error && served && super::refusal::intermediary(exchange).is_none()
        })
}

/// Reads one exchange of [`ProbeId::Auth`].
#[must_use]
pub fn wall(facts: &Facts<'_>, exchange: &Exchange) -> Wall {
    if open(facts, exchange) {
        return Wall::Open;
    }
    let Some(status) = exchange.status() else {
        let held = exchange.failure.is_none() || steps::get(exchange) == Get::Held;
        return Wall::Unclear(match &exchange.failure {
            _ if held => format!("`{}` was held open without an answer", exchange.step),
            failure => failure.as_ref().map_or_else(|| "no answer came".to_owned(), Failure::words),
        });
    };
    match status {
        401 if challenges(exchange).is_empty() => Wall::Bare,
        401 => Wall::Challenged,
        429 => Wall::Unclear("rate limited (429)".to_owned()),
        500..=599 if crashed(facts) => {
            Wall::Otherwise(format!("a server error ({status}) each of {TIMES} times"))
        }
        500..=599 => Wall::Unclear(format!("answered with {status}, which says nothing")),
        302 | 303 if barrier::login_page(exchange) => {
            Wall::Otherwise(format!("a redirect to a login page ({status})"))
        }
        200 if barrier::login_page(exchange) => Wall::Otherwise("a login page (200)".to_owned()),
        _ if barrier::barrier(exchange) == Some(Barrier::Gated) => Wall::Otherwise(status.to_string()),
        // Only the credential was changed, so only its want can be the reason.
        _ if facts.twin_served(exchange).is_ok_and(Exchange::credentialed) => {
            Wall::Otherwise(status.to_string())
        }
        _ => Wall::Other(status),
    }
}

fn open(facts: &Facts<'_>, exchange: &Exchange) -> bool {
    if !exchange.frames().is_empty() || exchange.status() == Some(101) {
        return matches!(steps::socket(exchange), Socket::Mcp { .. });
    }
    if exchange.request.method == "DELETE" {
        return exchange.ok();
    }
    if exchange.step == SIBLING_SSE {
        return exchange.ok() && matches!(steps::get(exchange), Get::HttpSse { .. });
    }
    facts.reply(exchange).served()
        || (exchange.ok() && matches!(steps::get(exchange), Get::HttpSse { .. } | Get::Stream { .. }))
}

/// What the `WWW-Authenticate` lines of a reply say, read as one field (RFC 9110 section 5.3), and where they leave
/// the grammar; `None` if there is none.
#[must_use]
pub fn challenged(exchange: &Exchange) -> Option<Challenges> {
    let lines: Vec<&str> = exchange.head.as_ref()?.values("www-authenticate").collect();
    (!lines.is_empty()).then(|| challenge::read(&lines.join(", ")))
}

/// The challenges of a reply, read leniently.
#[must_use]
pub fn challenges(exchange: &Exchange) -> Vec<Challenge> {
    challenged(exchange).map(|read| read.found).unwrap_or_default()
}

/// What the steps of [`ProbeId::Auth`] met, where any of them met a barrier.
#[derive(Clone, Debug)]
pub struct AuthBarrier<'t> {
    /// Every request without a credential, and how it was received.
    pub walls: Vec<(&'t Exchange, Wall)>,
}

/// Reads the barrier.
///
/// # Errors
/// Not applicable where nothing asks for a credential, inconclusive where that could not be seen.
///
/// # Panics
/// If the check did not declare to read everything.
pub fn auth_barrier<'t>(facts: &Facts<'t>) -> Result<AuthBarrier<'t>, Undecided> {
    let asked = facts.of(ProbeId::Auth).filter(|exchange| bare(&exchange.step));
    // Beside an open front door a correct request may have met the barrier, whatever it was sent for.
    let gated = facts.class().kind == Kind::AuthGated;
    let others = facts.exchanges().filter(|exchange| {
        !gated
            && !matches!(exchange.probe, ProbeId::Auth | ProbeId::Siblings)
            && exchange.expectation == Expectation::Plain
            && !exchange.credentialed()
            && exchange.status() == Some(401)
    });
    let walls: Vec<(&Exchange, Wall)> = asked
        .chain(others)
        .map(|exchange| (exchange, wall(facts, exchange)))
        // What is at the sibling's path may be no part of this endpoint: only an open stream says it is.
        .filter(|(exchange, wall)| exchange.step != SIBLING_SSE || *wall == Wall::Open)
        .collect();
    if walls.iter().any(|(_, wall)| wall.gated()) {
        return Ok(AuthBarrier { walls });
    }
    let expected = facts.class().kind == Kind::AuthGated || facts.header().credential();
    let opened = walls.iter().any(|(_, wall)| *wall == Wall::Open);
    if expected && !opened {
        let why = walls.iter().find_map(|(_, wall)| match wall {
            Wall::Unclear(reason) => Some(reason.clone()),
            Wall::Other(status) => Some(format!("a request without a credential got {status}")),
            _ => None,
        });
        return Err(Undecided::Inconclusive(why.unwrap_or_else(|| facts.why_not(ProbeId::Auth, None))));
    }
    Err(Undecided::NotApplicable("no request without a credential was challenged".to_owned()))
}

impl<'t> AuthBarrier<'t> {
    /// The walls of some steps.
    pub fn of<'s>(
        &'s self,
        steps: &'s [&'s str],
    ) -> impl Iterator<Item = (&'t Exchange, &'s Wall)> + use<'t, 's> {
        self.walls
            .iter()
            .filter(move |(exchange, _)| steps.contains(&exchange.step.as_str()))
            .map(|(exchange, wall)| (*exchange, wall))
    }

    /// Why OAuth is not what this barrier asks for, if it is not: only other schemes are named.
    #[must_use]
    pub fn not_oauth(&self) -> Option<String> {
        let asked: Vec<Challenge> =
            self.walls.iter().flat_map(|(exchange, _)| challenges(exchange)).collect();
        let oauth = |challenge: &Challenge| {
            matches!(challenge.scheme.as_str(), "bearer" | "dpop")
                || challenge.parameter("resource_metadata").is_some()
        };
        match asked.first() {
            Some(first) if !asked.iter().any(oauth) => {
                Some(format!("the gate asks for {}, not for OAuth", crate::verdict::cut(&first.scheme)))
            }
            _ => None,
        }
    }
}

/// The step that looks for the authorization endpoint at its default path (MCP 2025-03-26).
pub const DEFAULT_AUTHORIZE: &str = "default-authorize";
/// The step that sends a token which nobody issued.
pub const INVALID_TOKEN: &str = "invalid-token";

/// Whether a step is a request to the endpoint without a credential: no document, and no wrong token.
fn bare(step: &str) -> bool {
    !["prm-", "as ", "jwks "].iter().any(|document| step.starts_with(document))
        && !matches!(step, INVALID_TOKEN | DEFAULT_AUTHORIZE)
}

/// The URL of the metadata that a challenge names: the first one, of any of these exchanges.
#[must_use]
pub fn metadata_url<'e>(exchanges: impl IntoIterator<Item = &'e Exchange>) -> Option<String> {
    exchanges.into_iter().filter(|exchange| exchange.status() == Some(401)).find_map(|exchange| {
        let found = challenges(exchange);
        found.iter().find_map(|challenge| challenge.parameter("resource_metadata").map(str::to_owned))
    })
}

/// Whether something says OAuth: a challenge that names metadata, a scope or an error, or a metadata document. A
/// bare challenge may ask for a static key.
#[must_use]
pub fn in_play<'e>(exchanges: impl IntoIterator<Item = &'e Exchange>) -> bool {
    exchanges.into_iter().any(|exchange| {
        let named = ["resource_metadata", "scope", "error"];
        let challenged = challenges(exchange)
            .iter()
            .any(|challenge| named.iter().any(|name| challenge.parameter(name).is_some()));
        challenged || resource_metadata([exchange]).is_some() || authorization_server(exchange).is_some()
    })
}

/// The JSON object that a metadata URL answered with. Hosts of single pages answer 200 text/html for any
/// path, and that is no document.
#[must_use]
pub fn document(exchange: &Exchange) -> Option<Value> {
    if exchange.status() != Some(200) {
        return None;
    }
    exchange.text().and_then(|text| jsonrpc::parse(text).ok()).filter(Value::is_object)
}

/// The protected-resource metadata, if a step of these brought it: those at the URL that the challenge names before
/// those at a well-known one, as clients look.
#[must_use]
pub fn resource_metadata<'e>(
    exchanges: impl IntoIterator<Item = &'e Exchange>,
) -> Option<(&'e Exchange, Value)> {
    let rank = |exchange: &Exchange| match exchange.step.as_str() {
        "prm-challenge" => 0,
        "prm-path" => 1,
        _ => 2,
    };
    resource_variants(exchanges).into_iter().min_by_key(|(exchange, _)| rank(exchange))
}

/// Every document of protected-resource metadata that a step of these brought.
#[must_use]
pub fn resource_variants<'e>(
    exchanges: impl IntoIterator<Item = &'e Exchange>,
) -> Vec<(&'e Exchange, Value)> {
    exchanges
        .into_iter()
        .filter(|exchange| exchange.probe == ProbeId::Auth && exchange.step.starts_with("prm-"))
        .filter_map(|exchange| Some((exchange, document(exchange)?)))
        .filter(|(_, document)| {
            ["resource", "authorization_servers"].iter().any(|member| document.get(member).is_some())
        })
        .collect()
}

/// The issuers that the metadata name, at most [`ISSUERS`], each once.
#[must_use]
pub fn issuers(document: &Value) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let listed = document.get("authorization_servers").and_then(Value::as_array).into_iter().flatten();
    for issuer in listed.filter_map(Value::as_str) {
        if found.len() < ISSUERS && !found.iter().any(|known| known == issuer) {
            found.push(issuer.to_owned());
        }
    }
    found
}

/// Whether a document is authorization-server metadata: it names its issuer or one of its endpoints.
#[must_use]
pub fn authorization_server(exchange: &Exchange) -> Option<Value> {
    document(exchange).filter(|document| {
        ["issuer", "authorization_endpoint", "token_endpoint"]
            .iter()
            .any(|member| document.get(member).is_some())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::checks::synthetic::get;

    #[test]
    fn metadata_are_json_objects_that_say_something() {
        let made = |made: crate::checks::synthetic::Made| made.made;
        let page = made(get(ProbeId::Auth, "prm-path").status(200).body("text/html", "<!doctype html>"));
        let empty = made(get(ProbeId::Auth, "prm-path").json(json!({"error":"not found"})));
        let sound = made(get(ProbeId::Auth, "prm-root").json(json!({"resource":"x"})));
        let exchanges = [page, empty, sound];
        assert!(resource_metadata(&exchanges[..1]).is_none());
        assert!(resource_metadata(&exchanges[..2]).is_none());
        assert_eq!(resource_metadata(&exchanges).map(|(found, _)| found.step.as_str()), Some("prm-root"));
        let servers = json!({"authorization_servers":["a","a","b",7,"c","d"]});
        assert_eq!(issuers(&servers), ["a", "b", "c"]);
    }
}
