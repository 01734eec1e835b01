//! A model chooses tools by their descriptions.

use serde_json::Value;

use crate::checks::prelude::*;
use crate::facts::tools::{self, Tool};

pub(super) static CHECK: Check = Check {
    id: "tools-described",
    title: "Every tool and most parameters are described",
    dimension: Dimension::D2,
    severity: Severity::Medium,
    level: Level::Practice,
    applies: Applies::mcp(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::Websocket],
        Gated::Hidden,
    ),
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::Catalogue]),
    basis: &[
        mcp!("2026-07-28", "Tools, Tool (description; optional in the schema)", "server/tools#tool"),
        Basis {
            title: "MCP conformance suite, scenario tools-list",
            url: "https://github.com/modelcontextprotocol/conformance",
        },
    ],
    rationale: "The description is all that a model has to decide when to call a tool and what to put into its \
                parameters. Without one it guesses from the name.",
    remediation: "Say in one or two sentences what the tool does, when to use it and what it gives back, and describe \
                  each parameter with its unit and an example: `\"city\": {\"type\": \"string\", \"description\": \
                  \"City name in English, for example Lisbon\"}`.",
    causes: &[],
    how: How {
        sent: "Nothing more: the descriptions of `tools/list`. At least 10 characters (4 in scripts \
               without spaces) that are not the name again. Hidden characters and text that speaks to the model: see \
               `tools-poisoning`.",
        passes: "Every tool is described.",
        warns: "Some tools are not, or a tool with three or more parameters leaves more than half of them \
                undescribed.",
        fails: "No tool is described.",
    },
    judge,
};

/// A tool with fewer parameters explains them in its own description.
const MANY_PARAMETERS: usize = 3;
/// Undescribed parameters shown in the message.
const SHOWN: usize = 6;

fn judge(facts: &Facts<'_>) -> Judgement {
    facts.per_era(|era| judge_era(facts, era))
}

fn judge_era(facts: &Facts<'_>, era: Era) -> Judgement {
    let offered = tools::offered(facts, era)?;
    let (with, without): (Vec<&Tool<'_>>, Vec<&Tool<'_>>) =
        offered.iter().partition(|tool| is_described(tool));
    let mut seen = Observations::new();
    let names = |tools: &[&Tool<'_>]| {
        let shown: Vec<String> = tools.iter().take(SHOWN).map(|tool| tool.shown()).collect();
        let more = if tools.len() > SHOWN { ", …" } else { "" };
        format!("{}{more}", shown.join(", "))
    };
    if let Some(first) = without.first() {
        let text = first.value.get("description").and_then(Value::as_str).unwrap_or("none");
        let evidence = first.evidence("/description", text);
        if with.is_empty() {
            let message = format!("no tool has a useful description: {}", names(&without));
            seen.add(Status::Fail, evidence, message);
            return seen.verdict("", "");
        }
        let (few, all) = (without.len(), offered.len());
        let message = format!("{few} of {all} tools have no useful description: {}", names(&without));
        seen.add(Status::Warn, evidence, message);
    }
    let (mut parameters, mut bare_parameters, mut shown) = (0_usize, 0_usize, Vec::new());
    for tool in &offered {
        let Some(all) = parameters_of(tool) else { continue };
        let bare: Vec<&String> =
            all.iter().filter(|(_, schema)| !has_words(tool, schema)).map(|(name, _)| name).collect();
        parameters = parameters.saturating_add(all.len());
        bare_parameters = bare_parameters.saturating_add(bare.len());
        shown.extend(
            bare.iter().take(SHOWN).map(|name| format!("{}.{}", tool.shown(), crate::verdict::cut(name))),
        );
        if all.len() >= MANY_PARAMETERS && bare.len().saturating_mul(2) > all.len() {
            let message =
                format!("{} leaves {} of {} parameters undescribed", tool.shown(), bare.len(), all.len());
            let name = bare.first().map_or("", |name| name.as_str());
            seen.add(Status::Warn, tool.evidence("/inputSchema/properties", name), message);
        }
    }
    if let Some(first) = offered.first().filter(|_| bare_parameters > 0) {
        shown.truncate(SHOWN);
        let message = format!(
            "{bare_parameters} of {parameters} parameters have no description, such as {}",
            shown.join(", ")
        );
        seen.add(Status::Info, first.evidence("/inputSchema/properties", "parameters"), message);
    }
    if let Some(first) = with.first() {
        let text = first.value.get("description").and_then(Value::as_str).unwrap_or_default();
        seen.add(Status::Pass, first.evidence("/description", text), "described");
    }
    // What was not read may be undescribed.
    if seen.count(Status::Fail) + seen.count(Status::Warn) == 0 {
        tools::read_to_end(facts, era)?;
    }
    let counted = tools::counted(facts, era, offered.len());
    if let Some((page, note)) = tools::left_out(facts, era)
        && seen.count(Status::Warn) > 0
    {
        seen.add(Status::Info, Evidence::status(page), note);
    }
    seen.verdict(format!("every tool is described ({counted})"), "no tools were listed")
}

/// Long enough to say something, in whatever language, and not the name again.
fn is_described(tool: &Tool<'_>) -> bool {
    let text = tool.value.get("description").and_then(Value::as_str).unwrap_or_default().trim();
    let least = if text.chars().any(dense) { 4 } else { 10 };
    let words = |text: &str| -> String {
        text.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    text.chars().count() >= least && words(text) != words(tool.name().unwrap_or_default())
}

/// Scripts that are written without spaces and say much in few characters: Thai to Tibetan, Myanmar,
/// Khmer, kana, Han.
fn dense(character: char) -> bool {
    matches!(u32::from(character),
        0x0E00..=0x0FFF | 0x1000..=0x109F | 0x1780..=0x17FF | 0x3040..=0x30FF | 0x3400..=0x4DBF
        | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x3FFFF)
}

fn parameters_of<'t>(tool: &Tool<'t>) -> Option<&'t serde_json::Map<String, Value>> {
    tool.value.get("inputSchema")?.get("properties")?.as_object()
}

/// Whether a parameter is described, at itself or where its local `$ref` leads (one step).
fn has_words(tool: &Tool<'_>, schema: &Value) -> bool {
    let described = |schema: &Value| {
        schema.get("description").and_then(Value::as_str).is_some_and(|text| !text.trim().is_empty())
    };
    let target = || {
        let pointer = schema.get("$ref").and_then(Value::as_str)?.strip_prefix('#')?;
        tool.value.get("inputSchema")?.pointer(pointer)
    };
    described(schema) || target().is_some_and(described)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::CHECK;
    use crate::checks::synthetic::{Scan, post};
    use crate::finding::Finding;
    use crate::protocol::revision::Era;
    use crate::transcript::ProbeId;
    use crate::verdict::Status;

    fn judged(tools: &Value) -> Finding {
        let list = post(ProbeId::Catalogue, "tools/list", Era::Modern, json!({"id":1,"method":"tools/list"}));
        Scan::modern().with(list.result(json!({"tools":tools}))).judge(&CHECK)
    }

    fn tool(name: &str, description: &str) -> Value {
        json!({"name":name,"description":description,"inputSchema":{"type":"object"}})
    }

    fn with_parameters(properties: &Value) -> Value {
        json!([{"name":"a","description":"Adds two integers","inputSchema":{"type":"object","properties":properties,
            "$defs":{"D":{"description":"a day"}}}}])
    }

    #[test]
    fn passes_when_every_tool_is_described_in_any_script() {
        let finding =
            judged(&json!([tool("add", "Add two integers"), tool("tq", "天気予報"), tool("th", "บวกเลข")]));
        assert_eq!(finding.status, Status::Pass, "{}", finding.message);
    }

    #[test]
    fn passes_with_a_count_of_undescribed_parameters() {
        let finding = judged(&with_parameters(&json!({"x":{},"y":{"type":"integer"}})));
        assert_eq!(finding.status, Status::Pass);
        assert!(finding.message.contains("2 of 2 parameters"), "{}", finding.message);
        assert!(finding.message.contains("`a`.x"), "{}", finding.message);
        let described = json!({"x":{"description":"a"},"y":{"$ref":"#/$defs/D"},"z":true});
        assert_eq!(judged(&with_parameters(&described)).status, Status::Pass);
    }

    #[test]
    fn warns_when_some_tools_or_most_parameters_are_not_described() {
        for bad in [
            tool("b", ""),
            tool("b", "short"),
            tool("get_the_weather", "Get the weather"),
            json!({"name":"b"}),
        ] {
            assert_eq!(judged(&json!([tool("add", "Add two integers"), bad])).status, Status::Warn, "{bad}");
        }
        let finding = judged(&with_parameters(&json!({"x":{},"y":{},"z":{"description":"a"}})));
        assert_eq!(finding.status, Status::Warn);
    }

    #[test]
    fn fails_when_no_tool_is_described() {
        assert_eq!(judged(&json!([tool("a", ""), tool("b", "b")])).status, Status::Fail);
    }

    #[test]
    fn not_applicable_without_tools() {
        assert_eq!(judged(&json!([])).status, Status::NotApplicable);
    }

    #[test]
    fn undecided_when_the_list_was_not_read() {
        assert_eq!(Scan::modern().judge(&CHECK).status, Status::Inconclusive);
    }
}
