//! How requests of one era are spoken.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Map, Value, json};

use super::bodies::meta;
use super::conversation::{Answered, Conversation};
use super::socket::SocketSession;
use super::stream::SseSession;
use crate::facts::reply;
use crate::net::{Body, Call, FollowUp, Handle, Message, Place};
use crate::protocol::client_info::ClientInfo;
use crate::protocol::names;
use crate::protocol::revision::{Era, Revision};
use crate::transcript::{ProbeId, SkipReason};

/// The transport that a client uses.
#[derive(Clone, Debug)]
pub(super) enum Channel {
    /// Streamable HTTP: the reply comes with each POST.
    Streamable,
    /// HTTP+SSE: replies come on a held stream.
    HttpSse(Arc<SseSession>),
    /// Messages on a WebSocket.
    WebSocket(Arc<SocketSession>),
}

/// Someone who speaks one era to the endpoint.
#[derive(Debug)]
pub(super) struct McpClient {
    /// Who we say we are.
    pub(super) client_info: ClientInfo,
    /// The era.
    pub(super) era: Era,
    /// The transport.
    pub(super) channel: Channel,
    /// Where requests go; HTTP+SSE: the URL of the stream.
    pub(super) place: Place,
    /// The session, if the server issued one.
    pub(super) session: Option<Handle>,
    /// The version spoken: modern 2026-07-28 (or what discover asked for), legacy as negotiated.
    pub(super) version: String,
    /// The exchange that proved the era: the twin of negatives where no closer one exists.
    pub(super) proved_by: u32,
    /// The cheapest read-only method known to work: BASE.
    pub(super) base: &'static str,
    /// The BASE that showed that the era can be used, where one was sent.
    pub(super) used_by: Option<u32>,
    /// The capabilities, where the exchange that proved the era does not hold them itself.
    pub(super) capabilities: Option<Map<String, Value>>,
    next_id: AtomicU64,
}

impl McpClient {
    /// A client of an era.
    pub(super) fn new(
        client_info: &ClientInfo,
        era: Era,
        place: &Place,
        session: Option<Handle>,
        version: &str,
        proved_by: u32,
    ) -> Self {
        let base = if era == Era::Modern { names::DISCOVER } else { "ping" };
        Self {
            client_info: client_info.clone(),
            era,
            channel: Channel::Streamable,
            place: place.clone(),
            session,
            version: version.to_owned(),
            proved_by,
            base,
            used_by: None,
            capabilities: None,
            next_id: AtomicU64::new(2),
        }
    }

    /// The same client again, with ids of its own range.
    pub(super) fn another(&self) -> Self {
        let next_id = AtomicU64::new(self.next_id.load(Ordering::Relaxed).saturating_add(100));
        Self {
            client_info: self.client_info.clone(),
            channel: self.channel.clone(),
            place: self.place.clone(),
            session: self.session.clone(),
            version: self.version.clone(),
            capabilities: self.capabilities.clone(),
            next_id,
            ..*self
        }
    }

    /// The same client in another session, with ids of its own range.
    pub(super) fn in_session(&self, session: Option<Handle>, version: &str) -> Self {
        Self { session, version: version.to_owned(), ..self.another() }
    }

    /// Whether it speaks Streamable HTTP.
    pub(super) fn streamable(&self) -> bool {
        matches!(self.channel, Channel::Streamable)
    }

    /// How many requests may be under way at once whose fate may touch the others': where they share
    /// a channel, one.
    pub(super) fn abreast(&self) -> usize {
        if self.streamable() { 4 } else { 1 }
    }

    /// BASE as what follows a message that need not be answered.
    pub(super) fn follow_up(&self) -> FollowUp {
        let id = self.id();
        FollowUp { message: Message::new(self.body(&id, self.base, Value::Null)), id }
    }

    /// An id that was not used before: a string in the modern era, an integer in the legacy one.
    pub(super) fn id(&self) -> Value {
        let number = self.next_id.fetch_add(1, Ordering::Relaxed);
        if self.era == Era::Modern { json!(format!("d-{number}")) } else { json!(number) }
    }

    /// The body of a request.
    pub(super) fn body(&self, id: &Value, method: &str, params: Value) -> Value {
        let mut params = match params {
            Value::Object(params) => params,
            _ => Map::new(),
        };
        if self.era == Era::Modern {
            params.insert("_meta".to_owned(), meta(&self.client_info, &self.version));
        }
        let mut body = json!({ "jsonrpc": "2.0", "id": id, "method": method });
        if let (false, Some(body)) = (params.is_empty(), body.as_object_mut()) {
            body.insert("params".to_owned(), Value::Object(params));
        }
        body
    }

    /// Any call: right headers, session, version.
    pub(super) fn call(&self, probe: ProbeId, step: impl Into<String>, method: &str, params: Value) -> Call {
        let body = self.body(&self.id(), method, params);
        self.post(probe, step, method, body)
    }

    /// A POST of any body with the headers that `method` needs.
    pub(super) fn post(
        &self,
        probe: ProbeId,
        step: impl Into<String>,
        method: &str,
        body: impl Into<Body>,
    ) -> Call {
        let call = Call::post(probe, step, &self.place, body).era(self.era);
        match (&self.channel, self.era) {
            // HTTP+SSE has neither session nor version headers, a WebSocket message no headers at all.
            (Channel::HttpSse(_) | Channel::WebSocket(_), _) => call,
            (Channel::Streamable, Era::Modern) => {
                call.header(names::VERSION_HEADER, self.version.as_str()).header(names::METHOD_HEADER, method)
            }
            (Channel::Streamable, Era::Legacy) => self.dress(call),
        }
    }

    /// Session and version headers of the legacy era.
    pub(super) fn dress(&self, call: Call) -> Call {
        let call = call.era(Era::Legacy).in_session(self.session.as_ref());
        // The header exists from 2025-06-18 (transports, "Protocol Version Header").
        if self.version.as_str() >= Revision::V2025_06_18.as_str() {
            call.header(names::VERSION_HEADER, self.version.as_str())
        } else {
            call
        }
    }

    /// BASE.
    pub(super) fn base(&self, probe: ProbeId, step: impl Into<String>) -> Call {
        self.call(probe, step, self.base, Value::Null)
    }

    /// BASE with an id of choice.
    pub(super) fn base_with_id(&self, probe: ProbeId, step: impl Into<String>, id: &Value) -> Call {
        let body = self.body(id, self.base, Value::Null);
        self.post(probe, step, self.base, body)
    }
}

/// Asking, whatever the transport.
impl Conversation<'_> {
    /// Asks over a client's transport, if the ledger allows. `None` means it was not sent.
    pub(super) async fn ask(&self, client: &McpClient, call: Call) -> Option<Answered> {
        match &client.channel {
            Channel::Streamable => {
                let exchange = self.send(call).await?;
                let reply = reply::read(&exchange);
                Some(Answered { exchange, reply })
            }
            Channel::HttpSse(stream) => stream.ask(self, call).await,
            Channel::WebSocket(socket) => socket.ask(self, call, || client.follow_up()).await,
        }
    }
}

/// The clients that rows of no era use: both eras in standard, the newest in quick.
pub(super) fn newest<'s>(conversation: &Conversation<'_>, clients: &'s [McpClient]) -> &'s [McpClient] {
    if conversation.standard() { clients } else { clients.get(..1).unwrap_or_default() }
}

/// Who speaks an era over Streamable HTTP.
pub(super) fn of(clients: &[McpClient], era: Era) -> Option<&McpClient> {
    clients.iter().find(|client| client.era == era && client.streamable())
}

/// The version that a handshake gave. `None` for one that we do not know: then we leave, as a client does,
/// and ask for nothing more in this era, or at all if it is the `only` one.
pub(super) fn negotiated(
    conversation: &Conversation<'_>,
    version: Option<String>,
    only: bool,
) -> Option<String> {
    // A result without a version is the business of `legacy-initialize`.
    let Some(version) = version else { return Some(Revision::NEWEST_LEGACY.as_str().to_owned()) };
    if Revision::parse(&version).is_some() {
        return Some(version);
    }
    let reason = SkipReason::UnknownVersion;
    if only {
        conversation.lock().halted = Some(reason);
    }
    for probe in [ProbeId::LegacyVersions, ProbeId::LegacySessions, ProbeId::LegacyGet, ProbeId::Resume] {
        conversation.wire.skip(probe, None, reason);
    }
    None
}
