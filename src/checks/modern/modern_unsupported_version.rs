//! A version that the server does not speak is refused with the list of those it does.

use serde_json::Value;

use crate::checks::prelude::*;
use crate::facts::Outcome;
use crate::protocol::jsonrpc::RpcError;
use crate::protocol::names;

pub(super) static CHECK: Check = Check {
    id: "modern-unsupported-version",
    title: "An unknown protocol version is refused with 400, -32022 and the supported versions",
    dimension: Dimension::D2,
    severity: Severity::High,
    level: Level::Must,
    applies: Applies::MODERN,
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::ModernRules]),
    basis: &[
        Basis {
            title: "MCP 2026-07-28, Versioning, Protocol version negotiation",
            url: "https://modelcontextprotocol.io/specification/2026-07-28/basic/versioning#protocol-version-negotiation",
        },
        Basis {
            title: "MCP 2026-07-28, Streamable HTTP, Protocol version header",
            url: "https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#protocol-version-header",
        },
        Basis {
            title: "MCP conformance suite, server-stateless",
            url: "https://github.com/modelcontextprotocol/conformance",
        },
    ],
    rationale: "A client that speaks another version finds a common one from this error alone. Without the code and \
                the list it cannot tell an old server from a broken one, and gives up.",
    remediation: "Answer an unknown version with HTTP 400 and `{\"code\": -32022, \"message\": \"Unsupported protocol \
                  version\", \"data\": {\"supported\": [\"2026-07-28\"], \"requested\": \"1900-01-01\"}}` under the \
                  id of the request.",
    how: How {
        sent: "`server/discover` with version `1900-01-01` in header and `_meta` alike.",
        passes: "400 with -32022, the supported versions, the requested one, and the id.",
        warns: "The right code with another status, incomplete data or another id.",
        fails: "It is served, or refused with another code or none.",
    },
    judge,
};

/// The code that drafts before the release had for this error.
const PRE_RELEASE: i64 = -32004;

fn judge(facts: &Facts<'_>) -> Judgement {
    let sent = facts.negative(ProbeId::ModernRules, "unsupported-version", Some(Era::Modern))?;
    let exchange = answered(sent)?;
    let at = Evidence::status(exchange);
    let Some(outcome) = Outcome::of(exchange, facts.reply(exchange)) else {
        return inconclusive("no complete answer came");
    };
    match outcome {
        Outcome::Served => {
            fail(at, "a request in an unknown protocol version is served as if nothing was wrong")
        }
        Outcome::Error { status, error, echoed } if error.code == Some(names::UNSUPPORTED_VERSION) => {
            let mut short = shortfalls(exchange, error);
            if status != 400 {
                short.push(format!("the status is {status}, not 400"));
            }
            if !echoed {
                short.push("the id of the request is not echoed".to_owned());
            }
            if short.is_empty() {
                pass(at, "refused with 400, -32022 and the supported versions")
            } else {
                warn(at, format!("refused with -32022, but {}", short.join(", and ")))
            }
        }
        Outcome::Error { error, .. } if error.code == Some(PRE_RELEASE) => {
            fail(at, "refused with -32004, the code of drafts before the release, instead of -32022")
        }
        Outcome::Nothing { .. } => inconclusive("neither served nor refused"),
        other => fail(at, format!("refused with {}, instead of 400 and -32022", other.words())),
    }
}

/// What `data` lacks: the versions to choose from, and the version that was asked for.
fn shortfalls(exchange: &Exchange, error: &RpcError) -> Vec<String> {
    let data = error.data.as_ref();
    let supported = data.and_then(|data| data.get("supported")).and_then(Value::as_array);
    let requested = data.and_then(|data| data.get("requested")).and_then(Value::as_str);
    let mut short = Vec::new();
    if !supported.is_some_and(|list| !list.is_empty() && list.iter().all(Value::is_string)) {
        short.push("`data.supported` lists no versions".to_owned());
    }
    if requested.is_none() || requested != exchange.request.header(names::VERSION_HEADER) {
        short.push("`data.requested` does not repeat the version".to_owned());
    }
    short
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::CHECK;
    use crate::checks::synthetic::{Made, Scan, discover, post};
    use crate::finding::Finding;
    use crate::protocol::revision::Era;
    use crate::transcript::{FailureKind, Phase, ProbeId, Profile, SkipReason};
    use crate::verdict::{Severity, Status};

    fn sent() -> Made {
        let body = json!({"jsonrpc":"2.0","id":"v-1","method":"server/discover","params":{}});
        post(ProbeId::ModernRules, "unsupported-version", Era::Modern, body)
            .sending("mcp-protocol-version", "1900-01-01")
            .negative()
    }

    fn error(id: &str, code: i64, data: &Value) -> Value {
        json!({"jsonrpc":"2.0","id":id,"error":{"code":code,"message":"no","data":data}})
    }

    fn judged(made: Made) -> Finding {
        Scan::modern().with(made).judge(&CHECK)
    }

    fn sound() -> Value {
        json!({"supported":["2026-07-28"],"requested":"1900-01-01"})
    }

    #[test]
    fn passes_with_code_status_and_data() {
        let finding = judged(sent().status(400).json(error("v-1", -32022, &sound())));
        assert_eq!(finding.status, Status::Pass, "{}", finding.message);
    }

    #[test]
    fn warns_when_status_data_or_id_fall_short() {
        let all = [
            sent().status(200).json(error("v-1", -32022, &sound())),
            sent().status(400).json(error("other", -32022, &sound())),
            sent().status(400).json(error("v-1", -32022, &json!({"supported":["2026-07-28"]}))),
            sent().status(400).json(error("v-1", -32022, &json!({"supported":[],"requested":"1900-01-01"}))),
            sent().error(400, -32022, "no data at all"),
        ];
        for made in all {
            let finding = judged(made);
            assert_eq!((finding.status, finding.severity), (Status::Warn, Severity::Medium));
        }
    }

    #[test]
    fn fails_when_served_or_refused_otherwise() {
        let all = [
            sent().result(json!({"resultType":"complete"})),
            sent().status(400).body("text/plain", "Bad Request"),
            sent().error(400, -32600, "Invalid Request"),
            sent().status(500).body("text/html", "oops"),
        ];
        for made in all {
            let finding = judged(made);
            assert_eq!(finding.status, Status::Fail, "{}", finding.message);
        }
    }

    #[test]
    fn fails_with_the_pre_release_code_and_names_the_cause() {
        let finding = judged(sent().status(400).json(error("v-1", -32004, &sound())));
        assert_eq!(finding.status, Status::Fail);
        assert!(finding.message.contains("draft"), "{}", finding.message);
    }

    #[test]
    fn undecided_without_an_answer_or_behind_a_wall() {
        assert_eq!(
            judged(sent().failed(Phase::Head, FailureKind::HeaderTimeout)).status,
            Status::Inconclusive
        );
        for status in [401, 403, 429] {
            assert_eq!(judged(sent().status(status)).status, Status::Inconclusive);
        }
        assert_eq!(judged(sent().status(202)).status, Status::Inconclusive);
    }

    #[test]
    fn undecided_when_not_sent_or_the_twin_was_not_served() {
        assert_eq!(Scan::modern().judge(&CHECK).status, Status::Inconclusive);
        let skipped =
            Scan::modern().profile(Profile::Quick).skip(ProbeId::ModernRules, None, SkipReason::Budget);
        assert!(skipped.judge(&CHECK).message.contains("budget"));
        let twin = Scan::empty().with(discover().error(400, -32022, "no"));
        let id = twin.next_id() - 1;
        assert_eq!(twin.with(sent().twin(id).status(500)).judge(&CHECK).status, Status::Inconclusive);
    }

    #[test]
    fn not_applicable_to_legacy_endpoints() {
        assert_eq!(Scan::legacy(false).judge(&CHECK).status, Status::NotApplicable);
    }
}
