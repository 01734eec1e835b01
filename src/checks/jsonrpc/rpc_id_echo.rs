//! A reply must carry the id of its request, in value and JSON type.

use crate::checks::prelude::*;
use crate::facts::reply::request_id;
use crate::protocol::jsonrpc;

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
    reads: Reads::Of(&[ProbeId::IdEcho]),
    basis: &[
        Basis {
            title: "JSON-RPC 2.0, Response object",
            url: "https://www.jsonrpc.org/specification#response_object",
        },
        Basis {
            title: "MCP 2026-07-28, Basic, Responses",
            url: "https://modelcontextprotocol.io/specification/2026-07-28/basic#responses",
        },
    ],
    rationale: "A client matches replies to calls by id. An id that comes back as another type or value leaves the \
                call waiting until it times out.",
    remediation: "Copy `id` from the request to the reply as it was parsed, without converting it: a request with \
                  `\"id\": \"7\"` must be answered with `\"id\": \"7\"`, not `7`.",
    judge,
};

const STEPS: [&str; 3] = ["integer", "string", "unicode"];

fn judge(facts: &Facts<'_>) -> Judgement {
    facts.per_era(|era| judge_era(facts, era))
}

fn judge_era(facts: &Facts<'_>, era: Era) -> Judgement {
    let mut seen = Observations::new();
    for step in STEPS {
        let exchange = facts.settled(ProbeId::IdEcho, step, Some(era))?;
        let reply = facts.reply(exchange);
        let sent = request_id(exchange).unwrap_or_default();
        if reply.answer.is_some() {
            seen.add(Status::Pass, Evidence::status(exchange), "echoed");
        } else if let Some(message) = reply
            .messages
            .iter()
            .find_map(|message| message.json.as_ref().ok().filter(|value| jsonrpc::is_reply(value)))
        {
            let got = message.get("id").map_or_else(|| "no id".to_owned(), ToString::to_string);
            let evidence = Evidence::new(exchange, "body /id", format!("sent {sent}, got {got}"));
            seen.add(Status::Fail, evidence, format!("the id {sent} came back as {got}"));
        } else {
            return inconclusive("the request was not answered with a JSON-RPC reply");
        }
    }
    seen.verdict("all three ids came back as they were sent", "nothing was sent")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::CHECK;
    use crate::finding::Status;
    use crate::protocol::revision::Era;
    use crate::transcript::ProbeId;
    use crate::transcript::synthetic::{Scan, post};

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
    fn undecided_when_nothing_was_sent() {
        assert_eq!(Scan::modern().judge(&CHECK).status, Status::Inconclusive);
    }
}
