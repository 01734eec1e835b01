//! `server/discover` is how a modern client learns versions and capabilities before anything else.

use serde_json::Value;

use crate::checks::prelude::*;
use crate::facts::steps;

pub(super) static CHECK: Check = Check {
    id: "modern-discover",
    title: "server/discover returns versions, capabilities and a result type",
    dimension: Dimension::D2,
    severity: Severity::High,
    level: Level::Must,
    applies: Applies::MODERN,
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::Connections, ProbeId::Catalogue]),
    basis: &[
        mcp!("2026-07-28", "Server, Discovery", "server/discover"),
        mcp!(
            "2026-07-28",
            "Versioning, Protocol version negotiation",
            "basic/versioning#protocol-version-negotiation"
        ),
        Basis {
            title: "MCP schema, DiscoverResult",
            url: "https://github.com/modelcontextprotocol/modelcontextprotocol/tree/main/schema",
        },
    ],
    rationale: "A modern agent asks server/discover which versions and features there are, and picks from the \
                answer. Where it is missing or incomplete, agents guess, or take the server for an older one.",
    remediation: "Implement `server/discover` and answer it with every mandatory member, for example \
                  `{\"resultType\": \"complete\", \"supportedVersions\": [\"2026-07-28\"], \"capabilities\": \
                  {\"tools\": {}}, \"ttlMs\": 60000, \"cacheScope\": \"public\"}`; the server's name and version \
                  belong into `_meta`.",
    causes: &[
        Cause { word: UNANSWERED, remedy: None },
        Cause { word: UNREADABLE, remedy: None },
        Cause { word: RESULT_TYPE, remedy: None },
    ],
    how: How {
        sent: "`server/discover` with `MCP-Protocol-Version: 2026-07-28`, `Mcp-Method` and the members \
               of `_meta`.",
        passes: "200 with `supportedVersions` that hold the version used, a `capabilities` object and \
                 `resultType: \"complete\"`.",
        warns: "Members of drafts beside them, such as `serverInfo`; a status other than 200; or a list \
                that leaves out the version in use.",
        fails: "Other modern methods work and this one does not, or one of the three members is missing.",
    },
    judge,
};

/// Members of an InitializeResult or of a pre-release draft: a client of this revision ignores them.
const STRAY: [&str; 2] = ["serverInfo", "protocolVersion"];

/// Nobody can begin.
const UNANSWERED: &str = "unanswered";
/// A member is missing that clients choose by.
const UNREADABLE: &str = "unreadable";
/// Clients go on without it.
const RESULT_TYPE: &str = "result-type";

fn judge(facts: &Facts<'_>) -> Judgement {
    let asked: Vec<&Exchange> = facts
        .of(ProbeId::Classify)
        .filter(|exchange| matches!(exchange.step.as_str(), "discover" | "discover-retry"))
        .collect();
    match asked.iter().find_map(|exchange| Some((*exchange, facts.reply(exchange).result()?))) {
        Some((exchange, result)) => judge_result(exchange, result),
        None => judge_missing(facts, asked.last().copied()),
    }
}

fn judge_missing(facts: &Facts<'_>, asked: Option<&Exchange>) -> Judgement {
    let Some(exchange) = asked else {
        return inconclusive(facts.why_not(ProbeId::Classify, Some("discover")));
    };
    let exchange = answered(exchange)?;
    // A gateway's hiccup is no verdict on the method; the retry, where there was one, is `exchange`.
    if exchange.status() >= Some(500) {
        return inconclusive("server/discover was answered with a server error");
    }
    let works = facts
        .exchanges()
        .filter(|other| other.era == Some(Era::Modern) && other.expectation == Expectation::Plain)
        .find(|other| steps::proves_modern(other));
    match works {
        Some(_) => {
            let message = "server/discover is not answered with a result, while other modern methods are";
            fail(Evidence::status(exchange), message).map(|verdict| verdict.because(UNANSWERED))
        }
        None => inconclusive(
            "server/discover was not answered with a result, and no other modern method was either",
        ),
    }
}

fn judge_result(exchange: &Exchange, result: &Value) -> Judgement {
    let mut seen = Observations::new();
    let at = |member: &str| Evidence::member(exchange, result, member);
    match result.get("supportedVersions").and_then(Value::as_array) {
        None => {
            seen.push(lacks(
                at("supportedVersions"),
                UNREADABLE,
                "`supportedVersions` is missing or no list",
            ));
        }
        Some(list) if list.is_empty() || !list.iter().all(names_a_version) => {
            let message = "`supportedVersions` is empty or holds something else than version strings";
            seen.push(lacks(at("supportedVersions"), UNREADABLE, message));
        }
        Some(list) => {
            let used =
                exchange.request.header(names::VERSION_HEADER).unwrap_or(Revision::NEWEST_MODERN.as_str());
            if list.iter().any(|version| version.as_str() == Some(used)) {
                seen.add(Status::Pass, at("supportedVersions"), "versions listed");
            } else {
                seen.add(
                    Status::Warn,
                    at("supportedVersions"),
                    format!("`supportedVersions` leaves out {used}, in which this call was just served"),
                );
            }
        }
    }
    if !result.get("capabilities").is_some_and(Value::is_object) {
        seen.push(lacks(at("capabilities"), UNREADABLE, "`capabilities` is missing or no object"));
    }
    match result.get("resultType") {
        Some(Value::String(kind)) if kind == "complete" => {}
        None => seen.push(lacks(at("resultType"), RESULT_TYPE, "`resultType` is missing")),
        Some(other) => {
            let message = format!("`resultType` is {}, not \"complete\"", cut(&other.to_string()));
            seen.push(lacks(at("resultType"), UNREADABLE, message));
        }
    }
    if seen.is_empty() {
        seen.add(Status::Pass, at("resultType"), "complete");
    }
    for member in STRAY.into_iter().filter(|member| result.get(member).is_some()) {
        seen.add(Status::Warn, at(member), format!("`{member}` is no member of a discover result"));
    }
    if let Some(status) = exchange.status().filter(|status| *status != 200) {
        seen.add(Status::Warn, Evidence::status(exchange), format!("the result came with HTTP {status}"));
    }
    seen.verdict("versions, capabilities and result type are there", "nothing was sent")
}

fn lacks(at: Evidence, word: &'static str, message: impl Into<String>) -> Verdict {
    Verdict::of(Status::Fail, vec![at], message.into()).because(word)
}

fn names_a_version(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty())
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let sound = || json!({"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{}});
    let of = |result| Scan::empty().with(discover().result(result));
    let with = |member: &str, value| {
        let mut result = sound();
        result[member] = value;
        of(result)
    };
    let without = |member: &str| {
        let mut result = sound();
        result.as_object_mut().unwrap().remove(member);
        of(result)
    };
    // tools/list in the modern era, served: proves the era where discover does not.
    let list = || {
        let body = json!({"jsonrpc":"2.0","id":"l-1","method":"tools/list","params":{}});
        let tools = json!({"resultType":"complete","tools":[]});
        post(ProbeId::Classify, "discover-list", Era::Modern, body).result(tools)
    };
    let beside = |made: Made| Scan::empty().with(made).with(list());
    let data = json!({"jsonrpc":"2.0","id":"d-1","result":sound()});
    let stream = discover().stream(&format!("event: message\ndata: {data}\n\n"), 0);
    let mut lost = discover().failed(Phase::Head, FailureKind::Reset);
    (lost.made.head, lost.made.content) = (None, Content::None);
    let stray = json!({"name":"s","version":"1"});
    let refused = discover().error(400, -32022, "Unsupported protocol version");
    hold(
        &CHECK,
        [
            pass("every member", of(sound())),
            pass("the modern side of both eras", Scan::dual(true)),
            pass("an event stream", Scan::empty().with(stream)),
            pass("instructions", with("instructions", json!("be kind"))),
            pass("unknown members", with("vendor", json!(1))),
            warn("a member of another age", with("serverInfo", stray)).severity(Severity::Medium),
            warn("the version in use is not listed", with("supportedVersions", json!(["2025-11-25"])))
                .naming("2026-07-28"),
            warn("another status", Scan::empty().with(discover().result(sound()).status(202))),
            fail("no versions", with("supportedVersions", json!([]))),
            fail("versions that are no strings", with("supportedVersions", json!([20_260_728]))),
            fail("capabilities that are no object", with("capabilities", json!([]))),
            fail("a question", with("resultType", json!("input_required"))),
            fail("no result type", without("resultType")),
            fail("the list proves the era", without("supportedVersions").with(list())),
            fail("only discover is missing", beside(discover().error(404, -32601, "Method not found"))),
            undecided("no modern method was served", Scan::empty().with(refused)),
            undecided("reset", beside(lost)),
            undecided("a server error", beside(discover().status(503).body("text/plain", "busy"))),
            not_applicable("behind authentication", Scan::gated()),
        ],
    );
}
