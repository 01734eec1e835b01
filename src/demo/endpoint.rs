//! The listener: connections, shutdown, and what tests may ask afterwards.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};

use super::log::{Counted, Logged};
use super::server::Server;
use super::{Base, Behaviour, serve};

/// Connections served at once; one more is closed unanswered.
const CONNECTIONS: usize = 1_024;
/// Bytes of a request head.
const HEAD_BYTES: usize = 64 * 1024;
/// Time for a request head to arrive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// A running endpoint on 127.0.0.1. Dropping it closes the listener and every connection.
///
/// A panic in one of its tasks is a bug of ours: it is kept ([`Endpoint::panics`]), and dropping the
/// endpoint panics with it, so that no test can miss it.
#[derive(Debug)]
pub struct Endpoint {
    server: Arc<Server>,
    thread: Option<JoinHandle<()>>,
}

impl Endpoint {
    /// Starts on the current tokio runtime, on a port that the system chooses.
    ///
    /// # Errors
    /// If no loopback port can be bound, or there is no tokio runtime with sockets and timers.
    pub fn start(behaviour: Behaviour) -> io::Result<Self> {
        if tokio::runtime::Handle::try_current().is_err() {
            return Err(io::Error::other("an endpoint needs a tokio runtime"));
        }
        let (server, listener) = bind(behaviour)?;
        let listener = TcpListener::from_std(listener)?;
        server.spawn(accept(Arc::clone(&server), listener));
        Ok(Self { server, thread: None })
    }

    /// Starts on a thread and a runtime of its own, for callers that block or run another process.
    ///
    /// # Errors
    /// If no loopback port can be bound, or no thread or runtime can be had.
    pub fn start_on_thread(behaviour: Behaviour) -> io::Result<Self> {
        let (server, listener) = bind(behaviour)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let shared = Arc::clone(&server);
        let thread = std::thread::Builder::new().name("demo-endpoint".to_owned()).spawn(move || {
            runtime.block_on(async {
                let mut stop = shared.stop.subscribe();
                match TcpListener::from_std(listener) {
                    Ok(listener) => shared.spawn(accept(Arc::clone(&shared), listener)),
                    Err(error) => shared.log.panicked(&error.to_string()),
                }
                let _ = stop.wait_for(|stopped| *stopped).await;
            });
        })?;
        Ok(Self { server, thread: Some(thread) })
    }

    /// The URL to scan: `http://127.0.0.1:<port><path>`, or `ws://` for a WebSocket.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.server.behaviour.base == Base::WebSocketMcp { "ws" } else { "http" };
        format!("{scheme}://{}{}", self.server.address, self.server.behaviour.base.path())
    }

    /// The address it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// How it behaves.
    #[must_use]
    pub fn behaviour(&self) -> &Behaviour {
        &self.server.behaviour
    }

    /// The bearer token that a [`Base::Gated`] endpoint accepts.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.server.token
    }

    /// Every request so far, in the order in which its body was complete.
    #[must_use]
    pub fn requests(&self) -> Vec<Logged> {
        self.server.log.requests()
    }

    /// Connections accepted so far.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.server.accepted.load(Ordering::SeqCst)
    }

    /// Connections that are open now.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.server.log.gauge(Counted::Connection).now
    }

    /// The most requests that were unanswered at once. A POST that is answered by an event stream
    /// counts until the stream ends; a held stream (GET, listen) does not count once its head is sent.
    #[must_use]
    pub fn peak_in_flight(&self) -> usize {
        self.server.log.gauge(Counted::Request).peak
    }

    /// The most held streams (GET, listen, HTTP+SSE, feed) at once.
    #[must_use]
    pub fn peak_held_streams(&self) -> usize {
        self.server.log.gauge(Counted::HeldStream).peak
    }

    /// Held streams that are open now.
    #[must_use]
    pub fn held_streams(&self) -> usize {
        self.server.log.gauge(Counted::HeldStream).now
    }

    /// Legacy sessions opened so far.
    #[must_use]
    pub fn sessions_opened(&self) -> u64 {
        self.server.sessions.opened()
    }

    /// Legacy sessions that a DELETE ended.
    #[must_use]
    pub fn sessions_deleted(&self) -> u64 {
        self.server.sessions.deleted()
    }

    /// Panics of server tasks: always empty, unless the endpoint has a bug.
    #[must_use]
    pub fn panics(&self) -> Vec<String> {
        self.server.log.panics()
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.server.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        let panics = self.server.log.panics();
        if !std::thread::panicking() {
            assert!(panics.is_empty(), "a task of a demo endpoint panicked: {}", panics.join("; "));
        }
    }
}

fn bind(behaviour: Behaviour) -> io::Result<(Arc<Server>, std::net::TcpListener)> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let server = Server::new(behaviour, listener.local_addr()?);
    Ok((Arc::new(server), listener))
}

async fn accept(server: Arc<Server>, listener: TcpListener) {
    loop {
        // An error here speaks of one connection (or of too many open files): the next may do better.
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let connection = server.accepted.fetch_add(1, Ordering::SeqCst).saturating_add(1);
        if server.log.gauge(Counted::Connection).now < CONNECTIONS {
            let guard = server.log.enter(Counted::Connection);
            let shared = Arc::clone(&server);
            server.spawn(async move {
                converse(shared, stream, connection).await;
                drop(guard);
            });
        }
    }
}

async fn converse(server: Arc<Server>, stream: TcpStream, connection: u64) {
    // Without it each small write waits for the peer's delayed acknowledgement.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let server = Arc::clone(&server);
        async move { serve::answer(server, connection, request).await }
    });
    // An error is the peer's: it left, or sent no HTTP. hyper has answered what can be answered.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
}
