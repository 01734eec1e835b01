//! Scores are compared from run to run, so what can move one is a new version of the rubric. The recorded
//! servers hold that: `fixtures/scores.toml` has their scores and the version that gave them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use agentgauge::report::Report;
use agentgauge::rubric::Rubric;
use agentgauge::score::tenths;
use serde::Deserialize;

use crate::replay::fixtures;

/// `fixtures/scores.toml`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lock {
    /// Id and version.
    rubric: String,
    /// By fixture: the whole and each dimension.
    scores: BTreeMap<String, String>,
}

impl Lock {
    fn text(&self) -> String {
        let mut text =
            "# Kept by tests/it/scores.rs: `UPDATE=1 cargo test --test it scores`, after the version of the \
                        rubric was raised.\n"
                .to_owned();
        writeln!(text, "rubric = {:?}\n\n[scores]", self.rubric).unwrap();
        for (slug, scores) in &self.scores {
            writeln!(text, "{slug} = {scores:?}").unwrap();
        }
        text
    }
}

/// The scores of recorded servers that moved although the rubric has the version that it had.
fn moved(before: &Lock, now: &Lock) -> Vec<String> {
    let moved = before.scores.iter().filter_map(|(slug, was)| {
        let is = now.scores.get(slug)?;
        (before.rubric == now.rubric && is != was).then(|| format!("{slug}: {was} became {is}"))
    });
    moved.collect()
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
    let text = fs::read_to_string(&path).unwrap();
    let before: Lock = toml::from_str(&text).unwrap();
    let rubric = Rubric::default_rubric();
    let now = Lock {
        rubric: format!("{} {}", rubric.id, rubric.version),
        scores: fixtures().iter().map(|fixture| (fixture.slug.clone(), scores(&fixture.report()))).collect(),
    };
    let moved = moved(&before, &now);
    assert!(
        moved.is_empty(),
        "{} gave other scores before; raise the version in rubrics/agent-readiness.toml, say why in CHANGELOG.md:\n{}",
        now.rubric,
        moved.join("\n")
    );
    if text != now.text() && std::env::var_os("UPDATE").is_some_and(|value| value == "1") {
        fs::write(&path, now.text()).unwrap();
    } else {
        assert_eq!(text, now.text(), "run `UPDATE=1 cargo test --test it scores`");
    }
}

#[test]
fn only_a_new_version_may_move_a_score() {
    let lock = |rubric: &str, score: &str| Lock {
        rubric: rubric.to_owned(),
        scores: BTreeMap::from([("a".to_owned(), score.to_owned())]),
    };
    let before = lock("r 0.1.0", "80");
    assert_eq!(moved(&before, &lock("r 0.1.0", "81")), ["a: 80 became 81"]);
    assert!(moved(&before, &lock("r 0.2.0", "81")).is_empty());
    assert!(moved(&before, &lock("r 0.1.0", "80")).is_empty());
    let mut more = before.clone();
    more.scores.insert("new".to_owned(), "5".to_owned());
    assert!(moved(&before, &more).is_empty(), "a server that was not recorded before");
    assert_eq!(toml::from_str::<Lock>(&more.text()).unwrap(), more);
}
