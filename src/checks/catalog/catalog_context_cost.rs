//! What a list of tools costs is paid with every turn.

use serde_json::{Map, Value};

use crate::checks::prelude::*;
use crate::facts::catalogue_text::handshakes;
use crate::facts::tools::{self, Tool};

pub(super) static CHECK: Check = Check {
    id: "catalog-context-cost",
    title: "What goes into the model's context stays small",
    dimension: Dimension::D2,
    severity: Severity::Medium,
    level: Level::Practice,
    applies: Applies::mcp(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::Websocket],
        Gated::Hidden,
    ),
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::HttpSse, ProbeId::WebSocket, ProbeId::Catalogue]),
    basis: &[
        mcp!("2026-07-28", "Tools, Listing Tools", "server/tools#listing-tools"),
        Basis {
            title: "Reports of lists that fill the context, claude-code 12241",
            url: "https://github.com/anthropics/claude-code/issues/12241",
        },
    ],
    rationale: "Most clients put every tool into the context of every turn. A long list is paid each time, leaves less room \
                for the task, and makes models choose worse.",
    remediation: "Offer fewer tools with shorter texts: join those that differ in one parameter, move manuals into resources, and \
                  leave out of a schema what the description says. Aim at 10,000 tokens for all.",
    causes: &[],
    how: How {
        sent: "Nothing more: name, title, description and `inputSchema` of all tools as JSON without blanks, and \
               `instructions`. Tokens are bytes divided by four, give or take a quarter; text of other scripts than Latin costs \
               more. The thresholds are ours. Clients that search for tools on demand pay less.",
        passes: "At most 10,000 tokens, and the list was read to its end. Up to 25,000 is a note. The five dearest tools are \
                 named.",
        warns: "More than 25,000 tokens.",
        fails: "",
    },
    judge,
};

/// Bytes of a token, roughly.
const TOKEN: usize = 4;
/// Most tokens that are small.
const SMALL: usize = 10_000;
/// Most tokens that are noted and no more.
const LARGE: usize = 25_000;
/// How many of the dearest tools are named.
const NAMED: usize = 5;

fn judge(facts: &Facts<'_>) -> Judgement {
    facts.per_era(|era| judge_era(facts, era))
}

fn judge_era(facts: &Facts<'_>, era: Era) -> Judgement {
    let instructions = handshakes(facts, era)
        .find_map(|(_, result)| result.get("instructions")?.as_str())
        .map_or(0, str::len);
    let offered = tools::offered(facts, era)?;
    let mut costs: Vec<(usize, &Tool<'_>)> = offered.iter().map(|tool| (cost(tool), tool)).collect();
    let bytes = costs.iter().fold(instructions, |sum, (cost, _)| sum.saturating_add(*cost));
    costs.sort_by_key(|(cost, tool)| (std::cmp::Reverse(*cost), tool.exchange.id, tool.index));
    let Some((_, dearest)) = costs.first() else { return not_applicable("no tools are offered") };
    let tokens = bytes / TOKEN;
    let named: Vec<String> =
        costs.iter().take(NAMED).map(|(cost, tool)| format!("{} {}", tool.shown(), cost / TOKEN)).collect();
    let message = format!(
        "{} tools and the instructions cost about {tokens} tokens ({bytes} bytes); most: {}",
        offered.len(),
        named.join(", ")
    );
    let evidence = dearest.evidence("", format!("{} bytes", cost(dearest)));
    if tokens > LARGE {
        return warn(evidence, message);
    }
    tools::read_to_end(facts, era)?;
    if let Some((_, note)) = tools::left_out(facts, era) {
        return inconclusive(note);
    }
    if tokens > SMALL { info(evidence, message) } else { pass(evidence, message) }
}

/// The bytes that a client hands on of a tool.
fn cost(tool: &Tool<'_>) -> usize {
    let members = ["name", "title", "description", "inputSchema"];
    let handed: Map<String, Value> = members
        .iter()
        .filter_map(|member| Some(((*member).to_owned(), tool.value.get(*member)?.clone())))
        .collect();
    Value::Object(handed).to_string().len()
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let list = |description: usize, more: Value| {
        let mut result = json!({"tools":[{"name":"small"},{"name":"big","description":"x".repeat(description),"outputSchema":{"type":"object"}}]});
        if !more.is_null() {
            result["nextCursor"] = more;
        }
        let body = json!({"jsonrpc":"2.0","id":1,"method":"tools/list"});
        Scan::modern().with(post(ProbeId::Catalogue, "tools/list", Era::Modern, body).result(result))
    };
    hold(
        &CHECK,
        [
            pass("small", list(100, json!(null)))
                .naming("most: `big` 32, `small` 4")
                .naming("about 36 tokens"),
            warn("39,000 tokens", list(156_000, json!(null))).naming("`big` 39007"),
            warn("whatever comes next", list(156_000, json!("2"))),
            undecided("another page", list(100, json!("2"))),
            undecided("nothing was asked", Scan::modern()),
        ],
    );
    let some = list(60_000, json!(null)).judge(&CHECK);
    assert_eq!(some.status, Status::Info, "{}", some.message);
}
