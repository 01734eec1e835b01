//! A stream is dropped, as networks drop them, and opened again.

use std::time::Duration;

use super::conversation::{Conversation, left_out};
use super::found::{Endpoint, Feed};
use super::mcp_client::McpClient;
use crate::facts::streams::stays;
use crate::net::{Call, Reuse, Until};
use crate::protocol::revision::Era;
use crate::transcript::{ProbeId, SkipReason};

const PROBE: ProbeId = ProbeId::Reconnect;
/// Openings after the first.
const TIMES: usize = 3;
/// What a client waits before it comes back.
const AWAY: Duration = Duration::from_secs(1);
/// Further waits where it was refused: ten seconds in all.
const LATER: [Duration; 3] = [Duration::from_secs(2), Duration::from_secs(3), Duration::from_secs(4)];
/// A head comes within this time, milliseconds.
const HEAD_MS: u64 = 3_000;
/// A stream that ended sooner was not opened.
const ALIVE: Duration = Duration::from_millis(300);

/// The GET stream of a legacy session, a feed, or the stream of HTTP+SSE, which is a session each time.
pub(super) async fn run(conversation: &Conversation<'_>, legacy: Option<&McpClient>, target: &Endpoint) {
    if !conversation.standard() {
        return left_out(conversation, PROBE);
    }
    if legacy.is_none() && target.feed.is_none() {
        return;
    }
    conversation.wire.doing("dropping a stream and opening it again");
    let sessions = target.feed == Some(Feed::HttpSse) && legacy.is_none();
    let call = |step: &str| match legacy {
        Some(client) => client.dress(Call::get_stream(PROBE, step, &client.place)),
        None if sessions => Call::get_stream(PROBE, step, &target.place).era(Era::Legacy),
        None => Call::get_stream(PROBE, step, &target.place),
    };
    converse(conversation, sessions, call).await;
}

async fn converse(
    conversation: &Conversation<'_>,
    sessions: bool,
    call: impl Fn(&str) -> Call,
) -> Option<()> {
    let opened = |step: String| open(conversation, sessions, call(&step));
    if !opened("first".to_owned()).await? {
        return None;
    }
    let times = if sessions { 1 } else { TIMES };
    for number in 1..=times {
        // What is watched beside it takes longer; where nothing is, once is enough.
        if number > 1 && !conversation.lock().watching {
            return None;
        }
        conversation.wire.rest(AWAY).await;
        if opened(format!("again {number}")).await? {
            continue;
        }
        for (later, wait) in LATER.into_iter().enumerate() {
            conversation.wire.rest(wait).await;
            if opened(format!("again {number} later {}", later.saturating_add(1))).await? {
                break;
            }
        }
        return None;
    }
    None
}

/// Opens a stream and drops it; gives whether it was open. `None`: not sent.
async fn open(conversation: &Conversation<'_>, sessions: bool, call: Call) -> Option<bool> {
    if sessions {
        let mut state = conversation.lock();
        if state.opened >= conversation.wire.limits().sessions {
            drop(state);
            conversation.wire.skip(PROBE, Some(&call.step), SkipReason::Sessions);
            return None;
        }
        state.opened = state.opened.saturating_add(1);
    }
    let mut held = conversation.hold(call.until(Until::Watch(HEAD_MS)).reuse(Reuse::Fresh)).await?;
    held.wait(Duration::from_millis(HEAD_MS), |head, _| head.is_some()).await;
    if held.look(|head, _, _| head.is_some_and(|head| head.status == 200)) {
        held.wait(ALIVE, |_, _| false).await;
    }
    let exchange = conversation.wire.close(held).await?;
    conversation.learn(&exchange).await;
    Some(stays(&exchange))
}
