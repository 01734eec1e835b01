//! A client decides by the tool, and not by its arguments, whether to ask the user.

use serde_json::Value;

use crate::checks::prelude::*;
use crate::facts::tools::{self, Tool};

pub(super) static CHECK: Check = Check {
    id: "tools-one-effect",
    title: "A tool either reads or writes, whatever its arguments",
    dimension: Dimension::D2,
    severity: Severity::Low,
    level: Level::Practice,
    applies: Applies::mcp(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::Websocket],
        Gated::Hidden,
    ),
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::Catalogue]),
    basis: &[
        Basis {
            title: "Claude connectors directory, review criteria (one tool for reading and writing is refused)",
            url: "https://claude.com/docs/connectors/building/review-criteria",
        },
        Basis {
            title: "OpenAI Apps SDK, define tools (reading and writing apart)",
            url: "https://developers.openai.com/apps-sdk/plan/tools",
        },
    ],
    rationale: "Hints and permissions belong to a tool as a whole. One that reads or writes as an argument says is asked about \
                each time, or lets the writing through unasked.",
    remediation: "Make two tools of it: `get_record` with `\"readOnlyHint\": true`, and `update_record` without.",
    causes: &[],
    how: How {
        sent: "Nothing more: parameters named `method`, `http_method`, `action`, `operation`, `verb` or `mode` of `tools/list` whose \
               `enum` has a reading word (`get head list read search find fetch query view show describe`) and a writing one \
               (`create update delete write post put patch remove insert send edit`).",
        passes: "No tool has one, and the list was read to its end. Where one is found and the tool is not marked read-only, it \
                 is a note.",
        warns: "One is found, and the tool is marked read-only.",
        fails: "",
    },
    judge,
};

/// Parameters that choose what a tool does.
const CHOOSING: [&str; 6] = ["method", "http_method", "action", "operation", "verb", "mode"];
const READING: [&str; 11] =
    ["get", "head", "list", "read", "search", "find", "fetch", "query", "view", "show", "describe"];
const WRITING: [&str; 11] =
    ["create", "update", "delete", "write", "post", "put", "patch", "remove", "insert", "send", "edit"];

fn judge(facts: &Facts<'_>) -> Judgement {
    facts.per_era(|era| judge_era(facts, era))
}

fn judge_era(facts: &Facts<'_>, era: Era) -> Judgement {
    let offered = tools::offered(facts, era)?;
    let mut seen = Observations::new();
    for tool in &offered {
        let Some((name, reading, writing)) = choice(tool) else { continue };
        let hint = tool.value.get("annotations").and_then(|hints| hints.get("readOnlyHint"));
        let marked = hint == Some(&Value::Bool(true));
        let end = if marked { ", and is marked read-only" } else { "" };
        let message =
            format!("{} reads (`{reading}`) or writes (`{writing}`) as `{name}` says{end}", tool.shown());
        let status = if marked { Status::Warn } else { Status::Info };
        seen.add(status, tool.evidence(&format!("/inputSchema/properties/{name}/enum"), writing), message);
    }
    if seen.count(Status::Warn) == 0 {
        tools::read_to_end(facts, era)?;
        if let Some((_, note)) = tools::left_out(facts, era) {
            return inconclusive(note);
        }
    }
    if seen.is_empty() {
        let Some(first) = offered.first() else { return not_applicable("no tools are offered") };
        let counted = tools::counted(facts, era, offered.len());
        return pass(
            first.evidence("/name", first.shown()),
            format!("no argument chooses between reading and writing ({counted})"),
        );
    }
    seen.verdict("", "")
}

/// The parameter that chooses, with a reading and a writing word of its list.
fn choice(tool: &Tool<'_>) -> Option<(&'static str, &'static str, &'static str)> {
    let properties = tool.value.get("inputSchema")?.get("properties")?;
    CHOOSING.into_iter().find_map(|name| {
        let listed = properties.get(name)?.get("enum")?.as_array()?;
        let values: Vec<String> =
            listed.iter().filter_map(Value::as_str).take(100).map(str::to_lowercase).collect();
        let begins = |value: &String, verb: &str| {
            value.strip_prefix(verb).is_some_and(|rest| rest.is_empty() || rest.starts_with(['_', '-', ' ']))
        };
        let has = |verbs: [&'static str; 11]| {
            verbs.into_iter().find(|verb| values.iter().any(|value| begins(value, verb)))
        };
        Some((name, has(READING)?, has(WRITING)?))
    })
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let list = |name: &str, values: Value, read_only: bool, more: Value| {
        let mut result = json!({"tools":[{"name":"a","annotations":{"readOnlyHint":read_only},
            "inputSchema":{"type":"object","properties":{name:{"type":"string","enum":values}}}}]});
        if !more.is_null() {
            result["nextCursor"] = more;
        }
        let body = json!({"jsonrpc":"2.0","id":1,"method":"tools/list"});
        Scan::modern().with(post(ProbeId::Catalogue, "tools/list", Era::Modern, body).result(result))
    };
    hold(
        &CHECK,
        [
            pass("a toggle", list("mode", json!(["fast", "exact"]), true, json!(null))),
            pass("reading alone", list("method", json!(["GET", "HEAD"]), true, json!(null))),
            pass("another parameter", list("format", json!(["read", "write"]), true, json!(null))),
            warn("methods of HTTP", list("method", json!(["GET", "DELETE"]), true, json!(null)))
                .naming("`get`")
                .naming("`delete`"),
            warn("actions", list("action", json!(["list_items", "delete_item"]), true, json!(null)))
                .naming("as `action` says"),
            undecided("another page", list("mode", json!(["fast"]), true, json!("2"))),
            undecided("nothing was asked", Scan::modern()),
        ],
    );
    assert_eq!(list("method", json!(["GET", "POST"]), false, json!(null)).judge(&CHECK).status, Status::Info);
}
