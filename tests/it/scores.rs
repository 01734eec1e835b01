//! Scores are compared from run to run, so what can move one is a new version of the rubric. The recorded
//! servers hold that: `fixtures/scores.toml` has their scores and the version that gave them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use agentgauge::gate::Gates;
use agentgauge::judge::judge;
use agentgauge::report::Report;
use agentgauge::rubric::{BUILT_IN, Rubric, built_in};
use agentgauge::score::tenths;
use serde::{Deserialize, Serialize};

use crate::replay::fixtures;

/// `fixtures/scores.toml`: each built-in rubric by its id.
type Locks = BTreeMap<String, Lock>;

/// What a rubric gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lock {
    version: String,
    /// By fixture: the whole and each dimension.
    scores: BTreeMap<String, String>,
}

fn text(locks: &Locks) -> String {
    let head = "# Kept by tests/it/scores.rs: `UPDATE=1 cargo test --test it scores`, after the version of the \
                rubric was raised.\n\n";
    head.to_owned() + &toml::to_string(locks).unwrap()
}

/// The scores of recorded servers that moved although the rubric has the version that it had.
fn moved(before: &Locks, now: &Locks) -> Vec<String> {
    let mut all = Vec::new();
    for (id, was) in before {
        let Some(is) = now.get(id).filter(|is| is.version == was.version) else { continue };
        all.extend(was.scores.iter().filter_map(|(slug, was)| {
            let is = is.scores.get(slug)?;
            (is != was).then(|| format!("{id}, {slug}: {was} became {is}"))
        }));
    }
    all
}

fn scores(report: &Report) -> String {
    let shown =
        |value: Option<f64>| value.map_or_else(|| "none".to_owned(), |value| tenths(value).to_string());
    let dimensions =
        report.score.dimensions.iter().map(|(name, score)| format!("{name} {}", shown(score.value)));
    [shown(report.score.value)].into_iter().chain(dimensions).collect::<Vec<_>>().join(", ")
}

#[test]
fn a_score_that_moves_needs_a_new_version_of_the_rubric() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/scores.toml");
    let written = fs::read_to_string(&path).unwrap();
    let before: Locks = toml::from_str(&written).unwrap();
    let recorded = fixtures();
    let now: Locks = BUILT_IN
        .into_iter()
        .map(|name| {
            let rubric = Rubric::parse(&built_in(name).unwrap().unwrap(), name).unwrap();
            let scores = recorded.iter().map(|fixture| {
                let report = judge(&fixture.transcript, &rubric, &Gates::default());
                (fixture.slug.clone(), scores(&report))
            });
            (rubric.id.clone(), Lock { version: rubric.version.clone(), scores: scores.collect() })
        })
        .collect();
    let moved = moved(&before, &now);
    assert!(
        moved.is_empty(),
        "raise the version (rubrics/agent-readiness.toml; `spec` in src/rubric/named.rs), say why in CHANGELOG.md:\n{}",
        moved.join("\n")
    );
    if written != text(&now) && std::env::var_os("UPDATE").is_some_and(|value| value == "1") {
        fs::write(&path, text(&now)).unwrap();
    } else {
        assert_eq!(written, text(&now), "run `UPDATE=1 cargo test --test it scores`");
    }
}

#[test]
fn only_a_new_version_may_move_a_score() {
    let lock = |version: &str, score: &str| {
        let scores = BTreeMap::from([("a".to_owned(), score.to_owned())]);
        Locks::from([("r".to_owned(), Lock { version: version.to_owned(), scores })])
    };
    let before = lock("0.1.0", "80");
    assert_eq!(moved(&before, &lock("0.1.0", "81")), ["r, a: 80 became 81"]);
    assert!(moved(&before, &lock("0.2.0", "81")).is_empty());
    assert!(moved(&before, &lock("0.1.0", "80")).is_empty());
    let mut more = before.clone();
    more.get_mut("r").unwrap().scores.insert("new".to_owned(), "5".to_owned());
    assert!(moved(&before, &more).is_empty(), "a server that was not recorded before");
    assert_eq!(toml::from_str::<Locks>(&text(&more)).unwrap(), more);
}
