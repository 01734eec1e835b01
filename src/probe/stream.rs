//! The held stream of HTTP+SSE: a session whose replies come on it, opened anew where the server ended it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use super::bodies::initialize;
use super::conversation::{Answered, Conversation};
use crate::facts::reply::{self, Reply};
use crate::net::{Call, HandleKind, Held, Place, Until, View};
use crate::protocol::announced::announced;
use crate::protocol::names;
use crate::protocol::revision::Era;
use crate::protocol::sse::{self, Line};
use crate::transcript::{Exchange, Expectation, ProbeId, SkipReason};

const PROBE: ProbeId = ProbeId::HttpSse;
/// How long after what may be the answer a better one may come.
const GRACE: Duration = Duration::from_millis(60);
/// How long a reply that came in the POST's body may take to come on the stream as well.
const TWICE_MS: u64 = 300;
/// Streams opened anew after one was lost.
const RENEWALS: u32 = 3;

/// The stream of a client; opened anew where the server ended it.
#[derive(Debug)]
pub(super) struct SseSession {
    place: Place,
    version: String,
    renewals: AtomicU32,
    open: tokio::sync::Mutex<Option<Arc<Open>>>,
}

/// One open stream: a session.
#[derive(Debug)]
pub(super) struct Open {
    /// Taken when it is closed.
    held: Mutex<Option<Held>>,
    /// Id of its exchange.
    id: u32,
    view: View,
    /// The announced URI, resolved.
    endpoint: Place,
    /// Every request with an id, and when its wait ended, microseconds.
    asked: Mutex<Vec<(Value, Option<u64>)>>,
}

/// Opens a stream and waits for its announcement. Only the first one counts, and only on the scanned
/// origin.
pub(super) async fn connect(conversation: &Conversation<'_>, place: &Place) -> Option<Open> {
    let limits = conversation.wire.limits();
    if conversation.lock().opened >= limits.sessions {
        conversation.wire.skip(PROBE, Some("get"), SkipReason::Sessions);
        return None;
    }
    let wait = conversation.silence_ms().unwrap_or(limits.first_event_ms);
    let call = Call::get_stream(PROBE, "get", place).era(Era::Legacy).until(Until::Watch(limits.target_ms));
    let mut held = conversation.hold(call).await?;
    {
        let mut state = conversation.lock();
        state.opened = state.opened.saturating_add(1);
    }
    let first = |lines: &[Line]| {
        sse::blocks(lines)
            .into_iter()
            .find(|block| block.dispatched() && block.name() == "endpoint")
            .map(|block| block.data.unwrap_or_default())
    };
    held.wait(Duration::from_millis(wait), |head, lines| {
        head.is_some_and(|head| head.status != 200) || first(lines).is_some()
    })
    .await;
    let endpoint = held.look(|_, lines, _| first(lines)).and_then(|uri| {
        let is_uri = Url::parse(place.shown()).map(|base| announced(&base, &uri).is_uri());
        let handle = conversation.wire.handle(HandleKind::Announced, &uri);
        conversation.wire.given(place, handle).filter(|_| is_uri == Ok(true))
    });
    match endpoint {
        Some(endpoint) => Some(Open {
            id: held.id(),
            view: held.view(),
            held: Mutex::new(Some(held)),
            endpoint,
            asked: Mutex::default(),
        }),
        None => {
            conversation.wire.close(held).await;
            None
        }
    }
}

pub(super) async fn initialized(conversation: &Conversation<'_>, open: &Open, place: &Place) {
    let body = json!({ "jsonrpc": "2.0", "method": names::INITIALIZED });
    let call = Call::post(PROBE, "initialized", place, body).era(Era::Legacy);
    open.ask(conversation, call).await;
}

impl SseSession {
    /// The stream of a session that has shaken hands.
    pub(super) fn of(open: Open, place: &Place, version: String) -> Self {
        Self {
            place: place.clone(),
            version,
            renewals: AtomicU32::new(0),
            open: tokio::sync::Mutex::new(Some(Arc::new(open))),
        }
    }

    /// Posts a call and waits for its answer on the stream.
    pub(super) async fn ask(&self, conversation: &Conversation<'_>, call: Call) -> Option<Answered> {
        let probe = call.probe;
        match self.current(conversation).await {
            Some(open) => open.ask(conversation, call).await,
            None => {
                conversation.wire.skip(probe, Some(&call.step), conversation.why_not_opened());
                None
            }
        }
    }

    /// The open stream; a new session where the server ended the last one.
    async fn current(&self, conversation: &Conversation<'_>) -> Option<Arc<Open>> {
        let mut slot = self.open.lock().await;
        if let Some(open) = slot.as_ref().filter(|open| !open.ended()) {
            return Some(Arc::clone(open));
        }
        if let Some(lost) = slot.take() {
            lost.close(conversation).await;
        }
        if self.renewals.fetch_add(1, Ordering::Relaxed) >= RENEWALS {
            return None;
        }
        let open = connect(conversation, &self.place).await?;
        let call =
            initialize(&conversation.client_info, PROBE, names::INITIALIZE, Some(&self.place), &self.version);
        open.ask(conversation, call).await;
        initialized(conversation, &open, &self.place).await;
        let open = Arc::new(open);
        *slot = Some(Arc::clone(&open));
        Some(open)
    }

    /// Ends the session: closing its stream is all there is to do.
    pub(super) async fn end(&self, conversation: &Conversation<'_>) {
        let open = self.open.lock().await.take();
        if let Some(open) = open {
            open.close(conversation).await;
        }
    }
}

impl Open {
    fn ended(&self) -> bool {
        self.view.look(|_, _, ended| ended)
    }

    pub(super) async fn close(&self, conversation: &Conversation<'_>) {
        let held = lock(&self.held).take();
        if let Some(held) = held {
            conversation.wire.close(held).await;
        }
    }

    pub(super) async fn ask(&self, conversation: &Conversation<'_>, mut call: Call) -> Option<Answered> {
        call.place = Some(self.endpoint.clone());
        call.stream = Some(self.id);
        conversation.admit(&call)?;
        let negative = call.expectation == Expectation::Negative;
        let id = call.body.as_ref().and_then(|body| body.get("id")).filter(|id| !id.is_null()).cloned();
        if let Some(id) = &id {
            lock(&self.asked).push((id.clone(), None));
        }
        let exchange = conversation.wire.send_open(call).await;
        let mut view = self.view.clone();
        let in_body = reply::read(&exchange).answer.is_some();
        if let Some(id) = &id {
            let limits = conversation.wire.limits();
            let patience = match (exchange.ok(), in_body) {
                // Does it come on the stream, too? The conversation itself asks once for all.
                (true, true) if exchange.probe == PROBE => TWICE_MS,
                (true, false) if negative => limits.negative_ms,
                (true, false) => limits.header_ms,
                _ => 0,
            };
            let wait =
                Duration::from_millis(conversation.silence_ms().map_or(patience, |ms| ms.min(patience)));
            self.wait(&mut view, wait, &exchange, id).await;
        }
        let exchange = conversation.wire.finish(exchange);
        if let Some(id) = &id {
            let mut asked = lock(&self.asked);
            let open = asked.iter_mut().find(|(other, ended)| other == id && ended.is_none());
            if let Some((_, ended)) = open {
                *ended = Some(exchange.ended_us);
            }
        }
        conversation.learn(&exchange).await;
        let reply = self.read(&view, &exchange, id.as_ref());
        Some(Answered { exchange, reply })
    }

    /// Waits until the answer is there; what may be one is given a moment for a better one.
    async fn wait(&self, view: &mut View, wait: Duration, exchange: &Exchange, id: &Value) {
        let since = exchange.started_us;
        let exact = |message: &Value| message.get("method").is_none() && message.get("id") == Some(id);
        let mut perhaps = false;
        view.wait(wait, |_, lines| {
            let others = self.others(Some(id), since);
            let messages = reply::lines_messages(lines, "");
            perhaps = messages
                .iter()
                .filter(|message| message.at_us >= since)
                .filter_map(|message| message.json.as_ref().ok())
                .any(|message| reply::may_answer(message, Some(id), &others));
            perhaps
        })
        .await;
        if perhaps {
            view.wait(GRACE, |_, lines| {
                let messages = reply::lines_messages(lines, "");
                messages
                    .iter()
                    .filter(|message| message.at_us >= since)
                    .any(|message| message.json.as_ref().is_ok_and(exact))
            })
            .await;
        }
    }

    /// Ids of other requests that were under way at `since_us` or later: their replies are not ours.
    fn others(&self, id: Option<&Value>, since_us: u64) -> Vec<Value> {
        let asked = lock(&self.asked);
        let under_way = asked.iter().filter(|(_, ended)| ended.is_none_or(|ended| ended >= since_us));
        under_way.filter(|(other, _)| Some(other) != id).map(|(other, _)| other.clone()).collect()
    }

    fn read(&self, view: &View, exchange: &Exchange, id: Option<&Value>) -> Reply {
        let place = format!(" of #{}", self.id);
        let messages = view.look(|_, lines, _| reply::lines_messages(lines, &place));
        reply::read_on(exchange, &messages, &self.others(id, exchange.started_us))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
