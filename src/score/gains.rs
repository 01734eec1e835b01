//! What mending findings would add.

use super::{Row, Tally, snap};
use crate::rubric::{Cap, Rubric};
use crate::verdict::{Dimension, Status};

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
