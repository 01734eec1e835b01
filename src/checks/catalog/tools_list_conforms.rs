//! One tool of the wrong shape costs a client the whole list.

use std::collections::BTreeMap;

use crate::checks::prelude::*;
use crate::facts::tool_shape::misfits;
use crate::facts::{nulls, tools};

pub(super) static CHECK: Check = Check {
    id: "tools-list-conforms",
    title: "Every page of the list of tools has the shape that clients check",
    dimension: Dimension::D2,
    severity: Severity::Critical,
    level: Level::Must,
    applies: Applies::mcp(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::Websocket],
        Gated::Hidden,
    ),
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::Catalogue]),
    basis: &[
        mcp!("2026-07-28", "Tools, Tool", "server/tools#tool"),
        mcp!("2025-11-25", "Tools, Tool", "server/tools#tool"),
        Basis {
            title: "MCP schema, ListToolsResult",
            url: "https://github.com/modelcontextprotocol/modelcontextprotocol/tree/main/schema",
        },
    ],
    rationale: "SDK clients check the list against the schema as a whole. One tool whose schema, title or hint has the \
                wrong type, and the agent has no tools at all.",
    remediation: "Give every tool a `name`, and an `inputSchema` of `\"type\": \"object\"` whose `properties` is an object \
                  of objects and whose `required` is an array of strings; titles and descriptions are strings, hints \
                  booleans. For no parameters: `\"inputSchema\": {\"type\": \"object\", \"properties\": {}}`.",
    causes: &[
        Cause {
            word: "no-array",
            remedy: Some(
                "Send `tools` as an array of objects, empty where there are none: `{\"tools\": []}`.",
            ),
        },
        Cause { word: "entry", remedy: None },
    ],
    how: How {
        sent: "Nothing more: every page of `tools/list`, as many as are read, against the revision's own schema. What \
               the schemas of the tools say in depth is `tools-schema-valid`.",
        passes: "Every tool on every page fits, and the list was read to its end.",
        warns: "",
        fails: "`tools` is no array, or a tool does not fit: a member of the wrong type, another root type (since \
                2026-07-28 free for `outputSchema`), a property that is no object. Null: see `rpc-optional-not-null`; a \
                list that cannot be read on: see `list-pagination`.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    facts.per_era(|era| judge_era(facts, era))
}

fn judge_era(facts: &Facts<'_>, era: Era) -> Judgement {
    let misshapen = tools::misshapen(facts, era);
    let offered = match tools::offered(facts, era) {
        Err(reason) if misshapen.is_empty() => return Err(reason),
        offered => offered.unwrap_or_default(),
    };
    let spoken = facts.class().revisions.iter().copied().filter(|revision| revision.era() == era);
    let Some(revision) = spoken.max() else {
        return inconclusive("no revision of this era was named");
    };
    let mut seen = Observations::new();
    for (exchange, what) in misshapen {
        let evidence = Evidence::new(exchange, "body /result/tools", what);
        let message = format!("the list has no array of tools: `tools` is {what}");
        seen.push(Verdict::of(Status::Fail, vec![evidence], message).because("no-array"));
    }
    // The same fault in every tool is one fault, told with its first place.
    let mut places: BTreeMap<(String, String), (usize, Evidence, String)> = BTreeMap::new();
    for tool in &offered {
        for misfit in misfits(tool.value, revision) {
            let member = misfit.pointer.trim_start_matches('/').replace('/', ".");
            let evidence = || tool.evidence(&misfit.pointer, &misfit.what);
            let entry = places
                .entry((kind_of(&misfit.pointer).to_owned(), misfit.what.clone()))
                .or_insert_with(|| (0, evidence(), format!("{} of {}", member, tool.shown())));
            entry.0 = entry.0.saturating_add(1);
        }
    }
    for ((_, what), (count, evidence, first)) in places {
        let first = first.strip_prefix(" of ").map_or(first.clone(), str::to_owned);
        let more = match count {
            1 => String::new(),
            _ => format!(", and so in {} more places", count.saturating_sub(1)),
        };
        let message = format!("{first} {what}{more}");
        seen.push(Verdict::of(Status::Fail, vec![evidence], message).because("entry"));
    }
    if seen.is_empty() {
        charged(facts, era, revision)?;
        tools::read_to_end(facts, era)?;
    }
    for tool in &offered {
        seen.add_with(Status::Pass, || tool.evidence("/name", tool.shown()), "fits");
    }
    if let Some((page, note)) = tools::left_out(facts, era) {
        if seen.count(Status::Fail) == 0 {
            return inconclusive(note);
        }
        seen.add(Status::Info, Evidence::status(page), note);
    }
    seen.verdict(
        format!("every tool fits ({})", tools::counted(facts, era, offered.len())),
        "no tools were listed",
    )
}

/// A place without the names of properties.
fn kind_of(pointer: &str) -> &str {
    pointer.find("/properties/").map_or(pointer, |at| pointer.get(..at).unwrap_or(pointer))
}

/// What stops clients at this list and is charged to another check.
fn charged(facts: &Facts<'_>, era: Era, revision: Revision) -> Result<(), Undecided> {
    for page in tools::pages(facts, era) {
        let Some(result) = facts.reply(page).result() else { continue };
        if nulls::read(result, revision).iter().any(|null| !null.loose) {
            return charged_to("rpc-optional-not-null", "a member of the list is null");
        }
    }
    if tools::stops(facts, era).is_some() {
        return charged_to("list-pagination", "the list could not be read to its end");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::examples::*;

    fn page(step: &str, era: Era, result: Value) -> Made {
        post(ProbeId::Catalogue, step, era, json!({"jsonrpc":"2.0","id":1,"method":"tools/list"}))
            .result(result)
    }

    fn tool(members: Value) -> Value {
        let mut tool = json!({"name":"a","inputSchema":{"type":"object"}});
        if let (Value::Object(tool), Value::Object(members)) = (&mut tool, members) {
            tool.extend(members);
        }
        tool
    }

    fn listed(era: Era, tools: Value) -> Scan {
        let scan = if era == Era::Modern { Scan::modern() } else { Scan::legacy(false) };
        let mut result = json!({});
        result["tools"] = tools;
        scan.with(page("tools/list", era, result))
    }

    fn legacy(members: Value) -> Scan {
        listed(Era::Legacy, json!([tool(json!({})), tool(members)]))
    }

    #[test]
    fn every_tool_fits() {
        let input = |members: Value| {
            let mut schema = json!({"type":"object"});
            schema.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
            json!({ "inputSchema": schema })
        };
        let pages = |second: Made| {
            Scan::legacy(false)
                .with(page("tools/list", Era::Legacy, json!({"tools":[tool(json!({}))],"nextCursor":"2"})))
                .with(second)
        };
        let bad = tool(json!({"title":7}));
        let array = json!({"outputSchema":{"type":"array"}});
        let examples = [
            pass("sound", legacy(input(json!({"properties":{"x":{}},"required":["x"]})))).naming("2 in all"),
            pass(
                "two pages",
                pages(page("tools/list page 2", Era::Legacy, json!({"tools":[tool(json!({}))]}))),
            ),
            pass("an array as output in the modern era", listed(Era::Modern, json!([tool(array.clone())]))),
            pass(
                "a depth that another check reads",
                legacy(input(json!({"properties":{"x":{"$ref":"#/$defs/x"}}}))),
            ),
            fail("an array as output in the legacy era", legacy(array))
                .naming("outputSchema.type of `a` is `array`"),
            fail("a property that is no object", legacy(input(json!({"properties":{"x":"string"}}))))
                .at("body /result/tools/1/inputSchema/properties/x"),
            fail("required that is a flag", legacy(input(json!({"required":true})))),
            fail("a hint in words", legacy(json!({"annotations":{"readOnlyHint":"yes"}})))
                .naming("not a boolean"),
            fail("a description in parts", legacy(json!({"description":["a"]}))),
            fail("no schema", listed(Era::Modern, json!([{"name":"a"},{"name":"b"}]))).naming("1 more place"),
            fail("no object", listed(Era::Modern, json!(["a"]))).naming("tool 1 is a string"),
            fail("a map of tools", listed(Era::Modern, json!({"a":{}}))).naming("no array"),
            fail("on the second page", pages(page("tools/list page 2", Era::Legacy, json!({"tools":[bad]})))),
            not_applicable("no tools", listed(Era::Modern, json!([]))),
            undecided("the list was not read", Scan::modern()),
            undecided(
                "our own limit",
                pages(page("tools/list page 2", Era::Legacy, json!({"tools":[],"nextCursor":"3"}))),
            ),
        ];
        hold(&CHECK, examples);
    }

    #[test]
    fn what_others_judge_is_charged_to_them() {
        let null = legacy(json!({"title":null})).judge(&CHECK);
        assert_eq!(null.charged_to, Some("rpc-optional-not-null"), "{}", null.message);
        let again = Scan::legacy(false)
            .with(page("tools/list", Era::Legacy, json!({"tools":[tool(json!({}))],"nextCursor":"2"})))
            .with(page(
                "tools/list page 2",
                Era::Legacy,
                json!({"tools":[tool(json!({}))],"nextCursor":"2"}),
            ));
        assert_eq!(again.judge(&CHECK).charged_to, Some("list-pagination"));
    }
}
