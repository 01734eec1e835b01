//! A model tells tools apart by what is said of them.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::checks::prelude::*;
use crate::facts::tools::{self, Tool};
use crate::transcript::tokens::holds_placeholder;

pub(super) static CHECK: Check = Check {
    id: "tools-descriptions-distinct",
    title: "No two tools have the same description",
    dimension: Dimension::D2,
    severity: Severity::Low,
    level: Level::Practice,
    applies: Applies::mcp(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::Websocket],
        Gated::Hidden,
    ),
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::Catalogue]),
    basis: &[mcp!("2026-07-28", "Tools, Tool (description of functionality)", "server/tools#tool")],
    rationale: "Where two tools say the same of themselves, a model chooses by the name or by chance, and calls the wrong one.",
    remediation: "Say of each tool what it does and the other does not: `Finds notes by words in their text` and `Finds notes by \
                  their date`, or make one tool of both.",
    causes: &[],
    how: How {
        sent: "Nothing more: the descriptions of `tools/list`, without regard to case and blanks. Missing ones: see \
               `tools-described`.",
        passes: "All differ, and the list was read to its end.",
        warns: "Two tools of different names have the same.",
        fails: "",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    facts.per_era(|era| judge_era(facts, era))
}

fn judge_era(facts: &Facts<'_>, era: Era) -> Judgement {
    let offered = tools::offered(facts, era)?;
    let mut seen = Observations::new();
    let mut known: BTreeMap<String, &Tool<'_>> = BTreeMap::new();
    for tool in &offered {
        let description = tool.value.get("description").and_then(Value::as_str).unwrap_or_default();
        let words: Vec<String> = description.split_whitespace().map(str::to_lowercase).collect();
        if words.is_empty() || holds_placeholder(description) {
            continue;
        }
        match known.get(&words.join(" ")) {
            Some(first) if first.name() != tool.name() => {
                let message = format!("{} and {} have the same description", first.shown(), tool.shown());
                seen.add(Status::Warn, tool.evidence("/description", description), message);
            }
            // Two tools of one name are charged for their name.
            Some(_) => {}
            None => {
                known.insert(words.join(" "), tool);
                seen.add_with(Status::Pass, || tool.evidence("/description", description), "its own");
            }
        }
    }
    if seen.count(Status::Warn) == 0 {
        tools::read_to_end(facts, era)?;
        if let Some((_, note)) = tools::left_out(facts, era) {
            return inconclusive(note);
        }
        if seen.is_empty() {
            return not_applicable("no tool has a description");
        }
    }
    seen.verdict(format!("{} descriptions all differ", known.len()), "no tool has a description")
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let list = |tools: &[(&str, &str)], more: Value| {
        let tools: Vec<Value> =
            tools.iter().map(|(name, text)| json!({"name":name,"description":text})).collect();
        let mut result = json!({ "tools": tools });
        if !more.is_null() {
            result["nextCursor"] = more;
        }
        let body = json!({"jsonrpc":"2.0","id":1,"method":"tools/list"});
        Scan::modern().with(post(ProbeId::Catalogue, "tools/list", Era::Modern, body).result(result))
    };
    let whole = |tools: &[(&str, &str)]| list(tools, json!(null));
    hold(
        &CHECK,
        [
            pass("they differ", whole(&[("a", "Adds."), ("b", "Subtracts.")])).naming("2 descriptions"),
            pass("one tool twice", whole(&[("a", "Adds."), ("a", "Adds.")])),
            pass(
                "masked alike",
                whole(&[("a", "Of ~session-1~."), ("b", "Of ~session-1~."), ("c", "Adds.")]),
            ),
            warn("the same", whole(&[("a", "Adds two."), ("b", "adds  TWO.")]))
                .naming("`a` and `b` have the same"),
            not_applicable("none", whole(&[("a", "")])),
            undecided("another page", list(&[("a", "Adds.")], json!("2"))),
            undecided("nothing was asked", Scan::modern()),
        ],
    );
}
