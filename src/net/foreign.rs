//! Documents on other origins: metadata that the target's replies point to. Remote-chosen, so: https
//! only (http towards local targets), no address that is less public than the target itself, checked
//! after resolution and connected to as checked (so never through a proxy), no redirects, 1 MiB, 5 s, and
//! never a credential.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use url::{Host, Url};

use super::dial::failure;
use super::exchange::Call;
use super::tls::Trust;
use super::wire::Wire;
use crate::protocol::address::{Exposure, may_point_to};
use crate::protocol::host::shown_host;
use crate::transcript::{Connect, Content, Ended, Exchange, Failure, FailureKind, Head, Phase, ProbeId};

/// Most bytes of a foreign document.
const MOST_BYTES: usize = 1024 * 1024;
/// Time for a foreign document.
const LIMIT: Duration = Duration::from_secs(5);

/// Fetches a document that a reply of the target pointed to, and records it.
pub async fn fetch(
    wire: &Wire<'_>,
    probe: ProbeId,
    step: &str,
    url: &Url,
    endpoint: Exposure,
) -> Arc<Exchange> {
    let mut call = Call::new("GET", probe, step, wire.vault().mask(url.as_str()));
    call.credential = false;
    // Who is asked there should know who asks, too (HOSTILE.md E1).
    call.headers = vec![
        (http::header::USER_AGENT.to_string(), wire.inner.user_agent.clone()),
        ("accept".to_owned(), "application/json".to_owned()),
    ];
    let mut exchange = wire.inner.new_exchange(&call);
    exchange.request.headers.clone_from(&call.headers);
    let result = tokio::time::timeout(LIMIT, get(wire, &mut exchange, url, endpoint)).await;
    match result {
        Ok(Ok(())) => exchange.ended = Ended::Complete,
        Ok(Err(failure)) => exchange.failure = Some(failure),
        Err(_) => exchange.failure = Some(failure(Phase::Body, FailureKind::BodyTimeout, "none within 5 s")),
    }
    exchange.ended_us = wire.now_us();
    wire.record(exchange)
}

async fn get(wire: &Wire<'_>, exchange: &mut Exchange, url: &Url, endpoint: Exposure) -> Result<(), Failure> {
    let refuse = |why: &str| failure(Phase::Connect, FailureKind::Cancelled, why);
    match url.scheme() {
        "https" => {}
        "http" if endpoint != Exposure::Public => {}
        _ => return Err(refuse("only https documents are fetched")),
    }
    if wire.inner.dialler.proxy.is_some() {
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
    let trust = Trust::load(None).map_err(|error| other(&error))?;
    let tls = trust.strict().map_err(|error| other(&error))?;
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(Policy::none())
        .no_proxy()
        .referer(false)
        .timeout(LIMIT);
    if let Some(Host::Domain(name)) = url.host() {
        // Connected to as checked: a name that changes its mind gains nothing.
        builder = builder.resolve(name, address);
    }
    let client = builder.build().map_err(|_| refuse("no client could be made"))?;
    let mut response = client
        .get(url.clone())
        .header("accept", "application/json")
        .header(http::header::USER_AGENT, &wire.inner.user_agent)
        .send()
        .await
        .map_err(|error| failure(Phase::Head, kind(&error), ""))?;
    let (head, _) = super::recorder::head(
        wire.vault(),
        response.status().as_u16(),
        response.version(),
        response.headers(),
        wire.now_us(),
    );
    exchange.head = Some(Head { ..head });
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failure(Phase::Body, kind(&error), ""))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MOST_BYTES {
            return Err(failure(Phase::Body, FailureKind::TooLarge, "document over 1 MiB"));
        }
    }
    let received = bytes.len() as u64;
    let text = String::from_utf8_lossy(&bytes);
    exchange.content = Content::Text { text: wire.vault().mask(&text), bytes: received, cut: false };
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
        let what = format!("{} is not for everybody: a remote-chosen address is not contacted", bad.ip());
        return Err(failure(Phase::Connect, FailureKind::Cancelled, &what));
    }
    addresses.first().copied().ok_or_else(|| failure(Phase::Dns, FailureKind::Dns, "no address"))
}

fn kind(error: &reqwest::Error) -> FailureKind {
    if error.is_timeout() {
        FailureKind::BodyTimeout
    } else if error.is_connect() {
        FailureKind::Unreachable
    } else {
        FailureKind::Other
    }
}
