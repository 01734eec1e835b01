//! Markdown for a pull-request comment: a marker line by which a bot finds its own comment, the score, what
//! to fix first, and the rest folded away. Its words are those of the terminal. Cut at block ends, so that
//! it always fits and nothing stands under a heading of another target.

mod fitting;
#[cfg(test)]
mod tests;

use super::doubts::doubts;
use super::sink::{markdown, markdown_cell, markdown_code, own_markdown, xml};
use super::table::{advice, details, verdict};
use super::text::shell;
use super::{Report, ReportFinding, catalogue, key, standing};
use crate::facts::Kind;
use crate::protocol::host::shown;
use crate::score::{tenths, whole};
use crate::verdict::Status;
use fitting::{Block, CUT, Rank, fitting};

/// Most characters of a comment on GitHub, less some for what a bot may add. GitLab takes more.
pub const COMMENT: usize = 60_000;
/// Most bytes of a step summary on GitHub are 1 MiB; over that the whole summary is refused.
pub const SUMMARY: usize = 900_000;

/// Rows of the table.
const WORST: usize = 10;
/// Longest message, in characters.
const LONGEST: usize = 500;
/// Most reasons of gates.
const REASONS: usize = 8;
/// Most missing URLs that are named.
const MISSING: usize = 20;
/// Most targets named in the closing lines, and the longest of their names, in characters.
const NAMED: usize = 10;
const NAME: usize = 60;

/// All reports, and URLs that should be among them, in at most `limit` bytes (so at most as many characters).
#[must_use]
pub fn render(reports: &[Report], missing: &[String], limit: usize) -> String {
    let urls: Vec<&str> = reports.iter().map(|report| report.url.as_str()).collect();
    let mut text = format!("<!-- agentgauge:report:{} -->\n", key::digest(&urls, 16));
    let room = limit.saturating_sub(RESERVE);
    text.push_str(&absent(missing));
    let heading = match reports {
        [_] => "##",
        _ => {
            let left = room.saturating_sub(text.len());
            text.push_str(&overview(reports, left));
            "###"
        }
    };
    let sections: Vec<Vec<Block>> = reports.iter().map(|report| section(report, heading)).collect();
    let kept = fitting(&sections, room.saturating_sub(text.len()));
    let mut cut: Vec<String> = Vec::new();
    for ((report, blocks), kept) in reports.iter().zip(&sections).zip(kept) {
        blocks.iter().take(kept).for_each(|block| text.push_str(&block.text));
        if kept < blocks.len() {
            cut.push(report.name());
            text.push_str(if kept > 0 { CUT } else { "" });
        }
    }
    text.push_str(&closing(reports, &cut));
    text
}

/// URLs that were expected and have no report.
fn absent(missing: &[String]) -> String {
    if missing.is_empty() {
        return String::new();
    }
    let mut text = "**Missing**: expected, and there is no report\n\n".to_owned();
    missing
        .iter()
        .take(MISSING)
        .for_each(|url| text.push_str(&format!("- {}\n", markdown(&shown(url), 200))));
    if let Some(more @ 1..) = missing.len().checked_sub(MISSING) {
        text.push_str(&format!("- and {more} more\n"));
    }
    text + "\n"
}

/// Kept for the closing lines: names of the targets that did not fit (a character has up to four bytes),
/// and the versions.
const RESERVE: usize = NAMED * (NAME * 4 + 40) + 800;

fn closing(reports: &[Report], cut: &[String]) -> String {
    let mut text = String::new();
    match (reports, cut) {
        (_, []) => {}
        ([_], _) => text.push_str("\nThe JSON report has everything.\n"),
        (_, cut) => {
            let mut names: Vec<String> = cut.iter().take(NAMED).map(|name| markdown(name, NAME)).collect();
            if let Some(more @ 1..) = cut.len().checked_sub(NAMED) {
                names.push(format!("and {more} more"));
            }
            text.push_str(&format!(
                "\n{} of {} targets did not fit here whole: {}. The JSON report has everything.\n",
                cut.len(),
                reports.len(),
                names.join(", ")
            ));
        }
    }
    if let Some(report) = reports.first() {
        text.push_str(&format!(
            "\n<sub>{} {} · rubric {} {} · text from the endpoint is shown as `code`</sub>\n",
            own_markdown(&report.tool.name),
            markdown(&report.tool.version, 40),
            markdown(&report.rubric.id, 40),
            markdown(&report.rubric.version, 40)
        ));
    }
    text
}

/// Every target in a line, as far as there is room for lines.
fn overview(reports: &[Report], room: usize) -> String {
    let scored = reports.iter().filter(|report| report.score.value.is_some()).count();
    let mut text = format!(
        "## Agent readiness of {} endpoints\n\n{scored} scored, {} without a score.\n\n\
         | Endpoint | Score | To fix | Result |\n|---|---|---|---|\n",
        reports.len(),
        reports.len().saturating_sub(scored)
    );
    for (index, report) in reports.iter().enumerate() {
        let name = report.name();
        let row = format!(
            "| {} | {} | {} | {} |\n",
            markdown_cell(&name, 120),
            score(report),
            to_fix(report).count(),
            report.exit.name()
        );
        const MORE: usize = 60;
        if text.len().saturating_add(row.len()).saturating_add(MORE) > room {
            text.push_str(&format!("\nand {} more.\n", reports.len().saturating_sub(index)));
            break;
        }
        text.push_str(&row);
    }
    text
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

fn section(report: &Report, heading: &str) -> Vec<Block> {
    let mut blocks = vec![Block { rank: Rank::Head, text: head(report, heading) }];
    let rows = sorted(report);
    if !rows.is_empty() {
        blocks.push(Block { rank: Rank::Fixes, text: fixes(&rows) });
    }
    blocks.extend(rows.into_iter().map(|row| Block { rank: Rank::Detail, text: detail(row) }));
    blocks.extend(rest(report).into_iter().map(|text| Block { rank: Rank::Rest, text }));
    blocks
}

/// What the first screen of the terminal says, less the fixes.
fn head(report: &Report, heading: &str) -> String {
    let name = report.name();
    let title = match report.score.value {
        Some(value) => {
            let grade = report.score.grade.as_ref();
            let grade = grade.map_or_else(String::new, |grade| format!(", grade {}", markdown(grade, 20)));
            format!("Agent readiness: {} of 100{grade}", whole(value))
        }
        None => "Agent readiness: no score".to_owned(),
    };
    // A heading right after the end of a folded part would belong to it.
    let mut text = format!("\n{heading} {title}\n\nEndpoint {}", markdown(&name, 200));
    if report.label.is_some() {
        text.push_str(&format!(" ({})", markdown(&report.shown_url(), 200)));
    }
    let found: Vec<String> = verdict::found(report).iter().map(|part| markdown(part, LONGEST)).collect();
    text.push_str(&format!(": {}.\n\n{}\n\n", found.join(" · "), sentence(report)));
    let mut note = |name: &str, words: &str| text.push_str(&format!("**{name}:** {words}\n\n"));
    for doubt in doubts(report) {
        note("Note", &markdown(&doubt.text, LONGEST));
    }
    for reason in report.gate.reasons().take(REASONS) {
        note("Gate", &markdown(reason, LONGEST));
    }
    if let Some(more @ 1..) = report.gate.reasons().count().checked_sub(REASONS) {
        note("Gate", &format!("and {more} more"));
    }
    for remark in report.gate.notes.iter().take(REASONS) {
        note("Note", &markdown(remark, LONGEST));
    }
    if report.classification.kind == Kind::AuthGated {
        note("Gated", &format!("{}{}", advice::gate(report), command("--bearer-env TOKEN ", &report.url)));
    }
    if let Some(next) = advice::next(report) {
        note("Next", &markdown(&next, LONGEST));
    }
    for found in report.classification.found_at.iter().take(REASONS) {
        note("Found beside it", &format!("{}{}", markdown(&found.what, LONGEST), command("", &found.url)));
    }
    text.push_str(&dimensions(report));
    if verdict::nothing_to_fix(report) {
        text.push_str(verdict::NOTHING_TO_FIX);
        text.push_str("\n\n");
    }
    text
}

/// The command that scans a URL, after a space; empty for what no command can name.
fn command(options: &str, url: &str) -> String {
    let shown = shell(url).filter(|url| url.len() < 2_000);
    shown.map_or_else(String::new, |url| {
        format!(" {}", markdown_code(&format!("agentgauge scan {options}{url}")))
    })
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

fn dimensions(report: &Report) -> String {
    if report.score.dimensions.is_empty() {
        return String::new();
    }
    let mut text = String::from("| Dimension | Score | Bounds | Judged |\n|---|---|---|---|\n");
    for (dimension, of) in &report.score.dimensions {
        let value = of.value.map_or_else(|| "withheld".to_owned(), |value| whole(value).to_string());
        text.push_str(&format!(
            "| {dimension} {} | {value} | {} to {} | {} of {} checks |\n",
            dimension.title(),
            whole(of.lower),
            whole(of.upper),
            of.rows_judged,
            of.rows_apply
        ));
    }
    for hit in &report.score.caps {
        text.push_str(&format!("\nCapped: {}.\n", markdown(&standing::cap(hit), LONGEST)));
    }
    if let Some(families) = standing::families(report) {
        text.push_str(&format!("\nWho {}.\n", markdown(&families, LONGEST)));
    }
    for (name, words) in standing::usable(report).into_iter().chain(standing::grade(report)) {
        text.push_str(&format!("\n{name}: {}.\n", markdown(&words, LONGEST)));
    }
    text.push('\n');
    text
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

fn fixes(rows: &[&ReportFinding]) -> String {
    let mut text = String::from("| To fix | Severity | Gain | Seen |\n|---|---|---|---|\n");
    for row in rows.iter().take(WORST) {
        let gain = tenths(row.gain);
        text.push_str(&format!(
            "| {} {} | {} | {} | {}{} |\n",
            row.finding.status.as_str().to_uppercase(),
            name(row),
            row.finding.severity.as_str(),
            if gain > 0.0 { format!("+{gain:.1}") } else { "–".to_owned() },
            markdown_cell(&row.finding.message, 200),
            row.remark()
        ));
    }
    if let Some(more @ 1..) = rows.len().checked_sub(WORST) {
        text.push_str(&format!("\nand {more} more below.\n"));
    }
    text
}

/// One finding, folded.
fn detail(row: &ReportFinding) -> String {
    let (finding, check) = (&row.finding, row.finding.check);
    let mut text = format!(
        "\n<details><summary>{} {}: {}</summary>\n\nFound: {}{}\n\n",
        finding.status.as_str().to_uppercase(),
        check.id,
        xml(check.title, LONGEST),
        markdown(&finding.message, LONGEST),
        row.remark()
    );
    for evidence in finding.evidence.iter().take(3) {
        text.push_str(&format!(
            "- Seen in exchange {}, {}: {}\n",
            evidence.exchange,
            markdown(&evidence.pointer, 100),
            markdown(&evidence.excerpt, LONGEST)
        ));
    }
    text.push_str(&format!("- Fix: {}\n", own_markdown(finding.remediation())));
    for basis in check.basis.iter().take(2) {
        text.push_str(&format!("- Source: [{}]({})\n", own_markdown(basis.title), basis.url));
    }
    if let Some(command) = row.reproduce.iter().flatten().next().filter(|command| command.len() < 2_000) {
        text.push_str(&format!("- Try: {}\n", markdown_code(command)));
    }
    text.push_str("\n</details>\n");
    text
}

/// What passed, was noted, or was not judged and why, each folded.
fn rest(report: &Report) -> Vec<String> {
    let folded = |title: &str, wanted: &dyn Fn(Status) -> bool, lines: &[String]| {
        let count = report.findings.iter().filter(|row| wanted(row.finding.status)).count();
        let lines = lines.concat();
        (count > 0).then(|| format!("\n<details><summary>{count} {title}</summary>\n\n{lines}\n</details>\n"))
    };
    let of = |wanted: Status| report.findings.iter().filter(move |row| row.finding.status == wanted);
    let passed: Vec<String> = of(Status::Pass).map(name).collect();
    let noted: Vec<String> = of(Status::Info)
        .map(|row| format!("- {}: {}{}\n", name(row), markdown(&row.finding.message, LONGEST), row.remark()))
        .collect();
    let why = |title: &str, wanted: &dyn Fn(Status) -> bool| {
        let lines: Vec<String> = details::grouped(report, wanted)
            .into_iter()
            .map(|(reason, rows)| {
                let names: Vec<String> = rows.into_iter().map(name).collect();
                format!("- {}: {}\n", markdown(reason, LONGEST), names.join(", "))
            })
            .collect();
        folded(title, wanted, &lines)
    };
    let tried: Vec<String> = report
        .tried
        .iter()
        .map(|tried| format!("- {}: {}\n", markdown(&tried.what, LONGEST), markdown(&tried.outcome, LONGEST)))
        .collect();
    let tried = (!tried.is_empty() && advice::describes(report))
        .then(|| format!("\n<details><summary>What was tried</summary>\n\n{}\n</details>\n", tried.concat()));
    let clients: Vec<String> = standing::clients(report)
        .iter()
        .chain([&format!("judged: {}", report.rows().words())])
        .map(|line| format!("- {}\n", markdown(line, LONGEST)))
        .collect();
    let clients = (clients.len() > 1).then(|| {
        let lines = clients.concat();
        format!("\n<details><summary>Who can use it, and what was judged</summary>\n\n{lines}\n</details>\n")
    });
    [
        clients,
        tried,
        folded("passed", &|status| status == Status::Pass, &[passed.join(", "), "\n".to_owned()]),
        folded("noted", &|status| status == Status::Info, &noted),
        why("could not be judged", &|status| matches!(status, Status::Inconclusive | Status::Error)),
        why("left out", &|status| status == Status::Skipped),
        why("not applicable", &|status| status == Status::NotApplicable),
    ]
    .into_iter()
    .flatten()
    .collect()
}
