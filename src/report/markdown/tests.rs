//! What a comment must say, and what it may leave out where there is no room.

use super::*;
use crate::checks::synthetic::{Scan, discover, get, initialize};
use crate::gate::Gates;
use crate::report::tests::{DEV_SERVER, alike, dead_port, dev_server, gated, report, web_page};
use crate::transcript::ProbeId;
use crate::verdict::Status::Fail;

fn comment(report: &Report) -> String {
    render(std::slice::from_ref(report), &[], COMMENT)
}

/// Targets whose findings quote their own number, so that a part under a wrong heading is seen.
fn numbered(count: usize) -> Vec<Report> {
    let one = report(&dev_server(), &DEV_SERVER, &Gates::default());
    (0..count)
        .map(|number| {
            let mut report = one.clone();
            report.label = Some(format!("target-{number}-"));
            for row in &mut report.findings {
                row.finding.message = format!("seen at target-{number}-: {}", row.finding.message);
            }
            report
        })
        .collect()
}

#[test]
fn no_part_stands_under_the_heading_of_another_target() {
    for (count, limit) in [(2, 9_000), (16, 20_000), (60, COMMENT), (60, 30_000), (400, COMMENT)] {
        let reports = numbered(count);
        let text = render(&reports, &[], limit);
        assert!(text.len() <= limit, "{count}: {}", text.len());
        let (start, sections) = text.split_once("\n### ").unwrap_or((text.as_str(), ""));
        assert!(start.contains("| target-0- |"), "the overview comes first: {start}");
        let (sections, _) = sections.rsplit_once("targets did not fit here whole: ").unwrap();
        for section in sections.split("\n### ").filter(|section| !section.is_empty()) {
            let of = section.split("target-").nth(1).and_then(|rest| rest.split('-').next()).unwrap();
            for other in section.split("target-").skip(1) {
                assert!(other.starts_with(&format!("{of}-")), "{of} has a part of {other}");
            }
            // A row has the head of its table above it.
            let lines: Vec<&str> = section.lines().collect();
            for pair in lines.windows(2).filter(|pair| pair[1].starts_with('|')) {
                let head = ["| To fix |", "| Dimension |"].iter().any(|head| pair[1].starts_with(head));
                assert!(head || pair[0].starts_with('|'), "{section}");
            }
            assert_eq!(section.matches("<details>").count(), section.matches("</details>").count());
        }
    }
}

#[test]
fn every_target_has_its_row_and_what_matters_before_any_has_its_details() {
    let reports = numbered(16);
    let text = render(&reports, &[], 30_000);
    for number in 0..16 {
        assert!(text.contains(&format!("| target-{number}- |")), "{number}: {text}");
        assert!(text.contains(&format!("\n\nEndpoint target-{number}- ")), "{number}: {text}");
    }
    assert_eq!(text.matches("| To fix | Severity |").count(), 16);
    assert!(text.contains("16 of 16 targets did not fit here whole: target-0-, target-1-,"), "{text}");
    assert!(text.contains(", and 6 more. The JSON report has everything."), "{text}");
    let all = render(&reports, &[], SUMMARY);
    assert!(!all.contains("did not fit") && all.contains("\n\nEndpoint target-15- "));
    // Rows of the overview end too where nothing else has any room left.
    let many = render(&numbered(2_000), &[], COMMENT);
    assert!(many.len() <= COMMENT && many.contains("\nand ") && many.contains(" more.\n"), "{many}");
}

#[test]
fn a_heading_after_a_folded_part_is_a_heading() {
    let text = render(&numbered(3), &[], SUMMARY);
    assert_eq!(text.matches("\n### ").count(), 3);
    assert_eq!(text.matches("\n\n### ").count(), 3, "HTML lasts until a blank line");
}

#[test]
fn what_was_found_and_what_to_do_next_are_said() {
    let page = comment(&web_page());
    assert!(page.contains("HTML, not MCP"), "{page}");
    assert!(page.contains("**Next:** check the path"), "{page}");
    let dead = comment(&dead_port());
    let (first, _) = dead.split_once("<details>").unwrap();
    assert!(
        first.contains("connection refused") && first.contains("**Next:** check host and port"),
        "{dead}"
    );
    let guess = {
        let mut report = gated();
        report.classification.confidence = crate::facts::Confidence::Suspected;
        comment(&report)
    };
    assert!(guess.contains("probably behind authentication"), "{guess}");
    let gated = comment(&gated());
    assert!(gated.contains("**Gated:** the endpoint asks for a credential"), "{gated}");
    assert!(gated.contains("`agentgauge scan --bearer-env TOKEN "), "{gated}");
    assert!(!gated.contains("Nothing to fix"), "too little was judged to say that: {gated}");
}

#[test]
fn what_was_noted_did_not_pass() {
    let text = comment(&report(&dev_server(), &DEV_SERVER, &Gates::default()));
    assert!(text.contains("<summary>12 passed</summary>"), "{text}");
    assert!(text.contains("<summary>1 noted</summary>"), "{text}");
    assert!(text.contains(": median 4 ms on loopback says nothing about the network"), "{text}");
}

#[test]
fn why_a_check_was_not_judged_is_said() {
    let scan = Scan::empty()
        .with(discover().status(404).body("text/plain", "x"))
        .with(initialize(ProbeId::Classify, "initialize").status(404).body("text/plain", "x"))
        .with(get(ProbeId::Classify, "get").status(404).body("text/plain", "x"));
    let text = comment(&alike(&scan, Status::NotApplicable, "nothing an agent could use was found here"));
    assert!(text.contains("- nothing an agent could use was found here: `tls-required`, "), "{text}");
    assert!(text.contains("<summary>What was tried</summary>"), "{text}");
    let text = comment(&alike(&dev_server(), Fail, "so it is"));
    assert!(!text.contains("not applicable") && !text.contains("What was tried"), "{text}");
}
