//! The socket of MCP on a WebSocket, opened anew where it was lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::bodies::initialize;
use super::conversation::{Answered, Conversation};
use crate::facts::reply::{self, asks_in};
use crate::net::websocket::Upgrade;
use crate::net::{Call, FollowUp, HeaderText, Place, Talk};
use crate::protocol::names;
use crate::protocol::revision::Era;
use crate::transcript::{Exchange, Expectation, ProbeId};

const PROBE: ProbeId = ProbeId::WebSocket;
/// Sockets opened anew after one was lost.
const RENEWALS: u32 = 3;

/// A WebSocket that was found.
#[derive(Clone, Debug)]
pub(super) struct SocketFound {
    /// Where it is.
    pub(super) place: Place,
    /// The subprotocol that was offered when it opened; none if it never did.
    pub(super) subprotocol: Option<HeaderText>,
    /// Whether the server selected it.
    pub(super) subprotocol_selected: bool,
    /// The era in which MCP answered.
    pub(super) mcp: Option<Era>,
}

/// The socket of a client; opened anew where it was lost.
#[derive(Debug)]
pub(super) struct SocketSession {
    place: Place,
    subprotocol: Option<HeaderText>,
    era: Era,
    version: String,
    renewals: AtomicU32,
    open: tokio::sync::Mutex<Option<Arc<Open>>>,
}

/// One open socket.
#[derive(Debug)]
pub(super) struct Open {
    /// Taken when it is closed. Read-locked by every message under way.
    talk: tokio::sync::RwLock<Option<Talk>>,
    /// A follow-up was not answered: what follows is not heard, either.
    deaf: std::sync::atomic::AtomicBool,
}

pub(super) async fn connect(
    conversation: &Conversation<'_>,
    place: &Place,
    subprotocol: Option<&HeaderText>,
) -> Option<Open> {
    let call = conversation.upgrade_call(PROBE, "upgrade", place, subprotocol);
    conversation.admit(&call)?;
    match conversation.wire.upgrade(call).await {
        Upgrade::Open(socket) => Some(Open {
            talk: tokio::sync::RwLock::new(Some(conversation.wire.talk(*socket))),
            deaf: std::sync::atomic::AtomicBool::new(false),
        }),
        Upgrade::Refused(exchange) => {
            conversation.learn(&exchange).await;
            None
        }
    }
}

/// A message of the conversation.
pub(super) fn message(step: &str, era: Era, body: Value) -> Call {
    Call::tell(PROBE, step, body).era(era)
}

/// `initialize` on a socket of its own, as the step of another probe.
pub(super) async fn initialize_alone(
    conversation: &Conversation<'_>,
    socket: &SocketSession,
    call: Call,
) -> Option<Answered> {
    let open = connect(conversation, &socket.place, socket.subprotocol.as_ref()).await?;
    let answered = open.ask(conversation, call, None).await;
    open.close(conversation).await;
    answered
}

impl SocketSession {
    /// The socket of a conversation that has begun.
    pub(super) fn of(open: Open, found: &SocketFound, era: Era, version: String) -> Self {
        Self {
            place: found.place.clone(),
            subprotocol: found.subprotocol.clone(),
            era,
            version,
            renewals: AtomicU32::new(0),
            open: tokio::sync::Mutex::new(Some(Arc::new(open))),
        }
    }

    /// Sends a call's body as a message and waits for its answer. What need not be answered is followed by
    /// something that is.
    pub(super) async fn ask(
        &self,
        conversation: &Conversation<'_>,
        call: Call,
        follow_up: impl FnOnce() -> FollowUp,
    ) -> Option<Answered> {
        let (probe, step) = (call.probe, call.step.clone());
        let answerable = call.body.as_ref().is_some_and(|body| asks_in(&body.shown()));
        let follow_up = (call.expectation == Expectation::Negative && !answerable).then(follow_up);
        match self.current(conversation).await {
            Some(open) => open.ask(conversation, call, follow_up.as_ref()).await,
            None => {
                conversation.wire.skip(probe, Some(&step), conversation.why_not_opened());
                None
            }
        }
    }

    async fn current(&self, conversation: &Conversation<'_>) -> Option<Arc<Open>> {
        let mut slot = self.open.lock().await;
        if let Some(open) = slot.as_ref()
            && !open.lost().await
        {
            return Some(Arc::clone(open));
        }
        if let Some(lost) = slot.take() {
            lost.close(conversation).await;
        }
        if self.renewals.fetch_add(1, Ordering::Relaxed) >= RENEWALS {
            return None;
        }
        let open = connect(conversation, &self.place, self.subprotocol.as_ref()).await?;
        if self.era == Era::Legacy {
            let call = initialize(&conversation.client_info, PROBE, names::INITIALIZE, None, &self.version);
            open.ask(conversation, call, None).await;
            let body = json!({ "jsonrpc": "2.0", "method": names::INITIALIZED });
            open.ask(conversation, message("initialized", self.era, body), None).await;
        }
        let open = Arc::new(open);
        *slot = Some(Arc::clone(&open));
        Some(open)
    }

    /// Closes the socket.
    pub(super) async fn end(&self, conversation: &Conversation<'_>) {
        let open = self.open.lock().await.take();
        if let Some(open) = open {
            open.close(conversation).await;
        }
    }
}

impl Open {
    async fn lost(&self) -> bool {
        self.deaf.load(Ordering::Relaxed) || self.talk.read().await.as_ref().is_none_or(Talk::over)
    }

    pub(super) async fn close(&self, conversation: &Conversation<'_>) {
        let talk = self.talk.write().await.take();
        if let Some(talk) = talk {
            conversation.wire.end(talk).await;
        }
    }

    pub(super) async fn ask(
        &self,
        conversation: &Conversation<'_>,
        call: Call,
        follow_up: Option<&FollowUp>,
    ) -> Option<Answered> {
        conversation.admit(&call)?;
        let limits = conversation.wire.limits();
        let negative = call.expectation == Expectation::Negative;
        let patience = if negative { limits.negative_ms } else { limits.header_ms };
        let wait = Duration::from_millis(conversation.silence_ms().unwrap_or(patience));
        let talk = self.talk.read().await;
        let exchange = conversation.wire.tell(talk.as_ref()?, &call, follow_up, wait).await;
        drop(talk);
        let reply = reply::read(&exchange);
        let answered = reply.answer.is_some();
        if follow_up.is_some_and(|follow_up| !answered && !heard(&exchange, &follow_up.id)) {
            self.deaf.store(true, Ordering::Relaxed);
        }
        conversation.learn(&exchange).await;
        Some(Answered { exchange, reply })
    }
}

fn heard(exchange: &Exchange, id: &Value) -> bool {
    reply::read_for(exchange, Some(id)).answer.is_some()
}
