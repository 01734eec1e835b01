use serde_json::json;

use super::*;
use crate::check::{Applies, Basis, Check, Reads};
use crate::facts::Readings;
use crate::finding::{Dimension, Evidence, Finding, Judgement, Level, Severity, Status, inconclusive};
use crate::gate::Gates;
use crate::judge::assemble;
use crate::protocol::revision::Era;
use crate::report::text::tests::{HOSTILE, is_safe};
use crate::rubric::Rubric;
use crate::transcript::synthetic::{Scan, discover, get, initialize, post};
use crate::transcript::{Certificate, FailureKind, Phase, ProbeId, Tls};

/// The areas of the checks below, by the start of their ids: the registry may grow around them.
const AREAS: [(&str, &str); 11] = [
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
        const CHECKS: &[&Check] = &[$({
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

fn findings(scan: &Scan, statuses: &[(Status, &str)]) -> Vec<Finding> {
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
            }
        })
        .collect()
}

const DEV_SERVER: [(Status, &str); 19] = [
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

fn dev_server() -> Scan {
    let mut scan = Scan::dual(true);
    for step in ["integer", "string", "unicode"] {
        let body = json!({"jsonrpc":"2.0","id":7,"method":"server/discover","params":{}});
        scan = scan
            .with(post(ProbeId::IdEcho, step, Era::Modern, body).result(json!({"resultType":"complete"})));
    }
    scan
}

/// Snapshots show the layout, not what changes with every release.
fn stable(mut report: Report) -> Report {
    report.tool.version = "0.0.0".to_owned();
    report.rubric.version = "0.0.0".to_owned();
    report.rubric.sha256 = "0".repeat(64);
    report.transcript.sha256 = "1".repeat(64);
    for row in &mut report.findings {
        row.area = AREAS.iter().find(|(start, _)| row.finding.check.id.starts_with(start)).unwrap().1;
    }
    report
}

fn report(scan: &Scan, statuses: &[(Status, &str)], gates: &Gates) -> Report {
    let readings = Readings::new(&scan.transcript);
    stable(assemble(&readings, findings(scan, statuses), &Rubric::default_rubric(), gates))
}

/// All of them alike.
fn alike(scan: &Scan, status: Status, message: &str) -> Report {
    report(scan, &[(status, message); 19], &Gates::default())
}

fn plain(report: &Report, width: usize) -> String {
    let text = render(report, &Style { colour: false, width });
    assert!(is_safe(&text));
    for line in text.lines() {
        let copied =
            ["try ", "agentgauge ", "https://"].iter().any(|start| line.trim_start().starts_with(start));
        assert!(copied || layout::columns(line) <= width, "over {width} columns: {line}");
    }
    text
}

#[test]
fn the_first_screen_holds_score_and_three_fixes() {
    let gates = Gates { min_score: Some(80.0), ..Gates::default() };
    let text = plain(&report(&dev_server(), &DEV_SERVER, &gates), 100);
    let screen: Vec<&str> = text.lines().take(24).collect();
    for wanted in
        ["Score ", "D2 ", "D7 ", "D8 ", "Capped:", "Gate:", "1 FAIL host-rebinding", "2 FAIL ", "3 WARN "]
    {
        assert!(
            screen.iter().any(|line| line.starts_with(wanted) || line.trim_start().starts_with(wanted)),
            "{wanted}: {text}"
        );
    }
    assert_eq!(screen.iter().filter(|line| line.trim_start().starts_with("Source")).count(), 3, "{text}");
    insta::assert_snapshot!("dev_server_wide", text);
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
    let coloured = render(&report, &Style { colour: true, width: 100 });
    let codes = regex::Regex::new("\u{1b}\\[[0-9;]*m").unwrap();
    assert!(codes.is_match(&coloured));
    assert_eq!(codes.replace_all(&coloured, ""), plain(&report, 100));
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
    let html = "<!doctype html><title>x</title>";
    let scan = Scan::empty()
        .with(discover().status(404).body("text/html", html))
        .with(initialize(ProbeId::Classify, "initialize").status(404).body("text/html", html))
        .with(get(ProbeId::Classify, "get").status(200).body("text/html", html));
    let report = alike(&scan, NotApplicable, "nothing an agent could use was found here");
    insta::assert_snapshot!("web_page", plain(&report, 100));
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
fn a_dead_port_is_one_clear_sentence() {
    let scan = Scan::empty();
    let mut scan = scan
        .with(discover().failed(Phase::Connect, FailureKind::Refused))
        .with(initialize(ProbeId::Classify, "initialize").failed(Phase::Connect, FailureKind::Refused));
    scan.transcript.exchanges.remove(0);
    for exchange in &mut scan.transcript.exchanges {
        exchange.head = None;
        exchange.content = crate::transcript::Content::None;
    }
    let report = alike(&scan, Inconclusive, "the endpoint could not be reached: connection refused");
    insta::assert_snapshot!("dead_port", plain(&report, 100));
}

#[test]
fn a_gated_endpoint_says_how_to_go_on() {
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
    insta::assert_snapshot!("gated", plain(&report(&Scan::gated(), &statuses, &Gates::default()), 100));
}

#[test]
fn nothing_remote_reaches_the_terminal_unescaped() {
    for text in HOSTILE {
        let mut scan = dev_server().tls(Tls {
            us: 1,
            version: Some((*text).to_owned()),
            cipher: Some((*text).to_owned()),
            alpn: Some((*text).to_owned()),
            chain: vec![Certificate {
                subject: (*text).to_owned(),
                issuer: (*text).to_owned(),
                not_before: (*text).to_owned(),
                not_after: (*text).to_owned(),
                names: vec![(*text).to_owned()],
                sha256: String::new(),
            }],
            faults: Vec::new(),
            roots: String::new(),
            operator_roots: false,
        });
        scan.transcript.header.url = format!("http://127.0.0.1/{text}");
        scan.transcript.header.label = Some((*text).to_owned());
        scan.transcript.header.started_at = (*text).to_owned();
        let hostile: Vec<(Status, &str)> = DEV_SERVER.iter().map(|(status, _)| (*status, *text)).collect();
        let mut report = report(&scan, &hostile, &Gates { min_score: Some(100.0), ..Gates::default() });
        report.classification.server = Some(crate::facts::classification::ServerInfo {
            name: (*text).to_owned(),
            version: (*text).to_owned(),
        });
        report.classification.endpoint = (*text).to_owned();
        report.classification.reason = (*text).to_owned();
        report.classification.found_at =
            vec![crate::facts::classification::Found { url: (*text).to_owned(), what: (*text).to_owned() }];
        report.tried =
            vec![crate::report::Tried { exchange: 1, what: (*text).to_owned(), outcome: (*text).to_owned() }];
        for row in &mut report.findings {
            for evidence in &mut row.finding.evidence {
                evidence.excerpt = (*text).to_owned();
                evidence.pointer = (*text).to_owned();
            }
        }
        for kind in [crate::facts::Kind::Dual, crate::facts::Kind::None, crate::facts::Kind::AuthGated] {
            report.classification.kind = kind;
            for width in [40, 100] {
                assert!(is_safe(&render(&report, &Style { colour: false, width })), "{text:?}");
            }
        }
    }
}

#[test]
fn same_input_same_bytes() {
    let twice = [0, 1].map(|_| plain(&report(&dev_server(), &DEV_SERVER, &Gates::default()), 100));
    assert_eq!(twice[0], twice[1]);
    let many = render_all(
        &[alike(&Scan::gated(), Pass, "x"), alike(&dev_server(), Fail, "x")],
        &Style { colour: false, width: 60 },
    );
    assert_eq!(many.matches("What the scan cost the endpoint").count(), 2);
    assert_eq!(many.matches(&"─".repeat(60)).count(), 1);
}

#[test]
fn the_json_of_a_scored_report_obeys_the_schema_and_floors() {
    let gates = Gates { min_score: Some(80.0), ..Gates::default() };
    let report = report(&dev_server(), &DEV_SERVER, &gates);
    let value: serde_json::Value = serde_json::from_slice(&crate::report::json::render(&report)).unwrap();
    let schema = serde_json::from_str(&crate::schema::report()).unwrap();
    jsonschema::validator_for(&schema).unwrap().validate(&value).unwrap();
    assert_eq!(value["score"]["value"], 77.9);
    assert_eq!(value["score"]["points_possible"], 40);
    assert_eq!(value["score"]["dimensions"]["D2"]["value"], 89.1);
    // Both caps lie below the 54.5 that were earned; the lower one decides.
    let caps = [0, 1].map(|index| value["score"]["caps"][index]["check"].as_str().unwrap());
    assert_eq!(caps, ["origin-rejected", "host-rebinding"]);
    assert_eq!(value["score"]["dimensions"]["D7"]["value"], 40.0);
    assert_eq!(
        value["gate"],
        json!({"passed": false, "reasons": ["score 77.9 is below 80: host-rebinding fail, origin-rejected fail and 2 more"]})
    );
    assert_eq!(value["exit"], json!({"code": 1, "name": "gate-failed"}));
    assert!(value["findings"][13]["evidence"][0]["reproduce"].as_str().unwrap().starts_with("curl "));
}
