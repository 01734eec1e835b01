//! Every modern result says which kind of result it is.

use serde_json::Value;

use crate::checks::prelude::*;
use crate::transcript::exchange::request_method;
use crate::verdict::cut;

pub(super) static CHECK: Check = Check {
    id: "modern-result-type",
    title: "Every modern result names its result type",
    dimension: Dimension::D2,
    severity: Severity::High,
    level: Level::Must,
    applies: Applies::MODERN,
    reads: Reads::Every(Expectation::Plain),
    basis: &[
        Basis {
            title: "MCP 2026-07-28, Basic, resultType",
            url: "https://modelcontextprotocol.io/specification/2026-07-28/basic#resulttype",
        },
        Basis {
            title: "MCP 2026-07-28, Changelog, major item 8",
            url: "https://modelcontextprotocol.io/specification/2026-07-28/changelog",
        },
    ],
    rationale: "`resultType` tells an agent whether a result is final or the server needs more input first. Without \
                it, an agent may take a question for an answer.",
    remediation: "Put `\"resultType\": \"complete\"` into every final result of a request that carries the modern \
                  `_meta`, for example `{\"resultType\": \"complete\", \"tools\": [], \"ttlMs\": 0, \"cacheScope\": \
                  \"public\"}`.",
    how: How {
        sent: "Nothing more: every result of the modern era.",
        passes: "Each names a known `resultType`.",
        warns: "",
        fails: "`resultType` is missing or unknown.",
    },
    judge,
};

const KNOWN: [&str; 2] = ["complete", "input_required"];

fn judge(facts: &Facts<'_>) -> Judgement {
    let mut seen = Observations::new();
    for exchange in facts.exchanges().filter(|exchange| counts(exchange)) {
        let Some(result) = facts.reply(exchange).result() else { continue };
        let method = request_method(exchange).unwrap_or_default();
        match result.get("resultType") {
            Some(Value::String(kind)) if KNOWN.contains(&kind.as_str()) => {
                seen.add(Status::Pass, evidence(exchange, result), "named");
            }
            // An extension may add types of its own, and no list of those exists.
            Some(Value::String(kind)) if !kind.is_empty() && extended(facts) => seen.add(
                Status::Info,
                evidence(exchange, result),
                format!("`{}` is taken for the type of an advertised extension", cut(kind)),
            ),
            Some(other) => seen.add(
                Status::Fail,
                evidence(exchange, result),
                format!("{method} answers with the unknown result type {}", cut(&other.to_string())),
            ),
            None => seen.add(
                Status::Fail,
                evidence(exchange, result),
                format!("the result of {method} has no `resultType`"),
            ),
        }
    }
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

fn evidence(exchange: &Exchange, result: &Value) -> Evidence {
    match result.get("resultType") {
        Some(kind) => Evidence::body(exchange, "/result/resultType", kind),
        None => Evidence::new(exchange, "body /result/resultType", "(absent)"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::CHECK;
    use crate::checks::synthetic::{Made, Scan, discover, initialize, post};
    use crate::protocol::revision::Era;
    use crate::transcript::ProbeId;
    use crate::verdict::Status;

    fn list(probe: ProbeId, era: Era, result: Value) -> Made {
        let body = json!({"jsonrpc":"2.0","id":"l-1","method":"tools/list","params":{}});
        post(probe, "tools/list", era, body).result(result)
    }

    fn judged(result: Value) -> (Status, String) {
        let scan = Scan::modern().with(list(ProbeId::Catalogue, Era::Modern, result));
        let finding = scan.judge(&CHECK);
        (finding.status, finding.message)
    }

    #[test]
    fn passes_when_all_results_name_a_known_type() {
        let (status, message) = judged(json!({"resultType":"complete","tools":[]}));
        assert_eq!(status, Status::Pass);
        assert!(message.contains("all 2"), "{message}");
        assert_eq!(judged(json!({"resultType":"input_required"})).0, Status::Pass);
    }

    #[test]
    fn passes_over_legacy_results_of_a_dual_endpoint() {
        let scan = Scan::dual(true).with(list(ProbeId::Catalogue, Era::Legacy, json!({"tools":[]})));
        assert_eq!(scan.judge(&CHECK).status, Status::Pass);
    }

    #[test]
    fn passes_over_siblings_and_negatives() {
        let scan = Scan::modern()
            .with(list(ProbeId::Siblings, Era::Modern, json!({})))
            .with(list(ProbeId::ModernRules, Era::Modern, json!({})).negative());
        assert_eq!(scan.judge(&CHECK).status, Status::Pass);
    }

    #[test]
    fn fails_when_it_is_missing_or_unknown() {
        for result in [json!({"tools":[]}), json!({"resultType":"done"}), json!({"resultType":1})] {
            let (status, message) = judged(result);
            assert_eq!(status, Status::Fail);
            assert!(message.contains("tools/list"), "{message}");
        }
    }

    #[test]
    fn passes_with_a_note_where_an_extension_may_have_added_the_type() {
        let scan = |extensions: Value| {
            Scan::empty()
                .with(discover().result(json!({"resultType":"complete","supportedVersions":["2026-07-28"],
                    "capabilities":{"extensions":extensions}})))
                .with(list(ProbeId::Catalogue, Era::Modern, json!({"resultType":"task"})))
        };
        let finding = scan(json!({"io.modelcontextprotocol/tasks":{}})).judge(&CHECK);
        assert_eq!(finding.status, Status::Pass);
        assert!(finding.message.contains("task"), "{}", finding.message);
        assert_eq!(scan(json!({})).judge(&CHECK).status, Status::Fail);
    }

    #[test]
    fn undecided_when_no_result_came() {
        let scan = Scan::empty()
            .with(discover().error(400, -32022, "Unsupported protocol version"))
            .with(initialize(ProbeId::Classify, "initialize").error(400, -32022, "no"));
        assert_eq!(scan.judge(&CHECK).status, Status::Inconclusive);
    }

    #[test]
    fn not_applicable_to_legacy_endpoints() {
        assert_eq!(Scan::legacy(false).judge(&CHECK).status, Status::NotApplicable);
    }
}
