//! Reports made by hand, shared by the tests of every renderer, and what holds for all formats.

use serde_json::{Value, json};

use super::format::{Format, Run};
use super::json::v1::JsonReport;
use super::key::NamedAt;
use super::table::Style;
use super::text::harmless;
use super::text::tests::HOSTILE;
use super::timeline::{EventId, Resumption};
use super::{Report, Tried, badge, github, html, markdown, sink, strict, text};
use crate::baseline::Standing;
use crate::check::{Applies, Basis, Check, How, Reads};
use crate::checks::synthetic::{Scan, discover, get, initialize, post};
use crate::exit::Exit;
use crate::facts::classification::{Found, ServerInfo};
use crate::facts::era_guess::{EraGuess, Hint};
use crate::facts::{Kind, Readings};
use crate::finding::Finding;
use crate::gate::Gates;
use crate::judge::assemble;
use crate::protocol::revision::{Era, Revision};
use crate::report::json;
use crate::rubric::Rubric;
use crate::transcript::{Certificate, FailureKind, Phase, ProbeId, Tls};
use crate::verdict::{Dimension, Evidence, Judgement, Level, Severity, Status, inconclusive};

/// The areas of the checks below, by the start of their ids: the registry may grow around them.
pub(crate) const AREAS: [(&str, &str); 11] = [
    ("tls-", "connection"),
    ("rpc-", "jsonrpc"),
    ("sh-", "streamable"),
    ("modern-", "modern"),
    ("legacy-", "legacy"),
    ("sse-", "event_stream"),
    ("origin-", "browser"),
    ("host-", "browser"),
    ("cors-", "browser"),
    ("tools-", "catalog"),
    ("ops-", "operations"),
];

fn undecided(_: &crate::facts::Facts<'_>) -> Judgement {
    inconclusive("never run: these findings are made by hand")
}

macro_rules! checks {
    ($($id:literal $dimension:ident $severity:ident $title:literal;)*) => {
        pub(crate) const CHECKS: &[&Check] = &[$({
            static CHECK: Check = Check {
                id: $id,
                title: $title,
                dimension: Dimension::$dimension,
                severity: Severity::$severity,
                level: Level::Must,
                applies: Applies::ANYWHERE,
                reads: Reads::All,
                basis: &[Basis {
                    title: "MCP 2025-11-25, Transports, Security Warning",
                    url: "https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#security-warning",
                }],
                rationale: "Because.",
                remediation: "Compare the Origin header with a list of your own sites before anything else is read, and \
                              answer 403 to every other one: `if (origin && !allowed.has(origin)) return 403`. Requests \
                              without an Origin header do not come from a web page and stay allowed.",
                causes: &[],
                how: How { sent: "Nothing.", passes: "Anything.", warns: "", fails: "" },
                judge: undecided,
            };
            &CHECK
        }),*];
    };
}

checks! {
    "tls-required" D7 Critical "Traffic is encrypted";
    "rpc-envelope-valid" D2 High "Replies are valid JSON-RPC 2.0";
    "rpc-id-echo" D2 High "Replies echo the request id in value and type";
    "rpc-malformed-codes" D2 Low "Malformed requests get the right error codes";
    "rpc-bad-input-no-5xx" D8 High "Bad input is refused without a server error";
    "sh-stream-delivers-response" D8 High "Streams carry the reply";
    "sh-content-type-enforced" D7 High "Only JSON is read";
    "modern-discover" D2 Critical "server/discover works";
    "legacy-initialize" D2 Critical "initialize works";
    "legacy-session-id-quality" D7 High "Session ids cannot be guessed";
    "legacy-session-multi-connection" D8 High "Sessions survive a new connection";
    "sse-event-ids" D2 Medium "Events carry ids";
    "sse-keepalive" D8 Medium "Idle streams are kept alive";
    "origin-rejected" D7 Critical "Foreign origins are refused";
    "host-rebinding" D7 Critical "Foreign hosts are refused";
    "cors-no-credentialed-reflection" D7 High "No foreign origin may read replies";
    "tools-described" D2 Medium "Tools are described";
    "ops-latency" D8 Low "Replies come quickly";
    "ops-error-rate" D8 High "Correct requests do not fail";
}

use Status::{Fail, Inconclusive, Info, NotApplicable, Pass, Warn};

pub(crate) fn findings(scan: &Scan, statuses: &[(Status, &str)]) -> Vec<Finding> {
    let last = scan.transcript.exchanges.last().unwrap();
    CHECKS
        .iter()
        .zip(statuses)
        .map(|(check, (status, message))| {
            let undecided = matches!(status, Inconclusive | NotApplicable | Status::Error);
            let severity = if *status == Warn { check.severity.lower() } else { check.severity };
            let evidence = if undecided { Vec::new() } else { vec![Evidence::status(last)] };
            Finding {
                check,
                status: *status,
                message: (*message).to_owned(),
                severity,
                evidence,
                unstable: false,
                cause: None,
                charged_to: None,
            }
        })
        .collect()
}

pub(crate) const DEV_SERVER: [(Status, &str); 19] = [
    (NotApplicable, "loopback needs no encryption"),
    (Pass, "40 replies are JSON-RPC 2.0"),
    (Pass, "all three ids came back as they were sent"),
    (Warn, "truncated JSON is answered with 400 and no JSON-RPC error"),
    (Pass, "seven kinds of bad input were refused with 4xx"),
    (Pass, "the stream carried the reply and ended"),
    (Pass, "text/plain is refused with 415"),
    (Pass, "server/discover lists 2026-07-28"),
    (Pass, "initialize negotiates 2025-11-25"),
    (Pass, "session ids are random"),
    (Pass, "8 of 8 new connections were served in the session"),
    (Warn, "events carry no ids, so a client cannot resume after a drop"),
    (Inconclusive, "not sent: the quick profile leaves it out; scan with the standard profile"),
    (Fail, "a request from https://scanner-origin.invalid was served like one without an Origin"),
    (Fail, "a request for Host scanner-origin.invalid was served"),
    (Pass, "no foreign origin is reflected"),
    (Pass, "both tools have a description"),
    (Info, "median 4 ms on loopback says nothing about the network"),
    (Pass, "none of 40 correct requests failed"),
];

pub(crate) fn dev_server() -> Scan {
    let mut scan = Scan::dual(true);
    for step in ["integer", "string", "unicode"] {
        let body = json!({"jsonrpc":"2.0","id":7,"method":"server/discover","params":{}});
        scan = scan
            .with(post(ProbeId::IdEcho, step, Era::Modern, body).result(json!({"resultType":"complete"})));
    }
    scan
}

/// Snapshots show the layout, not what changes with every release.
pub(crate) fn stable(mut report: Report) -> Report {
    report.tool.version = "0.0.0".to_owned();
    report.rubric.version = "0.0.0".to_owned();
    report.rubric.sha256 = "0".repeat(64);
    report.transcript.sha256 = "1".repeat(64);
    for row in &mut report.findings {
        row.area = AREAS.iter().find(|(start, _)| row.finding.check.id.starts_with(start)).unwrap().1;
    }
    report
}

pub(crate) fn report(scan: &Scan, statuses: &[(Status, &str)], gates: &Gates) -> Report {
    let readings = Readings::new(&scan.transcript);
    stable(assemble(&readings, findings(scan, statuses), "", &Rubric::default_rubric(), gates))
}

/// All of them alike.
pub(crate) fn alike(scan: &Scan, status: Status, message: &str) -> Report {
    report(scan, &[(status, message); 19], &Gates::default())
}

/// Reports of the kinds that renderers must tell apart, by name.
pub(crate) fn cases() -> Vec<(&'static str, Vec<Report>)> {
    let gates = Gates { min_score: Some(80.0), ..Gates::default() };
    let mut named = report(&dev_server(), &DEV_SERVER, &Gates::default());
    named.named_at = Some(NamedAt { file: "deploy/server.json".to_owned(), line: 7 });
    named.label = Some("staging".to_owned());
    vec![
        ("dev_server", vec![report(&dev_server(), &DEV_SERVER, &gates)]),
        ("dead_port", vec![dead_port()]),
        ("web_page", vec![web_page()]),
        ("gated", vec![gated()]),
        ("several", vec![named, dead_port(), gated()]),
    ]
}

pub(crate) fn web_page() -> Report {
    let html = "<!doctype html><title>x</title>";
    let scan = Scan::empty()
        .with(discover().status(404).body("text/html", html))
        .with(initialize(ProbeId::Classify, "initialize").status(404).body("text/html", html))
        .with(get(ProbeId::Classify, "get").status(200).body("text/html", html));
    alike(&scan, NotApplicable, "nothing an agent could use was found here")
}

pub(crate) fn dead_port() -> Report {
    let mut scan = Scan::empty()
        .with(discover().failed(Phase::Connect, FailureKind::Refused))
        .with(initialize(ProbeId::Classify, "initialize").failed(Phase::Connect, FailureKind::Refused));
    scan.transcript.exchanges.remove(0);
    for exchange in &mut scan.transcript.exchanges {
        exchange.head = None;
        exchange.content = crate::transcript::Content::None;
    }
    alike(&scan, Inconclusive, "the endpoint could not be reached: connection refused")
}

pub(crate) fn gated() -> Report {
    let hidden = (Inconclusive, "behind authentication, and no credential was given");
    let mut statuses = [hidden; 19];
    for (check, status) in CHECKS.iter().zip(&mut statuses) {
        match check.id {
            "origin-rejected" | "host-rebinding" => {
                *status = (Pass, "refused with 403 before the credential is asked for");
            }
            "sh-content-type-enforced" => *status = (Pass, "refused with 401"),
            id if id.starts_with("legacy-") || id.starts_with("modern-") || id.starts_with("sse-") => {
                *status = (NotApplicable, "not seen: the endpoint is behind authentication");
            }
            _ => {}
        }
    }
    report(&Scan::gated(), &statuses, &Gates::default())
}

/// A report in which everything that is not ours is this text.
pub(crate) fn hostile(text: &str) -> Report {
    let own = || text.to_owned();
    let mut scan = dev_server().tls(Tls {
        us: 1,
        version: Some(own()),
        cipher: Some(own()),
        alpn: Some(own()),
        chain: vec![Certificate {
            subject: own(),
            issuer: own(),
            not_before: own(),
            not_after: own(),
            names: vec![own()],
            sha256: String::new(),
        }],
        faults: Vec::new(),
        roots: String::new(),
        operator_roots: false,
    });
    // A name that is shown in two forms.
    scan.transcript.header.url = format!("http://xn--bcher-kva.example/{text}");
    scan.transcript.header.label = Some(own());
    scan.transcript.header.started_at = own();
    let statuses: Vec<(Status, &str)> = DEV_SERVER.iter().map(|(status, _)| (*status, text)).collect();
    let mut report = report(&scan, &statuses, &Gates { min_score: Some(100.0), ..Gates::default() });
    // A stream that was watched, dropped and taken up again, so that every timeline has something to draw.
    for (index, bar) in report.timeline.bars.iter_mut().enumerate() {
        bar.step = own();
        bar.method = own();
        bar.url = own();
        bar.ids = [own(), format!("{text}2")].map(|id| EventId { id, priming: false }).into();
        bar.failure = (index % 2 == 0).then(own);
        bar.streams = true;
        bar.head_us = Some(bar.started_us);
        bar.ended_us = bar.started_us.saturating_add(6_000_000);
        let exchange = bar.exchange.saturating_sub(1);
        bar.resumes = (index > 0).then(|| Resumption { exchange, after: own() });
    }
    report.classification.server = Some(ServerInfo { name: own(), version: own() });
    report.classification.endpoint = own();
    report.classification.reason = own();
    report.classification.found_at = vec![Found { url: own(), what: own() }];
    report.era_guess = Some(EraGuess {
        eras: Vec::new(),
        revisions: Vec::new(),
        words: own(),
        hints: vec![Hint { exchange: 1, what: own() }],
    });
    report.tried = vec![Tried { exchange: 1, what: own(), outcome: own() }];
    for row in &mut report.findings {
        for evidence in &mut row.finding.evidence {
            evidence.excerpt = own();
            evidence.pointer = own();
        }
    }
    report
}

/// The same from another hand: what an operator, a rubric or a merged file may bring.
fn foreign(text: &str, kind: Kind) -> Report {
    let own = || text.to_owned();
    let mut report = hostile(text);
    report.classification.kind = kind;
    if kind != Kind::None {
        report.url = own();
    }
    report.tool.version = own();
    report.rubric.id = own();
    report.rubric.version = own();
    report.transcript.sha256 = own();
    report.transcript.complete = false;
    report.named_at = Some(NamedAt { file: own(), line: 0 });
    report.gate.asked = 2;
    report.gate.failed = vec![own()];
    report.gate.withheld = vec![own()];
    report.score.grade = Some(own());
    report.score.withheld = Some(own());
    for row in &mut report.findings {
        row.reproduce = row.finding.evidence.iter().map(|_| Some(own())).collect();
    }
    for hit in &mut report.score.caps {
        hit.cap.reason = own();
    }
    if kind == Kind::Unreachable {
        report.score.value = None;
        report.exit = crate::exit::Exit::NothingToJudge;
    }
    report
}

/// What terminals, logs, Markdown, HTML, XML and shells interpret, besides [`HOSTILE`].
const CORPUS: &[&str] = &[
    "",
    " ",
    "::warning file=a,line=1::x",
    "  ::add-mask::x",
    "##[error]x",
    "a ##[add-mask]b",
    "##vso[task.setvariable variable=x]y",
    "::stop-commands::x\n::error::y",
    "%0A::error::x",
    "# heading",
    "- list\n1. list",
    "| cell | cell |\\|",
    "`code` ``more`` ```",
    "![x](https://evil.example/x.png)",
    "[x](javascript:alert(1))",
    "<img src=x onerror=alert(1)>",
    "</details><script>alert(1)</script>",
    "<!-- x --> ]]> --> <![CDATA[x]]>",
    "&lt;b&gt; &#x1b; &amp;",
    "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>&e;",
    "@everyone #1 GH-1 a/b#1 owner@example.org",
    "https://evil.example www.evil.example evil.example :bomb:",
    "$x$ $$y$$ ~~z~~ **b** _i_",
    "'\"`$(id);\\",
    "{0} {1} [link](1) \\[x\\]",
    "=cmd|' /C calc'!A0",
    "../../../etc/passwd",
    "http://[::1",
    "javascript:alert(1)",
    "\u{0}\u{1}\u{8}\u{b}\u{c}\u{e}\u{1f}\u{7f}\u{80}\u{9f}\u{fffe}\u{ffff}",
    "\u{d7ff}\u{e000}\u{10ffff}",
];

fn bytes(format: Format, reports: &[Report]) -> String {
    let exit = Exit::GateFailed;
    let run = Run { reports, missing: &[], exit, written: &[], style: Style::plain(100) };
    String::from_utf8(format.render(&run)).unwrap()
}

/// Reads a document with the strict reader of its format. A new format does not compile without one.
fn strict(format: Format, text: &str, reports: &[Report]) {
    match format {
        Format::Table => assert!(text::tests::is_safe(text)),
        Format::Json => {
            read_back(text, reports);
        }
        Format::Jsonl => {
            assert_eq!(text.lines().count(), reports.len());
            for (line, report) in text.lines().zip(reports) {
                read_back(line, std::slice::from_ref(report));
            }
        }
        Format::Html => html::tests::strict(text),
        Format::Sarif | Format::SarifAlerts => strict::sarif(&serde_json::from_str(text).unwrap(), reports),
        Format::Junit => strict::junit(text, reports),
        Format::Markdown => strict::markdown(text, markdown::COMMENT),
        Format::Github => strict::commands(text),
        Format::Gitlab => strict::gitlab(&serde_json::from_str(text).unwrap()),
        Format::Badge => strict::badge(&serde_json::from_str(text).unwrap()),
        Format::BadgeSvg => strict::svg(text),
    }
}

/// The JSON of what was read is the JSON that was read.
fn read_back(text: &str, reports: &[Report]) {
    let read = json::read(text.as_bytes()).unwrap();
    assert_eq!(read.len(), reports.len());
    for (read, report) in read.into_iter().zip(reports) {
        let read = json::restore(read).unwrap();
        let (mut read, mut report) = (JsonReport::from(&read), JsonReport::from(report));
        // Metadata of the checks comes from the registry; the fixtures have their own.
        for finding in read.findings.iter_mut().chain(&mut report.findings) {
            (finding.title, finding.remediation) = (String::new(), String::new());
            finding.area.clear();
            finding.basis.clear();
            (finding.level, finding.dimension) = (Level::Must, Dimension::D2);
        }
        assert_eq!(read, report);
    }
}

#[test]
fn a_guessed_era_is_labelled_as_such_and_comes_back() {
    let mut report = gated();
    report.era_guess = Some(EraGuess {
        eras: vec![Era::Legacy],
        revisions: vec![Revision::V2025_06_18, Revision::V2025_11_25],
        words: "legacy era".to_owned(),
        hints: vec![Hint { exchange: 2, what: "a sign is there".to_owned() }],
    });
    let reports = [report];
    for format in [Format::Table, Format::Markdown, Format::Html] {
        // Terminals wrap.
        let text: Vec<String> = bytes(format, &reports).split_whitespace().map(str::to_owned).collect();
        assert!(text.join(" ").contains("guess: legacy era (a sign is there)"), "{}", format.name());
    }
    let text = bytes(Format::Json, &reports);
    read_back(&text, &reports);
    let class = &serde_json::from_str::<Value>(&text).unwrap()["classification"];
    assert_eq!(class["confidence"], "confirmed", "that there is a gate is no guess");
    let hints = json!([{ "exchange": 2, "what": "a sign is there" }]);
    assert_eq!(
        class["era_guess"],
        json!({
            "confidence": "guess", "eras": ["legacy"], "revisions": ["2025-06-18", "2025-11-25"],
            "words": "legacy era", "hints": hints,
        })
    );
}

#[test]
fn every_format_is_what_its_readers_expect() {
    for (name, reports) in cases() {
        for format in Format::ALL {
            let text = bytes(*format, &reports);
            assert_eq!(text, bytes(*format, &reports), "same input, same bytes");
            assert!(text.ends_with('\n') || text.is_empty(), "{name} {}", format.name());
            strict(*format, &text, &reports);
        }
    }
}

#[test]
fn the_hostile_corpus_stays_text_in_every_format() {
    for text in HOSTILE.iter().chain(CORPUS) {
        let kinds = [Kind::Dual, Kind::None, Kind::Unreachable];
        let reports = &kinds.map(|kind| foreign(text, kind));
        for format in Format::ALL {
            let document = bytes(*format, reports);
            let name = format.name();
            assert!(document.chars().all(|c| c == '\n' || harmless(c)), "{name} {text:?}");
            if *format != Format::Github {
                let line = document.lines().find(|line| sink::commands_a_log(line));
                assert_eq!(line, None, "{name} {text:?}");
            }
            strict(*format, &document, reports);
        }
        strict::markdown(&markdown::render(reports, &[], markdown::SUMMARY), markdown::SUMMARY);
        strict::outputs(&github::outputs(reports, Exit::Ok, None));
    }
}

#[test]
fn a_megabyte_of_text_stays_within_the_limits() {
    let long = "A<`@\u{1b}|é".repeat(1_000_000 / 9);
    let mut report = report(&dev_server(), &DEV_SERVER, &Gates::default());
    report.label = Some(long.clone());
    for row in report.findings.iter_mut().filter(|row| row.finding.status == Fail) {
        row.finding.message.clone_from(&long);
        row.finding.evidence[0].excerpt.clone_from(&long);
        row.reproduce[0] = Some(long.clone());
    }
    let reports = [report];
    for format in Format::ALL {
        let text = bytes(*format, &reports);
        strict(*format, &text, &reports);
        let most = match format {
            // The whole report is the whole report.
            Format::Table | Format::Json | Format::Jsonl => usize::MAX,
            Format::Sarif | Format::SarifAlerts => 8_000_000,
            Format::Html => 300_000,
            _ => 100_000,
        };
        assert!(text.len() <= most, "{}: {}", format.name(), text.len());
    }
    strict::outputs(&github::outputs(&reports, Exit::Ok, None));
}

#[test]
fn targets_of_one_url_stay_apart() {
    let one = |label: Option<&str>| {
        let mut report = report(&dev_server(), &DEV_SERVER, &Gates::default());
        report.label = label.map(str::to_owned);
        report
    };
    let reports = [one(Some("reader")), one(Some("writer")), one(None), one(None), dead_port()];
    for format in Format::ALL {
        strict(*format, &bytes(*format, &reports), &reports);
    }
    // A target has one key, whatever else is in the document: its name, or its URL without the port of a run.
    assert_eq!(super::key::keys(&reports[..1]), ["reader"]);
    let ports = [41_001, 41_002].map(|port| {
        let mut report = one(None);
        report.url = format!("http://127.0.0.1:{port}/mcp");
        report
    });
    assert_eq!(super::key::keys(&ports[..1]), super::key::keys(&ports[1..]));
    assert_eq!(super::key::keys(&ports), ports.each_ref().map(|report| report.url.clone()), "ports tell");
    let moved = ["https://pr-1.preview.example/mcp", "https://pr-2.preview.example/mcp"].map(|url| {
        let mut report = one(Some("api"));
        report.url = url.to_owned();
        report
    });
    for format in [Format::Sarif, Format::Junit, Format::Gitlab] {
        let known = |report: &Report| {
            let text = bytes(format, std::slice::from_ref(report));
            let names = ["\"id\": \"agentgauge/", "LineHash\"", "\"fingerprint\"", "classname=\""];
            let lines = text.lines().filter(|line| names.iter().any(|name| line.contains(name)));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        let (first, second) = (known(&moved[0]), known(&moved[1]));
        assert!(!first.is_empty(), "{}", format.name());
        assert_eq!(first, second, "{}", format.name());
    }
    let long = "x".repeat(5_000);
    let reports = [long.clone() + "a", long + "b"].map(|url| {
        let mut report = one(None);
        report.url = format!("http://127.0.0.1/{url}");
        report
    });
    for format in Format::ALL {
        strict(*format, &bytes(*format, &reports), &reports);
    }
}

#[test]
fn many_targets_fit_a_comment() {
    let reports: Vec<Report> =
        (0..60).map(|_| report(&dev_server(), &DEV_SERVER, &Gates::default())).collect();
    let text = markdown::render(&reports, &[], markdown::COMMENT);
    strict::markdown(&text, markdown::COMMENT);
    assert!(text.contains("did not fit here"), "{text}");
    let commands = bytes(Format::Github, &reports);
    strict::commands(&commands);
    assert!(commands.contains("more: see the step summary"));
    assert!(commands.contains("::notice title=agentgauge::and 51 more targets: see the step summary\n"));
    let nine = bytes(Format::Github, &reports[..9]);
    assert!(!nine.contains("more targets"), "{nine}");
}

#[test]
fn formats_look_as_they_did() {
    for (name, reports) in cases() {
        for format in Format::ALL {
            let text = bytes(*format, &reports);
            let text = match format {
                // These have their own; rules are those of the registry, which grows.
                Format::Table | Format::Html => continue,
                Format::Sarif | Format::SarifAlerts => {
                    let mut value: Value = serde_json::from_str(&text).unwrap();
                    for run in value["runs"].as_array_mut().unwrap() {
                        run["tool"]["driver"]["rules"] = json!("(those of the registry)");
                        for result in run["results"].as_array_mut().unwrap() {
                            result["ruleIndex"] = json!("(its place there)");
                        }
                    }
                    serde_json::to_string_pretty(&value).unwrap()
                }
                _ => text,
            };
            // Large documents once; the others in every case.
            let large = matches!(format, Format::Json | Format::Jsonl | Format::Sarif | Format::Junit);
            if !large || name == "dev_server" {
                insta::assert_snapshot!(format!("{name}.{}", format.name()), text);
            }
        }
    }
}

#[test]
fn names_of_formats_are_distinct() {
    let mut names: Vec<&str> = Format::ALL.iter().map(|format| format.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Format::ALL.len());
}

#[test]
fn a_withheld_score_is_grey_and_no_number() {
    for reports in [vec![gated()], vec![report(&dev_server(), &DEV_SERVER, &Gates::default()), gated()]] {
        let badge: Value = serde_json::from_str(&badge::render(&reports)).unwrap();
        assert_eq!((&badge["message"], &badge["color"]), (&json!("no score"), &json!("lightgrey")));
        assert!(badge::render_svg(&reports).contains("agent-ready: no score"));
    }
}

/// Answers every request with 429.
fn limited() -> Report {
    let scan = Scan::empty()
        .with(discover().status(429).body("text/plain", "x"))
        .with(initialize(ProbeId::Classify, "initialize").status(429).body("text/plain", "x"))
        .with(get(ProbeId::Classify, "get").status(429).body("text/plain", "x"));
    alike(&scan, Inconclusive, "our requests are refused")
}

#[test]
fn the_outputs_of_a_step_say_where_the_report_is() {
    let said = |path: Option<&str>| github::outputs(&[gated()], Exit::Ok, path.map(std::path::Path::new));
    assert!(said(Some("out/the report.html")).ends_with("\nreport=out/the report.html\n"));
    for nothing in [None, Some("a\nscore=100"), Some("a\u{1b}b")] {
        assert!(said(nothing).ends_with("\nreport=\n"), "{nothing:?}");
        strict::outputs(&said(nothing));
    }
}

#[test]
fn who_is_told_to_slow_down_is_advised_to_wait() {
    let next = |report: &Report| {
        let next = super::table::advice::next(report);
        next.unwrap_or_else(|| panic!("{:?}", report.classification))
    };
    let limited = limited();
    assert_eq!(limited.classification.kind, Kind::Blocked);
    assert!(next(&limited).contains("wait") && next(&limited).contains("--rate"), "{}", next(&limited));
    assert!(!next(&limited).contains("credential"), "{}", next(&limited));
    // The same after a trip through a file.
    let read = json::read(&bytes(Format::Json, &[limited]).into_bytes()).unwrap().remove(0);
    assert!(read.classification.reason.starts_with("429"));
    let broken = Scan::empty()
        .with(discover().status(503).body("text/plain", "x").header("retry-after", "60"))
        .with(initialize(ProbeId::Classify, "initialize").status(503).body("text/plain", "x"))
        .with(get(ProbeId::Classify, "get").status(503).body("text/plain", "x"));
    let broken = alike(&broken, NotApplicable, "nothing an agent could use was found here");
    assert!(next(&broken).contains("Retry-After") && !next(&broken).contains("path"), "{}", next(&broken));
    assert!(next(&web_page()).contains("check the path"));
}

#[test]
fn nothing_seen_never_looks_like_nothing_found() {
    let exits = [Exit::Inconclusive, Exit::NothingToJudge, Exit::NothingToJudge, Exit::Inconclusive];
    for (report, exit) in [limited(), dead_port(), web_page(), gated()].into_iter().zip(exits) {
        assert_eq!((report.exit, report.score.value), (exit, None));
        let reports = [report];
        let issues: Value = serde_json::from_str(&bytes(Format::Gitlab, &reports)).unwrap();
        assert_eq!(issues[0]["check_name"], "agentgauge", "{exit:?}: {issues}");
        let graver = if exit == Exit::Ok { "major" } else { "blocker" };
        assert_eq!(issues[0]["severity"], graver);
        let junit = bytes(Format::Junit, &reports);
        let (_, whole) = junit.split_once("name=\"agentgauge\" time=").unwrap();
        let (whole, _) = whole.split_once("</testcase>").unwrap();
        assert_eq!(whole.contains("<error "), exit != Exit::Ok, "{junit}");
        assert_eq!(whole.contains("<skipped message=\"no score: "), exit == Exit::Ok, "{junit}");
        let commands = bytes(Format::Github, &reports);
        assert_eq!(commands.contains("::error "), exit != Exit::Ok, "{commands}");
        assert!(commands.contains("::no score for "), "{commands}");
        let sarif: Value = serde_json::from_str(&bytes(Format::SarifAlerts, &reports)).unwrap();
        let told = &sarif["runs"][0]["invocations"][0]["toolExecutionNotifications"];
        assert!(
            ["unreachable", "nothing-to-judge", "score-withheld"]
                .contains(&told[0]["descriptor"]["id"].as_str().unwrap())
        );
        assert!(bytes(Format::Markdown, &reports).contains("No score: "));
    }
    // What was judged and found sound is an empty list.
    let sound = alike(&dev_server(), Pass, "so it is");
    assert_eq!(bytes(Format::Gitlab, &[sound]), "[]\n");
}

#[test]
fn a_finding_that_may_turn_out_differently_is_marked_in_every_format() {
    let sure = report(&dev_server(), &DEV_SERVER, &Gates::default());
    let mut unsure = sure.clone();
    for row in unsure.findings.iter_mut().filter(|row| row.finding.check.id == "sse-event-ids") {
        row.finding.unstable = true;
        // The mark stays where the message is cut.
        row.finding.message = "long ".repeat(1_000);
    }
    let remark = "(a repetition may turn out differently)";
    for format in Format::ALL {
        let [sure, unsure] = [&sure, &unsure].map(|report| bytes(*format, std::slice::from_ref(report)));
        let marked = match format {
            // A badge has no findings.
            Format::Badge | Format::BadgeSvg => continue,
            Format::Json | Format::Jsonl => "\"unstable\":true",
            Format::Html => "a repetition may turn out differently",
            Format::Table => "differently)",
            _ => remark,
        };
        let squeezed =
            |text: &str| if marked.starts_with('"') { text.replace("\": ", "\":") } else { text.to_owned() };
        assert!(squeezed(&unsure).contains(marked), "{}: {unsure}", format.name());
        assert!(!squeezed(&sure).contains(marked), "{}", format.name());
    }
    let narrow = super::table::render(&unsure, &Style::plain(60));
    assert!(narrow.contains("differently)"), "{narrow}");
    let log: Value = serde_json::from_str(&bytes(Format::Sarif, &[unsure])).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    let marked: Vec<&Value> = results.iter().filter(|one| one["properties"]["unstable"] == true).collect();
    assert_eq!((marked.len(), &marked[0]["ruleId"]), (1, &json!("sse-event-ids")));
}

#[test]
fn what_the_baseline_lists_is_found_and_no_news() {
    let mut report = report(&dev_server(), &DEV_SERVER, &Gates::default());
    report.gate.standings.insert("origin-rejected".to_owned(), Standing::Known);
    report.gate.standings.insert("host-rebinding".to_owned(), Standing::New);
    let reports = [report];
    let log: Value = serde_json::from_str(&bytes(Format::Sarif, &reports)).unwrap();
    strict::sarif(&log, &reports);
    let result = |id: &str| {
        let results = log["runs"][0]["results"].as_array().unwrap();
        results.iter().find(|result| result["ruleId"] == id).unwrap().clone()
    };
    assert_eq!(result("origin-rejected")["suppressions"][0]["status"], "accepted");
    assert_eq!(result("origin-rejected")["baselineState"], "unchanged");
    assert_eq!(result("host-rebinding")["suppressions"], Value::Null);
    assert_eq!(result("host-rebinding")["baselineState"], "new");
    let junit = bytes(Format::Junit, &reports);
    strict::junit(&junit, &reports);
    assert!(junit.contains("<skipped message=\"listed in the baseline: a request from"));
    let commands = bytes(Format::Github, &reports);
    assert!(commands.contains("title=host-rebinding") && !commands.contains("title=origin-rejected"));
}

#[test]
fn fingerprints_do_not_depend_on_time_or_words() {
    let prints = |report: &Report| -> Vec<Value> {
        let value: Value = serde_json::from_str(&bytes(Format::Sarif, std::slice::from_ref(report))).unwrap();
        let results = value["runs"][0]["results"].as_array().unwrap().clone();
        results.iter().map(|result| result["partialFingerprints"].clone()).collect()
    };
    let first = report(&dev_server(), &DEV_SERVER, &Gates::default());
    let mut later = first.clone();
    later.started_at = "2027-01-01T00:00:00Z".to_owned();
    later.duration_ms = 99;
    later.tool.version = "9.9.9".to_owned();
    for row in &mut later.findings {
        row.finding.message.push_str(" after 12.3 ms");
    }
    assert_eq!(prints(&first), prints(&later));
    let mut other = first.clone();
    other.url.push('x');
    assert_ne!(prints(&first)[0], prints(&other)[0]);
}

#[test]
fn a_report_with_a_foreign_check_is_refused() {
    let mut foreign = JsonReport::from(&gated());
    foreign.findings[0].check = "new-check".to_owned();
    assert!(json::restore(foreign).unwrap_err().to_string().contains("'new-check' is not known"));
}
