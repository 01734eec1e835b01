//! Reaching the target through a proxy. Always a tunnel, also towards plain http: what the target gets and
//! sends is then what we judge, byte for byte, and not what a proxy makes of it.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use url::Url;

use super::dial::{Dialler, Io};
use super::failure::{broken, failure, over};
use super::request::too_many_interim;
use crate::protocol::host::shown;
use crate::target::proxy::Proxy;
use crate::transcript::{Connect, Failure, FailureKind, Phase};

impl Dialler {
    /// A stream to the target, and its address where we are connected to it ourselves.
    pub(super) async fn reach(
        &self,
        url: &Url,
        connect: &mut Connect,
    ) -> Result<(Box<dyn Io>, Option<SocketAddr>), Failure> {
        let Some(proxy) = &self.proxy else {
            let addresses = self.checked(url, connect).await?;
            let (stream, address) = self.tcp(addresses, connect).await?;
            return Ok((Box::new(stream), Some(address)));
        };
        let destination = if self.public_only {
            // What a list names is checked here, and the proxy is told the address: a name could lead it
            // elsewhere.
            let addresses = self.checked(url, connect).await?;
            addresses.first().map(SocketAddr::to_string).unwrap_or_default()
        } else {
            let port = url.port_or_known_default().unwrap_or(443);
            format!("{}:{port}", url.host_str().unwrap_or_default())
        };
        let tunnel = self.tunnel(proxy, &destination, connect).await;
        // The address was the proxy's: it says nothing about who can reach the target.
        connect.address = None;
        tunnel.map(|stream| (stream, None)).map_err(|below| {
            let by = format!("the proxy {}, from {}", shown(&proxy.origin()), proxy.named_by);
            let detail = if below.detail.is_empty() { by } else { format!("{} ({by})", below.detail) };
            failure(Phase::Proxy, below.kind, &detail)
        })
    }

    async fn tunnel(
        &self,
        proxy: &Proxy,
        destination: &str,
        connect: &mut Connect,
    ) -> Result<Box<dyn Io>, Failure> {
        let zone = proxy.zone.as_deref();
        let addresses = self.resolve(&proxy.url, zone, &self.proxy_addresses, connect).await?;
        let (stream, _) = self.tcp(addresses, connect).await?;
        let limit = self.limits.header_ms;
        match timeout(Duration::from_millis(limit), self.ask(proxy, destination, stream)).await {
            Err(_) => Err(over(Phase::Proxy, FailureKind::HeaderTimeout, "header_ms", limit)),
            Ok(asked) => asked,
        }
    }

    async fn ask(
        &self,
        proxy: &Proxy,
        destination: &str,
        stream: tokio::net::TcpStream,
    ) -> Result<Box<dyn Io>, Failure> {
        let said = |error: hyper::Error| {
            if error.is_parse_too_large() {
                return over(Phase::Proxy, FailureKind::TooLarge, "header_bytes", self.limits.header_bytes);
            }
            let kind = if error.is_parse() { FailureKind::NotHttp } else { broken(&error).kind };
            failure(Phase::Proxy, kind, "in answer to CONNECT")
        };
        let mut request = http::Request::connect(destination)
            .header(http::header::HOST, destination)
            .header(http::header::USER_AGENT, &self.user_agent);
        if let Some((name, value)) = proxy.header() {
            let mut value = http::HeaderValue::from_str(value.expose())
                .map_err(|_| failure(Phase::Proxy, FailureKind::Other, "its credentials cannot be sent"))?;
            value.set_sensitive(true);
            request = request.header(name, value);
        }
        let mut request = request
            .body(Empty::<Bytes>::new())
            .map_err(|_| failure(Phase::Proxy, FailureKind::Other, "the URL cannot be asked for"))?;
        let flooded = too_many_interim(&mut request, self.limits.interim);
        let (mut sender, connection) = http1::Builder::new()
            .max_buf_size(self.limits.header_bytes)
            .max_headers(self.limits.header_lines)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(said)?;
        let asked = async {
            let response = sender.send_request(request).await.map_err(said)?;
            let status = response.status();
            if !status.is_success() {
                return Err(failure(Phase::Proxy, FailureKind::ProxyRefused, &answer(status, destination)));
            }
            let stream = hyper::upgrade::on(response).await.map_err(said)?;
            Ok(Box::new(TokioIo::new(stream)) as Box<dyn Io>)
        };
        // Driven here and in no task of its own: given up, it is gone.
        tokio::pin!(asked);
        tokio::select! {
            asked = &mut asked => asked,
            () = flooded.notified() => {
                Err(over(Phase::Proxy, FailureKind::TooLarge, "interim", self.limits.interim))
            }
            _ = connection.with_upgrades() => asked.await,
        }
    }
}

/// Whether `NO_PROXY` spares a URL's host (curl's rules: names with their subdomains, addresses, networks, `*`).
#[must_use]
pub fn spares(no_proxy: &str, url: &Url) -> bool {
    // Only these rules are wanted from it: what it cannot read of a proxy's URL it drops without a word.
    let matcher = Matcher::builder().all("http://any.invalid").no(no_proxy).build();
    let host = format!("http://{}/", url.host_str().unwrap_or_default()).parse();
    host.is_ok_and(|host| matcher.intercept(&host).is_none())
}

/// What a refusal says, in our own words.
fn answer(status: StatusCode, destination: &str) -> String {
    let why = match status {
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
            ": it wants a user name and a password, as in http://user:password@host:port"
        }
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            ": it does not reach the target itself"
        }
        _ => "",
    };
    format!("{} for CONNECT {destination}{why}", status.as_u16())
}
