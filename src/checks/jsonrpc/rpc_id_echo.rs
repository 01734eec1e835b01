//! A reply must carry the id of its request, in value and JSON type.

use crate::checks::prelude::*;
use crate::facts::reply::asks;
use crate::protocol::jsonrpc;
use crate::transcript::exchange::request_id;
use crate::verdict::cut;

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
    how: How {
        sent: "A correct call (`server/discover`, or `ping` in a session) three times, each on a fresh \
               connection, with the ids `7`, `\"7\"` and `\"sc-é-😀\"`. The replies to all other correct \
               calls are read, too.",
        passes: "All three ids come back with the same value and JSON type, and no result came under an id \
                 that was not asked for.",
        warns: "",
        fails: "An id comes back as another value or type, or as that of another request.",
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
            fail(evidence, format!("the id {sent} came back as {}", cut(&got)))
        }
        None => inconclusive("the request was not answered with a JSON-RPC reply"),
    }
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
    Some(Verdict::of(Status::Fail, vec![evidence], text))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::CHECK;
    use crate::checks::synthetic::{Scan, post};
    use crate::protocol::revision::Era;
    use crate::transcript::ProbeId;
    use crate::verdict::Status;

    fn scan(answer: impl Fn(Value) -> Value) -> Scan {
        let mut scan = Scan::modern();
        for (step, id) in [("integer", json!(7)), ("string", json!("7")), ("unicode", json!("sc-é-😀"))] {
            let body = json!({"jsonrpc":"2.0","id":id,"method":"server/discover","params":{}});
            let reply = json!({"jsonrpc":"2.0","id":answer(id),"result":{"resultType":"complete"}});
            scan = scan.with(post(ProbeId::IdEcho, step, Era::Modern, body).json(reply));
        }
        scan
    }

    #[test]
    fn passes_when_every_id_is_echoed() {
        assert_eq!(scan(|id| id).judge(&CHECK).status, Status::Pass);
    }

    #[test]
    fn fails_when_a_string_becomes_a_number() {
        let finding = scan(|id| if id == json!("7") { json!(7) } else { id }).judge(&CHECK);
        assert_eq!(finding.status, Status::Fail);
        assert!(finding.message.contains("\"7\""), "{}", finding.message);
    }

    #[test]
    fn fails_on_one_altered_id_whatever_became_of_the_others() {
        let mut scan = scan(|id| if id == json!(7) { json!("7") } else { id });
        for exchange in scan.transcript.exchanges.iter_mut().filter(|exchange| exchange.step == "unicode") {
            exchange.head = None;
        }
        assert_eq!(scan.judge(&CHECK).status, Status::Fail);
    }

    #[test]
    fn fails_when_another_call_is_served_under_a_foreign_id() {
        let list = |body: serde_json::Value, status: u16| {
            let asked = json!({"jsonrpc":"2.0","id":3,"method":"tools/list"});
            let made = post(ProbeId::Catalogue, "tools/list", Era::Modern, asked).status(status).json(body);
            scan(|id| id).with(made).judge(&CHECK)
        };
        for id in [json!(99), json!("3"), json!(null)] {
            let finding = list(json!({"jsonrpc":"2.0","id":id,"result":{"tools":[]}}), 200);
            assert_eq!(finding.status, Status::Fail, "{}", finding.message);
            assert!(finding.message.contains("tools/list (3)"), "{}", finding.message);
        }
        assert_eq!(list(json!({"jsonrpc":"2.0","result":{"tools":[]}}), 200).status, Status::Fail);
        // An error may come from a layer that read nothing, and a request of the server's own is no reply.
        let refused = json!({"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"busy"}});
        assert_eq!(list(refused.clone(), 200).status, Status::Pass);
        assert_eq!(list(refused, 503).status, Status::Pass);
        assert_eq!(
            list(json!({"jsonrpc":"2.0","id":9,"method":"ping","result":{}}), 200).status,
            Status::Pass
        );
        assert_eq!(list(json!({"jsonrpc":"2.0","id":3,"result":{"tools":[]}}), 200).status, Status::Pass);
    }

    #[test]
    fn undecided_when_nothing_was_sent() {
        assert_eq!(Scan::modern().judge(&CHECK).status, Status::Inconclusive);
    }

    #[test]
    fn undecided_when_the_http_layer_refused_before_reading() {
        // Python: `"id": "server-error"`; TypeScript: `"id": null`.
        let body = json!({"jsonrpc":"2.0","id":7,"method":"ping"});
        let refused = json!({"jsonrpc":"2.0","id":"server-error","error":{"code":-32600,"message":"no"}});
        let scan = Scan::legacy(true)
            .with(post(ProbeId::IdEcho, "integer", Era::Legacy, body).status(404).json(refused));
        assert_eq!(scan.judge(&CHECK).status, Status::Inconclusive);
    }
}
