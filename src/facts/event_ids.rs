//! Ids of events: which have one, which repeat within a session.

use std::collections::{BTreeMap, HashSet};

use super::streams::is_stream;
use crate::protocol::names;
use crate::protocol::revision::Era;
use crate::protocol::sse::{self, Block};
use crate::transcript::exchange::request_method;
use crate::transcript::{Exchange, ProbeId};

/// Reads the ids of all streams that count.
#[must_use]
pub fn tally<'t>(exchanges: impl Iterator<Item = &'t Exchange>, feed: bool) -> Tally<'t> {
    let mut tally = Tally::default();
    for exchange in exchanges.filter(|exchange| is_stream(exchange) && counts(exchange, feed)) {
        tally.take(exchange);
    }
    tally
}

/// Ids of one session.
#[derive(Debug, Default)]
struct Scope {
    events: usize,
    known: HashSet<String>,
}

/// Streams of the legacy era or of a feed; not replays, which repeat ids rightly, and not replies to
/// `initialize`, which belong to no session yet.
fn counts(exchange: &Exchange, feed: bool) -> bool {
    let initialize = request_method(exchange).as_deref() == Some(names::INITIALIZE);
    let ours = exchange.era == Some(Era::Legacy)
        || exchange.probe == ProbeId::LegacyGet
        || (feed && exchange.era.is_none());
    ours && !initialize && exchange.request.header("last-event-id").is_none()
}

/// The ids of all events with data, by session.
#[derive(Debug, Default)]
pub struct Tally<'t> {
    /// Events with data.
    pub events: usize,
    /// Those with an id.
    pub with_id: usize,
    /// The first of them: exchange and line.
    pub first: Option<(&'t Exchange, usize)>,
    /// The first without an id.
    pub without: Option<(&'t Exchange, usize)>,
    /// The first id that came again in its session.
    pub repeated: Option<(&'t Exchange, usize, String)>,
    /// The first number that is lower than the one before it on its stream.
    pub falling: Option<(&'t Exchange, usize)>,
    /// Ids by session; a stream outside any session is a scope of its own.
    known: BTreeMap<(Option<String>, u32), Scope>,
}

impl<'t> Tally<'t> {
    /// The id that every event of a session has, where that holds for every session with several.
    #[must_use]
    pub fn everywhere(&self) -> Option<&str> {
        let (_, _, id) = self.repeated.as_ref()?;
        let several = |ids: &&Scope| ids.events > 1;
        (self.with_id == self.events && self.known.values().filter(several).all(|ids| ids.known.len() == 1))
            .then_some(id)
    }

    fn take(&mut self, exchange: &'t Exchange) {
        let blocks = sse::blocks(exchange.lines().unwrap_or_default());
        let carries = |block: &&Block| block.dispatched() && block.data.as_deref() != Some("");
        let scope = match &exchange.session {
            Some(session) => (Some(session.clone()), 0),
            None => (None, exchange.id),
        };
        let known = self.known.entry(scope).or_default();
        let mut numbers: Option<Vec<(u128, usize)>> = Some(Vec::new());
        for block in blocks.iter().filter(carries) {
            let place = (exchange, block.first_line);
            self.events = self.events.saturating_add(1);
            self.first.get_or_insert(place);
            let Some(id) = block.id.as_deref().filter(|id| !id.is_empty()) else {
                self.without.get_or_insert(place);
                continue;
            };
            self.with_id = self.with_id.saturating_add(1);
            known.events = known.events.saturating_add(1);
            if !known.known.insert(id.to_owned()) && self.repeated.is_none() {
                self.repeated = Some((exchange, block.first_line, id.to_owned()));
            }
            numbers = numbers.zip(id.parse().ok()).map(|(mut numbers, number)| {
                numbers.push((number, block.first_line));
                numbers
            });
        }
        let numbers = numbers.unwrap_or_default();
        let fall = numbers.iter().zip(numbers.iter().skip(1)).find(|(before, after)| after.0 < before.0);
        if let Some((_, (_, line))) = fall {
            self.falling.get_or_insert((exchange, *line));
        }
    }
}
