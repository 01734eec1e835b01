//! Reports made by hand, shared by the tests of every renderer, and what holds for all formats.

use serde_json::json;

use crate::check::{Applies, Basis, Check, Reads};
use crate::facts::Readings;
use crate::finding::{Dimension, Evidence, Finding, Judgement, Level, Severity, Status, inconclusive};
use crate::gate::Gates;
use crate::judge::assemble;
use crate::protocol::revision::Era;
use crate::report::Report;
use crate::rubric::Rubric;
use crate::transcript::ProbeId;
use crate::transcript::synthetic::{Scan, post};

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
    report.rubric.sha256 = "0".repeat(64);
    report.transcript.sha256 = "1".repeat(64);
    for row in &mut report.findings {
        row.area = AREAS.iter().find(|(start, _)| row.finding.check.id.starts_with(start)).unwrap().1;
    }
    report
}

pub(crate) fn report(scan: &Scan, statuses: &[(Status, &str)], gates: &Gates) -> Report {
    let readings = Readings::new(&scan.transcript);
    stable(assemble(&readings, findings(scan, statuses), &Rubric::default_rubric(), gates))
}

/// All of them alike.
pub(crate) fn alike(scan: &Scan, status: Status, message: &str) -> Report {
    report(scan, &[(status, message); 19], &Gates::default())
}

