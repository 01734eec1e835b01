//! What caps do: they cut a dimension, and bend the whole.

use super::{CapHit, Row, reaches};
use crate::rubric::{Cap, Rubric};
use crate::verdict::Dimension;

/// The caps whose check has, or may have, a status and cause that trigger them.
pub(super) struct Caps<'r> {
    certain: Vec<Triggered<'r>>,
    undecided: Vec<Triggered<'r>>,
}

#[derive(Clone)]
struct Triggered<'r> {
    cap: &'r Cap,
    /// The dimension of its check.
    of: Dimension,
    cause: Option<String>,
}

/// What an overall cap leaves of dimensions whose mean without any cap is `uncapped`: it gives way by half of
/// what they lost, so that endpoints under one cap still differ.
fn bent(max: u32, uncapped: f64) -> f64 {
    (f64::from(max) - (100.0 - uncapped) / 2.0).max(0.0)
}

impl<'r> Caps<'r> {
    pub(super) fn of(rows: &[Row<'_>], rubric: &'r Rubric) -> Self {
        let with = |wanted: &dyn Fn(&Cap, &Row<'_>) -> bool| {
            rubric
                .caps
                .iter()
                .filter_map(|cap| {
                    let row = rows.iter().find(|row| row.check == cap.check.as_str() && wanted(cap, row))?;
                    Some(Triggered { cap, of: row.dimension, cause: row.cause.map(str::to_owned) })
                })
                .collect()
        };
        Self {
            certain: with(&|cap, row| cap.holds(row.status, row.cause)),
            // What fails when it is seen may do so from any cause.
            undecided: with(&|_, row| row.status.undecided()),
        }
    }

    /// Those whose check counts in one of these dimensions, and that hold one of these or the whole.
    pub(super) fn of_dimensions(&self, wanted: impl Fn(Dimension) -> bool) -> Self {
        let kept = |all: &[Triggered<'r>]| all.iter().filter(|hit| wanted(hit.of)).cloned().collect();
        Self { certain: kept(&self.certain), undecided: kept(&self.undecided) }
    }

    fn least(all: &[Triggered<'_>], what: Option<Dimension>) -> u32 {
        let on = all.iter().filter(|hit| hit.cap.dimension.dimension() == what);
        on.map(|hit| hit.cap.max).min().unwrap_or(100)
    }

    /// The lowest cap on a dimension that holds for sure.
    pub(super) fn certainly_cut(&self, dimension: Dimension) -> f64 {
        f64::from(Self::least(&self.certain, Some(dimension)))
    }

    /// The lowest, had everything undecided failed.
    pub(super) fn possibly_cut(&self, dimension: Dimension) -> f64 {
        f64::from(Self::least(&self.undecided, Some(dimension))).min(self.certainly_cut(dimension))
    }

    /// What the overall caps leave for sure: `before` is the mean of the capped dimensions, `uncapped` that
    /// without caps.
    pub(super) fn certain(&self, before: f64, uncapped: f64) -> f64 {
        Self::leave(Self::least(&self.certain, None), before, uncapped)
    }

    /// What they leave, had everything undecided failed.
    pub(super) fn possible(&self, before: f64, uncapped: f64) -> f64 {
        let max = Self::least(&self.undecided, None).min(Self::least(&self.certain, None));
        Self::leave(max, before, uncapped)
    }

    fn leave(max: u32, before: f64, uncapped: f64) -> f64 {
        // 100 is no cap, and bends nothing.
        if max >= 100 { before } else { before.min(bent(max, uncapped)) }
    }

    /// The caps that cut a dimension of this value.
    pub(super) fn cuts(&self, dimension: Dimension, before: f64) -> impl Iterator<Item = CapHit> {
        self.hits(Some(dimension), before, f64::from)
    }

    /// The caps that bend the whole.
    pub(super) fn bends(&self, before: f64, uncapped: f64) -> impl Iterator<Item = CapHit> {
        self.hits(None, before, move |max| if max >= 100 { before } else { bent(max, uncapped) })
    }

    fn hits(
        &self,
        what: Option<Dimension>,
        before: f64,
        after: impl Fn(u32) -> f64,
    ) -> impl Iterator<Item = CapHit> {
        let on = self.certain.iter().filter(move |hit| hit.cap.dimension.dimension() == what);
        on.map(move |hit| CapHit {
            after: after(hit.cap.max),
            cap: hit.cap.clone(),
            cause: hit.cause.clone(),
            before,
        })
        .filter(|hit| !reaches(hit.after, hit.before))
    }
}
