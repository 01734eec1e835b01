//! What stands beside the score, in words that every format shares: how usable the endpoint is and by whom, what
//! holds the grade, and how much was judged.

use super::Report;
use crate::clients::Client;
use crate::score::{CapHit, tenths, whole};

/// A line with its name.
pub(super) type Line = (&'static str, String);

/// What holds the grade below that of the number, and why the lower bound counts.
#[must_use]
pub(super) fn grade(report: &Report) -> Vec<Line> {
    let score = &report.score;
    let mut lines = Vec::new();
    let held: Vec<String> = score.held.iter().map(crate::score::Held::words).collect();
    if !held.is_empty() {
        lines.push(("Grade held", held.join("; ")));
    }
    if !score.lower_because.is_empty() {
        let bound = match score.value {
            Some(_) => format!(" ({} of 100)", whole(score.lower)),
            None => String::new(),
        };
        lines.push((
            "Lower bound",
            format!(
                "the endpoint itself kept us from judging all of it, so grade and gates read the lower bound{bound}: {}",
                score.lower_because.join("; ")
            ),
        ));
    }
    lines
}

/// What clients feel, apart from security.
#[must_use]
pub(super) fn usable(report: &Report) -> Option<Line> {
    let usable = report.score.usable;
    let value = usable.value?;
    let (lower, upper) = (whole(usable.lower), whole(usable.upper));
    let bounds =
        if lower == upper { String::new() } else { format!(", {lower} to {upper} once the rest is known") };
    Some((
        "Usable",
        format!("{} of 100 (API quality and reliability, what clients feel{bounds})", whole(value)),
    ))
}

/// Who can use it, a line for each family.
#[must_use]
pub(super) fn clients(report: &Report) -> Vec<String> {
    let line = |client: &Client| {
        let why = if client.why.is_empty() { String::new() } else { format!(": {}", client.why.join("; ")) };
        match client.can {
            Some(true) if why.is_empty() => format!("{} can", client.words()),
            Some(true) => format!("{} can, in part{why}", client.words()),
            _ => format!("{} {}{why}", client.words(), client.verdict()),
        }
    };
    report.clients.iter().map(line).collect()
}

/// The families in one line: those that can, those that cannot, those of which nothing is known.
#[must_use]
pub(super) fn families(report: &Report) -> Option<String> {
    let of = |can: Option<bool>, word: &str| {
        let names: Vec<&str> = report
            .clients
            .iter()
            .filter(|client| client.can == can)
            .map(|client| client.family.as_str())
            .collect();
        (!names.is_empty()).then(|| format!("{word} {}", names.join(", ")))
    };
    let parts: Vec<String> = [of(Some(true), "can:"), of(Some(false), "cannot:"), of(None, "not known:")]
        .into_iter()
        .flatten()
        .collect();
    (!parts.is_empty()).then(|| parts.join(" · "))
}

/// A cap in words, with what it took.
#[must_use]
pub(super) fn cap(hit: &CapHit) -> String {
    let cause = hit.cause.as_ref().map_or_else(String::new, |cause| format!(", {cause}"));
    let (before, after) = (tenths(hit.before), tenths(hit.after));
    let bends = if hit.target().dimension().is_none() {
        format!("cap {}, bent: ", hit.cap.max)
    } else {
        String::new()
    };
    format!("{} {before} → {after} by {}{cause} ({bends}{})", hit.target(), hit.cap.check, hit.cap.reason)
}
