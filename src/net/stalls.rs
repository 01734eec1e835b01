//! Notices when this machine does not run the scan: a tick that comes late was ready and had to wait.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::Wire;
use crate::transcript::Stall;

/// Between two ticks.
const TICK: Duration = Duration::from_millis(20);

/// A tick later than this was held up, microseconds: half of what an ordinary timer may be late on a
/// machine that has other work.
const LEAST_US: u64 = 20_000;

/// Stalls that are kept; later ones prolong the last, which errs on the endpoint's side.
const MOST: usize = 500;

/// Notes stalls until dropped.
pub async fn watch(wire: &Wire<'_>, found: &mut Vec<Stall>) {
    loop {
        let before_us = wire.now_us();
        tokio::time::sleep(TICK).await;
        let due_us = before_us.saturating_add(u64::try_from(TICK.as_micros()).unwrap_or(u64::MAX));
        let now_us = wire.now_us();
        let late_us = now_us.saturating_sub(due_us);
        let lag = &wire.shared.lag_us;
        // It is forgotten within half a second.
        let faded = (lag.load(Ordering::Relaxed) / 8).saturating_mul(7);
        lag.store(late_us.max(faded), Ordering::Relaxed);
        if late_us >= LEAST_US {
            note(found, Stall { at_us: due_us, for_us: late_us });
        }
    }
}

fn note(found: &mut Vec<Stall>, stall: Stall) {
    let full = found.len() >= MOST;
    match found.last_mut() {
        Some(last) if full => {
            last.for_us = stall.at_us.saturating_add(stall.for_us).saturating_sub(last.at_us);
        }
        _ => found.push(stall),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_is_prolonged_when_there_are_too_many() {
        let mut found = Vec::new();
        for number in 0..=MOST as u64 {
            note(&mut found, Stall { at_us: number * 100, for_us: 10 });
        }
        assert_eq!(found.len(), MOST);
        let last = found.last().unwrap();
        assert_eq!((last.at_us, last.for_us), ((MOST as u64 - 1) * 100, 110));
    }
}
