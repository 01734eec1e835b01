//! MCP allows more than the APIs of models do.

use serde_json::Value;

use crate::checks::prelude::*;
use crate::facts::schema_walk::{ROOM, subschemas};
use crate::facts::tools;

pub(super) static CHECK: Check = Check {
    id: "tools-model-limits",
    title: "The tools are such that the common model APIs take them",
    dimension: Dimension::D2,
    severity: Severity::Medium,
    level: Level::Practice,
    applies: Applies::mcp(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::Websocket],
        Gated::Hidden,
    ),
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::Catalogue]),
    basis: &[
        Basis {
            title: "Reports of the Anthropic API refusing combinators at the root, claude-code 4886",
            url: "https://github.com/anthropics/claude-code/issues/4886",
        },
        Basis {
            title: "Reports of the OpenAI API refusing them, google-calendar-mcp 39",
            url: "https://github.com/nspady/google-calendar-mcp/issues/39",
        },
        Basis {
            title: "Visual Studio Code, use tools in chat (at most 128 in one request)",
            url: "https://code.visualstudio.com/docs/copilot/chat/chat-tools",
        },
    ],
    rationale: "Clients pass the schemas on to the API of a model. One schema that it does not take, and it refuses the whole \
                request: the tools of every server are gone, not this one alone.",
    remediation: "Keep `anyOf`, `oneOf`, `allOf`, `enum` and `not` out of the root of `inputSchema`: list all parameters under \
                  `properties`, say in the description which go together, and refuse wrong combinations in the tool.",
    causes: &[],
    how: How {
        sent: "Nothing more: the input schemas and names of `tools/list` against what the APIs of at least two families of \
               models refuse. MCP allows all of it, and some clients rewrite it, so nothing fails.",
        passes: "No root has a combinator, and the list was read to its end. Noted are: top-level parameters outside \
                 `[a-zA-Z0-9_.-]` or over 64 characters and tool names over 64 characters (Anthropic), more than 128 tools (VS \
                 Code), more than 10 levels of schemas (OpenAI, strict mode).",
        warns: "The root of an `inputSchema` has `anyOf`, `oneOf`, `allOf`, `enum` or `not`.",
        fails: "",
    },
    judge,
};

/// Keywords that two families of APIs refuse at the root.
const REFUSED: [&str; 5] = ["anyOf", "oneOf", "allOf", "enum", "not"];
/// Longest name of a tool or a parameter.
const LONGEST_NAME: usize = 64;
/// Most tools in one request.
const MOST_TOOLS: usize = 128;
/// Most levels of schemas.
const MOST_LEVELS: usize = 10;

fn judge(facts: &Facts<'_>) -> Judgement {
    facts.per_era(|era| judge_era(facts, era))
}

fn judge_era(facts: &Facts<'_>, era: Era) -> Judgement {
    let offered = tools::offered(facts, era)?;
    let mut seen = Observations::new();
    let (mut odd, mut long, mut deep, mut room) = (None, None, None, ROOM);
    for tool in &offered {
        let Some(schema) = tool.value.get("inputSchema").filter(|schema| schema.is_object()) else {
            continue;
        };
        let refused = REFUSED.iter().find(|key| schema.get(**key).is_some_and(|value| !value.is_null()));
        match refused {
            Some(key) => {
                let message = format!(
                    "{} has `{key}` at the root of its input schema: APIs of models refuse the whole request with all tools in it",
                    tool.shown()
                );
                seen.add(Status::Warn, tool.evidence(&format!("/inputSchema/{key}"), key), message);
            }
            None => seen.add_with(
                Status::Pass,
                || tool.evidence("/inputSchema", "no combinator at the root"),
                "taken",
            ),
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        let named = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
        let mut names = named.map(|(name, _)| name);
        if odd.is_none() {
            let found = names.find(|name| name.len() > LONGEST_NAME || !name.chars().all(plain));
            odd = found.map(|name| (tool, name));
        }
        if tool.name().is_some_and(|name| name.chars().count() > LONGEST_NAME) {
            long = long.or(Some(tool));
        }
        if deep.is_none() && subschemas(schema, &mut room).all.iter().any(|sub| sub.depth > MOST_LEVELS) {
            deep = Some(tool);
        }
    }
    let Some(first) = offered.first() else { return not_applicable("no tools are offered") };
    let mut note = |words: String| seen.add(Status::Info, first.evidence("", "tools"), words);
    if let Some((tool, name)) = odd {
        note(format!("the Anthropic API refuses the parameter `{}` of {}", cut(name), tool.shown()));
    }
    if let Some(tool) = long {
        note(format!(
            "the name {} is over {LONGEST_NAME} characters, the limit of the Anthropic and OpenAI APIs",
            tool.shown()
        ));
    }
    if let Some(tool) = deep {
        note(format!(
            "{} has more than {MOST_LEVELS} levels of schemas, the limit of OpenAI's strict mode",
            tool.shown()
        ));
    }
    if offered.len() > MOST_TOOLS {
        note(format!("{} tools: VS Code sends at most {MOST_TOOLS}", offered.len()));
    }
    if seen.count(Status::Warn) == 0 {
        tools::read_to_end(facts, era)?;
        if let Some((_, note)) = tools::left_out(facts, era) {
            return inconclusive(note);
        }
        if seen.count(Status::Pass) == 0 {
            return not_applicable("no tool has an input schema that is an object");
        }
    }
    seen.verdict(
        format!("the APIs of models take every tool ({})", tools::counted(facts, era, offered.len())),
        "",
    )
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let named = |name: &str, schema: Value, more: Value| {
        let body = json!({"jsonrpc":"2.0","id":1,"method":"tools/list"});
        let mut result = json!({"tools":[{"name":name,"inputSchema":schema}]});
        if !more.is_null() {
            result["nextCursor"] = more;
        }
        Scan::modern().with(post(ProbeId::Catalogue, "tools/list", Era::Modern, body).result(result))
    };
    let list = |schema: Value| named("a", schema, json!(null));
    let mut deep = json!({"type":"string"});
    for _ in 0..12 {
        deep = json!({"type":"object","properties":{"x":deep}});
    }
    hold(
        &CHECK,
        [
            pass("plain", list(json!({"type":"object","properties":{"x":{"anyOf":[{"type":"string"}]}}})))
                .naming("1 in all"),
            pass(
                "a local reference",
                list(json!({"type":"object","$defs":{"d":{}},"properties":{"x":{"$ref":"#/$defs/d"}}})),
            ),
            pass("a parameter of another script", list(json!({"type":"object","properties":{"город":{}}})))
                .naming("`город` of `a`"),
            pass("a long name", named(&"n".repeat(70), json!({"type":"object"}), json!(null)))
                .naming("over 64"),
            pass("deep", list(deep)).naming("levels"),
            warn(
                "a combinator",
                list(json!({"type":"object","anyOf":[{"required":["x"]},{"required":["y"]}]})),
            )
            .naming("`a` has `anyOf` at the root")
            .at("body /result/tools/0/inputSchema/anyOf"),
            warn("not", list(json!({"type":"object","not":{"required":["x"]}}))),
            not_applicable("no schema", list(json!(null))),
            undecided("another page", named("a", json!({"type":"object"}), json!("2"))),
            undecided("nothing was asked", Scan::modern()),
        ],
    );
}
