//! The events of a stream, as far as a client that reconnects can tell them apart.

use serde_json::Value;

use crate::protocol::jsonrpc;
use crate::protocol::sse::{self, Line};

/// Longest event id that is ever sent back.
const LONGEST_ID: usize = 1024;
/// Most events named in a message.
const NAMED: usize = 6;

/// One event of a stream: it has an id or data, and was ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its id, if it has one.
    pub id: Option<String>,
    /// Its data; empty for priming events.
    pub data: String,
    /// Index of its first line.
    pub line: usize,
}

impl Event {
    /// The same event: same id where both have one, and the same data.
    pub(super) fn is(&self, other: &Self) -> bool {
        let ids = match (&self.id, &other.id) {
            (Some(one), Some(two)) => one == two,
            _ => true,
        };
        ids && self.says(other)
    }

    pub(super) fn says(&self, other: &Self) -> bool {
        self.data == other.data
            || matches!((jsonrpc::parse(&self.data), jsonrpc::parse(&other.data)), (Ok(one), Ok(two)) if one == two)
    }

    /// The id of the request that it answers.
    pub(super) fn answers(&self) -> Option<Value> {
        let message = jsonrpc::parse(&self.data).ok()?;
        jsonrpc::is_reply(&message).then(|| message.get("id").cloned()).flatten().filter(|id| !id.is_null())
    }

    /// Its id, or what it answers, in a few words.
    pub(super) fn name(&self) -> String {
        match &self.id {
            Some(id) => short(id),
            None => self.answers().map_or_else(
                || "(no id)".to_owned(),
                |id| format!("(no id, answers {})", short(&id.to_string())),
            ),
        }
    }
}

fn short(text: &str) -> String {
    let mut start: String = text.chars().take(48).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    start
}

/// The names of events, for people.
#[must_use]
pub fn names(events: &[Event]) -> Vec<String> {
    events.iter().map(Event::name).collect()
}

/// The names of events as one list, cut.
#[must_use]
pub fn list(events: &[Event]) -> String {
    let mut all = names(events);
    let more = all.len().saturating_sub(NAMED);
    all.truncate(NAMED);
    if more > 0 {
        all.push(format!("and {more} more"));
    }
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}

/// The events of recorded lines.
#[must_use]
pub fn events(lines: &[Line]) -> Vec<Event> {
    sse::blocks(lines)
        .into_iter()
        .filter(|block| block.ended)
        .filter_map(|block| {
            let id = block.id.filter(|id| !id.is_empty());
            let event = Event { id, data: block.data.unwrap_or_default(), line: block.first_line };
            (event.id.is_some() || !event.data.is_empty()).then_some(event)
        })
        .collect()
}

/// Whether an id may go into a header: it is remote text.
#[must_use]
pub fn sendable(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= LONGEST_ID
        && id.trim() == id
        && !id.chars().any(|character| character.is_control() || character == '\u{fffd}')
}

/// The first event whose id can be sent: its index and id.
#[must_use]
pub fn first_id(events: &[Event]) -> Option<(usize, &str)> {
    events
        .iter()
        .enumerate()
        .find_map(|(index, event)| event.id.as_deref().filter(|id| sendable(id)).map(|id| (index, id)))
}
