//! What makes a run fail: scores, coverage, single findings, a drop against an earlier report, and what is
//! not in the baseline. Every reason names the finding that caused it.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use crate::baseline::{Baseline, Row, Scanned, Standing};
use crate::facts::Kind;
use crate::finding::Finding;
use crate::protocol::host;
use crate::score::{Score, reaches, tenths};
use crate::verdict::{Dimension, Severity, Status};

/// What the user asked for. Values are percent, 0 to 100.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gates {
    /// Least overall score.
    pub min_score: Option<f64>,
    /// Least score of single dimensions.
    pub min: Vec<(Dimension, f64)>,
    /// Least overall coverage.
    pub min_coverage: Option<f64>,
    /// The harm from which on a warning or failure fails the run.
    pub fail_on: Option<Severity>,
    /// Ids of checks that must pass.
    pub require: Vec<String>,
    /// How far the score may fall.
    pub max_drop: Option<MaxDrop>,
    /// What may go on being found.
    pub baseline: Option<Baseline>,
}

/// How far the score may fall.
#[derive(Clone, Debug, PartialEq)]
pub struct MaxDrop {
    /// In percent points.
    pub most: f64,
    /// Name of the earlier report's file.
    pub name: String,
    /// The earlier scores.
    pub earlier: Vec<Earlier>,
}

/// An earlier score.
#[derive(Clone, Debug, PartialEq)]
pub struct Earlier {
    /// The URL, masked.
    pub url: String,
    /// The label, if it had one.
    pub label: Option<String>,
    /// The score, if there was one.
    pub value: Option<f64>,
}

impl Gates {
    /// Whether none was given.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { min_score, min, min_coverage, fail_on, require, max_drop, baseline } = self;
        min_score.is_none()
            && min.is_empty()
            && min_coverage.is_none()
            && fail_on.is_none()
            && require.is_empty()
            && max_drop.is_none()
            && baseline.is_none()
    }
}

impl MaxDrop {
    /// The earlier score of a target: of this URL and label, or else the only one of this URL, of this label, or of
    /// this URL on whatever port of this machine. Where several could be meant none is: their scores are of other things.
    #[must_use]
    pub fn of(&self, who: &Scanned<'_>) -> Option<&Earlier> {
        let url = |earlier: &&Earlier| crate::baseline::same_url(&earlier.url, who.url);
        let label = |earlier: &&Earlier| earlier.label.as_deref() == who.label;
        // Whoever has a name is known by it: a port that may be any does not make it another.
        let unnamed = |earlier: &&Earlier| earlier.label.is_none() && who.label.is_none();
        let all = || self.earlier.iter();
        // The same target twice in one report: one is as good as the other.
        let exact = all().find(|earlier| url(earlier) && label(earlier));
        exact
            .or_else(|| only(all().filter(url)))
            .or_else(|| only(all().filter(|earlier| earlier.label.is_some() && label(earlier))))
            .or_else(|| {
                only(all().filter(|earlier| unnamed(earlier) && portless_alike(&earlier.url, who.url)))
            })
    }
}

fn portless_alike(a: &str, b: &str) -> bool {
    crate::baseline::same_url(&host::portless(a), &host::portless(b))
}

fn only<T>(mut found: impl Iterator<Item = T>) -> Option<T> {
    let one = found.next()?;
    found.next().is_none().then_some(one)
}

/// What the gates look at.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'r> {
    /// Who was judged.
    pub who: Scanned<'r>,
    /// The score.
    pub score: &'r Score,
    /// Every finding.
    pub findings: &'r [Finding],
    /// Indices of the warnings and failures, what to mend first before the rest.
    pub worst_first: &'r [usize],
}

/// What became of the gates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GateOutcome {
    /// How many gates were asked for.
    pub asked: usize,
    /// Gates that failed, in words. May quote remote text.
    pub failed: Vec<String>,
    /// Gates that could not be judged, in words.
    pub withheld: Vec<String>,
    /// What else the baseline has to say.
    pub notes: Vec<String>,
    /// How each warning and failure stands to the baseline, by check id; empty without one.
    pub standings: BTreeMap<String, Standing>,
}

/// How many findings a reason names.
const NAMED: usize = 2;

impl GateOutcome {
    /// Compares the exact values with the gates; the lower bounds where the endpoint itself kept us from
    /// judging.
    #[must_use]
    pub fn of(judged: &Judged<'_>, gates: &Gates) -> Self {
        let mut outcome = Self::default();
        let score = judged.score;
        let bound = |name: &str| match score.lower_because.first() {
            Some(why) => format!("{name}, by its lower bound because {why},"),
            None => name.to_owned(),
        };
        if let Some(min) = gates.min_score {
            let why = score.withheld.as_deref().unwrap_or("withheld");
            outcome.least(&bound("score"), score.counted(), min, why, || judged.causes(None));
        }
        for (dimension, min) in &gates.min {
            let of = score.dimensions.get(dimension);
            let why = match of {
                Some(_) => "too little of it could be judged",
                None => score.withheld.as_deref().unwrap_or("nothing of it applies here"),
            };
            let value = score.counted_of(*dimension);
            outcome.least(&bound(dimension.as_str()), value, *min, why, || judged.causes(Some(*dimension)));
        }
        if let Some(min) = gates.min_coverage {
            let value = (!score.dimensions.is_empty()).then_some(score.coverage * 100.0);
            let why = score.withheld.as_deref().unwrap_or("nothing applies here");
            outcome.least("coverage", value, min, why, || judged.unseen());
        }
        outcome.max_drop(judged, gates);
        outcome.require(judged, gates);
        outcome.findings(judged, gates);
        // A gate that asks for little is met by little: where nobody was let in, that is no success.
        let quiet = outcome.asked > 0 && outcome.passed();
        outcome.withheld.extend(judged.overlooked().filter(|_| quiet));
        outcome
    }

    fn least(&mut self, what: &str, value: Option<f64>, min: f64, why: &str, causes: impl Fn() -> String) {
        self.asked = self.asked.saturating_add(1);
        match value {
            Some(value) if reaches(value, min) => {}
            Some(value) => {
                self.failed.push(format!("{what} {} is below {min}{}", tenths(value), causes()));
            }
            None => self.withheld.push(format!("{what} is withheld: {why}")),
        }
    }

    fn max_drop(&mut self, judged: &Judged<'_>, gates: &Gates) {
        let Some(drop) = &gates.max_drop else { return };
        self.asked = self.asked.saturating_add(1);
        let why = judged.score.withheld.as_deref().unwrap_or("withheld");
        match (drop.of(&judged.who), judged.score.counted()) {
            (None, _) => self.withheld.push(format!("{} has no score of this target", drop.name)),
            (Some(Earlier { value: None, .. }), _) => {
                self.withheld.push(format!("the score in {} was withheld", drop.name));
            }
            (_, None) => self.withheld.push(format!("score is withheld: {why}")),
            (Some(Earlier { value: Some(before), .. }), Some(now)) => {
                if !reaches(now, before - drop.most) {
                    self.failed.push(format!(
                        "score {} is more than {} below the {} of {}{}",
                        tenths(now),
                        drop.most,
                        tenths(*before),
                        drop.name,
                        judged.causes(None)
                    ));
                }
            }
        }
    }

    fn require(&mut self, judged: &Judged<'_>, gates: &Gates) {
        for id in &gates.require {
            self.asked = self.asked.saturating_add(1);
            let Some(finding) = judged.findings.iter().find(|finding| finding.check.id == id) else {
                self.withheld.push(format!("required {id} was not judged"));
                continue;
            };
            let status = finding.status;
            let text = format!("required {id} {}", state(finding));
            if status == Status::Pass {
            } else if status.undecided() || judged.hidden() {
                self.withheld.push(text);
            } else {
                self.failed.push(text);
            }
        }
    }

    /// Single findings: by harm, and against the baseline.
    fn findings(&mut self, judged: &Judged<'_>, gates: &Gates) {
        if gates.fail_on.is_none() && gates.baseline.is_none() {
            return;
        }
        self.asked = self.asked.saturating_add(usize::from(gates.fail_on.is_some()));
        self.asked = self.asked.saturating_add(usize::from(gates.baseline.is_some()));
        if judged.described() {
            let why = judged.score.withheld.as_deref().unwrap_or("nothing could be judged");
            self.withheld.push(format!("findings are withheld: {why}"));
            return;
        }
        let decided =
            |finding: &Finding| matches!(finding.status, Status::Pass | Status::Warn | Status::Fail);
        if !judged.findings.iter().any(decided) {
            self.withheld.push("findings are withheld: no check could be judged".to_owned());
            return;
        }
        // What was found still counts; that nothing more was found does not.
        if let Some(why) = judged.overlooked() {
            self.withheld.push(format!("findings are withheld: {why}"));
        }
        let Some(baseline) = &gates.baseline else {
            let found = judged.worst_first.iter().filter_map(|index| judged.findings.get(*index));
            for finding in found.filter(|finding| Some(finding.severity) >= gates.fail_on) {
                self.failed.push(format!("{} {}", finding.check.id, state(finding)));
            }
            return;
        };
        let rows: Vec<Row<'_>> = judged.findings.iter().map(Row::from).collect();
        let known: Vec<&str> = judged.findings.iter().map(|finding| finding.check.id).collect();
        let held = baseline.hold(&judged.who, &rows, &known, gates.fail_on);
        self.failed.extend(held.entries);
        self.failed.extend(held.worse);
        self.notes = held.notes;
        self.standings = held.standings;
    }

    /// Whether every gate was judged and passed; true where none was asked for.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.failed.is_empty() && self.withheld.is_empty()
    }

    /// Why it did not pass; failures first.
    pub fn reasons(&self) -> impl Iterator<Item = &str> {
        self.failed.iter().chain(&self.withheld).map(String::as_str)
    }
}

impl Judged<'_> {
    /// Endpoints that are described, not scored: their findings say nothing.
    fn described(&self) -> bool {
        matches!(self.who.kind, Kind::None | Kind::Unreachable | Kind::Websocket)
    }

    /// Why the absence of findings says nothing, where that is so: the endpoint let us not in, or too little of
    /// it was judged for a score. Where checks were left out on request, that is no reason.
    fn overlooked(&self) -> Option<String> {
        let picked = self.findings.iter().any(|finding| finding.status == Status::Skipped);
        let withheld = self.score.withheld.as_deref().filter(|_| self.score.value.is_none() && !picked);
        match (self.who.kind.refuses(), withheld) {
            (true, _) => Some(format!("the endpoint is {}", self.who.kind.words())),
            (false, Some(why)) => Some(format!("no score: {why}")),
            (false, None) => None,
        }
    }

    /// Whether "not applicable" may only mean that it was not seen.
    fn hidden(&self) -> bool {
        self.described() || self.who.kind.refuses()
    }

    /// The findings that cost most, of one dimension or of all.
    fn causes(&self, dimension: Option<Dimension>) -> String {
        let found = self.worst_first.iter().filter_map(|index| self.findings.get(*index));
        let found = found.filter(|finding| dimension.is_none_or(|of| finding.check.dimension == of));
        list(": ", found.map(|finding| format!("{} {}", finding.check.id, finding.status.as_str())))
    }

    fn unseen(&self) -> String {
        let unseen = self.findings.iter().filter(|finding| finding.status.undecided());
        list(": not seen ", unseen.map(|finding| finding.check.id.to_owned()))
    }
}

/// The first few, and how many more.
fn list(before: &str, items: impl Iterator<Item = String>) -> String {
    let mut items: Vec<String> = items.collect();
    let more = items.len().saturating_sub(NAMED);
    items.truncate(NAMED);
    match (items.is_empty(), more) {
        (true, _) => String::new(),
        (false, 0) => format!("{before}{}", items.join(", ")),
        (false, more) => format!("{before}{} and {more} more", items.join(", ")),
    }
}

/// What became of a check, with the start of what it says.
fn state(finding: &Finding) -> String {
    const LONGEST: usize = 120;
    let message = match finding.message.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", finding.message.get(..end).unwrap_or_default()),
        None => finding.message.clone(),
    };
    match finding.status {
        Status::Warn | Status::Fail => {
            format!("{} ({}): {message}", finding.status.as_str(), finding.severity.as_str())
        }
        Status::NotApplicable => format!("does not apply: {message}"),
        Status::Info => format!("is only noted: {message}"),
        Status::Skipped => format!("is skipped: {message}"),
        _ => format!("{}: {message}", finding.status.as_str()),
    }
}

#[cfg(test)]
mod tests;
