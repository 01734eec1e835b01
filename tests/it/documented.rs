//! The shell steps that the README gives are run, as a CI service would run them.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use agentgauge::demo::{self, Behaviour, Endpoint};

use crate::program::{Folder, Run};

/// What stands between the marks of a tested example, without the fence.
fn example(name: &str) -> String {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let (_, rest) = readme.split_once(&format!("<!-- tested: {name} -->\n```")).unwrap();
    let (body, _) = rest.split_once("```\n<!-- end tested -->").unwrap();
    body.split_once('\n').unwrap().1.to_owned()
}

/// The shell steps of a CI file: blocks after `run: |` or `- |`, by their indentation.
fn steps(yaml: &str) -> Vec<String> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let lines: Vec<&str> = yaml.lines().collect();
    let mut steps = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        if line.trim() == "run: |" || line.trim() == "- |" {
            let own = indent(line);
            let block =
                lines[index + 1..].iter().take_while(|line| line.trim().is_empty() || indent(line) > own);
            steps.push(block.map(|line| format!("{}\n", line.trim_start())).collect());
        }
    }
    steps
}

/// A folder where `agentgauge`, `cargo` and `./start-server` can be called.
struct Place {
    folder: Folder,
    endpoint: Endpoint,
}

impl Place {
    fn new(name: &str, behaviour: Behaviour) -> Self {
        let folder = Folder::new(name);
        fs::create_dir(folder.path("bin")).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_agentgauge"), folder.path("bin/agentgauge")).unwrap();
        for (path, script) in
            [("bin/cargo", "#!/bin/sh\necho \"$@\" > installed\n"), ("start-server", "#!/bin/sh\n")]
        {
            let path = folder.write(path, script);
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        Self { folder, endpoint: Endpoint::start_on_thread(behaviour).unwrap() }
    }

    fn here(&self, text: &str) -> String {
        text.replace("127.0.0.1:8000", &self.endpoint.address().to_string())
    }

    /// Runs a script as GitHub and GitLab do: it ends at the first command that fails.
    fn run(&self, script: &str) -> Run {
        let path = format!("{}:{}", self.folder.path("bin"), std::env::var("PATH").unwrap());
        let mut command = Command::new("sh");
        command.args(["-e", "-c", &self.here(script)]).current_dir(&self.folder.0).env("PATH", path);
        // The standard profile would watch idle streams for half a minute.
        command.env("AGENTGAUGE_PROFILE", "quick").env("MCP_TOKEN", "t0ken");
        command.env("GITHUB_STEP_SUMMARY", self.folder.path("summary.md"));
        command.output().unwrap().into()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path(name)).unwrap()
    }
}

#[test]
fn the_steps_for_ci_pass_on_a_sound_server_and_fail_on_a_flawed_one() {
    for (name, count) in [("github", 3), ("gitlab", 2)] {
        let steps = steps(&example(name));
        assert_eq!(steps.len(), count, "{name}: {steps:?}");
        for (behaviour, expected) in [(demo::sound(), 0), (demo::flawed(), 1)] {
            let place = Place::new(&format!("ci-{name}-{expected}"), behaviour);
            assert_eq!(place.run(&steps[0]).code, Some(0));
            assert!(place.read("installed").starts_with("install "));
            let scan = place.run(&steps[1]);
            assert_eq!(scan.code, Some(expected), "{name}: {scan:?}");
            for artefact in ["agentgauge.json", "agentgauge.jsonl"] {
                assert!(!place.read(artefact).is_empty(), "{name}: written whatever the gate says");
            }
            assert!(!place.read("agentgauge.jsonl").contains("t0ken"), "artefacts hold no secret");
            if let Some(summary) = steps.get(2) {
                fs::copy(place.folder.path("agentgauge.json"), place.folder.path("main.json")).unwrap();
                assert_eq!(place.run(summary).code, Some(0));
                assert!(place.read("summary.md").contains("what changed"));
            }
        }
    }
}

/// Files that the platform is told to read, by the keys that name them.
fn named_files(yaml: &str) -> Vec<&str> {
    let keys = ["sarif_file", "junit", "codequality", "paths", "path"];
    yaml.lines()
        .filter_map(|line| line.trim().split_once(": "))
        .filter(|(key, _)| keys.contains(key))
        .map(|(_, value)| value.split('#').next().unwrap().trim().trim_matches(['[', ']', '"']))
        .filter(|value| !value.contains('*'))
        .collect()
}

#[test]
fn the_steps_for_pull_requests_write_what_the_platform_reads() {
    for name in ["github-reports", "gitlab-reports"] {
        let yaml = example(name);
        let steps = steps(&yaml);
        for (behaviour, expected) in [(demo::sound(), 0), (demo::flawed(), 1)] {
            let place = Place::new(&format!("{name}-{expected}"), behaviour);
            let scan = place.run(&steps[0]);
            assert_eq!(scan.code, Some(expected), "{name}: {scan:?}");
            let files = named_files(&yaml);
            assert!(!files.is_empty());
            for file in files {
                assert!(!place.read(file).is_empty(), "{name}: {file}");
            }
            if name == "github-reports" {
                assert!(place.read("summary.md").starts_with("<!-- agentgauge:report:"));
                the_comment_is_renewed(&place, &steps[1]);
            }
        }
    }
}

/// A `gh` that keeps what it is called with, and knows a comment once one was made.
fn the_comment_is_renewed(place: &Place, step: &str) {
    let gh = "#!/bin/sh\n\
              case \"$*\" in\n\
              *--paginate*) echo \"$*\" >> asked; test -e made && echo 77; exit 0;;\n\
              *PATCH*) echo \"$*\" >> renewed;;\n\
              *) echo \"$*\" >> made;;\n\
              esac\n";
    let path = place.folder.write("bin/gh", gh);
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    let step = format!("GITHUB_REPOSITORY=o/r PR=5\n{step}");
    for _ in 0..2 {
        let run = place.run(&step);
        assert_eq!(run.code, Some(0), "{run:?}");
    }
    let marker = place.read("comment.md").lines().next().unwrap().to_owned();
    assert!(marker.starts_with("<!-- agentgauge:report:") && !marker.contains(['"', '\\', '$', '`']));
    assert!(place.read("asked").contains(&format!("startswith(\"{marker}\")")));
    assert_eq!(place.read("made"), "api repos/o/r/issues/5/comments -F body=@comment.md\n");
    assert_eq!(place.read("renewed"), "api -X PATCH repos/o/r/issues/comments/77 -F body=@comment.md\n");
}

#[test]
fn the_examples_of_baseline_rubric_and_configuration_work() {
    let place = Place::new("examples", demo::flawed());
    for name in ["baseline", "rubric"] {
        let run = place.run(&example(name));
        assert_eq!(run.code, Some(0), "{name}: {run:?}");
    }
    assert!(place.read("mine.toml").contains("sse-keepalive = 24\n"));
    let config = place.here(&example("config"));
    place.folder.write("agentgauge.toml", &config);
    // The baseline's entries have no label; they are found by their URL.
    let scan = place.run("agentgauge scan local");
    assert_eq!(scan.code, Some(1), "{scan:?}");
    assert!(scan.last_line().contains(" is below 70: ") && !scan.last_line().contains("new: "), "{scan:?}");
    let shown = place.run("agentgauge config show");
    assert!(shown.stdout.contains("no agents in browsers  (agentgauge.toml:"), "{shown:?}");
    let schema = serde_json::from_str(&agentgauge::schema::config()).unwrap();
    let value: serde_json::Value = toml::from_str::<toml::Value>(&config).unwrap().try_into().unwrap();
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&value), "{value}");
}
