//! One call, from its permit to its exchange: connection, request, head, body.

use std::sync::atomic::Ordering;
use std::time::Duration;

use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::body::{Publish, Reader};
use super::dial::{Connection, Sender};
use super::exchange::{Call, Reuse, Until};
use super::failure::{broken, failure, flooded, over};
use super::listener::RequestListener;
use super::origin::may_carry_credentials;
use super::recorder::{self, from_now, later};
use super::request;
use super::shared::{LAGS, LONGEST_SILENCE_MS, Shared};
use crate::protocol::address::{Exposure, exposure, host_exposure};
use crate::protocol::coding::Coding;
use crate::transcript::exchange::request_id;
use crate::transcript::{Connect, Ended, Exchange, Expectation, Failure, FailureKind, Phase};

/// A head that came, its body still to be read.
pub(super) struct Answer {
    pub(super) response: http::Response<Incoming>,
    /// When the request was sent.
    pub(super) asked: Instant,
}

/// How long cleaning up may take once the scan is over.
const TEARDOWN: Duration = Duration::from_secs(2);

impl Shared {
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
        let teardown = call.expectation == Expectation::Teardown;
        let end = if teardown { self.deadline.max(from_now(TEARDOWN)) } else { self.deadline };
        let result = tokio::select! {
            result = self.converse(call, exchange, publish) => result,
            // Cleaning up is owed to the endpoint, also when the user or the deadline ended the scan.
            () = self.stop.wait(), if !teardown => {
                Err(failure(Phase::Head, FailureKind::Cancelled, "the scan was interrupted"))
            }
            () = tokio::time::sleep_until(end) => {
                Err(over(Phase::Head, FailureKind::Cancelled, "target_ms", self.limits.target_ms))
            }
        };
        drop(permit);
        if let Err(failure) = result {
            exchange.ended = Ended::Failed;
            exchange.failure = Some(failure);
        }
        exchange.ended_us = self.clock.now_us();
    }

    async fn converse(
        &self,
        call: &Call,
        exchange: &mut Exchange,
        publish: Option<Publish>,
    ) -> Result<(), Failure> {
        let url = self.allowed(call)?;
        let (mut connection, pooled) = self.connection(call, &url, exchange).await?;
        let mut sent = self.exchange_heads(call, &url, exchange, &mut connection).await;
        if pooled && matches!(&sent, Err(failure) if stale(failure)) && !connection.seen.any() {
            // The peer closed an idle connection: once more on a fresh one (RFC 9112 section 9.3.1).
            connection = self.fresh(&url, exchange).await?;
            sent = self.exchange_heads(call, &url, exchange, &mut connection).await;
        }
        let Answer { response, asked } = sent?;
        let (parts, body) = response.into_parts();
        let at_us = self.clock.now_us();
        let (head, mut shapes) = recorder::head(
            &self.vault,
            &self.given,
            parts.status.as_u16(),
            parts.version,
            &parts.headers,
            at_us,
        );
        // A server that echoes the session id it was given has issued nothing.
        shapes.retain(|shape| Some(&shape.placeholder) != exchange.session.as_ref());
        exchange.shapes = shapes;
        if let Some(publish) = &publish {
            publish.update(|live| live.head = Some(head.clone()));
        }
        exchange.head = Some(head);
        if parts.status == http::StatusCode::SWITCHING_PROTOCOLS {
            // What follows is no HTTP any more, and nobody agreed on what it is.
            return Err(failure(
                Phase::Head,
                FailureKind::Framing,
                "101 Switching Protocols was not asked for",
            ));
        }
        if call.until == Until::Head || call.method == "HEAD" {
            exchange.ended = Ended::ByUs;
            return Ok(());
        }
        let reader = self.reader(call, exchange, asked, publish);
        let read = reader.read(body, exchange.header("content-type")).await;
        exchange.first_byte_us = read.first_byte_us;
        exchange.content = read.content;
        exchange.coded = read.coded;
        exchange.ended = read.ended;
        // Whatever the library calls what it makes of it.
        let flood = connection.seen.flood().filter(|_| read.failure.is_some());
        exchange.failure = flood.map(|flood| flooded(Phase::Body, &flood)).or(read.failure);
        exchange.shapes.extend(read.shapes);
        if exchange.ended == Ended::Complete {
            self.keep(connection, call.reuse);
        }
        Ok(())
    }

    /// A reader of the reply to what was sent at `asked`. An ordinary reply has its time for head and body
    /// together; a stream that is watched is watched from its head on.
    fn reader(
        &self,
        call: &Call,
        exchange: &Exchange,
        asked: Instant,
        publish: Option<Publish>,
    ) -> Reader<'_> {
        let ms = |ms: u64| from_now(Duration::from_millis(ms));
        let get = call.method == "GET";
        let reply = later(asked, Duration::from_millis(self.limits.reply_ms));
        let (total, first_event) = match call.until {
            Until::Watch(watch) => (ms(watch), None),
            _ if get => (reply, Some(ms(self.silence(self.limits.first_event_ms)))),
            _ => (reply, None),
        };
        Reader {
            limits: &self.limits,
            clock: self.clock,
            shared: self,
            id: request_id(exchange),
            until: call.until,
            deadline: total.min(self.deadline),
            first_event,
            listener: RequestListener::new(self, call, exchange),
            publish,
            sniff: get,
            coding: exchange
                .head
                .as_ref()
                .map_or(Coding::Plain, |head| Coding::of(head.values("content-encoding"))),
        }
    }

    /// A wait for silence, cut to what the profile allows.
    fn silence(&self, wanted_ms: u64) -> u64 {
        let lag_ms = self.lag_us.load(Ordering::Relaxed).saturating_mul(LAGS) / 1_000;
        let silence = self.limits.silence_ms.max(lag_ms.min(LONGEST_SILENCE_MS));
        if self.limits.silence_ms == 0 { wanted_ms } else { wanted_ms.min(silence) }
    }

    /// The URL of a call, if it is of the scanned origin.
    fn allowed(&self, call: &Call) -> Result<Url, Failure> {
        let refuse = |why: &str| failure(Phase::Connect, FailureKind::Cancelled, why);
        let place = call.place.as_ref().filter(|_| call.sendable()).ok_or_else(|| refuse("not a URL"))?;
        if may_carry_credentials(&self.typed, place.url()) {
            Ok(place.url().clone())
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
            Reuse::Kept(number) => self.pool.take(|connection| connection.number == number),
            Reuse::Auto => self.pool.take(|_| true),
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
        let seen = match address {
            Some(address) => Some(exposure(address.ip())),
            // Behind a proxy nobody knows: as gentle as towards a stranger.
            None if self.dialler.proxy.is_some() => {
                Some(self.typed.host_str().and_then(host_exposure).unwrap_or(Exposure::Public))
            }
            None => None,
        };
        if let Some(seen) = seen {
            self.public.store(seen == Exposure::Public, Ordering::Relaxed);
        }
    }

    fn keep(&self, connection: Connection, reuse: Reuse) {
        let local = !matches!(self.typed.scheme(), "https" | "wss") && !self.public.load(Ordering::Relaxed);
        let wanted = match reuse {
            Reuse::Auto => !local,
            Reuse::FreshKept => true,
            Reuse::Fresh | Reuse::Kept(_) => false,
        };
        if wanted {
            self.pool.keep(connection);
        }
    }

    async fn exchange_heads(
        &self,
        call: &Call,
        url: &Url,
        exchange: &mut Exchange,
        connection: &mut Connection,
    ) -> Result<Answer, Failure> {
        let h2 = matches!(connection.sender, Sender::H2(_));
        let mut request = request::build(self, call, url, exchange, h2)?;
        let flooded = request::too_many_interim(&mut request, self.limits.interim);
        let wait = match call.until {
            Until::Watch(watch) => watch,
            _ => self.limits.header_ms,
        };
        let asked = Instant::now();
        let limit = later(asked, Duration::from_millis(wait));
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
        let answer = tokio::select! {
            answer = timeout_at(limit, answer) => answer,
            () = flooded.notified() => {
                return Err(over(Phase::Head, FailureKind::TooLarge, "interim", self.limits.interim));
            }
        };
        match answer {
            Err(_) if connection.seen.held_back() => {
                let words = "the request was not sent to its end: HTTP/2 flow control holds it back";
                let detail = format!("header_ms {wait}, {words}");
                Err(failure(Phase::Head, FailureKind::HeaderTimeout, &detail))
            }
            Err(_) if wait == self.limits.header_ms => {
                Err(over(Phase::Head, FailureKind::HeaderTimeout, "header_ms", wait))
            }
            Err(_) => {
                Err(failure(Phase::Head, FailureKind::HeaderTimeout, &format!("none within {wait} ms")))
            }
            Ok(Ok(response)) => Ok(Answer { response, asked }),
            Ok(Err(error)) => Err(self.head_failure(&error, connection)),
        }
    }

    /// Why no head came.
    pub(super) fn head_failure(&self, error: &hyper::Error, connection: &Connection) -> Failure {
        let seen = &connection.seen;
        if let Some(flood) = seen.flood() {
            return flooded(Phase::Head, &flood);
        }
        let excerpt = || format!("the answer begins with \"{}\"", seen.excerpt(&self.vault));
        // The library says "too large" of a Content-Length beyond all bounds, too.
        if error.is_parse_too_large() {
            let (bytes, lines) = seen.count();
            if lines > self.limits.header_lines {
                return over(Phase::Head, FailureKind::TooLarge, "header_lines", self.limits.header_lines);
            }
            if bytes >= self.limits.header_bytes as u64 {
                return over(Phase::Head, FailureKind::TooLarge, "header_bytes", self.limits.header_bytes);
            }
        }
        let speaks_http = seen.begins(b"HTTP/1.");
        if error.is_parse() && speaks_http {
            return failure(Phase::Head, FailureKind::Framing, &excerpt());
        }
        // Some peers speak first (SSH, SMTP): that is no HTTP either, whatever the library calls it.
        let h2 = matches!(connection.sender, Sender::H2(_));
        if error.is_parse() || (seen.any() && !speaks_http && !h2) {
            return failure(Phase::Head, FailureKind::NotHttp, &excerpt());
        }
        let mut broken = broken(error);
        if broken.phase == Phase::Body {
            broken.phase = Phase::Head;
        }
        if broken.kind == FailureKind::Other && error.is_closed() {
            broken.kind = FailureKind::Truncated;
        }
        if broken.kind == FailureKind::Truncated {
            broken.detail =
                if seen.any() && !h2 { excerpt() } else { "closed without a byte of an answer".to_owned() };
        }
        broken
    }

    /// Opens a fresh connection for a WebSocket upgrade.
    pub(super) async fn upgrade(
        &self,
        call: &Call,
        exchange: &mut Exchange,
    ) -> Result<(Connection, Answer), Failure> {
        let url = self.allowed(call)?;
        let mut connection = self.fresh(&url, exchange).await?;
        let answer = self.exchange_heads(call, &url, exchange, &mut connection).await?;
        Ok((connection, answer))
    }

    /// Reads the body of a reply that is no upgrade.
    pub(super) async fn read_plain(&self, call: &Call, exchange: &mut Exchange, answer: Answer) {
        let reader = self.reader(call, exchange, answer.asked, None);
        let read = reader.read(answer.response.into_body(), exchange.header("content-type")).await;
        exchange.first_byte_us = read.first_byte_us;
        exchange.content = read.content;
        exchange.coded = read.coded;
        exchange.ended = read.ended;
        exchange.failure = read.failure;
    }
}

/// Whether a pooled connection may simply have been closed by its peer.
fn stale(failure: &Failure) -> bool {
    matches!(failure.kind, FailureKind::Truncated | FailureKind::Reset | FailureKind::Other)
}
