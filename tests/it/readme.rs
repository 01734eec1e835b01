//! The generated parts of the README are what the program says. `UPDATE=1 cargo test` renews them.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use agentgauge::checks::AREAS;
use agentgauge::rubric::Rubric;
use agentgauge::transcript::{Limits, Profile};

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")
}

/// The text with what stands between a region's markers replaced.
fn with_region(text: &str, name: &str, body: &str) -> String {
    let (start, end) = (format!("<!-- region {name} -->\n"), format!("<!-- end {name} -->"));
    let (before, rest) = text.split_once(&start).unwrap_or_else(|| panic!("no region {name}"));
    let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("region {name} has no end"));
    format!("{before}{start}{body}{end}{after}")
}

fn help(command: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_agentgauge"))
        .args([command, "--help"])
        .env_remove("COLUMNS")
        .output()
        .unwrap();
    format!("```text\n{}\n```\n", String::from_utf8(output.stdout).unwrap().trim_end())
}

/// What a person reads of a recorded server.
fn shown() -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_agentgauge"))
        .args(["replay", "--no-config", "fixtures/ts1-json/transcript.jsonl"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("COLUMNS", "100")
        .env("LC_ALL", "C.UTF-8")
        .env_remove("FORCE_COLOR")
        .env_remove("CLICOLOR_FORCE")
        .output()
        .unwrap();
    format!("```text\n{}\n```\n", String::from_utf8(output.stdout).unwrap().trim_end())
}

fn checks() -> String {
    let rubric = Rubric::default_rubric();
    let mut text = String::new();
    for area in AREAS.iter().filter(|area| !area.checks.is_empty()) {
        writeln!(text, "### {}\n", area.title).unwrap();
        writeln!(text, "| Check | Dimension | Points | Level | Passes when |\n|---|---|---|---|---|")
            .unwrap();
        for check in area.checks {
            let points =
                rubric.points_of(check.id).map_or_else(|| "–".to_owned(), |points| points.to_string());
            let title = check.title.replace('|', "\\|");
            let level = check.level.as_str();
            writeln!(text, "| `{}` | {} | {points} | {level} | {title} |", check.id, check.dimension)
                .unwrap();
        }
        text.push('\n');
    }
    text
}

fn limits() -> String {
    let schema = serde_json::to_value(schemars::schema_for!(Limits)).unwrap();
    let of = |profile| Limits::of(profile).by_name();
    let (quick, standard, deep) = (of(Profile::Quick), of(Profile::Standard), of(Profile::Deep));
    let mut text = "| Limit | `quick` | `standard` | `deep` | Of what |\n|---|---|---|---|---|\n".to_owned();
    for (name, value) in &standard {
        let what = schema["properties"][name]["description"].as_str().unwrap().replace('\n', " ");
        writeln!(text, "| `{name}` | {} | {value} | {} | {what} |", quick[name], deep[name]).unwrap();
    }
    text
}

#[test]
fn generated_parts_are_current() {
    let old = std::fs::read_to_string(path()).unwrap();
    let mut new = with_region(&old, "scan-help", &help("scan"));
    new = with_region(&new, "shown", &shown());
    new = with_region(&new, "replay-help", &help("replay"));
    new = with_region(&new, "merge-help", &help("merge"));
    new = with_region(&new, "checks", &checks());
    new = with_region(&new, "limits", &limits());
    if old != new && std::env::var_os("UPDATE").is_some_and(|value| value == "1") {
        std::fs::write(path(), &new).unwrap();
    } else {
        assert!(old == new, "README.md is out of date: run `UPDATE=1 cargo test`");
    }
}

#[test]
fn the_exit_codes_are_those_of_the_program() {
    use agentgauge::exit::Exit;
    let readme = std::fs::read_to_string(path()).unwrap();
    for exit in [
        Exit::Ok,
        Exit::GateFailed,
        Exit::Usage,
        Exit::NothingToJudge,
        Exit::Inconclusive,
        Exit::Output,
        Exit::Bug,
    ] {
        let row = format!("| {} | {} |", exit.code(), exit.name());
        assert!(readme.contains(&row), "{row}");
    }
    let signals = format!(
        "| {}, {}, {} | {}, {}, {} |",
        Exit::HungUp.code(),
        Exit::Interrupted.code(),
        Exit::Terminated.code(),
        Exit::HungUp.name(),
        Exit::Interrupted.name(),
        Exit::Terminated.name()
    );
    assert!(readme.contains(&signals), "{signals}");
}
