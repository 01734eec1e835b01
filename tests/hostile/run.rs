//! Running the program against rows, many at once, and looking at what it left behind.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use agentgauge::report::format::Format;
use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

use super::sinks;
use super::stage::{Io, Scene};
use super::{Row, Sign, Via};
use crate::program::{Folder, program};
use crate::tls::{self, Certificate};

/// The secret of every scan. Each encoding of it looks different.
pub(super) const CANARY: &str = "cnry/Qx7+Zk3~w9Vt2=e8Lm5";

/// Scans that wait for a deadline, at once.
const WAITING: usize = 24;
/// Scans that work, at once: more would only make each other late.
const WORKING: usize = 4;
/// The bound of the profile, and 2 s to say so.
const BOUND: Duration = Duration::from_secs(30 + 2);
/// Requests of a scan of which the beginning is enough: the budget keeps a quarter back.
const FEW_REQUESTS: &str = "32";
/// When a scan is ended from outside.
const KILL: Duration = Duration::from_secs(50);

/// Which pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// JSON, the secret as a bearer token.
    No,
    /// `-vvv` and a table, the secret in a custom header.
    Loud,
}

/// What a scan left behind.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) name: &'static str,
    again: Again,
    code: Option<i32>,
    /// Whether it is of a second run.
    pub(super) repeated: bool,
    /// Wall time without what the program waited for a processor.
    pub(super) took: Duration,
    pub(super) peak_kb: u64,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    pub(super) transcript: std::path::PathBuf,
    /// The report in every format that there is.
    reports: Vec<(Format, Vec<u8>)>,
    connections: usize,
    offsite: Vec<u8>,
    /// Everything that is not as it must be.
    pub(super) faults: Vec<String>,
}

/// Runs every row: those that wait beside those that work.
pub(super) fn all(jobs: &[(&Row, Again)], folder: &Folder) -> Vec<Outcome> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (waiting, working): (Vec<usize>, Vec<usize>) =
        (0..jobs.len()).partition(|index| jobs[*index].0.waits());
    let done: Mutex<Vec<(usize, Outcome)>> = Mutex::default();
    let run = |index: usize| {
        let (row, again) = jobs[index];
        let mut outcome = one(row, folder, again, &runtime);
        // On a busy machine a peer, or the program, comes too late for what the row is about. What leaks,
        // leaks at any speed.
        outcome.faults = outcome.judged(row);
        if !outcome.faults.is_empty() && !outcome.faults.iter().any(|fault| fault.contains("leak")) {
            outcome = one(row, folder, again, &runtime);
            outcome.faults = outcome.judged(row);
            outcome.repeated = true;
        }
        done.lock().unwrap().push((index, outcome));
    };
    let next = [AtomicUsize::new(0), AtomicUsize::new(0)];
    std::thread::scope(|scope| {
        for (list, next, threads) in [(&waiting, &next[0], WAITING), (&working, &next[1], WORKING)] {
            for _ in 0..threads {
                let run = &run;
                scope.spawn(move || {
                    while let Some(index) = list.get(next.fetch_add(1, Ordering::SeqCst)) {
                        run(*index);
                    }
                });
            }
        }
    });
    runtime.shutdown_background();
    let mut done = done.into_inner().unwrap();
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, outcome)| outcome).collect()
}

/// A listener on another origin; it keeps everything that it is told.
struct Offsite {
    address: SocketAddr,
    told: Arc<Mutex<Vec<u8>>>,
}

impl Offsite {
    fn start(runtime: &Runtime) -> Self {
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let told: Arc<Mutex<Vec<u8>>> = Arc::default();
        let heard = Arc::clone(&told);
        runtime.spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let heard = Arc::clone(&heard);
                heard.lock().unwrap().extend_from_slice(b"(connection)\n");
                tokio::spawn(async move {
                    let mut block = [0; 4096];
                    while let Ok(count @ 1..) = stream.read(&mut block).await {
                        heard.lock().unwrap().extend_from_slice(&block[..count]);
                    }
                });
            }
        });
        Self { address, told }
    }
}

/// A started endpoint.
struct Started {
    url: String,
    /// `host:port` of the stage, where it is a proxy.
    proxy: Option<String>,
    cacert: Option<String>,
    connections: Arc<AtomicUsize>,
    task: Option<tokio::task::JoinHandle<()>>,
    _held: Vec<TcpStream>,
}

fn start(row: &Row, offsite: &Offsite, runtime: &Runtime) -> Started {
    let connections = Arc::new(AtomicUsize::new(0));
    let mut started =
        Started { url: String::new(), proxy: None, cacert: None, connections, task: None, _held: Vec::new() };
    if let Via::Url(url) = row.via {
        url.clone_into(&mut started.url);
        return started;
    }
    let listener = runtime.block_on(async {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        socket.listen(if row.via == Via::Full { 0 } else { 1024 }).unwrap()
    });
    let address = listener.local_addr().unwrap();
    let (scheme, host) = match row.via {
        Via::Http | Via::Query | Via::Dead | Via::Full | Via::Proxy => ("http", "127.0.0.1"),
        Via::Localhost => ("http", "localhost"),
        Via::Ws => ("ws", "127.0.0.1"),
        _ => ("https", "127.0.0.1"),
    };
    started.url = format!("{scheme}://{host}:{}/mcp", address.port());
    if row.via == Via::Query {
        started.url.push_str(&format!("?tenant=a&api_key={}", encoded()));
    }
    if row.via == Via::Proxy {
        started.url = "http://endpoint.invalid/mcp".to_owned();
        started.proxy = Some(address.to_string());
    }
    match row.via {
        Via::Dead => return started,
        Via::Full => {
            // What nobody accepts fills the queue; from then on SYNs are dropped.
            for _ in 0..4 {
                let connect = async {
                    tokio::time::timeout(Duration::from_millis(200), TcpStream::connect(address)).await
                };
                if let Ok(Ok(stream)) = runtime.block_on(connect) {
                    started._held.push(stream);
                }
            }
            started.task = Some(runtime.spawn(async move {
                tokio::time::sleep(KILL).await;
                drop(listener);
            }));
            return started;
        }
        _ => {}
    }
    let acceptor = match row.via {
        Via::Tls(certificate) => Some(acceptor(certificate, b"http/1.1", None)),
        Via::TlsH2 => Some(acceptor(Certificate::Good, b"h2", None)),
        Via::TlsClient(version) => Some(acceptor(Certificate::Good, b"http/1.1", Some(version))),
        _ => None,
    };
    started.cacert = acceptor.as_ref().map(|(_, ca)| ca.clone());
    let acceptor = acceptor.map(|(acceptor, _)| acceptor);
    let serve = Arc::clone(&row.serve);
    let (counter, offsite) = (Arc::clone(&started.connections), offsite.address.to_string());
    started.task = Some(runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            let scene = Scene {
                here: address.to_string(),
                offsite: offsite.clone(),
                number: counter.fetch_add(1, Ordering::SeqCst),
            };
            let (serve, acceptor) = (Arc::clone(&serve), acceptor.clone());
            tokio::spawn(async move {
                let io: Io = match acceptor {
                    None => Box::new(stream),
                    Some(acceptor) => match acceptor.accept(stream).await {
                        Ok(stream) => Box::new(stream),
                        Err(_) => return,
                    },
                };
                serve(io, scene).await;
            });
        }
    }));
    started
}

/// The secret as a part of a URL.
fn encoded() -> String {
    percent_encoding::utf8_percent_encode(CANARY, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// The server's side of TLS with such a certificate, for one application protocol, and the CA as PEM. With a
/// version, it wants a client certificate over that one.
fn acceptor(
    certificate: Certificate,
    alpn: &[u8],
    client: Option<&'static rustls::SupportedProtocolVersion>,
) -> (TlsAcceptor, String) {
    let issued = tls::issue(certificate);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = match client {
        None => builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth(),
        Some(version) => {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(issued.leaf.clone()).unwrap();
            let verifier =
                rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            let builder = builder.with_protocol_versions(&[version]).unwrap();
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let mut config = builder.with_single_cert(vec![issued.leaf], issued.key).unwrap();
    config.alpn_protocols = vec![alpn.to_vec()];
    (TlsAcceptor::from(Arc::new(config)), issued.ca_pem)
}

fn one(row: &Row, folder: &Folder, again: Again, runtime: &Runtime) -> Outcome {
    let offsite = Offsite::start(runtime);
    let mut started = start(row, &offsite, runtime);
    let file = |kind: &str| {
        folder.0.join(format!("{}{}.{kind}", row.name, if again == Again::Loud { "-vvv" } else { "" }))
    };
    let transcript = file("transcript.jsonl");
    let mut command = program();
    command.args(["scan", "--profile", "quick", "--save-transcript", transcript.to_str().unwrap()]);
    let header = row.sent.map(|header| header(CANARY));
    match (again, header) {
        (Again::No, None) => {
            command.args(["-f", "json", "--bearer-env", "CANARY"]).env("CANARY", CANARY);
        }
        (Again::No, Some(header)) => {
            command.args(["-f", "json", "-H", &header]);
        }
        (Again::Loud, header) => {
            let header = header.unwrap_or_else(|| format!("X-Api-Key: {CANARY}"));
            command.args(["-f", "table", "-vvv", "-H", &header]);
        }
    }
    // With `-vvv` only standard error is another.
    let formats = if again == Again::No { Format::ALL } else { &[] };
    let reports: Vec<(Format, std::path::PathBuf)> =
        formats.iter().map(|format| (*format, file(format.name()))).collect();
    for (format, path) in &reports {
        command.args(["--report", &format!("{}={}", format.name(), path.display())]);
    }
    if let Some(pem) = &started.cacert {
        let path = file("pem");
        fs::write(&path, pem).unwrap();
        command.args(["--cacert", path.to_str().unwrap()]);
    }
    // No row is on another machine, so that a proxy of the environment must hear nothing (T19), but where it
    // is the proxy that acts.
    let proxy = started.proxy.clone().unwrap_or_else(|| offsite.address.to_string());
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
        command.env(name, format!("http://user:{}@{proxy}", encoded()));
    }
    if !row.whole {
        command.args(["--max-requests", FEW_REQUESTS]);
    }
    command.args(row.args).arg(&started.url);
    let (stdout, stderr) = (file("out"), file("err"));
    command.stdout(File::create(&stdout).unwrap()).stderr(File::create(&stderr).unwrap());
    let (code, took, peak_kb) = watch(&mut command);
    if let Some(task) = started.task.take() {
        task.abort();
    }
    let offsite = offsite.told.lock().unwrap().clone();
    Outcome {
        name: row.name,
        again,
        code,
        repeated: false,
        took,
        peak_kb,
        stdout: fs::read(stdout).unwrap(),
        stderr: fs::read(stderr).unwrap(),
        transcript,
        reports: reports
            .into_iter()
            .map(|(format, path)| (format, fs::read(path).unwrap_or_default()))
            .collect(),
        connections: started.connections.load(Ordering::SeqCst),
        offsite,
        faults: Vec::new(),
    }
}

/// Runs a program to its end; gives its exit code, its time (without that for which it had no processor) and
/// its peak memory in kB.
fn watch(command: &mut Command) -> (Option<i32>, Duration, u64) {
    let begun = Instant::now();
    let mut child = command.stdin(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let schedule = format!("/proc/{}/schedstat", child.id());
    let mut peak = 0;
    let mut starved = Duration::ZERO;
    loop {
        // Where there is no /proc, memory is not watched. Until the program has begun, the process is a copy
        // of this one, and its memory is ours.
        let text = fs::read_to_string(&status).unwrap_or_default();
        if text.starts_with("Name:\tagentgauge\n") {
            let high = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let high = high.and_then(|text| text.trim().trim_end_matches(" kB").parse().ok());
            peak = peak.max(high.unwrap_or(0));
            // "time on the processor, time ready to run, turns", in nanoseconds.
            let text = fs::read_to_string(&schedule).unwrap_or_default();
            let ready = text.split(' ').nth(1).and_then(|text| text.parse().ok());
            starved = starved.max(Duration::from_nanos(ready.unwrap_or(0)));
        }
        if let Some(ended) = child.try_wait().unwrap() {
            return (ended.code(), begun.elapsed().saturating_sub(starved), peak);
        }
        if begun.elapsed() > KILL {
            child.kill().unwrap();
            child.wait().unwrap();
            return (None, begun.elapsed(), peak);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

impl Outcome {
    pub(super) fn summary(&self) -> String {
        let json: Value = serde_json::from_slice(&self.stdout).unwrap_or_default();
        format!(
            "{} {:?} exit {:?} in {:.1} s, {} MB, {} connections, {} {} limits {} failures {}",
            self.name,
            self.again,
            self.code,
            self.took.as_secs_f32(),
            self.peak_kb / 1_000,
            self.connections,
            json["classification"]["kind"],
            json["classification"]["reason"],
            json["facts"]["limits_hit"],
            json["facts"]["failures"],
        )
    }

    /// Everything that is not as it must be.
    fn judged(&self, row: &Row) -> Vec<String> {
        let mut faults = Vec::new();
        let mut must = |holds: bool, what: String| {
            if !holds {
                faults.push(format!("{what} [{:?}]", self.again));
            }
        };
        must(self.took < BOUND, format!("took {:?}", self.took));
        must(self.peak_kb < row.memory, format!("used {} kB of memory", self.peak_kb));
        let undecided = row.may_be_undecided && self.code == Some(4);
        must(
            self.code == Some(row.exit) || undecided,
            format!("ended with {:?} instead of {}", self.code, row.exit),
        );
        let stderr = String::from_utf8_lossy(&self.stderr);
        must(!stderr.contains("panicked"), format!("panicked: {stderr}"));
        let streams = [("stdout", &self.stdout), ("stderr", &self.stderr)].into_iter();
        for (sink, bytes) in streams.clone() {
            // A log shows both.
            if let Some(line) = sinks::command(&String::from_utf8_lossy(bytes), None) {
                must(false, format!("a workflow command on {sink}: {line:?}"));
            }
        }
        let reports = self.reports.iter().map(|(format, bytes)| (format.name(), bytes));
        // Standard output is the JSON report.
        let reports = reports.filter(|(name, _)| *name != "json");
        for (sink, bytes) in streams.chain(reports) {
            if let Some(what) = sinks::leaked(bytes).or_else(|| sinks::raw_control(bytes)) {
                must(false, format!("leak on {sink}: {what}"));
            }
        }
        for (format, bytes) in &self.reports {
            if let Err(why) = sinks::sound(*format, bytes) {
                must(false, format!("{} is broken: {why}", format.name()));
            }
        }
        must(
            self.offsite.is_empty(),
            format!("leak: offsite heard {}", String::from_utf8_lossy(&self.offsite)),
        );
        let transcript = fs::read(&self.transcript).unwrap_or_default();
        must(!transcript.is_empty(), "no transcript".to_owned());
        if let Some(form) = sinks::leaked(&transcript) {
            must(false, format!("leak in the transcript: {form}"));
        }
        if self.again == Again::No {
            match serde_json::from_slice::<Value>(&self.stdout) {
                Ok(report) => self.judge(&report, row, &mut must),
                Err(error) => must(false, format!("no JSON: {error}: {stderr}")),
            }
        }
        faults
    }

    fn judge(&self, report: &Value, row: &Row, must: &mut impl FnMut(bool, String)) {
        let class = &report["classification"];
        let seen = || {
            let facts = &report["facts"];
            format!(
                "{} {} limits {} failures {}",
                class["kind"], class["reason"], facts["limits_hit"], facts["failures"]
            )
        };
        must(class["kind"] == row.kind, format!("is not {}: {}", row.kind, seen()));
        for sign in &row.signs {
            let named = |list: &str, key: &str, value: &str| {
                let list = report["facts"][list].as_array().cloned().unwrap_or_default();
                list.iter().any(|entry| entry[key] == value)
            };
            let holds = match *sign {
                Sign::Reason(words) => class["reason"].as_str().unwrap_or_default().contains(words),
                Sign::Failure(kinds) => kinds.split('|').any(|kind| named("failures", "kind", kind)),
                Sign::Limit(name) => named("limits_hit", "name", name),
                Sign::Finding(check, status) => {
                    let findings = report["findings"].as_array().unwrap();
                    findings.iter().any(|finding| finding["check"] == check && finding["status"] == status)
                }
                Sign::Says(words) => report.to_string().contains(words),
                Sign::Fewer(most) => self.connections < most,
                Sign::Within(seconds) => self.took < Duration::from_secs(seconds),
            };
            let more = match sign {
                Sign::Finding(check, _) => {
                    let findings = report["findings"].as_array().unwrap();
                    let found = findings.iter().find(|finding| finding["check"] == *check);
                    found
                        .map(|finding| format!("{}: {}", finding["status"], finding["message"]))
                        .unwrap_or_default()
                }
                Sign::Fewer(_) => format!("{} connections", self.connections),
                _ => seen(),
            };
            must(holds, format!("no {sign:?}: {more}"));
        }
    }
}
