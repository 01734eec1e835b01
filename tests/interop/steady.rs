//! Gates that do not flip: the same server, scanned again and again while every core is busy, must be judged
//! the same but in rows that are marked unstable (`tests/steady/run`).

use std::collections::BTreeMap;
use std::hint;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::SERVERS;
use crate::known::{KNOWN, Known};
use crate::server::Server;

/// Scans of each server.
const SCANS: usize = 30;

/// The servers, by registry and kind: two languages, three kits, one feed without MCP.
const CHOSEN: [(&str, &str); 4] =
    [("npm", "legacy"), ("npm", "dual"), ("pypi", "legacy"), ("pypi", "event-stream")];

/// A row of a report: its status, unless a repetition may show another.
type Rows = BTreeMap<String, Option<String>>;

#[test]
#[ignore = "takes minutes of a busy machine: tests/steady/run"]
fn statuses_hold_while_the_machine_is_busy() {
    let Ok(registries) = std::env::var(SERVERS) else {
        println!("steady: skipped, tests/steady/run installs the servers and calls this");
        return;
    };
    let there =
        CHOSEN.into_iter().filter(|(registry, _)| registries.split(' ').any(|name| name == *registry));
    let find = |(registry, kind): (&str, &str)| {
        KNOWN.iter().find(|row| row.start.registry() == registry && row.kind == kind).unwrap()
    };
    let chosen: Vec<&Known> = there.map(find).collect();
    let burning = AtomicBool::new(true);
    let changes: Vec<String> = thread::scope(|scope| {
        let cores = thread::available_parallelism().unwrap().get();
        for _ in 0..cores {
            scope.spawn(|| {
                while burning.load(Ordering::Relaxed) {
                    hint::spin_loop();
                }
            });
        }
        println!("steady: {cores} cores busy, {SCANS} scans of each server");
        // The threads above end whatever the scans come to.
        let scans = scope.spawn(|| chosen.iter().flat_map(|row| steady(row)).collect());
        let changes = scans.join();
        burning.store(false, Ordering::Relaxed);
        changes.unwrap()
    });
    println!("steady: {} servers, {} statuses changed outside unstable rows", chosen.len(), changes.len());
    assert!(changes.is_empty(), "not steady:\n{}", changes.join("\n"));
}

/// Scans one server; what changed from scan to scan.
fn steady(row: &Known) -> Vec<String> {
    let server = Server::start(&row.start);
    let mut scans: Vec<Rows> = Vec::new();
    let (mut longest, mut unstable) = (Duration::ZERO, 0);
    for _ in 0..SCANS {
        let began = Instant::now();
        let rows = scan(row, &server);
        longest = longest.max(began.elapsed());
        unstable += rows.values().filter(|status| status.is_none()).count();
        scans.push(rows);
    }
    let names: Vec<&String> = scans[0].keys().collect();
    let changes: Vec<String> = names.into_iter().filter_map(|name| changed(name, &scans)).collect();
    println!(
        "steady: {}: {} of {} rows changed, {unstable} times a row was unstable, longest scan {longest:.1?}",
        row.name,
        changes.len(),
        scans[0].len()
    );
    changes.into_iter().map(|change| format!("{}: {change}", row.name)).collect()
}

/// How often a row had which status, if more than one.
fn changed(name: &str, scans: &[Rows]) -> Option<String> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for status in scans.iter().filter_map(|rows| rows[name].as_deref()) {
        *seen.entry(status).or_default() += 1;
    }
    let words: Vec<String> = seen.iter().map(|(status, times)| format!("{status} {times} times")).collect();
    (seen.len() > 1).then(|| format!("{name}: {}", words.join(", ")))
}

/// Every row of one report, and beside them the kind and the exit.
fn scan(row: &Known, server: &Server) -> Rows {
    let mut command = Command::new(env!("CARGO_BIN_EXE_agentgauge"));
    let url = server.url(row.path);
    command.args(["scan", "--no-config", "--quiet", "--profile", "quick", "--format", "json", &url]);
    let output = command.stdin(Stdio::null()).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{}: {error}: {}", row.name, String::from_utf8_lossy(&output.stderr)));
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let findings = report["findings"].as_array().unwrap().iter();
    let mut rows: Rows = findings
        .map(|finding| {
            let status = text(&finding["status"]).filter(|_| finding["unstable"] != true);
            (text(&finding["check"]).unwrap(), status)
        })
        .collect();
    rows.insert("(kind)".to_owned(), text(&report["classification"]["kind"]));
    rows.insert("(exit)".to_owned(), text(&report["exit"]["name"]));
    rows
}
