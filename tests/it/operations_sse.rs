//! Speed and reliability over HTTP+SSE, where an answer comes on another connection than its request:
//! every fault is found each time, and nothing else is blamed for it.

use std::sync::Arc;
use std::time::Duration;

use agentgauge::checks;
use agentgauge::demo::{Base, Endpoint, Fault};
use agentgauge::facts::Readings;
use agentgauge::observe::{ScanOptions, Silent, Stop};
use agentgauge::scan::scan;
use agentgauge::target::Target;
use agentgauge::transcript::Profile;
use agentgauge::verdict::Status;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Runs of each fault: one try is no proof.
const RUNS: usize = 3;

/// Scans at once.
const AT_ONCE: usize = 4;

/// Attempts of a run while the machine stands still in between: what is timed then does not count.
const ATTEMPTS: usize = 3;

/// How a check says that it was undecided because of that.
const STOOD_STILL: &str = "this machine stood still";

/// The faults, and what must also be blamed: every fourth or sixth call is hit, and bad input is among them.
const TABLE: [(Fault, &[&str]); 5] = [
    (Fault::LatencySlow, &[]),
    (Fault::LatencyVerySlow, &["rpc-bad-input-no-5xx"]),
    (Fault::ErrorRate, &["rpc-bad-input-no-5xx"]),
    (Fault::ResetRate, &["rpc-bad-input-no-5xx"]),
    (Fault::ErrorOnce, &[]),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_of_operation_are_found_over_http_sse_every_time() {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut jobs = JoinSet::new();
    for (fault, also) in TABLE {
        for _ in 0..RUNS {
            let places = Arc::clone(&places);
            jobs.spawn(async move {
                let _place = places.acquire().await.unwrap();
                let mut seen = Vec::new();
                for _ in 0..ATTEMPTS {
                    seen = complaints(fault, also).await;
                    if !seen.iter().any(|complaint| complaint.contains(STOOD_STILL)) {
                        break;
                    }
                }
                seen.retain(|complaint| !complaint.contains(STOOD_STILL));
                (fault, seen)
            });
        }
    }
    let mut wrong = Vec::new();
    while let Some(result) = jobs.join_next().await {
        let (fault, complaints) = result.unwrap();
        wrong.extend(complaints.into_iter().map(|complaint| format!("{}: {complaint}", fault.name())));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

async fn complaints(fault: Fault, also: &[&str]) -> Vec<String> {
    let spec = fault.spec();
    assert!(spec.bases.contains(&Base::HttpSse), "{}", spec.name);
    let behaviour = fault.on(Base::HttpSse).keep_alive(Duration::from_secs(1));
    let endpoint = Endpoint::start(behaviour).unwrap();
    let mut target = Target::parse(&endpoint.url(), Profile::Standard).unwrap();
    target.limits.idle_watch_ms = 3_000;
    let transcript = scan(&target, ScanOptions::default(), &Silent, &Stop::default()).await;
    let readings = Readings::new(&transcript);
    let mut complaints = Vec::new();
    for check in checks::all() {
        let finding = check.run(&readings);
        let blamed = matches!(finding.status, Status::Warn | Status::Fail | Status::Error);
        let fine = if check.id == spec.check {
            finding.status == spec.expected
        } else if ["ops-latency", "ops-error-rate"].contains(&check.id) {
            // The other one had enough to go by, and nothing to say.
            finding.status == Status::Pass
        } else {
            !blamed || also.contains(&check.id)
        };
        if !fine {
            complaints.push(format!("{} is {}: {}", check.id, finding.status.as_str(), finding.message));
        }
    }
    complaints
}
