//! A reply must carry the id of its request, in value and JSON type.

use crate::checks::prelude::*;
use crate::facts::reply::{Reply, asks};
use crate::transcript::exchange::request_id;

pub(super) static CHECK: Check = Check {
    id: "rpc-id-echo",
    title: "Replies echo the request id in value and type",
    dimension: Dimension::D2,
    severity: Severity::High,
    level: Level::Must,
    applies: Applies::mcp(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::Websocket],
        Gated::Hidden,
    ),
    // Its own three, and whatever else a reply under another id came to.
    reads: Reads::Every(Expectation::Plain),
    basis: &[
        Basis {
            title: "JSON-RPC 2.0, Response object",
            url: "https://www.jsonrpc.org/specification#response_object",
        },
        mcp!("2026-07-28", "Basic, Responses", "basic#responses"),
    ],
    rationale: "A client matches replies to calls by id. An id that comes back as another type or value leaves the \
                call waiting until it times out.",
    remediation: "Copy `id` from the request to the reply as it was parsed, without converting it: a request with \
                  `\"id\": \"7\"` must be answered with `\"id\": \"7\"`, not `7`.",
    causes: &[
        Cause { word: "changed", remedy: None },
        Cause { word: "null", remedy: None },
        Cause {
            word: "string-refused",
            remedy: Some(
                "Take ids as JSON-RPC gives them, strings as well as numbers: a request with `\"id\": \"7\"` is valid \
                 and wants its answer, not -32600.",
            ),
        },
    ],
    how: How {
        sent: "A correct call (`server/discover`, or `ping` in a session) three times, each on a fresh \
               connection, with the ids `7`, `\"7\"` and `\"sc-é-😀\"`. The replies to all other correct \
               calls are read, too.",
        passes: "All three ids come back with the same value and JSON type, and no result came under an id \
                 that was not asked for.",
        warns: "",
        fails: "An id comes back as another value or type, as null, or as that of another request; or a request is \
                refused with -32600 for its string id alone.",
    },
    judge,
};

const STEPS: [&str; 3] = ["integer", "string", "unicode"];

fn judge(facts: &Facts<'_>) -> Judgement {
    facts.per_era(|era| judge_era(facts, era))
}

fn judge_era(facts: &Facts<'_>, era: Era) -> Judgement {
    let mut seen = Observations::new();
    let mut unseen = None;
    for step in STEPS {
        match judge_step(facts, era, step) {
            Ok(verdict) => seen.push(verdict),
            Err(reason) => unseen = unseen.or(Some(reason)),
        }
    }
    let others = facts.of_era(era).filter(|exchange| exchange.probe != ProbeId::IdEcho);
    if let Some(verdict) = others.filter_map(|exchange| altered(facts, exchange)).next() {
        seen.push(verdict);
    }
    match unseen {
        // A pass speaks of all three; one altered id is a fail whatever became of the others.
        Some(reason) if seen.count(Status::Fail) == 0 => Err(reason),
        _ => seen.verdict("all three ids came back as they were sent", "nothing was sent"),
    }
}

fn judge_step(facts: &Facts<'_>, era: Era, step: &str) -> Judgement {
    let exchange = facts.settled(ProbeId::IdEcho, step, Some(era))?;
    let reply = facts.reply(exchange);
    if step != "integer" && refuses(exchange, reply) && served(facts, era) {
        let sent = request_id(exchange).unwrap_or_default();
        let text = format!("a string id ({sent}) is refused with -32600");
        return fail(Evidence::status(exchange), text).map(|verdict| verdict.because("string-refused"));
    }
    if reply.answer.is_some() {
        return pass(Evidence::status(exchange), "echoed");
    }
    let other = reply.messages.iter().find_map(|message| {
        message.json.as_ref().ok().filter(|value| jsonrpc::is_reply(value)).map(|value| (message, value))
    });
    match other {
        // A refusal by the HTTP layer (a missing session, an unwanted Accept) comes before the body is
        // read: SDKs send it with null or an id of their own.
        Some((_, value)) if value.get("result").is_none() && !exchange.ok() => {
            inconclusive("the request was refused before its id mattered")
        }
        Some((message, value)) => {
            let sent = request_id(exchange).unwrap_or_default();
            let got = value.get("id").map_or_else(|| "no id".to_owned(), ToString::to_string);
            let pointer = if message.pointer == "body" { "body /id" } else { message.pointer.as_str() };
            let evidence = Evidence::new(exchange, pointer, format!("sent {sent}, got {got}"));
            let cause = if got == "null" || got == "no id" { "null" } else { "changed" };
            fail(evidence, format!("the id {sent} came back as {}", cut(&got)))
                .map(|verdict| verdict.because(cause))
        }
        None => inconclusive("the request was not answered with a JSON-RPC reply"),
    }
}

/// Whether a request is refused as no request, under its own id or under none.
fn refuses(exchange: &Exchange, reply: &Reply) -> bool {
    let invalid = |value: &serde_json::Value| {
        value.pointer("/error/code").and_then(serde_json::Value::as_i64) == Some(names::INVALID_REQUEST)
            && value.get("id").is_none_or(|id| id.is_null() || Some(id) == request_id(exchange).as_ref())
    };
    // 404 in a session says that the session is gone, whatever the code beside it.
    let session = exchange.session.is_some() && exchange.status() == Some(404);
    !session && reply.messages.iter().any(|message| message.json.as_ref().is_ok_and(invalid))
}

/// Whether the same call was served with a number for an id.
fn served(facts: &Facts<'_>, era: Era) -> bool {
    facts.settled(ProbeId::IdEcho, "integer", Some(era)).is_ok_and(|exchange| facts.reply(exchange).served())
}

/// A correct call that was served under an id that nobody asked with. An error under another id may come
/// from a layer that did not read the request, so only a result counts.
fn altered(facts: &Facts<'_>, exchange: &Exchange) -> Option<Verdict> {
    let reply = facts.reply(exchange);
    if reply.answer.is_some() || !exchange.ok() || !asks(exchange) {
        return None;
    }
    let result = |value: &&serde_json::Value| !jsonrpc::is_request(value) && value.get("result").is_some();
    let (message, value) = reply
        .messages
        .iter()
        .find_map(|message| Some((message, message.json.as_ref().ok().filter(result)?)))?;
    let got = value.get("id").unwrap_or(&serde_json::Value::Null);
    // A late reply to an earlier call on the same stream is that call's business.
    let late = exchange.stream.is_some()
        && facts
            .exchanges()
            .any(|other| other.stream == exchange.stream && request_id(other).as_ref() == Some(got));
    if late || exchange.is_message() {
        return None;
    }
    let sent = cut(&request_id(exchange)?.to_string());
    let got = cut(&got.to_string());
    let pointer = if message.pointer == "body" { "body /id" } else { message.pointer.as_str() };
    let evidence = Evidence::new(exchange, pointer, format!("sent {sent}, got {got}"));
    let text = format!("the result of {} ({sent}) came under the id {got}", exchange.step);
    let cause = if got == "null" { "null" } else { "changed" };
    Some(Verdict::of(Status::Fail, vec![evidence], text).because(cause))
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let all = |answer: &dyn Fn(Value) -> Value| {
        let ids = [("integer", json!(7)), ("string", json!("7")), ("unicode", json!("sc-é-😀"))];
        ids.into_iter().fold(Scan::modern(), |scan, (step, id)| {
            let body = json!({"jsonrpc":"2.0","id":id,"method":"server/discover","params":{}});
            let reply = json!({"jsonrpc":"2.0","id":answer(id),"result":{"resultType":"complete"}});
            scan.with(post(ProbeId::IdEcho, step, Era::Modern, body).json(reply))
        })
    };
    let mut lost = all(&|id| if id == json!(7) { json!("7") } else { id });
    lost.transcript.exchanges.iter_mut().filter(|it| it.step == "unicode").for_each(|it| it.head = None);
    let list = |status, reply: Value| {
        let asked = json!({"jsonrpc":"2.0","id":3,"method":"tools/list"});
        let made = post(ProbeId::Catalogue, "tools/list", Era::Modern, asked);
        all(&|id| id).with(made.status(status).json(reply))
    };
    let under = |id: Value| list(200, json!({"jsonrpc":"2.0","id":id,"result":{"tools":[]}}));
    let busy = || json!({"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"busy"}});
    // Python: `"id": "server-error"`; TypeScript: `"id": null`.
    let refused = json!({"jsonrpc":"2.0","id":"server-error","error":{"code":-32600,"message":"no"}});
    let ping = json!({"jsonrpc":"2.0","id":7,"method":"ping"});
    let ping = post(ProbeId::IdEcho, "integer", Era::Legacy, ping).status(404).json(refused);
    let named = "tools/list (3)";
    // Refused for its id alone where the same call with a number was served.
    let strings = |own: bool, from: usize| {
        let ids = [("integer", json!(7)), ("string", json!("7")), ("unicode", json!("sc-é-😀"))];
        ids.into_iter().enumerate().fold(Scan::modern(), |scan, (index, (step, id))| {
            let body = json!({"jsonrpc":"2.0","id":id,"method":"server/discover","params":{}});
            let made = post(ProbeId::IdEcho, step, Era::Modern, body);
            if index < from {
                return scan.with(made.json(json!({"jsonrpc":"2.0","id":id,"result":{}})));
            }
            let back = if own { id } else { json!(null) };
            let error = json!({"jsonrpc":"2.0","id":back,"error":{"code":-32600,"message":"no"}});
            scan.with(made.status(400).json(error))
        })
    };
    let cause = |scan: Scan| scan.judge(&CHECK).cause;
    assert_eq!(cause(all(&|id| if id == "7" { json!(7) } else { id })), Some("changed"));
    assert_eq!(cause(all(&|id| if id == 7 { json!(null) } else { id })), Some("null"));
    assert_eq!(cause(strings(false, 1)), Some("string-refused"));
    hold(
        &CHECK,
        [
            pass("all three", all(&|id| id)),
            fail("a string becomes a number", all(&|id| if id == "7" { json!(7) } else { id }))
                .naming("\"7\""),
            fail("one is altered, whatever became of the others", lost),
            fail("another call under another id", under(json!(99))).naming(named),
            fail("another call under a string", under(json!("3"))).naming(named),
            fail("another call under null", under(json!(null))).naming(named),
            fail("another call under none", list(200, json!({"jsonrpc":"2.0","result":{"tools":[]}}))),
            // An error may come from a layer that read nothing.
            pass("an error under null", list(200, busy())),
            pass("a refusal under null", list(503, busy())),
            pass(
                "a request of its own",
                list(200, json!({"jsonrpc":"2.0","id":9,"method":"ping","result":{}})),
            ),
            pass("another call under its id", under(json!(3))),
            fail("strings are refused under their own id", strings(true, 1)).naming("is refused with -32600"),
            fail("strings are refused under null", strings(false, 1)).naming("is refused with -32600"),
            undecided("every id is refused", strings(false, 0)),
            undecided("nothing was sent", Scan::modern()),
            undecided("refused before it was read", Scan::legacy(true).with(ping)),
        ],
    );
}
