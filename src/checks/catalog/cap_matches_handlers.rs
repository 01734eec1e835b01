//! What is advertised must work, and what works should be advertised.

use serde_json::Value;

use crate::checks::prelude::*;
use crate::facts::Catalogue;
use crate::protocol::jsonrpc::Answer;
use crate::protocol::names;

pub(super) static CHECK: Check = Check {
    id: "cap-matches-handlers",
    title: "Advertised capabilities work, and others are not served",
    dimension: Dimension::D2,
    severity: Severity::High,
    level: Level::Must,
    applies: Applies::mcp(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::Websocket],
        Gated::Hidden,
    ),
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::Catalogue]),
    basis: &[
        mcp!("2026-07-28", "Tools, Capabilities", "server/tools#capabilities"),
        mcp!("2026-07-28", "Resources, Capabilities", "server/resources#capabilities"),
        mcp!("2026-07-28", "Prompts, Capabilities", "server/prompts#capabilities"),
    ],
    rationale: "An agent plans by the advertised capabilities. One that fails when called costs a turn, and one that \
                is not advertised is never found.",
    remediation: "Advertise exactly what has a handler: with a handler for prompts send \
                  `\"capabilities\": {\"prompts\": {}}`, without one leave `prompts` out and answer -32601.",
    causes: &[
        Cause {
            word: "tools-refused",
            remedy: Some(
                "Answer `tools/list` in every era that is offered, with or without `params`: clients list the tools \
                 right after they connect, and have none where that fails. Without tools leave `tools` out of the \
                 capabilities.",
            ),
        },
        Cause {
            word: "prompts-refused",
            remedy: Some(
                "Register a handler for `prompts/list`, or leave `prompts` out of the capabilities.",
            ),
        },
        Cause {
            word: "resources-refused",
            remedy: Some(
                "Register handlers for `resources/list` and `resources/templates/list`, or leave `resources` out of \
                 the capabilities.",
            ),
        },
        Cause {
            word: "completions-refused",
            remedy: Some(
                "Register a handler for `completion/complete`, or leave `completions` out of the capabilities.",
            ),
        },
        Cause { word: "unadvertised", remedy: None },
    ],
    how: How {
        sent: "`tools/list`, `prompts/list`, `resources/list`, `resources/templates/list`; \
               `completion/complete` with an invented reference, only where it is advertised.",
        passes: "What is advertised answers, and nothing else offers anything.",
        warns: "Something that is not advertised offers items, or resources are advertised and templates \
                are answered -32601 or -32602.",
        fails: "Something that is advertised answers with an error; -32603 is only noted.",
    },
    judge,
};

/// A method, the capability that announces it, and the member of its result that lists things.
struct Method {
    name: &'static str,
    capability: &'static str,
    lists: &'static str,
    /// The cause, where it is advertised and refused.
    refused: &'static str,
}

const METHODS: [Method; 5] = [
    Method { name: "tools/list", capability: "tools", lists: "tools", refused: "tools-refused" },
    Method { name: "prompts/list", capability: "prompts", lists: "prompts", refused: "prompts-refused" },
    Method {
        name: "resources/list",
        capability: "resources",
        lists: "resources",
        refused: "resources-refused",
    },
    Method {
        name: TEMPLATES,
        capability: "resources",
        lists: "resourceTemplates",
        refused: "resources-refused",
    },
    Method { name: COMPLETE, capability: "completions", lists: "completion", refused: "completions-refused" },
];
const TEMPLATES: &str = "resources/templates/list";
const COMPLETE: &str = "completion/complete";

fn judge(facts: &Facts<'_>) -> Judgement {
    facts.per_era(|era| judge_era(facts, era))
}

fn judge_era(facts: &Facts<'_>, era: Era) -> Judgement {
    let catalogue = facts.catalogue(era)?;
    if facts.hollow(era) {
        return charged_to("sh-era-usable", "nothing at all is served in this era");
    }
    if catalogue.capabilities.is_none() {
        return inconclusive("no capabilities were seen");
    }
    let mut seen = Observations::new();
    let mut undecided = None;
    for method in &METHODS {
        let sent = facts.steps(ProbeId::Catalogue, method.name).find(|exchange| exchange.era == Some(era));
        let Some(exchange) = sent else { continue };
        match judge_method(facts, catalogue, method, exchange) {
            Ok(verdict) => seen.push(verdict),
            Err(reason) => {
                // What is advertised and could not be seen must not vanish behind what could.
                if catalogue.advertises(method.capability) {
                    undecided = undecided.or(Some((method.name, reason)));
                }
            }
        }
    }
    let bad = seen.count(Status::Fail) + seen.count(Status::Warn) > 0;
    if let (false, Some((method, Undecided::Inconclusive(reason) | Undecided::NotApplicable(reason)))) =
        (bad, undecided)
    {
        return inconclusive(format!("{method}: {reason}"));
    }
    let sound = "what is advertised is answered, and nothing else offers anything";
    seen.verdict(sound, &facts.why_not(ProbeId::Catalogue, None))
}

fn judge_method(facts: &Facts<'_>, catalogue: &Catalogue, method: &Method, exchange: &Exchange) -> Judgement {
    let reply = facts.reply(answered(exchange)?);
    let Some(answer) = &reply.answer else {
        return inconclusive("no JSON-RPC reply came");
    };
    let evidence = Evidence::status(exchange);
    let name = method.name;
    if !catalogue.advertises(method.capability) {
        return match answer {
            Answer::Error(_) => pass(evidence, "not advertised and not served"),
            Answer::Result(result) if is_empty(result, method.lists) => {
                info(evidence, format!("{name} is not advertised and answers with an empty list"))
            }
            Answer::Result(_) => warn(evidence, format!("{name} offers something, but is not advertised"))
                .map(|verdict| verdict.because("unadvertised")),
        };
    }
    let Answer::Error(error) = answer else {
        return pass(evidence, "advertised and served");
    };
    let refused = |judgement: Judgement| judgement.map(|verdict| verdict.because(method.refused));
    let code = error.code.map_or_else(|| "an error without a code".to_owned(), |code| code.to_string());
    match error.code {
        // A back-end that is down is no missing handler.
        Some(names::INTERNAL_ERROR) => info(evidence, format!("{name} is advertised and failed with {code}")),
        Some(names::METHOD_NOT_FOUND) if name == COMPLETE => {
            refused(fail(evidence, format!("{name} is advertised, but answered with {code}")))
        }
        _ if name == COMPLETE => pass(evidence, "advertised and handled: the reference was an invented one"),
        // Templates have no capability of their own, and a family answers -32602 to unknown methods.
        Some(names::METHOD_NOT_FOUND | names::INVALID_PARAMS) if name == TEMPLATES => {
            refused(warn(evidence, format!("resources are advertised, but {name} is answered with {code}")))
        }
        _ => refused(fail(evidence, format!("{name} is advertised, but answered with {code}"))),
    }
}

fn is_empty(result: &Value, member: &str) -> bool {
    result.get(member).and_then(Value::as_array).is_none_or(Vec::is_empty)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::CHECK;
    use crate::checks::synthetic::{Made, Scan, discover, post};
    use crate::finding::Finding;
    use crate::protocol::revision::Era;
    use crate::transcript::ProbeId;
    use crate::verdict::Status;

    fn call(method: &str, era: Era) -> Made {
        post(ProbeId::Catalogue, method, era, json!({"jsonrpc":"2.0","id":9,"method":method}))
    }

    fn modern(capabilities: &Value) -> Scan {
        Scan::empty()
            .with(discover().result(json!({"resultType":"complete","supportedVersions":["2026-07-28"],
            "capabilities":capabilities})))
    }

    /// Tools are advertised and listed; `made` is what else was asked.
    fn judged(capabilities: &Value, made: Made) -> Finding {
        let tools = call("tools/list", Era::Modern).result(json!({"tools":[]}));
        modern(capabilities).with(tools).with(made).judge(&CHECK)
    }

    fn prompts() -> Made {
        call("prompts/list", Era::Modern)
    }

    #[test]
    fn passes_when_consistent() {
        let tools = json!({"tools":{}, "prompts":null});
        for (status, code) in [(404, -32601), (200, -32602), (400, -32000)] {
            let finding = judged(&tools, prompts().error(status, code, "no"));
            assert_eq!(finding.status, Status::Pass, "{code}: {}", finding.message);
        }
        let completions = json!({"tools":{},"completions":{}});
        let invented = call("completion/complete", Era::Modern).negative();
        assert_eq!(judged(&completions, invented.error(200, -32602, "unknown prompt")).status, Status::Pass);
    }

    #[test]
    fn passes_with_a_note_when_an_unadvertised_list_is_empty_or_a_back_end_failed() {
        let empty = judged(&json!({"tools":{}}), prompts().result(json!({"prompts":[]})));
        assert_eq!(empty.status, Status::Pass);
        assert!(empty.message.contains("empty list"), "{}", empty.message);
        let down = judged(&json!({"tools":{},"prompts":{}}), prompts().error(200, -32603, "database"));
        assert_eq!(down.status, Status::Pass);
        assert!(down.message.contains("-32603"), "{}", down.message);
    }

    #[test]
    fn warns_when_something_is_offered_unadvertised_or_templates_are_missing() {
        let offered = judged(&json!({"tools":{}}), prompts().result(json!({"prompts":[{"name":"x"}]})));
        assert_eq!(offered.status, Status::Warn);
        let templates = call("resources/templates/list", Era::Modern).error(404, -32601, "no");
        assert_eq!(judged(&json!({"tools":{},"resources":{}}), templates).status, Status::Warn);
    }

    #[test]
    fn fails_when_something_advertised_does_not_work() {
        for code in [-32601, -32602, -32000] {
            let finding = judged(&json!({"tools":{},"prompts":{}}), prompts().error(200, code, "no"));
            assert_eq!((finding.status, finding.cause), (Status::Fail, Some("prompts-refused")), "{code}");
            assert!(finding.remediation().contains("`prompts/list`"), "{}", finding.remediation());
        }
        // Of two, the worse one.
        let refused = |method| call(method, Era::Modern).error(200, -32601, "no");
        let both = modern(&json!({"tools":{},"prompts":{}})).with(refused("prompts/list"));
        assert_eq!(both.with(refused("tools/list")).judge(&CHECK).cause, Some("tools-refused"));
        let completions = call("completion/complete", Era::Modern).negative().error(404, -32601, "no");
        assert_eq!(judged(&json!({"tools":{},"completions":{}}), completions).status, Status::Fail);
    }

    #[test]
    fn undecided_when_an_advertised_list_was_not_answered() {
        let advertised = json!({"tools":{},"prompts":{}});
        for made in
            [prompts(), prompts().status(401), prompts().status(502).body("text/html", "<h1>502</h1>")]
        {
            assert_eq!(judged(&advertised, made).status, Status::Inconclusive);
        }
        assert_eq!(Scan::modern().judge(&CHECK).status, Status::Inconclusive);
        assert_eq!(Scan::gated().judge(&CHECK).status, Status::Inconclusive);
    }

    #[test]
    fn fails_in_one_era_only_and_names_it() {
        let list = |era| call("tools/list", era);
        let scan = Scan::dual(false)
            .with(list(Era::Modern).result(json!({"tools":[]})))
            .with(list(Era::Legacy).error(200, -32602, "Invalid request parameters"));
        let finding = scan.judge(&CHECK);
        assert_eq!(finding.status, Status::Fail);
        assert!(finding.message.starts_with("legacy era"), "{}", finding.message);
    }
}
