//! Whether a dropped stream resumes: without calling a tool.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::bodies::{dated, initialize};
use super::found::{Endpoint, Feed};
use super::legacy;
use super::prober::Prober;
use super::speaker::{Speaker, of};
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
pub(super) async fn run(prober: &Prober<'_>, speakers: &[Speaker]) -> Option<Speaker> {
    let speaker = of(speakers, Era::Legacy).filter(|_| prober.standard())?;
    // A session of its own: many servers allow one GET stream in each, and the idle stream has that.
    let own = if speaker.session.is_some() { open(prober, speaker, PROBE, "").await } else { None };
    // Without one of its own nothing more may be dropped: the idle stream is in the session of the others.
    let lone = own.is_some() || speaker.session.is_none();
    let own = own.unwrap_or_else(|| speaker.another());
    series(prober, &own).await;
    lone.then_some(own)
}

/// Up to five tries, and one in another session.
async fn series(prober: &Prober<'_>, own: &Speaker) {
    prober.wire.doing("resuming event streams");
    let Some((method, first)) = streaming(prober, own).await else { return };
    let Some(id) = first_id(prober, &first) else { return };
    let rest = (3..TRIES.saturating_add(2)).map(|number| post(prober, own, number, method));
    let mut streams = vec![first];
    streams.extend(futures_util::future::join_all(rest).await.into_iter().flatten());
    let session = streams.first().cloned();
    let left = tries(prober, own, &streams, false).await;
    let series = |judge: &dyn Fn(&Series<'_>) -> bool| {
        let (exchanges, _) = prober.wire.recorded();
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
        cut(prober, own, method).await;
        // Either only what was cut is replayed, or replay is a matter of luck: the other streams tell.
        if series(&|series| series.cut.as_ref().is_some_and(|cut| cut.outcome == ResumeOutcome::Exact)) {
            tries(prober, own, left, true).await;
        }
    }
    let (Some(_), Some(stream)) = (&own.session, session) else { return };
    // Sessions are few: one of version negotiation does, where there is one.
    let other = match legacy::spare(prober, own) {
        Some(spare) => Some(own.in_session(Some(spare.id), spare.version.as_deref().unwrap_or(&own.version))),
        None => open(prober, own, PROBE, " other").await,
    };
    if let Some(other) = other {
        let call = again(&other, "resume-other", &id, &stream).negative(Some(stream.id));
        replay(prober, call, |_| false).await;
    }
}

/// In `quick`: one stream, and its id in its own and in another session: what shows without waiting.
/// The sessions are those of the working speaker and of version negotiation.
pub(super) async fn quick(prober: &Prober<'_>, speakers: &[Speaker]) {
    let Some(own) = of(speakers, Era::Legacy).filter(|_| !prober.standard()) else { return };
    let own = &own.another();
    let Some(stream) = lent(prober, own).await else { return };
    let (Some(id), Some(dropped)) = (first_id(prober, &stream), dropped(&stream)) else { return };
    let spare = {
        let state = prober.lock();
        state
            .sessions
            .iter()
            .rev()
            .find(|session| session.place == own.place && Some(&session.id) != own.session.as_ref())
            .cloned()
    };
    let same = replay(prober, again(own, "resume-1", &id, &stream), |lines| dropped.satisfied(lines));
    let other = async {
        if let Some(spare) = spare.filter(|_| own.session.is_some()) {
            let other = own.in_session(Some(spare.id), spare.version.as_deref().unwrap_or(&own.version));
            let call = again(&other, "resume-other", &id, &stream).negative(Some(stream.id));
            replay(prober, call, |_| false).await;
        }
    };
    futures_util::future::join(same, other).await;
}

/// A stream of the session that was read already, or one more.
async fn lent(prober: &Prober<'_>, own: &Speaker) -> Option<Arc<Exchange>> {
    let (exchanges, _) = prober.wire.recorded();
    let read = exchanges.into_iter().find(|exchange| {
        exchange.probe == ProbeId::Connections
            && exchange.era == Some(Era::Legacy)
            && exchange.session.as_deref() == own.session.as_ref().map(Handle::shown)
            && (exchange.lines().is_some() || crate::facts::reply::read(exchange).served())
    });
    match read {
        Some(exchange) => Some(Arc::new(exchange)),
        None => post(prober, own, 1, own.base).await,
    }
}

/// The finished streams, a few at a time. The first round that is silent, declined or broken ends it,
/// unless told to go `through`. Gives the streams that were left.
async fn tries<'s>(
    prober: &Prober<'_>,
    own: &Speaker,
    streams: &'s [Arc<Exchange>],
    through: bool,
) -> &'s [Arc<Exchange>] {
    for (index, round) in streams.chunks(AT_ONCE).enumerate() {
        let resumed = round.iter().map(|stream| async {
            let (id, dropped) = (first_id(prober, stream)?, dropped(stream)?);
            let number = stream.step.strip_prefix("post-")?;
            let call = again(own, &format!("resume-{number}"), &id, stream);
            replay(prober, call, |lines| dropped.satisfied(lines)).await
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
async fn cut(prober: &Prober<'_>, own: &Speaker, method: &str) {
    let call = own.call(PROBE, "cut", method, json!({})).until(Until::Watch(SILENT_MS)).reuse(Reuse::Fresh);
    let Some(mut held) = prober.hold(call.negative(None)).await else { return };
    held.wait(Duration::from_millis(SILENT_MS), |head, lines| {
        head.is_some_and(|head| head.status != 200) || dropped_lines(lines).is_some()
    })
    .await;
    let Some(stream) = close(prober, held).await else { return };
    let Some(id) = first_id(prober, &stream) else { return };
    let asked = crate::transcript::exchange::request_id(&stream);
    let answered = |lines: &[Line]| {
        resume::events(lines).iter().any(|event| {
            crate::protocol::jsonrpc::parse(&event.data)
                .is_ok_and(|message| message.get("id") == asked.as_ref() && message.get("method").is_none())
        })
    };
    replay(prober, again(own, "resume-cut", &id, &stream), answered).await;
}

/// A read-only request that streams: BASE, else a list. Gives the method and its exchange.
async fn streaming(prober: &Prober<'_>, own: &Speaker) -> Option<(&'static str, Arc<Exchange>)> {
    let second = if own.base == "tools/list" { "resources/list" } else { "tools/list" };
    for (number, method) in [(1, own.base), (2, second)] {
        let exchange = post(prober, own, number, method).await?;
        if exchange.lines().is_some() {
            return Some((method, exchange));
        }
    }
    None
}

async fn post(prober: &Prober<'_>, own: &Speaker, number: usize, method: &str) -> Option<Arc<Exchange>> {
    let call = own.call(PROBE, format!("post-{number}"), method, Value::Null).reuse(Reuse::Fresh);
    prober.send(call).await
}

/// A session of its own.
pub(super) async fn open(
    prober: &Prober<'_>,
    speaker: &Speaker,
    probe: ProbeId,
    which: &str,
) -> Option<Speaker> {
    let call = initialize(
        &prober.client,
        probe,
        format!("initialize{which}"),
        Some(&speaker.place),
        &speaker.version,
    );
    let exchange = prober.send(call).await?;
    let Initialize::Legacy { version, session } = steps::initialize(&exchange) else { return None };
    let session = session.map(|session| prober.wire.session(&session));
    let version = version.as_deref().and_then(dated);
    let own = speaker.in_session(session, version.as_deref().unwrap_or(&speaker.version));
    let body = json!({ "jsonrpc": "2.0", "method": names::INITIALIZED });
    let call = own.post(probe, format!("initialized{which}"), names::INITIALIZED, body);
    prober.send(call).await?;
    Some(own)
}

/// GET with Last-Event-ID; its twin is the stream that it resumes.
fn again(speaker: &Speaker, step: &str, id: &Handle, stream: &Exchange) -> Call {
    let call = Call::get_stream(PROBE, step, &speaker.place).reuse(Reuse::Fresh);
    let mut call = speaker.dress(call).given(names::LAST_EVENT_ID, id.clone());
    call.twin = Some(stream.id);
    call
}

/// Sends a GET and reads what comes: until `satisfied`, and a moment more; at most until silence counts.
async fn replay(
    prober: &Prober<'_>,
    call: Call,
    satisfied: impl Fn(&[Line]) -> bool,
) -> Option<Arc<Exchange>> {
    let wait = prober.silence_ms().unwrap_or(SILENT_MS);
    let mut held = prober.hold(call.until(Until::Watch(wait))).await?;
    let settled = held
        .wait(Duration::from_millis(wait), |head, lines| {
            head.is_some_and(|head| head.status != 200) || satisfied(lines)
        })
        .await;
    if settled {
        held.wait(GRACE, |_, _| false).await;
    }
    close(prober, held).await
}

async fn close(prober: &Prober<'_>, held: Held) -> Option<Arc<Exchange>> {
    let exchange = prober.wire.close(held).await?;
    prober.learn(&exchange).await;
    Some(exchange)
}

fn dropped(exchange: &Exchange) -> Option<Dropped> {
    dropped_lines(exchange.lines()?)
}

fn dropped_lines(lines: &[Line]) -> Option<Dropped> {
    Dropped::after_first_id(lines)
}

fn first_id(prober: &Prober<'_>, exchange: &Exchange) -> Option<Handle> {
    let events = resume::events(exchange.lines()?);
    resume::first_id(&events).map(|(_, id)| prober.wire.handle(HandleKind::EventId, id))
}

/// A plain feed.
pub(super) async fn feed(prober: &Prober<'_>, target: &Endpoint) {
    if target.feed != Some(Feed::Plain) {
        return;
    }
    prober.wire.doing("resuming the feed");
    let probe = ProbeId::FeedResume;
    let limit = prober.silence_ms().unwrap_or(prober.wire.limits().first_event_ms);
    let call = Call::get_stream(probe, "first", &target.place).until(Until::Watch(limit)).reuse(Reuse::Fresh);
    let Some(mut held) = prober.hold(call).await else { return };
    let waiting = prober.wire.waiting("an event of the feed", Duration::from_millis(limit));
    held.wait(Duration::from_millis(limit), |head, lines| {
        head.is_some_and(|head| head.status != 200)
            || dropped_lines(lines).is_some_and(|dropped| !dropped.missed.is_empty())
            // Events without ids: there is nothing to wait for.
            || resume::events(lines).iter().filter(|event| event.id.is_none()).count() > 1
    })
    .await;
    drop(waiting);
    let Some(first) = close(prober, held).await else { return };
    let (Some(id), Some(dropped)) = (first_id(prober, &first), dropped(&first)) else { return };
    tokio::time::sleep(PAUSE).await;
    let call =
        Call::get_stream(probe, "again", &target.place).reuse(Reuse::Fresh).given(names::LAST_EVENT_ID, id);
    replay(prober, call, |lines| dropped.satisfied(lines)).await;
}
