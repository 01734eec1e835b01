//! The request budget: a total, and a share for each probe.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::plan;
use crate::transcript::{ProbeId, Profile, SkipReason};

/// What was sent, and what may be.
pub(super) struct Ledger {
    budget: u32,
    shares: BTreeMap<ProbeId, u32>,
    spent: Mutex<(u32, BTreeMap<ProbeId, u32>)>,
}

impl Ledger {
    /// The ledger of a profile, with at most `budget` requests in all.
    pub(super) fn new(profile: Profile, budget: u32) -> Self {
        let shares = plan(profile).into_iter().map(|planned| (planned.probe, planned.most)).collect();
        Self { budget, shares, spent: Mutex::default() }
    }

    /// Takes one request for a probe, or says that there is none left. `owed` requests are kept back for
    /// cleaning up: one for each session that is open, or that this request opens.
    pub(super) fn take(&self, probe: ProbeId, cleaning_up: bool, owed: u32) -> Result<(), SkipReason> {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        let reserved = if cleaning_up { 0 } else { owed.min(self.budget / 4) };
        let share = self.shares.get(&probe).copied().unwrap_or(0);
        let own = spent.1.get(&probe).copied().unwrap_or(0);
        if spent.0.saturating_add(reserved) >= self.budget || own >= share {
            return Err(SkipReason::Budget);
        }
        spent.0 = spent.0.saturating_add(1);
        spent.1.insert(probe, own.saturating_add(1));
        Ok(())
    }

    /// Requests so far.
    pub(super) fn sent(&self) -> u32 {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    /// Requests in all.
    pub(super) fn budget(&self) -> u32 {
        self.budget
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_cannot_eat_the_share_of_others() {
        let ledger = Ledger::new(Profile::Quick, 80);
        let taken = (0..50).filter(|_| ledger.take(ProbeId::IdEcho, false, 0).is_ok()).count();
        assert_eq!(taken, 3);
        assert!(ledger.take(ProbeId::Malformed, false, 0).is_ok());
    }

    #[test]
    fn the_total_keeps_something_back_for_cleaning_up() {
        let ledger = Ledger::new(Profile::Standard, 10);
        while ledger.take(ProbeId::BadInput, false, 2).is_ok() {}
        assert_eq!(ledger.sent(), 8);
        assert!(ledger.take(ProbeId::Teardown, true, 2).is_ok());
    }
}
