//! Findings against a baseline.

use std::collections::BTreeMap;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Baseline, Entry, Kept, Mark, Row, Scanned, Seen};
use crate::rubric::nearest;
use crate::verdict::Severity;

/// How a warning or failure stands to the baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Listed as debt.
    Known,
    /// Listed as accepted.
    Accepted,
    /// Not listed, and a repetition may not show it: counts as unchanged.
    Unstable,
    /// Listed, and worse now.
    Worse,
    /// Not listed.
    New,
}

/// What became of a baseline for one target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// New and worse findings, in words.
    pub worse: Vec<String>,
    /// Entries that are stale, expired or name no check, in words with file and line.
    pub entries: Vec<String>,
    /// Indices of the entries that are stale or name no check: what pruning removes.
    pub stale: Vec<usize>,
    /// Indices of entries that expired.
    pub expired: Vec<usize>,
    /// What else is worth knowing.
    pub notes: Vec<String>,
    /// Every warning and failure, by check id.
    pub standings: BTreeMap<String, Standing>,
}

impl Baseline {
    /// Compares one target's findings with the entries for it, and looks whether the others can still be
    /// true: a file that is out of date fails wherever it is used. `known` are the ids of all checks; new
    /// and worse findings fail from `least` harm on.
    #[must_use]
    pub fn hold(&self, who: &Scanned<'_>, rows: &[Row<'_>], known: &[&str], least: Option<Severity>) -> Held {
        let mut held = Held::default();
        let own: Vec<&Entry> = self.entries.iter().filter(|entry| who.is(&entry.target)).collect();
        for (index, entry) in self.entries.iter().enumerate() {
            if let Some(unknown) = self.unknown(entry, known) {
                held.entries.push(unknown);
                held.stale.push(index);
            } else if let Some(gone) = gone(entry, who, rows) {
                held.entries.push(format!(
                    "{}: stale entry: '{}' {gone}; remove it, or run 'agentgauge baseline prune'",
                    self.place(entry),
                    entry.check
                ));
                held.stale.push(index);
            } else if let Some(expired) = who.day.and_then(|day| self.expired(entry, day)) {
                held.entries.push(expired);
                held.expired.push(index);
            }
        }
        for row in rows {
            let Seen::Found(mark) = Seen::of(row.status, who.kind) else { continue };
            let listed = own.iter().copied().filter(|entry| covers(entry, row));
            let best =
                listed.max_by_key(|entry| (entry.status, entry.severity.unwrap_or(Severity::Critical)));
            let standing = standing(best, mark, row);
            held.standings.insert(row.check.to_owned(), standing);
            let harm = row.severity.as_str();
            let text = match (standing, best) {
                (Standing::New, _) => format!("new: {} ({}, {harm})", row.check, mark.as_str()),
                (Standing::Worse, Some(entry)) => format!(
                    "worse: {} ({}, {harm}) was {} in {}",
                    row.check,
                    mark.as_str(),
                    entry.severity.map_or_else(
                        || entry.status.as_str().to_owned(),
                        |severity| format!("{}, {}", entry.status.as_str(), severity.as_str())
                    ),
                    self.place(entry)
                ),
                _ => {
                    if let Some(entry) = best.filter(|entry| entry.status > mark) {
                        let place = self.place(entry);
                        held.notes.push(format!("better: {} is only a warning now ({place})", row.check));
                    }
                    continue;
                }
            };
            if least.is_none_or(|least| row.severity >= least) {
                held.worse.push(text);
            } else {
                held.notes.push(text);
            }
        }
        let count = |standing| held.standings.values().filter(|of| **of == standing).count();
        let (debt, accepted, unstable) =
            (count(Standing::Known), count(Standing::Accepted), count(Standing::Unstable));
        held.notes.insert(
            0,
            format!("baseline {}: {debt} known, {accepted} accepted, {unstable} unstable", self.name),
        );
        held
    }

    /// What is wrong with the entries whatever is found: expired on this day, or of no check.
    #[must_use]
    pub fn out_of_date(&self, known: &[&str], day: Option<Date>) -> Vec<String> {
        let wrong = |entry| self.unknown(entry, known).or_else(|| self.expired(entry, day?));
        self.entries.iter().filter_map(wrong).collect()
    }

    fn unknown(&self, entry: &Entry, known: &[&str]) -> Option<String> {
        if known.contains(&entry.check.as_str()) {
            return None;
        }
        let hint = nearest(&entry.check, known.iter().copied())
            .map_or_else(String::new, |near| format!("; did you mean '{near}'?"));
        Some(format!("{}: unknown check '{}'{hint}", self.place(entry), entry.check))
    }

    fn expired(&self, entry: &Entry, day: Date) -> Option<String> {
        let expires = entry.expires.filter(|expires| day > *expires)?;
        let (place, check, target) = (self.place(entry), &entry.check, &entry.target);
        Some(format!("{place}: the entry for '{check}' of {target} expired on {expires}"))
    }
}

/// Why an entry of this target no longer says something true, in words.
fn gone(entry: &Entry, who: &Scanned<'_>, rows: &[Row<'_>]) -> Option<&'static str> {
    let row = rows.iter().find(|row| row.check == entry.check && who.is(&entry.target))?;
    match Seen::of(row.status, who.kind) {
        Seen::Undecided => None,
        Seen::Sound if row.unstable || entry.unstable => None,
        Seen::Sound => Some(match row.status {
            crate::verdict::Status::NotApplicable => "does not apply any more",
            _ => "is mended",
        }),
        Seen::Found(_) if !covers(entry, row) => Some("is found, but not with this subject"),
        Seen::Found(_) => None,
    }
}

/// Whether an entry is about this finding.
pub(super) fn covers(entry: &Entry, row: &Row<'_>) -> bool {
    entry.check == row.check
        && entry.subject.as_ref().is_none_or(|subject| row.texts.iter().any(|text| text.contains(subject)))
}

fn standing(best: Option<&Entry>, mark: Mark, row: &Row<'_>) -> Standing {
    match best {
        None if row.unstable => Standing::Unstable,
        None => Standing::New,
        Some(entry) => {
            let worse = mark > entry.status
                || (mark == entry.status && entry.severity.is_some_and(|harm| row.severity > harm));
            match entry.kept {
                _ if worse && !row.unstable && !entry.unstable => Standing::Worse,
                Kept::Debt => Standing::Known,
                Kept::Accepted => Standing::Accepted,
            }
        }
    }
}
