//! Builds the request that leaves for the target, and records it masked.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http::header::{HOST, USER_AGENT};
use http::{HeaderValue, Uri};
use http_body_util::Full;
use tokio::sync::Notify;
use url::Url;

use super::exchange::{Call, HeaderText};
use super::failure::failure;
use super::shared::Shared;
use crate::target::placeholder;
use crate::transcript::{Exchange, Failure, FailureKind, Phase};

/// The request of a call. Handles give their values, each encoded for its place; the operator's headers join;
/// the exchange gets what was sent, masked.
pub(super) fn build(
    shared: &Shared,
    call: &Call,
    url: &Url,
    exchange: &mut Exchange,
    h2: bool,
) -> Result<http::Request<Full<Bytes>>, Failure> {
    let refuse = |what: &str| failure(Phase::Send, FailureKind::Other, what);
    let mut headers: Vec<(String, HeaderText)> = Vec::new();
    let named = |name: &str| call.headers.iter().any(|(key, _)| key == name);
    let host = host(url);
    if !named("host") {
        headers.push(("host".to_owned(), HeaderText::Ours(host.clone())));
    }
    headers.push((USER_AGENT.to_string(), HeaderText::Ours(shared.user_agent.clone())));
    headers.extend(call.headers.iter().cloned());
    exchange.request.headers =
        headers.iter().map(|(name, value)| (name.clone(), value.shown().to_owned())).collect();
    let mut builder = http::Request::builder().method(call.method);
    let authority = call
        .headers
        .iter()
        .find(|(key, _)| key == "host")
        .map_or(host, |(_, value)| value.shown().to_owned());
    let path = url.path().to_owned() + &url.query().map_or_else(String::new, |query| format!("?{query}"));
    let scheme = if matches!(url.scheme(), "https" | "wss") { "https" } else { "http" };
    let uri = if h2 { format!("{scheme}://{authority}{path}") } else { path };
    builder = builder.uri(uri.parse::<Uri>().map_err(|_| refuse("the URL cannot be sent"))?);
    for (name, value) in &headers {
        if h2 && matches!(name.as_str(), "host" | "connection" | "upgrade") {
            continue;
        }
        if let HeaderText::Ours(text) = value {
            shared.vault.sent(text);
        }
        // Bytes, because Last-Event-ID is UTF-8; control characters are refused all the same.
        let text = value.text().ok_or_else(|| refuse(NOT_KEPT))?;
        let value =
            HeaderValue::from_bytes(text.as_bytes()).map_err(|_| refuse("a header value cannot be sent"))?;
        builder = builder.header(name.as_str(), value);
    }
    if call.credential {
        for (name, value) in &shared.own_headers {
            // A header that the probe itself sets is what it is testing.
            if named(name.as_str()) || (*name == HOST) {
                continue;
            }
            let mut sent = HeaderValue::from_str(value.expose())
                .map_err(|_| refuse("one of your headers has a value that cannot be sent"))?;
            sent.set_sensitive(true);
            builder = builder.header(name, sent);
            exchange.request.headers.push((name.as_str().to_owned(), format!("~{}~", placeholder(name))));
        }
    }
    let body = match &call.body {
        Some(body) => Bytes::from(body.text().ok_or_else(|| refuse(NOT_KEPT))?),
        None => Bytes::new(),
    };
    builder.body(Full::new(body)).map_err(|_| refuse("the request cannot be built"))
}

/// Why a handle without its value is not sent: no probe gets so far with one.
const NOT_KEPT: &str = "what the server gave was not kept";

/// `host[:port]` as a client writes it.
fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Notifies once more interim responses (1xx) come than allowed. They are only counted: none of them says
/// anything that we need.
pub(super) fn too_many_interim<B>(request: &mut http::Request<B>, most: usize) -> Arc<Notify> {
    let flooded = Arc::new(Notify::new());
    let notify = Arc::clone(&flooded);
    let count = AtomicUsize::new(0);
    hyper::ext::on_informational(request, move |_| {
        if count.fetch_add(1, Ordering::Relaxed) >= most {
            notify.notify_one();
        }
    });
    flooded
}
