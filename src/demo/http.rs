//! Requests read within caps, and replies.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Frame, Incoming};
use hyper::upgrade::OnUpgrade;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::protocol::headers;

/// Bytes of a request body.
const BODY_BYTES: usize = 1024 * 1024;
/// Time for a request body to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// Events that may wait for a slow reader before the writer waits, too.
const QUEUE: usize = 64;

pub(super) type Body = UnsyncBoxBody<Bytes, io::Error>;
pub(super) type Reply = Response<Body>;

/// What becomes of a request.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It is answered.
    Reply(Box<Reply>),
    /// The connection is closed without an answer.
    Drop,
    /// It is never answered.
    Hang,
}

impl From<Reply> for Outcome {
    fn from(reply: Reply) -> Self {
        Self::Reply(Box::new(reply))
    }
}

/// Marks the reply whose body is a stream that is held open for its own sake.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held;

/// A request, read.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) connection: u64,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Option<String>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) upgrade: Option<OnUpgrade>,
}

impl Call {
    /// Reads a request; too long or too slow a body is refused.
    pub(super) async fn read(connection: u64, mut request: Request<Incoming>) -> Result<Self, Reply> {
        let wants_upgrade = request.headers().contains_key(http::header::UPGRADE);
        let upgrade = wants_upgrade.then(|| hyper::upgrade::on(&mut request));
        let (parts, body) = request.into_parts();
        let body = tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, BODY_BYTES).collect())
            .await
            .map_err(|_| refusal(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time"))?
            .map_err(|_| refusal(StatusCode::PAYLOAD_TOO_LARGE, "the body is longer than 1 MiB"))?
            .to_bytes();
        Ok(Self {
            connection,
            method: parts.method,
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().map(str::to_owned),
            headers: parts.headers,
            body,
            upgrade,
        })
    }

    /// The first value of a header, if it is visible ASCII.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim)
    }

    /// Whether the header occurs with more than one value.
    pub(super) fn conflicting(&self, name: &str) -> bool {
        let mut values = self.headers.get_all(name).iter();
        let first = values.next();
        values.any(|value| Some(value) != first)
    }

    /// Whether `Accept` admits a media type; no `Accept` admits all (RFC 9110 section 12.5.1).
    pub(super) fn accepts(&self, essence: &str) -> bool {
        let mut values = self.headers.get_all(ACCEPT).iter().peekable();
        if values.peek().is_none() {
            return true;
        }
        let family = essence.split_once('/').map(|(family, _)| format!("{family}/*")).unwrap_or_default();
        values.filter_map(|value| value.to_str().ok()).flat_map(headers::list).any(|item| {
            headers::media_type(&item).is_some_and(|media| {
                let refused = media.parameters.iter().any(|(name, value)| {
                    name == "q" && value.parse::<f64>().is_ok_and(|weight| weight <= 0.0)
                });
                !refused && (media.essence == essence || media.essence == family || media.essence == "*/*")
            })
        })
    }
}

/// A reply with a body. `content_type` is left out where it is `None`.
pub(super) fn reply(status: StatusCode, content_type: Option<&'static str>, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Full::new(body.into()).map_err(|never| match never {}).boxed_unsync());
    *reply.status_mut() = status;
    if let Some(content_type) = content_type {
        reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    reply
}

/// A reply without a body.
pub(super) fn empty(status: StatusCode) -> Reply {
    reply(status, None, Bytes::new())
}

/// A JSON reply.
pub(super) fn json(status: StatusCode, value: &Value) -> Reply {
    let mut reply = reply(status, Some("application/json"), value.to_string());
    reply.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}

/// A refusal before JSON-RPC is reached, in words for programs.
pub(super) fn refusal(status: StatusCode, words: &str) -> Reply {
    json(status, &serde_json::json!({ "error": words }))
}

/// A plain-text reply, as a framework would give it.
pub(super) fn text(status: StatusCode, words: &'static str) -> Reply {
    reply(status, Some("text/plain; charset=utf-8"), words)
}

/// A web page.
pub(super) fn page(status: StatusCode, body: &'static str) -> Reply {
    reply(status, Some("text/html; charset=utf-8"), body)
}

/// 405 with the methods that work (RFC 9110 section 15.5.6).
pub(super) fn method_not_allowed(allow: &'static str) -> Reply {
    let mut reply = empty(StatusCode::METHOD_NOT_ALLOWED);
    reply.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
    reply
}

/// Sets a header to text that may not be fit for one; then it is left out.
pub(super) fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// The writing end of a streamed body. Sending fails once the client has gone.
pub(super) type Sender = mpsc::Sender<Bytes>;

/// A body that is written bit by bit, each bit leaving at once.
pub(super) fn streamed() -> (Sender, Body) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    (sender, Queue(receiver).boxed_unsync())
}

struct Queue(mpsc::Receiver<Bytes>);

impl hyper::body::Body for Queue {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.0.poll_recv(context).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// Breaks a body off `after` its start, as a proxy does whose patience ends: the connection is closed in the
/// middle of it.
pub(super) fn cut(reply: Reply, after: Duration) -> Reply {
    reply.map(|body| Cut { body, end: Box::pin(tokio::time::sleep(after)), whole: false }.boxed_unsync())
}

/// Ends a body in good order `after` its start, as a platform does whose requests may last so long.
pub(super) fn over(reply: Reply, after: Duration) -> Reply {
    reply.map(|body| Cut { body, end: Box::pin(tokio::time::sleep(after)), whole: true }.boxed_unsync())
}

struct Cut {
    body: Body,
    end: Pin<Box<tokio::time::Sleep>>,
    whole: bool,
}

impl hyper::body::Body for Cut {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.end.as_mut().poll(context).is_ready() {
            let broken = || Some(Err(io::ErrorKind::ConnectionAborted.into()));
            return Poll::Ready(if self.whole { None } else { broken() });
        }
        Pin::new(&mut self.body).poll_frame(context)
    }
}

/// Keeps a guard until the body was sent or dropped.
pub(super) fn guarded(reply: Reply, guard: impl Send + 'static) -> Reply {
    reply.map(|body| Guarded { body, _guard: Box::new(guard) }.boxed_unsync())
}

struct Guarded {
    body: Body,
    _guard: Box<dyn Send>,
}

impl hyper::body::Body for Guarded {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    // Without it a plain reply would be chunked in place of carrying its length.
    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}
