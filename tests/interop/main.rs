//! Real servers, pinned, installed from npm and PyPI by `tests/interop/run`, started on loopback and
//! scanned with the real program: what they are, and what is wrong with them, must come out as known.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that meets the unexpected should fail there and then"
)]

mod clients;
mod clients_known;
mod known;
mod server;
mod steady;

use std::process::{Command, Stdio};
use std::thread;

use known::{KNOWN, Known};
use serde_json::Value;
use server::Server;

/// The variable in which `run` names the registries whose packages are there.
const SERVERS: &str = "AGENTGAUGE_INTEROP_SERVERS";

/// Checks of speed: what a busy machine says about them is no one's fault.
const SPEED: [&str; 1] = ["ops-latency"];

#[test]
#[ignore = "installs packages: tests/interop/run"]
fn real_servers_are_judged_as_known() {
    let Ok(registries) = std::env::var(SERVERS) else {
        println!("interop: skipped, tests/interop/run installs the servers and calls this");
        return;
    };
    let rows: Vec<&Known> =
        KNOWN.iter().filter(|row| registries.split(' ').any(|name| name == row.start.registry())).collect();
    assert!(!rows.is_empty(), "{SERVERS} names no registry: {registries:?}");
    // All at once: a scan waits for keep-alives of 15 s, or 35 s in vain.
    let outcomes: Vec<(String, Vec<String>)> = thread::scope(|scope| {
        let scans: Vec<_> = rows.iter().map(|row| scope.spawn(move || outcome(row))).collect();
        scans.into_iter().map(|scan| scan.join().unwrap()).collect()
    });
    let mut wrong = Vec::new();
    for (line, complaints) in outcomes {
        println!("interop: {line}");
        wrong.extend(complaints);
    }
    println!("interop: {} servers, {} surprises", rows.len(), wrong.len());
    assert!(wrong.is_empty(), "not as known:\n{}", wrong.join("\n"));
}

/// Scans of one server at most: what a busy machine does to one is not done to three, a mistake is.
const TRIES: usize = 3;

/// Starts and scans one server; a line for people, and what is not as known each time.
fn outcome(row: &Known) -> (String, Vec<String>) {
    let server = Server::start(&row.start);
    for attempt in 1..TRIES {
        let (line, complaints) = scan(row, &server);
        if complaints.is_empty() {
            return (line, complaints);
        }
        println!("interop: try {attempt}: {}", complaints.join("; "));
    }
    scan(row, &server)
}

fn scan(row: &Known, server: &Server) -> (String, Vec<String>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_agentgauge"));
    command.args(["scan", "--no-config", "--quiet", "--format", "json", &server.url(row.path)]);
    command.stdin(Stdio::null());
    if let Some(token) = row.token {
        command.args(["--bearer-env", "INTEROP_TOKEN"]).env("INTEROP_TOKEN", token);
    }
    // The scan ends itself: 90 s at most.
    let output = command.output().unwrap();
    let code = output.status.code();
    let Ok(report) = serde_json::from_slice::<Value>(&output.stdout) else {
        let stderr = String::from_utf8_lossy(&output.stderr);
        return (row.name.to_owned(), vec![format!("{}: no report, exit {code:?}: {stderr}", row.name)]);
    };
    let complaints = compare(row, code, &report);
    let line = format!("{}: {}, exit {}, {}", row.name, row.kind, row.exit, counts(&report));
    (line, complaints.into_iter().map(|complaint| format!("{}: {complaint}", row.name)).collect())
}

fn compare(row: &Known, code: Option<i32>, report: &Value) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut expect = |what: &str, expected: Value, seen: &Value| {
        if expected != *seen {
            complaints.push(format!("{what} should be {expected}, but is {seen}"));
        }
    };
    let class = &report["classification"];
    expect("the kind", row.kind.into(), &class["kind"]);
    expect("the confidence", "confirmed".into(), &class["confidence"]);
    expect("the transports", row.transports.into(), &class["transports"]);
    expect("the revisions", row.revisions.into(), &class["revisions"]);
    expect("the exit code", row.exit.into(), &code.into());
    expect("the exit code in the report", row.exit.into(), &report["exit"]["code"]);
    expect("sessions left behind", 0.into(), &report["exchanges"]["sessions_left"]);

    let mut passed = 0;
    for finding in report["findings"].as_array().unwrap() {
        let (check, status) = (finding["check"].as_str().unwrap(), finding["status"].as_str().unwrap());
        passed += usize::from(status == "pass");
        let known = row.blame.iter().find(|(id, ..)| *id == check);
        let fine = match (known, status) {
            (_, "error") => false,
            (Some((_, expected, _)), _) => *expected == status,
            (None, "warn" | "fail") => SPEED.contains(&check),
            (None, "inconclusive") => row.withheld,
            (None, _) => true,
        };
        if !fine {
            let expected = known.map_or("", |(_, expected, _)| *expected);
            complaints.push(format!("{check} is {status} (known: {expected:?}): {}", finding["message"]));
        }
    }
    if passed < row.least {
        complaints.push(format!("only {passed} checks passed, of {} known to", row.least));
    }
    complaints
}

fn counts(report: &Value) -> String {
    let findings = report["findings"].as_array().unwrap();
    let of = |status: &str| findings.iter().filter(|finding| finding["status"] == status).count();
    format!("{} passed, {} warned, {} failed", of("pass"), of("warn"), of("fail"))
}
