//! The streams once more with compression allowed.

use std::time::Duration;

use serde_json::Value;

use super::conversation::{Conversation, left_out};
use super::found::{Endpoint, Feed};
use super::mcp_client::{McpClient, of};
use super::{listen, resume};
use crate::facts::reply;
use crate::facts::streams::is_stream;
use crate::net::{Call, Reuse, Until};
use crate::protocol::revision::Era;
use crate::transcript::{Ended, Exchange, Expectation, ProbeId, SkipReason};

const PROBE: ProbeId = ProbeId::Delivery;

/// All of them but the GET of the legacy era.
pub(super) async fn run(conversation: &Conversation<'_>, clients: &[McpClient], target: &Endpoint) {
    if !conversation.standard() {
        return left_out(conversation, PROBE);
    }
    conversation.wire.doing("asking for compressed streams");
    let (exchanges, _) = conversation.wire.recorded();
    let limit = conversation.wire.limits().first_event_ms;
    for client in clients {
        let client = &client.another();
        let streams = |exchange: &&Exchange| exchange.era == Some(client.era) && is_stream(exchange);
        // The listen stream itself is still open, and not recorded yet.
        let listens =
            if client.era == Era::Modern { listen::call(conversation, client, PROBE).await } else { None };
        if let Some(call) = listens {
            send(conversation, call, None, limit).await;
        } else if let Some(twin) = exchanges.iter().find(|exchange| {
            streams(exchange)
                && crate::transcript::exchange::request_method(exchange).as_deref() == Some(client.base)
        }) {
            send(conversation, client.base(PROBE, "post"), Some(twin.id), limit).await;
        }
    }
    let get = |place| Call::get_stream(PROBE, "get", place);
    match target.feed {
        Some(Feed::Plain) => {
            let twin = exchanges.iter().find(|exchange| exchange.step == "first").map(|exchange| exchange.id);
            send(conversation, get(&target.place), twin, limit).await;
        }
        // The stream is a session.
        Some(Feed::HttpSse) if !another_session(conversation) => {
            conversation.wire.skip(PROBE, Some("get"), SkipReason::Sessions);
        }
        Some(Feed::HttpSse) => send(conversation, get(&target.place).era(Era::Legacy), None, limit).await,
        None => {}
    }
}

/// The GET of the legacy era, in a session of its own: many servers allow one in each. Nothing is due on it: it
/// is watched for as long as the idle stream, and begins with it, so that a scan takes no longer.
pub(super) async fn legacy_get(conversation: &Conversation<'_>, clients: &[McpClient]) {
    let Some(client) = of(clients, Era::Legacy).filter(|_| conversation.standard()) else { return };
    let own = match client.session {
        Some(_) => resume::open(conversation, client, PROBE, "").await,
        None => Some(client.another()),
    };
    if let Some(own) = own {
        let call = own.dress(Call::get_stream(PROBE, "get", &own.place));
        let watched = conversation.wire.limits().idle_watch_ms;
        let _waiting =
            conversation.wire.waiting("what comes on a GET stream", Duration::from_millis(watched));
        send(conversation, call, None, watched).await;
    }
}

/// Whether the stream of a POST ends after its response, in each era in which that could not be seen by the way.
pub(super) async fn ends(conversation: &Conversation<'_>, clients: &[McpClient]) {
    if !conversation.standard() {
        return;
    }
    let (exchanges, _) = conversation.wire.recorded();
    let eras = clients.iter().filter(|client| client.streamable()).map(McpClient::another);
    let eras: Vec<McpClient> = eras.collect();
    futures_util::future::join_all(eras.iter().map(|client| end(conversation, client, &exchanges))).await;
}

async fn end(conversation: &Conversation<'_>, client: &McpClient, exchanges: &[Exchange]) {
    let lists = [client.base, "tools/list"];
    let left = exchanges
        .iter()
        .filter(|exchange| exchange.era == Some(client.era) && exchange.expectation == Expectation::Plain)
        .filter(|exchange| exchange.lines().is_some() && exchange.ended == Ended::ByUs)
        .filter_map(crate::transcript::exchange::request_method);
    let Some(method) = left.filter_map(|left| lists.into_iter().find(|method| *method == left)).next() else {
        return;
    };
    let limit = conversation
        .wire
        .limits()
        .first_event_ms
        .saturating_add(u64::try_from(AFTER.as_millis()).unwrap_or_default());
    let call = client.call(PROBE, "ends", method, Value::Null).until(Until::Watch(limit)).reuse(Reuse::Fresh);
    let id = call.body.as_ref().and_then(|body| body.get("id")).cloned();
    let Some(mut held) = conversation.hold(call).await else { return };
    let answered = held
        .wait(Duration::from_millis(limit), |head, lines| {
            head.is_some_and(|head| head.status != 200)
                || reply::lines_messages(lines, "").iter().any(|message| {
                    message
                        .json
                        .as_ref()
                        .is_ok_and(|json| json.get("method").is_none() && json.get("id") == id.as_ref())
                })
        })
        .await;
    if answered {
        held.wait(AFTER, |_, _| false).await;
    }
    if let Some(exchange) = conversation.wire.close(held).await {
        conversation.learn(&exchange).await;
    }
}

/// How long a stream is watched after its response, and a moment more.
const AFTER: Duration = Duration::from_millis(5_100);

/// Counts one more session, if it may be opened.
fn another_session(conversation: &Conversation<'_>) -> bool {
    let mut state = conversation.lock();
    let free = state.opened < conversation.wire.limits().sessions;
    state.opened = state.opened.saturating_add(u32::from(free));
    free
}

async fn send(conversation: &Conversation<'_>, call: Call, twin: Option<u32>, wait: u64) {
    let call = call
        .header("accept-encoding", "gzip, br")
        .negative(twin)
        .until(Until::Watch(wait))
        .reuse(Reuse::Fresh);
    let Some(mut held) = conversation.hold(call).await else { return };
    held.wait(Duration::from_millis(wait), |head, lines| {
        head.is_some_and(|head| head.status != 200) || !lines.is_empty()
    })
    .await;
    if let Some(exchange) = conversation.wire.close(held).await {
        conversation.learn(&exchange).await;
    }
}
