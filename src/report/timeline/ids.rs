//! Event ids of streams, and which stream takes up which.

use crate::protocol::sse::{Field, LineKind};
use crate::transcript::Exchange;
use crate::verdict::cut;

/// Most event ids kept of a stream.
pub(super) const MOST_IDS: usize = 12;

/// An event with an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventId {
    /// The id. Escape at the sink.
    pub id: String,
    /// Whether it carried no data: a priming event, which only says where a client may resume (MCP
    /// 2025-11-25, Transports).
    pub priming: bool,
}

/// Which stream is taken up again, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resumption {
    /// The exchange of that stream.
    pub exchange: u32,
    /// The last event id that the client says it has seen. Escape at the sink.
    pub after: String,
}

/// A request with `Last-Event-ID` takes up the latest earlier stream that brought this id.
pub(super) fn resumes(exchange: &Exchange, earlier: &[Exchange]) -> Option<Resumption> {
    let after = exchange.request.header("last-event-id")?;
    let brought = |other: &&Exchange| event_ids(other).any(|id| id == after);
    let twin = earlier.iter().find(|other| Some(other.id) == exchange.twin).filter(brought);
    let dropped = twin.or_else(|| earlier.iter().rev().find(brought))?;
    Some(Resumption { exchange: dropped.id, after: cut(after) })
}

fn event_ids(exchange: &Exchange) -> impl Iterator<Item = &str> {
    exchange.lines().unwrap_or_default().iter().filter_map(|line| match line.kind() {
        LineKind::Field(Field::Id, id) => Some(id),
        _ => None,
    })
}

/// The ids that a stream brought, in order.
pub(super) fn ids(exchange: &Exchange) -> Vec<EventId> {
    let mut found: Vec<EventId> = Vec::new();
    let (mut id, mut data) = (None, false);
    for line in exchange.lines().unwrap_or_default() {
        match line.kind() {
            LineKind::Field(Field::Id, value) => id = Some(cut(value)),
            LineKind::Field(Field::Data, value) => data |= !value.is_empty(),
            LineKind::Blank => {
                found.extend(id.take().map(|id| EventId { id, priming: !data }));
                data = false;
            }
            _ => {}
        }
    }
    // What the end of the stream cut off may have been about to carry data.
    found.extend(id.map(|id| EventId { id, priming: false }));
    found.truncate(MOST_IDS);
    found
}
