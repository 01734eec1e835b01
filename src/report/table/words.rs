//! Short words of the terminal, with their tones.

use super::layout::Tone;
use crate::score::whole;
use crate::verdict::{Severity, Status};

/// A status in one word.
pub(super) fn status(status: Status) -> (&'static str, Tone) {
    match status {
        Status::Pass => ("PASS", Tone::Good),
        Status::Warn => ("WARN", Tone::Fair),
        Status::Fail => ("FAIL", Tone::Bad),
        Status::Info => ("INFO", Tone::Name),
        Status::NotApplicable => ("N/A", Tone::Quiet),
        Status::Inconclusive => ("OPEN", Tone::Quiet),
        Status::Error => ("BUG", Tone::Bad),
        Status::Skipped => ("SKIP", Tone::Quiet),
    }
}

/// How bad it looks.
pub(super) fn harm(severity: Severity) -> Tone {
    match severity {
        Severity::Critical | Severity::High => Tone::Bad,
        Severity::Medium => Tone::Fair,
        Severity::Low | Severity::Info => Tone::Plain,
    }
}

/// How good a value looks.
pub(super) fn value(value: f64) -> Tone {
    match whole(value) {
        80.. => Tone::Good,
        60..80 => Tone::Fair,
        _ => Tone::Bad,
    }
}

/// How many checks ended how; statuses that none has are left out.
pub(super) fn counted(statuses: impl Iterator<Item = Status>) -> String {
    let statuses: Vec<Status> = statuses.collect();
    const WORDS: [(&[Status], &str); 6] = [
        (&[Status::Fail], "failed"),
        (&[Status::Warn], "warned"),
        (&[Status::Pass], "passed"),
        (&[Status::Info], "noted"),
        (&[Status::Inconclusive, Status::Error], "not judged"),
        (&[Status::Skipped], "skipped"),
    ];
    let count = |of: &[Status]| statuses.iter().filter(|status| of.contains(status)).count();
    let counts = WORDS.iter().map(|(of, word)| (count(of), word));
    let said = counts.filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}"));
    said.collect::<Vec<_>>().join(", ")
}
