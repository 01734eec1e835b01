//! What one scan's calls share.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderName;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;
use url::Url;

use super::dial::Dialler;
use super::exchange::Call;
use super::handles::{Given, Handle, HandleKind};
use super::kept::Kept;
use super::message::Body;
use super::origin::may_carry_credentials;
use super::owed::OwedResponse;
use super::place::Place;
use super::pool::Pool;
use super::recorder::{Clock, later};
use crate::observe::Stop;
use crate::target::secret::Secret;
use crate::transcript::tokens::{Shapes, UriOf};
use crate::transcript::{Content, Ended, Exchange, Limits, Request, Vault};

/// What outlives a borrow: held streams run as tasks of their own.
pub(super) struct Shared {
    pub(super) dialler: Dialler,
    pub(super) limits: Limits,
    pub(super) clock: Clock,
    pub(super) vault: Vault,
    pub(super) stop: Stop,
    pub(super) held: Arc<Semaphore>,
    pub(super) typed: Url,
    pub(super) own_headers: Vec<(HeaderName, Secret)>,
    pub(super) user_agent: String,
    pub(super) deadline: Instant,
    pub(super) in_flight: Semaphore,
    pub(super) pool: Pool,
    pub(super) next_exchange: AtomicU32,
    pub(super) next_connection: AtomicU32,
    pub(super) public: AtomicBool,
    pub(super) next_slot: Mutex<Instant>,
    pub(super) kept: Kept,
    /// How late timers of this machine fire just now, microseconds.
    pub(super) lag_us: AtomicU64,
    pub(super) answers: mpsc::Sender<OwedResponse>,
    /// What the server gave, where the record differs from it.
    pub(super) given: Given,
    /// Where requests went.
    pub(super) places: Mutex<Vec<Place>>,
}

/// How many times the lag of this machine a silence must last, and the most that is waited for one, milliseconds.
pub(super) const LAGS: u64 = 4;
pub(super) const LONGEST_SILENCE_MS: u64 = 2_000;

/// Places that are remembered: each is one of a few, or announced by one of a few streams.
const MOST_PLACES: usize = 128;

impl Shared {
    /// Where requests went.
    pub(super) fn places(&self) -> MutexGuard<'_, Vec<Place>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place that the server named, relative to another, if it is of the scanned origin.
    pub(super) fn given(&self, base: &Place, handle: Handle) -> Option<Place> {
        let Some(value) = handle.value() else {
            return Some(Place::given(base.url().clone(), handle.shown().to_owned(), handle));
        };
        let url = base.url().join(value.trim()).ok()?;
        if !may_carry_credentials(&self.typed, &url) {
            return None;
        }
        let of = if handle.kind() == HandleKind::Announced { UriOf::Announcement } else { UriOf::Redirect };
        // Masked once more: parsing may have joined what was apart before.
        let shown = self.vault.record_uri(of, url.as_str(), &mut Shapes::default());
        Some(Place::given(url, shown, handle))
    }

    /// Remembers a place to which something is sent.
    pub(super) fn sent_to(&self, place: &Place) {
        let mut places = self.places();
        if places.len() < MOST_PLACES
            && !places.iter().any(|known| known == place && known.shown() == place.shown())
        {
            places.push(place.clone());
        }
    }

    /// The exchange of a call that has not begun.
    pub(super) fn new_exchange(&self, call: &Call) -> Exchange {
        if let Some(place) = &call.place {
            self.sent_to(place);
        }
        Exchange {
            id: self.next_exchange.fetch_add(1, Ordering::Relaxed),
            probe: call.probe,
            step: call.step.clone(),
            expectation: call.expectation,
            twin: call.twin,
            era: call.era,
            session: call.session.as_ref().map(|session| session.shown().to_owned()),
            stream: call.stream,
            connection: 0,
            connect: None,
            request: Request {
                method: call.method.to_owned(),
                url: call.place.as_ref().map(|place| self.vault.mask(place.shown())).unwrap_or_default(),
                headers: Vec::new(),
                body: call.body.as_ref().map(Body::shown).map(|body| self.vault.mask(&body)),
                handles: call.handles(),
            },
            started_us: self.clock.now_us(),
            head: None,
            first_byte_us: None,
            content: Content::None,
            coded: None,
            ended: Ended::Failed,
            ended_us: 0,
            failure: None,
            shapes: Vec::new(),
        }
    }

    /// At most `public_rate` requests a second to a host that is neither loopback nor private.
    pub(super) async fn pace(&self) {
        if self.limits.public_rate == 0 || !self.public.load(Ordering::Relaxed) {
            return;
        }
        let gap = Duration::from_secs(1).checked_div(self.limits.public_rate).unwrap_or_default();
        let slot = {
            let mut next = self.next_slot.lock().unwrap_or_else(PoisonError::into_inner);
            let slot = (*next).max(Instant::now());
            *next = later(slot, gap);
            slot
        };
        tokio::time::sleep_until(slot).await;
    }

    /// End of the scan.
    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }
}
