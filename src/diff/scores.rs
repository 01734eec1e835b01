//! How the scores moved, and which checks moved them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::report::json::v1::{JsonCap, JsonReport};
use crate::verdict::{Dimension, Status};

/// The scores of one target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Scores {
    /// Whether they compare: both reports used the same rubric.
    pub comparable: bool,
    /// The overall value.
    pub overall: Movement,
    /// Every dimension of either report.
    pub dimensions: BTreeMap<Dimension, Movement>,
    /// Caps that hold on one side only.
    pub caps: Vec<CapChange>,
}

/// A value before and now, percent; null where it was withheld.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Movement {
    /// Before.
    pub old: Option<f64>,
    /// Now.
    pub new: Option<f64>,
    /// The checks that moved it: every scored check whose status is another one.
    pub moved_by: Vec<Moved>,
}

/// A check that moved a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Moved {
    /// Id of the check.
    pub check: String,
    /// Status before.
    pub old: Status,
    /// Status now.
    pub new: Status,
    /// Its points in the rubric.
    pub points: u32,
}

/// A cap that holds on one side only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CapChange {
    /// The check.
    pub check: String,
    /// What it holds: a dimension, or `overall`.
    pub dimension: String,
    /// The highest value left.
    pub cap: u32,
    /// Whether it holds now; otherwise it held before.
    pub holds: bool,
}

impl Scores {
    pub(super) fn of(old: &JsonReport, new: &JsonReport) -> Self {
        let comparable = old.rubric.sha256 == new.rubric.sha256;
        let mut dimensions = BTreeMap::new();
        for of in Dimension::ALL {
            let (before, after) = (old.score.dimensions.get(&of), new.score.dimensions.get(&of));
            if before.is_some() || after.is_some() {
                let moved_by = if comparable { moved(old, new, of) } else { Vec::new() };
                let old = before.and_then(|score| score.value);
                let new = after.and_then(|score| score.value);
                dimensions.insert(of, Movement { old, new, moved_by });
            }
        }
        let caps = if comparable { caps(&old.score.caps, &new.score.caps) } else { Vec::new() };
        // The dimensions say which checks; said once.
        let overall = Movement { old: old.score.value, new: new.score.value, moved_by: Vec::new() };
        Self { comparable, overall, dimensions, caps }
    }

    /// Whether nothing moved.
    #[must_use]
    pub fn is_still(&self) -> bool {
        self.overall.is_still() && self.dimensions.values().all(Movement::is_still) && self.caps.is_empty()
    }
}

impl Movement {
    /// Whether it did not move.
    #[must_use]
    pub fn is_still(&self) -> bool {
        self.old == self.new && self.moved_by.is_empty()
    }

    /// From what to what, and by how much, in words.
    #[must_use]
    pub fn words(&self) -> String {
        match (self.old, self.new) {
            (Some(old), Some(new)) if old == new => format!("{new:.1}"),
            (Some(old), Some(new)) => format!("{old:.1} → {new:.1} ({:+.1})", new - old),
            (Some(old), None) => format!("{old:.1} → withheld"),
            (None, Some(new)) => format!("withheld → {new:.1}"),
            (None, None) => "withheld".to_owned(),
        }
    }
}

fn moved(old: &JsonReport, new: &JsonReport, of: Dimension) -> Vec<Moved> {
    new.findings
        .iter()
        .filter(|after| after.dimension == of)
        .filter_map(|after| {
            let before = old.findings.iter().find(|before| before.check == after.check)?;
            let points = after.points.filter(|_| counts(before.status) != counts(after.status))?;
            Some(Moved { check: after.check.clone(), old: before.status, new: after.status, points })
        })
        .collect()
}

/// What the score sees of a status.
const fn counts(status: Status) -> u8 {
    match status {
        Status::Pass => 0,
        Status::Warn => 1,
        Status::Fail => 2,
        Status::Info | Status::NotApplicable => 3,
        Status::Inconclusive | Status::Error | Status::Skipped => 4,
    }
}

fn caps(old: &[JsonCap], new: &[JsonCap]) -> Vec<CapChange> {
    let same = |a: &JsonCap, b: &JsonCap| (&a.check, &a.dimension, a.cap) == (&b.check, &b.dimension, b.cap);
    let change = |cap: &JsonCap, holds: bool| CapChange {
        check: cap.check.clone(),
        dimension: cap.dimension.clone(),
        cap: cap.cap,
        holds,
    };
    let lifted = old.iter().filter(|cap| !new.iter().any(|other| same(cap, other)));
    let begun = new.iter().filter(|cap| !old.iter().any(|other| same(cap, other)));
    lifted.map(|cap| change(cap, false)).chain(begun.map(|cap| change(cap, true))).collect()
}
