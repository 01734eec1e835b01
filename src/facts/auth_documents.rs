//! The documents that tell a client where to sign in: protected-resource metadata (RFC 9728), the metadata of the
//! authorization servers that they name (RFC 8414) and their keys (RFC 7517).

use serde_json::Value;
use url::Url;

use super::auth::{self, AuthBarrier, auth_barrier, document};
use super::quote::Refusal;
use super::{Facts, Kind, barrier};
use crate::protocol::revision::Revision;
use crate::protocol::well_known::as_scanned;
use crate::transcript::{Exchange, ProbeId};
use crate::verdict::{Undecided, inconclusive, not_applicable};

/// A document, and the reply that brought it.
#[derive(Clone, Debug)]
pub struct Document<'t> {
    /// The reply.
    pub exchange: &'t Exchange,
    /// A JSON object.
    pub json: Value,
}

/// An authorization server that the protected-resource metadata name.
#[derive(Clone, Debug)]
pub struct Server<'t> {
    /// Its place among those that are looked at, from 1.
    pub number: usize,
    /// Its identifier. Remote text.
    pub issuer: String,
    /// Its metadata, where they were found.
    pub found: Option<Document<'t>>,
    /// Every place that was asked for them.
    pub tried: Vec<&'t Exchange>,
}

/// What was read of the authorization servers.
#[derive(Clone, Debug)]
pub struct Servers<'t> {
    /// The metadata that were found.
    pub found: Vec<Document<'t>>,
    /// Why some could not be read.
    pub missing: Option<Undecided>,
}

/// The barrier, where the rules about metadata bind: MCP, from 2025-06-18 on as far as its revisions are known.
///
/// # Errors
/// As [`auth_barrier`]; not applicable to feeds and to older revisions.
pub fn bound<'t>(facts: &Facts<'t>) -> Result<AuthBarrier<'t>, Undecided> {
    let barrier = auth_barrier(facts)?;
    if facts.class().kind == Kind::EventStream {
        return not_applicable("only for MCP endpoints");
    }
    if newest(facts).is_some_and(|newest| newest < Revision::V2025_06_18) {
        return not_applicable("the revisions spoken here know no such metadata");
    }
    Ok(barrier)
}

/// The newest revision that is known to be spoken.
#[must_use]
pub fn newest(facts: &Facts<'_>) -> Option<Revision> {
    facts.class().revisions.iter().max().copied()
}

/// The protected-resource metadata.
///
/// # Errors
/// Not applicable where there are none, which another check is charged with; inconclusive where that could not be
/// seen.
pub fn resource<'t>(facts: &Facts<'t>) -> Result<Document<'t>, Undecided> {
    let barrier = bound(facts)?;
    if let Some((exchange, json)) = auth::resource_metadata(facts.exchanges()) {
        return Ok(Document { exchange, json });
    }
    if let Some(reason) = barrier.not_oauth() {
        return not_applicable(reason);
    }
    let tried: Vec<&Exchange> =
        facts.of(ProbeId::Auth).filter(|exchange| exchange.step.starts_with("prm-")).collect();
    if tried.is_empty() {
        return inconclusive(facts.why_not(ProbeId::Auth, Some("prm-path")));
    }
    if let Some(why) = tried.iter().find_map(|exchange| unclear(exchange)) {
        return inconclusive(format!("the protected-resource metadata could not be read: {why}"));
    }
    if !auth::in_play(facts.exchanges()) {
        return not_applicable("nothing says OAuth: a bare challenge may ask for a static key");
    }
    not_applicable("there are no protected-resource metadata (see `auth-prm-found`)")
}

/// The authorization servers that the protected-resource metadata name, at most [`auth::ISSUERS`].
///
/// # Errors
/// As [`resource`]; not applicable where they name none.
pub fn servers<'t>(facts: &Facts<'t>) -> Result<Vec<Server<'t>>, Undecided> {
    let resource = resource(facts)?;
    let named = auth::issuers(&resource.json);
    if named.is_empty() {
        return not_applicable("the metadata name no authorization server (see `auth-prm-valid`)");
    }
    let read = |(number, issuer): (usize, String)| {
        let step = format!("as {number}.");
        let tried: Vec<&Exchange> =
            facts.of(ProbeId::Auth).filter(|exchange| exchange.step.starts_with(&step)).collect();
        let found = tried
            .iter()
            .find_map(|exchange| Some(Document { exchange, json: auth::authorization_server(exchange)? }));
        Server { number, issuer, found, tried }
    };
    Ok((1..).zip(named).map(read).collect())
}

impl Server<'_> {
    /// Why it is not known whether it has metadata; `None` where they were found, or are not there.
    #[must_use]
    pub fn unread(&self, facts: &Facts<'_>) -> Option<Undecided> {
        if self.found.is_some() {
            return None;
        }
        let why = match self.tried.last() {
            None => facts.why_not(ProbeId::Auth, Some(&format!("as {}.1", self.number))),
            Some(_) => self.tried.iter().find_map(|exchange| unclear(exchange))?,
        };
        Some(Undecided::Inconclusive(format!("the authorization server's metadata could not be read: {why}")))
    }
}

/// What was read of the authorization servers' metadata, for rules about what they say.
///
/// # Errors
/// As [`servers`]; not applicable where none has metadata, which another check is charged with.
pub fn read<'t>(facts: &Facts<'t>) -> Result<Servers<'t>, Undecided> {
    let servers = servers(facts)?;
    let missing = servers.iter().find_map(|server| server.unread(facts));
    let found: Vec<Document> = servers.into_iter().filter_map(|server| server.found).collect();
    match (found.is_empty(), missing) {
        (true, Some(why)) => Err(why),
        (true, None) => not_applicable("no authorization server has metadata (see `auth-as-metadata`)"),
        (false, missing) => Ok(Servers { found, missing }),
    }
}

/// Why a reply says nothing about the document at its URL; `None` where it says that it is there, or is not.
/// Clients may follow a redirect or pass a wall where we do not.
#[must_use]
pub fn unclear(exchange: &Exchange) -> Option<String> {
    if let Some(failure) = &exchange.failure {
        return Some(failure.words());
    }
    if let Some(mark) = barrier::firewall(exchange) {
        return Some(format!("a firewall or bot challenge answered ({mark})"));
    }
    match exchange.status() {
        None => Some("no answer came".to_owned()),
        Some(status @ (300..=399 | 401 | 403 | 407 | 421 | 429 | 500..=599)) => Some(format!(
            "HTTP {}",
            Refusal::of(exchange).map_or_else(|| status.to_string(), |said| said.words())
        )),
        Some(_) if barrier::login_page(exchange) => Some("a login page answered".to_owned()),
        // A coding that nobody asked for hides what is in it.
        Some(200) if document(exchange).is_none() => super::coding::unread(exchange),
        Some(_) => None,
    }
}

/// Whether two URLs are the same but for spellings that mean the same: case of scheme and host, the default port,
/// an empty path, and which of the names of this machine is used. `None` if one is no URL.
#[must_use]
pub fn same(left: &str, right: &str) -> Option<bool> {
    let (left, right) = (Url::parse(left).ok()?, Url::parse(right).ok()?);
    Some(as_scanned(&left, right) == left)
}

/// The strings of an array member; empty where it is none.
#[must_use]
pub fn strings<'d>(document: &'d Value, member: &str) -> Vec<&'d str> {
    document.get(member).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Whether no grant of an authorization server uses an authorization code. Left out, the list is
/// authorization_code and implicit (RFC 8414 section 2).
#[must_use]
pub fn for_machines(metadata: &Value) -> bool {
    metadata
        .get("grant_types_supported")
        .and_then(Value::as_array)
        .is_some_and(|grants| !grants.is_empty() && !grants.iter().any(|grant| grant == "authorization_code"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::synthetic::{Made, get};
    use crate::transcript::{FailureKind, Phase};

    #[test]
    fn only_a_reply_about_the_document_says_that_it_is_not_there() {
        let at = || get(ProbeId::Auth, "prm-path");
        let says = |made: Made| unclear(&made.made).is_none();
        assert!(says(at().status(404)) && says(at().status(410)) && says(at().status(400)));
        assert!(says(at().body("text/html", "<!doctype html><div id=app></div>")));
        for status in [301, 302, 401, 403, 407, 421, 429, 500, 503] {
            assert!(!says(at().status(status)), "{status}");
        }
        assert!(!says(at().body("text/html", "<input type=\"password\">")));
        assert!(!says(at().status(404).header("cf-mitigated", "challenge")));
        assert!(!says(at().failed(Phase::Connect, FailureKind::Refused)));
        assert!(!says(at()));
    }

    #[test]
    fn spellings_of_one_url_are_the_same() {
        for (left, right, expected) in [
            ("https://Example.com:443", "https://example.com/", Some(true)),
            ("http://localhost:8080/mcp", "http://127.0.0.1:8080/mcp", Some(true)),
            ("http://[::1]:8080/mcp", "http://127.0.0.1:8080/mcp", Some(true)),
            ("http://localhost:8080/mcp", "http://127.0.0.1:8081/mcp", Some(false)),
            ("https://example.com/mcp", "https://example.com/mcp/", Some(false)),
            ("https://example.com/mcp", "https://example.com/MCP", Some(false)),
            ("nonsense", "https://example.com", None),
        ] {
            assert_eq!(same(left, right), expected, "{left} {right}");
        }
    }
}
