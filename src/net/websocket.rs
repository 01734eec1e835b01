//! WebSocket over our own connection: the upgrade is sent by us, because libraries refuse a 101 that
//! selects no subprotocol, or one that was not offered.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::time::timeout_at;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error as WsError, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::body::BINARY_KEPT;
use super::dial::Connection;
use super::exchange::{Call, HeaderText};
use super::failure::{broken, failure, over};
use super::guard::{Guard, Tally, TooManyFragments};
use super::message::Message as Meant;
use super::place::Place;
use super::recorder::{self, from_now};
use super::wire::Wire;
use crate::protocol::websocket::accept;
use crate::transcript::{
    Content, Direction, Ended, Exchange, Failure, FailureKind, Frame, FrameKind, Limits, Phase, ProbeId,
    Profile, Vault,
};

/// Read buffer of a socket; the default is 128 KiB a connection.
const BUFFER: usize = 8 * 1024;
/// How long a close may take.
pub(super) const CLOSING: Duration = Duration::from_millis(500);

/// An open WebSocket. Close it to get its exchange recorded.
pub struct Socket {
    pub(super) stream: SocketStream,
    pub(super) exchange: Exchange,
    frames: Vec<Frame>,
    tally: Tally,
    failure: Option<Failure>,
    over: bool,
    /// Why we end it, where the peer broke a rule.
    farewell: Option<CloseCode>,
    pub(super) connection: Connection,
}

/// The socket itself.
pub(super) type SocketStream = WebSocketStream<Guard<TokioIo<Upgraded>>>;

impl std::fmt::Debug for Socket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Socket").field("exchange", &self.exchange.id).finish_non_exhaustive()
    }
}

/// What became of an upgrade.
#[derive(Debug)]
pub enum Upgrade {
    /// 101 with the right accept value.
    Open(Box<Socket>),
    /// Anything else, recorded.
    Refused(Arc<Exchange>),
}

impl Call {
    /// P-WS: an upgrade request that offers these subprotocols.
    #[must_use]
    pub fn websocket(
        probe: ProbeId,
        step: impl Into<String>,
        place: &Place,
        subprotocol: Option<&HeaderText>,
    ) -> Self {
        let key = base64::engine::general_purpose::STANDARD.encode(uuid::Uuid::new_v4().as_bytes());
        let call = Self::new("GET", probe, step, place)
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", key);
        match subprotocol {
            Some(subprotocol) => call.with("sec-websocket-protocol", subprotocol.clone()),
            None => call,
        }
    }
}

impl Wire<'_> {
    /// Sends an upgrade.
    pub async fn upgrade(&self, call: Call) -> Upgrade {
        let shared = &self.shared;
        let mut exchange = shared.new_exchange(&call);
        let result = tokio::select! {
            result = self.open(&call, &mut exchange) => result,
            () = shared.stop.wait() => Err(failure(Phase::Head, FailureKind::Cancelled, "the scan was interrupted")),
            () = tokio::time::sleep_until(shared.deadline()) => {
                Err(over(Phase::Head, FailureKind::Cancelled, "target_ms", shared.limits.target_ms))
            }
        };
        match result {
            Ok(Some((stream, connection))) => Upgrade::Open(Box::new(Socket {
                stream,
                exchange,
                frames: Vec::new(),
                tally: Tally::default(),
                failure: None,
                over: false,
                farewell: None,
                connection,
            })),
            Ok(None) => {
                exchange.ended_us = shared.clock.now_us();
                Upgrade::Refused(self.record(exchange))
            }
            Err(failure) => {
                exchange.failure = Some(failure);
                exchange.ended = Ended::Failed;
                exchange.ended_us = shared.clock.now_us();
                Upgrade::Refused(self.record(exchange))
            }
        }
    }

    async fn open(
        &self,
        call: &Call,
        exchange: &mut Exchange,
    ) -> Result<Option<(SocketStream, Connection)>, Failure> {
        let shared = &self.shared;
        let (connection, mut answer) = shared.upgrade(call, exchange).await?;
        let response = &mut answer.response;
        let at_us = shared.clock.now_us();
        let (head, shapes) = recorder::head(
            &shared.vault,
            &shared.given,
            response.status().as_u16(),
            response.version(),
            response.headers(),
            at_us,
        );
        exchange.head = Some(head);
        exchange.shapes = shapes;
        if response.status() != http::StatusCode::SWITCHING_PROTOCOLS {
            shared.read_plain(call, exchange, answer).await;
            return Ok(None);
        }
        let key = exchange.request.header("sec-websocket-key").unwrap_or_default();
        if exchange.header("sec-websocket-accept") != Some(accept(key).as_str()) {
            // Whoever answered did not read our key: nothing is said on such a socket.
            return Err(failure(
                Phase::Head,
                FailureKind::Framing,
                "Sec-WebSocket-Accept is not that of our key",
            ));
        }
        if exchange.header("sec-websocket-extensions").is_some_and(|value| !value.trim().is_empty()) {
            // RFC 6455 section 4.1, item 5: frames would mean something that nobody agreed on.
            return Err(failure(
                Phase::Head,
                FailureKind::Framing,
                "an extension was selected that was not offered",
            ));
        }
        let upgraded = hyper::upgrade::on(response).await.map_err(|error| broken(&error))?;
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER)
            .max_message_size(Some(shared.limits.message_bytes))
            .max_frame_size(Some(shared.limits.frame_bytes));
        let guarded = Guard::new(TokioIo::new(upgraded), shared.limits.fragments);
        let stream = WebSocketStream::from_raw_socket(guarded, Role::Client, Some(config)).await;
        Ok(Some((stream, connection)))
    }

    /// Sends one text message.
    pub async fn say(&self, socket: &mut Socket, message: &Meant) {
        let Some(text) = message.text().filter(|_| !socket.over) else { return };
        let shown = self.shared.vault.mask(&message.shown());
        let at_us = self.shared.clock.now_us();
        socket.frames.push(Frame { at_us, direction: Direction::Out, kind: FrameKind::Text, text: shown });
        if let Err(error) = socket.stream.send(Message::Text(Utf8Bytes::from(text))).await {
            socket.fail(&error);
        }
    }

    /// Reads messages until `wanted` accepts the text of one, the socket ends, or the time is over.
    pub async fn hear(
        &self,
        socket: &mut Socket,
        limit: Duration,
        mut wanted: impl FnMut(&str) -> bool,
    ) -> bool {
        let end = from_now(limit).min(self.shared.deadline());
        while !socket.over {
            let message = tokio::select! {
                message = timeout_at(end, socket.stream.next()) => message,
                () = self.shared.stop.wait() => return false,
            };
            match message {
                Err(_) => return false,
                Ok(None) => socket.over = true,
                Ok(Some(Err(error))) => socket.fail(&error),
                Ok(Some(Ok(message))) => {
                    let forbidden = socket.stream.get_ref().closing().forbidden();
                    let (kind, text) = shown(&message, forbidden);
                    self.note(socket, Direction::In, kind, &text);
                    socket.over |= kind == FrameKind::Close;
                    if kind == FrameKind::Close {
                        socket.failure = forbidden.map(closed_with);
                    }
                    if kind == FrameKind::Text && wanted(&text) {
                        return true;
                    }
                    if let Some(hit) = socket.tally.add(message.len(), &self.shared.limits) {
                        socket.failure = Some(hit);
                        socket.over = true;
                    }
                }
            }
        }
        false
    }

    /// Closes a socket and records it.
    pub async fn close_socket(&self, mut socket: Socket) -> Arc<Exchange> {
        let by_peer = socket.over;
        let farewell = socket.farewell.map(|code| CloseFrame { code, reason: Utf8Bytes::default() });
        if !by_peer || farewell.is_some() {
            let code = farewell.as_ref().map_or(1000, |frame| frame.code.into());
            self.note(&mut socket, Direction::Out, FrameKind::Close, &code.to_string());
            // A peer that ignores the close does not keep us.
            let _ = tokio::time::timeout(CLOSING, socket.stream.close(farewell)).await;
        }
        let mut exchange = socket.exchange;
        exchange.content = Content::Frames { frames: socket.frames };
        exchange.ended = match (&socket.failure, by_peer) {
            (Some(_), _) => Ended::Failed,
            (None, true) => Ended::Complete,
            (None, false) => Ended::ByUs,
        };
        exchange.failure = socket.failure;
        exchange.ended_us = self.shared.clock.now_us();
        self.record(exchange)
    }

    fn note(&self, socket: &mut Socket, direction: Direction, kind: FrameKind, text: &str) {
        let text = mask_shown(&self.shared.vault, kind, text);
        socket.frames.push(Frame { at_us: self.shared.clock.now_us(), direction, kind, text });
    }
}

impl Socket {
    fn fail(&mut self, error: &WsError) {
        self.over = true;
        self.farewell = close_code(error);
        self.failure = broken_socket(error);
    }
}

/// What a socket error means; `None` for an orderly end.
pub(super) fn broken_socket(error: &WsError) -> Option<Failure> {
    let (kind, detail) = match error {
        WsError::ConnectionClosed | WsError::AlreadyClosed => return None,
        WsError::Capacity(CapacityError::MessageTooLong { max_size, .. }) => {
            let frame = *max_size == Limits::of(Profile::Standard).frame_bytes;
            (
                FailureKind::TooLarge,
                format!("{} {max_size}", if frame { "frame_bytes" } else { "message_bytes" }),
            )
        }
        WsError::Io(error)
            if error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<TooManyFragments>) =>
        {
            (FailureKind::TooLarge, error.to_string())
        }
        WsError::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
            (FailureKind::Truncated, "closed without a close frame".to_owned())
        }
        WsError::Protocol(error) => (FailureKind::Framing, error.to_string()),
        WsError::Utf8(_) => (FailureKind::Framing, "a text message is not UTF-8".to_owned()),
        WsError::Io(_) => (FailureKind::Reset, String::new()),
        _ => (FailureKind::Other, String::new()),
    };
    Some(failure(Phase::Frames, kind, &detail))
}

/// What a peer is told that broke a rule (RFC 6455 section 7.4.1); nothing where it is gone.
pub(super) fn close_code(error: &WsError) -> Option<CloseCode> {
    match error {
        WsError::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
        WsError::Capacity(_) => Some(CloseCode::Size),
        WsError::Protocol(_) => Some(CloseCode::Protocol),
        WsError::Utf8(_) => Some(CloseCode::Invalid),
        WsError::Io(error) => {
            let fragments =
                error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<TooManyFragments>);
            fragments.then_some(CloseCode::Size)
        }
        _ => None,
    }
}

/// Masks what [`shown`] gave: a binary message may have been cut inside a secret.
pub(super) fn mask_shown(vault: &Vault, kind: FrameKind, text: &str) -> String {
    if kind == FrameKind::Binary { vault.record_cut(text) } else { vault.record(text) }
}

/// What a close code means that no endpoint may send.
pub(super) fn closed_with(code: u16) -> Failure {
    let detail = format!("the close frame has the code {code}, which must not be sent");
    failure(Phase::Frames, FailureKind::Framing, &detail)
}

/// Kind and text of a message as they are recorded; a `forbidden` close code as it came.
pub(super) fn shown(message: &Message, forbidden: Option<u16>) -> (FrameKind, String) {
    match message {
        Message::Text(text) => (FrameKind::Text, text.as_str().to_owned()),
        // Nobody reads it: the beginning shows what it was.
        Message::Binary(bytes) => {
            let start = bytes.get(..BINARY_KEPT).unwrap_or(bytes);
            (FrameKind::Binary, String::from_utf8_lossy(start).into_owned())
        }
        Message::Ping(bytes) => (FrameKind::Ping, String::from_utf8_lossy(bytes).into_owned()),
        Message::Pong(bytes) => (FrameKind::Pong, String::from_utf8_lossy(bytes).into_owned()),
        Message::Close(frame) => {
            let said = frame.as_ref().map(|frame| format!("{} {}", u16::from(frame.code), frame.reason));
            (FrameKind::Close, forbidden.map_or_else(|| said.unwrap_or_default(), |code| code.to_string()))
        }
        Message::Frame(_) => (FrameKind::Binary, String::new()),
    }
}
