//! Many targets: a bounded number at once, one at a time per host, results in input order.

use std::collections::{BTreeMap, VecDeque};
use std::panic::AssertUnwindSafe;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};

use crate::facts::Kind;
use crate::facts::classification::classify;
use crate::observe::{Observer, ScanOptions, Stop};
use crate::scan::{crashed, header, not_tried, record};
use crate::target::Target;
use crate::transcript::codec::Encoded;
use crate::transcript::{Failure, FailureKind, Phase, ProbeId, Transcript, Vault};

/// Most targets under way at once.
pub const MOST_AT_ONCE: usize = 8;

/// After so many targets of a host in a row that could not be reached, the rest of it is not tried.
pub const MOST_UNREACHED: usize = 3;

/// Scans every target. `begin` makes a target's observer when its turn comes; `end` turns what was
/// recorded into a result, so that no transcript is kept longer than needed. Targets on one host of
/// another machine take turns, and hold up no other host; after [`MOST_UNREACHED`] of them in vain the rest is
/// not tried. With `discover`, a URL that has nothing
/// gives way to what was found beside it: its observer then sees a second header. After `stop`, the rest is
/// scanned too, which then records nothing but the interruption.
pub async fn run<O: Observer, T>(
    targets: &[Target],
    options: ScanOptions,
    stop: &Stop,
    begin: impl Fn(usize, &Target) -> O,
    end: impl Fn(usize, Encoded, O) -> T,
) -> Vec<T> {
    let (begin, end) = (&begin, &end);
    in_turns(targets, |index, target, host_is_dead| async move {
        let observer = begin(index, target);
        if host_is_dead && !stop.stopped() {
            return (Reached::No, end(index, Encoded::of(not_tried(target, &observer)), observer));
        }
        let mut recorded = guarded(target, options, &observer, stop).await;
        if options.discover
            && let Some(beside) = beside(target, &recorded.transcript)
        {
            recorded = guarded(&beside, ScanOptions::default(), &observer, stop).await;
        }
        (reached(&recorded.transcript), end(index, recorded, observer))
    })
    .await
}

/// What a scan says about the host of its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reached {
    /// Something answered, or refused at once: other targets there may fare otherwise.
    Yes,
    /// All waiting for it was in vain.
    No,
}

/// Targets that take turns.
#[derive(Debug, Default)]
struct Host {
    /// Those that wait, as indices.
    waiting: VecDeque<usize>,
    /// How many in a row could not be reached.
    unreached: usize,
}

/// Scans with `scan(index, target, host is dead)`, and gives the results in input order. A host of another
/// machine has one target under way, and then goes to the end of the queue: a slow one takes one place, and no
/// more than its share of it. What is on this machine waits for nothing: endpoints on
/// loopback are many on one name.
async fn in_turns<'t, T, F: Future<Output = (Reached, T)>>(
    targets: &'t [Target],
    scan: impl Fn(usize, &'t Target, bool) -> F,
) -> Vec<T> {
    let mut queue: VecDeque<Host> = VecDeque::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, target) in targets.iter().enumerate() {
        let name = target.url.host_str().unwrap_or_default().trim_end_matches('.');
        let new = queue.len();
        let place = if target.loopback() { new } else { *places.entry(name).or_insert(new) };
        if place == new {
            queue.push_back(Host::default());
        }
        if let Some(host) = queue.get_mut(place) {
            host.waiting.push_back(index);
        }
    }
    let mut results: Vec<(usize, T)> = Vec::with_capacity(targets.len());
    let mut running = FuturesUnordered::new();
    loop {
        while running.len() < MOST_AT_ONCE
            && let Some(mut host) = queue.pop_front()
        {
            let Some(index) = host.waiting.pop_front() else { continue };
            let Some(target) = targets.get(index) else { continue };
            let scanned = scan(index, target, host.unreached >= MOST_UNREACHED);
            running.push(async move { (host, index, scanned.await) });
        }
        let Some((mut host, index, (reached, result))) = running.next().await else { break };
        host.unreached = if reached == Reached::No { host.unreached.saturating_add(1) } else { 0 };
        results.push((index, result));
        queue.push_back(host);
    }
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Whether a host was reached, as far as other targets on it are concerned. What is refused at once is a matter
/// of one port, and costs nothing; names that lead nowhere and waiting in vain are a matter of the host.
fn reached(transcript: &Transcript) -> Reached {
    let in_vain = |failure: &Failure| match failure.kind {
        FailureKind::Dns
        | FailureKind::Unreachable
        | FailureKind::ConnectTimeout
        | FailureKind::TlsTimeout => true,
        FailureKind::HeaderTimeout => failure.phase == Phase::Proxy,
        _ => false,
    };
    if transcript.exchanges.iter().any(|exchange| exchange.head.is_some()) {
        return Reached::Yes;
    }
    let class = classify(transcript);
    let dead = class.kind == Kind::Unreachable && class.failure.as_ref().is_some_and(in_vain);
    if dead { Reached::No } else { Reached::Yes }
}

/// A scan of which a crash hurts no other target.
async fn guarded(target: &Target, options: ScanOptions, observer: &dyn Observer, stop: &Stop) -> Encoded {
    let scanned = AssertUnwindSafe(record(target, options, observer, stop)).catch_unwind().await;
    scanned.unwrap_or_else(|_| Encoded::of(crashed(header(target, &Vault::default()))))
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
    use std::cell::Cell;

    use super::*;
    use crate::checks::synthetic::{Scan, get, request};
    use crate::observe::Silent;
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
            |index, recorded, _| (index, recorded.transcript.header.url),
        )
        .await;
        let expected: Vec<(usize, String)> =
            (0..20).map(|index| (index, format!("http://127.0.0.1:1/{index}"))).collect();
        assert_eq!(urls, expected);
    }

    fn targets(urls: impl IntoIterator<Item = String>) -> Vec<Target> {
        urls.into_iter().map(|url| Target::parse(&url, Profile::Quick).unwrap()).collect()
    }

    /// How many are under way of a host, and the most that ever were.
    #[derive(Default)]
    struct Count {
        now: Cell<usize>,
        most: Cell<usize>,
    }

    impl Count {
        async fn while_waiting(&self, until: impl Future) {
            self.now.set(self.now.get() + 1);
            self.most.set(self.most.get().max(self.now.get()));
            until.await;
            self.now.set(self.now.get() - 1);
        }
    }

    #[tokio::test]
    async fn a_slow_host_holds_up_no_other() {
        // Three hosts with many targets each, of which none ends before the last of all began.
        let slow = (0..30).map(|index| format!("http://slow-{}.invalid:{index}/", index % 3));
        let good = (0..20).map(|index| format!("http://good-{index}.invalid/"));
        let targets = targets(slow.chain(good));
        let last = tokio::sync::Semaphore::new(0);
        let (hosts, all) = ([Count::default(), Count::default(), Count::default()], Count::default());
        let (hosts, all, last) = (&hosts, &all, &last);
        let scanned = in_turns(&targets, |index, _, _| async move {
            let yielding = tokio::task::yield_now();
            match index {
                0..30 => {
                    let until = async { drop(last.acquire().await) };
                    all.while_waiting(hosts[index % 3].while_waiting(until)).await;
                }
                49 => last.add_permits(100),
                _ => all.while_waiting(yielding).await,
            }
            (Reached::Yes, index)
        });
        let results = tokio::time::timeout(std::time::Duration::from_secs(60), scanned).await.unwrap();
        assert_eq!(results, (0..50).collect::<Vec<_>>());
        assert_eq!(hosts.each_ref().map(|host| host.most.get()), [1; 3], "one at a time");
        assert!(all.most.get() <= MOST_AT_ONCE, "{}", all.most.get());
    }

    #[tokio::test]
    async fn this_machine_takes_no_turns() {
        let targets = targets((0..30).map(|index| format!("http://127.0.0.1:{}/", index + 1)));
        let all = Count::default();
        let all = &all;
        in_turns(&targets, |_, _, _| async move {
            all.while_waiting(tokio::task::yield_now()).await;
            (Reached::Yes, ())
        })
        .await;
        assert_eq!(all.most.get(), MOST_AT_ONCE);
    }

    #[tokio::test]
    async fn three_in_vain_are_enough_for_a_host_and_one_answer_begins_anew() {
        let urls = (0..9).flat_map(|path| {
            ["http://dead.invalid", "http://other.invalid", "http://DEAD.invalid."]
                .map(|host| format!("{host}/{path}"))
        });
        let targets = targets(urls);
        let asked = std::cell::RefCell::new(Vec::new());
        let asked = &asked;
        in_turns(&targets, |_, target, host_is_dead| async move {
            if host_is_dead {
                return (Reached::No, ());
            }
            asked.borrow_mut().push(target.url.to_string());
            let sometimes = target.url.path() == "/2" || target.url.path() == "/5";
            let other = target.url.host_str() == Some("other.invalid");
            (if other && sometimes { Reached::Yes } else { Reached::No }, ())
        })
        .await;
        let of = |host: &str| asked.borrow().iter().filter(|url| url.contains(host)).count();
        assert_eq!(of("dead.invalid"), MOST_UNREACHED, "one host, however its name is written");
        assert_eq!(of("other.invalid"), 9, "two in vain, an answer, two, an answer, three");
    }

    #[test]
    fn only_waiting_in_vain_says_anything_of_a_host() {
        use FailureKind::{
            BodyTimeout, CertificateExpired, ConnectTimeout, Dns, HeaderTimeout, NotPublic, OutOfFiles,
            ProxyRefused, Refused, Reset, TlsTimeout, Unreachable,
        };
        let scanned = |phase: Phase, kind: FailureKind| {
            let discover = request("POST", ProbeId::Classify, "discover").failed(phase, kind);
            let mut scan = Scan::empty().with(discover);
            // A connection that did not come up shows no address.
            scan.transcript.exchanges.remove(0);
            reached(&scan.transcript)
        };
        for kind in [Dns, Unreachable, ConnectTimeout, TlsTimeout] {
            assert_eq!(scanned(Phase::Connect, kind), Reached::No, "{kind:?}");
            assert_eq!(scanned(Phase::Proxy, kind), Reached::No, "{kind:?}");
        }
        for kind in [Refused, NotPublic, OutOfFiles, CertificateExpired, Reset, ProxyRefused, BodyTimeout] {
            assert_eq!(scanned(Phase::Connect, kind), Reached::Yes, "{kind:?}");
        }
        assert_eq!(scanned(Phase::Head, HeaderTimeout), Reached::Yes);
        assert_eq!(scanned(Phase::Proxy, HeaderTimeout), Reached::No);
        assert_eq!(reached(&Scan::modern().transcript), Reached::Yes);
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
            |_, recorded, _| recorded.transcript,
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
