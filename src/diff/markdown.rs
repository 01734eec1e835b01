//! A comparison as GitHub-flavoured Markdown, for a comment on a pull request. Everything that is not ours
//! is in a code span or escaped: it can make no link, image, mention or row of its own.

use super::{ChangeKind, Diff, TargetDiff};
use crate::protocol::host::shown;
use crate::report::text::short;
use crate::verdict::Status;

/// Longest message in a cell, in characters.
const MESSAGE: usize = 160;
/// Most rows of one kind: comments have a limit of 65 536 characters.
const ROWS: usize = 40;

/// The comparison as Markdown.
#[must_use]
pub fn render(diff: &Diff) -> String {
    let mut text = String::from("### agentgauge: what changed\n\n");
    let counts: Vec<String> = ChangeKind::ALL
        .iter()
        .map(|kind| format!("{} {}", diff.count(*kind), kind.title().to_lowercase()))
        .collect();
    text.push_str(&format!("{}\n", counts.join(", ")));
    for target in &diff.targets {
        draw(&mut text, target);
    }
    for (what, names) in
        [("Only in the earlier report", &diff.only_old), ("Only in the later report", &diff.only_new)]
    {
        if !names.is_empty() {
            let names: Vec<String> = names.iter().map(|name| code(&shown(name))).collect();
            text.push_str(&format!("\n{what}: {}\n", names.join(", ")));
        }
    }
    text
}

fn draw(text: &mut String, target: &TargetDiff) {
    let label = target.label.as_ref().map_or_else(String::new, |label| format!("{} ", code(label)));
    text.push_str(&format!("\n#### {label}{}\n\n", code(&shown(&target.url))));
    for note in target.notes.iter().chain(&target.doubts) {
        text.push_str(&format!("- {}\n", code(note)));
    }
    if !target.notes.is_empty() || !target.doubts.is_empty() {
        text.push('\n');
    }
    let scores = &target.scores;
    if scores.comparable {
        text.push_str("| | Score | Moved by |\n|---|---|---|\n");
        text.push_str(&format!("| **Overall** | {} | |\n", scores.overall.words()));
        for (dimension, movement) in &scores.dimensions {
            let moved: Vec<String> = movement
                .moved_by
                .iter()
                .map(|moved| {
                    let (old, new) = (moved.old.as_str(), moved.new.as_str());
                    format!("{} {old} → {new} ({} points)", code(&moved.check), moved.points)
                })
                .collect();
            text.push_str(&format!("| {dimension} | {} | {} |\n", movement.words(), moved.join(", ")));
        }
        for cap in &scores.caps {
            let what = if cap.holds { "now caps" } else { "no longer caps" };
            text.push_str(&format!(
                "\n{} {what} {} at {}\n",
                code(&cap.check),
                code(&cap.dimension),
                cap.cap
            ));
        }
    } else {
        text.push_str("The scores do not compare: another rubric, or another version of it.\n");
    }
    for kind in ChangeKind::ALL {
        let rows: Vec<_> = target.changes.iter().filter(|change| change.change == kind).collect();
        if rows.is_empty() {
            continue;
        }
        text.push_str(&format!("\n**{}** ({})\n\n", kind.title(), rows.len()));
        text.push_str("| Check | Before | Now | Severity | |\n|---|---|---|---|---|\n");
        for row in rows.iter().take(ROWS) {
            let word = |status: Option<Status>| status.map_or("–", Status::as_str);
            text.push_str(&format!(
                "| {} | {} | {} | {} | {} |\n",
                code(&row.check),
                word(row.old),
                word(row.new),
                row.severity.as_str(),
                code(&row.message)
            ));
        }
        if let Some(more) = rows.len().checked_sub(ROWS).filter(|more| *more > 0) {
            text.push_str(&format!("\nand {more} more\n"));
        }
    }
}

/// A code span that what is in it cannot leave, also inside a table: one line, no bar, and a fence longer
/// than any run of backticks.
fn code(remote: &str) -> String {
    let shown = short(remote, MESSAGE).replace('|', "\u{a6}");
    if shown.trim().is_empty() {
        return "` `".to_owned();
    }
    let mut longest = 0_usize;
    let mut run = 0_usize;
    for character in shown.chars() {
        run = if character == '`' { run.saturating_add(1) } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest.saturating_add(1));
    let pad = if shown.starts_with('`') || shown.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{shown}{pad}{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::text::tests::HOSTILE;

    #[test]
    fn remote_text_cannot_leave_its_code_span() {
        assert_eq!(code("plain"), "`plain`");
        assert_eq!(code("a`b``c"), "```a`b``c```");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(code("a|b"), "`a\u{a6}b`");
        assert_eq!(code(""), "` `");
        for hostile in HOSTILE {
            let span = code(hostile);
            assert!(!span.contains(['\n', '|', '\u{1b}']), "{span:?}");
        }
    }
}
