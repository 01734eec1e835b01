//! What a check is: metadata beside one pure function, as data.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use crate::facts::{Facts, Scope};
use crate::protocol::revision::Era;
use crate::protocol::transport::Transport;
use crate::transcript::{Expectation, ProbeId};
use crate::verdict::{Cause, Dimension, Judgement, Level, Severity};

/// One rule: what it asks, why, where it is written, and how it is judged.
#[derive(Debug)]
pub struct Check {
    /// Stable kebab-case id; the file name with underscores. Public contract, never reused.
    pub id: &'static str,
    /// A statement that is true when the check passes.
    pub title: &'static str,
    /// The dimension it counts in.
    pub dimension: Dimension,
    /// The highest harm; a verdict may lower it.
    pub severity: Severity,
    /// The strongest keyword that binds the server.
    pub level: Level,
    /// Where it applies.
    pub applies: Applies,
    /// Which exchanges it may look at.
    pub reads: Reads,
    /// Where the rule is written.
    pub basis: &'static [Basis],
    /// Why an agent cares, two sentences.
    pub rationale: &'static str,
    /// What to change, with one concrete example.
    pub remediation: &'static str,
    /// Why it can warn or fail, where that makes a difference, the worst first.
    pub causes: &'static [Cause],
    /// How it is checked, in words.
    pub how: How,
    /// The judgement.
    pub judge: fn(&Facts<'_>) -> Judgement,
}

/// How a check comes to its verdict, in words: what a page of documentation says. What is between backticks
/// is code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct How {
    /// What is sent for it, or read of what others sent.
    pub sent: &'static str,
    /// What passes.
    pub passes: &'static str,
    /// What warns; empty if nothing does.
    pub warns: &'static str,
    /// What fails; empty if nothing does.
    pub fails: &'static str,
}

/// A source of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Basis {
    /// Document, revision and section in words.
    pub title: &'static str,
    /// Where to read it.
    pub url: &'static str,
}

/// Where a check applies. Everything else is not applicable, with the reason.
#[derive(Clone, Copy, Debug)]
pub struct Applies {
    /// Transports it speaks of; empty means any, and also endpoints of unknown kind.
    pub transports: &'static [Transport],
    /// The era it speaks of, if only one.
    pub era: Option<Era>,
    /// Whether it speaks of JSON-RPC: a plain WebSocket or feed is never judged by it.
    pub mcp: bool,
    /// What becomes of it on an endpoint that demands a credential we do not have.
    pub gated: Gated,
}

/// What becomes of a check behind authentication, without a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gated {
    /// Still judged.
    Judged,
    /// Inconclusive: it applies, but cannot be seen.
    Hidden,
    /// Not applicable: its feature has not been seen behind the gate.
    Unseen,
}

impl Applies {
    /// Any endpoint that was reached, of whatever kind, gated or not.
    pub const ANYWHERE: Self = Self { transports: &[], era: None, mcp: false, gated: Gated::Judged };

    /// These transports, every era, MCP or not.
    #[must_use]
    pub const fn to(transports: &'static [Transport], gated: Gated) -> Self {
        Self { transports, era: None, mcp: false, gated }
    }

    /// MCP over these transports, every era.
    #[must_use]
    pub const fn mcp(transports: &'static [Transport], gated: Gated) -> Self {
        Self { transports, era: None, mcp: true, gated }
    }

    /// The modern era of Streamable HTTP.
    pub const MODERN: Self = Self {
        transports: &[Transport::StreamableHttp],
        era: Some(Era::Modern),
        mcp: true,
        gated: Gated::Unseen,
    };

    /// The legacy era of Streamable HTTP.
    pub const LEGACY: Self = Self {
        transports: &[Transport::StreamableHttp],
        era: Some(Era::Legacy),
        mcp: true,
        gated: Gated::Unseen,
    };
}

/// Which exchanges a check may look at: named probes, or every exchange of an expectation.
/// Classification is open to all.
#[derive(Clone, Copy, Debug)]
pub enum Reads {
    /// Those of these probes.
    Of(&'static [ProbeId]),
    /// Every exchange with this expectation.
    Every(Expectation),
    /// Every exchange.
    All,
}

impl Check {
    /// Whether it looks at what this probe sent.
    #[must_use]
    pub fn looks_at(&self, probe: ProbeId) -> bool {
        match self.reads {
            Reads::Of(probes) => probes.contains(&probe),
            Reads::Every(_) | Reads::All => true,
        }
    }

    /// Whether a verdict of it may have this cause.
    #[must_use]
    pub fn declares(&self, word: &str) -> bool {
        self.causes.iter().any(|cause| cause.word == word)
    }
}

impl From<Reads> for Scope {
    fn from(reads: Reads) -> Self {
        match reads {
            Reads::Of(probes) => Self::Probes(probes),
            Reads::Every(expectation) => Self::Every(expectation),
            Reads::All => Self::All,
        }
    }
}
