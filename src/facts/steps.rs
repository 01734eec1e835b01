//! What the reply to one classification step means (CHECKS.md sections 4.1 and 4.2).
//!
//! The classifying probe asks these readers what to send next; [`super::classification`] asks them
//! again on the finished transcript. There is no other judgement of era or transport.

use serde_json::Value;

use super::auth::asks_for_credential;
use super::reply;
pub use super::socket::{Said, Socket, said, socket, wanted_subprotocol};
use crate::protocol::headers::media_type;
use crate::protocol::jsonrpc::{Answer, RpcError};
use crate::protocol::names;
use crate::protocol::revision::{Era, Revision};
use crate::protocol::sse;
use crate::transcript::{Content, Exchange, Failure, FailureKind};

/// What stands between us and any answer, for whatever request.
#[derive(Clone, Debug, PartialEq)]
pub enum Barrier {
    /// Nothing came back.
    Failed(Failure),
    /// 401, 403 with a challenge, a login page, or a refusal that asks for a credential.
    Gated,
    /// 403 without a challenge: Host, Origin or firewall refusal.
    Blocked,
    /// 429.
    RateLimited,
    /// 5xx.
    ServerError(u16),
    /// 3xx with a location.
    Redirect {
        /// Status.
        status: u16,
        /// `Location`, as sent.
        location: String,
    },
}

/// Reads what is common to every reply.
#[must_use]
pub fn barrier(exchange: &Exchange) -> Option<Barrier> {
    let Some(head) = &exchange.head else {
        return exchange.failure.clone().map(Barrier::Failed);
    };
    if firewall(exchange).is_some() {
        return Some(Barrier::Blocked);
    }
    match head.status {
        401 => Some(Barrier::Gated),
        // A proxy wants a credential for itself (RFC 9110 section 15.5.8); ours are for the endpoint.
        407 => Some(Barrier::Blocked),
        403 if head.header("www-authenticate").is_some() => Some(Barrier::Gated),
        _ if asks_for_credential(exchange) => Some(Barrier::Gated),
        403 if is_reply(exchange) => None,
        403 => Some(Barrier::Blocked),
        429 => Some(Barrier::RateLimited),
        302 | 303 if login_page(exchange) => Some(Barrier::Gated),
        301 | 302 | 303 | 307 | 308 => Some(Barrier::Redirect {
            status: head.status,
            location: head.header("location").unwrap_or_default().to_owned(),
        }),
        200 if login_page(exchange) => Some(Barrier::Gated),
        500..=599 if !is_reply(exchange) => Some(Barrier::ServerError(head.status)),
        _ => None,
    }
}

fn is_reply(exchange: &Exchange) -> bool {
    // A 403 whose JSON-RPC error has a code of ours is an answer; a guard's -32000 is a refusal.
    matches!(reply::read(exchange).error_code(), Some(code) if code != -32000)
}

/// Whether a reply sends people to a login form: a redirect to one, or an HTML page with a password
/// field.
#[must_use]
pub fn login_page(exchange: &Exchange) -> bool {
    let location = exchange.header("location").unwrap_or_default().to_ascii_lowercase();
    let to_login = ["login", "signin", "sign-in", "sso", "/auth", "oauth2/"];
    if matches!(exchange.status(), Some(302 | 303)) {
        return to_login.iter().any(|mark| location.contains(mark));
    }
    html(exchange)
        && exchange.text().is_some_and(|text| {
            let text = text.to_ascii_lowercase();
            text.contains("type=\"password\"")
                || text.contains("type='password'")
                || text.contains("type=password")
        })
}

/// The mark by which a firewall or bot challenge shows itself (HOSTILE.md H16): what answers then is not
/// the endpoint, whatever the status.
#[must_use]
pub fn firewall(exchange: &Exchange) -> Option<&'static str> {
    // Only what is sent with a refusal or challenge: other marks of the same firewalls are on every answer.
    const HEADERS: [&str; 4] = ["cf-mitigated", "x-amzn-waf-action", "x-sucuri-block", "x-vercel-mitigated"];
    const BODIES: [(&str, &str); 6] = [
        ("/cdn-cgi/challenge-platform/", "a Cloudflare challenge page"),
        ("_incapsula_resource", "an Imperva challenge page"),
        ("captcha-delivery.com", "a DataDome challenge page"),
        ("awswafcookiedomainlist", "an AWS WAF challenge page"),
        ("px-captcha", "a HUMAN challenge page"),
        ("/.well-known/vercel/security/", "a Vercel challenge page"),
    ];
    let named = HEADERS.into_iter().find(|name| exchange.header(name).is_some());
    if named.is_some() || !html(exchange) {
        return named;
    }
    let text = exchange.text()?.get(..CHALLENGE_BYTES).or(exchange.text())?.to_ascii_lowercase();
    BODIES.into_iter().find(|(mark, _)| text.contains(mark)).map(|(_, what)| what)
}

/// How much of a page is searched for marks, where that is a whole number of characters.
const CHALLENGE_BYTES: usize = 64 * 1024;

/// Whether the reply says it is HTML.
#[must_use]
pub fn html(exchange: &Exchange) -> bool {
    essence(exchange).as_deref() == Some("text/html")
}

/// The media type of the reply without parameters, lower case.
#[must_use]
pub fn essence(exchange: &Exchange) -> Option<String> {
    exchange.header("content-type").and_then(media_type).map(|media| media.essence)
}

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
    if let Some(barrier) = barrier(exchange) {
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
    if let Some(barrier) = barrier(exchange) {
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
    let declared = essence(exchange).as_deref() == Some("text/event-stream");
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

/// Whether a body looks like an event stream although its type says otherwise: its first lines are
/// comments or known fields. Used by `net` to decide how to record a body, and here nowhere else.
#[must_use]
pub fn looks_like_events(start: &str) -> bool {
    let mut fields = 0_usize;
    for line in start.lines().take(8).filter(|line| !line.is_empty()) {
        let known = line.starts_with(':')
            || ["data:", "event:", "id:", "retry:"].iter().any(|field| line.starts_with(field));
        if !known {
            return false;
        }
        fields = fields.saturating_add(1);
    }
    fields > 0
}

pub(super) fn speaks_of_websocket(exchange: &Exchange) -> bool {
    exchange.text().is_some_and(|text| {
        let text = text.to_ascii_lowercase();
        text.contains("websocket") || text.contains("upgrade") || text.contains("subprotocol")
    })
}

fn strings(list: &[Value]) -> Vec<String> {
    list.iter().filter_map(Value::as_str).take(50).map(str::to_owned).collect()
}
