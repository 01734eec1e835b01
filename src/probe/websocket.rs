//! The conversation over MCP on a WebSocket. Classification has its own socket; here every message is an
//! exchange of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::speaker::{self, Channel, Speaker};
use super::upgrade::SocketFound;
use super::{Answered, Prober};
use crate::facts::catalogue::capabilities_in;
use crate::facts::reply::{self, asks_in};
use crate::facts::steps::{self, Initialize};
use crate::net::websocket::Upgrade;
use crate::net::{Call, FollowUp, HeaderText, Place, Talk};
use crate::protocol::names;
use crate::protocol::revision::{Era, Revision};
use crate::transcript::{Exchange, Expectation, ProbeId, SkipReason};

const PROBE: ProbeId = ProbeId::WebSocket;
/// Sockets opened anew after one was lost.
const RENEWALS: u32 = 3;

/// The socket of a speaker; opened anew where it was lost.
#[derive(Debug)]
pub(super) struct Line {
    place: Place,
    subprotocol: Option<HeaderText>,
    era: Era,
    version: String,
    renewals: AtomicU32,
    open: tokio::sync::Mutex<Option<Arc<Open>>>,
}

/// One open socket.
#[derive(Debug)]
struct Open {
    /// Taken when it is closed. Read-locked by every message under way.
    talk: tokio::sync::RwLock<Option<Talk>>,
    /// A follow-up was not answered: what follows is not heard, either.
    deaf: std::sync::atomic::AtomicBool,
}

/// Opens a socket and begins in the era that answered before; `None` where that did not succeed.
pub(super) async fn open(prober: &Prober<'_>, found: &SocketFound, era: Era) -> Option<Speaker> {
    prober.wire.doing("speaking MCP over a WebSocket");
    let open = connect(prober, &found.place, found.subprotocol.as_ref()).await?;
    let begun = begin(prober, &open, &found.place, era).await;
    let Some((version, answered)) = begun else {
        open.close(prober).await;
        return None;
    };
    let mut speaker = Speaker::new(&prober.client, era, &found.place, None, &version, answered.exchange.id);
    speaker.capabilities = Some(capabilities_in(&answered.reply).unwrap_or_default());
    speaker.channel = Channel::WebSocket(Arc::new(Line {
        place: found.place.clone(),
        subprotocol: found.subprotocol.clone(),
        era,
        version,
        renewals: AtomicU32::new(0),
        open: tokio::sync::Mutex::new(Some(Arc::new(open))),
    }));
    Some(speaker)
}

/// `server/discover`, or the handshake. Gives the version spoken and what proved it.
async fn begin(prober: &Prober<'_>, open: &Open, place: &Place, era: Era) -> Option<(String, Answered)> {
    if era == Era::Modern {
        let ours = Revision::NEWEST_MODERN.as_str();
        let asking = Speaker::new(&prober.client, era, place, None, ours, 0);
        let body = asking.body(&json!("d-1"), names::DISCOVER, Value::Null);
        let answered = open.ask(prober, message("discover", era, body), None).await?;
        return answered.reply.served().then(|| (ours.to_owned(), answered));
    }
    let newest = Revision::NEWEST_LEGACY.as_str();
    let call = speaker::initialize(&prober.client, PROBE, names::INITIALIZE, None, newest);
    let answered = open.ask(prober, call, None).await?;
    let Initialize::Legacy { version, .. } = steps::initialize_read(&answered.exchange, &answered.reply)
    else {
        return None;
    };
    let version = speaker::negotiated(prober, version, true)?;
    let body = json!({ "jsonrpc": "2.0", "method": names::INITIALIZED });
    open.ask(prober, message("initialized", era, body), None).await;
    Some((version, answered))
}

fn message(step: &str, era: Era, body: Value) -> Call {
    Call::tell(PROBE, step, body).era(era)
}

/// `initialize` on a socket of its own, as the step of another probe.
pub(super) async fn initialize_alone(prober: &Prober<'_>, line: &Line, call: Call) -> Option<Answered> {
    let open = connect(prober, &line.place, line.subprotocol.as_ref()).await?;
    let answered = open.ask(prober, call, None).await;
    open.close(prober).await;
    answered
}

/// Whether the server selects a subprotocol that nobody has.
pub(super) async fn unknown_subprotocol(prober: &Prober<'_>, place: &Place) {
    let nobody = HeaderText::Ours(prober.invented.subprotocol());
    let call = prober.upgrade_call(PROBE, "subprotocol", place, Some(&nobody));
    prober.knock(call).await;
}

async fn connect(prober: &Prober<'_>, place: &Place, subprotocol: Option<&HeaderText>) -> Option<Open> {
    let call = prober.upgrade_call(PROBE, "upgrade", place, subprotocol);
    prober.admit(&call)?;
    match prober.wire.upgrade(call).await {
        Upgrade::Open(socket) => Some(Open {
            talk: tokio::sync::RwLock::new(Some(prober.wire.talk(*socket))),
            deaf: std::sync::atomic::AtomicBool::new(false),
        }),
        Upgrade::Refused(exchange) => {
            prober.learn(&exchange).await;
            None
        }
    }
}

impl Line {
    /// Sends a call's body as a message and waits for its answer.
    pub(super) async fn ask(&self, prober: &Prober<'_>, speaker: &Speaker, call: Call) -> Option<Answered> {
        let (probe, step) = (call.probe, call.step.clone());
        // What need not be answered is followed by something that is.
        let answerable = call.body.as_ref().is_some_and(|body| asks_in(&body.shown()));
        let follow_up =
            (call.expectation == Expectation::Negative && !answerable).then(|| speaker.follow_up());
        match self.current(prober).await {
            Some(open) => open.ask(prober, call, follow_up.as_ref()).await,
            None => {
                let reason = prober.wire.over().unwrap_or(SkipReason::Budget);
                prober.wire.skip(probe, Some(&step), reason);
                None
            }
        }
    }

    async fn current(&self, prober: &Prober<'_>) -> Option<Arc<Open>> {
        let mut slot = self.open.lock().await;
        if let Some(open) = slot.as_ref()
            && !open.lost().await
        {
            return Some(Arc::clone(open));
        }
        if let Some(lost) = slot.take() {
            lost.close(prober).await;
        }
        if self.renewals.fetch_add(1, Ordering::Relaxed) >= RENEWALS {
            return None;
        }
        let open = connect(prober, &self.place, self.subprotocol.as_ref()).await?;
        if self.era == Era::Legacy {
            let call = speaker::initialize(&prober.client, PROBE, names::INITIALIZE, None, &self.version);
            open.ask(prober, call, None).await;
            let body = json!({ "jsonrpc": "2.0", "method": names::INITIALIZED });
            open.ask(prober, message("initialized", self.era, body), None).await;
        }
        let open = Arc::new(open);
        *slot = Some(Arc::clone(&open));
        Some(open)
    }

    /// Closes the socket.
    pub(super) async fn end(&self, prober: &Prober<'_>) {
        let open = self.open.lock().await.take();
        if let Some(open) = open {
            open.close(prober).await;
        }
    }
}

impl Open {
    async fn lost(&self) -> bool {
        self.deaf.load(Ordering::Relaxed) || self.talk.read().await.as_ref().is_none_or(Talk::over)
    }

    async fn close(&self, prober: &Prober<'_>) {
        let talk = self.talk.write().await.take();
        if let Some(talk) = talk {
            prober.wire.end(talk).await;
        }
    }

    async fn ask(&self, prober: &Prober<'_>, call: Call, follow_up: Option<&FollowUp>) -> Option<Answered> {
        prober.admit(&call)?;
        let limits = prober.wire.limits();
        let negative = call.expectation == Expectation::Negative;
        let patience = if negative { limits.negative_ms } else { limits.header_ms };
        let wait = Duration::from_millis(prober.silence_ms().unwrap_or(patience));
        let talk = self.talk.read().await;
        let exchange = prober.wire.tell(talk.as_ref()?, &call, follow_up, wait).await;
        drop(talk);
        let reply = reply::read(&exchange);
        let answered = reply.answer.is_some();
        if follow_up.is_some_and(|follow_up| !answered && !heard(&exchange, &follow_up.id)) {
            self.deaf.store(true, Ordering::Relaxed);
        }
        prober.learn(&exchange).await;
        Some(Answered { exchange, reply })
    }
}

fn heard(exchange: &Exchange, id: &Value) -> bool {
    reply::read_for(exchange, Some(id)).answer.is_some()
}
