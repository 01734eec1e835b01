//! Instructions that name tools which are not there send the model looking for them.

use std::collections::BTreeSet;

use crate::checks::prelude::*;
use crate::facts::catalogue_text::{self, Text};
use crate::facts::tools;

pub(super) static CHECK: Check = Check {
    id: "instructions-name-tools",
    title: "The tools that the instructions name are listed",
    dimension: Dimension::D2,
    severity: Severity::Low,
    level: Level::Practice,
    applies: Applies::mcp(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::Websocket],
        Gated::Hidden,
    ),
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::HttpSse, ProbeId::WebSocket, ProbeId::Catalogue]),
    basis: &[
        mcp!("2026-07-28", "Discovery (instructions guide the model)", "server/discover"),
        mcp!("2025-11-25", "Lifecycle, Initialization", "basic/lifecycle#initialization"),
    ],
    rationale: "A model that is told to call a tool which is not listed calls it all the same, fails, and tries names of its own.",
    remediation: "Name tools in `instructions` as they are listed, and renew the text when one is renamed: better, leave names out and \
                  say what comes first.",
    causes: &[],
    how: How {
        sent: "Nothing more: words between backticks in `instructions` that are written as all of this server's tools are (two or more \
               parts of small letters and digits, joined by the same sign) and share a part with one of them, against every name \
               of tools, prompts, resources and parameters.",
        passes: "All are known, or none is named, and every list was read to its end.",
        warns: "One is in no list. Tools that only other callers see are possible.",
        fails: "",
    },
    judge,
};

/// Most names that are looked at.
const MOST: usize = 1_000;

fn judge(facts: &Facts<'_>) -> Judgement {
    facts.per_era(|era| judge_era(facts, era))
}

fn judge_era(facts: &Facts<'_>, era: Era) -> Judgement {
    let texts = catalogue_text::read(facts, era)?;
    let instructions = texts.all.iter().find(|text| text.member == "/instructions");
    let Some(instructions) = instructions else { return not_applicable("there are no instructions") };
    if instructions.masked() {
        return inconclusive("a part of the instructions was masked when they were recorded");
    }
    tools::offered(facts, era)?;
    catalogue_text::whole(facts, era, &texts)?;
    let known: BTreeSet<&str> = texts.all.iter().filter(|text| is_name(text)).map(|text| text.text).collect();
    let names: Vec<&str> = texts
        .all
        .iter()
        .filter(|text| text.owner == "tool" && text.member == "/name")
        .map(|text| text.text)
        .collect();
    let sign = ['_', '-', '.'].into_iter().find(|sign| names.iter().all(|name| parts(name, *sign).len() > 1));
    let own: BTreeSet<&str> =
        sign.iter().flat_map(|sign| names.iter().flat_map(|name| parts(name, *sign))).collect();
    let mut seen = Observations::new();
    for named in quoted(instructions.text) {
        let named_parts = sign.map_or_else(Vec::new, |sign| parts(named, sign));
        if named_parts.len() > 1
            && named_parts.iter().any(|part| own.contains(part))
            && !known.contains(named)
        {
            let message = format!("the instructions name `{}`, which is in no list", cut(named));
            seen.add(Status::Warn, instructions.evidence(named), message);
        }
    }
    seen.add(Status::Pass, instructions.evidence(instructions.text), "known");
    seen.distinct().verdict("the instructions name no tool that is not listed", "")
}

/// Whether a text is what something here is called.
fn is_name(text: &Text<'_>) -> bool {
    text.property() || ["/name", "/uri", "/uriTemplate"].iter().any(|end| text.member.ends_with(end))
}

/// The parts of a name that is written with one sign between small letters and digits; none for any other.
fn parts(name: &str, sign: char) -> Vec<&str> {
    let parts: Vec<&str> = name.split(sign).collect();
    let plain =
        |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    if parts.iter().all(plain) { parts } else { Vec::new() }
}

/// Words between backticks, without the brackets of a call.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    let inside = text.split('`').skip(1).step_by(2).take(MOST);
    inside.map(|word| word.split('(').next().unwrap_or(word)).filter(|word| word.len() <= 128)
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let with = |instructions: &str, more: Value| {
        let handshake = json!({"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},
            "instructions":instructions});
        let mut result = json!({"tools":[{"name":"search_notes","inputSchema":{"type":"object","properties":{"note_id":{}}}},
            {"name":"read_note"}]});
        if !more.is_null() {
            result["nextCursor"] = more;
        }
        let body = json!({"jsonrpc":"2.0","id":1,"method":"tools/list"});
        Scan::empty()
            .with(discover().result(handshake))
            .with(initialize(ProbeId::Classify, "initialize").status(400))
            .with(post(ProbeId::Catalogue, "tools/list", Era::Modern, body).result(result))
    };
    let whole = |instructions: &str| with(instructions, json!(null));
    hold(
        &CHECK,
        [
            pass("known", whole("Call `search_notes`, then `read_note()` with `note_id`.")),
            pass("none is named", whole("Search first.")),
            pass("another product", whole("Notes are made by `pg_dump` as `text/plain` in `snake-case`.")),
            warn("renamed", whole("Call `find_notes` first. `find_notes` is fast.")).naming("`find_notes`"),
            not_applicable(
                "no instructions",
                Scan::modern().with(
                    post(
                        ProbeId::Catalogue,
                        "tools/list",
                        Era::Modern,
                        json!({"jsonrpc":"2.0","id":1,"method":"tools/list"}),
                    )
                    .result(json!({"tools":[]})),
                ),
            ),
            undecided("another page", with("Call `find_notes`.", json!("2"))),
            undecided("masked", whole("Call `find_notes` with ~session-1~.")),
        ],
    );
}
