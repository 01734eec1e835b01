//! How the score came about, to be checked with a pencil.

use super::layout::{Page, Tone};
use crate::report::Report;
use crate::score::{DimensionScore, tenths};
use crate::verdict::{Dimension, Status};

pub(super) fn draw(page: &mut Page, report: &Report) {
    let score = &report.score;
    if score.dimensions.is_empty() {
        return;
    }
    page.heading("How the score is made");
    page.item_of(2, (Tone::Quiet, ""), 2, (Tone::Quiet, &rule(report)), usize::MAX);
    page.item(2, (Tone::Strong, "Judged"), 11, &report.rows().words());
    for (name, text) in lines(report) {
        page.item(2, (Tone::Strong, name), 11, &text);
    }
}

/// What a status earns, in words.
pub(in crate::report) fn rule(report: &Report) -> String {
    let credit = tenths(report.rubric.policy.warn_credit * 100.0);
    format!(
        "A pass earns a check's points, a warning {credit} % of them, a failure none. Shown numbers are rounded \
         down; gates compare the exact ones."
    )
}

/// One sum for each dimension, and that of all.
pub(in crate::report) fn lines(report: &Report) -> Vec<(&'static str, String)> {
    let dimensions = report.score.dimensions.iter();
    let mut lines: Vec<(&str, String)> =
        dimensions.map(|(dimension, of)| (dimension.as_str(), line(report, *dimension, of))).collect();
    lines.push(("Overall", overall(report)));
    lines
}

fn line(report: &Report, dimension: Dimension, of: &DimensionScore) -> String {
    let mut said = format!("{} of {} judged points", number(of.earned), of.judged);
    if let Some(uncapped) = of.uncapped {
        said.push_str(&format!(" = {}", number(tenths(uncapped))));
    } else {
        let least = tenths(report.rubric.policy.min_coverage * 100.0);
        said.push_str(&format!(
            ", withheld: only {} of {} applicable points could be judged, {} % are needed",
            of.judged,
            of.applicable,
            number(least)
        ));
    }
    if let (Some(value), Some(uncapped)) = (of.value, of.uncapped)
        && tenths(value) < tenths(uncapped)
    {
        said.push_str(&format!(", capped at {}", number(tenths(value))));
    }
    let lost: Vec<String> = report
        .findings
        .iter()
        .filter(|row| row.finding.check.dimension == dimension)
        .filter_map(|row| {
            let points = f64::from(row.points?);
            let lost = match row.finding.status {
                Status::Fail => points,
                Status::Warn => points * (1.0 - report.rubric.policy.warn_credit),
                _ => return None,
            };
            Some(format!("{} {}", number(lost), row.finding.check.id))
        })
        .collect();
    if !lost.is_empty() {
        said.push_str(&format!("; lost: {}", lost.join(", ")));
    }
    said
}

fn overall(report: &Report) -> String {
    let score = &report.score;
    let (Some(value), Some(uncapped)) = (score.value, score.uncapped) else {
        return format!("withheld: {}", score.withheld.as_deref().unwrap_or("too little could be judged"));
    };
    let terms: Vec<String> = score
        .dimensions
        .values()
        .map(|of| format!("{} × {}", of.weight, number(of.value.map_or(0.0, tenths))))
        .collect();
    let mut said = format!("({}) / {} = {}", terms.join(" + "), score.weight, number(tenths(uncapped)));
    // The lowest cap on the whole is the one that decides.
    let bent = score.caps.iter().filter(|hit| hit.target().dimension().is_none());
    if let Some(hit) = bent.min_by_key(|hit| hit.cap.max) {
        let sum: f64 =
            score.dimensions.values().map(|of| of.uncapped.unwrap_or(0.0) * f64::from(of.weight)).sum();
        let lost = number(tenths(sum / f64::from(score.weight.max(1))));
        said.push_str(&format!(
            "; held by a cap that bends: {} - (100 - {lost}) / 2 = {}, where {lost} is the mean before any cap",
            hit.cap.max,
            number(tenths(value))
        ));
    }
    let points = score.points().map_or(0.0, tenths);
    said.push_str(&format!(
        "; {} of the {} points that {} carry in the nine-dimension agent readiness score",
        number(points),
        score.weight,
        score.dimensions.keys().map(|dimension| dimension.as_str()).collect::<Vec<_>>().join(", ")
    ));
    said
}

/// Without a needless `.0`; at most two decimals.
fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
