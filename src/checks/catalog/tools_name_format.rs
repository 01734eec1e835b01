//! A name is what a model calls a tool by.

use std::collections::BTreeMap;

use crate::checks::prelude::*;
use crate::facts::tools::{self, Tool};
use crate::transcript::tokens::holds_placeholder;

pub(super) static CHECK: Check = Check {
    id: "tools-name-format",
    title: "Tool names are unique and have 1 to 128 plain characters",
    dimension: Dimension::D2,
    severity: Severity::Medium,
    level: Level::Should,
    applies: Applies::mcp(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::Websocket],
        Gated::Hidden,
    ),
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::Catalogue]),
    basis: &[
        mcp!("2026-07-28", "Tools, Tool Names", "server/tools#tool-names"),
        mcp!("2025-11-25", "Tools, Tool Names", "server/tools#tool-names"),
    ],
    rationale: "Clients and model APIs pass on names of letters, digits, `_`, `-` and `.` alone, and map or drop others. Of \
                two tools of one name, one can never be called.",
    remediation: "Give each tool a name of its own of 1 to 64 letters, digits, `_`, `-` or `.`, such as `read_note`, and put \
                  what people read into `title`.",
    causes: &[],
    how: How {
        sent: "Nothing more: the names of `tools/list`, compared within each page. A name that masking replaced is not \
               looked at.",
        passes: "All are unique and plain, and the list was read to its end. Names of 65 to 128 characters are noted: many \
                 model APIs stop at 64. The official conformance suite allows `/`; the specification does not.",
        warns: "Other characters, or more than 128, at an endpoint of 2025-11-25 or later (before, a note); a name that \
                comes again on another page.",
        fails: "Two tools of one page have the same name. A missing name: see `tools-schema-valid`.",
    },
    judge,
};

/// Longest name of the specification, in characters.
const LONGEST: usize = 128;
/// Longest name that the common model APIs take.
const COMMON: usize = 64;

fn judge(facts: &Facts<'_>) -> Judgement {
    facts.per_era(|era| judge_era(facts, era))
}

fn judge_era(facts: &Facts<'_>, era: Era) -> Judgement {
    let offered = tools::offered(facts, era)?;
    let spoken = facts.class().revisions.iter().filter(|revision| revision.era() == era).max();
    let ruled = spoken.is_some_and(|revision| *revision >= Revision::V2025_11_25);
    let bad = if ruled { Status::Warn } else { Status::Info };
    let mut seen = Observations::new();
    let mut named: BTreeMap<&str, Vec<&Tool<'_>>> = BTreeMap::new();
    for tool in &offered {
        let Some(name) = tool.name().filter(|name| !holds_placeholder(name)) else { continue };
        named.entry(name).or_default().push(tool);
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let length = name.chars().count();
        let mut add = |status: Status, what: String| {
            seen.add(status, tool.evidence("/name", name), format!("the name {} {what}", tool.shown()));
        };
        if let Some(odd) = name.chars().find(|c| !plain(*c)) {
            add(
                bad,
                format!(
                    "has a character outside letters, digits, `_`, `-` and `.` (U+{:04X})",
                    u32::from(odd)
                ),
            );
        } else if length > LONGEST {
            add(bad, format!("has {length} characters"));
        } else if length > COMMON {
            add(Status::Info, format!("has {length} characters; many model APIs stop at {COMMON}"));
        }
        seen.add_with(Status::Pass, || tool.evidence("/name", name), "a name");
    }
    for (name, tools) in named.iter().filter(|(_, tools)| tools.len() > 1) {
        let Some(last) = tools.last() else { continue };
        let page = tools.iter().filter(|tool| tool.exchange.id == last.exchange.id).count();
        let (status, message) = if page > 1 {
            (
                Status::Fail,
                format!("{page} tools are called {}: only one of them can be called", last.shown()),
            )
        } else {
            (Status::Warn, format!("{} comes again on another page", last.shown()))
        };
        seen.add(status, last.evidence("/name", name), message);
    }
    if seen.count(Status::Fail) + seen.count(Status::Warn) == 0 {
        tools::read_to_end(facts, era)?;
        if let Some((_, note)) = tools::left_out(facts, era) {
            return inconclusive(note);
        }
    }
    let counted = tools::counted(facts, era, offered.len());
    seen.verdict(
        format!("every name is unique and plain ({counted})"),
        "no tool has a name that could be looked at",
    )
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let page = |step: &str, names: &[&str], more: Value| {
        let tools: Vec<Value> = names.iter().map(|name| json!({ "name": name })).collect();
        let mut result = json!({ "tools": tools });
        if !more.is_null() {
            result["nextCursor"] = more;
        }
        let body = json!({"jsonrpc":"2.0","id":step,"method":"tools/list"});
        post(ProbeId::Catalogue, step, Era::Modern, body).result(result)
    };
    let list = |names: &[&str]| Scan::modern().with(page("tools/list", names, json!(null)));
    let long = |length: usize| "n".repeat(length);
    let old = || {
        let body = json!({"jsonrpc":"2.0","id":2,"method":"tools/list"});
        let handshake = initialize(ProbeId::Classify, "initialize")
            .result(json!({"protocolVersion":"2025-06-18",
            "capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"}}));
        Scan::empty()
            .with(
                discover()
                    .status(400)
                    .json(json!({"jsonrpc":"2.0","id":"d-1","error":{"code":-32000,"message":"no"}})),
            )
            .with(handshake)
            .with(
                post(ProbeId::Catalogue, "tools/list", Era::Legacy, body)
                    .result(json!({"tools":[{"name":"a/b"}]})),
            )
    };
    hold(
        &CHECK,
        [
            pass("plain", list(&["read_note", "a.b-C1"])).naming("2 in all"),
            pass("long", list(&[&long(65)])).naming("65 characters"),
            pass("before there was a rule", old()).naming("U+002F"),
            pass("masked alike", list(&["a", "~session-1~", "~session-1~"])),
            warn("a slash", list(&["a/b"])).naming("`a/b` has a character").at("body /result/tools/0/name"),
            warn("another script", list(&["погода"])),
            warn("too long", list(&[&long(129)])).naming("129"),
            warn(
                "again on another page",
                Scan::modern().with(page("tools/list", &["a"], json!("2"))).with(page(
                    "tools/list page 2",
                    &["a"],
                    json!(null),
                )),
            ),
            fail("twice", list(&["a", "b", "a"]))
                .naming("2 tools are called `a`")
                .at("body /result/tools/2/name"),
            undecided("another page", Scan::modern().with(page("tools/list", &["a"], json!("2")))),
            undecided("nothing was asked", Scan::modern()),
            not_applicable("none", list(&[])),
        ],
    );
}
