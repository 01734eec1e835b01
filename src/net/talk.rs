//! A conversation on an open WebSocket in which each message of ours is an exchange of its own.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::dial::Connection;
use super::exchange::Call;
use super::guard::{Closing, Tally};
use super::message::Message as Meant;
use super::owed::{WAITING, answer};
use super::recorder::from_now;
use super::shared::Shared;
use super::websocket::{
    CLOSING, Socket, SocketStream, broken_socket, close_code, closed_with, mask_shown, shown,
};
use super::wire::Wire;
use crate::protocol::jsonrpc;
use crate::transcript::{Content, Direction, Ended, Exchange, Failure, Frame, FrameKind, MESSAGE, Request};

/// How long after what may be the answer a better one may come.
const GRACE: Duration = Duration::from_millis(60);
/// How long after the follow-up's answer one to the message before it may come.
const FOLLOW_UP_GRACE: Duration = Duration::from_millis(20);

/// An open WebSocket that several exchanges share. Close it to get its upgrade recorded.
pub struct Talk {
    upgrade: Exchange,
    sink: Sink,
    heard: Arc<Mutex<Heard>>,
    changed: watch::Receiver<u64>,
    reader: JoinHandle<()>,
    /// Ids that are being waited for, and those of follow-ups, whose answers may come late.
    awaited: Mutex<Vec<Value>>,
    /// Indices of the frames that belong to a message's exchange.
    claimed: Mutex<BTreeSet<usize>>,
    _connection: Connection,
}

/// The sending half, shared with the reader, which answers what the server asks.
type Sink = Arc<tokio::sync::Mutex<SplitSink<SocketStream, Message>>>;

impl std::fmt::Debug for Talk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Talk").field("exchange", &self.upgrade.id).finish_non_exhaustive()
    }
}

/// What has come so far.
#[derive(Debug, Default)]
struct Heard {
    frames: Vec<Frame>,
    over: bool,
    failure: Option<Failure>,
}

/// A sound request sent right behind a message that need not be answered: its answer shows that the
/// socket still serves, and that nothing was said about the message before it.
#[derive(Clone, Debug)]
pub struct FollowUp {
    /// The request.
    pub message: Meant,
    /// Its id.
    pub id: Value,
}

impl Wire<'_> {
    /// Begins a conversation on a socket on which nothing was said yet.
    #[must_use]
    pub fn talk(&self, socket: Socket) -> Talk {
        let heard = Arc::new(Mutex::new(Heard::default()));
        let (sender, changed) = watch::channel(0);
        let closing = socket.stream.get_ref().closing();
        let (sink, stream) = socket.stream.split();
        let sink: Sink = Arc::new(sink.into());
        let reader = FrameReader {
            stream,
            closing,
            sink: Arc::clone(&sink),
            heard: Arc::clone(&heard),
            changed: sender,
        };
        let reader = tokio::spawn(listen(Arc::clone(&self.shared), reader));
        Talk {
            upgrade: socket.exchange,
            sink,
            heard,
            changed,
            reader,
            awaited: Mutex::default(),
            claimed: Mutex::default(),
            _connection: socket.connection,
        }
    }

    /// Sends the body of `call` as one text message, waits for its answer (or that of the follow-up) at
    /// most `limit`, and records both as one exchange without a head.
    pub async fn tell(
        &self,
        talk: &Talk,
        call: &Call,
        follow_up: Option<&FollowUp>,
        limit: Duration,
    ) -> Arc<Exchange> {
        let shared = &self.shared;
        let mut exchange = shared.new_exchange(call);
        exchange.connection = talk.upgrade.connection;
        exchange.request = Request {
            method: MESSAGE.to_owned(),
            url: talk.upgrade.request.url.clone(),
            headers: Vec::new(),
            body: exchange.request.body.take(),
            handles: std::mem::take(&mut exchange.request.handles),
        };
        let permit = shared.in_flight.acquire().await.ok();
        shared.pace().await;
        talk.exchange(shared, call, &mut exchange, follow_up, limit).await;
        drop(permit);
        self.record(exchange)
    }

    /// Closes the socket and records its upgrade, with the frames that answered no message.
    pub async fn end(&self, talk: Talk) -> Arc<Exchange> {
        let by_peer = lock(&talk.heard).over;
        if !by_peer {
            // A peer that ignores the close does not keep us.
            let closing = async { talk.sink.lock().await.close().await };
            let _ = tokio::time::timeout(CLOSING, closing).await;
        }
        talk.reader.abort();
        let mut heard = lock(&talk.heard);
        let claimed = lock(&talk.claimed);
        let mut exchange = talk.upgrade.clone();
        let unclaimed = heard.frames.drain(..).enumerate().filter(|(index, _)| !claimed.contains(index));
        exchange.content = Content::Frames { frames: unclaimed.map(|(_, frame)| frame).collect() };
        exchange.failure = heard.failure.take();
        exchange.ended = match (&exchange.failure, by_peer) {
            (Some(_), _) => Ended::Failed,
            (None, true) => Ended::Complete,
            (None, false) => Ended::ByUs,
        };
        exchange.ended_us = self.now_us();
        drop((heard, claimed));
        self.record(exchange)
    }
}

/// Reads frames until the socket, the scan or its time ends.
async fn listen(shared: Arc<Shared>, mut reader: FrameReader) {
    let mut tally = Tally::default();
    let mut answers = 0_usize;
    loop {
        let message = tokio::select! {
            message = timeout_at(shared.deadline(), reader.stream.next()) => message.unwrap_or(None),
            () = shared.stop.wait() => None,
        };
        let at_us = shared.clock.now_us();
        let mut farewell = None;
        let (over, answer) = {
            let mut answered = None;
            let mut heard = lock(&reader.heard);
            match message {
                None => heard.over = true,
                Some(Err(error)) => {
                    heard.over = true;
                    farewell = close_code(&error);
                    heard.failure = broken_socket(&error);
                }
                Some(Ok(message)) => {
                    let forbidden = reader.closing.forbidden();
                    let (kind, said) = shown(&message, forbidden);
                    let text = mask_shown(&shared.vault, kind, &said);
                    if kind == FrameKind::Text && text != said {
                        shared.given.keep_message(&said, &text);
                    }
                    if kind == FrameKind::Text && answers < WAITING && said.contains("\"method\"") {
                        answered = answer(&said, &text).filter(|(answer, _)| answer.sendable());
                    }
                    heard.over |= kind == FrameKind::Close;
                    let hit = tally.add(message.len(), &shared.limits);
                    heard.over |= hit.is_some();
                    let closed = forbidden.filter(|_| kind == FrameKind::Close).map(closed_with);
                    heard.failure = hit.or(closed);
                    heard.frames.push(Frame { at_us, direction: Direction::In, kind, text });
                }
            }
            (heard.over, answered)
        };
        reader.changed.send_modify(|version| *version = version.wrapping_add(1));
        if let Some(code) = farewell {
            let frame = CloseFrame { code, reason: Utf8Bytes::default() };
            reader.send(Message::Close(Some(frame))).await;
        }
        if over {
            return;
        }
        if let Some((body, _)) = answer {
            answers = answers.saturating_add(1);
            reader.answer(&shared, &body).await;
        }
    }
}

/// What a reader needs.
struct FrameReader {
    stream: SplitStream<SocketStream>,
    closing: Closing,
    sink: Sink,
    heard: Arc<Mutex<Heard>>,
    changed: watch::Sender<u64>,
}

impl FrameReader {
    /// Answers what the server asked. The frame stays with the upgrade's exchange.
    async fn answer(&self, shared: &Shared, body: &Meant) {
        let Some(text) = body.text() else { return };
        if self.send(Message::Text(Utf8Bytes::from(text))).await {
            let (at_us, direction) = (shared.clock.now_us(), Direction::Out);
            let text = shared.vault.mask(&body.shown());
            lock(&self.heard).frames.push(Frame { at_us, direction, kind: FrameKind::Text, text });
        }
    }

    /// Sends a message; a peer that does not read must not keep us from reading.
    async fn send(&self, message: Message) -> bool {
        let sending = async { self.sink.lock().await.send(message).await };
        matches!(tokio::time::timeout(CLOSING, sending).await, Ok(Ok(())))
    }
}

/// What the frames say about the message that is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Said {
    Nothing,
    /// The follow_up was answered.
    Passed,
    /// Something came that may be the answer.
    Perhaps,
    Answered,
}

impl Talk {
    /// Whether the peer ended it, or it broke.
    #[must_use]
    pub fn over(&self) -> bool {
        lock(&self.heard).over
    }

    /// The subprotocol that the server selected.
    #[must_use]
    pub fn subprotocol(&self) -> Option<&str> {
        self.upgrade.header("sec-websocket-protocol")
    }

    async fn exchange(
        &self,
        shared: &Shared,
        call: &Call,
        exchange: &mut Exchange,
        follow_up: Option<&FollowUp>,
        limit: Duration,
    ) {
        let own = crate::transcript::exchange::request_id(exchange).filter(|id| !id.is_null());
        let ids: Vec<Value> = own.iter().chain(follow_up.map(|follow_up| &follow_up.id)).cloned().collect();
        lock(&self.awaited).extend(ids.iter().cloned());
        let end = from_now(limit).min(shared.deadline());
        exchange.started_us = shared.clock.now_us();
        let from = lock(&self.heard).frames.len();
        let mut frames = Vec::new();
        let own_text = call.body.as_ref().and_then(|body| Some((body.shown(), body.text()?)));
        let behind =
            follow_up.and_then(|follow_up| Some((follow_up.message.shown(), follow_up.message.text()?)));
        for (shown, text) in own_text.into_iter().chain(behind) {
            frames.push(Frame {
                at_us: shared.clock.now_us(),
                direction: Direction::Out,
                kind: FrameKind::Text,
                text: shared.vault.mask(&shown),
            });
            let message = Message::Text(Utf8Bytes::from(text));
            let sent = timeout_at(end, async { self.sink.lock().await.send(message).await }).await;
            if let Ok(Err(error)) = sent {
                let mut heard = lock(&self.heard);
                heard.over = true;
                let broken = broken_socket(&error);
                heard.failure = heard.failure.take().or(broken);
            }
        }
        let notification = own.is_none() && follow_up.is_none();
        if !notification {
            self.wait(end, from, own.as_ref(), follow_up).await;
        }
        let heard = lock(&self.heard);
        let awaited = lock(&self.awaited).clone();
        let mut claimed = lock(&self.claimed);
        let mut answered = false;
        for (index, frame) in heard.frames.iter().enumerate().skip(from) {
            if claimed.contains(&index) {
                continue;
            }
            let theirs = reply_id(frame).is_some_and(|id| awaited.contains(&id) && !ids.contains(&id));
            let ours = frame.direction == Direction::In
                && matches!(frame.kind, FrameKind::Text | FrameKind::Binary | FrameKind::Close);
            if ours && !theirs && !notification {
                answered |= frame.kind == FrameKind::Text;
                claimed.insert(index);
                frames.push(frame.clone());
            }
        }
        lock(&self.awaited).retain(|id| Some(id) != own.as_ref());
        exchange.content = Content::Frames { frames };
        exchange.ended = if answered || heard.over { Ended::Complete } else { Ended::ByUs };
        if let Some(failure) = heard.failure.clone().filter(|_| !answered && heard.over) {
            exchange.ended = Ended::Failed;
            exchange.failure = Some(failure);
        }
        exchange.ended_us = shared.clock.now_us();
    }

    async fn wait(&self, end: Instant, from: usize, own: Option<&Value>, follow_up: Option<&FollowUp>) {
        let mut changed = self.changed.clone();
        let mut end = end;
        let mut before = Said::Nothing;
        loop {
            let begun = Instant::now();
            let (said, over) = {
                let heard = lock(&self.heard);
                let awaited = lock(&self.awaited).clone();
                let claimed = lock(&self.claimed);
                let new = heard.frames.iter().enumerate().skip(from);
                let new = new.filter(|(index, _)| !claimed.contains(index)).map(|(_, frame)| frame);
                (said(new, own, follow_up.map(|follow_up| &follow_up.id), &awaited), heard.over)
            };
            if over || said == Said::Answered {
                return;
            }
            if said != before {
                before = said;
                let grace = if said == Said::Passed { FOLLOW_UP_GRACE } else { GRACE };
                end = end.min(from_now(grace));
            }
            // A flood makes every look longer: at most a fifth of the time goes into looking.
            tokio::time::sleep_until(end.min(from_now(begun.elapsed().saturating_mul(4)))).await;
            if !matches!(timeout_at(end, changed.changed()).await, Ok(Ok(()))) {
                return;
            }
        }
    }
}

fn said<'f>(
    frames: impl Iterator<Item = &'f Frame>,
    own: Option<&Value>,
    follow_up: Option<&Value>,
    awaited: &[Value],
) -> Said {
    let mut said = Said::Nothing;
    for frame in frames {
        match reply_id(frame) {
            Some(id) if Some(&id) == own => return Said::Answered,
            Some(id) if Some(&id) == follow_up => said = said.max(Said::Passed),
            // A reply to nobody's request may be a refusal without an id, or ours with another id.
            Some(id) if !awaited.contains(&id) => said = Said::Perhaps,
            _ => {}
        }
    }
    said
}

/// The id of a frame that is no message of the server's own (null if it has none).
fn reply_id(frame: &Frame) -> Option<Value> {
    if frame.kind != FrameKind::Text || frame.direction == Direction::Out {
        return None;
    }
    let message = jsonrpc::parse(&frame.text).ok()?;
    (message.is_object() && message.get("method").is_none())
        .then(|| message.get("id").cloned().unwrap_or(Value::Null))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
