//! What the classification steps showed, taken one by one, and the class that follows.

use std::time::Duration;

use serde_json::Value;
use url::Url;

use super::barrier::{self, Barrier};
use super::class::{Classification, RATE_LIMITED, SERVER_ERROR, ServerInfo};
use super::coding;
use super::delivery;
use super::kind::{Confidence, Kind};
use super::others::{self, Sign};
use super::quote::{Refusal, quoted};
use super::replicas::{self, Repeated};
use super::reply;
use super::steps::{self, Discover, Get, Initialize, Socket};
use crate::protocol::headers;
use crate::protocol::names;
use crate::protocol::revision::{Era, Revision};
use crate::protocol::transport::Transport;
use crate::transcript::{Exchange, Failure, FailureKind, ProbeId, Profile, Transcript};

/// What was seen so far.
#[derive(Default)]
pub(super) struct Seen<'t> {
    modern: Vec<&'t Exchange>,
    modern_aware_only: Option<&'t Exchange>,
    legacy: Vec<&'t Exchange>,
    revisions: Vec<Revision>,
    http_sse: Option<(&'t Exchange, bool)>,
    feed: Option<(&'t Exchange, bool)>,
    feed_ended: Option<&'t Exchange>,
    /// A POST was answered with an event stream that is no reply.
    post_feed: Option<&'t Exchange>,
    held: Option<&'t Exchange>,
    socket: Option<(&'t Exchange, Socket)>,
    /// The upgrade was answered as if it were a plain request.
    not_upgraded: Option<&'t Exchange>,
    /// The upgrade was refused in a way that says nothing else.
    no_socket: Option<&'t Exchange>,
    socket_typed: bool,
    upgrade_asked: bool,
    /// Another protocol, by the exchange that shows it.
    other: Option<(&'t Exchange, Sign)>,
    /// A JSON-RPC error under our id.
    error: Option<&'t Exchange>,
    /// POSTs that were refused with 406.
    unacceptable: Vec<&'t Exchange>,
    gated: Option<&'t Exchange>,
    gated_handshake: bool,
    blocked: Option<&'t Exchange>,
    limited: Option<&'t Exchange>,
    failures: Vec<(&'t Exchange, Failure)>,
    answered: bool,
    spoke: bool,
    server_error: Option<(&'t Exchange, u16)>,
    /// How long a 429 or 5xx asks us to stay away.
    stay_away: Option<Duration>,
    html: Option<&'t Exchange>,
    broken: Option<(&'t Exchange, Failure)>,
    /// A POST whose headers did not come in time.
    silent_post: Option<(&'t Exchange, Failure)>,
    post_answered: Option<&'t Exchange>,
    /// A reply to a POST that a content coding hides, and in words why.
    packed: Option<(&'t Exchange, String)>,
    redirect: Option<(&'t Exchange, u16, String)>,
    server: Option<ServerInfo>,
    /// Whether a request was served again, and none was served once and refused another time.
    repeated: bool,
    /// What else the repetitions showed, as the end of a sentence.
    repetitions: String,
    quick: bool,
    proxy: Option<String>,
}

impl<'t> Seen<'t> {
    /// Reads a transcript; `steps` are its classification steps.
    pub(super) fn read(transcript: &'t Transcript, steps: &[&'t Exchange]) -> Self {
        let quick = transcript.header.profile == Profile::Quick;
        let mut seen = Self { quick, proxy: delivery::proxy(transcript), ..Self::default() };
        for exchange in steps {
            seen.take(exchange);
        }
        // Whoever typed a WebSocket URL was asked there first.
        let first = |step: &str| steps.iter().position(|exchange| exchange.step == step);
        seen.socket_typed =
            first("websocket").is_some_and(|at| first("discover").is_none_or(|other| at < other));
        let conversations = transcript.exchanges.iter().filter(|exchange| {
            matches!(exchange.probe, ProbeId::HttpSse | ProbeId::WebSocket)
                && matches!(exchange.step.as_str(), "initialize" | "discover")
        });
        for exchange in conversations {
            let read = reply::read_in(transcript, exchange);
            seen.read_server_in(&read);
            if let Initialize::Legacy { version: Some(version), .. } = steps::initialize_read(exchange, &read)
            {
                seen.revisions.extend(Revision::parse(&version));
            }
        }
        seen.card(transcript);
        seen.confirm(transcript);
        seen
    }

    fn take(&mut self, exchange: &'t Exchange) {
        self.answered |= exchange.head.is_some();
        self.spoke |= exchange.status().is_some_and(|status| status < 500);
        if barrier::html(exchange) && exchange.ok() {
            self.html.get_or_insert(exchange);
        }
        let failed = exchange.failure.as_ref().filter(|failure| failure.kind != FailureKind::Cancelled);
        if let (Some(failure), true) = (failed, exchange.head.is_some()) {
            self.broken.get_or_insert((exchange, failure.clone()));
        }
        if self.other.is_none() && exchange.status() != Some(101) {
            self.other = others::read(exchange).map(|sign| (exchange, sign));
        }
        if exchange.request.method == "POST" {
            self.take_post(exchange, failed);
        }
        match exchange.step.as_str() {
            "discover" | "discover-retry" => self.take_discover(exchange),
            "discover-bare" if barrier::barrier(exchange) == Some(Barrier::Gated) => {
                self.gated.get_or_insert(exchange);
            }
            "discover-list" if steps::proves_modern(exchange) => {
                self.modern.push(exchange);
                self.revisions.push(Revision::NEWEST_MODERN);
            }
            "initialize" | "initialize-retry" => match steps::initialize(exchange) {
                Initialize::Legacy { version, .. } => {
                    self.legacy.push(exchange);
                    self.revisions.extend(version.as_deref().and_then(Revision::parse));
                    self.read_server(exchange);
                }
                Initialize::Barrier(barrier) => {
                    self.gated_handshake |= barrier == Barrier::Gated;
                    self.take_barrier(exchange, barrier);
                }
                Initialize::Refused { .. } | Initialize::No => {}
            },
            "get" => match steps::get(exchange) {
                Get::HttpSse { declared, .. } => self.http_sse = Some((exchange, declared)),
                // A stream behind a gated POST may be a side door of the same server; what speaks no
                // JSON-RPC is a feed of its own.
                Get::Stream { .. } if self.gated.is_some() && !barrier::feeds(exchange) => {}
                Get::Stream { declared } => self.feed = Some((exchange, declared)),
                Get::Ended => self.feed_ended = Some(exchange),
                Get::Held => self.held = Some(exchange),
                Get::Barrier(barrier) => self.take_barrier(exchange, barrier),
                Get::Upgrade => self.upgrade_asked = true,
                Get::No => {}
            },
            "websocket" | "websocket-retry" => self.take_socket(exchange),
            _ => {}
        }
    }

    fn take_post(&mut self, exchange: &'t Exchange, failed: Option<&Failure>) {
        if exchange.head.is_some() {
            self.post_answered.get_or_insert(exchange);
        }
        if barrier::spoke(exchange) {
            // What a handshake is refused with says more than that discovery is not known.
            let better = exchange.step.starts_with(names::INITIALIZE);
            self.error = self.error.filter(|_| !better).or(Some(exchange));
        }
        if exchange.status() == Some(406) {
            self.unacceptable.push(exchange);
        }
        let stream = exchange.ok() && barrier::essence(exchange).as_deref() == Some("text/event-stream");
        let replied = || {
            let read = reply::read(exchange);
            read.answer.is_some() || read.lenient.is_some()
        };
        if stream && (barrier::feeds(exchange) || !replied()) {
            self.post_feed.get_or_insert(exchange);
        }
        if let (Some(words), None) = (coding::unread(exchange), &self.packed) {
            self.packed = Some((exchange, words));
        }
        let late = |failure: &&Failure| failure.kind == FailureKind::HeaderTimeout;
        if let (Some(failure), None) = (failed.filter(late), &self.silent_post) {
            self.silent_post = Some((exchange, failure.clone()));
        }
    }

    fn take_discover(&mut self, exchange: &'t Exchange) {
        match steps::discover(exchange) {
            Discover::Modern { versions } => {
                self.modern.push(exchange);
                self.revisions.extend(versions.iter().filter_map(|version| Revision::parse(version)));
                self.revisions.push(Revision::NEWEST_MODERN);
                self.read_server(exchange);
            }
            Discover::ModernError { supported, .. } => {
                let speaks_ours = supported.is_empty()
                    || supported.iter().any(|version| version.as_str() >= Revision::NEWEST_MODERN.as_str());
                if speaks_ours {
                    self.modern.push(exchange);
                } else {
                    self.modern_aware_only = Some(exchange);
                }
            }
            Discover::PreRelease => self.modern.push(exchange),
            Discover::Barrier(barrier) => self.take_barrier(exchange, barrier),
            Discover::Lacking | Discover::Candidate | Discover::No => {}
        }
    }

    fn take_socket(&mut self, exchange: &'t Exchange) {
        match steps::socket(exchange) {
            Socket::Barrier(barrier) => self.take_barrier(exchange, barrier),
            Socket::No => self.no_socket = self.no_socket.or(Some(exchange)),
            Socket::NotUpgraded => self.not_upgraded = self.not_upgraded.or(Some(exchange)),
            found => {
                if let Socket::Mcp { version, .. } = &found {
                    self.revisions.extend(version.as_deref().and_then(Revision::parse));
                }
                if !matches!(self.socket, Some((_, Socket::Mcp { .. } | Socket::Plain))) {
                    self.socket = Some((exchange, found));
                }
            }
        }
    }

    fn take_barrier(&mut self, exchange: &'t Exchange, barrier: Barrier) {
        if matches!(barrier, Barrier::RateLimited | Barrier::ServerError(_)) {
            let asked = exchange.header("retry-after").and_then(headers::retry_after);
            self.stay_away = self.stay_away.max(asked.filter(|wait| !wait.is_zero()));
        }
        match barrier {
            Barrier::Gated => self.gated = self.gated.or(Some(exchange)),
            Barrier::Blocked => self.blocked = self.blocked.or(Some(exchange)),
            Barrier::RateLimited => self.limited = self.limited.or(Some(exchange)),
            Barrier::ServerError(status) => {
                self.server_error = self.server_error.or(Some((exchange, status)));
            }
            Barrier::Failed(failure) => self.failures.push((exchange, failure)),
            Barrier::Redirect { status, location } => {
                self.redirect.get_or_insert((exchange, status, crate::verdict::cut(&location)));
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

    /// The card of an A2A agent at the origin names this endpoint if JSON-RPC answers here, or if it says so.
    fn card(&mut self, transcript: &'t Transcript) {
        let path = |url: &str| Url::parse(url).map(|url| url.path().trim_end_matches('/').to_owned()).ok();
        let here = path(&transcript.header.url);
        let found = transcript.exchanges.iter().find_map(|exchange| {
            let card = (exchange.step == "agent-card" && exchange.ok()).then(|| exchange.text())??;
            let card = crate::protocol::jsonrpc::parse(card).ok().filter(others::agent_card)?;
            let named = others::interfaces(&card).into_iter().any(|url| path(url) == here);
            (named || self.error.is_some()).then_some(exchange)
        });
        if let (None, Some(exchange)) = (&self.other, found) {
            let what = "its agent card is at /.well-known/agent-card.json";
            self.other = Some((exchange, Sign { protocol: others::Protocol::A2a, what }));
        }
    }

    /// The repeats that give confidence, and version negotiation, which also shows the legacy revisions.
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
        let repeated = replicas::repeated(transcript);
        let differs = repeated.iter().find(|group| group.differs());
        self.repeated = differs.is_none() && repeated.iter().any(Repeated::confirmed);
        self.repetitions = match differs {
            Some(group) => mixed(group),
            None if self.repeated => String::new(),
            None => refused_after(transcript),
        };
    }

    /// The class that follows.
    pub(super) fn conclude(mut self, endpoint: String) -> Classification {
        self.revisions.sort();
        self.revisions.dedup();
        let mut class = Classification {
            kind: Kind::None,
            transports: Vec::new(),
            revisions: std::mem::take(&mut self.revisions),
            eras: Vec::new(),
            protocol: None,
            confidence: Confidence::Confirmed,
            reason: String::new(),
            endpoint,
            found_at: Vec::new(),
            server: self.server.take(),
            failure: None,
            credential_refused: false,
            refusal: None,
            evidence: Vec::new(),
        };
        let (modern, legacy) = (!self.modern.is_empty(), !self.legacy.is_empty());
        // A handshake that a barrier stopped says more than an error of discovery before it.
        let error = self.error.filter(|_| !self.gated_handshake);
        if modern || legacy {
            self.conclude_streamable(&mut class, modern, legacy);
        } else if let Some((exchange, declared)) = self.http_sse {
            class.kind = Kind::HttpSse;
            class.transports = vec![Transport::HttpSse];
            class.eras = vec![Era::Legacy];
            // The transport is of this revision, whatever the messages are.
            if !class.revisions.contains(&Revision::V2024_11_05) {
                class.revisions.insert(0, Revision::V2024_11_05);
            }
            class.evidence.push(exchange.id);
            class.confidence = if declared { Confidence::Confirmed } else { Confidence::Suspected };
            class.reason = "the event stream on GET announced a message endpoint".to_owned();
        } else if let Some((exchange, Socket::Mcp { era, .. })) = &self.socket {
            class.kind = Kind::McpWebsocket;
            class.transports = vec![Transport::Websocket];
            class.eras = vec![*era];
            class.evidence.push(exchange.id);
            class.reason = "the upgrade was accepted and MCP answered on the socket".to_owned();
        } else if let Some((exchange, sign)) = &self.other {
            class.kind = Kind::Other;
            class.protocol = Some(sign.protocol);
            let stream = |exchange: &Exchange| exchange.lines().is_some();
            if stream(exchange) || self.feed.is_some() {
                class.transports = vec![Transport::EventStream];
            }
            class.evidence.push(exchange.id);
            class.confidence = Confidence::Suspected;
            class.reason = sign.what.to_owned();
        } else if let Some(exchange) = error {
            class.kind = Kind::Mcp;
            class.confidence = Confidence::Suspected;
            class.evidence.push(exchange.id);
            class.reason = format!(
                "a JSON-RPC error answers under our id, so the protocol is spoken, and nothing was served that \
                 shows an era{}{}",
                quoted(exchange),
                if barrier::wants_credential(exchange) { "; it may want a credential" } else { "" }
            );
        } else if let Some((exchange, declared)) = self.feed {
            self.conclude_feed(&mut class, exchange, declared);
        } else if let Some(exchange) = self.gated {
            class.kind = Kind::AuthGated;
            class.evidence.push(exchange.id);
            class.reason = format!("the endpoint asks for a credential{}", quoted(exchange));
        } else {
            self.conclude_rest(&mut class);
        }
        if let Some((exchange, Socket::Mcp { .. } | Socket::Plain)) = &self.socket
            && !class.transports.contains(&Transport::Websocket)
        {
            class.transports.push(Transport::Websocket);
            class.evidence.push(exchange.id);
        }
        self.refusal(&mut class);
        class
    }

    /// The refusal that the class rests on.
    fn refusal(&self, class: &mut Classification) {
        let rests_on = match class.kind {
            Kind::AuthGated => self.gated,
            Kind::Blocked => self.blocked.or(self.limited),
            Kind::Mcp => self.error.or(self.unacceptable.first().copied()),
            Kind::None => self.post_answered.or(self.no_socket),
            _ => None,
        };
        let refused = |exchange: &&Exchange| {
            exchange.status().is_some_and(|status| status == 101 || status >= 400) || barrier::spoke(exchange)
        };
        class.refusal = rests_on.filter(refused).and_then(Refusal::of);
    }

    fn conclude_feed(&self, class: &mut Classification, exchange: &Exchange, declared: bool) {
        class.kind = Kind::EventStream;
        class.transports = vec![Transport::EventStream];
        class.evidence.push(exchange.id);
        let silent = exchange.lines().is_none_or(|lines| lines.iter().all(|line| line.text.is_empty()));
        class.confidence = if declared && !silent { Confidence::Confirmed } else { Confidence::Suspected };
        class.reason = if silent {
            let before = self.proxy.as_ref().map_or_else(String::new, |proxy| {
                format!("; {proxy} stands before it and may hold the bytes back")
            });
            format!(
                "GET opened an event stream and no byte of it came, so what it carries is not known{before}"
            )
        } else {
            "GET is answered with an event stream that speaks no MCP".to_owned()
        };
        if let Some((_, failure)) = self.posts_unanswered() {
            class.reason.push_str(&format!("; no POST was answered ({})", failure.words()));
        } else if let Some((_, words)) = &self.packed {
            class.reason.push_str(&format!("; a POST was answered, but {words}"));
        }
    }

    fn conclude_streamable(&self, class: &mut Classification, modern: bool, legacy: bool) {
        class.kind = match (modern, legacy) {
            (true, true) => Kind::Dual,
            (true, false) => Kind::Modern,
            _ => Kind::Legacy,
        };
        class.transports = vec![Transport::StreamableHttp];
        if let Some((exchange, _)) = self.http_sse {
            class.transports.push(Transport::HttpSse);
            class.evidence.push(exchange.id);
        }
        class.eras.extend(modern.then_some(Era::Modern));
        class.eras.extend(legacy.then_some(Era::Legacy));
        class.evidence.extend(self.modern.first().map(|exchange| exchange.id));
        class.evidence.extend(self.legacy.first().map(|exchange| exchange.id));
        class.confidence = if self.repeated { Confidence::Confirmed } else { Confidence::Suspected };
        class.reason = match (class.kind, self.gated) {
            (Kind::Dual, _) => "server/discover and initialize are both answered".to_owned(),
            (Kind::Modern, _) => {
                "server/discover (or a modern error) is answered, initialize is not".to_owned()
            }
            (_, Some(gated)) if gated.step == "discover" => {
                format!("initialize is answered, and server/discover asks for a credential{}", quoted(gated))
            }
            _ => "initialize is answered, server/discover is not".to_owned(),
        };
        if let Some(refused) = self.unacceptable.first() {
            class.evidence.push(refused.id);
            class.reason.push_str(&format!("; with our usual Accept it refuses{}", quoted(refused)));
        }
        class.reason.push_str(&self.repetitions);
        if let Some((exchange, words)) = &self.packed {
            class.evidence.push(exchange.id);
            class.reason.push_str(&format!("; of another request {words}"));
        }
    }

    fn conclude_rest(&mut self, class: &mut Classification) {
        let stream = |class: &mut Classification, exchange: &Exchange, reason: &str| {
            class.kind = Kind::EventStream;
            class.transports = vec![Transport::EventStream];
            class.evidence.push(exchange.id);
            class.confidence = Confidence::Suspected;
            class.reason = reason.to_owned();
        };
        if let Some((exchange, socket)) = self.socket.as_ref().filter(|(_, socket)| *socket != Socket::No) {
            class.kind = Kind::Websocket;
            class.transports = vec![Transport::Websocket];
            class.evidence.push(exchange.id);
            let plain = *socket == Socket::Plain;
            class.confidence = if plain { Confidence::Confirmed } else { Confidence::Suspected };
            class.reason = if plain {
                "the upgrade was accepted, and no MCP answered on the socket".to_owned()
            } else {
                let quote = quoted(exchange);
                format!("the endpoint asks for a WebSocket upgrade that it did not grant us{quote}")
            };
        } else if let Some(exchange) = self.not_upgraded.filter(|_| self.socket_typed || self.upgrade_asked) {
            class.kind = Kind::Websocket;
            class.transports = vec![Transport::Websocket];
            class.evidence.push(exchange.id);
            class.confidence = Confidence::Suspected;
            class.reason = match self.broken.as_ref().filter(|(broken, _)| broken.id == exchange.id) {
                Some((_, failure)) => {
                    format!("a WebSocket is meant to be here, and its handshake fails: {}", failure.words())
                }
                None => "a WebSocket is meant to be here, and the upgrade is answered with 200".to_owned(),
            };
        } else if let Some(refused) = self.unacceptable.first().filter(|_| self.unacceptable.len() > 1) {
            class.kind = Kind::Mcp;
            class.confidence = Confidence::Suspected;
            class.evidence.push(refused.id);
            class.reason = format!(
                "it refuses our Accept header, which names both application/json and text/event-stream, in either \
                 order{}",
                quoted(refused)
            );
        } else if let Some((exchange, words)) = &self.packed {
            class.kind = Kind::Mcp;
            class.confidence = Confidence::Suspected;
            class.evidence.push(exchange.id);
            class.reason = format!(
                "a request of MCP was answered, but {words}: it could not be read, so nothing more is known"
            );
        } else if let Some(exchange) = self.feed_ended {
            stream(
                class,
                exchange,
                "GET is answered with 204, which tells feed clients to stop reconnecting",
            );
        } else if let Some(exchange) = self.post_feed {
            let reason = if barrier::feeds(exchange) {
                "POST is answered with an event stream that speaks no MCP"
            } else {
                "POST is answered with an event stream, and no event with data came, so what it carries is not known"
            };
            stream(class, exchange, reason);
        } else if let (Some(exchange), true, false) = (self.held, self.answered, self.quick) {
            stream(class, exchange, "GET is held open without an answer while other requests are answered");
        } else if let Some(exchange) = self.blocked {
            class.kind = Kind::Blocked;
            class.evidence.push(exchange.id);
            let certain = barrier::firewall(exchange).is_some() || barrier::name_refused(exchange);
            if !certain && exchange.status() != Some(407) {
                class.confidence = Confidence::Suspected;
            }
            class.reason = why_blocked(exchange);
        } else if let Some(exchange) = self.limited {
            class.kind = Kind::Blocked;
            class.evidence.push(exchange.id);
            class.reason = format!("{RATE_LIMITED}{}{}", quoted(exchange), self.asked());
        } else if !self.answered {
            self.conclude_unreachable(class);
        } else {
            class.kind = Kind::None;
            class.reason = self.why_none();
            class.evidence.extend(self.posts_unanswered().map(|(exchange, _)| exchange.id));
            let shown = self.html.or(self.modern_aware_only);
            let shown = shown.or(self.server_error.map(|(exchange, _)| exchange));
            class.evidence.extend(shown.map(|exchange| exchange.id));
            if class.evidence.is_empty() {
                let broken = self.broken.as_ref().map(|(exchange, _)| exchange.id);
                class.evidence.extend(broken.or(self.redirect.as_ref().map(|(exchange, ..)| exchange.id)));
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
        if let Some((exchange, failure)) = failure {
            class.evidence.push(exchange.id);
            class.reason = failure.words();
            class.failure = Some(failure.clone());
        } else {
            class.reason = "no answer came".to_owned();
        }
    }

    /// The first POST, where every one was awaited in vain: what answers other requests then says little
    /// about the endpoint.
    fn posts_unanswered(&self) -> Option<&(&'t Exchange, Failure)> {
        self.silent_post.as_ref().filter(|_| self.post_answered.is_none())
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
            // The short silence that a quick scan waits for proves nothing.
            return "a GET is held open without an answer; scan with the standard profile".to_owned();
        }
        if let (Some((exchange, status)), false) = (self.server_error, self.spoke) {
            // RFC 9110 sections 15.6.3 and 15.6.5.
            let by = match status {
                502 | 504 => "a proxy before the endpoint got no valid answer from it",
                _ => "that says nothing about what speaks here",
            };
            // Its status stands before it already.
            let quote = Some(quoted(exchange)).filter(|quote| *quote != format!(" ({status})"));
            let quote = quote.unwrap_or_default();
            let may = if barrier::wants_credential(exchange) { "; it may want a credential" } else { "" };
            return format!("{SERVER_ERROR}{status}: {by}{quote}{may}{}", self.asked());
        }
        let quote = self.post_answered.filter(|exchange| !exchange.ok()).map_or_else(String::new, quoted);
        if self.html.is_some() {
            return format!(
                "HTML, not MCP: a web page answers here (a wrong path, a single-page app or a captive portal){}",
                if quote.is_empty() { quote } else { format!("; POST is refused{quote}") }
            );
        }
        if let Some((_, failure)) = &self.broken {
            return format!("an answer came that could not be read: {}", failure.words());
        }
        if let Some((_, status, location)) = &self.redirect {
            let to = if location.is_empty() { "nowhere" } else { location };
            return format!("it redirects ({status}) to {to}, where we do not follow");
        }
        if let Some(exchange) = self.no_socket.filter(|_| self.socket_typed) {
            return format!(
                "no WebSocket is here, or none for us: the upgrade is refused{}",
                quoted(exchange)
            );
        }
        format!("HTTP answers{quote}, but no MCP, no event stream and no WebSocket")
    }
}

fn why_blocked(exchange: &Exchange) -> String {
    let quote = quoted(exchange);
    if let Some(mark) = barrier::firewall(exchange) {
        return format!(
            "a web application firewall or bot challenge answers ({mark}), not the endpoint; we do not evade \
             it{quote}"
        );
    }
    if exchange.status() == Some(407) {
        return format!(
            "a proxy before the endpoint refuses us: it wants a credential of its own (407){quote}"
        );
    }
    if barrier::name_refused(exchange) {
        return format!("the Host or Origin by which we asked is not on the server's list{quote}");
    }
    let refusal = Refusal::of(exchange);
    if let Some(name) = refusal.as_ref().and_then(|refusal| refusal.other_name(&exchange.request.url)) {
        return format!(
            "403 without a challenge{quote}: it names {name}, and it was asked by another name of this machine"
        );
    }
    let address = refusal.and_then(|refusal| refusal.address());
    let address =
        address.map_or_else(String::new, |address| format!(", and {address} is the address it names"));
    format!(
        "403 without a challenge{quote}{address}; possible causes are a rule for Host or Origin, a firewall, or a \
         framework's answer to a missing credential"
    )
}

fn mixed(group: &Repeated<'_>) -> String {
    let refused = group.refused.first().map_or_else(String::new, |exchange| quoted(exchange));
    format!(
        "; repetitions of the same {} differ, {} served and {} refused{refused}: what answers here is mixed",
        group.method,
        group.served.len(),
        group.refused.len()
    )
}

/// What the calls after the handshake met, where none was served.
fn refused_after(transcript: &Transcript) -> String {
    let calls = transcript.exchanges.iter().filter(|exchange| {
        matches!(exchange.probe, ProbeId::IdEcho | ProbeId::Connections | ProbeId::Catalogue)
            && exchange.head.is_some()
    });
    let mut refused: Vec<&Exchange> = Vec::new();
    for exchange in calls {
        if reply::read(exchange).served() {
            return String::new();
        }
        refused.push(exchange);
    }
    match refused.as_slice() {
        [first, _, ..] if refused.iter().all(|exchange| exchange.status() == Some(429)) => {
            format!("; after that 429 limits our request rate{}", quoted(first))
        }
        [first, _, ..] => format!("; the calls after it were refused{}", quoted(first)),
        _ => String::new(),
    }
}
