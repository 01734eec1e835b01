//! The command line against live endpoints on loopback: gates, credentials, signals, crashes.

use std::fs;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use agentgauge::demo::{self, Base, Behaviour, Endpoint};

use crate::program::{Folder, Run, finish, program, run};

fn quick(url: &str, more: &[&str]) -> Run {
    run(&[&["scan", "--profile", "quick", "-f", "json", url], more].concat())
}

#[test]
fn gates_decide_the_exit_in_every_format() {
    let flawed = Endpoint::start_on_thread(demo::flawed()).unwrap();
    let url = flawed.url();
    for format in ["json", "table"] {
        let failed = run(&["scan", "--profile", "quick", "-f", format, "--min", "D2=100", &url]);
        assert_eq!(failed.code, Some(1), "{format}: {failed:?}");
        assert!(failed.last_line().starts_with("exit 1 (gate-failed): D2 "), "{format}: {failed:?}");
    }
    let passed = quick(&url, &["--min", "D2=1"]);
    assert_eq!(passed.code, Some(0), "{passed:?}");
    assert_eq!(passed.json()["exit"]["name"], "ok");
    let forgiven = quick(&url, &["--min", "D2=100", "--exit-zero"]);
    assert_eq!(forgiven.code, Some(0), "{forgiven:?}");
    assert!(forgiven.last_line().contains("--exit-zero; a gate failed"), "{forgiven:?}");
    let report = forgiven.json();
    assert_eq!((&report["exit"]["code"], &report["gate"]["passed"]), (&0.into(), &false.into()));
}

#[test]
fn a_list_with_a_good_and_a_bad_end_reports_both() {
    let sound = Endpoint::start_on_thread(demo::sound()).unwrap();
    let dead = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (good, bad) = (sound.url(), format!("http://{dead}/"));
    let run = quick(&bad, &[&good, "--min", "D2=1"]);
    assert_eq!(run.code, Some(3), "{run:?}");
    let report = run.json();
    assert_eq!(report["reports"][0]["exit"]["code"], 3);
    assert_eq!(report["reports"][1]["exit"]["code"], 0);
    assert_eq!(report["reports"][1]["target"]["url"], good.as_str());
}

#[test]
fn colour_goes_where_it_is_wanted() {
    let sound = Endpoint::start_on_thread(demo::sound()).unwrap();
    let url = sound.url();
    let scan = |more: &[&str], variable: Option<(&str, &str)>| {
        let mut command = program();
        command.args(["scan", "--profile", "quick", &url]).args(more).envs(variable);
        finish(&mut command).stdout.contains('\u{1b}')
    };
    assert!(!scan(&[], None), "a pipe is no terminal");
    assert!(scan(&["--color", "always"], None));
    assert!(scan(&["--color", "always"], Some(("NO_COLOR", "1"))));
    assert!(scan(&[], Some(("FORCE_COLOR", "1"))));
    assert!(!scan(&["--color", "never"], Some(("FORCE_COLOR", "1"))));
}

#[test]
fn discovery_scans_what_is_beside_the_url() {
    let sound = Endpoint::start_on_thread(Behaviour::sound(Base::Modern)).unwrap();
    let elsewhere = sound.url().replace("/mcp", "/nothing-here");
    let folder = Folder::new("discovers");
    let transcript = folder.path("t.jsonl");
    let without = quick(&elsewhere, &[]);
    assert_eq!(without.code, Some(3), "{without:?}");
    let with = quick(&elsewhere, &["--discover", "--save-transcript", &transcript]);
    assert_eq!(with.code, Some(0), "{with:?}");
    assert_eq!(with.json()["target"]["url"], sound.url().as_str());
    assert!(with.stderr.contains("beside it"), "{with:?}");
    assert_eq!(run(&["replay", "-f", "json", &transcript]).stdout, with.stdout);
}

#[test]
fn a_credential_opens_the_gate_and_stays_secret() {
    let gated = Endpoint::start_on_thread(Behaviour::sound(Base::Gated)).unwrap();
    let (url, token) = (gated.url(), gated.token().to_owned());
    let folder = Folder::new("secret");
    let transcript = folder.path("t.jsonl");
    let mut command = program();
    command.args(["scan", "--profile", "quick", "-vvv", "-f", "json", "--bearer-env", "TOKEN"]);
    command.args(["--save-transcript", &transcript, &url]).env("TOKEN", &token);
    let run = finish(&mut command);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(run.json()["classification"]["kind"], "dual", "the token was sent: {run:?}");
    assert!(run.stderr.contains("> authorization: "), "-vvv shows heads: {run:?}");
    for (what, text) in [
        ("stdout", &run.stdout),
        ("stderr", &run.stderr),
        ("file", &fs::read_to_string(&transcript).unwrap()),
    ] {
        assert!(!text.contains(&token), "{what} holds the token");
    }
}

/// A scan of an endpoint that accepts and never answers, once its record has begun.
fn held(folder: &Folder, endpoint: &TcpListener) -> Child {
    let url = format!("http://{}/mcp", endpoint.local_addr().unwrap());
    let child = program()
        .args(["scan", "-f", "json", "--save-transcript", &folder.path("t.jsonl"), &url])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The request has arrived, so the scan is under way and listens to signals.
    let (mut connection, _) = endpoint.accept().unwrap();
    connection.set_read_timeout(Some(PATIENCE)).unwrap();
    assert!(connection.read(&mut [0; 64]).unwrap() > 0);
    KEPT.with(|kept| kept.borrow_mut().push(connection));
    child
}

thread_local! {
    /// Connections that must stay open until their test ends.
    static KEPT: std::cell::RefCell<Vec<TcpStream>> = const { std::cell::RefCell::new(Vec::new()) };
}

const PATIENCE: Duration = Duration::from_secs(20);

#[cfg(unix)]
fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

#[cfg(unix)]
fn interrupted(name: &str, code: i32, word: &str) {
    let folder = Folder::new(&format!("signal{name}"));
    let endpoint = TcpListener::bind("127.0.0.1:0").unwrap();
    let child = held(&folder, &endpoint);
    signal(&child, name);
    let run: Run = child.wait_with_output().unwrap().into();
    assert_eq!(run.code, Some(code), "{run:?}");
    assert!(run.last_line().starts_with(&format!("exit {code} ({word}): ")), "{run:?}");
    let report = run.json();
    assert_eq!(report["exit"]["code"], code);
    assert_eq!(report["transcript"]["complete"], false, "{report}");
    let replay = crate::program::run(&["replay", "-f", "json", &folder.path("t.jsonl")]);
    assert!(replay.stderr.contains("incomplete"), "{replay:?}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_keeps_what_is_known() {
    interrupted("-INT", 130, "interrupted");
}

#[cfg(unix)]
#[test]
fn termination_keeps_what_is_known() {
    interrupted("-TERM", 143, "terminated");
}

#[cfg(unix)]
#[test]
fn a_crash_keeps_the_partial_transcript() {
    let folder = Folder::new("crash");
    let endpoint = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut child = held(&folder, &endpoint);
    signal(&child, "-KILL");
    child.wait().unwrap();
    assert!(!Path::new(&folder.path("t.jsonl")).exists());
    let replay = run(&["replay", &folder.path("t.jsonl.partial")]);
    assert!(replay.code.is_some_and(|code| code != 2), "{replay:?}");
    assert!(replay.stderr.contains("incomplete"), "{replay:?}");
}

#[test]
fn demo_needs_no_network_and_ends_well() {
    let begun = Instant::now();
    let run = run(&["demo", "-f", "json"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let report = run.json();
    assert_eq!(report["reports"][0]["target"]["label"], "sound");
    assert_eq!(report["reports"][1]["target"]["label"], "flawed");
    assert!(begun.elapsed() < PATIENCE, "the idle watch is cut to 3 s");
}

/// An MCP server of the legacy era that opens a session and answers nothing else, not even its DELETE.
#[cfg(unix)]
fn session_that_hangs() -> (TcpListener, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let accepting = listener.try_clone().unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut held = Vec::new();
        for stream in accepting.incoming() {
            let Ok(mut stream) = stream else { return };
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            let mut block = [0; 8192];
            let count = stream.read(&mut block).unwrap_or(0);
            let asked = String::from_utf8_lossy(&block[..count]).into_owned();
            if asked.contains("\"initialize\"") {
                let body = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"protocolVersion\":\"2025-06-18\",\"capabilities\":{},\"serverInfo\":{\"name\":\"s\",\"version\":\"1\"}}}";
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nmcp-session-id: 0123456789abcdef\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                    body.len()
                );
                let _ = std::io::Write::write_all(
                    &mut stream,
                    [head.as_bytes(), body.as_bytes()].concat().as_slice(),
                );
            } else if asked.contains("server/discover") {
                let refused = b"HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
                let _ = std::io::Write::write_all(&mut stream, refused);
            } else {
                held.push(stream);
            }
            if tell.send(asked).is_err() {
                return;
            }
        }
    });
    (listener, told)
}

/// Waits until the endpoint has heard a request that contains this.
#[cfg(unix)]
fn heard(told: &std::sync::mpsc::Receiver<String>, what: &str) {
    loop {
        let asked = told.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("nobody asked for {what}"));
        if asked.contains(what) {
            return;
        }
    }
}

#[cfg(unix)]
#[test]
fn the_first_ctrl_c_deletes_the_session_and_the_second_ends_at_once() {
    let folder = Folder::new("twice");
    let (endpoint, told) = session_that_hangs();
    let url = format!("http://{}/mcp", endpoint.local_addr().unwrap());
    let report = folder.write("old.json", "an older good report");
    let child = program()
        .args(["scan", "-f", "json", "-o", &report, "--save-transcript", &folder.path("t.jsonl"), &url])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    heard(&told, "notifications/initialized");
    signal(&child, "-INT");
    heard(&told, "DELETE /mcp");
    signal(&child, "-INT");
    let run: Run = child.wait_with_output().unwrap().into();
    assert_eq!(run.code, Some(130), "{run:?}");
    assert!(run.last_line().contains("ended at once; no report"), "{run:?}");
    assert_eq!(fs::read_to_string(&report).unwrap(), "an older good report");
    let left: Vec<_> = fs::read_dir(&folder.0).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(
        left.iter().all(|name| ["old.json", "t.jsonl.partial"].contains(&name.to_str().unwrap())),
        "{left:?}"
    );
}

#[cfg(unix)]
#[test]
fn a_wait_that_the_endpoint_asked_for_ends_with_ctrl_c() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let accepting = listener.try_clone().unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in accepting.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.read(&mut [0; 8192]);
            let answer = b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 9\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
            let _ = std::io::Write::write_all(&mut stream, answer);
            if tell.send(Instant::now()).is_err() {
                return;
            }
        }
    });
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let child = program()
        .args(["scan", "--profile", "quick", "-f", "json", &url])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let answered = told.recv_timeout(PATIENCE).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    signal(&child, "-INT");
    let run: Run = child.wait_with_output().unwrap().into();
    assert_eq!(run.code, Some(130), "{run:?}");
    assert_eq!(run.json()["transcript"]["complete"], false);
    assert!(answered.elapsed() < Duration::from_secs(8), "it did not wait for the end of Retry-After");
}

#[test]
fn a_list_reaches_nothing_private_unless_told() {
    let endpoint = Endpoint::start_on_thread(demo::sound()).unwrap();
    let folder = Folder::new("list");
    let list = folder.path("targets.txt");
    let port = endpoint.url().rsplit(':').next().unwrap().to_owned();
    fs::write(
        &list,
        format!("# local, by number and by name\n{}\nhttp://localhost:{port}\n", endpoint.url()),
    )
    .unwrap();
    let scan = ["scan", "--no-config", "--profile", "quick", "-f", "json", "--targets", &list];
    let refused = run(&[scan.as_slice(), &["--fail-on-unreachable"]].concat());
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    for report in refused.json()["reports"].as_array().unwrap() {
        assert_eq!(report["classification"]["kind"], "unreachable");
        let reason = report["classification"]["reason"].as_str().unwrap();
        assert!(reason.contains("not a public address") && reason.contains("--allow-private"), "{reason}");
        assert_eq!(report["exchanges"]["count"], 0, "{report}");
    }
    assert_eq!(endpoint.connections(), 0);
    let told = run(&[scan.as_slice(), &["--allow-private"]].concat());
    assert_eq!(told.code, Some(0), "{}", told.stderr);
    assert_eq!(told.json()["summary"]["scored"], 2, "{}", told.stderr);
    let without = run(&["scan", "--allow-private", &endpoint.url()]);
    assert!(without.code == Some(2) && without.stderr.contains("--targets"), "{without:?}");
}

#[cfg(unix)]
#[test]
fn few_file_descriptors_make_a_list_slower_and_not_wrong() {
    let sound = Endpoint::start_on_thread(Behaviour::sound(Base::LegacyJson)).unwrap();
    let urls: Vec<String> = (0..16).map(|index| format!("{}?n={index}", sound.url())).collect();
    // Eight targets at once, with up to five connections each, want more than there are.
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -n 28; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_agentgauge")]);
    let run = finish(shell.args(["scan", "--profile", "quick", "-q", "-f", "json"]).args(&urls));
    assert_eq!(run.code, Some(0), "{run:?}");
    for report in run.json()["reports"].as_array().unwrap() {
        assert_eq!(report["classification"]["kind"], "legacy", "{report}");
        assert!(report["score"]["value"].is_number(), "{report}");
    }
}

#[cfg(unix)]
#[test]
fn a_report_that_nobody_reads_ends_with_the_second_signal() {
    let folder = Folder::new("unread");
    let endpoint = Endpoint::start_on_thread(demo::flawed()).unwrap();
    let whole = folder.path("r.json");
    let report = format!("json={whole}");
    // A page is longer than any pipe holds, and nobody reads this one.
    let mut child = program()
        .args(["scan", "--profile", "quick", "-f", "html", "--report", &report, &endpoint.url()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let until = |done: &mut dyn FnMut() -> bool, what: &str| {
        let begun = Instant::now();
        while !done() {
            assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    // Files are written before standard output is.
    until(&mut || Path::new(&whole).exists(), "the other report is not there");
    let mut said = child.stderr.take().unwrap();
    signal(&child, "-INT");
    let mut heard = String::new();
    let mut block = [0; 4096];
    while !heard.contains("once more ends at once") {
        let count = said.read(&mut block).unwrap();
        assert!(count > 0, "it ended with the first signal: {heard}");
        heard.push_str(&String::from_utf8_lossy(&block[..count]));
    }
    signal(&child, "-INT");
    let mut ended = None;
    until(
        &mut || {
            ended = child.try_wait().unwrap();
            ended.is_some()
        },
        "it goes on",
    );
    assert_eq!(ended.unwrap().code(), Some(130));
    let report: serde_json::Value = serde_json::from_slice(&fs::read(&whole).unwrap()).unwrap();
    assert_eq!(report["transcript"]["complete"], true);
}
