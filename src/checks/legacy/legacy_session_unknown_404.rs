//! A session that is not there is refused with 404, the signal to initialize again.

use crate::checks::prelude::*;
use crate::facts::{Outcome, handshake};

pub(super) static CHECK: Check = Check {
    id: "legacy-session-unknown-404",
    title: "Unknown and ended sessions are refused with 404",
    dimension: Dimension::D7,
    severity: Severity::High,
    level: Level::Must,
    applies: Applies::LEGACY,
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::LegacySessions]),
    basis: &[
        Basis {
            title: "MCP 2025-11-25, Transports, Session management, item 3",
            url: "https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#session-management",
        },
        Basis {
            title: "MCP conformance suite, server-session-lifecycle",
            url: "https://github.com/modelcontextprotocol/conformance",
        },
    ],
    rationale: "404 is how an agent learns that its session is gone and a new one is needed. A server that serves \
                any id does not check sessions at all, so an attacker may choose the id that a victim uses.",
    remediation: "Look the session up before anything else and answer an unknown or ended one with 404: with the \
                  TypeScript SDK keep a map from id to transport, delete in `onsessionclosed`, and answer a miss with \
                  `404 {\"jsonrpc\": \"2.0\", \"id\": null, \"error\": {\"code\": -32001, \"message\": \"Session not \
                  found\"}}`; the Python SDK's session manager and the Rust SDK's `LocalSessionManager` do it by \
                  themselves.",
    how: How {
        sent: "A call with a random session id; then with the id of a session that was deleted, if \
               DELETE was answered 2xx.",
        passes: "404 for both.",
        warns: "Another 4xx; or the deleted one is still served after a DELETE that was answered 202.",
        fails: "It is served, or met with a 5xx.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    if facts.session_shapes().is_empty() && handshake::read(facts).iter().any(|made| made.result().is_some())
    {
        return not_applicable("no session id is issued, so there is none to be unknown");
    }
    let mut seen = Observations::new();
    let mut missing = observe(facts, "unknown", "a session id that was never issued", &mut seen).err();
    let ended = was_ended(facts);
    if ended {
        let what = "the id of a session that was ended";
        missing = missing.or(observe(facts, "deleted", what, &mut seen).err());
    }
    let sound = if ended {
        "an unknown and an ended session get 404"
    } else {
        "an unknown session gets 404 (none could be ended, so an ended one was not tried)"
    };
    seen.verdict_despite(missing, sound)
}

/// Whether the server agreed to end the session whose id is tried again.
fn was_ended(facts: &Facts<'_>) -> bool {
    let refused = facts.step(ProbeId::LegacySessions, "delete", None).is_ok_and(|delete| !delete.ok());
    !refused && facts.step(ProbeId::LegacySessions, "deleted", None).is_ok()
}

fn observe(facts: &Facts<'_>, step: &str, what: &str, seen: &mut Observations) -> Result<(), Undecided> {
    let exchange = facts.negative(ProbeId::LegacySessions, step, Some(Era::Legacy))?;
    // The twin in a live session was served, so 401 and 403 are answers to the id.
    if !matches!(exchange.status(), Some(401 | 403)) {
        answered(exchange)?;
    }
    let Some(outcome) = Outcome::of(exchange, facts.reply(exchange)) else {
        return inconclusive("no complete answer came");
    };
    let at = Evidence::status(exchange);
    match outcome {
        // 202 to DELETE is a promise, not yet the deed (RFC 9110 section 15.3.3).
        Outcome::Served if step == "deleted" && promised(facts) => {
            seen.add(
                Status::Warn,
                at,
                "DELETE was accepted with 202, and the session was still served after it",
            );
        }
        Outcome::Served => seen.add(Status::Fail, at, format!("{what} is served")),
        Outcome::Nothing { .. } => return inconclusive("neither served nor refused"),
        _ if exchange.status() == Some(404) => seen.add(Status::Pass, at, "404"),
        other if exchange.status() >= Some(500) => {
            seen.add(Status::Fail, at, format!("{what} makes the server fail with {}", other.words()));
        }
        other => seen.add(Status::Warn, at, format!("{what} is refused with {}, not 404", other.words())),
    }
    Ok(())
}

fn promised(facts: &Facts<'_>) -> bool {
    let delete = facts.step(ProbeId::LegacySessions, "delete", None);
    delete.is_ok_and(|delete| delete.status() == Some(202))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::CHECK;
    use crate::checks::synthetic::{Made, Scan, post, request};
    use crate::finding::Finding;
    use crate::protocol::revision::Era;
    use crate::transcript::{Expectation, FailureKind, Phase, ProbeId};
    use crate::verdict::{Severity, Status};

    fn ping(step: &str) -> Made {
        let body = json!({"jsonrpc":"2.0","id":2,"method":"ping"});
        post(ProbeId::LegacySessions, step, Era::Legacy, body).in_session("~session-1~")
    }

    fn gone(made: Made) -> Made {
        made.status(404)
            .json(json!({"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Session not found"}}))
    }

    fn delete(status: u16) -> Made {
        let mut made = request("DELETE", ProbeId::LegacySessions, "delete").status(status);
        made.made.expectation = Expectation::Teardown;
        made
    }

    /// A live session, then an unknown one answered by `unknown`; then, if the DELETE is answered
    /// with this status, the ended one answered by `deleted`.
    fn judged(unknown: impl Fn(Made) -> Made, end: Option<u16>, deleted: impl Fn(Made) -> Made) -> Finding {
        let mut scan =
            Scan::legacy(true).with(ping("live").result(json!({}))).with(unknown(ping("unknown").negative()));
        if let Some(status) = end {
            scan = scan.with(delete(status)).with(deleted(ping("deleted").negative()));
        }
        scan.judge(&CHECK)
    }

    #[test]
    fn passes_with_404_to_both() {
        assert_eq!(judged(gone, Some(200), gone).status, Status::Pass);
        assert_eq!(judged(|made| made.status(404), Some(202), gone).status, Status::Pass);
    }

    #[test]
    fn passes_on_the_unknown_one_alone_where_delete_is_refused() {
        let finding = judged(gone, None, gone);
        assert_eq!(finding.status, Status::Pass);
        assert!(finding.message.contains("not tried"), "{}", finding.message);
        // No DELETE route: the session lives on by right.
        let alive = |made: Made| made.result(json!({}));
        assert_eq!(judged(gone, Some(404), alive).status, Status::Pass);
        assert_eq!(judged(gone, Some(405), alive).status, Status::Pass);
    }

    #[test]
    fn warns_of_other_refusals() {
        for status in [400, 401, 403, 410, 422] {
            assert_eq!(judged(|made| made.status(status), None, gone).status, Status::Warn, "{status}");
            let finding = judged(gone, Some(200), |made| made.error(status, -32000, "no valid session"));
            assert_eq!((finding.status, finding.severity), (Status::Warn, Severity::Medium), "{status}");
        }
        assert_eq!(judged(|made| made.error(200, -32001, "gone"), None, gone).status, Status::Warn);
    }

    #[test]
    fn warns_when_an_accepted_delete_takes_its_time() {
        assert_eq!(judged(gone, Some(202), |made| made.result(json!({}))).status, Status::Warn);
    }

    #[test]
    fn fails_when_served_or_crashing() {
        assert_eq!(judged(|made| made.result(json!({})), None, gone).status, Status::Fail);
        assert_eq!(judged(gone, Some(200), |made| made.result(json!({}))).status, Status::Fail);
        assert_eq!(judged(|made| made.status(500), None, gone).status, Status::Fail);
        // Whatever could not be seen beside it.
        let lost = |made: Made| made.failed(Phase::Head, FailureKind::HeaderTimeout);
        assert_eq!(judged(lost, Some(200), |made| made.result(json!({}))).status, Status::Fail);
    }

    #[test]
    fn undecided_when_not_answered_or_the_live_session_was_not_served() {
        let lost = |made: Made| made.failed(Phase::Head, FailureKind::HeaderTimeout);
        assert_eq!(judged(lost, None, gone).status, Status::Inconclusive);
        assert_eq!(judged(gone, Some(200), lost).status, Status::Inconclusive);
        assert_eq!(judged(|made| made.status(429), None, gone).status, Status::Inconclusive);
        assert_eq!(judged(|made| made.status(202), None, gone).status, Status::Inconclusive);
        let scan = Scan::legacy(true).with(ping("live").status(404));
        let live = scan.next_id() - 1;
        let scan = scan.with(gone(ping("unknown").negative().twin(live)));
        assert_eq!(scan.judge(&CHECK).status, Status::Inconclusive);
        assert_eq!(Scan::legacy(true).judge(&CHECK).status, Status::Inconclusive);
    }

    #[test]
    fn not_applicable_without_sessions_and_to_modern_endpoints() {
        assert_eq!(Scan::legacy(false).judge(&CHECK).status, Status::NotApplicable);
        assert_eq!(Scan::modern().judge(&CHECK).status, Status::NotApplicable);
    }
}
