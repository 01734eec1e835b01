//! nginx and Caddy on loopback in front of endpoints whose behaviour is known, scanned with the real
//! program: what the proxy does to them must be told as its effect. Started by `tests/proxies/run`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that meets the unexpected should fail there and then"
)]

#[path = "../interop/known.rs"]
#[allow(dead_code, reason = "one of its servers is taken")]
mod known;
mod proxy;
mod rows;
#[path = "../interop/server.rs"]
#[allow(dead_code, reason = "one of its servers is taken")]
mod server;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use agentgauge::demo::Endpoint;
use known::KNOWN;
use proxy::{Keys, Program, Proxy, Wire};
use rows::{Fact, ROWS, Row, Upstream};
use serde_json::Value;
use server::Server;

/// Scans of one row at most: what a busy machine does to one is not done to three, a mistake is.
const TRIES: usize = 3;
/// Checks of speed: what a busy machine says about them is no one's fault.
const SPEED: [&str; 1] = ["ops-latency"];

/// What stands behind a proxy.
enum Behind {
    Endpoint(Endpoint),
    Server(Server),
}

impl Behind {
    fn start(upstream: &Upstream) -> Self {
        match upstream {
            Upstream::Sound(behaviour) => Self::Endpoint(Endpoint::start_on_thread(behaviour()).unwrap()),
            Upstream::Real => Self::Server(Server::start(&KNOWN[0].start)),
        }
    }

    fn address(&self) -> SocketAddr {
        match self {
            Self::Endpoint(endpoint) => endpoint.address(),
            Self::Server(server) => server.url("http:").trim_start_matches("http://").parse().unwrap(),
        }
    }

    fn path(&self) -> &'static str {
        match self {
            Self::Endpoint(endpoint) => endpoint.behaviour().base.path(),
            Self::Server(_) => "/mcp",
        }
    }
}

#[test]
#[ignore = "needs nginx or Caddy: tests/proxies/run"]
fn what_a_proxy_does_is_told_as_its_effect() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/proxies");
    fs::create_dir_all(&folder).unwrap();
    let keys = Keys::make(&folder);
    let real = folder.parent().unwrap().join("interop/npm.stamp").exists();
    if !real {
        println!("proxies: no real server behind them, tests/interop/run has installed none");
    }
    // They live as long as the test.
    let mut running: Vec<(Proxy, Vec<Behind>)> = Vec::new();
    let mut scans: Vec<(&Row, String)> = Vec::new();
    for program in Program::ALL {
        let Some(path) = program.path() else {
            println!("proxies: {} is left out, there is none", program.name());
            continue;
        };
        let rows: Vec<&Row> = ROWS
            .iter()
            .filter(|row| row.program == program && (real || matches!(row.upstream, Upstream::Sound(_))))
            .collect();
        let behind: Vec<Behind> = rows.iter().map(|row| Behind::start(&row.upstream)).collect();
        let sites: Vec<_> =
            rows.iter().zip(&behind).map(|(row, behind)| (row.site, behind.address())).collect();
        let proxy = Proxy::start(program, &path, &folder, &keys, &sites);
        for ((row, behind), port) in rows.iter().zip(&behind).zip(&proxy.fronts) {
            let scheme = if row.site.wire == Wire::Plain { "http" } else { "https" };
            scans.push((*row, format!("{scheme}://127.0.0.1:{port}{}", behind.path())));
        }
        running.push((proxy, behind));
    }
    assert!(!scans.is_empty(), "there is no proxy: tests/proxies/run looks for them and says so");
    // All at once: a scan waits for keep-alives of 15 s, or 35 s in vain.
    let outcomes: Vec<(String, Vec<String>)> = thread::scope(|scope| {
        let handles: Vec<_> = scans
            .iter()
            .map(|(row, url)| {
                let ca = keys.ca.clone();
                scope.spawn(move || outcome(row, url, &ca))
            })
            .collect();
        handles.into_iter().map(|handle| handle.join().unwrap()).collect()
    });
    let mut wrong = Vec::new();
    for (line, complaints) in outcomes {
        println!("proxies: {line}");
        wrong.extend(complaints);
    }
    println!("proxies: {} ways, {} surprises", scans.len(), wrong.len());
    assert!(wrong.is_empty(), "not as known:\n{}", wrong.join("\n"));
}

/// Scans one way; a line for people, and what is not as known each time.
fn outcome(row: &Row, url: &str, ca: &PathBuf) -> (String, Vec<String>) {
    for attempt in 1..TRIES {
        let (line, complaints) = scan(row, url, ca);
        if complaints.is_empty() {
            return (line, complaints);
        }
        println!("proxies: try {attempt}: {}", complaints.join("; "));
    }
    scan(row, url, ca)
}

fn scan(row: &Row, url: &str, ca: &PathBuf) -> (String, Vec<String>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_agentgauge"));
    command.args(["scan", "--no-config", "--quiet", "--format", "json", url]).stdin(Stdio::null());
    if row.site.wire != Wire::Plain {
        command.arg("--cacert").arg(ca);
    }
    // The scan ends itself: 90 s at most.
    let output = command.output().unwrap();
    let name = match row.upstream {
        Upstream::Sound(_) => format!("{}, {}", row.name, row.kind),
        Upstream::Real => format!("{}, {}", row.name, KNOWN[0].name),
    };
    let Ok(report) = serde_json::from_slice::<Value>(&output.stdout) else {
        let stderr = String::from_utf8_lossy(&output.stderr);
        return (name.clone(), vec![format!("{name}: no report, {:?}: {stderr}", output.status.code())]);
    };
    let complaints = compare(row, &report);
    let said: Vec<String> =
        row.says.iter().map(|(check, ..)| format!("{check} {}", finding(&report, check)["status"])).collect();
    let line = format!("{name}: {}", said.join(", ").replace('"', ""));
    (line, complaints.into_iter().map(|complaint| format!("{name}: {complaint}")).collect())
}

fn finding<'r>(report: &'r Value, check: &str) -> &'r Value {
    let findings = report["findings"].as_array().unwrap();
    findings.iter().find(|finding| finding["check"] == check).unwrap_or(&Value::Null)
}

fn compare(row: &Row, report: &Value) -> Vec<String> {
    let mut complaints = Vec::new();
    if report["classification"]["kind"] != row.kind {
        complaints.push(format!("the kind is {}", report["classification"]["kind"]));
    }
    for (check, status, words) in row.says {
        let finding = finding(report, check);
        let message = finding["message"].as_str().unwrap_or_default();
        if finding["status"] != *status || !words.iter().all(|word| message.contains(word)) {
            let seen = &finding["status"];
            complaints.push(format!("{check} should be {status} with {words:?}, but is {seen}: {message}"));
        }
    }
    for (place, fact) in row.facts {
        let seen = report["facts"].pointer(place).unwrap_or(&Value::Null);
        let right = match fact {
            Fact::Is(text) => seen == text,
            Fact::Begins(text) => seen.as_str().is_some_and(|seen| seen.starts_with(text)),
            Fact::Within(least, most) => seen.as_u64().is_some_and(|seen| (*least..=*most).contains(&seen)),
            Fact::Absent => seen.is_null(),
        };
        if !right {
            complaints.push(format!("{place} is {seen}"));
        }
    }
    // What the server itself does, the proxy must not change.
    let blame = match row.upstream {
        Upstream::Sound(_) => &[],
        Upstream::Real => KNOWN[0].blame,
    };
    for finding in report["findings"].as_array().unwrap() {
        let (check, status) = (finding["check"].as_str().unwrap(), finding["status"].as_str().unwrap());
        let fine = match blame.iter().find(|(id, ..)| *id == check) {
            Some((_, expected, _)) => *expected == status,
            None if row.says.iter().any(|(id, ..)| *id == check) || SPEED.contains(&check) => true,
            None => !matches!(status, "warn" | "fail" | "inconclusive" | "error"),
        };
        if !fine {
            complaints.push(format!("{check} is {status}: {}", finding["message"]));
        }
    }
    complaints
}
