//! A plain event stream: prices, each with an id; `retry`; resumption; comments into the silence.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::{Method, StatusCode};

use super::Fault;
use super::event::Event;
use super::events;
use super::http::{self as wire, Call, Outcome, Sender};
use super::server::{MOST_EVENTS, Server};

/// Events that follow each early visitor, so that a feed is seen to live.
const FRESH: usize = 2;
/// Visitors who are early: those who come later break no silence of others.
const EARLY: usize = 3;
/// Time between those.
const STEP: Duration = Duration::from_millis(150);
/// The same for [`Fault::FeedGoesSilent`], which says nothing more afterwards.
const LAST_FRESH: usize = 3;
const LAST_STEP: Duration = Duration::from_millis(500);
/// How long a feed with [`Fault::StreamHeadHeld`] keeps its head back.
pub(super) const HELD_BACK: Duration = Duration::from_secs(11);

/// How long a feed with [`Fault::FeedCutIdle`] leaves a stream open.
const CUT_AFTER: Duration = Duration::from_secs(7);

fn event(server: &Server, number: usize) -> Event {
    let id =
        if server.behaviour.has(Fault::StreamIdsFall) { MOST_EVENTS.saturating_sub(number) } else { number };
    let broken = server.behaviour.has(Fault::StreamRawLines);
    let price = serde_json::json!({ "item": "tea", "price": 300_usize.saturating_add(number % 7) });
    Event {
        name: Some("price"),
        id: Some(id.to_string()),
        retry: None,
        data: if broken { format!("{price:#}") } else { price.to_string() },
    }
}

/// GET on the feed.
pub(super) async fn stream(server: &Arc<Server>, call: &Call) -> Outcome {
    let has = |fault| server.behaviour.has(fault);
    if call.method != Method::GET {
        return wire::method_not_allowed("GET").into();
    }
    if !call.accepts("text/event-stream") {
        return wire::refusal(StatusCode::NOT_ACCEPTABLE, "this is an event stream").into();
    }
    if let Some(collected) = events::collected(server, call) {
        return collected.into();
    }
    let last = call.header("last-event-id").filter(|last| !last.is_empty());
    if last.is_some() && has(Fault::FeedResumeRefused) {
        return wire::text(StatusCode::BAD_REQUEST, "Last-Event-ID is not supported").into();
    }
    if has(Fault::StreamHeadHeld) {
        tokio::time::sleep(HELD_BACK).await;
    }
    // An id that is no number of ours is ignored: the client then gets all there is.
    let after = last.and_then(|last| last.parse::<usize>().ok()).filter(|_| !has(Fault::FeedResumeIgnored));
    let repeated = usize::from(has(Fault::FeedResumeRepeats));
    let seen = after.map_or(0, |after| after.saturating_sub(repeated));
    // A feed that falls silent does so for everybody, however many come after the first.
    let silent = [Fault::FeedGoesSilent, Fault::FeedCutIdle, Fault::NoKeepAlive].into_iter().any(has);
    let before = server.feed.visitors.fetch_add(1, Ordering::SeqCst);
    if after.is_none() && (before == 0 || (before < EARLY && !silent)) {
        let shared = Arc::clone(server);
        let burst = has(Fault::FeedGoesSilent);
        let (fresh, step) = if burst { (LAST_FRESH, LAST_STEP) } else { (FRESH, STEP) };
        server.spawn(async move {
            for _ in 0..fresh {
                tokio::time::sleep(step).await;
                shared.feed.grow();
            }
        });
    }
    let (sender, reply) = events::hold(server, true);
    let shared = Arc::clone(server);
    server.spawn(async move { follow(&shared, &sender, seen).await });
    if has(Fault::FeedCutIdle) { wire::cut(reply, CUT_AFTER).into() } else { reply.into() }
}

async fn follow(server: &Server, sender: &Sender, mut seen: usize) {
    let mut length = server.feed.length.subscribe();
    let mut retry = Some(3_000);
    loop {
        let now = *length.borrow_and_update();
        while seen < now {
            seen = seen.saturating_add(1);
            let event = Event { retry: retry.take(), ..event(server, seen) };
            if !events::send(server, sender, &event).await {
                return;
            }
        }
        tokio::select! {
            told = length.changed() => if told.is_err() { return },
            () = sender.closed() => return,
            () = events::silence(server) => if sender.send(events::comment()).await.is_err() { return },
        }
    }
}
