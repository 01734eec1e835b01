//! What is required must be possible.

use serde_json::{Map, Value};

use crate::checks::prelude::*;
use crate::facts::schema_walk::{ROOM, Subschema, subschemas};
use crate::facts::tools;
use crate::transcript::tokens::holds_placeholder;

pub(super) static CHECK: Check = Check {
    id: "tools-required-declared",
    title: "Every required parameter is declared",
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
            title: "JSON Schema 2020-12, Validation, section 6.5.3, required",
            url: "https://json-schema.org/draft/2020-12/json-schema-validation#section-6.5.3",
        },
        Basis {
            title: "JSON Schema 2020-12, Core, section 10.3.2, additionalProperties",
            url: "https://json-schema.org/draft/2020-12/json-schema-core#section-10.3.2",
        },
    ],
    rationale: "A model fills in what is declared. A required name that is not declared is never given, and where nothing else \
                is allowed no arguments satisfy the schema: the tool cannot be called.",
    remediation: "Declare each name of `required` under `properties`, with type and description: `\"properties\": {\"id\": \
                  {\"type\": \"string\"}}, \"required\": [\"id\"]`.",
    causes: &[],
    how: How {
        sent: "Nothing more: objects in the schemas of `tools/list` that have `properties`. One that also has `$ref`, `allOf`, \
               `anyOf`, `oneOf`, `if`, `patternProperties` or their like may declare a name there, and is not looked at.",
        passes: "Every name is declared, and the list was read to its end. Where other properties are allowed, one that is not \
                 is noted, and nothing is scored.",
        warns: "A name is not declared and no other property is allowed, inside a schema or in that of the output.",
        fails: "The same at the root of an `inputSchema`.",
    },
    judge,
};

/// Keywords that may declare a property elsewhere.
const ELSEWHERE: [&str; 13] = [
    "$ref",
    "$dynamicRef",
    "$recursiveRef",
    "allOf",
    "anyOf",
    "oneOf",
    "if",
    "then",
    "else",
    "patternProperties",
    "dependentSchemas",
    "dependencies",
    "extends",
];

fn judge(facts: &Facts<'_>) -> Judgement {
    facts.per_era(|era| judge_era(facts, era))
}

fn judge_era(facts: &Facts<'_>, era: Era) -> Judgement {
    let offered = tools::offered(facts, era)?;
    let (mut seen, mut notes) = (Observations::new(), Observations::new());
    let (mut cut_short, mut room) = (None, ROOM);
    for tool in &offered {
        for member in ["inputSchema", "outputSchema"] {
            let Some(schema) = tool.value.get(member).filter(|schema| schema.is_object()) else { continue };
            let read = subschemas(schema, &mut room);
            if read.cut {
                cut_short.get_or_insert_with(|| tool.shown());
            }
            for sub in &read.all {
                let Some(name) = undeclared(sub.schema) else { continue };
                let closed = sub.schema.get("additionalProperties") == Some(&Value::Bool(false));
                let status = judged(member, sub, closed);
                let end = if closed {
                    "and nothing else is allowed"
                } else {
                    "though other properties are allowed"
                };
                let message =
                    format!("{}: `{}` is required and not declared, {end}", tool.shown(), cut(name));
                let at = tool.evidence(&format!("/{member}{}/required", sub.pointer), name);
                let kept = if closed { &mut seen } else { &mut notes };
                kept.add(status, at, message);
            }
            seen.add_with(Status::Pass, || tool.evidence(&format!("/{member}"), "declared"), "declared");
        }
    }
    if seen.count(Status::Fail) + seen.count(Status::Warn) == 0 {
        tools::read_to_end(facts, era)?;
        if let Some((_, note)) = tools::left_out(facts, era) {
            return inconclusive(note);
        }
        if let Some(tool) = cut_short {
            return inconclusive(format!("a schema of {tool} was not read to its end, our limit"));
        }
        if seen.count(Status::Pass) == 0 {
            return not_applicable("no tool has a schema that is an object");
        }
        if !notes.is_empty() {
            return notes.verdict("", "");
        }
    }
    let counted = tools::counted(facts, era, offered.len());
    seen.verdict(format!("every required name is declared ({counted})"), "no schema was read")
}

fn judged(member: &str, sub: &Subschema<'_>, closed: bool) -> Status {
    match (closed, sub.depth, member) {
        (false, ..) => Status::Info,
        (true, 0, "inputSchema") => Status::Fail,
        _ => Status::Warn,
    }
}

/// The first required name that an object with properties does not declare.
fn undeclared(schema: &Map<String, Value>) -> Option<&str> {
    let properties = schema.get("properties")?.as_object()?;
    if ELSEWHERE.iter().any(|key| schema.contains_key(*key)) {
        return None;
    }
    let required = schema.get("required")?.as_array()?;
    required
        .iter()
        .filter_map(Value::as_str)
        .find(|name| !properties.contains_key(*name) && !holds_placeholder(name))
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let list = |tool: Value, more: Value| {
        let mut result = json!({ "tools": [tool] });
        if !more.is_null() {
            result["nextCursor"] = more;
        }
        let body = json!({"jsonrpc":"2.0","id":1,"method":"tools/list"});
        Scan::modern().with(post(ProbeId::Catalogue, "tools/list", Era::Modern, body).result(result))
    };
    let whole = |schema: Value| list(json!({"name":"a","inputSchema":schema}), json!(null));
    let closed =
        || json!({"type":"object","properties":{"x":{}},"required":["x","y"],"additionalProperties":false});
    let mut elsewhere = closed();
    elsewhere["allOf"] = json!([{"properties":{"y":{}}}]);
    hold(
        &CHECK,
        [
            pass(
                "declared",
                whole(
                    json!({"type":"object","properties":{"x":{}},"required":["x"],"additionalProperties":false}),
                ),
            ),
            pass("elsewhere", whole(elsewhere)),
            noted("open", whole(json!({"type":"object","properties":{"x":{}},"required":["y"]})))
                .naming("`a`: `y` is required"),
            pass("without properties", whole(json!({"type":"object","required":["y"]}))),
            pass(
                "a property of this name",
                whole(json!({"type":"object","properties":{"required":{"type":"array"}}})),
            ),
            warn("inside", whole(json!({"type":"object","properties":{"z":closed()}})))
                .naming("`y` is required and not declared"),
            warn("in the output", list(json!({"name":"a","outputSchema":closed()}), json!(null))),
            fail("at the root", whole(closed())).at("body /result/tools/0/inputSchema/required"),
            not_applicable("no schema", list(json!({"name":"a"}), json!(null))),
            undecided("another page", list(json!({"name":"a"}), json!("2"))),
            undecided("nothing was asked", Scan::modern()),
        ],
    );
}
