//! Strict readers of the machine formats, for tests: each rule that a reader somewhere enforces, one by one.

#![allow(clippy::string_slice, reason = "what is cut here was found by its own index")]

use std::collections::BTreeSet;

use serde_json::Value;

use super::Report;
use crate::checks;
use crate::facts::Kind;
use crate::verdict::{Dimension, Status};

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// SARIF as code scanning takes it.
pub(super) fn sarif(log: &Value, reports: &[Report]) {
    assert_eq!(keys(log), ["$schema", "runs", "version"].into());
    assert_eq!(log["version"], "2.1.0");
    let runs = log["runs"].as_array().unwrap();
    assert_eq!(runs.len(), reports.len(), "one run for each target");
    let mut categories = BTreeSet::new();
    for (run, report) in runs.iter().zip(reports) {
        let id = text(&run["automationDetails"]["id"]);
        assert!(id.starts_with("agentgauge/") && id.ends_with('/'), "{id}");
        assert!(categories.insert(id), "one category for each target: {id}");
        let driver = &run["tool"]["driver"];
        assert_eq!(driver["name"], "agentgauge");
        assert_eq!(driver["semanticVersion"], report.tool.version);
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        assert_eq!(rules.len(), checks::all().count(), "all rules, not only those that fired");
        rules.iter().for_each(sarif_rule);
        for result in run["results"].as_array().unwrap() {
            sarif_result(result, rules, report);
        }
        sarif_invocation(&run["invocations"][0], report);
    }
}

fn sarif_rule(rule: &Value) {
    let check = checks::by_id(text(&rule["id"])).unwrap();
    assert!(text(&rule["name"]).chars().count() <= 255);
    for description in ["shortDescription", "fullDescription"] {
        let text = text(&rule[description]["text"]);
        assert!(!text.is_empty() && text.chars().count() <= 1_024, "{}", check.id);
    }
    assert!(!text(&rule["help"]["text"]).is_empty());
    assert!(!text(&rule["help"]["markdown"]).is_empty());
    assert!(text(&rule["helpUri"]).starts_with("https://"), "{}: {}", check.id, rule["helpUri"]);
    assert!(["note", "warning", "error"].contains(&text(&rule["defaultConfiguration"]["level"])));
    let properties = &rule["properties"];
    assert!(properties["tags"].as_array().unwrap().len() <= 10);
    assert!(["very-high", "high", "medium", "low"].contains(&text(&properties["precision"])));
    // One key with a dot, not an object in an object.
    assert!(["error", "warning", "recommendation"].contains(&text(&properties["problem.severity"])));
    match properties.get("security-severity") {
        Some(number) => {
            assert_eq!(check.dimension, Dimension::D7, "{}: only security checks", check.id);
            let number: f64 = text(number).parse().unwrap();
            assert!((0.1..=10.0).contains(&number));
        }
        None => assert_ne!(check.dimension, Dimension::D7, "{}: every security check", check.id),
    }
}

fn sarif_result(result: &Value, rules: &[Value], report: &Report) {
    let id = text(&result["ruleId"]);
    let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
    assert_eq!(rules[index]["id"], id, "the index points at the rule");
    let row = report.findings.iter().find(|row| row.finding.check.id == id).unwrap();
    let kind = match row.finding.status {
        Status::Warn | Status::Fail => "fail",
        Status::NotApplicable => "notApplicable",
        Status::Inconclusive | Status::Error => "open",
        Status::Info => "informational",
        Status::Pass | Status::Skipped => panic!("{id}: it would be shown as an alert"),
    };
    assert_eq!(result["kind"], kind);
    let level = text(&result["level"]);
    // 3.27.10: a result of another kind than `fail` has no level.
    assert_eq!(kind != "fail", level == "none", "{id}");
    assert!(["none", "note", "warning", "error"].contains(&level));
    let message = text(&result["message"]["text"]);
    assert!(!message.contains("]("), "no link: {message}");
    let locations = result["locations"].as_array().unwrap();
    assert_eq!(locations.len(), 1, "only the first counts");
    let place = &locations[0]["physicalLocation"];
    let uri = text(&place["artifactLocation"]["uri"]);
    assert!(!uri.is_empty() && !uri.starts_with('/'), "{uri}");
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~/%".contains(c);
    assert!(uri.chars().all(allowed), "a relative reference without scheme, spaces or colons: {uri}");
    let base = url::Url::parse("file:///repository/").unwrap();
    assert_eq!(base.join(uri).unwrap().scheme(), "file", "{uri}");
    for part in ["startLine", "startColumn", "endLine", "endColumn"] {
        assert!(place["region"][part].as_u64().unwrap() >= 1, "{part}");
    }
    assert_eq!(locations[0]["logicalLocations"][0]["kind"], "resource");
    let shown = row.finding.evidence.first().map(|evidence| evidence.exchange);
    let bar = report.timeline.bars.iter().find(|bar| Some(bar.exchange) == shown);
    match bar.filter(|bar| bar.method != crate::transcript::MESSAGE) {
        Some(bar) => {
            assert_eq!(result["webRequest"]["method"], bar.method);
            assert!(result["webRequest"]["target"].is_string());
            assert_eq!(result["webResponse"]["statusCode"].as_u64(), bar.status.map(u64::from));
            assert_eq!(result["webResponse"]["noResponseReceived"], bar.status.is_none());
        }
        None => assert!(result["webRequest"].is_null() && result["webResponse"].is_null()),
    }
    let hash = text(&result["partialFingerprints"]["primaryLocationLineHash"]);
    let (digits, ordinal) = hash.split_once(':').unwrap();
    assert!(digits.len() == 16 && digits.chars().all(|c| c.is_ascii_hexdigit()) && ordinal == "1", "{hash}");
    assert_eq!(text(&result["fingerprints"]["agentgauge/v1"]).len(), 64);
}

fn sarif_invocation(invocation: &Value, report: &Report) {
    let unreachable = report.classification.kind == Kind::Unreachable;
    assert_eq!(invocation["executionSuccessful"], !unreachable);
    let notifications = invocation["toolExecutionNotifications"].as_array();
    let found =
        notifications.is_some_and(|all| all.iter().any(|one| one["descriptor"]["id"] == "unreachable"));
    assert_eq!(found, unreachable);
    assert_eq!(invocation["exitCode"], report.exit.code());
}

/// JUnit as CI systems read it: well-formed, sums that are right, no two cases with one name.
pub(super) fn junit(document: &str, reports: &[Report]) {
    let tree = roxmltree::Document::parse(document).unwrap();
    let root = tree.root_element();
    assert_eq!(root.tag_name().name(), "testsuites");
    let number = |node: roxmltree::Node<'_, '_>, name: &str| -> usize {
        node.attribute(name).unwrap().parse().unwrap()
    };
    let suites: Vec<_> = root.children().filter(roxmltree::Node::is_element).collect();
    assert_eq!(suites.len(), reports.len(), "one suite for each target");
    let mut sums = [0; 4];
    let mut pairs = BTreeSet::new();
    let sum_names = ["tests", "failures", "errors", "skipped"];
    for (suite, report) in suites.iter().zip(reports) {
        assert_eq!(suite.tag_name().name(), "testsuite");
        let mut names = BTreeSet::new();
        let mut counted = [0; 4];
        for case in suite.children().filter(roxmltree::Node::is_element) {
            assert_eq!(case.tag_name().name(), "testcase");
            assert!(names.insert(case.attribute("name").unwrap()), "distinct names");
            let class = case.attribute("classname").unwrap();
            let portless = crate::protocol::host::portless(&report.url);
            let known = report.label.iter().chain([&portless, &report.url]);
            let mut known = known.map(|name| super::text::short(name, 980).trim_end_matches('…').to_owned());
            assert!(known.any(|name| class.starts_with(&name)), "{class}");
            assert!(pairs.insert((class, case.attribute("name").unwrap())), "a pair twice: {class}");
            assert!(case.attribute("time").unwrap().parse::<f64>().is_ok());
            counted[0] += 1;
            let outcomes =
                |child: &roxmltree::Node<'_, '_>| child.is_element() && !child.has_tag_name("system-out");
            for child in case.children().filter(outcomes) {
                let which = ["failure", "error", "skipped"].iter().position(|name| child.has_tag_name(*name));
                counted[which.unwrap() + 1] += 1;
                assert!(child.attribute("message").is_some());
            }
        }
        assert_eq!(names.len(), report.findings.len() + 1);
        for ((name, counted), sum) in sum_names.iter().zip(counted).zip(&mut sums) {
            assert_eq!(number(*suite, name), counted, "{name}");
            *sum += counted;
        }
    }
    for (name, sum) in sum_names.iter().zip(sums) {
        assert_eq!(number(root, name), sum, "{name}");
    }
}

/// GitLab Code Quality.
pub(super) fn gitlab(issues: &Value) {
    let mut seen = BTreeSet::new();
    for issue in issues.as_array().unwrap() {
        assert_eq!(keys(issue), ["check_name", "description", "fingerprint", "location", "severity"].into());
        assert!(!text(&issue["description"]).is_empty() && !text(&issue["check_name"]).is_empty());
        assert!(["info", "minor", "major", "critical", "blocker"].contains(&text(&issue["severity"])));
        let path = text(&issue["location"]["path"]);
        assert!(!path.is_empty() && !path.starts_with("./") && !path.starts_with('/'), "{path}");
        assert!(issue["location"]["lines"]["begin"].as_u64().unwrap() >= 1);
        assert!(seen.insert(text(&issue["fingerprint"])), "a fingerprint twice");
    }
}

/// The endpoint schema of badge services: these keys and no other.
pub(super) fn badge(badge: &Value) {
    assert_eq!(keys(badge), ["color", "label", "message", "schemaVersion"].into());
    assert_eq!(badge["schemaVersion"], 1);
    assert!(!text(&badge["message"]).is_empty());
    assert!(text(&badge["message"]).chars().all(|c| c.is_ascii_alphanumeric() || " ,+-".contains(c)));
    let colours = ["brightgreen", "green", "yellowgreen", "yellow", "orange", "red", "lightgrey"];
    assert!(colours.contains(&text(&badge["color"])));
}

/// A picture without script and request.
pub(super) fn svg(document: &str) {
    let tree = roxmltree::Document::parse(document).unwrap();
    let root = tree.root_element();
    assert_eq!((root.tag_name().name(), root.attribute("role")), ("svg", Some("img")));
    let title =
        root.children().find(|node| node.has_tag_name(("http://www.w3.org/2000/svg", "title"))).unwrap();
    assert_eq!(title.text(), root.attribute("aria-label"));
    for node in tree.descendants().filter(roxmltree::Node::is_element) {
        assert!(["svg", "title", "clipPath", "rect", "g", "text"].contains(&node.tag_name().name()));
        assert!(node.attributes().all(|a| !a.name().contains("href") && !a.name().starts_with("on")));
    }
}

/// Markdown in which nothing but our own words is outside of code.
pub(super) fn markdown(document: &str, limit: usize) {
    assert!(document.len() <= limit, "{}", document.len());
    assert!(document.starts_with("<!-- agentgauge:report:"), "the marker is the first line");
    assert_eq!(document.matches("<!--").count(), 1 + in_code(document, "<!--"));
    let (mut open, mut closed) = (0, 0);
    for line in document.lines() {
        let outside = outside_code(line);
        let mut rest = outside.as_str();
        for tag in ["<details>", "</details>", "<summary>", "</summary>", "<sub>", "</sub>", "<!-- ", " -->"]
        {
            open += usize::from(tag == "<details>" && rest.contains(tag));
            closed += usize::from(tag == "</details>" && rest.contains(tag));
            rest = if rest.contains(tag) { Box::leak(rest.replace(tag, "").into_boxed_str()) } else { rest };
        }
        // What is left of markup is a link of ours: to a source of a check.
        for forbidden in ["<", "@", "![", "javascript", "evil", "$", "*b*", "~~", "#1"] {
            assert!(!rest.contains(forbidden), "{forbidden}: {line}");
        }
        for (index, _) in rest.match_indices("://") {
            assert!(rest[..index].ends_with("](https"), "a link that is not ours: {line}");
        }
        // A row of a table has as many cells as its head.
        if line.starts_with('|') {
            assert_eq!(line.matches('|').count(), 5, "{line}");
        }
        assert!(!line.starts_with("# ") && !line.starts_with("1. "), "{line}");
    }
    assert_eq!(open, closed, "folded parts are closed");
}

fn in_code(document: &str, what: &str) -> usize {
    document.lines().map(|line| line.matches(what).count() - outside_code(line).matches(what).count()).sum()
}

/// A line without its code spans, which end at a run of backticks as long as the one they began with
/// (CommonMark 6.1).
fn outside_code(line: &str) -> String {
    let mut outside = String::new();
    let mut rest = line;
    while let Some(start) = rest.find('`') {
        outside.push_str(&rest[..start]);
        let run = rest[start..].find(|c| c != '`').unwrap_or(rest.len() - start);
        let after = &rest[start + run..];
        let mut end = None;
        let mut at = 0;
        while let Some(next) = after[at..].find('`') {
            let begin = at + next;
            let length = after[begin..].find(|c| c != '`').unwrap_or(after.len() - begin);
            if length == run {
                end = Some(begin + length);
                break;
            }
            at = begin + length;
        }
        rest = &after[end.unwrap_or_else(|| panic!("a code span without end: {line}"))..];
    }
    outside + rest
}

/// Workflow commands within the limits of a step.
pub(super) fn commands(document: &str) {
    let command =
        regex::Regex::new("^::(error|warning|notice) ([a-z]+=[^:,]*)(,[a-z]+=[^:,]*)*::[^\r]*$").unwrap();
    for line in document.lines() {
        assert!(command.is_match(line), "{line}");
        assert!(line.len() < 8_000);
    }
    for kind in ["error", "warning", "notice"] {
        let count = document.lines().filter(|line| line.starts_with(&format!("::{kind} "))).count();
        assert!(count <= 10, "{count} of {kind}");
    }
}

/// `name=value` lines.
pub(super) fn outputs(document: &str) {
    let names: Vec<&str> = document.lines().map(|line| line.split_once('=').unwrap().0).collect();
    assert_eq!(names, ["score", "grade", "passed", "exit-code", "exit-name", "targets", "report"]);
}
