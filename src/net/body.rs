//! Reading a reply's body: text, or an event stream line by line; every read has its limits.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use bytes::Bytes;
use hyper::body::Incoming;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;

use super::coded::{Frame, Source};
use super::exchange::Until;
use super::failure::over;
use super::kept::BEGINNING;
use super::listener::RequestListener;
use super::masker::Masker;
use super::recorder::{Clock, from_now, later};
use super::shared::Shared;
use crate::protocol::coding::Coding;
use crate::protocol::headers::media_type;
use crate::protocol::jsonrpc;
use crate::protocol::sse::looks_like_events;
use crate::protocol::sse::{self, Block, Line, LineDecoder};
use crate::transcript::tokens::beginning;
use crate::transcript::{Coded, Content, Ended, Failure, FailureKind, Head, Limits, Phase, TokenShape};

/// How long a finished event stream may take to close before we close it.
const GRACE: Duration = Duration::from_millis(60);
/// How much of a binary body is kept.
pub(super) const BINARY_KEPT: usize = 1024;

/// What a held stream has brought so far; lines are masked.
#[derive(Debug, Default)]
pub(super) struct Live {
    pub(super) head: Option<Head>,
    /// Whether the body is read as an event stream.
    pub(super) stream: bool,
    pub(super) lines: Vec<Line>,
    pub(super) bytes: u64,
    pub(super) bom: bool,
    pub(super) shapes: Vec<TokenShape>,
    pub(super) first_byte_us: Option<u64>,
    pub(super) coded: Option<Coded>,
    pub(super) ended: bool,
}

/// Where a held stream's progress is published.
#[derive(Clone, Debug)]
pub(super) struct Publish {
    pub(super) live: Arc<Mutex<Live>>,
    pub(super) changed: watch::Sender<u64>,
}

impl Publish {
    pub(super) fn update(&self, change: impl FnOnce(&mut Live)) {
        change(&mut self.live.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.send_modify(|version| *version = version.wrapping_add(1));
    }
}

/// What reading needs to know.
pub(super) struct Reader<'a> {
    pub(super) limits: &'a Limits,
    pub(super) clock: Clock,
    pub(super) shared: &'a Shared,
    /// The id an answer must carry, if the request had one.
    pub(super) id: Option<Value>,
    pub(super) until: Until,
    /// End of the whole reply.
    pub(super) deadline: Instant,
    /// Where the first event of a GET must have come.
    pub(super) first_event: Option<Instant>,
    pub(super) publish: Option<Publish>,
    /// Hears what the server asks of us.
    pub(super) listener: Option<RequestListener>,
    /// Whether an undeclared body may be an event stream (GET).
    pub(super) sniff: bool,
    /// How the body came to be bytes. One that cannot be decoded is kept as bytes, and of a stream only the
    /// beginning.
    pub(super) coding: Coding,
}

/// What was read.
pub(super) struct Read {
    pub(super) first_byte_us: Option<u64>,
    pub(super) content: Content,
    pub(super) coded: Option<Coded>,
    pub(super) ended: Ended,
    pub(super) failure: Option<Failure>,
    pub(super) shapes: Vec<TokenShape>,
}

impl Reader<'_> {
    /// Reads a body to its end, its limit, or the point where we have what we wanted.
    pub(super) async fn read(&self, body: Incoming, content_type: Option<&str>) -> Read {
        let mut source = Source::new(body, self.coding, self.limits);
        let read = self.read_from(&mut source, content_type).await;
        Read { coded: source.coded(), ..read }
    }

    async fn read_from(&self, source: &mut Source, content_type: Option<&str>) -> Read {
        let declared =
            content_type.and_then(media_type).is_some_and(|media| media.essence == "text/event-stream");
        if declared && self.coding != Coding::Unread {
            return self.read_stream(source, None).await;
        }
        let mut bytes: Vec<u8> = Vec::new();
        let mut first_byte_us = None;
        let mut failure = None;
        let mut ended = Ended::Complete;
        let mut deadline = self.deadline;
        loop {
            match source.frame(deadline).await {
                Frame::Data(data) => {
                    if first_byte_us.is_none() && !data.is_empty() {
                        first_byte_us = Some(self.clock.now_us());
                        // Of a stream that cannot be decoded only the time of its first bytes can be read.
                        if declared {
                            deadline = deadline.min(from_now(GRACE));
                        }
                    }
                    if bytes.is_empty() && self.sniff && looks_like_events(&String::from_utf8_lossy(&data)) {
                        return self.read_stream(source, Some(data)).await;
                    }
                    bytes.extend_from_slice(&data);
                    if bytes.len() > self.limits.body_bytes {
                        failure = Some(over(
                            Phase::Body,
                            FailureKind::TooLarge,
                            "body_bytes",
                            self.limits.body_bytes,
                        ));
                        ended = Ended::Failed;
                        break;
                    }
                }
                Frame::End => break,
                Frame::Failed(broken) if declared && broken.kind == FailureKind::BodyTimeout => {
                    ended = Ended::ByUs;
                    break;
                }
                Frame::Failed(broken) => {
                    failure = Some(broken);
                    ended = Ended::Failed;
                    break;
                }
            }
        }
        Read { first_byte_us, content: self.text(bytes), coded: None, ended, failure, shapes: Vec::new() }
    }

    fn text(&self, mut bytes: Vec<u8>) -> Content {
        let received = bytes.len() as u64;
        if bytes.is_empty() {
            return Content::None;
        }
        let cut = bytes.len() > self.limits.body_bytes;
        // What is too large cannot be judged; its beginning shows what it was.
        bytes.truncate(if cut { BEGINNING } else { self.limits.body_bytes });
        let vault = &self.shared.vault;
        let (text, mut cut) = match String::from_utf8(bytes) {
            Ok(text) => (text, cut),
            // A cut may fall inside a character; that alone makes no binary body.
            Err(error) if cut && error.utf8_error().error_len().is_none() => {
                let valid = error.utf8_error().valid_up_to();
                (String::from_utf8_lossy(error.as_bytes().get(..valid).unwrap_or_default()).into_owned(), cut)
            }
            Err(error) => {
                let masked = vault.record(&String::from_utf8_lossy(error.as_bytes()));
                let holds_secret = masked != String::from_utf8_lossy(error.as_bytes());
                // What holds a secret is kept in its masked, lossy form.
                let kept: Vec<u8> = if holds_secret { masked.into_bytes() } else { error.into_bytes() };
                let start = kept.get(..kept.len().min(BINARY_KEPT)).unwrap_or_default();
                let base64 = base64::engine::general_purpose::STANDARD.encode(start);
                return Content::Binary { base64, bytes: received };
            }
        };
        let mut shown = if cut {
            vault.record_cut(&text)
        } else if let Some(shown) = vault.recorded(&text) {
            self.shared.given.keep_message(&text, &shown);
            shown
        } else {
            text
        };
        // A short secret over and over: its placeholders are no reason to keep more than a body may have.
        if shown.len() > self.limits.body_bytes {
            shown.truncate(beginning(&shown, BEGINNING).len());
            cut = true;
        }
        Content::Text { text: shown, bytes: received, cut }
    }

    async fn read_stream(&self, source: &mut Source, first: Option<Bytes>) -> Read {
        let mut decoder = LineDecoder::new(self.limits.sse());
        let mut masker = Masker::new(self.shared);
        let mut failure = None;
        let mut ended = Ended::Complete;
        let mut pending = first;
        let mut satisfied_at: Option<Instant> = None;
        // Where the first event that was not looked at begins: a long stream is read once, not at every
        // arrival.
        let mut unread = 0_usize;
        let mut spoken = false;
        let mut strange = 0_usize;
        let mut first_byte_us = None;
        let mut listener = self.listener.clone();
        self.publish(source, &decoder, &masker, first_byte_us);
        loop {
            let limit = satisfied_at.map_or(self.deadline, |at| later(at, GRACE).min(self.deadline));
            let limit = match (self.first_event, satisfied_at) {
                (Some(first_event), None) if !spoken => limit.min(first_event),
                _ => limit,
            };
            let frame = match pending.take() {
                Some(data) => Frame::Data(data),
                None => source.frame(limit).await,
            };
            match frame {
                Frame::Data(data) => {
                    let now_us = self.clock.now_us();
                    if !data.is_empty() {
                        first_byte_us.get_or_insert(now_us);
                    }
                    let result = decoder.push(&data, now_us);
                    masker.mask(&mut decoder.lines);
                    let new = decoder.lines.get(unread..).unwrap_or_default();
                    spoken |= new.iter().any(|line| !line.text.is_empty());
                    if let Some(last) = new.iter().rposition(|line| line.text.is_empty()) {
                        let events = new.get(..=last).unwrap_or_default();
                        // Kept before anybody can see the lines.
                        let said = masker.said(unread, events);
                        if let Some(listener) = listener.as_mut().filter(|_| result.is_ok()) {
                            listener.hear(self.shared, &said, events);
                        }
                        if self.id.is_some() && self.until == Until::Reply {
                            strange = strange.saturating_add(foreign(new));
                        }
                        if satisfied_at.is_none() && (strange >= 2 || self.satisfied(new)) {
                            satisfied_at = Some(Instant::now());
                        }
                        unread = unread.saturating_add(last).saturating_add(1);
                    }
                    self.publish(source, &decoder, &masker, first_byte_us);
                    if let Err(limit) = result {
                        failure = Some(self.too_large(limit, &decoder));
                        ended = Ended::Failed;
                        break;
                    }
                }
                Frame::End => break,
                Frame::Failed(broken) => {
                    ended = Ended::Failed;
                    // Our own clock ran out on a stream that may stay silent, or that said all we wanted.
                    if broken.kind == FailureKind::BodyTimeout
                        && (satisfied_at.is_some()
                            || self.id.is_none()
                            || matches!(self.until, Until::Watch(_)))
                    {
                        ended = Ended::ByUs;
                    } else {
                        failure = Some(broken);
                    }
                    break;
                }
            }
        }
        decoder.finish(self.clock.now_us());
        masker.mask(&mut decoder.lines);
        masker.said(unread, decoder.lines.get(unread..).unwrap_or_default());
        self.publish(source, &decoder, &masker, first_byte_us);
        Read {
            first_byte_us,
            content: Content::Lines { lines: decoder.lines, bytes: decoder.bytes, bom: decoder.bom },
            coded: None,
            ended,
            failure,
            shapes: masker.shapes.list(),
        }
    }

    fn too_large(&self, limit: sse::SseLimit, decoder: &LineDecoder) -> Failure {
        let (limits, lines) = (self.limits, decoder.lines.len());
        let (name, value) = match limit {
            sse::SseLimit::EventBytes => ("event_bytes", limits.event_bytes as u64),
            sse::SseLimit::EventLines => ("event_lines", limits.event_lines as u64),
            sse::SseLimit::Stream if lines > limits.stream_lines => {
                ("stream_lines", limits.stream_lines as u64)
            }
            sse::SseLimit::Stream => ("stream_bytes", limits.stream_bytes),
        };
        over(Phase::Body, FailureKind::TooLarge, name, value)
    }

    fn publish(
        &self,
        source: &Source,
        decoder: &LineDecoder,
        masker: &Masker<'_>,
        first_byte_us: Option<u64>,
    ) {
        if let Some(publish) = &self.publish {
            publish.update(|live| {
                live.stream = true;
                // The end of the last known line may have become CR LF since.
                live.lines.pop();
                let known = live.lines.len();
                live.lines.extend(decoder.lines.iter().skip(known).cloned());
                live.first_byte_us = first_byte_us;
                live.coded = source.coded();
                live.bytes = decoder.bytes;
                live.bom = decoder.bom;
                live.shapes = masker.shapes.clone().list();
            });
        }
    }

    /// Whether an event stream has brought what this call reads for.
    fn satisfied(&self, lines: &[Line]) -> bool {
        if matches!(self.until, Until::Watch(_)) {
            return false;
        }
        let blocks = sse::blocks(lines);
        match &self.id {
            None => blocks.iter().any(Block::dispatched),
            Some(id) => blocks.iter().filter(|block| block.dispatched()).any(|block| {
                block
                    .data
                    .as_deref()
                    .and_then(|data| jsonrpc::parse(data).ok())
                    .is_some_and(|message| answers(&message, id))
            }),
        }
    }
}

/// How far a stream has shown that it answers nobody: 2 and more are enough. An `endpoint` event opens the old
/// transport, and a feed that answers POST, too, sends events whose data are no message of JSON-RPC.
fn foreign(lines: &[Line]) -> usize {
    let message = |data: &str| {
        let one =
            |json: &Value| ["jsonrpc", "method", "result", "error"].iter().any(|key| json.get(key).is_some());
        jsonrpc::parse(data)
            .is_ok_and(|json| json.as_array().map_or_else(|| one(&json), |all| all.iter().any(one)))
    };
    let weight = |block: &Block| match block.data.as_deref() {
        _ if block.name() == "endpoint" => 2,
        Some(data) if !data.is_empty() && !message(data) => 1,
        _ => 0,
    };
    sse::blocks(lines).iter().filter(|block| block.dispatched()).map(weight).sum()
}

fn answers(message: &Value, id: &Value) -> bool {
    let one = |message: &Value| jsonrpc::is_reply(message) && message.get("id") == Some(id);
    message.as_array().map_or_else(|| one(message), |batch| batch.iter().take(100).any(one))
}
