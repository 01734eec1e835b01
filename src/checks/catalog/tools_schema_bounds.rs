//! Receivers bound what they read of a schema.

use std::collections::BTreeMap;

use crate::checks::prelude::*;
use crate::facts::schema_walk::{ROOM, subschemas};
use crate::facts::tools;

pub(super) static CHECK: Check = Check {
    id: "tools-schema-bounds",
    title: "Schemas and lists of tools stay within bounds that receivers set",
    dimension: Dimension::D8,
    severity: Severity::Low,
    level: Level::Practice,
    applies: Applies::mcp(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::Websocket],
        Gated::Hidden,
    ),
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::Catalogue]),
    basis: &[mcp!(
        "2026-07-28",
        "Basic, JSON Schema Usage (resource use)",
        "basic#composition-keyword-resource-use"
    )],
    rationale: "Clients bound depth, number and size, because a schema may cost more than its bytes. What is beyond the bounds \
                is dropped, with the tool or with the whole list.",
    remediation: "Keep a schema below 32 levels and 2,000 subschemas, a page below 1 MiB and the list below 128 tools: put what \
                  is common into `$defs`, and page long lists with `nextCursor`.",
    causes: &[],
    how: How {
        sent: "Nothing more: the schemas of `tools/list`. The bounds are ours. What the list costs a model is \
               `catalog-context-cost`.",
        passes: "Every schema has at most 32 levels and 2,000 subschemas, every page at most 1 MiB of tools, the list at most 128 \
                 of them, and it was read to its end.",
        warns: "One of the bounds is passed.",
        fails: "",
    },
    judge,
};

/// Most levels of a schema.
const LEVELS: usize = 32;
/// Most subschemas of a schema.
const SUBSCHEMAS: usize = 2_000;
/// Most bytes of the tools of one page, as JSON without blanks.
const PAGE: usize = 1024 * 1024;
/// Most tools of a list.
const TOOLS: usize = 128;

fn judge(facts: &Facts<'_>) -> Judgement {
    facts.per_era(|era| judge_era(facts, era))
}

fn judge_era(facts: &Facts<'_>, era: Era) -> Judgement {
    let offered = tools::offered(facts, era)?;
    let mut seen = Observations::new();
    let mut pages: BTreeMap<u32, usize> = BTreeMap::new();
    let (mut room, mut cut_short) = (ROOM, None);
    for tool in &offered {
        let size = pages.entry(tool.exchange.id).or_default();
        *size = size.saturating_add(tool.value.to_string().len());
        for member in ["inputSchema", "outputSchema"] {
            let Some(schema) = tool.value.get(member) else { continue };
            let read = subschemas(schema, &mut room);
            if read.cut {
                cut_short.get_or_insert_with(|| tool.shown());
            }
            let levels = read.all.iter().map(|sub| sub.depth.saturating_add(1)).max().unwrap_or_default();
            let mut add = |what: String| {
                let message = format!("the {member} of {} has {what}", tool.shown());
                seen.add(Status::Warn, tool.evidence(&format!("/{member}"), what), message);
            };
            if levels > LEVELS {
                add(format!("more than {LEVELS} levels"));
            }
            if read.all.len() > SUBSCHEMAS {
                add(format!("more than {SUBSCHEMAS} subschemas"));
            }
        }
        seen.add_with(Status::Pass, || tool.evidence("/inputSchema", "within bounds"), "within bounds");
    }
    for page in tools::pages(facts, era) {
        let size = pages.get(&page.id).copied().unwrap_or_default();
        if size > PAGE {
            seen.add(
                Status::Warn,
                Evidence::status(page),
                format!("the tools of `{}` have {size} bytes", page.step),
            );
        }
    }
    if let Some(last) = offered.last().filter(|_| offered.len() > TOOLS) {
        let message = format!("there are {} tools, more than {TOOLS}", offered.len());
        seen.add(Status::Warn, last.evidence("", "one of them"), message);
    }
    if seen.count(Status::Warn) == 0 {
        tools::read_to_end(facts, era)?;
        if let Some((_, note)) = tools::left_out(facts, era) {
            return inconclusive(note);
        }
        if let Some(tool) = cut_short {
            return inconclusive(format!("a schema of {tool} was not read to its end, our limit"));
        }
    }
    seen.verdict(format!("everything is within bounds ({})", tools::counted(facts, era, offered.len())), "")
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let page = |tools: Vec<Value>, more: Value| {
        let mut result = json!({ "tools": tools });
        if !more.is_null() {
            result["nextCursor"] = more;
        }
        let body = json!({"jsonrpc":"2.0","id":1,"method":"tools/list"});
        Scan::modern().with(post(ProbeId::Catalogue, "tools/list", Era::Modern, body).result(result))
    };
    let list = |schema: Value| page(vec![json!({"name":"a","inputSchema":schema})], json!(null));
    let mut deep = json!({});
    for _ in 0..40 {
        deep = json!({"items": deep});
    }
    let wide: Vec<Value> = vec![json!({}); 2_100];
    hold(
        &CHECK,
        [
            pass("small", list(json!({"type":"object"}))).naming("1 in all"),
            warn("deep", list(deep)).naming("32 levels"),
            warn("wide", list(json!({"allOf":wide}))).naming("2000 subschemas"),
            warn("large", list(json!({"description":"x".repeat(1_100_000)}))).naming("bytes"),
            warn("many", page(vec![json!({"name":"a"}); 129], json!("2"))).naming("129 tools"),
            undecided("another page", page(vec![json!({"name":"a"})], json!("2"))),
            undecided("nothing was asked", Scan::modern()),
        ],
    );
}
