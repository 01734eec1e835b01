//! Legacy sessions and their event store.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::watch;

use super::event::Event;
use super::log::lock;
use super::{Behaviour, Fault};
use crate::protocol::revision::Revision;

/// Sessions kept; the oldest goes first.
const SESSIONS: usize = 512;
/// Streams kept in a session; the oldest goes first.
const STREAMS: usize = 256;

/// The live sessions of one endpoint.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    live: Mutex<VecDeque<Arc<Session>>>,
    opened: AtomicU64,
    deleted: AtomicU64,
    streams: AtomicU64,
    resumed: AtomicU64,
}

/// One session.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: String,
    pub(super) revision: Revision,
    streams: Mutex<BTreeMap<u64, Stream>>,
    /// Counts changes; `true` in the second place once the session is over.
    changed: watch::Sender<(u64, bool)>,
    /// Whether GET opened a stream in it.
    streamed: AtomicBool,
}

/// The events of one stream. The id of an event is `<stream>-<index>`: no two streams of the endpoint
/// share a number, so no two events of it share an id.
#[derive(Debug, Default)]
struct Stream {
    events: Vec<Event>,
    finished: bool,
}

impl Sessions {
    pub(super) fn open(&self, behaviour: &Behaviour, revision: Revision) -> Arc<Session> {
        let number = self.opened.fetch_add(1, Ordering::SeqCst).saturating_add(1);
        let session = Arc::new(Session::new(new_id(behaviour, number), revision));
        let mut live = lock(&self.live);
        if live.len() >= SESSIONS
            && let Some(oldest) = live.pop_front()
        {
            oldest.end();
        }
        live.push_back(Arc::clone(&session));
        session
    }

    pub(super) fn find(&self, id: &str) -> Option<Arc<Session>> {
        lock(&self.live).iter().rev().find(|session| session.id == id).cloned()
    }

    /// Ends a session. `keep` lets it live on all the same.
    pub(super) fn delete(&self, id: &str, keep: bool) {
        self.deleted.fetch_add(1, Ordering::SeqCst);
        if !keep {
            let mut live = lock(&self.live);
            live.iter().filter(|session| session.id == id).for_each(|session| session.end());
            live.retain(|session| session.id != id);
        }
    }

    pub(super) fn opened(&self) -> u64 {
        self.opened.load(Ordering::SeqCst)
    }

    pub(super) fn deleted(&self) -> u64 {
        self.deleted.load(Ordering::SeqCst)
    }

    /// The number of a new stream.
    pub(super) fn next_stream(&self) -> u64 {
        self.streams.fetch_add(1, Ordering::SeqCst).saturating_add(1)
    }

    /// How many resumptions came before this one.
    pub(super) fn next_resumption(&self) -> u64 {
        self.resumed.fetch_add(1, Ordering::SeqCst)
    }

    /// The session that has an event with this id, whichever it is.
    pub(super) fn owner(&self, stream: u64) -> Option<Arc<Session>> {
        lock(&self.live).iter().find(|session| session.has(stream)).cloned()
    }
}

/// A session id: 122 random bits, unless a fault says otherwise.
fn new_id(behaviour: &Behaviour, number: u64) -> String {
    let random = uuid::Uuid::new_v4();
    let short: String = random.simple().to_string().chars().take(8).collect();
    if behaviour.has(Fault::SessionIdCounter) {
        format!("session-{number:08}")
    } else if behaviour.has(Fault::SessionIdTimestamp) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        format!("{:020}", now.as_micros())
    } else if behaviour.has(Fault::SessionIdRepeated) {
        "d2f1b7c09a4e4c6b8f3a5e7d1c2b4a69".to_owned()
    } else if behaviour.has(Fault::SessionIdBadCharacters) {
        let text = random.simple().to_string();
        format!("{} {}", text.get(..16).unwrap_or_default(), text.get(16..).unwrap_or_default())
    } else if behaviour.has(Fault::SessionIdShort) {
        short
    } else if behaviour.has(Fault::SessionIdPrefix) {
        format!("notes-frontend-eu-central-1-{short}")
    } else {
        random.to_string()
    }
}

impl Session {
    pub(super) fn new(id: String, revision: Revision) -> Self {
        Self {
            id,
            revision,
            streams: Mutex::default(),
            changed: watch::Sender::default(),
            streamed: AtomicBool::new(false),
        }
    }

    /// Whether a GET stream was opened in it before; from now on one was.
    pub(super) fn streamed(&self) -> bool {
        self.streamed.swap(true, Ordering::SeqCst)
    }

    /// Tells of each change, and whether the session is over.
    pub(super) fn changes(&self) -> watch::Receiver<(u64, bool)> {
        self.changed.subscribe()
    }

    fn end(&self) {
        self.changed.send_modify(|(_, over)| *over = true);
    }

    fn has(&self, stream: u64) -> bool {
        lock(&self.streams).contains_key(&stream)
    }

    /// Stores an event and gives it its id. The id is left out of the wire by the encoder alone.
    pub(super) fn push(&self, stream: u64, mut event: Event, finished: bool) {
        let mut streams = lock(&self.streams);
        if streams.len() >= STREAMS && !streams.contains_key(&stream) {
            streams.pop_first();
        }
        let entry = streams.entry(stream).or_default();
        event.id = Some(format!("{stream}-{}", entry.events.len()));
        entry.events.push(event);
        entry.finished = finished;
        drop(streams);
        self.changed.send_modify(|(count, _)| *count = count.wrapping_add(1));
    }

    /// The events of a stream from an index on, and whether no more will come.
    pub(super) fn after(&self, stream: u64, index: usize) -> (Vec<Event>, bool) {
        lock(&self.streams).get(&stream).map_or((Vec::new(), true), |stream| {
            (stream.events.iter().skip(index).cloned().collect(), stream.finished)
        })
    }

    /// The first event of a stream.
    pub(super) fn first(&self, stream: u64) -> Option<Event> {
        lock(&self.streams).get(&stream)?.events.first().cloned()
    }

    /// Every event of the other streams.
    pub(super) fn others(&self, stream: u64) -> Vec<Event> {
        let streams = lock(&self.streams);
        let others = streams.iter().filter(|(number, _)| **number != stream);
        others.flat_map(|(_, stream)| stream.events.clone()).collect()
    }

    /// Where the event with this id stands: its stream and index, if it was sent in this session.
    pub(super) fn locate(&self, event_id: &str) -> Option<(u64, usize)> {
        let (stream, index) = parse_event_id(event_id)?;
        let streams = lock(&self.streams);
        (index < streams.get(&stream)?.events.len()).then_some((stream, index))
    }
}

/// The stream and index that an event id names.
pub(super) fn parse_event_id(event_id: &str) -> Option<(u64, usize)> {
    let (stream, index) = event_id.split_once('-')?;
    Some((stream.parse().ok()?, index.parse().ok()?))
}
