//! Whether a dropped stream resumes: without calling a tool.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::bodies::{dated, initialize};
use super::conversation::Conversation;
use super::found::{Endpoint, Feed};
use super::legacy;
use super::mcp_client::{McpClient, of};
use crate::facts::resume::{self, Dropped, ResumeOutcome, Series};
use crate::facts::steps::{self, Initialize};
use crate::net::{Call, Handle, HandleKind, Held, Reuse, Until};
use crate::protocol::names;
use crate::protocol::revision::Era;
use crate::protocol::sse::Line;
use crate::transcript::{Exchange, ProbeId};

const PROBE: ProbeId = ProbeId::Resume;
/// Tries of one series.
const TRIES: usize = 5;
/// Resumptions at once: the idle streams have the other two places.
const AT_ONCE: usize = 2;
/// Silence after which a resumption brings nothing, milliseconds.
const SILENT_MS: u64 = 3_000;
/// What comes too much comes at once.
const GRACE: Duration = Duration::from_millis(120);
/// Between two rounds, so that the server has seen the first one leave.
const PAUSE: Duration = Duration::from_millis(40);

/// The legacy era of Streamable HTTP. Gives who spoke, in a session of its own where there are any.
pub(super) async fn run(conversation: &Conversation<'_>, clients: &[McpClient]) -> Option<McpClient> {
    let client = of(clients, Era::Legacy).filter(|_| conversation.standard())?;
    // A session of its own: many servers allow one GET stream in each, and the idle stream has that.
    let own = if client.session.is_some() { open(conversation, client, PROBE, "").await } else { None };
    // Without one of its own nothing more may be dropped: the idle stream is in the session of the others.
    let lone = own.is_some() || client.session.is_none();
    let own = own.unwrap_or_else(|| client.another());
    series(conversation, &own).await;
    lone.then_some(own)
}

/// Up to five tries, and one in another session.
async fn series(conversation: &Conversation<'_>, own: &McpClient) {
    conversation.wire.doing("resuming event streams");
    let Some((method, first)) = streaming(conversation, own).await else { return };
    let Some(id) = first_id(conversation, &first) else { return };
    let rest = (3..TRIES.saturating_add(2)).map(|number| post(conversation, own, number, method));
    let mut streams = vec![first];
    streams.extend(futures_util::future::join_all(rest).await.into_iter().flatten());
    let session = streams.first().cloned();
    let left = tries(conversation, own, &streams, false).await;
    let series = |judge: &dyn Fn(&Series<'_>) -> bool| {
        let (exchanges, _) = conversation.wire.recorded();
        let ours: Vec<&Exchange> = exchanges.iter().filter(|exchange| exchange.probe == PROBE).collect();
        judge(&Series::read(&ours))
    };
    let all = |of: fn(&ResumeOutcome) -> bool| {
        series(&|series: &Series<'_>| series.tries.iter().all(|one| of(&one.outcome)))
    };
    if all(|outcome| matches!(outcome, ResumeOutcome::Declined(_) | ResumeOutcome::ServerError(_))) {
        return;
    }
    if all(|outcome| *outcome == ResumeOutcome::Silent) {
        cut(conversation, own, method).await;
        // Either only what was cut is replayed, or replay is a matter of luck: the other streams tell.
        if series(&|series| series.cut.as_ref().is_some_and(|cut| cut.outcome == ResumeOutcome::Exact)) {
            tries(conversation, own, left, true).await;
        }
    }
    let (Some(_), Some(stream)) = (&own.session, session) else { return };
    // Sessions are few: one of version negotiation does, where there is one.
    let other = match legacy::spare(conversation, own) {
        Some(spare) => Some(own.in_session(Some(spare.id), spare.version.as_deref().unwrap_or(&own.version))),
        None => open(conversation, own, PROBE, " other").await,
    };
    if let Some(other) = other {
        let call = again(&other, "resume-other", &id, &stream).negative(Some(stream.id));
        replay(conversation, call, |_| false).await;
    }
}

/// In `quick`: one stream, and its id in its own and in another session: what shows without waiting.
/// The sessions are those of the working client and of version negotiation.
pub(super) async fn quick(conversation: &Conversation<'_>, clients: &[McpClient]) {
    let Some(own) = of(clients, Era::Legacy).filter(|_| !conversation.standard()) else { return };
    let own = &own.another();
    let Some(stream) = lent(conversation, own).await else { return };
    let (Some(id), Some(dropped)) = (first_id(conversation, &stream), dropped(&stream)) else { return };
    let spare = {
        let state = conversation.lock();
        state
            .sessions
            .iter()
            .rev()
            .find(|session| session.place == own.place && Some(&session.id) != own.session.as_ref())
            .cloned()
    };
    let same = replay(conversation, again(own, "resume-1", &id, &stream), |lines| dropped.satisfied(lines));
    let other = async {
        if let Some(spare) = spare.filter(|_| own.session.is_some()) {
            let other = own.in_session(Some(spare.id), spare.version.as_deref().unwrap_or(&own.version));
            let call = again(&other, "resume-other", &id, &stream).negative(Some(stream.id));
            replay(conversation, call, |_| false).await;
        }
    };
    futures_util::future::join(same, other).await;
}

/// A stream of the session that was read already, or one more.
async fn lent(conversation: &Conversation<'_>, own: &McpClient) -> Option<Arc<Exchange>> {
    let (exchanges, _) = conversation.wire.recorded();
    let read = exchanges.into_iter().find(|exchange| {
        exchange.probe == ProbeId::Connections
            && exchange.era == Some(Era::Legacy)
            && exchange.session.as_deref() == own.session.as_ref().map(Handle::shown)
            && (exchange.lines().is_some() || crate::facts::reply::read(exchange).served())
    });
    match read {
        Some(exchange) => Some(Arc::new(exchange)),
        None => post(conversation, own, 1, own.base).await,
    }
}

/// The finished streams, a few at a time. The first round that is silent, declined or broken ends it,
/// unless told to go `through`. Gives the streams that were left.
async fn tries<'s>(
    conversation: &Conversation<'_>,
    own: &McpClient,
    streams: &'s [Arc<Exchange>],
    through: bool,
) -> &'s [Arc<Exchange>] {
    for (index, round) in streams.chunks(AT_ONCE).enumerate() {
        let resumed = round.iter().map(|stream| async {
            let (id, dropped) = (first_id(conversation, stream)?, dropped(stream)?);
            let number = stream.step.strip_prefix("post-")?;
            let call = again(own, &format!("resume-{number}"), &id, stream);
            replay(conversation, call, |lines| dropped.satisfied(lines)).await
        });
        let replays = futures_util::future::join_all(resumed).await;
        let came = |replay: &Option<Arc<Exchange>>| {
            replay.as_ref().is_some_and(|replay| {
                replay.status() == Some(200) && !resume::events(replay.lines().unwrap_or_default()).is_empty()
            })
        };
        if !through && !replays.iter().all(came) {
            let done = index.saturating_add(1).saturating_mul(AT_ONCE);
            return streams.get(done..).unwrap_or_default();
        }
        tokio::time::sleep(PAUSE).await;
    }
    &[]
}

/// The same request, dropped after its first id: some servers resume only what was cut.
async fn cut(conversation: &Conversation<'_>, own: &McpClient, method: &str) {
    let call = own.call(PROBE, "cut", method, json!({})).until(Until::Watch(SILENT_MS)).reuse(Reuse::Fresh);
    let Some(mut held) = conversation.hold(call.negative(None)).await else { return };
    held.wait(Duration::from_millis(SILENT_MS), |head, lines| {
        head.is_some_and(|head| head.status != 200) || dropped_lines(lines).is_some()
    })
    .await;
    let Some(stream) = close(conversation, held).await else { return };
    let Some(id) = first_id(conversation, &stream) else { return };
    let asked = crate::transcript::exchange::request_id(&stream);
    let answered = |lines: &[Line]| {
        resume::events(lines).iter().any(|event| {
            crate::protocol::jsonrpc::parse(&event.data)
                .is_ok_and(|message| message.get("id") == asked.as_ref() && message.get("method").is_none())
        })
    };
    replay(conversation, again(own, "resume-cut", &id, &stream), answered).await;
}

/// A read-only request that streams: BASE, else a list. Gives the method and its exchange.
async fn streaming(
    conversation: &Conversation<'_>,
    own: &McpClient,
) -> Option<(&'static str, Arc<Exchange>)> {
    let second = if own.base == "tools/list" { "resources/list" } else { "tools/list" };
    for (number, method) in [(1, own.base), (2, second)] {
        let exchange = post(conversation, own, number, method).await?;
        if exchange.lines().is_some() {
            return Some((method, exchange));
        }
    }
    None
}

async fn post(
    conversation: &Conversation<'_>,
    own: &McpClient,
    number: usize,
    method: &str,
) -> Option<Arc<Exchange>> {
    let call = own.call(PROBE, format!("post-{number}"), method, Value::Null).reuse(Reuse::Fresh);
    conversation.send(call).await
}

/// A session of its own.
pub(super) async fn open(
    conversation: &Conversation<'_>,
    client: &McpClient,
    probe: ProbeId,
    which: &str,
) -> Option<McpClient> {
    let call = initialize(
        &conversation.client_info,
        probe,
        format!("initialize{which}"),
        Some(&client.place),
        &client.version,
    );
    let exchange = conversation.send(call).await?;
    let Initialize::Legacy { version, session } = steps::initialize(&exchange) else { return None };
    let session = session.map(|session| conversation.wire.session(&session));
    let version = version.as_deref().and_then(dated);
    let own = client.in_session(session, version.as_deref().unwrap_or(&client.version));
    let body = json!({ "jsonrpc": "2.0", "method": names::INITIALIZED });
    let call = own.post(probe, format!("initialized{which}"), names::INITIALIZED, body);
    conversation.send(call).await?;
    Some(own)
}

/// GET with Last-Event-ID; its twin is the stream that it resumes.
fn again(client: &McpClient, step: &str, id: &Handle, stream: &Exchange) -> Call {
    let call = Call::get_stream(PROBE, step, &client.place).reuse(Reuse::Fresh);
    let mut call = client.dress(call).given(names::LAST_EVENT_ID, id.clone());
    call.twin = Some(stream.id);
    call
}

/// Sends a GET and reads what comes: until `satisfied`, and a moment more; at most until silence counts.
async fn replay(
    conversation: &Conversation<'_>,
    call: Call,
    satisfied: impl Fn(&[Line]) -> bool,
) -> Option<Arc<Exchange>> {
    let wait = conversation.silence_ms().unwrap_or(SILENT_MS);
    let mut held = conversation.hold(call.until(Until::Watch(wait))).await?;
    let settled = held
        .wait(Duration::from_millis(wait), |head, lines| {
            head.is_some_and(|head| head.status != 200) || satisfied(lines)
        })
        .await;
    if settled {
        held.wait(GRACE, |_, _| false).await;
    }
    close(conversation, held).await
}

async fn close(conversation: &Conversation<'_>, held: Held) -> Option<Arc<Exchange>> {
    let exchange = conversation.wire.close(held).await?;
    conversation.learn(&exchange).await;
    Some(exchange)
}

fn dropped(exchange: &Exchange) -> Option<Dropped> {
    dropped_lines(exchange.lines()?)
}

fn dropped_lines(lines: &[Line]) -> Option<Dropped> {
    Dropped::after_first_id(lines)
}

fn first_id(conversation: &Conversation<'_>, exchange: &Exchange) -> Option<Handle> {
    let events = resume::events(exchange.lines()?);
    resume::first_id(&events).map(|(_, id)| conversation.wire.handle(HandleKind::EventId, id))
}

/// A plain feed.
pub(super) async fn feed(conversation: &Conversation<'_>, target: &Endpoint) {
    if target.feed != Some(Feed::Plain) {
        return;
    }
    conversation.wire.doing("resuming the feed");
    let probe = ProbeId::FeedResume;
    let limit = conversation.silence_ms().unwrap_or(conversation.wire.limits().first_event_ms);
    let call = Call::get_stream(probe, "first", &target.place).until(Until::Watch(limit)).reuse(Reuse::Fresh);
    let Some(mut held) = conversation.hold(call).await else { return };
    held.wait(Duration::from_millis(limit), |head, lines| {
        head.is_some_and(|head| head.status != 200)
            || dropped_lines(lines).is_some_and(|dropped| !dropped.missed.is_empty())
            // Events without ids: there is nothing to wait for.
            || resume::events(lines).iter().filter(|event| event.id.is_none()).count() > 1
    })
    .await;
    let Some(first) = close(conversation, held).await else { return };
    let (Some(id), Some(dropped)) = (first_id(conversation, &first), dropped(&first)) else { return };
    tokio::time::sleep(PAUSE).await;
    let call =
        Call::get_stream(probe, "again", &target.place).reuse(Reuse::Fresh).given(names::LAST_EVENT_ID, id);
    replay(conversation, call, |lines| dropped.satisfied(lines)).await;
}
