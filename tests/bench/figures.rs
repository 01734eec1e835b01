//! What a scan costs, measured on this machine and printed; run with `cargo bench`.
//!
//! Nothing is asserted: a busy machine is no bug. Costs of the scanner are shown beside a plain client
//! that sends the same number of requests to the same endpoint in the same run, so that the ratio
//! means something elsewhere. Processes are measured through /proc (Linux).
//!
//! The profile is that of `release`, quick to build; `dist`, which is packaged, is smaller and takes less CPU.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a measuring program that meets the unexpected should stop there and then"
)]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use agentgauge::demo::{Base, Behaviour, Endpoint};

mod rendering;

const BINARY: &str = env!("CARGO_BIN_EXE_agentgauge");
const RUNS: usize = 15;

/// What one run of the binary cost.
struct Cost {
    wall: Duration,
    cpu: Duration,
    peak_kib: u64,
    code: Option<i32>,
    stdout: Vec<u8>,
}

fn run(arguments: &[&str]) -> Cost {
    let before = children_cpu();
    let started = Instant::now();
    let mut child = Command::new(BINARY)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut output = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut output, &mut bytes).unwrap();
        bytes
    });
    let mut peak_kib = 0;
    let code = loop {
        peak_kib = peak_kib.max(peak(&status));
        if let Some(ended) = child.try_wait().unwrap() {
            break ended.code();
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    let wall = started.elapsed();
    Cost { wall, cpu: children_cpu() - before, peak_kib, code, stdout: reader.join().unwrap() }
}

fn peak(status: &str) -> u64 {
    let text = std::fs::read_to_string(status).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}

/// User and system time of ended children: fields 16 and 17 of /proc/self/stat, in ticks of 10 ms.
fn children_cpu() -> Duration {
    cpu(15)
}

/// User and system time of this process: fields 14 and 15.
fn own_cpu() -> Duration {
    cpu(13)
}

fn cpu(field: usize) -> Duration {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap();
    let rest = text.rsplit_once(')').unwrap().1;
    let fields: Vec<u64> = rest.split_whitespace().map(|field| field.parse().unwrap_or(0)).collect();
    // The part after the name begins with field 3.
    Duration::from_millis((fields[field - 2] + fields[field - 1]) * 10)
}

fn median(mut values: Vec<Duration>) -> Duration {
    values.sort();
    values[values.len() / 2]
}

fn show(what: &str, value: impl std::fmt::Display, target: &str) {
    println!("{what:<58} {value:>14}   must reach {target}");
}

fn quick(label: &str, base: Base) {
    let endpoint = Endpoint::start_on_thread(Behaviour::sound(base)).unwrap();
    let url = endpoint.url();
    let before = endpoint.requests().len();
    let costs: Vec<Cost> =
        (0..RUNS).map(|_| run(&["scan", "--profile", "quick", "-f", "json", &url])).collect();
    let requests = (endpoint.requests().len() - before) / RUNS;
    let wall = median(costs.iter().map(|cost| cost.wall).collect());
    let cpu: Duration = costs.iter().map(|cost| cost.cpu).sum::<Duration>() / u32::try_from(RUNS).unwrap();
    let peak = costs.iter().map(|cost| cost.peak_kib).max().unwrap();
    show(&format!("quick, {label}: wall (median of {RUNS})"), format!("{wall:.0?}"), "< 1 s");
    show(&format!("quick, {label}: CPU (mean)"), format!("{cpu:.0?}"), "< 100 ms");
    show(&format!("quick, {label}: peak memory"), format!("{:.1} MiB", peak as f64 / 1024.0), "< 30 MB");
    let plain = plain_client(&url, requests);
    let ratio = cpu.as_secs_f64() / plain.as_secs_f64().max(0.000_1);
    println!("{:<58} {ratio:>13.1}x", format!("  CPU against a plain client sending {requests} requests"));
}

/// CPU of a plain client that sends so many requests on fresh connections, averaged over many rounds
/// (the endpoint's own CPU is on another thread of this process, so its share is measured apart).
fn plain_client(url: &str, requests: usize) -> Duration {
    use std::io::{Read, Write};
    let authority = url.split('/').nth(2).unwrap().to_owned();
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let request = format!(
        "POST /mcp HTTP/1.1\r\nhost: {authority}\r\ncontent-type: application/json\r\naccept: application/json, text/event-stream\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let rounds = 20;
    let before = (own_cpu(), thread_cpu());
    for _ in 0..rounds * requests {
        let mut stream = std::net::TcpStream::connect(&authority).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut reply = Vec::new();
        let _ = stream.read_to_end(&mut reply);
    }
    let _process = own_cpu() - before.0;
    (thread_cpu() - before.1) / u32::try_from(rounds).unwrap()
}

/// CPU of the calling thread.
fn thread_cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
    let rest = text.rsplit_once(')').unwrap().1;
    let fields: Vec<u64> = rest.split_whitespace().map(|field| field.parse().unwrap_or(0)).collect();
    Duration::from_millis((fields[11] + fields[12]) * 10)
}

fn main() {
    println!("agentgauge {}, figures of this machine\n", env!("CARGO_PKG_VERSION"));
    // `cargo bench -- rendering` stops here.
    let only = std::env::args().any(|argument| argument == "rendering");
    rendering::figures();
    println!();
    if only {
        return;
    }
    quick("dual endpoint", Base::Dual);
    quick("modern endpoint", Base::Modern);

    let endpoint = Endpoint::start_on_thread(Behaviour::sound(Base::Legacy)).unwrap();
    let cost = run(&["scan", "-f", "json", &endpoint.url()]);
    let after = cost.wall.saturating_sub(Duration::from_secs(15));
    show("standard, a keep-alive every 15 s: time beyond the first", format!("{after:.0?}"), "≤ 1 s");

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let dead = format!("http://{}/mcp", listener.local_addr().unwrap());
    drop(listener);
    let costs: Vec<Cost> = (0..RUNS).map(|_| run(&["scan", "-f", "json", &dead])).collect();
    let valid = costs.iter().all(|cost| {
        cost.code == Some(3) && serde_json::from_slice::<serde_json::Value>(&cost.stdout).is_ok()
    });
    show(
        "dead port: wall (median)",
        format!("{:.0?}", median(costs.into_iter().map(|cost| cost.wall).collect())),
        "< 200 ms",
    );
    println!("{:<58} {valid:>14}", "  exit 3 and valid JSON each time");

    let folder = std::env::temp_dir().join(format!("agentgauge-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("t.jsonl");
    let endpoint = Endpoint::start_on_thread(Behaviour::sound(Base::Dual)).unwrap();
    run(&["scan", "--profile", "quick", "--save-transcript", file.to_str().unwrap(), &endpoint.url()]);
    let costs: Vec<Cost> =
        (0..RUNS).map(|_| run(&["replay", "-f", "json", file.to_str().unwrap()])).collect();
    let replay = median(costs.into_iter().map(|cost| cost.wall).collect());
    show("replay of a recorded transcript, whole process (median)", format!("{replay:.1?}"), "< 20 ms");
    println!("{:<58} {:>11} KiB", "  its transcript", std::fs::metadata(&file).unwrap().len() / 1024);
    std::fs::remove_dir_all(&folder).unwrap();

    let size = std::fs::metadata(Path::new(BINARY)).unwrap().len();
    show("binary, as built by this profile", format!("{:.1} MB", size as f64 / 1e6), "< 12 MB");
}
