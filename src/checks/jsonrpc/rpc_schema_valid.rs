//! Messages of the server fit the official schema of their revision.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::checks::prelude::*;
use crate::facts::{official, subject};

pub(super) static CHECK: Check = Check {
    id: "rpc-schema-valid",
    title: "Messages fit the official schema of their revision",
    dimension: Dimension::D2,
    severity: Severity::High,
    level: Level::Must,
    applies: Applies::mcp(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::Websocket],
        Gated::Hidden,
    ),
    reads: Reads::All,
    basis: &[
        Basis {
            title: "MCP schema (schema.json of each revision: the source of truth for all messages)",
            url: "https://github.com/modelcontextprotocol/modelcontextprotocol/tree/main/schema",
        },
        mcp!("2025-11-25", "Basic, Schema", "basic#schema"),
        mcp!("2026-07-28", "Basic, Schema", "basic#schema"),
    ],
    rationale: "Client libraries are made from the schema and check what comes against it. A list with one entry of \
                another form is dropped as a whole, and a notification that does not fit is lost without a word.",
    remediation: "Build messages with the types of an SDK, or check them in your tests against `schema.json` of the \
                  revision that is negotiated. Leave members out that have no value.",
    causes: &[Cause { word: HANDSHAKE, remedy: None }, Cause { word: ELSEWHERE, remedy: None }],
    how: How {
        sent: "Nothing more: results, and the server's own notifications and requests, each by the schema of the \
               revision that its request names. What another row judges is left to it: nulls, schemas and names of \
               tools, `_meta`, cursors, cache hints, result types, and what a handshake must have.",
        passes: "All that were read fit.",
        warns: "Only what lists carry for display does not: annotations, icons, sizes, extras of `serverInfo`.",
        fails: "A required member is missing or of another type in a result, or in a message of the server's own.",
    },
    judge,
};

/// In what a client reads first.
const HANDSHAKE: &str = "handshake";
const ELSEWHERE: &str = "elsewhere";

/// Places that are named.
const PLACES: usize = 20;
/// Members that are shown to people.
const DISPLAY: [&str; 4] = ["/annotations", "/icons", "/size", "/serverInfo"];
/// Members, anywhere, that other rows judge.
const OF_OTHERS: [&str; 9] = [
    "/inputSchema",
    "/outputSchema",
    "/_meta",
    "/experimental",
    "/extensions",
    "/nextCursor",
    "/resultType",
    "/ttlMs",
    "/cacheScope",
];
/// Required members whose want other rows judge.
const OWED: [&str; 5] = ["`resultType`", "`ttlMs`", "`cacheScope`", "`inputSchema`", "`_meta`"];
/// Members of a tool that `tools-list-conforms` judges.
const OF_TOOLS: [&str; 4] = ["name", "title", "description", "annotations"];

fn judge(facts: &Facts<'_>) -> Judgement {
    facts.per_era(|era| judge_era(facts, era))
}

/// How bad it is, in which message, which place, and what is wrong there.
type Place = (Status, String, String, String);

fn judge_era(facts: &Facts<'_>, era: Era) -> Judgement {
    let mut places: BTreeMap<Place, (usize, Evidence)> = BTreeMap::new();
    let (mut read, mut first) = (0_usize, None);
    let own = facts.of_era(era).filter(|exchange| {
        exchange.expectation == Expectation::Plain
            && (exchange.is_message() || subject::own(facts.header(), exchange))
    });
    for exchange in own {
        let method = facts.method(exchange).unwrap_or_default();
        let reply = facts.reply(exchange);
        let Some(revision) = revision(facts, exchange, method, reply.result(), era) else { continue };
        let listed = !method.ends_with("/list") || exchange.probe == ProbeId::Catalogue;
        let results = reply
            .result()
            // What is no object is no result: `rpc-envelope-valid`.
            .filter(|result| listed && result.is_object())
            .and_then(|result| Some((method, "/result", result, official::result(revision, method)?)));
        let told = reply.messages.iter().filter_map(|message| {
            let value = message.json.as_ref().ok()?;
            let method = value.get("method")?.as_str()?;
            Some((method, "", value, official::sent_by_servers(revision, method)?))
        });
        for (method, root, value, definition) in results.into_iter().chain(told) {
            read = read.saturating_add(1);
            first = first.or(Some(exchange));
            for misfit in official::misfits(revision, definition, value) {
                if misfit.null || left_to_others(method, &misfit.pointer, &misfit.words) {
                    continue;
                }
                let shown = DISPLAY.iter().any(|member| within(&misfit.pointer, member));
                let status = if shown { Status::Warn } else { Status::Fail };
                let key = (status, method.to_owned(), every(&misfit.pointer), misfit.words);
                let at = || {
                    let here = value.pointer(&misfit.pointer).unwrap_or(&Value::Null);
                    Evidence::body(exchange, &format!("{root}{}", misfit.pointer), here)
                };
                let entry = places.entry(key).or_insert_with(|| (0, at()));
                entry.0 = entry.0.saturating_add(1);
            }
        }
    }
    let mut seen = Observations::new();
    // The worst come first, and the others fill what room is left.
    for ((status, method, pointer, words), (count, evidence)) in places.into_iter().rev().take(PLACES) {
        let place = if pointer.is_empty() { String::new() } else { format!(" {}", cut(&pointer)) };
        let times = if count == 1 { String::new() } else { format!(" ({count} times)") };
        let first = [names::INITIALIZE, names::DISCOVER].contains(&method.as_str());
        let verdict = Verdict::of(status, vec![evidence], format!("{method}:{place} {words}{times}"));
        seen.push(verdict.because(if first { HANDSHAKE } else { ELSEWHERE }));
    }
    if let Some(exchange) = first {
        seen.add(Status::Pass, Evidence::status(exchange), "fits");
    }
    seen.verdict(format!("the {read} messages that were read fit the official schema"), "no message came")
}

/// The revision in use: what an initialize result names, else the version header, else the newest of the era that
/// was spoken.
fn revision(
    facts: &Facts<'_>,
    exchange: &Exchange,
    method: &str,
    result: Option<&Value>,
    era: Era,
) -> Option<Revision> {
    if method == names::INITIALIZE {
        return Revision::parse(result?.get("protocolVersion")?.as_str()?);
    }
    match exchange.request.header(names::VERSION_HEADER) {
        Some(version) => Revision::parse(version),
        None => facts.class().revisions.iter().copied().filter(|revision| revision.era() == era).max(),
    }
    .filter(|revision| revision.era() == era)
}

fn left_to_others(method: &str, pointer: &str, words: &str) -> bool {
    let member = pointer.rsplit('/').next().unwrap_or_default();
    let owed = OWED.iter().any(|name| words.starts_with(name));
    let tool = method == "tools/list" && (OF_TOOLS.contains(&member) || words.starts_with("`name`"));
    // What a handshake must have, has rows of its own.
    let handshake = [names::INITIALIZE, names::DISCOVER].contains(&method)
        && (["", "/serverInfo"].contains(&pointer)
            || ["/protocolVersion", "/serverInfo/name", "/serverInfo/version"].contains(&pointer)
            || within(pointer, "/capabilities")
            || within(pointer, "/supportedVersions"));
    owed || tool
        || handshake
        || (method == "tools/list" && (within(pointer, "/annotations") || pointer == "/tools"))
        || OF_OTHERS.iter().any(|other| within(pointer, other))
}

/// Whether a pointer leads to or through this member.
fn within(pointer: &str, member: &str) -> bool {
    pointer.match_indices(member).any(|(at, _)| {
        let rest = pointer.get(at.saturating_add(member.len())..).unwrap_or_default();
        rest.is_empty() || rest.starts_with('/')
    })
}

/// A pointer with one sign for every index.
fn every(pointer: &str) -> String {
    let part = |part: &str| {
        let index = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if index { "*".to_owned() } else { part.to_owned() }
    };
    pointer.split('/').map(part).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let list = |method: &str, era: Era, result: Value| {
        post(ProbeId::Catalogue, method, era, json!({"jsonrpc":"2.0","id":1,"method":method})).result(result)
    };
    let legacy = |method: &str, result: Value| Scan::legacy(false).with(list(method, Era::Legacy, result));
    let tools = |members: Value| {
        let mut tool = json!({"name":"a","inputSchema":{"type":"object"}});
        if let (Value::Object(tool), Value::Object(members)) = (&mut tool, members) {
            tool.extend(members);
        }
        legacy("tools/list", json!({ "tools": [tool.clone(), tool] }))
    };
    let told = |params: Value| {
        let message = json!({"jsonrpc":"2.0","method":"notifications/progress","params":params});
        let ask =
            post(ProbeId::IdEcho, "integer", Era::Legacy, json!({"jsonrpc":"2.0","id":7,"method":"ping"}));
        let answer = json!({"jsonrpc":"2.0","id":7,"result":{}});
        Scan::legacy(false).with(ask.stream(&format!("data: {message}\n\ndata: {answer}\n\n"), 0))
    };
    let resource = |members: Value| {
        let mut resource = json!({"uri":"x:1","name":"x"});
        if let (Value::Object(resource), Value::Object(members)) = (&mut resource, members) {
            resource.extend(members);
        }
        legacy("resources/list", json!({ "resources": [resource] }))
    };
    let modern = json!({"resultType":"complete","tools":[{"name":"a","inputSchema":{"type":"object"}}],"ttlMs":0,
        "cacheScope":"public","more":1});
    hold(
        &CHECK,
        [
            pass("a list and members of one's own", tools(json!({"x-own":{"a":1}}))),
            pass("a modern list", Scan::modern().with(list("tools/list", Era::Modern, modern))),
            pass("a null is another row's", tools(json!({"description":null}))),
            pass("so are names and schemas", tools(json!({"name":7,"inputSchema":{"properties":[]}}))),
            pass("progress", told(json!({"progressToken":1,"progress":0.5}))),
            pass("a size of 5.0", resource(json!({"size":5.0}))),
            warn("icons that are no list", tools(json!({"icons":"x.png"}))).naming("2 times"),
            warn("a size that is a text", resource(json!({"size":"5 kB"}))),
            fail("a resource without a name", legacy("resources/list", json!({"resources":[{"uri":"x:1"}]})))
                .naming("`name` is missing"),
            fail("no list at all", legacy("prompts/list", json!({"prompts":{}})))
                .naming("/prompts is an object"),
            fail("progress without a token", told(json!({"progress":1}))).naming("notifications/progress"),
            undecided("no result", Scan::empty()),
        ],
    );
}
