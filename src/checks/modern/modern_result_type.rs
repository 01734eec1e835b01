//! Every modern result says which kind of result it is.

use serde_json::Value;

use crate::checks::prelude::*;
use crate::transcript::exchange::request_method;

pub(super) static CHECK: Check = Check {
    id: "modern-result-type",
    title: "Every modern result names its result type",
    dimension: Dimension::D2,
    severity: Severity::High,
    level: Level::Must,
    applies: Applies::MODERN,
    reads: Reads::Every(Expectation::Plain),
    basis: &[
        mcp!("2026-07-28", "Basic, resultType", "basic#resulttype"),
        mcp!("2026-07-28", "Changelog, major item 8", "changelog"),
    ],
    rationale: "`resultType` tells an agent whether a result is final or the server needs more input first. Without \
                it, an agent may take a question for an answer.",
    remediation: "Put `\"resultType\": \"complete\"` into every final result of a request that carries the modern \
                  `_meta`, for example `{\"resultType\": \"complete\", \"tools\": [], \"ttlMs\": 0, \"cacheScope\": \
                  \"public\"}`.",
    causes: &[
        Cause { word: TOOLS, remedy: None },
        Cause { word: RESULT, remedy: None },
        Cause { word: DISCOVERED, remedy: None },
    ],
    how: How {
        sent: "Nothing more: every result of the modern era.",
        passes: "Each names a known `resultType`.",
        warns: "",
        fails: "`resultType` is missing or unknown.",
    },
    judge,
};

/// Of the list of tools, which clients drop.
const TOOLS: &str = "tool-list";
/// Of something else that an agent asks for.
const RESULT: &str = "result";
/// Of `server/discover` alone, which clients read all the same.
const DISCOVERED: &str = "discovery-alone";

const KNOWN: [&str; 2] = ["complete", "input_required"];

fn judge(facts: &Facts<'_>) -> Judgement {
    let seen = Observations::each(facts.exchanges().filter(|exchange| counts(exchange)), |exchange| {
        let result = facts.reply(exchange).result()?;
        let method = request_method(exchange).unwrap_or_default();
        let at = Evidence::member(exchange, result, "resultType");
        let word = match method.as_str() {
            "tools/list" => TOOLS,
            names::DISCOVER => DISCOVERED,
            _ => RESULT,
        };
        let fail = |at, message: String| fail(at, message).map(|verdict| verdict.because(word));
        Some(match result.get("resultType") {
            Some(Value::String(kind)) if KNOWN.contains(&kind.as_str()) => pass(at, "named"),
            // An extension may add types of its own, and no list of those exists.
            Some(Value::String(kind)) if !kind.is_empty() && extended(facts) => {
                info(at, format!("`{}` is taken for the type of an advertised extension", cut(kind)))
            }
            Some(other) => {
                let kind = cut(&other.to_string());
                fail(at, format!("{method} answers with the unknown result type {kind}"))
            }
            None => fail(at, format!("the result of {method} has no `resultType`")),
        })
    });
    let sound = format!("all {} results name a known type", seen.count(Status::Pass));
    seen.verdict(sound, "no modern request was answered with a result")
}

/// Requests of the modern era to the endpoint itself: what was found beside it is another endpoint.
fn counts(exchange: &Exchange) -> bool {
    exchange.era == Some(Era::Modern) && exchange.probe != ProbeId::Siblings
}

fn extended(facts: &Facts<'_>) -> bool {
    let capabilities =
        facts.catalogue(Era::Modern).ok().and_then(|catalogue| catalogue.capabilities.as_ref());
    let extensions = capabilities.and_then(|all| all.get("extensions")).and_then(Value::as_object);
    extensions.is_some_and(|all| !all.is_empty())
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let list = |probe, era, result| {
        let body = json!({"jsonrpc":"2.0","id":"l-1","method":"tools/list","params":{}});
        post(probe, "tools/list", era, body).result(result)
    };
    let listed = |result| Scan::modern().with(list(ProbeId::Catalogue, Era::Modern, result));
    let extended = |extensions: Value| {
        let result = json!({"resultType":"complete","supportedVersions":["2026-07-28"],
            "capabilities":{"extensions":extensions}});
        Scan::empty().with(discover().result(result)).with(list(
            ProbeId::Catalogue,
            Era::Modern,
            json!({"resultType":"task"}),
        ))
    };
    let legacy = list(ProbeId::Catalogue, Era::Legacy, json!({"tools":[]}));
    let beside = list(ProbeId::Siblings, Era::Modern, json!({}));
    let wrong = list(ProbeId::ModernRules, Era::Modern, json!({})).negative();
    let refused = |made: Made| made.error(400, -32022, "Unsupported protocol version");
    let nothing =
        Scan::empty().with(refused(discover())).with(refused(initialize(ProbeId::Classify, "initialize")));
    hold(
        &CHECK,
        [
            pass("complete", listed(json!({"resultType":"complete","tools":[]}))).naming("all 2"),
            pass("input is required", listed(json!({"resultType":"input_required"}))),
            pass("legacy results need none", Scan::dual(true).with(legacy)),
            pass("siblings and negatives do not count", Scan::modern().with(beside).with(wrong)),
            pass("an extension may have added it", extended(json!({"io.modelcontextprotocol/tasks":{}})))
                .naming("task"),
            fail("no extension", extended(json!({}))),
            fail("missing", listed(json!({"tools":[]}))).naming("tools/list"),
            fail("unknown", listed(json!({"resultType":"done"}))).naming("tools/list"),
            fail("no string", listed(json!({"resultType":1}))).naming("tools/list"),
            undecided("no result came", nothing),
        ],
    );
}
