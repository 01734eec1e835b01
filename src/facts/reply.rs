//! What a reply says in JSON-RPC terms, wherever it came: JSON body, event stream or WebSocket.
//!
//! Probes and checks use this same reader, so live and replay cannot disagree.

use serde_json::Value;

use crate::protocol::headers::media_type;
use crate::protocol::jsonrpc::{self, Answer};
use crate::protocol::names;
use crate::protocol::revision::{Era, Revision};
use crate::protocol::sse;
use crate::transcript::{Content, Direction, Exchange, FrameKind, ProbeId};

/// One JSON text of a reply.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// The text parsed, or why it is no JSON.
    pub json: Result<Value, String>,
    /// Where it stands: `body`, `line 3`, `frame 2`.
    pub pointer: String,
    /// When it was complete, microseconds since the scan began.
    pub at_us: u64,
    /// Event name, where it came as an event.
    pub event: Option<String>,
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
    /// The answer if the id is left aside: what a lenient reader takes for the reply.
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

/// The id of a JSON-RPC request body.
#[must_use]
pub fn request_id(exchange: &Exchange) -> Option<Value> {
    let body = exchange.request.body.as_deref()?;
    jsonrpc::parse(body).ok()?.get("id").cloned()
}

/// The `method` of a JSON-RPC request body.
#[must_use]
pub fn request_method(exchange: &Exchange) -> Option<String> {
    let body = exchange.request.body.as_deref()?;
    jsonrpc::parse(body).ok()?.get("method")?.as_str().map(str::to_owned)
}

/// Whether the exchange carried a JSON-RPC request that a server can read and must answer: a POST
/// of one object with `jsonrpc`, a method and an id, sent as JSON to the endpoint itself.
#[must_use]
pub fn asks(exchange: &Exchange) -> bool {
    if exchange.request.method != "POST" || exchange.probe == ProbeId::Siblings {
        return false;
    }
    let declared = exchange.request.header("content-type").and_then(media_type);
    if declared.is_none_or(|media| media.essence != "application/json") {
        return false;
    }
    let Some(Ok(body)) = exchange.request.body.as_deref().map(jsonrpc::parse) else {
        return false;
    };
    body.get("jsonrpc").is_some_and(|version| version == "2.0")
        && body.get("method").and_then(Value::as_str).is_some_and(|method| !method.is_empty())
        && body.get("id").is_some_and(|id| id.is_string() || id.is_number())
}

/// Whether an array may come as one message of the reply: batches exist in 2025-03-26 alone, which
/// sends no version header (T03, "Sending Messages to the Server", items 5 and 6).
#[must_use]
pub fn batch_legal(exchange: &Exchange) -> bool {
    exchange.era == Some(Era::Legacy)
        && exchange
            .request
            .header(names::VERSION_HEADER)
            .is_none_or(|version| version == Revision::V2025_03_26.as_str())
}

/// Reads the reply of one exchange.
#[must_use]
pub fn read(exchange: &Exchange) -> Reply {
    read_for(exchange, request_id(exchange).as_ref())
}

/// Reads the reply of one exchange as an answer to `id`.
#[must_use]
pub fn read_for(exchange: &Exchange, id: Option<&Value>) -> Reply {
    let mut reply = Reply { messages: messages(exchange), ..Reply::default() };
    for (index, message) in reply.messages.iter().enumerate() {
        let Ok(value) = &message.json else { continue };
        // A 2025-03-26 batch is legal: look inside.
        let candidates =
            value.as_array().map_or_else(|| vec![value], |batch| batch.iter().take(100).collect());
        for candidate in candidates {
            let Some(answer) = jsonrpc::answer(candidate) else { continue };
            if reply.lenient.is_none() {
                reply.lenient = Some(answer.clone());
            }
            if reply.answer.is_none() && id.is_some() && candidate.get("id") == id {
                reply.answer = Some(answer);
                reply.answered_by = Some(index);
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
            vec![Message {
                json: jsonrpc::parse(text),
                pointer: "body".to_owned(),
                at_us: exchange.ended_us,
                event: None,
            }]
        }
        Content::Lines { lines, .. } => sse::blocks(lines)
            .into_iter()
            .filter(sse::Block::dispatched)
            .filter_map(|block| {
                let data = block.data.as_deref().filter(|data| !data.is_empty())?;
                Some(Message {
                    json: jsonrpc::parse(data),
                    pointer: format!("line {}", block.first_line.saturating_add(1)),
                    at_us: block.at_us,
                    event: block.event.clone(),
                })
            })
            .collect(),
        Content::Frames { frames } => frames
            .iter()
            .enumerate()
            .filter(|(_, frame)| frame.direction == Direction::In && frame.kind == FrameKind::Text)
            .map(|(index, frame)| Message {
                json: jsonrpc::parse(&frame.text),
                pointer: format!("frame {}", index.saturating_add(1)),
                at_us: frame.at_us,
                event: None,
            })
            .collect(),
    }
}
