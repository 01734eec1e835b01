//! Many targets: a bounded number at once, one at a time per host, results in input order.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::StreamExt;
use tokio::sync::Mutex;

use crate::scan::{Observer, ScanOptions, Stop, scan};
use crate::target::Target;
use crate::transcript::Transcript;

/// Most targets under way at once.
pub const MOST_AT_ONCE: usize = 8;

/// Scans every target. `begin` makes a target's observer when its turn comes; `end` turns what was
/// recorded into a result, so that no transcript is kept longer than needed. Targets on one host of
/// another machine take turns: a list is no excuse for hammering it. After `stop`, the rest is
/// scanned too, which then records nothing but the interruption.
pub async fn run<O: Observer, T>(
    targets: &[Target],
    options: ScanOptions,
    stop: &Stop,
    begin: impl Fn(usize, &Target) -> O,
    end: impl Fn(usize, Transcript, O) -> T,
) -> Vec<T> {
    let mut turns: BTreeMap<String, Arc<Mutex<()>>> = BTreeMap::new();
    let jobs: Vec<_> = targets
        .iter()
        .enumerate()
        .map(|(index, target)| {
            let host = target.url.host_str().unwrap_or_default().to_owned();
            let turn = (!target.loopback()).then(|| Arc::clone(turns.entry(host).or_default()));
            (index, target, turn)
        })
        .collect();
    let (begin, end) = (&begin, &end);
    let mut results: Vec<(usize, T)> = futures_util::stream::iter(jobs)
        .map(|(index, target, turn)| async move {
            let _turn = match &turn {
                Some(turn) => Some(turn.lock().await),
                None => None,
            };
            let observer = begin(index, target);
            let transcript = scan(target, options, &observer, stop).await;
            (index, end(index, transcript, observer))
        })
        .buffer_unordered(MOST_AT_ONCE)
        .collect()
        .await;
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::Silent;
    use crate::transcript::Profile;

    #[tokio::test]
    async fn results_come_in_input_order() {
        let targets: Vec<Target> = (0..20)
            .map(|index| Target::parse(&format!("http://127.0.0.1:1/{index}"), Profile::Quick).unwrap())
            .collect();
        let stop = Stop::default();
        stop.stop();
        let urls = run(
            &targets,
            ScanOptions::default(),
            &stop,
            |_, _| Silent,
            |index, transcript, _| (index, transcript.header.url),
        )
        .await;
        let expected: Vec<(usize, String)> =
            (0..20).map(|index| (index, format!("http://127.0.0.1:1/{index}"))).collect();
        assert_eq!(urls, expected);
    }
}
