//! Findings against a baseline.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Baseline, Entry, Kept, Mark, Row, Scanned, Seen};
use crate::finding::Severity;
use crate::rubric::nearest;

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
    /// Compares one target's findings with the entries for it. `known` are the ids of all checks; new and
    /// worse findings fail from `least` harm on.
    #[must_use]
    pub fn hold(&self, who: &Scanned<'_>, rows: &[Row<'_>], known: &[&str], least: Option<Severity>) -> Held {
        let mut held = Held::default();
        let own: Vec<(usize, &Entry)> =
            self.entries.iter().enumerate().filter(|(_, entry)| who.is(&entry.target)).collect();
        for (index, entry) in &own {
            self.entry(&mut held, *index, entry, who, rows, known);
        }
        for row in rows {
            let Seen::Found(mark) = Seen::of(row.status, who.kind) else { continue };
            let listed = own.iter().map(|(_, entry)| *entry).filter(|entry| covers(entry, row));
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

    /// Whether an entry still says something true.
    fn entry(
        &self,
        held: &mut Held,
        index: usize,
        entry: &Entry,
        who: &Scanned<'_>,
        rows: &[Row<'_>],
        known: &[&str],
    ) {
        let place = self.place(entry);
        let Some(row) = rows.iter().find(|row| row.check == entry.check) else {
            if !known.contains(&entry.check.as_str()) {
                let hint = nearest(&entry.check, known.iter().copied())
                    .map_or_else(String::new, |near| format!("; did you mean '{near}'?"));
                held.entries.push(format!("{place}: unknown check '{}'{hint}", entry.check));
                held.stale.push(index);
            }
            return;
        };
        let gone = match Seen::of(row.status, who.kind) {
            Seen::Undecided => None,
            Seen::Sound if row.unstable || entry.unstable => None,
            Seen::Sound => Some(match row.status {
                crate::finding::Status::NotApplicable => "does not apply any more",
                _ => "is mended",
            }),
            Seen::Found(_) if !covers(entry, row) => Some("is found, but not with this subject"),
            Seen::Found(_) => None,
        };
        if let Some(gone) = gone {
            held.entries.push(format!(
                "{place}: stale entry: '{}' {gone}; remove it, or run 'agentgauge baseline prune'",
                entry.check
            ));
            held.stale.push(index);
        } else if let (Some(expires), Some(day)) = (entry.expires, who.day)
            && day > expires
        {
            held.entries.push(format!("{place}: the entry for '{}' expired on {expires}", entry.check));
            held.expired.push(index);
        }
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
