//! `baseline write` and `baseline prune`: a new baseline from an old one and what is found.

use super::hold::covers;
use super::{Baseline, Entry, Kept, Row, Scanned, Seen};

impl Baseline {
    /// The baseline with this target's debt made current: new findings are added, worse and better ones
    /// renewed, mended ones dropped. Accepted entries stay, and so does debt that could not be seen.
    #[must_use]
    pub fn updated(&self, who: &Scanned<'_>, rows: &[Row<'_>]) -> Self {
        let mut entries: Vec<Entry> = Vec::new();
        for entry in &self.entries {
            let row = rows.iter().find(|row| row.check == entry.check);
            if entry.kept == Kept::Accepted || !who.is(&entry.target) {
                entries.push(entry.clone());
                continue;
            }
            let Some(row) = row else { continue };
            let accepted = |mark| {
                self.entries.iter().any(|other| {
                    other.kept == Kept::Accepted
                        && who.is(&other.target)
                        && other.subject == entry.subject
                        && covers(other, row)
                        && other.reach() >= (mark, row.severity)
                })
            };
            match Seen::of(row.status, who.kind) {
                // Nothing is left of the debt: what it went beyond was accepted.
                Seen::Found(mark) if accepted(mark) => {}
                Seen::Undecided => entries.push(entry.clone()),
                Seen::Found(mark) if covers(entry, row) => entries.push(Entry {
                    status: mark,
                    severity: Some(row.severity),
                    unstable: row.unstable,
                    ..entry.clone()
                }),
                Seen::Sound if row.unstable || entry.unstable => entries.push(entry.clone()),
                Seen::Sound | Seen::Found(_) => {}
            }
        }
        for row in rows {
            let Seen::Found(mark) = Seen::of(row.status, who.kind) else { continue };
            let listed = entries.iter().any(|entry| {
                who.is(&entry.target)
                    && covers(entry, row)
                    && (entry.status, entry.severity.unwrap_or(row.severity)) >= (mark, row.severity)
            });
            if listed {
                continue;
            }
            let since = who.day.map_or_else(String::new, |day| format!(" on {day}"));
            entries.push(Entry {
                line: None,
                kept: Kept::Debt,
                target: who.name(),
                check: row.check.to_owned(),
                subject: None,
                status: mark,
                severity: Some(row.severity),
                reason: format!("known when this baseline was written{since}"),
                expires: None,
                unstable: row.unstable,
            });
        }
        Self { name: self.name.clone(), entries }
    }

    /// The baseline without these entries.
    #[must_use]
    pub fn without(&self, indices: &[usize]) -> Self {
        let kept = self.entries.iter().enumerate().filter(|(index, _)| !indices.contains(index));
        Self { name: self.name.clone(), entries: kept.map(|(_, entry)| entry.clone()).collect() }
    }
}
