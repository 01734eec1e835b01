//! Pure, memoised readings of a transcript that several checks share.
//!
//! A check receives [`Facts`]: a view scoped to what it declared in `reads`. Touching a probe that was
//! not declared is a bug of ours and surfaces as `Status::Error` for that check.
// What a peer sends must not be able to panic: tests of ours may.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::arithmetic_side_effects
    )
)]
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod answered;
pub mod arrivals;
pub mod auth;
pub mod auth_documents;
pub mod barrier;
pub mod beside;
pub mod browser;
pub mod cards;
pub mod catalogue;
pub mod catalogue_text;
pub mod class;
pub mod classification;
pub mod coding;
mod decoded;
pub mod delivery;
pub mod effects;
pub mod era_guess;
pub mod era_use;
pub mod error_texts;
pub mod event_ids;
pub mod events;
pub mod fitting;
pub mod handshake;
pub mod headers_lost;
pub mod hidden;
pub mod hindered;
mod kind;
pub mod latency;
mod leak_patterns;
pub mod leaks;
pub mod listen;
pub mod lost_sessions;
pub mod media;
pub mod nulls;
pub mod official;
pub mod others;
pub mod outcome;
mod per_era;
pub mod quote;
mod readings;
pub mod refusal;
pub mod replicas;
pub mod reply;
pub mod resume;
pub mod schema;
pub mod schema_walk;
pub mod scripts;
mod seen;
pub mod shadowing;
pub mod socket;
pub mod steering;
pub mod steps;
pub mod streams;
pub mod subject;
pub mod summary;
pub mod tool_shape;
pub mod tools;
pub mod traces;
pub mod troubles;

use serde_json::Value;

use crate::protocol::address::Exposure;
use crate::protocol::revision::Era;
use crate::transcript::{
    Exchange, Expectation, Header, ProbeId, Profile, SkipReason, Tls, TokenShape, stall,
};
use crate::verdict::{Undecided, inconclusive};

pub use answered::answered;
pub use catalogue::Catalogue;
pub use classification::{Classification, Confidence, Kind};
pub use outcome::Outcome;
pub use readings::Readings;
pub use reply::{Message, Reply};

/// Which exchanges a view shows.
#[derive(Clone, Copy, Debug)]
pub enum Scope {
    /// Those of these probes.
    Probes(&'static [ProbeId]),
    /// Those with this expectation.
    Every(Expectation),
    /// All.
    All,
}

impl Scope {
    fn shows(self, exchange: &Exchange) -> bool {
        match self {
            Self::Probes(probes) => probes.contains(&exchange.probe),
            Self::Every(expectation) => exchange.expectation == expectation,
            Self::All => true,
        }
    }
}

/// A scoped view of the readings.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'t> {
    readings: &'t Readings<'t>,
    scope: Scope,
}

impl<'t> Facts<'t> {
    /// A view of what `scope` shows.
    #[must_use]
    pub fn scoped(readings: &'t Readings<'t>, scope: Scope) -> Self {
        Self { readings, scope }
    }

    /// The header line.
    #[must_use]
    pub fn header(&self) -> &'t Header {
        &self.readings.transcript().header
    }

    /// The profile of the scan.
    #[must_use]
    pub fn profile(&self) -> Profile {
        self.header().profile
    }

    /// What speaks here. Open to every check.
    #[must_use]
    pub fn class(&self) -> &'t Classification {
        self.readings.classification()
    }

    /// Whether a time of an exchange, up to `us` after its start, was measured while the scanning
    /// machine stood still: it says nothing about the endpoint. Open to every check.
    #[must_use]
    pub fn disturbed(&self, exchange: &Exchange, us: u64) -> bool {
        let stalls = self.readings.transcript().end.as_ref().map_or([].as_slice(), |end| &end.stalls);
        stall::disturbed(stalls, exchange.started_us, exchange.started_us.saturating_add(us))
    }

    /// The proxy that replies name (`Server`, `Via`). Open to every check.
    #[must_use]
    pub fn proxy(&self) -> Option<String> {
        delivery::proxy(self.readings.transcript())
    }

    /// The exchanges in scope, in order.
    pub fn exchanges(&self) -> impl Iterator<Item = &'t Exchange> + use<'t> {
        let scope = self.scope;
        self.readings.transcript().exchanges.iter().filter(move |exchange| scope.shows(exchange))
    }

    /// The exchanges in scope that belong to an era; those of no era count with the newest.
    pub fn of_era(&self, era: Era) -> impl Iterator<Item = &'t Exchange> + use<'t> {
        let newest = self.class().newest_era() == Some(era);
        self.exchanges()
            .filter(move |exchange| exchange.era == Some(era) || (newest && exchange.era.is_none()))
    }

    /// The calls in scope that count for latency and error rates ([`summary::is_call`]). Behind
    /// authentication every era counts.
    pub fn calls(&self) -> impl Iterator<Item = &'t Exchange> + use<'t> {
        let class = self.class();
        let gated = class.kind == Kind::AuthGated;
        let elsewhere = matches!(class.kind, Kind::HttpSse | Kind::McpWebsocket);
        self.exchanges().filter(move |exchange| {
            // Servers refuse a wrong credential in odd ways; that is no fault of a correct request.
            if class.credential_refused && exchange.credentialed() {
                return false;
            }
            summary::is_call(exchange, |era| gated || class.eras.contains(&era), elsewhere)
        })
    }

    /// The requests that the scan repeated outside of any session, with how each was answered.
    #[must_use]
    pub fn repeated(&self) -> Vec<replicas::Repeated<'t>> {
        replicas::repeated(self.readings.transcript())
    }

    /// The exchanges of one probe.
    ///
    /// # Panics
    /// If the check did not declare the probe: a bug of ours, caught by `Check::run`.
    pub fn of(&self, probe: ProbeId) -> impl Iterator<Item = &'t Exchange> + use<'t> {
        if let Scope::Probes(probes) = self.scope {
            assert!(probes.contains(&probe), "the check reads {probe:?} without declaring it");
        }
        self.exchanges().filter(move |exchange| exchange.probe == probe)
    }

    /// The exchanges of one step, in every era, in order.
    pub fn steps<'s>(
        &self,
        probe: ProbeId,
        step: &'s str,
    ) -> impl Iterator<Item = &'t Exchange> + use<'t, 's> {
        self.of(probe).filter(move |exchange| exchange.step == step)
    }

    /// The exchange of one step in one era (`None`: whatever era it has).
    ///
    /// # Errors
    /// Inconclusive where it was not sent, with the recorded reason.
    pub fn step(&self, probe: ProbeId, step: &str, era: Option<Era>) -> Result<&'t Exchange, Undecided> {
        let found = self.steps(probe, step).find(|exchange| era.is_none() || exchange.era == era);
        found.ok_or_else(|| Undecided::Inconclusive(self.why_not(probe, Some(step))))
    }

    /// The same, and an answer came that says something: no transport failure, no 401, 403 or 429.
    ///
    /// # Errors
    /// Inconclusive with the reason.
    pub fn settled(&self, probe: ProbeId, step: &str, era: Option<Era>) -> Result<&'t Exchange, Undecided> {
        let exchange = self.step(probe, step, era)?;
        if exchange.status() == Some(401) && reply::accepted_before(self.readings.transcript(), exchange) {
            return inconclusive(SkipReason::CredentialStopped.words());
        }
        answered(exchange)
    }

    /// A negative exchange whose twin was served: only then does its outcome mean anything.
    ///
    /// # Errors
    /// Inconclusive where it was not sent or its twin was not served.
    pub fn negative(&self, probe: ProbeId, step: &str, era: Option<Era>) -> Result<&'t Exchange, Undecided> {
        let exchange = self.step(probe, step, era)?;
        self.twin_served(exchange)?;
        Ok(exchange)
    }

    /// The unmodified twin of a negative exchange, if it was served.
    ///
    /// # Errors
    /// Inconclusive otherwise.
    pub fn twin_served(&self, exchange: &Exchange) -> Result<&'t Exchange, Undecided> {
        let twin = exchange.twin.and_then(|id| self.readings.transcript().exchange(id));
        match twin {
            Some(twin) if self.twin_works(twin) => Ok(twin),
            Some(_) => inconclusive(
                "the unmodified request was not served either, so nothing follows from the changed one",
            ),
            None => inconclusive("no unmodified request to compare with was sent"),
        }
    }

    /// For JSON-RPC a result must have come; for a feed's GET a 2xx is what serving means, for an
    /// upgrade a 101.
    fn twin_works(&self, twin: &Exchange) -> bool {
        if twin.request.body.is_some() {
            self.reply(twin).served()
        } else {
            twin.ok() || twin.status() == Some(101)
        }
    }

    /// What a reply says. Open to every check for the exchanges it can see.
    #[must_use]
    pub fn reply(&self, exchange: &Exchange) -> &'t Reply {
        static EMPTY: Reply = Reply { messages: Vec::new(), answer: None, answered_by: None, lenient: None };
        self.readings.replies().get(&exchange.id).unwrap_or(&EMPTY)
    }

    /// Whether the exchange carried a JSON-RPC request that must be answered: see [`reply::asks`].
    #[must_use]
    pub fn asks(&self, exchange: &Exchange) -> bool {
        self.readings.sent().get(&exchange.id).is_some_and(|sent| sent.asks)
    }

    /// The `method` of the JSON-RPC request that the exchange carried.
    #[must_use]
    pub fn method(&self, exchange: &Exchange) -> Option<&'t str> {
        self.readings.sent().get(&exchange.id).and_then(|sent| sent.method.as_deref())
    }

    /// The body of the exchange as JSON, or why it is none; `None` where there is no text.
    #[must_use]
    pub fn body(&self, exchange: &Exchange) -> Option<&'t Result<Value, String>> {
        let body = self.reply(exchange).messages.first().filter(|message| message.pointer == "body");
        body.map(|message| &message.json)
    }

    /// What one era offers.
    ///
    /// # Errors
    /// Inconclusive where the lists could not be read.
    ///
    /// # Panics
    /// If the check did not declare [`ProbeId::Catalogue`].
    pub fn catalogue(&self, era: Era) -> Result<&'t Catalogue, Undecided> {
        if let Scope::Probes(probes) = self.scope {
            assert!(
                probes.contains(&ProbeId::Catalogue),
                "the check reads the catalogue without declaring it"
            );
        }
        self.readings
            .catalogues()
            .get(&era)
            .ok_or_else(|| Undecided::Inconclusive(self.why_not(ProbeId::Catalogue, None)))
    }

    /// Who can reach the endpoint, by the address that was connected to; where no connection came up,
    /// by the typed host if that is an address or localhost.
    #[must_use]
    pub fn exposure(&self) -> Option<Exposure> {
        self.readings.exposure()
    }

    /// The TLS handshake of the first connection that has one.
    #[must_use]
    pub fn tls(&self) -> Option<(&'t Exchange, &'t Tls)> {
        self.readings.transcript().exchanges.iter().find_map(|exchange| {
            exchange.connect.as_ref().and_then(|connect| connect.tls.as_ref()).map(|tls| (exchange, tls))
        })
    }

    /// Shapes of the session ids that replies to `initialize` brought, with their exchanges.
    ///
    /// The reply to `initialized` is none of them: many servers echo the id on every reply of a
    /// session, and an echo is no second issue of the same id.
    #[must_use]
    pub fn session_shapes(&self) -> Vec<(&'t Exchange, &'t TokenShape)> {
        self.exchanges()
            .filter(|exchange| self.method(exchange) == Some(crate::protocol::names::INITIALIZE))
            // The same header twice is one reply's fault, not two ids: clients that take one take the first.
            .filter_map(|exchange| {
                let session = |shape: &&TokenShape| shape.kind == crate::transcript::TokenKind::Session;
                Some((exchange, exchange.shapes.iter().find(session)?))
            })
            .collect()
    }

    /// Why a probe or one of its steps was not sent, in words.
    #[must_use]
    pub fn why_not(&self, probe: ProbeId, step: Option<&str>) -> String {
        let skips = &self.readings.transcript().skips;
        let exact =
            skips.iter().find(|skip| skip.probe == probe && step.is_some() && skip.step.as_deref() == step);
        let whole = skips.iter().find(|skip| skip.probe == probe && (skip.step.is_none() || step.is_none()));
        match exact.or(whole) {
            Some(skip) => format!("not sent: {}", skip.reason.words()),
            None if !self.readings.transcript().complete() => {
                "not sent: the scan did not come to its end".to_owned()
            }
            None => "not sent: a request it builds on did not succeed".to_owned(),
        }
    }
}
