//! What a reply says in JSON-RPC terms, wherever it came: JSON body, event stream, WebSocket, or the
//! held stream of HTTP+SSE.
//!
//! Probes and checks use this same reader, so live and replay cannot disagree.

use crate::transcript::exchange::request_id;
use std::collections::BTreeMap;

use serde_json::Value;

use crate::protocol::headers::media_type;
use crate::protocol::jsonrpc::{self, Answer};
use crate::protocol::revision::{Era, Revision};
use crate::protocol::sse::Line;
use crate::protocol::{names, sse};
use crate::transcript::{Content, Direction, Exchange, FrameKind, ProbeId, Transcript};

/// One JSON text of a reply.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// The text parsed, or why it is no JSON.
    pub json: Result<Value, String>,
    /// Where it stands: `body`, `line 3`, `frame 2`; on the stream of another exchange `line 3 of #2`.
    pub pointer: String,
    /// When it was complete, microseconds since the scan began.
    pub at_us: u64,
    /// Event name, where it came as an event.
    pub event: Option<String>,
    /// A key that stands twice in one object of it. The last one counts here, as in most readers.
    pub repeated: Option<String>,
}

impl Message {
    fn read(text: &str, pointer: String, at_us: u64, event: Option<String>) -> Self {
        let json = jsonrpc::parse(text);
        let repeated = jsonrpc::repeated_key(text, &json);
        Self { json, pointer, at_us, event, repeated }
    }
}

/// A reply, read once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply {
    /// Every JSON text that came, in order. A non-JSON body is one message with an error;
    /// events with empty data (priming, keep-alive) are left out, as clients must not parse them.
    pub messages: Vec<Message>,
    /// The answer to our request: same id in value and type, no `method`.
    pub answer: Option<Answer>,
    /// Index in `messages` of that answer.
    pub answered_by: Option<usize>,
    /// The first reply under another id: what a lenient reader takes for the answer where there is none.
    pub lenient: Option<Answer>,
}

impl Reply {
    /// Whether a result came under our id.
    #[must_use]
    pub fn served(&self) -> bool {
        matches!(self.answer, Some(Answer::Result(_)))
    }

    /// The result under our id.
    #[must_use]
    pub fn result(&self) -> Option<&Value> {
        self.answer.as_ref().and_then(Answer::result)
    }

    /// The error code, under our id or (unreadable request) under none.
    #[must_use]
    pub fn error_code(&self) -> Option<i64> {
        self.answer.as_ref().or(self.lenient.as_ref()).and_then(Answer::code)
    }
}

/// What a request says in JSON-RPC terms, read once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sent {
    /// Its id.
    pub id: Option<Value>,
    /// Its `method`.
    pub method: Option<String>,
    /// Whether it must be answered: see [`asks`].
    pub asks: bool,
}

impl Sent {
    /// Reads a request.
    #[must_use]
    pub fn read(exchange: &Exchange) -> Self {
        let Some(body) = exchange.request.body.as_deref().and_then(|body| jsonrpc::parse(body).ok()) else {
            return Self::default();
        };
        Self {
            id: body.get("id").cloned(),
            method: body.get("method").and_then(Value::as_str).map(str::to_owned),
            asks: may_ask(exchange) && must_be_answered(&body),
        }
    }
}

/// Whether the exchange carried a JSON-RPC request that a server can read and must answer: a POST
/// of one object with `jsonrpc`, a method and an id, sent as JSON to the endpoint itself, or such a
/// message on a WebSocket.
#[must_use]
pub fn asks(exchange: &Exchange) -> bool {
    may_ask(exchange) && exchange.request.body.as_deref().is_some_and(asks_in)
}

/// Whether what the exchange carried is sent as such a request is.
fn may_ask(exchange: &Exchange) -> bool {
    let posted = || {
        let declared = exchange.request.header("content-type").and_then(media_type);
        exchange.request.method == "POST" && declared.is_some_and(|media| media.essence == "application/json")
    };
    exchange.probe != ProbeId::Siblings && (exchange.is_message() || posted())
}

/// Whether a text is a JSON-RPC request that must be answered.
#[must_use]
pub fn asks_in(body: &str) -> bool {
    jsonrpc::parse(body).is_ok_and(|body| must_be_answered(&body))
}

fn must_be_answered(body: &Value) -> bool {
    body.get("jsonrpc").is_some_and(|version| version == "2.0")
        && body.get("method").and_then(Value::as_str).is_some_and(|method| !method.is_empty())
        && body.get("id").is_some_and(|id| id.is_string() || id.is_number())
}

/// Whether an array may come as one message of the reply: batches exist in 2025-03-26 alone, which
/// sends no version header, and there in event streams: a body is one object, as we send no batch
/// (T03, "Sending Messages to the Server", items 5 and 6).
#[must_use]
pub fn batch_legal(exchange: &Exchange) -> bool {
    exchange.era == Some(Era::Legacy)
        && !matches!(exchange.content, Content::Text { .. })
        && exchange
            .request
            .header(names::VERSION_HEADER)
            .is_none_or(|version| version == Revision::V2025_03_26.as_str())
}

/// Reads the reply that one exchange holds itself. For HTTP+SSE see [`read_in`].
#[must_use]
pub fn read(exchange: &Exchange) -> Reply {
    read_for(exchange, request_id(exchange).as_ref())
}

/// Reads the reply that one exchange holds as an answer to `id`.
#[must_use]
pub fn read_for(exchange: &Exchange, id: Option<&Value>) -> Reply {
    // Other requests may have gone over this socket, too: their replies are not this one's.
    let others: Vec<Value> = exchange
        .frames()
        .iter()
        .filter(|frame| frame.direction == Direction::Out && frame.kind == FrameKind::Text)
        .filter_map(|frame| jsonrpc::parse(&frame.text).ok()?.get("id").cloned())
        .filter(|other| Some(other) != id)
        .collect();
    find(messages(exchange), id, &others)
}

/// Reads the reply of one exchange of a transcript, wherever it came.
#[must_use]
pub fn read_in(transcript: &Transcript, exchange: &Exchange) -> Reply {
    match exchange.stream.and_then(|id| transcript.exchange(id)) {
        Some(stream) => {
            let others = overlapping(transcript, exchange);
            read_on(exchange, &stream_messages(stream), &others)
        }
        None => read(exchange),
    }
}

/// Reads every reply of a transcript to requests that were read already.
#[must_use]
pub fn read_all(transcript: &Transcript, sent: &BTreeMap<u32, Sent>) -> BTreeMap<u32, Reply> {
    let mut streams: BTreeMap<u32, Vec<Message>> = BTreeMap::new();
    let read_one = |exchange: &Exchange| {
        let Some(id) = exchange.stream else {
            return read_for(exchange, sent.get(&exchange.id).and_then(|sent| sent.id.as_ref()));
        };
        let messages = streams
            .entry(id)
            .or_insert_with(|| transcript.exchange(id).map(stream_messages).unwrap_or_default());
        read_on(exchange, messages, &overlapping(transcript, exchange))
    };
    let mut read_one = read_one;
    transcript.exchanges.iter().map(|exchange| (exchange.id, read_one(exchange))).collect()
}

/// Reads the reply to a POST of HTTP+SSE: what its own body holds, and those messages of the stream
/// (from [`stream_messages`]) that came while it was under way and are replies to it, or to nobody.
/// `others` are the ids of other requests under way.
#[must_use]
pub fn read_on(exchange: &Exchange, stream: &[Message], others: &[Value]) -> Reply {
    let id = request_id(exchange);
    let ours = stream.iter().filter(|message| {
        (exchange.started_us..=exchange.ended_us).contains(&message.at_us)
            && message.json.as_ref().is_ok_and(|value| may_answer(value, id.as_ref(), others))
    });
    let mut all = messages(exchange);
    all.extend(ours.cloned());
    find(all, id.as_ref(), &[])
}

/// Whether a message may be meant as the reply to a request with this id: it is no request or
/// notification of the server's own, and no reply to another request under way.
#[must_use]
pub fn may_answer(message: &Value, id: Option<&Value>, others: &[Value]) -> bool {
    match message {
        Value::Array(batch) => batch.iter().take(100).any(|one| may_answer(one, id, others)),
        Value::Object(members) if !members.contains_key("method") => {
            let named = members.get("id");
            (id.is_some() && named == id) || !named.is_some_and(|named| others.contains(named))
        }
        _ => false,
    }
}

/// The ids of other POSTs on the same stream that were under way at the same time.
fn overlapping(transcript: &Transcript, exchange: &Exchange) -> Vec<Value> {
    transcript
        .exchanges
        .iter()
        .filter(|other| other.stream == exchange.stream && other.id != exchange.id)
        .filter(|other| other.started_us <= exchange.ended_us && exchange.started_us <= other.ended_us)
        .filter_map(request_id)
        .collect()
}

/// The messages of a held stream, for [`read_on`].
#[must_use]
pub fn stream_messages(stream: &Exchange) -> Vec<Message> {
    lines_messages(stream.lines().unwrap_or_default(), &format!(" of #{}", stream.id))
}

/// The messages of an event stream's lines; `place` ends their pointers.
#[must_use]
pub fn lines_messages(lines: &[Line], place: &str) -> Vec<Message> {
    sse::blocks(lines)
        .into_iter()
        .filter(sse::Block::dispatched)
        .filter_map(|block| {
            let data = block.data.as_deref().filter(|data| !data.is_empty())?;
            let pointer = format!("line {}{place}", block.first_line.saturating_add(1));
            Some(Message::read(data, pointer, block.at_us, block.event.clone()))
        })
        .collect()
}

fn find(messages: Vec<Message>, id: Option<&Value>, others: &[Value]) -> Reply {
    let mut reply = Reply { messages, ..Reply::default() };
    for (index, message) in reply.messages.iter().enumerate() {
        let Ok(value) = &message.json else { continue };
        // A 2025-03-26 batch is legal: look inside.
        let candidates =
            value.as_array().map_or_else(|| vec![value], |batch| batch.iter().take(100).collect());
        for candidate in candidates {
            let named = candidate.get("id");
            if !jsonrpc::is_reply(candidate) || named.is_some_and(|named| others.contains(named)) {
                continue;
            }
            // An answer may be megabytes: it is copied where it is kept, not to look at it.
            if reply.answer.is_none() && id.is_some() && named == id {
                reply.answer = jsonrpc::answer(candidate);
                reply.answered_by = Some(index);
            } else if reply.lenient.is_none() {
                reply.lenient = jsonrpc::answer(candidate);
            }
        }
    }
    reply
}

fn messages(exchange: &Exchange) -> Vec<Message> {
    match &exchange.content {
        Content::None | Content::Binary { .. } => Vec::new(),
        Content::Text { text, .. } => {
            let text = text.strip_prefix('\u{feff}').unwrap_or(text);
            if text.trim().is_empty() {
                return Vec::new();
            }
            vec![Message::read(text, "body".to_owned(), exchange.ended_us, None)]
        }
        Content::Lines { lines, .. } => lines_messages(lines, ""),
        Content::Frames { frames } => frames
            .iter()
            .enumerate()
            .filter(|(_, frame)| frame.direction == Direction::In && frame.kind == FrameKind::Text)
            .map(|(index, frame)| {
                let pointer = format!("frame {}", index.saturating_add(1));
                Message::read(&frame.text, pointer, frame.at_us, None)
            })
            .collect(),
    }
}

/// Whether the credential that an exchange carried had been accepted earlier: a 401 to it now is a reason
/// of its own, and no barrier.
#[must_use]
pub fn accepted_before(transcript: &Transcript, exchange: &Exchange) -> bool {
    let mut earlier = transcript.exchanges.iter().take_while(|earlier| earlier.id < exchange.id);
    exchange.credentialed() && earlier.any(|earlier| earlier.credentialed() && read(earlier).served())
}
