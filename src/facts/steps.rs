//! What the reply to one classification step means.
//!
//! The classifying probe asks these readers what to send next; [`super::classification`] asks them
//! again on the finished transcript. There is no other judgement of era or transport.

use serde_json::Value;

use super::barrier::{Barrier, barrier, speaks_of_websocket, spoke};
use super::reply;
pub use super::socket::{Said, Socket, said, socket, wanted_subprotocol};
use crate::protocol::jsonrpc::{Answer, RpcError};
use crate::protocol::revision::{Era, Revision};
use crate::protocol::{names, sse};
use crate::transcript::{Content, Exchange, FailureKind};

/// Meaning of a reply to P-DISC.
#[derive(Clone, Debug, PartialEq)]
pub enum Discover {
    /// A result with `supportedVersions`.
    Modern {
        /// The versions, as listed.
        versions: Vec<String>,
    },
    /// A result without them: confirm with tools/list.
    Lacking,
    /// A modern error; the versions it lists.
    ModernError {
        /// Its code.
        code: i64,
        /// `data.supported`, if it is a list.
        supported: Vec<String>,
    },
    /// 404 with -32601, or 400 with -32602: confirm with tools/list.
    Candidate,
    /// A code of a pre-release build with version data.
    PreRelease,
    /// Not modern, as far as this reply goes.
    No,
    /// No answer to the question.
    Barrier(Barrier),
}

/// Reads the reply to P-DISC.
#[must_use]
pub fn discover(exchange: &Exchange) -> Discover {
    let read = reply::read(exchange);
    if let Some(result) = read.result() {
        return match result.get("supportedVersions").and_then(Value::as_array) {
            Some(list) => Discover::Modern { versions: strings(list) },
            None => Discover::Lacking,
        };
    }
    if let Some(barrier) = barrier(exchange).filter(|_| !spoke(exchange)) {
        return Discover::Barrier(barrier);
    }
    let answer = read.answer.as_ref().or(read.lenient.as_ref());
    let Some(Answer::Error(RpcError { code: Some(code), data, .. })) = answer else {
        return Discover::No;
    };
    let supported = data
        .as_ref()
        .and_then(|data| data.get("supported"))
        .and_then(Value::as_array)
        .map(|list| strings(list));
    match (*code, exchange.status()) {
        (names::HEADER_MISMATCH | names::MISSING_CAPABILITY | names::UNSUPPORTED_VERSION, _) => {
            Discover::ModernError { code: *code, supported: supported.unwrap_or_default() }
        }
        (-32004 | -32003 | -32001, _) if supported.is_some() => Discover::PreRelease,
        (names::METHOD_NOT_FOUND, Some(404)) | (names::INVALID_PARAMS, Some(400)) => Discover::Candidate,
        _ => Discover::No,
    }
}

/// Whether a reply to a modern tools/list proves the modern era: a result with `resultType`.
#[must_use]
pub fn proves_modern(exchange: &Exchange) -> bool {
    reply::read(exchange).result().is_some_and(|result| result.get("resultType").is_some())
}

/// Meaning of a reply to P-INIT.
#[derive(Clone, Debug, PartialEq)]
pub enum Initialize {
    /// An InitializeResult, perhaps with members missing.
    Legacy {
        /// `protocolVersion`, as sent.
        version: Option<String>,
        /// Placeholder of the session id, if one was issued.
        session: Option<String>,
    },
    /// An error that lists versions: retry with the newest legacy one.
    Refused {
        /// The versions it names.
        versions: Vec<Revision>,
    },
    /// Not legacy, as far as this reply goes.
    No,
    /// No answer to the question.
    Barrier(Barrier),
}

/// Reads the reply to P-INIT.
#[must_use]
pub fn initialize(exchange: &Exchange) -> Initialize {
    initialize_read(exchange, &reply::read(exchange))
}

/// Reads the reply to P-INIT where it came elsewhere (HTTP+SSE) and was read already.
#[must_use]
pub fn initialize_read(exchange: &Exchange, read: &reply::Reply) -> Initialize {
    if let Some(result) = read.result().or(lenient_result(read)) {
        if ["protocolVersion", "capabilities", "serverInfo"].iter().any(|member| result.get(member).is_some())
        {
            return Initialize::Legacy {
                version: result.get("protocolVersion").and_then(Value::as_str).map(str::to_owned),
                session: exchange.header(names::SESSION_HEADER).map(str::to_owned),
            };
        }
        return Initialize::No;
    }
    if let Some(barrier) = barrier(exchange).filter(|_| !spoke(exchange)) {
        return Initialize::Barrier(barrier);
    }
    if let Some(Answer::Error(error)) = read.answer.as_ref().or(read.lenient.as_ref()) {
        let versions = versions_in(error);
        if !versions.is_empty() {
            return Initialize::Refused { versions };
        }
    }
    Initialize::No
}

fn lenient_result(read: &reply::Reply) -> Option<&Value> {
    read.lenient.as_ref().and_then(Answer::result)
}

/// Published legacy revisions that an error names in its message or data, oldest first.
#[must_use]
pub fn versions_in(error: &RpcError) -> Vec<Revision> {
    let text = format!(
        "{} {}",
        error.message.as_deref().unwrap_or_default(),
        error.data.as_ref().map(Value::to_string).unwrap_or_default()
    );
    Revision::ALL
        .into_iter()
        .filter(|revision| revision.era() == Era::Legacy && text.contains(revision.as_str()))
        .collect()
}

/// Meaning of a GET that asks for an event stream.
#[derive(Clone, Debug, PartialEq)]
pub enum Get {
    /// An `endpoint` event: HTTP+SSE. Its data, as sent (masked).
    HttpSse {
        /// The announced URI.
        endpoint: String,
        /// Whether the media type says event stream.
        declared: bool,
    },
    /// An event stream without an `endpoint` event.
    Stream {
        /// Whether the media type says event stream.
        declared: bool,
    },
    /// 204: the feed asks clients not to reconnect.
    Ended,
    /// No head within the watch.
    Held,
    /// 426, or 400 that speaks of WebSocket.
    Upgrade,
    /// Anything else.
    No,
    /// No answer to the question.
    Barrier(Barrier),
}

/// Reads the reply to P-GET.
#[must_use]
pub fn get(exchange: &Exchange) -> Get {
    if matches!(&exchange.failure, Some(failure) if failure.kind == FailureKind::HeaderTimeout) {
        return Get::Held;
    }
    // A GET that we closed before its head came was held, too.
    if exchange.head.is_none() && exchange.failure.is_none() {
        return Get::Held;
    }
    if let Some(barrier) = barrier(exchange) {
        return Get::Barrier(barrier);
    }
    match exchange.status() {
        Some(204) => Get::Ended,
        Some(426) => Get::Upgrade,
        Some(400) if speaks_of_websocket(exchange) => Get::Upgrade,
        Some(200) => stream(exchange),
        _ => Get::No,
    }
}

fn stream(exchange: &Exchange) -> Get {
    let declared = exchange.declares_event_stream();
    let lines = match &exchange.content {
        Content::Lines { lines, .. } => lines.as_slice(),
        // An undeclared stream is recorded as lines too, if it looks like one.
        _ => return if declared { Get::Stream { declared } } else { Get::No },
    };
    let blocks = sse::blocks(lines);
    let endpoint = blocks.iter().find(|block| block.dispatched() && block.name() == "endpoint");
    match endpoint {
        Some(block) => {
            Get::HttpSse { endpoint: block.data.clone().unwrap_or_default().trim().to_owned(), declared }
        }
        None => Get::Stream { declared },
    }
}

fn strings(list: &[Value]) -> Vec<String> {
    list.iter().filter_map(Value::as_str).take(50).map(str::to_owned).collect()
}
