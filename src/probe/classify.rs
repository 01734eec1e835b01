//! Finds out what speaks at a URL.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::bodies::{dated, discover, initialize};
use super::conversation::Conversation;
use super::found::{Feed, FoundEndpoint};
use super::mcp_client::{McpClient, negotiated};
use super::state::LONGEST_WAIT;
use super::{auth, browser, siblings, upgrade};
use crate::facts::barrier::{self, Barrier};
use crate::facts::classification::Kind;
use crate::facts::others;
use crate::facts::steps::{self, Discover, Get, Initialize};
use crate::net::{Call, HandleKind, Place, Until};
use crate::protocol::revision::{Era, Revision};
use crate::protocol::sse::{self, Block};
use crate::protocol::{headers, names};
use crate::transcript::{Exchange, ProbeId};

/// First event of a GET beside an endpoint that is classified already.
const ASIDE_MS: u64 = 10_000;

/// Classifies what is at `place`.
pub(super) async fn run(conversation: &Conversation<'_>, place: &Place) -> FoundEndpoint {
    let websocket_first = place.is_socket();
    let mut found = FoundEndpoint::nothing(place.twin(false));
    if websocket_first {
        // Whatever answers there, the HTTP twin is still looked at, for `ws-only`.
        found.socket = upgrade::socket(conversation, place, false).await;
    }
    let (barrier, stop) = modern(conversation, &mut found).await;
    if stop == Some(Halt::Refused)
        || matches!(&barrier, Some(Barrier::Failed(failure)) if failure.before_http())
    {
        return found;
    }
    // A barrier before discovery decides nothing: the handshake may be open. A credential that was refused is not sent
    // again: servers count failed attempts.
    conversation.lock().gated |= barrier == Some(Barrier::Gated);
    if stop.is_none() {
        legacy(conversation, &mut found).await;
    }
    let shut = found.modern.is_none() && found.legacy.is_none() && barrier == Some(Barrier::Gated);
    if shut && conversation.kind() == Kind::AuthGated {
        auth::stream(conversation, &mut found.target).await;
        return found;
    }
    if found.modern.is_some() || found.legacy.is_some() {
        found.look_aside = Some(websocket_first);
        return found;
    }
    let mut tried = websocket_first;
    let upgrade = stream(conversation, &mut found, &mut tried).await;
    if found.target.feed.is_some() {
        return found;
    }
    if !tried {
        found.socket = upgrade::socket(conversation, &place.twin(true), !upgrade).await;
    }
    if auth::asked_for(conversation, &found.target.place).await {
        auth::stream(conversation, &mut found.target).await;
        return found;
    }
    match conversation.kind() {
        // What answers in JSON-RPC and serves nothing may be another protocol over it, which has a card.
        Kind::Mcp if !conversation.options.discover => {
            siblings::agent_card(conversation, &found.target.place).await;
        }
        kind if kind == Kind::None || conversation.options.discover => {
            siblings::run(conversation, &found.target.place).await;
        }
        _ => {}
    }
    found
}

/// Why nothing more is posted after the first question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Halt {
    /// The name by which we asked is refused: no request can be answered.
    Refused,
    /// Another protocol answers: a second POST may start something.
    Other,
}

/// Step 1. Gives what stood in the way, if anything did, and whether to stop.
async fn modern(
    conversation: &Conversation<'_>,
    found: &mut FoundEndpoint,
) -> (Option<Barrier>, Option<Halt>) {
    let Some((exchange, reading)) = ask(conversation, found).await else { return (None, None) };
    if barrier::name_refused(&exchange) {
        if barrier::wants_origin(&exchange) {
            browser::own_origin(conversation, &found.target.place).await;
        }
        return (Some(Barrier::Blocked), Some(Halt::Refused));
    }
    if others::read(&exchange).is_some() || barrier::feeds(&exchange) {
        return (None, Some(Halt::Other));
    }
    if let Discover::Barrier(barrier) = reading {
        return (Some(barrier), None);
    }
    confirm(conversation, found, reading, &exchange).await;
    (None, None)
}

/// Asks once, and again where a redirect, an order of media types or a wait stood in between.
async fn ask(
    conversation: &Conversation<'_>,
    found: &mut FoundEndpoint,
) -> Option<(Arc<Exchange>, Discover)> {
    conversation.wire.doing("asking for server/discover");
    let ours = Revision::NEWEST_MODERN.as_str();
    let mut exchange =
        conversation.send(discover(&conversation.client_info, "discover", &found.target.place, ours)).await?;
    let mut reading = steps::discover(&exchange);
    if let Discover::Barrier(Barrier::Redirect { status: 307 | 308, location }) = &reading
        && let Some(next) = conversation
            .wire
            .given(&found.target.place, conversation.wire.handle(HandleKind::Location, location))
        && next != found.target.place
    {
        found.target.place = next;
        exchange = conversation
            .send(discover(&conversation.client_info, "discover", &found.target.place, ours))
            .await?;
        reading = steps::discover(&exchange);
    }
    if let Some(wait) = retry_after(&reading, &exchange).filter(|_| conversation.standard()) {
        conversation.wire.rest(wait).await;
        exchange = conversation
            .send(discover(&conversation.client_info, "discover", &found.target.place, ours))
            .await?;
        reading = steps::discover(&exchange);
    }
    if exchange.status() == Some(406) {
        conversation.lock().accept = Some(OTHER_ORDER);
        exchange = conversation
            .send(discover(&conversation.client_info, "discover", &found.target.place, ours))
            .await?;
        reading = steps::discover(&exchange);
        if exchange.status() == Some(406) {
            conversation.lock().accept = None;
        }
    }
    Some((exchange, reading))
}

/// Looks closer at what may be the modern era.
async fn confirm(
    conversation: &Conversation<'_>,
    found: &mut FoundEndpoint,
    reading: Discover,
    exchange: &Exchange,
) -> Option<()> {
    let ours = Revision::NEWEST_MODERN.as_str();
    let client = |version: &str, exchange: &Exchange| {
        Some(McpClient::new(
            &conversation.client_info,
            Era::Modern,
            &found.target.place,
            None,
            version,
            exchange.id,
        ))
    };
    match reading {
        Discover::Modern { .. } => found.modern = client(ours, exchange),
        Discover::ModernError { code: names::UNSUPPORTED_VERSION, supported } => {
            let newer = supported.iter().filter_map(|version| dated(version)).find(|at| at.as_str() >= ours);
            if let Some(version) = &newer {
                let again = conversation
                    .send(discover(&conversation.client_info, "discover-retry", &found.target.place, version))
                    .await?;
                if matches!(steps::discover(&again), Discover::Modern { .. }) {
                    found.modern = client(version, &again);
                }
            }
        }
        Discover::Lacking | Discover::Candidate | Discover::ModernError { .. } | Discover::PreRelease => {
            let asking = McpClient::new(
                &conversation.client_info,
                Era::Modern,
                &found.target.place,
                None,
                ours,
                exchange.id,
            );
            let list = asking.call(ProbeId::Classify, "discover-list", "tools/list", json!({}));
            let list = conversation.send(list).await?;
            if steps::proves_modern(&list) {
                let mut client = McpClient::new(
                    &conversation.client_info,
                    Era::Modern,
                    &found.target.place,
                    None,
                    ours,
                    list.id,
                );
                // Discover does not work here: the list is the cheapest call that does.
                client.base = "tools/list";
                found.modern = Some(client);
            }
        }
        Discover::Barrier(_) | Discover::No => {}
    }
    Some(())
}

/// The two media types the other way round: some servers take only the order that they were written with.
const OTHER_ORDER: &str = "text/event-stream, application/json";

/// How long to wait before the first question is asked again, where it is worth asking: as long as
/// `Retry-After` says, else 2 s. `None` also where that is longer than a scan can wait.
fn retry_after(reading: &Discover, exchange: &Exchange) -> Option<Duration> {
    let asked = exchange.header("retry-after").and_then(headers::retry_after);
    match reading {
        // What a 429 asks for was waited for when it came.
        Discover::Barrier(Barrier::RateLimited) => Some(asked.map_or(UNASKED, |_| Duration::ZERO)),
        Discover::Barrier(Barrier::ServerError(_)) => {
            Some(asked.unwrap_or(UNASKED)).filter(|wait| *wait <= LONGEST_WAIT)
        }
        Discover::Barrier(Barrier::Failed(failure)) => {
            (failure.kind == crate::transcript::FailureKind::HeaderTimeout).then_some(UNASKED)
        }
        _ => None,
    }
}

/// The wait where none is asked for.
const UNASKED: Duration = Duration::from_secs(2);

/// Step 2.
async fn legacy(conversation: &Conversation<'_>, found: &mut FoundEndpoint) {
    conversation.wire.doing("trying the initialize handshake");
    let place = found.target.place.clone();
    let newest = Revision::NEWEST_LEGACY.as_str();
    let call = initialize(&conversation.client_info, ProbeId::Classify, "initialize", Some(&place), newest);
    let Some(mut exchange) = conversation.send(call.clone()).await else { return };
    if exchange.status() == Some(406) && conversation.lock().accept.is_none() {
        conversation.lock().accept = Some(OTHER_ORDER);
        let Some(again) = conversation.send(call).await else { return };
        exchange = again;
        if exchange.status() == Some(406) {
            conversation.lock().accept = None;
        }
    }
    let mut reading = steps::initialize(&exchange);
    if let Initialize::Refused { versions } = &reading
        && let Some(version) = versions.last()
    {
        let again = initialize(
            &conversation.client_info,
            ProbeId::Classify,
            "initialize-retry",
            Some(&place),
            version.as_str(),
        );
        let Some(again) = conversation.send(again).await else { return };
        reading = steps::initialize(&again);
        exchange = again;
    }
    let Initialize::Legacy { version, session } = reading else { return };
    let Some(version) = negotiated(conversation, version, found.modern.is_none()) else { return };
    let session = session.map(|session| conversation.wire.session(&session));
    let client =
        McpClient::new(&conversation.client_info, Era::Legacy, &place, session, &version, exchange.id);
    let body = json!({ "jsonrpc": "2.0", "method": names::INITIALIZED });
    let call = client.post(ProbeId::Classify, "initialized", names::INITIALIZED, body);
    conversation.send(call).await;
    found.legacy = Some(client);
}

/// Step 3 and 4 beside an endpoint that answered already: is the old transport, or a socket, here too?
pub(super) async fn aside(conversation: &Conversation<'_>, found: &FoundEndpoint) {
    let Some(socket_done) = found.look_aside else { return };
    let place = &found.target.place;
    let get = async {
        let wait = conversation.silence_ms().unwrap_or(ASIDE_MS);
        let call = Call::get_stream(ProbeId::Classify, "get", place).until(Until::Watch(wait));
        if let Some(mut held) = conversation.hold(call).await {
            held.wait(Duration::from_millis(wait), |head, lines| {
                head.is_some_and(|head| head.status != 200)
                    || sse::blocks(lines).iter().any(Block::dispatched)
            })
            .await;
            // A reply that is no stream ends by itself; give it the moment it needs.
            held.wait(Duration::from_millis(50), |_, lines| !lines.is_empty()).await;
            conversation.wire.close(held).await;
        }
    };
    let upgrade = async {
        if !socket_done {
            upgrade::note(conversation, &place.twin(true)).await;
        }
    };
    futures_util::future::join(get, upgrade).await;
    if conversation.options.discover {
        siblings::run(conversation, place).await;
    }
}

/// A GET that gave no head for so long is held: a socket is tried meanwhile.
const HELD: Duration = Duration::from_secs(2);

/// Step 3 where nothing answered yet. Keeps the stream open if it is one. Gives whether the reply
/// asked for an upgrade, and in `tried` whether a socket was tried while the GET was held.
async fn stream(conversation: &Conversation<'_>, found: &mut FoundEndpoint, tried: &mut bool) -> bool {
    conversation.wire.doing("asking for an event stream");
    let limits = conversation.wire.limits();
    let quick = conversation.silence_ms();
    let doubt = u64::try_from(HELD.as_millis() / 2).unwrap_or_default();
    let watch = quick.map_or(limits.idle_watch_ms.max(limits.first_event_ms), |ms| ms.saturating_add(doubt));
    // A quick scan looks at the stream for a moment; others watch it for keep-alives afterwards.
    let call = Call::get_stream(ProbeId::Classify, "get", &found.target.place).until(Until::Watch(watch));
    let Some(mut held) = conversation.hold(call).await else { return false };
    let watch = Duration::from_millis(watch);
    held.wait(watch.min(HELD), |head, _| head.is_some()).await;
    if !*tried && quick.is_none() && held.look(|head, _, ended| head.is_none() && !ended) {
        *tried = true;
        let rest = held.wait(watch, |head, _| head.is_some());
        let twin = found.target.place.twin(true);
        found.socket = futures_util::future::join(rest, upgrade::socket(conversation, &twin, true)).await.1;
    }
    let is_stream = |lines: &[sse::Line]| !lines.is_empty();
    let first = quick.unwrap_or(limits.first_event_ms);
    held.wait(Duration::from_millis(first), |head, lines| {
        head.is_some_and(|head| head.status != 200) || sse::blocks(lines).iter().any(Block::dispatched)
    })
    .await;
    let open = held.look(|head, lines, ended| {
        !ended
            && head.is_some_and(|head| head.status == 200)
            && (is_stream(lines) || head.is_some_and(|head| declared(head.header("content-type"))))
    });
    if open {
        let endpoint = held.look(|_, lines, _| {
            sse::blocks(lines).iter().any(|block| block.dispatched() && block.name() == "endpoint")
        });
        found.target.feed = Some(if endpoint { Feed::HttpSse } else { Feed::Plain });
        if quick.is_none() {
            found.stream = Some(held);
            return false;
        }
    }
    let Some(exchange) = conversation.wire.close(held).await else { return false };
    conversation.learn(&exchange).await;
    match steps::get(&exchange) {
        Get::HttpSse { .. } => found.target.feed = Some(Feed::HttpSse),
        Get::Stream { .. } | Get::Ended => found.target.feed = Some(Feed::Plain),
        _ => {}
    }
    steps::get(&exchange) == Get::Upgrade
}

fn declared(content_type: Option<&str>) -> bool {
    content_type
        .and_then(crate::protocol::headers::media_type)
        .is_some_and(|media| media.essence == "text/event-stream")
}
