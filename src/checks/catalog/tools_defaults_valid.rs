//! A default fits the schema that it stands in.

use serde_json::Value;

use crate::checks::prelude::*;
use crate::facts::fitting::{Unfit, unfit};
use crate::facts::schema_walk::{ROOM, property, subschemas};
use crate::facts::tools::{self, Tool};

pub(super) static CHECK: Check = Check {
    id: "tools-defaults-valid",
    title: "Defaults, examples and listed values fit their schema",
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
            title: "JSON Schema 2020-12, Validation, section 9.2, default",
            url: "https://json-schema.org/draft/2020-12/json-schema-validation#section-9.2",
        },
        Basis {
            title: "JSON Schema 2020-12, Validation, section 6.1.2, enum",
            url: "https://json-schema.org/draft/2020-12/json-schema-validation#section-6.1.2",
        },
    ],
    rationale: "Models copy defaults and examples into their calls. One that does not fit is refused by the server's own \
                schema, and a parameter that no value fits makes the tool impossible to call.",
    remediation: "Write defaults and listed values in the type of their schema: `\"type\": \"integer\", \"default\": 10` and not \
                  `\"10\"`, and keep `minimum` below `maximum`.",
    causes: &[],
    how: How {
        sent: "Nothing more: `default`, `examples`, `enum` and `const` in the schemas of `tools/list` against `type`, `enum`, \
               `const` and the bounds of the same schema. Patterns and formats are not tried, and no schema with `$ref` is \
               looked at.",
        passes: "All fit, and the list was read to its end. A default of null is noted: generators write it for what may be left \
                 out.",
        warns: "A default, an example or a listed value does not fit, or no value can fit a parameter that may be left out.",
        fails: "No value can fit a parameter that is required: all its listed values have the wrong type, or its bounds \
                contradict.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    facts.per_era(|era| judge_era(facts, era))
}

fn judge_era(facts: &Facts<'_>, era: Era) -> Judgement {
    let offered = tools::offered(facts, era)?;
    let (mut seen, mut cut_short, mut room) = (Observations::new(), None, ROOM);
    for tool in &offered {
        for member in ["inputSchema", "outputSchema"] {
            let Some(schema) = tool.value.get(member).filter(|schema| schema.is_object()) else { continue };
            if read(tool, member, schema, &mut room, &mut seen) {
                cut_short.get_or_insert_with(|| tool.shown());
            }
            seen.add_with(Status::Pass, || tool.evidence(&format!("/{member}"), "every value fits"), "fits");
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
        if seen.is_empty() {
            return not_applicable("no tool has a schema that is an object");
        }
    }
    seen.verdict(
        format!("every value fits its schema ({})", tools::counted(facts, era, offered.len())),
        "no schema was read",
    )
}

/// What does not fit in one schema; whether a limit ended the reading.
fn read(tool: &Tool<'_>, member: &str, schema: &Value, room: &mut usize, seen: &mut Observations) -> bool {
    let subs = subschemas(schema, room);
    for sub in &subs.all {
        let whose = property(&sub.pointer)
            .map_or_else(|| format!("the {member}"), |name| format!("`{}`", cut(&name)));
        for Unfit { key, what, null, nothing_fits } in unfit(sub.schema) {
            let needed = nothing_fits && sub.required && member == "inputSchema";
            let status = match (null, needed) {
                (true, _) => Status::Info,
                (_, true) => Status::Fail,
                _ => Status::Warn,
            };
            let end = if needed { ", so no call can be right" } else { "" };
            let evidence = tool.evidence(&format!("/{member}{}/{key}", sub.pointer), &what);
            seen.add(status, evidence, format!("{whose} of {}: {what}{end}", tool.shown()));
        }
    }
    subs.cut
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let list = |schema: Value, more: Value| {
        let mut result = json!({"tools":[{"name":"a","inputSchema":schema}]});
        if !more.is_null() {
            result["nextCursor"] = more;
        }
        let body = json!({"jsonrpc":"2.0","id":1,"method":"tools/list"});
        Scan::modern().with(post(ProbeId::Catalogue, "tools/list", Era::Modern, body).result(result))
    };
    let optional = |schema: Value| list(json!({"type":"object","properties":{"x":schema}}), json!(null));
    let required = |schema: Value| {
        list(json!({"type":"object","required":["x"],"properties":{"x":schema}}), json!(null))
    };
    hold(
        &CHECK,
        [
            pass("they fit", optional(json!({"type":"integer","default":10,"minimum":1,"examples":[1,2]}))),
            pass("null as a default", optional(json!({"type":"string","default":null}))).naming("note"),
            pass("a whole number is an integer", optional(json!({"type":"integer","default":3.0}))),
            warn("a default of another type", optional(json!({"type":"integer","default":"10"})))
                .naming("`x` of `a`: its default"),
            warn("a default that is not listed", optional(json!({"enum":["a","b"],"default":"c"}))),
            warn("one listed value", required(json!({"type":"string","enum":["a",1]}))),
            warn("nothing fits, and it may be left out", optional(json!({"type":"string","enum":[1,2]}))),
            fail("nothing fits", required(json!({"type":"string","enum":[1,2]})))
                .naming("no call can be right"),
            fail("contradictory bounds", required(json!({"type":"integer","minimum":5,"maximum":1}))),
            not_applicable("no schema", list(json!(null), json!(null))),
            undecided("another page", list(json!({"type":"object"}), json!("2"))),
            undecided("nothing was asked", Scan::modern()),
        ],
    );
}
