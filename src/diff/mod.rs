//! Two reports of the same targets: what is fixed, new, worse, better, unchanged, and what does not compare.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod markdown;
mod scores;
pub mod table;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::baseline::{Mark, Seen, same_url};
use crate::facts::Kind;
use crate::protocol::host::{portless, shown};
use crate::report::json::v1::{JsonFinding, JsonReport, JsonRubric};
use crate::rubric::stamp;
use crate::verdict::{Dimension, Severity, Status};

pub use scores::{CapChange, Moved, Movement, Scores};

/// Version of the shape of a comparison.
pub const SCHEMA_VERSION: u32 = 1;

/// A comparison. Fields may be added, never renamed or removed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "agentgauge diff")]
pub struct Diff {
    /// Version of this shape: 1.
    pub schema_version: u32,
    /// One for each target that is in both reports, in the order of the later one.
    pub targets: Vec<TargetDiff>,
    /// Targets of the earlier report that the later one has not.
    pub only_old: Vec<String>,
    /// Targets of the later report that the earlier one has not.
    pub only_new: Vec<String>,
}

/// The comparison of one target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TargetDiff {
    /// Its URL in the later report.
    pub url: String,
    /// Its label in the later report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What should be known before reading on: another rubric, profile, kind of endpoint, URL or label.
    pub notes: Vec<String>,
    /// Why the comparison shows less than the two reports could: an interrupted scan, or too little that was
    /// judged now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<String>,
    /// Whether too little was judged to say that nothing is new or worse.
    #[serde(default)]
    pub inconclusive: bool,
    /// Kind of the endpoint in the later report.
    pub kind: Kind,
    /// The scores.
    pub scores: Scores,
    /// Every check of either report that is not unchanged.
    pub changes: Vec<Change>,
    /// How many checks are unchanged.
    pub unchanged: usize,
}

/// A check that is not unchanged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// Id of the check.
    pub check: String,
    /// The dimension it counts in.
    pub dimension: Dimension,
    /// What happened.
    pub change: ChangeKind,
    /// Status before; null where the earlier report has no such check.
    pub old: Option<Status>,
    /// Status now; null where the later report has no such check.
    pub new: Option<Status>,
    /// The harm now, or before where it is fixed.
    pub severity: Severity,
    /// What it says now, or why it does not compare. May quote remote text.
    pub message: String,
}

/// What happened to a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It was sound and is found now.
    New,
    /// It warned and fails now, or does more harm.
    Worse,
    /// It failed and warns now, or does less harm.
    Better,
    /// It was found and is sound now.
    Fixed,
    /// One side was not decided, or does not have the check.
    NotComparable,
}

impl ChangeKind {
    /// All of them, worst first.
    pub const ALL: [Self; 5] = [Self::New, Self::Worse, Self::Better, Self::Fixed, Self::NotComparable];

    /// The word.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::New => "New",
            Self::Worse => "Worse",
            Self::Better => "Better",
            Self::Fixed => "Fixed",
            Self::NotComparable => "Not comparable",
        }
    }
}

/// Two reports that cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the reports have no target in common: {old} is about {olds}, {new} about {news}")]
pub struct DiffError {
    old: String,
    olds: String,
    new: String,
    news: String,
}

impl Diff {
    /// Compares two reports, each with its name for messages.
    ///
    /// # Errors
    /// They have no target in common.
    pub fn of(old: (&str, &[JsonReport]), new: (&str, &[JsonReport])) -> Result<Self, DiffError> {
        let mut diff = Self {
            schema_version: SCHEMA_VERSION,
            targets: Vec::new(),
            only_old: Vec::new(),
            only_new: Vec::new(),
        };
        let (pairs, rest) = pairs(old.1, new.1);
        for (after, before) in new.1.iter().zip(pairs) {
            match before {
                Some(before) => diff.targets.push(TargetDiff::of(before, after)),
                None => diff.only_new.push(name(after)),
            }
        }
        diff.only_old = rest.into_iter().map(name).collect();
        if diff.targets.is_empty() {
            let names = |reports: &[JsonReport]| reports.iter().map(name).collect::<Vec<_>>().join(", ");
            let (olds, news) = (names(old.1), names(new.1));
            return Err(DiffError { old: old.0.to_owned(), olds, new: new.0.to_owned(), news });
        }
        Ok(diff)
    }

    /// Whether anything became worse.
    #[must_use]
    pub fn regressed(&self) -> bool {
        let worse = |change: &Change| matches!(change.change, ChangeKind::New | ChangeKind::Worse);
        self.targets.iter().any(|target| target.changes.iter().any(worse))
    }

    /// Whether nothing at all differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.only_old.is_empty()
            && self.only_new.is_empty()
            && self.targets.iter().all(|target| {
                target.changes.is_empty() && target.notes.is_empty() && target.scores.is_still()
            })
    }

    /// How many changes of a kind there are.
    #[must_use]
    pub fn count(&self, kind: ChangeKind) -> usize {
        self.targets.iter().flat_map(|target| &target.changes).filter(|change| change.change == kind).count()
    }
}

/// The earlier report of each later one, and the earlier ones that are left: all of the same URL and label
/// first, then of what is left the same URL, then the same label, then the same URL on whatever port of this
/// machine.
fn pairs<'r>(
    old: &'r [JsonReport],
    new: &[JsonReport],
) -> (Vec<Option<&'r JsonReport>>, Vec<&'r JsonReport>) {
    type Rule<'a> = &'a dyn Fn(&JsonReport, &JsonReport) -> bool;
    let url = |a: &JsonReport, b: &JsonReport| same_url(&a.target.url, &b.target.url);
    let label = |a: &JsonReport, b: &JsonReport| a.target.label == b.target.label;
    let port = |a: &JsonReport, b: &JsonReport| {
        let unnamed = a.target.label.is_none() && b.target.label.is_none();
        unnamed && same_url(&portless(&a.target.url), &portless(&b.target.url))
    };
    let rules: [Rule<'_>; 4] =
        [&|a, b| url(a, b) && label(a, b), &url, &|a, b| a.target.label.is_some() && label(a, b), &port];
    let mut rest: Vec<&JsonReport> = old.iter().collect();
    let mut pairs = vec![None; new.len()];
    for rule in rules {
        for (pair, after) in pairs.iter_mut().zip(new).filter(|(pair, _)| pair.is_none()) {
            *pair = rest.iter().position(|before| rule(before, after)).map(|at| rest.remove(at));
        }
    }
    (pairs, rest)
}

fn name(report: &JsonReport) -> String {
    report.target.label.clone().unwrap_or_else(|| report.target.url.clone())
}

impl TargetDiff {
    /// Compares two reports of one target.
    #[must_use]
    pub fn of(old: &JsonReport, new: &JsonReport) -> Self {
        let mut changes = Vec::new();
        let mut unchanged = 0_usize;
        for after in &new.findings {
            let before = old.findings.iter().find(|before| before.check == after.check);
            match change(before, after, old.classification.kind, new.classification.kind) {
                Some(change) => changes.push(change),
                None => unchanged = unchanged.saturating_add(1),
            }
        }
        for before in &old.findings {
            if !new.findings.iter().any(|after| after.check == before.check) {
                changes.push(Change {
                    old: Some(before.status),
                    new: None,
                    ..row(before, ChangeKind::NotComparable, "the later report has no such check".to_owned())
                });
            }
        }
        let missed = missed(old, new);
        changes.sort_by_key(|change| (change.change, std::cmp::Reverse(change.severity)));
        Self {
            url: new.target.url.clone(),
            label: new.target.label.clone(),
            notes: notes(old, new),
            inconclusive: !missed.is_empty(),
            doubts: interrupted(old, new).chain(missed).collect(),
            kind: new.classification.kind,
            scores: Scores::of(old, new),
            changes,
            unchanged,
        }
    }
}

fn row(finding: &JsonFinding, change: ChangeKind, message: String) -> Change {
    Change {
        check: finding.check.clone(),
        dimension: finding.dimension,
        change,
        old: None,
        new: None,
        severity: finding.severity,
        message,
    }
}

fn change(before: Option<&JsonFinding>, after: &JsonFinding, was: Kind, is: Kind) -> Option<Change> {
    let Some(before) = before else {
        let message = "the earlier report has no such check".to_owned();
        return Some(Change { new: Some(after.status), ..row(after, ChangeKind::NotComparable, message) });
    };
    let both = |change: Change| Some(Change { old: Some(before.status), new: Some(after.status), ..change });
    let seen = (Seen::of(before.status, was), Seen::of(after.status, is));
    // What a repetition may show or not is no change, whichever side it is on.
    let unstable = before.unstable || after.unstable;
    let harm = |found: Mark, finding: &JsonFinding| (found, finding.severity);
    match seen {
        (Seen::Undecided, Seen::Undecided) => None,
        (Seen::Undecided, _) => {
            both(row(after, ChangeKind::NotComparable, format!("was not decided before: {}", before.message)))
        }
        (_, Seen::Undecided) => {
            both(row(after, ChangeKind::NotComparable, format!("is not decided now: {}", after.message)))
        }
        _ if unstable => None,
        (Seen::Sound, Seen::Sound) => None,
        (Seen::Sound, Seen::Found(_)) => both(row(after, ChangeKind::New, after.message.clone())),
        (Seen::Found(_), Seen::Sound) => {
            both(Change { severity: before.severity, ..row(after, ChangeKind::Fixed, after.message.clone()) })
        }
        (Seen::Found(b), Seen::Found(a)) => match harm(a, after).cmp(&harm(b, before)) {
            std::cmp::Ordering::Greater => both(row(after, ChangeKind::Worse, after.message.clone())),
            std::cmp::Ordering::Less => both(row(after, ChangeKind::Better, after.message.clone())),
            std::cmp::Ordering::Equal => None,
        },
    }
}

/// Scans that did not come to their end.
fn interrupted<'r>(old: &'r JsonReport, new: &'r JsonReport) -> impl Iterator<Item = String> + 'r {
    [("earlier", old), ("later", new)]
        .into_iter()
        .filter(|(_, report)| !report.transcript.complete)
        .map(|(which, _)| format!("the scan of the {which} report was interrupted: not everything was seen"))
}

/// Why it cannot be said that nothing became worse: the same that withholds a score from a gate.
fn missed(old: &JsonReport, new: &JsonReport) -> Vec<String> {
    let seen = |finding: &JsonFinding, kind: Kind| Seen::of(finding.status, kind) != Seen::Undecided;
    let then = |after: &JsonFinding| {
        let before = old.findings.iter().find(|before| before.check == after.check);
        before.filter(|before| seen(before, old.classification.kind))
    };
    let judged = |finding: &JsonFinding| matches!(finding.status, Status::Pass | Status::Warn | Status::Fail);
    let mut both = new.findings.iter().filter(|after| seen(after, new.classification.kind));
    if !both.any(|after| then(after).is_some_and(|before| judged(before) || judged(after))) {
        return vec!["no check was judged on both sides".to_owned()];
    }
    let mut missed = Vec::new();
    for (dimension, before) in &old.score.dimensions {
        let now = new.score.dimensions.get(dimension);
        if before.value.is_some() && now.is_some_and(|now| now.value.is_none()) {
            missed.push(format!("{dimension} had a score before, and too little of it is judged now"));
        }
    }
    let lost = |after: &&JsonFinding| !seen(after, new.classification.kind) && then(after).is_some();
    let lost = new.findings.iter().filter(lost).count();
    if missed.is_empty() && !new.transcript.complete && lost > 0 {
        missed.push(format!("{lost} checks that were judged before were not reached"));
    }
    missed
}

/// What differs beside the findings.
fn notes(old: &JsonReport, new: &JsonReport) -> Vec<String> {
    let mut notes = Vec::new();
    let mut differs = |what: &str, before: &str, after: &str| {
        if before != after {
            notes.push(format!("{what}: {before} before, {after} now"));
        }
    };
    let none = "none";
    let label = |report: &JsonReport| report.target.label.clone().unwrap_or_else(|| none.to_owned());
    differs("label", &label(old), &label(new));
    if !same_url(&old.target.url, &new.target.url) {
        differs("URL", &shown(&old.target.url), &shown(&new.target.url));
    }
    differs("kind", &word(old.classification.kind), &word(new.classification.kind));
    differs("profile", old.profile.as_str(), new.profile.as_str());
    differs("agentgauge", &old.tool.version, &new.tool.version);
    if old.rubric.sha256 != new.rubric.sha256 {
        let stamp = |of: &JsonRubric| stamp(&of.id, &of.version, &of.sha256);
        let (before, now) = (stamp(&old.rubric), stamp(&new.rubric));
        notes.push(format!("rubric: {before} before, {now} now, so scores do not compare"));
    }
    notes
}

fn word(kind: Kind) -> String {
    // A plain word by its derive.
    serde_json::to_value(kind).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
