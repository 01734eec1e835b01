//! Opening a connection to the target: resolve, TCP, TLS, HTTP handshake. Every phase has its
//! deadline and its own failure kind.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use http_body_util::Full;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio::time::timeout;
use url::Url;

use super::failure::{failure, over};
use super::names::{self, EXAMPLE, lacks_zone};
use super::recorder::Clock;
use super::tap::{Seen, Tap};
use super::tls::{Recorded, Trust, handshake_failure, read_chain};
use crate::protocol::address::{Exposure, exposure};
use crate::target::Target;
use crate::target::proxy::Proxy;
use crate::transcript::{Connect, Failure, FailureKind, Limits, Phase, Tls};

/// Anything bytes can travel over.
pub(super) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// A way to send requests on one connection.
pub(super) enum Sender {
    /// HTTP/1.1.
    H1(http1::SendRequest<Full<Bytes>>),
    /// HTTP/2.
    H2(http2::SendRequest<Full<Bytes>>),
}

/// An open connection.
pub(super) struct Connection {
    /// Number in the transcript.
    pub(super) number: u32,
    /// The sending half.
    pub(super) sender: Sender,
    /// First bytes of the current reply.
    pub(super) seen: Seen,
    /// Stops the driving task: a dropped connection is really dropped.
    pub(super) driver: tokio::task::AbortHandle,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// What dialling needs to know.
pub(super) struct Dialler {
    pub(super) limits: Limits,
    pub(super) clock: Clock,
    pub(super) insecure: bool,
    /// Whether only public addresses are connected to.
    pub(super) public_only: bool,
    /// Whether the operator's own headers go over the connections.
    pub(super) secret: bool,
    /// The zone of the target's address. It is the same for every URL of its origin.
    zone: Option<String>,
    /// What the name resolved to, once for the whole scan: a name that changes its mind while we scan
    /// leads nowhere else.
    pub(super) addresses: OnceCell<Vec<SocketAddr>>,
    pub(super) trust: OnceCell<Result<Arc<Trust>, String>>,
    pub(super) cacert: Option<Vec<u8>>,
    pub(super) proxy: Option<Proxy>,
    /// What the proxy's name resolved to.
    pub(super) proxy_addresses: OnceCell<Vec<SocketAddr>>,
    pub(super) user_agent: String,
    /// Set once the server refused `http/1.1` by ALPN: h2 for the rest of the scan.
    pub(super) h2: AtomicBool,
}

/// How often, and how long, a connection waits for a file descriptor that others still have.
const STARVING: Duration = Duration::from_millis(50);
const STARVED: Duration = Duration::from_secs(15);
/// Stagger between connection attempts to several addresses (RFC 8305 section 5).
const STAGGER: Duration = Duration::from_millis(250);
/// Bytes that an HTTP/2 peer may send before we have read them.
const H2_WINDOW: u32 = 256 * 1024;
/// Streams that may be reset on one HTTP/2 connection before it is dropped.
const H2_RESETS: usize = 20;

impl Dialler {
    pub(super) fn new(target: &Target, clock: Clock) -> Self {
        Self {
            limits: target.limits.clone(),
            clock,
            insecure: target.insecure,
            public_only: target.public_only,
            secret: !target.headers.is_empty(),
            zone: target.zone.clone(),
            addresses: OnceCell::new(),
            trust: OnceCell::new(),
            cacert: target.cacert.clone(),
            proxy: target.proxy.clone(),
            proxy_addresses: OnceCell::new(),
            user_agent: target.user_agent.clone(),
            h2: AtomicBool::new(false),
        }
    }

    /// Opens a connection. The [`Connect`] says what was seen, also on failure.
    pub(super) async fn dial(&self, url: &Url, number: u32) -> (Connect, Result<Connection, Failure>) {
        let mut connect =
            Connect { started_us: self.clock.now_us(), address: None, dns_us: None, tcp_us: None, tls: None };
        let result = self.open(url, number, &mut connect).await;
        (connect, result)
    }

    async fn open(&self, url: &Url, number: u32, connect: &mut Connect) -> Result<Connection, Failure> {
        let (stream, address) = self.reach(url, connect).await?;
        let seen = Seen::default();
        if !matches!(url.scheme(), "https" | "wss") {
            return self.http(Box::new(Tap::new(stream, seen.clone())), seen, number, false).await;
        }
        let alpn: &[u8] = if self.h2.load(Ordering::Relaxed) { b"h2" } else { b"http/1.1" };
        match self.tls(stream, address, url, alpn, connect).await {
            Ok(stream) => {
                let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                self.http(Box::new(Tap::new(stream, seen.clone())), seen, number, h2).await
            }
            // The server speaks h2 only: once for the whole scan.
            Err(failure)
                if failure.kind == FailureKind::TlsIncompatible && !self.h2.swap(true, Ordering::Relaxed) =>
            {
                let (stream, address) = self.reach(url, connect).await?;
                let stream = self.tls(stream, address, url, b"h2", connect).await?;
                self.http(Box::new(Tap::new(stream, seen.clone())), seen, number, true).await
            }
            Err(failure) => Err(failure),
        }
    }

    /// The addresses of a URL's host; `known` keeps them for the scan.
    pub(super) async fn resolve(
        &self,
        url: &Url,
        zone: Option<&str>,
        known: &OnceCell<Vec<SocketAddr>>,
        connect: &mut Connect,
    ) -> Result<Vec<SocketAddr>, Failure> {
        let limit = Duration::from_millis(self.limits.connect_ms);
        names::resolve(url, zone, known, connect, self.clock, limit).await
    }

    /// What the target's name leads to, as far as it may be connected to.
    pub(super) async fn checked(&self, url: &Url, connect: &mut Connect) -> Result<Vec<SocketAddr>, Failure> {
        let mut addresses = self.resolve(url, self.zone.as_deref(), &self.addresses, connect).await?;
        // After resolution, and on the very addresses that are connected to.
        let allowed = |address: &SocketAddr| !self.public_only || exposure(address.ip()) == Exposure::Public;
        if !addresses.iter().any(allowed) {
            let named = addresses.first().map(SocketAddr::to_string).unwrap_or_default();
            return Err(failure(Phase::Connect, FailureKind::NotPublic, &named));
        }
        addresses.retain(allowed);
        Ok(addresses)
    }

    pub(super) async fn tcp(
        &self,
        addresses: Vec<SocketAddr>,
        connect: &mut Connect,
    ) -> Result<(TcpStream, SocketAddr), Failure> {
        let limit = Duration::from_millis(self.limits.connect_ms);
        let mut starved = Duration::ZERO;
        let (started, result) = loop {
            let started = self.clock.now_us();
            match timeout(limit, race(addresses.clone())).await {
                // Other targets of a list will close some. The wait is none for the endpoint.
                Ok(Err((_, error))) if out_of_files(&error) => {
                    if starved >= STARVED {
                        return Err(failure(Phase::Connect, FailureKind::OutOfFiles, ""));
                    }
                    tokio::time::sleep(STARVING).await;
                    starved = starved.saturating_add(STARVING);
                }
                result => break (started, result),
            }
        };
        let (stream, address) = match result {
            Err(_) => {
                return Err(over(
                    Phase::Connect,
                    FailureKind::ConnectTimeout,
                    "connect_ms",
                    self.limits.connect_ms,
                ));
            }
            Ok(Err((address, error))) => {
                connect.address = address.map(|address| address.to_string());
                if let Some(address) = address.filter(lacks_zone) {
                    let problem = format!("{address} is link-local: its zone is missing, as in {EXAMPLE}");
                    return Err(failure(Phase::Connect, FailureKind::Unreachable, &problem));
                }
                let kind = match error.kind() {
                    ErrorKind::ConnectionRefused => FailureKind::Refused,
                    ErrorKind::TimedOut => FailureKind::ConnectTimeout,
                    ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => FailureKind::Unreachable,
                    ErrorKind::ConnectionReset => FailureKind::Reset,
                    _ => FailureKind::Other,
                };
                let place = address.map(|address| address.to_string()).unwrap_or_default();
                return Err(failure(Phase::Connect, kind, &place));
            }
            Ok(Ok(found)) => found,
        };
        connect.tcp_us = Some(self.clock.now_us().saturating_sub(started));
        connect.address = Some(address.to_string());
        // Without it each TLS connect gains two gaps of 40 ms.
        let _ = stream.set_nodelay(true);
        Ok((stream, address))
    }

    async fn tls(
        &self,
        stream: Box<dyn Io>,
        address: Option<SocketAddr>,
        url: &Url,
        alpn: &[u8],
        connect: &mut Connect,
    ) -> Result<tokio_rustls::client::TlsStream<Tap<Box<dyn Io>>>, Failure> {
        let started = self.clock.now_us();
        let trust = self
            .trust
            .get_or_init(|| async { Trust::shared(self.cacert.as_deref()) })
            .await
            .as_ref()
            .map_err(|error| failure(Phase::Tls, FailureKind::Other, error))?;
        let host = url.host_str().unwrap_or_default();
        // Without the dot of the root: SNI has none (RFC 6066, section 3), and certificates neither.
        let host = host.strip_suffix('.').unwrap_or(host);
        let name = ServerName::try_from(host.trim_start_matches('[').trim_end_matches(']').to_owned())
            .map_err(|_| failure(Phase::Tls, FailureKind::TlsFailed, "the host is no valid server name"))?;
        let verdict = Recorded::default();
        let config = trust
            .recording(alpn, &verdict)
            .map_err(|error| failure(Phase::Tls, FailureKind::Other, &error.to_string()))?;
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let limit = Duration::from_millis(self.limits.tls_ms);
        let raw = Seen::default();
        let stream = match timeout(limit, connector.connect(name, Tap::new(stream, raw.clone()))).await {
            Err(_) => {
                return Err(over(Phase::Tls, FailureKind::TlsTimeout, "tls_ms", self.limits.tls_ms));
            }
            Ok(Err(error)) => return Err(handshake_failure(&error, &raw, &verdict)),
            Ok(Ok(stream)) => stream,
        };
        let session = stream.get_ref().1;
        let chain = session.peer_certificates().unwrap_or_default();
        let faults = trust.faults(chain, host, &verdict);
        connect.tls = Some(Tls {
            us: self.clock.now_us().saturating_sub(started),
            version: session.protocol_version().and_then(|version| version.as_str()).map(str::to_owned),
            cipher: session
                .negotiated_cipher_suite()
                .and_then(|suite| suite.suite().as_str())
                .map(str::to_owned),
            alpn: session.alpn_protocol().map(|alpn| String::from_utf8_lossy(alpn).into_owned()),
            chain: read_chain(chain),
            faults: faults.clone(),
            roots: trust.words.clone(),
            operator_roots: trust.operator_roots(),
        });
        match faults.first() {
            // On loopback a certificate fault does not stop the scan, unless
            // it would send a secret to whoever shows that certificate.
            Some(worst)
                if !self.insecure
                    && (self.secret || address.is_none_or(|at| exposure(at.ip()) != Exposure::Loopback)) =>
            {
                Err(failure(Phase::Tls, worst.failure(), ""))
            }
            _ => Ok(stream),
        }
    }

    async fn http(&self, io: Box<dyn Io>, seen: Seen, number: u32, h2: bool) -> Result<Connection, Failure> {
        let io = TokioIo::new(io);
        let broken = |error: hyper::Error| failure(Phase::Connect, FailureKind::Other, &error.to_string());
        if h2 {
            seen.count_frames(&self.limits);
            let header_list = u32::try_from(self.limits.header_bytes).unwrap_or(u32::MAX);
            // What h2 holds back for us is bounded by the windows; CONTINUATION by the header list; pings,
            // settings and the like by the tap. Push is off in hyper's client.
            let (sender, connection) = http2::Builder::new(TokioExecutor::new())
                .max_header_list_size(header_list)
                .initial_stream_window_size(H2_WINDOW)
                .initial_connection_window_size(H2_WINDOW)
                .max_concurrent_reset_streams(H2_RESETS)
                .max_local_error_reset_streams(H2_RESETS)
                .handshake(io)
                .await
                .map_err(broken)?;
            let driver = tokio::spawn(async move { drop(connection.await) }).abort_handle();
            return Ok(Connection { number, sender: Sender::H2(sender), seen, driver });
        }
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(self.limits.header_bytes)
            .max_headers(self.limits.header_lines)
            .handshake(io)
            .await
            .map_err(broken)?;
        let driver = tokio::spawn(async move { drop(connection.with_upgrades().await) }).abort_handle();
        Ok(Connection { number, sender: Sender::H1(sender), seen, driver })
    }
}

/// Whether the process or the machine has no file descriptor left: `EMFILE` and `ENFILE` of Unix, and what
/// Windows calls `WSAEMFILE`.
fn out_of_files(error: &std::io::Error) -> bool {
    matches!(error.raw_os_error(), Some(23 | 24) if cfg!(unix)) || error.raw_os_error() == Some(10024)
}

/// Connects to the addresses in order, the next after a failure or [`STAGGER`]; first success wins.
async fn race(
    addresses: Vec<SocketAddr>,
) -> Result<(TcpStream, SocketAddr), (Option<SocketAddr>, std::io::Error)> {
    let mut waiting = addresses.into_iter();
    let mut running = FuturesUnordered::new();
    let mut last = (None, std::io::Error::from(ErrorKind::AddrNotAvailable));
    loop {
        if let Some(address) = waiting.next() {
            running.push(async move { (address, TcpStream::connect(address).await) });
        } else if running.is_empty() {
            return Err(last);
        }
        let more = waiting.len() > 0;
        tokio::select! {
            Some((address, result)) = running.next() => match result {
                Ok(stream) => return Ok((stream, address)),
                Err(error) => last = (Some(address), error),
            },
            () = tokio::time::sleep(STAGGER), if more => {}
        }
    }
}

/// Whether something accepts connections there; nothing is sent to it.
pub async fn accepts(target: &Target) -> bool {
    let dialler = Dialler::new(target, Clock::start());
    let mut connect = Connect::default();
    let attempt = async { dialler.reach(&target.url, &mut connect).await.is_ok() };
    timeout(Duration::from_secs(2), attempt).await.unwrap_or(false)
}
