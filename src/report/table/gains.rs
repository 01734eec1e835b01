//! What fixes bring, in words.

use crate::report::{Report, ReportFinding};
use crate::score::{tenths, whole};

/// What the first fixes do to the score.
pub(super) fn lifted(report: &Report) -> Option<String> {
    let value = report.score.value.filter(|_| report.fixes_gain > 0.0)?;
    Some(format!("the score from {} to {}", whole(value), whole(value + report.fixes_gain)))
}

/// What the first fixes bring together: more than the sum of their gains where caps hold each other.
pub(in crate::report) fn together(report: &Report) -> Option<String> {
    let all = match report.fixes.len() {
        1 => "lifts",
        2 => "two together lift",
        _ => "three together lift",
    };
    Some(format!("{all} {}", lifted(report)?))
}

/// What mending this alone brings, after a dot; empty where there is no score.
pub(in crate::report) fn gain(report: &Report, row: &ReportFinding) -> String {
    let held = report.score.caps.iter().any(|hit| hit.cap.check == row.finding.check.id);
    match (report.score.value, row.points) {
        (None, _) => String::new(),
        (_, None) => " · not scored".to_owned(),
        _ if tenths(row.gain) > 0.0 => format!(" · +{:.1} points", tenths(row.gain)),
        _ if held => " · no gain alone: another cap holds too".to_owned(),
        _ => " · no gain alone".to_owned(),
    }
}
