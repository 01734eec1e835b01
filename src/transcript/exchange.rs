//! One request and everything that came back.

use crate::protocol::jsonrpc;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::content::{Coded, Content, Direction, Frame, FrameKind};
use super::failure::Failure;
use super::probe_id::ProbeId;
use super::sent_handle::SentHandle;
use super::tls::Tls;
use super::token_shape::TokenShape;
use crate::protocol::headers::media_type;
use crate::protocol::revision::Era;
use crate::protocol::sse::Line;

/// What a request is for: only plain ones count for latency and error rates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Expectation {
    /// A correct request that a sound endpoint serves.
    Plain,
    /// One thing is wrong on purpose; judged only against its twin.
    Negative,
    /// Cleaning up: DELETE of our own session.
    Teardown,
}

/// One request and its outcome. All text is masked ([`super::redact`]); times are microseconds
/// since the scan began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// Number in order of starting, unique in the transcript.
    pub id: u32,
    /// The conversation it belongs to.
    pub probe: ProbeId,
    /// Its part in that conversation: see [`ProbeId`] for each probe's steps.
    pub step: String,
    /// Plain, negative or teardown.
    pub expectation: Expectation,
    /// For a negative: the plain exchange of which it changes one thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub twin: Option<u32>,
    /// The era of the request, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub era: Option<Era>,
    /// Placeholder of the session the request belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// HTTP+SSE: the GET exchange whose event stream carries the reply to this POST.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<u32>,
    /// Number of the TCP connection.
    pub connection: u32,
    /// How that connection came to be, on the exchange that opened it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect: Option<Connect>,
    /// What was sent.
    pub request: Request,
    /// When sending began (the connection being up).
    pub started_us: u64,
    /// Status and headers, if they came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<Head>,
    /// When the first byte of the body arrived; of a coded body, the first that could be decoded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_byte_us: Option<u64>,
    /// Body, lines or frames; of a coded body, what it decodes to.
    #[serde(default, skip_serializing_if = "Content::is_none")]
    pub content: Content,
    /// What became of a body that came under a content coding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coded: Option<Coded>,
    /// How the reply ended.
    pub ended: Ended,
    /// When it ended.
    pub ended_us: u64,
    /// What went wrong below the application, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// Shapes of server tokens that this reply brought.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shapes: Vec<TokenShape>,
}

/// The method of an exchange that is one message on an open WebSocket (the exchange of the upgrade has
/// the same connection number) and the frames that followed it. It has no head.
pub const MESSAGE: &str = "MESSAGE";

/// What was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// HTTP method; `GET` with an `upgrade` header for WebSocket; [`MESSAGE`] for one message on an
    /// open WebSocket.
    pub method: String,
    /// Absolute URL, masked.
    pub url: String,
    /// Header names (lower case) and values in order, masked.
    pub headers: Vec<(String, String)>,
    /// Body as text, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// What of it the endpoint gave us and got back, byte for byte (FORMAT 2): in the parts above stands what
    /// was recorded of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub handles: Vec<SentHandle>,
}

impl Request {
    /// First value of a header, by lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        first(&self.headers, name)
    }
}

/// How a connection was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Connect {
    /// When it began.
    pub started_us: u64,
    /// The address used, `ip:port`; none behind a proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Time for name resolution.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_us: Option<u64>,
    /// Time for TCP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp_us: Option<u64>,
    /// What the TLS handshake showed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
}

/// Status line and headers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// When it was complete.
    pub at_us: u64,
    /// Status code.
    pub status: u16,
    /// `HTTP/1.0`, `HTTP/1.1` or `HTTP/2`.
    pub version: String,
    /// Names (lower case) and values in order, duplicates kept, masked.
    pub headers: Vec<(String, String)>,
}

impl Head {
    /// First value of a header, by lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        first(&self.headers, name)
    }

    /// All values of a header, by lower-case name.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

fn first<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// How a reply ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// The peer finished it: length reached, last chunk, or orderly close.
    Complete,
    /// We had what we wanted and closed it.
    ByUs,
    /// A failure ended it: see `failure`.
    Failed,
}

impl Exchange {
    /// The status code, if a head came.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.head.as_ref().map(|head| head.status)
    }

    /// First value of a reply header, by lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.as_ref().and_then(|head| head.header(name))
    }

    /// Whether the reply says that it is an event stream.
    #[must_use]
    pub fn declares_event_stream(&self) -> bool {
        let media = self.header("content-type").and_then(media_type);
        media.is_some_and(|media| media.essence == "text/event-stream")
    }

    /// Time from sending to the reply's head, microseconds; for a message on a WebSocket, to the first
    /// text that came.
    #[must_use]
    pub fn head_us(&self) -> Option<u64> {
        let at_us = match &self.head {
            Some(head) => Some(head.at_us),
            None if self.is_message() => self.texts().next().map(|frame| frame.at_us),
            None => None,
        };
        at_us.map(|at_us| at_us.saturating_sub(self.started_us))
    }

    /// Whether it is one message on an open WebSocket.
    #[must_use]
    pub fn is_message(&self) -> bool {
        self.request.method == MESSAGE
    }

    /// The text messages that came, if it was a socket.
    pub fn texts(&self) -> impl Iterator<Item = &Frame> {
        self.frames().iter().filter(|frame| frame.is_message())
    }

    /// The close frame that the peer sent, if it was a socket: `code reason`.
    #[must_use]
    pub fn closed(&self) -> Option<&str> {
        let close = |frame: &&Frame| frame.direction == Direction::In && frame.kind == FrameKind::Close;
        self.frames().iter().find(close).map(|frame| frame.text.as_str())
    }

    /// Time from sending to the end of the reply, or to giving up, microseconds.
    #[must_use]
    pub fn took_us(&self) -> u64 {
        self.ended_us.saturating_sub(self.started_us)
    }

    /// Body text, if it was text.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Text { text, .. } => Some(text),
            _ => None,
        }
    }

    /// Event-stream lines, if it was one.
    #[must_use]
    pub fn lines(&self) -> Option<&[Line]> {
        match &self.content {
            Content::Lines { lines, .. } => Some(lines),
            _ => None,
        }
    }

    /// WebSocket frames, if it was a socket.
    #[must_use]
    pub fn frames(&self) -> &[Frame] {
        match &self.content {
            Content::Frames { frames } => frames,
            _ => &[],
        }
    }

    /// Whether the request carried one of the operator's own headers: it was sent with the credential.
    #[must_use]
    pub fn credentialed(&self) -> bool {
        self.request
            .headers
            .iter()
            .any(|(_, value)| value.starts_with("~credential~") || value.starts_with("~header-"))
    }

    /// Whether a status in 200–299 came.
    #[must_use]
    pub fn ok(&self) -> bool {
        self.status().is_some_and(|status| (200..300).contains(&status))
    }
}

/// The id of a JSON-RPC request body.
#[must_use]
pub fn request_id(exchange: &Exchange) -> Option<Value> {
    id_of(exchange.request.body.as_deref()?)
}

/// The id of a JSON-RPC request.
#[must_use]
pub fn id_of(body: &str) -> Option<Value> {
    jsonrpc::parse(body).ok()?.get("id").cloned()
}

/// The `method` of a JSON-RPC request body.
#[must_use]
pub fn request_method(exchange: &Exchange) -> Option<String> {
    let body = exchange.request.body.as_deref()?;
    jsonrpc::parse(body).ok()?.get("method")?.as_str().map(str::to_owned)
}
