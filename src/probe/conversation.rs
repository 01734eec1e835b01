//! One scan's conversation: what may be sent, what was learnt from what came back.

use super::bodies::dated;
use crate::transcript::exchange::request_id;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::invented::Invented;
use super::ledger::Ledger;
use super::state::{OpenSession, State};
use crate::facts::classification::{Kind, classify};
use crate::facts::reply::{self, Reply};
use crate::facts::steps;
use crate::facts::summary::percentile;
use crate::net::websocket::Upgrade;
use crate::net::{ACCEPT, Call, HandleKind, HeaderText, Held, Place, Until, Wire};
use crate::observe::ScanOptions;
use crate::protocol::client_info::ClientInfo;
use crate::protocol::revision::Era;
use crate::protocol::{jsonrpc, names, sse};
use crate::transcript::{Ended, Exchange, Expectation, ProbeId, Profile, SkipReason, Transcript};

/// One scan's conversation: the wire, the ledger, and what must not be forgotten.
pub(crate) struct Conversation<'a> {
    pub(super) wire: &'a Wire<'a>,
    /// Who we say we are.
    pub(super) client_info: ClientInfo,
    pub(super) invented: Invented,
    pub(super) profile: Profile,
    pub(super) options: ScanOptions,
    pub(super) ledger: Ledger,
    pub(super) state: Mutex<State>,
}

/// Streams of one scan that are polled for their answer.
const MOST_POLLED: u32 = 2;
/// Longest `retry` that is waited for.
const LONGEST_RETRY_MS: u64 = 2_000;
/// Longest event id that goes into a request header.
const LONGEST_ID: usize = 1_024;

/// Whether a POST's stream ended without its answer, but with an event id to come back with.
fn polls(exchange: &Exchange) -> bool {
    exchange.era == Some(Era::Legacy)
        && exchange.request.method == "POST"
        && exchange.ended == Ended::Complete
        && exchange.lines().is_some()
        && request_id(exchange).is_some()
        && reply::read(exchange).answer.is_none()
}

/// Whether a text can be a header value as it is.
fn printable(text: &str) -> bool {
    text.bytes().all(|byte| (0x20..0x7F).contains(&byte))
}

/// An answer, wherever it came.
#[derive(Clone, Debug)]
pub(super) struct Answered {
    pub(super) exchange: Arc<Exchange>,
    pub(super) reply: Reply,
}

/// How long a socket that should have been refused is given to be closed.
const POLICY: Duration = Duration::from_millis(100);

impl<'a> Conversation<'a> {
    pub(super) fn new(wire: &'a Wire<'a>, profile: Profile, options: ScanOptions) -> Self {
        let ledger = Ledger::new(profile, wire.limits().requests);
        let client_info = ClientInfo::of(wire.user_agent());
        let invented = Invented::new();
        Self { wire, client_info, invented, profile, options, ledger, state: Mutex::default() }
    }

    /// Sends a call if the ledger allows; otherwise notes why not. `None` means it was not sent.
    pub(super) async fn send(&self, mut call: Call) -> Option<Arc<Exchange>> {
        self.admit(&call)?;
        self.adapt(&mut call);
        let exchange = self.wire.send(call).await;
        self.learn(&exchange).await;
        if self.standard() && polls(&exchange) {
            self.poll(&exchange).await;
        }
        Some(exchange)
    }

    /// Sends an upgrade and closes the socket at once if one comes up.
    pub(super) async fn knock(&self, call: Call) -> Option<Arc<Exchange>> {
        self.admit(&call)?;
        let negative = call.expectation == Expectation::Negative;
        let exchange = match self.wire.upgrade(call).await {
            Upgrade::Open(mut socket) => {
                if negative {
                    // A server may accept the upgrade and close at once for reasons of policy.
                    self.wire.hear(&mut socket, POLICY, |_| true).await;
                }
                self.wire.close_socket(*socket).await
            }
            Upgrade::Refused(exchange) => exchange,
        };
        self.learn(&exchange).await;
        Some(exchange)
    }

    /// Comes back for an answer whose stream was closed early, as 2025-11-25 lets a server do
    /// (transports, "Sending Messages to the Server", item 6). Twice in a scan is enough to see it work.
    pub(super) async fn poll(&self, exchange: &Exchange) {
        let blocks = sse::blocks(exchange.lines().unwrap_or_default());
        let Some(id) = sse::last_event_id(&blocks).filter(|id| id.len() <= LONGEST_ID && printable(id))
        else {
            return;
        };
        let Some(place) = self.wire.place(&exchange.request.url) else { return };
        let session = exchange.session.as_deref().map(|session| self.wire.session(session));
        {
            let mut state = self.lock();
            if state.polled >= MOST_POLLED {
                return;
            }
            state.polled = state.polled.saturating_add(1);
        }
        let retry = blocks.iter().filter_map(|block| block.retry.as_deref()?.parse::<u64>().ok()).next_back();
        self.wire.rest(Duration::from_millis(retry.unwrap_or(0).min(LONGEST_RETRY_MS))).await;
        let mut call = Call::get_stream(exchange.probe, format!("{} resumed", exchange.step), &place)
            .era(Era::Legacy)
            .in_session(session.as_ref())
            .given(names::LAST_EVENT_ID, self.wire.handle(HandleKind::EventId, id));
        call.twin = Some(exchange.id);
        call.credential = exchange.probe != ProbeId::Auth;
        if let Some(version) = exchange.request.header(names::VERSION_HEADER) {
            call = call.header(names::VERSION_HEADER, version);
        }
        let wait = self.wire.limits().negative_ms;
        let Some(mut held) = self.hold(call.until(Until::Watch(wait))).await else { return };
        let asked = request_id(exchange);
        held.wait(Duration::from_millis(wait), |_, lines| {
            sse::blocks(lines).iter().filter(|block| block.dispatched()).any(|block| {
                let message = block.data.as_deref().and_then(|data| jsonrpc::parse(data).ok());
                message.is_some_and(|message| message.get("id") == asked.as_ref())
            })
        })
        .await;
        self.wire.close(held).await;
    }

    /// Opens a held stream if the ledger allows.
    pub(super) async fn hold(&self, mut call: Call) -> Option<Held> {
        self.admit(&call)?;
        self.adapt(&mut call);
        Some(self.wire.hold(call).await)
    }

    /// Makes a call as the endpoint wants it: without a credential that it refused, and with the order of media
    /// types that it takes.
    fn adapt(&self, call: &mut Call) {
        let state = self.lock();
        call.credential &= !state.gated;
        let usual = |(name, value): &&mut (String, HeaderText)| name == "accept" && value.shown() == ACCEPT;
        if let (Some(accept), Some((_, value))) = (state.accept, call.headers.iter_mut().find(usual)) {
            *value = accept.into();
        }
    }

    /// Why a lost stream or socket was not opened once more.
    pub(super) fn why_not_opened(&self) -> SkipReason {
        let full = self.lock().opened >= self.wire.limits().sessions;
        let reason = if full { SkipReason::Sessions } else { SkipReason::StreamLost };
        self.wire.over().or(self.lock().halted).unwrap_or(reason)
    }

    /// Whether a call may be sent: counts it, or records the skip.
    pub(super) fn admit(&self, call: &Call) -> Option<()> {
        let (probe, step) = (call.probe, call.step.as_str());
        // Cleaning up is owed even after a halt, an interruption or the deadline.
        let teardown = call.expectation == Expectation::Teardown;
        let over = if teardown { None } else { self.wire.over().or(self.lock().halted) };
        let session = call.step.starts_with(names::INITIALIZE)
            && call.method == "POST"
            && call.stream.is_none()
            && call.place.is_some();
        let reason = if let Some(reason) = over {
            Some(reason)
        } else if !call.sendable() {
            Some(SkipReason::NotSentBack)
        } else if session && self.lock().opened >= self.wire.limits().sessions {
            Some(SkipReason::Sessions)
        } else {
            let open = u32::try_from(self.lock().sessions.len()).unwrap_or(u32::MAX);
            let owed = open.saturating_add(u32::from(session));
            self.ledger.take(probe, teardown, owed).err()
        };
        if let Some(reason) = reason {
            self.wire.skip(probe, Some(step), reason);
            return None;
        }
        self.wire.counted(self.ledger.sent(), self.ledger.budget());
        Some(())
    }

    /// Takes from an exchange what later ones depend on.
    pub(super) async fn learn(&self, exchange: &Exchange) {
        let wait = {
            let mut state = self.lock();
            if let Some(us) = exchange.head_us().filter(|_| exchange.request.method != "GET") {
                state.heads_us.push(us);
            }
            if let Some(connect) = &exchange.connect {
                let tls = connect.tls.as_ref().map_or(0, |tls| tls.us);
                state.connect_us = state.connect_us.max(connect.tcp_us.unwrap_or(0).saturating_add(tls));
            }
            if let Some(session) = exchange.header(names::SESSION_HEADER)
                && exchange.session.is_none()
                && exchange.ok()
                && !state.sessions.iter().any(|known| known.id.shown() == session)
                && let Some(place) = self.wire.place(&exchange.request.url)
            {
                let version = match steps::initialize(exchange) {
                    steps::Initialize::Legacy { version, .. } => version.as_deref().and_then(dated),
                    _ => None,
                };
                state.opened = state.opened.saturating_add(1);
                state.sessions.push(OpenSession { id: self.wire.session(session), place, version });
            }
            if exchange.request.method == "DELETE" && exchange.ok() {
                state.sessions.retain(|known| Some(known.id.shown()) != exchange.session.as_deref());
            }
            state.watch_credential(exchange);
            state.watch_health(exchange)
        };
        if let Some(wait) = wait {
            let _waiting = self.wire.waiting("the end of the pause that the endpoint asked for", wait);
            self.wire.rest(wait).await;
        }
    }

    /// In `quick`, how long silence may last before it counts, from sending: 300 ms, and more for a target or on
    /// a machine that is slow. `None` in other profiles.
    pub(super) fn silence_ms(&self) -> Option<u64> {
        let silence = self.wire.limits().silence_ms;
        if silence == 0 {
            return None;
        }
        let (mut heads, connect_us) = {
            let state = self.lock();
            (state.heads_us.clone(), state.connect_us)
        };
        heads.sort_unstable();
        let slowest = heads.last().copied().unwrap_or(0).max(connect_us);
        Some(self.wire.silence_ms(silence, slowest, percentile(&heads, 50)))
    }

    /// P-WS; in `quick` its answer is not waited for longer than silence may last.
    pub(super) fn upgrade_call(
        &self,
        probe: ProbeId,
        step: impl Into<String>,
        place: &Place,
        subprotocol: Option<&HeaderText>,
    ) -> Call {
        let wait = self.silence_ms().unwrap_or(self.wire.limits().header_ms);
        Call::websocket(probe, step, place, subprotocol).until(Until::Watch(wait))
    }

    /// What was recorded so far.
    pub(super) fn transcript(&self) -> Transcript {
        let (exchanges, skips) = self.wire.recorded();
        crate::transcript::partial(exchanges, skips)
    }

    /// What the endpoint is, as far as was seen.
    pub(super) fn kind(&self) -> Kind {
        classify(&self.transcript()).kind
    }

    pub(super) fn standard(&self) -> bool {
        self.profile != Profile::Quick
    }

    pub(super) fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a probe's whole conversation is left out of this profile.
pub(super) fn left_out(conversation: &Conversation<'_>, probe: ProbeId) {
    conversation.wire.skip(probe, None, SkipReason::Profile);
}
