//! The report: everything that renderers show, in memory, and one renderer per file.
//!
//! A renderer is a pure function of the [`Report`]: same transcript, rubric and gates, same bytes.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod badge;
pub mod catalogue;
pub mod conversations;
mod doubts;
pub mod format;
pub mod github;
pub mod gitlab;
pub mod html;
pub mod json;
pub mod jsonl;
pub mod junit;
pub mod key;
pub mod markdown;
pub mod reproduce;
pub mod sarif;
pub mod sink;
mod standing;
#[cfg(test)]
mod strict;
pub mod table;
#[cfg(test)]
mod tests;
pub mod text;
pub mod timeline;

use crate::baseline::Standing;
use crate::clients::Client;
use crate::exit::Exit;
use crate::facts::Classification;
use crate::facts::arrivals::KeepAlive;
use crate::facts::delivery::Delivery;
use crate::facts::era_guess::EraGuess;
use crate::facts::latency::Latency;
use crate::facts::resume::Resume;
use crate::facts::summary::Footprint;
use crate::facts::troubles::{FailureCount, LimitHit};
use crate::finding::Finding;
use crate::gate::GateOutcome;
use crate::protocol::host;
use crate::rubric::Policy;
use crate::score::Score;
use crate::transcript::{Profile, Tls, Tool};
use crate::verdict::{Dimension, Status};
use timeline::Timeline;

/// The line of a repository file that names the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedAt {
    /// Path relative to the repository, with `/`.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
}

/// One judged target.
#[derive(Clone, Debug)]
pub struct Report {
    /// The program that judged.
    pub tool: Tool,
    /// The rubric that weighed.
    pub rubric: RubricStamp,
    /// The transcript that was judged.
    pub transcript: TranscriptStamp,
    /// Which probes ran.
    pub profile: Profile,
    /// When the scan began, RFC 3339 UTC.
    pub started_at: String,
    /// Length of the scan, milliseconds.
    pub duration_ms: u64,
    /// The URL the user typed, masked.
    pub url: String,
    /// A name the user gave the target.
    pub label: Option<String>,
    /// The line of a repository file that names the target, where the user said so.
    pub named_at: Option<NamedAt>,
    /// Whether certificate faults were ignored.
    pub insecure: bool,
    /// The proxy that every connection went through, `http://host:port`.
    pub proxy: Option<String>,
    /// What speaks there.
    pub classification: Classification,
    /// What era may be behind authentication, where hints say something. Nothing is judged by it.
    pub era_guess: Option<EraGuess>,
    /// What was sent to find that out, for endpoints that are described and not scored.
    pub tried: Vec<Tried>,
    /// The score.
    pub score: Score,
    /// Who can use it, by family of clients; empty where no client could be meant.
    pub clients: Vec<Client>,
    /// The gates.
    pub gate: GateOutcome,
    /// How the run ended for this target.
    pub exit: Exit,
    /// Every check of the registry, in registry order.
    pub findings: Vec<ReportFinding>,
    /// Indices into `findings` of at most three that gain most, best first.
    pub fixes: Vec<usize>,
    /// What passes of all of `fixes` together would add to the overall score.
    pub fixes_gain: f64,
    /// Keep-alives of the idle stream, if one was watched.
    pub keep_alive: Option<KeepAlive>,
    /// How dropped streams resumed, if that was tried.
    pub resume: Option<Resume>,
    /// How streams were delivered, if there was one.
    pub delivery: Option<Delivery>,
    /// Latency of the calls that `ops-latency` judges, if there were enough.
    pub latency: Option<Latency>,
    /// The TLS handshake, if there was one.
    pub tls: Option<Tls>,
    /// The limits of ours that the scan hit, by name.
    pub limits_hit: Vec<LimitHit>,
    /// The failures below the application, by phase and kind.
    pub failures: Vec<FailureCount>,
    /// What the scan cost the target.
    pub footprint: Footprint,
    /// What happened when.
    pub timeline: Timeline,
}

/// Checks of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rows {
    /// That apply to the endpoint, as far as it was seen.
    pub apply: usize,
    /// That were judged.
    pub judged: usize,
}

/// What no scan asks, whatever its profile: the figures above say nothing of it.
pub const NEVER_ASKED: [&str; 4] = ["tool calls", "sign-in", "load", "other people's data"];

impl Rows {
    /// In words.
    #[must_use]
    pub fn words(self) -> String {
        format!(
            "{} of {} checks that apply here · never asked: {}",
            self.judged,
            self.apply,
            NEVER_ASKED.join(", ")
        )
    }
}

/// Which rubric weighed.
#[derive(Clone, Debug, PartialEq)]
pub struct RubricStamp {
    /// Name.
    pub id: String,
    /// Version.
    pub version: String,
    /// SHA-256 of its text.
    pub sha256: String,
    /// Its policy, for the printed arithmetic.
    pub policy: Policy,
}

/// Which transcript was judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TranscriptStamp {
    /// SHA-256 of its encoded form.
    pub sha256: String,
    /// Whether the scan came to its end uninterrupted.
    pub complete: bool,
}

/// A request of the classification and its outcome, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// The exchange.
    pub exchange: u32,
    /// What was sent. Escape at the sink.
    pub what: String,
    /// What came back. Escape at the sink.
    pub outcome: String,
}

/// A finding with its weight.
#[derive(Clone, Debug)]
pub struct ReportFinding {
    /// The finding.
    pub finding: Finding,
    /// The area of the catalogue its check is registered in.
    pub area: &'static str,
    /// Its points in the rubric; `None` if unscored.
    pub points: Option<u32>,
    /// What a pass of it alone would add to the overall score; 0 where that is withheld.
    pub gain: f64,
    /// A command for each piece of evidence, where one can say it.
    pub reproduce: Vec<Option<String>>,
}

impl ReportFinding {
    /// What every format adds to the message of a finding that is not sure to come again, with a space
    /// before it; empty for the others.
    #[must_use]
    pub const fn remark(&self) -> &'static str {
        if self.finding.unstable { " (a repetition may turn out differently)" } else { "" }
    }
}

impl Report {
    /// The URL as a person is shown it. Escape at the sink.
    #[must_use]
    pub fn shown_url(&self) -> String {
        host::shown(&self.url)
    }

    /// The label, or else the URL as a person is shown it. Escape at the sink.
    #[must_use]
    pub fn name(&self) -> String {
        self.label.clone().unwrap_or_else(|| self.shown_url())
    }

    /// Why nothing follows from what was not found, where that is so: nothing could be judged, the score is
    /// withheld, or the scan ended early. "Nothing found" and "nothing seen" must not look alike.
    #[must_use]
    pub fn unjudged(&self) -> Option<String> {
        match (self.exit, &self.score.withheld) {
            (Exit::NothingToJudge, _) => {
                Some(format!("nothing could be judged: {}", self.classification.reason))
            }
            (_, Some(why)) => Some(format!("no score: {why}")),
            (Exit::Ok | Exit::GateFailed, None) => None,
            (_, None) if self.gate.reasons().next().is_some() => {
                Some(self.gate.reasons().collect::<Vec<_>>().join("; "))
            }
            (_, None) => Some("the scan was cut short".to_owned()),
        }
    }

    /// How many checks apply, and how many of them were judged.
    #[must_use]
    pub fn rows(&self) -> Rows {
        let all = || self.findings.iter().map(|row| row.finding.status);
        let apply = all().filter(|status| *status != Status::NotApplicable);
        let judged = all().filter(|status| !status.undecided() && *status != Status::NotApplicable);
        Rows { apply: apply.count(), judged: judged.count() }
    }

    /// Whether the baseline lists this finding, as debt or as accepted: known, and no news to anybody.
    #[must_use]
    pub fn listed(&self, row: &ReportFinding) -> bool {
        let standing = self.gate.standings.get(row.finding.check.id);
        matches!(standing, Some(Standing::Known | Standing::Accepted))
    }

    /// The dimensions of the rubric in which nothing applies.
    pub fn dropped(&self) -> impl Iterator<Item = Dimension> {
        Dimension::ALL.into_iter().filter(|dimension| {
            !self.score.dimensions.is_empty() && !self.score.dimensions.contains_key(dimension)
        })
    }
}
