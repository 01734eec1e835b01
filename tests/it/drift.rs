//! Files, registry and rubric agree. A message names the line to add.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use agentgauge::checks;
use agentgauge::rubric::{AGENT_READINESS, Rubric};
use agentgauge::transcript::ProbeId;

/// A file below `src/checks/<area>/` that holds a check.
struct CheckFile {
    area: String,
    stem: String,
    path: PathBuf,
    text: String,
}

impl CheckFile {
    fn id(&self) -> String {
        self.stem.replace('_', "-")
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/checks")
}

fn entries(path: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

fn check_files() -> Vec<CheckFile> {
    let mut files = Vec::new();
    for area in entries(&folder()).into_iter().filter(|path| path.is_dir()) {
        for path in entries(&area) {
            let text = fs::read_to_string(&path).unwrap();
            let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
            let area = area.file_name().unwrap().to_string_lossy().into_owned();
            // A file that shares something between checks of an area has no CHECK.
            if stem != "mod" && text.contains("static CHECK: Check") {
                files.push(CheckFile { area, stem, path, text });
            }
        }
    }
    files
}

#[test]
fn every_check_file_is_registered_under_its_own_id() {
    let files = check_files();
    assert!(!files.is_empty());
    for file in &files {
        let (id, stem, area) = (file.id(), &file.stem, &file.area);
        let at = file.path.display();
        assert!(
            file.text.contains(&format!("id: \"{id}\"")),
            "{at}: the check must have `id: \"{id}\"`, like its file"
        );
        assert!(
            checks::by_id(&id).is_some(),
            "{at} is not registered: add `mod {stem};` and `&{stem}::CHECK,` to src/checks/{area}/mod.rs"
        );
        assert_eq!(checks::area_of(&id), area, "{at} is registered in another area");
    }
    for check in checks::all() {
        assert!(files.iter().any(|file| file.id() == check.id), "{} has no file of its own", check.id);
    }
}

#[test]
fn ids_are_unique_and_kebab_case() {
    let mut seen = BTreeSet::new();
    for check in checks::all() {
        assert!(seen.insert(check.id), "{} is registered twice", check.id);
        let word = |word: &str| {
            !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        };
        assert!(check.id.split('-').all(word), "{} is not kebab-case", check.id);
    }
}

#[test]
fn every_check_says_where_it_comes_from_why_and_what_to_do() {
    for check in checks::all() {
        let id = check.id;
        assert!(!check.basis.is_empty(), "{id}: add a `Basis` with title and url");
        for basis in check.basis {
            assert!(!basis.title.trim().is_empty() && basis.url.starts_with("https://"), "{id}: {basis:?}");
        }
        assert!(
            check.title.len() >= 15 && !check.title.ends_with('.'),
            "{id}: the title is a statement without a full stop"
        );
        assert!(check.rationale.len() >= 40, "{id}: `rationale` must say why an agent cares");
        assert!(
            check.remediation.len() >= 40,
            "{id}: `remediation` must say what to change, with an example"
        );
        assert!(
            !check.remediation.contains("  ") && !check.rationale.contains("  "),
            "{id}: a line break left two spaces"
        );
    }
}

#[test]
fn every_check_tells_how_it_is_checked_and_names_the_verdicts_it_gives() {
    for file in check_files() {
        let check = checks::by_id(&file.id()).unwrap();
        let at = file.path.display();
        let code = file.text.split("    judge,\n};").nth(1).unwrap();
        let code = code.split("#[cfg(test)]").next().unwrap();
        assert!(check.how.sent.len() >= 40, "{at}: `how.sent` must say what is sent or read");
        assert!(!check.how.passes.is_empty(), "{at}: `how.passes` must say what passes");
        for (words, name, signs) in [
            // What ought to be refused warns or fails where it is not.
            (check.how.warns, "warns", ["warn(", "Status::Warn", "Refusal"]),
            (check.how.fails, "fails", ["fail(", "Status::Fail", "Refusal"]),
        ] {
            let given = signs.iter().any(|sign| code.contains(sign));
            // A verdict may come from what two checks share; it must be named where it is given here.
            assert!(
                !given || !words.is_empty(),
                "{at}: the check may give this verdict: `how.{name}` is empty"
            );
            assert!(
                given || words.is_empty() || code.contains("Status::Fail"),
                "{at}: `how.{name}` never happens"
            );
        }
        for words in [check.how.sent, check.how.passes, check.how.warns, check.how.fails] {
            assert!(!words.contains("  ") && words.matches('`').count() % 2 == 0, "{at}: {words}");
            assert!(words.is_empty() || words.ends_with(['.', ')']), "{at}: a sentence: {words}");
        }
    }
}

#[test]
fn every_check_is_shown_passing_faulting_and_undecided() {
    for file in check_files() {
        let tests = file.text.split("#[cfg(test)]").nth(1).unwrap_or_default();
        // A table of examples demands the three by itself.
        if tests.contains("hold(\n        &CHECK,") || tests.contains("hold(&CHECK,") {
            continue;
        }
        for names in [["passes", "passes"], ["fails", "warns"], ["undecided", "undecided"]] {
            let has = names.iter().any(|name| tests.contains(&format!("fn {name}")));
            let [first, second] = names;
            let wanted = if first == second { first.to_owned() } else { format!("{first}… or {second}") };
            assert!(has, "{}: add a test named `{wanted}…`", file.path.display());
        }
    }
}

/// Probes that serve the scan itself and need no check of their own.
const HOUSEKEEPING: [(ProbeId, &str); 6] = [
    (ProbeId::Classify, "every check sees it through the classification"),
    (ProbeId::Siblings, "read by the classification for `found_at`"),
    (ProbeId::Tls, "read through the TLS fact"),
    (ProbeId::Load, "plain traffic for the ops-* checks, which read every plain exchange"),
    (ProbeId::Answers, "keeps a server going that waits for an answer; nothing is judged by it"),
    (ProbeId::Teardown, "ends what was opened; read by the footprint"),
];

#[test]
fn every_probe_is_read_by_a_check() {
    // Declared in `reads`, or picked out by a check that reads everything.
    let files = check_files();
    let outside_tests =
        |file: &CheckFile| file.text.split("#[cfg(test)]").next().unwrap_or_default().to_owned();
    let code: Vec<String> = files.iter().map(outside_tests).collect();
    for probe in ProbeId::ALL {
        let name = format!("ProbeId::{probe:?}");
        let read = code.iter().any(|code| {
            code.split(&name).skip(1).any(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
        });
        let housekeeping = HOUSEKEEPING.iter().any(|(known, _)| *known == probe);
        assert!(read || housekeeping, "no check names {name}: why is it sent?");
    }
}

#[test]
fn the_rubric_covers_exactly_the_registry() {
    // The error lists every id that is missing, unknown or there twice, with the line to add.
    if let Err(error) = Rubric::parse(AGENT_READINESS, "rubrics/agent-readiness.toml") {
        let lines: Vec<String> =
            error.faults.iter().map(|fault| format!("{:?}: {}", fault.line, fault.message)).collect();
        panic!("{}:\n{}", error.name, lines.join("\n"));
    }
}

#[test]
fn points_stand_under_the_heading_of_their_dimension() {
    let mut heading = "";
    let lines = AGENT_READINESS.lines().skip_while(|line| *line != "[points]").skip(1);
    for line in lines.take_while(|line| !line.starts_with('[') && !line.starts_with("# Checks that run")) {
        if let Some(title) = line.strip_prefix("# ") {
            heading = title.split(' ').next().unwrap();
        } else if let Some(check) = line.split(" =").next().and_then(checks::by_id) {
            assert_eq!(check.dimension.as_str(), heading, "move the line of {} to its dimension", check.id);
        }
    }
}
