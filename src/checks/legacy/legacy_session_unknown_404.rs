//! A session that is not there is refused with 404, the signal to initialize again.

use crate::checks::prelude::*;
use crate::facts::handshake;
use crate::facts::quote::quoted;
use crate::transcript::exchange::request_method;

pub(super) static CHECK: Check = Check {
    id: "legacy-session-unknown-404",
    title: "Unknown and ended sessions are refused with 404",
    dimension: Dimension::D7,
    severity: Severity::High,
    level: Level::Must,
    applies: Applies::LEGACY,
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::LegacySessions, ProbeId::Catalogue]),
    basis: &[
        mcp!("2025-11-25", "Transports, Session management, item 3", "basic/transports#session-management"),
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
    causes: &[],
    how: How {
        sent: "A call with a random session id; then with the id of a session that was deleted, if \
               DELETE was answered 2xx.",
        passes: "404 for both.",
        warns: "Another 4xx; or the deleted one is still served after a DELETE that was answered 202.",
        fails: "It is served, or met with a 5xx.",
    },
    judge,
};

// The twin in a live session was served, so 401 and 403 are answers to the id.
const WANTED: Refusal = Refusal { also: &[401, 403], crash: Status::Fail, ..Refusal::status(404) };

fn judge(facts: &Facts<'_>) -> Judgement {
    if facts.session_shapes().is_empty() && handshake::read(facts).iter().any(|made| made.result().is_some())
    {
        return not_applicable("no session id is issued, so there is none to be unknown");
    }
    // The same call in a live session met the same gate: a scope or a credential is missing, and no session.
    for step in ["unknown", "deleted"] {
        let Ok(exchange) = facts.step(ProbeId::LegacySessions, step, None) else { continue };
        let alike = facts.of(ProbeId::Catalogue).any(|other| {
            other.status() == exchange.status() && request_method(other) == request_method(exchange)
        });
        if alike && matches!(exchange.status(), Some(401 | 403)) {
            return inconclusive(format!("a live session is refused alike{}", quoted(exchange)));
        }
    }
    // Clients read the status, and at the least a JSON-RPC error: with neither they go on as if nothing were lost.
    let hidden = |_: &Exchange, outcome: &Outcome<'_>| match outcome {
        Outcome::Error { status: 200..=299, error, .. } if error.code.is_none() => {
            Some((Status::Fail, format!("is answered with {}, which no client can read", outcome.words())))
        }
        _ => None,
    };
    let cases = Cases::of(facts, ProbeId::LegacySessions, Era::Legacy).refused_but(
        "unknown",
        "a session id that was never issued",
        WANTED,
        hidden,
    );
    let delete = facts.step(ProbeId::LegacySessions, "delete", None).ok();
    if !cases.sent("deleted") || delete.is_some_and(|delete| !delete.ok()) {
        return cases
            .verdict("an unknown session gets 404 (none could be ended, so an ended one was not tried)");
    }
    // 202 to DELETE is a promise, not yet the deed (RFC 9110 section 15.3.3).
    let promised = delete.is_some_and(|delete| delete.status() == Some(202));
    let late = |exchange: &Exchange, outcome: &Outcome<'_>| {
        let text = "is still served after a DELETE that was accepted with 202";
        let late = promised && *outcome == Outcome::Served;
        late.then(|| (Status::Warn, text.to_owned())).or_else(|| hidden(exchange, outcome))
    };
    cases
        .refused_but("deleted", "the id of a session that was ended", WANTED, late)
        .verdict("an unknown and an ended session get 404")
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let ping = |step| {
        post(ProbeId::LegacySessions, step, Era::Legacy, json!({"jsonrpc":"2.0","id":2,"method":"ping"}))
            .in_session("~session-1~")
    };
    let gone = |made: Made| made.status(404).json(json!({"error":"Session not found"}));
    let alive = |made: Made| made.result(json!({}));
    let lost = |made: Made| made.failed(Phase::Head, FailureKind::HeaderTimeout);
    let no = |status| move |made: Made| made.error(status, -32000, "no valid session");
    let live = || Scan::legacy(true).with(alive(ping("live")));
    let unknown = |answer: &dyn Fn(Made) -> Made| live().with(answer(ping("unknown").negative()));
    let ended = |first: &dyn Fn(Made) -> Made, status, then: &dyn Fn(Made) -> Made| {
        let delete = request("DELETE", ProbeId::LegacySessions, "delete").teardown().status(status);
        unknown(first).with(delete).with(then(ping("deleted").negative()))
    };
    let dead = Scan::legacy(true).with(ping("live").status(404));
    let twin = dead.next_id() - 1;
    hold(
        &CHECK,
        [
            pass("both get 404", ended(&gone, 200, &gone)),
            pass("a bare 404", ended(&|made| made.status(404), 202, &gone)),
            pass("none could be ended", unknown(&gone)).naming("not tried"),
            pass("no DELETE route: it lives on by right", ended(&gone, 405, &alive)),
            pass("an unknown DELETE route", ended(&gone, 404, &alive)),
            warn("400", unknown(&|made| made.status(400))),
            warn("401 after a live twin", unknown(&|made| made.status(401))),
            warn("403 after a live twin", unknown(&|made| made.status(403))),
            warn("410", unknown(&|made| made.status(410))),
            warn("422", unknown(&|made| made.status(422))),
            warn("an error with 200", unknown(&|made| made.error(200, -32001, "gone"))),
            warn("the ended one gets 400", ended(&gone, 200, &no(400))).severity(Severity::Medium),
            warn("the ended one gets 401", ended(&gone, 200, &no(401))),
            warn("the ended one gets 403", ended(&gone, 200, &no(403))),
            warn("the ended one gets 410", ended(&gone, 200, &no(410))),
            warn("the ended one gets 422", ended(&gone, 200, &no(422))),
            warn("an accepted DELETE takes its time", ended(&gone, 202, &alive)),
            fail("it is served", unknown(&alive)),
            fail("the ended one is served", ended(&gone, 200, &alive)),
            fail("it crashes", unknown(&|made| made.status(500))),
            fail("whatever could not be seen beside it", ended(&lost, 200, &alive)),
            undecided("no answer", unknown(&lost)),
            undecided("the ended one was not answered", ended(&gone, 200, &lost)),
            undecided("rate limited", unknown(&|made| made.status(429))),
            undecided("neither served nor refused", unknown(&|made| made.status(202))),
            undecided(
                "a live session was not served",
                dead.with(gone(ping("unknown").negative().twin(twin))),
            ),
            undecided("nothing was sent", Scan::legacy(true)),
            not_applicable("no sessions", Scan::legacy(false)),
        ],
    );
}
