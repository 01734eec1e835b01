//! A field that holds one value is sent once.

use std::collections::{BTreeMap, BTreeSet};

use crate::checks::prelude::*;
use crate::facts::browser::{ALLOW_CREDENTIALS, ALLOW_ORIGIN};
use crate::facts::subject;
use crate::protocol::headers::list;

pub(super) static CHECK: Check = Check {
    id: "http-single-valued-headers",
    title: "A header that holds one value is sent once",
    dimension: Dimension::D2,
    severity: Severity::Medium,
    level: Level::Must,
    applies: Applies::to(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::EventStream],
        Gated::Judged,
    ),
    reads: Reads::All,
    basis: &[
        rfc!(9110, "5.3", "Field Order (no field line twice where one value is held)"),
        Basis {
            title: "RFC 9112, HTTP/1.1, section 6.2 (no Content-Length beside Transfer-Encoding)",
            url: "https://www.rfc-editor.org/rfc/rfc9112#section-6.2",
        },
    ],
    rationale: "Some clients take the first line, some the last, some join them with a comma. A session id or a type \
                that was joined is none, so whether the endpoint works depends on the client.",
    remediation: "Set the header in one place. It is usually a proxy that adds what the application has already set: \
                  remove one of them, in nginx with `proxy_hide_header`, in middleware by setting instead of appending.",
    causes: &[
        Cause { word: "two-types", remedy: None },
        Cause { word: "session-twice", remedy: None },
        Cause { word: "different", remedy: None },
        Cause { word: "alike", remedy: None },
        Cause {
            word: "length-and-coding",
            remedy: Some(
                "Send Content-Length or Transfer-Encoding, not both: leave the framing to the HTTP library, and do \
                 not copy these two headers from a reply that is passed on.",
            ),
        },
    ],
    how: How {
        sent: "Nothing more: the header lines of every reply as they came: Content-Type, Content-Length, Location, \
               Mcp-Session-Id, Retry-After, MCP-Protocol-Version. Those of CORS are judged by `cors-valid`.",
        passes: "Each once.",
        warns: "One twice with the same value, or Content-Length beside Transfer-Encoding.",
        fails: "Content-Type, Location or Mcp-Session-Id twice with different values.",
    },
    judge,
};

/// Fields of one value, and whether clients part ways where two differ.
const FIELDS: [(&str, bool); 6] = [
    ("content-type", true),
    ("location", true),
    (names::SESSION_HEADER, true),
    ("content-length", false),
    ("retry-after", false),
    (names::VERSION_HEADER, false),
];
const CORS: [&str; 2] = [ALLOW_ORIGIN, ALLOW_CREDENTIALS];

fn judge(facts: &Facts<'_>) -> Judgement {
    let mut twice: BTreeMap<(bool, &str), (usize, bool, Evidence)> = BTreeMap::new();
    let (mut sound, mut replies, mut cors) = (None, 0_usize, None);
    let mut both: Vec<&Exchange> = Vec::new();
    for exchange in facts.exchanges().filter(|exchange| subject::own(facts.header(), exchange)) {
        let Some(head) = &exchange.head else { continue };
        replies = replies.saturating_add(1);
        let mut fault = false;
        for (name, parts) in FIELDS {
            let lines: Vec<&str> = head.values(name).flat_map(|line| values(name, line)).collect();
            if lines.len() < 2 {
                continue;
            }
            fault = true;
            let differ = parts && lines.iter().collect::<BTreeSet<_>>().len() > 1;
            let shown = || {
                Evidence::new(exchange, format!("header {name}"), format!("{name}: {}", lines.join(" | ")))
            };
            let entry = twice.entry((differ, name)).or_insert_with(|| (0, false, shown()));
            entry.0 = entry.0.saturating_add(1);
            // What was wrong on purpose is no loss to a client.
            entry.1 |= exchange.ok() && exchange.expectation == Expectation::Plain;
        }
        if head.header("content-length").is_some() && head.header("transfer-encoding").is_some() {
            both.push(exchange);
            fault = true;
        }
        let again = CORS.iter().find(|name| head.values(name).count() > 1);
        cors = cors.or(again.map(|name| (exchange, *name)));
        if !fault {
            sound = sound.or(Some(exchange));
        }
    }
    let mut seen = Observations::new();
    for ((differ, name), (count, needed, evidence)) in twice {
        let (status, word, how) = if differ && needed && name == "content-type" {
            (Status::Fail, "two-types", "different values")
        } else if differ {
            (Status::Fail, "different", "different values")
        } else {
            (Status::Warn, "alike", "one value")
        };
        // Joined by a comma, as client libraries give it, it is the id of no session.
        let word = if needed && name == names::SESSION_HEADER { "session-twice" } else { word };
        let message = format!("{name} is sent twice with {how} on {count} of {replies} replies");
        seen.push(Verdict::of(status, vec![evidence], message).because(word));
    }
    if let Some(first) = both.first() {
        let message =
            format!("Content-Length stands beside Transfer-Encoding on {} of {replies} replies", both.len());
        let evidence = vec![Evidence::header(first, "content-length")];
        seen.push(Verdict::of(Status::Warn, evidence, message).because("length-and-coding"));
    }
    if let Some((exchange, name)) = cors {
        let note = format!("{name} is sent more than once: see `cors-valid`");
        seen.add(Status::Info, Evidence::header(exchange, name), note);
    }
    if let Some(exchange) = sound {
        seen.add(Status::Pass, Evidence::status(exchange), "once");
    }
    seen.verdict(format!("each comes once on all {replies} replies"), "no reply came")
}

/// The values of one line: a proxy may have joined two. A comma may be part of a URL or of an id.
fn values<'l>(name: &str, line: &'l str) -> Vec<&'l str> {
    let joined = matches!(name, "content-type" | "content-length") && list(line).len() > 1;
    if joined { line.split(',').map(str::trim).collect() } else { vec![line.trim()] }
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::examples::*;

    fn ping(lines: &[(&str, &str)]) -> Scan {
        let body = json!({"jsonrpc":"2.0","id":7,"method":"ping"});
        let made = post(ProbeId::Load, "top-up-1", Era::Modern, body).result(json!({}));
        Scan::modern().with(lines.iter().fold(made, |made, (name, value)| made.another_header(name, value)))
    }

    #[test]
    fn one_value_comes_once() {
        let other = "mcp-session-id";
        let examples = [
            pass("once each", ping(&[(other, "~session-1~"), ("content-length", "12")])),
            pass(
                "fields that may repeat",
                ping(&[("vary", "a"), ("vary", "b"), ("set-cookie", "x=1"), ("set-cookie", "y=2")]),
            ),
            pass(
                "a parameter with a comma",
                ping(&[])
                    .with(get(ProbeId::Browser, "base").status(200).body("text/plain; note=\"a, b\"", "x")),
            ),
            pass(
                "fields of CORS, judged elsewhere",
                ping(&[("access-control-allow-origin", "*"), ("access-control-allow-origin", "*")]),
            )
            .naming("see `cors-valid`"),
            warn("a session id twice", ping(&[(other, "~session-1~"), (other, "~session-1~")]))
                .naming("mcp-session-id is sent twice with one value on 1 of"),
            warn("a type twice", ping(&[("content-type", "application/json")])),
            warn("a wait twice", ping(&[("retry-after", "1"), ("retry-after", "2")])),
            warn(
                "a length beside chunks",
                ping(&[("content-length", "9"), ("transfer-encoding", "chunked")]),
            )
            .naming("beside Transfer-Encoding"),
            warn("lengths joined in a line", ping(&[("content-length", "9, 9")])),
            fail("two session ids", ping(&[(other, "~session-1~"), (other, "~session-2~")]))
                .at("header mcp-session-id"),
            fail("two types", ping(&[("content-type", "text/event-stream")])),
            fail(
                "two types in a line",
                ping(&[])
                    .with(get(ProbeId::Browser, "base").status(200).body("application/json, text/html", "x")),
            ),
            undecided("no reply", {
                let mut scan = Scan::modern();
                scan.transcript
                    .exchanges
                    .iter_mut()
                    .for_each(|one| one.request.url = "http://x.example/".to_owned());
                scan
            }),
        ];
        hold(&CHECK, examples);
    }

    #[test]
    fn the_worst_cause_chooses_the_remedy() {
        let mixed =
            ping(&[("content-type", "text/html"), ("content-length", "9"), ("transfer-encoding", "chunked")]);
        assert_eq!(mixed.judge(&CHECK).cause, Some("two-types"));
        let framing = ping(&[("content-length", "9"), ("transfer-encoding", "chunked")]).judge(&CHECK);
        assert!(framing.remediation().contains("not both"), "{}", framing.remediation());
    }
}
