//! What an endpoint saw, for tests that ask what a client really sent.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::http::Call;

/// Entries kept; a demo endpoint may run for long.
const ENTRIES: usize = 10_000;
/// Bytes kept of a body.
const BODY_BYTES: usize = 64 * 1024;

/// One request as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// Time since the endpoint started.
    pub at: Duration,
    /// Number of the connection it came on, in order of acceptance from 1.
    pub connection: u64,
    /// HTTP method.
    pub method: String,
    /// Path with query.
    pub path: String,
    /// Header names (lower case) and values, in order; bytes that are not UTF-8 are replaced.
    pub headers: Vec<(String, String)>,
    /// The body, cut at 64 KiB.
    pub body: Vec<u8>,
}

impl Logged {
    /// The first value of a header, by lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// A number and the highest it has been.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Gauge {
    pub(super) now: usize,
    pub(super) peak: usize,
}

/// Which number a [`Guard`] holds up.
#[derive(Clone, Copy, Debug)]
pub(super) enum Counted {
    Connection,
    Request,
    HeldStream,
}

/// What was counted and kept.
#[derive(Debug, Default)]
struct Seen {
    requests: Vec<Logged>,
    connections: Gauge,
    in_flight: Gauge,
    held: Gauge,
    panics: Vec<String>,
}

/// The log of one endpoint.
#[derive(Clone, Debug)]
pub(super) struct Log {
    started: Instant,
    inner: Arc<Mutex<Seen>>,
}

/// Counts one connection, request or stream for as long as it lives.
#[derive(Debug)]
pub(super) struct Guard {
    log: Log,
    counted: Counted,
}

impl Log {
    pub(super) fn new() -> Self {
        Self { started: Instant::now(), inner: Arc::default() }
    }

    pub(super) fn enter(&self, counted: Counted) -> Guard {
        let mut inner = lock(&self.inner);
        let gauge = inner.gauge(counted);
        gauge.now = gauge.now.saturating_add(1);
        gauge.peak = gauge.peak.max(gauge.now);
        drop(inner);
        Guard { log: self.clone(), counted }
    }

    pub(super) fn gauge(&self, counted: Counted) -> Gauge {
        *lock(&self.inner).gauge(counted)
    }

    pub(super) fn request(&self, call: &Call) {
        let mut inner = lock(&self.inner);
        if inner.requests.len() >= ENTRIES {
            return;
        }
        let headers = call.headers.iter();
        inner.requests.push(Logged {
            at: self.started.elapsed(),
            connection: call.connection,
            method: call.method.as_str().to_owned(),
            path: match &call.query {
                Some(query) => format!("{}?{query}", call.path),
                None => call.path.clone(),
            },
            headers: headers
                .map(|(name, value)| {
                    (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
                })
                .collect(),
            body: call.body.iter().take(BODY_BYTES).copied().collect(),
        });
    }

    pub(super) fn requests(&self) -> Vec<Logged> {
        lock(&self.inner).requests.clone()
    }

    pub(super) fn panicked(&self, payload: &(dyn std::any::Any + Send)) {
        let words = payload
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_else(|| "a panic without a message".to_owned());
        lock(&self.inner).panics.push(words);
    }

    pub(super) fn panics(&self) -> Vec<String> {
        lock(&self.inner).panics.clone()
    }
}

impl Seen {
    fn gauge(&mut self, counted: Counted) -> &mut Gauge {
        match counted {
            Counted::Connection => &mut self.connections,
            Counted::Request => &mut self.in_flight,
            Counted::HeldStream => &mut self.held,
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let mut inner = lock(&self.log.inner);
        let gauge = inner.gauge(self.counted);
        gauge.now = gauge.now.saturating_sub(1);
    }
}

/// Locks, also after a panic elsewhere: the panic is reported on its own.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
