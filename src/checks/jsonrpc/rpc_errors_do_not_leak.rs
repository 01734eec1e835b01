//! Error texts give nothing away about the inside of the server.

use serde_json::Value;

use crate::checks::prelude::*;
use crate::facts::Message;
use crate::facts::barrier::html;
use crate::facts::leaks::{LeakKind, leaks, plain};
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
        passes: "None of them gives anything away.",
        warns: "A path of the server, a database error or a framework's debug page.",
        fails: "A stack trace, a host of an internal network, or something that looks like a credential.",
    },
    judge,
};

/// No more error texts are read, and no more strings of one JSON text.
const MOST: usize = 500;

fn judge(facts: &Facts<'_>) -> Judgement {
    let public = facts.exposure().is_none_or(|exposure| exposure == Exposure::Public);
    let mut seen = Observations::new();
    for exchange in facts.exchanges().filter(|exchange| exchange.probe != ProbeId::Siblings).take(MOST) {
        let known = known(facts, exchange);
        for (pointer, text) in error_texts(facts, exchange) {
            let found = leaks(&text, public, &known);
            // The worst of one text says enough.
            let Some(leak) = found.first() else {
                seen.add_with(Status::Pass, || Evidence::status(exchange), "clean");
                continue;
            };
            let (status, severity) = match leak.kind {
                LeakKind::Credential => (Status::Fail, Severity::High),
                LeakKind::StackTrace | LeakKind::InternalHost => (Status::Fail, Severity::Medium),
                LeakKind::Path | LeakKind::Database | LeakKind::DebugPage => (Status::Warn, Severity::Low),
            };
            let evidence = Evidence::new(exchange, pointer, &leak.excerpt);
            let message = format!("an error text shows {}", leak.kind.words());
            seen.push(Verdict::of(status, vec![evidence], message).with_severity(severity));
        }
        for (pointer, frame) in traces_of(facts, exchange) {
            let evidence = Evidence::new(exchange, pointer, frame);
            let message = "an error is a serialised exception with the frames of its stack trace";
            let verdict = Verdict::of(Status::Fail, vec![evidence], message.to_owned());
            seen.push(verdict.with_severity(Severity::Medium));
        }
    }
    // Behind authentication the errors of the server itself stay unseen.
    if facts.class().kind == Kind::AuthGated && seen.count(Status::Pass) > 0 {
        let leaking = seen.count(Status::Fail) + seen.count(Status::Warn);
        if leaking == 0 {
            return inconclusive("behind authentication only its refusals were seen, and they are clean");
        }
    }
    let sound = format!("{} error texts give nothing away", seen.count(Status::Pass));
    seen.verdict(sound, "no error text was seen")
}

/// Every text that tells of an error, with its place.
fn error_texts(facts: &Facts<'_>, exchange: &Exchange) -> Vec<(String, String)> {
    let refused = exchange.status().is_some_and(|status| status >= 400);
    let reply = facts.reply(exchange);
    let mut texts = Vec::new();
    for message in &reply.messages {
        match &message.json {
            Ok(value) if refused => texts.extend(strings(value).map(|text| (message.pointer.clone(), text))),
            Ok(value) => texts.extend(of_message(message, value)),
            Err(_) => {}
        }
    }
    let page = exchange.text().filter(|text| refused && !text.trim().is_empty());
    if let Some(page) = page.filter(|_| reply.messages.iter().any(|message| message.json.is_err())) {
        let markup = html(exchange) || page.trim_start().starts_with('<');
        texts.push(("body".to_owned(), if markup { plain(page) } else { page.to_owned() }));
    }
    texts
}

/// The first frame of a stack trace that stands in an error as data, with its place.
fn traces_of(facts: &Facts<'_>, exchange: &Exchange) -> Vec<(String, String)> {
    let refused = exchange.status().is_some_and(|status| status >= 400);
    let messages = facts.reply(exchange).messages.iter();
    messages
        .filter_map(|message| {
            let value = message.json.as_ref().ok()?;
            let error = value.get("error").filter(|_| !jsonrpc::is_request(value));
            let told = if refused { Some(value) } else { error };
            Some((message.pointer.clone(), traces::frame(told?)?))
        })
        .collect()
}

/// Message and data of a JSON-RPC error, and what a tool says with `isError`.
fn of_message(message: &Message, value: &Value) -> Vec<(String, String)> {
    let error = value.get("error").filter(|_| !jsonrpc::is_request(value));
    let failed = value.get("result").filter(|result| result.get("isError") == Some(&Value::Bool(true)));
    error
        .into_iter()
        .chain(failed.and_then(|result| result.get("content")))
        .flat_map(strings)
        .map(|text| (message.pointer.clone(), text))
        .collect()
}

/// All strings inside a value, without recursion.
fn strings(value: &Value) -> impl Iterator<Item = String> + use<> {
    let mut open = vec![value];
    let mut found = Vec::new();
    while let Some(value) = open.pop().filter(|_| found.len() < MOST) {
        match value {
            Value::String(text) => found.push(text.clone()),
            Value::Array(items) => open.extend(items),
            Value::Object(members) => open.extend(members.values()),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    found.into_iter()
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
    hold(
        &CHECK,
        [
            pass("a plain message", error("Parse error: Invalid JSON-RPC message")),
            pass("a plain page", of(sent().status(404).body("text/html", page))),
            pass("what we sent ourselves", of(ours)),
            pass("a tool's description is no error", of(listed).with(sent().error(400, -1, "no"))),
            pass("inside the same network", Scan::modern().with(sent().error(400, -32603, refused))),
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
