//! A rule judged in each era that the endpoint speaks.

use super::{Facts, Scope, era_use};
use crate::protocol::revision::Era;
use crate::transcript::{Expectation, Profile, Skip, SkipReason};
use crate::verdict::{Judgement, Status, Undecided, Verdict, inconclusive, rank};

impl Facts<'_> {
    /// Whether an era was opened and nothing in it can be used: its rows say nothing then. Open to every check.
    #[must_use]
    pub fn hollow(&self, era: Era) -> bool {
        let plain = Scope::Every(Expectation::Plain);
        era_use::read(&Facts::scoped(self.readings, plain), era).hollow()
    }

    /// Whether the profile leaves an era to the newest one: `quick` asks the older one only what tells it apart.
    fn left_out(&self, era: Era) -> bool {
        let stopped = |skip: &Skip| match self.scope {
            Scope::Probes(probes) => probes.contains(&skip.probe) && skip.reason != SkipReason::Profile,
            // What reads everything does not miss a share that was spent.
            Scope::Every(_) | Scope::All => !matches!(
                skip.reason,
                SkipReason::Profile
                    | SkipReason::Budget
                    | SkipReason::Sessions
                    | SkipReason::StreamLost
                    | SkipReason::NotSentBack
                    | SkipReason::UnknownVersion
            ),
        };
        let mut skips = self.readings.transcript().skips.iter();
        self.profile() == Profile::Quick
            && self.class().newest_era() != Some(era)
            && self.readings.transcript().complete()
            && !skips.any(stopped)
    }

    /// Judges each era the endpoint speaks, newest first; the worse verdict counts and names its
    /// era. A pass needs that every era was decided: what was not seen may be worse. An era that cannot be used
    /// at all is left to the row that says so.
    ///
    /// # Errors
    /// Undecided where no era was judged.
    pub fn per_era(&self, judge: impl Fn(Era) -> Judgement) -> Judgement {
        let spoken = &self.class().eras;
        let [only] = spoken.as_slice() else { return self.each_era(judge) };
        judge(*only)
    }

    fn each_era(&self, judge: impl Fn(Era) -> Judgement) -> Judgement {
        let spoken = &self.class().eras;
        let usable: Vec<Era> = spoken.iter().copied().filter(|era| !self.hollow(*era)).collect();
        let eras = if usable.is_empty() { spoken } else { &usable };
        let mut undecided = None;
        let mut unseen = None;
        let mut decided: Vec<(Era, Verdict)> = Vec::new();
        for era in eras {
            match judge(*era) {
                Ok(verdict) => decided.push((*era, verdict)),
                // Not applicable in one era and unseen in the other is unseen.
                Err(Undecided::Inconclusive(reason)) => {
                    undecided = Some(Undecided::Inconclusive(reason.clone()));
                    unseen = unseen.or((!self.left_out(*era)).then_some((*era, reason)));
                }
                Err(reason) => undecided = undecided.or(Some(reason)),
            }
        }
        let Some((_, worst)) = decided
            .iter()
            .enumerate()
            .max_by_key(|(index, (_, verdict))| (rank(verdict.status), std::cmp::Reverse(*index)))
        else {
            return undecided.map_or_else(|| inconclusive("no era could be judged"), Err);
        };
        let (era, mut verdict) = worst.clone();
        if let (Status::Pass, Some((other, reason))) = (verdict.status, unseen) {
            return inconclusive(format!("{other} era: {reason}; {era} era: {}", verdict.message));
        }
        // Mending one era must not bring to light a worse cause in the other.
        for (_, other) in decided.iter().filter(|(other, of)| *other != era && of.status == verdict.status) {
            verdict.causes.extend(other.causes.iter().copied());
        }
        let all_alike =
            decided.len() == spoken.len() && decided.iter().all(|(_, other)| other.status == verdict.status);
        // What was asked of one era alone is not said of both.
        let same = |other: &Verdict| other.message == verdict.message;
        if all_alike && verdict.status == Status::Pass && !decided.iter().all(|(_, other)| same(other)) {
            for (_, other) in decided.iter().filter(|(other, _)| *other != era) {
                verdict.evidence.extend(other.evidence.iter().cloned());
            }
            let each = decided.iter().map(|(era, found)| format!("{era} era: {}", found.message));
            verdict.message = each.collect::<Vec<_>>().join("; ");
        } else if all_alike {
            for (_, other) in decided.iter().filter(|(other, _)| *other != era) {
                verdict.evidence.extend(other.evidence.iter().cloned());
            }
            verdict.message = format!("both eras: {}", verdict.message);
        } else {
            verdict.message = format!("{era} era: {}", verdict.message);
        }
        Ok(verdict)
    }
}
