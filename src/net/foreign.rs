//! Documents on other origins: metadata that the target's replies point to. Remote-chosen, so: https
//! only (http towards local targets), no address that is less public than the target itself, checked
//! after resolution and connected to as checked (so never through a proxy), no redirects, limits of their
//! own, and never a credential.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use url::{Host, Url};

use super::exchange::Call;
use super::failure::{broken, failure, over};
use super::tls::Trust;
use super::wire::Wire;
use crate::protocol::address::{Exposure, NOT_CONTACTED, may_point_to};
use crate::protocol::host::shown_host;
use crate::transcript::{
    Connect, Content, Ended, Exchange, Failure, FailureKind, Head, Limits, Phase, ProbeId,
};

/// Bytes of the shortest header line, with its line end.
const SHORTEST_LINE: usize = 4;

/// Fetches a document that a reply of the target pointed to, and records it.
pub async fn fetch(
    wire: &Wire<'_>,
    probe: ProbeId,
    step: &str,
    url: &Url,
    endpoint: Exposure,
) -> Arc<Exchange> {
    let mut exchange = wire.shared.new_exchange(&Call::elsewhere(probe, step));
    exchange.request.url = wire.vault().record(url.as_str());
    // Who is asked there should know who asks, too.
    exchange.request.headers = vec![
        (http::header::USER_AGENT.to_string(), wire.shared.user_agent.clone()),
        ("accept".to_owned(), "application/json".to_owned()),
    ];
    let limit = wire.limits().document_ms;
    let result =
        tokio::time::timeout(Duration::from_millis(limit), get(wire, &mut exchange, url, endpoint)).await;
    match result {
        Ok(Ok(())) => exchange.ended = Ended::Complete,
        Ok(Err(failure)) => exchange.failure = Some(failure),
        Err(_) => {
            let (phase, kind) = match exchange.head {
                None => (Phase::Head, FailureKind::HeaderTimeout),
                Some(_) => (Phase::Body, FailureKind::BodyTimeout),
            };
            exchange.failure = Some(over(phase, kind, "document_ms", limit));
        }
    }
    exchange.ended_us = wire.now_us();
    wire.record(exchange)
}

async fn get(wire: &Wire<'_>, exchange: &mut Exchange, url: &Url, endpoint: Exposure) -> Result<(), Failure> {
    let refuse = |why: &str| failure(Phase::Connect, FailureKind::Cancelled, why);
    let limits = wire.limits();
    match url.scheme() {
        "https" => {}
        "http" if endpoint != Exposure::Public => {}
        _ => return Err(refuse("only https documents are fetched")),
    }
    if wire.shared.dialler.proxy.is_some() {
        return Err(refuse("another origin: behind a proxy nobody can check what its name leads to"));
    }
    let address = checked_address(url, endpoint).await?;
    let mut connect = Connect {
        started_us: wire.now_us(),
        address: Some(address.to_string()),
        dns_us: None,
        tcp_us: None,
        tls: None,
    };
    connect.started_us = exchange.started_us;
    exchange.connect = Some(connect);
    let other =
        |error: &dyn std::fmt::Display| failure(Phase::Connect, FailureKind::Other, &error.to_string());
    let trust = Trust::shared(None).map_err(|error| other(&error))?;
    let tls = trust.strict().map_err(|error| other(&error))?;
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(Policy::none())
        .no_proxy()
        .referer(false)
        // The library limits a head of HTTP/1 by lines, and by 400 KiB that are fixed. So many lines are over
        // the limit of bytes, too.
        .http1_max_headers(limits.header_bytes.checked_div(SHORTEST_LINE).unwrap_or_default())
        .http2_max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX));
    if let Some(Host::Domain(name)) = url.host() {
        // Connected to as checked: a name that changes its mind gains nothing.
        builder = builder.resolve(name, address);
    }
    let client = builder.build().map_err(|_| refuse("no client could be made"))?;
    let mut response = client
        .get(url.clone())
        .header("accept", "application/json")
        .header(http::header::USER_AGENT, &wire.shared.user_agent)
        .send()
        .await
        .map_err(|error| broken_document(Phase::Head, &error, limits))?;
    let size = |(name, value): (&HeaderName, &HeaderValue)| {
        name.as_str().len().saturating_add(value.len()).saturating_add(SHORTEST_LINE)
    };
    let too_large = |name, limit: usize| Err(over(Phase::Head, FailureKind::TooLarge, name, limit));
    if response.headers().len() > limits.header_lines {
        return too_large("header_lines", limits.header_lines);
    }
    if response.headers().iter().map(size).sum::<usize>() > limits.header_bytes {
        return too_large("header_bytes", limits.header_bytes);
    }
    let (head, _) = super::recorder::head(
        &wire.shared.vault,
        &wire.shared.given,
        response.status().as_u16(),
        response.version(),
        response.headers(),
        wire.now_us(),
    );
    exchange.head = Some(Head { ..head });
    let mut bytes = Vec::new();
    while let Some(chunk) =
        response.chunk().await.map_err(|error| broken_document(Phase::Body, &error, limits))?
    {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > limits.document_bytes {
            return Err(over(Phase::Body, FailureKind::TooLarge, "document_bytes", limits.document_bytes));
        }
    }
    let received = bytes.len() as u64;
    let text = String::from_utf8_lossy(&bytes);
    exchange.content = Content::Text { text: wire.vault().record(&text), bytes: received, cut: false };
    Ok(())
}

async fn checked_address(url: &Url, endpoint: Exposure) -> Result<SocketAddr, Failure> {
    let port = url.port_or_known_default().unwrap_or(443);
    let addresses: Vec<SocketAddr> = match url.host() {
        Some(Host::Ipv4(v4)) => vec![SocketAddr::new(v4.into(), port)],
        Some(Host::Ipv6(v6)) => vec![SocketAddr::new(v6.into(), port)],
        Some(Host::Domain(name)) => tokio::net::lookup_host((name, port))
            .await
            .map_err(|_| failure(Phase::Dns, FailureKind::Dns, &shown_host(name)))?
            .take(8)
            .collect(),
        None => Vec::new(),
    };
    if let Some(bad) = addresses.iter().find(|address| !may_point_to(endpoint, address.ip())) {
        let what = format!("{} {NOT_CONTACTED}", bad.ip());
        return Err(failure(Phase::Connect, FailureKind::Cancelled, &what));
    }
    addresses.first().copied().ok_or_else(|| failure(Phase::Dns, FailureKind::Dns, "no address"))
}

/// What the library's error says about the peer.
fn broken_document(phase: Phase, error: &reqwest::Error, limits: &Limits) -> Failure {
    if error.is_connect() {
        return failure(phase, FailureKind::Unreachable, "");
    }
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        match inner.downcast_ref::<hyper::Error>() {
            Some(error) if error.is_parse_too_large() => {
                return over(phase, FailureKind::TooLarge, "header_bytes", limits.header_bytes);
            }
            Some(error) if error.is_parse() => return failure(phase, FailureKind::NotHttp, ""),
            Some(error) => return Failure { phase, ..broken(error) },
            None => source = inner.source(),
        }
    }
    failure(phase, FailureKind::Other, "")
}
