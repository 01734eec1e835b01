//! The keys of `_meta` follow the grammar of names.

use serde_json::Value;

use crate::checks::prelude::*;
use crate::facts::subject;

pub(super) static CHECK: Check = Check {
    id: "rpc-meta-keys",
    title: "Keys of _meta follow the grammar of names",
    dimension: Dimension::D2,
    severity: Severity::Low,
    level: Level::Must,
    applies: Applies::mcp(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::Websocket],
        Gated::Unseen,
    ),
    reads: Reads::All,
    basis: &[
        mcp!("2026-07-28", "Basic, General fields, _meta", "basic#meta"),
        mcp!("2025-11-25", "Basic, General fields, _meta", "basic#meta"),
        mcp!("2025-06-18", "Basic, General fields, _meta", "basic#meta"),
    ],
    rationale: "Everybody may put keys into `_meta`, and the grammar keeps them apart: a prefix that names whose it is, and \
                a name. Tools that sort by it drop what they cannot read.",
    remediation: "Begin and end each name with a letter or digit, and put your reversed domain before it: \
                  `\"com.example/trace\"` in place of `\"_trace\"`.",
    causes: &[],
    how: How {
        sent: "Nothing more: `_meta` of results, of messages of the endpoint's own and of the entries of its lists, in eras \
               whose revision is 2025-06-18 or newer. Which names a reserved prefix may have is not judged.",
        passes: "Each key is a name, or a prefix with `/` and a name. Labels of a prefix begin with a letter and end with a \
                 letter or digit, with hyphens between; a name begins and ends with a letter or digit, with `-`, `_` and \
                 `.` between. Behind a prefix it may be empty.",
        warns: "",
        fails: "One is anything else.",
    },
    judge,
};

/// Lists whose entries may have `_meta`.
const LISTS: [&str; 5] = ["tools", "prompts", "resources", "resourceTemplates", "contents"];
/// Entries of a list, and keys of one `_meta`, that are looked at.
const MOST: usize = 1_000;

fn judge(facts: &Facts<'_>) -> Judgement {
    facts.per_era(|era| judge_era(facts, era))
}

fn judge_era(facts: &Facts<'_>, era: Era) -> Judgement {
    let spoken = facts.class().revisions.iter().copied().filter(|revision| revision.era() == era);
    let Some(revision) = spoken.max() else {
        return inconclusive("no revision of this era was named");
    };
    if revision < Revision::V2025_06_18 {
        return not_applicable("the revisions spoken here have no grammar for these keys");
    }
    let own = |exchange: &&Exchange| {
        exchange.is_message() || exchange.stream.is_some() || subject::own(facts.header(), exchange)
    };
    let mut seen = Observations::new();
    let mut asked = false;
    for exchange in facts.of_era(era).filter(own) {
        let messages = facts.reply(exchange).messages.iter();
        for value in messages.filter_map(|message| message.json.as_ref().ok()) {
            asked |= value.get("result").is_some();
            for (pointer, meta) in metas(value) {
                let Some(keys) = meta.as_object() else { continue };
                let wrong: Vec<&String> = keys.keys().take(MOST).filter(|key| !sound(key)).collect();
                for key in &wrong {
                    let evidence = Evidence::new(exchange, format!("body {pointer}"), key.as_str());
                    let message = format!("`{}` is no name for a key of `_meta`", cut(key));
                    seen.add(Status::Fail, evidence, message);
                }
                if wrong.is_empty() && !keys.is_empty() {
                    seen.add_with(Status::Pass, || Evidence::body(exchange, &pointer, meta), "sound");
                }
            }
        }
    }
    if seen.is_empty() && asked {
        return not_applicable("no `_meta` came");
    }
    seen.distinct().verdict("every key of `_meta` follows the grammar", "no result came")
}

/// Every `_meta` of a message, by JSON pointer.
fn metas(message: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    for part in ["result", "params"] {
        let Some(value) = message.get(part) else { continue };
        found.extend(value.get("_meta").map(|meta| (format!("/{part}/_meta"), meta)));
        for list in LISTS {
            let entries = value.get(list).and_then(Value::as_array).into_iter().flatten().take(MOST);
            found.extend(entries.enumerate().filter_map(|(index, entry)| {
                Some((format!("/{part}/{list}/{index}/_meta"), entry.get("_meta")?))
            }));
        }
    }
    found
}

/// Whether a key follows the grammar.
fn sound(key: &str) -> bool {
    let Some((prefix, name)) = key.split_once('/') else { return named(key) };
    prefix.split('.').all(label) && (name.is_empty() || named(name))
}

fn label(label: &str) -> bool {
    label.starts_with(|c: char| c.is_ascii_alphabetic())
        && label.ends_with(|c: char| c.is_ascii_alphanumeric())
        && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

fn named(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.ends_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let list = |era: Era, result: Value| {
        let asked = json!({"jsonrpc":"2.0","id":7,"method":"tools/list"});
        post(ProbeId::Catalogue, "tools/list", era, asked).result(result)
    };
    let says = |meta: Value| {
        Scan::legacy(false).with(list(Era::Legacy, json!({"tools":[{"name":"a","_meta":meta}]})))
    };
    let key = |key: &str| says(json!({ key: 1 }));
    let old = {
        let answer =
            json!({"protocolVersion":"2025-03-26","capabilities":{},"serverInfo":{"name":"s","version":"1"}});
        Scan::empty()
            .with(discover().status(400).json(json!({})))
            .with(initialize(ProbeId::Classify, "initialize").result(answer))
            .with(list(Era::Legacy, json!({"tools":[{"name":"a","_meta":{"_x":1}}]})))
    };
    hold(
        &CHECK,
        [
            pass("a name", key("traceparent")),
            pass("a prefix", key("com.example-2.x/a_b.c-1")),
            pass("one label", key("ui/resourceUri")),
            pass("no name behind a prefix", key("com.example/")),
            pass(
                "of a result",
                Scan::modern().with(list(Era::Modern, json!({"tools":[],"_meta":{"a/b":1}}))),
            ),
            pass("an argument called so is none", {
                let schema = json!({"type":"object","properties":{"_meta":{"type":"object","_x":1}}});
                let tools = json!({"tools":[{"name":"a","_meta":{"a":1},"inputSchema":schema}]});
                Scan::legacy(false).with(list(Era::Legacy, tools))
            }),
            fail("an underscore first", key("_fastmcp")).naming("`_fastmcp`").showing("_fastmcp"),
            fail("an empty label", key("com..example/a")),
            fail("a digit first", key("1com.example/a")),
            fail("a hyphen last", key("com.example-/a")),
            fail("a slash in the name", key("com.example/a/b")),
            fail("nothing", key("")),
            fail("a name that ends otherwise", key("com.example/a_")),
            undecided("no revision that is known", {
                let answer = json!({"protocolVersion":"2031-01-01","capabilities":{},"serverInfo":{"name":"s","version":"1"}});
                Scan::empty()
                    .with(discover().status(400).json(json!({})))
                    .with(initialize(ProbeId::Classify, "initialize").result(answer))
            }),
            not_applicable("none", Scan::legacy(false)),
            not_applicable("an empty one", says(json!({}))),
            not_applicable("an older revision", old),
        ],
    );
}
