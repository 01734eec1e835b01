//! Recorded real servers: the same transcript gives the same bytes, and nobody is blamed for what was
//! not checked by hand.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::PathBuf;

use agentgauge::gate::Gates;
use agentgauge::judge::judge;
use agentgauge::report::Report;
use agentgauge::rubric::Rubric;
use agentgauge::transcript::{Transcript, codec};
use agentgauge::verdict::Status;

/// Largest transcript that is kept in the repository, bytes.
const LARGEST: u64 = 256 * 1024;

/// Provenance of a fixture.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct About {
    server: String,
    transport: String,
    recorded: String,
    why: String,
    /// What was changed by hand, if anything.
    #[serde(default)]
    note: Option<String>,
    #[serde(default)]
    checked: BTreeMap<String, String>,
}

pub(crate) struct Fixture {
    pub(crate) slug: String,
    about: About,
    pub(crate) transcript: Transcript,
    file: PathBuf,
}

pub(crate) fn fixtures() -> Vec<Fixture> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    // The official schemas are no recording.
    let recorded = |path: &PathBuf| path.is_dir() && !path.ends_with("schemas");
    let mut folders: Vec<PathBuf> =
        fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).filter(recorded).collect();
    folders.sort();
    folders
        .into_iter()
        .map(|folder| {
            let file = folder.join("transcript.jsonl");
            let about = fs::read_to_string(folder.join("about.toml")).unwrap();
            Fixture {
                slug: folder.file_name().unwrap().to_string_lossy().into_owned(),
                about: toml::from_str(&about).unwrap_or_else(|error| panic!("{}: {error}", folder.display())),
                transcript: codec::decode(BufReader::new(File::open(&file).unwrap())).unwrap(),
                file,
            }
        })
        .collect()
}

fn report(transcript: &Transcript) -> Report {
    judge(transcript, &Rubric::default_rubric(), &Gates::default())
}

impl Fixture {
    pub(crate) fn report(&self) -> Report {
        report(&self.transcript)
    }
}

#[test]
fn there_are_enough_of_them_and_each_says_where_it_comes_from() {
    let all = fixtures();
    assert!(all.len() >= 12, "only {} fixtures", all.len());
    for fixture in &all {
        let size = fs::metadata(&fixture.file).unwrap().len();
        assert!(size <= LARGEST, "{} has {size} bytes", fixture.slug);
        assert!(fixture.transcript.complete(), "{} is not complete", fixture.slug);
        let About { server, transport, recorded, why, note, .. } = &fixture.about;
        for text in [server, transport, recorded, why].into_iter().chain(note) {
            assert!(!text.trim().is_empty(), "{} leaves something out", fixture.slug);
        }
    }
}

#[test]
fn every_fail_was_checked_by_hand() {
    for fixture in fixtures() {
        let report = fixture.report();
        let fails: Vec<&str> = report
            .findings
            .iter()
            .map(|row| &row.finding)
            .filter(|finding| finding.status == Status::Fail)
            .map(|finding| finding.check.id)
            .collect();
        for id in &fails {
            assert!(
                fixture.about.checked.contains_key(*id),
                "{}: {id} fails, but was not checked",
                fixture.slug
            );
        }
        for id in fixture.about.checked.keys() {
            assert!(
                fails.contains(&id.as_str()),
                "{}: {id} is listed as checked, but does not fail",
                fixture.slug
            );
        }
    }
}

#[test]
fn the_same_transcript_gives_the_same_bytes_also_after_another_trip() {
    for fixture in fixtures() {
        let first = agentgauge::report::json::render(&fixture.report());
        let again = codec::decode(codec::encode(&fixture.transcript).as_slice()).unwrap();
        assert_eq!(again, fixture.transcript, "{}", fixture.slug);
        assert_eq!(first, agentgauge::report::json::render(&report(&again)), "{}", fixture.slug);
    }
}

/// What is short of the mark or could not be seen, fixture by fixture: a check that finds nothing moves none.
/// Scores are kept by `scores.rs`.
#[test]
fn what_is_not_a_pass_holds() {
    for fixture in fixtures() {
        let report = fixture.report();
        let findings = report.findings.iter().map(|row| &row.finding);
        let lines: Vec<String> = findings
            .filter(|finding| !matches!(finding.status, Status::Pass | Status::NotApplicable))
            .map(|finding| format!("{:12} {}", finding.status.as_str(), finding.check.id))
            .collect();
        let kind = report.classification.kind.as_str();
        let text = format!("{kind}\n{} not passed\n{}\n", lines.len(), lines.join("\n"));
        insta::assert_snapshot!(fixture.slug.as_str(), text);
    }
}

/// Every verdict on every fixture, in one place: a new check adds one line.
#[test]
fn verdicts_hold() {
    let fixtures = fixtures();
    let reports: Vec<Report> = fixtures.iter().map(Fixture::report).collect();
    let mut text = String::from("P pass, W warn, F fail, i info, ? inconclusive, - not applicable\n\n");
    for (index, fixture) in fixtures.iter().enumerate() {
        writeln!(text, "{}| {}", " ".repeat(index), fixture.slug).unwrap();
    }
    for check in agentgauge::checks::all() {
        let letters: String = reports
            .iter()
            .map(|report| report.findings.iter().find(|row| row.finding.check.id == check.id).unwrap())
            .map(|row| match row.finding.status {
                Status::Pass => 'P',
                Status::Warn => 'W',
                Status::Fail => 'F',
                Status::Info => 'i',
                Status::Inconclusive => '?',
                Status::NotApplicable => '-',
                Status::Error | Status::Skipped => '!',
            })
            .collect();
        writeln!(text, "{letters} {}", check.id).unwrap();
    }
    insta::assert_snapshot!("verdicts", text);
}
