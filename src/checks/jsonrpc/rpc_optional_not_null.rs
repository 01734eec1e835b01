//! A member without a value is left out.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::checks::prelude::*;
use crate::facts::{nulls, subject, tools};

pub(super) static CHECK: Check = Check {
    id: "rpc-optional-not-null",
    title: "Members without a value are left out, not null",
    dimension: Dimension::D2,
    severity: Severity::High,
    level: Level::Practice,
    applies: Applies::mcp(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::Websocket],
        Gated::Hidden,
    ),
    reads: Reads::All,
    basis: &[
        Basis {
            title: "MCP schema (Tool, Prompt, Resource, PaginatedResult: members are optional, not nullable)",
            url: "https://github.com/modelcontextprotocol/modelcontextprotocol/tree/main/schema",
        },
        mcp!("2026-07-28", "Pagination", "server/utilities/pagination"),
    ],
    rationale: "Clients check replies against the schema, where an optional member has a type and null is none of it. \
                One null in one tool makes a strict client drop the whole list.",
    remediation: "Leave members out that have no value: `exclude_none=True` in pydantic, `omitempty` in Go, \
                  `#[serde(skip_serializing_if = \"Option::is_none\")]` in Rust, `@JsonInclude(NON_NULL)` in Jackson, \
                  `undefined` in place of `null` in TypeScript.",
    causes: &[
        Cause { word: HANDSHAKE, remedy: None },
        Cause { word: TOOLS, remedy: None },
        Cause { word: CURSOR, remedy: None },
        Cause { word: ELSEWHERE, remedy: None },
        Cause { word: FREE, remedy: None },
    ],
    how: How {
        sent: "Nothing more: the results of `initialize` or `server/discover` and of the lists, member by member as the \
               revision has them. Inside schemas null is legal.",
        passes: "No such member is null in what was read.",
        warns: "Null only in `_meta`, `experimental` or the `data` of an error, or `nextCursor: null` under 2026-07-28, \
                where it ends the list.",
        fails: "Null in an entry of a list (a description, a title, annotations or a hint, an output schema, icons), in \
                capabilities, in `instructions` or, before 2026-07-28, in `nextCursor`.",
    },
    judge,
};

const HANDSHAKE: &str = "handshake";
const TOOLS: &str = "tool-list";
const CURSOR: &str = "null-cursor";
const ELSEWHERE: &str = "elsewhere";
const FREE: &str = "free-member";

const TOLD: [&str; 2] = [names::INITIALIZE, names::DISCOVER];

fn judge(facts: &Facts<'_>) -> Judgement {
    facts.per_era(|era| judge_era(facts, era))
}

/// A kind of null: how bad it is, the cause, where it is said, the member.
type Place = (Status, &'static str, String, String);

fn judge_era(facts: &Facts<'_>, era: Era) -> Judgement {
    let spoken = facts.class().revisions.iter().copied().filter(|revision| revision.era() == era);
    let Some(revision) = spoken.max() else {
        return inconclusive("no revision of this era was named");
    };
    let (mut places, mut known) = (BTreeMap::<Place, (usize, Evidence)>::new(), BTreeSet::new());
    let mut first = None;
    let mut read = 0_usize;
    let mut add = |place: Place, key: (String, String), evidence: Evidence| {
        if known.insert(key) {
            let entry = places.entry(place).or_insert((0, evidence));
            entry.0 = entry.0.saturating_add(1);
        }
    };
    for exchange in
        facts.of_era(era).filter(|exchange| exchange.is_message() || subject::own(facts.header(), exchange))
    {
        let Some(method) = facts.method(exchange) else { continue };
        if data_is_null(facts, exchange) {
            let place = (Status::Warn, FREE, "errors".to_owned(), "error.data".to_owned());
            let at = Evidence::body(exchange, "/error/data", &Value::Null);
            add(place, (method.to_owned(), "data".to_owned()), at);
        }
        let listed = method.ends_with("/list") && exchange.probe == ProbeId::Catalogue;
        let Some(result) = facts.reply(exchange).result().filter(|_| listed || TOLD.contains(&method)) else {
            continue;
        };
        read = read.saturating_add(1);
        first = first.or(Some(exchange));
        for null in nulls::read(result, revision) {
            let (status, word) = match (null.loose, method) {
                (true, "tools/list") if null.member == "nextCursor" => (Status::Warn, CURSOR),
                (true, _) => (Status::Warn, FREE),
                (false, "tools/list") => (Status::Fail, TOOLS),
                (false, method) if TOLD.contains(&method) => (Status::Fail, HANDSHAKE),
                (false, _) => (Status::Fail, ELSEWHERE),
            };
            // A list is asked for page by page, and what the endpoint says of itself often.
            let said = if listed { exchange.step.clone() } else { method.to_owned() };
            let at = Evidence::body(exchange, &format!("/result{}", null.pointer), &Value::Null);
            add((status, word, method.to_owned(), null.member), (said, null.pointer), at);
        }
    }
    let mut seen = Observations::new();
    for ((status, word, method, member), (count, evidence)) in places {
        let times = if count == 1 { String::new() } else { format!(" {count} times") };
        let message = format!("`{member}` of {method} is null{times}");
        seen.push(Verdict::of(status, vec![evidence], message).because(word));
    }
    let catalogue = facts.catalogue(era)?;
    if seen.is_empty() && (catalogue.tools_listed || catalogue.advertises("tools")) {
        tools::read_to_end(facts, era)?;
    }
    if let Some(exchange) = first {
        seen.add(Status::Pass, Evidence::status(exchange), "no null");
    }
    seen.verdict(format!("no optional member is null in the {read} results that were read"), "no result came")
}

fn data_is_null(facts: &Facts<'_>, exchange: &Exchange) -> bool {
    let mut errors =
        facts.reply(exchange).messages.iter().filter_map(|message| message.json.as_ref().ok()?.get("error"));
    errors.any(|error| error.get("data") == Some(&Value::Null))
}

#[cfg(test)]
mod tests {
    use super::{CHECK, CURSOR, ELSEWHERE, FREE, TOOLS};
    use crate::checks::examples::*;

    fn list(method: &str, era: Era, result: Value) -> Made {
        post(ProbeId::Catalogue, method, era, json!({"jsonrpc":"2.0","id":1,"method":method})).result(result)
    }

    fn tool(members: Value) -> Value {
        let mut tool =
            json!({"name":"a","inputSchema":{"type":"object","properties":{"x":{"default":null}}}});
        if let (Value::Object(tool), Value::Object(members)) = (&mut tool, members) {
            tool.extend(members);
        }
        tool
    }

    fn legacy(members: Value) -> Scan {
        Scan::legacy(false).with(list("tools/list", Era::Legacy, json!({"tools":[tool(members)]})))
    }

    fn ended(era: Era, result: Value) -> Scan {
        let scan = if era == Era::Modern { Scan::modern() } else { Scan::legacy(false) };
        scan.with(list("tools/list", era, result))
    }

    #[test]
    fn optional_members_are_left_out() {
        let prompt = json!({"prompts":[{"name":"p","arguments":[{"name":"x","description":null}]}]});
        let instructions = initialize(ProbeId::LegacyVersions, "initialize 2025-11-25").result(json!({
            "protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"s","version":"1"},"instructions":null}));
        let examples = [
            pass("nulls in schemas and members that nobody knows", legacy(json!({"color":null}))),
            fail("a description", legacy(json!({"description":null}))).at("body /result/tools/0/description"),
            fail("hints", legacy(json!({"annotations":{"readOnlyHint":null,"title":null}})))
                .naming("`annotations.readOnlyHint` of tools/list is null; `annotations.title`"),
            fail("an output schema", legacy(json!({"outputSchema":null}))),
            fail(
                "an argument of a prompt",
                legacy(json!({})).with(list("prompts/list", Era::Legacy, prompt)),
            )
            .naming("`arguments.description` of prompts/list"),
            fail("instructions", legacy(json!({})).with(instructions)).naming("`instructions` of initialize"),
            fail(
                "every tool",
                ended(
                    Era::Legacy,
                    json!({"tools":[tool(json!({"title":null})),tool(json!({"title":null}))]}),
                ),
            )
            .naming("null 2 times"),
            fail("the cursor of the legacy era", ended(Era::Legacy, json!({"tools":[],"nextCursor":null}))),
            warn("the cursor of the modern era", ended(Era::Modern, json!({"tools":[],"nextCursor":null}))),
            warn("what is free", legacy(json!({"_meta":{"vendor/x":{"y":null}}}))).naming("`_meta`"),
            warn(
                "the data of an error",
                legacy(json!({})).with(
                    post(
                        ProbeId::Catalogue,
                        "completion/complete",
                        Era::Legacy,
                        json!({"jsonrpc":"2.0","id":2,"method":"x"}),
                    )
                    .status(200)
                    .json(json!({"jsonrpc":"2.0","id":2,"error":{"code":-32601,"message":"no","data":null}})),
                ),
            ),
            undecided(
                "a list that was not read to its end",
                ended(Era::Legacy, json!({"tools":[],"nextCursor":"2"})),
            )
            .naming("1 page"),
            undecided("no list at all", Scan::legacy(false)),
        ];
        hold(&CHECK, examples);
    }

    #[test]
    fn the_list_of_tools_is_the_worst_place() {
        let both = legacy(json!({"description":null})).with(list(
            "resources/list",
            Era::Legacy,
            json!({"resources":[{"uri":"x:1","name":"x","mimeType":null}]}),
        ));
        assert_eq!(both.judge(&CHECK).cause, Some(TOOLS));
        let other = legacy(json!({})).with(list(
            "resources/list",
            Era::Legacy,
            json!({"resources":[{"uri":"x:1","name":"x","mimeType":null}]}),
        ));
        assert_eq!(other.judge(&CHECK).cause, Some(ELSEWHERE));
        assert_eq!(legacy(json!({"_meta":{"x":null}})).judge(&CHECK).cause, Some(FREE));
        let last = list("tools/list", Era::Modern, json!({"tools":[],"nextCursor":null}));
        assert_eq!(Scan::modern().with(last).judge(&CHECK).cause, Some(CURSOR));
    }
}
