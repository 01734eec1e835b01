//! Version negotiation, sessions and the GET stream of the legacy era, and
//! the watch on idle streams.

use std::time::Duration;

use serde_json::json;

use super::bodies::initialize;
use super::conversation::{Conversation, left_out};
use super::mcp_client::{Channel, McpClient, of};
use super::state::OpenSession;
use super::{http_sse, socket};
use crate::facts::arrivals::{self, Gap};
use crate::facts::streams::ended_after_us;
use crate::net::{Call, Held, Until};
use crate::protocol::names;
use crate::protocol::revision::{Era, Revision};
use crate::protocol::sse::Line;
use crate::transcript::{Exchange, Expectation, Head, ProbeId, Profile};

/// The P-INITs of version negotiation: their session ids are also compared.
pub(super) async fn versions(conversation: &Conversation<'_>, clients: &[McpClient]) {
    let Some(client) = clients.iter().find(|client| client.era == Era::Legacy) else { return };
    conversation.wire.doing("negotiating versions");
    // Over the other transports the conversation began with the newest.
    let newest = client.streamable().then_some(Revision::NEWEST_LEGACY.as_str());
    let offers = [Revision::V2025_06_18.as_str(), Revision::V2025_03_26.as_str(), "1999-01-01"];
    // One after the other: ids are compared in the order of issue.
    for version in newest.into_iter().chain(offers) {
        let step = format!("initialize {version}");
        let mut call = initialize(
            &conversation.client_info,
            ProbeId::LegacyVersions,
            step,
            Some(&client.place),
            version,
        );
        if Revision::parse(version).is_none() {
            call = call.negative(Some(client.proved_by));
        }
        // A handshake comes once in a session, so each has its own.
        let answered = match &client.channel {
            Channel::Streamable => conversation.ask(client, call).await,
            Channel::HttpSse(_) => http_sse::initialize_alone(conversation, &client.place, call).await,
            Channel::WebSocket(line) => socket::initialize_alone(conversation, line, call).await,
        };
        if answered.is_none() {
            return;
        }
    }
}

/// Sessions that are not there: an invented id, and one that was deleted.
pub(super) async fn sessions(conversation: &Conversation<'_>, clients: &[McpClient]) {
    let Some(client) = of(clients, Era::Legacy).filter(|client| client.session.is_some()) else { return };
    conversation.wire.doing("trying sessions that do not exist");
    let probe = ProbeId::LegacySessions;
    let list = |step: &str| client.call(probe, step, "tools/list", json!({}));
    let Some(live) = conversation.send(client.base(probe, "live")).await else { return };
    let invented = uuid::Uuid::new_v4().to_string();
    let mut unknown = list("unknown").header(names::SESSION_HEADER, invented).negative(Some(live.id));
    unknown.session = None;
    if conversation.send(unknown).await.is_none() {
        return;
    }
    // One of the spare sessions of version negotiation is ended; the working one lives on.
    let Some(session) = spare(conversation, client) else { return };
    let Some(deleted) = conversation.send(delete(probe, &session)).await else { return };
    if deleted.ok() {
        let mut call = list("deleted").in_session(Some(&session.id)).negative(Some(live.id));
        if let Some(version) = session.version {
            call = call.header(names::VERSION_HEADER, version);
        }
        conversation.send(call).await;
    }
}

/// A session of version negotiation that nothing else uses; from now on its taker does.
pub(super) fn spare(conversation: &Conversation<'_>, client: &McpClient) -> Option<OpenSession> {
    let (exchanges, _) = conversation.wire.recorded();
    let negotiated: Vec<&str> = exchanges
        .iter()
        .filter(|exchange| exchange.probe == ProbeId::LegacyVersions)
        .filter_map(|exchange| exchange.header(names::SESSION_HEADER))
        .collect();
    let spare = |session: &&OpenSession| {
        session.place == client.place
            && negotiated.contains(&session.id.shown())
            && Some(&session.id) != client.session.as_ref()
    };
    let mut state = conversation.lock();
    let found = state.sessions.iter().find(|session| spare(session) && !state.lent.contains(&session.id));
    let found = found.cloned();
    state.lent.extend(found.iter().map(|session| session.id.clone()));
    found
}

/// P-DEL of an own session.
fn delete(probe: ProbeId, session: &OpenSession) -> Call {
    let mut call =
        Call::new("DELETE", probe, "delete", &session.place).era(Era::Legacy).in_session(Some(&session.id));
    let version = session.version.as_deref();
    if let Some(version) = version.filter(|version| *version >= Revision::V2025_06_18.as_str()) {
        call = call.header(names::VERSION_HEADER, version);
    }
    call.expectation = Expectation::Teardown;
    call
}

/// Deletes every session that the scan opened.
pub(super) async fn teardown(conversation: &Conversation<'_>) {
    let sessions = conversation.lock().sessions.clone();
    let deletions = sessions.iter().map(|session| conversation.send(delete(ProbeId::Teardown, session)));
    futures_util::future::join_all(deletions).await;
}

/// Watches the idle stream: the feed that classification left open, or the GET of a legacy session.
pub(super) async fn watch(conversation: &Conversation<'_>, clients: &[McpClient], stream: Option<Held>) {
    let held = match (stream, of(clients, Era::Legacy)) {
        (Some(held), _) => Some(held),
        (None, Some(client)) => get(conversation, client).await,
        (None, None) => None,
    };
    let Some(mut held) = held else { return };
    let limits = conversation.wire.limits();
    if conversation.profile == Profile::Quick {
        let wait = Duration::from_millis(conversation.silence_ms().unwrap_or_default());
        held.wait(wait, |head, _| head.is_some()).await;
        // Before it is called held.
        held.wait(DOUBT, |head, _| head.is_some()).await;
        // A reply that is no stream ends by itself.
        held.wait(Duration::from_millis(30), |_, lines| !lines.is_empty()).await;
        conversation.wire.close(held).await;
        return;
    }
    let watched = Duration::from_millis(limits.idle_watch_ms);
    conversation
        .wire
        .doing(format!("watching the idle stream for keep-alives, up to {} s", watched.as_secs()));
    let begun = tokio::time::Instant::now();
    held.wait(watched, |head, _| head.is_some()).await;
    conversation.lock().watching =
        held.look(|head, _, ended| !ended && head.is_some_and(|head| head.status == 200));
    idle(conversation, &mut held, watched.saturating_sub(begun.elapsed())).await;
    if let Some(first) = conversation.wire.close(held).await
        && let Some(place) = conversation.wire.place(&first.request.url)
    {
        let legacy = first.probe == ProbeId::LegacyGet;
        let client = of(clients, Era::Legacy).filter(|_| legacy);
        let probe = if legacy { ProbeId::LegacyGet } else { ProbeId::Idle };
        let call = |step: String| {
            let call = Call::get_stream(probe, step, &place);
            match client {
                Some(client) => client.dress(call),
                None => call,
            }
        };
        reopen(conversation, &first, watched.saturating_sub(begun.elapsed()), call).await;
    }
    conversation.lock().watching = false;
}

/// What quick waits beyond its silence for a head, before a GET counts as held.
const DOUBT: Duration = Duration::from_secs(1);
/// A stream that lasted so long is opened once more, not twice, microseconds.
const LONG_US: u64 = 12_000_000;
/// How much longer than the first an opening may last before it counts as one that stays.
const STAYS: Duration = Duration::from_secs(2);

/// Opens a stream again that its other end closed while it was watched, to see whether all end so.
pub(super) async fn reopen(
    conversation: &Conversation<'_>,
    first: &Exchange,
    left: Duration,
    call: impl Fn(String) -> Call,
) {
    let Some(age_us) = ended_after_us(first).filter(|_| first.status() == Some(200)) else { return };
    let begun = tokio::time::Instant::now();
    let longest = Duration::from_micros(age_us).saturating_add(STAYS);
    let times = if age_us >= LONG_US { 1 } else { 2 };
    for number in 1..=times {
        let left = left.saturating_sub(begun.elapsed()).min(longest);
        if left < Duration::from_micros(age_us) {
            return;
        }
        let watch = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
        let Some(mut held) =
            conversation.hold(call(format!("again {number}")).until(Until::Watch(watch))).await
        else {
            return;
        };
        let stayed = !held.wait(left, |head, _| head.is_some_and(|head| head.status != 200)).await
            && held.look(|_, _, ended| !ended);
        conversation.wire.close(held).await;
        if stayed {
            return;
        }
    }
}

/// A second gap is waited for in `standard` where the first was no longer than this: it costs as much again.
/// Two seconds, and room for the jitter of a timer.
const SHORT_US: u64 = 2_500_000;

/// Watches an idle stream until it has shown what it is watched for: that it is no
/// stream; a sign of life after silence; in `deep`, and where silences are short, another one, which
/// makes an interval.
pub(super) async fn idle(conversation: &Conversation<'_>, held: &mut Held, watched: Duration) {
    let begun = tokio::time::Instant::now();
    let enough = if conversation.profile == Profile::Deep { 2 } else { 1 };
    let settled = held.wait(watched, |head, lines| settled(head, lines, enough)).await;
    let first = held.look(|head, lines, _| head.and_then(|head| silences(head, lines).next()));
    if let Some(first) = first.filter(|first| settled && enough == 1 && first.us <= SHORT_US) {
        let another = Duration::from_micros(first.us.saturating_mul(2));
        let left = watched.saturating_sub(begun.elapsed());
        held.wait(another.min(left), |head, lines| self::settled(head, lines, 2)).await;
    }
}

/// Whether so many silences ended, or what was answered is no stream.
fn settled(head: Option<&Head>, lines: &[Line], enough: usize) -> bool {
    head.is_some_and(|head| head.status != 200 || silences(head, lines).count() >= enough)
}

fn silences(head: &Head, lines: &[Line]) -> impl Iterator<Item = Gap> {
    let arrivals = arrivals::of_lines(lines);
    arrivals::gaps(head.at_us, &arrivals).into_iter().filter(|gap| gap.us >= arrivals::SETTLED_US)
}

async fn get(conversation: &Conversation<'_>, client: &McpClient) -> Option<Held> {
    let limits = conversation.wire.limits();
    let doubt = u64::try_from(DOUBT.as_millis()).unwrap_or_default();
    let quick = conversation.silence_ms().map(|ms| ms.saturating_add(doubt));
    let watch = quick.unwrap_or(limits.idle_watch_ms);
    let call = Call::get_stream(ProbeId::LegacyGet, "get", &client.place).until(Until::Watch(watch));
    if conversation.profile == Profile::Quick && conversation.silence_ms().is_none() {
        left_out(conversation, ProbeId::LegacyGet);
        return None;
    }
    conversation.hold(client.dress(call)).await
}
