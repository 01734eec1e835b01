//! Findings × rubric → score: arithmetic, and nothing else.
//!
//! Per dimension: Σ(points × credit) / Σ(points) over the checks that were judged. What could not be
//! seen leaves the sum and lowers the coverage; the bounds say what it could still do. Overall: the
//! dimensions by weight, as percent and as points of the weights' sum.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use crate::finding::Finding;
use crate::rubric::{Cap, CapOn, CapTarget, Rubric};
use crate::verdict::{Dimension, Status};

/// A score with its bounds. Values are percent, 0 to 100, exact up to floating point: show them
/// through [`whole`] or [`tenths`] and compare them through [`reaches`].
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// The value; `None` where it is withheld.
    pub value: Option<f64>,
    /// The value if everything undecided had failed.
    pub lower: f64,
    /// The value if everything undecided had passed.
    pub upper: f64,
    /// Judged points / applicable points, 0 to 1: the dimensions' own, by weight.
    pub coverage: f64,
    /// The rubric's grade of the value.
    pub grade: Option<String>,
    /// Sum of the weights of the dimensions below: the value as points is out of this.
    pub weight: u32,
    /// Judged points over all dimensions.
    pub judged: u32,
    /// Why there is no value.
    pub withheld: Option<String>,
    /// Every dimension with something applicable.
    pub dimensions: BTreeMap<Dimension, DimensionScore>,
    /// The weighted mean before overall caps, if there is a value.
    pub uncapped: Option<f64>,
    /// The caps that hold a value down, in rubric order.
    pub caps: Vec<CapHit>,
}

/// The score of one dimension, in percent.
#[derive(Clone, Debug, PartialEq)]
pub struct DimensionScore {
    /// The value; `None` where too little was judged.
    pub value: Option<f64>,
    /// The value if everything undecided had failed.
    pub lower: f64,
    /// The value if everything undecided had passed.
    pub upper: f64,
    /// Judged points / applicable points, 0 to 1.
    pub coverage: f64,
    /// Its weight.
    pub weight: u32,
    /// Points × credit over the judged checks.
    pub earned: f64,
    /// Points of the judged checks.
    pub judged: u32,
    /// Points of the judged and the undecided checks.
    pub applicable: u32,
    /// The value before caps, if there is a value.
    pub uncapped: Option<f64>,
}

/// A cap that holds a value down.
#[derive(Clone, Debug, PartialEq)]
pub struct CapHit {
    /// The cap, from the rubric.
    pub cap: Cap,
    /// The value without any cap on the same thing.
    pub before: f64,
}

/// What the score reads of a finding.
#[derive(Clone, Copy, Debug)]
pub struct Row<'f> {
    /// Id of the check.
    pub check: &'f str,
    /// The dimension it counts in.
    pub dimension: Dimension,
    /// Its status.
    pub status: Status,
}

impl<'f> From<&'f Finding> for Row<'f> {
    fn from(finding: &'f Finding) -> Self {
        Self { check: finding.check.id, dimension: finding.check.dimension, status: finding.status }
    }
}

/// Scores findings.
#[must_use]
pub fn score(findings: &[Finding], rubric: &Rubric) -> Score {
    score_rows(&findings.iter().map(Row::from).collect::<Vec<_>>(), rubric)
}

/// Scores rows.
#[must_use]
pub fn score_rows(rows: &[Row<'_>], rubric: &Rubric) -> Score {
    let caps = Caps::of(rows, rubric);
    let mut dimensions = BTreeMap::new();
    let mut hits = Vec::new();
    for (dimension, weight) in &rubric.dimensions {
        let Some(score) = one(rows, rubric, *dimension, *weight, &caps) else { continue };
        hits.extend(score.uncapped.into_iter().flat_map(|value| caps.hits(Some(*dimension), value)));
        dimensions.insert(*dimension, score);
    }
    let weight: u32 = dimensions.values().map(|score| score.weight).sum();
    let judged: u32 = dimensions.values().map(|score| score.judged).sum();
    let mean = |of: &dyn Fn(&DimensionScore) -> f64| {
        let sum: f64 = dimensions.values().map(|score| of(score) * f64::from(score.weight)).sum();
        if weight == 0 { 0.0 } else { sum / f64::from(weight) }
    };
    let withheld = why_withheld(&dimensions, judged, rubric);
    let uncapped = withheld.is_none().then(|| mean(&|score| score.value.unwrap_or(0.0)));
    hits.extend(uncapped.into_iter().flat_map(|value| caps.hits(None, value)));
    let value = uncapped.map(|value| value.min(caps.certain(None)));
    Score {
        value,
        lower: mean(&|score| score.lower).min(caps.possible(None)),
        upper: if weight == 0 { 100.0 } else { mean(&|score| score.upper).min(caps.certain(None)) },
        coverage: mean(&|score| score.coverage),
        grade: value.and_then(|value| rubric.grade(snap(value))).map(str::to_owned),
        weight,
        judged,
        withheld,
        dimensions,
        uncapped,
        caps: hits,
    }
}

impl Score {
    /// No score, for an endpoint that is described and not scored.
    #[must_use]
    pub fn none(why: impl Into<String>) -> Self {
        Self {
            value: None,
            lower: 0.0,
            upper: 100.0,
            coverage: 0.0,
            grade: None,
            weight: 0,
            judged: 0,
            withheld: Some(why.into()),
            dimensions: BTreeMap::new(),
            uncapped: None,
            caps: Vec::new(),
        }
    }

    /// The value as points of the nine-dimension score: a share of [`Score::weight`].
    #[must_use]
    pub fn points(&self) -> Option<f64> {
        self.value.map(|value| value * f64::from(self.weight) / 100.0)
    }
}

/// What passes instead of warnings and failures would add to the overall value.
#[derive(Debug)]
pub struct Gains<'r> {
    rubric: &'r Rubric,
    /// Every row with its points, looked up once.
    rows: Vec<(Dimension, Option<u32>, Status)>,
    /// The caps, each with the rows of its check.
    caps: Vec<(&'r Cap, Vec<usize>)>,
    before: Option<f64>,
}

impl<'r> Gains<'r> {
    /// Of these rows.
    #[must_use]
    pub fn new(rows: &[Row<'_>], rubric: &'r Rubric) -> Self {
        let of = |cap: &Cap| {
            let own = rows.iter().enumerate().filter(|(_, row)| row.check == cap.check.as_str());
            own.map(|(index, _)| index).collect()
        };
        let caps = rubric.caps.iter().map(|cap| (cap, of(cap))).collect();
        let rows = rows.iter().map(|row| (row.dimension, rubric.points_of(row.check), row.status)).collect();
        let mut gains = Self { rubric, rows, caps, before: None };
        gains.before = gains.value(&[]);
        gains
    }

    /// What a pass of these rows together would add. What is neither warn nor fail adds nothing, and nothing
    /// does where either value is withheld.
    #[must_use]
    pub fn of(&self, indices: &[usize]) -> f64 {
        let counts = |index: &usize| {
            self.rows.get(*index).is_some_and(|row| matches!(row.2, Status::Warn | Status::Fail))
        };
        if !indices.iter().any(counts) {
            return 0.0;
        }
        match (self.before, self.value(indices)) {
            (Some(before), Some(after)) => snap((after - before).max(0.0)),
            _ => 0.0,
        }
    }

    /// The overall value had these rows passed: the sums of [`score_rows`] in the same order, without what a
    /// value alone does not need.
    fn value(&self, mended: &[usize]) -> Option<f64> {
        let status = |index: usize, status: Status| match status {
            Status::Warn | Status::Fail if mended.contains(&index) => Status::Pass,
            _ => status,
        };
        let cap = |what: Option<Dimension>| {
            let holds = |cap: &Cap, index: &usize| {
                self.rows.get(*index).is_some_and(|row| cap.on.holds(status(*index, row.2)))
            };
            self.caps
                .iter()
                .filter(|(cap, of)| {
                    cap.dimension.dimension() == what && of.iter().any(|index| holds(cap, index))
                })
                .map(|(cap, _)| f64::from(cap.max))
                .fold(100.0, f64::min)
        };
        let (mut sum, mut weights, mut judged) = (0.0, 0_u32, 0_u32);
        for (dimension, weight) in &self.rubric.dimensions {
            let own = self.rows.iter().enumerate().filter(|(_, row)| row.0 == *dimension);
            let own = own.filter_map(|(index, row)| Some((row.1?, status(index, row.2))));
            let tally = Tally::of(own, self.rubric);
            if tally.applicable == 0 {
                continue;
            }
            sum += tally.uncapped(self.rubric)?.min(cap(Some(*dimension))) * f64::from(*weight);
            weights = weights.saturating_add(*weight);
            judged = judged.saturating_add(tally.judged);
        }
        let enough = weights > 0 && judged >= self.rubric.policy.min_points;
        enough.then(|| (sum / f64::from(weights)).min(cap(None)))
    }
}

/// What the rows of one dimension add up to.
struct Tally {
    earned: f64,
    judged: u32,
    applicable: u32,
}

impl Tally {
    /// Of points and statuses.
    fn of(rows: impl Iterator<Item = (u32, Status)>, rubric: &Rubric) -> Self {
        let mut tally = Self { earned: 0.0, judged: 0, applicable: 0 };
        for (points, status) in rows {
            let credit = match status {
                Status::Pass => Some(1.0),
                Status::Warn => Some(rubric.policy.warn_credit),
                Status::Fail => Some(0.0),
                Status::Inconclusive | Status::Error | Status::Skipped => None,
                Status::Info | Status::NotApplicable => continue,
            };
            tally.applicable = tally.applicable.saturating_add(points);
            if let Some(credit) = credit {
                tally.judged = tally.judged.saturating_add(points);
                tally.earned += f64::from(points) * credit;
            }
        }
        tally
    }

    /// Judged points / applicable points, 0 to 1. Something must be applicable.
    fn coverage(&self) -> f64 {
        f64::from(self.judged) / f64::from(self.applicable)
    }

    /// The value before caps; `None` where too little was judged.
    fn uncapped(&self, rubric: &Rubric) -> Option<f64> {
        (self.judged > 0 && reaches(self.coverage(), rubric.policy.min_coverage))
            .then(|| 100.0 * self.earned / f64::from(self.judged))
    }
}

fn one(
    rows: &[Row<'_>],
    rubric: &Rubric,
    dimension: Dimension,
    weight: u32,
    caps: &Caps<'_>,
) -> Option<DimensionScore> {
    let own = rows.iter().filter(|row| row.dimension == dimension);
    let own = own.filter_map(|row| Some((rubric.points_of(row.check)?, row.status)));
    let tally = Tally::of(own, rubric);
    let Tally { earned, judged, applicable } = tally;
    if applicable == 0 {
        return None;
    }
    let all = f64::from(applicable);
    let undecided = f64::from(applicable.saturating_sub(judged));
    let (coverage, uncapped) = (tally.coverage(), tally.uncapped(rubric));
    Some(DimensionScore {
        value: uncapped.map(|value| value.min(caps.certain(Some(dimension)))),
        lower: (100.0 * earned / all).min(caps.possible(Some(dimension))),
        upper: (100.0 * (earned + undecided) / all).min(caps.certain(Some(dimension))),
        coverage,
        weight,
        earned,
        judged,
        applicable,
        uncapped,
    })
}

fn why_withheld(
    dimensions: &BTreeMap<Dimension, DimensionScore>,
    judged: u32,
    rubric: &Rubric,
) -> Option<String> {
    if dimensions.is_empty() {
        return Some("nothing that the rubric scores applies here".to_owned());
    }
    let thin: Vec<String> = dimensions
        .iter()
        .filter(|(_, score)| score.value.is_none())
        .map(|(dimension, score)| format!("{} % of {dimension}", whole(score.coverage * 100.0)))
        .collect();
    if !thin.is_empty() {
        let least = whole(rubric.policy.min_coverage * 100.0);
        return Some(format!("too little could be judged ({}; {least} % is needed)", thin.join(", ")));
    }
    let least = rubric.policy.min_points;
    (judged < least).then(|| format!("only {judged} rubric points could be judged; {least} are needed"))
}

/// The caps whose check has, or may have, a status that triggers them.
struct Caps<'r> {
    certain: Vec<&'r Cap>,
    undecided: Vec<&'r Cap>,
}

impl<'r> Caps<'r> {
    fn of(rows: &[Row<'_>], rubric: &'r Rubric) -> Self {
        let with = |wanted: &dyn Fn(CapOn, Status) -> bool| {
            let triggers = |cap: &&Cap| {
                rows.iter().any(|row| row.check == cap.check.as_str() && wanted(cap.on, row.status))
            };
            rubric.caps.iter().filter(triggers).collect()
        };
        Self { certain: with(&CapOn::holds), undecided: with(&|_, status| status.undecided()) }
    }

    fn on<'c>(caps: &'c [&'r Cap], what: Option<Dimension>) -> impl Iterator<Item = &'r Cap> + use<'c, 'r> {
        caps.iter().copied().filter(move |cap| cap.dimension.dimension() == what)
    }

    fn least(caps: &[&'r Cap], what: Option<Dimension>) -> f64 {
        Self::on(caps, what).map(|cap| f64::from(cap.max)).fold(100.0, f64::min)
    }

    /// The lowest cap that holds for sure.
    fn certain(&self, what: Option<Dimension>) -> f64 {
        Self::least(&self.certain, what)
    }

    /// The lowest cap, had everything undecided failed.
    fn possible(&self, what: Option<Dimension>) -> f64 {
        Self::least(&self.undecided, what).min(self.certain(what))
    }

    fn hits(&self, what: Option<Dimension>, before: f64) -> Vec<CapHit> {
        Self::on(&self.certain, what)
            .filter(|cap| !reaches(f64::from(cap.max), before))
            .map(|cap| CapHit { cap: cap.clone(), before })
            .collect()
    }
}

impl CapHit {
    /// What it holds.
    #[must_use]
    pub fn target(&self) -> CapTarget {
        self.cap.dimension
    }
}

/// Billionths are below anything a rubric can mean and above what floating point loses: sums of thirds
/// that are 80 on paper count as 80.
const SNAP: f64 = 1e9;

fn snap(value: f64) -> f64 {
    (value * SNAP).round() / SNAP
}

/// Whether a value is at least `min`.
#[must_use]
pub fn reaches(value: f64, min: f64) -> bool {
    (value * SNAP).round() >= (min * SNAP).round()
}

/// The value to show: floored, so that 100 means that nothing was lost.
#[must_use]
pub fn whole(value: f64) -> u64 {
    // In range: values are 0 to 100, far below 2^53 after scaling; negative and NaN saturate to 0.
    (value * SNAP).round() as u64 / 1_000_000_000
}

/// The value for JSON and gains: floored to one decimal.
#[must_use]
pub fn tenths(value: f64) -> f64 {
    ((value * SNAP).round() as u64 / 100_000_000) as f64 / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rubric() -> Rubric {
        let text = r#"
            id = "t"
            version = "1"
            policy = { warn_credit = 0.5, min_coverage = 0.6, min_points = 10 }
            dimensions = { D2 = 15, D7 = 12, D8 = 13 }
            grades = { A = 90, B = 80, F = 0 }
            points = { a = 10, b = 10, c = 10, d = 9, e = 3 }
            [[caps]]
            check = "c"
            on = "fail"
            dimension = "D7"
            max = 40
            reason = "a door is open"
            [[caps]]
            check = "c"
            on = "warn"
            dimension = "overall"
            max = 79
            reason = "a door is ajar"
        "#;
        Rubric::parse_for(text, "t", &["a", "b", "c", "d", "e"]).unwrap()
    }

    fn rows(statuses: [Status; 5]) -> Vec<Row<'static>> {
        let of = [Dimension::D2, Dimension::D2, Dimension::D7, Dimension::D7, Dimension::D8];
        ["a", "b", "c", "d", "e"]
            .into_iter()
            .zip(of)
            .zip(statuses)
            .map(|((check, dimension), status)| Row { check, dimension, status })
            .collect()
    }

    use Status::{Fail, Inconclusive, NotApplicable, Pass, Warn};

    #[test]
    fn nothing_lost_is_100_and_40_points() {
        let score = score_rows(&rows([Pass; 5]), &rubric());
        assert_eq!(score.value, Some(100.0));
        assert_eq!((score.lower, score.upper, score.coverage), (100.0, 100.0, 1.0));
        assert_eq!(score.points(), Some(40.0));
        assert_eq!(score.grade.as_deref(), Some("A"));
    }

    #[test]
    fn points_are_weighed_by_credit_and_dimensions_by_weight() {
        let score = score_rows(&rows([Pass, Warn, Pass, Fail, Pass]), &rubric());
        assert_eq!(score.dimensions[&Dimension::D2].value, Some(75.0));
        assert_eq!(score.dimensions[&Dimension::D7].value, Some(1000.0 / 19.0));
        let expected = (15.0 * 75.0 + 12.0 * (1000.0 / 19.0) + 13.0 * 100.0) / 40.0;
        assert!((score.value.unwrap() - expected).abs() < 1e-9);
    }

    #[test]
    fn caps_hold_the_dimension_and_the_whole_and_show_what_they_took() {
        let score = score_rows(&rows([Pass, Pass, Fail, Pass, Pass]), &rubric());
        assert_eq!(score.dimensions[&Dimension::D7].value, Some(40.0));
        assert_eq!(score.value, Some(79.0));
        let hits: Vec<(String, u64, u32)> =
            score.caps.iter().map(|hit| (hit.target().to_string(), whole(hit.before), hit.cap.max)).collect();
        assert_eq!(hits, [("D7".to_owned(), 47, 40), ("overall".to_owned(), 82, 79)]);
        // A cap above the value took nothing and is not listed.
        let low = score_rows(&rows([Fail, Fail, Fail, Fail, Pass]), &rubric());
        assert!(low.caps.is_empty(), "{:?}", low.caps);
    }

    #[test]
    fn the_undecided_leave_the_sum_and_widen_the_bounds() {
        let score = score_rows(&rows([Pass, Warn, Inconclusive, Pass, Pass]), &rubric());
        let security = &score.dimensions[&Dimension::D7];
        assert_eq!(security.value, None, "9 of 19 points is below 60 %");
        assert_eq!(security.upper, 100.0);
        assert_eq!(security.lower, 40.0, "a cap of an undecided row holds the lower bound");
        assert_eq!(score.value, None);
        assert!(score.withheld.as_deref().unwrap().contains("47 % of D7"));
        assert_eq!(score.upper, (15.0 * 75.0 + 12.0 * 100.0 + 13.0 * 100.0) / 40.0);
    }

    #[test]
    fn a_dimension_without_anything_applicable_drops_out() {
        let score = score_rows(&rows([Pass, Fail, NotApplicable, NotApplicable, Pass]), &rubric());
        assert!(!score.dimensions.contains_key(&Dimension::D7));
        assert_eq!(score.weight, 28);
        assert_eq!(score.value, Some((15.0 * 50.0 + 13.0 * 100.0) / 28.0));
    }

    #[test]
    fn too_few_points_are_no_score() {
        let statuses = [NotApplicable, NotApplicable, NotApplicable, NotApplicable, Pass];
        let score = score_rows(&rows(statuses), &rubric());
        assert_eq!(score.dimensions[&Dimension::D8].value, Some(100.0));
        assert_eq!(score.value, None);
        assert_eq!(score.withheld.as_deref(), Some("only 3 rubric points could be judged; 10 are needed"));
        let nothing = score_rows(&rows([NotApplicable; 5]), &rubric());
        assert_eq!((nothing.value, nothing.lower, nothing.upper), (None, 0.0, 100.0));
    }

    #[test]
    fn a_gain_is_recomputed_with_caps() {
        let rows = rows([Warn, Pass, Fail, Pass, Pass]);
        let rubric = rubric();
        let now = score_rows(&rows, &rubric).value.unwrap();
        let expected = (15.0 * 75.0 + 12.0 * 100.0 + 13.0 * 100.0) / 40.0;
        assert!((Gains::new(&rows, &rubric).of(&[2]) - (expected - now)).abs() < 1e-6);
        assert_eq!(Gains::new(&rows, &rubric).of(&[1]), 0.0);
        assert!((Gains::new(&rows, &rubric).of(&[0, 2]) - (100.0 - now)).abs() < 1e-6);
    }

    #[test]
    fn shown_numbers_are_floored_and_gates_compare_exactly() {
        assert_eq!((whole(99.96), tenths(99.96)), (99, 99.9));
        assert_eq!((whole(100.0), tenths(100.0)), (100, 100.0));
        assert_eq!(tenths(70.3), 70.3);
        // 80 on paper, a hair less in floating point.
        assert!(reaches(240.0 / 3.0 - 1e-13, 80.0));
        assert!(!reaches(79.999, 80.0));
    }
}
