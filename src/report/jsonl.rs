//! JSON Lines: the JSON report of each target on a line of its own, for `merge` and for stores.

use super::json::v1::JsonReport;
use super::{Report, sink};

/// One line for each report.
#[must_use]
pub fn render(reports: &[Report]) -> String {
    reports.iter().map(|report| format!("{}\n", sink::json(&JsonReport::from(report), false))).collect()
}
