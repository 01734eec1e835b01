//! How records are judged: rubric, gates and choice of checks, once they are known.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::usage::Usage;
use crate::baseline::Scanned;
use crate::facts::Kind;
use crate::gate::{Gates, MaxDrop};
use crate::judge::judge_encoded;
use crate::protocol::host::shown_url;
use crate::report::Report;
use crate::rubric::{Rubric, nearest, sha256};
use crate::scan::crashed;
use crate::selection::Selection;
use crate::transcript::codec::Encoded;

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
    /// Judges a transcript. One that makes us crash hurts no other.
    pub(super) fn judge(&self, recorded: &Encoded) -> Report {
        let judge = |Encoded { transcript, bytes }: &Encoded| {
            judge_encoded(transcript, &sha256(bytes), &self.rubric, &self.gates, &self.selection)
        };
        catch_unwind(AssertUnwindSafe(|| judge(recorded)))
            .unwrap_or_else(|_| judge(&Encoded::of(crashed(recorded.transcript.header.clone()))))
    }

    /// The baseline and the earlier report must be about what is judged. What else they are about is said.
    pub(super) fn concerns(
        &self,
        targets: impl Iterator<Item = (String, Option<String>)>,
    ) -> Result<Option<String>, Usage> {
        let targets: Vec<(String, Option<String>)> = targets.collect();
        if let Some(baseline) = &self.gates.baseline {
            let strangers: Vec<_> = baseline.strangers(&targets).collect();
            if let Some(first) = strangers.first()
                && strangers.len() == baseline.entries.len()
                && !targets.is_empty()
            {
                let names: Vec<String> = targets.iter().map(name).collect();
                let hint = match nearest(&first.target, names.iter().map(String::as_str)) {
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
            alone(drop, &targets)?;
        }
        Ok(self.gates.baseline.as_ref().and_then(|baseline| baseline.elsewhere(&targets)))
    }
}

/// Every target must have an earlier score of its own.
fn alone(drop: &MaxDrop, targets: &[(String, Option<String>)]) -> Result<(), Usage> {
    let found = |target: &(String, Option<String>)| {
        drop.of(&Scanned::new(&target.0, target.1.as_deref(), Kind::Unreachable, ""))
    };
    for target in targets {
        let Some(earlier) = found(target) else {
            let problem = format!("{} has no report of {}", drop.name, name(target));
            return Err(Usage::new("--against", problem));
        };
        if earlier.label == target.1 {
            continue;
        }
        let other = |other: &&(String, Option<String>)| {
            *other != target && found(other).is_some_and(|of| std::ptr::eq(of, earlier))
        };
        if let Some(other) = targets.iter().find(other) {
            let (name, other) = (name(target), name(other));
            let problem = format!("{} has no report of {name}, only one that {other} goes with", drop.name);
            return Err(Usage::new("--against", problem));
        }
    }
    Ok(())
}

/// The label, or else the URL without what may be secret.
fn name((url, label): &(String, Option<String>)) -> String {
    label.clone().unwrap_or_else(|| shown_url(url).trim_matches('\'').to_owned())
}
