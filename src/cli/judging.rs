//! How records are judged: rubric, gates and choice of checks, once they are known.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::resolve::Usage;
use crate::baseline::Scanned;
use crate::facts::Kind;
use crate::gate::Gates;
use crate::judge::judge_selected;
use crate::report::Report;
use crate::rubric::{Rubric, nearest};
use crate::scan::crashed;
use crate::selection::Selection;
use crate::transcript::Transcript;

/// How the record is judged and when the run fails.
#[derive(Debug)]
pub(crate) struct Judging {
    pub(crate) rubric: Rubric,
    pub(crate) gates: Gates,
    pub(crate) selection: Selection,
    pub(crate) exit_zero: bool,
    pub(crate) fail_on_unreachable: bool,
}

impl Judging {
    /// Judges a transcript. One that makes us crash hurts no other (HOSTILE.md rule 4).
    pub(super) fn judge(&self, transcript: &Transcript) -> Report {
        let judge =
            |transcript: &Transcript| judge_selected(transcript, &self.rubric, &self.gates, &self.selection);
        catch_unwind(AssertUnwindSafe(|| judge(transcript)))
            .unwrap_or_else(|_| judge(&crashed(transcript.header.clone())))
    }

    /// The baseline and the earlier report must be about what is judged.
    pub(super) fn concerns(
        &self,
        targets: impl Iterator<Item = (String, Option<String>)>,
    ) -> Result<(), Usage> {
        let targets: Vec<(String, Option<String>)> = targets.collect();
        let names = targets.iter().map(|(url, label)| label.as_deref().unwrap_or(url.as_str()));
        if let Some(baseline) = &self.gates.baseline {
            let strangers: Vec<_> = baseline.strangers(&targets).collect();
            if let Some(first) = strangers.first()
                && strangers.len() == baseline.entries.len()
                && !targets.is_empty()
            {
                let hint = match nearest(&first.target, names.clone()) {
                    Some(near) => format!("; was it renamed to '{near}'?"),
                    None => String::new(),
                };
                return Err(Usage::new(
                    "--baseline",
                    format!(
                        "{}: it is about '{}', which is not judged here{hint}",
                        baseline.place(first),
                        first.target
                    ),
                ));
            }
        }
        if let Some(drop) = &self.gates.max_drop {
            for ((url, label), name) in targets.iter().zip(names) {
                let who = Scanned::new(url, label.as_deref(), Kind::Unreachable, "");
                if drop.of(&who).is_none() {
                    return Err(Usage::new("--against", format!("{} has no report of {name}", drop.name)));
                }
            }
        }
        Ok(())
    }
}
