//! A comparison for people at a terminal.

use super::{ChangeKind, Diff, TargetDiff};
use crate::protocol::host::shown;
use crate::report::text::{sanitise, short};
use crate::verdict::Status;

/// Longest message on a line, in characters.
const MESSAGE: usize = 160;

/// The comparison as lines of text.
#[must_use]
pub fn render(diff: &Diff) -> String {
    let mut lines = Vec::new();
    for target in &diff.targets {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        draw(&mut lines, target);
    }
    for (what, names) in
        [("Only in the earlier report", &diff.only_old), ("Only in the later report", &diff.only_new)]
    {
        if !names.is_empty() {
            lines.push(String::new());
            lines.push(format!(
                "{what}: {}",
                sanitise(&names.iter().map(|name| shown(name)).collect::<Vec<_>>().join(", "))
            ));
        }
    }
    let counts: Vec<String> = ChangeKind::ALL
        .iter()
        .map(|kind| format!("{} {}", diff.count(*kind), kind.title().to_lowercase()))
        .collect();
    lines.push(String::new());
    lines.push(counts.join(", "));
    lines.push(String::new());
    lines.join("\n")
}

fn draw(lines: &mut Vec<String>, target: &TargetDiff) {
    match &target.label {
        Some(label) => lines.push(format!("{} ({})", sanitise(label), sanitise(&shown(&target.url)))),
        None => lines.push(sanitise(&shown(&target.url))),
    }
    for note in target.notes.iter().chain(&target.doubts) {
        lines.push(format!("  note: {}", sanitise(note)));
    }
    let scores = &target.scores;
    if scores.comparable {
        lines.push(format!("  Score  {}", scores.overall.words()));
        for (dimension, movement) in &scores.dimensions {
            lines.push(format!("  {dimension}     {}", movement.words()));
            for moved in &movement.moved_by {
                let (old, new) = (moved.old.as_str(), moved.new.as_str());
                let check = sanitise(&moved.check);
                lines.push(format!("           {check}: {old} → {new} ({} points)", moved.points));
            }
        }
        for cap in &scores.caps {
            let what = if cap.holds { "now caps" } else { "no longer caps" };
            let (check, of) = (sanitise(&cap.check), sanitise(&cap.dimension));
            lines.push(format!("         {check} {what} {of} at {}", cap.cap));
        }
    } else {
        lines.push("  Score  not comparable: another rubric, or another version of it".to_owned());
    }
    for kind in ChangeKind::ALL {
        let rows: Vec<_> = target.changes.iter().filter(|change| change.change == kind).collect();
        if rows.is_empty() {
            continue;
        }
        lines.push(String::new());
        lines.push(format!("  {} ({})", kind.title(), rows.len()));
        for row in rows {
            let word = |status: Option<Status>| status.map_or("-", Status::as_str);
            let (old, new) = (word(row.old), word(row.new));
            lines.push(format!(
                "    {}: {old} → {new} ({}): {}",
                sanitise(&row.check),
                row.severity.as_str(),
                short(&row.message, MESSAGE)
            ));
        }
    }
    if target.changes.is_empty() {
        lines.push("  No finding changed.".to_owned());
    }
}
