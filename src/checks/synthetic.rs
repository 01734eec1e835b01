//! Hand-made transcripts for the tests of checks: `Scan::modern().with(post(..).reply(..)).judge(&CHECK)`.

#![allow(clippy::needless_pass_by_value, missing_debug_implementations, reason = "test support")]

use serde_json::{Value, json};

use crate::check::Check;
use crate::facts::Readings;
use crate::finding::Finding;
use crate::protocol::names;
use crate::protocol::revision::Era;
use crate::protocol::sse::LineDecoder;
use crate::transcript::{
    Connect, Content, Direction, End, Ended, Exchange, Expectation, FORMAT, Failure, FailureKind, Frame,
    FrameKind, Head, Header, Limits, Phase, ProbeId, Profile, Request, Skip, SkipReason, Tls, TokenKind,
    TokenShape, Tool, Transcript,
};

/// A transcript being made. Every exchange added takes 10 ms and starts where the last one ended.
pub struct Scan {
    /// What has been made so far.
    pub transcript: Transcript,
    now_us: u64,
}

/// The URL of every synthetic endpoint.
pub const URL: &str = "http://127.0.0.1:8080/mcp";

impl Scan {
    /// A scan of [`URL`] (loopback) with nothing sent yet.
    pub fn empty() -> Self {
        Self::at(URL, "127.0.0.1:8080")
    }

    /// A scan of `url`, connected to `address` (`ip:port`).
    pub fn at(url: &str, address: &str) -> Self {
        let transcript = Transcript {
            header: Header {
                format: FORMAT,
                tool: Tool::this(),
                url: url.to_owned(),
                label: None,
                profile: Profile::Standard,
                limits: Limits::of(Profile::Standard),
                insecure: false,
                proxy: None,
                operator_headers: Vec::new(),
                zone: None,
                started_at: "2026-11-20T00:00:00Z".to_owned(),
            },
            exchanges: Vec::new(),
            skips: Vec::new(),
            end: Some(End { at_us: 0, interrupted: false, stalls: Vec::new() }),
        };
        let mut scan = Self { transcript, now_us: 0 };
        scan.address(address);
        scan
    }

    fn address(&mut self, address: &str) {
        // The first exchange shows the address; a bare one keeps classification undisturbed.
        let made = get(ProbeId::Tls, "handshake").status(200);
        let mut made = made.made;
        made.connect = Some(Connect {
            started_us: 0,
            address: Some(address.to_owned()),
            dns_us: None,
            tcp_us: Some(200),
            tls: None,
        });
        self.add(made);
    }

    /// A modern endpoint: discover served with tools, initialize refused with -32022.
    pub fn modern() -> Self {
        Self::empty().with(discover()).with(initialize(ProbeId::Classify, "initialize").status(400).json(
            json!({"jsonrpc":"2.0","id":1,"error":{"code":-32022,"message":"Unsupported protocol version"}}),
        ))
    }

    /// A scan of a modern endpoint with these capabilities.
    #[must_use]
    pub fn offering(capabilities: Value) -> Self {
        let result = json!({"resultType":"complete","supportedVersions":["2026-07-28"],
            "capabilities":capabilities,"ttlMs":0,"cacheScope":"public"});
        let mut scan = Self::modern();
        scan.transcript.exchanges.retain(|exchange| !exchange.step.starts_with("discover"));
        scan.with(discover().result(result))
    }

    /// A legacy endpoint at 2025-11-25, with a session (`~session-1~`) if asked.
    pub fn legacy(session: bool) -> Self {
        let mut made = Self::empty().with(
            discover()
                .status(400)
                .json(json!({"jsonrpc":"2.0","id":"d-1","error":{"code":-32000,"message":"no"}})),
        );
        made = made.with(initialized_with(session));
        made
    }

    /// A dual endpoint; the legacy side with a session if asked.
    pub fn dual(session: bool) -> Self {
        Self::empty().with(discover()).with(initialized_with(session))
    }

    /// A plain feed on GET with these lines (LF-terminated text), each read 1 s after the last.
    pub fn feed(text: &str) -> Self {
        Self::empty()
            .with(discover().status(405).body("text/plain", "POST not allowed"))
            .with(
                initialize(ProbeId::Classify, "initialize")
                    .status(405)
                    .body("text/plain", "POST not allowed"),
            )
            .with(get(ProbeId::Classify, "get").stream(text, 1_000_000))
    }

    /// An HTTP+SSE endpoint.
    pub fn http_sse() -> Self {
        Self::feed("event: endpoint\ndata: /messages?session=~uri-token-1~\n\n")
    }

    /// An endpoint that answers 401 with a Bearer challenge to everything.
    pub fn gated() -> Self {
        let no = |made: Made| {
            made.status(401)
                .header("www-authenticate", "Bearer realm=\"x\"")
                .json(json!({"error":"unauthorized"}))
        };
        Self::empty()
            .with(no(discover()))
            .with(no(initialize(ProbeId::Classify, "initialize")))
            .with(no(get(ProbeId::Classify, "get")))
    }

    /// Adds an exchange; gives it the next id, the current time and 10 ms (unless it has its own).
    #[must_use]
    pub fn with(mut self, made: Made) -> Self {
        self.add(made.made);
        self
    }

    fn add(&mut self, mut exchange: Exchange) {
        exchange.id = u32::try_from(self.transcript.exchanges.len()).unwrap() + 1;
        let shift = self.now_us;
        exchange.started_us += shift;
        exchange.ended_us += shift;
        if let Some(head) = &mut exchange.head {
            head.at_us += shift;
        }
        if let Content::Lines { lines, .. } = &mut exchange.content {
            for line in lines {
                line.at_us += shift;
            }
        }
        if exchange.expectation == Expectation::Negative && exchange.twin.is_none() {
            // The latest served exchange of the same era is the twin, unless told otherwise.
            exchange.twin = self
                .transcript
                .exchanges
                .iter()
                .rev()
                .find(|other| {
                    other.expectation == Expectation::Plain
                        && other.era == exchange.era
                        && crate::facts::reply::read(other).served()
                })
                .map(|other| other.id);
        }
        self.now_us = exchange.ended_us;
        self.transcript.exchanges.push(exchange);
        self.transcript.end = Some(End { at_us: self.now_us, interrupted: false, stalls: Vec::new() });
    }

    /// The scanning machine stood still for this long, microseconds, from `at_us` on.
    pub fn stalled(mut self, at_us: u64, for_us: u64) -> Self {
        if let Some(end) = &mut self.transcript.end {
            end.stalls.push(crate::transcript::Stall { at_us, for_us });
        }
        self
    }

    /// The id the next exchange will get.
    pub fn next_id(&self) -> u32 {
        u32::try_from(self.transcript.exchanges.len()).unwrap() + 1
    }

    /// Scans with another profile.
    #[must_use]
    pub fn profile(mut self, profile: Profile) -> Self {
        self.transcript.header.profile = profile;
        self.transcript.header.limits = Limits::of(profile);
        self
    }

    /// The operator supplied a credential.
    #[must_use]
    pub fn credential(mut self) -> Self {
        self.transcript.header.operator_headers.push("authorization".to_owned());
        self
    }

    /// Notes something left out.
    #[must_use]
    pub fn skip(mut self, probe: ProbeId, step: Option<&str>, reason: SkipReason) -> Self {
        self.transcript.skips.push(Skip { probe, step: step.map(str::to_owned), reason });
        self
    }

    /// Sets what the TLS handshake of the first connection showed.
    #[must_use]
    pub fn tls(mut self, tls: Tls) -> Self {
        if let Some(connect) = self.transcript.exchanges[0].connect.as_mut() {
            connect.tls = Some(tls);
        }
        self
    }

    /// Runs one check.
    pub fn judge(&self, check: &'static Check) -> Finding {
        check.run(&Readings::new(&self.transcript))
    }
}

/// An exchange being made.
pub struct Made {
    /// The exchange; set what no method sets.
    pub made: Exchange,
}

/// A request with any method.
pub fn request(method: &str, probe: ProbeId, step: &str) -> Made {
    Made {
        made: Exchange {
            id: 0,
            probe,
            step: step.to_owned(),
            expectation: Expectation::Plain,
            twin: None,
            era: None,
            session: None,
            stream: None,
            connection: 1,
            connect: None,
            request: Request {
                method: method.to_owned(),
                url: URL.to_owned(),
                headers: vec![("accept".to_owned(), "application/json, text/event-stream".to_owned())],
                body: None,
                handles: Vec::new(),
            },
            started_us: 0,
            head: None,
            first_byte_us: None,
            content: Content::None,
            coded: None,
            ended: Ended::Complete,
            ended_us: 10_000,
            failure: None,
            shapes: Vec::new(),
        },
    }
}

/// A GET.
pub fn get(probe: ProbeId, step: &str) -> Made {
    request("GET", probe, step)
}

/// A POST of a JSON-RPC body in an era.
pub fn post(probe: ProbeId, step: &str, era: Era, body: Value) -> Made {
    let mut made = request("POST", probe, step);
    made.made.era = Some(era);
    made.made.request.headers.push(("content-type".to_owned(), "application/json".to_owned()));
    made.made.request.body = Some(body.to_string());
    made
}

/// P-DISC, served with a tools capability.
pub fn discover() -> Made {
    post(ProbeId::Classify, "discover", Era::Modern, json!({"jsonrpc":"2.0","id":"d-1","method":names::DISCOVER,"params":{}}))
        .result(json!({"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"ttlMs":0,"cacheScope":"public"}))
}

/// P-INIT(2025-11-25), unanswered.
pub fn initialize(probe: ProbeId, step: &str) -> Made {
    post(
        probe,
        step,
        Era::Legacy,
        json!({"jsonrpc":"2.0","id":1,"method":names::INITIALIZE,"params":{"protocolVersion":"2025-11-25"}}),
    )
}

fn initialized_with(session: bool) -> Made {
    let made = initialize(ProbeId::Classify, "initialize")
        .result(json!({"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"}}));
    if session { made.session_issued("~session-1~", shape("~session-1~")) } else { made }
}

/// A sound, random-looking session id: 32 hexadecimal characters.
pub fn shape(placeholder: &str) -> TokenShape {
    TokenShape {
        placeholder: placeholder.to_owned(),
        kind: TokenKind::Session,
        length: 32,
        classes: [12, 0, 20, 0],
        hex: true,
        bad_bytes: 0,
        common_prefix: 0,
        common_suffix: 0,
        repeats: false,
        step: None,
        jwt_common: None,
    }
}

impl Made {
    /// Makes it a negative.
    #[must_use]
    pub fn negative(mut self) -> Self {
        self.made.expectation = Expectation::Negative;
        self
    }

    /// Makes it a cleaning up.
    #[must_use]
    pub fn teardown(mut self) -> Self {
        self.made.expectation = Expectation::Teardown;
        self
    }

    /// Sets its twin (otherwise the latest served plain exchange of the same era).
    #[must_use]
    pub fn twin(mut self, id: u32) -> Self {
        self.made.twin = Some(id);
        self
    }

    /// Puts it into a session.
    #[must_use]
    pub fn in_session(mut self, placeholder: &str) -> Self {
        self.made.session = Some(placeholder.to_owned());
        self.made.request.headers.push((names::SESSION_HEADER.to_owned(), placeholder.to_owned()));
        self
    }

    /// Adds a request header.
    #[must_use]
    pub fn sending(mut self, name: &str, value: &str) -> Self {
        self.made.request.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Puts it on another connection.
    #[must_use]
    pub fn on(mut self, connection: u32) -> Self {
        self.made.connection = connection;
        self
    }

    /// Sets the reply's status; a head comes after 5 ms.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        let headers = self.made.head.take().map_or_else(Vec::new, |head| head.headers);
        self.made.head = Some(Head { at_us: 5_000, status, version: "HTTP/1.1".to_owned(), headers });
        self
    }

    /// Adds or replaces a reply header (status 200 unless set before).
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if self.made.head.is_none() {
            self = self.status(200);
        }
        if let Some(head) = &mut self.made.head {
            head.headers.retain(|(key, _)| key != name);
            head.headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Adds a further reply header line of the same name.
    #[must_use]
    pub fn another_header(mut self, name: &str, value: &str) -> Self {
        if let Some(head) = &mut self.made.head {
            head.headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Sets the reply's type and text body.
    #[must_use]
    pub fn body(mut self, content_type: &str, text: &str) -> Self {
        self = self.header("content-type", content_type);
        self.made.content = Content::Text { text: text.to_owned(), bytes: text.len() as u64, cut: false };
        self
    }

    /// Sets a JSON reply (status 200 unless set before).
    #[must_use]
    pub fn json(self, value: Value) -> Self {
        self.body("application/json", &value.to_string())
    }

    /// Answers with a result under the request's own id.
    #[must_use]
    pub fn result(self, result: Value) -> Self {
        let id = self.id();
        self.status(200).json(json!({"jsonrpc":"2.0","id":id,"result":result}))
    }

    /// Answers with a JSON-RPC error under the request's own id.
    #[must_use]
    pub fn error(self, status: u16, code: i64, message: &str) -> Self {
        let id = self.id();
        self.status(status).json(json!({"jsonrpc":"2.0","id":id,"error":{"code":code,"message":message}}))
    }

    fn id(&self) -> Value {
        crate::transcript::exchange::request_id(&self.made).unwrap_or(Value::Null)
    }

    /// Answers with an event stream: `text` line by line, a new read `gap_us` after every blank line.
    #[must_use]
    pub fn stream(mut self, text: &str, gap_us: u64) -> Self {
        self = self.header("content-type", "text/event-stream");
        let mut decoder = LineDecoder::new(Limits::of(Profile::Standard).sse());
        let mut at_us = 6_000;
        for block in text.split_inclusive("\n\n") {
            decoder.push(block.as_bytes(), at_us).unwrap();
            at_us += gap_us;
        }
        decoder.finish(at_us);
        self.made.content = Content::Lines { bytes: decoder.bytes, bom: decoder.bom, lines: decoder.lines };
        self.made.ended_us = at_us.max(10_000);
        self
    }

    /// Holds the stream until `after_us` (from its start), then we close it.
    #[must_use]
    pub fn held_until(mut self, after_us: u64) -> Self {
        self.made.ended_us = after_us;
        self.made.ended = Ended::ByUs;
        self
    }

    /// Makes the head come `after_us`.
    #[must_use]
    pub fn slow(mut self, after_us: u64) -> Self {
        if let Some(head) = &mut self.made.head {
            head.at_us = after_us;
        }
        self.made.ended_us = self.made.ended_us.max(after_us + 1_000);
        self
    }

    /// Fails without an answer.
    #[must_use]
    pub fn failed(mut self, phase: Phase, kind: FailureKind) -> Self {
        self.made.failure = Some(Failure { phase, kind, detail: String::new() });
        self.made.ended = Ended::Failed;
        self
    }

    /// The reply issues a session id of this shape.
    #[must_use]
    pub fn session_issued(mut self, placeholder: &str, shape: TokenShape) -> Self {
        self = self.header(names::SESSION_HEADER, placeholder);
        self.made.shapes.push(shape);
        self
    }

    /// A WebSocket conversation of `(direction, kind, text)`; status 101 unless set before.
    #[must_use]
    pub fn frames(mut self, frames: &[(Direction, FrameKind, &str)]) -> Self {
        if self.made.head.is_none() {
            self = self.status(101);
        }
        self.made.content = Content::Frames {
            frames: frames
                .iter()
                .map(|(direction, kind, text)| Frame {
                    at_us: 6_000,
                    direction: *direction,
                    kind: *kind,
                    text: (*text).to_owned(),
                })
                .collect(),
        };
        self
    }
}
