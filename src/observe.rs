//! How a scan is watched and stopped, and what it may be told besides its target.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::transcript::codec::Entry;

/// What a scan tells while it runs. Never part of the data.
#[derive(Clone, Debug)]
pub enum ScanEvent {
    /// Something is being done, in words fit for a status line ("sending bad input").
    Doing(String),
    /// Nothing is being done any more but to wait.
    OnlyWaiting,
    /// Something is waited for from now on, until [`ScanEvent::Waited`] with the same number.
    Waiting {
        /// Tells one wait from another of the same scan.
        number: u32,
        /// For what, in words ("a keep-alive").
        what: String,
        /// For how long at most.
        at_most: Duration,
    },
    /// That came, or is waited for no longer.
    Waited {
        /// Which wait.
        number: u32,
    },
    /// A request went out; how many so far and how many may be sent in all.
    Request {
        /// Requests so far.
        sent: u32,
        /// The budget.
        budget: u32,
    },
}

/// Stops a scan: what was recorded is kept and marked interrupted. Clones share one switch.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    flag: Arc<AtomicBool>,
    notify: Arc<tokio::sync::Notify>,
}

impl Stop {
    /// Asks every scan that holds a clone to stop.
    pub fn stop(&self) {
        self.flag.store(true, Ordering::SeqCst);
        self.notify.notify_waiters();
    }

    /// Whether it was asked for.
    #[must_use]
    pub fn stopped(&self) -> bool {
        self.flag.load(Ordering::SeqCst)
    }

    /// Resolves once it was asked for.
    pub async fn wait(&self) {
        let notified = self.notify.notified();
        if !self.stopped() {
            notified.await;
        }
    }
}

/// Receives what a scan produces while it runs. Every method has a default that drops it.
pub trait Observer: Send + Sync {
    /// A transcript line, as it ends: write it at once and a crash keeps it.
    fn entry(&self, _entry: &Entry) {}
    /// Progress.
    fn event(&self, _event: ScanEvent) {}
}

/// An observer that drops everything.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Observer for Silent {}

/// Options of a scan that are not part of the target.
#[derive(Clone, Copy, Debug, Default)]
pub struct ScanOptions {
    /// Retry the first connection for this long (`--wait`), milliseconds. Not part of the measurement.
    pub wait_ms: u64,
    /// Look for siblings even where the URL itself answered (`--discover`).
    pub discover: bool,
}
