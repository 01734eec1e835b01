//! Server-initiated requests are answered, so that a server that waits for an answer
//! goes on: a ping as the protocol has it, everything else declined. Nothing of it
//! is ever carried out.

use super::handles::{Handle, HandleKind};
use super::message::Message;
use super::place::Place;
use crate::protocol::jsonrpc;

/// Questions that wait for their answer; more are dropped.
pub(super) const WAITING: usize = 20;

/// The answer to a request of the server's, and where it goes.
#[derive(Clone, Debug)]
pub struct OwedResponse {
    /// Where to post it.
    pub place: Place,
    /// Its session.
    pub session: Option<Handle>,
    /// The protocol version that the conversation names in its headers.
    pub version: Option<String>,
    /// Whether the operator's headers go along, as they did with the stream.
    pub credential: bool,
    /// The JSON-RPC response.
    pub body: Message,
    /// Whether it was a ping.
    pub ping: bool,
}

/// The answer to a request of the server's, and whether it was a ping. A string as its id is a handle: what the
/// server wrote comes back as one JSON string, and nothing else.
pub(super) fn answer(said: &str, shown: &str) -> Option<(Message, bool)> {
    let (mut body, ping) = jsonrpc::parse(said).ok().and_then(|asked| jsonrpc::decline(&asked))?;
    let Some(id) = body.get("id").and_then(serde_json::Value::as_str).map(str::to_owned) else {
        return Some((Message::new(body), ping));
    };
    let recorded = jsonrpc::parse(shown).ok();
    let recorded = recorded.as_ref().and_then(|asked| asked.get("id")?.as_str()).unwrap_or_default();
    let handle = Handle::new(HandleKind::RequestId, recorded, &id);
    body.get_mut("id").map(serde_json::Value::take);
    Some((Message::new(body).with("/id", handle), ping))
}
