//! The verdict: what was found, how good it is and what holds it, how much was judged, and what to do next. It ends
//! what is printed, so that it is on the screen when the prompt comes back.

use super::advice::{describes, gate, next};
use super::findings::worst_first;
use super::gains;
use super::layout::{Detail, Page, Tone, columns};
use super::words::{self, counted};
use crate::facts::era_guess::EraGuess;
use crate::facts::{Confidence, Kind};
use crate::protocol::host;
use crate::report::doubts::doubts;
use crate::report::text::shell;
use crate::report::{NEVER_ASKED, Report, standing};
use crate::score::{CapHit, DimensionScore, whole};
use crate::verdict::{Dimension, Status};

/// Its blocks, in order, with a blank line between those that say something. A new one has a line here.
const BLOCKS: &[fn(&mut Page, &Report)] = &[tried, head, found_beside, score, total];

pub(super) fn draw(page: &mut Page, report: &Report) {
    for block in BLOCKS {
        let mut drawn = Page::new(page.style);
        block(&mut drawn, report);
        page.append(drawn);
    }
}

fn head(page: &mut Page, report: &Report) {
    let label = report.label.as_ref().map_or_else(String::new, |label| format!("{label}: "));
    page.text(Tone::Strong, &format!("{label}{}", report.shown_url()));
    page.pieces(0, 2, &[(Tone::Plain, &found(report).join(" · "))]);
    for doubt in doubts(report) {
        page.text(Tone::Fair, &doubt.text);
    }
}

/// What speaks there, in parts.
pub(in crate::report) fn found(report: &Report) -> Vec<String> {
    let class = &report.classification;
    let mut what = vec![match class.confidence {
        _ if class.kind == Kind::Unreachable => "not reachable".to_owned(),
        Confidence::Confirmed => class.words().to_owned(),
        Confidence::Suspected => format!("probably {}", class.words()),
        Confidence::Guess => format!("perhaps {}", class.words()),
    }];
    if !class.revisions.is_empty() {
        let revisions: Vec<&str> = class.revisions.iter().map(|revision| revision.as_str()).collect();
        what.push(format!("revisions {}", revisions.join(", ")));
    }
    if let [_, others @ ..] = class.transports.as_slice()
        && !others.is_empty()
    {
        let others: Vec<&str> = others.iter().map(|transport| transport.as_str()).collect();
        what.push(format!("also {}", others.join(", ")));
    }
    if let Some(server) = &class.server {
        what.push(format!("server \"{}\" {}", server.name, server.version).trim_end().to_owned());
    }
    if class.endpoint != report.url {
        what.push(format!("redirected to {}", host::shown(&class.endpoint)));
    }
    // Why is of interest where it is not plain from what was found.
    if !class.is_mcp() || class.confidence != Confidence::Confirmed {
        what.push(class.reason.clone());
    }
    what.extend(report.era_guess.as_ref().map(EraGuess::sentence));
    what
}

/// The caps that decide: the lowest of each value.
fn holding(report: &Report) -> impl Iterator<Item = &CapHit> {
    let hits = &report.score.caps;
    hits.iter().filter(move |hit| {
        let same = |other: &&CapHit| other.cap.dimension == hit.cap.dimension;
        let lowest = hits.iter().filter(same).map(|other| other.cap.max).min().unwrap_or(hit.cap.max);
        hits.iter().filter(same).find(|other| other.cap.max == lowest) == Some(*hit)
    })
}

/// The same in words.
pub(in crate::report) fn capped(report: &Report) -> Vec<String> {
    holding(report).map(standing::cap).collect()
}

/// What a target without faults is told.
pub(in crate::report) const NOTHING_TO_FIX: &str = "Nothing to fix: every check that could be judged passed.";

/// Whether that may be said: enough was judged, and nothing warned or failed.
pub(in crate::report) fn nothing_to_fix(report: &Report) -> bool {
    let any = |wanted: &[Status]| report.findings.iter().any(|row| wanted.contains(&row.finding.status));
    report.score.value.is_some() && any(&[Status::Pass]) && !any(&[Status::Warn, Status::Fail])
}

/// The dimensions, and what holds or lowers what follows from them.
fn score(page: &mut Page, report: &Report) {
    dimensions(page, report);
    for hit in holding(report).filter(|hit| hit.target().dimension().is_none()) {
        let (before, after) = (whole(hit.before), whole(hit.after));
        let said = format!("at {after} by {} (else {before}): {}", hit.cap.check, hit.cap.reason);
        labelled(page, Tone::Bad, "Held", &said);
    }
    for (name, words) in standing::grade(report) {
        labelled(page, Tone::Fair, name, &words);
    }
    let usable = report.score.usable.value.map(|value| format!("{} of 100", whole(value)));
    let said: Vec<String> = usable.into_iter().chain(standing::families(report)).collect();
    if !said.is_empty() {
        labelled(page, Tone::Plain, "Usable", &said.join(" · "));
    }
    const REASONS: usize = 4;
    let all = page.style.detail > Detail::Findings;
    let most = if all { usize::MAX } else { REASONS };
    for reason in report.gate.reasons().take(most) {
        labelled(page, Tone::Bad, "Gate", reason);
    }
    if let Some(more @ 1..) = report.gate.reasons().count().checked_sub(most) {
        labelled(page, Tone::Bad, "Gate", &format!("and {more} more (-v)"));
    }
    for note in report.gate.notes.iter().take(most) {
        labelled(page, Tone::Quiet, "Note", note);
    }
    if let Some(more @ 1..) = report.gate.notes.len().checked_sub(most) {
        labelled(page, Tone::Quiet, "Note", &format!("and {more} more (-v)"));
    }
}

/// A line with its name.
fn labelled(page: &mut Page, tone: Tone, name: &str, text: &str) {
    let label = format!("{name}:");
    page.item(0, (tone, &label), columns(&label).saturating_add(1), text);
}

fn dimensions(page: &mut Page, report: &Report) {
    let dimensions = &report.score.dimensions;
    let titles = dimensions.keys().map(|dimension| columns(dimension.title())).max().unwrap_or(0);
    let cells = match page.style.width {
        120.. => 20,
        72.. => 10,
        _ => 0,
    };
    for (dimension, score) in dimensions {
        let value = score.value.map_or_else(|| "–".to_owned(), |value| whole(value).to_string());
        let tone = score.value.map_or(Tone::Quiet, words::value);
        let bar = bar(score, cells);
        let gap = titles.saturating_sub(columns(dimension.title()));
        let name = format!(" {} {}{:gap$}  {bar}  ", dimension.as_str(), dimension.title(), "");
        let said = dimension_words(report, *dimension, score);
        let hang = columns(&name).saturating_add(3);
        let label = format!("{value:>3}{name}");
        if page.wide() {
            page.item(0, (tone, label.trim_end()), hang, &said);
        } else {
            page.text(tone, label.trim_end());
            if !said.is_empty() {
                page.item(4, (Tone::Plain, ""), 4, &said);
            }
        }
    }
    let dropped: Vec<&str> = report.dropped().map(Dimension::as_str).collect();
    if !dropped.is_empty() {
        page.text(
            Tone::Quiet,
            &format!("{}: nothing applies to this endpoint, left out", dropped.join(", ")),
        );
    }
}

/// What a dimension may still become, and what holds it.
fn dimension_words(report: &Report, dimension: Dimension, score: &DimensionScore) -> String {
    let mut said = Vec::new();
    let (lower, upper) = (whole(score.lower), whole(score.upper));
    if lower != upper {
        let judged = format!("{} of {} checks judged", score.rows_judged, score.rows_apply);
        said.push(format!("may be {lower} to {upper}: {judged}"));
    }
    for hit in holding(report).filter(|hit| hit.target().dimension() == Some(dimension)) {
        let before = whole(hit.before);
        said.push(format!("held at {} by {} (else {before})", whole(hit.after), hit.cap.check));
    }
    said.join("; ")
}

/// The value in cells; or, where it is withheld, what is certain.
fn bar(score: &DimensionScore, cells: usize) -> String {
    let value = usize::try_from(whole(score.value.unwrap_or(score.lower))).unwrap_or(0);
    let full = (value.saturating_mul(cells) / 100).min(cells);
    format!("{}{}", "█".repeat(full), "░".repeat(cells.saturating_sub(full)))
}

/// The score itself, how much it rests on, and what to do next.
fn total(page: &mut Page, report: &Report) {
    let score = &report.score;
    match score.value {
        Some(value) => {
            let grade = score.grade.as_ref().map_or_else(String::new, |grade| format!(", grade {grade}"));
            let (lower, upper) = (whole(score.lower), whole(score.upper));
            let bounds = if lower == upper {
                String::new()
            } else {
                format!(" · {lower} to {upper} once the rest is known")
            };
            let said = format!("Score {} of 100{grade}", whole(value));
            page.pieces(0, 2, &[(words::value(value), &said), (Tone::Plain, &bounds)]);
        }
        None => {
            let why = score.withheld.as_deref().unwrap_or("too little could be judged");
            page.item(0, (Tone::Fair, "No score:"), 10, why);
        }
    }
    let told = report.findings.iter().any(|row| matches!(row.finding.status, Status::Warn | Status::Fail));
    if told || !describes(report) {
        counts(page, report);
    }
    ahead(page, report);
}

fn counts(page: &mut Page, report: &Report) {
    let statuses = report.findings.iter().map(|row| row.finding.status);
    let counts = counted(statuses);
    if !counts.is_empty() {
        let never = format!(" · never asked: {}", NEVER_ASKED.join(", "));
        page.pieces(0, 2, &[(Tone::Plain, &counts), (Tone::Quiet, &never)]);
    }
    if nothing_to_fix(report) {
        page.text(Tone::Good, NOTHING_TO_FIX);
    }
}

/// What to do next.
fn ahead(page: &mut Page, report: &Report) {
    if describes(report) {
        if let Some(next) = next(report) {
            labelled(page, Tone::Strong, "Next", &next);
        }
        return;
    }
    if report.classification.kind == Kind::AuthGated {
        labelled(page, Tone::Strong, "Gated", gate(report));
        if let Some(url) = shell(&report.url) {
            page.verbatim(2, "", &format!("agentgauge scan --bearer-env TOKEN {url}"));
        }
    }
    first(page, report);
}

fn first(page: &mut Page, report: &Report) {
    let ids: Vec<&str> = report
        .fixes
        .iter()
        .filter_map(|index| report.findings.get(*index))
        .map(|row| row.finding.check.id)
        .collect();
    if let (Some(lifted), [_, _, ..]) = (gains::lifted(report), ids.as_slice()) {
        labelled(page, Tone::Strong, "Fix first", &format!("{} lift {lifted}", and(&ids)));
    } else if let (Some(lifted), [id]) = (gains::lifted(report), ids.as_slice()) {
        labelled(page, Tone::Strong, "Fix first", &format!("{id} lifts {lifted}"));
    }
    let why = worst_first(report)
        .first()
        .map(|row| format!("`agentgauge explain {}` tells why it matters", row.finding.check.id));
    let more = (page.style.detail <= Detail::Findings)
        .then(|| "-v shows what passed and what was not judged".to_owned());
    let said: Vec<String> = why.into_iter().chain(more).collect();
    if !said.is_empty() {
        labelled(page, Tone::Strong, "Next", &said.join("; "));
    }
}

fn and(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [others @ .., last] => format!("{} and {last}", others.join(", ")),
    }
}

/// What was tried on an endpoint that is described and not scored.
fn tried(page: &mut Page, report: &Report) {
    const MOST: usize = 5;
    if !describes(report) || report.tried.is_empty() || page.style.detail == Detail::Verdict {
        return;
    }
    let most = if page.style.detail > Detail::Findings { usize::MAX } else { MOST };
    page.text(Tone::Strong, "What was tried");
    for tried in report.tried.iter().take(most) {
        page.item(2, (Tone::Plain, &tried.what), if page.wide() { 38 } else { 6 }, &tried.outcome);
    }
    if let Some(more @ 1..) = report.tried.len().checked_sub(most) {
        page.item(2, (Tone::Quiet, ""), 2, &format!("and {more} more (-v)"));
    }
}

fn found_beside(page: &mut Page, report: &Report) {
    let found = &report.classification.found_at;
    if found.is_empty() {
        return;
    }
    page.text(Tone::Strong, "Found beside it:");
    for found in found {
        page.item(2, (Tone::Plain, ""), 2, &found.what);
        if let Some(url) = shell(&found.url) {
            page.verbatim(4, "", &format!("agentgauge scan {url}"));
        }
    }
}
