//! The command line as a user meets it: streams, exit codes, bad input. Runs the real program.

use std::fs;
use std::path::Path;

use crate::program::{Folder, finish, program, run};
use agentgauge::transcript::{End, FORMAT, Header, Limits, Profile, Tool, Transcript, codec};

/// A URL on which nothing listens: the port was free a moment ago.
fn dead() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}/mcp", listener.local_addr().unwrap())
}

/// A transcript in which nothing was sent.
fn empty_transcript(end: Option<End>) -> Vec<u8> {
    let header = Header {
        format: FORMAT,
        tool: Tool::this(),
        url: "http://127.0.0.1:9/mcp".to_owned(),
        label: None,
        profile: Profile::Quick,
        limits: Limits::of(Profile::Quick),
        insecure: false,
        proxy: None,
        operator_headers: Vec::new(),
        zone: None,
        started_at: "2026-11-20T00:00:00Z".to_owned(),
    };
    codec::encode(&Transcript { header, exchanges: Vec::new(), skips: Vec::new(), end })
}

const ENDED: Option<End> = Some(End { at_us: 1_000, interrupted: false, stalls: Vec::new() });

/// Exit 2, nothing on standard output, one line on standard error that says what and is harmless.
fn refused(args: &[&str], said: &[&str]) {
    let run = run(args);
    assert_eq!(run.code, Some(2), "{args:?}: {run:?}");
    assert_eq!(run.stdout, "", "{args:?}");
    assert_eq!(run.stderr.lines().count(), 1, "{args:?}: {run:?}");
    assert!(run.stderr.starts_with("exit 2 (usage): "), "{args:?}: {run:?}");
    assert!(run.stderr.trim_end().chars().all(|c| !c.is_control()), "{args:?}: {run:?}");
    for part in said {
        assert!(run.stderr.contains(part), "{args:?} should say {part:?}: {run:?}");
    }
}

const URL: &str = "http://127.0.0.1:9/mcp";

#[test]
fn what_is_no_url_is_refused() {
    refused(&["scan", "example.com/mcp"], &["URL", "'example.com/mcp'", "https://"]);
    refused(&["scan", ""], &["URL"]);
    refused(&["scan", "http://"], &["URL", "'http://'"]);
    refused(&["scan", "http://[::1"], &["URL", "'http://[::1'"]);
    refused(&["scan", "http://host:99999/"], &["URL", "port"]);
    refused(&["scan", "ftp://host/x"], &["\"ftp\"", "https"]);
    refused(&["scan", "file:///etc/passwd"], &["\"file\""]);
    refused(&["scan", "javascript:alert(1)"], &["\"javascript\""]);
    refused(&["scan", &format!("http://h/{}", "a".repeat(70_000))], &["longer than 8192"]);
    refused(&["scan", URL, "nonsense"], &["'nonsense'"]);
    refused(&["scan"], &["URL"]);
}

#[test]
fn escape_sequences_in_arguments_are_shown_as_escapes() {
    refused(&["scan", "http://a\u{1b}[31mb c/"], &["\\u{1b}"]);
    refused(&["scan", "x\ny"], &["URL"]);
    refused(&["scan", URL, "--\u{1b}]0;x\u{7}"], &["unknown option"]);
    refused(&["scan", URL, "--format", "\u{9b}31m"], &["--format"]);
    refused(&["explain", "a\u{202e}b"], &["no check has this id"]);
    refused(&["replay", "no\u{1b}such"], &["\\u{1b}"]);
}

#[test]
fn unknown_names_are_refused_with_the_nearest() {
    refused(&["sacn"], &["'sacn'", "'scan'"]);
    refused(&["scan", URL, "--formt", "json"], &["'--formt'", "'--format'"]);
    refused(&["scan", URL, "-f", "jsn"], &["--format", "'jsn'", "'json'"]);
    refused(&["scan", URL, "-f", "pdf"], &["--format", "table, json"]);
    refused(&["scan", URL, "--profile", "qick"], &["--profile", "'quick'"]);
    refused(&["scan", URL, "--color", "ever"], &["--color"]);
    refused(&["explain", "rpc-id-ecko"], &["'rpc-id-ecko'", "'rpc-id-echo'"]);
    refused(&["explain", "nothing-like-it-at-all"], &["agentgauge checks"]);
    refused(&["schema", "raport"], &["'raport'", "'report'"]);
    refused(&["completions", "bush"], &["'bush'", "'bash'"]);
    refused(&["checks", "--frmat", "json"], &["'--frmat'", "'--format'"]);
}

#[test]
fn gates_that_mean_nothing_are_refused() {
    for bad in ["NaN", "-1", "101", "1e9", "", "inf", "eighty"] {
        refused(&["scan", URL, "--min-score", bad], &["--min-score", "0 to 100"]);
        refused(&["replay", "x.jsonl", "--min-score", bad], &["--min-score"]);
    }
    refused(&["scan", URL, "--min", "D9=5"], &["--min", "'D9=5'", "D2, D7, D8"]);
    refused(&["scan", URL, "--min", "D3=50"], &["--min", "'D3=50'", "D2, D7, D8"]);
    refused(&["scan", URL, "--min", "D7"], &["--min", "D7=80"]);
    refused(&["scan", URL, "--min", "D7=NaN"], &["--min", "0 to 100"]);
    refused(&["scan", URL, "--min", "D7=1", "--min", "D7=2"], &["--min D7", "twice"]);
    refused(&["scan", URL, "--min-score", "1", "--min-score", "2"], &["--min-score", "twice"]);
    refused(&["scan", URL, "--min-score"], &["--min-score"]);
}

#[test]
fn numbers_and_durations_are_refused_outside_their_range() {
    for bad in ["", "x", "-1", "1h", "99999", "1e3"] {
        refused(&["scan", URL, "--wait", bad], &["--wait"]);
    }
    refused(&["scan", URL, "--max-requests", "0"], &["--max-requests"]);
    refused(&["scan", URL, "--max-requests", "201"], &["--max-requests 201", "200"]);
    refused(&["scan", URL, "--profile", "quick", "--max-requests", "81"], &["80"]);
    refused(&["scan", URL, "--rate", "0"], &["--rate"]);
}

#[test]
fn rubrics_and_transcripts_that_cannot_be_read_are_refused() {
    let folder = Folder::new("inputs");
    let bad_toml = folder.write("bad.toml", "id = \"x\"\nversion = ");
    let unknown = folder.write("unknown.toml", "id = \"x\"\nfoo = 1\n");
    refused(&["scan", URL, "--rubric", &bad_toml], &["--rubric", "bad.toml:2"]);
    refused(&["scan", URL, "--rubric", &unknown], &["--rubric", "unknown.toml:2", "foo"]);
    refused(&["scan", URL, "--rubric", &folder.path("missing.toml")], &["--rubric", "missing.toml"]);
    refused(&["scan", URL, "--rubric", &folder.path("")], &["--rubric"]);
    refused(&["scan", URL, "--cacert", &bad_toml], &["--cacert", "no PEM certificate"]);

    let foreign = folder.write("foreign.jsonl", "{\"log\":{\"version\":\"1.2\"}}\n");
    let newer = folder.write("newer.jsonl", "{\"header\":{\"format\":99}}\n");
    let empty = folder.write("empty.jsonl", "");
    let mut damaged = empty_transcript(None);
    damaged.extend_from_slice(b"{\"exchange\":\n{\"end\":{\"at_us\":1}}\n");
    let damaged = folder.write("damaged.jsonl", damaged);
    refused(&["replay", &foreign], &["foreign.jsonl", "header"]);
    refused(&["replay", &newer], &["newer.jsonl", "format 99"]);
    refused(&["replay", &empty], &["empty.jsonl"]);
    refused(&["replay", &damaged], &["damaged.jsonl", "line 2"]);
    refused(&["replay", &folder.path("missing.jsonl")], &["missing.jsonl"]);
    refused(&["replay", &folder.path("")], &["cannot be read"]);
    refused(&["replay"], &["FILE"]);
}

#[test]
fn credentials_that_cannot_be_used_are_refused_without_being_shown() {
    let secret = "s3cr3t-v4lue";
    refused(
        &["scan", URL, "--bearer-env", "AGENTGAUGE_TEST_UNSET"],
        &["--bearer-env AGENTGAUGE_TEST_UNSET", "not set"],
    );
    refused(&["scan", URL, "--header-env", "X-Key=AGENTGAUGE_TEST_UNSET"], &["X-Key", "not set"]);
    refused(&["scan", URL, "--bearer-env", "A", "--bearer-file", "f"], &["--bearer-env", "--bearer-file"]);
    for args in [
        &["scan", URL, "-H", secret][..],
        &["scan", URL, "-H", &format!("Bad Name: {secret}")],
        &["scan", URL, "--header-env", secret],
        &["scan", URL, "--bearer-env", secret],
        &["scan", &format!("http://me:{secret}@192.0.2.1/?key={secret}")],
        &["scan", &format!("ftp://me:{secret}@192.0.2.1/?key={secret}")],
    ] {
        refused(args, &[]);
        assert!(!run(args).stderr.contains(secret), "{args:?}");
    }
}

#[test]
fn credentials_never_leave_unencrypted() {
    for url in ["http://192.0.2.1/mcp", "ws://192.0.2.1/mcp"] {
        refused(&["scan", url, "-H", "X-Key: abcd"], &["unencrypted", "--allow-plaintext-credentials"]);
    }
    refused(&["scan", "http://user:pass@192.0.2.1/mcp"], &["unencrypted"]);
}

#[test]
fn two_outputs_cannot_be_one_file() {
    let folder = Folder::new("one-file");
    let file = folder.path("out");
    refused(&["scan", URL, "-o", &file, "--save-transcript", &file], &["--save-transcript"]);
    let transcript = folder.write("t.jsonl", empty_transcript(ENDED));
    refused(&["replay", &transcript, "-o", &transcript], &["--output"]);
    #[cfg(unix)]
    {
        let link = folder.path("link");
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        refused(&["scan", URL, "-o", &file, "--save-transcript", &link], &["the same file"]);
        assert_eq!(fs::read_to_string(&file).unwrap(), "old");
    }
}

#[test]
fn an_output_that_cannot_be_written_is_exit_5_and_leaves_old_files_alone() {
    let folder = Folder::new("unwritable");
    let transcript = folder.write("t.jsonl", empty_transcript(ENDED));
    for place in [folder.path("no/such/folder/report"), folder.path("")] {
        for args in [
            &["scan", URL, "-o", &place][..],
            &["scan", URL, "--save-transcript", &place],
            &["replay", &transcript, "-o", &place],
        ] {
            let run = run(args);
            assert_eq!(run.code, Some(5), "{args:?}: {run:?}");
            assert_eq!(run.stdout, "", "{args:?}");
            assert!(run.last_line().starts_with("exit 5 (output): cannot write "), "{run:?}");
        }
    }
    let read_only = folder.write("old.json", "old");
    let mut permissions = fs::metadata(&read_only).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&read_only, permissions).unwrap();
    assert_eq!(run(&["replay", &transcript, "-o", &read_only]).code, Some(5));
    assert_eq!(fs::read_to_string(&read_only).unwrap(), "old");
    // Nothing was left beside.
    let mut names: Vec<_> =
        fs::read_dir(&folder.0).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["old.json", "t.jsonl"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_under_standard_output_is_exit_5() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let run = finish(program().args(["checks"]).stdout(full));
    assert_eq!(run.code, Some(5), "{run:?}");
    assert!(run.last_line().starts_with("exit 5 (output): cannot write standard output"), "{run:?}");
}

#[test]
fn a_closed_pipe_ends_quietly() {
    for args in [&["checks"][..], &["completions", "bash"], &["schema", "report"], &["--help"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let run = finish(program().args(args).stdout(writer));
        assert_eq!(run.code, Some(0), "{args:?}: {run:?}");
        assert_eq!(run.stderr, "", "{args:?}");
    }
}

#[test]
fn help_fits_80_columns_and_goes_to_standard_output() {
    let commands = ["", "scan", "replay", "merge", "checks", "explain", "demo", "schema", "completions"];
    for command in commands {
        for flag in ["--help", "-h"] {
            let args: Vec<&str> = [command, flag].into_iter().filter(|word| !word.is_empty()).collect();
            let run = run(&args);
            assert_eq!(run.code, Some(0), "{args:?}");
            assert_eq!(run.stderr, "", "{args:?}");
            for line in run.stdout.lines() {
                assert!(line.chars().count() <= 80, "{args:?}: {line:?}");
            }
        }
    }
    let scan = run(&["scan", "--help"]).stdout;
    for heading in ["Target:", "Credentials:", "Probing:", "Output:", "Gates:", "Examples:"] {
        assert!(scan.contains(heading), "{heading}");
    }
    assert!(run(&["--version"]).stdout.starts_with("agentgauge "));
    let bare = run(&[]);
    assert_eq!((bare.code, bare.stdout.as_str()), (Some(2), ""));
}

#[test]
fn lists_and_explanations_go_to_standard_output() {
    let checks = run(&["checks"]);
    assert_eq!((checks.code, checks.stderr.as_str()), (Some(0), ""));
    let list = run(&["checks", "-f", "json"]).json();
    let ids: Vec<&str> = list.as_array().unwrap().iter().filter_map(|row| row["check"].as_str()).collect();
    assert!(ids.contains(&"rpc-id-echo"));
    for id in ids {
        assert!(checks.stdout.contains(id), "{id}");
        let explained = run(&["explain", id]);
        assert_eq!(explained.code, Some(0), "{id}");
        assert!(explained.stdout.contains("Where it is written"), "{id}");
    }
    for what in ["report", "rubric", "transcript"] {
        assert!(run(&["schema", what]).json().is_object(), "{what}");
    }
}

#[test]
fn limits_can_be_shown_without_a_target() {
    let run = run(&["scan", "--show-limits", "--profile", "quick", "--max-requests", "7", "-f", "json"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(run.json()["requests"], 7);
    assert_eq!(run.json()["idle_watch_ms"], 0);
}

#[test]
fn nothing_there_is_exit_3_in_every_format() {
    let url = dead();
    for args in [&["-f", "json"][..], &["-f", "table"], &["-f", "json", "--exit-zero"], &["--min-score", "1"]]
    {
        let run = run(&[&["scan", "--profile", "quick", &url], args].concat());
        assert_eq!(run.code, Some(3), "{args:?}: {run:?}");
        assert!(!run.stdout.is_empty(), "{args:?}: a report is written all the same");
        assert!(run.last_line().starts_with("exit 3 (nothing-to-judge): "), "{args:?}: {run:?}");
    }
    let run = run(&["scan", "--profile", "quick", "-q", "-f", "json", &url]);
    assert_eq!(run.stderr.lines().count(), 1, "quiet leaves the reason of a bad end: {run:?}");
    assert_eq!(run.json()["exit"]["code"], 3);
}

#[test]
fn several_targets_fail_on_a_dead_one_only_where_that_is_asked_for() {
    let (a, b) = (dead(), dead());
    let scan = |more: &[&str]| run(&[&["scan", "--profile", "quick", "-f", "json", &a, &b], more].concat());
    let plain = scan(&[]);
    assert_eq!(plain.code, Some(0), "{plain:?}");
    let report = plain.json();
    let urls: Vec<_> =
        report["reports"].as_array().unwrap().iter().map(|r| r["target"]["url"].clone()).collect();
    assert_eq!(urls, [a.as_str(), b.as_str()], "in input order");
    assert_eq!(report["schema_version"], 1);
    assert_eq!(scan(&["--fail-on-unreachable"]).code, Some(3));
    assert_eq!(scan(&["--min", "D7=1"]).code, Some(3), "a list with a dead target never passes a gate");
}

#[test]
fn a_saved_transcript_replays_to_the_same_bytes() {
    let folder = Folder::new("replays");
    let (transcript, scanned, replayed) =
        (folder.path("t.jsonl"), folder.path("a.json"), folder.path("b.json"));
    let url = dead();
    let scan = run(&[
        "scan",
        "--profile",
        "quick",
        "-f",
        "json",
        "-o",
        &scanned,
        "--save-transcript",
        &transcript,
        &url,
    ]);
    assert_eq!((scan.code, scan.stdout.as_str()), (Some(3), ""), "{scan:?}");
    let replay = run(&["replay", "-f", "json", "-o", &replayed, &transcript]);
    assert_eq!(replay.code, Some(3), "{replay:?}");
    assert_eq!(fs::read(&scanned).unwrap(), fs::read(&replayed).unwrap());
    assert!(!Path::new(&format!("{transcript}.partial")).exists());
    let piped =
        finish(program().args(["replay", "-f", "json", "-"]).stdin(fs::File::open(&transcript).unwrap()));
    assert_eq!(piped.stdout.as_bytes(), fs::read(&scanned).unwrap());
}

#[test]
fn several_transcripts_are_saved_in_a_folder() {
    let folder = Folder::new("saves");
    let place = folder.path("transcripts");
    let run = run(&["scan", "--profile", "quick", "--save-transcript", &place, &dead(), &dead()]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let mut names: Vec<_> = fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["001-127-0-0-1.jsonl", "002-127-0-0-1.jsonl"]);
}

#[test]
fn an_incomplete_transcript_is_judged_and_said_to_be_incomplete() {
    let folder = Folder::new("incomplete");
    let mut bytes = empty_transcript(None);
    bytes.extend_from_slice(b"{\"exchange\":{\"id\":1,\"pro");
    let transcript = folder.write("cut.jsonl", bytes);
    let run = run(&["replay", &transcript]);
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(run.stderr.contains("incomplete"), "{run:?}");
}

#[test]
fn the_value_of_a_header_option_is_visible_to_others_and_said_to_be() {
    let run = run(&["scan", "--profile", "quick", "-H", "X-Key: abcdefgh", &dead()]);
    let warnings: Vec<&str> = run.stderr.lines().filter(|line| line.contains("-H")).collect();
    assert_eq!(warnings.len(), 1, "{run:?}");
    assert!(!run.stderr.contains("abcdefgh") && !run.stdout.contains("abcdefgh"), "{run:?}");
}
