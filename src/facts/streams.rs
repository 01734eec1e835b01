//! Which replies are event streams, whatever probe they answer, and how streams end.

use super::arrivals::HELD;
use super::barrier::essence;
use crate::transcript::{Content, Ended, Exchange, FailureKind, Phase, ProbeId};

/// Whether a reply of the scanned URL came as an event stream: declared as one, or recorded as one
/// because its first lines are fields. Siblings are other URLs and left out.
#[must_use]
pub fn is_stream(exchange: &Exchange) -> bool {
    exchange.probe != ProbeId::Siblings && matches!(exchange.content, Content::Lines { .. })
}

/// Whether a reply is a stream that stays open by its nature: every GET for one, and what is held to watch it.
#[must_use]
pub fn long_lived(exchange: &Exchange) -> bool {
    let stream = exchange.lines().is_some() || essence(exchange).as_deref() == Some("text/event-stream");
    let held = HELD.iter().any(|(probe, _)| *probe == exchange.probe && *probe != ProbeId::Classify);
    stream && (exchange.request.method == "GET" || (held && exchange.step != "resources"))
}

/// Whether the peer, or something before it, ended a body before its framing does.
#[must_use]
pub fn cut_short(exchange: &Exchange) -> bool {
    exchange.head.is_some()
        && exchange.failure.as_ref().is_some_and(|failure| {
            failure.phase == Phase::Body
                && matches!(
                    failure.kind,
                    FailureKind::Truncated | FailureKind::Reset | FailureKind::StreamRefused
                )
        })
}

/// How long after its head a stream ended that its peer ended, in good order or not, microseconds; `None` where
/// we closed it.
#[must_use]
pub fn ended_after_us(exchange: &Exchange) -> Option<u64> {
    let head = exchange.head.as_ref()?;
    (exchange.ended == Ended::Complete || cut_short(exchange))
        .then(|| exchange.ended_us.saturating_sub(head.at_us))
}

/// Whether a stream was opened and stayed open until we left.
#[must_use]
pub fn stays(exchange: &Exchange) -> bool {
    let stream = exchange.lines().is_some() || essence(exchange).as_deref() == Some("text/event-stream");
    exchange.status() == Some(200) && stream && exchange.ended == Ended::ByUs
}
