//! Clients run what is marked read-only without asking.

use serde_json::Value;

use crate::checks::prelude::*;
use crate::facts::effects::{self, Effect};
use crate::facts::tools::{self, Tool};

pub(super) static CHECK: Check = Check {
    id: "tools-hints-honest",
    title: "No tool that says it destroys or writes is marked read-only",
    dimension: Dimension::D7,
    severity: Severity::High,
    level: Level::Practice,
    applies: Applies::mcp(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::Websocket],
        Gated::Unseen,
    ),
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::Catalogue]),
    basis: &[
        mcp!("2026-07-28", "Tools, Tool (annotations)", "server/tools#tool"),
        Basis {
            title: "MCP schema, ToolAnnotations",
            url: "https://github.com/modelcontextprotocol/modelcontextprotocol/tree/main/schema",
        },
    ],
    rationale: "`readOnlyHint` makes clients run a tool without asking the user. Where it is untrue, something is \
                deleted or sent before anybody has seen it.",
    remediation: "Set `readOnlyHint` to true for tools alone that change nothing, and say of the others \
                  `\"annotations\": {\"readOnlyHint\": false, \"destructiveHint\": true}`.",
    causes: &[],
    how: How {
        sent: "Nothing more: the annotations of `tools/list` against the first word of the name (without a prefix that \
               all names share) and the first sentence of the description. English verbs alone, with an object after \
               them. Destroying: `delete purge erase wipe destroy revoke terminate kill uninstall drop`, the last \
               before `table tables database collection index user schema column`. Writing: `send post publish deploy \
               transfer pay`, and `create update write` before a thing that is kept: `account booking branch comment \
               contact customer database document event file invoice issue member order page payment project record \
               repository task ticket user`. Left out are names that end with `count details docs fees guide help \
               history info link list logs options quote report stats status summary url`, and rehearsals, questions \
               and functions of their own input, with `dry preview simulate validate check estimate plan draft text \
               string strings line lines whitespace column columns duplicates whether would request requests query \
               ping image images background pdf pages audio video noise csv markdown` in name or sentence.",
        passes: "Hints are given, none is at odds with its tool, and the list was read to its end. Without any hint it does not \
                 apply.",
        warns: "Of a tool that is marked read-only, the name or the description alone destroys, or both write.",
        fails: "Both destroy.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    facts.per_era(|era| judge_era(facts, era))
}

fn hint<'t>(tool: &Tool<'t>, name: &str) -> Option<&'t Value> {
    tool.value.get("annotations")?.get(name).filter(|value| value.is_boolean())
}

fn judge_era(facts: &Facts<'_>, era: Era) -> Judgement {
    let offered = tools::offered(facts, era)?;
    let prefix = effects::shared_prefix(&offered);
    let mut seen = Observations::new();
    for tool in offered.iter().filter(|tool| hint(tool, "readOnlyHint") == Some(&Value::Bool(true))) {
        let verbs = effects::verbs(tool, prefix.as_deref());
        let destroys =
            |verb: &Option<effects::Verb>| verb.as_ref().is_some_and(|verb| verb.effect == Effect::Destroys);
        let in_name = destroys(&verbs.name);
        let name = verbs.name.as_ref().map_or("", |verb| verb.word);
        let word = verbs.description.as_ref().map_or(name, |verb| verb.word);
        let (status, what) = if in_name && verbs.destroys_in_words {
            (Status::Fail, format!("its name says `{name}`, and so does its description"))
        } else if in_name {
            (Status::Warn, format!("its name says `{name}`"))
        } else if destroys(&verbs.description) {
            (Status::Warn, format!("its description says `{word}`"))
        } else if verbs.name.is_some() && verbs.description.is_some() {
            (Status::Warn, format!("name and description say `{name}`"))
        } else {
            continue;
        };
        let message = format!("{} is marked read-only, and {what}", tool.shown());
        seen.add(status, tool.evidence("/annotations/readOnlyHint", "readOnlyHint: true"), message);
    }
    if seen.is_empty() {
        tools::read_to_end(facts, era)?;
        if let Some((_, note)) = tools::left_out(facts, era) {
            return inconclusive(note);
        }
        let hinted = |tool: &&Tool<'_>| {
            hint(tool, "readOnlyHint").is_some() || hint(tool, "destructiveHint").is_some()
        };
        let Some(first) = offered.iter().find(hinted) else {
            return not_applicable("no tool says whether it only reads");
        };
        let shown = first.value.get("annotations").map_or_else(String::new, Value::to_string);
        let evidence = first.evidence("/annotations", shown);
        return pass(
            evidence,
            format!("no hint is at odds with its tool ({})", tools::counted(facts, era, offered.len())),
        );
    }
    seen.verdict("", "")
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let list = |more: Value, tools: Value| {
        let body = json!({"jsonrpc":"2.0","id":1,"method":"tools/list"});
        let mut result = json!({ "tools": tools });
        if more.is_string() {
            result["nextCursor"] = more;
        }
        Scan::modern().with(post(ProbeId::Catalogue, "tools/list", Era::Modern, body).result(result))
    };
    let tool = |name: &str, description: &str| json!({"name":name,"description":description,"annotations":{"readOnlyHint":true}});
    let one = |name: &str, description: &str| list(json!(null), json!([tool(name, description)]));
    hold(
        &CHECK,
        [
            pass("reads", one("get_order", "Returns one order.")),
            pass(
                "an honest tool about deleting",
                list(
                    json!(null),
                    json!([{"name":"delete_order",
                "description":"Deletes an order.","annotations":{"readOnlyHint":false,"destructiveHint":true}}]),
                ),
            ),
            pass("a list of what is gone", one("list_deleted", "Lists orders that were deleted.")),
            pass(
                "a function of its input",
                one("delete_duplicates", "Deletes duplicates in a list of words."),
            ),
            pass("a rehearsal", one("delete_order", "Shows what a dry run would delete.")),
            pass("a chart is not kept", one("create_chart", "Creates a chart of numbers.")),
            pass("not its verb", one("get_policy", "Tells who may delete orders.")),
            warn("the name alone", one("delete_all_orders", "Empties the shop."))
                .naming("its name says `delete`"),
            warn("the description alone", one("orders", "Deletes all orders.")),
            warn("it writes", one("send_message", "Sends a message to a user.")),
            warn("it keeps", one("create_issue", "Create a new issue.")),
            fail("both", one("delete_all_orders", "Delete all orders of the shop."))
                .naming("`delete_all_orders` is marked read-only")
                .at("body /result/tools/0/annotations/readOnlyHint"),
            fail(
                "behind the name of the server",
                list(
                    json!(null),
                    json!([tool("shop_wipe_data", "Wipes all data."), tool("shop_get", "Reads.")]),
                ),
            ),
            not_applicable("no hints", list(json!(null), json!([{"name":"delete_order"}]))),
            undecided("another page", list(json!("2"), json!([tool("get_order", "Reads.")]))),
            undecided("nothing was asked", Scan::modern()),
        ],
    );
}

#[cfg(test)]
#[test]
fn every_word_that_decides_is_printed() {
    use crate::facts::effects::*;
    let lists: [&[&str]; 7] = [&DESTROYING, &DROPPED, &SENDING, &WRITING, &KEPT, &LOOKED_AT, &HARMLESS];
    for word in lists.into_iter().flatten() {
        assert!(CHECK.how.sent.contains(word), "{word}");
    }
}
