//! A tool that asks for tasks needs a server that has them.

use serde_json::Value;

use crate::checks::prelude::*;
use crate::facts::tools;

pub(super) static CHECK: Check = Check {
    id: "tools-task-support",
    title: "Tools that offer tasks come with the tasks capability",
    dimension: Dimension::D2,
    severity: Severity::Medium,
    level: Level::Must,
    applies: Applies::mcp(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::Websocket],
        Gated::Hidden,
    ),
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::HttpSse, ProbeId::WebSocket, ProbeId::Catalogue]),
    basis: &[mcp!(
        "2025-11-25",
        "Tasks, Tool-Level Negotiation",
        "basic/utilities/tasks#tool-level-negotiation"
    )],
    rationale: "A client may start no task where the capability is absent: a tool that requires one cannot be called at \
                all.",
    remediation: "Declare `\"tasks\": {\"requests\": {\"tools\": {\"call\": {}}}}`, or leave `execution.taskSupport` out.",
    causes: &[],
    how: How {
        sent: "Nothing more: `execution.taskSupport` of every tool against `tasks.requests.tools.call`, in 2025-11-25 \
               alone: no other revision has it.",
        passes: "The capability is declared, or no tool offers tasks and the list was read to its end.",
        warns: "A tool offers them (`optional`) without it.",
        fails: "A tool requires them without it.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    let era = Era::Legacy;
    if !facts.class().revisions.contains(&Revision::V2025_11_25) {
        return not_applicable("tasks of tools are a matter of 2025-11-25");
    }
    let tools = tools::offered(facts, era)?;
    let Some(capabilities) = facts.catalogue(era)?.capabilities.as_ref() else {
        return inconclusive("no capabilities were read");
    };
    let declared =
        capabilities.get("tasks").is_some_and(|tasks| tasks.pointer("/requests/tools/call").is_some());
    let mut seen = Observations::new();
    for tool in &tools {
        let support = tool.value.pointer("/execution/taskSupport").and_then(Value::as_str);
        let (status, words) = match support {
            Some("required") => (Status::Fail, "requires a task, and the server declares none for calls"),
            Some("optional") => (Status::Warn, "offers tasks, and the server declares none for calls"),
            _ => continue,
        };
        if !declared {
            let at = tool.evidence("/execution/taskSupport", support.unwrap_or_default());
            seen.add(status, at, format!("{} {words}", tool.shown()));
        }
    }
    if seen.is_empty() {
        if !declared {
            tools::read_to_end(facts, era)?;
        }
        let Some(first) = tools.first() else { return not_applicable("no tools are offered") };
        let words = if declared { "tasks are declared for calls" } else { "no tool offers tasks" };
        return pass(first.evidence("", ""), words);
    }
    seen.verdict("", "")
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let of = |tasks: Value, support: Value| {
        let mut tool = json!({"name":"a","inputSchema":{"type":"object"}});
        tool["execution"] = support;
        let hello = json!({"protocolVersion":"2025-11-25","serverInfo":{"name":"x","version":"1"},
            "capabilities":{"tools":{},"tasks":tasks}});
        let mut scan = Scan::legacy(false);
        scan.transcript.exchanges.retain(|exchange| !exchange.step.starts_with("initialize"));
        scan.with(initialize(ProbeId::Classify, "initialize").result(hello)).with(
            post(ProbeId::Catalogue, "tools/list", Era::Legacy, json!({"id":1}))
                .result(json!({ "tools": [tool] })),
        )
    };
    let declared = json!({"requests":{"tools":{"call":{}}}});
    hold(
        &CHECK,
        [
            pass("none", of(Value::Null, json!({}))),
            pass("forbidden", of(Value::Null, json!({"taskSupport":"forbidden"}))),
            pass("declared", of(declared, json!({"taskSupport":"required"}))),
            warn("optional", of(Value::Null, json!({"taskSupport":"optional"}))),
            fail("required", of(json!({"list":{}}), json!({"taskSupport":"required"}))).naming("`a`"),
            not_applicable("the modern era", Scan::modern()),
            undecided("no list", Scan::legacy(false)),
        ],
    );
}
