//! What was sent and seen: plain data, and its JSON Lines form.
//!
//! A transcript is a [`Header`], the [`Exchange`]s and [`Skip`]s of one scan, and an [`End`].
//! Everything a report shows comes from here, so `replay` needs nothing else.
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

pub mod codec;
mod content;
pub mod exchange;
pub mod failure;
pub mod known_secrets;
pub mod limits;
mod parts;
pub mod printable;
pub mod probe_id;
pub mod redact;
mod secret_blocks;
mod secret_escapes;
mod secret_filter;
mod secret_forms;
mod secret_json;
mod secret_markup;
mod secret_match;
pub mod secret_names;
pub mod secret_parts;
mod secret_references;
mod secret_replace;
mod secret_spaced;
mod secret_view;
mod secret_words;
pub mod secrets;
mod sent_handle;
pub mod stall;
pub mod tls;
mod token_shape;
pub mod tokens;
pub(crate) mod userinfo;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::protocol::host::with_zone;
pub use content::{Coded, Content, Decoding, Direction, Frame, FrameKind};
pub use exchange::{Connect, Ended, Exchange, Expectation, Head, MESSAGE, Request};
pub use failure::{Failure, FailureKind, Phase};
pub use limits::{Limits, Profile};
pub use probe_id::ProbeId;
pub use redact::Vault;
pub use secrets::Secrets;
pub use sent_handle::SentHandle;
pub use stall::Stall;
pub use tls::{Certificate, CertificateFault, Tls};
pub use token_shape::{TokenKind, TokenShape};

/// Version of the file format that is written; [`codec`] says what changed.
pub const FORMAT: u32 = 2;

/// Everything the report needs besides the exchanges.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Format of the file, at most [`FORMAT`].
    pub format: u32,
    /// The tool that recorded it.
    pub tool: Tool,
    /// The URL the user typed, with secrets masked.
    pub url: String,
    /// The zone of the IPv6 address in `url` (RFC 4007, section 11): an interface of the scanning machine. No
    /// URL of an exchange has it, because no endpoint is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// A name the user gave the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Which probes ran and how long idle streams were watched.
    pub profile: Profile,
    /// The limits in force.
    pub limits: Limits,
    /// Whether certificate faults were ignored (`--insecure`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub insecure: bool,
    /// The proxy that every connection went through, `http://host:port`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// Names (lower case) of the request headers the operator supplied; values are never recorded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operator_headers: Vec<String>,
    /// When the scan began, RFC 3339 UTC.
    pub started_at: String,
}

impl Header {
    /// Whether the operator supplied a credential: any header of theirs may be one.
    #[must_use]
    pub fn credential(&self) -> bool {
        !self.operator_headers.is_empty()
    }

    /// A URL as it has to be typed on the scanning machine: with the zone, if it has the target's address.
    #[must_use]
    pub fn typed(&self, url: &str) -> String {
        let host = |url: &str| url::Url::parse(url).ok().and_then(|url| Some(url.host()?.to_owned()));
        match &self.zone {
            Some(zone) if host(url) == host(&self.url) => with_zone(url, Some(zone)),
            _ => url.to_owned(),
        }
    }
}

/// Name and version of a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// Program name.
    pub name: String,
    /// Program version.
    pub version: String,
}

impl Tool {
    /// This program.
    #[must_use]
    pub fn this() -> Self {
        Self { name: env!("CARGO_PKG_NAME").to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() }
    }
}

/// Something that was not sent, and why: the reason its checks are undecided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Skip {
    /// The probe that did not run, or not to its end.
    pub probe: ProbeId,
    /// The step, if only one was left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Why.
    pub reason: SkipReason,
}

/// Why something was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SkipReason {
    /// The request budget (or the probe's share of it) was spent.
    Budget,
    /// As many sessions were opened as one scan opens ([`Limits::sessions`]).
    Sessions,
    /// The stream or socket was lost, and not opened anew.
    StreamLost,
    /// The profile does not include it.
    Profile,
    /// The total deadline of the scan passed.
    Deadline,
    /// The target asked us to slow down (429) and the wait did not fit.
    RateLimited,
    /// Three consecutive 5xx or transport faults on plain exchanges: the scan stopped.
    CircuitBreaker,
    /// The operator's credential stopped working: a request that had been served with it met a 401.
    CredentialStopped,
    /// The handshake gave a version that we do not know: a client disconnects then (2025-11-25, lifecycle,
    /// "Version Negotiation"), and nobody could judge by its rules.
    UnknownVersion,
    /// What the endpoint gave is longer than we send back (a session id, a cursor, a URI), or holds a secret that
    /// was not kept.
    NotSentBack,
    /// The user interrupted the scan.
    Interrupted,
    /// Three targets of the same host in a row could not be reached: this one was not tried.
    HostUnreachable,
    /// We crashed on this target.
    Crashed,
}

impl SkipReason {
    /// Whether nothing of the target was asked or kept because of it: what is said of the target is this.
    #[must_use]
    pub const fn whole_target(self) -> bool {
        matches!(self, Self::HostUnreachable | Self::Crashed)
    }

    /// The reason in words, as it appears in an undecided finding.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Budget => "the request budget was spent",
            Self::Sessions => "as many sessions had been opened as one scan opens",
            Self::StreamLost => "its stream or socket was lost, and was not opened anew",
            Self::Profile => "the quick profile leaves it out; scan with the standard profile",
            Self::Deadline => "the scan's total deadline passed",
            Self::RateLimited => "the endpoint limits our request rate (429)",
            Self::CircuitBreaker => "the scan stopped after repeated faults of the endpoint",
            Self::CredentialStopped => "the credential stopped working (401 after it had been accepted)",
            Self::UnknownVersion => "the handshake gave a version that this tool does not know",
            Self::NotSentBack => "what the endpoint gave is too long, or too secret, to be sent back",
            Self::Interrupted => "the scan was interrupted",
            Self::HostUnreachable => "not tried: three targets of this host in a row could not be reached",
            Self::Crashed => "agentgauge crashed on this target: a bug of ours, please report it",
        }
    }
}

/// The end line. A transcript without one is judged and marked incomplete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// Length of the scan in microseconds.
    pub at_us: u64,
    /// Whether the user interrupted it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub interrupted: bool,
    /// When the scanning machine stood still, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stalls: Vec<Stall>,
}

/// One scan, as recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Transcript {
    /// First line.
    pub header: Header,
    /// In order of their ids, which is the order in which they were started.
    pub exchanges: Vec<Exchange>,
    /// What was left out.
    pub skips: Vec<Skip>,
    /// Last line, if the scan came to its end.
    pub end: Option<End>,
}

impl Transcript {
    /// The exchange with this id.
    #[must_use]
    pub fn exchange(&self, id: u32) -> Option<&Exchange> {
        self.exchanges
            .binary_search_by_key(&id, |exchange| exchange.id)
            .ok()
            .and_then(|index| self.exchanges.get(index))
    }

    /// Length of the scan in microseconds; without an end line, up to the last thing recorded.
    #[must_use]
    pub fn duration_us(&self) -> u64 {
        let last = self.exchanges.iter().map(|exchange| exchange.ended_us).max().unwrap_or(0);
        self.end.as_ref().map_or(last, |end| end.at_us)
    }

    /// Whether the scan came to its end uninterrupted.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.end.as_ref().is_some_and(|end| !end.interrupted)
    }
}

/// What was recorded so far as a transcript, for the readers that probes ask.
pub(crate) fn partial(exchanges: Vec<Exchange>, skips: Vec<Skip>) -> Transcript {
    let header = Header {
        format: FORMAT,
        tool: Tool::this(),
        url: String::new(),
        zone: None,
        label: None,
        profile: Profile::Standard,
        limits: Limits::of(Profile::Standard),
        insecure: false,
        proxy: None,
        operator_headers: Vec::new(),
        started_at: String::new(),
    };
    Transcript { header, exchanges, skips, end: None }
}
