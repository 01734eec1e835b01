//! Numbers as they are compared and shown.

/// Billionths are below anything a rubric can mean and above what floating point loses: sums of thirds
/// that are 80 on paper count as 80.
const SNAP: f64 = 1e9;

pub(super) fn snap(value: f64) -> f64 {
    (value * SNAP).round() / SNAP
}

/// Whether a value is at least `min`.
#[must_use]
pub fn reaches(value: f64, min: f64) -> bool {
    (value * SNAP).round() >= (min * SNAP).round()
}

/// The value to show: floored, so that 100 means that nothing was lost.
#[must_use]
pub fn whole(value: f64) -> u64 {
    // In range: values are 0 to 100, far below 2^53 after scaling; negative and NaN saturate to 0.
    (value * SNAP).round() as u64 / 1_000_000_000
}

/// The value for JSON and gains: floored to one decimal.
#[must_use]
pub fn tenths(value: f64) -> f64 {
    ((value * SNAP).round() as u64 / 100_000_000) as f64 / 10.0
}
