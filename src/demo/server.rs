//! What every handler shares.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};

use futures_util::FutureExt;
use tokio::sync::watch;

use super::Behaviour;
use super::http::Sender;
use super::log::{Log, lock};
use super::sessions::Sessions;

/// What every handler shares.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) behaviour: Behaviour,
    pub(super) address: SocketAddr,
    pub(super) token: String,
    pub(super) log: Log,
    pub(super) sessions: Sessions,
    pub(super) clients: Clients,
    pub(super) feed: Feed,
    /// Served discovers, pings and lists, for faults that hit every so many.
    pub(super) served: AtomicU64,
    /// Handshakes that were asked for, for faults that hit every second one.
    pub(super) shaken: AtomicU64,
    /// Calls without the token, for the fault that hits every second one.
    pub(super) turned_away: AtomicU64,
    /// Events with data that were sent, for the fault that hits every second one.
    pub(super) events: AtomicU64,
    /// Connections that sent `server/discover`, for [`super::Fault::DiscoverFirst`].
    introduced: Mutex<BTreeSet<u64>>,
    /// Connections in the order in which they first called [`Server::order`].
    ordered: Mutex<Vec<u64>>,
    /// Set once by [`super::Fault::BadInputPoison`].
    pub(super) poisoned: AtomicBool,
    pub(super) accepted: AtomicU64,
    pub(super) stop: watch::Sender<bool>,
}

impl Server {
    /// For an endpoint that nobody has called yet.
    pub(super) fn new(behaviour: Behaviour, address: SocketAddr) -> Self {
        Self {
            address,
            token: format!("demo-{}", uuid::Uuid::new_v4().simple()),
            log: Log::new(),
            sessions: Sessions::default(),
            clients: Clients::default(),
            feed: Feed::new(),
            served: AtomicU64::new(0),
            shaken: AtomicU64::new(0),
            turned_away: AtomicU64::new(0),
            events: AtomicU64::new(0),
            introduced: Mutex::default(),
            ordered: Mutex::default(),
            poisoned: AtomicBool::new(false),
            accepted: AtomicU64::new(0),
            stop: watch::Sender::new(false),
            behaviour,
        }
    }

    /// Whether a connection may call a method: it is discovery, or came after it.
    pub(super) fn discovered(&self, connection: u64, method: &str) -> bool {
        let mut introduced = lock(&self.introduced);
        if method == crate::protocol::names::DISCOVER {
            introduced.insert(connection);
        }
        introduced.contains(&connection)
    }

    /// The place of a connection, from 0, among those that asked for theirs. Unlike the connection's
    /// number it has no gaps, so a fault of every second or fourth replica hits whatever else goes on.
    pub(super) fn order(&self, connection: u64) -> usize {
        let mut ordered = lock(&self.ordered);
        ordered.iter().position(|known| *known == connection).unwrap_or_else(|| {
            ordered.push(connection);
            ordered.len().saturating_sub(1)
        })
    }

    /// Runs a task until it ends or the endpoint is dropped, and keeps its panic.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut stop = self.stop.subscribe();
        let log = self.log.clone();
        tokio::spawn(async move {
            let task = AssertUnwindSafe(task).catch_unwind();
            tokio::select! {
                _ = stop.wait_for(|stopped| *stopped) => {}
                ended = task => {
                    if let Err(panic) = ended {
                        log.panicked(&*panic);
                    }
                }
            }
        });
    }
}

/// Open streams by their token.
#[derive(Debug, Default)]
pub(super) struct Clients {
    pub(super) open: Mutex<BTreeMap<String, Sender>>,
}

/// Events that happened before anybody came.
const PAST: usize = 5;
/// Events after which no more happen: a feed that is visited for days stays small.
pub(super) const MOST_EVENTS: usize = 10_000;

/// How many events there are. Event n is the same for everybody, so none need be stored.
#[derive(Debug)]
pub(super) struct Feed {
    pub(super) length: watch::Sender<usize>,
    pub(super) visitors: AtomicUsize,
}

impl Feed {
    pub(super) fn new() -> Self {
        Self { length: watch::Sender::new(PAST), visitors: AtomicUsize::new(0) }
    }

    pub(super) fn grow(&self) {
        self.length.send_modify(|length| *length = length.saturating_add(1).min(MOST_EVENTS));
    }
}
