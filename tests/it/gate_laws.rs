//! What gates and baselines must obey, whatever is found.

use agentgauge::baseline::{Baseline, Row, Scanned};
use agentgauge::facts::Kind;
use agentgauge::finding::Finding;
use agentgauge::gate::{Earlier, GateOutcome, Gates, Judged, MaxDrop};
use agentgauge::rubric::Rubric;
use agentgauge::score::score;
use agentgauge::verdict::{Dimension, Severity, Status};
use proptest::prelude::*;

use crate::score_laws::{COUNT, any_rubric, any_statuses, findings};

const URL: &str = "http://h/";

fn who(kind: Kind) -> Scanned<'static> {
    Scanned::new(URL, Some("h"), kind, "2026-11-20T00:00:00Z")
}

fn found(finding: &Finding) -> bool {
    matches!(finding.status, Status::Warn | Status::Fail)
}

fn outcome(findings: &[Finding], rubric: &Rubric, gates: &Gates) -> GateOutcome {
    let score = score(findings, rubric);
    let worst_first: Vec<usize> = (0..findings.len()).filter(|index| found(&findings[*index])).collect();
    let judged = Judged { who: who(Kind::Modern), score: &score, findings, worst_first: &worst_first };
    GateOutcome::of(&judged, gates)
}

/// Findings of which some may not be seen again.
fn any_findings() -> impl Strategy<Value = Vec<Finding>> {
    (any_statuses(), prop::collection::vec(prop::bool::weighted(0.1), COUNT)).prop_map(
        |(statuses, unstable)| {
            let mut findings = findings(&statuses);
            for (finding, unstable) in findings.iter_mut().zip(unstable) {
                finding.unstable = unstable && found(finding);
                finding.message = "seen".to_owned();
                if finding.status == Status::Warn {
                    finding.severity = finding.severity.lower();
                }
            }
            findings
        },
    )
}

fn written(old: &Baseline, findings: &[Finding]) -> Baseline {
    let rows: Vec<Row<'_>> = findings.iter().map(Row::from).collect();
    let text = old.updated(&who(Kind::Modern), &rows).to_toml();
    Baseline::parse(&text, "b.toml").unwrap()
}

fn only(baseline: Baseline) -> Gates {
    Gates { baseline: Some(baseline), ..Gates::default() }
}

prop_compose! {
    fn any_gates()(
        min_score in prop::option::of(0..=100_u8),
        min in prop::option::of(0..=100_u8),
        min_coverage in prop::option::of(0..=100_u8),
        fail_on in prop::option::of(prop::sample::select(vec![Severity::Low, Severity::Medium, Severity::High])),
        require in prop::option::of(0..COUNT),
        max_drop in prop::option::of((0..=30_u8, 0..=100_u8)),
    ) -> Gates {
        Gates {
            min_score: min_score.map(f64::from),
            min: min.map(|min| (Dimension::D7, f64::from(min))).into_iter().collect(),
            min_coverage: min_coverage.map(f64::from),
            fail_on,
            require: require.map(|index| format!("check-{index}")).into_iter().collect(),
            max_drop: max_drop.map(|(most, value)| MaxDrop {
                most: f64::from(most),
                name: "old.json".to_owned(),
                earlier: vec![Earlier { url: URL.to_owned(), label: None, value: Some(f64::from(value)) }],
            }),
            baseline: None,
        }
    }
}

fn decided(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| matches!(finding.status, Status::Pass | Status::Warn | Status::Fail))
}

proptest! {
    #[test]
    fn a_written_baseline_holds_the_same_scan(findings in any_findings(), earlier in any_findings(), rubric in any_rubric()) {
        prop_assume!(decided(&findings));
        for old in [Baseline::default(), written(&Baseline::default(), &earlier)] {
            let baseline = written(&old, &findings);
            prop_assert_eq!(outcome(&findings, &rubric, &only(baseline.clone())).failed, Vec::<String>::new());
            prop_assert_eq!(written(&baseline, &findings).to_toml(), baseline.to_toml(), "writing twice changes nothing");
        }
    }

    #[test]
    fn a_baseline_written_over_accepted_entries_is_read_again_and_holds(
        findings in any_findings(),
        earlier in any_findings(),
        rubric in any_rubric(),
        accepted in prop::collection::vec((0..COUNT, any::<bool>()), 0..4),
    ) {
        prop_assume!(decided(&findings));
        let mut text = written(&Baseline::default(), &earlier).to_toml();
        let mut seen = Vec::new();
        for (index, fails) in accepted {
            let mark = if fails { "fail" } else { "warn" };
            let entry = format!("\n[[accepted]]\ntarget = \"h\"\ncheck = \"check-{index}\"\nstatus = \"{mark}\"\nreason = \"r\"\n");
            if !seen.contains(&index) && found(&findings[index]) && Baseline::parse(&format!("{text}{entry}"), "b.toml").is_ok() {
                seen.push(index);
                text.push_str(&entry);
            }
        }
        let baseline = written(&Baseline::parse(&text, "b.toml").unwrap(), &findings);
        prop_assert_eq!(outcome(&findings, &rubric, &only(baseline.clone())).failed, Vec::<String>::new());
        prop_assert_eq!(written(&baseline, &findings).to_toml(), baseline.to_toml(), "writing twice changes nothing");
    }

    #[test]
    fn fixing_a_finding_turns_a_green_gate_red_by_a_stale_entry_alone(
        findings in any_findings(),
        rubric in any_rubric(),
        gates in any_gates(),
        with_baseline in any::<bool>(),
        which in any::<prop::sample::Index>(),
    ) {
        let wrong: Vec<usize> = (0..findings.len()).filter(|index| found(&findings[*index])).collect();
        prop_assume!(!wrong.is_empty() && decided(&findings));
        let baseline = with_baseline.then(|| written(&Baseline::default(), &findings));
        let gates = Gates { baseline, ..gates };
        let before = outcome(&findings, &rubric, &gates);
        let mut fixed = findings.clone();
        let index = wrong[which.index(wrong.len())];
        fixed[index].status = Status::Pass;
        let after = outcome(&fixed, &rubric, &gates);
        for reason in &after.failed {
            // The words of a number change with it; whether its gate fails may not.
            let gate = |reason: &str| reason.split(' ').next().unwrap_or_default().to_owned();
            let stale = reason.contains("stale entry: ") && reason.contains(findings[index].check.id);
            let known = before.failed.iter().any(|old| gate(old) == gate(reason));
            prop_assert!(stale || known, "{}: {:?}", reason, before.failed);
        }
        // Where a gate failed, what a success would have kept us from claiming was not said.
        for reason in after.withheld.iter().filter(|_| before.failed.is_empty()) {
            prop_assert!(before.withheld.contains(reason), "{}: {:?}", reason, before.withheld);
        }
    }

    #[test]
    fn not_seeing_a_listed_finding_never_makes_it_stale(findings in any_findings(), rubric in any_rubric(), which in any::<prop::sample::Index>()) {
        let wrong: Vec<usize> = (0..findings.len()).filter(|index| found(&findings[*index])).collect();
        prop_assume!(!wrong.is_empty());
        let baseline = written(&Baseline::default(), &findings);
        let mut unseen = findings.clone();
        unseen[wrong[which.index(wrong.len())]].status = Status::Inconclusive;
        prop_assert_eq!(outcome(&unseen, &rubric, &only(baseline)).failed, Vec::<String>::new());
    }
}
