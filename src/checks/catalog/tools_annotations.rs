//! Without hints a client asks the user before every call.

use serde_json::Value;

use crate::checks::prelude::*;
use crate::facts::effects::{self, Effect};
use crate::facts::tools::{self, Tool};

pub(super) static CHECK: Check = Check {
    id: "tools-annotations",
    title: "Tools say whether they only read",
    dimension: Dimension::D2,
    severity: Severity::Low,
    level: Level::Practice,
    applies: Applies::mcp(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::Websocket],
        Gated::Hidden,
    ),
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::Catalogue]),
    basis: &[
        mcp!("2026-07-28", "Tools, Tool (annotations)", "server/tools#tool"),
        Basis {
            title: "MCP schema, ToolAnnotations (defaults: not read-only, destructive)",
            url: "https://github.com/modelcontextprotocol/modelcontextprotocol/tree/main/schema",
        },
    ],
    rationale: "A tool without hints counts as one that may destroy: clients ask the user before each call, and agents that \
                run alone may not call it at all.",
    remediation: "Say of each tool what it does to the world: `\"annotations\": {\"readOnlyHint\": true}` where it changes \
                  nothing, `{\"readOnlyHint\": false, \"destructiveHint\": false}` where it only adds.",
    causes: &[],
    how: How {
        sent: "Nothing more: the annotations of `tools/list`, from 2025-03-26 on. Whether they are true is \
               `tools-hints-honest`.",
        passes: "Some tool sets `readOnlyHint`, those whose name begins with a verb that writes or destroys set a hint, and the \
                 list was read to its end. `destructiveHint` beside `readOnlyHint: true` has no meaning and is noted; so is a \
                 schema without parameters that does not close itself with `additionalProperties: false`.",
        warns: "No tool sets `readOnlyHint`, or a tool whose name destroys or writes sets neither it nor `destructiveHint`.",
        fails: "",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    facts.per_era(|era| judge_era(facts, era))
}

fn hint(tool: &Tool<'_>, name: &str) -> Option<bool> {
    tool.value.get("annotations")?.get(name)?.as_bool()
}

fn judge_era(facts: &Facts<'_>, era: Era) -> Judgement {
    let offered = tools::offered(facts, era)?;
    let spoken = facts.class().revisions.iter().filter(|revision| revision.era() == era).max();
    if spoken.is_some_and(|revision| *revision < Revision::V2025_03_26) {
        return not_applicable("tools have no hints before 2025-03-26");
    }
    let prefix = effects::shared_prefix(&offered);
    let mut seen = Observations::new();
    let hinted = offered.iter().filter(|tool| hint(tool, "readOnlyHint").is_some());
    let none = hinted.clone().next().is_none();
    for tool in &offered {
        let said = hint(tool, "readOnlyHint").or(hint(tool, "destructiveHint")).is_some();
        let verb = effects::verbs(tool, prefix.as_deref()).name;
        if let Some(verb) = verb.filter(|_| !said && !none) {
            let does = if verb.effect == Effect::Destroys { "destroys" } else { "writes" };
            let message = format!("{} {does} by its name (`{}`) and has no hint", tool.shown(), verb.word);
            seen.add(Status::Warn, tool.evidence("/name", tool.name().unwrap_or_default()), message);
        }
        if hint(tool, "readOnlyHint") == Some(true) && hint(tool, "destructiveHint") == Some(true) {
            let message = format!("{} is read-only, so its `destructiveHint` means nothing", tool.shown());
            seen.add(Status::Info, tool.evidence("/annotations", "destructiveHint"), message);
        }
    }
    let open = offered.iter().filter(|tool| is_open(tool.value.get("inputSchema")));
    let open: Vec<&Tool<'_>> = open.collect();
    if let Some(first) = open.first() {
        let message = format!(
            "{} of {} tools have no parameters and do not close their schema, such as {}",
            open.len(),
            offered.len(),
            first.shown()
        );
        seen.add(Status::Info, first.evidence("/inputSchema", "no parameters"), message);
    }
    if seen.count(Status::Warn) == 0 {
        tools::read_to_end(facts, era)?;
        if let Some((_, note)) = tools::left_out(facts, era) {
            return inconclusive(note);
        }
    }
    let (with, all) = (hinted.clone().count(), offered.len());
    if let Some(first) = offered.first().filter(|_| none) {
        let message =
            format!("no tool says whether it only reads ({all} in all): clients ask before every call");
        seen.add(Status::Warn, first.evidence("/annotations", "no readOnlyHint"), message);
    }
    for tool in hinted {
        let shown = || tool.value.get("annotations").map_or_else(String::new, Value::to_string);
        seen.add_with(Status::Pass, || tool.evidence("/annotations", shown()), "hinted");
    }
    seen.verdict(format!("{with} of {all} tools say whether they only read"), "no tools were listed")
}

/// A schema without parameters that takes any.
fn is_open(schema: Option<&Value>) -> bool {
    let Some(schema) = schema.and_then(Value::as_object) else { return false };
    let empty = schema.get("properties").and_then(Value::as_object).is_none_or(serde_json::Map::is_empty);
    let others = [
        "$ref",
        "allOf",
        "anyOf",
        "oneOf",
        "patternProperties",
        "additionalProperties",
        "unevaluatedProperties",
    ];
    empty && !others.iter().any(|key| schema.contains_key(*key))
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let list = |tools: Value| {
        let body = json!({"jsonrpc":"2.0","id":1,"method":"tools/list"});
        Scan::modern()
            .with(post(ProbeId::Catalogue, "tools/list", Era::Modern, body).result(json!({ "tools": tools })))
    };
    let tool = |name: &str, annotations: Value| json!({"name":name,"inputSchema":{"type":"object","properties":{"x":{}}},"annotations":annotations});
    let read = || tool("get", json!({"readOnlyHint":true}));
    hold(
        &CHECK,
        [
            pass("some say it", list(json!([read(), tool("find", json!({}))]))).naming("1 of 2"),
            pass(
                "it destroys and says so",
                list(json!([read(), tool("delete_order", json!({"destructiveHint":true}))])),
            ),
            pass(
                "two hints",
                list(json!([tool("get", json!({"readOnlyHint":true,"destructiveHint":true}))])),
            )
            .naming("means nothing"),
            pass("an open schema", list(json!([read(), {"name":"count","inputSchema":{"type":"object"}}])))
                .naming("1 of 2 tools have no parameters"),
            warn("none says it", list(json!([tool("get", json!({"openWorldHint":false}))])))
                .naming("clients ask before every call")
                .severity(Severity::Info),
            warn("a verb without a hint", list(json!([read(), tool("delete_order", json!({}))])))
                .naming("`delete_order` destroys"),
            undecided(
                "another page",
                Scan::modern().with(
                    post(
                        ProbeId::Catalogue,
                        "tools/list",
                        Era::Modern,
                        json!({"jsonrpc":"2.0","id":1,"method":"tools/list"}),
                    )
                    .result(json!({"tools":[tool("get", json!({}))],"nextCursor":"2"})),
                ),
            ),
            undecided("nothing was asked", Scan::modern()),
        ],
    );
}
