//! What would be sent, and how much at most: the ledger's shares and `scan --plan`.

use crate::transcript::{ProbeId, Profile};

/// One probe of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The probe.
    pub probe: ProbeId,
    /// What it sends, in one line.
    pub what: &'static str,
    /// Most requests.
    pub most: u32,
}

/// The plan of a profile, in running order. Probes that do not apply to what is found send nothing.
#[must_use]
pub fn plan(profile: Profile) -> Vec<Planned> {
    let quick = profile == Profile::Quick;
    let row = |probe, what, in_quick, in_standard| Planned {
        probe,
        what,
        most: if quick { in_quick } else { in_standard },
    };
    vec![
        row(
            ProbeId::Classify,
            "server/discover, initialize, GET for an event stream, WebSocket upgrade; each once, follow-ups as needed",
            12,
            18,
        ),
        row(
            ProbeId::HttpSse,
            "HTTP+SSE only: a few streams (each a session), initialize, initialized and ping on them",
            20,
            20,
        ),
        row(
            ProbeId::WebSocket,
            "WebSocket only: a few upgrades; MCP messages: server/discover, or initialize, initialized, ping",
            20,
            20,
        ),
        row(
            ProbeId::Siblings,
            "the same on usual sibling paths, only where nothing answers (or with --discover); Streamable HTTP also beside the other MCP transports",
            12,
            20,
        ),
        row(
            ProbeId::EraUse,
            "legacy era only: ping; an advertised list where the ping is refused or no list follows; both again on fresh connections where all is refused",
            6,
            6,
        ),
        row(
            ProbeId::Catalogue,
            "tools/list and the other lists; completion/complete with an invented reference",
            9,
            30,
        ),
        row(
            ProbeId::Connections,
            "a list (modern) or the cheapest call (legacy) on fresh connections",
            10,
            18,
        ),
        row(ProbeId::LegacyVersions, "initialize with three published revisions and 1999-01-01", 4, 4),
        row(ProbeId::LegacySessions, "a list in a live, an invented and a deleted session", 4, 4),
        row(
            ProbeId::LegacyGet,
            "GET for the event stream of a legacy session; again where it ends while it is watched",
            1,
            3,
        ),
        row(
            ProbeId::Idle,
            "a feed, or the stream of HTTP+SSE, again where it ends while it is watched",
            0,
            2,
        ),
        row(
            ProbeId::Resume,
            "ping (or tools/list) answered by a stream, and GET with its first event id; the same id in another session",
            3,
            19,
        ),
        row(ProbeId::FeedResume, "a feed read to its second id, and GET with the first one", 2, 2),
        row(ProbeId::Reconnect, "a stream that is dropped and opened again, up to three times", 0, 7),
        row(ProbeId::Listen, "subscriptions/listen with every advertised type", 2, 2),
        row(
            ProbeId::Delivery,
            "the streams once more with Accept-Encoding: gzip, br; a POST that streams, watched after its response",
            0,
            8,
        ),
        row(
            ProbeId::ModernRules,
            "modern requests with one thing wrong: version, headers, _meta, unknown methods",
            12,
            12,
        ),
        row(ProbeId::ModernMethods, "DELETE with an invented session id, on modern-only endpoints", 1, 1),
        row(ProbeId::IdEcho, "the cheapest request with a number, a string and a non-ASCII id", 3, 6),
        row(
            ProbeId::Browser,
            "the cheapest request with foreign Origin and Host headers, and a CORS preflight; where scripts are let in, a handshake and broken JSON of theirs",
            8,
            13,
        ),
        row(
            ProbeId::Auth,
            "the cheapest requests without the credential, one with a token that nobody issued, and authorization metadata and keys (one GET each)",
            25,
            39,
        ),
        row(ProbeId::Malformed, "broken JSON, JSON that is no request, another JSON-RPC version", 4, 6),
        row(ProbeId::BadInput, "eight forms of bad input, and the cheapest request before and after", 13, 28),
        row(
            ProbeId::ContentType,
            "a request as text/plain, with a foreign Origin, and without a type; Accept and Content-Type in other words",
            5,
            9,
        ),
        row(
            ProbeId::Load,
            "five requests at once, and more one by one if fewer than twenty were sent",
            25,
            25,
        ),
        row(
            ProbeId::Answers,
            "answers to what the endpoint asks of us: an empty result to ping, a refusal to everything else",
            5,
            20,
        ),
        row(ProbeId::Teardown, "DELETE of the sessions that the scan opened", 8, 8),
    ]
}
