//! People read titles where they approve a call.

use serde_json::Value;

use crate::checks::prelude::*;
use crate::facts::tools::{self, Tool};

pub(super) static CHECK: Check = Check {
    id: "tools-title",
    title: "Tools have a title for people",
    dimension: Dimension::D2,
    severity: Severity::Low,
    level: Level::Practice,
    applies: Applies::mcp(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::Websocket],
        Gated::Hidden,
    ),
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::Catalogue]),
    basis: &[
        mcp!("2026-07-28", "Tools, Tool (title)", "server/tools#tool"),
        Basis {
            title: "MCP schema, BaseMetadata (title before name in user interfaces)",
            url: "https://github.com/modelcontextprotocol/modelcontextprotocol/tree/main/schema",
        },
    ],
    rationale: "Before a call the client asks the user about the tool by its title. Without one the user is asked about an \
                identifier, and says no.",
    remediation: "Give each tool a `title` of a few words, such as `\"title\": \"Read a note\"` beside `\"name\": \
                  \"read_note\"`; until 2025-03-26 in `annotations`.",
    causes: &[],
    how: How {
        sent: "Nothing more: `title` of `tools/list`, or else `annotations.title`, from 2025-03-26 on.",
        passes: "At least nine of ten tools have one that is not the name again, and the list was read to its end. Fewer is \
                 a note.",
        warns: "No tool has one.",
        fails: "",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    facts.per_era(|era| judge_era(facts, era))
}

fn title<'t>(tool: &Tool<'t>) -> Option<&'t str> {
    let own = tool.value.get("title").and_then(Value::as_str);
    let titled = own.or_else(|| tool.value.get("annotations")?.get("title")?.as_str());
    titled.filter(|title| !title.trim().is_empty())
}

fn judge_era(facts: &Facts<'_>, era: Era) -> Judgement {
    let offered = tools::offered(facts, era)?;
    let spoken = facts.class().revisions.iter().filter(|revision| revision.era() == era).max();
    if spoken.is_some_and(|revision| *revision < Revision::V2025_03_26) {
        return not_applicable("tools have no titles before 2025-03-26");
    }
    tools::read_to_end(facts, era)?;
    if let Some((_, note)) = tools::left_out(facts, era) {
        return inconclusive(note);
    }
    let all = offered.len();
    let titled = offered.iter().find_map(|tool| Some((tool, title(tool)?)));
    let Some((first, shown)) = titled else {
        let Some(first) = offered.first() else { return not_applicable("no tools are offered") };
        return warn(first.evidence("/title", "(absent)"), format!("no tool has a title ({all} in all)"));
    };
    let useful =
        offered.iter().filter(|tool| title(tool).is_some_and(|title| Some(title) != tool.name())).count();
    let message = format!("{useful} of {all} tools have a title of their own");
    if useful.saturating_mul(10) >= all.saturating_mul(9) {
        return pass(first.evidence("/title", shown), message);
    }
    info(first.evidence("/title", shown), message)
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let list = |tools: Value, more: Value| {
        let mut result = json!({ "tools": tools });
        if !more.is_null() {
            result["nextCursor"] = more;
        }
        let body = json!({"jsonrpc":"2.0","id":1,"method":"tools/list"});
        Scan::modern().with(post(ProbeId::Catalogue, "tools/list", Era::Modern, body).result(result))
    };
    let whole = |tools: Value| list(tools, json!(null));
    let mut nine: Vec<Value> =
        (0..9).map(|n| json!({"name":format!("t{n}"),"title":format!("Tool {n}")})).collect();
    nine.push(json!({"name":"t9"}));
    hold(
        &CHECK,
        [
            pass("titled", whole(json!([{"name":"add","title":"Add numbers"}]))).naming("1 of 1"),
            pass("in the annotations", whole(json!([{"name":"add","annotations":{"title":"Add numbers"}}]))),
            pass("nine of ten", whole(json!(nine))),
            warn("none", whole(json!([{"name":"add","title":" "}]))).naming("no tool has a title"),
            undecided("another page", list(json!([{"name":"add"}]), json!("2"))),
            undecided("nothing was asked", Scan::modern()),
        ],
    );
    let some = whole(json!([{"name":"add","title":"Add numbers"},{"name":"b","title":"b"}])).judge(&CHECK);
    assert_eq!(some.status, Status::Info, "{}", some.message);
}
