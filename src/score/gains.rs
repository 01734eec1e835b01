//! What mending findings would add.

use super::caps::Caps;
use super::{Row, Sum, dimensions, snap, why_withheld};
use crate::rubric::Rubric;
use crate::verdict::Status;

/// What passes instead of warnings and failures would add to the overall value.
#[derive(Debug)]
pub struct Gains<'r> {
    rubric: &'r Rubric,
    rows: Vec<Row<'r>>,
    before: Option<f64>,
}

impl<'r> Gains<'r> {
    /// Of these rows.
    #[must_use]
    pub fn new(rows: &[Row<'r>], rubric: &'r Rubric) -> Self {
        Self { rubric, rows: rows.to_vec(), before: value(rows, rubric) }
    }

    /// What a pass of these rows together would add. What is neither warn nor fail adds nothing, and nothing
    /// does where either value is withheld.
    #[must_use]
    pub fn of(&self, indices: &[usize]) -> f64 {
        let mut mended: Option<Vec<Row<'r>>> = None;
        for index in indices {
            let counts = |row: &Row<'_>| matches!(row.status, Status::Warn | Status::Fail);
            if self.rows.get(*index).is_some_and(counts)
                && let Some(row) = mended.get_or_insert_with(|| self.rows.clone()).get_mut(*index)
            {
                row.status = Status::Pass;
            }
        }
        let after = mended.and_then(|mended| value(&mended, self.rubric));
        match (self.before, after) {
            (Some(before), Some(after)) => snap((after - before).max(0.0)),
            _ => 0.0,
        }
    }
}

/// The overall value alone.
fn value(rows: &[Row<'_>], rubric: &Rubric) -> Option<f64> {
    let caps = Caps::of(rows, rubric);
    let dimensions = dimensions(rows, rubric, &caps);
    let judged: u32 = dimensions.values().map(|score| score.judged).sum();
    let valued = why_withheld(&dimensions, judged, rubric).is_none();
    Sum::of(&dimensions.values().collect::<Vec<_>>(), &caps, valued).value
}
