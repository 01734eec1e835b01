//! What every score must obey, whatever the findings and the rubric.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use agentgauge::check::{Applies, Basis, Check, Reads};
use agentgauge::finding::Finding;
use agentgauge::rubric::{Cap, CapOn, CapTarget, Conditions, Grade, Policy, Rubric};
use agentgauge::score::{Gains, Row, Score, Seen, score, score_rows};
use agentgauge::verdict::{Cause, Dimension, Level, Severity, Status, inconclusive};
use proptest::prelude::*;

pub(crate) const COUNT: usize = 14;

/// Hand-made checks, five or four in each dimension.
static CHECKS: LazyLock<Vec<&'static Check>> = LazyLock::new(|| {
    (0..COUNT)
        .map(|index| {
            let check = Check {
                id: Box::leak(format!("check-{index}").into_boxed_str()),
                title: "T",
                dimension: Dimension::ALL[index % 3],
                severity: Severity::High,
                level: Level::Must,
                applies: Applies::ANYWHERE,
                reads: Reads::All,
                basis: &[Basis { title: "T", url: "https://example.com" }],
                rationale: "R",
                remediation: "R",
                causes: &CAUSES,
                how: agentgauge::check::How { sent: "S", passes: "P", warns: "W", fails: "F" },
                judge: |_| inconclusive("never run"),
            };
            &*Box::leak(Box::new(check))
        })
        .collect()
});

const CAUSES: [Cause; 2] = [Cause { word: "one", remedy: None }, Cause { word: "two", remedy: None }];

/// Areas, of which the last check is in none.
const AREAS: [&str; 3] = ["x", "y", ""];

fn finding(index: usize, status: Status) -> Finding {
    let check = CHECKS[index];
    let severity = check.severity;
    let (cause, charged_to) = (None, None);
    Finding {
        check,
        status,
        message: String::new(),
        severity,
        evidence: Vec::new(),
        unstable: false,
        cause,
        charged_to,
    }
}

pub(crate) fn findings(statuses: &[Status]) -> Vec<Finding> {
    statuses.iter().enumerate().map(|(index, status)| finding(index, *status)).collect()
}

fn any_status() -> impl Strategy<Value = Status> {
    prop_oneof![
        4 => Just(Status::Pass),
        3 => Just(Status::Warn),
        3 => Just(Status::Fail),
        2 => Just(Status::Inconclusive),
        1 => Just(Status::Error),
        1 => Just(Status::Skipped),
        1 => Just(Status::NotApplicable),
        1 => Just(Status::Info),
    ]
}

pub(crate) fn any_statuses() -> impl Strategy<Value = Vec<Status>> {
    prop::collection::vec(any_status(), COUNT)
}

fn any_cause() -> impl Strategy<Value = Option<&'static str>> {
    prop::option::of((0..CAUSES.len()).prop_map(|index| CAUSES[index].word))
}

/// A status and a cause for each check, and what else decides a grade.
#[derive(Clone, Debug)]
struct Case {
    statuses: Vec<Status>,
    causes: Vec<Option<&'static str>>,
    seen: Seen,
}

prop_compose! {
    fn any_case()(
        statuses in any_statuses(),
        causes in prop::collection::vec(any_cause(), COUNT),
        tools in any::<bool>(),
        hides in any::<bool>(),
    ) -> Case {
        let lower_because = if hides { vec!["a list is too large".to_owned()] } else { Vec::new() };
        Case { statuses, causes, seen: Seen { tools, lower_because } }
    }
}

impl Case {
    fn rows(&self) -> Vec<Row<'static>> {
        let row = |(index, (status, cause)): (usize, (&Status, &Option<&'static str>))| Row {
            check: CHECKS[index].id,
            area: AREAS[index % AREAS.len()],
            dimension: CHECKS[index].dimension,
            status: *status,
            cause: *cause,
        };
        self.statuses.iter().zip(&self.causes).enumerate().map(row).collect()
    }

    fn score(&self, rubric: &Rubric) -> Score {
        score_rows(&self.rows(), rubric, self.seen.clone())
    }
}

fn any_cap() -> impl Strategy<Value = Cap> {
    let target =
        prop_oneof![Just(CapTarget::D2), Just(CapTarget::D7), Just(CapTarget::D8), Just(CapTarget::Overall)];
    let on = prop_oneof![Just(CapOn::Warn), Just(CapOn::Fail)];
    (0..COUNT, on, any_cause(), target, 0..=100_u32).prop_map(|(index, on, when, dimension, max)| Cap {
        check: CHECKS[index].id.to_owned(),
        on,
        when: when.map(str::to_owned),
        dimension,
        max,
        reason: "R".to_owned(),
    })
}

prop_compose! {
    /// Credits and points are binary fractions, so that sums are exact in any order.
    pub(crate) fn any_rubric()(
        points in prop::collection::vec(prop::option::weighted(0.9, 1..30_u32), COUNT),
        weights in prop::collection::vec(1..20_u32, 3),
        credit in 0..=4_u8,
        coverage in 0..=4_u8,
        min_points in 0..60_u32,
        caps in prop::collection::vec(any_cap(), 0..6),
        dimension in prop::option::of(0.0..100.0_f64),
        area in prop::option::of(0.0..100.0_f64),
        tools in prop::option::of(prop::collection::vec(0..COUNT, 0..3)),
    ) -> Rubric {
        let tools_judged_by =
            tools.map(|all| all.into_iter().map(|index| CHECKS[index].id.to_owned()).collect());
        let asked = Conditions { dimension, area, tools_judged_by };
        let ids = CHECKS.iter().map(|check| check.id.to_owned());
        Rubric {
            id: "laws".to_owned(),
            version: "1".to_owned(),
            sha256: String::new(),
            policy: Policy {
                warn_credit: f64::from(credit) / 4.0,
                min_coverage: f64::from(coverage) / 4.0,
                min_points,
            },
            dimensions: Dimension::ALL.into_iter().zip(weights).collect(),
            grades: vec![Grade { name: "A".to_owned(), from: 50.0 }, Grade { name: "F".to_owned(), from: 0.0 }],
            points: ids.zip(points).filter_map(|(id, points)| Some((id, points?))).collect(),
            conditions: BTreeMap::from([("A".to_owned(), asked)]),
            unscored: BTreeMap::new(),
            caps,
        }
    }
}

/// Below what a floating-point sum can lose.
const HAIR: f64 = 1e-9;

fn no_lower(before: Option<f64>, after: Option<f64>) -> bool {
    match (before, after) {
        (Some(before), Some(after)) => after >= before - HAIR,
        // A value that was there must not be withheld by mending something.
        (Some(_), None) => false,
        _ => true,
    }
}

fn never_lowers(before: &Score, after: &Score) -> Result<(), TestCaseError> {
    // A before F; where there was none before, any is as good.
    if let Some(grade) = &before.grade {
        let after = after.grade.as_ref();
        prop_assert!(after.is_some_and(|after| after <= grade), "grade {grade} -> {after:?}");
    }
    let (felt, now) = (before.usable, after.usable);
    prop_assert!(no_lower(felt.value, now.value), "usable {felt:?} -> {now:?}");
    prop_assert!(now.lower >= felt.lower - HAIR, "usable {felt:?} -> {now:?}");
    for (name, area) in &before.areas {
        prop_assert!(no_lower(area.value, after.areas[name].value), "area {name}");
    }
    prop_assert!(no_lower(before.value, after.value), "{:?} -> {:?}", before.value, after.value);
    prop_assert!(after.lower >= before.lower - HAIR, "lower {} -> {}", before.lower, after.lower);
    prop_assert!(after.coverage >= before.coverage - HAIR);
    for (dimension, of) in &before.dimensions {
        let after = &after.dimensions[dimension];
        prop_assert!(no_lower(of.value, after.value), "{dimension}: {:?} -> {:?}", of.value, after.value);
        prop_assert!(after.lower >= of.lower - HAIR);
    }
    Ok(())
}

proptest! {
    #[test]
    fn fixing_a_finding_never_lowers_a_score(
        case in any_case(), rubric in any_rubric(), index in 0..COUNT, half in any::<bool>(),
    ) {
        // Half way, a finding keeps its cause.
        let mut mended = case.clone();
        mended.statuses[index] = match case.statuses[index] {
            Status::Fail if half => Status::Warn,
            Status::Fail | Status::Warn | Status::Inconclusive | Status::Error | Status::Skipped => Status::Pass,
            other => other,
        };
        let (before, after) = (case.score(&rubric), mended.score(&rubric));
        never_lowers(&before, &after)?;
        if matches!(case.statuses[index], Status::Fail | Status::Warn) {
            prop_assert!(after.upper >= before.upper - HAIR);
        }
    }

    #[test]
    fn bounds_enclose_the_value(case in any_case(), rubric in any_rubric()) {
        let score = case.score(&rubric);
        let within = |lower: f64, value: Option<f64>, upper: f64| {
            let value = value.unwrap_or(lower);
            0.0 <= lower && lower <= value + HAIR && value <= upper + HAIR && upper <= 100.0
        };
        prop_assert!(within(score.lower, score.value, score.upper), "{score:?}");
        let usable = score.usable;
        prop_assert!(within(usable.lower, usable.value, usable.upper), "{usable:?}");
        for hit in &score.caps {
            let value = hit.target().dimension().map_or(score.value, |of| score.dimensions[&of].value);
            prop_assert!(hit.after < hit.before && value.is_some_and(|value| value <= hit.after + HAIR), "{hit:?}");
        }
        prop_assert!((0.0..=1.0).contains(&score.coverage));
        for of in score.dimensions.values() {
            prop_assert!(within(of.lower, of.value, of.upper), "{of:?}");
        }
        let decided = case.statuses.iter().all(|status| !status.undecided());
        if let (true, Some(value)) = (decided, score.value) {
            prop_assert!((score.lower - value).abs() < HAIR && (score.upper - value).abs() < HAIR);
        }
    }

    #[test]
    fn bounds_enclose_whatever_the_undecided_turn_out_to_be(
        case in any_case(), rubric in any_rubric(), truth in prop::collection::vec(0..3_u8, COUNT),
    ) {
        let mut decided = case.clone();
        decided.statuses = case.statuses
            .iter()
            .zip(truth)
            .map(|(status, truth)| match (status, truth) {
                (Status::Inconclusive | Status::Error | Status::Skipped, 0) => Status::Fail,
                (Status::Inconclusive | Status::Error | Status::Skipped, 1) => Status::Warn,
                (Status::Inconclusive | Status::Error | Status::Skipped, _) => Status::Pass,
                (other, _) => *other,
            })
            .collect();
        let (seen, known) = (case.score(&rubric), decided.score(&rubric));
        if let Some(value) = known.usable.value {
            prop_assert!(seen.usable.lower <= value + HAIR && value <= seen.usable.upper + HAIR);
        }
        if let Some(value) = known.value {
            prop_assert!(seen.lower <= value + HAIR && value <= seen.upper + HAIR, "{} {value} {}", seen.lower, seen.upper);
        }
    }

    #[test]
    fn rows_that_do_not_apply_never_move_it(
        case in any_case(), rubric in any_rubric(), other in any::<bool>(),
    ) {
        let out = |status: &Status| matches!(status, Status::NotApplicable | Status::Info);
        let only: Vec<Row<'_>> = case.rows().into_iter().filter(|row| !out(&row.status)).collect();
        let mut swapped = case.clone();
        swapped.statuses = case.statuses
            .iter()
            .map(|status| match status {
                status if out(status) && other => Status::Info,
                status if out(status) => Status::NotApplicable,
                status => *status,
            })
            .collect();
        prop_assert_eq!(case.score(&rubric), score_rows(&only, &rubric, case.seen.clone()));
        prop_assert_eq!(case.score(&rubric), swapped.score(&rubric));
    }

    #[test]
    fn the_order_of_findings_does_not_matter(
        (statuses, order) in (any_statuses(), Just((0..COUNT).collect::<Vec<_>>()).prop_shuffle()),
        rubric in any_rubric(),
    ) {
        let shuffled: Vec<Finding> = order.iter().map(|index| finding(*index, statuses[*index])).collect();
        prop_assert_eq!(score(&findings(&statuses), &rubric), score(&shuffled, &rubric));
    }

    #[test]
    fn a_gain_is_what_a_pass_adds(
        statuses in any_statuses(),
        rubric in any_rubric(),
        indices in prop::collection::vec(0..COUNT, 0..4),
    ) {
        let all = findings(&statuses);
        let rows: Vec<Row<'_>> = all.iter().map(Row::from).collect();
        let said = Gains::new(&rows, &rubric).of(&indices);
        let mut mended = statuses.clone();
        for index in indices {
            if matches!(statuses[index], Status::Warn | Status::Fail) {
                mended[index] = Status::Pass;
            }
        }
        let (before, after) = (score(&all, &rubric).value, score(&findings(&mended), &rubric).value);
        // To the last bit: what floating point loses is rounded away on both sides alike.
        let expected = match (before, after) {
            (Some(before), Some(after)) => ((after - before).max(0.0) * 1e9).round() / 1e9,
            _ => 0.0,
        };
        prop_assert_eq!(said, expected);
    }
}

/// A check declares its causes the worst first, and the finding has the worst of those that were met. So mending
/// that one must not uncover a lower cap, in the rubric that comes with the program.
#[test]
fn causes_are_declared_worst_first() {
    let rubric = Rubric::default_rubric();
    let mut asked = 0;
    for check in agentgauge::checks::all() {
        for target in [CapTarget::D2, CapTarget::D7, CapTarget::D8, CapTarget::Overall] {
            let least = |cause: Option<&str>| {
                let caps = rubric.caps.iter().filter(|cap| cap.check == check.id && cap.dimension == target);
                caps.filter(|cap| cap.holds(Status::Fail, cause)).map(|cap| cap.max).min().unwrap_or(100)
            };
            let order: Vec<u32> =
                check.causes.iter().map(|cause| least(Some(cause.word))).chain([least(None)]).collect();
            asked += usize::from(order.iter().any(|max| *max != order[0]));
            assert!(order.is_sorted(), "{} on {target}: {order:?}", check.id);
        }
    }
    assert!(asked > 0, "no cap asks for a cause");
}
