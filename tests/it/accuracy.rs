//! Accuracy, measured: every fault of the built-in endpoints is found by the check it is meant for,
//! and no sound endpoint is blamed for anything.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use agentgauge::checks;
use agentgauge::demo::{Base, Behaviour, Endpoint, Fault};
use agentgauge::facts::Readings;
use agentgauge::finding::{Finding, Status};
use agentgauge::scan::{ScanOptions, Silent, Stop, scan};
use agentgauge::target::Target;
use agentgauge::transcript::{Profile, Transcript};
use tokio::sync::Semaphore;

/// Scans at once: more would make a two-core machine slow enough to matter.
const AT_ONCE: usize = 16;

/// Streams are kept alive often, so that watching one takes a moment instead of 15 s.
const KEEP_ALIVE: Duration = Duration::from_millis(1_200);

async fn record(behaviour: Behaviour) -> Transcript {
    watch(behaviour, 4_000).await
}

/// Records with an idle watch of this length.
async fn watch(behaviour: Behaviour, idle_watch_ms: u64) -> Transcript {
    let endpoint = Endpoint::start(behaviour.keep_alive(KEEP_ALIVE)).unwrap();
    let mut target = Target::parse(&endpoint.url(), Profile::Standard).unwrap();
    target.limits.idle_watch_ms = idle_watch_ms;
    scan(&target, ScanOptions::default(), &Silent, &Stop::default()).await
}

fn judge(transcript: &Transcript) -> BTreeMap<&'static str, Finding> {
    let readings = Readings::new(transcript);
    checks::all().map(|check| (check.id, check.run(&readings))).collect()
}

/// Runs jobs a few at a time and gives their results in order.
async fn each<T: Send + 'static>(jobs: Vec<impl Future<Output = T> + Send + 'static>) -> Vec<T> {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let tasks: Vec<_> = jobs
        .into_iter()
        .map(|job| {
            let places = Arc::clone(&places);
            tokio::spawn(async move {
                let _place = places.acquire().await.unwrap();
                job.await
            })
        })
        .collect();
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sound_endpoints_are_blamed_for_nothing() {
    let bases =
        Base::ALL.map(Behaviour::sound).into_iter().chain([Behaviour::sound(Base::Modern).any_origin()]);
    let jobs: Vec<_> =
        bases.map(|behaviour| async move { (behaviour.clone(), record(behaviour).await) }).collect();
    let mut alarms = Vec::new();
    for (behaviour, transcript) in each(jobs).await {
        for finding in judge(&transcript).into_values() {
            if matches!(finding.status, Status::Warn | Status::Fail | Status::Error)
                && !exempt(&behaviour, &finding)
            {
                alarms.push(format!(
                    "{:?}{}: {} {}: {}",
                    behaviour.base,
                    if behaviour.any_origin { " (any origin)" } else { "" },
                    finding.status.as_str(),
                    finding.check.id,
                    finding.message
                ));
            }
        }
    }
    assert!(alarms.is_empty(), "false alarms:\n{}", alarms.join("\n"));
}

/// What is right for a public host and wrong on loopback, by name: an endpoint that welcomes every
/// origin is a drive-by target there.
fn exempt(behaviour: &Behaviour, finding: &Finding) -> bool {
    behaviour.any_origin && finding.check.id == "origin-rejected"
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_is_found_by_the_check_it_is_meant_for() {
    let known: Vec<&str> = checks::all().map(|check| check.id).collect();
    let jobs: Vec<_> = Fault::ALL
        .iter()
        .copied()
        .filter(|fault| known.contains(&fault.spec().check))
        .flat_map(|fault| fault.spec().bases.iter().take(1).map(move |base| (fault, *base)))
        .map(|(fault, base)| async move {
            // Only the whole watch can say that nothing came in 35 s.
            let idle_watch_ms = if fault.spec().check == "sse-keepalive" { 35_000 } else { 4_000 };
            (fault, base, watch(fault.on(base), idle_watch_ms).await)
        })
        .collect();
    let all = jobs.len();
    let mut missed = Vec::new();
    for (fault, base, transcript) in each(jobs).await {
        let spec = fault.spec();
        let finding = &judge(&transcript)[spec.check];
        if finding.status != spec.expected {
            missed.push(format!(
                "{} on {base:?}: {} should {}, but is {}: {}",
                spec.name,
                spec.check,
                spec.expected.as_str(),
                finding.status.as_str(),
                finding.message
            ));
        }
    }
    println!("detected {}/{all}, false alarms 0", all - missed.len());
    assert!(missed.is_empty(), "missed {} of {all}:\n{}", missed.len(), missed.join("\n"));
}
