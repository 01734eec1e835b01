//! What a check is: metadata beside one pure function, as data.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::facts::{Facts, Kind, Readings, Scope};
use crate::finding::{Dimension, Finding, Judgement, Level, Severity, Status, Undecided};
use crate::protocol::revision::Era;
use crate::protocol::transport::Transport;
use crate::transcript::{Expectation, ProbeId};

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
    /// What becomes of it on an endpoint that demands a credential we do not have (CHECKS.md 7).
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
    /// The area of the catalogue the check belongs to, from its registration.
    #[must_use]
    pub fn area(&self) -> &'static str {
        crate::checks::area_of(self.id)
    }

    /// Runs the check on one transcript. Tests `applies` first, so that no check repeats it; a panic
    /// in `judge` is [`Status::Error`] for this check alone.
    #[must_use]
    pub fn run(&'static self, readings: &Readings<'_>) -> Finding {
        let judgement = match self.excluded(readings) {
            Some(undecided) => Ok(Err(undecided)),
            None => {
                let facts = Facts::scoped(readings, Scope::from(self.reads));
                catch_unwind(AssertUnwindSafe(|| (self.judge)(&facts)))
            }
        };
        let (status, message, evidence, severity, unstable) = match judgement {
            Ok(Ok(verdict)) => {
                let highest = verdict.severity.unwrap_or(self.severity).min(self.severity);
                let severity = match verdict.status {
                    Status::Warn if verdict.severity.is_none() => highest.lower(),
                    Status::Info => Severity::Info,
                    _ => highest,
                };
                (verdict.status, verdict.message, verdict.evidence, severity, verdict.unstable)
            }
            Ok(Err(Undecided::NotApplicable(reason))) => {
                (Status::NotApplicable, reason, Vec::new(), self.severity, false)
            }
            Ok(Err(Undecided::Inconclusive(reason))) => {
                (Status::Inconclusive, reason, Vec::new(), self.severity, false)
            }
            Err(_) => (
                Status::Error,
                "this check crashed: a bug of agentgauge, please report it with the transcript".to_owned(),
                Vec::new(),
                self.severity,
                false,
            ),
        };
        Finding { check: self, status, message, severity, evidence, unstable }
    }

    fn excluded(&self, readings: &Readings<'_>) -> Option<Undecided> {
        let class = readings.classification();
        let not_applicable = |reason: String| Some(Undecided::NotApplicable(reason));
        let inconclusive = |reason: String| Some(Undecided::Inconclusive(reason));
        match class.kind {
            // Only what the connection itself showed can still be judged.
            Kind::Unreachable | Kind::Blocked if self.applies.transports.is_empty() => None,
            Kind::Unreachable => inconclusive(format!("the endpoint could not be reached: {}", class.reason)),
            Kind::Blocked => inconclusive(format!("our requests are refused: {}", class.reason)),
            Kind::None if self.applies.transports.is_empty() => None,
            Kind::None => not_applicable("nothing an agent could use was found here".to_owned()),
            Kind::AuthGated => match self.applies.gated {
                Gated::Judged => None,
                Gated::Hidden if class.credential_refused => {
                    inconclusive("behind authentication, and the credential was refused".to_owned())
                }
                Gated::Hidden => {
                    inconclusive("behind authentication, and no credential was given".to_owned())
                }
                Gated::Unseen => not_applicable("not seen: the endpoint is behind authentication".to_owned()),
            },
            _ => {
                let transports = self.applies.transports;
                if !transports.is_empty() && !class.transports.iter().any(|found| transports.contains(found))
                {
                    let names: Vec<&str> = transports.iter().map(|transport| transport.as_str()).collect();
                    return not_applicable(format!("only for {}", names.join(", ")));
                }
                if self.applies.mcp && matches!(class.kind, Kind::EventStream | Kind::Websocket) {
                    return not_applicable("only for MCP endpoints".to_owned());
                }
                match self.applies.era {
                    Some(era) if !class.eras.contains(&era) => {
                        not_applicable(format!("only for the {era} era, which this endpoint does not speak"))
                    }
                    _ => None,
                }
            }
        }
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
