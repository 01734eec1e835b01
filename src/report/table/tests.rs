use serde_json::json;

use super::*;
use crate::checks::synthetic::{Scan, discover, post};
use crate::gate::Gates;
use crate::protocol::revision::Era;
use crate::report::tests::{DEV_SERVER, alike, dead_port, dev_server, gated, hostile, report, web_page};
use crate::report::text::tests::{HOSTILE, is_safe};
use crate::transcript::ProbeId;
use crate::verdict::Status;

use Status::{Fail, Inconclusive, NotApplicable, Pass, Warn};

fn plain(report: &Report, width: usize) -> String {
    drawn(report, &Style::plain(width))
}

fn drawn(report: &Report, style: &Style) -> String {
    let text = render(report, style);
    assert!(is_safe(&text));
    for line in text.lines() {
        let copied =
            ["Try ", "agentgauge ", "https://"].iter().any(|start| line.trim_start().starts_with(start));
        assert!(copied || layout::columns(line) <= style.width, "over {} columns: {line}", style.width);
    }
    text
}

fn gated_at_80() -> Report {
    let gates = Gates { min_score: Some(80.0), ..Gates::default() };
    report(&dev_server(), &DEV_SERVER, &gates)
}

#[test]
fn what_to_mend_comes_first_and_the_verdict_last() {
    let text = plain(&gated_at_80(), 100);
    let lines: Vec<&str> = text.lines().collect();
    let at = |start: &str| lines.iter().position(|line| line.trim_start().starts_with(start)).expect(start);
    let order =
        ["FAIL origin-rejected", "FAIL host-rebinding", "WARN ", "89 D2", "Gate:", "Score 70", "2 failed"];
    assert!(order.map(at).is_sorted(), "{text}");
    assert!(lines.len() - at("Score 70") <= 10, "{text}");
    insta::assert_snapshot!("dev_server_wide", text);
}

#[test]
fn more_is_told_where_it_is_asked_for_and_less() {
    let (report, style) = (gated_at_80(), Style::plain(200));
    let full = drawn(&report, &style.telling(Detail::Passes));
    insta::assert_snapshot!("dev_server_full", full);
    let verdict = drawn(&report, &style.telling(Detail::Verdict));
    assert!(
        full.ends_with(&verdict.replace("; -v shows what passed and what was not judged", "")),
        "{verdict}"
    );
    assert!(!verdict.contains("Fix  ") && verdict.contains("Score 70"), "{verdict}");
    for sum in [&report.rubric.sha256, &report.transcript.sha256] {
        assert!(full.contains(sum) && !plain(&report, 200).contains(sum));
    }
}

#[test]
fn several_targets_are_a_table_worst_first() {
    let sound = alike(&dev_server(), Pass, "x");
    let bad = Report { label: Some("bad".to_owned()), ..alike(&dev_server(), Fail, "x") };
    let reports = [sound, bad.clone(), dead_port(), bad];
    let missing = ["https://gone.example/mcp".to_owned()];
    let text = render_all(&reports, &missing, &["r.html (html)".to_owned()], &Style::plain(100));
    insta::assert_snapshot!("several", text);
    let alike = render_all(
        &[reports[1].clone(), reports[1].clone(), reports[0].clone()],
        &[],
        &[],
        &Style::plain(200),
    );
    let common =
        "In common: these fail at more than half of 3 targets: tls-required at 2, modern-discover at 2,";
    assert!(alike.contains(common) && !text.contains("In common"), "{alike}");
    let told = render_all(&reports, &missing, &[], &Style::plain(100).telling(Detail::Passes));
    assert_eq!(told.matches("Score 0 of 100").count(), 2, "{told}");
    assert!(told.contains("findings, worst first") && !told.contains("Stamps"), "{told}");
    let all = render_all(&reports, &missing, &[], &Style::plain(100).telling(Detail::Everything));
    assert_eq!(all.matches("Stamps").count(), 4, "{all}");
}

#[test]
fn it_reads_in_a_narrow_terminal() {
    insta::assert_snapshot!(
        "dev_server_narrow",
        plain(&report(&dev_server(), &DEV_SERVER, &Gates::default()), 40)
    );
}

#[test]
fn colours_only_decorate() {
    let report = report(&dev_server(), &DEV_SERVER, &Gates::default());
    let codes = regex::Regex::new("\u{1b}\\[[0-9;]*m").unwrap();
    for width in [40, 80, 100, Style::UNLIMITED] {
        for detail in [Detail::Verdict, Detail::Findings, Detail::Passes] {
            let style = Style::plain(width).telling(detail);
            let coloured = render(&report, &Style { colour: true, ..style });
            assert!(codes.is_match(&coloured));
            assert_eq!(codes.replace_all(&coloured, ""), drawn(&report, &style));
            // No line leaves its colour to the next one.
            assert!(coloured.lines().all(|line| !line.contains('\u{1b}') || line.contains("\u{1b}[0m")));
        }
    }
}

#[test]
fn a_sound_endpoint_is_told_so() {
    let mut statuses = DEV_SERVER;
    for (status, _) in &mut statuses {
        if matches!(status, Warn | Fail | Inconclusive) {
            *status = Pass;
        }
    }
    let text = plain(&report(&dev_server(), &statuses, &Gates::default()), 100);
    assert!(text.contains("Score 100 of 100, grade A"), "{text}");
    assert!(text.contains("Nothing to fix"), "{text}");
}

#[test]
fn a_web_page_is_described_and_not_scored() {
    insta::assert_snapshot!("web_page", plain(&web_page(), 100));
}

#[test]
fn a_dead_port_is_one_clear_sentence() {
    insta::assert_snapshot!("dead_port", plain(&dead_port(), 100));
}

#[test]
fn a_gated_endpoint_says_how_to_go_on() {
    insta::assert_snapshot!("gated", plain(&gated(), 100));
}

#[test]
fn nothing_remote_reaches_the_terminal_unescaped() {
    for text in HOSTILE {
        let mut report = hostile(text);
        for kind in [crate::facts::Kind::Dual, crate::facts::Kind::None, crate::facts::Kind::AuthGated] {
            report.classification.kind = kind;
            for width in [40, 100] {
                assert!(is_safe(&render(&report, &Style::plain(width).telling(Detail::Passes))), "{text:?}");
            }
        }
    }
}

#[test]
fn what_was_found_beside_comes_with_its_command() {
    let html = "<!doctype html><title>x</title>";
    let mut found = post(
        ProbeId::Siblings,
        "discover /mcp",
        Era::Modern,
        json!({"jsonrpc":"2.0","id":"d-1","method":"server/discover","params":{}}),
    )
    .result(json!({"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{},"ttlMs":0,"cacheScope":"public"}));
    found.made.request.url = "http://127.0.0.1:8080/it's/mcp?a=1&b=$(id)".to_owned();
    let scan = Scan::empty().with(discover().status(404).body("text/html", html)).with(found);
    let text = plain(&alike(&scan, NotApplicable, "nothing was found"), 100);
    assert!(
        text.contains("    agentgauge scan 'http://127.0.0.1:8080/it'\\''s/mcp?a=1&b=$(id)'\n"),
        "{text}"
    );
}

#[test]
fn same_input_same_bytes() {
    let twice = [0, 1].map(|_| plain(&report(&dev_server(), &DEV_SERVER, &Gates::default()), 100));
    assert_eq!(twice[0], twice[1]);
    let many = render_all(
        &[alike(&Scan::gated(), Pass, "x"), alike(&dev_server(), Fail, "x")],
        &[],
        &[],
        &Style::plain(60).telling(Detail::Everything),
    );
    assert_eq!(many.matches("What the scan cost the endpoint").count(), 2);
    assert_eq!(many.matches(&"─".repeat(60)).count(), 2);
}

#[test]
fn the_json_of_a_scored_report_obeys_the_schema_and_floors() {
    let gates = Gates { min_score: Some(80.0), ..Gates::default() };
    let report = report(&dev_server(), &DEV_SERVER, &gates);
    let value: serde_json::Value = serde_json::from_slice(&crate::report::json::render(&report)).unwrap();
    let schema = serde_json::from_str(&crate::schema::report()).unwrap();
    jsonschema::validator_for(&schema).unwrap().validate(&value).unwrap();
    assert_eq!(value["score"]["value"], 70.1);
    assert_eq!(value["score"]["points_possible"], 40);
    assert_eq!(value["score"]["dimensions"]["D2"]["value"], 89.1);
    // Both caps lie below the 54.5 that were earned; the lower one decides.
    let caps = [0, 1].map(|index| value["score"]["caps"][index]["check"].as_str().unwrap());
    assert_eq!(caps, ["origin-rejected", "host-rebinding"]);
    assert_eq!(value["score"]["dimensions"]["D7"]["value"], 40.0);
    assert_eq!(
        value["gate"],
        json!({"passed": false, "reasons": ["score 70.1 is below 80: origin-rejected fail, host-rebinding fail and 2 more"], "asked": 1})
    );
    assert_eq!(value["exit"], json!({"code": 1, "name": "gate-failed"}));
    assert!(value["findings"][13]["evidence"][0]["reproduce"].as_str().unwrap().starts_with("curl "));
}
