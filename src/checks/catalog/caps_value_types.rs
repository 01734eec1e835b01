//! Capabilities are objects with flags, and those of a server.

use serde_json::Value;

use crate::checks::prelude::*;
use crate::protocol::jsonrpc::type_name;

pub(super) static CHECK: Check = Check {
    id: "caps-value-types",
    title: "Capabilities are objects with boolean flags, and a server's own",
    dimension: Dimension::D2,
    severity: Severity::Medium,
    level: Level::Must,
    applies: Applies::mcp(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::Websocket],
        Gated::Hidden,
    ),
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::HttpSse, ProbeId::WebSocket, ProbeId::Catalogue]),
    basis: &[
        Basis {
            title: "MCP schema (ServerCapabilities of each revision)",
            url: "https://github.com/modelcontextprotocol/modelcontextprotocol/tree/main/schema",
        },
        mcp!("2025-11-25", "Lifecycle, Capability Negotiation", "basic/lifecycle#capability-negotiation"),
    ],
    rationale: "Clients look for an object. `\"tools\": true` is none, and a strict client sees a server without tools, or \
                breaks the handshake off.",
    remediation: "Write `\"tools\": {}` or `\"tools\": {\"listChanged\": true}`; leave out what is not offered, and what \
                  only clients declare: `sampling`, `roots`, `elicitation`.",
    causes: &[],
    how: How {
        sent: "Nothing more: the capabilities of `initialize` or `server/discover`. Null is judged by \
               `rpc-optional-not-null`.",
        passes: "Each known one is an object, and its flags are booleans.",
        warns: "One that only clients have, or `tasks` outside 2025-11-25.",
        fails: "One that is no object, or a flag that is no boolean.",
    },
    judge,
};

/// Capabilities of a server and their flags.
const KNOWN: [(&str, &[&str]); 8] = [
    ("completions", &[]),
    ("experimental", &[]),
    ("extensions", &[]),
    ("logging", &[]),
    ("prompts", &["listChanged"]),
    ("resources", &["listChanged", "subscribe"]),
    ("tasks", &[]),
    ("tools", &["listChanged"]),
];
/// Capabilities of a client.
const OF_CLIENTS: [&str; 3] = ["elicitation", "roots", "sampling"];

fn judge(facts: &Facts<'_>) -> Judgement {
    facts.per_era(|era| judge_era(facts, era))
}

fn judge_era(facts: &Facts<'_>, era: Era) -> Judgement {
    let catalogue = facts.catalogue(era)?;
    let from = catalogue.capabilities_from;
    let shown = facts.exchanges().find(|exchange| Some(exchange.id) == from);
    let (Some(capabilities), Some(exchange)) = (&catalogue.capabilities, shown) else {
        return inconclusive("no capabilities were read");
    };
    let tasks = facts.class().revisions.contains(&Revision::V2025_11_25) && era == Era::Legacy;
    let mut seen = Observations::new();
    let mut known = 0_usize;
    for (name, value) in capabilities.iter().filter(|(_, value)| !value.is_null()) {
        let at = |pointer: &str, value: &Value| {
            Evidence::body(exchange, &format!("/result/capabilities/{pointer}"), value)
        };
        let Some((name, flags)) = KNOWN.iter().find(|(known, _)| known == name) else {
            let (status, what) = if OF_CLIENTS.contains(&name.as_str()) {
                (Status::Warn, "is a capability of clients")
            } else {
                (Status::Info, "is in no revision")
            };
            seen.add(status, at(&cut(name), value), format!("`{}` {what}", cut(name)));
            continue;
        };
        known = known.saturating_add(1);
        if !value.is_object() {
            let message = format!("`{name}` is {}, not an object", type_name(value));
            seen.add(Status::Fail, at(name, value), message);
        }
        if *name == "tasks" && !tasks {
            seen.add(Status::Warn, at(name, value), "`tasks` is a capability of 2025-11-25 alone".to_owned());
        }
        for flag in *flags {
            match value.get(flag) {
                None | Some(Value::Null | Value::Bool(_)) => {}
                Some(other) => {
                    let message = format!("`{name}.{flag}` is {}, not a boolean", type_name(other));
                    seen.add(Status::Fail, at(&format!("{name}/{flag}"), other), message);
                }
            }
        }
    }
    seen.add(Status::Pass, Evidence::status(exchange), "of the right type");
    seen.distinct().verdict(format!("the {known} capabilities that are known are of the right types"), "")
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let of = Scan::offering;
    hold(
        &CHECK,
        [
            pass("objects and flags", of(json!({"tools":{"listChanged":true},"resources":{},"logging":{}}))),
            pass("nothing", of(json!({}))),
            pass("null is another row's", of(json!({"tools":null,"prompts":{"listChanged":null}}))),
            pass("an unknown one is legal", of(json!({"tools":{},"x-own":1}))).naming("in no revision"),
            warn("a client's", of(json!({"tools":{},"sampling":{}}))).naming("`sampling`"),
            warn("tasks in the modern era", of(json!({"tasks":{}}))),
            fail("true", of(json!({"tools":true}))).naming("a boolean, not an object"),
            fail("a list", of(json!({"prompts":[]}))),
            fail("a flag that is a text", of(json!({"tools":{"listChanged":"true"}})))
                .naming("tools.listChanged"),
            undecided("nothing was read", Scan::empty()),
        ],
    );
}
