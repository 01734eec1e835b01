//! Markdown for a pull-request comment: a marker line by which a bot finds its own comment, the score, what
//! to fix first, and the rest folded away. Cut at block ends, so that it always fits.

use super::doubts::doubts;
use super::sink::{markdown, markdown_cell, markdown_code, own_markdown, xml};
use super::{Report, ReportFinding, catalogue, key};
use crate::finding::Status;
use crate::score::{tenths, whole};

/// Most characters of a comment on GitHub, less some for what a bot may add. GitLab takes more.
pub const COMMENT: usize = 60_000;
/// Most bytes of a step summary on GitHub are 1 MiB; over that the whole summary is refused.
pub const SUMMARY: usize = 900_000;

/// Rows of the table.
const WORST: usize = 10;
/// Longest message, in characters.
const LONGEST: usize = 500;

/// All reports, and URLs that should be among them, in at most `limit` bytes (so at most as many characters).
#[must_use]
pub fn render(reports: &[Report], missing: &[String], limit: usize) -> String {
    let urls: Vec<&str> = reports.iter().map(|report| report.url.as_str()).collect();
    let mut document = Document::new(limit);
    document.add(&format!("<!-- agentgauge:report:{} -->\n", key::digest(&urls, 16)));
    if !missing.is_empty() {
        document.add("**Missing**: expected, and there is no report\n\n");
        missing.iter().for_each(|url| document.add(&format!("- {}\n", markdown(url, 200))));
        document.add("\n");
    }
    match reports {
        [report] => one(&mut document, report, "##"),
        _ => {
            overview(&mut document, reports);
            for report in reports {
                one(&mut document, report, "###");
            }
        }
    }
    if let Some(report) = reports.first() {
        document.last(format!(
            "\n<sub>{} {} · rubric {} {} · text from the endpoint is shown as `code`</sub>\n",
            own_markdown(&report.tool.name),
            markdown(&report.tool.version, 40),
            markdown(&report.rubric.id, 40),
            markdown(&report.rubric.version, 40)
        ));
    }
    document.finish()
}

/// Blocks that fit.
struct Document {
    text: String,
    end: String,
    limit: usize,
    left_out: usize,
}

/// Kept for the closing lines.
const RESERVE: usize = 400;

impl Document {
    fn new(limit: usize) -> Self {
        Self { text: String::new(), end: String::new(), limit, left_out: 0 }
    }

    /// Adds a block, unless it does not fit.
    fn add(&mut self, block: &str) {
        let room = self.limit.saturating_sub(RESERVE).saturating_sub(self.text.len());
        if block.len() <= room {
            self.text.push_str(block);
        } else {
            self.left_out = self.left_out.saturating_add(1);
        }
    }

    fn last(&mut self, block: String) {
        if block.len() <= RESERVE / 2 {
            self.end = block;
        }
    }

    fn finish(mut self) -> String {
        if self.left_out > 0 {
            let some = self.left_out;
            self.text
                .push_str(&format!("\n{some} parts did not fit here; the JSON report has everything.\n"));
        }
        self.text.push_str(&self.end);
        self.text
    }
}

fn overview(document: &mut Document, reports: &[Report]) {
    let scored = reports.iter().filter(|report| report.score.value.is_some()).count();
    document.add(&format!(
        "## Agent readiness of {} endpoints\n\n{scored} scored, {} without a score.\n\n\
         | Endpoint | Score | To fix | Result |\n|---|---|---|---|\n",
        reports.len(),
        reports.len().saturating_sub(scored)
    ));
    for report in reports {
        let name = report.label.as_deref().unwrap_or(&report.url);
        document.add(&format!(
            "| {} | {} | {} | {} |\n",
            markdown_cell(name, 120),
            score(report),
            to_fix(report).count(),
            report.exit.name()
        ));
    }
    document.add("\n");
}

fn score(report: &Report) -> String {
    match report.score.value {
        Some(value) => {
            let grade = report.score.grade.as_ref();
            let grade = grade.map_or_else(String::new, |grade| format!(" {}", markdown_cell(grade, 20)));
            format!("{}{grade}", whole(value))
        }
        None => "no score".to_owned(),
    }
}

fn to_fix(report: &Report) -> impl Iterator<Item = &ReportFinding> {
    report.findings.iter().filter(|row| matches!(row.finding.status, Status::Warn | Status::Fail))
}

fn one(document: &mut Document, report: &Report, heading: &str) {
    let name = report.label.as_deref().unwrap_or(&report.url);
    let title = match report.score.value {
        Some(value) => {
            let grade = report.score.grade.as_ref();
            let grade = grade.map_or_else(String::new, |grade| format!(", grade {}", markdown(grade, 20)));
            format!("Agent readiness: {} of 100{grade}", whole(value))
        }
        None => "Agent readiness: no score".to_owned(),
    };
    document.add(&format!("{heading} {title}\n\nEndpoint {}", markdown(name, 200)));
    if report.label.is_some() {
        document.add(&format!(" ({})", markdown(&report.url, 200)));
    }
    document.add(&format!(": {}. {}\n\n", report.classification.kind.words(), sentence(report)));
    for doubt in doubts(report) {
        document.add(&format!("**Note:** {}\n\n", markdown(&doubt.text, LONGEST)));
    }
    for reason in report.gate.reasons() {
        document.add(&format!("**Gate:** {}\n\n", markdown(reason, LONGEST)));
    }
    dimensions(document, report);
    fixes(document, report);
    rest(document, report);
}

fn sentence(report: &Report) -> String {
    match &report.score.withheld {
        Some(why) => format!("No score: {}.", markdown(why, LONGEST)),
        None => {
            let points = report.score.points().map_or(0.0, tenths);
            format!("{points} of {} points.", report.score.weight)
        }
    }
}

fn dimensions(document: &mut Document, report: &Report) {
    if report.score.dimensions.is_empty() {
        return;
    }
    document.add("| Dimension | Score | Bounds | Judged |\n|---|---|---|---|\n");
    for (dimension, of) in &report.score.dimensions {
        let value = of.value.map_or_else(|| "withheld".to_owned(), |value| whole(value).to_string());
        document.add(&format!(
            "| {dimension} {} | {value} | {} to {} | {} % |\n",
            dimension.title(),
            whole(of.lower),
            whole(of.upper),
            whole(of.coverage * 100.0)
        ));
    }
    for hit in &report.score.caps {
        document.add(&format!(
            "\n{} is capped at {} by `{}` ({}).\n",
            hit.target(),
            hit.cap.max,
            hit.cap.check,
            markdown(&hit.cap.reason, LONGEST)
        ));
    }
    document.add("\n");
}

/// The findings to fix, those of the first screen first, then by what a pass would add.
fn sorted(report: &Report) -> Vec<&ReportFinding> {
    let first = |index: usize| report.fixes.iter().position(|fix| *fix == index).unwrap_or(usize::MAX);
    let mut rows: Vec<(usize, &ReportFinding)> = report
        .findings
        .iter()
        .enumerate()
        .filter(|(_, row)| matches!(row.finding.status, Status::Warn | Status::Fail))
        .collect();
    rows.sort_by(|(left, a), (right, b)| {
        first(*left)
            .cmp(&first(*right))
            .then(b.gain.total_cmp(&a.gain))
            .then(b.finding.severity.cmp(&a.finding.severity))
            .then(left.cmp(right))
    });
    rows.into_iter().map(|(_, row)| row).collect()
}

fn name(row: &ReportFinding) -> String {
    let check = row.finding.check;
    match catalogue::link(check) {
        Some(link) => format!("[`{}`]({link})", check.id),
        None => format!("`{}`", check.id),
    }
}

fn fixes(document: &mut Document, report: &Report) {
    let rows = sorted(report);
    if rows.is_empty() {
        let judged = report.findings.iter().any(|row| row.finding.status == Status::Pass);
        document.add(if judged { "Nothing to fix.\n\n" } else { "" });
        return;
    }
    document.add("| To fix | Severity | Gain | Seen |\n|---|---|---|---|\n");
    for row in rows.iter().take(WORST) {
        document.add(&format!(
            "| {} {} | {} | {} | {} |\n",
            row.finding.status.as_str().to_uppercase(),
            name(row),
            row.finding.severity.as_str(),
            if row.gain > 0.0 { format!("+{}", tenths(row.gain)) } else { "–".to_owned() },
            markdown_cell(&row.finding.message, 200)
        ));
    }
    if rows.len() > WORST {
        document.add(&format!("\nand {} more below.\n", rows.len().saturating_sub(WORST)));
    }
    for row in rows {
        document.add(&detail(row));
    }
    document.add("\n");
}

/// One finding, folded.
fn detail(row: &ReportFinding) -> String {
    let (finding, check) = (&row.finding, row.finding.check);
    let mut text = format!(
        "\n<details><summary>{} {}: {}</summary>\n\nFound: {}\n\n",
        finding.status.as_str().to_uppercase(),
        check.id,
        xml(check.title, LONGEST),
        markdown(&finding.message, LONGEST)
    );
    for evidence in finding.evidence.iter().take(3) {
        text.push_str(&format!(
            "- Seen in exchange {}, {}: {}\n",
            evidence.exchange,
            markdown(&evidence.pointer, 100),
            markdown(&evidence.excerpt, LONGEST)
        ));
    }
    text.push_str(&format!("- Fix: {}\n", own_markdown(check.remediation)));
    for basis in check.basis.iter().take(2) {
        text.push_str(&format!("- Source: [{}]({})\n", own_markdown(basis.title), basis.url));
    }
    if let Some(command) = row.reproduce.iter().flatten().next().filter(|command| command.len() < 2_000) {
        text.push_str(&format!("- Try: {}\n", markdown_code(command)));
    }
    text.push_str("\n</details>\n");
    text
}

/// What passed and what was not judged, folded.
fn rest(document: &mut Document, report: &Report) {
    let named = |status: &[Status]| -> Vec<String> {
        let rows = report.findings.iter().filter(|row| status.contains(&row.finding.status));
        rows.map(name).collect()
    };
    for (title, status) in [
        ("passed", &[Status::Pass, Status::Info][..]),
        ("not applicable", &[Status::NotApplicable][..]),
        ("left out", &[Status::Skipped][..]),
    ] {
        let names = named(status);
        if !names.is_empty() {
            document.add(&format!(
                "<details><summary>{} {title}</summary>\n\n{}\n\n</details>\n",
                names.len(),
                names.join(", ")
            ));
        }
    }
    let open: Vec<&ReportFinding> = report
        .findings
        .iter()
        .filter(|row| matches!(row.finding.status, Status::Inconclusive | Status::Error))
        .collect();
    if !open.is_empty() {
        let lines: Vec<String> = open
            .iter()
            .map(|row| format!("- {}: {}\n", name(row), markdown(&row.finding.message, LONGEST)))
            .collect();
        document.add(&format!(
            "<details><summary>{} could not be judged</summary>\n\n{}\n</details>\n",
            open.len(),
            lines.concat()
        ));
    }
}
