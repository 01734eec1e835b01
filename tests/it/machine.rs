//! The machine around a run: signals, descriptors, files that are no text.

#[cfg(unix)]
use std::fs;
#[cfg(unix)]
use std::io::Read;
#[cfg(unix)]
use std::net::TcpListener;
#[cfg(unix)]
use std::process::{Child, Command, Stdio};
#[cfg(unix)]
use std::time::{Duration, Instant};

#[cfg(unix)]
use agentgauge::demo::{self, Endpoint};

use crate::program::{Folder, finish, program, run};

#[cfg(unix)]
const PROGRAM: &str = env!("CARGO_BIN_EXE_agentgauge");

#[cfg(unix)]
fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

#[cfg(unix)]
fn until(done: &mut dyn FnMut() -> bool, what: &str) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[cfg(unix)]
fn names(folder: &Folder) -> Vec<String> {
    let entries = fs::read_dir(&folder.0).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Starts a scan of an endpoint that never answers, through this shell command, and sends it a signal.
#[cfg(unix)]
fn told(folder: &Folder, shell: &str, name: &str) -> Child {
    let endpoint = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/mcp", endpoint.local_addr().unwrap());
    let child = Command::new("sh")
        .args(["-c", &format!("{shell} exec \"$0\" \"$@\""), PROGRAM])
        .args(["scan", "--no-config", "--profile", "quick", "-f", "json", "-o", &folder.path("r.json"), &url])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut connection, _) = endpoint.accept().unwrap();
    assert!(connection.read(&mut [0; 64]).unwrap() > 0);
    signal(&child, name);
    // The connection stays open until the scan is over.
    std::thread::spawn(move || while matches!(connection.read(&mut [0; 64]), Ok(1..)) {});
    child
}

#[cfg(unix)]
#[test]
fn a_terminal_that_hangs_up_stops_a_scan_in_good_order() {
    let folder = Folder::new("hangs-up");
    let run: crate::program::Run = told(&folder, "", "-HUP").wait_with_output().unwrap().into();
    assert_eq!(run.code, Some(129), "{run:?}");
    assert!(run.last_line().starts_with("exit 129 (hung-up): stopped early"), "{run:?}");
    let report: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.path("r.json")).unwrap()).unwrap();
    assert_eq!(report["exit"]["name"], "hung-up");
    assert_eq!(report["transcript"]["complete"], false);
    assert_eq!(names(&folder), ["r.json"]);
}

/// As `nohup` starts it.
#[cfg(target_os = "linux")]
#[test]
fn a_scan_that_shall_survive_its_terminal_does() {
    let folder = Folder::new("nohup");
    let mut child = told(&folder, "trap '' HUP;", "-HUP");
    std::thread::sleep(Duration::from_millis(500));
    assert!(child.try_wait().unwrap().is_none(), "it ended");
    signal(&child, "-INT");
    let run: crate::program::Run = child.wait_with_output().unwrap().into();
    assert_eq!(run.code, Some(130), "{run:?}");
}

#[cfg(unix)]
#[test]
fn the_second_signal_leaves_no_half_of_a_file() {
    for (first, second, code) in [("-INT", "-INT", 130), ("-HUP", "-TERM", 143), ("-TERM", "-HUP", 129)] {
        let folder = Folder::new(&format!("half{first}{second}"));
        let endpoint = Endpoint::start_on_thread(demo::sound()).unwrap();
        // The pipe that gets the second report has a reader that never reads: the first one waits, open.
        let pipe = folder.path("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let reader = fs::OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
        let mut child = Command::new(PROGRAM)
            .args(["scan", "--no-config", "--profile", "quick", "-f", "html", "-o", &folder.path("r.html")])
            .args(["--report", &format!("html={pipe}"), &endpoint.url()])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = child.stderr.take().unwrap();
        // It has begun to write when the pipe is full; before that the first signal would stop the scan only.
        until(&mut || endpoint.connections() > 0, "no scan");
        std::thread::sleep(Duration::from_secs(2));
        signal(&child, first);
        let mut heard = String::new();
        let mut block = [0; 4096];
        while !heard.contains("nce more ends at once") {
            let count = said.read(&mut block).unwrap();
            assert!(count > 0, "it ended with the first signal: {heard}");
            heard.push_str(&String::from_utf8_lossy(&block[..count]));
        }
        assert_eq!(names(&folder).len(), 2, "the file is not being written: {:?}", names(&folder));
        signal(&child, second);
        let mut ended = None;
        until(
            &mut || {
                ended = child.try_wait().unwrap();
                ended.is_some()
            },
            "it goes on",
        );
        assert_eq!(ended.unwrap().code(), Some(code));
        assert_eq!(names(&folder), ["pipe"]);
        drop(reader);
    }
}

#[cfg(unix)]
#[test]
fn an_output_that_nobody_opens_for_reading_ends_with_a_signal() {
    for option in ["-o", "--report", "--save-transcript"] {
        let folder = Folder::new(&format!("unread{option}"));
        let endpoint = Endpoint::start_on_thread(demo::sound()).unwrap();
        let pipe = folder.path("pipe.jsonl");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let value = if option == "--report" { format!("html={pipe}") } else { pipe };
        let mut child = Command::new(PROGRAM)
            .args(["scan", "--no-config", "--profile", "quick", option, &value, &endpoint.url()])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_secs(1));
        assert!(child.try_wait().unwrap().is_none(), "{option}: it did not wait for a reader");
        signal(&child, "-INT");
        let mut ended = None;
        until(
            &mut || {
                ended = child.try_wait().unwrap();
                ended.is_some()
            },
            "it goes on",
        );
        let run: crate::program::Run = child.wait_with_output().unwrap().into();
        assert_eq!(run.code, Some(130), "{option}: {run:?}");
        assert!(run.stderr.contains("nothing was sent"), "{option}: {run:?}");
        assert_eq!(endpoint.connections(), 0, "{option}");
        assert_eq!(names(&folder), ["pipe.jsonl"], "{option}");
    }
}

#[cfg(unix)]
#[test]
fn a_transcript_goes_through_a_pipe_as_a_whole() {
    let folder = Folder::new("piped");
    let endpoint = Endpoint::start_on_thread(demo::sound()).unwrap();
    let (pipe, copy) = (folder.path("pipe"), folder.path("copy.jsonl"));
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let out = fs::File::create(&copy).unwrap();
    let mut reader = Command::new("cat").arg(&pipe).stdout(out).spawn().unwrap();
    let scan =
        run(&["scan", "--no-config", "--profile", "quick", "--save-transcript", &pipe, &endpoint.url()]);
    assert_eq!(scan.code, Some(0), "{scan:?}");
    assert!(reader.wait().unwrap().success());
    let replay = run(&["replay", "--no-config", &copy]);
    assert_eq!(replay.code, Some(0), "{replay:?}");
}

#[cfg(unix)]
#[test]
fn what_a_killed_command_left_goes_with_the_next() {
    let folder = Folder::new("killed");
    let report = folder.path("r.json");
    let mut child = Command::new(PROGRAM)
        .args(["replay", "-", "-f", "json", "-o", &report])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    until(&mut || !names(&folder).is_empty(), "no output was opened");
    signal(&child, "-KILL");
    child.wait().unwrap();
    assert_eq!(names(&folder).len(), 1);
    let transcript = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/ts1-json/transcript.jsonl");
    let again = run(&["replay", "--no-config", transcript, "-f", "json", "-o", &report]);
    assert_eq!(again.code, Some(0), "{again:?}");
    assert_eq!(names(&folder), ["r.json"]);
}

#[cfg(unix)]
#[test]
fn commands_without_a_scan_leave_no_half_of_a_file_either() {
    let folder = Folder::new("half-merged");
    for args in [["merge", "-"], ["replay", "-"]] {
        // It waits for its input, with its output open.
        let mut child = Command::new(PROGRAM)
            .args(args)
            .args(["-f", "json", "-o", &folder.path("r.json")])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        until(&mut || !names(&folder).is_empty(), "no output was opened");
        let held = child.stdin.take();
        signal(&child, "-INT");
        let run: crate::program::Run = child.wait_with_output().unwrap().into();
        drop(held);
        assert_eq!(run.code, Some(130), "{run:?}");
        assert!(names(&folder).is_empty(), "{:?}", names(&folder));
    }
}

#[cfg(unix)]
#[test]
fn too_few_descriptors_are_no_bug_of_ours() {
    let endpoint = Endpoint::start_on_thread(demo::sound()).unwrap();
    let folder = Folder::new("few");
    let report = folder.path("r.json");
    for limit in 5..24 {
        for args in
            [&["scan", "--profile", "quick", "-f", "json", "-o", &report, &endpoint.url()][..], &["demo"]]
        {
            if args.len() == 1 && limit > 12 {
                continue;
            }
            let mut shell = Command::new("sh");
            shell.args(["-c", &format!("ulimit -n {limit}; exec \"$0\" \"$@\""), PROGRAM]).args(args);
            let run = finish(&mut shell);
            assert!(run.code.is_some_and(|code| code <= 5), "{limit} {args:?}: {run:?}");
            assert!(!run.stderr.contains("crashed"), "{limit} {args:?}: {run:?}");
            if limit == 8 {
                assert_eq!(run.code, Some(2), "{run:?}");
                assert!(run.last_line().contains("ulimit -n 64"), "{run:?}");
            }
            assert!(names(&folder).iter().all(|name| name == "r.json"), "{:?}", names(&folder));
        }
    }
}

#[test]
fn a_file_that_is_no_text_is_named_with_its_line() {
    let folder = Folder::new("no-text");
    let list = folder.write("list", b"https://a.invalid/\n# caf\xc3\xa9\n# caf\xe9\n");
    let config = folder.write("c.toml", b"profile = \"quick\"\n# \xff\n");
    let wide = folder.write("wide.toml", b"\xff\xfep\0r\0");
    for (args, place) in [
        (&["scan", "--no-config", "--targets", &list][..], "list:3 is not UTF-8 text"),
        (&["scan", "--config", &config], "c.toml:2 is not UTF-8 text"),
        (&["scan", "--no-config", "https://a.invalid/", "--rubric", &wide], "wide.toml:1 is not UTF-8 text"),
        (&["merge", "--expect", &list, &config], "list:3 is not UTF-8 text"),
        (&["merge", &config], "c.toml:2 is not UTF-8 text"),
    ] {
        let run = run(args);
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(run.last_line().contains(place), "{run:?}");
    }
}

/// A file is UTF-8, and the same, whatever the locale is.
#[test]
fn a_locale_that_is_not_utf_8_gets_plain_ascii() {
    let folder = Folder::new("locale");
    let transcript = "fixtures/py1-http/transcript.jsonl";
    let (mut files, mut tables) = (Vec::new(), Vec::new());
    for (index, (variables, ascii)) in [
        (&[][..], false),
        (&[("LC_ALL", "C")], true),
        (&[("LANG", "de_DE.ISO-8859-1")], true),
        (&[("LC_ALL", "C.UTF-8"), ("LANG", "C")], false),
    ]
    .into_iter()
    .enumerate()
    {
        let file = folder.path(&format!("{index}.txt"));
        let replay = ["replay", "--no-config", "-v", transcript, "--report", &format!("table={file}")];
        let run = finish(program().args(replay).envs(variables.iter().copied()));
        assert_eq!(run.code, Some(0), "{run:?}");
        assert_eq!(run.stdout.is_ascii(), ascii, "{variables:?}: {}", run.stdout);
        assert!(!ascii || run.stderr.is_ascii(), "{}", run.stderr);
        assert!(run.stdout.contains(if ascii { " ====" } else { " ████" }), "{}", run.stdout);
        files.push(std::fs::read_to_string(&file).unwrap());
        // Each names its own file.
        tables.push(run.stdout.replace(&file, "FILE"));
    }
    assert!(files.iter().all(|file| *file == files[0] && file.contains('█')), "{}", files[1]);
    assert_eq!(tables[0], tables[3]);
    for args in [&["explain", "sse-keepalive"][..], &["checks"], &["replay", "no\u{e9}.jsonl"]] {
        let run = finish(program().args(args).env("LC_CTYPE", "POSIX"));
        assert!(run.stdout.is_ascii() && run.stderr.is_ascii(), "{run:?}");
    }
}
