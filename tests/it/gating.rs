//! Gates, baseline, diff and configuration as a user meets them: the real program over recorded scans.

use std::collections::BTreeSet;
use std::fs;
use std::sync::LazyLock;

use agentgauge::demo::{self, Base, Behaviour, Endpoint};
use agentgauge::report::format::Format;
use serde_json::Value;

use crate::program::{Folder, Run, finish, program, run};

/// Transcripts of quick scans, made once: name, what is scanned.
struct Recorded {
    folder: Folder,
}

static RECORDED: LazyLock<Recorded> = LazyLock::new(|| {
    let folder = Folder::new("gating");
    let behaviours = [
        ("sound", demo::sound()),
        ("flawed", demo::flawed()),
        ("modern", Behaviour::sound(Base::Modern)),
        ("legacy", Behaviour::sound(Base::Legacy)),
        ("gated", Behaviour::sound(Base::Gated)),
    ];
    for (name, behaviour) in behaviours {
        let endpoint = Endpoint::start_on_thread(behaviour).unwrap();
        let path = folder.path(&format!("{name}.jsonl"));
        let args = ["scan", "--no-config", "--profile", "quick", "--label", name, "--save-transcript", &path];
        let run = run(&[&args[..], &[&endpoint.url()]].concat());
        assert!(run.code == Some(0) || name == "gated", "{name}: {run:?}");
    }
    let dead = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let path = folder.path("dead.jsonl");
    let url = format!("http://{dead}/");
    run(&["scan", "--no-config", "--profile", "quick", "--label", "dead", "--save-transcript", &path, &url]);
    Recorded { folder }
});

fn transcript(name: &str) -> String {
    RECORDED.folder.path(&format!("{name}.jsonl"))
}

/// Judges one recorded scan.
fn judged(name: &str, more: &[&str]) -> Run {
    run(&[&["replay", "--no-config", &transcript(name)], more].concat())
}

fn report(name: &str, more: &[&str]) -> Value {
    judged(name, &[&["-f", "json"], more].concat()).json()
}

/// A JSON report in a file of its own.
fn report_file(folder: &Folder, name: &str) -> String {
    let path = folder.path(&format!("{name}.json"));
    judged(name, &["-f", "json", "-o", &path]);
    path
}

fn status<'r>(report: &'r Value, check: &str) -> &'r str {
    let rows = report["findings"].as_array().unwrap();
    rows.iter().find(|row| row["check"] == check).unwrap()["status"].as_str().unwrap()
}

/// Exit 2, nothing on standard output, and these words on the one line of standard error.
fn refused(run: &Run, said: &[&str]) {
    assert_eq!(run.code, Some(2), "{run:?}");
    assert_eq!(run.stdout, "", "{run:?}");
    for part in said {
        assert!(run.last_line().contains(part), "should say {part:?}: {run:?}");
    }
}

/// What is judged: a name, and the recorded scans.
const OUTCOMES: [(&str, &[&str]); 7] = [
    ("sound", &["sound"]),
    ("flawed", &["flawed"]),
    ("gated", &["gated"]),
    ("withheld", &["withheld"]),
    ("dead", &["dead"]),
    ("sound and dead", &["sound", "dead"]),
    ("flawed, withheld and dead", &["flawed", "withheld", "dead"]),
];
const NAMES: [&str; 5] = ["sound", "flawed", "gated", "withheld", "dead"];

/// Files that gates compare with.
struct Compared {
    folder: Folder,
    transcripts: Vec<(&'static str, String)>,
}

impl Compared {
    fn new() -> Self {
        let folder = Folder::new("exit-codes");
        // Cut off before anything but the kind was seen.
        let whole = fs::read_to_string(transcript("sound")).unwrap();
        let cut: String = whole.lines().take(6).map(|line| format!("{line}\n")).collect();
        let cut =
            folder.write("withheld.jsonl", cut.replace("\"label\":\"sound\"", "\"label\":\"withheld\""));
        let file = |name| (name, if name == "withheld" { cut.clone() } else { transcript(name) });
        let this = Self { transcripts: NAMES.map(file).to_vec(), folder };
        this.reports();
        this.baselines();
        this
    }

    fn path(&self, name: &str) -> &str {
        &self.transcripts.iter().find(|(of, _)| *of == name).unwrap().1
    }

    /// Earlier scores: as they are, and one that was better.
    fn reports(&self) {
        let all: Vec<&str> = NAMES.iter().map(|name| self.path(name)).collect();
        run(&[&["replay", "--no-config", "-f", "json", "-o", &self.folder.path("old.json")], &all[..]]
            .concat());
        let old = fs::read(self.folder.path("old.json")).unwrap();
        let mut value: Value = serde_json::from_slice(&old).unwrap();
        let flawed = value["reports"].as_array_mut().unwrap().iter_mut();
        for report in flawed.filter(|report| report["target"]["label"] == "flawed") {
            report["score"]["value"] = 100.into();
        }
        self.folder.write("better.json", value.to_string());
    }

    /// Every file has entries of every target, none of which is stale, and then what its name says.
    fn baselines(&self) {
        let entry = |name: &str, check: &str, more: &str| {
            format!("\n[[accepted]]\ntarget = \"{name}\"\ncheck = \"{check}\"\nreason = \"r\"\n{more}")
        };
        let bare: String = NAMES.iter().map(|name| entry(name, "ops-latency", "unstable = true\n")).collect();
        let bare = format!("schema_version = 1\n{bare}");
        let known = self.folder.write("known.toml", &bare);
        for name in ["flawed", "gated"] {
            let report = report_file(&self.folder, name);
            assert_eq!(run(&["baseline", "write", "-b", &known, &report]).code, Some(0));
        }
        let known = fs::read_to_string(known).unwrap();
        let flawed = report("flawed", &[]);
        let passed =
            flawed["findings"].as_array().unwrap().iter().find(|row| row["status"] == "pass").unwrap();
        let passed = passed["check"].as_str().unwrap();
        for (file, text) in [
            ("bare.toml", bare),
            ("stale.toml", format!("{known}{}", entry("flawed", passed, ""))),
            (
                "past.toml",
                format!(
                    "{known}{}",
                    entry("flawed", "cors-preflight", "unstable = true\nexpires = 2020-01-31\n")
                ),
            ),
            ("unknown.toml", format!("{known}{}", entry("flawed", "no-such-check", ""))),
        ] {
            self.folder.write(file, text);
        }
    }
}

#[test]
fn exit_codes_of_every_gate_and_outcome_in_every_format() {
    let compared = Compared::new();
    // Gate; then the exit on each of OUTCOMES. Files are those of `Compared`.
    let table: &[(&[&str], [i32; 7])] = &[
        (&[], [0, 0, 4, 4, 3, 0, 0]),
        (&["--fail-on-unreachable"], [0, 0, 4, 4, 3, 3, 4]),
        (&["--exit-zero"], [0, 0, 4, 4, 3, 0, 0]),
        (&["--min-score", "0"], [0, 0, 4, 4, 3, 3, 4]),
        (&["--min-score", "100"], [0, 1, 4, 4, 3, 3, 1]),
        (&["--min-score", "100", "--exit-zero"], [0, 0, 4, 4, 3, 3, 4]),
        (&["--min", "D2=0"], [0, 0, 4, 4, 3, 3, 4]),
        (&["--min", "D2=100"], [0, 1, 4, 4, 3, 3, 1]),
        (&["--min", "D7=0"], [0, 0, 4, 4, 3, 3, 4]),
        (&["--min-coverage", "0"], [0, 0, 4, 4, 3, 3, 4]),
        (&["--min-coverage", "100"], [1, 1, 1, 1, 3, 1, 1]),
        (&["--fail-on", "critical"], [0, 1, 4, 4, 3, 3, 1]),
        (&["--fail-on", "low"], [0, 1, 4, 4, 3, 3, 1]),
        (&["--require", "rpc-id-echo"], [0, 1, 4, 4, 3, 3, 1]),
        (&["--require", "origin-rejected"], [0, 1, 4, 4, 3, 3, 1]),
        (&["--max-drop", "0", "--against", "old.json"], [0, 0, 4, 4, 3, 3, 4]),
        (&["--max-drop", "0", "--against", "better.json"], [0, 1, 4, 4, 3, 3, 1]),
        (&["--baseline", "known.toml"], [0, 0, 4, 4, 3, 3, 4]),
        (&["--baseline", "known.toml", "--fail-on", "low"], [0, 0, 4, 4, 3, 3, 4]),
        (&["--baseline", "known.toml", "--min-score", "100"], [0, 1, 4, 4, 3, 3, 1]),
        (&["--baseline", "bare.toml"], [0, 1, 4, 4, 3, 3, 1]),
        (&["--baseline", "bare.toml", "--exit-zero"], [0, 0, 4, 4, 3, 3, 4]),
        (&["--baseline", "bare.toml", "--fail-on", "critical"], [0, 1, 4, 4, 3, 3, 1]),
        (&["--baseline", "stale.toml"], [0, 1, 4, 4, 3, 3, 1]),
        (&["--baseline", "past.toml"], [1, 1, 1, 1, 3, 1, 1]),
        (&["--baseline", "unknown.toml"], [1, 1, 1, 1, 3, 1, 1]),
        (&["--min-score", "0", "--require", "origin-rejected"], [0, 1, 4, 4, 3, 3, 1]),
    ];
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for (row, (gate, expected)) in table.iter().enumerate() {
        for (column, ((name, parts), expected)) in OUTCOMES.iter().zip(expected).enumerate() {
            // Each run writes every format; each format is what the run is asked for in turn.
            let main = (row + column) % Format::ALL.len();
            let mut args: Vec<String> =
                ["replay", "--no-config", "-f", Format::ALL[main].name()].map(str::to_owned).to_vec();
            for part in *gate {
                let file = part.contains('.') && !part.starts_with('-');
                args.push(if file { compared.folder.path(part) } else { (*part).to_owned() });
            }
            args.extend(parts.iter().map(|name| compared.path(name).to_owned()));
            for format in Format::ALL {
                let file = compared.folder.path(&format!("out.{}", format.name()));
                let _ = fs::remove_file(&file);
                args.extend(["--report".to_owned(), format!("{}={file}", format.name())]);
            }
            let run = finish(program().args(&args));
            seen.insert((main, column));
            if run.code != Some(*expected) {
                wrong.push(format!("{gate:?}, {name}: {expected}, but {}", run.last_line()));
            }
            for format in Format::ALL {
                let written = fs::read(compared.folder.path(&format!("out.{}", format.name()))).unwrap();
                assert!(
                    !written.is_empty(),
                    "{gate:?}, {name}: {} is written whatever the gate says",
                    format.name()
                );
            }
            let json: Value =
                serde_json::from_slice(&fs::read(compared.folder.path("out.json")).unwrap()).unwrap();
            let exit = json.pointer("/exit/code").or(json.pointer("/summary/exit/code")).unwrap();
            assert_eq!(exit.as_i64().map(|code| code as i32), run.code, "{gate:?}, {name}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let all = Format::ALL.len() * OUTCOMES.len();
    assert_eq!(seen.len(), all, "every format was asked for with every outcome");
}

#[test]
fn every_reason_names_the_finding_that_caused_it() {
    for (gate, said) in [
        (&["--fail-on", "critical"][..], &["host-rebinding fail (critical): "][..]),
        (&["--min-score", "99"], &["score ", " is below 99: ", " fail"]),
        (&["--min", "D7=99"], &["D7 ", " is below 99: ", "origin-rejected fail"]),
        (&["--min-coverage", "100"], &["coverage ", "not seen ", "sse-keepalive"]),
        (&["--require", "host-rebinding"], &["required host-rebinding fail"]),
    ] {
        let run = judged("flawed", gate);
        for part in said {
            assert!(run.last_line().contains(part), "{gate:?} should say {part:?}: {}", run.last_line());
        }
        let reasons = report("flawed", gate)["gate"]["reasons"].to_string();
        assert!(said.iter().all(|part| reasons.contains(part)), "{gate:?}: {reasons}");
    }
}

#[test]
fn gates_that_mean_nothing_are_refused() {
    let folder = Folder::new("no-gates");
    let old = report_file(&folder, "sound");
    let newer = folder.write("newer.json", "{\"schema_version\": 2}");
    let foreign = folder.write("foreign.json", "{\"runs\": []}");
    let broken = folder.write("broken.json", "{\n\"schema_version\": 1,\n");
    for (args, said) in [
        (&["--fail-on", "hihg"][..], &["--fail-on", "'high'"][..]),
        (&["--fail-on", "warn"], &["--fail-on", "critical, high"]),
        (&["--require", "rpc-id-ecko"], &["--require", "'rpc-id-echo'"]),
        (&["--require", "rpc-id-echo", "--skip", "jsonrpc"], &["--require", "skipped", "--skip"]),
        (&["--min", "D3=50"], &["D3=50", "D2, D7, D8"]),
        (&["--min-coverage", "101"], &["--min-coverage", "0 to 100"]),
        (&["--max-drop", "5"], &["--max-drop", "--against"]),
        (&["--against", &old], &["--against", "--max-drop"]),
        (&["--max-drop", "5", "--against", "no.json"], &["--against", "no.json"]),
        (&["--max-drop", "5", "--against", &newer], &["newer.json", "`schema_version` is 2", "reads 1"]),
        (&["--max-drop", "5", "--against", &foreign], &["foreign.json", "no JSON report of agentgauge"]),
        (&["--max-drop", "5", "--against", &broken], &["broken.json", "line 3"]),
        (
            &["--max-drop", "5", "--against", &old, "--rubric", "spec"],
            &["agent-readiness", "spec", "do not compare"],
        ),
        (&["--only", "rpc-id-ecko"], &["--only", "'rpc-id-echo'"]),
        (&["--skip", "D9"], &["--skip", "'D9'"]),
        (&["--only", "jsonrpc", "--skip", "D2,D7,D8"], &["no check is left"]),
        (&["--rubric", "agent-readiness@7"], &["--rubric", "agent-readiness@0"]),
        (&["--rubric", "spce"], &["--rubric", "'spec'"]),
        (&["--baseline", "no.toml"], &["no.toml", "baseline write"]),
        (&["--no-config", "--config", "x.toml"], &["--config", "--no-config"]),
    ] {
        let sound = transcript("sound");
        refused(&run(&[&["replay", &sound], args].concat()), said);
    }
    // Another rubric of the same name and version: the hashes tell them apart.
    let text = run(&["rubric", "show"]).stdout;
    let mine = folder.write("mine.toml", format!("{text}# mine\n"));
    let sound = transcript("sound");
    let args = ["replay", "--no-config", "--rubric", &mine, "--max-drop", "5", "--against", &old, &sound];
    let said = run(&args);
    refused(&said, &["do not compare"]);
    let stamps: BTreeSet<&str> = said.stderr.split(['(', ')']).filter(|part| part.ends_with('…')).collect();
    assert_eq!(stamps.len(), 2, "{said:?}");
    let modern = transcript("modern");
    let other = run(&["replay", "--no-config", &modern, "--max-drop", "5", "--against", &old]);
    refused(&other, &["sound.json has no report of modern"]);
}

/// Reports of one URL under labels: label and the score that is written into it.
fn labelled(folder: &Folder, name: &str, rows: &[(&str, f64)]) -> String {
    let one = report("sound", &[]);
    let reports: Vec<Value> = rows
        .iter()
        .map(|(label, value)| {
            let mut report = one.clone();
            report["target"]["label"] = (*label).into();
            report["score"]["value"] = (*value).into();
            report
        })
        .collect();
    let mut several =
        run(&["replay", "--no-config", "-f", "json", &transcript("sound"), &transcript("dead")]).json();
    several["reports"] = reports.into();
    folder.write(name, several.to_string())
}

#[test]
fn one_url_under_two_labels_is_compared_label_by_label() {
    let folder = Folder::new("labels");
    let now = report("sound", &[])["score"]["value"].as_f64().unwrap();
    // The transcript's own label is "sound".
    let drop = |rows: &[(&str, f64)]| {
        let old = labelled(&folder, "old.json", rows);
        judged("sound", &["--max-drop", "5", "--against", &old])
    };
    assert_eq!(drop(&[("admin", now - 30.0), ("sound", now)]).code, Some(0));
    assert_eq!(drop(&[("admin", 0.0), ("sound", now + 6.0)]).code, Some(1), "a real drop");
    refused(&drop(&[("admin", now), ("guest", now)]), &["--against", "no report of sound"]);
    // Two targets never share one earlier score.
    let old = labelled(&folder, "one.json", &[("other", now)]);
    let twin = folder.write(
        "twin.jsonl",
        fs::read_to_string(transcript("sound")).unwrap().replacen("\"sound\"", "\"other\"", 1),
    );
    let both =
        run(&["replay", "--no-config", "--max-drop", "5", "--against", &old, &transcript("sound"), &twin]);
    refused(&both, &["no report of sound", "other"]);

    // A comparison pairs what is the same before what is only alike.
    let old = labelled(&folder, "a-b.json", &[("a", 10.0), ("b", 20.0)]);
    let new = labelled(&folder, "c-a.json", &[("c", 20.0), ("a", 10.0)]);
    let diff = run(&["diff", "-f", "json", &old, &new]).json();
    let moved: Vec<String> = diff["targets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|target| {
            let overall = &target["scores"]["overall"];
            format!("{} {} {}", target["label"].as_str().unwrap(), overall["old"], overall["new"])
        })
        .collect();
    assert_eq!(moved, ["c 20.0 20.0", "a 10.0 10.0"]);
}

#[test]
fn skipped_checks_are_shown_and_never_count_as_passed() {
    let whole = report("flawed", &[]);
    let skipping = report("flawed", &["--skip", "host-rebinding,rpc-*"]);
    for check in ["host-rebinding", "rpc-id-echo"] {
        assert_eq!(status(&skipping, check), "skipped", "{check}");
    }
    let number = |report: &Value, path: &str| report.pointer(path).unwrap().as_f64().unwrap();
    assert!(number(&skipping, "/score/coverage") < number(&whole, "/score/coverage"));
    assert!(number(&skipping, "/score/lower") <= number(&whole, "/score/upper"));
    assert_eq!(skipping["findings"].as_array().unwrap().len(), whole["findings"].as_array().unwrap().len());
    // What does not apply is not "skipped", so that skipping it costs nothing.
    let modern = report("modern", &["--skip", "legacy"]);
    assert_eq!(status(&modern, "legacy-initialize"), "not_applicable");
    let table = judged("flawed", &["--only", "D7", "-v"]);
    assert_eq!(table.code, Some(0), "{table:?}");
    assert!(table.stdout.contains("Skipped (lowers the coverage"), "{}", table.stdout);
    let html = judged("flawed", &["--only", "D7", "-f", "html"]);
    assert!(html.stdout.contains("never counts as passed"), "{:?}", html.stderr);
    let few = judged("flawed", &["--only", "rpc-id-echo"]);
    assert_eq!(few.code, Some(0), "one check was asked for and judged: {few:?}");
    assert_eq!(judged("flawed", &["--only", "host-rebinding", "--fail-on", "low"]).code, Some(1));
    assert_eq!(judged("flawed", &["--skip", "*-*", "--only", "D2"]).code, Some(2));
}

#[test]
fn a_baseline_is_written_held_and_pruned() {
    let folder = Folder::new("baseline");
    let (flawed, sound) = (report_file(&folder, "flawed"), report_file(&folder, "sound"));
    let baseline = folder.path("b.toml");
    assert_eq!(run(&["baseline", "write", "-b", &baseline, &flawed]).code, Some(0));
    let held = judged("flawed", &["--baseline", &baseline]);
    assert_eq!(held.code, Some(0), "{held:?}");
    assert!(held.stdout.contains("known, 0 accepted"), "{}", held.stdout);
    let rows = report("flawed", &["--baseline", &baseline]);
    let of = |check: &str| {
        let row = rows["findings"].as_array().unwrap().iter().find(|row| row["check"] == check).unwrap();
        row["baseline"].clone()
    };
    assert_eq!(of("host-rebinding"), "known");
    let passed = rows["findings"].as_array().unwrap().iter().find(|row| row["status"] == "pass").unwrap();
    assert_eq!(passed.get("baseline"), None);
    assert_eq!(run(&["baseline", "check", "-b", &baseline, &flawed]).code, Some(0));
    assert_eq!(run(&["baseline", "check", "-b", &baseline]).code, Some(0));
    let again = fs::read_to_string(&baseline).unwrap();
    assert_eq!(run(&["baseline", "write", "-b", &baseline, &flawed]).code, Some(0));
    assert_eq!(fs::read_to_string(&baseline).unwrap(), again, "writing again changes nothing");

    // The same target, mended: the sound one under the flawed one's label.
    let mended =
        folder.write("mended.json", fs::read_to_string(&sound).unwrap().replace("\"sound\"", "\"flawed\""));
    let stale = run(&["baseline", "check", "-b", &baseline, &mended]);
    assert_eq!(stale.code, Some(1), "{stale:?}");
    assert!(stale.stderr.contains("b.toml:6: stale entry: '"), "{stale:?}");
    let pruned = run(&["baseline", "prune", "-b", &baseline, &mended]);
    assert_eq!(pruned.code, Some(0), "{pruned:?}");
    assert!(pruned.stderr.contains("removed: "), "{pruned:?}");
    let after = run(&["baseline", "check", "-b", &baseline, &mended]);
    assert!(!after.stderr.contains("stale"), "{after:?}");

    // Accepted entries survive writing; a new finding fails by name.
    let accepted = "schema_version = 1\n[[accepted]]\ntarget = \"flawed\"\ncheck = \"host-rebinding\"\nreason = \"loopback only\"\n";
    let by_hand = folder.write("hand.toml", accepted);
    let new = judged("flawed", &["--baseline", &by_hand]);
    assert_eq!(new.code, Some(1));
    assert!(new.stdout.contains("new: "), "{}", new.stdout);
    assert!(!new.stdout.contains("new: host-rebinding"), "{}", new.stdout);
    run(&["baseline", "write", "-b", &by_hand, &flawed]);
    let text = fs::read_to_string(&by_hand).unwrap();
    assert!(
        text.contains("[[accepted]]") && text.contains("loopback only") && text.contains("[[debt]]"),
        "{text}"
    );
    assert_eq!(judged("flawed", &["--baseline", &by_hand]).code, Some(0));
}

#[test]
fn baselines_that_cannot_be_used_are_refused_and_stay_as_they_are() {
    let folder = Folder::new("bad-baseline");
    let flawed = report_file(&folder, "flawed");
    let dead = report_file(&folder, "dead");
    let entry =
        "schema_version = 1\n\n[[debt]]\ntarget = \"flawed\"\ncheck = \"host-rebinding\"\nreason = \"r\"\n";
    for (text, said) in [
        (entry.replace("= 1", "= 7"), &["bad.toml:1", "`schema_version` is 7"][..]),
        (entry.replace("check", "chek"), &["bad.toml:5", "did you mean `check`"]),
        (format!("{entry}expires = \"tomorrow\"\n"), &["bad.toml:3", "no date"]),
        (entry.replace("\"flawed\"", "\"flawd\""), &["bad.toml:3", "'flawd'"]),
        (String::from("schema_version = "), &["bad.toml:1"]),
    ] {
        let path = folder.write("bad.toml", &text);
        refused(&judged("flawed", &["--baseline", &path]), said);
        let prune = run(&["baseline", "prune", "-b", &path, &flawed]);
        refused(&prune, said);
        if !text.contains("flawd") {
            refused(&run(&["baseline", "write", "-b", &path, &flawed]), said);
            refused(&run(&["baseline", "check", "-b", &path]), said);
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), text, "nothing is overwritten");
    }
    let unknown = folder.write("unknown.toml", entry.replace("host-rebinding", "host-rebindin"));
    let failed = judged("flawed", &["--baseline", &unknown]);
    assert_eq!(failed.code, Some(1));
    assert!(failed.stdout.contains("unknown.toml:3"), "{}", failed.stdout);
    let alone = run(&["baseline", "check", "-b", &unknown]);
    assert_eq!(alone.code, Some(1));
    assert!(
        alone
            .stderr
            .contains("unknown.toml:3: unknown check 'host-rebindin'; did you mean 'host-rebinding'?")
    );
    let old = folder.write("old.toml", format!("{entry}expires = 2020-01-31\n"));
    let expired = run(&["baseline", "check", "-b", &old]);
    assert!(
        expired.stderr.contains("old.toml:3: the entry for 'host-rebinding' of flawed expired on 2020-01-31"),
        "{expired:?}"
    );
    // An entry of a target that is not judged here: named, and it fails only if it cannot be true.
    let elsewhere = |check: &str, more: &str| {
        format!("{entry}\n[[debt]]\ntarget = \"other\"\ncheck = \"{check}\"\nreason = \"r\"\n{more}")
    };
    for (name, text, said) in [
        ("typo.toml", elsewhere("tls-requird", ""), "typo.toml:8: unknown check 'tls-requird'"),
        (
            "past.toml",
            elsewhere("tls-required", "expires = 2020-01-31\n"),
            "past.toml:8: the entry for 'tls-required' of other expired on 2020-01-31",
        ),
    ] {
        let path = folder.write(name, text);
        let held = judged("flawed", &["--baseline", &path, "--min-coverage", "1"]);
        assert_eq!(held.code, Some(1), "{held:?}");
        assert!(held.last_line().contains(said), "{held:?}");
        assert!(held.stderr.contains("not judged here: other ("), "{held:?}");
        let check = run(&["baseline", "check", "-b", &path, &flawed, &flawed]);
        assert_eq!((check.code, check.stderr.matches(said).count()), (Some(1), 1), "{check:?}");
    }
    let sound = folder.write("part.toml", elsewhere("tls-required", ""));
    let held = judged("flawed", &["--baseline", &sound, "--fail-on", "critical"]);
    assert!(
        held.stderr.contains("not judged here: other (") && !held.stderr.contains("part.toml:8: "),
        "{held:?}"
    );
    // One finding in both lists.
    let both =
        format!("{entry}\n[[accepted]]\ntarget = \"flawed\"\ncheck = \"host-rebinding\"\nreason = \"r\"\n");
    let both = folder.write("both.toml", both);
    refused(&judged("flawed", &["--baseline", &both]), &["both.toml:8", "line 3", "debt"]);
    refused(&run(&["baseline", "write", "-b", &folder.path("x.toml")]), &["REPORT"]);
    refused(
        &run(&["baseline", "write", "-b", &folder.path("x.toml"), &dead]),
        &["REPORT", "nothing could be judged"],
    );
    refused(
        &run(&["baseline", "write", "-b", &folder.path("x.toml"), &transcript("flawed")]),
        &["REPORT", "line 2"],
    );
    assert!(!std::path::Path::new(&folder.path("x.toml")).exists());
}

#[test]
fn a_report_does_not_differ_from_itself() {
    let folder = Folder::new("diff-itself");
    for name in ["sound", "flawed", "gated", "dead"] {
        let file = report_file(&folder, name);
        let diff = run(&["diff", "-f", "json", &file, &file]);
        assert_eq!(diff.code, Some(0), "{diff:?}");
        let target = &diff.json()["targets"][0];
        assert_eq!(
            (&target["changes"], &target["notes"]),
            (&Value::Array(vec![]), &Value::Array(vec![])),
            "{name}"
        );
        assert_eq!(target["scores"]["overall"]["old"], target["scores"]["overall"]["new"]);
        assert!(diff.last_line().ends_with("nothing changed"), "{diff:?}");
    }
}

#[test]
fn a_diff_says_what_changed_and_why_the_score_moved() {
    let folder = Folder::new("diff");
    let (flawed, sound) = (report_file(&folder, "flawed"), report_file(&folder, "sound"));
    let renamed = |from: &str, to: &str, path: &str| {
        folder.write(&format!("{to}-renamed.json"), fs::read_to_string(path).unwrap().replace(from, to))
    };
    let mended = renamed("\"sound\"", "\"flawed\"", &sound);
    let diff = run(&["diff", "-f", "json", "--fail-on-regression", &flawed, &mended]);
    assert_eq!(diff.code, Some(0), "{diff:?}");
    let value = diff.json();
    let schema: Value = serde_json::from_str(&agentgauge::schema::diff()).unwrap();
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&value), "{value}");
    let target = &value["targets"][0];
    let change = |check: &str| {
        let rows = target["changes"].as_array().unwrap();
        rows.iter().find(|row| row["check"] == check).map(|row| row["change"].clone())
    };
    assert_eq!(change("host-rebinding"), Some("fixed".into()));
    let moved = target["scores"]["dimensions"]["D7"]["moved_by"].as_array().unwrap();
    assert!(moved.iter().any(|row| row["check"] == "host-rebinding" && row["points"].as_u64() > Some(0)));
    assert!(target["scores"]["caps"].as_array().unwrap().iter().any(|cap| cap["holds"] == false));
    // The other way round it is a regression.
    let back = run(&["diff", "-f", "markdown", "--fail-on-regression", &mended, &flawed]);
    assert_eq!(back.code, Some(1), "{back:?}");
    assert!(
        back.stdout.contains("**New** (") && back.stdout.contains("| `host-rebinding` | pass | fail |"),
        "{back:?}"
    );
    assert!(run(&["diff", &mended, &flawed]).stdout.contains("host-rebinding: pass → fail ("));
    // A new label is only a note; another target is an error.
    let called = renamed("\"flawed\"", "\"prod\"", &flawed);
    let called = run(&["diff", &flawed, &called]);
    assert!(
        called.stdout.contains("note: label: flawed before, prod now")
            && called.stdout.contains("No finding changed")
    );
    refused(&run(&["diff", &flawed, &sound]), &["no target in common", "flawed", "sound"]);
    // An endpoint that is gone is no success.
    let dead = renamed("\"dead\"", "\"flawed\"", &report_file(&folder, "dead"));
    assert_eq!(run(&["diff", "--fail-on-regression", &flawed, &dead]).code, Some(3));
    assert_eq!(run(&["diff", &flawed, &dead]).code, Some(0));
}

#[test]
fn too_little_to_compare_is_no_success() {
    let folder = Folder::new("diff-little");
    let flawed = report_file(&folder, "flawed");
    let file = |name: &str, report: &Value| folder.write(name, report.to_string());
    let called = |name: &str| {
        let mut report = report(name, &[]);
        report["target"]["label"] = "flawed".into();
        report
    };
    let exit = |old: &str, new: &str| {
        let diff = run(&["diff", "--fail-on-regression", old, new]);
        assert_eq!(run(&["diff", old, new]).code, Some(0), "only the option asks");
        diff
    };
    let mended = file("mended.json", &called("sound"));
    assert_eq!(exit(&flawed, &mended).code, Some(0));
    // A credential is asked for now.
    let gated = file("gated.json", &called("gated"));
    let diff = exit(&mended, &gated);
    assert_eq!(diff.code, Some(4), "{diff:?}");
    assert!(diff.last_line().contains("D2 had a score before"), "{diff:?}");
    assert_eq!(exit(&gated, &gated).code, Some(0), "as little as before, and the same");
    assert_eq!(exit(&gated, &mended).code, Some(0), "more than before");
    // Blocked: nothing is judged any more.
    let mut blocked = called("sound");
    blocked["classification"]["kind"] = "blocked".into();
    for finding in blocked["findings"].as_array_mut().unwrap() {
        finding["status"] = "inconclusive".into();
    }
    let blocked = file("blocked.json", &blocked);
    let diff = exit(&mended, &blocked);
    assert_eq!(diff.code, Some(4), "{diff:?}");
    assert!(diff.last_line().contains("no check was judged on both sides"), "{diff:?}");
    // Nothing was there before: nothing can have become worse, and nothing be said.
    let dead = file("dead.json", &called("dead"));
    assert_eq!(exit(&dead, &mended).code, Some(4));
    assert_eq!(exit(&mended, &dead).code, Some(3), "gone");

    // Interrupted: said on either side; on the later one, what it did not reach is missed.
    let mut cut = called("sound");
    cut["transcript"]["complete"] = false.into();
    let whole = file("whole.json", &cut);
    let diff = exit(&mended, &whole);
    assert_eq!(diff.code, Some(0), "it was interrupted when all was seen: {diff:?}");
    assert!(diff.stdout.contains("note: the scan of the later report was interrupted"), "{diff:?}");
    let rows = cut["findings"].as_array_mut().unwrap();
    rows.iter_mut().find(|row| row["check"] == "rpc-id-echo").unwrap()["status"] = "inconclusive".into();
    let cut = file("cut.json", &cut);
    let diff = exit(&mended, &cut);
    assert_eq!(diff.code, Some(4), "{diff:?}");
    assert!(diff.last_line().contains("1 checks that were judged before were not reached"), "{diff:?}");
    assert_eq!(exit(&cut, &flawed).code, Some(1), "1 before 4");
    let markdown = run(&["diff", "-f", "markdown", &cut, &mended]);
    assert!(markdown.stdout.contains("the scan of the earlier report was interrupted"), "{markdown:?}");
    let value = run(&["diff", "-f", "json", &mended, &cut]).json();
    assert_eq!(value["targets"][0]["inconclusive"], true);
    let schema: Value = serde_json::from_str(&agentgauge::schema::diff()).unwrap();
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&value), "{value}");

    let written = run(&["baseline", "write", "-b", &folder.path("b.toml"), &cut]);
    assert_eq!(written.code, Some(0), "{written:?}");
    assert!(written.stderr.contains("was interrupted"), "{written:?}");
}

#[test]
fn another_rubric_or_era_or_side_undecided_is_said() {
    let folder = Folder::new("diff-apart");
    let flawed = report_file(&folder, "flawed");
    let spec = folder.path("spec.json");
    judged("flawed", &["-f", "json", "-o", &spec, "--rubric", "spec"]);
    let diff = run(&["diff", &flawed, &spec]);
    assert!(diff.stdout.contains("Score  not comparable: another rubric"), "{diff:?}");
    assert!(diff.stdout.contains("No finding changed"), "a rubric only weighs: {diff:?}");
    let skipping = folder.path("skipping.json");
    judged("flawed", &["-f", "json", "-o", &skipping, "--skip", "host-rebinding"]);
    let diff = run(&["diff", "-f", "json", "--fail-on-regression", &flawed, &skipping]);
    assert_eq!(diff.code, Some(0), "{diff:?}");
    assert_eq!(diff.json()["targets"][0]["changes"][0]["change"], "not_comparable");
    // legacy → modern: rows of the old era do not apply any more, and the kind is said.
    let legacy = report_file(&folder, "legacy");
    let modern = fs::read_to_string(report_file(&folder, "modern"))
        .unwrap()
        .replace("\"modern\",\n    \"insecure", "\"legacy\",\n    \"insecure");
    let modern = folder.write("era.json", modern);
    let diff = run(&["diff", &legacy, &modern]);
    assert_eq!(diff.code, Some(0), "{diff:?}");
    assert!(diff.stdout.contains("note: kind: legacy before, modern now"), "{diff:?}");
    for format in ["json", "table", "markdown"] {
        let bad = folder.write("bad.json", "[]");
        refused(&run(&["diff", "-f", format, &bad, &flawed]), &["OLD", "bad.json"]);
    }
    refused(&run(&["diff", &flawed, &flawed, "-o", &flawed]), &["--output"]);
}

/// Runs in a folder of its own with these variables.
fn within(folder: &str, args: &[&str], variables: &[(&str, &str)]) -> Run {
    finish(program().args(args).current_dir(folder).envs(variables.iter().copied()))
}

#[test]
fn settings_come_from_flags_then_variables_then_the_file_then_defaults() {
    let folder = Folder::new("settings");
    let repository = folder.path("repository");
    let deep = format!("{repository}/a/b");
    fs::create_dir_all(&deep).unwrap();
    fs::create_dir_all(format!("{repository}/.git")).unwrap();
    fs::write(
        format!("{repository}/agentgauge.toml"),
        "profile = \"quick\"\n\n[gates]\nmin_score = 70\nfail_on = \"high\"\n",
    )
    .unwrap();
    let show = |args: &[&str], variables: &[(&str, &str)]| {
        let run = within(&deep, &[&["config", "show", "-f", "json"], args].concat(), variables);
        assert_eq!(run.code, Some(0), "{run:?}");
        let value = run.json();
        move |name: &str| {
            let row = value["settings"].as_array().unwrap().iter().find(|row| row["name"] == name).unwrap();
            (row["value"].as_str().unwrap_or("-").to_owned(), row["origin"].as_str().unwrap().to_owned())
        }
    };
    let pair = |value: &str, origin: &str| (value.to_owned(), origin.to_owned());
    let file = show(&[], &[]);
    assert_eq!(file("min_score"), pair("70", "../../agentgauge.toml:4"));
    assert_eq!(file("profile"), pair("quick", "../../agentgauge.toml:1"));
    assert_eq!(file("min_coverage"), pair("-", "default"));
    assert_eq!(file("rubric"), pair("agent-readiness", "default"));
    let variables = [("AGENTGAUGE_MIN_SCORE", "60"), ("AGENTGAUGE_FAIL_ON", "low"), ("AGENTGAUGE_MIN", "")];
    let over = show(&["--fail-on", "critical"], &variables);
    assert_eq!(over("min_score"), pair("60", "variable AGENTGAUGE_MIN_SCORE"));
    assert_eq!(over("fail_on"), pair("critical", "--fail-on"));
    assert_eq!(over("min"), pair("-", "default"), "an empty variable is none");
    let none = show(&["--no-config"], &[]);
    assert_eq!(none("min_score"), pair("-", "default"));
    let table = within(&deep, &["config", "show"], &[]);
    assert!(table.stdout.contains("(../../agentgauge.toml:4)"), "{table:?}");
    refused(
        &within(&deep, &["config", "show"], &[("AGENTGAUGE_MIN_SCORE", "high")]),
        &["AGENTGAUGE_MIN_SCORE", "'high'"],
    );

    // Every gate option has its variable, a misspelt one is no gate that is off, and a list is not emptied.
    let flags =
        show(&["--exit-zero"], &[("AGENTGAUGE_FAIL_ON_UNREACHABLE", "yes"), ("AGENTGAUGE_EXIT_ZERO", "0")]);
    assert_eq!(flags("exit_zero"), pair("true", "--exit-zero"));
    assert_eq!(flags("fail_on_unreachable"), pair("true", "variable AGENTGAUGE_FAIL_ON_UNREACHABLE"));
    assert_eq!(show(&[], &[("AGENTGAUGE_EXIT_ZERO", "")])("exit_zero"), pair("-", "default"));
    for (name, value, said) in [
        ("AGENTGAUGE_MIN_SCROE", "80", "'AGENTGAUGE_MIN_SCORE'"),
        ("AGENTGAUGE_FAILON", "high", "'AGENTGAUGE_FAIL_ON'"),
        ("AGENTGAUGE_BASLINE", "b.toml", "'AGENTGAUGE_BASELINE'"),
        ("AGENTGAUGE_CONFG", "c.toml", "'AGENTGAUGE_CONFIG'"),
        ("AGENTGAUGE_EXIT_ZERO", "maybe", "true or false"),
        ("AGENTGAUGE_REQUIRE", ",", "names nothing"),
        ("AGENTGAUGE_SKIP", " , ", "names nothing"),
    ] {
        refused(&within(&deep, &["replay", &transcript("flawed")], &[(name, value)]), &[name, said]);
    }
    // What our own scripts set, and anybody's: no settings, and nothing like one.
    for name in
        ["BROWSER", "PROXIES", "INTEROP", "INTEROP_SERVERS", "NGINX", "CADDY", "STEADY", "LAB", "VERSION"]
    {
        let run = within(&deep, &["config", "show"], &[(&format!("AGENTGAUGE_{name}"), "1")]);
        assert_eq!(run.code, Some(0), "{run:?}");
    }
    assert_eq!(within(&deep, &["config", "show"], &[("AGENTGAUGE_MIN_SCROE", "")]).code, Some(0));
    let exit =
        |value| within(&deep, &["replay", &transcript("flawed")], &[("AGENTGAUGE_EXIT_ZERO", value)]).code;
    assert_eq!((exit("true"), exit("false")), (Some(0), Some(1)));

    // The file decides a run.
    let replay = within(&deep, &["replay", &transcript("flawed")], &[]);
    assert_eq!(replay.code, Some(1), "{replay:?}");
    assert_eq!(within(&deep, &["replay", "--no-config", &transcript("flawed")], &[]).code, Some(0));
    // Outside a repository, a file above is not ours.
    let elsewhere = folder.path("elsewhere/deep");
    fs::create_dir_all(&elsewhere).unwrap();
    folder.write("elsewhere/agentgauge.toml", "[gates]\nmin_score = 100\n");
    assert!(
        folder.0.ancestors().any(|above| above.join(".git").exists())
            || within(&elsewhere, &["replay", &transcript("flawed")], &[]).code == Some(0)
    );
}

#[test]
fn a_configuration_names_what_is_scanned() {
    let folder = Folder::new("targets");
    let sound = Endpoint::start_on_thread(demo::sound()).unwrap();
    let gated = Endpoint::start_on_thread(Behaviour::sound(Base::Gated)).unwrap();
    let text = format!(
        "profile = \"quick\"\n[[targets]]\nurl = \"{}\"\nlabel = \"open\"\n[[targets]]\nurl = \"{}\"\nlabel = \"closed\"\nbearer_env = \"OUR_TOKEN\"\n[[skip]]\ncheck = \"rpc-*\"\nreason = \"no browsers\"\n",
        sound.url(),
        gated.url()
    );
    folder.write("agentgauge.toml", &text);
    let here = folder.0.to_str().unwrap();
    let token = [("OUR_TOKEN", gated.token())];
    let all = within(here, &["scan", "-f", "json"], &token);
    assert_eq!(all.code, Some(0), "{all:?}");
    let value = all.json();
    let labels: Vec<&Value> =
        value["reports"].as_array().unwrap().iter().map(|r| &r["target"]["label"]).collect();
    assert_eq!(labels, ["open", "closed"]);
    assert_eq!(value["reports"][1]["classification"]["kind"], "dual", "the token was sent");
    assert_eq!(status(&value["reports"][0], "rpc-id-echo"), "skipped");
    assert!(all.stdout.contains("no browsers") && !all.stdout.contains(gated.token()));
    let one = within(here, &["scan", "-f", "json", "open"], &[]);
    assert_eq!(one.json()["target"]["label"], "open", "{one:?}");
    assert_eq!(one.json()["profile"], "quick");
    refused(&within(here, &["scan", "closed"], &[]), &["agentgauge.toml:5", "OUR_TOKEN", "not set"]);
    refused(&within(here, &["scan", "opne"], &[]), &["'opne'", "'open'"]);
    let shown = within(here, &["config", "show"], &[]);
    assert!(shown.stdout.contains("bearer token from OUR_TOKEN"), "{shown:?}");

    // One URL under two labels, or with two profiles, is two scans; the same twice is one.
    let url = sound.url();
    let entry = |label: &str| format!("[[targets]]\nurl = \"{url}\"\nlabel = \"{label}\"\n");
    folder.write("agentgauge.toml", format!("profile = \"quick\"\n{}{}", entry("one"), entry("two")));
    let labels = |args: &[&str]| -> Vec<String> {
        let value = within(here, &[&["scan", "-f", "json"], args].concat(), &[]).json();
        let one = [value.clone()];
        let reports = value["reports"].as_array().map_or(&one[..], Vec::as_slice);
        reports.iter().map(|report| report["target"]["label"].as_str().unwrap_or("-").to_owned()).collect()
    };
    assert_eq!(labels(&[]), ["one", "two"]);
    assert_eq!(labels(&["two", "two"]), ["two"]);
    let list = folder.write("list.txt", format!("{url}\n"));
    assert_eq!(labels(&["two", "--targets", &list, "--allow-private"]), ["two"]);

    // A credential of the configuration that would go unencrypted is refused by file and line.
    let plain = "[[targets]]\nurl = \"https://a.invalid/\"\n\n[[targets]]\nurl = \"http://b.invalid/\"\nbearer_env = \"OUR_TOKEN\"\n";
    folder.write("agentgauge.toml", plain);
    refused(&within(here, &["scan"], &token), &["agentgauge.toml:4: URL 'http://b.invalid/'", "unencrypted"]);
    folder.write("agentgauge.toml", "[[targets]]\nurl = \"http://s3cr3t@b.invalid/\"\n");
    refused(&within(here, &["scan"], &[]), &["agentgauge.toml:1: URL 'http://b.invalid/'", "unencrypted"]);

    folder.write("agentgauge.toml", "profile = \"quick\"\n");
    refused(&within(here, &["scan"], &[]), &["URL", "names no targets"]);
    folder.write("agentgauge.toml", "profil = \"quick\"\n");
    refused(
        &within(here, &["scan", "http://127.0.0.1:9/"], &[]),
        &["agentgauge.toml:1", "`profil`", "`profile`"],
    );
    folder.write(
        "agentgauge.toml",
        format!("[[targets]]\nurl = \"{}\"\n[targets.headers]\nX-Api-Key = \"s3cr3t-v4lue\"\n", sound.url()),
    );
    let warned = within(here, &["scan", "--profile", "quick"], &[]);
    assert!(
        warned.stderr.contains("agentgauge.toml:4: the header looks like a secret in clear text"),
        "{warned:?}"
    );
    let shown = within(here, &["config", "show"], &[]);
    for text in [&warned.stdout, &warned.stderr, &shown.stdout, &shown.stderr] {
        assert!(!text.contains("s3cr3t"), "{text}");
    }
    #[cfg(unix)]
    {
        // A link that leads nowhere is a configuration that cannot be read, not none.
        let below = folder.path("below");
        fs::create_dir_all(folder.path(".git")).unwrap();
        fs::create_dir_all(&below).unwrap();
        fs::remove_file(folder.path("agentgauge.toml")).unwrap();
        std::os::unix::fs::symlink("gone.toml", folder.path("agentgauge.toml")).unwrap();
        for place in [here, &below] {
            refused(
                &within(place, &["scan", "http://127.0.0.1:9/"], &[]),
                &["cannot read", "agentgauge.toml"],
            );
        }
        // A folder cannot be read as a file, whoever runs the test.
        fs::remove_file(folder.path("agentgauge.toml")).unwrap();
        fs::create_dir(folder.path("agentgauge.toml")).unwrap();
        refused(&within(here, &["scan", "http://127.0.0.1:9/"], &[]), &["cannot read agentgauge.toml"]);
    }
}

#[test]
fn rubrics_are_shown_validated_and_pinned() {
    let folder = Folder::new("rubrics");
    for name in ["agent-readiness", "agent-readiness@0", "spec", "spec@0"] {
        let shown = run(&["rubric", "show", name]);
        assert_eq!(shown.code, Some(0), "{shown:?}");
        let copy = folder.write("copy.toml", &shown.stdout);
        let valid = run(&["rubric", "validate", &copy]);
        assert_eq!(valid.code, Some(0), "{valid:?}");
        assert!(valid.stdout.contains(": sound; "), "{valid:?}");
        let scored = report("sound", &["--rubric", name]);
        assert_eq!(scored["rubric"]["id"], name.split('@').next().unwrap());
        assert!(scored["score"]["value"].is_number(), "{name}: {}", scored["score"]);
    }
    let broken = run(&["rubric", "show"]).stdout.replace("rpc-id-echo = 6", "rpc-id-ecko = 6");
    let broken = folder.write("broken.toml", broken);
    let invalid = run(&["rubric", "validate", &broken]);
    assert_eq!(invalid.code, Some(2), "{invalid:?}");
    assert!(
        invalid.stderr.contains("unknown check `rpc-id-ecko`; did you mean `rpc-id-echo`?"),
        "{invalid:?}"
    );
    assert!(invalid.last_line().contains("2 faults"), "{invalid:?}");
    refused(&run(&["rubric", "validate", "agent-readiness@1"]), &["agent-readiness@0"]);
}
