//! A prompt is chosen by its name and filled in by its arguments.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::checks::prelude::*;
use crate::facts::catalogue_text::{entries, list_ends};
use crate::transcript::tokens::holds_placeholder;

pub(super) static CHECK: Check = Check {
    id: "prompts-valid",
    title: "Prompts and their arguments have a name each, once, and a description",
    dimension: Dimension::D2,
    severity: Severity::Medium,
    level: Level::Practice,
    applies: Applies::mcp(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::Websocket],
        Gated::Hidden,
    ),
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::Catalogue]),
    basis: &[
        mcp!("2026-07-28", "Prompts, Prompt", "server/prompts#prompt"),
        mcp!("2025-11-25", "Prompts, Prompt", "server/prompts#prompt"),
    ],
    rationale: "People choose a prompt from a menu and clients send its arguments as one object: of two with the same name, one \
                can never be had.",
    remediation: "Give each prompt a name of its own and a sentence of description, and so each argument: `{\"name\": \"id\", \
                  \"description\": \"Id of the note\", \"required\": true}`.",
    causes: &[],
    how: How {
        sent: "Nothing more: the first page of `prompts/list`. Names that masking replaced are not compared.",
        passes: "Every prompt and argument has a name of its own and a description, and the list has one page.",
        warns: "A prompt or an argument has no description.",
        fails: "A prompt has no name, two prompts have one name, or two arguments of one prompt.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    facts.per_era(|era| judge_era(facts, era))
}

fn judge_era(facts: &Facts<'_>, era: Era) -> Judgement {
    let (exchange, prompts) = entries(facts, era, "prompts/list", "prompts", "prompts")?;
    let text = |value: &Value, member: &str| {
        value.get(member).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let described = |value: &Value| !text(value, "description").trim().is_empty();
    let mut seen = Observations::new();
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    for (index, prompt) in prompts.iter().enumerate() {
        let name = text(prompt, "name");
        let mut add = |status: Status, member: &str, message: String| {
            let place = format!("body /result/prompts/{index}{member}");
            seen.add(status, Evidence::new(exchange, place, &name), message);
        };
        let shown = if name.is_empty() {
            format!("prompt {}", index.saturating_add(1))
        } else {
            format!("`{}`", cut(&name))
        };
        if name.is_empty() {
            add(Status::Fail, "/name", format!("{shown} has no name"));
        }
        if !described(prompt) {
            add(Status::Warn, "", format!("{shown} has no description"));
        }
        let mut known = BTreeSet::new();
        for argument in prompt.get("arguments").and_then(Value::as_array).into_iter().flatten() {
            let of = text(argument, "name");
            if !known.insert(of.clone()) && !holds_placeholder(&of) {
                add(
                    Status::Fail,
                    "/arguments",
                    format!("two arguments of {shown} are called `{}`", cut(&of)),
                );
            }
            if !described(argument) {
                add(
                    Status::Warn,
                    "/arguments",
                    format!("the argument `{}` of {shown} has no description", cut(&of)),
                );
            }
        }
        if !name.is_empty() && !holds_placeholder(&name) {
            let count = names.entry(name.clone()).or_default();
            *count = count.saturating_add(1);
            if *count == 2 {
                add(Status::Fail, "/name", format!("two prompts are called {shown}"));
            }
        }
        add(Status::Pass, "/name", "sound".to_owned());
    }
    if seen.count(Status::Fail) + seen.count(Status::Warn) == 0 {
        list_ends(facts, era, "prompts/list", "prompt")?;
    }
    seen.verdict(format!("{} prompts are named and described", prompts.len()), "no prompt was listed")
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let with = |capabilities: Value| {
        Scan::empty()
            .with(discover().result(json!({"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":capabilities})))
            .with(initialize(ProbeId::Classify, "initialize").status(400))
    };
    let step = || {
        post(
            ProbeId::Catalogue,
            "prompts/list",
            Era::Modern,
            json!({"jsonrpc":"2.0","id":1,"method":"prompts/list"}),
        )
    };
    let list = |prompts: Value, more: Value| {
        let mut result = json!({ "prompts": prompts });
        if !more.is_null() {
            result["nextCursor"] = more;
        }
        with(json!({"prompts":{}})).with(step().result(result))
    };
    let whole = |prompts: Value| list(prompts, json!(null));
    let sound =
        || json!({"name":"sum","description":"Sums up.","arguments":[{"name":"id","description":"Which."}]});
    hold(
        &CHECK,
        [
            pass("sound", whole(json!([sound()]))).naming("1 prompts"),
            pass(
                "masked alike",
                whole(
                    json!([{"name":"~session-1~","description":"a"},{"name":"~session-1~","description":"b"}]),
                ),
            ),
            warn("undescribed", whole(json!([{"name":"sum"}]))).naming("`sum` has no description"),
            warn(
                "an argument",
                whole(json!([{"name":"sum","description":"Sums.","arguments":[{"name":"id"}]}])),
            )
            .naming("`id` of `sum`"),
            fail("no name", whole(json!([{"name":"","description":"x"}]))).naming("prompt 1 has no name"),
            fail("twice", whole(json!([sound(), sound()])))
                .naming("two prompts are called `sum`")
                .at("body /result/prompts/1/name"),
            fail(
                "two arguments",
                whole(
                    json!([{"name":"a","description":"x","arguments":[{"name":"b","description":"x"},{"name":"b","description":"y"}]}]),
                ),
            ),
            not_applicable("not offered", with(json!({"tools":{}})).with(step().error(404, -32601, "no"))),
            not_applicable("none", whole(json!([]))),
            undecided("it goes on", list(json!([sound()]), json!("2"))),
            undecided("it was not answered", with(json!({"prompts":{}})).with(step().status(500))),
            undecided("nothing was asked", with(json!({"prompts":{}}))),
        ],
    );
}
