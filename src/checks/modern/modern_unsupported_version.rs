//! A version that the server does not speak is refused with the list of those it does.

use crate::checks::prelude::*;
use crate::protocol::jsonrpc::RpcError;

pub(super) static CHECK: Check = Check {
    id: "modern-unsupported-version",
    title: "An unknown protocol version is refused with 400, -32022 and the supported versions",
    dimension: Dimension::D2,
    severity: Severity::High,
    level: Level::Must,
    applies: Applies::MODERN,
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::ModernRules]),
    basis: &[
        mcp!(
            "2026-07-28",
            "Versioning, Protocol version negotiation",
            "basic/versioning#protocol-version-negotiation"
        ),
        mcp!(
            "2026-07-28",
            "Streamable HTTP, Protocol version header",
            "basic/transports/streamable-http#protocol-version-header"
        ),
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
    causes: &[],
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

const WANTED: Refusal = Refusal {
    otherwise: Status::Fail,
    crash: Status::Fail,
    ..Refusal::with(400, names::UNSUPPORTED_VERSION)
};

fn judge(facts: &Facts<'_>) -> Judgement {
    Cases::of(facts, ProbeId::ModernRules, Era::Modern)
        .refused_but("unsupported-version", "a request in an unknown protocol version", WANTED, partly)
        .verdict("refused with 400, -32022 and the supported versions")
}

/// The right code with something missing, and the code of old drafts.
fn partly(exchange: &Exchange, outcome: &Outcome<'_>) -> Option<(Status, String)> {
    let Outcome::Error { status, error, echoed } = outcome else { return None };
    if error.code == Some(PRE_RELEASE) {
        let message = "is refused with -32004, the code of drafts before the release, instead of -32022";
        return Some((Status::Fail, message.to_owned()));
    }
    if error.code != Some(names::UNSUPPORTED_VERSION) {
        return None;
    }
    let mut short = shortfalls(exchange, error);
    if *status != 400 {
        short.push(format!("the status is {status}, not 400"));
    }
    if !echoed {
        short.push("the id of the request is not echoed".to_owned());
    }
    (!short.is_empty())
        .then(|| (Status::Warn, format!("is refused with -32022, but {}", short.join(", and "))))
}

/// What `data` lacks: the versions to choose from, and the version that was asked for.
fn shortfalls(exchange: &Exchange, error: &RpcError) -> Vec<String> {
    let data = error.data.as_ref();
    let supported = data.and_then(|data| data.get("supported")?.as_array());
    let requested = data.and_then(|data| data.get("requested")?.as_str());
    let mut short = Vec::new();
    if !supported.is_some_and(|list| !list.is_empty() && list.iter().all(serde_json::Value::is_string)) {
        short.push("`data.supported` lists no versions".to_owned());
    }
    if requested.is_none() || requested != exchange.request.header(names::VERSION_HEADER) {
        short.push("`data.requested` does not repeat the version".to_owned());
    }
    short
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let made =
        || negative(ProbeId::ModernRules, "unsupported-version").sending(names::VERSION_HEADER, "1900-01-01");
    let sent = |answer: &dyn Fn(Made) -> Made| Scan::modern().with(answer(made()));
    let error = |status, id, code, data: Value| {
        let body = json!({"jsonrpc":"2.0","id":id,"error":{"code":code,"message":"no","data":data}});
        sent(&|made| made.status(status).json(body.clone()))
    };
    let id = "unsupported-version";
    let data = || json!({"supported":["2026-07-28"],"requested":"1900-01-01"});
    let status = |status| sent(&|made| made.status(status));
    let twin = Scan::empty().with(discover().error(400, -32022, "no"));
    let unserved = twin.next_id() - 1;
    let skipped = Scan::modern().profile(Profile::Quick).skip(ProbeId::ModernRules, None, SkipReason::Budget);
    hold(
        &CHECK,
        [
            pass("code, status and data", error(400, id, -32022, data())),
            warn("200", error(200, id, -32022, data())).severity(Severity::Medium),
            warn("another id", error(400, "other", -32022, data())).severity(Severity::Medium),
            warn("the version is not repeated", error(400, id, -32022, json!({"supported":["2026-07-28"]}))),
            warn("no versions", error(400, id, -32022, json!({"supported":[],"requested":"1900-01-01"}))),
            warn("no data at all", sent(&|made| made.error(400, -32022, "no"))).severity(Severity::Medium),
            fail("served", sent(&|made| made.result(json!({"resultType":"complete"})))),
            fail("a bare 400", sent(&|made| made.status(400).body("text/plain", "Bad Request"))),
            fail("another code", sent(&|made| made.error(400, -32600, "Invalid Request"))),
            fail("a crash", sent(&|made| made.status(500).body("text/html", "oops"))),
            fail("the code of old drafts", error(400, id, -32004, data())).naming("draft"),
            undecided("lost", sent(&|made| made.failed(Phase::Head, FailureKind::HeaderTimeout))),
            undecided("401", status(401)),
            undecided("403", status(403)),
            undecided("429", status(429)),
            undecided("neither served nor refused", status(202)),
            undecided("not sent", Scan::modern()),
            undecided("the budget was spent", skipped).naming("budget"),
            undecided("the twin was not served", twin.with(made().twin(unserved).status(500))),
        ],
    );
}
