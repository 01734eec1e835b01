//! An endpoint that offers nothing may speak without fault.

use serde_json::Value;

use crate::checks::prelude::*;

pub(super) static CHECK: Check = Check {
    id: "server-offers-something",
    title: "The endpoint offers a tool, a prompt or a resource",
    dimension: Dimension::D2,
    severity: Severity::Low,
    level: Level::Practice,
    applies: Applies::mcp(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::Websocket],
        Gated::Hidden,
    ),
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::HttpSse, ProbeId::WebSocket, ProbeId::Catalogue]),
    basis: &[mcp!("2026-07-28", "Tools, Capabilities (the set may be empty)", "server/tools#capabilities")],
    rationale: "Lists may be empty, and an agent can do nothing with them: a score of such an endpoint speaks of the wire \
                alone.",
    remediation: "Register the tools before the server answers, and look whether the caller's scope hides them.",
    causes: &[],
    how: How {
        sent: "Nothing more: the lists that are advertised.",
        passes: "One of them has an entry.",
        warns: "All are empty, read to their ends, and nobody had to log in.",
        fails: "",
    },
    judge,
};

/// Lists by the capability that advertises them.
const LISTS: [(&str, &str, &str); 4] = [
    ("tools", "tools/list", "tools"),
    ("prompts", "prompts/list", "prompts"),
    ("resources", "resources/list", "resources"),
    ("resources", "resources/templates/list", "resourceTemplates"),
];

fn judge(facts: &Facts<'_>) -> Judgement {
    facts.per_era(|era| judge_era(facts, era))
}

fn judge_era(facts: &Facts<'_>, era: Era) -> Judgement {
    let catalogue = facts.catalogue(era)?;
    let shown = facts.exchanges().find(|exchange| Some(exchange.id) == catalogue.capabilities_from);
    let Some(exchange) = shown else { return inconclusive("no capabilities were read") };
    let mut open = None;
    for (capability, method, member) in LISTS {
        let pages: Vec<&Exchange> = facts
            .of(ProbeId::Catalogue)
            .filter(|page| page.era == Some(era) && page.step.starts_with(method))
            .collect();
        let listed =
            |page: &&Exchange| facts.reply(page).result().and_then(|result| result.get(member)?.as_array());
        if let Some(page) = pages.iter().find(|page| listed(page).is_some_and(|items| !items.is_empty())) {
            let count = listed(page).map_or(0, Vec::len);
            return pass(Evidence::status(page), format!("{method} lists {count}"));
        }
        let last = pages.last().and_then(|page| facts.reply(page).result());
        let ended = last.is_some_and(|last| last.get("nextCursor").is_none_or(Value::is_null));
        if catalogue.advertises(capability) && !ended {
            open = open.or(Some(method));
        }
    }
    if let Some(method) = open {
        return inconclusive(format!("{method} was not read to its end"));
    }
    let at = Evidence::body(exchange, "/result/capabilities", &Value::Null);
    let at = Evidence { excerpt: "no list has an entry".to_owned(), ..at };
    // Another caller may see more.
    if facts.header().credential() {
        return info(
            at,
            "no list that is advertised has an entry for this credential; another scope may show more",
        );
    }
    if ["completions", "extensions", "tasks"].iter().any(|other| catalogue.advertises(other)) {
        return info(at, "no list that is advertised has an entry; something beside the lists is advertised");
    }
    warn(at, "no list that is advertised has an entry: what is scored is the wire alone")
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let of = Scan::offering;
    let list = |method: &str, result: Value| {
        post(ProbeId::Catalogue, method, Era::Modern, json!({"jsonrpc":"2.0","id":1,"method":method}))
            .result(result)
    };
    let empty = || of(json!({"tools":{}})).with(list("tools/list", json!({"tools":[]})));
    hold(
        &CHECK,
        [
            pass("a tool", of(json!({"tools":{}})).with(list("tools/list", json!({"tools":[{"name":"a"}]})))),
            pass(
                "a template alone",
                of(json!({"resources":{}}))
                    .with(list("resources/list", json!({"resources":[]})))
                    .with(list("resources/templates/list", json!({"resourceTemplates":[{"name":"a"}]}))),
            ),
            warn("an empty list", empty()),
            warn("nothing is advertised", of(json!({}))),
            undecided(
                "a list that goes on",
                of(json!({"tools":{}})).with(list("tools/list", json!({"tools":[],"nextCursor":"a"}))),
            ),
            undecided("a list that was not answered", of(json!({"tools":{}}))),
        ],
    );
    assert_eq!(empty().credential().judge(&CHECK).status, Status::Info);
}
