//! The gates on hand-made findings.

use super::*;
use crate::check::{Applies, Basis, Check, Reads};
use crate::rubric::Rubric;
use crate::score;
use crate::verdict::{Level, inconclusive};

const fn check(id: &'static str, dimension: Dimension, severity: Severity) -> Check {
    Check {
        id,
        title: "T",
        dimension,
        severity,
        level: Level::Must,
        applies: Applies::ANYWHERE,
        reads: Reads::All,
        basis: &[Basis { title: "T", url: "https://example.com" }],
        rationale: "R",
        remediation: "R",
        causes: &[],
        how: crate::check::How { sent: "S", passes: "P", warns: "W", fails: "F" },
        judge: |_| inconclusive("never run"),
    }
}

static A: Check = check("aa", Dimension::D2, Severity::High);
static B: Check = check("bb", Dimension::D7, Severity::Critical);
static C: Check = check("cc", Dimension::D8, Severity::Low);

const RUBRIC: &str = r#"
    id = "t"
    version = "1"
    policy = { warn_credit = 0.5, min_coverage = 0.6, min_points = 10 }
    dimensions = { D2 = 15, D7 = 12, D8 = 13 }
    grades = { A = 90, F = 0 }
    points = { aa = 10, bb = 10, cc = 10 }
"#;

fn findings(statuses: [Status; 3]) -> Vec<Finding> {
    let found = |(check, status): (&'static Check, Status)| Finding {
        check,
        status,
        message: format!("seen of {}", check.id),
        severity: if status == Status::Warn { check.severity.lower() } else { check.severity },
        evidence: Vec::new(),
        unstable: false,
        cause: None,
        charged_to: None,
    };
    [&A, &B, &C].into_iter().zip(statuses).map(found).collect()
}

fn outcome_of(kind: Kind, statuses: [Status; 3], gates: &Gates) -> GateOutcome {
    let rubric = Rubric::parse_for(RUBRIC, "t", &["aa", "bb", "cc"]).unwrap();
    let findings = findings(statuses);
    let score = score::score(&findings, &rubric);
    let worst_first: Vec<usize> = (0..findings.len())
        .filter(|index| matches!(findings[*index].status, Status::Warn | Status::Fail))
        .collect();
    let who = Scanned::new("http://h/", Some("h"), kind, "2026-11-20T00:00:00Z");
    GateOutcome::of(&Judged { who, score: &score, findings: &findings, worst_first: &worst_first }, gates)
}

fn outcome(statuses: [Status; 3], gates: &Gates) -> GateOutcome {
    outcome_of(Kind::Modern, statuses, gates)
}

use Status::{Fail, Inconclusive, Info, NotApplicable, Pass, Skipped, Warn};

#[test]
fn the_exact_value_is_compared_not_the_shown_one() {
    let gates = Gates { min_score: Some(81.25), min: vec![(Dimension::D2, 50.01)], ..Gates::default() };
    let failed = outcome([Warn, Pass, Pass], &gates);
    assert_eq!(failed.failed, ["D2 50 is below 50.01: aa warn"], "81.25 is shown as 81.2 and passes");
    assert!(outcome([Fail, Fail, Fail], &Gates::default()).passed());
}

#[test]
fn a_reason_names_what_caused_it() {
    let gates = Gates { min_score: Some(90.0), min_coverage: Some(90.0), ..Gates::default() };
    let said = outcome([Fail, Warn, Pass], &gates).failed;
    assert_eq!(said.len(), 1);
    assert!(said[0].starts_with("score 47.5 is below 90: aa fail, bb warn"), "{said:?}");
    let thin = outcome([Pass, Pass, Skipped], &Gates { min_coverage: Some(90.0), ..Gates::default() });
    assert_eq!(thin.failed, ["coverage 67.5 is below 90: not seen cc"]);
}

#[test]
fn a_withheld_number_never_passes() {
    let min = vec![(Dimension::D8, 0.0), (Dimension::D7, 50.0)];
    let gates = Gates { min_score: Some(0.0), min, ..Gates::default() };
    let outcome = outcome([Pass, Pass, Inconclusive], &gates);
    assert!(outcome.failed.is_empty());
    assert_eq!(outcome.withheld.len(), 2);
    assert!(!outcome.passed());
}

#[test]
fn harm_is_what_the_finding_did_not_what_the_check_could() {
    let on = |severity| Gates { fail_on: Some(severity), ..Gates::default() };
    assert_eq!(
        outcome([Fail, Warn, Fail], &on(Severity::High)).failed,
        ["aa fail (high): seen of aa", "bb warn (high): seen of bb"]
    );
    assert_eq!(outcome([Warn, Pass, Fail], &on(Severity::High)).failed.len(), 0);
    assert_eq!(outcome([Info, NotApplicable, Fail], &on(Severity::Info)).failed.len(), 1);
    assert_eq!(outcome([Inconclusive, Skipped, NotApplicable], &on(Severity::Info)).withheld.len(), 1);
    assert_eq!(outcome_of(Kind::None, [NotApplicable; 3], &on(Severity::Info)).withheld.len(), 1);
}

#[test]
fn a_required_check_must_pass() {
    let gates = Gates { require: vec!["aa".to_owned()], ..Gates::default() };
    for (status, failed, withheld) in [
        (Pass, 0, 0),
        (Warn, 1, 0),
        (Fail, 1, 0),
        (Info, 1, 0),
        (NotApplicable, 1, 0),
        (Inconclusive, 0, 1),
        (Status::Error, 0, 1),
        (Skipped, 0, 1),
    ] {
        let outcome = outcome([status, Pass, Pass], &gates);
        assert_eq!((outcome.failed.len(), outcome.withheld.len()), (failed, withheld), "{status:?}");
    }
    let gated = outcome_of(Kind::AuthGated, [NotApplicable, Pass, Pass], &gates);
    assert_eq!((gated.failed.len(), gated.withheld.len()), (0, 1), "it was not seen");
}

#[test]
fn a_drop_is_measured_against_the_same_target() {
    let drop = |most, url: &str, label: Option<&str>, value| Gates {
        max_drop: Some(MaxDrop {
            most,
            name: "old.json".to_owned(),
            earlier: vec![Earlier { url: url.to_owned(), label: label.map(str::to_owned), value }],
        }),
        ..Gates::default()
    };
    let warn = [Warn, Pass, Pass];
    assert!(outcome(warn, &drop(10.0, "http://h/", None, Some(91.2))).passed());
    let failed = outcome(warn, &drop(5.0, "http://h", None, Some(91.2)));
    assert_eq!(failed.failed, ["score 81.2 is more than 5 below the 91.2 of old.json: aa warn"]);
    assert!(!outcome(warn, &drop(5.0, "http://moved/", Some("h"), Some(91.2))).passed(), "by label");
    assert_eq!(outcome(warn, &drop(5.0, "http://x/", Some("x"), Some(91.2))).withheld.len(), 1);
    assert_eq!(outcome(warn, &drop(5.0, "http://h/", None, None)).withheld.len(), 1);
    assert!(outcome(warn, &drop(0.0, "http://h/", None, Some(81.2))).passed(), "stored values are floored");
}

#[test]
fn one_url_under_two_labels_is_two_targets_to_a_drop() {
    let earlier = |label: &str, value| Earlier {
        url: "http://h/".to_owned(),
        label: Some(label.to_owned()),
        value: Some(value),
    };
    let drop = MaxDrop {
        most: 5.0,
        name: "old.json".to_owned(),
        earlier: vec![earlier("admin", 50.0), earlier("guest", 90.0)],
    };
    let of = |label| drop.of(&Scanned::new("http://h/", label, Kind::Modern, "")).and_then(|of| of.value);
    assert_eq!((of(Some("admin")), of(Some("guest"))), (Some(50.0), Some(90.0)));
    assert_eq!((of(Some("other")), of(None)), (None, None), "which of the two is meant cannot be known");
    let one = MaxDrop { earlier: vec![earlier("guest", 90.0)], ..drop };
    let renamed = Scanned::new("http://h/", Some("other"), Kind::Modern, "");
    assert_eq!(one.of(&renamed).and_then(|of| of.value), Some(90.0), "a new label alone changes nothing");
}

#[test]
fn a_baseline_lets_known_findings_be_and_nothing_else() {
    let text = |more: &str| {
        format!(
            "schema_version = 1\n[[debt]]\ntarget = \"h\"\ncheck = \"aa\"\nstatus = \"warn\"\nreason = \"r\"\n{more}"
        )
    };
    let gates = |more: &str, fail_on| Gates {
        baseline: Some(Baseline::parse(&text(more), "b.toml").unwrap()),
        fail_on,
        ..Gates::default()
    };
    let none = |statuses| outcome(statuses, &gates("", None));
    assert!(none([Warn, Pass, Pass]).passed());
    assert_eq!(none([Warn, Pass, Fail]).failed, ["new: cc (fail, low)"]);
    assert_eq!(none([Fail, Pass, Pass]).failed, ["worse: aa (fail, high) was warn in b.toml:2"]);
    let stale = none([Pass, Pass, Pass]).failed;
    assert!(stale[0].starts_with("b.toml:2: stale entry: 'aa' is mended"), "{stale:?}");
    assert!(none([NotApplicable, Pass, Pass]).failed[0].contains("does not apply any more"));
    for undecided in [Inconclusive, Skipped, Status::Error] {
        assert!(none([undecided, Pass, Pass]).failed.is_empty(), "not seen is not mended");
    }
    let gated = outcome_of(Kind::AuthGated, [NotApplicable, Pass, Pass], &gates("", None));
    assert_eq!(
        (gated.failed.len(), gated.withheld.len()),
        (0, 1),
        "a gate hides what is behind it: {gated:?}"
    );
    assert!(outcome([Warn, Pass, Fail], &gates("", Some(Severity::High))).passed(), "new, but harmless");
    let expired = outcome([Warn, Pass, Pass], &gates("expires = 2026-11-19\n", None));
    assert_eq!(expired.failed, ["b.toml:2: the entry for 'aa' of h expired on 2026-11-19"]);
    assert!(outcome([Warn, Pass, Pass], &gates("expires = 2026-11-20\n", None)).passed(), "its last day");
    let subject = outcome([Warn, Pass, Pass], &gates("subject = \"of aa\"\n", None));
    assert!(subject.passed(), "{subject:?}");
    let other = outcome([Warn, Pass, Pass], &gates("subject = \"of bb\"\n", None));
    assert_eq!(other.failed.len(), 2, "new, and the entry is stale: {other:?}");
    let unknown = "[[accepted]]\ntarget = \"h\"\ncheck = \"bc\"\nreason = \"r\"\n";
    let said = outcome([Warn, Pass, Pass], &gates(unknown, None)).failed;
    assert_eq!(said, ["b.toml:7: unknown check 'bc'"]);
    // Entries of a target that is not judged here: only what is wrong whatever is found fails.
    let elsewhere = "[[accepted]]\ntarget = \"other\"\ncheck = \"cc\"\nreason = \"r\"\n";
    let with = |more: &str| outcome([Warn, Pass, Pass], &gates(&format!("{elsewhere}{more}"), None)).failed;
    assert_eq!(with(""), Vec::<String>::new(), "a run may judge a part");
    assert_eq!(
        with("expires = 2026-11-19\n"),
        ["b.toml:7: the entry for 'cc' of other expired on 2026-11-19"]
    );
    let typo = outcome([Warn, Pass, Pass], &gates(&elsewhere.replace("\"cc\"", "\"cd\""), None));
    assert_eq!(typo.failed, ["b.toml:7: unknown check 'cd'"]);
}
