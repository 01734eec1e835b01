//! Whether whatever stands behind one address tells one story: the same request, sent again on other
//! connections, must meet the same era, versions and capabilities.

use std::collections::BTreeSet;

use serde_json::Value;

use super::barrier;
use super::reply;
use crate::protocol::jsonrpc::Answer;
use crate::protocol::names;
use crate::protocol::revision::Era;
use crate::transcript::exchange::request_method;
use crate::transcript::{Exchange, Expectation, ProbeId, Transcript};

/// The same request, and how its repetitions were answered, in order.
#[derive(Clone, Debug)]
pub struct Repeated<'t> {
    /// Its method.
    pub method: String,
    /// Where it was served.
    pub served: Vec<&'t Exchange>,
    /// Where it was refused, for no reason that lies between us and the endpoint.
    pub refused: Vec<&'t Exchange>,
    /// How often something kept it from an answer: a limit, a barrier, a failure.
    pub kept: usize,
    key: (Option<Era>, Option<Value>),
}

impl Repeated<'_> {
    /// Whether some repetitions were served and some refused.
    #[must_use]
    pub fn differs(&self) -> bool {
        !self.served.is_empty() && !self.refused.is_empty()
    }

    /// Whether all were served, and more than once. That a few of many got no answer says nothing against it; that
    /// one of three did does.
    #[must_use]
    pub fn confirmed(&self) -> bool {
        self.served.len() >= 2 && self.refused.is_empty() && self.kept.saturating_mul(3) < self.served.len()
    }

    /// Over how many connections the answers came.
    #[must_use]
    pub fn connections(&self) -> usize {
        let all = self.served.iter().chain(&self.refused);
        all.map(|exchange| exchange.connection).collect::<BTreeSet<_>>().len()
    }
}

/// The requests that were sent several times outside of any session over Streamable HTTP. What was asked on
/// purpose in another way (a used connection, without the credential) is no repetition, and under another kind of id only what was served is.
#[must_use]
pub fn repeated(transcript: &Transcript) -> Vec<Repeated<'_>> {
    let mut groups: Vec<Repeated<'_>> = Vec::new();
    for exchange in transcript.exchanges.iter().filter(|exchange| counts(exchange)) {
        let Some(method) = request_method(exchange) else { continue };
        let params = exchange.request.body.as_deref().and_then(params);
        let key = (exchange.era, params);
        let at = groups.iter().position(|group| group.method == method && group.key == key);
        let at = at.unwrap_or_else(|| {
            groups.push(Repeated { method, served: Vec::new(), refused: Vec::new(), kept: 0, key });
            groups.len().saturating_sub(1)
        });
        let Some(group) = groups.get_mut(at) else { continue };
        match reply::read(exchange).answer {
            Some(Answer::Result(_)) => group.served.push(exchange),
            // Asked under another kind of id: its refusal may be about that.
            _ if exchange.probe == ProbeId::IdEcho => {}
            _ if barrier::barrier(exchange).is_some() || exchange.failure.is_some() => {
                group.kept = group.kept.saturating_add(1);
            }
            _ => group.refused.push(exchange),
        }
    }
    groups
}

fn counts(exchange: &Exchange) -> bool {
    exchange.expectation == Expectation::Plain
        && exchange.request.method == "POST"
        && exchange.stream.is_none()
        && !exchange.is_message()
        && exchange.session.is_none()
        && exchange.request.header(names::SESSION_HEADER).is_none()
        && !matches!(exchange.probe, ProbeId::Auth | ProbeId::Siblings | ProbeId::Answers)
        // The second call on a connection is another question: whether the first one left something there.
        && exchange.step != "reused"
        && !exchange.step.ends_with("-bare")
}

fn params(body: &str) -> Option<Value> {
    crate::protocol::jsonrpc::parse(body).ok()?.get("params").cloned()
}

/// What a server tells of itself in `server/discover` or `initialize`.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// The versions it speaks, or the one it chose.
    pub versions: Value,
    /// Its capabilities.
    pub capabilities: Value,
    /// Its version.
    pub version: Option<String>,
}

/// Reads what a served discover or handshake tells; `None` of any other.
#[must_use]
pub fn told(exchange: &Exchange) -> Option<Told> {
    let read = reply::read(exchange);
    let result = read.result()?;
    let method = request_method(exchange)?;
    let member = |name: &str| result.get(name).cloned().unwrap_or_default();
    let (versions, info) = match method.as_str() {
        names::DISCOVER => (
            member("supportedVersions"),
            result.get("_meta").and_then(|meta| meta.get(names::META_SERVER_INFO)),
        ),
        names::INITIALIZE => (member("protocolVersion"), None),
        _ => return None,
    };
    let info = info.or_else(|| result.get("serverInfo"));
    let version = info.and_then(|info| info.get("version")).and_then(Value::as_str).map(str::to_owned);
    Some(Told { versions, capabilities: member("capabilities"), version })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::checks::synthetic::{Made, Scan, initialize};

    fn groups(made: impl IntoIterator<Item = Made>) -> Vec<(usize, usize, usize)> {
        let scan = made.into_iter().fold(Scan::empty(), Scan::with);
        let counted = |group: &Repeated<'_>| (group.served.len(), group.refused.len(), group.kept);
        repeated(&scan.transcript).iter().map(counted).collect()
    }

    fn shake(probe: ProbeId) -> Made {
        initialize(probe, "initialize")
    }

    fn served(probe: ProbeId) -> Made {
        shake(probe).result(json!({"protocolVersion": "2025-11-25", "capabilities": {}}))
    }

    #[test]
    fn only_different_answers_to_one_request_differ() {
        let refused = || shake(ProbeId::LegacyVersions).error(400, -32601, "no");
        assert_eq!(groups([served(ProbeId::Classify), refused()]), [(1, 1, 0)]);
        assert_eq!(groups([refused(), refused()]), [(0, 2, 0)], "all alike");
        let limited = shake(ProbeId::LegacyVersions).status(429);
        assert_eq!(groups([served(ProbeId::Classify), served(ProbeId::Load), limited]), [(2, 0, 1)]);
        let in_session = served(ProbeId::Load).in_session("~session-1~");
        assert_eq!(groups([served(ProbeId::Classify), in_session]), [(1, 0, 0)]);
        let other_id = shake(ProbeId::IdEcho).error(400, -32600, "string ids are refused");
        assert_eq!(groups([served(ProbeId::Classify), served(ProbeId::Load), other_id]), [(2, 0, 0)]);
    }
}
