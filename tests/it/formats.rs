//! Formats, several outputs of one run, and `merge`, with the real program.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use agentgauge::demo::{self, Endpoint};
use agentgauge::report::format::Format;
use serde_json::Value;

use crate::program::{Folder, Run, finish, program, run};

/// A transcript of the flawed endpoint, quick.
fn transcript(folder: &Folder) -> String {
    let endpoint = Endpoint::start_on_thread(demo::flawed()).unwrap();
    let path = folder.path("t.jsonl");
    let run = run(&["scan", "--profile", "quick", "--save-transcript", &path, &endpoint.url()]);
    assert_eq!(run.code, Some(0), "{run:?}");
    path
}

fn refused(args: &[&str], said: &[&str]) {
    let run = run(args);
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{args:?}: {run:?}");
    for part in said {
        assert!(run.last_line().contains(part), "{args:?} should say {part:?}: {run:?}");
    }
}

#[test]
fn every_format_comes_from_one_run_and_none_changes_the_exit() {
    let folder = Folder::new("formats");
    let transcript = transcript(&folder);
    let mut args = vec!["replay".to_owned(), transcript.clone(), "--min-score".to_owned(), "99".to_owned()];
    for format in Format::ALL {
        args.extend(["--report".to_owned(), format!("{}={}", format.name(), folder.path(format.name()))]);
    }
    let all = finish(program().args(&args));
    assert_eq!(all.code, Some(1), "{all:?}");
    for format in Format::ALL {
        let name = format.name();
        let alone = run(&["replay", &transcript, "--min-score", "99", "-f", name]);
        assert_eq!(alone.code, Some(1), "{name}: {alone:?}");
        assert_eq!(alone.stdout, fs::read_to_string(folder.path(name)).unwrap(), "{name}: same bytes");
        assert!(alone.last_line().starts_with("exit 1 (gate-failed): score "), "{name}: {alone:?}");
        assert_eq!(run(&["replay", &transcript, "-f", name]).code, Some(0), "{name}");
    }
}

#[test]
fn outputs_that_cannot_be_are_refused_before_anything_is_sent() {
    let folder = Folder::new("reports-refused");
    let url = "http://127.0.0.1:9/mcp";
    let (one, two) = (folder.path("one"), folder.path("two"));
    refused(&["scan", url, "--report", "sraif=x"], &["--report", "'sraif=x'", "did you mean 'sarif'"]);
    refused(&["scan", url, "--report", "pdf=x"], &["there are table, json"]);
    refused(&["scan", url, "--report", "sarif"], &["FORMAT=FILE"]);
    refused(&["scan", url, "--report", "sarif="], &["missing"]);
    refused(&["scan", url, "--report", "sarif=-"], &["standard output"]);
    refused(&["scan", url, "-f", "sraif"], &["--format", "'sarif'"]);
    refused(&["scan", url, "--plan", "-f", "sarif"], &["--format sarif", "table or json"]);
    refused(&["scan", url, "--named-in", "/etc/passwd:1"], &["--named-in", "relative"]);
    refused(&["scan", url, "--named-in", "missing.json"], &["--named-in", "missing.json"]);
    let (a, b) = (format!("sarif={one}"), format!("junit={one}"));
    refused(&["scan", url, "--report", &a, "--report", &b], &["two different files"]);
    refused(&["scan", url, "--report", &a, "-o", &one], &["two different files"]);
    refused(&["scan", url, "--report", &a, "--save-transcript", &one], &["two different files"]);
    #[cfg(unix)]
    {
        fs::write(&one, "old").unwrap();
        std::os::unix::fs::symlink(&one, &two).unwrap();
        let b = format!("junit={two}");
        refused(&["scan", url, "--report", &a, "--report", &b], &["the same file"]);
        refused(&["scan", url, "--report", &a, "--save-transcript", &two], &["the same file"]);
        assert_eq!(fs::read_to_string(&one).unwrap(), "old");
    }
}

#[test]
fn an_unwritable_place_is_exit_5_and_nothing_is_half_written() {
    let folder = Folder::new("reports-unwritable");
    let old = folder.write("good", "old");
    for place in [folder.path("no/such/folder/x"), folder.path("")] {
        let (good, bad) = (format!("json={old}"), format!("sarif={place}"));
        let run = run(&["scan", "http://127.0.0.1:9/", "--report", &good, "--report", &bad]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(5), ""), "{run:?}");
        assert!(run.last_line().starts_with("exit 5 (output): cannot write "), "{run:?}");
        assert_eq!(fs::read_to_string(&old).unwrap(), "old");
    }
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1, "nothing is left beside");
}

#[test]
fn a_github_step_gets_summary_and_outputs_and_keeps_what_was_there() {
    let folder = Folder::new("github-step");
    let transcript = transcript(&folder);
    let (summary, outputs) = (folder.write("summary", "earlier\n"), folder.write("outputs", "a=b\n"));
    let step = |format: &str| -> Run {
        finish(
            program()
                .args(["replay", &transcript, "-f", format])
                .env("GITHUB_STEP_SUMMARY", &summary)
                .env("GITHUB_OUTPUT", &outputs),
        )
    };
    step("json");
    assert_eq!(fs::read_to_string(&summary).unwrap(), "earlier\n", "only where it is asked for");
    let run = step("github");
    assert!(run.stdout.starts_with("::error "), "{run:?}");
    let (summary, outputs) = (fs::read_to_string(&summary).unwrap(), fs::read_to_string(&outputs).unwrap());
    assert!(summary.starts_with("earlier\n<!-- agentgauge:report:"), "{summary}");
    assert!(outputs.starts_with("a=b\nscore="), "{outputs}");
    assert!(outputs.contains("\npassed=true\nexit-code=0\nexit-name=ok\ntargets=1\nreport=\n"), "{outputs}");
    let (page, outputs) = (folder.path("page.html"), folder.write("outputs", ""));
    finish(
        program()
            .args(["replay", &transcript, "-f", "github", "--report", &format!("html={page}")])
            .env("GITHUB_OUTPUT", &outputs),
    );
    let outputs = fs::read_to_string(&outputs).unwrap();
    assert!(outputs.ends_with(&format!("\nreport={page}\n")), "{outputs}");
}

#[test]
fn findings_are_shown_in_the_file_that_names_the_target() {
    let folder = Folder::new("named-in");
    let transcript = transcript(&folder);
    let json = run(&["replay", &transcript, "-f", "json"]).json();
    let url = json["target"]["url"].as_str().unwrap();
    folder.write("server.json", format!("{{\n  \"name\": \"x\",\n  \"url\": \"{url}\"\n}}\n"));
    let place = |named: &str| -> Value {
        let args = ["replay", &transcript, "-f", "sarif-alerts", "--named-in", named];
        let run = finish(program().args(args).current_dir(&folder.0));
        run.json()["runs"][0]["results"][0]["locations"][0]["physicalLocation"].clone()
    };
    assert_eq!(place("./server.json")["artifactLocation"]["uri"], "server.json");
    assert_eq!(place("server.json")["region"]["startLine"], 3);
    assert_eq!(place("server.json:2")["region"]["startLine"], 2);
}

#[test]
fn a_target_of_the_configuration_is_shown_in_its_line() {
    let folder = Folder::new("named-by-config");
    fs::create_dir_all(folder.0.join("repository/.git")).unwrap();
    fs::create_dir_all(folder.0.join("repository/deploy/here")).unwrap();
    let config = "# ours\n[[targets]]\nurl = \"http://127.0.0.1:9/a\"\n\n[[targets]]\nurl = \"http://127.0.0.1:9/b\"\n";
    folder.write("repository/deploy/agentgauge.toml", config);
    let run =
        finish(program().args(["scan", "-f", "sarif"]).current_dir(folder.0.join("repository/deploy/here")));
    let log = run.json();
    let place = |run: usize| {
        let place = &log["runs"][run]["results"][0]["locations"][0]["physicalLocation"];
        (place["artifactLocation"]["uri"].clone(), place["region"]["startLine"].as_u64().unwrap())
    };
    assert_eq!(place(0).0, "deploy/agentgauge.toml");
    assert_eq!(place(1).0, "deploy/agentgauge.toml");
    assert!([2, 3].contains(&place(0).1) && [5, 6].contains(&place(1).1), "{:?} {:?}", place(0), place(1));
}

#[test]
fn a_target_of_a_list_is_shown_in_its_line() {
    let folder = Folder::new("named-by-list");
    fs::create_dir_all(folder.0.join("repository/.git")).unwrap();
    fs::create_dir_all(folder.0.join("repository/deploy/here")).unwrap();
    let list = "# ours\nhttp://127.0.0.1:9/a\n\nhttp://127.0.0.1:9/b\n";
    let inside = folder.write("repository/deploy/urls.txt", list);
    let outside = folder.write("urls.txt", list);
    let here = folder.0.join("repository/deploy/here");
    let scan = |list: &str, more: &[&str]| {
        let args = ["scan", "--targets", list, "--report", "sarif=s", "--report", "gitlab=g", "-f", "github"];
        let run = finish(program().args(args).args(more).current_dir(&here));
        let read = |name: &str| serde_json::from_slice::<Value>(&fs::read(here.join(name)).unwrap()).unwrap();
        let (log, issues) = (read("s"), read("g"));
        let place = |index: usize| {
            let sarif = &log["runs"][index]["results"][0]["locations"][0]["physicalLocation"];
            let of =
                |path: &Value, line: &Value| format!("{}:{line}", path.as_str().unwrap().replace("%3A", ":"));
            let sarif = of(&sarif["artifactLocation"]["uri"], &sarif["region"]["startLine"]);
            let gitlab = &issues[index]["location"];
            assert_eq!(of(&gitlab["path"], &gitlab["lines"]["begin"]), sarif);
            let (file, line) = sarif.rsplit_once(':').unwrap();
            // An annotation without a file stands for itself.
            let anywhere = file.starts_with("127.0.0.1");
            assert!(anywhere || run.stdout.contains(&format!("file={file},line={line}")), "{sarif}: {run:?}");
            sarif
        };
        [place(0), place(1)]
    };
    for list in ["../urls.txt", inside.as_str()] {
        assert_eq!(scan(list, &[]), ["deploy/urls.txt:2", "deploy/urls.txt:4"]);
    }
    // What is typed has no line there; what the option names goes before the list.
    folder.write("repository/deploy/other.txt", "http://127.0.0.1:9/b\n");
    assert_eq!(scan("../other.txt", &["http://127.0.0.1:9/c"]), ["127.0.0.1/c:1", "deploy/other.txt:1"]);
    assert_eq!(scan("../urls.txt", &["--named-in", "x.json:7"]), ["x.json:7", "x.json:7"]);
    // A list from anywhere else is no file of the repository.
    assert_eq!(scan(&outside, &[]), ["127.0.0.1/a:1", "127.0.0.1/b:1"]);
}

/// The official schema, from the package that carries it: a dependency that is listed and never
/// compiled, so that the registry's client keeps it beside the others.
fn official_sarif_schema() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "`cargo fetch --locked` brings the package with the schema: {said}");
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut packages = metadata["packages"].as_array().unwrap().iter();
    let package = packages.find(|package| package["name"] == "serde-sarif").unwrap();
    let folder = Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap();
    let schema = fs::read(folder.join("src/schema.json"));
    let schema = schema.unwrap_or_else(|error| panic!("`cargo fetch --locked` brings the schema: {error}"));
    serde_json::from_slice(&schema).unwrap()
}

#[test]
fn sarif_obeys_the_official_schema() {
    let schema = official_sarif_schema();
    assert_eq!(schema["title"], "Static Analysis Results Format (SARIF) Version 2.1.0 JSON Schema");
    // One pattern of the official text is no regular expression (a bracket too many); it speaks of a
    // property that is not written here.
    let mut schema = schema;
    for owner in ["run", "toolComponent"] {
        let language = schema.pointer_mut(&format!("/definitions/{owner}/properties/language")).unwrap();
        assert!(language.as_object_mut().unwrap().remove("pattern").is_some());
    }
    let validator = jsonschema::validator_for(&schema).unwrap();
    let folder = Folder::new("sarif-schema");
    let transcript = transcript(&folder);
    let dead = run(&["scan", "http://127.0.0.1:9/", "-f", "sarif"]);
    for run in [
        run(&["replay", &transcript, "-f", "sarif"]),
        run(&["replay", &transcript, "-f", "sarif-alerts"]),
        dead,
    ] {
        let log = run.json();
        let faults: Vec<String> = validator
            .iter_errors(&log)
            .take(5)
            .map(|fault| format!("{}: {fault}", fault.instance_path()))
            .collect();
        assert!(faults.is_empty(), "{faults:#?}");
    }
    // The validator can tell: a level that does not exist is refused.
    let mut log = run(&["replay", &transcript, "-f", "sarif"]).json();
    log["runs"][0]["results"][0]["level"] = "fatal".into();
    assert!(!validator.is_valid(&log));
}

/// Reports of three runs, as lines: two of one target, one of a dead one.
fn lines(folder: &Folder) -> (String, String) {
    let transcript = transcript(folder);
    let one = run(&["replay", &transcript, "-f", "jsonl"]).stdout;
    let dead = run(&["scan", "http://127.0.0.1:9/dead", "-f", "jsonl"]).stdout;
    assert_eq!((one.lines().count(), dead.lines().count()), (1, 1));
    (one, dead)
}

#[test]
fn merge_joins_runs_in_any_order_and_any_format() {
    let folder = Folder::new("merge");
    let (one, dead) = lines(&folder);
    let mut later: Value = serde_json::from_str(&one).unwrap();
    later["started_at"] = "2099-01-01T00:00:00Z".into();
    later["findings"][0]["message"] = "the later run".into();
    let a = folder.write("a.jsonl", format!("{one}{dead}"));
    let b = folder.write("b.jsonl", format!("\n{later}\n"));
    let merged = run(&["merge", "-f", "json", &a, &b]);
    assert_eq!(merged.code, Some(0), "{merged:?}");
    assert!(merged.stderr.contains("1 reports gave way"), "{merged:?}");
    let value = merged.json();
    assert_eq!(value["summary"]["targets"], 2);
    assert!(merged.stdout.contains("the later run"));
    assert_eq!(run(&["merge", "-f", "json", &b, &a]).stdout, merged.stdout, "order does not matter");
    let again = folder.write("again.json", &merged.stdout);
    assert_eq!(run(&["merge", "-f", "json", &again]).stdout, merged.stdout, "merging changes nothing");
    for format in Format::ALL {
        let run = run(&["merge", "-f", format.name(), &a, &b]);
        assert_eq!(run.code, Some(0), "{}: {run:?}", format.name());
        assert!(!run.stdout.is_empty(), "{}", format.name());
    }
    // One target alone keeps its own exit, and its report is what the run itself wrote.
    let single = folder.write("single.jsonl", &dead);
    assert_eq!(run(&["merge", &single]).code, Some(3));
    assert_eq!(run(&["merge", "-f", "jsonl", &single]).stdout, dead);
    assert_eq!(finish(program().args(["merge", "-"]).stdin(fs::File::open(&single).unwrap())).code, Some(3));
}

#[test]
fn merge_lists_what_is_missing() {
    let folder = Folder::new("merge-expect");
    let (one, dead) = lines(&folder);
    let file = folder.write("r.jsonl", format!("{one}{dead}"));
    let url = serde_json::from_str::<Value>(&one).unwrap()["target"]["url"].as_str().unwrap().to_owned();
    let all = folder.write("all.txt", format!("\u{feff}# ours\r\n{url}\r\n\nhttp://127.0.0.1:9/dead\n"));
    assert_eq!(run(&["merge", "--expect", &all, &file]).code, Some(0));
    let more = folder.write("more.txt", format!("{url}\nhttps://example.com/mcp\nhttps://example.com/mcp\n"));
    let run = run(&["merge", "--expect", &more, "-f", "json", &file]);
    assert_eq!(run.code, Some(4), "{run:?}");
    assert_eq!(run.json()["summary"]["exit"]["name"], "inconclusive");
    assert!(run.stderr.contains("missing: https://example.com/mcp\n"), "{run:?}");
    assert!(run.last_line().contains("1 expected targets are missing"), "{run:?}");
}

#[test]
fn every_format_of_a_merge_shows_what_is_missing() {
    let folder = Folder::new("merge-missing");
    let (one, dead) = lines(&folder);
    let url = serde_json::from_str::<Value>(&one).unwrap()["target"]["url"].as_str().unwrap().to_owned();
    let missing = "https://example.com/mcp?api_key=s3cr3t&x=1";
    let list = folder.write("list.txt", format!("{url}\n{missing}\n{missing}\n"));
    let shown = "https://example.com/mcp?api_key=~query-api_key~&x=1";
    for (name, reports) in [("one.jsonl", one.clone()), ("two.jsonl", format!("{one}{dead}"))] {
        let file = folder.write(name, reports);
        let merge = |format: &str, list: &[&str]| {
            let summary = folder.write("summary", "");
            let mut command = program();
            command.args(["merge", "-f", format, &file]).args(list).env("GITHUB_STEP_SUMMARY", &summary);
            let run = finish(&mut command);
            (run, fs::read_to_string(summary).unwrap())
        };
        for format in Format::ALL {
            let (without, _) = merge(format.name(), &[]);
            let (run, summary) = merge(format.name(), &["--expect", &list]);
            assert_eq!(run.code, Some(4), "{run:?}");
            assert!(!format!("{}{}", run.stdout, run.stderr).contains("s3cr3t"), "{run:?}");
            let said = |text: &str| assert!(run.stdout.contains(text), "{text:?} in {}", run.stdout);
            match format {
                // A line is a report, a badge a score: the exit and the note say it.
                Format::Jsonl | Format::Badge | Format::BadgeSvg => assert_eq!(run.stdout, without.stdout),
                Format::Table => said(shown),
                Format::Html => said("<li>https://example.com/mcp?api_key=~query-api_key~&amp;x=1</li>"),
                Format::Json => {
                    assert_eq!(run.json()["summary"]["missing"], serde_json::json!([shown]));
                    let schema: Value = serde_json::from_str(&agentgauge::schema::report()).unwrap();
                    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&run.json()));
                }
                Format::Sarif | Format::SarifAlerts => {
                    let invocation = &run.json()["runs"][0]["invocations"][0];
                    let notes = invocation["toolExecutionNotifications"].as_array().unwrap();
                    let of = |note: &&Value| note["descriptor"]["id"] == "missing";
                    assert!(
                        notes.iter().find(of).unwrap()["message"]["text"].to_string().contains("example.com")
                    );
                }
                Format::Junit => {
                    let document = roxmltree::Document::parse(&run.stdout).unwrap();
                    let errors = |node: roxmltree::Node<'_, '_>| {
                        node.attribute("errors").unwrap().parse::<usize>().unwrap()
                    };
                    let suites: Vec<_> =
                        document.root_element().children().filter(roxmltree::Node::is_element).collect();
                    assert_eq!(suites.last().unwrap().attribute("name"), Some(shown));
                    let sum: usize = suites.iter().map(|suite| errors(*suite)).sum();
                    assert!(sum >= 1 && sum == errors(document.root_element()), "{}", run.stdout);
                }
                Format::Markdown => said("**Missing**"),
                Format::Github => {
                    said("::warning title=agentgauge missing::");
                    assert!(summary.contains("**Missing**"), "{summary}");
                }
                Format::Gitlab => {
                    let issues = run.json();
                    let issue = issues.as_array().unwrap().last().unwrap().clone();
                    assert_eq!(issue["check_name"], "agentgauge-missing");
                    assert_eq!(issue["location"]["path"], "example.com/mcp");
                }
            }
        }
    }
}

#[test]
fn merge_refuses_what_it_cannot_join() {
    let folder = Folder::new("merge-refused");
    let (one, dead) = lines(&folder);
    let good = folder.write("good.jsonl", format!("{one}{dead}"));
    let changed = |name: &str, change: &dyn Fn(&mut Value)| {
        let mut value: Value = serde_json::from_str(&one).unwrap();
        change(&mut value);
        folder.write(name, format!("{dead}{value}\n"))
    };
    let newer = changed("newer.jsonl", &|v| v["schema_version"] = 2.into());
    refused(&["merge", &newer], &["newer.jsonl:2", "`schema_version` is 2", "reads 1"]);
    let foreign = changed("foreign.jsonl", &|v| v["findings"][0]["check"] = "x-y".into());
    refused(&["merge", &foreign], &["foreign.jsonl:2", "'x-y' is not known"]);
    let twice = changed("twice.jsonl", &|v| {
        let first = v["findings"][0].clone();
        v["findings"].as_array_mut().unwrap().push(first);
    });
    refused(&["merge", &twice], &["twice.jsonl:2", "'tls-required' is there twice"]);
    let absurd = changed("absurd.jsonl", &|v| v["score"]["value"] = 1e9.into());
    refused(&["merge", &absurd], &["absurd.jsonl:2", "not between 0 and 100"]);
    let without = changed("without.jsonl", &|v| drop(v.as_object_mut().unwrap().remove("score")));
    refused(&["merge", &without], &["without.jsonl:2", "missing field `score`"]);
    refused(&["merge", &folder.write("bytes", b"\xff\xfe")], &["bytes", "UTF-8"]);
    refused(&["merge", &folder.write("list", "[]")], &["list", "`schema_version` is missing"]);
    refused(&["merge", &folder.path("")], &["cannot be read"]);
    refused(&["merge", "-", "-"], &["only once"]);
    refused(&["merge", &good, "-f", "sraif"], &["--format", "'sarif'"]);
    let mixed = changed("mixed.jsonl", &|v| v["rubric"]["version"] = "9.9.9".into());
    refused(&["merge", &good, &mixed], &["2 rubrics", "9.9.9", "--allow-mixed-rubrics"]);
    assert_eq!(run(&["merge", "--allow-mixed-rubrics", &good, &mixed]).code, Some(0));
    let damaged = folder.write("damaged.jsonl", format!("{{\"schema\n{one}"));
    refused(&["merge", &damaged], &["damaged.jsonl:1", "not JSON"]);
    let transcript = folder.path("t.jsonl");
    refused(&["merge", &transcript], &["t.jsonl", "`schema_version` is missing"]);
    refused(&["merge", &folder.write("empty", "")], &["no report"]);
    refused(&["merge", &folder.path("missing")], &["missing", "cannot be read"]);
    refused(&["merge"], &["FILE"]);
    refused(&["merge", &good, "-o", &good], &["two different files"]);
    refused(
        &["merge", &good, "--expect", &folder.write("none", "# nothing\n")],
        &["--expect", "names no URL"],
    );
    refused(&["merge", &good, "--expect", &folder.write("bad", "https://a/\nftp://b/\n")], &["bad:2"]);
    // A line that was cut off by a crash is left out, and said.
    let cut = folder.write("cut.jsonl", format!("{one}{}", &dead[..dead.len() / 2]));
    let run = run(&["merge", "-f", "jsonl", &cut]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stderr.contains("cut off"), "{run:?}");
    assert_eq!(run.stdout.lines().collect::<BTreeSet<_>>().len(), 1);
}

#[test]
fn two_scans_of_one_server_have_the_same_fingerprints() {
    let endpoint = Endpoint::start_on_thread(demo::flawed()).unwrap();
    let (folder, url) = (Folder::new("fingerprints"), endpoint.url());
    let scan = |name: &str| -> (Value, Value) {
        let (sarif, gitlab) = (folder.path(&format!("{name}.sarif")), folder.path(&format!("{name}.json")));
        let (a, b) = (format!("sarif-alerts={sarif}"), format!("gitlab={gitlab}"));
        let run = run(&["scan", "--profile", "quick", "--report", &a, "--report", &b, &url]);
        assert_eq!(run.code, Some(0), "{run:?}");
        let read = |path: &str| serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        (read(&sarif), read(&gitlab))
    };
    let prints = |(sarif, gitlab): &(Value, Value)| -> BTreeSet<String> {
        let results = sarif["runs"][0]["results"].as_array().unwrap().iter();
        let results = results
            .map(|one| format!("{} {} {}", one["ruleId"], one["partialFingerprints"], one["fingerprints"]));
        let issues = gitlab.as_array().unwrap().iter();
        let issues = issues.map(|one| format!("{} {}", one["check_name"], one["fingerprint"]));
        results.chain(issues).collect()
    };
    let (one, two) = (scan("one"), scan("two"));
    let (first, second) = (prints(&one), prints(&two));
    assert!(first.len() >= 20, "{first:?}");
    assert_eq!(first, second);
    assert_ne!(one.0, two.0, "the scans themselves differ: times, transcripts");
    assert_eq!(one.0["runs"][0]["automationDetails"], two.0["runs"][0]["automationDetails"]);
}

#[test]
fn more_targets_than_a_format_takes_are_said_and_change_no_exit() {
    let folder = Folder::new("many");
    let dead = run(&["scan", "http://127.0.0.1:9/dead", "-f", "jsonl"]).stdout;
    let many: String =
        (0..26).map(|index| dead.replace("127.0.0.1:9/dead", &format!("127.0.0.1:9/{index}"))).collect();
    let file = folder.write("many.jsonl", many);
    let merge = |more: &[&str]| run(&[&["merge", file.as_str()], more].concat());
    let table = merge(&[]);
    assert!(!table.stderr.contains("code scanning"), "{table:?}");
    let sarif = merge(&["-f", "sarif"]);
    assert_eq!(sarif.code, table.code);
    assert_eq!(sarif.json()["runs"].as_array().unwrap().len(), 26, "nothing is left out");
    assert!(sarif.stderr.contains("note: sarif: code scanning takes 20 targets"), "{:?}", sarif.stderr);
    // A file is continued beside: 20 in the first, the rest in the second, and no category twice.
    let report = format!("sarif-alerts={}", folder.path("all.sarif"));
    assert_eq!(merge(&["--report", &report]).code, table.code);
    let read =
        |name: &str| -> Value { serde_json::from_slice(&fs::read(folder.path(name)).unwrap()).unwrap() };
    let logs = [read("all.sarif"), read("all-2.sarif")];
    let runs: Vec<&Value> = logs.iter().flat_map(|log| log["runs"].as_array().unwrap()).collect();
    assert_eq!((logs[0]["runs"].as_array().unwrap().len(), runs.len()), (20, 26));
    let categories: BTreeSet<&str> =
        runs.iter().map(|run| run["automationDetails"]["id"].as_str().unwrap()).collect();
    assert_eq!(categories.len(), 26);
    assert!(!folder.0.join("all-3.sarif").exists());
    let (one, other) =
        (format!("sarif={}", folder.path("x.sarif")), format!("json={}", folder.path("x-2.sarif")));
    let taken = merge(&["--report", &one, "--report", &other]);
    assert_eq!(taken.code, Some(5), "{taken:?}");
    assert!(taken.last_line().contains("another output"), "{taken:?}");
    let page = merge(&["-f", "html"]);
    assert!(page.stderr.contains("note: html: the page lists its targets only"), "{:?}", page.stderr);
    assert!(page.stdout.len() < 100_000 && page.stdout.contains("127.0.0.1:9/25"));
    assert!(!merge(&["-f", "html", "-q"]).stderr.contains("note:"));
}

/// `script` (util-linux) runs a command on a terminal.
#[cfg(target_os = "linux")]
#[test]
fn a_page_is_not_poured_over_a_terminal() {
    let folder = Folder::new("terminal");
    let transcript = transcript(&folder);
    let command = format!("{} replay {transcript} -f html", env!("CARGO_BIN_EXE_agentgauge"));
    let Ok(output) = Command::new("script").args(["-qec", &command, "/dev/null"]).output() else {
        println!("skipped: script is not on this machine");
        return;
    };
    let shown = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(2), "{shown}");
    assert!(!shown.contains("<!DOCTYPE"), "{shown}");
    assert!(shown.contains("--report html=FILE") && shown.contains("-o FILE"), "{shown}");
}
