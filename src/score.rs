//! Findings × rubric → score: arithmetic, and nothing else.
//!
//! Per dimension: Σ(points × credit) / Σ(points) over the checks that were judged. What could not be
//! seen leaves the sum and lowers the coverage; the bounds say what it could still do. Overall: the
//! dimensions by weight, as percent and as points of the weights' sum. A cap cuts a dimension; the overall
//! score bends under one, so that it still tells endpoints apart.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod caps;
mod gains;
mod grade;
mod numbers;
mod tally;

use std::collections::BTreeMap;

use crate::finding::Finding;
use crate::rubric::{Cap, CapTarget, Rubric};
use crate::verdict::{Dimension, Status};
use caps::Caps;
pub use gains::Gains;
pub use grade::Held;
use numbers::snap;
pub use numbers::{reaches, tenths, whole};
use tally::Tally;

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
    /// The rubric's grade of what counts ([`Score::counted`]), with all that the grade asks beside it.
    pub grade: Option<String>,
    /// What keeps the grade below that of the number.
    pub held: Vec<Held>,
    /// What the endpoint itself made unjudgeable, in words: grade and gates read the lower bounds then.
    pub lower_because: Vec<String>,
    /// Sum of the weights of the dimensions below: the value as points is out of this.
    pub weight: u32,
    /// Judged points over all dimensions.
    pub judged: u32,
    /// Why there is no value.
    pub withheld: Option<String>,
    /// Every dimension with something applicable.
    pub dimensions: BTreeMap<Dimension, DimensionScore>,
    /// The values of the areas of the catalogue, by name.
    pub areas: BTreeMap<String, AreaScore>,
    /// What clients feel: D2 and D8 together, held by their own caps alone.
    pub usable: Usable,
    /// The weighted mean of the capped dimensions before overall caps, if there is a value.
    pub uncapped: Option<f64>,
    /// The caps that hold a value down, in rubric order.
    pub caps: Vec<CapHit>,
}

/// The score of one dimension, in percent.
#[derive(Clone, Debug, Default, PartialEq)]
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
    /// How many checks with points were judged.
    pub rows_judged: usize,
    /// How many checks with points apply.
    pub rows_apply: usize,
    /// The value before caps, if there is a value.
    pub uncapped: Option<f64>,
}

/// The score of the checks of one area.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AreaScore {
    /// The value in percent, without caps; `None` where nothing was judged.
    pub value: Option<f64>,
    /// Points of the judged and the undecided checks.
    pub points: u32,
    /// Points of the judged checks.
    pub judged: u32,
}

/// D2 and D8 by their weights, percent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usable {
    /// The value; `None` where one that applies has none.
    pub value: Option<f64>,
    /// The value if everything undecided had failed.
    pub lower: f64,
    /// The value if everything undecided had passed.
    pub upper: f64,
}

/// A cap that holds a value down.
#[derive(Clone, Debug, PartialEq)]
pub struct CapHit {
    /// The cap, from the rubric.
    pub cap: Cap,
    /// The cause of the finding that triggers it.
    pub cause: Option<String>,
    /// The value without any cap on the same thing.
    pub before: f64,
    /// The value that this cap alone would leave.
    pub after: f64,
}

/// What the score reads of a finding.
#[derive(Clone, Copy, Debug)]
pub struct Row<'f> {
    /// Id of the check.
    pub check: &'f str,
    /// The area it is registered in; empty for none.
    pub area: &'f str,
    /// The dimension it counts in.
    pub dimension: Dimension,
    /// Its status.
    pub status: Status,
    /// Its cause.
    pub cause: Option<&'f str>,
}

/// What the score takes from the record beside the findings: it decides the grade, never the value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Whether tools were listed.
    pub tools: bool,
    /// What the endpoint itself made unjudgeable, in words.
    pub lower_because: Vec<String>,
}

impl<'f> From<&'f Finding> for Row<'f> {
    fn from(finding: &'f Finding) -> Self {
        let check = finding.check;
        Self {
            check: check.id,
            area: check.area(),
            dimension: check.dimension,
            status: finding.status,
            cause: finding.cause,
        }
    }
}

/// Scores findings of an endpoint of which nothing else is known.
#[must_use]
pub fn score(findings: &[Finding], rubric: &Rubric) -> Score {
    score_rows(&findings.iter().map(Row::from).collect::<Vec<_>>(), rubric, Seen::default())
}

/// Scores rows.
#[must_use]
pub fn score_rows(rows: &[Row<'_>], rubric: &Rubric, seen: Seen) -> Score {
    let caps = Caps::of(rows, rubric);
    let dimensions = dimensions(rows, rubric, &caps);
    let judged: u32 = dimensions.values().map(|score| score.judged).sum();
    let withheld = why_withheld(&dimensions, judged, rubric);
    let all: Vec<&DimensionScore> = dimensions.values().collect();
    let whole = Sum::of(&all, &caps, withheld.is_none());
    let felt = |dimension: Dimension| dimension != Dimension::D7;
    let part: Vec<&DimensionScore> =
        dimensions.iter().filter(|(dimension, _)| felt(**dimension)).map(|(_, score)| score).collect();
    let usable = Sum::of(&part, &caps.of_dimensions(felt), part.iter().all(|score| score.value.is_some()));
    let mut hits = Vec::new();
    for (dimension, score) in &dimensions {
        hits.extend(score.uncapped.into_iter().flat_map(|value| caps.cuts(*dimension, value)));
    }
    if let (Some(before), Some(uncapped)) = (whole.before, whole.uncapped) {
        hits.extend(caps.bends(before, uncapped));
    }
    let areas = areas(rows, rubric);
    let weight: u32 = all.iter().map(|score| score.weight).sum();
    let coverage = mean(&all, &|score| score.coverage);
    let mut score = Score {
        value: whole.value,
        lower: whole.lower,
        upper: whole.upper,
        coverage,
        grade: None,
        held: Vec::new(),
        lower_because: seen.lower_because,
        weight,
        judged,
        withheld,
        dimensions,
        areas,
        usable: Usable { value: usable.value, lower: usable.lower, upper: usable.upper },
        uncapped: whole.before,
        caps: hits,
    };
    (score.grade, score.held) = grade::of(&score, rows, rubric, seen.tools);
    score
}

/// Several dimensions together.
struct Sum {
    value: Option<f64>,
    lower: f64,
    upper: f64,
    /// The mean of the capped dimensions, and that of what they were without caps.
    before: Option<f64>,
    uncapped: Option<f64>,
}

impl Sum {
    fn of(all: &[&DimensionScore], caps: &Caps<'_>, valued: bool) -> Self {
        if all.is_empty() {
            return Self {
                value: None,
                lower: caps.possible(0.0, 0.0),
                upper: 100.0,
                before: None,
                uncapped: None,
            };
        }
        let before = valued.then(|| mean(all, &|score| score.value.unwrap_or(0.0)));
        let uncapped = valued.then(|| mean(all, &|score| score.uncapped.unwrap_or(0.0)));
        Self {
            value: before.zip(uncapped).map(|(before, uncapped)| caps.certain(before, uncapped)),
            lower: caps.possible(mean(all, &|score| score.lower), mean(all, &DimensionScore::least)),
            upper: caps.certain(mean(all, &|score| score.upper), mean(all, &DimensionScore::most)),
            before,
            uncapped,
        }
    }
}

/// By weight; 0 of none.
fn mean(all: &[&DimensionScore], of: &dyn Fn(&DimensionScore) -> f64) -> f64 {
    let weight: u32 = all.iter().map(|score| score.weight).sum();
    let sum: f64 = all.iter().map(|score| of(score) * f64::from(score.weight)).sum();
    if weight == 0 { 0.0 } else { sum / f64::from(weight) }
}

impl DimensionScore {
    /// Without caps, had everything undecided failed.
    fn least(&self) -> f64 {
        100.0 * self.earned / f64::from(self.applicable.max(1))
    }

    /// Without caps, had everything undecided passed.
    fn most(&self) -> f64 {
        let undecided = f64::from(self.applicable.saturating_sub(self.judged));
        100.0 * (self.earned + undecided) / f64::from(self.applicable.max(1))
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
            held: Vec::new(),
            lower_because: Vec::new(),
            weight: 0,
            judged: 0,
            withheld: Some(why.into()),
            dimensions: BTreeMap::new(),
            areas: BTreeMap::new(),
            usable: Usable { value: None, lower: 0.0, upper: 100.0 },
            uncapped: None,
            caps: Vec::new(),
        }
    }

    /// The value as points of the nine-dimension score: a share of [`Score::weight`].
    #[must_use]
    pub fn points(&self) -> Option<f64> {
        self.value.map(|value| value * f64::from(self.weight) / 100.0)
    }

    /// What grade and gates read: the value, or its lower bound where the endpoint itself kept us from judging.
    #[must_use]
    pub fn counted(&self) -> Option<f64> {
        self.value.map(|value| if self.lower_because.is_empty() { value } else { self.lower })
    }

    /// The same of a dimension.
    #[must_use]
    pub fn counted_of(&self, dimension: Dimension) -> Option<f64> {
        let of = self.dimensions.get(&dimension)?;
        of.value.map(|value| if self.lower_because.is_empty() { value } else { of.lower })
    }
}

fn areas(rows: &[Row<'_>], rubric: &Rubric) -> BTreeMap<String, AreaScore> {
    let mut areas = BTreeMap::new();
    for name in rows.iter().map(|row| row.area).filter(|name| !name.is_empty()) {
        if areas.contains_key(name) {
            continue;
        }
        let tally = Tally::of(rows.iter().filter(|row| row.area == name), rubric);
        if tally.applicable > 0 {
            let of = AreaScore { value: tally.value(), points: tally.applicable, judged: tally.judged };
            areas.insert(name.to_owned(), of);
        }
    }
    areas
}

fn dimensions(rows: &[Row<'_>], rubric: &Rubric, caps: &Caps<'_>) -> BTreeMap<Dimension, DimensionScore> {
    let scored = |(dimension, weight): (&Dimension, &u32)| {
        one(rows, rubric, *dimension, *weight, caps).map(|score| (*dimension, score))
    };
    rubric.dimensions.iter().filter_map(scored).collect()
}

fn one(
    rows: &[Row<'_>],
    rubric: &Rubric,
    dimension: Dimension,
    weight: u32,
    caps: &Caps<'_>,
) -> Option<DimensionScore> {
    let tally = Tally::of(rows.iter().filter(|row| row.dimension == dimension), rubric);
    if tally.applicable == 0 {
        return None;
    }
    let coverage = f64::from(tally.judged) / f64::from(tally.applicable);
    let uncapped = tally.value().filter(|_| reaches(coverage, rubric.policy.min_coverage));
    let score = DimensionScore {
        value: uncapped.map(|value| value.min(caps.certainly_cut(dimension))),
        lower: 0.0,
        upper: 0.0,
        coverage,
        weight,
        earned: tally.earned,
        judged: tally.judged,
        applicable: tally.applicable,
        rows_judged: tally.rows_judged,
        rows_apply: tally.rows_apply,
        uncapped,
    };
    Some(DimensionScore {
        lower: score.least().min(caps.possibly_cut(dimension)),
        upper: score.most().min(caps.certainly_cut(dimension)),
        ..score
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

impl CapHit {
    /// What it holds.
    #[must_use]
    pub fn target(&self) -> CapTarget {
        self.cap.dimension
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rubric::CapOn;

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
            .map(|((check, dimension), status)| Row { check, area: "k", dimension, status, cause: None })
            .collect()
    }

    use Status::{Fail, Inconclusive, NotApplicable, Pass, Warn};

    #[test]
    fn nothing_lost_is_100_and_40_points() {
        let score = score_rows(&rows([Pass; 5]), &rubric(), Seen::default());
        assert_eq!(score.value, Some(100.0));
        assert_eq!((score.lower, score.upper, score.coverage), (100.0, 100.0, 1.0));
        assert_eq!(score.points(), Some(40.0));
        assert_eq!(score.grade.as_deref(), Some("A"));
    }

    #[test]
    fn points_are_weighed_by_credit_and_dimensions_by_weight() {
        let score = score_rows(&rows([Pass, Warn, Pass, Fail, Pass]), &rubric(), Seen::default());
        assert_eq!(score.dimensions[&Dimension::D2].value, Some(75.0));
        assert_eq!(score.dimensions[&Dimension::D7].value, Some(1000.0 / 19.0));
        let expected = (15.0 * 75.0 + 12.0 * (1000.0 / 19.0) + 13.0 * 100.0) / 40.0;
        assert!((score.value.unwrap() - expected).abs() < 1e-9);
    }

    #[test]
    fn caps_hold_the_dimension_and_the_whole_and_show_what_they_took() {
        let score = score_rows(&rows([Pass, Pass, Fail, Pass, Pass]), &rubric(), Seen::default());
        assert_eq!(score.dimensions[&Dimension::D7].value, Some(40.0));
        // The whole bends: half of what the dimensions lost before caps.
        let free = (15.0 * 100.0 + 12.0 * (900.0 / 19.0) + 13.0 * 100.0) / 40.0;
        assert_eq!(score.value, Some(79.0 - (100.0 - free) / 2.0));
        let hits: Vec<(String, u64, u32, u64)> = score
            .caps
            .iter()
            .map(|hit| (hit.target().to_string(), whole(hit.before), hit.cap.max, whole(hit.after)))
            .collect();
        assert_eq!(hits, [("D7".to_owned(), 47, 40, 40), ("overall".to_owned(), 82, 79, 71)]);
        // What a security cap takes is no part of what clients feel.
        assert_eq!(score.usable.value, Some(100.0));
        // A cap above the value took nothing and is not listed.
        let low = score_rows(&rows([Fail, Fail, Fail, Fail, Pass]), &rubric(), Seen::default());
        assert!(low.caps.is_empty(), "{:?}", low.caps);
    }

    #[test]
    fn a_cap_may_ask_for_a_cause_and_a_grade_for_more_than_its_number() {
        let text = r#"
            id = "t"
            version = "1"
            policy = { warn_credit = 0.5, min_coverage = 0.6, min_points = 10 }
            dimensions = { D2 = 15, D7 = 12, D8 = 13 }
            grades = { A = 90, B = 80, F = 0 }
            conditions.A = { dimension = 85, area = 97, tools_judged_by = ["e"] }
            points = { a = 10, b = 10, c = 10, d = 9, e = 3 }
        "#;
        let mut rubric = Rubric::parse_for(text, "t", &["a", "b", "c", "d", "e"]).unwrap();
        let seen = Seen { tools: true, lower_because: Vec::new() };
        let judged =
            |statuses: [Status; 5], rubric: &Rubric| score_rows(&rows(statuses), rubric, seen.clone());
        assert_eq!(judged([Pass; 5], &rubric).grade.as_deref(), Some("A"));
        let by = |score: &Score| score.held.iter().map(|held| held.by.clone()).collect::<Vec<_>>();
        let weak = judged([Warn, Pass, Pass, Pass, Pass], &rubric);
        assert_eq!((weak.grade.as_deref(), by(&weak)), (Some("B"), vec!["D2".to_owned(), "k".to_owned()]));
        let unseen = judged([Pass, Pass, Pass, Pass, Inconclusive], &rubric);
        assert_eq!(unseen.value, None, "nothing of D8");
        rubric.dimensions.remove(&Dimension::D8);
        let unseen = judged([Pass, Pass, Pass, Pass, Inconclusive], &rubric);
        assert_eq!((unseen.grade.as_deref(), by(&unseen)), (Some("B"), vec!["tools".to_owned()]));
        // A cause.
        let cap = |when: Option<&str>| Cap {
            check: "a".to_owned(),
            on: CapOn::Fail,
            when: when.map(str::to_owned),
            dimension: CapTarget::Overall,
            max: 10,
            reason: String::new(),
        };
        let mut all = rows([Fail, Pass, Pass, Pass, Pass]);
        for (when, cause, hits) in
            [(None, None, 1), (Some("x"), None, 0), (Some("x"), Some("y"), 0), (Some("x"), Some("x"), 1)]
        {
            rubric.caps = vec![cap(when)];
            all[0].cause = cause;
            let score = score_rows(&all, &rubric, Seen::default());
            assert_eq!(score.caps.len(), hits, "{when:?} {cause:?}");
        }
    }

    #[test]
    fn who_hides_is_graded_by_the_lower_bound() {
        let statuses = [Pass, Pass, Pass, Inconclusive, Pass];
        let rubric = {
            let mut rubric = rubric();
            rubric.policy.min_coverage = 0.5;
            rubric
        };
        let open = score_rows(&rows(statuses), &rubric, Seen::default());
        assert_eq!((open.grade.as_deref(), open.counted()), (Some("A"), Some(100.0)));
        let seen = Seen { tools: false, lower_because: vec!["a list is too large".to_owned()] };
        let hidden = score_rows(&rows(statuses), &rubric, seen);
        assert_eq!((hidden.value, hidden.counted()), (Some(100.0), Some(hidden.lower)));
        assert_eq!(hidden.grade.as_deref(), Some("B"));
        assert_eq!(hidden.counted_of(Dimension::D7), Some(1000.0 / 19.0));
    }

    #[test]
    fn the_undecided_leave_the_sum_and_widen_the_bounds() {
        let score = score_rows(&rows([Pass, Warn, Inconclusive, Pass, Pass]), &rubric(), Seen::default());
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
        let score =
            score_rows(&rows([Pass, Fail, NotApplicable, NotApplicable, Pass]), &rubric(), Seen::default());
        assert!(!score.dimensions.contains_key(&Dimension::D7));
        assert_eq!(score.weight, 28);
        assert_eq!(score.value, Some((15.0 * 50.0 + 13.0 * 100.0) / 28.0));
    }

    #[test]
    fn too_few_points_are_no_score() {
        let statuses = [NotApplicable, NotApplicable, NotApplicable, NotApplicable, Pass];
        let score = score_rows(&rows(statuses), &rubric(), Seen::default());
        assert_eq!(score.dimensions[&Dimension::D8].value, Some(100.0));
        assert_eq!(score.value, None);
        assert_eq!(score.withheld.as_deref(), Some("only 3 rubric points could be judged; 10 are needed"));
        let nothing = score_rows(&rows([NotApplicable; 5]), &rubric(), Seen::default());
        assert_eq!((nothing.value, nothing.lower, nothing.upper), (None, 0.0, 100.0));
    }

    #[test]
    fn a_gain_is_recomputed_with_caps() {
        let rows = rows([Warn, Pass, Fail, Pass, Pass]);
        let rubric = rubric();
        let now = score_rows(&rows, &rubric, Seen::default()).value.unwrap();
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
