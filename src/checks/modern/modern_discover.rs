//! `server/discover` is how a modern client learns versions and capabilities before anything else.

use serde_json::Value;

use crate::checks::prelude::*;
use crate::facts::steps;
use crate::protocol::names;
use crate::verdict::cut;

pub(super) static CHECK: Check = Check {
    id: "modern-discover",
    title: "server/discover returns versions, capabilities and a result type",
    dimension: Dimension::D2,
    severity: Severity::High,
    level: Level::Must,
    applies: Applies::MODERN,
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::Connections, ProbeId::Catalogue]),
    basis: &[
        Basis {
            title: "MCP 2026-07-28, Server, Discovery",
            url: "https://modelcontextprotocol.io/specification/2026-07-28/server/discover",
        },
        Basis {
            title: "MCP 2026-07-28, Versioning, Protocol version negotiation",
            url: "https://modelcontextprotocol.io/specification/2026-07-28/basic/versioning#protocol-version-negotiation",
        },
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
        Some(_) => fail(
            Evidence::status(exchange),
            "server/discover is not answered with a result, while other modern methods are",
        ),
        None => inconclusive(
            "server/discover was not answered with a result, and no other modern method was either",
        ),
    }
}

fn judge_result(exchange: &Exchange, result: &Value) -> Judgement {
    let mut seen = Observations::new();
    let at = |member: &str| {
        let pointer = format!("/result/{member}");
        result.get(member).map_or_else(
            || Evidence::new(exchange, format!("body {pointer}"), "(absent)"),
            |value| Evidence::body(exchange, &pointer, value),
        )
    };
    match result.get("supportedVersions").and_then(Value::as_array) {
        None => seen.add(Status::Fail, at("supportedVersions"), "`supportedVersions` is missing or no list"),
        Some(list) if list.is_empty() || !list.iter().all(names_a_version) => seen.add(
            Status::Fail,
            at("supportedVersions"),
            "`supportedVersions` is empty or holds something else than version strings",
        ),
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
    match result.get("capabilities") {
        Some(Value::Object(_)) => seen.add(Status::Pass, at("capabilities"), "capabilities"),
        _ => seen.add(Status::Fail, at("capabilities"), "`capabilities` is missing or no object"),
    }
    match result.get("resultType") {
        Some(Value::String(kind)) if kind == "complete" => {
            seen.add(Status::Pass, at("resultType"), "complete");
        }
        None => seen.add(Status::Fail, at("resultType"), "`resultType` is missing"),
        Some(other) => seen.add(
            Status::Fail,
            at("resultType"),
            format!("`resultType` is {}, not \"complete\"", cut(&other.to_string())),
        ),
    }
    for member in STRAY.into_iter().filter(|member| result.get(member).is_some()) {
        seen.add(Status::Warn, at(member), format!("`{member}` is no member of a discover result"));
    }
    if let Some(status) = exchange.status().filter(|status| *status != 200) {
        seen.add(Status::Warn, Evidence::status(exchange), format!("the result came with HTTP {status}"));
    }
    seen.verdict("versions, capabilities and result type are there", "nothing was sent")
}

fn names_a_version(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::CHECK;
    use crate::checks::synthetic::{Made, Scan, discover, post};
    use crate::finding::Finding;
    use crate::protocol::revision::Era;
    use crate::transcript::{Content, FailureKind, Phase, ProbeId};
    use crate::verdict::{Severity, Status};

    fn judged(change: impl Fn(&mut Value)) -> Finding {
        let mut result =
            json!({"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{}});
        change(&mut result);
        Scan::empty().with(discover().result(result)).judge(&CHECK)
    }

    /// tools/list in the modern era, served: proves the era where discover does not.
    fn list() -> Made {
        let body = json!({"jsonrpc":"2.0","id":"l-1","method":"tools/list","params":{}});
        post(ProbeId::Classify, "discover-list", Era::Modern, body)
            .result(json!({"resultType":"complete","tools":[]}))
    }

    #[test]
    fn passes_with_every_member() {
        let finding = judged(|_| {});
        assert_eq!(finding.status, Status::Pass, "{}", finding.message);
        assert!(!finding.evidence.is_empty());
        assert_eq!(Scan::dual(true).judge(&CHECK).status, Status::Pass);
    }

    #[test]
    fn passes_as_an_event_stream() {
        let data = json!({"jsonrpc":"2.0","id":"d-1","result":
            {"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{}}});
        let scan = Scan::empty().with(discover().stream(&format!("event: message\ndata: {data}\n\n"), 0));
        assert_eq!(scan.judge(&CHECK).status, Status::Pass);
    }

    #[test]
    fn passes_when_instructions_and_unknown_members_come_too() {
        let finding = judged(|result| {
            result["instructions"] = json!("be kind");
            result["vendor"] = json!(1);
        });
        assert_eq!(finding.status, Status::Pass, "{}", finding.message);
    }

    #[test]
    fn warns_of_members_of_another_age() {
        let finding = judged(|result| result["serverInfo"] = json!({"name":"s","version":"1"}));
        assert_eq!((finding.status, finding.severity), (Status::Warn, Severity::Medium));
    }

    #[test]
    fn warns_when_the_version_just_used_is_not_listed() {
        let finding = judged(|result| result["supportedVersions"] = json!(["2025-11-25"]));
        assert_eq!(finding.status, Status::Warn);
        assert!(finding.message.contains("2026-07-28"), "{}", finding.message);
    }

    #[test]
    fn warns_of_a_result_with_another_status() {
        let result = json!({"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{}});
        let scan = Scan::empty().with(discover().result(result).status(202));
        assert_eq!(scan.judge(&CHECK).status, Status::Warn);
    }

    #[test]
    fn fails_when_a_member_is_missing_or_of_another_type() {
        let changes: [fn(&mut Value); 5] = [
            |result| result["supportedVersions"] = json!([]),
            |result| result["supportedVersions"] = json!([20_260_728]),
            |result| result["capabilities"] = json!([]),
            |result| result["resultType"] = json!("input_required"),
            |result| drop(result.as_object_mut().unwrap().remove("resultType")),
        ];
        for change in changes {
            let finding = judged(change);
            assert_eq!(finding.status, Status::Fail, "{}", finding.message);
        }
    }

    #[test]
    fn fails_without_supported_versions_where_the_list_proves_the_era() {
        let lacking = discover().result(json!({"resultType":"complete","capabilities":{}}));
        assert_eq!(Scan::empty().with(lacking).with(list()).judge(&CHECK).status, Status::Fail);
    }

    #[test]
    fn fails_when_only_discover_is_not_implemented() {
        let scan = Scan::empty().with(discover().error(404, -32601, "Method not found")).with(list());
        let finding = scan.judge(&CHECK);
        assert_eq!(finding.status, Status::Fail, "{}", finding.message);
    }

    #[test]
    fn undecided_when_no_modern_method_was_served() {
        let refused = discover().error(400, -32022, "Unsupported protocol version");
        assert_eq!(Scan::empty().with(refused).judge(&CHECK).status, Status::Inconclusive);
    }

    #[test]
    fn undecided_when_discover_failed_below_http_or_with_a_server_error() {
        let mut lost = discover().failed(Phase::Head, FailureKind::Reset);
        (lost.made.head, lost.made.content) = (None, Content::None);
        assert_eq!(Scan::empty().with(lost).with(list()).judge(&CHECK).status, Status::Inconclusive);
        let crashed = discover().status(503).body("text/plain", "busy");
        assert_eq!(Scan::empty().with(crashed).with(list()).judge(&CHECK).status, Status::Inconclusive);
    }

    #[test]
    fn not_applicable_to_legacy_and_gated_endpoints() {
        assert_eq!(Scan::legacy(true).judge(&CHECK).status, Status::NotApplicable);
        assert_eq!(Scan::gated().judge(&CHECK).status, Status::NotApplicable);
    }
}
