//! Error texts give nothing away about the inside of the server.

use std::borrow::Cow;

use crate::checks::prelude::*;
use crate::facts::error_texts;
use crate::facts::leaks::{Leak, LeakKind, leaks};
use crate::facts::traces;
use crate::protocol::address::Exposure;

pub(super) static CHECK: Check = Check {
    id: "rpc-errors-do-not-leak",
    title: "Error texts hold no stack traces, paths, internal hosts or secrets",
    dimension: Dimension::D7,
    severity: Severity::High,
    level: Level::Practice,
    applies: Applies::mcp(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::Websocket],
        Gated::Judged,
    ),
    reads: Reads::All,
    basis: &[
        Basis {
            title: "CWE-209, Generation of Error Message Containing Sensitive Information",
            url: "https://cwe.mitre.org/data/definitions/209.html",
        },
        mcp!(
            "2026-07-28",
            "Logging, Security (log text must hold no secrets)",
            "server/utilities/logging#security"
        ),
    ],
    rationale: "An agent puts error texts into its context, its logs and often its answers. Stack traces, paths and \
                addresses tell an attacker which software to attack and where.",
    remediation: "Send the error's kind and log the rest: `{\"code\":-32603,\"message\":\"Internal error\"}`. With \
                  Express set `NODE_ENV=production` or add an error handler after `express.json()`; elsewhere switch \
                  the framework's debug mode off.",
    causes: &[],
    how: How {
        sent: "Nothing more: every error body, JSON-RPC error, `isError` text and error page of the \
               scan, less what was sent and the endpoint's own host.",
        passes: "At least five were read to their ends, also what stands in them padded or encoded, and none \
                 gives anything away.",
        warns: "A path of the server, a database error or a framework's debug page.",
        fails: "A stack trace, a host of an internal network, or something that looks like a credential.",
    },
    judge,
};

/// No more replies are read.
const MOST: usize = 500;
/// Fewer clean replies prove nothing.
const LEAST: usize = 5;

fn judge(facts: &Facts<'_>) -> Judgement {
    let public = facts.exposure().is_none_or(|exposure| exposure == Exposure::Public);
    let mut seen = Observations::new();
    let mut cut = 0_usize;
    for exchange in facts.exchanges().filter(|exchange| exchange.probe != ProbeId::Siblings).take(MOST) {
        let found = error_texts::read(exchange, facts.reply(exchange));
        cut = cut.saturating_add(usize::from(found.cut));
        let known = known(facts, exchange);
        let readings = found.readings();
        let leaks = readings.iter().filter_map(|(pointer, text)| {
            // The worst of one text says enough.
            Some((*pointer, leaks(text, public, &known).into_iter().next()?))
        });
        let worst = leaks.fold(None::<(&str, Leak)>, |worst, next| match worst {
            Some(worst) if worst.1.kind >= next.1.kind => Some(worst),
            _ => Some(next),
        });
        let trace = trace_of(facts, exchange, &readings);
        match worst {
            Some((pointer, leak)) => seen.push(shown(exchange, pointer, &leak)),
            None if trace.is_none() && !found.cut && !found.texts.is_empty() => {
                seen.add_with(Status::Pass, || Evidence::status(exchange), "clean");
            }
            None => {}
        }
        if let Some((pointer, frame)) = trace {
            let evidence = Evidence::new(exchange, pointer, frame);
            let message = "an error is a serialised exception with the frames of its stack trace";
            let verdict = Verdict::of(Status::Fail, vec![evidence], message.to_owned());
            seen.push(verdict.with_severity(Severity::Medium));
        }
    }
    let clean = seen.count(Status::Pass);
    if seen.count(Status::Fail) + seen.count(Status::Warn) == 0 {
        if clean > 0 && facts.class().kind == Kind::AuthGated {
            return inconclusive("behind authentication only its refusals were seen, and they are clean");
        }
        if cut > 0 {
            return inconclusive(format!(
                "{cut} error replies are longer than what is read of one, or did not come to their end; {clean} others are clean"
            ));
        }
        if (1..LEAST).contains(&clean) {
            return inconclusive(format!(
                "too few error replies were seen to tell ({clean}), and they are clean"
            ));
        }
    }
    seen.verdict(format!("{clean} error replies give nothing away"), "no error text was seen")
}

fn shown(exchange: &Exchange, pointer: &str, leak: &Leak) -> Verdict {
    let (status, severity) = match leak.kind {
        LeakKind::Credential => (Status::Fail, Severity::High),
        LeakKind::StackTrace | LeakKind::InternalHost => (Status::Fail, Severity::Medium),
        LeakKind::Path | LeakKind::Database | LeakKind::DebugPage => (Status::Warn, Severity::Low),
    };
    let evidence = Evidence::new(exchange, pointer, &leak.excerpt);
    let message = format!("an error text shows {}", leak.kind.words());
    Verdict::of(status, vec![evidence], message).with_severity(severity)
}

/// The first frame of a stack trace that stands in an error as data, or as JSON inside a text, with its place.
fn trace_of(
    facts: &Facts<'_>,
    exchange: &Exchange,
    readings: &[(&str, Cow<'_, str>)],
) -> Option<(String, String)> {
    let refused = exchange.status().is_some_and(|status| status >= 400);
    let data = facts.reply(exchange).messages.iter().find_map(|message| {
        let told = error_texts::told(message.json.as_ref().ok()?, refused)?;
        Some((message.pointer.clone(), traces::frame(told)?))
    });
    let inside = |(pointer, text): &(&str, Cow<'_, str>)| {
        let text = text.trim().trim_start_matches(|character| !matches!(character, '{' | '['));
        Some(((*pointer).to_owned(), traces::frame(&jsonrpc::parse(text).ok()?)?))
    };
    data.or_else(|| readings.iter().find_map(inside))
}

/// What we sent ourselves, and the target's own host and address.
fn known(facts: &Facts<'_>, exchange: &Exchange) -> String {
    let request = &exchange.request;
    let mut known = format!("{}\n{}\n", facts.header().url, request.url);
    known.push_str(request.body.as_deref().unwrap_or_default());
    for (_, value) in &request.headers {
        known.push('\n');
        known.push_str(value);
    }
    let addresses = facts.exchanges().filter_map(|exchange| exchange.connect.as_ref()?.address.as_deref());
    for address in addresses.take(8) {
        known.push('\n');
        known.push_str(address);
    }
    known
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    // What Express sends for broken JSON, as seen in the lab.
    const EXPRESS: &str = "<!DOCTYPE html>\n<html lang=\"en\">\n<body>\n<pre>SyntaxError: Expected property name or \
        &#39;}&#39; in JSON at position 1<br> &nbsp; &nbsp;at JSON.parse (&lt;anonymous&gt;)<br> &nbsp; &nbsp;at parse \
        (/srv/x/node_modules/body-parser/lib/types/json.js:93:21)<br> &nbsp; &nbsp;at \
        /srv/x/node_modules/body-parser/lib/read.js:194:18</pre>\n</body>\n</html>";
    let sent = || post(ProbeId::Malformed, "truncated", Era::Modern, json!({"foo":1})).negative();
    let public = || Scan::at("https://mcp.example.com/mcp", "93.184.215.14:443").with(discover());
    let of = |made: Made| public().with(made);
    let error = |message: &str| of(sent().error(400, -32600, message));
    let express = || sent().status(400).body("text/html; charset=utf-8", EXPRESS);
    let mut ours = sent().error(404, -32601, "no route /home/alice/mcp/x");
    ours.made.request.url = "https://mcp.example.com/home/alice/mcp/x".to_owned();
    let tool = json!({"name":"read","description":"Reads /etc/hosts/x and 10.1.2.3"});
    let listed =
        post(ProbeId::Catalogue, "tools/list", Era::Modern, json!({"id":1})).result(json!({"tools":[tool]}));
    let data = json!({"stack":"Error: x\n    at f (/app/dist/index.js:1:2)"});
    let traced = json!({"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"x","data":data}});
    let page = "<html><body><pre>Cannot POST /mcp</pre></body></html>";
    let refused = "connect ECONNREFUSED 10.1.2.3:5432";
    let credential = error("cannot connect to postgres://app:hunter2@db/prod");
    assert!(!format!("{:?}", credential.judge(&CHECK)).contains("hunter2"));
    let four = |scan: Scan| (0..4).fold(scan, |scan, _| scan.with(sent().error(400, -1, "no")));
    let base64 = "RXJyb3I6IHgKICAgIGF0IHBhcnNlICgvc3J2L2FwcC9saWIvanNvbi5qczo5MzoyMSk=";
    let padded = format!("no{}{}", " ".repeat(100_000), "at f (/srv/app/a.js:1:2)");
    let long: String = (0..40_000).map(|index| format!("{index} ")).collect();
    hold(
        &CHECK,
        [
            pass("plain messages", four(error("Parse error: Invalid JSON-RPC message")))
                .naming("5 error replies"),
            pass("a plain page", four(of(sent().status(404).body("text/html", page)))),
            pass("what we sent ourselves", four(of(ours))),
            pass("a tool's description is no error", four(of(listed)).with(sent().error(400, -1, "no"))),
            pass("inside the same network", four(Scan::modern().with(sent().error(400, -32603, refused)))),
            undecided("too few", error("no")).naming("too few error replies"),
            undecided("a text that is longer than what is read", four(error(&long))).naming("longer"),
            fail("a trace behind it all the same", four(error(&format!("{long} at f (/srv/app/a.js:1:2)")))),
            fail("a padded trace", four(error(&padded))),
            fail("a trace in base64", four(error(&format!("trace: {base64}")))),
            fail("a trace as JSON in a text", error(r#"{"stack":[{"file":"a.py","line":7,"method":"f"}]}"#)),
            fail(
                "a trace in lines",
                of(sent().status(500).body(
                    "application/json",
                    r#"{"error":{"code":1,"message":"no","data":["at g (","    at f (/srv/app/a.js:1:2)"]}}"#,
                )),
            ),
            warn("a path", error("ENOENT: open '/var/lib/app/data.db'")).severity(Severity::Low),
            warn("a database", error("SQLSTATE[42S02]: no such table")),
            fail("a stack trace", of(express())).severity(Severity::Medium).showing("json.js:93:21"),
            fail("a trace in the data of an event", of(sent().stream(&format!("data: {traced}\n\n"), 0))),
            fail("a credential", credential).severity(Severity::High),
            fail("a private address of a public endpoint", error(refused)),
            undecided("no error text", public()),
            undecided("behind authentication", Scan::gated()),
            fail("a trace behind authentication", Scan::gated().with(express())),
        ],
    );
}
