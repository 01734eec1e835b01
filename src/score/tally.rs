//! Points and credit of rows.

use super::Row;
use crate::rubric::Rubric;
use crate::verdict::Status;

/// Points of rows.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) earned: f64,
    pub(super) judged: u32,
    pub(super) applicable: u32,
    pub(super) rows_judged: usize,
    pub(super) rows_apply: usize,
}

impl Tally {
    pub(super) fn of<'r>(rows: impl Iterator<Item = &'r Row<'r>>, rubric: &Rubric) -> Self {
        let mut tally = Self::default();
        for row in rows {
            let Some(points) = rubric.points_of(row.check) else { continue };
            let credit = match row.status {
                Status::Pass => Some(1.0),
                Status::Warn => Some(rubric.policy.warn_credit),
                Status::Fail => Some(0.0),
                Status::Inconclusive | Status::Error | Status::Skipped => None,
                Status::Info | Status::NotApplicable => continue,
            };
            tally.applicable = tally.applicable.saturating_add(points);
            tally.rows_apply = tally.rows_apply.saturating_add(1);
            if let Some(credit) = credit {
                tally.judged = tally.judged.saturating_add(points);
                tally.rows_judged = tally.rows_judged.saturating_add(1);
                tally.earned += f64::from(points) * credit;
            }
        }
        tally
    }

    /// Percent, where anything was judged.
    pub(super) fn value(&self) -> Option<f64> {
        (self.judged > 0).then(|| 100.0 * self.earned / f64::from(self.judged))
    }
}
