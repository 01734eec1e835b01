//! How checks are weighed: TOML that may only refer to check ids. The score is data.
//!
//! A rubric names points per check, weights of the dimensions, caps, grades and the policy of
//! coverage. A check's dimension lives in the check, so there is one list, not two.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod faults;
mod named;

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use thiserror::Error;
use toml::Spanned;

use crate::verdict::{Dimension, Status};
use faults::Faults;
pub(crate) use faults::{line_of, translate};
pub use named::{BUILT_IN, built_in};

/// The text of the default rubric, as it stands in `rubrics/`.
pub const AGENT_READINESS: &str = include_str!("../rubrics/agent-readiness.toml");

/// Most faults shown at once.
const SHOWN: usize = 8;

/// Most points or weight that one row may carry.
const MOST: u32 = 1_000;

/// A rubric, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Rubric {
    /// Name.
    pub id: String,
    /// Version; any change that can move a score changes it.
    pub version: String,
    /// SHA-256 of the text, hex.
    pub sha256: String,
    /// Credit and coverage.
    pub policy: Policy,
    /// Weight of each dimension that the rubric scores.
    pub dimensions: BTreeMap<Dimension, u32>,
    /// Grades, best first; the last begins at 0.
    pub grades: Vec<Grade>,
    /// What a grade asks beside its lowest value, by its name.
    pub conditions: BTreeMap<String, Conditions>,
    /// Points by check id.
    pub points: BTreeMap<String, u32>,
    /// Ids of checks without points, with the reason.
    pub unscored: BTreeMap<String, String>,
    /// Caps in the order of the text.
    pub caps: Vec<Cap>,
}

/// Credit and coverage.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Share of its points that a warning earns, 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub warn_credit: f64,
    /// Judged points / applicable points, 0 to 1, below which a dimension has no value.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_coverage: f64,
    /// Judged points over all dimensions below which there is no overall value.
    pub min_points: u32,
}

/// A grade and the lowest value that earns it.
#[derive(Clone, Debug, PartialEq)]
pub struct Grade {
    /// Its name.
    pub name: String,
    /// The lowest value, 0 to 100.
    pub from: f64,
}

/// What a grade asks beside its lowest value. Where it is not met, the next grade is the best.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Conditions {
    /// The least value of every dimension, 0 to 100.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 100.0))]
    pub dimension: Option<f64>,
    /// The least value of every area in which something was judged, 0 to 100.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 100.0))]
    pub area: Option<f64>,
    /// Ids of the checks that look at what tools tell a model. Where there are tools, one of these must have
    /// been judged; an empty list says that no check looks at them yet.
    #[serde(default)]
    pub tools_judged_by: Option<Vec<String>>,
}

/// Holds a dimension or the overall score down while a check has a status. A dimension is cut at `max`; the
/// overall score bends: it is at most `max` less half of what the dimensions lost, so that endpoints under one
/// cap still differ.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cap {
    /// Id of the check.
    pub check: String,
    /// The status from which on it holds: `warn` includes `fail`.
    pub on: CapOn,
    /// The cause that the finding must have, of those that the check declares; none: whatever its cause.
    #[serde(default)]
    pub when: Option<String>,
    /// What it holds.
    pub dimension: CapTarget,
    /// The highest value left, 0 to 100.
    #[schemars(range(min = 0, max = 100))]
    pub max: u32,
    /// Why, in a few words that end "capped, because …".
    pub reason: String,
}

/// From which status on a cap holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CapOn {
    /// Warn or fail: otherwise mending a fault half way could lower the score.
    Warn,
    /// Fail.
    Fail,
}

impl Cap {
    /// Whether a finding of this status and cause triggers it.
    #[must_use]
    pub fn holds(&self, status: Status, cause: Option<&str>) -> bool {
        self.on.holds(status) && self.when.as_deref().is_none_or(|when| cause == Some(when))
    }
}

impl CapOn {
    /// Whether a finding of this status triggers it.
    #[must_use]
    pub const fn holds(self, status: Status) -> bool {
        match self {
            Self::Warn => matches!(status, Status::Warn | Status::Fail),
            Self::Fail => matches!(status, Status::Fail),
        }
    }
}

/// What a cap holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum CapTarget {
    /// API quality.
    D2,
    /// Security.
    D7,
    /// Reliability.
    D8,
    /// The overall score.
    #[serde(rename = "overall")]
    Overall,
}

impl CapTarget {
    /// The dimension, unless it is the overall score.
    #[must_use]
    pub const fn dimension(self) -> Option<Dimension> {
        match self {
            Self::D2 => Some(Dimension::D2),
            Self::D7 => Some(Dimension::D7),
            Self::D8 => Some(Dimension::D8),
            Self::Overall => None,
        }
    }
}

impl fmt::Display for CapTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.dimension().map_or("overall", Dimension::as_str))
    }
}

/// What is wrong with a rubric: every fault that was found, in order of lines; shown on one line, the
/// first few of them. The text may quote the rubric: escape at the sink.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct RubricError {
    /// Name of the file, as given.
    pub name: String,
    /// At least one.
    pub faults: Vec<Fault>,
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// Line, from 1, if it has one.
    pub line: Option<usize>,
    /// What is wrong, with a suggestion where there is one.
    pub message: String,
}

impl fmt::Display for RubricError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.name, &self.faults))
    }
}

/// Faults of a file on one line, the first few of them.
pub(crate) fn shown(name: &str, faults: &[Fault]) -> String {
    let mut parts: Vec<String> = faults.iter().take(SHOWN).map(|fault| fault.in_file(name)).collect();
    match faults.len().saturating_sub(SHOWN) {
        0 => {}
        more => parts.push(format!("and {more} more")),
    }
    parts.join("; ")
}

impl Fault {
    /// With the file and the line.
    #[must_use]
    pub fn in_file(&self, name: &str) -> String {
        match self.line {
            Some(line) => format!("{name}:{line}: {}", self.message),
            None => format!("{name}: {}", self.message),
        }
    }
}

/// What a rubric may name: a check, and the causes that its verdicts may have.
pub(crate) struct Known<'k> {
    pub(crate) id: &'k str,
    pub(crate) causes: Vec<&'k str>,
}

/// The text's own shape, with positions.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "agentgauge rubric", rename = "Rubric")]
pub(crate) struct RubricFile {
    /// Name.
    id: String,
    /// Version; any change that can move a score changes it.
    version: String,
    /// Credit and coverage.
    #[schemars(with = "Policy")]
    policy: Spanned<Policy>,
    /// Weight of each scored dimension.
    #[schemars(with = "BTreeMap<Dimension, u32>")]
    dimensions: BTreeMap<Dimension, Spanned<u32>>,
    /// Lowest value, 0 to 100, of each grade; one begins at 0.
    #[schemars(with = "BTreeMap<String, f64>")]
    grades: Spanned<BTreeMap<String, Spanned<f64>>>,
    /// What a grade asks beside its lowest value, by its name.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Conditions>")]
    conditions: BTreeMap<Spanned<String>, Conditions>,
    /// Points by check id.
    #[schemars(with = "BTreeMap<String, u32>")]
    points: BTreeMap<Spanned<String>, Spanned<u32>>,
    /// Why a check has no points, by check id.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    unscored: BTreeMap<Spanned<String>, String>,
    /// Caps.
    #[serde(default)]
    #[schemars(with = "Vec<Cap>")]
    caps: Vec<Spanned<Cap>>,
}

impl Rubric {
    /// The default rubric. Whether it covers the registry is held by `tests/it/drift.rs`.
    #[must_use]
    #[allow(clippy::expect_used, reason = "the text is part of the program, and a test parses it")]
    pub fn default_rubric() -> Self {
        Self::read(AGENT_READINESS, "agent-readiness", None).expect("the shipped rubric is sound")
    }

    /// Reads a rubric and checks it against the registry: every check needs points or a reason for
    /// having none. `name` is how errors call the file.
    ///
    /// # Errors
    /// Every fault, with its line and the nearest known name.
    pub fn parse(text: &str, name: &str) -> Result<Self, RubricError> {
        let causes = |check: &crate::check::Check| check.causes.iter().map(|cause| cause.word).collect();
        let known: Vec<Known<'_>> =
            crate::checks::all().map(|check| Known { id: check.id, causes: causes(check) }).collect();
        Self::read(text, name, Some(&known))
    }

    /// The same against any list of check ids, which declare no causes.
    ///
    /// # Errors
    /// See [`Rubric::parse`].
    pub fn parse_for(text: &str, name: &str, known: &[&str]) -> Result<Self, RubricError> {
        let known: Vec<Known<'_>> = known.iter().map(|id| Known { id, causes: Vec::new() }).collect();
        Self::read(text, name, Some(&known))
    }

    fn read(text: &str, name: &str, known: Option<&[Known<'_>]>) -> Result<Self, RubricError> {
        let error = |faults| RubricError { name: name.to_owned(), faults };
        let file: RubricFile = toml::from_str(text).map_err(|fault| error(vec![translate(text, &fault)]))?;
        let mut faults = Faults { text, found: Vec::new() };
        faults.ranges(&file);
        if let Some(known) = known {
            faults.registry(&file, known);
        }
        if !faults.found.is_empty() {
            faults.found.sort();
            return Err(error(faults.found));
        }
        let mut grades: Vec<Grade> = file
            .grades
            .into_inner()
            .into_iter()
            .map(|(name, from)| Grade { name, from: from.into_inner() })
            .collect();
        grades.sort_by(|a, b| b.from.total_cmp(&a.from));
        Ok(Self {
            id: file.id,
            version: file.version,
            sha256: sha256(text.as_bytes()),
            policy: file.policy.into_inner(),
            dimensions: file.dimensions.into_iter().map(|(key, weight)| (key, weight.into_inner())).collect(),
            grades,
            conditions: file
                .conditions
                .into_iter()
                .map(|(grade, asked)| (grade.into_inner(), asked))
                .collect(),
            points: file
                .points
                .into_iter()
                .map(|(id, points)| (id.into_inner(), points.into_inner()))
                .collect(),
            unscored: file.unscored.into_iter().map(|(id, reason)| (id.into_inner(), reason)).collect(),
            caps: file.caps.into_iter().map(Spanned::into_inner).collect(),
        })
    }

    /// Points of a check; `None` if the rubric does not score it.
    #[must_use]
    pub fn points_of(&self, check: &str) -> Option<u32> {
        self.points.get(check).copied()
    }

    /// The grade of a value, whatever else it asks.
    #[must_use]
    pub fn grade(&self, value: f64) -> Option<&str> {
        self.grades.iter().find(|grade| value >= grade.from).map(|grade| grade.name.as_str())
    }
}

/// SHA-256 as lower-case hex.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A rubric in a message: two of one name and version may differ still.
#[must_use]
pub fn stamp(id: &str, version: &str, sha256: &str) -> String {
    format!("{id} {version} ({}…)", sha256.get(..8).unwrap_or(sha256))
}

/// The known name that is most like `name`, if any is alike.
#[must_use]
pub fn nearest<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    known
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(alike, _)| *alike >= 0.8)
        .max_by(|(a, left), (b, right)| a.total_cmp(b).then_with(|| right.cmp(left)))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r#"id = "small"
version = "1"
[policy]
warn_credit = 0.5
min_coverage = 0.6
min_points = 0
[dimensions]
D2 = 15
[grades]
A = 90
F = 0
[points]
rpc-id-echo = 6
[[caps]]
check = "rpc-id-echo"
on = "fail"
dimension = "D2"
max = 60
reason = "no reply is matched"
"#;
    const KNOWN: [&str; 1] = ["rpc-id-echo"];

    fn error(text: &str) -> String {
        Rubric::parse_for(text, "small.toml", &KNOWN).unwrap_err().to_string()
    }

    #[test]
    fn a_sound_rubric_is_read() {
        let rubric = Rubric::parse_for(SMALL, "small.toml", &KNOWN).unwrap();
        assert_eq!(rubric.points_of("rpc-id-echo"), Some(6));
        assert_eq!(rubric.grade(90.0), Some("A"));
        assert_eq!(rubric.grade(89.9), Some("F"));
        assert_eq!(rubric.sha256, sha256(SMALL.as_bytes()));
    }

    #[test]
    fn the_shipped_rubric_is_read() {
        let rubric = Rubric::default_rubric();
        assert_eq!(rubric.dimensions.values().sum::<u32>(), 40);
        for cap in &rubric.caps {
            assert!(rubric.points.contains_key(&cap.check), "{} has a cap and no points", cap.check);
        }
    }

    #[test]
    fn unknown_names_are_errors_with_line_and_suggestion() {
        let said = error(&SMALL.replace("rpc-id-echo = 6", "rpc-id-ecko = 6"));
        assert!(said.contains("small.toml:13: unknown check `rpc-id-ecko`; did you mean `rpc-id-echo`?"));
        assert!(said.contains("small.toml: check `rpc-id-echo` has no points"), "{said}");
        let said = error(&SMALL.replace("warn_credit", "warn_credits"));
        assert!(said.starts_with("small.toml:4: unknown key `warn_credits`; did you mean `warn_credit`?"));
        let said = error(&SMALL.replace("[grades]", "[grade]"));
        assert!(said.starts_with("small.toml:9: unknown key `grade`; did you mean `grades`?"), "{said}");
        let said = error(&SMALL.replace("check = \"rpc-id-echo\"", "check = \"nothing-like-it\""));
        assert!(said.starts_with("small.toml:14: unknown check `nothing-like-it`"), "{said}");
        let said = error(&SMALL.replace("D2 = 15", "D9 = 15"));
        assert!(said.contains("small.toml:8: ") && said.contains("D9"), "{said}");
    }

    #[test]
    fn a_cause_that_the_check_does_not_declare_is_an_error_with_its_line() {
        let capped = |check: &str, when: &str| {
            let all: String = crate::checks::all().map(|check| format!("{} = 1\n", check.id)).collect();
            let text =
                SMALL.replace("rpc-id-echo = 6\n", &all).replace("D2 = 15", "D2 = 15\nD7 = 12\nD8 = 13");
            let cap = format!("check = \"{check}\"\non = \"fail\"\nwhen = \"{when}\"\n");
            text.replace("check = \"rpc-id-echo\"\non = \"fail\"\n", &cap)
        };
        let rubric = Rubric::parse(&capped("cap-matches-handlers", "tools-refused"), "t.toml").unwrap();
        assert_eq!(rubric.caps[0].when.as_deref(), Some("tools-refused"));
        let text = capped("cap-matches-handlers", "tool-refused");
        let line = text.lines().position(|line| line == "[[caps]]").unwrap() + 1;
        let said = Rubric::parse(&text, "t.toml").unwrap_err().to_string();
        let wanted = format!("t.toml:{line}: unknown cause `tool-refused`; did you mean `tools-refused`?");
        assert!(said.starts_with(&wanted) && said.contains("cap-matches-handlers"), "{said}");
        let said = Rubric::parse(&capped("tls-required", "x"), "t.toml").unwrap_err().to_string();
        assert!(said.contains("it declares none"), "{said}");
    }

    #[test]
    fn conditions_of_a_grade_are_checked() {
        let with = |text: &str| format!("{SMALL}[conditions]\n{text}\n");
        let rubric =
            Rubric::parse_for(&with("A = { dimension = 85, area = 90 }"), "small.toml", &KNOWN).unwrap();
        assert_eq!(rubric.conditions["A"].area, Some(90.0));
        assert!(error(&with("B = { area = 90 }")).contains("unknown grade `B`"));
        assert!(error(&with("A = { area = 101 }")).contains("`area` is 101"));
        assert!(error(&with("A = { tools_judged_by = [\"x\"] }")).contains("unknown check `x`"));
    }

    #[test]
    fn numbers_out_of_range_are_errors() {
        for (from, to, line) in [
            ("warn_credit = 0.5", "warn_credit = nan", 3),
            ("min_coverage = 0.6", "min_coverage = 1.5", 3),
            ("D2 = 15", "D2 = 0", 8),
            ("A = 90", "A = 101", 10),
            ("F = 0", "F = 1", 9),
            ("rpc-id-echo = 6", "rpc-id-echo = 0", 13),
            ("max = 60", "max = 101", 14),
            ("dimension = \"D2\"", "dimension = \"D8\"", 14),
        ] {
            let said = error(&SMALL.replace(from, to));
            assert!(said.starts_with(&format!("small.toml:{line}: ")), "{to}: {said}");
        }
    }

    #[test]
    fn broken_toml_is_an_error_with_its_line() {
        assert!(error("id = \"x\"\nversion = ").starts_with("small.toml:2: "));
        assert!(error("").contains("missing field `id`"), "{}", error(""));
        let twice = SMALL.replace("rpc-id-echo = 6", "rpc-id-echo = 6\nrpc-id-echo = 7");
        assert!(error(&twice).starts_with("small.toml:14: "), "{}", error(&twice));
    }
}
