//! What speaks at a URL: the combination of the classification steps (CHECKS.md 4.2 and 4.3).

use crate::facts::barrier;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::cards;
use super::coding;
use super::refusal::{NoHead, no_head};
use super::reply;
use super::steps::{self, Discover, Get, Initialize, Socket};

use crate::facts::barrier::Barrier;
use crate::protocol::revision::{Era, Revision};
use crate::protocol::transport::Transport;
use crate::protocol::{headers, jsonrpc, names};
use crate::transcript::{Exchange, Failure, FailureKind, Header, ProbeId, Profile, SkipReason, Transcript};

/// The class of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Streamable HTTP, per-request `_meta` only.
    Modern,
    /// Streamable HTTP, initialize handshake only.
    Legacy,
    /// Streamable HTTP, both eras.
    Dual,
    /// HTTP+SSE of 2024-11-05.
    HttpSse,
    /// A plain event stream.
    EventStream,
    /// MCP over WebSocket.
    McpWebsocket,
    /// A WebSocket that does not speak MCP.
    Websocket,
    /// Needs a credential that was not given (or was refused).
    AuthGated,
    /// Refuses our requests otherwise: 403 without a challenge, or 429 throughout.
    Blocked,
    /// Reachable, and nothing an agent could use.
    None,
    /// Not reachable.
    Unreachable,
}

impl Kind {
    /// The class in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Modern => "MCP Streamable HTTP, modern era",
            Self::Legacy => "MCP Streamable HTTP, legacy era",
            Self::Dual => "MCP Streamable HTTP, both eras",
            Self::HttpSse => "MCP HTTP+SSE (2024-11-05, deprecated)",
            Self::EventStream => "plain event stream (not MCP)",
            Self::McpWebsocket => "MCP over WebSocket",
            Self::Websocket => "plain WebSocket (not MCP)",
            Self::AuthGated => "behind authentication",
            Self::Blocked => "blocked",
            Self::None => "not an agent endpoint",
            Self::Unreachable => "unreachable",
        }
    }

    /// The class as it appears in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Modern => "modern",
            Self::Legacy => "legacy",
            Self::Dual => "dual",
            Self::HttpSse => "http-sse",
            Self::EventStream => "event-stream",
            Self::McpWebsocket => "mcp-websocket",
            Self::Websocket => "websocket",
            Self::AuthGated => "auth-gated",
            Self::Blocked => "blocked",
            Self::None => "none",
            Self::Unreachable => "unreachable",
        }
    }
}

/// How sure the class is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// From hints only: no class is, but the era behind authentication can be (see `era_guess`).
    Guess,
    /// One sign, not confirmed.
    Suspected,
    /// Shown, and shown again where it could be.
    Confirmed,
}

/// Why an endpoint is [`Kind::Blocked`] that answers 429 throughout.
const RATE_LIMITED: &str = "429: the endpoint limits our request rate";
/// How the reason of an endpoint begins that answers 5xx throughout; the status follows.
const SERVER_ERROR: &str = "requests are answered with ";

/// What keeps us out of an endpoint that is there, as far as waiting helps. Read from the reason,
/// which every report carries, also one that was read back from JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shut {
    /// 429: we are too fast.
    RateLimited,
    /// 5xx: it does not work at present.
    Broken,
}

/// Something found beside the URL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Found {
    /// Its URL, masked.
    pub url: String,
    /// What it is, in words.
    pub what: String,
}

/// Name and version as the server states them. Remote text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServerInfo {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
}

/// What speaks here.
#[derive(Clone, Debug)]
pub struct Classification {
    /// The class.
    pub kind: Kind,
    /// Transports seen on this URL, the naming one first.
    pub transports: Vec<Transport>,
    /// Published revisions seen or listed, oldest first.
    pub revisions: Vec<Revision>,
    /// Eras that answered, newest first; empty unless MCP answered.
    pub eras: Vec<Era>,
    /// How sure the class is.
    pub confidence: Confidence,
    /// One sentence: why this class.
    pub reason: String,
    /// The URL that was judged: the typed one, or where its redirect led.
    pub endpoint: String,
    /// What was found beside it.
    pub found_at: Vec<Found>,
    /// What the server calls itself.
    pub server: Option<ServerInfo>,
    /// Why nothing could be reached, for [`Kind::Unreachable`].
    pub failure: Option<Failure>,
    /// Whether the gate refused a credential that was given, for [`Kind::AuthGated`].
    pub credential_refused: bool,
    /// Exchanges that decided it.
    pub evidence: Vec<u32>,
}

impl Classification {
    /// The same with every URL as it has to be typed ([`Header::typed`]).
    #[must_use]
    pub(crate) fn typed(&self, header: &Header) -> Self {
        let mut class = self.clone();
        let found = class.found_at.iter_mut().map(|found| &mut found.url);
        for url in found.chain([&mut class.endpoint]) {
            *url = header.typed(url);
        }
        class
    }

    /// What keeps us out, where waiting helps.
    #[must_use]
    pub fn shut(&self) -> Option<Shut> {
        match self.kind {
            Kind::Blocked if self.reason.starts_with(RATE_LIMITED) => Some(Shut::RateLimited),
            Kind::None if self.reason.starts_with(SERVER_ERROR) => Some(Shut::Broken),
            _ => None,
        }
    }

    /// Whether MCP answered.
    #[must_use]
    pub fn is_mcp(&self) -> bool {
        !self.eras.is_empty()
    }

    /// The newest era that answered.
    #[must_use]
    pub fn newest_era(&self) -> Option<Era> {
        self.eras.first().copied()
    }

    /// Whether Streamable HTTP answered in this era.
    #[must_use]
    pub fn streamable(&self, era: Era) -> bool {
        self.transports.contains(&Transport::StreamableHttp) && self.eras.contains(&era)
    }
}

/// Classifies a transcript.
#[must_use]
pub fn classify(transcript: &Transcript) -> Classification {
    let steps: Vec<&Exchange> =
        transcript.exchanges.iter().filter(|exchange| exchange.probe == ProbeId::Classify).collect();
    let quick = transcript.header.profile == Profile::Quick;
    let mut seen = Seen { quick, ..Seen::default() };
    for exchange in &steps {
        seen.take(exchange);
    }
    // Whoever typed a WebSocket URL was asked there first.
    let first = |step: &str| steps.iter().position(|exchange| exchange.step == step);
    seen.socket_typed = first("websocket").is_some_and(|at| first("discover").is_none_or(|other| at < other));
    let conversations = transcript.exchanges.iter().filter(|exchange| {
        matches!(exchange.probe, ProbeId::HttpSse | ProbeId::WebSocket)
            && matches!(exchange.step.as_str(), "initialize" | "discover")
    });
    for exchange in conversations {
        let read = reply::read_in(transcript, exchange);
        seen.read_server_in(&read);
        if let Initialize::Legacy { version: Some(version), .. } = steps::initialize_read(exchange, &read) {
            seen.revisions.extend(Revision::parse(&version));
        }
    }
    seen.confirm(transcript);
    // The last discover went to the typed URL, or to where its one redirect led.
    let asked = steps.iter().rev().find(|exchange| exchange.step == "discover");
    let endpoint = match asked {
        Some(exchange) if !transcript.header.url.starts_with("ws") => exchange.request.url.clone(),
        _ => transcript.header.url.clone(),
    };
    let mut class = seen.conclude(endpoint);
    class.found_at = found(transcript);
    if let Some(skip) = transcript.skips.iter().find(|skip| skip.reason.whole_target()) {
        skip.reason.words().clone_into(&mut class.reason);
    }
    // Single steps are skipped where nothing else is spoken, whole probes also beside the modern era.
    if transcript.skips.iter().any(|skip| skip.reason == SkipReason::UnknownVersion && skip.step.is_some()) {
        class.reason = format!("{}, so nothing more was asked", SkipReason::UnknownVersion.words());
    }
    if class.kind == Kind::AuthGated {
        // A credential that was sent, and did not open the gate.
        class.credential_refused = steps.iter().any(|exchange| exchange.credentialed());
        if class.credential_refused {
            class.reason = "the endpoint refused the credential that was given".to_owned();
        }
    }
    class
}

#[derive(Default)]
struct Seen {
    modern: Vec<u32>,
    modern_aware_only: Option<u32>,
    legacy: Vec<u32>,
    revisions: Vec<Revision>,
    http_sse: Option<(u32, bool)>,
    feed: Option<(u32, bool)>,
    feed_ended: Option<u32>,
    held: Option<u32>,
    socket: Option<(u32, Socket)>,
    /// The upgrade was answered as if it were a plain request.
    not_upgraded: Option<u32>,
    socket_typed: bool,
    upgrade_asked: bool,
    gated: Option<u32>,
    blocked: Option<u32>,
    limited: Option<u32>,
    failures: Vec<(u32, Failure)>,
    answered: bool,
    spoke: bool,
    server_error: Option<(u32, u16)>,
    /// How long a 429 or 5xx asks us to stay away.
    stay_away: Option<Duration>,
    html: Option<u32>,
    firewall: Option<&'static str>,
    proxy_refused: bool,
    broken: Option<(u32, Failure)>,
    /// A POST whose headers did not come in time.
    silent_post: Option<(u32, Failure)>,
    post_answered: bool,
    /// A reply to a POST that a content coding hides, and in words why.
    packed: Option<(u32, String)>,
    redirect: Option<(u32, u16, String)>,
    server: Option<ServerInfo>,
    repeated: bool,
    mixed: bool,
    quick: bool,
}

impl Seen {
    fn take(&mut self, exchange: &Exchange) {
        self.answered |= exchange.head.is_some();
        self.spoke |= exchange.status().is_some_and(|status| status < 500);
        if barrier::html(exchange) && exchange.ok() {
            self.html.get_or_insert(exchange.id);
        }
        let failed = exchange.failure.as_ref().filter(|failure| failure.kind != FailureKind::Cancelled);
        if let (Some(failure), true) = (failed, exchange.head.is_some()) {
            self.broken.get_or_insert((exchange.id, failure.clone()));
        }
        if exchange.request.method == "POST" {
            self.post_answered |= exchange.head.is_some();
            if let (Some(words), None) = (coding::unread(exchange), &self.packed) {
                self.packed = Some((exchange.id, words));
            }
            let late = |failure: &&Failure| failure.kind == FailureKind::HeaderTimeout;
            if let (Some(failure), None) = (failed.filter(late), &self.silent_post) {
                self.silent_post = Some((exchange.id, failure.clone()));
            }
        }
        match exchange.step.as_str() {
            "discover" | "discover-retry" => self.take_discover(exchange),
            "discover-bare" if barrier::barrier(exchange) == Some(Barrier::Gated) => {
                self.gated.get_or_insert(exchange.id);
            }
            "discover-list" if steps::proves_modern(exchange) => {
                self.modern.push(exchange.id);
                self.revisions.push(Revision::NEWEST_MODERN);
            }
            "initialize" | "initialize-retry" => match steps::initialize(exchange) {
                Initialize::Legacy { version, .. } => {
                    self.legacy.push(exchange.id);
                    self.revisions.extend(version.as_deref().and_then(Revision::parse));
                    self.read_server(exchange);
                }
                Initialize::Barrier(barrier) => self.take_barrier(exchange, barrier),
                Initialize::Refused { .. } | Initialize::No => {}
            },
            "get" => match steps::get(exchange) {
                Get::HttpSse { declared, .. } => self.http_sse = Some((exchange.id, declared)),
                // A stream behind a gated POST may be a side door of the same server; what speaks no
                // JSON-RPC is a feed of its own.
                Get::Stream { .. } if self.gated.is_some() && !feeds(exchange) => {}
                Get::Stream { declared } => self.feed = Some((exchange.id, declared)),
                Get::Ended => self.feed_ended = Some(exchange.id),
                Get::Held => self.held = Some(exchange.id),
                Get::Barrier(barrier) => self.take_barrier(exchange, barrier),
                Get::Upgrade => self.upgrade_asked = true,
                Get::No => {}
            },
            "websocket" | "websocket-retry" => match steps::socket(exchange) {
                Socket::Barrier(barrier) => self.take_barrier(exchange, barrier),
                Socket::No => {}
                Socket::NotUpgraded => drop(self.not_upgraded.get_or_insert(exchange.id)),
                found => {
                    if let Socket::Mcp { version, .. } = &found {
                        self.revisions.extend(version.as_deref().and_then(Revision::parse));
                    }
                    if !matches!(self.socket, Some((_, Socket::Mcp { .. } | Socket::Plain))) {
                        self.socket = Some((exchange.id, found));
                    }
                }
            },
            _ => {}
        }
    }

    fn take_discover(&mut self, exchange: &Exchange) {
        match steps::discover(exchange) {
            Discover::Modern { versions } => {
                self.modern.push(exchange.id);
                self.revisions.extend(versions.iter().filter_map(|version| Revision::parse(version)));
                self.revisions.push(Revision::NEWEST_MODERN);
                self.read_server(exchange);
            }
            Discover::ModernError { supported, .. } => {
                let speaks_ours = supported.is_empty()
                    || supported.iter().any(|version| version.as_str() >= Revision::NEWEST_MODERN.as_str());
                if speaks_ours {
                    self.modern.push(exchange.id);
                } else {
                    self.modern_aware_only = Some(exchange.id);
                }
            }
            Discover::PreRelease => self.modern.push(exchange.id),
            Discover::Barrier(barrier) => self.take_barrier(exchange, barrier),
            Discover::Lacking | Discover::Candidate | Discover::No => {}
        }
    }

    fn take_barrier(&mut self, exchange: &Exchange, barrier: Barrier) {
        let id = exchange.id;
        if matches!(barrier, Barrier::RateLimited | Barrier::ServerError(_)) {
            let asked = exchange.header("retry-after").and_then(headers::retry_after);
            self.stay_away = self.stay_away.max(asked.filter(|wait| !wait.is_zero()));
        }
        match barrier {
            Barrier::Gated => drop(self.gated.get_or_insert(id)),
            Barrier::Blocked => {
                self.blocked.get_or_insert(id);
                self.firewall = self.firewall.or(barrier::firewall(exchange));
                self.proxy_refused |= exchange.status() == Some(407);
            }
            Barrier::RateLimited => drop(self.limited.get_or_insert(id)),
            Barrier::ServerError(status) => drop(self.server_error.get_or_insert((id, status))),
            Barrier::Failed(failure) => self.failures.push((id, failure)),
            Barrier::Redirect { status, location } => {
                self.redirect.get_or_insert((id, status, crate::verdict::cut(&location)));
            }
        }
    }

    fn read_server(&mut self, exchange: &Exchange) {
        self.read_server_in(&reply::read(exchange));
    }

    fn read_server_in(&mut self, read: &reply::Reply) {
        let result = read.result().or(read.lenient.as_ref().and_then(|answer| answer.result()));
        let info = result.and_then(|result| {
            let meta = result.get("_meta").and_then(|meta| meta.get(names::META_SERVER_INFO));
            meta.or_else(|| result.get("serverInfo"))
        });
        let text = |name: &str| {
            info.and_then(|info| info.get(name)).and_then(Value::as_str).map(crate::verdict::cut)
        };
        if let (None, Some(name)) = (&self.server, text("name")) {
            self.server = Some(ServerInfo { name, version: text("version").unwrap_or_default() });
        }
    }

    /// The repeats that give confidence: id echo, fresh connections and version negotiation, which
    /// also shows the legacy revisions.
    fn confirm(&mut self, transcript: &Transcript) {
        for exchange in
            transcript.exchanges.iter().filter(|exchange| exchange.probe == ProbeId::LegacyVersions)
        {
            let read = reply::read_in(transcript, exchange);
            if let Initialize::Legacy { version: Some(version), .. } = steps::initialize_read(exchange, &read)
            {
                self.revisions.extend(Revision::parse(&version));
            }
        }
        let repeats: Vec<bool> = transcript
            .exchanges
            .iter()
            .filter(|exchange| {
                matches!(exchange.probe, ProbeId::IdEcho | ProbeId::Connections)
                    || (exchange.probe == ProbeId::LegacyVersions && exchange.step == "initialize 2025-11-25")
            })
            .filter(|exchange| exchange.head.is_some())
            .map(|exchange| reply::read(exchange).served())
            .collect();
        self.repeated = repeats.iter().filter(|served| **served).count() >= 2;
        self.mixed = !self.repeated && repeats.len() >= 2;
    }

    fn conclude(mut self, endpoint: String) -> Classification {
        self.revisions.sort();
        self.revisions.dedup();
        let mut class = Classification {
            kind: Kind::None,
            transports: Vec::new(),
            revisions: std::mem::take(&mut self.revisions),
            eras: Vec::new(),
            confidence: Confidence::Confirmed,
            reason: String::new(),
            endpoint,
            found_at: Vec::new(),
            server: self.server.take(),
            failure: None,
            credential_refused: false,
            evidence: Vec::new(),
        };
        let (modern, legacy) = (!self.modern.is_empty(), !self.legacy.is_empty());
        if modern || legacy {
            self.conclude_streamable(&mut class, modern, legacy);
        } else if let Some((id, declared)) = self.http_sse {
            class.kind = Kind::HttpSse;
            class.transports = vec![Transport::HttpSse];
            class.eras = vec![Era::Legacy];
            // The transport is of this revision, whatever the messages are.
            if !class.revisions.contains(&Revision::V2024_11_05) {
                class.revisions.insert(0, Revision::V2024_11_05);
            }
            class.evidence.push(id);
            class.confidence = if declared { Confidence::Confirmed } else { Confidence::Suspected };
            class.reason = "the event stream on GET announced a message endpoint".to_owned();
        } else if let Some((id, Socket::Mcp { era, .. })) = &self.socket {
            class.kind = Kind::McpWebsocket;
            class.transports = vec![Transport::Websocket];
            class.eras = vec![*era];
            class.evidence.push(*id);
            class.reason = "the upgrade was accepted and MCP answered on the socket".to_owned();
        } else if let Some((id, declared)) = self.feed {
            class.kind = Kind::EventStream;
            class.transports = vec![Transport::EventStream];
            class.evidence.push(id);
            class.confidence = if declared { Confidence::Confirmed } else { Confidence::Suspected };
            class.reason = "GET is answered with an event stream that speaks no MCP".to_owned();
            if let Some((_, failure)) = self.posts_unanswered() {
                class.reason.push_str(&format!("; no POST was answered ({})", failure.words()));
            } else if let Some((_, words)) = &self.packed {
                class.reason.push_str(&format!("; a POST was answered, but {words}"));
            }
        } else if let Some(id) = self.gated {
            class.kind = Kind::AuthGated;
            class.evidence.push(id);
            class.reason = "the endpoint asks for a credential".to_owned();
        } else {
            self.conclude_rest(&mut class);
        }
        if let Some((id, Socket::Mcp { .. } | Socket::Plain)) = &self.socket
            && !class.transports.contains(&Transport::Websocket)
        {
            class.transports.push(Transport::Websocket);
            class.evidence.push(*id);
        }
        class
    }

    fn conclude_streamable(&self, class: &mut Classification, modern: bool, legacy: bool) {
        class.kind = match (modern, legacy) {
            (true, true) => Kind::Dual,
            (true, false) => Kind::Modern,
            _ => Kind::Legacy,
        };
        class.transports = vec![Transport::StreamableHttp];
        if let Some((id, _)) = self.http_sse {
            class.transports.push(Transport::HttpSse);
            class.evidence.push(id);
        }
        class.eras.extend(modern.then_some(Era::Modern));
        class.eras.extend(legacy.then_some(Era::Legacy));
        class.evidence.extend(self.modern.first());
        class.evidence.extend(self.legacy.first());
        class.confidence = if self.repeated { Confidence::Confirmed } else { Confidence::Suspected };
        class.reason = match class.kind {
            Kind::Dual => "server/discover and initialize are both answered",
            Kind::Modern => "server/discover (or a modern error) is answered, initialize is not",
            _ => "initialize is answered, server/discover is not",
        }
        .to_owned();
        if self.mixed {
            class.reason.push_str("; repetitions were answered differently (a mixed fleet?)");
        }
        if let Some((id, words)) = &self.packed {
            class.evidence.push(*id);
            class.reason.push_str(&format!("; of another request {words}"));
        }
    }

    fn conclude_rest(&mut self, class: &mut Classification) {
        if let Some((id, socket)) = self.socket.as_ref().filter(|(_, socket)| *socket != Socket::No) {
            class.kind = Kind::Websocket;
            class.transports = vec![Transport::Websocket];
            class.evidence.push(*id);
            let plain = *socket == Socket::Plain;
            class.confidence = if plain { Confidence::Confirmed } else { Confidence::Suspected };
            class.reason = if plain {
                "the upgrade was accepted, and no MCP answered on the socket".to_owned()
            } else {
                "the endpoint asks for a WebSocket upgrade that it did not grant us".to_owned()
            };
        } else if let Some(id) = self.not_upgraded.filter(|_| self.socket_typed || self.upgrade_asked) {
            class.kind = Kind::Websocket;
            class.transports = vec![Transport::Websocket];
            class.evidence.push(id);
            class.confidence = Confidence::Suspected;
            class.reason = match self.broken.as_ref().filter(|(broken, _)| *broken == id) {
                Some((_, failure)) => {
                    format!("a WebSocket is meant to be here, and its handshake fails: {}", failure.words())
                }
                None => "a WebSocket is meant to be here, and the upgrade is answered with 200".to_owned(),
            };
        } else if let Some(id) = self.feed_ended {
            class.kind = Kind::EventStream;
            class.transports = vec![Transport::EventStream];
            class.evidence.push(id);
            class.confidence = Confidence::Suspected;
            class.reason =
                "GET is answered with 204, which tells feed clients to stop reconnecting".to_owned();
        } else if let (Some(id), true, false) = (self.held, self.answered, self.quick) {
            class.kind = Kind::EventStream;
            class.transports = vec![Transport::EventStream];
            class.evidence.push(id);
            class.confidence = Confidence::Suspected;
            class.reason = "GET is held open without an answer while other requests are answered".to_owned();
        } else if let Some(id) = self.blocked {
            class.kind = Kind::Blocked;
            class.evidence.push(id);
            class.reason = match self.firewall {
                Some(mark) => format!(
                    "a web application firewall or bot challenge answers ({mark}), not the endpoint; we do not \
                     evade it"
                ),
                None if self.proxy_refused => {
                    "a proxy before the endpoint refuses us: it wants a credential of its own (407)"
                        .to_owned()
                }
                None => "403 without a challenge: a Host, Origin or firewall rule refuses us".to_owned(),
            };
        } else if let Some(id) = self.limited {
            class.kind = Kind::Blocked;
            class.evidence.push(id);
            class.reason = format!("{RATE_LIMITED}{}", self.asked());
        } else if !self.answered {
            self.conclude_unreachable(class);
        } else {
            class.kind = Kind::None;
            class.reason = self.why_none();
            class.evidence.extend(self.posts_unanswered().map(|(id, _)| *id));
            class.evidence.extend(self.packed.as_ref().map(|(id, _)| *id));
            class
                .evidence
                .extend(self.html.or(self.modern_aware_only).or(self.server_error.map(|(id, _)| id)));
            if class.evidence.is_empty() {
                let broken = self.broken.as_ref().map(|(id, _)| *id);
                class.evidence.extend(broken.or(self.redirect.as_ref().map(|(id, ..)| *id)));
            }
        }
    }

    fn conclude_unreachable(&mut self, class: &mut Classification) {
        class.kind = Kind::Unreachable;
        // The first failure is the plainest; one below HTTP says more than one above it.
        let failure = self
            .failures
            .iter()
            .find(|(_, failure)| failure.before_http())
            .or_else(|| self.failures.iter().find(|(_, failure)| failure.kind != FailureKind::Cancelled))
            .or_else(|| self.failures.first());
        if let Some((id, failure)) = failure {
            class.evidence.push(*id);
            class.reason = failure.words();
            class.failure = Some(failure.clone());
        } else {
            class.reason = "no answer came".to_owned();
        }
    }

    /// The first POST, where every one was awaited in vain: what answers other requests then says little
    /// about the endpoint.
    fn posts_unanswered(&self) -> Option<&(u32, Failure)> {
        self.silent_post.as_ref().filter(|_| !self.post_answered)
    }

    /// What `Retry-After` asked for, as the end of a sentence.
    fn asked(&self) -> String {
        self.stay_away.map_or_else(String::new, |wait| {
            format!(", and we are asked to stay away for {} s", wait.as_secs())
        })
    }

    fn why_none(&self) -> String {
        if self.modern_aware_only.is_some() {
            return "the server knows the modern era, but lists no revision that we speak".to_owned();
        }
        if let Some((_, failure)) = self.posts_unanswered() {
            return format!(
                "other requests are answered, but no POST was ({}): the endpoint, or something before it, holds \
                 its replies back",
                failure.words()
            );
        }
        if self.held.is_some() {
            // 300 ms of silence prove nothing (CHECKS.md 4.2, step 3).
            return "a GET is held open without an answer; scan with the standard profile".to_owned();
        }
        if let (Some((_, status)), false) = (self.server_error, self.spoke) {
            // RFC 9110 sections 15.6.3 and 15.6.5.
            let by = match status {
                502 | 504 => "a proxy before the endpoint got no valid answer from it",
                _ => "that says nothing about what speaks here",
            };
            return format!("{SERVER_ERROR}{status}: {by}{}", self.asked());
        }
        if let Some((_, words)) = &self.packed {
            return format!(
                "a request was answered, but {words}: it is not decoded, and nothing more is known"
            );
        }
        if self.html.is_some() {
            return "HTML, not MCP: a web page answers here (a wrong path, a single-page app or a captive portal)"
                .to_owned();
        }
        if let Some((_, failure)) = &self.broken {
            return format!("an answer came that could not be read: {}", failure.words());
        }
        if let Some((_, status, location)) = &self.redirect {
            let to = if location.is_empty() { "nowhere" } else { location };
            return format!("it redirects ({status}) to {to}, where we do not follow");
        }
        "HTTP answers, but no MCP, no event stream and no WebSocket".to_owned()
    }
}

/// Whether a stream brought an event that is no JSON-RPC message.
fn feeds(exchange: &Exchange) -> bool {
    reply::read(exchange).messages.iter().any(|message| {
        message.json.as_ref().map_or(true, |json| !jsonrpc::is_request(json) && !jsonrpc::is_reply(json))
    })
}

/// Whether a sibling step found Streamable HTTP. Behind authentication it is there, too.
#[must_use]
pub fn streamable_beside(exchange: &Exchange) -> bool {
    match exchange.step.split_once(' ').map_or("", |(kind, _)| kind) {
        "discover" => matches!(
            steps::discover(exchange),
            Discover::Modern { .. } | Discover::ModernError { .. } | Discover::Barrier(Barrier::Gated)
        ),
        "initialize" => matches!(steps::initialize(exchange), Initialize::Legacy { .. }),
        _ => false,
    }
}

/// Whether a sibling step was kept from looking: refused for other reasons than that nothing is there, or
/// not answered in time. Where plain HTTP is dropped, there is nothing.
#[must_use]
pub fn not_looked_at(exchange: &Exchange) -> bool {
    match exchange.status() {
        Some(status) => matches!(status, 403 | 429 | 500..),
        None => no_head(exchange, 0) != Some(NoHead::Dropped),
    }
}

/// What the sibling steps found: a path whose reply classifies.
fn found(transcript: &Transcript) -> Vec<Found> {
    let mut found = Vec::new();
    for exchange in transcript.exchanges.iter().filter(|exchange| exchange.probe == ProbeId::Siblings) {
        let what = match exchange.step.split_once(' ').map_or(exchange.step.as_str(), |(kind, _)| kind) {
            "discover" => match steps::discover(exchange) {
                Discover::Modern { .. } | Discover::ModernError { .. } => {
                    Some("MCP Streamable HTTP, modern era")
                }
                Discover::Barrier(Barrier::Gated) => Some("something behind authentication"),
                _ => None,
            },
            "initialize" => match steps::initialize(exchange) {
                Initialize::Legacy { .. } => Some("MCP Streamable HTTP, legacy era"),
                _ => None,
            },
            "get" => match steps::get(exchange) {
                Get::HttpSse { .. } => Some("MCP HTTP+SSE (2024-11-05)"),
                Get::Stream { .. } => Some("an event stream"),
                _ => None,
            },
            "websocket" => match steps::socket(exchange) {
                Socket::Mcp { .. } => Some("MCP over WebSocket"),
                Socket::Plain => Some("a WebSocket"),
                _ => None,
            },
            _ => None,
        };
        if let Some(what) = what {
            let url = exchange.request.url.clone();
            if !found.iter().any(|known: &Found| known.url == url) {
                found.push(Found { url, what: what.to_owned() });
            }
        }
        found.extend(announced(exchange));
    }
    found
}

/// Endpoints that a catalogue, card or metadata document names. Remote-chosen: shown, not contacted.
fn announced(exchange: &Exchange) -> Vec<Found> {
    let Some(text) = exchange.text().filter(|_| exchange.ok()) else { return Vec::new() };
    let Ok(document) = crate::protocol::jsonrpc::parse(text) else { return Vec::new() };
    let named = |url: &str, what: &str| Found { url: crate::verdict::cut(url), what: what.to_owned() };
    let by_card = |card: &Value, by: &str| {
        cards::remotes(card).into_iter().map(|url| named(url, by)).collect::<Vec<_>>()
    };
    match exchange.step.as_str() {
        "card" => by_card(&document, "named by the server card"),
        "catalog" => cards::entries(&document)
            .into_iter()
            .flat_map(|entry| match entry {
                cards::Entry::At(url) => vec![named(url, "a server card that the AI catalog names")],
                cards::Entry::Card(card) => by_card(card, "named by a server card in the AI catalog"),
            })
            .collect(),
        "metadata" => {
            let resource = document.get("resource").and_then(Value::as_str);
            resource.map(|url| named(url, "named by the protected-resource metadata")).into_iter().collect()
        }
        _ => Vec::new(),
    }
}
