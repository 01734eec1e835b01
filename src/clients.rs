//! Who can use an endpoint: families of client SDKs by the era and transport they speak, told from the findings
//! alone. It weighs nothing: a sound server of the modern era scores high, and clients that know only the legacy
//! era cannot use it all the same.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::facts::{Classification, Kind};
use crate::finding::Finding;
use crate::protocol::revision::Era;
use crate::protocol::transport::Transport;
use crate::verdict::Status;

/// A family of clients and whether it can use the endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its name: `modern`, `legacy`, `dual`, `http-sse`, `websocket` or `event-source`.
    pub family: String,
    /// Whether it can; `None` where that was not seen.
    pub can: Option<bool>,
    /// Why not, or why it is not known; how, where only one of its ways is open.
    pub why: Vec<String>,
}

/// A way to an endpoint.
struct Way {
    transport: Transport,
    era: Option<Era>,
    /// In words, without article.
    words: &'static str,
    /// The check that shows that the way opens; anything but a failure of it.
    opens: &'static str,
}

const MODERN: Way = Way {
    transport: Transport::StreamableHttp,
    era: Some(Era::Modern),
    words: "modern era of Streamable HTTP",
    opens: "modern-discover",
};
const LEGACY: Way = Way {
    transport: Transport::StreamableHttp,
    era: Some(Era::Legacy),
    words: "legacy era of Streamable HTTP",
    opens: "legacy-initialize",
};
const HTTP_SSE: Way =
    Way { transport: Transport::HttpSse, era: None, words: "HTTP+SSE", opens: "http-sse-roundtrip" };
const WEBSOCKET: Way =
    Way { transport: Transport::Websocket, era: None, words: "WebSocket", opens: "ws-mcp-roundtrip" };
const FEED: Way =
    Way { transport: Transport::EventStream, era: None, words: "event stream", opens: "sse-content-type" };

/// The families and the ways each of them knows, the preferred one first.
const FAMILIES: &[(&str, &str, &[Way])] = &[
    ("modern", "clients of the modern era alone", &[MODERN]),
    ("legacy", "clients of the legacy era alone", &[LEGACY]),
    ("dual", "clients of both eras", &[MODERN, LEGACY]),
    ("http-sse", "clients of HTTP+SSE", &[HTTP_SSE]),
    ("websocket", "clients that were made for MCP over WebSocket", &[WEBSOCKET]),
    ("event-source", "readers of event streams", &[FEED]),
];

/// A failure that stops every client on the way that it was seen on; of one cause only, where one is named.
#[derive(Clone, Copy, Debug)]
pub struct Stopper {
    /// Id of the check.
    pub check: &'static str,
    /// The cause that stops clients; none: whatever the cause.
    pub when: Option<&'static str>,
}

const fn stops(check: &'static str) -> Stopper {
    Stopper { check, when: None }
}

/// What stopped real clients: connecting or listing failed wherever one of these did.
pub const STOPPERS: &[Stopper] = &[
    stops("tls-cert-valid"),
    stops("rpc-envelope-valid"),
    stops("sh-post-response-type"),
    stops("sh-sse-data-is-jsonrpc"),
    stops("modern-discover"),
    stops("modern-no-connection-state"),
    stops("legacy-initialize"),
    stops("legacy-session-multi-connection"),
    stops("http-sse-endpoint-first"),
    stops("http-sse-endpoint-usable"),
    stops("http-sse-roundtrip"),
    stops("sse-content-type"),
    stops("sse-grammar"),
    Stopper { check: "auth-challenge-401", when: Some("oauth") },
    Stopper { check: "cap-matches-handlers", when: Some("tools-refused") },
    stops("ws-handshake"),
    stops("ws-mcp-roundtrip"),
];

impl Client {
    /// The family in words.
    #[must_use]
    pub fn words(&self) -> &str {
        let known = FAMILIES.iter().find(|(name, ..)| *name == self.family);
        known.map_or(self.family.as_str(), |(_, words, _)| words)
    }

    /// Whether it can, in a word.
    #[must_use]
    pub const fn verdict(&self) -> &'static str {
        match self.can {
            Some(true) => "can",
            Some(false) => "cannot",
            None => "not known",
        }
    }
}

/// The families that may meet an endpoint of this class. `eras` tells on which eras a finding was made, where
/// its evidence says.
#[must_use]
pub fn clients(
    class: &Classification,
    findings: &[Finding],
    eras: &dyn Fn(&Finding) -> Vec<Era>,
) -> Vec<Client> {
    let families: &[&str] = match class.kind {
        Kind::Modern | Kind::Legacy | Kind::Dual | Kind::HttpSse | Kind::AuthGated => {
            &["modern", "legacy", "dual", "http-sse"]
        }
        Kind::McpWebsocket => &["modern", "legacy", "dual", "http-sse", "websocket"],
        Kind::EventStream => &["event-source"],
        _ => &[],
    };
    let known = FAMILIES.iter().filter(|(name, ..)| families.contains(name));
    known.map(|(name, _, ways)| client(name, ways, class, findings, eras)).collect()
}

fn client(
    name: &str,
    ways: &[Way],
    class: &Classification,
    findings: &[Finding],
    eras: &dyn Fn(&Finding) -> Vec<Era>,
) -> Client {
    let family = name.to_owned();
    if class.kind == Kind::AuthGated {
        let why = vec!["behind authentication: what is served there was not seen".to_owned()];
        return Client { family, can: None, why };
    }
    let offered: Vec<&Way> = ways.iter().filter(|way| way.offered(class)).collect();
    if offered.is_empty() {
        let words: Vec<&str> = ways.iter().map(|way| way.words).collect();
        return Client {
            family,
            can: Some(false),
            why: vec![format!("{} is not served", words.join(" or "))],
        };
    }
    let (mut why, mut open, mut unknown) = (Vec::new(), false, false);
    for way in offered {
        let stopped: Vec<&str> = findings
            .iter()
            .filter(|finding| stopper(finding) && way.meets(finding, eras))
            .map(|finding| finding.check.id)
            .collect();
        let opens = findings.iter().find(|finding| finding.check.id == way.opens);
        if !stopped.is_empty() {
            why.extend(stopped.iter().map(|id| format!("{id} fails ({})", way.words)));
        } else if opens
            .is_some_and(|finding| matches!(finding.status, Status::Pass | Status::Warn | Status::Info))
        {
            open = true;
        } else {
            unknown = true;
            why.push(format!("{} was not judged ({})", way.opens, way.words));
        }
    }
    let can = match (open, unknown) {
        (true, _) => Some(true),
        (false, true) => None,
        (false, false) => Some(false),
    };
    why.dedup();
    Client { family, can, why }
}

fn stopper(finding: &Finding) -> bool {
    finding.status == Status::Fail
        && STOPPERS.iter().any(|stop| {
            stop.check == finding.check.id && stop.when.is_none_or(|when| finding.cause == Some(when))
        })
}

impl Way {
    fn offered(&self, class: &Classification) -> bool {
        class.transports.contains(&self.transport) && self.era.is_none_or(|era| class.eras.contains(&era))
    }

    /// Whether a finding speaks of this way.
    fn meets(&self, finding: &Finding, eras: &dyn Fn(&Finding) -> Vec<Era>) -> bool {
        let applies = &finding.check.applies;
        let carried = applies.transports.is_empty() || applies.transports.contains(&self.transport);
        let Some(era) = self.era else { return carried };
        let of_era = match applies.era {
            Some(of) => of == era,
            None => {
                let seen = eras(finding);
                seen.is_empty() || seen.contains(&era)
            }
        };
        carried && of_era
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks;
    use crate::checks::synthetic::Scan;
    use crate::facts::Readings;

    /// The finding of a registered check.
    fn found(id: &str, status: Status, cause: Option<&'static str>) -> Finding {
        let check = checks::by_id(id).unwrap();
        Finding {
            check,
            status,
            message: String::new(),
            severity: check.severity,
            evidence: Vec::new(),
            unstable: false,
            cause,
            charged_to: None,
        }
    }

    fn told(scan: &Scan, findings: &[Finding], eras: &[Era]) -> Vec<(String, Option<bool>)> {
        let readings = Readings::new(&scan.transcript);
        clients(readings.classification(), findings, &|_| eras.to_vec())
            .into_iter()
            .map(|client| (client.family, client.can))
            .collect()
    }

    fn expected(can: [Option<bool>; 4]) -> Vec<(String, Option<bool>)> {
        ["modern", "legacy", "dual", "http-sse"].map(str::to_owned).into_iter().zip(can).collect()
    }

    #[test]
    fn an_era_that_is_not_served_is_closed_to_clients_that_know_no_other() {
        let opens = [found("modern-discover", Status::Pass, None)];
        let modern = told(&Scan::modern(), &opens, &[]);
        assert_eq!(modern, expected([Some(true), Some(false), Some(true), Some(false)]));
    }

    #[test]
    fn a_failure_stops_the_clients_of_the_era_it_was_seen_in() {
        let opens = |more: Finding| {
            [
                found("modern-discover", Status::Pass, None),
                found("legacy-initialize", Status::Pass, None),
                more,
            ]
        };
        let dual = Scan::dual(false);
        let envelope = opens(found("rpc-envelope-valid", Status::Fail, None));
        let yes = Some(true);
        assert_eq!(told(&dual, &envelope, &[Era::Legacy]), expected([yes, Some(false), yes, Some(false)]));
        let both = [Era::Legacy, Era::Modern];
        assert_eq!(told(&dual, &envelope, &both), expected([Some(false); 4]));
        // A cause that stops nobody, and a warning, stop nobody.
        for harmless in [
            found("cap-matches-handlers", Status::Fail, Some("prompts-refused")),
            found("rpc-envelope-valid", Status::Warn, None),
        ] {
            assert_eq!(told(&dual, &opens(harmless), &both), expected([yes, yes, yes, Some(false)]));
        }
        let tools = opens(found("cap-matches-handlers", Status::Fail, Some("tools-refused")));
        assert_eq!(told(&dual, &tools, &both), expected([Some(false); 4]));
    }

    #[test]
    fn what_was_not_judged_is_not_known() {
        let none = Some(false);
        let quiet = [found("modern-discover", Status::Inconclusive, None)];
        assert_eq!(told(&Scan::modern(), &quiet, &[]), expected([None, none, None, none]));
        assert_eq!(told(&Scan::gated(), &[], &[]), expected([None; 4]));
        assert!(told(&Scan::empty(), &[], &[]).is_empty());
    }

    #[test]
    fn stoppers_and_openers_are_registered_with_their_causes() {
        for stop in STOPPERS {
            let check = checks::by_id(stop.check).unwrap();
            assert!(stop.when.is_none_or(|when| check.declares(when)), "{}", stop.check);
        }
        for way in FAMILIES.iter().flat_map(|(_, _, ways)| *ways) {
            assert!(checks::by_id(way.opens).is_some(), "{}", way.opens);
        }
    }
}
