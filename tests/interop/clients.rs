//! Does the score say whether an agent can use the endpoint? Three official clients connect to every endpoint of the
//! fault table, to the servers of `known.rs` and to those of `tests/field`, and list its tools; the scan that goes
//! with it must not score what a capable client cannot use above 59, nor hold down by a cap of 59 what all of them
//! can (`tests/clients/run`).

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use agentgauge::demo::{Base, Behaviour, Endpoint, Fault};
use serde_json::Value;

use crate::SERVERS;
use crate::clients_known::KNOWN;
use crate::known;
use crate::server::Server;

/// Endpoints at once: clients and scans mostly wait.
const AT_ONCE: usize = 6;
/// How long a client may take: its steps end after 15 s each.
const CLIENT: Duration = Duration::from_secs(60);
/// Nobody can go on: no score above this.
const UNUSABLE: f64 = 59.0;

/// A client that nobody here wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Client {
    Ts1,
    Ts2,
    Py2,
}

impl Client {
    const ALL: [Self; 3] = [Self::Ts1, Self::Ts2, Self::Py2];

    /// Whether it speaks what the endpoint offers: the first SDK of TypeScript knows no 2026-07-28.
    fn speaks(self, modern_only: bool) -> bool {
        !(modern_only && self == Self::Ts1)
    }

    fn command(self, url: &str, transport: &str) -> Command {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let (own, installed) = (root.join("tests/interop/clients"), root.join("target/interop"));
        if self == Self::Py2 {
            let home = installed.join("pypi/sdk2");
            let mut command = Command::new(home.join("bin/python"));
            command.current_dir(home).arg("-B").arg(own.join("py.py")).args([url, transport]);
            return command;
        }
        let mut command = Command::new("node");
        let sdk = if self == Self::Ts1 { "1" } else { "2" };
        command.current_dir(installed.join("npm")).arg(own.join("ts.mjs")).args([sdk, url, transport]);
        command
    }

    /// Whether it can list, and what it says where it cannot. Only what fails twice fails.
    fn lists(self, url: &str, transport: &str) -> Result<(), String> {
        self.lists_once(url, transport).or_else(|_| self.lists_once(url, transport))
    }

    fn lists_once(self, url: &str, transport: &str) -> Result<(), String> {
        let mut command = self.command(url, transport);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut output = child.stdout.take().unwrap();
        let reader = thread::spawn(move || {
            let mut text = String::new();
            let _ = output.read_to_string(&mut text);
            text
        });
        let begun = Instant::now();
        while child.try_wait().unwrap().is_none() {
            if begun.elapsed() > CLIENT {
                let _ = child.kill();
            }
            thread::sleep(Duration::from_millis(50));
        }
        let text = reader.join().unwrap();
        let said: Value =
            text.lines().last().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default();
        if said["listed"] == true {
            Ok(())
        } else {
            Err(said["error"].as_str().unwrap_or("it hung").to_owned())
        }
    }
}

/// An endpoint to be tried.
enum Place {
    Demo(Behaviour),
    Installed(&'static known::Known),
    Field(Value),
}

/// One that stands.
enum Standing {
    Demo(Endpoint),
    Installed(Server, &'static str),
    Field(Child, String),
}

impl Drop for Standing {
    fn drop(&mut self) {
        if let Self::Field(child, _) = self {
            // It ends with its standard input.
            drop(child.stdin.take());
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Standing {
    fn url(&self) -> String {
        match self {
            Self::Demo(endpoint) => endpoint.url(),
            Self::Installed(server, path) => server.url(path),
            Self::Field(_, url) => url.clone(),
        }
    }
}

impl Place {
    fn name(&self) -> String {
        match self {
            Self::Demo(behaviour) => {
                let faults: Vec<&str> = behaviour.faults.iter().map(|fault| fault.spec().name).collect();
                format!("{:?} {}", behaviour.base, faults.join(" "))
            }
            Self::Installed(known) => known.name.to_owned(),
            Self::Field(case) => format!("field {}", case["id"].as_str().unwrap_or_default()),
        }
    }

    fn start(&self) -> Option<Standing> {
        match self {
            Self::Demo(behaviour) => Endpoint::start_on_thread(behaviour.clone()).ok().map(Standing::Demo),
            Self::Installed(known) => Some(Standing::Installed(Server::start(&known.start), known.path)),
            Self::Field(case) => {
                let (file, class) = (case["start"]["file"].as_str()?, case["start"]["class"].as_str()?);
                let mut command = Command::new("python3");
                command.current_dir(field().join("servers")).args(["-B", "start.py", file, class]);
                for (name, value) in case["start"]["env"].as_object().into_iter().flatten() {
                    command.env(name, value.as_str().unwrap_or_default());
                }
                command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
                let mut child = command.spawn().ok()?;
                let mut line = String::new();
                BufReader::new(child.stdout.take()?).read_line(&mut line).ok()?;
                let path = case["path"].as_str()?;
                let url = format!("http://127.0.0.1:{}{path}", line.trim());
                Some(Standing::Field(child, url))
            }
        }
    }
}

/// What was seen at one endpoint.
#[derive(Debug)]
struct Seen {
    name: String,
    score: f64,
    caps: Vec<String>,
    /// Capable clients that failed, with their words.
    failed: Vec<String>,
}

impl Seen {
    /// What is wrong about the score, if anything.
    fn difference(&self) -> Option<&'static str> {
        if !self.failed.is_empty() && self.score > UNUSABLE {
            return Some("above 59 though a capable client cannot list");
        }
        (self.failed.is_empty() && !self.caps.is_empty())
            .then_some("held at 59 though every capable client lists")
    }
}

fn field() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/field")
}

fn places(registries: &str) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    for base in [Base::Modern, Base::Legacy, Base::LegacyJson, Base::Dual, Base::HttpSse] {
        places.push(Place::Demo(Behaviour::sound(base)));
    }
    let mcp = [Base::Modern, Base::Legacy, Base::LegacyJson, Base::Dual, Base::HttpSse];
    for fault in Fault::ALL {
        let base = fault.spec().bases.iter().find(|base| mcp.contains(base));
        places.extend(base.map(|base| Place::Demo(fault.on(*base))));
    }
    let there = |row: &&known::Known| {
        registries.split(' ').any(|name| name == row.start.registry()) && row.path.starts_with("http:")
    };
    places.extend(known::KNOWN.iter().filter(there).map(Place::Installed));
    let cases = std::fs::read_to_string(field().join("cases.json")).unwrap_or_default();
    let cases: Vec<Value> = serde_json::from_str(&cases).unwrap_or_default();
    // What needs arguments (credentials, proxies) is tried by no client.
    let bare = |case: &Value| case["scheme"] == "http" && case["args"].as_array().is_none_or(Vec::is_empty);
    places.extend(cases.into_iter().filter(bare).map(Place::Field));
    if let Ok(some) = std::env::var("CLIENTS") {
        places.retain(|place| some.split(',').any(|part| place.name().contains(part)));
    }
    places
}

/// Scans, and lets every capable client try; `None` where there is no score, or OAuth stands in the way.
fn seen(place: &Place) -> Option<Seen> {
    let standing = place.start()?;
    let url = standing.url();
    let mut command = Command::new(env!("CARGO_BIN_EXE_agentgauge"));
    command.args(["scan", "--no-config", "--quiet", "--format", "json", &url]).stdin(Stdio::null());
    let report: Value = serde_json::from_slice(&command.output().unwrap().stdout).ok()?;
    let score = report["score"]["value"].as_f64()?;
    let class = &report["classification"];
    let words = |list: &str| -> Vec<String> {
        let list = class[list].as_array().cloned().unwrap_or_default();
        list.iter().filter_map(|word| word.as_str().map(str::to_owned)).collect()
    };
    let transports = words("transports");
    let transport = if transports.iter().any(|name| name == "streamable-http") {
        "http"
    } else if transports.iter().any(|name| name == "http-sse") {
        "sse"
    } else {
        return None;
    };
    let modern_only = class["kind"] == "modern";
    let caps = report["score"]["caps"].as_array().cloned().unwrap_or_default();
    let overall = caps.iter().filter(|cap| cap["cap"].as_u64() == Some(59) && cap["dimension"] == "overall");
    let caps = overall.filter_map(|cap| cap["check"].as_str().map(str::to_owned)).collect();
    // What the scan did to the endpoint is no matter of the clients.
    drop(standing);
    let standing = place.start()?;
    let url = standing.url();
    let capable = Client::ALL.into_iter().filter(|client| client.speaks(modern_only));
    let failed = capable
        .filter_map(|client| {
            let error = client.lists(&url, transport).err()?;
            Some(format!("{client:?}: {error}"))
        })
        .collect();
    Some(Seen { name: place.name(), score, caps, failed })
}

#[test]
#[ignore = "takes a quarter of an hour and installs packages: tests/clients/run"]
fn the_score_says_who_can_use_it() {
    let Ok(registries) = std::env::var(SERVERS) else {
        println!("clients: skipped, tests/clients/run installs the clients and calls this");
        return;
    };
    assert_eq!(registries, "npm pypi", "clients of both registries are needed");
    let queue: Mutex<VecDeque<Place>> = Mutex::new(places(&registries).into());
    let all: Mutex<Vec<Seen>> = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(place) = { queue.lock().unwrap().pop_front() } {
                    if let Some(seen) = seen(&place) {
                        if let Some(difference) = seen.difference() {
                            println!(
                                "clients: {}: {} {difference} {:?} {:?}",
                                seen.name, seen.score, seen.caps, seen.failed
                            );
                        }
                        std::io::stdout().flush().unwrap();
                        all.lock().unwrap().push(seen);
                    }
                }
            });
        }
    });
    let all = all.into_inner().unwrap();
    let cannot = all.iter().filter(|seen| !seen.failed.is_empty()).count();
    let differences: Vec<&Seen> = all.iter().filter(|seen| seen.difference().is_some()).collect();
    println!(
        "clients: {} scored endpoints, {cannot} that a capable client cannot list, {} differences",
        all.len(),
        differences.len()
    );
    let why = |seen: &Seen| KNOWN.iter().find(|(name, _)| *name == seen.name).map(|(_, why)| *why);
    for (seen, why) in differences.iter().filter_map(|seen| Some((seen, why(seen)?))) {
        println!("clients: known: {}: {why}", seen.name);
    }
    let news: Vec<&&Seen> = differences.iter().filter(|seen| why(seen).is_none()).collect();
    let agrees = |name: &str| all.iter().any(|seen| seen.name == name && seen.difference().is_none());
    let gone: Vec<&str> = KNOWN.iter().map(|(name, _)| *name).filter(|name| agrees(name)).collect();
    assert!(news.is_empty() && gone.is_empty(), "not as known: {news:#?}; no difference any more: {gone:?}");
}
