//! Sending calls to the target and recording what comes back.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;

use super::dial::Dialler;
use super::exchange::Call;
use super::handles::{Given, Handle, HandleKind};
use super::kept::Kept;
use super::owed::{OwedResponse, WAITING};
use super::place::Place;
use super::pool::Pool;
use super::recorder::{Clock, from_now};
use super::shared::{LAGS, LONGEST_SILENCE_MS, Shared};
use crate::observe::{Observer, ScanEvent, Stop};
use crate::target::Target;
use crate::transcript::codec::Entry;
use crate::transcript::{Exchange, Limits, ProbeId, Skip, SkipReason, Vault};

/// The wire of one scan: sends calls, records exchanges and skips, tells the observer.
pub struct Wire<'a> {
    pub(super) shared: Arc<Shared>,
    observer: &'a dyn Observer,
    recorded: Mutex<Vec<Arc<Exchange>>>,
    skips: Mutex<Vec<Skip>>,
    owed: tokio::sync::Mutex<mpsc::Receiver<OwedResponse>>,
    waits: AtomicU32,
}

/// Something is waited for as long as this lives.
pub struct Waiting<'a> {
    observer: &'a dyn Observer,
    number: u32,
}

impl std::fmt::Debug for Waiting<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Waiting({})", self.number)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.observer.event(ScanEvent::Waited { number: self.number });
    }
}

impl std::fmt::Debug for Wire<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wire(..)")
    }
}

impl<'a> Wire<'a> {
    /// A wire to one target. Its own clock starts now.
    #[must_use]
    pub fn new(target: &Target, observer: &'a dyn Observer, stop: &Stop) -> Self {
        let clock = Clock::start();
        let limits = target.limits.clone();
        let vault = Vault::of(target.secrets());
        let dialler = Dialler::new(target, clock);
        let (answers, owed) = mpsc::channel(WAITING);
        let shared = Shared {
            answers,
            dialler,
            clock,
            vault,
            stop: stop.clone(),
            held: Arc::new(Semaphore::new(limits.held_streams)),
            typed: target.url.clone(),
            own_headers: target.headers.clone(),
            user_agent: target.user_agent.clone(),
            deadline: from_now(limits.target()),
            in_flight: Semaphore::new(limits.in_flight),
            pool: Pool::default(),
            next_exchange: AtomicU32::new(1),
            next_connection: AtomicU32::new(1),
            public: AtomicBool::new(false),
            next_slot: Mutex::new(Instant::now()),
            kept: Kept::new(limits.kept_bytes),
            lag_us: AtomicU64::new(0),
            given: Given::default(),
            places: Mutex::default(),
            limits,
        };
        Self {
            shared: Arc::new(shared),
            observer,
            recorded: Mutex::default(),
            skips: Mutex::default(),
            owed: owed.into(),
            waits: AtomicU32::new(0),
        }
    }

    /// The vault of this scan, for masking what is not an exchange (the target's URL).
    #[must_use]
    pub fn vault(&self) -> &Vault {
        &self.shared.vault
    }

    /// The `User-Agent` that is sent.
    #[must_use]
    pub fn user_agent(&self) -> &str {
        &self.shared.user_agent
    }

    /// The limits in force.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// Microseconds since the scan began.
    #[must_use]
    pub fn now_us(&self) -> u64 {
        self.shared.clock.now_us()
    }

    /// Whether the deadline passed or the user stopped the scan: why nothing more is sent.
    #[must_use]
    pub fn over(&self) -> Option<SkipReason> {
        if self.shared.stop.stopped() {
            Some(SkipReason::Interrupted)
        } else if Instant::now() >= self.shared.deadline {
            Some(SkipReason::Deadline)
        } else {
            None
        }
    }

    /// How long silence lasts before it counts, milliseconds, where replies to this target took so long,
    /// microseconds: `floor_ms`, 5 times the slowest, 10 times the median, 4 times what timers of this machine
    /// are late just now; at most 2 s.
    #[must_use]
    pub fn silence_ms(&self, floor_ms: u64, slowest_us: u64, median_us: u64) -> u64 {
        let lag_us = self.shared.lag_us.load(Ordering::Relaxed);
        let due = [(slowest_us, 5), (median_us, 10), (lag_us, LAGS)];
        let due_ms = due.iter().map(|(us, times)| us.saturating_mul(*times) / 1_000).max().unwrap_or(0);
        floor_ms.max(due_ms).min(LONGEST_SILENCE_MS)
    }

    /// Waits, unless the user stops the scan or its deadline comes first.
    pub async fn rest(&self, wait: Duration) {
        let end = self.shared.deadline().min(from_now(wait));
        tokio::select! {
            () = tokio::time::sleep_until(end) => {}
            () = self.shared.stop.wait() => {}
        }
    }

    /// Sends a call and records the exchange. Failures are part of the exchange.
    pub async fn send(&self, call: Call) -> Arc<Exchange> {
        // Boxed: a dialogue with TLS is large, and every probe holds some of them.
        let exchange = Box::pin(self.shared.run(call)).await;
        self.record(exchange)
    }

    /// Sends a call whose answer comes elsewhere (HTTP+SSE: on the held stream). It is recorded by
    /// [`Self::finish`], which belongs after it whatever happens.
    pub async fn send_open(&self, call: Call) -> Exchange {
        Box::pin(self.shared.run(call)).await
    }

    /// Records an exchange of [`Self::send_open`]: now its answer is there, or was given up.
    pub fn finish(&self, mut exchange: Exchange) -> Arc<Exchange> {
        exchange.ended_us = exchange.ended_us.max(self.now_us());
        self.record(exchange)
    }

    /// Tells what is being done.
    pub fn doing(&self, what: impl Into<String>) {
        self.observer.event(ScanEvent::Doing(what.into()));
    }

    /// Tells that everything is done but what is waited for.
    pub fn only_waiting(&self) {
        self.observer.event(ScanEvent::OnlyWaiting);
    }

    /// Tells what is waited for, and for how long at most, until this is dropped.
    #[must_use]
    pub fn waiting(&self, what: impl Into<String>, at_most: Duration) -> Waiting<'a> {
        let number = self.waits.fetch_add(1, Ordering::Relaxed);
        self.observer.event(ScanEvent::Waiting { number, what: what.into(), at_most });
        Waiting { observer: self.observer, number }
    }

    /// Tells that a request goes out.
    pub fn counted(&self, sent: u32, budget: u32) {
        self.observer.event(ScanEvent::Request { sent, budget });
    }

    /// Records that something was left out.
    pub fn skip(&self, probe: ProbeId, step: Option<&str>, reason: SkipReason) {
        let skip = Skip { probe, step: step.map(str::to_owned), reason };
        let mut skips = self.skips.lock().unwrap_or_else(PoisonError::into_inner);
        if !skips.contains(&skip) {
            self.observer.entry(&Entry::Skip(skip.clone()));
            skips.push(skip);
        }
    }

    /// Records a finished exchange. What libraries and certificates say goes the way of everything else
    /// that is remote: masked.
    pub(super) fn record(&self, mut exchange: Exchange) -> Arc<Exchange> {
        let vault = &self.shared.vault;
        if let Some(failure) = &mut exchange.failure {
            // An excerpt in it is recorded text already.
            failure.detail = vault.mask_cut(&failure.detail);
        }
        if let Some(tls) = exchange.connect.as_mut().and_then(|connect| connect.tls.as_mut()) {
            for certificate in &mut tls.chain {
                let names = certificate.names.iter_mut();
                for text in names.chain([&mut certificate.subject, &mut certificate.issuer]) {
                    *text = vault.record_cut(text);
                }
            }
        }
        self.shared.kept.weigh(&mut exchange);
        let exchange = Arc::new(exchange);
        self.observer.entry(&Entry::Exchange(Arc::clone(&exchange)));
        self.recorded.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&exchange));
        exchange
    }

    /// What was recorded so far, in order of ids, and what was left out.
    #[must_use]
    pub fn recorded(&self) -> (Vec<Exchange>, Vec<Skip>) {
        let mut exchanges: Vec<Exchange> = self
            .recorded
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .map(|exchange| (**exchange).clone())
            .collect();
        exchanges.sort_by_key(|exchange| exchange.id);
        (exchanges, self.skips.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

/// What probes send again, and where to.
impl Wire<'_> {
    /// The URL that the user typed; `shown` is what is recorded of it.
    #[must_use]
    pub fn target(&self, shown: &str) -> Place {
        Place::ours(self.shared.typed.clone(), shown.to_owned())
    }

    /// What the server named, relative to a place, if it is of the scanned origin. One that cannot be sent
    /// back has the place's own URL, and is not contacted.
    #[must_use]
    pub fn given(&self, base: &Place, handle: Handle) -> Option<Place> {
        self.shared.given(base, handle)
    }

    /// The place of a request that was sent, by what was recorded of it.
    #[must_use]
    pub fn place(&self, shown: &str) -> Option<Place> {
        self.shared.places().iter().rev().find(|place| place.shown() == shown).cloned()
    }

    /// The handle of a value that a reply of this scan brought, by what was recorded of it.
    #[must_use]
    pub fn handle(&self, kind: HandleKind, shown: &str) -> Handle {
        self.shared.given.handle(kind, shown)
    }

    /// The handle of a session.
    #[must_use]
    pub fn session(&self, placeholder: &str) -> Handle {
        self.handle(HandleKind::Session, placeholder)
    }

    /// The response to the next server-initiated request, whenever that comes.
    pub async fn owed(&self) -> Option<OwedResponse> {
        self.owed.lock().await.recv().await
    }
}
