//! Many targets: a bounded number at once, one at a time per host, results in input order.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::{FutureExt, StreamExt};
use tokio::sync::Mutex;

use crate::facts::Kind;
use crate::facts::classification::classify;
use crate::scan::{Observer, ScanOptions, Stop, crashed, header, scan};
use crate::target::Target;
use crate::transcript::{ProbeId, Transcript, Vault};

/// Most targets under way at once.
pub const MOST_AT_ONCE: usize = 8;

/// Scans every target. `begin` makes a target's observer when its turn comes; `end` turns what was
/// recorded into a result, so that no transcript is kept longer than needed. Targets on one host of
/// another machine take turns: a list is no excuse for hammering it. With `discover`, a URL that has nothing
/// gives way to what was found beside it: its observer then sees a second header. After `stop`, the rest is
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
            let mut transcript = guarded(target, options, &observer, stop).await;
            if options.discover
                && let Some(beside) = beside(target, &transcript)
            {
                transcript = guarded(&beside, ScanOptions::default(), &observer, stop).await;
            }
            (index, end(index, transcript, observer))
        })
        .buffer_unordered(MOST_AT_ONCE)
        .collect()
        .await;
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// A scan of which a crash hurts no other target (HOSTILE.md rule 4).
async fn guarded(target: &Target, options: ScanOptions, observer: &dyn Observer, stop: &Stop) -> Transcript {
    let scanned = AssertUnwindSafe(scan(target, options, observer, stop)).catch_unwind().await;
    scanned.unwrap_or_else(|_| crashed(header(target, &Vault::default())))
}

/// The first endpoint that answered beside a URL that has nothing: what `--discover` goes on with. Only
/// where we were already, at the same host and port: a URL that the endpoint named is never followed.
fn beside(target: &Target, transcript: &Transcript) -> Option<Target> {
    let class = classify(transcript);
    let same_place = |other: &Target| {
        other.url.host() == target.url.host()
            && other.url.port_or_known_default() == target.url.port_or_known_default()
            && other.tls() == target.tls()
    };
    let asked = |url: &str| {
        transcript
            .exchanges
            .iter()
            .any(|exchange| exchange.probe == ProbeId::Siblings && exchange.request.url == url)
    };
    class
        .found_at
        .iter()
        .filter(|found| class.kind == Kind::None && asked(&found.url))
        .filter_map(|found| Target::parse(&found.url, target.profile).ok())
        .find(same_place)
        .map(|found| Target { url: found.url, ..target.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::Silent;
    use crate::transcript::synthetic::{Scan, get, request};
    use crate::transcript::{Content, Profile};

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

    /// An observer that crashes on the transcript of one target.
    struct Faulty(bool);

    impl Observer for Faulty {
        fn entry(&self, _: &crate::transcript::codec::Entry) {
            assert!(!self.0, "a bug");
        }
    }

    #[tokio::test]
    async fn a_crash_on_one_target_hurts_no_other() {
        let targets: Vec<Target> = (0..3)
            .map(|index| {
                Target::parse(&format!("http://127.0.0.1:1/{index}?token=canary-9"), Profile::Quick).unwrap()
            })
            .collect();
        let transcripts = run(
            &targets,
            ScanOptions::default(),
            &Stop::default(),
            |index, _| Faulty(index == 1),
            |_, transcript, _| transcript,
        )
        .await;
        let reasons: Vec<String> = transcripts.iter().map(|transcript| classify(transcript).reason).collect();
        assert!(reasons[0].starts_with("connection refused"), "{reasons:?}");
        assert!(reasons[1].starts_with("agentgauge crashed"), "{reasons:?}");
        assert!(reasons[2].starts_with("connection refused"), "{reasons:?}");
        assert_eq!(transcripts[1].header.url, "http://127.0.0.1:1/1?token=~query-token~");
    }

    /// Nothing at the URL; beside it a feed at `url`, or what a card there names.
    fn found(url: &str) -> Transcript {
        let mut scan = Scan::empty()
            .with(request("POST", ProbeId::Classify, "discover").status(404))
            .with(request("POST", ProbeId::Classify, "initialize").status(404))
            .with(get(ProbeId::Classify, "get").status(404))
            .with(get(ProbeId::Siblings, "get /sse").stream("id: 1\ndata: {}\n\n", 1_000));
        if let Some(exchange) = scan.transcript.exchanges.last_mut() {
            exchange.request.url = url.to_owned();
            assert!(!matches!(exchange.content, Content::None));
        }
        scan.transcript
    }

    #[test]
    fn discovery_goes_on_where_it_was_already_and_nowhere_else() {
        let target = Target::parse("http://127.0.0.1:7000/x", Profile::Quick).unwrap();
        let next = |url: &str| beside(&target, &found(url)).map(|target| target.url.to_string());
        assert_eq!(next("http://127.0.0.1:7000/sse").as_deref(), Some("http://127.0.0.1:7000/sse"));
        assert_eq!(next("http://127.0.0.1:7001/sse"), None);
        assert_eq!(next("https://127.0.0.1:7000/sse"), None);
        assert_eq!(next("http://localhost:7000/sse"), None);
    }
}
