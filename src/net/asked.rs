//! What the server asks of us on event streams. It is answered, so that a server that waits for an answer
//! goes on: a ping as the protocol has it, everything else declined. Nothing of it
//! is ever carried out.

use tokio::sync::mpsc;

use super::conversation::Inner;
use super::exchange::Call;
use super::handles::{Handle, HandleKind};
use super::message::Message;
use super::place::Place;
use crate::protocol::revision::Era;
use crate::protocol::sse::{self, Line};
use crate::protocol::{jsonrpc, names};
use crate::transcript::{Exchange, ProbeId};

/// Questions that wait for their answer; more are dropped.
pub(super) const WAITING: usize = 20;

/// The answer to a request of the server's, and where it goes.
#[derive(Clone, Debug)]
pub struct Asked {
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

/// Listens on one stream for requests.
#[derive(Clone, Debug)]
pub(super) struct Ear {
    questions: mpsc::Sender<Asked>,
    stream: Place,
    /// Where answers go, once that is known: HTTP+SSE announces it.
    place: Option<Place>,
    session: Option<Handle>,
    version: Option<String>,
    credential: bool,
}

impl Ear {
    /// For the stream that answers a call. The modern era has no requests of the server's (2026-07-28).
    pub(super) fn new(inner: &Inner, call: &Call, exchange: &Exchange) -> Option<Self> {
        if call.era == Some(Era::Modern) {
            return None;
        }
        let stream = call.place.clone()?;
        let streamable = call.era == Some(Era::Legacy) && call.probe != ProbeId::HttpSse;
        let issued =
            || Some(inner.given.handle(HandleKind::Session, exchange.header(names::SESSION_HEADER)?));
        Some(Self {
            questions: inner.questions.clone(),
            place: streamable.then(|| stream.clone()),
            stream,
            session: call.session.clone().or_else(issued),
            version: exchange.request.header(names::VERSION_HEADER).map(str::to_owned),
            credential: call.credential,
        })
    }

    /// Looks at lines of whole events, each once: as they came, and as they are recorded.
    pub(super) fn hear(&mut self, inner: &Inner, said: &[Line], recorded: &[Line]) {
        let interesting = |line: &Line| line.text.contains("\"method\"") || line.text.contains("endpoint");
        if !said.iter().any(interesting) {
            return;
        }
        let recorded = sse::blocks(recorded);
        for (block, shown) in sse::blocks(said).iter().zip(&recorded).filter(|(block, _)| block.dispatched())
        {
            let data = block.data.as_deref().unwrap_or_default();
            let shown = shown.data.as_deref().unwrap_or_default();
            if block.name() == "endpoint" {
                // Only the first announcement counts.
                if self.place.is_none() {
                    let handle = Handle::new(HandleKind::Announced, shown, data);
                    self.place = inner.given(&self.stream, handle);
                }
            } else if let Some(place) = &self.place
                && let Some((body, ping)) = answer(data, shown)
            {
                // Full: a server that asks without end is not answered without end.
                let _ = self.questions.try_send(Asked {
                    place: place.clone(),
                    session: self.session.clone(),
                    version: self.version.clone(),
                    credential: self.credential,
                    body,
                    ping,
                });
            }
        }
    }
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

impl super::wire::Wire<'_> {
    /// The next request of the server's, whenever it comes.
    pub async fn asked(&self) -> Option<Asked> {
        self.asked.lock().await.recv().await
    }
}
