//! Sending calls to the target and recording what comes back.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, COOKIE, HOST, USER_AGENT};
use http::{HeaderName, HeaderValue, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::body::{Publish, Reader, broken};
use super::dial::{Connection, Dialler, Sender, failure};
use super::exchange::{Call, Reuse, Until};
use super::origin::may_carry_credentials;
use super::recorder::{self, Clock};
use crate::facts::reply::request_id;
use crate::protocol::address::Exposure;
use crate::scan::{Observer, ScanEvent, Stop};
use crate::target::{Secret, Target};
use crate::transcript::codec::Entry;
use crate::transcript::{
    Connect, Content, Ended, Exchange, Failure, FailureKind, Limits, Phase, ProbeId, Request, Skip,
    SkipReason, Vault,
};

/// The wire of one scan: sends calls, records exchanges and skips, tells the observer.
pub struct Wire<'a> {
    pub(super) inner: Arc<Inner>,
    observer: &'a dyn Observer,
    recorded: Mutex<Vec<Arc<Exchange>>>,
    skips: Mutex<Vec<Skip>>,
}

impl std::fmt::Debug for Wire<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wire(..)")
    }
}

/// What outlives a borrow: held streams run as tasks of their own.
pub(super) struct Inner {
    pub(super) dialler: Dialler,
    pub(super) limits: Limits,
    pub(super) clock: Clock,
    pub(super) vault: Vault,
    pub(super) stop: Stop,
    pub(super) held: Arc<Semaphore>,
    typed: Url,
    own_headers: Vec<(HeaderName, Secret)>,
    user_agent: String,
    deadline: Instant,
    pub(super) in_flight: Semaphore,
    pool: Mutex<VecDeque<Connection>>,
    next_exchange: AtomicU32,
    next_connection: AtomicU32,
    public: AtomicBool,
    next_slot: Mutex<Instant>,
}

/// Most idle connections kept.
const POOL: usize = 5;

impl<'a> Wire<'a> {
    /// A wire to one target. Its own clock starts now.
    #[must_use]
    pub fn new(target: &Target, observer: &'a dyn Observer, stop: &Stop) -> Self {
        let clock = Clock::start();
        let limits = target.limits.clone();
        let vault = Vault::default();
        for (name, value) in &target.headers {
            hide_header(&vault, name, value.expose());
        }
        let dialler = Dialler {
            limits: limits.clone(),
            clock,
            insecure: target.insecure,
            trust: tokio::sync::OnceCell::new(),
            cacert: target.cacert.clone(),
            h2: AtomicBool::new(false),
        };
        let inner = Inner {
            dialler,
            clock,
            vault,
            stop: stop.clone(),
            held: Arc::new(Semaphore::new(limits.held_streams)),
            typed: target.url.clone(),
            own_headers: target.headers.clone(),
            user_agent: target.user_agent.clone(),
            deadline: Instant::now() + limits.target(),
            in_flight: Semaphore::new(limits.in_flight),
            pool: Mutex::default(),
            next_exchange: AtomicU32::new(1),
            next_connection: AtomicU32::new(1),
            public: AtomicBool::new(false),
            next_slot: Mutex::new(Instant::now()),
            limits,
        };
        Self { inner: Arc::new(inner), observer, recorded: Mutex::default(), skips: Mutex::default() }
    }

    /// The vault of this scan, for masking what is not an exchange (the target's URL).
    #[must_use]
    pub fn vault(&self) -> &Vault {
        &self.inner.vault
    }

    /// The limits in force.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    /// Microseconds since the scan began.
    #[must_use]
    pub fn now_us(&self) -> u64 {
        self.inner.clock.now_us()
    }

    /// Whether the deadline passed or the user stopped the scan: why nothing more is sent.
    #[must_use]
    pub fn over(&self) -> Option<SkipReason> {
        if self.inner.stop.stopped() {
            Some(SkipReason::Interrupted)
        } else if Instant::now() >= self.inner.deadline {
            Some(SkipReason::Deadline)
        } else {
            None
        }
    }

    /// Sends a call and records the exchange. Failures are part of the exchange.
    pub async fn send(&self, call: Call) -> Arc<Exchange> {
        let exchange = self.inner.run(call).await;
        self.record(exchange)
    }

    /// Sends a call whose answer comes elsewhere (HTTP+SSE: on the held stream). It is recorded by
    /// [`Self::finish`], which belongs after it whatever happens.
    pub async fn send_open(&self, call: Call) -> Exchange {
        self.inner.run(call).await
    }

    /// Records an exchange of [`Self::send_open`]: now its answer is there, or was given up.
    pub fn finish(&self, mut exchange: Exchange) -> Arc<Exchange> {
        exchange.ended_us = exchange.ended_us.max(self.now_us());
        self.record(exchange)
    }

    /// Tells what is being done.
    pub fn doing(&self, what: impl Into<String>) {
        self.observer.event(ScanEvent::Doing(what.into()));
    }

    /// Tells that a request goes out.
    pub fn counted(&self, sent: u32, budget: u32) {
        self.observer.event(ScanEvent::Request { sent, budget });
    }

    /// Records that something was left out.
    pub fn skip(&self, probe: ProbeId, step: Option<&str>, reason: SkipReason) {
        let skip = Skip { probe, step: step.map(str::to_owned), reason };
        let mut skips = self.skips.lock().unwrap_or_else(PoisonError::into_inner);
        if !skips.contains(&skip) {
            self.observer.entry(&Entry::Skip(skip.clone()));
            skips.push(skip);
        }
    }

    /// Records a finished exchange.
    pub(super) fn record(&self, exchange: Exchange) -> Arc<Exchange> {
        let exchange = Arc::new(exchange);
        self.observer.entry(&Entry::Exchange(Box::new((*exchange).clone())));
        self.recorded.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&exchange));
        exchange
    }

    /// What was recorded so far, in order of ids, and what was left out.
    #[must_use]
    pub fn recorded(&self) -> (Vec<Exchange>, Vec<Skip>) {
        let mut exchanges: Vec<Exchange> = self
            .recorded
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .map(|exchange| (**exchange).clone())
            .collect();
        exchanges.sort_by_key(|exchange| exchange.id);
        (exchanges, self.skips.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

/// Masks a header of the operator's: its value, and behind a scheme word the credential alone.
fn hide_header(vault: &Vault, name: &HeaderName, value: &str) {
    let label = if *name == AUTHORIZATION { "credential".to_owned() } else { format!("header-{name}") };
    vault.hide(&label, value);
    if let Some((_, credential)) = value.split_once(' ').filter(|_| *name == AUTHORIZATION) {
        vault.hide(&label, credential.trim());
        let decoded = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, credential.trim());
        if let Some(pair) = decoded.ok().and_then(|bytes| String::from_utf8(bytes).ok()) {
            vault.hide(&label, &pair);
            if let Some((_, password)) = pair.split_once(':') {
                vault.hide(&label, password);
            }
        }
    }
}

impl Inner {
    pub(super) fn new_exchange(&self, call: &Call) -> Exchange {
        Exchange {
            id: self.next_exchange.fetch_add(1, Ordering::Relaxed),
            probe: call.probe,
            step: call.step.clone(),
            expectation: call.expectation,
            twin: call.twin,
            era: call.era,
            session: call.session.clone(),
            stream: call.stream,
            connection: 0,
            connect: None,
            request: Request {
                method: call.method.to_owned(),
                url: call.url.clone(),
                headers: Vec::new(),
                body: call.body.clone().map(|body| self.vault.mask(&body)),
            },
            started_us: self.clock.now_us(),
            head: None,
            content: Content::None,
            ended: Ended::Failed,
            ended_us: 0,
            failure: None,
            shapes: Vec::new(),
        }
    }

    /// Sends one call.
    pub(super) async fn run(&self, call: Call) -> Exchange {
        let mut exchange = self.new_exchange(&call);
        self.run_as(&mut exchange, &call, None).await;
        exchange
    }

    /// Sends one call into an exchange that was begun. `publish` makes it a held stream that others
    /// can look into.
    pub(super) async fn run_as(&self, exchange: &mut Exchange, call: &Call, publish: Option<Publish>) {
        // A held stream has its own permit and does not count as in flight.
        let permit = if publish.is_some() { None } else { self.in_flight.acquire().await.ok() };
        self.pace().await;
        let result = tokio::select! {
            result = self.converse(call, exchange, publish) => result,
            () = self.stop.wait() => Err(failure(Phase::Head, FailureKind::Cancelled, "the scan was interrupted")),
            () = tokio::time::sleep_until(self.deadline) => {
                Err(failure(Phase::Head, FailureKind::Cancelled, "the scan's deadline passed"))
            }
        };
        drop(permit);
        if let Err(failure) = result {
            exchange.ended = Ended::Failed;
            exchange.failure = Some(failure);
        }
        exchange.ended_us = self.clock.now_us();
    }

    /// At most `public_rate` requests a second to a host that is neither loopback nor private.
    pub(super) async fn pace(&self) {
        if self.limits.public_rate == 0 || !self.public.load(Ordering::Relaxed) {
            return;
        }
        let gap = Duration::from_secs(1) / self.limits.public_rate;
        let slot = {
            let mut next = self.next_slot.lock().unwrap_or_else(PoisonError::into_inner);
            let slot = (*next).max(Instant::now());
            *next = slot + gap;
            slot
        };
        tokio::time::sleep_until(slot).await;
    }

    async fn converse(
        &self,
        call: &Call,
        exchange: &mut Exchange,
        publish: Option<Publish>,
    ) -> Result<(), Failure> {
        let url = self.allowed(&call.url)?;
        let (mut connection, pooled) = self.connection(call, &url, exchange).await?;
        let mut sent = self.exchange_heads(call, &url, exchange, &mut connection).await;
        if pooled && matches!(&sent, Err(failure) if stale(failure)) && !connection.seen.any() {
            // The peer closed an idle connection: once more on a fresh one (RFC 9112 section 9.3.1).
            connection = self.fresh(&url, exchange).await?;
            sent = self.exchange_heads(call, &url, exchange, &mut connection).await;
        }
        let response = sent?;
        let (parts, body) = response.into_parts();
        let at_us = self.clock.now_us();
        let (head, mut shapes) =
            recorder::head(&self.vault, parts.status.as_u16(), parts.version, &parts.headers, at_us);
        // A server that echoes the session id it was given has issued nothing.
        shapes.retain(|shape| Some(&shape.placeholder) != call.session.as_ref());
        exchange.shapes = shapes;
        if let Some(publish) = &publish {
            publish.update(|live| live.head = Some(head.clone()));
        }
        exchange.head = Some(head);
        if call.until == Until::Head || call.method == "HEAD" {
            exchange.ended = Ended::ByUs;
            return Ok(());
        }
        let read = self.reader(call, exchange, publish).read(body, exchange.header("content-type")).await;
        exchange.content = read.content;
        exchange.ended = read.ended;
        exchange.failure = read.failure;
        exchange.shapes.extend(read.shapes);
        if exchange.ended == Ended::Complete {
            self.keep(connection, call.reuse);
        }
        Ok(())
    }

    fn reader(&self, call: &Call, exchange: &Exchange, publish: Option<Publish>) -> Reader<'_> {
        let now = Instant::now();
        let ms = Duration::from_millis;
        let get = call.method == "GET";
        let (total, first_event) = match call.until {
            Until::Watch(watch) => (now + ms(watch), None),
            _ if get => {
                (now + ms(self.limits.reply_ms), Some(now + ms(self.silence(self.limits.first_event_ms))))
            }
            _ => (now + ms(self.limits.reply_ms), None),
        };
        Reader {
            limits: &self.limits,
            clock: self.clock,
            vault: &self.vault,
            id: request_id(exchange),
            until: call.until,
            deadline: total.min(self.deadline),
            first_event,
            publish,
            sniff: get,
        }
    }

    /// A wait for silence, cut to what the profile allows.
    fn silence(&self, wanted_ms: u64) -> u64 {
        if self.limits.silence_ms == 0 { wanted_ms } else { wanted_ms.min(self.limits.silence_ms) }
    }

    /// The URL with placeholders put back, if it is of the scanned origin.
    fn allowed(&self, masked: &str) -> Result<Url, Failure> {
        let refuse = |why: &str| failure(Phase::Connect, FailureKind::Cancelled, why);
        let url = Url::parse(&self.vault.reveal(masked)).map_err(|_| refuse("not a URL"))?;
        if may_carry_credentials(&self.typed, &url) {
            Ok(url)
        } else {
            Err(refuse("another origin than the scanned one: not contacted"))
        }
    }

    async fn connection(
        &self,
        call: &Call,
        url: &Url,
        exchange: &mut Exchange,
    ) -> Result<(Connection, bool), Failure> {
        let pooled = match call.reuse {
            Reuse::Fresh | Reuse::FreshKept => None,
            Reuse::Kept(number) => self.take(|connection| connection.number == number),
            Reuse::Auto => self.take(|_| true),
        };
        if let Some(connection) = pooled {
            exchange.connection = connection.number;
            connection.seen.reset();
            exchange.started_us = self.clock.now_us();
            return Ok((connection, true));
        }
        self.fresh(url, exchange).await.map(|connection| (connection, false))
    }

    async fn fresh(&self, url: &Url, exchange: &mut Exchange) -> Result<Connection, Failure> {
        let number = self.next_connection.fetch_add(1, Ordering::Relaxed);
        exchange.connection = number;
        let (connect, result) = self.dialler.dial(url, number).await;
        self.note_exposure(&connect);
        exchange.connect = Some(connect);
        exchange.started_us = self.clock.now_us();
        result
    }

    fn note_exposure(&self, connect: &Connect) {
        let address = connect.address.as_deref().and_then(|text| text.parse::<std::net::SocketAddr>().ok());
        if let Some(address) = address {
            let public = crate::protocol::address::exposure(address.ip()) == Exposure::Public;
            self.public.store(public, Ordering::Relaxed);
        }
    }

    fn take(&self, wanted: impl Fn(&Connection) -> bool) -> Option<Connection> {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        pool.retain(|connection| match &connection.sender {
            Sender::H1(sender) => !sender.is_closed(),
            Sender::H2(sender) => !sender.is_closed(),
        });
        let index = pool.iter().position(wanted)?;
        pool.remove(index)
    }

    fn keep(&self, connection: Connection, reuse: Reuse) {
        let local = !matches!(self.typed.scheme(), "https" | "wss") && !self.public.load(Ordering::Relaxed);
        let wanted = match reuse {
            Reuse::Auto => !local,
            Reuse::FreshKept => true,
            Reuse::Fresh | Reuse::Kept(_) => false,
        };
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        if wanted && pool.len() < POOL {
            pool.push_back(connection);
        }
    }

    async fn exchange_heads(
        &self,
        call: &Call,
        url: &Url,
        exchange: &mut Exchange,
        connection: &mut Connection,
    ) -> Result<http::Response<Incoming>, Failure> {
        let h2 = matches!(connection.sender, Sender::H2(_));
        let request = self.request(call, url, exchange, h2)?;
        let wait = match call.until {
            Until::Watch(watch) => watch,
            _ => self.limits.header_ms,
        };
        let limit = Instant::now() + Duration::from_millis(wait);
        let answer = async {
            match &mut connection.sender {
                Sender::H1(sender) => {
                    sender.ready().await?;
                    sender.send_request(request).await
                }
                Sender::H2(sender) => {
                    sender.ready().await?;
                    sender.send_request(request).await
                }
            }
        };
        match timeout_at(limit, answer).await {
            Err(_) => {
                Err(failure(Phase::Head, FailureKind::HeaderTimeout, &format!("none within {wait} ms")))
            }
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(head_failure(&error, connection)),
        }
    }

    pub(super) fn request(
        &self,
        call: &Call,
        url: &Url,
        exchange: &mut Exchange,
        h2: bool,
    ) -> Result<http::Request<Full<Bytes>>, Failure> {
        let refuse = |what: &str| failure(Phase::Send, FailureKind::Other, what);
        let mut headers: Vec<(String, String)> = Vec::new();
        let named = |name: &str| call.headers.iter().any(|(key, _)| key == name);
        let host = host(url);
        if !named("host") {
            headers.push(("host".to_owned(), host.clone()));
        }
        headers.push((USER_AGENT.to_string(), self.user_agent.clone()));
        headers.extend(call.headers.iter().cloned());
        exchange.request.headers = headers.clone();
        let mut builder = http::Request::builder().method(call.method);
        let authority =
            call.headers.iter().find(|(key, _)| key == "host").map_or(host, |(_, value)| value.clone());
        let path = url.path().to_owned() + &url.query().map_or_else(String::new, |query| format!("?{query}"));
        let scheme = if matches!(url.scheme(), "https" | "wss") { "https" } else { "http" };
        let uri = if h2 { format!("{scheme}://{authority}{path}") } else { path };
        builder = builder.uri(uri.parse::<Uri>().map_err(|_| refuse("the URL cannot be sent"))?);
        for (name, value) in &headers {
            if h2 && matches!(name.as_str(), "host" | "connection" | "upgrade") {
                continue;
            }
            let value = HeaderValue::from_str(&self.vault.reveal(value))
                .map_err(|_| refuse("a header value cannot be sent"))?;
            builder = builder.header(name.as_str(), value);
        }
        if call.credential {
            for (name, value) in &self.own_headers {
                // A header that the probe itself sets is what it is testing.
                if named(name.as_str()) || (*name == HOST) {
                    continue;
                }
                let mut sent = HeaderValue::from_str(value.expose())
                    .map_err(|_| refuse("one of your headers has a value that cannot be sent"))?;
                sent.set_sensitive(true);
                builder = builder.header(name, sent);
                let label = if *name == AUTHORIZATION {
                    "~credential~".to_owned()
                } else {
                    format!("~header-{name}~")
                };
                let shown = if *name == COOKIE { "~header-cookie~".to_owned() } else { label };
                exchange.request.headers.push((name.as_str().to_owned(), shown));
            }
        }
        let body = call.body.as_ref().map_or_else(Bytes::new, |body| Bytes::from(self.vault.reveal(body)));
        builder.body(Full::new(body)).map_err(|_| refuse("the request cannot be built"))
    }

    /// Opens a fresh connection for a WebSocket upgrade.
    pub(super) async fn upgrade(
        &self,
        call: &Call,
        exchange: &mut Exchange,
    ) -> Result<(Connection, http::Response<Incoming>), Failure> {
        let url = self.allowed(&call.url)?;
        let mut connection = self.fresh(&url, exchange).await?;
        let response = self.exchange_heads(call, &url, exchange, &mut connection).await?;
        Ok((connection, response))
    }

    /// Reads the body of a reply that is no upgrade.
    pub(super) async fn read_plain(&self, call: &Call, exchange: &mut Exchange, body: Incoming) {
        let read = self.reader(call, exchange, None).read(body, exchange.header("content-type")).await;
        exchange.content = read.content;
        exchange.ended = read.ended;
        exchange.failure = read.failure;
    }

    /// End of the scan.
    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }
}

/// `host[:port]` as a client writes it.
fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn stale(failure: &Failure) -> bool {
    matches!(failure.kind, FailureKind::Truncated | FailureKind::Reset | FailureKind::Other)
}

fn head_failure(error: &hyper::Error, connection: &Connection) -> Failure {
    let excerpt = || format!("the answer begins with \"{}\"", connection.seen.excerpt());
    if error.is_parse_too_large() {
        return failure(Phase::Head, FailureKind::TooLarge, "the response head is over its limit");
    }
    // Some peers speak first (SSH, SMTP): that is no HTTP either, whatever the library calls it.
    let speaks_first = connection.seen.any() && !connection.seen.excerpt().starts_with("HTTP/");
    if error.is_parse() || speaks_first {
        return failure(Phase::Head, FailureKind::NotHttp, &excerpt());
    }
    let mut broken = broken(error);
    broken.phase = Phase::Head;
    if broken.kind == FailureKind::Other && error.is_closed() {
        broken.kind = FailureKind::Truncated;
    }
    if broken.kind == FailureKind::Truncated {
        broken.detail =
            if connection.seen.any() { excerpt() } else { "closed without a byte of an answer".to_owned() };
    }
    broken
}
