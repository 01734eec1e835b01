//! What a common Rust client (`eventsource-stream`) makes of an event stream: a second opinion.

use eventsource_stream::Eventsource;
use futures_util::{FutureExt, StreamExt};

use super::sse_line::{Eol, Line};

/// One event as `eventsource-stream` delivers it: the second opinion, what a common Rust client
/// would see. Compare with [`super::sse::blocks`]; a difference is evidence about clients, not about servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientEvent {
    /// Event type.
    pub event: String,
    /// Data.
    pub data: String,
    /// Last event id at that point (inherited).
    pub id: String,
}

/// Feeds `lines` to `eventsource-stream`, one whole LF-terminated line a chunk, so that its known
/// defects (byte-order mark, CR, bad UTF-8, quadratic buffering) cannot occur.
#[must_use]
pub fn client_events(lines: &[Line]) -> Vec<ClientEvent> {
    // A comment first: the crate panics on a byte-order mark at the start of its input, and a second
    // mark at the start of a stream is a line like any other.
    let chunks = std::iter::once(":\n".to_owned())
        .chain(lines.iter().filter(|line| line.eol != Eol::Eof).map(|line| format!("{}\n", line.text)))
        .map(Ok::<_, std::convert::Infallible>);
    let events = futures_util::stream::iter(chunks).eventsource();
    // The source is always ready, so one poll runs it to its end.
    events
        .filter_map(|event| async move { event.ok() })
        .map(|event| ClientEvent { event: event.event, data: event.data, id: event.id })
        .collect::<Vec<_>>()
        .now_or_never()
        .unwrap_or_default()
}
